# SPDX-License-Identifier: Apache-2.0
"""Callers without a credential of the cloud: bearer tokens of an OpenID provider, what is signed for them, and what they
may do."""

import hashlib
import hmac
import json
import shutil
import ssl
import time

import pytest

from support.bodies import (ALLOW_ALL, CREATE, NOTEBOOKS, OTHER_PROJECT, PROJECT, action_body, compact, create_body,
                            lease_body, mount_body, notebook_update_body, policy, tags_body, update_body)
from support.callers import ACCESS_KEY, SECRET_KEY, SERVICE_USER, Oidc, check_signed, oidc_settings, sign_as, write_secret
from support.contract import check_refusal, check_sent, exchange_id
from support.oidc import JwksServer, Provider
from support.http import Client
from support.quota import existing, places, quota_policy, wait_scanned, wait_settled
from support.tokens import make_token
from support.waiting import wait_for


OWN_SECRET = "0123456789secretofacaller0123"


@pytest.fixture
def cloud(folder, cloud_factory, request):  # the folder outlives what runs in it
    return cloud_factory(access_key=f"{ACCESS_KEY}:{SECRET_KEY}", iam=True, **getattr(request, "param", {}))


@pytest.fixture
def oidc_factory(cloud, site_factory, gateway_factory, folder, pki):
    """A gateway whose callers bring bearer tokens; IAM tokens are taken beside them."""
    def make(policies=ALLOW_ALL, algorithm="RS256", jwks=None, ca=pki.ca, **more):
        oidc = Oidc(folder, algorithm=algorithm)
        settings = oidc_settings(oidc, folder, jwks, tokens={"iam_url": cloud.iam_url, "ca_file": str(ca)})
        oidc.site = site_factory(policies, settings, cloud.url)
        oidc.site.write_settings(more)
        oidc.gateway = gateway_factory(site=oidc.site)
        return oidc
    return make


@pytest.fixture
def oidc(oidc_factory):
    return oidc_factory()


def remove(oidc, cloud, instance):
    """An instance of alice: the cloud wants it stopped first."""
    cloud.advance(600)
    assert oidc.call("POST", f"{CREATE}/{instance}/action", compact(action_body("stop"))).status == 200
    cloud.advance(600)
    assert oidc.call("DELETE", f"{CREATE}/{instance}").status == 200


# ---- who they are ----

@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_create_is_signed_for_its_caller(oidc_factory, cloud, algorithm):
    oidc = oidc_factory(algorithm=algorithm)
    answer = oidc.create("alice", groups=["te"])
    assert answer.status == 200, answer
    received, intent, outcome = check_sent(cloud, oidc.gateway, answer)
    check_signed(received)
    assert received.header("x-project-id") == PROJECT
    assert intent["user"] == {"id": "alice", "name": "alice", "groups": ["te"]}
    assert (intent["credential"]["kind"], intent["credential"]["verified"]) == ("oidc", "signature")
    assert outcome["outcome"] == "created"
    assert b"eyJ" not in oidc.gateway.journal().raw()


def test_what_is_refused(oidc, cloud, tmp_path):
    provider, stranger = oidc.provider, Provider(tmp_path)
    good = provider.token()
    head, claims, signature = good.split(".")
    cases = {
        provider.token(life_s=-120): (401, "identity.oidc_expired"),
        provider.token(nbf=4102444800): (401, "identity.oidc_expired"),
        provider.token(iss="https://else.example"): (401, "identity.oidc_claims"),
        provider.token(aud="other"): (401, "identity.oidc_claims"),
        provider.token(exp=None): (401, "identity.oidc_claims"),
        provider.token(user=None): (401, "identity.oidc_claims"),
        provider.token("a\u202eb"): (401, "identity.oidc_claims"),
        provider.token(groups="te"): (401, "identity.oidc_claims"),
        provider.token(header={"kid": "none"}): (401, "identity.oidc_key"),
        provider.token(header={"alg": "none"}): (401, "identity.oidc_malformed"),
        provider.token(header={"alg": "HS256"}): (401, "identity.oidc_malformed"),
        provider.token(header={"crit": ["exp"]}): (401, "identity.oidc_malformed"),
        stranger.token(): (401, "identity.oidc_signature"),
        f"{head}.{claims}.": (401, None),
        f"{head}.{claims}A.{signature}": (401, None),
        f"{good}.x": (401, None),
    }
    for token, (status, code) in cases.items():
        for method, target, body in (("POST", CREATE, compact(create_body())), ("DELETE", f"{CREATE}/x", None)):
            answer = oidc.gateway.request(method, target, body, [("Authorization", f"Bearer {token}")])
            check_refusal(answer, status, *([code] if code else []))
            assert token.encode() not in answer.body
    assert cloud.requests() == []


