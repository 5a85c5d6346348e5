# SPDX-License-Identifier: Apache-2.0
"""Requests that somebody behind the gateway could read another way than the gateway does: none gets through."""

import json

import pytest

from support.bodies import CREATE, PROJECT, compact, create_body
from support.contract import check_refusal
from support.http import request_bytes

JSON = ("Content-Type", "application/json")
STOP = b'{"action":"stop"}'
ACTION = f"{CREATE}/DE-1/action"

# name: method, target, further headers, body, status, code
ATTACKS = {
    "two projects": ("POST", CREATE, [JSON, ("X-Project-Id", PROJECT), ("X-Project-Id", "b")], None, 400,
                     "identity.ambiguous"),
    "another project": ("POST", CREATE, [JSON, ("X-Project-Id", "b")], None, 403, "identity.project_mismatch"),
    "two media types": ("POST", CREATE, [JSON, ("Content-Type", "text/plain")], None, 415, "request.media_type"),
    "a form": ("POST", CREATE, [("Content-Type", "application/x-www-form-urlencoded")], None, 415, "request.media_type"),
    "another charset": ("POST", CREATE, [("Content-Type", "application/json; charset=utf-16")], None, 415,
                        "request.media_type"),
    "two charsets": ("POST", CREATE, [("Content-Type", "application/json; charset=utf-8; charset=utf-16")], None, 415,
                     "request.media_type"),
    "no coding": ("POST", CREATE, [JSON, ("Content-Encoding", "identity")], None, 415, "request.media_type"),
    "two credentials": ("POST", CREATE, [JSON, ("Authorization", "Bearer x")], None, 400, "identity.ambiguous"),
    "two domains": ("POST", CREATE, [JSON, ("X-Domain-Id", "a"), ("X-Domain-Id", "b")], None, 400,
                    "request.repeated_header"),
    "two agents": ("POST", CREATE, [JSON, ("User-Agent", "a"), ("user-agent", "a")], None, 400, "request.repeated_header"),
    "two types of a stream": ("PUT", f"/v1/{PROJECT}/echo", [JSON, ("Content-Type", "text/plain")], None, 400,
                              "request.repeated_header"),
    "two ranges of a read": ("GET", CREATE, [("Range", "bytes=0-1"), ("Range", "bytes=2-3")], b"", 400,
                             "request.repeated_header"),
    "two tokens to look at": ("GET", "/v3/auth/tokens", [("X-Subject-Token", "a"), ("X-Subject-Token", "b")], b"", 400,
                              "request.repeated_header"),
    "a flavor in the query": ("POST", CREATE + "?flavor=modelarts.vm.gpu.8v100", [JSON], None, 400,
                              "request.unread_query"),
    "an empty query": ("POST", CREATE + "?", [JSON], None, 400, "request.unread_query"),
    "action: another verb in the query": ("POST", ACTION + "?action=start", [JSON], STOP, 400, "request.unread_query"),
    "underscores": ("POST", CREATE, [JSON, ("X_Auth_Token", "x")], None, 400, "http.bad_header"),
    "another host": ("POST", "http://elsewhere" + CREATE, [JSON], None, 400, "http.bad_host"),
    "a login": ("POST", "http://u@gateway.test" + CREATE, [JSON], None, 400, "http.bad_host"),
    "a fragment": ("POST", CREATE + "#x", [JSON], None, 400, "http.bad_target"),
    "a small method": ("post", CREATE, [JSON], None, 400, "http.bad_request_line"),
    "OPTIONS": ("OPTIONS", CREATE, [], b"", 403, "route.unknown"),
    "TRACE": ("TRACE", CREATE, [], b"", 501, "http.method"),
    "CONNECT": ("CONNECT", "gateway.test:443", [], b"", 501, "http.method"),
    "upgrade of a read": ("GET", CREATE, [("Upgrade", "websocket"), ("Connection", "upgrade")], b"", 501,
                          "http.upgrade"),
    "another version": ("POST", CREATE.replace("/v1/", "/v2/"), [JSON], None, 403, "route.unknown"),
    "action: no media type": ("POST", ACTION, [("Content-Type", "")], STOP, 415, "request.media_type"),
    "action: text": ("POST", ACTION, [("Content-Type", "text/plain")], STOP, 415, "request.media_type"),
    "action: two media types": ("POST", ACTION, [JSON, JSON], STOP, 415, "request.media_type"),
    "action: packed": ("POST", ACTION, [JSON, ("Content-Encoding", "gzip")], STOP, 415, "request.media_type"),
    "action: two verbs": ("POST", ACTION, [JSON], b'{"action":"stop","action":"start"}', 400, "json.duplicate_member"),
    "action: two verbs, escaped": ("POST", ACTION, [JSON], b'{"action":"stop","\\u0061ction":"start"}', 400,
                                   "json.duplicate_member"),
    "action: two verbs by case": ("POST", ACTION, [JSON], b'{"action":"stop","Action":"start"}', 400, None),
    "action: case": ("POST", ACTION, [JSON], b'{"action":"STOP"}', 400, "action.unknown"),
    "action: byte order mark": ("POST", ACTION, [JSON], b"\xef\xbb\xbf" + STOP, 400, "json.syntax"),
    "action: NUL behind": ("POST", ACTION, [JSON], STOP + b"\0", 400, "json.syntax"),
    "action: two documents": ("POST", ACTION, [JSON], STOP + b'{"action":"start"}', 400, "json.syntax"),
    "action: a list": ("POST", ACTION, [JSON], b'["stop"]', 400, "body.type"),
    "action: PUT": ("PUT", ACTION, [JSON], STOP, 403, "route.unknown"),
}


