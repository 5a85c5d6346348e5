# SPDX-License-Identifier: Apache-2.0
"""Requests signed with access keys: who passes, what reaches the cloud under which key, and what never does."""

import hashlib
import json
import re
import threading

import pytest

from support.aksk import HOST, UNSIGNED, Key, date_text, entry, id_of, new_date, write_secret
from support.bodies import (ALLOW_ALL, CREATE, NOTEBOOKS, OTHER_PROJECT, POLICIES, PROJECT, action_body, compact,
                            create_body, lease_body, notebook_body, tags_body, update_body)
from support.contract import check_refusal, check_sent
from support.quota import existing, quota_policy, wait_scanned, wait_settled
from support.tokens import make_token, new_signer

ALICE = Key()
BOB = Key("BOBKEY", "bobs-secret-9876543210")
SERVICE = Key("SERVICEKEY", "the-organisations-secret")
ORGANISATION = "f3779708b547462dbca12a70555d0690"  # whom the stand-in cloud takes a signature for
ECHO = f"/v1/{PROJECT}/echo"
EDITED = create_body(without=["spec__auto_stop"])  # the policy adds an automatic stop
SCHEMES = pytest.mark.parametrize("scheme", ["access", "credential"])


def access_key(key):
    return ":".join(part for part in (key.access, key.secret, key.token) if part)


def rows(**more):
    return [entry(ALICE, projects=[PROJECT], **more), entry(BOB, "bob", projects=[PROJECT], **more)]


@pytest.fixture
def signed_gateway(folder, cloud_factory, gateway_factory):
    """Makes a cloud that takes one key alone, and a gateway that holds keys. Gives both and the key file's path."""
    def make(policies=POLICIES, keys=None, of_cloud=ALICE, sign_as=None, settings=None, verify="iam", workers=1,
             frozen=True):
        cloud = cloud_factory(frozen=frozen, access_key=access_key(of_cloud) if of_cloud else None, iam=True)
        path = write_secret(folder / "keys.yaml", rows() if keys is None else keys)
        identity = {"signatures": "verify", "access_keys": path,
                    "tokens": {"verify": verify, "iam_url": cloud.iam_url, "ca_file": cloud.pki.ca}}
        if sign_as is not None:
            identity["sign_as"] = write_secret(folder / "sign-as.yaml", {
                "access_key": sign_as.access, "secret_key": sign_as.secret, "user_id": ORGANISATION})
        gateway = gateway_factory(policies, {"identity": identity, "workers": workers, **(settings or {})},
                                  url=cloud.url)
        return cloud, gateway, path
    return make


def sent_fields(request):
    """Names of what says who is calling, as the cloud got it."""
    names = [line.split(":", 1)[0].lower() for line in request.head.decode("latin-1").split("\r\n")[1:-2]]
    return sorted(name for name in names if name.startswith("x-") or name == "authorization")


def reason(answer):
    return answer.json["reasons"][0]["code"]


def no_secrets(gateway, *keys):
    texts = [gateway.stderr, *(p.read_text("utf-8", "replace") for p in gateway.site.journal_folder.glob("*.jsonl"))]
    for text in texts:
        for key in keys:
            assert key.secret not in text and (key.token is None or key.token not in text)
        assert not re.search(r"Signature=[0-9a-f]{64}", text)


# ---- signatures: verify ----

@SCHEMES
def test_a_rewritten_create_is_signed_anew(signed_gateway, scheme):
    cloud, gateway, _ = signed_gateway()
    sent = compact(EDITED)
    answer = ALICE.send(gateway, "POST", CREATE, sent, scheme=scheme, extra={"X-Project-Id": PROJECT})
    assert answer.status == 200, answer
    received, intent, _ = check_sent(cloud, gateway, answer)
    assert received.body != sent and "auto_stop" in received.json["spec"]
    assert sent_fields(received) == ["authorization", "x-project-id", "x-sdk-date"]
    assert intent["credential"]["kind"] == intent["credential"]["verified"] == "signature"
    assert intent["user"]["name"] == "alice" and intent["user"]["id"] == id_of("alice")
    assert not intent["user"].get("roles")
    no_secrets(gateway, ALICE, BOB)