def test_another_project(oidc, cloud):
    for method, target in (("POST", CREATE), ("GET", f"{CREATE}/x"), ("DELETE", f"{CREATE}/x")):
        body = compact(create_body()) if method == "POST" else None
        answer = oidc.call(method, target.replace(PROJECT, OTHER_PROJECT), body)
        check_refusal(answer, 403, "identity.project_mismatch")
    answer = oidc.call("POST", CREATE, compact(create_body()), headers=[("X-Project-Id", OTHER_PROJECT)])
    check_refusal(answer, 403, "identity.project_mismatch")
    assert cloud.requests() == []


def test_groups_count_in_policies(oidc_factory, cloud):
    oidc = oidc_factory(policy("", f"{{projects: [{PROJECT}], groups: [te]}}"))
    assert oidc.create(groups=["x", "te"]).status == 200
    assert oidc.create(groups=["x"]).status == 403
    assert oidc.create().status == 403  # unknown groups fit nothing
    assert len(cloud.creates()) == 1


def test_iam_tokens_work_beside_them(oidc, cloud):
    token = make_token(user="bob", project=PROJECT, roles=["te_admin"])
    answer = oidc.gateway.request("POST", CREATE, compact(create_body()), [("X-Auth-Token", token)])
    assert answer.status == 200, answer
    received, intent, _ = check_sent(cloud, oidc.gateway, answer)
    assert intent["user"]["name"] == "bob" and intent["credential"]["verified"] == "iam"
    assert received.header("x-auth-token") == token and received.header("authorization") is None
    # What the cloud can tell apart it may: its own users may list.
    assert oidc.gateway.request("GET", CREATE, None, [("X-Auth-Token", token)]).status == 200


def test_two_identities_are_refused(oidc, cloud):
    token = make_token(user="bob", project=PROJECT, roles=[])
    mine = oidc.make()
    cloud.forget()
    for more in ([("X-Auth-Token", token)], oidc.headers("bob"),
                 [("Authorization", "SDK-HMAC-SHA256 Access=A, SignedHeaders=host, Signature=00")]):
        for method, target in (("POST", CREATE), ("DELETE", f"{CREATE}/{mine}"), ("GET", f"{CREATE}/{mine}")):
            body = compact(create_body()) if method == "POST" else None
            check_refusal(oidc.call(method, target, body, headers=more), 400)
    assert cloud.requests() == []


def test_a_jwt_is_no_cloud_token(oidc, cloud):
    """In the header of IAM tokens it would go to the cloud, where it means nothing, or to IAM."""
    jwt = oidc.provider.token()
    mine = oidc.make()
    cloud.forget()
    for method, target in (("POST", CREATE), ("DELETE", f"{CREATE}/{mine}"), ("GET", f"{CREATE}/{mine}")):
        body = compact(create_body()) if method == "POST" else None
        answer = oidc.gateway.request(method, target, body, [("X-Auth-Token", jwt)])
        assert answer.status == 401, answer
    assert cloud.requests() == [] and cloud.validations() == 0


# ---- the provider's keys ----

