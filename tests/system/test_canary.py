# SPDX-License-Identifier: Apache-2.0
"""Nothing leaks: secrets that stand nowhere else go through the gateway by every way that a secret can come, and then
every byte that it wrote is searched for them.

What counts as a secret: credentials in headers, query and settings, every value of a header, member of a body or of an
answer that the gateway does not need to know, and whatever stands where nobody expects it. What doesn't: what policies
decide on and the journal is for, such as names, users, projects, flavors and annotations that a policy sets, and
X-Request-Id. What goes on to the cloud, and the cloud's answer to the client, isn't looked at."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import secrets
import signal
import subprocess
import time
import urllib.parse

import pytest

from support.bodies import ALLOW_ALL, CREATE, IMAGE, NOTEBOOKS, POLICIES, PROJECT, compact, create_body, notebook_body
from support.canary import PART, Canaries
from support.gateway import Gateway, yaml_text
from support.postgres import Postgres
from support.quota import places, quota_policy
from support.raw_server import Played, RawServer
from support.signing import sdk_date
from support.tokens import make_token, new_signer
from support.waiting import wait_for

FORMATS = [("debug", "text"), ("debug", "json")]


@pytest.fixture
def canaries():
    return Canaries()


def secret_file(folder, name, text):
    path = pathlib.Path(folder) / name
    path.write_text(text)
    os.chmod(path, 0o600)
    return str(path)


def token_of(canaries, name, **more):
    """A token that can be read, and is a canary as a whole."""
    roles = ["te_admin", secrets.token_hex(8)]  # no two are equal
    return canaries.add(name, make_token(user="alice", project=PROJECT, roles=roles, **more))


class Written:
    """What a gateway wrote: collected answers and pages, the output of commands, stderr, and every file in its folder
    but those that the test put there."""

    def __init__(self, site):
        self.site = site
        self.put = {p for p in site.folder.rglob("*") if p.is_file()}
        self.data = {}

    def add(self, where, data):
        self.data[f"{len(self.data)} {where}"] = data if isinstance(data, bytes) else data.encode()

    def answer(self, where, answer):
        """Looked at if it is the gateway's own: with a code of its own."""
        if b"Postern." in answer.body:
            self.add(where, repr(answer.fields) + "\n" + answer.body.decode("utf-8", "replace"))
        for name, value in answer.fields:
            if name.lower().startswith("postern-"):
                self.add(where, value)

    def run(self, *args, **how):
        """A command, with -c FILE where it takes that."""
        if args[0] in ("quota", "audit"):
            done = self.site.run(*args, "-c", str(self.site.conf), conf=False, **how)
        else:
            done = self.site.run(*args, **how)
        self.add(" ".join(args), done.stdout + done.stderr)
        return done

    def pages(self, gateway):
        for page in ("/metrics", "/readyz", "/healthz", "/status", "/nothing?token=x"):
            self.add(page, gateway.status(page).body)
        for command in (("status", "--json"), ("quota", "list"), ("quota", "list", "--json"), ("check",),
                        ("check", "--show"), ("audit", "verify")):
            self.run(*command)

    def all(self, *processes):
        files = {str(p): p.read_bytes() for p in self.site.folder.rglob("*") if p.is_file() and p not in self.put}
        streams = {f"stderr of {p.name} {p.pid}": p.stderr.encode() for p in processes}
        return {**self.data, **files, **streams}


def check_clean(canaries, written):
    leaks = canaries.search(written)
    assert not leaks, "\n".join(leaks)


def sign(method, path, access, secret, body=b"", **extra):
    """The fields of a request that is signed as the SDKs do."""
    date = sdk_date()
    fields = {"host": "gateway.test", "x-sdk-date": date, **extra}
    names = ";".join(sorted(fields))
    lines = "".join(f"{name}:{fields[name]}\n" for name in sorted(fields))
    digest = hashlib.sha256(body).hexdigest()
    canonical = f"{method}\n{path}/\n\n{lines}\n{names}\n{digest}"
    text = f"SDK-HMAC-SHA256\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    authorization = f"SDK-HMAC-SHA256 Access={access}, SignedHeaders={names}, Signature={signature}"
    return {"Host": "gateway.test", "X-Sdk-Date": date, "Authorization": authorization,
            **{name: value for name, value in fields.items() if name not in ("host", "x-sdk-date")}}, signature


# ---- what clients send ----

