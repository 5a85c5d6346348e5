# SPDX-License-Identifier: Apache-2.0
"""Clients and clouds that do what they should not, as real ones do: whoever behaves is served all the while."""

import threading

import pytest

from support.bodies import CREATE, PROJECT, compact, create_body
from support.contract import check_refusal, exchange_id, post_create
from support.http import request_bytes
from support.memory import FREES, peak_kb
from support.waiting import wait_for

ECHO = f"/v1/{PROJECT}/echo"
HEADERS = {"X-Auth-Token": "t"}


def check_serves(gateway, token):
    assert gateway.request("GET", ECHO, None, {"X-Auth-Token": token}).status == 200


def wait_no_connections(gateway):
    wait_for(lambda: gateway.metrics()["postern_connections"] == 0, "the end of all client connections")


def test_a_request_may_be_split_anywhere(gateway, cloud, token):
    """The gateway turns its loop between the two parts, which another request on its only worker shows."""
    body = compact(create_body())
    read = request_bytes("GET", f"{ECHO}/abc?d=e", None, HEADERS)
    chunked = (f"POST {ECHO} HTTP/1.1\r\nHost: g\r\nX-Auth-Token: t\r\nContent-Type: application/json\r\n"
               "Transfer-Encoding: chunked\r\n\r\n").encode()
    chunked += b"5;x=y\r\n%b\r\n%x\r\n%b\r\n0\r\nX: y\r\n\r\n" % (body[:5], len(body) - 5, body[5:])
    with gateway.connect() as other, gateway.connect() as client:
        for request in (read, chunked):
            for at in range(1, len(request)):
                client.send(request[:at])
                assert other.request("GET", ECHO, None, HEADERS).status == 200
                client.send(request[at:])
                answer = client.read_answer()
                assert answer.status == 200, (at, answer)
                if request is read:
                    assert answer.json["target"] == f"{ECHO}/abc?d=e", at
                else:
                    assert answer.json["bytes"] == len(body), at


@pytest.mark.parametrize("size", [976, 1024, 2000, 4048, 4096, 8000])
def test_a_target_that_ends_with_a_read(gateway, cloud, size):
    target = ECHO + "?" + "u" * (size - len(f"GET {ECHO}?"))
    rest = target + "v" * 100
    with gateway.connect() as other, gateway.connect() as client:
        client.send(f"GET {target}".encode())
        assert other.request("GET", ECHO, None, HEADERS).status == 200
        client.send(b"v" * 100 + b" HTTP/1.1\r\nHost: g\r\nX-Auth-Token: t\r\n\r\n")
        assert client.read_answer().json["target"] == rest


def test_one_byte_at_a_time(gateway, cloud, token):
    request = request_bytes("POST", CREATE, compact(create_body()), {"X-Auth-Token": token})
    with gateway.connect() as client:
        for byte in request:
            client.send(bytes([byte]))
        assert client.read_answer().status == 200
    assert cloud.creates()[0].body == compact(create_body())


def test_many_who_send_half_a_head(gateway, token):
    clients = [gateway.connect() for _ in range(100)]
    for number, client in enumerate(clients):
        client.send(request_bytes("POST", CREATE, compact(create_body()), {"X-Auth-Token": token})[:number * 3 + 1])
    for _ in range(20):
        check_serves(gateway, token)
    for number, client in enumerate(clients):
        client.reset() if number % 2 else client.close()
    wait_no_connections(gateway)


def test_half_close_behind_a_request_is_answered(gateway, cloud, token):
    with gateway.connect() as client:
        client.send(request_bytes("GET", f"/v1/{PROJECT}/big?bytes=300000", None, {"X-Auth-Token": token}))
        client.half_close()
        assert len(client.read_answer().body) == 300000
        client.expect_end()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_closes_behind_what_was_sent(gateway, cloud, token, how):
    """Requests that nobody waits for any more, whole ones and others."""
    create = request_bytes("POST", CREATE, b"%b", {"X-Auth-Token": token})
    for number in range(40):
        body = compact(create_body(name=f"n{number}"))
        whole = create.replace(b"Content-Length: 2", b"Content-Length: %d" % len(body)).replace(b"%b", body)
        with gateway.connect() as client:
            client.send(whole if number % 2 else whole[:-1 - number])
            if how == "reset":
                client.reset()
    wait_no_connections(gateway)
    check_serves(gateway, token)
    journal = gateway.wait_journal(lambda j: not j.open and len(j.events("intent")) == len(cloud.creates()), "the outcomes")
    names = {request.json["name"] for request in cloud.creates()}
    assert names <= {f"n{number}" for number in range(1, 40, 2)}, "none that was not whole"
    assert len(names) == len(cloud.creates())
    assert {line["outcome"] for line in journal.events("outcome")} <= {"created"}