def test_keys_by_https(oidc_factory, pki, tmp_path, cloud):
    published = Provider(tmp_path)
    with JwksServer(pki, published) as server:
        server.answer(503, "")
        oidc = oidc_factory(jwks=server.url)
        check_refusal(oidc.create(), 503, "identity.unavailable")
        assert cloud.requests() == []
        wait_for(lambda: oidc.gateway.metrics()['postern_jwks_fetches_total{result="failed"}'] >= 1, "a fetch that failed")
        server._provider = oidc.provider
        server.publish()
        wait_for(lambda: oidc.create().status == 200, "the provider's keys", timeout=40)
        server.answer(503, "")
        assert oidc.create().status == 200  # known keys go on
        oidc.provider.add_key("ES256")
        check_refusal(oidc.create(), 401, "identity.oidc_key")
        server.publish()
        wait_for(lambda: oidc.create().status == 200, "the new key", timeout=40)
        assert oidc.gateway.metrics()['postern_jwks_fetches_total{result="good"}'] >= 2


def test_keys_by_https_under_an_authority_that_is_read_anew(oidc_factory, pki, tmp_path):
    authority = tmp_path / "ca.pem"
    shutil.copy(pki.certificate("unknown-ca"), authority)
    published = Provider(tmp_path)
    with JwksServer(pki, published) as server:
        oidc = oidc_factory(jwks=server.url, ca=authority)
        server._provider = oidc.provider
        server.publish()
        check_refusal(oidc.create(), 503, "identity.unavailable")
        shutil.copy(pki.ca, authority)
        oidc.gateway.reload()
        wait_for(lambda: oidc.create().status == 200, "the provider's keys", timeout=40)


def test_keys_from_a_file_are_read_anew(oidc):
    first = oidc.provider.token()
    oidc.provider.add_key("ES256")
    check_refusal(oidc.create(), 401, "identity.oidc_key")
    oidc.provider.keys = oidc.provider.keys[1:]
    oidc.provider.write_jwks(oidc.site.folder.parent / "jwks.json")
    oidc.gateway.reload()
    assert oidc.create().status == 200
    answer = oidc.gateway.request("POST", CREATE, compact(create_body()), [("Authorization", f"Bearer {first}")])
    check_refusal(answer, 401, "identity.oidc_key")


# ---- what they may do ----

def test_their_own_instances(oidc, cloud):
    mine, notebook = oidc.make(), oidc.notebook()
    one, other = f"{CREATE}/{mine}", f"{NOTEBOOKS}/{notebook}"
    cloud.advance(600)
    cloud.forget()
    calls = [("GET", one, None), ("HEAD", one, None), ("GET", f"{one}/token", None), ("PUT", one, update_body()),
             ("POST", f"{one}/action", action_body("stop")), ("GET", other, None),
             ("PUT", other, notebook_update_body()), ("PATCH", f"{other}/lease", lease_body()),
             ("GET", f"{other}/lease", None), ("POST", f"{other}/storage", mount_body()),
             ("GET", f"{other}/storage", None), ("POST", f"{other}/tags/create", tags_body()),
             ("GET", f"{other}/flavors?b=2&a=1&a=0", None), ("GET", f"{NOTEBOOKS}/flavors", None),
             ("POST", f"{other}/stop", None)]
    for method, target, body in calls:
        answer = oidc.call(method, target, None if body is None else compact(body))
        assert answer.status < 300, (method, target, answer)
    cloud.advance(600)
    calls = [("POST", f"{one}/action", action_body("start")), ("POST", f"{other}/start?duration=3600000", None),
             ("POST", f"{one}/action", action_body("stop")), ("POST", f"{other}/stop", None), ("DELETE", one, None),
             ("DELETE", other, None)]
    for method, target, body in calls:
        answer = oidc.call(method, target, None if body is None else compact(body))
        assert answer.status < 300, (method, target, answer)
        cloud.advance(600)
    for received in cloud.requests():
        check_signed(received)


