# SPDX-License-Identifier: Apache-2.0
"""The stand-in cloud itself: what it checks, how it lives by its clock, and that each fault is what it says."""

import gzip
import hashlib
import json
import ssl

import pytest

from support.bodies import CREATE, PROJECT, compact, create_body
from support.http import Broken, Client, request_bytes
from support.waiting import wait_for

AUTH = {"X-Auth-Token": "t"}


@pytest.fixture
def connect(cloud, pki):
    """A connection straight to the cloud."""
    open_ones = []

    def make(port=None):
        tls = ssl.create_default_context(cafile=pki.ca)
        client = Client("127.0.0.1", port or cloud.port, tls)
        open_ones.append(client)
        return client
    yield make
    for client in open_ones:
        client.close()


def test_create_answers_with_the_documented_instance(connect, cloud):
    answer = connect().request("POST", CREATE, create_body(), AUTH)
    assert answer.status == 200
    instance = answer.json
    assert list(instance) == sorted(instance)
    assert instance["id"].startswith("DE-") and instance["status"] == "CREATING"
    assert instance["creation_timestamp"] == "1767225600000"
    assert instance["spec"]["auto_stop"] == {"duration": 3600, "enable": True, "prompt": True}
    assert cloud.instances()[0]["instance"]["id"] == instance["id"]


BAD_BODIES = [
    ("not JSON", b"{", "6400"),
    ("an array", b"[]", "6400"),
    ("name missing", create_body(without=["name"]), "6335"),
    ("name a number", create_body(name=1), "6332"),
    ("name with a blank", create_body(name="a b"), "6334"),
    ("description with a slash", create_body(description="a/b"), "6334"),
    ("profile missing", create_body(without=["profile_id"]), "6335"),
    ("flavor missing", create_body(without=["flavor"]), "6335"),
    ("flavor unknown", create_body(flavor="modelarts.vm.none"), "6323"),
    ("spec missing", create_body(without=["spec"]), "6335"),
    ("storage missing", create_body(without=["spec__storage"]), "6316"),
    ("storage type unknown", create_body(spec__storage__type="tape"), "6324"),
    ("path missing", create_body(without=["spec__storage__location__path"]), "6317"),
    ("path without slash", create_body(spec__storage__location__path="/team-a/x"), "6318"),
    ("path is the bucket", create_body(spec__storage__location__path="/team-a/"), "6358"),
    ("volume too small", create_body(spec__storage={"type": "evs", "location": {"volume_size": 4}}), "6331"),
    ("duration missing", create_body(spec__auto_stop={"enable": True}), "6348"),
    ("duration too small", create_body(spec__auto_stop={"enable": True, "duration": 3599}), "6349"),
    ("duration too large", create_body(spec__auto_stop={"enable": True, "duration": 86401}), "6349"),
    ("enable a text", create_body(spec__auto_stop={"enable": "true"}), "6332"),
]


@pytest.mark.parametrize("body, code", [row[1:] for row in BAD_BODIES], ids=[row[0] for row in BAD_BODIES])
def test_create_is_checked(connect, cloud, body, code):
    answer = connect().request("POST", CREATE, body, AUTH)
    assert answer.status == 400
    assert list(answer.json) == ["error_message", "error_code"]
    assert answer.json["error_code"] == f"ModelArts.{code}"
    assert cloud.instances() == []


def test_names_are_unique_and_instances_counted(cloud_factory, pki):
    cloud = cloud_factory(max_instances=2)
    tls = ssl.create_default_context(cafile=pki.ca)
    with Client("127.0.0.1", cloud.port, tls) as client:
        codes = [client.request("POST", CREATE, create_body(name=name), AUTH).json.get("error_code")
                 for name in ("a", "a", "b", "c")]
    assert codes == [None, "ModelArts.6301", None, "ModelArts.6302"]