@SCHEMES
def test_all_kinds_of_calls_are_signed_anew(signed_gateway, scheme):
    """The cloud verifies each of them, those that the gateway makes itself, too."""
    cloud, gateway, _ = signed_gateway(ALLOW_ALL)
    one = ALICE.send(gateway, "POST", CREATE, create_body(), scheme=scheme).json["id"]
    two = ALICE.send(gateway, "POST", NOTEBOOKS, notebook_body(), scheme=scheme).json["id"]
    cloud.advance(600)
    query = "?limit=2&offset=0&b=%20x" + ("&b=1" if scheme == "access" else "")
    calls = [("GET", CREATE, None), ("GET", CREATE + query, None),
             ("GET", f"{CREATE}/{one}", None),
             ("PUT", f"{CREATE}/{one}", update_body()), ("POST", f"{CREATE}/{one}/action", action_body("stop")),
             ("PATCH", f"{NOTEBOOKS}/{two}/lease", lease_body()), ("POST", f"{NOTEBOOKS}/{two}/stop", None),
             ("PUT", ECHO, {"a": 1}), ("POST", ECHO, {"a": 1}), ("GET", ECHO, None)]
    later = [("POST", f"{CREATE}/{one}/action", action_body()),
             ("POST", f"{NOTEBOOKS}/{two}/start?duration=3600000&type=timing", None),
             ("POST", f"{CREATE}/{one}/action", action_body("stop")), ("POST", f"{NOTEBOOKS}/{two}/stop", None)]
    last = [("DELETE", f"{CREATE}/{one}", None), ("DELETE", f"{NOTEBOOKS}/{two}", None)]
    for part in (calls, later, last):
        for method, target, body in part:
            answer = ALICE.send(gateway, method, target, body, scheme=scheme)
            cloud.advance(30)
            assert answer.status < 300, (method, target, answer)
        cloud.advance(600)
    assert all("x-auth-token" not in sent_fields(request) for request in cloud.requests())


def test_a_body_that_is_not_covered_streams_unsigned(signed_gateway):
    cloud, gateway, _ = signed_gateway(ALLOW_ALL)
    big = b"x" * (3 << 20)
    assert ALICE.send(gateway, "PUT", ECHO, big, payload=UNSIGNED).status == 200
    request, = cloud.requests()
    assert request.body_sha256 == hashlib.sha256(big).hexdigest()
    assert request.header("x-sdk-content-sha256") == UNSIGNED
    answer = ALICE.send(gateway, "POST", CREATE, create_body(), payload=UNSIGNED)
    check_refusal(answer, 401, "identity.signature_payload")
    for payload in ("0" * 64, hashlib.sha256(b"").hexdigest(), UNSIGNED.lower()):
        check_refusal(ALICE.send(gateway, "POST", CREATE, create_body(), payload=payload), 401, "identity.signature_payload")
    assert len(cloud.requests()) == 1


def test_a_temporary_key(signed_gateway):
    key = Key("TEMPKEY", "temporary-secret-1", "the-security-token")
    cloud, gateway, _ = signed_gateway(keys=[entry(key, projects=[PROJECT])], of_cloud=key)
    answer = key.send(gateway, "POST", CREATE, EDITED)
    assert answer.status == 200, answer
    received, _, _ = check_sent(cloud, gateway, answer)
    assert received.header("x-security-token") == key.token
    for token in ("another", "", key.token + "x", key.token[:-1]):
        wrong = Key(key.access, key.secret, token)
        check_refusal(wrong.send(gateway, "POST", CREATE, EDITED), 401, "identity.signature_key")
        check_refusal(wrong.send(gateway, "GET", CREATE), 401, "identity.signature_key")
    twice = key.send(gateway, "GET", CREATE, more=[("X-Security-Token", key.token)])
    assert twice.status in (400, 401)
    assert len(cloud.requests()) == 1
    no_secrets(gateway, key)


def test_a_permanent_key_has_no_security_token(signed_gateway):
    cloud, gateway, _ = signed_gateway()
    for method, target, body in (("GET", CREATE, None), ("POST", CREATE, create_body())):
        answer = ALICE.send(gateway, method, target, body, more=[("X-Security-Token", "somebody-elses")])
        check_refusal(answer, 401, "identity.signature_key")
    assert cloud.requests() == []