CUTS = {
    # name: fields of the head, the bytes of the body
    "within a length": ("Content-Length: 1000000\r\n", b"x" * 500000),
    "a byte before the end": ("Content-Length: 1000\r\n", b"x" * 999),
    "within a chunk": ("Transfer-Encoding: chunked\r\n", b"ffff\r\nx"),
    "behind a chunk": ("Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n"),
    "before the last line": ("Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n"),
    "within a trailer": ("Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\nX: y"),
    "within a chunk's size": ("Transfer-Encoding: chunked\r\n", b"5"),
}


@pytest.mark.parametrize("how", ["close", "reset", "half_close"])
def test_closes_within_a_body(gateway, cloud, token, how):
    """A body that is cut never looks whole to the cloud."""
    for name, (fields, body) in CUTS.items():
        for path in (ECHO, CREATE):
            head = f"POST {path} HTTP/1.1\r\nHost: g\r\nX-Auth-Token: {token}\r\nContent-Type: application/json\r\n{fields}\r\n"
            if path == CREATE:
                body = body.replace(b"x" * 500000, b"x" * 1000)
                head = head.replace("1000000", "2000")
            with gateway.connect() as client:
                client.send(head.encode() + body)
                getattr(client, how)()
                if how == "half_close":
                    client.read_end()
    wait_no_connections(gateway)

    def all_are_idle():
        metrics = gateway.metrics()
        return metrics["postern_upstream_connections"] == metrics["postern_upstream_idle"]
    wait_for(all_are_idle, "the end of what was begun")
    check_serves(gateway, token)
    whole = [request for request in cloud.requests() if request.complete]
    assert [request.method for request in whole] == ["GET"], whole
    assert cloud.creates() == [], "of a judged request nothing is sent before it is whole"


def test_a_bad_chunk_behind_good_ones(gateway, cloud, token):
    head = f"POST {ECHO} HTTP/1.1\r\nHost: g\r\nX-Auth-Token: {token}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with gateway.connect() as client:
        client.send(head + b"10000\r\n" + b"x" * 65536 + b"\r\n" + b"5\r\nhello")
        client.send(b"GET /smuggled HTTP/1.1\r\n\r\n")
        check_refusal(client.read_answer(), 400, "http.bad_body")
        client.expect_end()
    check_serves(gateway, token)
    assert [request.target for request in cloud.requests() if request.complete] == [ECHO]
    assert not [request for request in cloud.requests() if "smuggled" in request.target]


def test_pipelines_and_does_not_read(gateway_factory, cloud, token):
    """100 MB of answers for somebody who reads them late: they wait in the cloud, not in the gateway."""
    gateway = gateway_factory(settings={"limits": {"write_timeout": "5m"}}, env=FREES)
    count = 1000
    check_serves(gateway, token)
    before = peak_kb(gateway)
    requests = b"".join(request_bytes("GET", f"/v1/{PROJECT}/big?bytes={100000 + n}", None, {"X-Auth-Token": token})
                        for n in range(count))
    with gateway.connect() as client:
        sender = threading.Thread(target=client.send, args=(requests,))
        sender.start()
        for _ in range(50):
            check_serves(gateway, token)
        for number in range(count):
            assert len(client.read_answer().body) == 100000 + number
        sender.join(20)
        assert not sender.is_alive()
    assert peak_kb(gateway) - before < 32 * 1024


def bomb(text):
    """A create body with text as the value of a member more."""
    return compact(create_body(zz="@")).replace(b'"@"', text)