def test_nobody_elses_instances(oidc, cloud):
    his, notebook = oidc.make("bob"), oidc.notebook("bob")
    token = make_token(user="carol", project=PROJECT, roles=["te_admin"])
    answer = oidc.gateway.request("POST", CREATE, compact(create_body(name="hers")), [("X-Auth-Token", token)])
    cloud.advance(600)
    cloud.forget()
    for one in (f"{CREATE}/{his}", f"{CREATE}/{answer.json['id']}", f"{CREATE}/made-elsewhere"):
        for method, target, body in [("GET", one, None), ("HEAD", one, None), ("GET", f"{one}/token", None),
                                     ("HEAD", f"{one}/token", None), ("PUT", one, update_body()),
                                     ("POST", f"{one}/action", action_body("start")),
                                     ("POST", f"{one}/action", action_body("stop")),
                                     ("POST", f"{one}/action", action_body("dequeue")), ("DELETE", one, None)]:
            answer = oidc.call(method, target, None if body is None else compact(body))
            assert answer.status == 403, (method, target, answer)
            if method != "HEAD":
                check_refusal(answer, 403, "identity.not_owner")
    one = f"{NOTEBOOKS}/{notebook}"
    for method, target, body in [("GET", one, None), ("PUT", one, notebook_update_body()), ("DELETE", one, None),
                                 ("POST", f"{one}/start", None), ("GET", f"{one}/start", None),
                                 ("POST", f"{one}/stop", None), ("PATCH", f"{one}/lease", lease_body()),
                                 ("PATCH", f"{one}/lease?duration=3600000", None), ("GET", f"{one}/lease", None),
                                 ("GET", f"{one}/flavors", None), ("POST", f"{one}/storage", mount_body()),
                                 ("GET", f"{one}/storage", None), ("GET", f"{one}/storage/x", None),
                                 ("DELETE", f"{one}/storage/x", None), ("POST", f"{one}/tags/create", tags_body()),
                                 ("DELETE", f"{one}/tags/delete", tags_body()),
                                 ("POST", f"{one}/create-image", {"name": "i"})]:
        answer = oidc.call(method, target, None if body is None else compact(body))
        check_refusal(answer, 403, "identity.not_owner")
    assert cloud.requests() == []


def test_other_spellings_lead_nowhere(oidc, cloud):
    his = oidc.make("bob")
    mine = oidc.make("alice")
    cloud.forget()
    for target in (f"{CREATE}/{his}/", f"{CREATE}//{his}", f"{CREATE}/{mine}/../{his}", f"{CREATE}/{his.upper()}",
                   f"{CREATE}/{mine}%2f..%2f{his}", f"{CREATE}/{mine};/../{his}", f"{CREATE}/%{ord(his[0]):x}{his[1:]}",
                   f"{CREATE}/{his}?", f"{CREATE}/{his}.json", f"{CREATE}/{mine}\\..\\{his}", CREATE + "/", CREATE + "?",
                   f"{CREATE}?id={mine}", f"{CREATE}/?x", f"{NOTEBOOKS}?owner=alice", f"{NOTEBOOKS}/", f"{NOTEBOOKS}/all",
                   f"{NOTEBOOKS}/All", f"{NOTEBOOKS}/all?x=1", f"/v1/{PROJECT}/x/../demanager/instances",
                   f"/v1/{PROJECT}/./notebooks", f"/v1/{PROJECT}/Notebooks", f"/v2/{PROJECT}/notebooks",
                   f"http://elsewhere{CREATE}/{his}", f"/v1/{PROJECT}/training-jobs", "/v3/auth/tokens", "/", "*"):
        for method in ("GET", "HEAD", "DELETE", "OPTIONS"):
            answer = oidc.call(method, target)
            assert 400 <= answer.status < 500, (method, target, answer)
    assert cloud.requests() == []


def test_lists_and_other_services_are_refused(oidc, cloud):
    for method, target, code in (("GET", CREATE, "list_of_all"), ("GET", NOTEBOOKS, "list_of_all"),
                                 ("GET", f"{NOTEBOOKS}/all", "list_of_all"),
                                 ("GET", f"/v1/{PROJECT}/models", "families_only"),
                                 ("POST", f"/v1/{PROJECT}/models", "families_only"),
                                 ("GET", f"/v1/{OTHER_PROJECT}/models", "families_only")):
        check_refusal(oidc.call(method, target), 403, f"identity.{code}")
    assert cloud.requests() == []