REFUSED = {
    "unknown key": (401, "identity.signature_key", dict(key=Key("NOBODY", ALICE.secret))),
    "another's key": (401, "identity.signature_mismatch", dict(key=Key(BOB.access, ALICE.secret))),
    "wrong secret": (401, "identity.signature_mismatch", dict(key=Key(ALICE.access, "not-alices-secret"))),
    "key in other case": (401, "identity.signature_key", dict(key=Key("alicekey", ALICE.secret))),
    "late": (401, "identity.signature_date", dict(date=lambda: date_text(-16 * 60))),
    "early": (401, "identity.signature_date", dict(date=lambda: date_text(16 * 60))),
    "no date": (401, "identity.signature_malformed", dict(change=("X-Sdk-Date", "tomorrow"))),
    "date not signed": (401, "identity.signature_header", dict(signed=["host", "content-type"])),
    "another body": (401, "identity.signature_mismatch", dict(body=compact(create_body(name="nb-2")))),
    "another host": (401, "identity.signature_mismatch", dict(change=("Host", "other.test"))),
    "another type": (401, "identity.signature_mismatch", dict(change=("Content-Type", "application/json; charset=utf-8"))),
    "missing field": (401, "identity.signature_header", dict(extra={"X-Language": "en"}, change=("X-Language", None))),
    "field twice": (415, None, dict(more=[("Content-Type", "application/json")])),
    "host twice": (400, None, dict(more=[("Host", HOST)])),
    "date twice": (None, None, dict(more=[("X-Sdk-Date", date_text(7))])),
    "authorization twice": (400, "identity.ambiguous", dict(again="Authorization")),
    "with a token": (400, "identity.ambiguous", dict(more=[("X-Auth-Token", "t")])),
    "with an empty token": (400, "identity.ambiguous", dict(more=[("X-Auth-Token", "")])),
    "other project": (403, "identity.project_mismatch", dict(more=[("X-Project-Id", OTHER_PROJECT)])),
    "project twice": (400, "identity.ambiguous", dict(extra={"X-Project-Id": PROJECT}, more=[("X-Project-Id", PROJECT)])),
    "algorithm": (401, "identity.signature_algorithm", dict(replace=("SDK-HMAC-SHA256", "SDK-HMAC-SM3"))),
    "lower-case algorithm": (401, "identity.signature_algorithm", dict(replace=("SDK-HMAC-SHA256", "sdk-hmac-sha256"))),
    "upper-case names": (401, "identity.signature_malformed", dict(replace=("host", "Host"))),
    "unsorted names": (401, "identity.signature_malformed", dict(replace=("host;x-sdk-date", "x-sdk-date;host"))),
    "name twice": (401, "identity.signature_malformed", dict(replace=("host;", "host;host;"))),
    "both schemes": (401, "identity.signature_malformed",
                     dict(replace=("Access=ALICEKEY", "Access=ALICEKEY, Credential=BOBKEY/20260101///sdk_request"))),
    "cut": (401, "identity.signature_malformed", dict(cut=3)),
}


@SCHEMES
def test_what_is_refused(signed_gateway, scheme):
    """With its code, and nothing is sent; then a good one passes."""
    cloud, gateway, _ = signed_gateway()
    for name, (status, code, bend) in REFUSED.items():
        if name == "both schemes" and scheme != "access":
            continue
        answer = send_bent(gateway, scheme, **bend)
        expected = 400 if status is None and answer.status == 400 else status or 401
        body = check_refusal(answer, expected)
        assert code is None or [r["code"] for r in body["reasons"]] == [code], (name, body)
    assert cloud.requests() == []
    assert send_bent(gateway, scheme).status == 200
    no_secrets(gateway, ALICE, BOB)


def send_bent(gateway, scheme, key=ALICE, date=new_date, signed=None, extra=(), body=None, change=None, more=(), again=None,
              replace=None, cut=0):
    """A create that is signed as it should be (with that key, date, names and fields), then bent."""
    usual = compact(create_body())
    fields = key.headers("POST", CREATE, usual, scheme=scheme, date=date(), signed=signed, extra=extra)
    if change is not None:
        fields[change[0]] = change[1]
    if replace is not None:
        fields["Authorization"] = fields["Authorization"].replace(*replace)
    if cut:
        fields["Authorization"] = fields["Authorization"][:-cut]
    pairs = [(name, value) for name, value in fields.items() if value is not None] + list(more)
    if again is not None:
        pairs.append((again, fields[again]))
    return gateway.request("POST", CREATE, body or usual, pairs)


@SCHEMES
def test_unjudged_calls_are_verified_as_well(signed_gateway, scheme):
    cloud, gateway, _ = signed_gateway(ALLOW_ALL)
    stop = f"{CREATE}/DE-1/action"
    for method, target, body in (("GET", CREATE, None), ("DELETE", f"{CREATE}/DE-1", None), ("POST", stop, action_body("stop")),
                                 ("PUT", ECHO, {"a": 1}), ("POST", f"{NOTEBOOKS}/n-1/stop", None)):
        for key, code in ((Key(ALICE.access, "not-alices-secret"), "mismatch"), (Key("NOBODY", "nobodys-secret"), "key")):
            check_refusal(key.send(gateway, method, target, body, scheme=scheme), 401, f"identity.signature_{code}")
        bent = ALICE.headers(method, target, body, scheme=scheme)
        for other in (target + "?a=1", target.replace("/v1/", "/v1/%20", 1)):
            assert gateway.request(method, other, None if body is None else compact(body), bent).status >= 400
        if body is not None:
            answer = gateway.request(method, target, compact(action_body("stop")) + b" ", bent)
            check_refusal(answer, 401, "identity.signature_mismatch")
    assert cloud.requests() == []


