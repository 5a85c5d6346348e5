# SPDX-License-Identifier: Apache-2.0
"""Tokens that IAM or a pinned certificate vouches for: who passes, how often IAM is asked, and what goes on without it."""

import base64
import hashlib
import itertools
import json
import pathlib
import shutil
import signal
import threading
import time

import pytest

from support.bodies import (ALLOW_ALL, CREATE, OTHER_PROJECT, POLICIES, PROJECT, action_body, compact,
                            create_body, policy)
from support.contract import check_refusal, check_sent, exchange_id, post_create
from support.http import request_bytes
from support.memory import FREES, resident_kb
from support.tokens import content, make_token, new_signer, sign
from support.waiting import wait_for

SIZES = (1200, 9000, 17600)
ECHO = f"/v1/{PROJECT}/echo"
DRY = {"Postern-Dry-Run": "true"}


def iam_settings(cloud, cache="5m", **more):
    tokens = {"verify": "iam", "iam_url": cloud.iam_url, "ca_file": cloud.pki.ca, "cache": cache}
    return {"identity": {"tokens": tokens}, **more}


@pytest.fixture
def with_iam(gateway_factory, cloud_factory):
    def make(policies=ALLOW_ALL, cache="5m", env=None, **more):
        cloud = cloud_factory(iam=True)
        return cloud, gateway_factory(policies, iam_settings(cloud, cache, **more), url=cloud.url, env=env)
    return make


def alice(**more):
    return make_token(**{"user": "alice", "project": PROJECT, **more})


def asked(cloud):
    """Requests that reached IAM."""
    return [request for request in cloud.requests() if request.target.startswith("/v3/")]


def reached(cloud):
    """Requests that reached the service."""
    return [request for request in cloud.requests() if not request.target.startswith("/v3/")]


_names = itertools.count()


def fresh(**more):
    """A create of another name each time."""
    return compact(create_body(name=f"nb-{next(_names)}", **more))


def create(gateway, token, **headers):
    return post_create(gateway, token, fresh(), headers)


def bearer(gateway, token, **headers):
    return gateway.request("POST", CREATE, fresh(), {"Authorization": "Bearer " + token, **headers})


def journalled(gateway, answer):
    """The first line about it."""
    ours = exchange_id(answer)
    return gateway.wait_journal(lambda j: j.of(ours), f"a line of {ours}").of(ours)[0]


# ---- verify: iam ----

def test_tokens_of_all_sizes(with_iam):
    cloud, gateway = with_iam()
    for size in SIZES:
        token = alice(roles=["te_admin"], size=size)
        for send in (create, bearer):
            cloud.forget()
            answer = send(gateway, token)
            assert answer.status == 200, answer
            received, intent, _ = check_sent(cloud, gateway, answer)
            assert [received.header("x-auth-token"), received.header("authorization")] == (
                [token, None] if send is create else [None, "Bearer " + token])
            assert intent["credential"] == {"kind": "token", "verified": "iam",
                                            "digest": hashlib.sha256(token.encode()).hexdigest()[:12]}
            assert intent["user"]["name"] == "alice" and intent["user"]["id"] == "user-id-of-alice"
        assert cloud.validations(token) == 1
        assert len(asked(cloud)) == 0, "the second one knew it"


def test_what_iam_is_asked(with_iam):
    cloud, gateway = with_iam()
    token = alice()
    assert create(gateway, token).status == 200
    request, = asked(cloud)
    assert (request.method, request.target) == ("GET", "/v3/auth/tokens?nocatalog=true")
    assert request.header("x-auth-token") == request.header("x-subject-token") == token
    assert request.header("host") == cloud.iam_url.removeprefix("https://")