def test_life_by_the_clock(connect, cloud):
    client = connect()
    one = CREATE + "/" + client.request("POST", CREATE, create_body(), AUTH).json["id"]

    def status():
        return client.request("GET", one, None, AUTH).json["status"]

    def act(verb):
        answer = client.request("POST", one + "/action", {"action": verb}, AUTH).json
        return answer.get("error_code") or answer["current_status"]

    assert act("stop") == "ModelArts.6306"
    assert client.request("DELETE", one, None, AUTH).json["error_code"] == "ModelArts.6304"
    cloud.advance(5)
    assert status() == "RUNNING" and act("start") == "ModelArts.6305"
    running = client.request("GET", one, None, AUTH).json["spec"]["auto_stop"]
    assert running["stop_timestamp"] == 1767225605000 + 3600000 and running["remain_time"] == 3600
    cloud.advance(3599)
    assert status() == "RUNNING"
    cloud.advance(1)
    assert status() == "STOPPED" and act("stop") == "ModelArts.6307"
    assert act("start") == "STARTING" and act("start") == "ModelArts.6306"
    cloud.advance(3)
    assert act("restart") == "RESTARTING"
    cloud.advance(3)
    assert act("stop") == "STOPPING" and act("stop") == "ModelArts.6308"
    cloud.advance(2)
    assert client.request("DELETE", one, None, AUTH).json == {"instance_id": one.rsplit("/", 1)[1]}
    assert client.request("GET", one, None, AUTH).json["error_code"] == "ModelArts.6309"


def test_update_changes_auto_stop_and_description(connect):
    client = connect()
    one = CREATE + "/" + client.request("POST", CREATE, create_body(), AUTH).json["id"]
    answer = client.request("PUT", one, {"description": "d", "spec": {"auto_stop": {"enable": False}}}, AUTH)
    assert answer.json["description"] == "d" and answer.json["spec"]["auto_stop"]["enable"] is False
    answer = client.request("PUT", one, {"auto_stop": {"enable": True, "duration": 7200}}, AUTH)
    assert answer.json["spec"]["auto_stop"]["enable"] is False, "a misplaced auto_stop is ignored"
    assert client.request("GET", one + "/token", None, AUTH).json["token"]


def test_lists_are_filtered(connect, cloud):
    client = connect()
    for name in ("a", "b", "c"):
        client.request("POST", CREATE, create_body(name=name), AUTH)
    page = client.request("GET", CREATE + "?de_type=Notebook&offset=1&limit=1", None, AUTH).json
    assert page["total_count"] == 3 and [i["name"] for i in page["instances"]] == ["b"]
    assert client.request("GET", CREATE + "?status=RUNNING", None, AUTH).json["total_count"] == 0
    assert client.request("GET", CREATE + "?sortby=flavor", None, AUTH).json["error_code"] == "ModelArts.6303"
    assert client.request("GET", "/v1/other/demanager/instances", None, AUTH).json["total_count"] == 0
    rows = cloud.instances()
    rows[0]["instance"]["user"]["id"] = "somebody-else"
    cloud.preset(rows)
    assert client.request("GET", CREATE, None, AUTH).json["total_count"] == 2
    assert client.request("GET", CREATE + "?show_self=false", None, AUTH).json["total_count"] == 3


def test_notebooks_family(connect, cloud):
    client = connect()
    base = f"/v1/{PROJECT}/notebooks"
    made = client.request("POST", base, {"name": "n", "flavor": "f"}, AUTH)
    assert made.status == 201
    cloud.advance(10)
    one = f"{base}/{made.json['id']}"
    assert client.request("GET", one, None, AUTH).json["status"] == "RUNNING"
    assert client.request("GET", base, None, AUTH).json["total"] == 1
    assert client.request("GET", one + "/lease", None, AUTH).json["duration"] == 3600000
    assert client.request("POST", one + "/stop", None, AUTH).json["status"] == "STOPPING"
    assert client.request("DELETE", one, None, AUTH).status == 200
    assert client.request("GET", one, None, AUTH).json["error_code"] == "ModelArts.6404"