def header_requests(canaries, token):
    """[(headers)] with a secret in each."""
    c = canaries.new
    scheme_a = "SDK-HMAC-SHA256 Access={}, SignedHeaders=host;x-sdk-date, Signature={}"
    scheme_b = "SDK-HMAC-SHA256 Credential={}/20260101/cn-north-4/modelarts/sdk_request, SignedHeaders=host, Signature={}"
    hexed = lambda name: canaries.add(name, hashlib.sha256(os.urandom(32)).hexdigest())  # noqa: E731
    yield {"X-Auth-Token": c("opaque token", 400)}
    yield {"X-Auth-Token": "MII" + c("token that can't be read", 1200)}
    yield {"X-Auth-Token": token_of(canaries, "cut token")[:700]}
    yield {"X-Auth-Token": token_of(canaries, "expired token", expires="-5m")}
    yield {"X-Auth-Token": "a b\t" + c("token with blanks")}
    yield {"X-Auth-Token": c("token with bytes") + "\x80\xff\xe2\x80"}
    yield {"X-Auth-Token": c("token too long", 100) + "M" * 32768}
    yield [("X-Auth-Token", c("token one of two")), ("X-Auth-Token", c("token two of two"))]
    yield {"Authorization": "Bearer " + c("opaque bearer", 300)}
    yield {"Authorization": "Bearer " + token_of(canaries, "bearer token")}
    yield {"Authorization": "Bearer eyJhbGciOiJSUzI1NiJ9." + c("jwt body", 300) + "." + c("jwt signature", 300)}
    yield [("X-Auth-Token", c("token beside bearer")), ("Authorization", "Bearer " + c("bearer beside token"))]
    yield {"Authorization": "Basic " + c("basic", 48)}
    yield {"Authorization": c("no scheme")}
    yield {"Authorization": c("odd scheme") + " " + c("of odd scheme")}
    yield {"Authorization": scheme_a.format(c("access key a"), hexed("signature a")), "X-Sdk-Date": "20260101T000000Z"}
    yield {"Authorization": scheme_b.format(c("access key b"), hexed("signature b")), "X-Sdk-Date": "20260101T000000Z"}
    yield {"Authorization": scheme_a.format(c("access key c"), c("broken signature")), "X-Sdk-Date": c("odd date")}
    yield {"Authorization": "SDK-HMAC-SHA256 " + c("broken scheme")}
    yield {"Authorization": "SDK-HMAC-SHA256 " + c("member") + "=" + c("member value") + ", Access=,,"}
    yield {"X-Auth-Token": token, "X-Security-Token": c("security token", 600)}
    yield {"X-Auth-Token": token, "X-Subject-Token": c("subject token", 600)}
    yield {"X-Auth-Token": token, "Cookie": "session=" + c("cookie"), "X-Api-Key": c("api key")}
    yield {"X-Auth-Token": token, "X-Project-Id": c("project id header")}
    yield {"X-Auth-Token": token, "X-Forwarded-User": c("forwarded user")}
    yield {"X-Auth-Token": token, "User-Agent": c("user agent"), "Content-Type": c("content type")}
    yield {"X-Auth-Token": token, "Content-Encoding": c("content encoding"), "Expect": c("expect")}
    yield {"X-Auth-Token": token, "X-Domain-Id": c("domain id"), "X-Language": c("language")}
    yield {"X-Auth-Token": token, c("field name"): c("field value")}
    yield {"X-Auth-Token": token, "Transfer-Encoding": c("transfer coding")}
    yield {"X-Auth-Token": token, "Content-Length": c("content length")}


def bodies(canaries, prefix=""):
    """Bodies with secrets where they stand, and where they don't."""
    def c(name, size=32):
        return canaries.new(prefix + name, size)

    git = {"type": "git", "location": {"url": "https://git.example.org/a.git"}}
    yield create_body(spec__repository={**git, "credential": {"access_token": c("access token"),
                                                              "ssh_private_key": c("private key", 900)}})
    yield create_body(spec__repository={**git, "credential": c("credential that is a text")})
    yield create_body(spec__repository={"credential": {"access_token": c("access token of no type")}})
    yield create_body(spec__credential={"access_key": c("body ak"), "secret_key": c("body sk")})
    yield create_body(flavor="modelarts.vm.gpu.8u", token=c("unknown member"))
    yield create_body(**{"MII" + c("name of an unknown member", 400): 1})
    yield create_body(spec__extend_params={"password": c("password"), "deep": [[{"x": c("deep")}]]})
    yield create_body(spec__annotations={"secret": c("annotation")})
    yield create_body(description=c("description"))
    yield create_body(flavor=7, x=c("beside a wrong type"))
    yield create_body(spec=c("spec that is a text"))
    yield b'{"name": "a", "token": "' + c("open text").encode()
    yield b'{"name": "a", "token": "' + c("broken escape").encode() + b'\\q"}'
    yield b'{"token": "' + c("bad UTF-8").encode() + b'\xff\xfe"}'
    yield b'{"token": ' + c("bare word").encode() + b"}"
    yield c("no JSON").encode()
    yield b'{"token": "' + c("first of two").encode() + b'", "token": "' + c("second of two").encode() + b'"}'
    yield b'{"' + (name := "eyJ" + c("a name twice", 60)).encode() + b'": 1, "' + name.encode() + b'": 2}'
    yield b'{"a": ' + b"[" * 200 + b'"' + c("too deep").encode() + b'"' + b"]" * 200 + b"}"


