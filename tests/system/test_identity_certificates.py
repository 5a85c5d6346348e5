# SPDX-License-Identifier: Apache-2.0
"""Callers whom a client certificate tells, their own or that of a proxy in front."""

import socket
import ssl

import pytest

from support.bodies import ALLOW_ALL, CREATE, OTHER_PROJECT, PROJECT, compact, create_body
from support.callers import ACCESS_KEY, SECRET_KEY, check_signed, listener, sign_as
from support.contract import check_refusal, check_sent
from support.http import Broken, Client
from support.pki import Pki
from support.tokens import make_token

RULES = [{"subject": "CN=ann", "user": "ann", "user_id": "u-1", "domain": "Example", "projects": [PROJECT]},
         {"san": "DNS.bob.example", "user": "bob", "projects": [PROJECT]},
         {"subject": "CN=two", "user": "two", "projects": [PROJECT]},
         {"subject": "CN=tw*", "user": "three", "projects": [PROJECT]},
         {"subject": "CN=both", "user": "both", "projects": [PROJECT]}]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    pki = Pki(tmp_path_factory.mktemp("people"))
    for name in ("ann", "bob", "two", "proxy", "both"):
        pki.leaf(name, f"DNS:DNS.{name}.example")
    pki.leaf("stranger", "DNS:stranger.example", authority="other-ca")
    return pki


@pytest.fixture
def cloud(folder, cloud_factory):
    return cloud_factory(access_key=f"{ACCESS_KEY}:{SECRET_KEY}", iam=True)


@pytest.fixture
def gateway(cloud, people, site_factory, gateway_factory, folder, pki):
    """Listeners: one that demands certificates, one with TLS alone, one without."""
    site = site_factory(ALLOW_ALL, {
        "listen": [listener(pki, people.ca), listener(pki), listener(pki, people.ca), {"address": "127.0.0.1:0"}],
        "identity": {"tokens": {"verify": "iam", "iam_url": cloud.iam_url, "ca_file": pki.ca},
                     "sign_as": str(sign_as(folder)), "client_certificates": {"rules": RULES},
                     "forwarded_user": {"header": "X-Forwarded-User", "from": ["CN=proxy", "CN=both"],
                                        "projects": [PROJECT]}}}, cloud.url)
    return gateway_factory(site=site)


@pytest.fixture
def call(gateway, people, pki):
    def make(name, method="POST", target=CREATE, headers=(), index=0, body=None):
        client = (people.certificate(name), people.key(name)) if name else None
        body = body or (compact(create_body()) if method == "POST" else None)
        return gateway.request(method, target, body, headers, index=index, ca=None if index == 3 else pki.ca,
                               client=client)
    return make


@pytest.mark.parametrize("name, index, user", [
    ("ann", 0, {"id": "u-1", "name": "ann", "domain": "Example"}), ("bob", 2, {"id": "bob", "name": "bob"})])
def test_a_rule_tells_who_it_is(call, cloud, gateway, name, index, user):
    answer = call(name, index=index)
    assert answer.status == 200, answer
    received, intent, _ = check_sent(cloud, gateway, answer)
    check_signed(received)
    assert intent["user"] == user
    assert (intent["credential"]["kind"], intent["credential"]["verified"]) == ("certificate", "certificate")
    one = f"{CREATE}/{answer.json['id']}"
    assert call(name, "GET", one).status == 200
    other = "bob" if name == "ann" else "ann"
    for method in ("GET", "DELETE"):
        check_refusal(call(other, method, one), 403, "identity.not_owner")
    check_refusal(call("proxy", "GET", one, [("X-Forwarded-User", "mallory")]), 403, "identity.not_owner")
    check_refusal(call(name, "GET"), 403, "identity.list_of_all")