@pytest.mark.parametrize("name", list(ATTACKS))
def test_refused(gateway, cloud, token, name):
    method, target, headers, body, status, code = ATTACKS[name]
    body = compact(create_body()) if body is None else body
    with gateway.connect() as client:
        client.send(request_bytes(method, target, body or None, [("X-Auth-Token", token), *headers]))
        check_refusal(client.read_answer(), status, *([code] if code else []))
    assert cloud.requests() == []


def test_only_known_headers_go_on_with_a_create(gateway, cloud, token):
    extra = [("X-HTTP-Method-Override", "PUT"), ("X-Forwarded-For", "10.0.0.1"), ("Cookie", "a=b"), ("X-Original-URL", "/"),
             ("Forwarded", "for=x"), ("Connection", "x-auth-token"), ("Accept-Encoding", "gzip"), ("Range", "bytes=0-1")]
    with gateway.connect() as client:
        answer = client.request("POST", CREATE, compact(create_body()), [("X-Auth-Token", token), *extra])
    assert answer.status == 200
    sent, = cloud.creates()
    names = [line.split(":")[0].lower() for line in sent.head.decode().split("\r\n")[1:-2]]
    assert sorted(names) == ["content-length", "content-type", "host", "x-auth-token"]


def test_no_secret_is_written_down(gateway_factory, cloud, token):
    gateway = gateway_factory(settings={"log": {"level": "debug"}})
    secret = "s3cr3t-of-the-answer"
    cloud.fault("status", "POST *instances", status=200, headers={"X-Subject-Token": secret},
                body=json.dumps({"id": "DE-9", "token": secret, "error_code": "X.1"}))
    with gateway.connect() as client:
        assert client.request("POST", CREATE, compact(create_body()), {"X-Auth-Token": token}).status == 200
        client.request("POST", CREATE, b'{"name":"' + token.encode() + b'"', {"X-Auth-Token": token})
        client.request("GET", f"/v1/{PROJECT}/echo?token={secret}", None, {"Authorization": f"Bearer {token}"})
        client.request("DELETE", f"{CREATE}/DE-9?token={secret}", None, {"X-Auth-Token": token})
    assert gateway.stop() == 0
    journal = gateway.journal().raw().decode()
    for text in (gateway.stderr, journal):
        assert secret not in text and token not in text and token[:60] not in text