def queries(canaries):
    c = canaries.new
    yield "GET", f"{CREATE}?token={c('query token')}", None
    yield "GET", f"{CREATE}/DE-1/token?{c('query name')}", None
    yield "POST", f"{CREATE}?X-Auth-Token={c('query of a create')}", create_body()
    yield "POST", f"{NOTEBOOKS}/{IMAGE}/start?token={c('odd query of a start')}", None
    yield "POST", f"{NOTEBOOKS}/{IMAGE}/start?{c('bare query of a start')}", None
    yield "POST", f"{CREATE}?a=%zz{c('query with a bad escape')}", create_body()
    yield "POST", f"{NOTEBOOKS}/{IMAGE}/start?duration={c('query of a start')}&type=timing", None
    yield "POST", f"{NOTEBOOKS}/{IMAGE}/start?duration=1&duration={c('query twice')}", None
    yield "GET", f"/v1/{PROJECT}/other?access_token={c('query elsewhere')}", None
    yield "GET", f"/v9/{c('path of no route')}?x={c('query of no route')}", None
    yield "GET", f"/v1/{c('project of the path')}/elsewhere", None
    yield c("method").upper()[:16], CREATE, None


def raw_heads(canaries):
    """What is no request."""
    c = canaries.new
    for name, raw in {
        "line": "{} HTTP/1.1\r\nHost: g\r\n\r\n", "version": "GET / {}\r\n\r\n", "field": "GET / HTTP/1.1\r\n{}\r\n\r\n",
        "fold": "GET / HTTP/1.1\r\nHost: g\r\nX-Auth-Token: a\r\n {}\r\n\r\n", "nul": "GET / HTTP/1.1\r\nX-Auth-Token: \0{}\r\n\r\n",
        "host": "GET / HTTP/1.1\r\nHost: {}@x\r\n\r\n", "authority": "GET https://user:{}@h/ HTTP/1.1\r\nHost: h\r\n\r\n",
        "TLS": "\x16\x03\x01{}\r\n\r\n", "blank": "GET / HTTP/1.1\r\nHost: g\r\nX-Auth-Token : {}\r\n\r\n",
    }.items():
        yield name, raw.format(c(f"raw {name}")).encode("latin-1")


def drive_client(gateway, written, canaries, token):
    good = {"X-Auth-Token": token}
    for headers in header_requests(canaries, token):
        for method, target, body in (("POST", CREATE, create_body()), ("GET", f"/v1/{PROJECT}/echo", None)):
            names = {name.lower() for name, _ in (headers.items() if isinstance(headers, dict) else headers)}
            written.answer("headers", gateway.request(method, target, None if "transfer-encoding" in names else body,
                                                      headers))
    for body in bodies(canaries):
        for method, target in (("POST", CREATE), ("PUT", f"{CREATE}/DE-1"), ("POST", NOTEBOOKS)):
            written.answer("body", gateway.request(method, target, body if isinstance(body, bytes) else compact(body),
                                                   good))
    for method, target, body in queries(canaries):
        written.answer("query", gateway.request(method, target, body, good))
    for name, raw in raw_heads(canaries):
        with gateway.connect() as client:
            client.send(raw)
            written.add(f"raw {name}", client.read_end() if name == "TLS" else repr(client.read_answer().fields))


def explain_all(written, canaries):
    """`explain` says what would be decided of a body."""
    who = ("--user", "alice", "--project", PROJECT)
    for body in bodies(canaries, "explain: "):
        path = written.site.folder / "body.json"
        path.write_bytes(body if isinstance(body, bytes) else compact(body))
        written.put.add(path)
        for more in ((), ("--json",)):
            done = written.site.run("explain", *who, *more, str(path))
            assert "usage" not in done.stderr, done
            out = json.loads(done.stdout) if more and done.stdout else done.stdout
            if more and out:
                out.pop("body", None)  # what would be sent, which is what it was asked for
            written.add(f"explain {path}", repr(out) + done.stderr)


@pytest.mark.parametrize("level, form", FORMATS)
def test_what_clients_send_is_written_nowhere(gateway_factory, site_factory, cloud, canaries, level, form):
    token = token_of(canaries, "good token")
    settings = {"log": {"level": level, "format": form}, "routes": {"other": "pass"}}
    site = site_factory(POLICIES, settings, cloud.url)
    written = Written(site)
    gateway = gateway_factory(site=site, env={"POSTERN_SECRET": canaries.new("environment")})
    assert gateway.request("POST", CREATE, create_body(without=["spec__auto_stop"]),
                           {"X-Auth-Token": token}).status == 200
    drive_client(gateway, written, canaries, token)
    explain_all(written, canaries)
    written.pages(gateway)
    gateway.reload()
    gateway.stop()
    everything = written.all(gateway)
    assert any("journal" in where for where in everything) and len(canaries.names) > 60
    check_clean(canaries, everything)