def test_an_authority_of_iam_that_is_taken_away(gateway_factory, cloud_factory, folder):
    """It counts for nothing more, not even on the connections that it vouched for."""
    cloud, authority = cloud_factory(iam=True), folder / "ca.pem"
    shutil.copy(cloud.pki.ca, authority)
    settings = iam_settings(cloud)
    settings["identity"]["tokens"]["ca_file"] = str(authority)
    gateway = gateway_factory(ALLOW_ALL, settings, url=cloud.url)
    known = alice()
    assert create(gateway, known).status == 200
    shutil.copy(cloud.pki.certificate("unknown-ca"), authority)
    gateway.reload()
    check_refusal(create(gateway, alice(user="bob")), 503, "identity.unavailable")
    assert create(gateway, known).status == 200
    authority.write_text("no certificate")
    gateway.reload()
    assert "identity.tokens.ca_file" in gateway.stderr
    shutil.copy(cloud.pki.ca, authority)
    gateway.reload()
    wait_for(lambda: create(gateway, alice(user="bob")).status == 200, "IAM to be believed again")


def test_roles_and_groups_are_there_for_policies(with_iam):
    cloud, gateway = with_iam({
        "a.yaml": policy('flavors: {allow: ["*"]}', "{roles: [ml_admin]}"),
        "b.yaml": policy('flavors: {deny: ["*"]}', "{groups: [interns]}").replace("name: p", "name: q")})
    answer = create(gateway, alice(roles=["ml_admin"], groups=["staff"]))
    assert answer.status == 200, answer
    assert journalled(gateway, answer)["user"]["roles"] == ["ml_admin"]
    answer = create(gateway, alice(roles=["ml_admin"], groups=["interns"]))
    assert answer.status == 403, answer
    assert journalled(gateway, answer)["user"]["groups"] == ["interns"]
    assert create(gateway, alice(roles=["te_admin"], groups=["staff"])).status == 403, "no policy is for it"
    body = check_refusal(create(gateway, alice(roles=["ml_admin"])), 403)
    assert body["reasons"][0]["code"] == "identity.attribute_unknown", "IAM tells groups of federated users only"


def test_each_refusal(with_iam):
    cloud, gateway = with_iam()
    good, revoked = alice(), alice(user="mallory")
    cloud.revoke(revoked)
    body = compact(create_body())
    signature = "SDK-HMAC-SHA256 Access=A, SignedHeaders=x-sdk-date, Signature=" + "0" * 64
    x, a = "X-Auth-Token", "Authorization"
    cases = {
        "nothing": (401, "identity.missing", []),
        "empty": (401, "identity.missing", [(x, "")]),
        "empty bearer": (401, "identity.missing", [(a, "Bearer ")]),
        "other scheme": (401, "identity.missing", [(a, "Basic QTpC")]),
        "revoked": (401, "identity.token_refused", [(x, revoked)]),
        "junk": (401, "identity.token_refused", [(x, "MIIjunk")]),
        "cut": (401, "identity.token_refused", [(x, good[:-8])]),
        "a letter more": (401, "identity.token_refused", [(x, good[:200] + "A" + good[200:])]),
        "expired": (401, "identity.token_refused", [(x, alice(expires=-60))]),
        "other project": (403, "identity.project_mismatch", [(x, alice(project=OTHER_PROJECT))]),
        "domain": (401, "identity.token_unscoped", [(x, alice(project=None))]),
        "two tokens": (400, "identity.ambiguous", [(x, good), (x, good)]),
        "two bearers": (400, "identity.ambiguous", [(a, "Bearer " + good)] * 2),
        "token and bearer": (400, "identity.ambiguous", [(x, good), (a, "Bearer " + good)]),
        "token and signature": (400, "identity.ambiguous", [(x, good), (a, signature)]),
        "signature": (401, "identity.signature_refused", [(a, signature)]),
        "a list": (401, "identity.token_malformed", [(x, good + "," + good)]),
        "two words": (401, "identity.token_malformed", [(a, "Bearer " + good + " " + good)]),
        "high bytes": (401, "identity.token_malformed", [(x, good + "\xff")]),
        "X-Project-Id": (403, "identity.project_mismatch", [(x, good), ("X-Project-Id", OTHER_PROJECT)]),
        "X-Project-Id twice": (400, "identity.ambiguous", [(x, good), *[("X-Project-Id", PROJECT)] * 2]),
    }
    for name, (status, code, headers) in cases.items():
        answer = gateway.request("POST", CREATE, body, headers)
        assert (answer.status, [r["code"] for r in answer.json["reasons"]]) == (status, [code]), (name, answer)
        assert good[:40].encode() not in answer.body
        if name in ("revoked", "other project"):  # floods of refusals are counted, not written down
            line = journalled(gateway, answer)
            assert line["event"] == "refusal" and line["credential"]["verified"] == "none", line
    assert reached(cloud) == []
    assert create(gateway, good, **{"X-Project-Id": PROJECT}).status == 200