def test_a_signature_beside_a_token_is_dropped_elsewhere(signed_gateway):
    cloud, gateway, _ = signed_gateway(ALLOW_ALL, of_cloud=None)
    answer = ALICE.send(gateway, "GET", CREATE, more=[("X-Auth-Token", "opaque")])
    assert answer.status == 200
    request, = cloud.requests()
    assert request.header("x-auth-token") == "opaque" and request.all("authorization") == []
    assert request.all("x-sdk-date") == []
    # Whether an action is judged stands in its body: a start is not let in by the door of a stop.
    one = f"{CREATE}/DE-1/action"
    answer = ALICE.send(gateway, "POST", one, action_body(), more=[("X-Auth-Token", "opaque")])
    check_refusal(answer, 400, "identity.ambiguous")
    assert len(cloud.requests()) == 1


def test_replays(signed_gateway):
    cloud, gateway, _ = signed_gateway(ALLOW_ALL, workers=2)
    body = compact(create_body())
    fields = ALICE.headers("POST", CREATE, body)
    assert gateway.request("POST", CREATE, body, fields).status == 200
    for _ in range(4):
        check_refusal(gateway.request("POST", CREATE, body, fields), 401, "identity.signature_replayed")
    # The same signature, spelled or carried otherwise.
    for more in ({"X-Language": "en"}, {"Postern-Dry-Run": "true"}):
        assert reason(gateway.request("POST", CREATE, body, {**fields, **more})) == "identity.signature_replayed"
    reading = ALICE.headers("GET", CREATE)
    assert [gateway.request("GET", CREATE, None, reading).status for _ in range(3)] == [200] * 3
    assert len(cloud.creates()) == 1
    # What was refused otherwise doesn't use a signature up, what is older than the gateway is not known to be new.
    old = ALICE.headers("POST", CREATE, body, date=date_text(-300))
    check_refusal(gateway.request("POST", CREATE, body, old), 401, "identity.signature_replayed")


def test_a_query_counts(signed_gateway):
    cloud, gateway, _ = signed_gateway(ALLOW_ALL)
    target = f"{CREATE}?limit=2&offset=0"
    for scheme in ("access", "credential"):
        fields = ALICE.headers("GET", target, scheme=scheme)
        assert gateway.request("GET", f"{CREATE}?offset=0&limit=2", None, fields).status == 200, "order does not count"
        for other in ("?limit=2", "", "?limit=2&offset=0&offset=5", "?limit=2&offset=0&project=1", "?limit=20&offset="):
            assert gateway.request("GET", CREATE + other, None, fields).status == 401, other
    fields = ALICE.headers("GET", f"{CREATE}?a=1", scheme="credential")
    check_refusal(gateway.request("GET", f"{CREATE}?a=1&a=2", None, fields), 401, "identity.signature_malformed")
    assert len(cloud.requests()) == 2


def test_a_query_signed_as_a_body_is_no_body(signed_gateway):
    """A POST without a body covers its query as one with Credential=: what was signed for a body must not pass as it."""
    cloud, gateway, _ = signed_gateway(ALLOW_ALL)
    target = f"{NOTEBOOKS}/n-1/stop"
    fields = ALICE.headers("POST", target, "a=b", scheme="credential", extra={"Content-Type": "application/json"})
    answer = gateway.request("POST", f"{target}?a=c", None, fields)
    check_refusal(answer, 401, "identity.signature_mismatch")
    assert cloud.requests() == []


def test_the_path_counts(signed_gateway):
    cloud, gateway, _ = signed_gateway(ALLOW_ALL)
    fields = ALICE.headers("GET", f"{CREATE}/DE-1")
    for other in (f"{CREATE}/DE-2", f"{CREATE}/DE-1/token", f"{NOTEBOOKS}/DE-1", f"{CREATE}/DE%2D2", f"{CREATE}/x/../DE-1"):
        assert gateway.request("GET", other, None, fields).status in (400, 401, 404), other
    check_refusal(gateway.request("DELETE", f"{CREATE}/DE-1", None, fields), 401, "identity.signature_mismatch")
    assert cloud.requests() == []


def test_a_key_is_for_its_projects(signed_gateway):
    cloud, gateway, _ = signed_gateway(ALLOW_ALL)
    target = CREATE.replace(PROJECT, OTHER_PROJECT)
    for method, body in (("POST", create_body()), ("GET", None)):
        check_refusal(ALICE.send(gateway, method, target, body), 403, "identity.project_mismatch")
    assert cloud.requests() == []


def test_dry_runs(signed_gateway):
    cloud, gateway, _ = signed_gateway()
    answer = ALICE.send(gateway, "POST", CREATE, EDITED, more=[("Postern-Dry-Run", "true")])
    assert answer.status == 200, answer
    answer = Key(ALICE.access, "wrong-secret").send(gateway, "POST", CREATE, EDITED, more=[("Postern-Dry-Run", "true")])
    assert answer.status == 401 and reason(answer) == "identity.signature_mismatch"
    assert cloud.requests() == []


