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


@pytest.fixture
def call(connect):
    """Calls on one connection, with a token: the answer."""
    client = connect()
    return lambda method, target, body=None: client.request(method, target, body, AUTH)


def code_of(answer):
    """What a failure says, without its prefix; None if it is none."""
    return answer.json.get("error_code", "").removeprefix("ModelArts.") or None if answer.body else None


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


def test_update_takes_auto_stop_in_either_place(call, cloud):
    one = CREATE + "/" + call("POST", CREATE, create_body()).json["id"]

    def put(body):
        answer = call("PUT", one, body)
        rule = answer.json["spec"]["auto_stop"] if answer.status == 200 else {}
        return code_of(answer) or (rule["enable"], rule["duration"])

    assert put({"description": "d", "spec": {"auto_stop": {"enable": False}}}) == (False, 3600)
    assert put({"auto_stop": {"duration": 7200}}) == (False, 7200), "the rest is as stored"
    assert put({"auto_stop": {"enable": True}}) == (True, 7200)
    both = {"auto_stop": {"enable": False}, "spec": {"auto_stop": {"enable": True, "duration": 3600}}}
    assert put(both) == (True, 3600)
    cloud.reading(auto_stop="top")
    assert put(both) == (False, 3600)
    for bad, code in (({"auto_stop": []}, "6332"), ({"spec": 1}, "6332"), ({"auto_stop": {"duration": 1}}, "6349"),
                      ({"auto_stop": {"enable": 1}}, "6332"), ({"description": "/"}, "6334"), ([], "6400")):
        assert put(bad) == code, bad
    assert put({}) == (False, 3600), "what is refused changes nothing"
    assert call("GET", one).json["description"] == "d" and call("GET", one + "/token").json["token"]


def test_a_start_obeys_the_stored_auto_stop(call, cloud):
    one = CREATE + "/" + call("POST", CREATE, create_body()).json["id"]
    cloud.advance(5)
    call("PUT", one, {"auto_stop": {"enable": False}})
    cloud.advance(3600)
    assert call("GET", one).json["status"] == "STOPPED", "an update takes effect at the next start"
    assert call("POST", one + "/action", {"action": "start"}).status == 200
    cloud.advance(1000000)
    assert call("GET", one).json["status"] == "RUNNING"


def test_extended_storage_is_kept(call, cloud):
    more = [{"type": "obsfs", "location": {"path": "bucket-b", "mount_path": "/home/ma-user/work"}}]
    made = call("POST", CREATE, create_body(spec__extend_storage=more, spec__storage=more[0])).json
    assert made["spec"]["extend_storage"] == more and made["spec"]["storage"] == more[0]
    assert [(s["place"], s["type"], s["path"]) for s in cloud.ledger()[0]["storages"]] == [
        ("storage", "obsfs", "bucket-b"), ("extend_storage", "obsfs", "bucket-b")]
    for bad, code in ((more[0], "6332"), (["x"], "6332"), ([{"type": "tape"}], "6324")):
        assert code_of(call("POST", CREATE, create_body(name="b", spec__extend_storage=bad))) == code


def test_the_ledger_tells_what_the_cloud_believes(call, cloud):
    one = CREATE + "/" + call("POST", CREATE, create_body(pool={"id": "p", "owner": {"project_id": "q"}})).json["id"]
    call("GET", CREATE)
    assert call("POST", CREATE, create_body()).status == 400
    call("PUT", one, {"auto_stop": {"enable": False}})
    first, second = cloud.ledger()
    assert {name: first[name] for name in first if name not in ("instance", "name", "description", "time_ms")} == {
        "seq": 1, "family": "demanager", "call": "create", "project": PROJECT, "request_seq": 1, "status": "CREATING",
        "flavor": "modelarts.vm.cpu.2u", "image": "Multi-Engine 1.0 (python3)-cpu", "auto_stop_ms": 3600000,
        "auto_stop_type": "TIMING", "workspace": "0", "pool": {"id": "p", "owner": {"project_id": "q"}},
        "storages": [{"place": "storage", "type": "obs", "path": "/team-a/nb-1/", "size": None}],
        "custom_spec": None, "hooks": None, "endpoints": None}
    assert (second["seq"], second["call"], second["request_seq"], second["auto_stop_ms"]) == (2, "update", 4, -1)
    cloud.clear_ledger()
    cloud.advance(5)
    call("POST", one + "/action", {"action": "stop"})
    cloud.advance(2)
    call("DELETE", one)
    stop, delete = cloud.ledger()
    assert (stop["seq"], stop["call"], stop["status"]) == (3, "stop", "STOPPING")
    assert (delete["call"], delete["status"], delete["instance"]) == ("delete", "DELETED", one.rsplit("/", 1)[1])