def test_the_front_door(connect):
    answer = connect().request("GET", CREATE)
    assert answer.status == 401 and answer.json["error_code"] == "APIG.0301"
    assert connect().request("GET", CREATE, None, {"X-Auth-Token": "x" * 32769}).status == 494
    assert connect().request("GET", CREATE, None, {"X-Auth-Token": "x" * 20000}).status == 200
    assert connect().request("GET", CREATE, None, {"Authorization": "SDK-HMAC-SHA256 a"}).status == 200


def test_requests_are_recorded_byte_by_byte(connect, cloud):
    raw = request_bytes("POST", CREATE, compact(create_body()), {**AUTH, "X-Odd": "two  blanks"})
    chunked = (b"POST /v1/p/echo HTTP/1.1\r\nHost: h\r\nX-Auth-Token: t\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"5;x=y\r\nhello\r\n0\r\n\r\n").replace(b";x=y", b"")
    client = connect()
    client.send(raw + chunked)  # pipelined
    client.read_answer()
    assert client.read_answer().json == {"target": "/v1/p/echo", "bytes": 5,
                                         "sha256": hashlib.sha256(b"hello").hexdigest()}
    first, second = cloud.requests()
    assert first.head + first.raw_body == raw and first.body == compact(create_body())
    assert second.head + second.raw_body == chunked and second.body == b"hello"
    assert first.connection == second.connection and second.seq == first.seq + 1
    cloud.forget()
    assert cloud.requests() == []


@pytest.mark.parametrize("more", ["", "&chunked=1"])
def test_long_answers(connect, more):
    client = connect()
    answer = client.request("GET", f"/v1/p/big?bytes=3000001{more}", None, AUTH)
    assert len(answer.body) == 3000001
    assert answer.header("X-Body-Sha256") == hashlib.sha256(answer.body).hexdigest()
    assert client.request("GET", CREATE, None, AUTH).status == 200


def fault_answer(cloud, connect, kind, **options):
    cloud.fault(kind, "POST */instances", **options)
    client = connect()
    client.send(request_bytes("POST", CREATE, create_body(), AUTH))
    return client, client.read_answer


@pytest.mark.parametrize("kind, execute", [("reset", True), ("reset", False), ("reset_head", None)])
def test_resets(cloud_factory, kind, execute):
    cloud = cloud_factory(plain=True)  # over TLS Python does not tell a reset from an end
    cloud.fault(kind, **({} if execute is None else {"execute": execute}))
    with Client("127.0.0.1", cloud.port) as client, pytest.raises(ConnectionResetError):
        client.request("POST", CREATE, create_body(), AUTH)
    assert len(cloud.instances()) == (1 if execute else 0)
    assert cloud.requests()[0].complete == (kind == "reset")


def test_reset_before_the_handshake(cloud, connect):
    cloud.fault("reset_accept")
    with pytest.raises((ConnectionResetError, ssl.SSLError)):
        connect()
    assert connect().request("GET", CREATE, None, AUTH).status == 200


@pytest.mark.parametrize("kind", ["close", "close_head", "garbage", "cut_head", "cut_length", "cut_chunk",
                                  "two_lengths", "length_and_chunked"])
def test_answers_that_are_none(cloud, connect, kind):
    _, read = fault_answer(cloud, connect, kind)
    with pytest.raises(Broken):
        read()
    assert len(cloud.instances()) == (0 if kind == "close_head" else 1)


def test_an_answer_without_length_ends_with_the_connection(cloud, connect):
    client, _ = fault_answer(cloud, connect, "no_length")
    data = client.read_end()
    assert b"Content-Length" not in data and json.loads(data.split(b"\r\n\r\n", 1)[1])["id"]


def test_statuses(cloud, connect):
    _, read = fault_answer(cloud, connect, "status", status=307, body="", headers={"Location": "https://x/"})
    answer = read()
    assert (answer.status, answer.body, answer.header("location")) == (307, b"", "https://x/")
    assert cloud.instances() == []


def test_other_ids(cloud, connect):
    assert "id" not in fault_answer(cloud, connect, "other_id")[1]().json
    cloud.preset([])
    assert fault_answer(cloud, connect, "other_id", id="DE-1")[1]().json["id"] == "DE-1"


def test_close_after_an_answer(cloud, connect):
    client, read = fault_answer(cloud, connect, "close_after")
    assert read().header("connection") is None
    client.expect_end()


def test_extra_bytes_then_the_connection_goes_on(cloud, connect):
    client, read = fault_answer(cloud, connect, "extra")
    assert read().status == 200
    assert client.read_answer().json == {"id": "bad"}
    assert client.request("GET", CREATE, None, AUTH).status == 200


def test_drip_interim_and_huge_header(cloud, connect):
    assert fault_answer(cloud, connect, "drip")[1]().status == 200
    interim = []
    cloud.fault("interim")
    client = connect()
    client.send(request_bytes("GET", CREATE, None, AUTH))
    assert client.read_answer(interim=interim).status == 200 and interim == [100, 103]
    cloud.fault("huge_header", bytes=70000)
    assert len(client.request("GET", CREATE, None, AUTH).header("x-huge")) == 70000


def test_gzip(cloud, connect):
    _, read = fault_answer(cloud, connect, "gzip")
    answer = read()
    assert answer.header("content-encoding") == "gzip"
    assert json.loads(gzip.decompress(answer.body))["id"]


def test_early_answer(cloud, connect):
    cloud.fault("answer_early")
    client = connect()
    client.send(request_bytes("POST", CREATE, None, {**AUTH, "Content-Length": "1000"}))
    assert client.read_answer().status == 413


def test_slow_until_released(cloud, connect):
    _, read = fault_answer(cloud, connect, "slow")
    cloud.wait_held()
    assert len(cloud.instances()) == 1
    assert cloud.release()["released"] == 1
    assert read().status == 200
    assert fault_answer(cloud, connect, "slow", ms=1)[1]().status == 400, "the name is taken"


def test_hang_ends_with_the_client(cloud, connect):
    client, _ = fault_answer(cloud, connect, "hang")
    client.close()
    assert connect().request("GET", CREATE, None, AUTH).json["total_count"] == 1


def test_stall_stops_reading(cloud, connect):
    cloud.fault("stall")
    client = connect()
    client.send(request_bytes("POST", "/v1/p/echo", None, {**AUTH, "Content-Length": "5"}))
    wait_for(lambda: cloud.stats()["stalled"], "the stall")
    client.send(b"hello")
    assert cloud.requests() == []
    assert cloud.release()["stalled"] == 1
    assert client.read_answer().json["bytes"] == 5


def test_poke_and_hangup(cloud, connect):
    client = connect()
    assert client.request("GET", CREATE, None, AUTH).status == 200
    poked = cloud.control("POST", "/poke", {"bytes": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"})
    assert poked == {"connections": 1}
    assert client.read_answer().status == 200
    assert cloud.control("POST", "/hangup") == {"connections": 1}
    client.expect_end()


def test_a_fault_strikes_as_often_as_it_was_asked(cloud, connect):
    cloud.fault("status", count=2, status=503)
    client = connect()
    assert [client.request("GET", CREATE, None, AUTH).status for _ in range(3)] == [503, 503, 200]
    cloud.fault("status", count=9)
    cloud.control("DELETE", "/fault")
    assert client.request("GET", CREATE, None, AUTH).status == 200


def test_bad_certificate_port_and_resumption(cloud_factory, pki):
    cloud = cloud_factory(bad="wrong-host")
    tls = ssl.create_default_context(cafile=pki.ca)
    with pytest.raises(ssl.SSLCertVerificationError):
        Client("127.0.0.1", cloud.bad_port, tls)
    with Client("127.0.0.1", cloud.port, tls) as client:
        client.request("GET", CREATE, None, AUTH)
    stats = cloud.stats()
    assert stats["handshakes"] == 1 and stats["resumed"] == 0


def test_term_ends_it_well(cloud):
    assert cloud.stop() == 0