# ---- the key file ----

def test_the_key_file_is_read_again(signed_gateway):
    cloud, gateway, path = signed_gateway(ALLOW_ALL, of_cloud=None)
    assert ALICE.send(gateway, "GET", CREATE).status == 200
    new = Key("NEWKEY", "a-new-secret-12345")
    write_secret(path, [entry(new, "carol", projects=[PROJECT]), entry(BOB, "bob", projects=[PROJECT])])
    gateway.reload()
    for method, body in (("GET", None), ("POST", create_body())):
        check_refusal(ALICE.send(gateway, method, CREATE, body), 401, "identity.signature_key")
        assert new.send(gateway, method, CREATE, body).status == 200
    good = [entry(new, "carol", projects=[PROJECT])]
    for text, mode in (("- access_key: [\n", 0o600), ("", 0o600), (good, 0o644), ([*good, *good], 0o600),
                       ([{**good[0], "sign_as": True}], 0o600)):
        write_secret(path, text, mode)
        gateway.reload()
        assert new.send(gateway, "GET", CREATE).status == 200 and BOB.send(gateway, "GET", CREATE).status == 200
    done = gateway.site.run("reload")
    assert done.returncode != 0 and "sign_as" in done.stdout + done.stderr, done
    no_secrets(gateway, ALICE, BOB, new)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_file_that_others_may_read(site_factory, folder, mode):
    path = write_secret(folder / "keys.yaml", rows(), mode)
    site = site_factory(settings={"identity": {"signatures": "verify", "access_keys": path}})
    done = site.run("serve")
    assert done.returncode != 0 and path in done.stderr and ALICE.secret not in done.stderr


@pytest.mark.parametrize("verify", ["decode", "off"])
def test_sign_as_does_not_go_with_believing_anybody(site_factory, folder, verify):
    keys = write_secret(folder / "keys.yaml", rows(sign_as=True))
    key = write_secret(folder / "sign-as.yaml", {"access_key": SERVICE.access, "secret_key": SERVICE.secret,
                                                 "user_id": ORGANISATION})
    site = site_factory(settings={"identity": {"signatures": "verify", "access_keys": keys, "sign_as": key,
                                               "tokens": {"verify": verify}}})
    for command in ("check", "serve"):
        done = site.run(command)
        assert done.returncode != 0 and "sign_as" in done.stderr + done.stdout
        assert SERVICE.secret not in done.stderr


# ---- sign_as ----

@pytest.fixture
def organisation(signed_gateway):
    """Callers without a credential of the cloud, whom the organisation's key signs for."""
    def make(policies=ALLOW_ALL, **options):
        keys = options.pop("keys", None) or rows(sign_as=True)
        return signed_gateway(policies, keys=keys, of_cloud=SERVICE, sign_as=SERVICE, **options)
    return make


def test_the_organisations_key_signs(organisation):
    cloud, gateway, _ = organisation(POLICIES)
    answer = ALICE.send(gateway, "POST", CREATE, EDITED, extra={"X-Domain-Id": "d", "X-Project-Id": PROJECT})
    assert answer.status == 200, answer
    received, intent, _ = check_sent(cloud, gateway, answer)
    assert "Access=SERVICEKEY" in received.header("authorization")
    assert sent_fields(received) == ["authorization", "x-project-id", "x-sdk-date"]
    assert intent["user"]["name"] == "alice" and intent["user"]["id"] == id_of("alice")
    own = answer.json["id"]
    assert ALICE.send(gateway, "GET", f"{CREATE}/{own}").status == 200
    no_secrets(gateway, ALICE, SERVICE)


