# SPDX-License-Identifier: Apache-2.0
"""Tokens as large as real ones, and such as must not pass."""

import hashlib

import pytest

from support.bodies import CREATE, OTHER_PROJECT, PROJECT, compact, create_body
from support.contract import check_refusal, check_sent, post_create
from support.tokens import make_token


@pytest.mark.parametrize("size", [1200, 8744, 9120, 17600, 20000, 31500])
def test_large_tokens_pass_unchanged(gateway, cloud, size):
    token = make_token(user="alice", project=PROJECT, roles=["te_admin"], size=size)
    assert size <= len(token) <= 32768
    answer = post_create(gateway, token)
    assert answer.status == 200, answer
    received, intent, _ = check_sent(cloud, gateway, answer)
    assert received.header("x-auth-token") == token
    assert intent["credential"]["digest"] == hashlib.sha256(token.encode()).hexdigest()[:12]


def test_a_value_over_the_limit_is_refused(gateway, cloud):
    answer = post_create(gateway, "M" * (32 * 1024 + 1))
    check_refusal(answer, 431, "http.value_too_large")
    assert cloud.requests() == []


def test_a_head_over_the_limit_is_refused(gateway, cloud, token):
    with gateway.connect() as client:
        client.send(f"GET {CREATE} HTTP/1.1\r\nHost: g\r\n".encode())
        for number in range(3):
            client.send(f"X-{number}: {'x' * 30000}\r\n".encode())
        check_refusal(client.read_answer(), 431)
    assert cloud.requests() == []


BAD = {
    "not Base64": lambda: "MII?" * 300,
    "cut": lambda: make_token(user="alice", project=PROJECT, roles=[])[:600],
    "empty": lambda: "",
    "opaque": lambda: "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "expired": lambda: make_token(user="alice", project=PROJECT, roles=[], expires="-5m"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_tokens_that_identify_nobody(gateway, cloud, name):
    check_refusal(post_create(gateway, BAD[name]()), 401)
    assert cloud.creates() == []


def test_a_token_of_another_project(gateway, cloud):
    token = make_token(user="alice", project=OTHER_PROJECT, roles=["te_admin"])
    answer = post_create(gateway, token)
    assert answer.status in (401, 403)
    check_refusal(answer, answer.status)
    assert cloud.requests() == []


def test_two_tokens_are_none(gateway, cloud, token):
    other = make_token(user="bob", project=PROJECT, roles=[])
    answer = gateway.request("POST", CREATE, compact(create_body()), [("X-Auth-Token", token), ("X-Auth-Token", other)])
    assert answer.status in (400, 401)
    check_refusal(answer, answer.status)
    assert cloud.requests() == []


TWO = {
    "two tokens": [("X-Auth-Token", "a"), ("X-Auth-Token", "b")],
    "a token and a bearer": [("X-Auth-Token", "a"), ("Authorization", "Bearer b")],
    "two bearers": [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
    "a list": [("X-Auth-Token", "a,b")],
    "two words": [("Authorization", "Bearer a b")],
    "two projects": [("X-Auth-Token", "a"), ("X-Project-Id", PROJECT), ("X-Project-Id", OTHER_PROJECT)],
}


@pytest.mark.parametrize("headers", TWO.values(), ids=list(TWO))
@pytest.mark.parametrize("method, target", [("DELETE", f"{CREATE}/DE-1"), ("GET", CREATE), ("PUT", f"/v1/{PROJECT}/echo")])
def test_unjudged_calls_carry_one_credential(gateway, cloud, method, target, headers):
    """Of two, the record could name one and the cloud obey the other: a delete under somebody else's name."""
    check_refusal(gateway.request(method, target, None, headers), 400, "identity.ambiguous")
    assert cloud.requests() == []


def test_unjudged_calls_of_a_family_are_of_one_project(gateway, cloud):
    headers = [("X-Auth-Token", "t"), ("X-Project-Id", OTHER_PROJECT)]
    for method, target in (("GET", CREATE), ("DELETE", f"{CREATE}/DE-1"), ("POST", f"/v1/{PROJECT}/notebooks/x/stop")):
        check_refusal(gateway.request(method, target, None, headers), 403, "identity.project_mismatch")
    assert cloud.requests() == []
    assert gateway.request("GET", f"/v1/{PROJECT}/echo", None, headers).status == 200, "its path may name none"


@pytest.mark.parametrize("target", [CREATE, f"/v1/{PROJECT}/echo"])
def test_signatures_are_refused_on_every_route(gateway, cloud, target):
    answer = gateway.request("GET", target, None, {"Authorization": "SDK-HMAC-SHA256 Access=A, SignedHeaders=host, "
                                                                    "Signature=" + "0" * 64})
    check_refusal(answer, 401)
    assert cloud.requests() == []


def test_reads_do_not_need_a_token_that_can_be_read(gateway, cloud):
    answer = gateway.request("GET", CREATE, None, {"X-Auth-Token": "opaque"})
    assert answer.status == 200 and cloud.requests()[0].header("x-auth-token") == "opaque"


def test_without_verification_nobody_is_known(gateway_factory, cloud):
    gateway = gateway_factory(f"version: 1\npolicies:\n  - name: p\n    match: {{projects: [{PROJECT}]}}\n",
                              {"identity": {"tokens": {"verify": "off"}}})
    answer = post_create(gateway, "anything")
    assert answer.status == 200, answer
    _, intent, _ = check_sent(cloud, gateway, answer)
    assert intent["credential"]["verified"] == "none"
    assert "name" not in intent.get("user", {})
