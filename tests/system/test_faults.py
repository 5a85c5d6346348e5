# SPDX-License-Identifier: Apache-2.0
"""Every way in which the cloud can fail: what the caller is told, what the journal says, and that nothing is done
twice."""

import socket

import pytest

from support.bodies import CREATE, PROJECT, compact, create_body
from support.contract import check_refusal, exchange_id, post_create
from support.http import request_bytes
from support.waiting import wait_for

LOST = (502, "outcome.unknown", "unknown", "closed")
MALFORMED = (502, "outcome.unknown", "unknown", "malformed")
ECHO = f"/v1/{PROJECT}/echo"

# name: fault, its options, then (status, reason code or None where the cloud's own answer comes, outcome, and its
# error)
CREATES = {
    "reset at the head": ("reset_head", {}, LOST),
    "close at the head": ("close_head", {}, LOST),
    "reset, done": ("reset", {}, LOST),
    "reset, not done": ("reset", {"execute": False}, LOST),
    "close, done": ("close", {}, LOST),
    "close, not done": ("close", {"execute": False}, LOST),
    "dropped": ("close", {"end": "drop"}, LOST),
    "garbage": ("garbage", {}, MALFORMED),
    "head cut": ("cut_head", {}, LOST),
    "head cut, reset": ("cut_head", {"end": "reset"}, LOST),
    "body cut": ("cut_length", {}, LOST),
    "body cut, dropped": ("cut_length", {"end": "drop"}, LOST),
    "body cut, reset": ("cut_length", {"end": "reset"}, LOST),
    "between chunks": ("cut_chunk", {}, LOST),
    "within a chunk": ("cut_chunk", {"inside": True}, LOST),
    "no length, dropped": ("no_length", {"end": "drop"}, LOST),
    "no length, closed": ("no_length", {}, (200, None, "created")),
    "two lengths": ("two_lengths", {}, MALFORMED),
    "length and chunked": ("length_and_chunked", {}, MALFORMED),
    "500": ("status", {"status": 500}, (500, None, "unknown")),
    "500 without body": ("status", {"status": 500, "body": ""}, (500, None, "unknown")),
    "502": ("status", {"status": 502, "body": "<html>bad gateway</html>"}, (502, None, "unknown")),
    "503": ("status", {"status": 503, "headers": {"Retry-After": "1"}}, (503, None, "unknown")),
    "504": ("status", {"status": 504, "body": ""}, (504, None, "unknown")),
    "307": ("status", {"status": 307, "body": "", "headers": {"Location": "https://elsewhere.example/"}},
            (307, None, "unknown")),
    "302": ("status", {"status": 302, "body": "", "headers": {"Location": "/"}}, (302, None, "unknown")),
    "408": ("status", {"status": 408}, (408, None, "unknown")),
    "429": ("status", {"status": 429, "headers": {"Retry-After": "1"}}, (429, None, "failed")),
    "401": ("status", {"status": 401}, (401, None, "failed")),
    "404": ("status", {"status": 404, "body": ""}, (404, None, "failed")),
    "200 without body": ("status", {"status": 200, "body": ""}, (200, None, "unknown")),
    "204": ("status", {"status": 204, "body": ""}, (204, None, "unknown")),
    "200, not JSON": ("status", {"status": 200, "body": "welcome"}, (200, None, "unknown")),
    "200, id a number": ("status", {"status": 200, "body": '{"id":1}'}, (200, None, "unknown")),
    "200, id empty": ("status", {"status": 200, "body": '{"id":""}'}, (200, None, "unknown")),
    "200, two ids": ("status", {"status": 200, "body": '{"id":"a","id":"b"}'}, (200, None, "unknown")),
    "200 without id": ("other_id", {}, (200, None, "unknown")),
    "closed behind": ("close_after", {}, (200, None, "created")),
    "closed behind, reset": ("close_after", {"end": "drop"}, (200, None, "created")),
    "more behind": ("extra", {}, (200, None, "created")),
    "one byte at a time": ("drip", {}, (200, None, "created")),
    "100 and 103 first": ("interim", {}, (200, None, "created")),
    "packed": ("gzip", {}, (200, None, "unknown")),
    "a large header": ("huge_header", {"bytes": 20000}, (200, None, "created")),
    "a huge header": ("huge_header", {"bytes": 100000}, MALFORMED),
    "an early 413": ("answer_early", {}, (413, None, "failed")),
    "101": ("garbage", {"bytes": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"}, MALFORMED),
    "two digits": ("garbage", {"bytes": "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"}, MALFORMED),
    "no status": ("garbage", {"bytes": "HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n"}, MALFORMED),
    "HTTP/2.0": ("garbage", {"bytes": "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"}, MALFORMED),
    "negative length": ("garbage", {"bytes": "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}"}, MALFORMED),
    "overflowing chunk": ("garbage", {"bytes": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                               "10000000000000005\r\n{\"id\"\r\n0\r\n\r\n"}, MALFORMED),
    "another coding": ("garbage", {"bytes": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
                                            "2\r\n{}\r\n0\r\n\r\n"}, MALFORMED),
    "folded": ("garbage", {"bytes": "HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}"}, MALFORMED),
    "blank before the colon": ("garbage", {"bytes": "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}"}, MALFORMED),
    "1xx for ever": ("garbage", {"bytes": "HTTP/1.1 100 Continue\r\n\r\n" * 200}, MALFORMED),
}


@pytest.mark.parametrize("name", list(CREATES))
def test_create(gateway, cloud, token, name):
    kind, options, (status, code, outcome, *error) = CREATES[name]
    cloud.fault(kind, "POST *", **options)
    answer = post_create(gateway, token)
    assert answer.status == status, answer
    if code is None:
        assert exchange_id(answer) and answer.header("Postern-Decision") is None
        for header, value in options.get("headers", {}).items():
            assert answer.header(header) == value
        if "body" in options:
            assert answer.body.decode() == options["body"]
    else:
        check_refusal(answer, status, code)
    line = gateway.wait_outcome(exchange_id(answer))
    assert (line["outcome"], line.get("error")) == (outcome, error[0] if error else None), line
    assert line.get("status") == (None if code else status)
    assert [reason["code"] for reason in line.get("reasons", [])] == ([code] if code else [])
    assert [x["event"] for x in gateway.journal().of(exchange_id(answer))] == ["intent", "outcome"]
    assert len(cloud.creates()) == 1, "sent once and never again"
    again = gateway.request("GET", CREATE, None, {"X-Auth-Token": token})
    assert again.status == 200 and "instances" in again.json, "the next call is not harmed"
    gateway.journal().assert_settled()


def test_a_known_id_is_unknown(gateway, cloud, token):
    made = post_create(gateway, token).json["id"]
    cloud.fault("other_id", "POST *", id=made)
    answer = post_create(gateway, token, create_body(name="nb-2"))
    assert answer.status == 200 and answer.json["id"] == made
    assert gateway.wait_outcome(exchange_id(answer))["outcome"] == "unknown"


SHORT = {"upstream": {"timeouts": {"connect": "1s", "tls": "1s", "send": "1s", "first_byte": "500ms", "idle": "500ms",
                                   "total": "2s"}}}


def test_no_answer_in_time(gateway_factory, cloud, token):
    gateway = gateway_factory(settings=SHORT)
    cloud.fault("hang", "POST *")
    cloud.fault("hang", "GET */echo")  # not the list that tells what came of the create
    answer = post_create(gateway, token)
    check_refusal(answer, 502, "outcome.unknown")
    assert gateway.wait_outcome(exchange_id(answer))["outcome"] == "unknown"
    assert len(cloud.creates()) == 1
    check_refusal(gateway.request("GET", ECHO, None, {"X-Auth-Token": token}), 504, "upstream.timeout")


def test_an_answer_that_stops_in_the_middle(gateway_factory, cloud, token):
    gateway = gateway_factory(settings=SHORT)
    cloud.fault("cut_length", end="keep")
    answer = post_create(gateway, token)
    check_refusal(answer, 502, "outcome.unknown")
    assert len(cloud.creates()) == 1


def test_a_reset_before_the_handshake_sends_nothing(gateway, cloud, token):
    cloud.fault("reset_accept", count=50)
    answer = post_create(gateway, token)
    check_refusal(answer, 503, "upstream.unreachable")
    assert gateway.wait_outcome(exchange_id(answer))["outcome"] == "refused"
    assert cloud.creates() == []
    cloud.control("DELETE", "/fault")
    assert post_create(gateway, token).status == 200


@pytest.mark.parametrize("certificate", ["wrong-host", "expired", "unknown-ca"])
def test_a_cloud_that_is_not_the_cloud(gateway_factory, cloud_factory, token, certificate):
    cloud = cloud_factory(certificate=certificate)
    gateway = gateway_factory(url=cloud.url)
    answer = post_create(gateway, token)
    check_refusal(answer, 503, "upstream.unreachable")
    outcome = gateway.wait_outcome(exchange_id(answer))
    assert outcome["outcome"] == "refused" and outcome["error"]
    read = gateway.request("GET", ECHO, None, {"X-Auth-Token": token})
    check_refusal(read, 503, "upstream.unreachable")
    assert cloud.requests() == []


def test_nobody_listens(gateway_factory, token):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gateway = gateway_factory(url=f"https://127.0.0.1:{closed.getsockname()[1]}")
        answer = post_create(gateway, token)
        check_refusal(answer, 503, "upstream.unreachable")
        assert gateway.wait_outcome(exchange_id(answer))["outcome"] == "refused"


def test_somebody_listens_and_never_speaks(gateway_factory, token):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        gateway = gateway_factory(settings=SHORT, url=f"https://127.0.0.1:{silent.getsockname()[1]}")
        answer = post_create(gateway, token)
        check_refusal(answer, 503, "upstream.unreachable")
        assert gateway.wait_outcome(exchange_id(answer))["outcome"] == "refused"


def test_the_name_is_looked_up(gateway_factory, cloud, token):
    gateway = gateway_factory(url=f"https://localhost:{cloud.port}")
    assert post_create(gateway, token).status == 200
    assert cloud.creates()[0].header("host") == f"localhost:{cloud.port}"


READS = {
    "reset": ("reset", {"count": 9}, 502), "close": ("close", {"count": 9}, 502),
    "garbage": ("garbage", {"count": 9}, 502), "head cut": ("cut_head", {"count": 9}, 502), "two lengths": ("two_lengths", {"count": 9}, 502),
    "500": ("status", {"status": 500}, 500), "307": ("status", {"status": 307, "body": ""}, 307),
    "drip": ("drip", {}, 200), "interim": ("interim", {}, 200), "close after": ("close_after", {}, 200),
    "extra": ("extra", {}, 200), "no length": ("no_length", {}, 200),
}


@pytest.mark.parametrize("name", list(READS))
def test_read(gateway, cloud, token, name):
    kind, options, status = READS[name]
    cloud.fault(kind, "GET *", **options)
    headers = {"X-Auth-Token": token}
    with gateway.connect() as client:
        answer = client.request("GET", ECHO, None, headers)
        assert answer.status == status, answer
        if status == 502:
            check_refusal(answer, 502, "upstream.broken")
        cloud.control("DELETE", "/fault")
        answer = client.request("GET", ECHO, None, headers)
        assert answer.status == 200 and answer.json["target"] == ECHO


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_a_release_that_breaks_is_unknown(gateway, cloud, token, kind):
    cloud.fault(kind, "DELETE *", count=5)
    answer = gateway.request("DELETE", f"{CREATE}/DE-1", None, {"X-Auth-Token": token})
    check_refusal(answer, 502)
    outcome = gateway.wait_outcome(exchange_id(answer))
    assert outcome["outcome"] == "unknown" and outcome["operation"] == "demanager.delete"


def test_idle_connections_that_the_cloud_closed_are_not_used(gateway, cloud, token):
    headers = {"X-Auth-Token": token}
    assert gateway.request("GET", ECHO, None, headers).status == 200
    assert cloud.control("POST", "/hangup")["connections"] == 1
    wait_for(lambda: cloud.stats()["open"] == 0, "the end of the connection")
    gateway.status("/healthz")
    assert gateway.request("GET", ECHO, None, headers).status == 200
    assert post_create(gateway, token).status == 200


def test_a_create_never_goes_on_a_connection_that_the_cloud_has_just_closed(gateway, cloud, token):
    headers = {"X-Auth-Token": token}
    with gateway.connect() as client:
        for number in range(30):
            assert client.request("GET", ECHO, None, headers).status == 200
            assert cloud.control("POST", "/hangup")["connections"] == 1
            answer = client.request("POST", CREATE, compact(create_body(name=f"n{number}")), headers)
            assert answer.status == 200, answer
    assert len(cloud.instances()) == 30


def test_bytes_on_an_idle_connection_answer_nobody(gateway, cloud, token):
    headers = {"X-Auth-Token": token}
    assert gateway.request("GET", ECHO, None, headers).status == 200
    cloud.control("POST", "/poke", {"bytes": "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"id\":\"bad\"}"})
    gateway.status("/healthz")
    answer = gateway.request("GET", ECHO, None, headers)
    assert answer.status == 200 and answer.json["target"] == ECHO
    assert post_create(gateway, token).json["id"] != "bad"


def test_connections_are_used_again(gateway, cloud, token):
    headers = {"X-Auth-Token": token}
    with gateway.connect() as client:
        for number in range(10):
            assert client.request("GET", ECHO, None, headers).status == 200
            assert client.request("POST", CREATE, compact(create_body(name=f"n{number}")), headers).status == 200
    assert cloud.stats()["accepted"] == 1


def test_sessions_are_resumed(gateway, cloud, token):
    headers = {"X-Auth-Token": token}
    for _ in range(3):
        assert gateway.request("GET", ECHO, None, headers).status == 200
        cloud.control("POST", "/hangup")
        wait_for(lambda: cloud.stats()["open"] == 0, "the end of the connection")
    assert cloud.stats()["resumed"] >= 1


def test_two_creates_wait_for_their_own_answers(gateway, cloud, token):
    cloud.fault("slow", "POST *", count=2)
    headers = {"X-Auth-Token": token}
    with gateway.connect() as one, gateway.connect() as two:
        one.send(request_bytes("POST", CREATE, compact(create_body(name="one")), headers))
        two.send(request_bytes("POST", CREATE, compact(create_body(name="two")), headers))
        cloud.wait_held(2)
        cloud.release()
        assert (one.read_answer().json["name"], two.read_answer().json["name"]) == ("one", "two")