def test_the_organisations_key_reaches_own_instances_only(organisation):
    cloud, gateway, _ = organisation()
    one = ALICE.send(gateway, "POST", CREATE, create_body()).json["id"]
    two = ALICE.send(gateway, "POST", NOTEBOOKS, notebook_body()).json["id"]
    cloud.advance(600)
    cloud.forget()
    mine = [("GET", f"{CREATE}/{{0}}", None), ("GET", f"{CREATE}/{{0}}/token", None),
            ("PUT", f"{CREATE}/{{0}}", update_body()), ("POST", f"{CREATE}/{{0}}/action", action_body()),
            ("POST", f"{CREATE}/{{0}}/action", action_body("stop")), ("DELETE", f"{CREATE}/{{0}}", None),
            ("GET", f"{NOTEBOOKS}/{{1}}", None), ("PATCH", f"{NOTEBOOKS}/{{1}}/lease", lease_body()),
            ("GET", f"{NOTEBOOKS}/{{1}}/storage", None), ("POST", f"{NOTEBOOKS}/{{1}}/stop", None),
            ("POST", f"{NOTEBOOKS}/{{1}}/start", None), ("DELETE", f"{NOTEBOOKS}/{{1}}", None),
            ("POST", f"{NOTEBOOKS}/{{1}}/tags/create", {"tags": []})]
    for method, target, body in mine:
        for ids in ((one, two), ("DE-unknown", "0" * 36)):
            answer = BOB.send(gateway, method, target.format(*ids), body)
            check_refusal(answer, 403, "identity.not_owner")
    for target in (CREATE, NOTEBOOKS, f"{NOTEBOOKS}/all", f"{CREATE}?limit=1", f"{NOTEBOOKS}?x=%2F"):
        check_refusal(ALICE.send(gateway, "GET", target), 403, "identity.list_of_all")
    for method, target in (("GET", ECHO), ("GET", f"/v1/{PROJECT}/workspaces"), ("HEAD", CREATE), ("OPTIONS", CREATE),
                           ("GET", "/v3/auth/tokens"), ("GET", f"{CREATE}/"), ("GET", f"/V1/{PROJECT}/notebooks"),
                           ("GET", f"/v2/{PROJECT}/notebooks"), ("GET", f"/v1/{PROJECT}/notebooks/"),
                           ("GET", f"/v1/{PROJECT}/Notebooks"), ("POST", f"{NOTEBOOKS}/all")):
        assert ALICE.send(gateway, method, target).status in (400, 403, 404), (method, target)
    assert cloud.requests() == []
    for method, target, body in (("GET", f"{CREATE}/{one}", None), ("POST", f"{CREATE}/{one}/action", action_body("stop")),
                                 ("POST", f"{NOTEBOOKS}/{two}/stop", None)):
        assert ALICE.send(gateway, method, target, body).status < 300, target
    cloud.advance(600)
    for method, target, body in (("POST", f"{CREATE}/{one}/action", action_body()), ("DELETE", f"{NOTEBOOKS}/{two}", None)):
        assert ALICE.send(gateway, method, target, body).status < 300, target
    assert all("Access=SERVICEKEY" in request.header("authorization") for request in cloud.requests())


def test_an_instance_belongs_to_its_maker_after_a_restart(organisation, gateway_factory):
    cloud, gateway, _ = organisation()
    one = ALICE.send(gateway, "POST", CREATE, create_body()).json["id"]
    gateway.finish()
    gateway = gateway_factory(site=gateway.site)
    check_refusal(BOB.send(gateway, "DELETE", f"{CREATE}/{one}"), 403, "identity.not_owner")
    assert ALICE.send(gateway, "GET", f"{CREATE}/{one}").status == 200


def test_tokens_beside_the_organisations_key(organisation):
    """Whoever has a credential of the cloud uses that one; it never mixes with the organisation's."""
    cloud, gateway, _ = organisation()
    token = make_token(user="alice", project=PROJECT)
    answer = gateway.request("POST", CREATE, compact(create_body()), {"X-Auth-Token": token, "X-Sdk-Date": date_text(0)})
    assert answer.status == 200, answer
    received, = cloud.creates()
    assert received.header("x-auth-token") == token and sent_fields(received) == ["x-auth-token"]


@SCHEMES
@pytest.mark.parametrize("own_key", [False, True])
def test_quotas_and_the_reconciler_know_the_caller(organisation, folder, scheme, own_key):
    """The cloud says that the organisation made it all; the ledger goes by who asked. A create whose answer is lost is
    found again under the organisation's name, with the gateway's own credential or with the key that signs."""
    service = write_secret(folder / "service.yaml", {"access_key": SERVICE.access, "secret_key": SERVICE.secret,
                                                     "user_id": ORGANISATION})
    upstream = {"service_credential": {"access_key_file": service, "projects": [PROJECT]}} if own_key else {}
    cloud, gateway, _ = organisation(quota_policy("{name: places, limit: 1, per: [user]}"), frozen=False, settings={
        "upstream": upstream, "quota": {"reconcile": "1s", "grace": "100ms"}})

    def create(key, name):
        return key.send(gateway, "POST", CREATE, create_body(name=name), scheme=scheme)

    if own_key:
        wait_scanned(gateway)
    assert create(BOB, "nb-bob").status == 200
    cloud.fault("reset", f"POST {CREATE}", execute=True)
    answer = create(ALICE, "nb-alice")
    check_refusal(answer, 502, "outcome.unknown")
    assert create(ALICE, "nb-2").status == 403
    if own_key:
        assert wait_settled(gateway) == 2
        for instance in existing(cloud):
            target = f"{CREATE}/{instance}"
            owners = [key for key in (ALICE, BOB) if key.send(gateway, "GET", target, scheme=scheme).status == 200]
            assert len(owners) == 1, "the lists name the organisation, which changes nobody's instance"
    assert create(ALICE, "nb-3").status == 403 and create(BOB, "nb-4").status == 403
    assert {line["user"]["name"] for line in gateway.journal_events("intent")} == {"alice", "bob"}
    no_secrets(gateway, ALICE, BOB, SERVICE)