_AS_IS = compact(create_body())
BOMBS = {
    # name: body, reason
    "arrays": (bomb(b"[" * 100000 + b"]" * 100000), "json.too_deep"),
    "arrays that don't end": (bomb(b"[" * 200000), "json.too_deep"),
    "objects": (bomb(b'{"a":' * 30000 + b"1" + b"}" * 30000), "json.too_deep"),
    "only brackets": (b"[" * 262144, "json.too_deep"),
    "arrays and objects": (bomb(b'[{"a":' * 20000 + b"1" + b"}]" * 20000), "json.too_deep"),
    "65 deep": (bomb(b"[" * 64 + b"]" * 64), "json.too_deep"),
    "empty arrays": (bomb(b"[" + b"[]," * 50000 + b"[]]"), "json.too_many_members"),
    "empty objects": (bomb(b"[" + b"{}," * 50000 + b"{}]"), "json.too_many_members"),
    "numbers": (bomb(b"[" + b"0," * 100000 + b"0]"), "json.too_many_members"),
    "members": (bomb(b"{" + b",".join(b'"%x":0' % n for n in range(20000)) + b"}"), "json.too_many_members"),
    "a member twice": (_AS_IS[:-1] + b',"name":"nb-2"}', "json.duplicate_member"),
    "a member twice, equal": (_AS_IS[:-1] + b',"name":"nb-1"}', "json.duplicate_member"),
    "a member twice, escaped": (_AS_IS[:-1] + b',"n\\u0061me":"nb-2"}', "json.duplicate_member"),
    "a member twice, escaped in capitals": (_AS_IS[:-1] + b',"n\\u006De":"x","\\u006E\\u0061\\u006D\\u0065":"y"}',
                                            "json.duplicate_member"),
    "a member twice, within": (_AS_IS.replace(b'"enable":true', b'"enable":true,"enable":false'), "json.duplicate_member"),
    "a member twice, deep in what is unknown": (bomb(b'[[{"a":{"b":1,"c":2,"b":3}}]]'), "json.duplicate_member"),
    "an empty name twice": (bomb(b'{"":1,"":2}'), "json.duplicate_member"),
    "the same member 5,000 times": (bomb(b"{" + b",".join([b'"a":0'] * 5000) + b"}"), "json.duplicate_member"),
    "a surrogate twice": (bomb(b'{"\\ud83d\\ude00":1,"\xf0\x9f\x98\x80":2}'), "json.duplicate_member"),
}


@pytest.mark.parametrize("unknown", ["refuse", "pass"])
def test_bombs_of_json(gateway_factory, cloud, token, unknown):
    gateway = gateway_factory(settings={"requests": {"unknown_fields": unknown}}, env=FREES)
    check_serves(gateway, token)
    before = peak_kb(gateway)
    with gateway.connect() as client:
        for name, (body, code) in BOMBS.items():
            assert len(body) <= 262144, name
            answer = client.request("POST", CREATE, body, {"X-Auth-Token": token})
            assert answer.status == 400, (name, answer)
            assert [reason["code"] for reason in answer.json["reasons"]] == [code], (name, answer)
    assert cloud.creates() == []
    assert peak_kb(gateway) - before < 32 * 1024
    gateway.wait_journal(lambda j: len(j.events("refusal")) == len(BOMBS), "all refusals")
    assert post_create(gateway, token).status == 200


# What the cloud does, beside the list in test_faults.py.

@pytest.mark.parametrize("how", ["100 and the end", "100 and half a head", "103, then another length"])
def test_an_interim_answer_and_no_other(gateway, cloud, token, how):
    text = {"100 and the end": "HTTP/1.1 100 Continue\r\n\r\n",
            "100 and half a head": "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-",
            "103, then another length": "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n"
                                        "Content-Length: 100\r\n\r\n{\"id\":\"x\"}"}[how]
    cloud.fault("garbage", "POST *", bytes=text)
    answer = post_create(gateway, token)
    check_refusal(answer, 502, "outcome.unknown")
    assert gateway.wait_outcome(exchange_id(answer))["outcome"] == "unknown"
    assert len(cloud.creates()) == 1


@pytest.mark.parametrize("status", [401, 403, 429])
def test_refused_once_and_allowed_the_next_time(gateway, cloud, token, status):
    """The gateway repeats nothing by itself; the caller may."""
    cloud.fault("status", "POST *", status=status, body='{"error_code":"APIG.0307"}')
    with gateway.connect() as client:
        answers = [client.request("POST", CREATE, compact(create_body()), {"X-Auth-Token": token}) for _ in range(2)]
        assert [answer.status for answer in answers] == [status, 200]
    assert answers[0].header("Retry-After") is None and answers[0].json == {"error_code": "APIG.0307"}
    assert len(cloud.creates()) == 2
    outcomes = [gateway.wait_outcome(exchange_id(answer)) for answer in answers]
    assert [line["outcome"] for line in outcomes] == ["failed", "created"]
    assert outcomes[0]["error_code"] == "APIG.0307" and outcomes[0]["status"] == status


def test_a_cloud_that_restarts(gateway, cloud, token):
    """Idle connections that the cloud has lost, many at once."""
    clients = [gateway.connect() for _ in range(10)]
    for turn in range(10):
        for client in clients:
            client.send(request_bytes("GET", ECHO, None, {"X-Auth-Token": token}))
        assert [client.read_answer().status for client in clients] == [200] * len(clients)
        cloud.control("POST", "/hangup")
        answer = post_create(gateway, token, create_body(name=f"n{turn}"))
        assert answer.status == 200, answer
    for client in clients:
        client.close()
    assert len(cloud.instances()) == len(cloud.creates()) == 10
