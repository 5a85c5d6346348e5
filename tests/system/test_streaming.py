# SPDX-License-Identifier: Apache-2.0
"""Routes that aren't judged: both bodies stream through. That each side holds the other back is for
test_endurance.py to say."""

import hashlib

import pytest

from support.bodies import CREATE, PROJECT
from support.contract import check_refusal, exchange_id, post_create
from support.http import Broken, request_bytes
from support.waiting import wait_for

ECHO = f"/v1/{PROJECT}/echo"
BIG = f"/v1/{PROJECT}/big"


@pytest.mark.parametrize("size", [0, 1, 16384, 100000, 20000000])
@pytest.mark.parametrize("chunked", ["", "&chunked=1"])
def test_answers_of_every_size(gateway, token, size, chunked):
    with gateway.connect() as client:
        for _ in range(2):
            answer = client.request("GET", f"{BIG}?bytes={size}{chunked}", None, {"X-Auth-Token": token})
            assert answer.status == 200 and len(answer.body) == size
            assert answer.header("X-Body-Sha256") == hashlib.sha256(answer.body).hexdigest()
            assert exchange_id(answer)


@pytest.mark.parametrize("size", [0, 1, 70000, 5000000])
@pytest.mark.parametrize("chunked", [False, True])
def test_requests_of_every_size(gateway, cloud, token, size, chunked):
    body = bytes(i * 7 % 251 for i in range(min(size, 5000))) * (size // 5000 + 1)
    body = body[:size]
    headers = {"X-Auth-Token": token, "Content-Type": "application/octet-stream"}
    with gateway.connect() as client:
        if chunked:
            client.send(request_bytes("POST", ECHO, None, {**headers, "Transfer-Encoding": "chunked"}))
            for at in range(0, size, 9999):
                part = body[at:at + 9999]
                client.send(b"%x\r\n" % len(part) + part + b"\r\n")
            client.send(b"0\r\n\r\n")
            answer = client.read_answer()
        else:
            answer = client.request("POST", ECHO, body, headers)
    assert answer.json["bytes"] == size and answer.json["sha256"] == hashlib.sha256(body).hexdigest()
    outcome = gateway.wait_outcome(exchange_id(answer))
    assert outcome["class"] == "other" and outcome["outcome"] == "done" and outcome["status"] == 200


def test_a_request_over_the_limit_is_refused(gateway, cloud, token):
    headers = {"X-Auth-Token": token, "Content-Length": str(12 * 1024 * 1024 + 1)}
    with gateway.connect() as client:
        client.send(request_bytes("POST", ECHO, None, headers))
        check_refusal(client.read_answer(), 413, "http.body_too_large")
    assert [r for r in cloud.requests() if r.complete] == []


def test_a_request_at_the_limit(gateway_factory, token):
    gateway = gateway_factory(settings={"limits": {"stream_body": "1MB"}})
    assert gateway.request("POST", ECHO, b"x" * 1048576, {"X-Auth-Token": token}).json["bytes"] == 1048576
    check_refusal(gateway.request("POST", ECHO, b"x" * 1048577, {"X-Auth-Token": token}), 413)


def test_heads_of_reads(gateway, token):
    answer = gateway.request("HEAD", CREATE, None, {"X-Auth-Token": token})
    assert answer.status == 200 and answer.body == b""


def test_methods_and_escapes_pass_as_received(gateway, cloud, token):
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS"):
        target = f"/v1/{PROJECT}/models/a%2Fb%20c?q=%2e%2e&x"
        body = b"{}" if method in ("PUT", "PATCH") else None
        answer = gateway.request(method, target, body, {"X-Auth-Token": token})
        assert answer.status == 200 and answer.json["target"] == target, (method, answer)
    assert {r.method for r in cloud.requests()} == {"GET", "PUT", "PATCH", "DELETE", "OPTIONS"}


def test_routes_can_be_refused(gateway_factory, cloud, token):
    gateway = gateway_factory(settings={"routes": {"other": "pass", "refuse": ["POST /v2/*/training-jobs"]}})
    headers = {"X-Auth-Token": token}
    for target in ("/v2/p/training-jobs", "/v2/p/training-jobs/", "/v2/p/%74raining-jobs", "/v2/p/Training-Jobs"):
        answer = gateway.request("POST", target, b"{}", headers)
        assert answer.status in (400, 403), answer
        check_refusal(answer, answer.status)
    assert cloud.requests() == []
    assert gateway.request("GET", "/v2/p/training-jobs", None, headers).status == 200
    assert gateway.request("POST", "/v2/p/training-jobs-x", b"{}", headers).status == 200


def test_all_other_routes_can_be_refused(gateway_factory, cloud, token):
    gateway = gateway_factory(settings={"routes": {"other": "refuse"}})
    check_refusal(gateway.request("GET", ECHO, None, {"X-Auth-Token": token}), 403, "route.refused")
    assert cloud.requests() == []
    assert gateway.request("GET", CREATE, None, {"X-Auth-Token": token}).status == 200


def test_a_broken_answer_is_seen_as_broken(gateway, cloud, token):
    cloud.fault("cut_length", "GET *")
    with gateway.connect() as client, pytest.raises((Broken, ConnectionResetError)):
        answer = client.request("GET", ECHO, None, {"X-Auth-Token": token})
        assert answer.status == 502, answer
        raise Broken("told in time")


def test_an_early_answer_reaches_a_client_that_still_sends(gateway, cloud, token):
    cloud.fault("answer_early", "POST *")
    with gateway.connect() as client:
        client.send(request_bytes("POST", ECHO, None, {"X-Auth-Token": token, "Content-Length": "5000000"}))
        answer = client.read_answer()
    assert answer.status == 413 and answer.json == {"error_code": "early"}


def test_compressed_answers_stream_as_they_are(gateway, cloud, token):
    cloud.fault("gzip", "GET *")
    answer = gateway.request("GET", ECHO, None, {"X-Auth-Token": token, "Accept-Encoding": "gzip"})
    assert answer.header("Content-Encoding") == "gzip" and answer.body[:2] == b"\x1f\x8b"
    assert cloud.requests()[0].header("accept-encoding") == "gzip"


def test_tls_to_clients(gateway_factory, pki, token):
    gateway = gateway_factory(settings={"listen": [
        {"address": "127.0.0.1:0"},
        {"address": "127.0.0.1:0", "tls": {"certificate": pki.certificate("gateway"), "key": pki.key("gateway")}}]})
    assert len(gateway.addresses) == 2
    with gateway.connect(1, ca=pki.ca) as client:
        for _ in range(2):
            answer = client.request("GET", f"{BIG}?bytes=3000000", None, {"X-Auth-Token": token})
            assert hashlib.sha256(answer.body).hexdigest() == answer.header("X-Body-Sha256")
    assert gateway.request("GET", ECHO, None, {"X-Auth-Token": token}).status == 200


def test_client_certificates_can_be_required(gateway_factory, pki, token):
    import ssl
    gateway = gateway_factory(settings={"listen": [
        {"address": "127.0.0.1:0", "tls": {"certificate": pki.certificate("gateway"), "key": pki.key("gateway"),
                                           "client_ca": pki.ca}}]})
    with gateway.connect(ca=pki.ca, client=(pki.certificate("client"), pki.key("client"))) as client:
        assert client.request("GET", ECHO, None, {"X-Auth-Token": token}).status == 200
    with pytest.raises((ssl.SSLError, ConnectionResetError, Broken, BrokenPipeError)):
        with gateway.connect(ca=pki.ca) as client:
            client.request("GET", ECHO, None, {"X-Auth-Token": token})


def test_a_long_answer_outlives_the_time_of_a_judged_call(gateway_factory, cloud, token):
    """upstream.timeouts.total is for judged calls: a download takes as long as its reader, step by step, needs."""
    gateway = gateway_factory(settings={"upstream": {"timeouts": {"total": "3s"}}})
    cloud.fault("hang", "POST *")
    with gateway.connect() as client:
        client.send(request_bytes("GET", f"/v1/{PROJECT}/big?bytes=50000000", None, {"X-Auth-Token": token}))
        wait_for(lambda: len(cloud.requests("GET")) == 1, "the read to be under way")
        check_refusal(post_create(gateway, token), 502, "outcome.unknown")  # three seconds later
        assert len(client.read_answer().body) == 50000000
