# SPDX-License-Identifier: Apache-2.0
"""The door itself: what belongs to one hop stays on it, and what HTTP/1.1 allows works as it says."""

import pytest

from support.bodies import CREATE, PROJECT, compact, create_body
from support.contract import check_refusal, check_sent, post_create
from support.http import request_bytes
from support.strict import check_strict

ECHO = f"/v1/{PROJECT}/echo"
BODY = compact(create_body())


@pytest.mark.parametrize("path", [ECHO, CREATE], ids=["streamed", "judged"])
def test_100_continue_is_ours_to_say(gateway, cloud, token, path):
    request = request_bytes("POST", path, BODY, {"X-Auth-Token": token, "Expect": "100-Continue"})
    head, _, body = request.partition(b"\r\n\r\n")
    with gateway.connect() as client:
        for _ in range(2):
            cloud.preset([])
            client.send(head + b"\r\n\r\n")
            assert client._line() == b"HTTP/1.1 100 Continue" and client._line() == b""
            client.send(body)
            assert client.read_answer().status == 200
    for received in cloud.requests():
        assert "expect" not in check_strict(received, f"127.0.0.1:{cloud.port}", path == CREATE)
        assert received.body == BODY


@pytest.mark.parametrize("headers, status, code", [
    ({"Content-Type": "text/plain"}, 415, "request.media_type"), ({"Content-Length": "99999999"}, 413,
        "http.body_too_large"),
    ({"X-Project-Id": "x"}, 403, "identity.project_mismatch"), ({"X-Auth-Token": ""}, 401, "identity.missing"),
])
def test_no_100_continue_for_the_refused(gateway, cloud, token, headers, status, code):
    """A client that waits must not send, and what one sends all the same is no request."""
    fields = {"X-Auth-Token": token, "Expect": "100-continue", "Content-Length": str(len(BODY)),
              "Content-Type": "application/json", **headers}
    with gateway.connect() as client:
        client.send(request_bytes("POST", CREATE, None, fields))
        answer = client.read_answer()
        check_refusal(answer, status, code)
        assert answer.header("connection") == "close"
        client.send(request_bytes("GET", f"{ECHO}/smuggled", None, {"X-Auth-Token": token}))
        client.expect_end()
    assert cloud.requests() == []


HEADS = [
    # target, headers more, status
    (CREATE, {}, 200), (ECHO, {}, 200), (f"/v1/{PROJECT}/big?bytes=100000", {}, 200),
        (f"/v1/{PROJECT}/big?bytes=5&chunked=1", {}, 200),
    (f"{CREATE}/DE-none", {}, 400), (f"{CREATE}/x/y/z", {}, 403), (f"/{ECHO}", {}, 400), (ECHO, {"X-Project-Id": "a",
        "X-project-id": "b"}, 400),
    (CREATE, {"X-Project-Id": "a"}, 403), (ECHO, {"Postern-Dry-Run": "true"}, 400),
    (ECHO, {"Authorization": "SDK-HMAC-SHA256 x"}, 200), (ECHO, {"Authorization": "Basic x"}, 400),
]


def test_heads_have_no_body(gateway, token):
    """Each is followed by a request on the same connection, which finds its own answer."""
    with gateway.connect() as client:
        for number, (target, headers, status) in enumerate(HEADS):
            fields = {"X-Auth-Token": token, **headers}
            client.send(request_bytes("HEAD", target, None, fields)
                        + request_bytes("GET", f"{ECHO}/{number}", None, {"X-Auth-Token": token}))
            answer = client.read_answer("HEAD")
            assert answer.status == status, (target, answer)
            assert client.read_answer().json["target"] == f"{ECHO}/{number}"


@pytest.mark.parametrize("head", [b"HEAD / HTTP/1.1\r\n\r\n", b"HEAD / HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\n\r\nx",
                                  b"HEAD /x#y HTTP/1.1\r\nHost: g\r\n\r\n", b"HEAD / HTTP/1.1\r\nHost: g\r\nX : y\r\n\r\n",
                                  b"HEAD / HTTP/1.1\nHost: g\n\n"])
def test_broken_heads_have_no_body(gateway, head):
    with gateway.connect() as client:
        client.send(head)
        assert client.read_answer("HEAD").status == 400
        client.expect_end()