# ---- what the cloud answers ----

def raw_answers(canaries):
    c = canaries.new
    head = "HTTP/1.1 {} OK\r\nContent-Type: application/json\r\nSet-Cookie: s={}\r\nX-Subject-Token: {}\r\n{}: {}\r\n"

    def played(status, body, more="", end="keep", cut=0):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        name = f"{status} {len(canaries.names)} "
        fields = head.format(status, c(name + "cookie"), c(name + "subject", 500), c(name + "odd name"), c(name + "odd value"))
        return Played((fields + more + f"Content-Length: {len(body) + cut}\r\n\r\n").encode() + body, end=end)

    secret = {"url": f"https://nb.example.org/?token={c('url of an instance')}", "token": c("token of an instance", 300),
              "spec": {"credential": {"access_key": c("cloud ak"), "secret_key": c("cloud sk")},
                       "repository": {"credential": {"access_token": c("repository credential")}}}}
    yield played(200, {"id": "DE-1", "name": "nb-1", "status": "CREATING", **secret})
    yield played(200, {"token": c("answer of /token", 600)})
    yield played(400, {"error_code": "ModelArts.6400", "error_msg": "bad token " + c("echoed token", 300)})
    yield played(401, {"error_code": c("error code"), "error_msg": c("error text")})
    yield played(403, {"error": {"code": c("inner code"), "message": c("inner text")}})
    yield played(500, c("an error without JSON").encode())
    yield played(200, b'{"id": "' + c("answer cut in a text").encode())
    yield played(200, b'{"id": "DE-1"', end="drop", cut=100)
    yield played(200, {"id": 7, "status": [c("status of a wrong kind")]})
    yield Played(b"HTTP/1.1 200 OK\r\nContent-Length: " + c("odd length").encode() + b"\r\n\r\n", end="drop")
    yield Played(b"HTTP/1.1 200 OK\r\n" + c("no field").encode() + b"\r\n\r\n", end="drop")
    yield Played(c("no status line").encode() + b"\r\n\r\n", end="drop")
    yield Played(b"HTTP/1.1 200 " + c("reason phrase").encode() + b"\r\nContent-Length: 2\r\n\r\n{}")
    yield Played(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + c("chunk size").encode() + b"\r\n", end="drop")
    yield Played(b"HTTP/1.1 302 Found\r\nLocation: https://x/?t=" + c("location").encode() + b"\r\nContent-Length: 0\r\n\r\n")