def test_unjudged_calls_ask_nobody(with_iam):
    cloud, gateway = with_iam()
    for method, target, body in (("GET", CREATE, None), ("DELETE", f"{CREATE}/DE-1", None), ("GET", ECHO, None),
                                 ("POST", f"{CREATE}/DE-1/action", action_body("stop"))):
        cloud.forget()
        signed = {"X-Auth-Token": "opaque", "X-Sdk-Date": "20260101T000000Z", "X-Forwarded-User": "root",
                  "Authorization": "SDK-HMAC-SHA256 Access=A, SignedHeaders=x-sdk-date, Signature=" + "0" * 64}
        gateway.request(method, target, None if body is None else compact(body), signed)
        request, = cloud.requests()
        assert request.header("x-auth-token") == "opaque"
        assert request.all("authorization") == request.all("x-sdk-date") == request.all("x-forwarded-user") == []


def test_one_name_of_a_token_is_not_another(with_iam):
    """The cache goes by the whole token: neither its beginning nor its end nor the header that carried it counts."""
    cloud, gateway = with_iam()
    token = alice(size=9000)
    assert create(gateway, token).status == 200
    middle = len(token) // 2
    for other in (token[:-4] + "AAAA", "M" + token, token + "A", token.lower(), token[:middle] + "A" + token[middle + 1:]):
        count = cloud.validations()
        answer = bearer(gateway, other, **DRY)
        assert cloud.validations() == count + 1, "it was looked up"
        assert answer.status in (200, 401, 403), answer
    for scheme in ("bearer ", "BEARER  "):
        answer = gateway.request("POST", CREATE, fresh(), {"Authorization": scheme + token, **DRY})
        assert answer.status == 200, answer


def test_iam_away(with_iam):
    cloud, gateway = with_iam(cache="3s")
    known = alice()
    started = time.monotonic()
    answer = create(gateway, known)
    assert answer.status == 200
    one = answer.json["id"]
    cloud.iam(down=True)
    check_refusal(create(gateway, alice(user="bob")), 503, "identity.unavailable")
    answer = create(gateway, known)
    if time.monotonic() - started < 2.5:
        assert answer.status == 200, answer
    for method, target in (("GET", CREATE), ("GET", ECHO)):
        assert gateway.request(method, target, None, {"X-Auth-Token": "t"}).status == 200
    answer = gateway.request("POST", f"{CREATE}/{one}/action", compact(action_body("stop")), {"X-Auth-Token": known})
    assert b"Postern" not in answer.body, "a stop is the cloud's to judge"
    answer = gateway.request("DELETE", f"{CREATE}/{one}", None, {"X-Auth-Token": known})
    assert b"Postern" not in answer.body
    wait_for(lambda: create(gateway, known, **DRY).status == 503, "the end of the cache time", 6)
    cloud.iam(down=False)
    wait_for(lambda: create(gateway, known, **DRY).status == 200, "IAM to be asked again")