def test_a_body_for_the_organisations_key(organisation):
    """What isn't judged is read, too: the signature covers it."""
    cloud, gateway, _ = organisation()
    own = ALICE.send(gateway, "POST", NOTEBOOKS, notebook_body()).json["id"]
    cloud.advance(60)
    target = f"{NOTEBOOKS}/{own}/tags/create"
    answer = ALICE.send(gateway, "POST", target, tags_body(team="a"))
    assert answer.status < 300, answer
    check_refusal(BOB.send(gateway, "POST", target, tags_body(team="b")), 403, "identity.not_owner")
    answer = ALICE.send(gateway, "POST", target, tags_body(team="a"), payload=UNSIGNED)
    assert answer.status < 300, answer
    request = cloud.requests()[-1]
    assert request.json == tags_body(team="a") and "Access=SERVICEKEY" in request.header("authorization")


ODD_QUERIES = ["a", "a=", "=x", "a=b=c", "a=1&a=2", "a=2&a=1", "a=+b", "a=%20b", "a=%2B", "a=%41", "%61=1", "&&", "a=1&", "a;b=1",
               "a=~*'()!", "B=1&a=2&A=3", "a=%2f", "a=%C3%A9", "a=/?@:", "a[]=1", "a=%zz", "a=%", "a=%00", "a=%FF"]


def test_no_query_makes_the_cloud_refuse_the_organisations_key(organisation):
    """Each refused signature counts against the key, whoever caused it. What the gateway can't spell, it doesn't send."""
    cloud, gateway, _ = organisation()
    passed = 0
    for query in ODD_QUERIES:
        answer = ALICE.send(gateway, "GET", f"{NOTEBOOKS}/flavors?{query}")
        assert b"APIG.03" not in answer.body, (query, answer)
        passed += answer.status == 200
    assert len(cloud.requests()) == passed > 12
    for query in ("=x", "a=1&=x", "a=%00", "a=%7f"):
        assert ALICE.send(gateway, "GET", f"{NOTEBOOKS}/flavors?{query}").status == 400, query


def test_a_broken_organisations_key(organisation, folder):
    """Nothing is sent, nothing is signed with what the file might mean, and the place is free again."""
    cloud, gateway, _ = organisation(quota_policy("{name: places, limit: 1, per: [user]}"))
    path = folder / "sign-as.yaml"
    good = path.read_text()
    for text, mode in (("access_key: [", 0o600), (good, 0o644), ("", 0o600)):
        write_secret(path, text, mode)
        check_refusal(ALICE.send(gateway, "POST", CREATE, create_body()), 503, "identity.sign_failed")
        check_refusal(ALICE.send(gateway, "GET", f"{NOTEBOOKS}/flavors"), 503, "identity.sign_failed")
    assert cloud.requests() == []
    write_secret(path, good)
    answer = ALICE.send(gateway, "POST", CREATE, create_body())
    assert answer.status == 200, answer
    no_secrets(gateway, ALICE, SERVICE)


def test_a_proxys_header_counts_from_proxies_only(pki, folder, cloud_factory, gateway_factory):
    cloud = cloud_factory(access_key=access_key(SERVICE))
    key = write_secret(folder / "sign-as.yaml", {"access_key": SERVICE.access, "secret_key": SERVICE.secret,
                                                 "user_id": ORGANISATION})
    tls = {"certificate": pki.certificate("gateway"), "key": pki.key("gateway"), "client_ca": pki.ca}
    gateway = gateway_factory(ALLOW_ALL, {
        "listen": [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "tls": tls}],
        "identity": {"tokens": {"verify": "certificate", "certificate": str(new_signer(folder)[1])}, "sign_as": key,
                     "forwarded_user": {"header": "X-Forwarded-User", "from": ["CN=proxy"], "projects": [PROJECT]}}},
        url=cloud.url)
    body = compact(create_body())
    told = {"X-Forwarded-User": "alice"}
    check_refusal(gateway.request("POST", CREATE, body, told), 401, "identity.missing")
    client = (pki.certificate("client"), pki.key("client"))
    check_refusal(gateway.request("POST", CREATE, body, told, index=1, ca=pki.ca, client=client), 401)
    assert cloud.requests() == []
    gateway.request("GET", CREATE, None, {**told, "X-Auth-Token": "t"})
    request, = cloud.requests()
    assert request.all("x-forwarded-user") == [] and request.header("x-auth-token") == "t"