def test_half_close_behind_a_create_is_answered(gateway, cloud, token):
    with gateway.connect() as client:
        client.send(request_bytes("POST", CREATE, BODY, {"X-Auth-Token": token}))
        client.half_close()
        answer = client.read_answer()
        client.expect_end()
    assert answer.status == 200
    check_sent(cloud, gateway, answer)


def test_a_client_of_http_1_0_gets_no_chunks(gateway, token):
    with gateway.connect() as client:
        client.send(f"GET /v1/{PROJECT}/big?bytes=50000&chunked=1 HTTP/1.0\r\nX-Auth-Token: {token}\r\n"
                    "Connection: keep-alive\r\n\r\n".encode())
        head, _, body = client.read_end().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and b"\r\nConnection: close" in head
    assert b"transfer-encoding" not in head.lower() and b"content-length" not in head.lower()
    assert len(body) == 50000


HOP = {"Connection": "X-Kept, keep-alive", "Keep-Alive": "timeout=1", "Proxy-Connection": "close",
    "Proxy-Authenticate": "Basic", "TE": "trailers",
       "Trailer": "X-Kept", "Upgrade": "h2c", "Postern-Id": "0" * 32, "postern-decision": "allow", "POSTERN-Warning": "x"}


@pytest.mark.parametrize("judged", [False, True], ids=["streamed", "judged"])
def test_answers_lose_what_is_the_other_hop_s(gateway, cloud, token, judged):
    """And nothing because Connection says so."""
    cloud.fault("status", "*", status=200, headers={**HOP, "X-Kept": "1", "Set-Cookie": "a=b"}, body='{"id":"DE-1"}')
    answer = post_create(gateway, token) if judged else gateway.request("GET", ECHO, None, {"X-Auth-Token": token})
    assert answer.status == 200 and answer.header("X-Kept") == "1" and answer.header("Set-Cookie") == "a=b"
    names = {name.lower() for name, _ in answer.fields}
    assert names & {name.lower() for name in HOP} <= {"postern-id"}, answer.fields
    assert answer.header("Postern-Id") != "0" * 32


def test_releases_go_on_as_strictly(gateway, cloud, token):
    """A stop's body is read for its verb, and it streams on: with what streams take along, and nothing else."""
    made = post_create(gateway, token).json["id"]

    def arrived():  # the gateway reads lists itself, to learn what came of the stop
        return [received for received in cloud.requests() if received.target.startswith(f"{CREATE}/{made}")]
    cloud.advance(5)
    cloud.forget()
    hidden = [("X-Forwarded-For", "x"), ("X-User-Id", "x"), ("Cookie", "x"), ("Connection", "x-auth-token"),
        ("X-HTTP-Method-Override", "PUT"),
              ("TE", "trailers"), ("Via", "x"), ("X-Original-URL", "/x"), ("Postern-Id", "x")]
    shown = [("X-Auth-Token", token), ("Accept-Encoding", "gzip"), ("X-Language", "en-us")]
    stop = f"{CREATE}/{made}/action"
    for headers, status in (([("Content-Encoding", "gzip")], 415), ([("Content-Type", "text/plain")], 415),
        ([("X-Auth-Token", "x")], 400),
                            ([("X-Domain-Id", "a"), ("X-Domain-Id", "b")], 400), ([("X-Project-Id", "x")], 403)):
        check_refusal(gateway.request("POST", stop, b'{"action":"stop"}', shown + headers), status)
    check_refusal(gateway.request("POST", f"{stop}?action=start", b'{"action":"stop"}', shown), 400, "request.unread_query")
    assert arrived() == []
    assert gateway.request("POST", stop, b'{"action":"stop"}', shown + hidden).status == 200
    cloud.advance(5)
    assert gateway.request("DELETE", f"{CREATE}/{made}", None, shown + hidden).status == 200
    for received in arrived():
        fields = check_strict(received, f"127.0.0.1:{cloud.port}")
        assert set(fields) - {"content-length", "content-type"} == {"host", "x-auth-token", "accept-encoding", "x-language"}
    assert [received.method for received in arrived()] == ["POST", "DELETE"]