def test_after_a_restart_they_still_own_them(oidc, gateway_factory, cloud):
    mine = oidc.make()
    oidc.gateway.finish()
    oidc.gateway = gateway_factory(site=oidc.site)
    assert oidc.call("GET", f"{CREATE}/{mine}").status == 200
    check_refusal(oidc.call("GET", f"{CREATE}/{mine}", user="bob"), 403, "identity.not_owner")
    remove(oidc, cloud, mine)


def test_each_user_has_a_quota(oidc_factory, cloud):
    oidc = oidc_factory(quota_policy(places(1, per="[user]")))
    oidc.make("alice")
    check_refusal(oidc.create("alice"), 403, "quota.exceeded")
    oidc.make("bob")
    assert len(cloud.creates()) == 2


@pytest.mark.parametrize("cloud", [{"frozen": False}], indirect=True, ids=[""])
def test_a_lost_answer_settles(oidc_factory, gateway_factory, cloud):
    """The cloud says that the instance is the service user's: it is known as its caller's all the same."""
    oidc = oidc_factory(quota_policy(places(2, per="[user]")), upstream={"service_credential": {
        "access_key_file": "../own.yaml", "projects": [PROJECT]}}, quota={"reconcile": "1s", "grace": "100ms"})
    wait_scanned(oidc.gateway)
    cloud.fault("reset", "POST /v1/*", execute=True)
    assert oidc.create("alice").status in (502, 504)
    assert wait_settled(oidc.gateway) == 1
    made, = existing(cloud)
    assert oidc.call("GET", f"{CREATE}/{made}").status == 200
    check_refusal(oidc.call("GET", f"{CREATE}/{made}", user="bob"), 403, "identity.not_owner")
    oidc.make("alice")
    check_refusal(oidc.create("alice"), 403, "quota.exceeded")
    # What was made around the gateway is the service user's, and no caller's.
    cloud_made = Client("127.0.0.1", cloud.port, ssl.create_default_context(cafile=cloud.pki.ca))
    with cloud_made as client:
        token = make_token(user="modelarts_manage_admin", user_id=SERVICE_USER, project=PROJECT, roles=[])
        orphan = client.request("POST", CREATE, compact(create_body(name="orphan")), [("X-Auth-Token", token)]).json["id"]
    wait_for(lambda: oidc.gateway.metrics()["postern_orphans"] == 1, "the orphan")
    for user in ("alice", "modelarts_manage_admin", SERVICE_USER):
        answer = oidc.call("GET", f"{CREATE}/{orphan}", user=user)
        check_refusal(answer, 403, "identity.not_owner")
    oidc.gateway.finish()
    oidc.gateway = gateway_factory(site=oidc.site)
    for user, target in ((SERVICE_USER, orphan), ("bob", made)):
        check_refusal(oidc.call("GET", f"{CREATE}/{target}", user=user), 403, "identity.not_owner")
    assert oidc.call("GET", f"{CREATE}/{made}").status == 200


def test_a_dry_run_sends_nothing(oidc, cloud):
    answer = oidc.call("POST", CREATE, compact(create_body()), headers=[("Postern-Dry-Run", "true")])
    assert answer.status == 200, answer
    assert cloud.requests() == []


def test_a_body_that_streams_is_signed_right(oidc, cloud):
    notebook = oidc.notebook()
    cloud.advance(600)
    cloud.forget()
    answer = oidc.call("POST", f"{NOTEBOOKS}/{notebook}/tags/create", compact(tags_body()))
    assert answer.status < 300, answer
    received, = cloud.requests()
    check_signed(received)
    assert received.json == tags_body()
    body = compact(tags_body())
    with oidc.gateway.connect() as client:
        head = "".join(f"{name}: {value}\r\n" for name, value in oidc.headers())
        client.send(f"POST {NOTEBOOKS}/{notebook}/tags/create HTTP/1.1\r\nHost: g\r\n{head}Content-Type: application/json"
                    f"\r\nTransfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")
        assert client.read_answer().status < 300