def test_a_chunked_body_is_covered(signed_gateway):
    cloud, gateway, _ = signed_gateway(ALLOW_ALL)
    for body, status in ((compact(create_body()), 200), (compact(create_body(name="nb-9")), 401)):
        fields = ALICE.headers("POST", CREATE, compact(create_body()))
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:])) + b"0\r\n\r\n"
        answer = gateway.request("POST", CREATE, chunks, {**fields, "Transfer-Encoding": "chunked"})
        assert answer.status == status, answer
    assert len(cloud.creates()) == 1


def test_keys_change_while_they_are_used(signed_gateway):
    """Each request goes by one whole set; a known key never fails, an unknown one never passes."""
    cloud, gateway, path = signed_gateway(ALLOW_ALL, of_cloud=None, workers=2)
    done, bad = threading.Event(), []

    def run(key, status):
        while not done.is_set():
            answer = key.send(gateway, "GET", CREATE)
            if answer.status != status:
                bad.append(answer)
    threads = [threading.Thread(target=run, args=each) for each in ((ALICE, 200), (BOB, 200), (SERVICE, 401)) * 2]
    for thread in threads:
        thread.start()
    for number in range(8):
        write_secret(path, [*rows(), *(entry(Key(f"K{number}-{i}", f"secret-{number}-{i}-x"), f"u{i}", projects=[PROJECT])
                                       for i in range(50))])
        gateway.reload()
    done.set()
    for thread in threads:
        thread.join()
    assert bad == []


# ---- signatures: relay ----

@pytest.fixture
def relaying(gateway_factory, cloud_factory):
    def make(policies=POLICIES):
        cloud = cloud_factory()
        return cloud, gateway_factory(policies, {"identity": {"signatures": "relay"}}, url=cloud.url)
    return make


NO_HOST = ["content-type", "x-sdk-date", "user-agent"]


def test_relayed_byte_for_byte(relaying):
    cloud, gateway = relaying()
    body = json.dumps(create_body(), indent=1).encode()
    fields = ALICE.headers("POST", CREATE, body, signed=NO_HOST, extra={"User-Agent": "sdk/1"})
    answer = gateway.request("POST", CREATE, body, fields)
    assert answer.status == 200, answer
    received, intent, _ = check_sent(cloud, gateway, answer)
    assert received.body == body
    for name in ("Authorization", "X-Sdk-Date", "Content-Type", "User-Agent"):
        assert received.header(name) == fields[name]
    assert intent["credential"]["verified"] == "none" and "name" not in intent.get("user", {})
    assert gateway.request("GET", CREATE, None, ALICE.headers("GET", CREATE, signed=NO_HOST)).status == 200


def test_not_relayed(relaying):
    cloud, gateway = relaying()

    def refused(method, target, body, fields, code="identity.relay", status=401, more=()):
        raw = None if body is None else compact(body)
        check_refusal(gateway.request(method, target, raw, [*fields.items(), *more]), status, *([code] if code else []))
        assert cloud.requests() == []

    refused("POST", CREATE, EDITED, ALICE.headers("POST", CREATE, compact(EDITED), signed=NO_HOST))
    refused("POST", CREATE, create_body(), ALICE.headers("POST", CREATE, compact(create_body())))
    refused("GET", CREATE, None, ALICE.headers("GET", CREATE))
    start = f"{CREATE}/DE-1/action"
    refused("POST", start, action_body(), ALICE.headers("POST", start, compact(action_body()), signed=NO_HOST))
    lost = ALICE.headers("POST", CREATE, compact(create_body()), signed=[*NO_HOST, "x-lost"], extra={"X-Lost": "1"})
    refused("POST", CREATE, create_body(), lost)
    fields = ALICE.headers("POST", CREATE, compact(create_body()), signed=NO_HOST)
    refused("POST", CREATE, create_body(), fields, "identity.ambiguous", 400, [("X-Auth-Token", "t")])
    refused("POST", CREATE, create_body(), {**fields, "Authorization": fields["Authorization"][:-1]},
            "identity.signature_malformed")
    refused("POST", CREATE, create_body(flavor="modelarts.vm.gpu.8u"),
            ALICE.headers("POST", CREATE, compact(create_body(flavor="modelarts.vm.gpu.8u")), signed=NO_HOST),
            None, 403)


def test_relayed_when_the_clouds_own_host_is_signed(relaying):
    cloud, gateway = relaying()
    host = cloud.url.removeprefix("https://")
    body = compact(create_body())
    answer = gateway.request("POST", CREATE, body, ALICE.headers("POST", CREATE, body, host=host))
    assert answer.status == 200, answer