def test_what_is_refused(call, cloud):
    token = [("X-Auth-Token", make_token(user="carol", project=PROJECT, roles=[]))]
    one = f"{CREATE}/x"
    check_refusal(call("two"), 401, "identity.certificate_ambiguous")
    check_refusal(call("two", "DELETE", one), 401, "identity.certificate_ambiguous")
    check_refusal(call("proxy"), 401)
    check_refusal(call(None, index=1), 401, "identity.missing")
    check_refusal(call(None, index=3), 401, "identity.missing")
    check_refusal(call("ann", target=CREATE.replace(PROJECT, OTHER_PROJECT)), 403, "identity.project_mismatch")
    for method, target in (("POST", CREATE), ("GET", one), ("DELETE", one)):
        check_refusal(call("ann", method, target, token), 400, "identity.ambiguous")
        check_refusal(call("both", method, target, [("X-Forwarded-User", "alice")]), 400, "identity.ambiguous")
        check_refusal(call("proxy", method, target, [("X-Forwarded-User", "alice"), *token]), 400, "identity.ambiguous")
        signed = [("Authorization", "SDK-HMAC-SHA256 Access=A, SignedHeaders=host, Signature=00")]
        check_refusal(call("ann", method, target, signed), 400, "identity.ambiguous")
    assert cloud.requests() == []


def test_a_token_counts_where_no_rule_fits(call, cloud, gateway):
    token = make_token(user="carol", project=PROJECT, roles=[])
    answer = call("proxy", headers=[("X-Auth-Token", token)])
    assert answer.status == 200, answer
    received, intent, _ = check_sent(cloud, gateway, answer)
    assert received.header("x-auth-token") == token and intent["user"]["name"] == "carol"


@pytest.mark.parametrize("name", [None, "stranger"])
def test_nobody_gets_in_without_a_certificate(call, cloud, name):
    with pytest.raises((ssl.SSLError, OSError, Broken)):
        call(name)
    assert cloud.requests() == []


def test_a_session_that_is_resumed_is_the_same_caller(gateway, people, pki, cloud):
    tls = ssl.create_default_context(cafile=pki.ca)
    tls.load_cert_chain(people.certificate("ann"), people.key("ann"))
    session, users = None, []
    for number in range(2):
        with socket.create_connection(gateway.addresses[0], 20) as plain, \
                tls.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as sock:
            client = Client.__new__(Client)
            client.sock, client.kept = sock, bytearray()
            answer = client.request("POST", CREATE, compact(create_body(name=f"nb-{number}")))
            assert answer.status == 200, answer
            session = sock.session
            users.append((sock.session_reused, gateway.wait_outcome(answer.header("Postern-Id"))["user"]["name"]))
    assert [user for _, user in users] == ["ann", "ann"]


# ---- a proxy in front ----

def test_a_proxy_names_its_users(call, cloud, gateway):
    answer = call("proxy", headers=[("x-forwarded-USER", "dora")])
    assert answer.status == 200, answer
    received, intent, _ = check_sent(cloud, gateway, answer)
    check_signed(received)
    assert b"dora" not in received.head and received.header("x-forwarded-user") is None
    assert intent["user"] == {"id": "dora", "name": "dora"}
    assert (intent["credential"]["kind"], intent["credential"]["verified"]) == ("forwarded", "certificate")


def test_what_a_proxy_may_not_say(call, cloud):
    for headers in ([("X-Forwarded-User", "a"), ("X-Forwarded-User", "a")], [("X-Forwarded-User", "")],
                    [("X-Forwarded-User", "a"), ("x-forwarded-user", "b")], [("X-Forwarded-User", "x" * 257)],
                    [("X-Forwarded-User", "a\xff")], [("X-Forwarded-User", "a\u202eb".encode().decode("latin-1"))]):
        for method, target in (("POST", CREATE), ("GET", f"{CREATE}/x")):
            check_refusal(call("proxy", method, target, headers), 400, "identity.forwarded_malformed")
    answer = call("proxy", target=CREATE.replace(PROJECT, OTHER_PROJECT), headers=[("X-Forwarded-User", "a")])
    check_refusal(answer, 403, "identity.project_mismatch")
    assert cloud.requests() == []


def test_from_others_the_header_is_not_there(call, cloud, gateway):
    named = [("X-Forwarded-User", "dora")]
    check_refusal(call(None, headers=named, index=1), 401, "identity.missing")
    check_refusal(call(None, headers=named, index=3), 401, "identity.missing")
    answer = call("ann", headers=named)
    assert answer.status == 200, answer
    received, intent, _ = check_sent(cloud, gateway, answer)
    assert intent["user"]["name"] == "ann" and received.header("x-forwarded-user") is None
    token = make_token(user="carol", project=PROJECT, roles=[])
    cloud.forget()
    answer = call(None, "GET", CREATE, [("X-Auth-Token", token), *named], index=1)
    assert answer.status == 200, answer
    received, = cloud.requests()
    assert b"dora" not in received.head and received.header("x-auth-token") == token