@pytest.mark.parametrize("status", [500, 502, 429, 301, 204, 206])
def test_iam_answers_otherwise(with_iam, status):
    cloud, gateway = with_iam()
    cloud.iam(status=status)
    check_refusal(create(gateway, alice()), 503, "identity.unavailable")
    cloud.iam(status=0)
    wait_for(lambda: create(gateway, alice(), **DRY).status == 200, "IAM to be asked again")


def test_iam_says_no_to_all(with_iam):
    cloud, gateway = with_iam()
    for status in (400, 401, 403):
        cloud.iam(status=status)
        check_refusal(create(gateway, alice()), 401, "identity.token_refused")
    assert reached(cloud) == []


GARBAGE = {
    "no JSON": "<html>", "nothing": "", "null": "null", "a list": "[]", "another object": '{"error": {}}', "half": '{"token": {',
    "no user": json.dumps({"token": {"expires_at": "2099-01-01T00:00:00.000000Z", "roles": [],
                                     "project": {"id": PROJECT, "name": "p"}}}),
    "no expiry": json.dumps({"token": {"user": {"id": "i", "name": "root", "domain": {"id": "d", "name": "n"}},
                                       "roles": [], "project": {"id": PROJECT, "name": "p"}}}),
    "twice": '{"token": {}, "token": {}}',
    "much": '{"token": "' + "x" * (2 << 20) + '"}',
}


def test_iam_answers_garbage(with_iam):
    cloud, gateway = with_iam(cache="0s")
    for name, text in GARBAGE.items():
        cloud.fault("status", "GET /v3/*", status=200, body=text)
        answer = create(gateway, alice(user="bob"), **DRY)
        assert answer.status == 503, (name, answer)
        assert create(gateway, alice(), **DRY).status == 200, f"{name}: it is asked again"
    assert reached(cloud) == []


def test_one_odd_token_holds_up_nobody(with_iam):
    """What can't be read of one user says nothing about IAM, which answers: others are still asked about."""
    cloud, gateway = with_iam()
    odd = content("mallory", PROJECT)
    del odd["token"]["user"]["id"]
    token = sign(json.dumps(odd).encode())
    for _ in range(6):
        check_refusal(create(gateway, token), 503, "identity.unavailable")
    assert create(gateway, alice()).status == 200
    assert cloud.validations(token) == 6


def test_slow_iam(with_iam):
    """A look-up has five seconds; meanwhile others pass, and what waits holds nobody up."""
    cloud, gateway = with_iam()
    known, waiting = alice(), alice(user="bob")
    assert create(gateway, known).status == 200
    cloud.fault("slow", "GET /v3/*", 10)
    started = time.monotonic()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(create(gateway, waiting))) for _ in range(4)]
    for thread in threads:
        thread.start()
    cloud.wait_held()
    began = time.monotonic()
    assert create(gateway, known).status == 200
    assert time.monotonic() - began < 4
    for thread in threads:
        thread.join()
    assert 4 < time.monotonic() - started < 20
    for answer in answers:
        check_refusal(answer, 503, "identity.unavailable")
    assert len([r for r in asked(cloud) if r.header("x-subject-token") == waiting]) <= 1, "one look-up for all"
    cloud.release()


@pytest.mark.parametrize("get", [404, 405, 501])
def test_where_get_is_not_there(with_iam, get):
    cloud, gateway = with_iam()
    cloud.iam(get=get)
    good, revoked = alice(roles=["te_admin"]), alice(user="mallory")
    cloud.revoke(revoked)
    answer = create(gateway, good)
    assert answer.status == 200, answer
    assert [request.method for request in asked(cloud)] == ["GET", "HEAD"]
    _, intent, _ = check_sent(cloud, gateway, answer)
    assert intent["credential"]["verified"] == "iam" and intent["user"]["name"] == "alice"
    check_refusal(create(gateway, revoked), 401, "identity.token_refused")
    check_refusal(create(gateway, alice(project=OTHER_PROJECT)), 403, "identity.project_mismatch")
    assert len([request for request in asked(cloud) if request.method == "GET"]) == 1, "it isn't tried again"