# ---- what they may try ----

def test_the_project_counts_where_nothing_is_judged(oidc, cloud):
    notebook = oidc.notebook()
    cloud.forget()
    for method, target in (("POST", "tags/create"), ("DELETE", "tags/delete"), ("POST", "create-image")):
        target = f"{NOTEBOOKS}/{notebook}/{target}"
        answer = oidc.call(method, target.replace(PROJECT, OTHER_PROJECT), compact(tags_body()))
        check_refusal(answer, 403, "identity.project_mismatch")
        answer = oidc.call(method, target, compact(tags_body()), headers=[("X-Project-Id", OTHER_PROJECT)])
        check_refusal(answer, 403, "identity.project_mismatch")
    assert cloud.requests() == []


def test_no_header_of_theirs_makes_another_signature(oidc, cloud):
    mine = oidc.make()
    cloud.forget()
    more = [("X-Sdk-Date", "20200101T000000Z"), ("X-Security-Token", "theirs"), ("X-Domain-Id", "theirs"),
            ("X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD"), ("X-Project-Id", PROJECT), ("X-Subject-Token", "theirs"),
            ("X-Forwarded-User", "theirs"), ("X-HTTP-Method-Override", "DELETE"), ("X-Original-URL", CREATE)]
    for headers in (more, [("Connection", "Authorization, X-Sdk-Date, X-Project-Id, Host")]):
        answer = oidc.call("GET", f"{CREATE}/{mine}", headers=headers)
        assert answer.status == 200, answer
        received = cloud.requests()[-1]
        check_signed(received)
        assert received.header("x-project-id") == PROJECT and received.target == f"{CREATE}/{mine}"
        assert received.header("x-security-token") is None and received.header("x-domain-id") is None
        assert received.header("x-http-method-override") is None and received.header("x-original-url") is None


@pytest.mark.parametrize("query", ["b&a=1%20x&c=%7E&d=", "a=%2F&a=%2f&A=1", "x=%e4%bd%a0&y=%2B", "z=1,2&y=*'()"])
def test_odd_queries_are_signed_as_they_are_sent(oidc, cloud, query):
    answer = oidc.call("GET", f"{CREATE}/{oidc.make()}?{query}")
    assert answer.status == 200, answer


def test_a_query_with_two_readings_is_not_signed(oidc, cloud):
    """After some wrong signatures the cloud locks the key, which is everybody's."""
    one = f"{CREATE}/{oidc.make()}"
    cloud.forget()
    for query in ("=", "=1", "a&&b", "&a", "a&", "a==", "a=b=c", "a=1+2", "a=1;b=2", "%", "a=%g0", "a=%2520"):
        check_refusal(oidc.call("GET", f"{one}?{query}"), 400)
    assert cloud.requests() == []


def test_each_request_of_a_connection_says_who_it_is(oidc, cloud):
    mine = oidc.make()
    one = f"{CREATE}/{mine}"
    with oidc.gateway.connect() as client:
        assert client.request("GET", one, None, oidc.headers("alice")).status == 200
        check_refusal(client.request("GET", one, None, oidc.headers("bob")), 403, "identity.not_owner")
        cloud.forget()
        assert client.request("GET", one).status == 401
        assert all(r.header("authorization") is None for r in cloud.requests())


def test_a_long_name_owns_what_it_made(oidc, cloud):
    long = "\u00e4" * 128
    one = f"{CREATE}/{oidc.make(long)}"
    assert oidc.call("GET", one, user=long).status == 200
    check_refusal(oidc.call("GET", one, user=long[:-1]), 403, "identity.not_owner")


# ---- the gateway's own key ----

def test_the_key_is_read_anew(oidc, cloud):
    folder = oidc.site.folder.parent
    sign_as(folder, secret="0123456789wrongwrongwrong")
    oidc.gateway.reload()
    assert oidc.create().status in (401, 403)
    sign_as(folder)
    oidc.gateway.reload()
    assert oidc.create().status == 200
    (folder / "own.yaml").chmod(0o644)
    oidc.gateway.reload()
    assert oidc.create().status == 200  # what can't be read changes nothing
    sign_as(folder, user_id="0" * 31 + "b")
    oidc.gateway.reload()
    assert oidc.create().status == 200