FLAVOR = "modelarts.vm.cpu."
DOUBLED = compact(create_body()).replace(b'"flavor":"' + FLAVOR.encode() + b'2u"',
                                         b'"flavor":"%s2u","fl\\u0061vor":"%s8u"' % ((FLAVOR.encode(),) * 2))
INNER = compact(create_body()).replace(
    b'"auto_stop":{"enable":true,"duration":3600}',
    b'"auto_stop":{"enable":true,"duration":3600,"a":[{"duration":1},[],{}," }\\"]"],"duration" : 7200}')
FOLDED = compact(create_body()).replace(b'"spec":', b'"Flavor":"%s8u","SPEC":{"storage":1},"spec":' % FLAVOR.encode())


@pytest.mark.parametrize("how, body, seen", [
    ({}, DOUBLED, ("8u", 3600)), ({"duplicates": "last"}, DOUBLED, ("8u", 3600)),
    ({"duplicates": "first"}, DOUBLED, ("2u", 3600)), ({"duplicates": "reject"}, DOUBLED, "6400"),
    ({}, INNER, ("2u", 7200)), ({"duplicates": "first"}, INNER, ("2u", 3600)),
    ({"duplicates": "reject"}, INNER, "6400"),
    ({}, FOLDED, ("2u", 3600)), ({"case": "fold"}, FOLDED, ("8u", 3600)),
    ({"case": "fold", "duplicates": "first"}, FOLDED, "6332"),
    ({"case": "fold", "duplicates": "reject"}, FOLDED, "6400"), ({"duplicates": "first"}, b"{", "6400"),
    ({"duplicates": "reject", "case": "fold"}, compact(create_body()), ("2u", 3600)),
], ids=str)
def test_bodies_are_read_as_told(call, cloud, how, body, seen):
    cloud.reading(**how)
    answer = call("POST", CREATE, body)
    assert (code_of(answer) or (answer.json["flavor"].removeprefix(FLAVOR),
                                answer.json["spec"]["auto_stop"]["duration"])) == seen


@pytest.mark.parametrize("value", ['{}', '[]', '[ ]', '{ "a" : [ { } , [ ] , "\\\\" , "\\"" ] }',
                                   '[1,-2.5e3,true,null]', '"\\u00e9\\ud83d\\ude00"',
                                   '{"\\u0062":{"c":{}}}', '"a,b]}"'])
def test_every_reading_means_the_same_where_nothing_is_ambiguous(call, cloud, value):
    body = compact(create_body()).replace(b'"description":""', b'"description":"","workspace":{"id":"0","x":%s}'
                                          % value.encode()).replace(b',"workspace":{"id":"0"}}', b'}')
    for number, duplicates in enumerate(("last", "first", "reject")):
        cloud.reading(duplicates=duplicates, case="exact" if duplicates == "last" else "fold")
        made = call("POST", CREATE, body.replace(b"nb-1", b"nb-%d" % number))
        assert made.json["workspace"] == {"id": "0", "x": json.loads(value)}


def test_readings_are_checked(cloud):
    for bad in ({"duplicates": "both"}, {"duplicates": 1}, {"duplicate": "last"}):
        with Client("127.0.0.1", cloud.control_port) as client:
            assert client.request("POST", "/reading", bad).status == 400


def test_requests_can_be_left_unrecorded(cloud_factory, pki):
    cloud = cloud_factory(record=False, max_instances=0, plain=True)
    with Client("127.0.0.1", cloud.port) as client:
        for number in range(20):
            client.request("POST", CREATE, create_body(name=f"n{number}"), AUTH)
        assert cloud.requests() == [] and cloud.stats()["requests"] == 20
        assert len(cloud.instances()) == 20, "no limit"
        cloud.record(True)
        client.request("GET", CREATE, None, AUTH)
        cloud.record(False)
        client.request("GET", CREATE, None, AUTH)
    assert [request.seq for request in cloud.requests()] == [21], "counted through, and nothing left over"
    assert cloud.ledger()[19]["request_seq"] == 20


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