def test_a_revoked_token_is_refused_after_the_cache_time(with_iam):
    cloud, gateway = with_iam(cache="1s")
    token = alice()
    assert create(gateway, token).status == 200
    cloud.revoke(token)
    wait_for(lambda: create(gateway, token, **DRY).status == 401, "the end of the cache time")  # it would be minutes


def test_an_expired_token_is_refused_within_the_cache_time(with_iam):
    cloud, gateway = with_iam()
    token = alice(expires=5)
    assert create(gateway, token).status == 200
    answer = wait_for(lambda: (lambda a: a if a.status != 200 else None)(create(gateway, token, **DRY)), "expiry")
    assert answer.status == 401, answer


def test_without_a_cache_each_request_asks(with_iam):
    cloud, gateway = with_iam(cache="0s")
    token = alice()
    for _ in range(5):
        assert create(gateway, token, **DRY).status == 200
    assert cloud.validations(token) == 5
    cloud.revoke(token)
    check_refusal(create(gateway, token), 401, "identity.token_refused")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_thousand_callers(with_iam, workers):
    """Each token is asked about once, however many connections and workers it comes by."""
    cloud, gateway = with_iam(workers=workers, log={"level": "warning"})
    tokens = issue(1000)
    assert len(set(tokens)) == len(tokens)
    work = tokens * 2
    lock, bad = threading.Lock(), []

    def run():
        with gateway.connect() as client:
            while True:
                with lock:
                    if not work:
                        return
                    token = work.pop()
                answer = client.request("POST", CREATE, fresh(), {"X-Auth-Token": token, **DRY})
                if answer.status != 200:
                    bad.append(answer)
    threads = [threading.Thread(target=run) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bad == []
    state = cloud.iam()
    assert state["validations"] == 1000 and set(state["counts"].values()) == {1}


def issue(count):
    """Distinct tokens. The stand-in's IAM takes what can be decoded, so that the end of the signature may differ."""
    token = alice()
    raw = bytearray(base64.b64decode(token.replace("-", "/")))
    tokens = []
    for number in range(count):
        raw[-8:] = number.to_bytes(8, "big")
        tokens.append(base64.b64encode(bytes(raw)).decode().replace("/", "-"))
    return tokens


def test_junk_is_bounded(with_iam):
    """10,000 different tokens that are none leave little behind."""
    cloud, gateway = with_iam(env=FREES, log={"level": "error"})
    cloud.record(False)

    def flood(first, count):
        with gateway.connect() as client:
            for start in range(first, first + count, 50):
                client.send(b"".join(request_bytes("POST", CREATE, fresh(), {"X-Auth-Token": f"MII{n:08}" + "A" * 2000,
                                                                             **DRY}) for n in range(start, start + 50)))
                for _ in range(50):
                    assert client.read_answer("POST").status == 401
    flood(0, 2000)
    before = resident_kb(gateway)
    flood(2000, 8000)
    assert resident_kb(gateway) - before < 20_000


def test_what_belongs_to_a_signature_stays_behind(with_iam):
    """A token goes on alone: not with the secrets of a signature that stood beside it."""
    cloud, gateway = with_iam()
    left = {"X-Sdk-Date": "20260101T000000Z", "X-Security-Token": "secret", "X-Sdk-Content-Sha256": "0" * 64}
    token = alice()
    assert create(gateway, token, **left).status == 200
    assert gateway.request("GET", CREATE, None, {"X-Auth-Token": token, **left}).status == 200
    for request in reached(cloud):
        assert request.header("x-auth-token") == token
        for name in left:
            assert request.all(name) == [], (request, name)


def test_an_action_is_judged_by_what_iam_says(with_iam):
    """Its body tells that it is a start; the cloud is asked for the instance with the same token."""
    cloud, gateway = with_iam()
    token = alice()
    one = create(gateway, token).json["id"]
    cloud.advance(60)
    target = f"{CREATE}/{one}/action"
    assert gateway.request("POST", target, compact(action_body("stop")), {"X-Auth-Token": "whoever"}).status < 300
    cloud.advance(60)
    cloud.forget()
    bob = alice(user="bob")
    cloud.revoke(bob)
    check_refusal(gateway.request("POST", target, compact(action_body()), {"X-Auth-Token": bob}), 401, "identity.token_refused")
    assert reached(cloud) == []
    answer = gateway.request("POST", target, compact(action_body()), {"X-Auth-Token": alice(user="carol")})
    assert answer.status < 300, answer
    assert [request.method for request in cloud.requests()] == ["GET", "GET", "GET", "POST"]


def test_lookups_and_reloads_at_once(with_iam):
    cloud, gateway = with_iam(workers=2, cache="0s", log={"level": "warning"})
    done, bad, tokens = threading.Event(), [], issue(8)

    def run(number):
        with gateway.connect() as client:
            while not done.is_set():
                answer = client.request("POST", CREATE, fresh(), {"X-Auth-Token": tokens[number], **DRY})
                if answer.status != 200:
                    bad.append(answer)
    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        gateway.reload()
    done.set()
    for thread in threads:
        thread.join()
    assert bad == []


# ---- waiting for IAM ----

def test_clients_that_hang_up_while_iam_is_asked(with_iam):
    cloud, gateway = with_iam(workers=2)
    cloud.fault("slow", "GET /v3/*", 100)
    for number in range(20):
        client = gateway.connect()
        client.send(request_bytes("POST", CREATE, fresh(), {"X-Auth-Token": alice(user=f"u{number % 4}")}))
        if number % 2:
            client.reset()
        else:
            client.half_close()
            client.close()
    cloud.wait_held()
    cloud.control("DELETE", "/fault")
    cloud.release()
    wait_for(lambda: create(gateway, alice(), **DRY).status == 200, "others to pass")


def test_draining_while_iam_is_asked(with_iam):
    """Who waits gets an answer, and the gateway ends in time."""
    cloud, gateway = with_iam(limits={"drain": "3s"})
    cloud.fault("slow", "GET /v3/*", 10)
    with gateway.connect() as client:
        client.send(request_bytes("POST", CREATE, fresh(), {"X-Auth-Token": alice()}))
        cloud.wait_held()
        gateway.signal(signal.SIGTERM)
        cloud.release()
        assert client.read_answer("POST").status == 200
    gateway.wait()
    assert gateway.popen.returncode == 0


def test_the_end_while_iam_is_asked(with_iam):
    """IAM never answers: open questions go down with the gateway."""
    cloud, gateway = with_iam(limits={"drain": "1s"}, workers=2)
    cloud.fault("slow", "GET /v3/*", 10)
    clients = []
    for number in range(6):
        client = gateway.connect()
        client.send(request_bytes("POST", CREATE, fresh(), {"X-Auth-Token": alice(user=f"u{number}")}))
        clients.append(client)
    cloud.wait_held(3)
    started = time.monotonic()
    gateway.signal(signal.SIGTERM)
    gateway.wait()
    assert gateway.popen.returncode == 0 and time.monotonic() - started < 10
    for client in clients:
        client.close()
    assert reached(cloud) == []


def test_a_reload_while_iam_is_asked(with_iam):
    cloud, gateway = with_iam(POLICIES)
    cloud.fault("slow", "GET /v3/*", 1)
    with gateway.connect() as client:
        client.send(request_bytes("POST", CREATE, fresh(flavor="modelarts.vm.cpu.8u"), {"X-Auth-Token": alice()}))
        cloud.wait_held()
        gateway.site.write_policies(ALLOW_ALL)
        gateway.reload()
        cloud.release()
        assert client.read_answer("POST").status == 200, "judged by the set that runs when it is judged"


# ---- verify: certificate ----

@pytest.fixture(scope="module")
def signers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signers")
    return [new_signer(folder, name) for name in ("one", "two")]


@pytest.fixture
def pinned(folder, gateway_factory, cloud, signers):
    """A gateway that goes by a file with signer one's certificate."""
    path = folder / "iam.pem"
    path.write_bytes(signers[0][1].read_bytes())
    gateway = gateway_factory(ALLOW_ALL, {"identity": {"tokens": {"verify": "certificate", "certificate": str(path)}}})
    return gateway, path


def test_a_pinned_certificate_vouches(pinned, cloud, signers):
    gateway, _ = pinned
    for size in SIZES:
        token = alice(roles=["te_admin"], size=size, signer=signers[0])
        for send in (create, bearer):
            cloud.forget()
            answer = send(gateway, token)
            assert answer.status == 200, answer
            _, intent, _ = check_sent(cloud, gateway, answer)
            assert intent["credential"]["verified"] == "certificate" and intent["user"]["name"] == "alice"
    cloud.forget()
    good = alice(signer=signers[0])
    raw = base64.b64decode(good.replace("-", "/"))
    bent = base64.b64encode(raw.replace(b'"name":"alice"', b'"name":"admin"')).decode().replace("/", "-")
    assert bent != good
    for token, status, code in ((alice(signer=signers[1]), 401, "identity.token_refused"),
                                (alice(), 401, "identity.token_refused"),
                                (bent, 401, "identity.token_refused"),
                                (alice(signer=signers[0], expires=-5), 401, "identity.token_expired"),
                                (alice(signer=signers[0], project=OTHER_PROJECT), 403, "identity.project_mismatch"),
                                (alice(signer=signers[0], project=None), 401, "identity.token_unscoped"),
                                (good[:-20], 401, None), ("junk", 401, None)):
        body = check_refusal(create(gateway, token), status)
        assert code is None or body["reasons"][0]["code"] == code, body
    assert cloud.requests() == []


def test_certificates_roll_over(pinned, cloud, signers):
    gateway, path = pinned
    one, two = alice(signer=signers[0]), alice(user="bob", signer=signers[1])
    assert (create(gateway, one).status, create(gateway, two).status) == (200, 401)
    path.write_bytes(signers[0][1].read_bytes() + signers[1][1].read_bytes())
    gateway.reload()
    assert (create(gateway, one).status, create(gateway, two).status) == (200, 200)
    path.write_bytes(signers[1][1].read_bytes())
    assert gateway.site.run("reload").returncode == 0
    assert (create(gateway, one).status, create(gateway, two).status) == (401, 200), "the cache forgot"
    path.write_bytes(b"-----BEGIN CERTIFICATE-----\n")
    assert gateway.site.run("reload").returncode != 0
    assert create(gateway, two).status == 200, "the old one stays"


def test_a_certificate_that_is_over_vouches_for_nobody(pinned, cloud, pki):
    gateway, path = pinned
    for name, status in (("client", 200), ("expired", 401)):
        signer = (pki.key(name), pki.certificate(name))
        path.write_bytes(pathlib.Path(signer[1]).read_bytes())
        gateway.site.run("reload")
        answer = create(gateway, alice(signer=signer))
        assert answer.status == status, (name, answer)
    assert check_refusal(answer, 401)["reasons"][0]["code"] == "identity.token_refused"
    assert len(cloud.requests()) == 1


# ---- nobody vouches ----

@pytest.mark.parametrize("verify", ["decode", "off"])
def test_a_record_says_that_nothing_was_verified(gateway_factory, cloud, verify):
    gateway = gateway_factory(ALLOW_ALL, {"identity": {"tokens": {"verify": verify}}})
    answer = create(gateway, alice())
    assert answer.status == 200
    _, intent, _ = check_sent(cloud, gateway, answer)
    assert intent["credential"]["verified"] == ("decoded" if verify == "decode" else "none")