@pytest.mark.parametrize("user_id, words", [(None, "needs user_id"), ("", "needs user_id")])
def test_a_key_without_its_user_does_not_start(site_factory, folder, user_id, words):
    site = site_factory(ALLOW_ALL, oidc_settings(Oidc(folder), folder))
    sign_as(folder, user_id=user_id)
    done = site.run("serve")
    assert done.returncode != 0 and words in done.stderr, done
    assert SECRET_KEY not in done.stderr


def _signed(method, path, body, *, unsigned=False):
    """Headers of a request signed with the caller's own key."""
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    digest = "UNSIGNED-PAYLOAD" if unsigned else hashlib.sha256(body).hexdigest()
    text = f"{method}\n{path}/\n\nhost:gateway.test\nx-sdk-content-sha256:{digest}\nx-sdk-date:{date}\n\n" \
           f"host;x-sdk-content-sha256;x-sdk-date\n{digest}"
    text = f"SDK-HMAC-SHA256\n{date}\n{hashlib.sha256(text.encode()).hexdigest()}"
    signature = hmac.new(OWN_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    return [("X-Sdk-Date", date), ("X-Sdk-Content-Sha256", digest),
            ("Authorization", f"SDK-HMAC-SHA256 Access=AKOWN, SignedHeaders=host;x-sdk-content-sha256;x-sdk-date, "
                              f"Signature={signature}")]


def test_a_key_of_the_gateways_own(oidc_factory, cloud, folder):
    """`sign_as: true`: the cloud doesn't know the key, and sees the organisation's."""
    write_secret(folder / "keys.yaml", f"- {{access_key: AKOWN, secret_key: {OWN_SECRET}, user: eve, user_id: u-eve, "
                                       f"projects: [{PROJECT}], sign_as: true}}\n")
    oidc = oidc_factory(identity={"signatures": "verify", "access_keys": str(folder / "keys.yaml")})
    notebook = oidc.notebook("u-eve")  # the same id
    cloud.advance(600)
    cloud.forget()
    target, body = f"{NOTEBOOKS}/{notebook}/tags/create", compact(tags_body())
    for unsigned in (False, True):
        answer = oidc.gateway.request("POST", target, body, _signed("POST", target, body, unsigned=unsigned))
        assert answer.status < 300, (unsigned, answer)
    for received in cloud.requests():
        check_signed(received)
        assert b"AKOWN" not in received.head and received.json == tags_body()
    his = f"{CREATE}/{oidc.make('bob')}"
    check_refusal(oidc.gateway.request("GET", his, None, _signed("GET", his, b"")), 403, "identity.not_owner")
    check_refusal(oidc.gateway.request("GET", CREATE, None, _signed("GET", CREATE, b"")), 403, "identity.list_of_all")
    metrics = oidc.gateway.metrics()
    assert metrics["postern_access_keys"] == 1 and "postern_replay_entries" in metrics


def test_an_iam_that_is_away_is_told(oidc, cloud):
    token = make_token(user="bob", project=PROJECT, roles=[])

    def ask():
        return oidc.gateway.request("POST", CREATE, compact(create_body()), [("X-Auth-Token", token)]).status
    assert oidc.gateway.status("/readyz").body == b"ok\n"
    assert oidc.gateway.metrics()["postern_iam_away_seconds"] == 0
    cloud.fault("status", "GET /v3/*", status=503, count=100)
    assert ask() == 503
    ready = oidc.gateway.status("/readyz")
    assert ready.status == 200 and ready.body.startswith(b"degraded: IAM"), ready
    metrics = oidc.gateway.metrics()
    assert metrics["postern_iam_away_seconds"] >= 1 and metrics["postern_iam_failures_total"] >= 1
    status = json.loads(oidc.site.run("status", "--json").stdout or "{}")
    assert status.get("identity", {}).get("iam", {}).get("away_since"), status