def test_what_the_cloud_answers_is_written_nowhere(gateway_factory, site_factory, pki, canaries):
    token = token_of(canaries, "good token")
    with RawServer(pki) as raw:
        site = site_factory(POLICIES, {"log": {"level": "debug"}, "routes": {"other": "pass"}}, raw.url)
        written = Written(site)
        gateway = gateway_factory(site=site)
        for number, played in enumerate(raw_answers(canaries)):
            raw.play_in_turn(played)
            name = f"nb-{number}"
            for method, target, body in (("POST", CREATE, create_body(name=name)),
                                         ("POST", NOTEBOOKS, notebook_body(name=name)),
                                         ("GET", f"{CREATE}/DE-1/token", None), ("DELETE", f"{CREATE}/DE-1", None)):
                with gateway.connect() as client:
                    client.send(f"{method} {target} HTTP/1.1\r\nHost: g\r\nX-Auth-Token: {token}\r\n".encode())
                    data = b"" if body is None else compact(body)
                    client.send(f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
                    try:
                        written.answer("cloud", client.read_answer())
                    except (AssertionError, OSError):  # cut, as the cloud cut it
                        pass
        written.pages(gateway)
        gateway.stop()
        check_clean(canaries, written.all(gateway))


# ---- IAM ----

def iam_answers(canaries, project):
    c = canaries.new
    user = {"id": "0" * 32, "name": "alice", "domain": {"id": "1" * 32, "name": "d"}, c("unknown member of IAM"): 1}
    good = {"token": {"expires_at": "2099-01-01T00:00:00.000000Z", "issued_at": "2026-01-01T00:00:00.000000Z",
                      "methods": ["password"], "user": user,
                      "project": {"id": project, "name": "p", "domain": {"id": "1" * 32, "name": "d"}},
                      "roles": [{"id": "2", "name": "te_admin"}], "catalog": [{"endpoints": [{"url": c("catalog")}]}]}}

    def played(status, body, subject=False):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        name = f"IAM {status} {len(canaries.names)} "
        echo = f"X-Subject-Token: {c(name + 'subject', 500)}\r\n" if subject else ""
        return Played((f"HTTP/1.1 {status} X\r\n{echo}Set-Cookie: {c(name + 'cookie')}\r\n"
                       f"Content-Length: {len(body)}\r\n\r\n").encode() + body)

    yield played(200, good)
    yield played(401, {"error": {"code": 401, "message": "token " + c("IAM echo") + " is bad", "title": c("IAM title")}})
    yield played(403, {"error_code": c("IAM code"), "error_msg": c("IAM text")})
    yield played(404, c("IAM plain text").encode())
    yield played(200, {"token": {"user": c("IAM user of a wrong kind"), "expires_at": c("IAM expiry")}})
    yield played(200, b'{"token": "' + c("IAM answer that is cut").encode())
    yield played(200, good, subject=True)  # about another token
    yield played(500, {"error": c("IAM error")})
    yield Played(c("IAM line").encode() + b"\r\n\r\n", end="drop")
    yield Played(b"HTTP/1.1 200 OK\r\n" + c("IAM no field").encode() + b"\r\n\r\n", end="drop")


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_iam_answers_is_written_nowhere(gateway_factory, site_factory, cloud, pki, canaries, form):
    with RawServer(pki) as iam:
        settings = {"identity": {"tokens": {"verify": "iam", "iam_url": iam.url, "ca_file": pki.ca}},
                    "log": {"level": "debug", "format": form}}
        site = site_factory(POLICIES, settings, cloud.url)
        written = Written(site)
        gateway = gateway_factory(site=site)
        statuses = set()
        for number, played in enumerate(iam_answers(canaries, PROJECT)):
            iam.play_in_turn(played)
            for name in ("token", "bearer"):
                token = token_of(canaries, f"{name} {number}")
                headers = {"X-Auth-Token": token} if name == "token" else {"Authorization": f"Bearer {token}"}
                answer = gateway.request("POST", CREATE, create_body(), headers)
                statuses.add(answer.status)
                written.answer("iam", answer)
        assert {200, 401, 503} <= statuses, written.data
    away = gateway.request("POST", CREATE, create_body(), {"X-Auth-Token": token_of(canaries, "away")})
    assert away.status == 503
    written.answer("IAM away", away)
    written.pages(gateway)
    gateway.stop()
    check_clean(canaries, written.all(gateway))


# ---- OpenID ----

def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Provider:
    """Signs JWTs."""

    def __init__(self, folder):
        self.folder, self.key = folder, folder / "idp.key"
        self._openssl("genrsa", "-out", self.key, "2048")
        modulus = self._openssl("rsa", "-in", self.key, "-noout", "-modulus").decode().strip().partition("=")[2]
        key = {"kty": "RSA", "kid": "k", "alg": "RS256", "use": "sig", "e": "AQAB", "n": _base64url(bytes.fromhex(modulus))}
        self.jwks = secret_file(folder, "jwks.json", json.dumps({"keys": [key]}))

    @staticmethod
    def _openssl(*args, data=None):
        return subprocess.run(["openssl", *map(str, args)], input=data, capture_output=True, check=True, timeout=60).stdout

    def token(self, **claims):
        now = int(time.time())
        claims = {"iss": "https://idp.example.org", "aud": "postern", "sub": "alice", "exp": now + 600, "iat": now,
                  "jti": secrets.token_hex(8), **claims}
        head = _base64url(json.dumps({"alg": "RS256", "kid": "k"}).encode())
        text = f"{head}.{_base64url(json.dumps(claims).encode())}"
        return text + "." + _base64url(self._openssl("dgst", "-sha256", "-sign", self.key, data=text.encode()))


def test_what_openid_tokens_say_is_written_nowhere(gateway_factory, site_factory, cloud, folder, canaries):
    provider, signer = Provider(folder), new_signer(folder)
    service = {"access_key": "AKSERVICE", "secret_key": canaries.new("service SK"), "user_id": "2" * 32}
    site = site_factory(POLICIES, {"log": {"level": "debug"}, "identity": {
        "tokens": {"verify": "certificate", "certificate": str(signer[1])},
        "sign_as": secret_file(folder, "sign.yaml", yaml_text(service)),
        "oidc": {"issuer": "https://idp.example.org", "audience": "postern", "jwks": provider.jwks,
                 "projects": [PROJECT]}}}, cloud.url)
    written = Written(site)
    gateway = gateway_factory(site=site)
    statuses = []
    for number, claims in enumerate(({}, {"email": canaries.new("claim")}, {"exp": 1}, {"aud": canaries.new("audience")},
                                     {"iss": canaries.new("issuer")}, {"exp": canaries.new("expiry")}, {canaries.new("name"): 1})):
        jwt = canaries.add(f"JWT {number}", provider.token(**claims))
        for token in (jwt, jwt[:-30], jwt + "x"):
            answer = gateway.request("POST", CREATE, create_body(name=f"nb-{number}"), {"Authorization": f"Bearer {token}"})
            statuses.append(answer.status)
            written.answer("JWT", answer)
    assert statuses[0] == 200 and set(statuses[1:3]) == {401}, (statuses, written.data)
    written.pages(gateway)
    gateway.stop()
    check_clean(canaries, written.all(gateway))


# ---- secrets of the gateway itself ----

def own_secrets(folder, canaries):
    """Settings with every secret that they may name."""
    key = {"access_key": "AKOFALICE", "secret_key": canaries.new("SK"), "user": "alice",
           "user_id": "1" * 32, "domain": "d", "projects": [PROJECT]}
    temporary = {**key, "access_key": "AKTEMPORARY", "secret_key": canaries.new("temporary SK"),
                 "security_token": canaries.new("security token of a key", 300)}
    service = {"access_key": "AKSERVICE", "secret_key": canaries.new("service SK"),
               "security_token": canaries.new("service security token", 300), "user_id": "2" * 32}
    return key, temporary, {
        "upstream": {"service_credential": {"token_file": secret_file(
            folder, "service.token", token_of(canaries, "service token") + "\n")}},
        "identity": {"signatures": "verify", "access_keys": secret_file(folder, "keys.yaml", yaml_text([key, temporary])),
                     "sign_as": secret_file(folder, "sign.yaml", yaml_text(service))},
        "quota": {"reconcile": "200ms", "grace": "100ms"},
        "log": {"level": "debug"},
    }


def broken_files(canaries):
    """Contents of a key file in which secrets stand at the wrong place."""
    c = canaries.new
    yield f"- {c('bare entry')}\n"
    yield f"- access_key: A\n  secret_key: [{c('list')}]\n"
    yield f"- access_key: A\n  {c('unknown key')}: x\n"
    yield f"- access_key: A\n  secret_key: \"{c('open quote')}\n"
    yield f"- access_key: \"{c('as access key')} !\"\n  secret_key: x\n  user: a\n  projects: [x]\n"
    yield f"- access_key: A\n  sign_as: {c('as a bool')}\n  secret_key: a b\n  projects: {c('as projects')}\n"
    yield f"- access_key: A\n\tsecret_key: {c('behind a tab')}\n"
    yield f"- access_key: &a {c('anchor')}\n  secret_key: *a\n"
    yield f"secret_key: {c('no list')}\n"
    yield f"- access_key: A\n  user_id: {c('as user id')}\n  secret_key: {c('beside')}\n  secret_key: {c('twice')}\n"
    yield c("no YAML") + ": : :\n- {"


def test_secrets_of_the_settings_are_written_nowhere(gateway_factory, site_factory, cloud, folder, canaries):
    key, temporary, settings = own_secrets(folder, canaries)
    signer = new_signer(folder)
    settings["identity"]["tokens"] = {"verify": "certificate", "certificate": str(signer[1])}
    site = site_factory(quota_policy(places(5)), settings, cloud.url)
    written = Written(site)
    gateway = gateway_factory(site=site)
    wait_for(lambda: gateway.metrics()["postern_reconcile_last_success_timestamp_seconds"] > 0, "the first scan")
    statuses = []
    started = sdk_date()
    wait_for(lambda: sdk_date() > started, "the next second: what was signed before the start counts as seen")
    for number, (one, secret) in enumerate([(key, None), (temporary, None), (key, canaries.new("wrong secret"))]):
        body = compact(create_body(name=f"nb-{number}"))
        extra = {"x-security-token": one["security_token"]} if "security_token" in one else {}
        fields, signature = sign("POST", CREATE, one["access_key"], secret or one["secret_key"], body, **extra)
        canaries.add(f"signature {number}", signature)
        for _ in range(2):  # the second is a replay
            answer = gateway.request("POST", CREATE, body, fields)
            statuses.append(answer.status)
            written.answer("signed", answer)
    assert statuses[0] == 200 and set(statuses[-2:]) == {401}, statuses
    wait_for(lambda: gateway.metrics()["postern_reconcile_last_success_timestamp_seconds"] > 0, "a scan")
    keys = pathlib.Path(settings["identity"]["access_keys"])
    for text in broken_files(canaries):
        keys.write_text(text)
        written.run("check")
        written.run("check", "--show")
        before = gateway.stderr.count("reload")
        gateway.signal(signal.SIGHUP)
        wait_for(lambda before=before: gateway.stderr.count("reload") > before, "a refused reload")
    for name, text in (("service.token", f"{canaries.new('two')} {canaries.new('words')}"),
                       ("sign.yaml", f"access_key: a\n{canaries.new('odd line')}\n"),
                       ("sign.yaml", f"secret_key: {canaries.new('only a secret')}\n")):
        secret_file(folder, name, text)
        written.run("check")
        written.run("serve")
    written.pages(gateway)
    gateway.stop()
    check_clean(canaries, written.all(gateway))


def broken_settings(canaries):
    """Settings with a secret where it doesn't belong, as people write them."""
    c = canaries.new
    yield {"upstream": {"url": f"https://user:{c('in upstream.url')}@cloud.example.org"}}
    yield {"upstream": {"url": f"ftp://user:{c('in a wrong scheme')}@cloud.example.org"}}
    yield {"upstream": {"url": f"https://cloud.example.org/?token={c('in a query')}"}}
    yield {"identity": {"tokens": {"verify": "iam", "iam_url": f"https://user:{c('in iam_url')}@iam.example.org"}}}
    yield {"identity": {"oidc": {"issuer": "https://i", "audience": "a", "projects": [PROJECT],
                                 "jwks": f"https://user:{c('in jwks')}@idp.example.org/keys"}}}
    yield {"identity": {"oidc": {"issuer": "https://i", "audience": "a", "projects": [PROJECT],
                                 "jwks": f"http://user:{c('in http jwks')}@idp.example.org/keys"}}}
    yield {"quota": {"store": f"postgresql://user:{c('in store')}@127.0.0.1:1/db"}}
    yield {"quota": {"store": f"postgresql://127.0.0.1:1/db?user=u&password={c('in the store query')}"}}
    yield {"quota": {"store": f"postgresql:/user:{c('in a broken store')}@127.0.0.1:1/db"}}
    yield {"quota": {"store": f"pg://user:{c('in an unknown store')}@127.0.0.1:1/db"}}
    yield {"quota": {"store": f"postgresql://u:{c('store with an at')}@x@127.0.0.1:x/db"}}
    yield {"upstream": {"service_credential": {"token_file": token_of(canaries, "token for a file")[:1500]}}}


def test_secrets_in_settings_are_quoted_nowhere(site_factory, cloud, canaries):
    for number, settings in enumerate(broken_settings(canaries)):
        site = site_factory(ALLOW_ALL, settings, cloud.url, name=f"b{number}")
        written = Written(site)
        written.run("check")
        written.run("check", "--show")
        if "store" in settings.get("quota", {}):
            written.run("quota", "init")
        written.run("status", "--json")
        check_clean(canaries, written.all())


# ---- the shared store ----

def test_the_shared_store_holds_no_secret(gateway_factory, site_factory, cloud, folder, canaries):
    server = Postgres()
    try:
        _, _, settings = own_secrets(folder, canaries)
        url = server.create("quotas").replace("postern@", f"postern:{canaries.new('password of the store')}@")
        settings = {**settings, "quota": {"store": url, "reconcile": "300ms", "grace": "100ms"}}
        settings["identity"] = {"tokens": {"verify": "decode"}}
        site = site_factory(quota_policy(places(5)), settings, cloud.url)
        written = Written(site)
        assert written.run("quota", "init").returncode == 0
        gateway = gateway_factory(site=site)
        wait_for(lambda: gateway.metrics()["postern_reconcile_last_success_timestamp_seconds"] > 0, "the first scan")
        for number in range(3):
            token = token_of(canaries, f"token {number}")
            body = create_body(name=f"nb-{number}", x_unknown=canaries.new(f"member {number}"),
                               spec__repository={"credential": {"access_token": canaries.new(f"git {number}")}})
            written.answer("create", gateway.request("POST", CREATE, create_body(name=f"nb-{number}") if number else body,
                                                     {"X-Auth-Token": token}))
        tables = [row[0] for row in server.sql("SELECT table_schema || '.' || table_name FROM information_schema.tables "
                                               "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')", "quotas")]
        rows = {table: server.sql(f"SELECT t::text FROM {table} t", "quotas") for table in tables}
        assert any(rows.values()), "nothing was stored"
        for table, lines in rows.items():
            written.add(table, repr(lines))
        written.pages(gateway)
        server.stop()
        written.answer("no store", gateway.request("POST", CREATE, create_body(name="late"), {"X-Auth-Token": token}))
        written.pages(gateway)
        gateway.check_journal = False
        gateway.stop()
        check_clean(canaries, written.all(gateway))
    finally:
        server.close()


# ---- crashes ----

@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_leaves_no_secret(site_factory, cloud, folder, canaries, number):
    token = token_of(canaries, "token under way")
    _, _, settings = own_secrets(folder, canaries)
    del settings["identity"]
    site = site_factory(POLICIES, settings, cloud.url)
    written = Written(site)
    gateway = Gateway(site, {"POSTERN_SECRET": canaries.new("environment")})
    try:
        limits = pathlib.Path(f"/proc/{gateway.pid}/limits").read_text()
        core = next(line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file size"))
        assert core == ["0", "0"]
        # Of a process that can't be dumped all of /proc belongs to root.
        assert os.stat(f"/proc/{gateway.pid}/environ").st_uid == 0
        cloud.fault("slow", "POST *", 1)
        with gateway.connect() as judged, gateway.connect() as half:
            judged.send(f"POST {CREATE} HTTP/1.1\r\nHost: g\r\nX-Auth-Token: {token}\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(compact(create_body()))}\r\n\r\n".encode() + compact(create_body()))
            half.send(f"POST {CREATE} HTTP/1.1\r\nX-Auth-Token: {canaries.new('half a head')}".encode())
            cloud.wait_held()
            gateway.signal(number)
            assert gateway.wait() != 0
        cloud.release()
        assert not [p for p in site.folder.rglob("*") if "core" in p.name], "a core was left"
        check_clean(canaries, written.all(gateway))
    finally:
        gateway.close()


# ---- the search itself ----

def test_the_search_finds_what_leaks(folder, canaries):
    secret = canaries.new("planted")
    log = folder / "planted.log"
    raw = secret.encode()
    quoted = "".join(f"\\x{byte:02x}" for byte in raw)
    for text in (secret, f"2026 warning: token {secret[5:5 + PART]} is bad", raw.hex(), raw.hex().upper(), quoted,
                 base64.b64encode(b"user:" + raw).decode(), base64.b64encode(b"x" + raw + b"yz").decode(),
                 "".join(f"%{byte:02X}" for byte in raw), urllib.parse.quote("ä" + secret),
                 "".join(f"\\u00{byte:02x}" for byte in raw)):
        log.write_text(f"a line before\n{text}\n")
        assert canaries.found(log.read_bytes()), text
        with pytest.raises(AssertionError, match="planted"):
            check_clean(canaries, {"log": log.read_bytes()})
    assert not canaries.found(secret[:PART - 1].encode() + b"\n" + hashlib.sha256(raw).hexdigest().encode())


def test_the_search_reads_what_a_gateway_leaves(gateway_factory, site_factory, cloud, canaries, token):
    """A name that the journal records is found there: the search looks at the real files."""
    site = site_factory(POLICIES, None, cloud.url)
    written = Written(site)
    gateway = gateway_factory(site=site)
    name = canaries.new("name of an instance").lower()
    canaries.add("small letters", name)
    gateway.request("POST", CREATE, create_body(name=name), {"X-Auth-Token": token})
    gateway.stop()
    assert any("journal" in line for line in canaries.search(written.all(gateway)))


# ---- memory ----

def memory_holds(pid, secrets_by_name):
    """Names of those that stand in the process's writable memory, whole."""
    found = set()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            area, mode = line.split()[:2]
            start, end = (int(x, 16) for x in area.split("-"))
            if "w" not in mode or end - start > 1 << 28:  # the shadow of a sanitizer is no memory of ours
                continue
            try:
                memory.seek(start)
                data = memory.read(end - start)
            except OSError:
                continue
            found |= {name for name, secret in secrets_by_name.items() if secret.encode() in data}
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="another process's memory is only for root to read")
def test_secrets_that_are_done_with_are_gone_from_memory(gateway_factory, site_factory, cloud_factory, folder, canaries):
    cloud = cloud_factory(iam=True)
    site = site_factory(quota_policy(places(9)), {
        "identity": {"tokens": {"verify": "iam", "iam_url": cloud.iam_url, "ca_file": cloud.pki.ca}},
        "upstream": {"service_credential": {"token_file": secret_file(
            folder, "service.token", token_of(canaries, "old service token") + "\n")}},
        "quota": {"reconcile": "200ms", "grace": "100ms"}}, cloud.url)
    gateway = gateway_factory(site=site)
    wait_for(lambda: gateway.metrics()["postern_reconcile_last_success_timestamp_seconds"] > 0, "the first scan")
    with gateway.connect() as stays:
        for number in range(4):
            token = token_of(canaries, f"token {number}")
            body = create_body(name=f"nb-{number}")
            assert gateway.request("POST", CREATE, body, {"X-Auth-Token": token}).status == 200
        kept = token_of(canaries, "of a connection that stays")
        assert stays.request("GET", CREATE, None, {"X-Auth-Token": kept}).status == 200
        secret_file(folder, "service.token", token_of(canaries, "new service token") + "\n")
        wait_for(lambda: "new service token" in memory_holds(gateway.pid, canaries.names), "the new token to be read")
        assert gateway.request("GET", f"/v1/{PROJECT}/echo", None, {"X-Auth-Token": "x"}).status == 200
        done = {name: secret for name, secret in canaries.names.items() if name in {f"token {n}" for n in range(4)}}
        wait_for(lambda: not memory_holds(gateway.pid, {**done, "old": canaries.names["old service token"]}),
                 "what is done with to be overwritten")
    wait_for(lambda: not memory_holds(gateway.pid, {"kept": kept}), "the connection's memory to be overwritten")
