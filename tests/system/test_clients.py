# SPDX-License-Identifier: Apache-2.0
"""Clients that people use, through the gateway: what works, and what their users see of a refusal. Each row of the
table in docs/identity.md is what one of these tests finds."""

import json
import os
import pathlib
import re
import ssl
import subprocess
import sys

import pytest

from support.bodies import CREATE, NOTEBOOKS, PROJECT, action_body, create_body, notebook_body, update_body
from support.client_heads import HEADS, TERRAFORM
from support.contract import check_refusal
from support.gateway import yaml_text
from support.http import Client
from support.node import CLIENTS, node_modules
from support.process import environment
from support.signing import canonical_request, sdk_date, sign_access, sign_credential
from support.waiting import wait_for

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "identity.md"
KEY = ("EXAMPLEAK", "EXAMPLESK-of-alice")
ORGANISATION = ("EXAMPLEAKOFALL", "EXAMPLESK-of-the-organisation")
SECURITY_TOKEN = "EXAMPLETOKEN" * 130
POLICY = f"""\
version: 1
policies:
  - name: team-a
    contact: ml@example.org
    match: {{projects: [{PROJECT}]}}
    flavors: {{allow: ["modelarts.vm.cpu.2u"]}}
    auto_stop: {{required: true, default: 1h, max: 4h}}
"""
# Of every client: (what it does, method, path behind the instances, body). The first create says nothing of auto_stop,
# and is changed: {id} is what it made; {first} and {second} were there, stopped. The last create is refused.
CALLS = [
    ("create (changed by policy)", "POST", "", create_body(without=["spec__auto_stop"])),
    ("list", "GET", "?offset=0&limit=10", None),
    ("get", "GET", "/{id}", None),
    ("update", "PUT", "/{id}", update_body()),
    ("start", "POST", "/{first}/action", action_body("start")),
    ("delete", "DELETE", "/{second}", None),
    ("refused", "POST", "", create_body(name="nb-2", flavor="modelarts.vm.gpu.8u")),
]
LOOK_UPS = 1  # of the gateway's own, before it lets a start through
WORKS = [name for name, *_ in CALLS[:-1]]
USE_A_TOKEN = "send an IAM token in X-Auth-Token"


def check_row(client, credential, how, works, shown):
    """The page has the row that was measured."""
    line = f"| {client} | {credential} | {how} | {', '.join(works)} | {shown} |"
    if "POSTERN_TABLE" in os.environ:  # a new table, to be put into the page
        with open(os.environ["POSTERN_TABLE"], "a", encoding="utf-8") as out:
            out.write(line + "\n")
    else:
        assert line in PAGE.read_text(encoding="utf-8").splitlines(), f"docs/identity.md has no such row: {line}"


def calls_on(cloud):
    """CALLS on this cloud, on which two instances have come to their end; {id} is left."""
    with Client("127.0.0.1", cloud.port, ssl.create_default_context(cafile=cloud.pki.ca)) as client:
        made = [client.request("POST", CREATE, create_body(name=name), {"X-Auth-Token": "t"}).json["id"]
                for name in ("first", "second")]
    cloud.advance(4000)
    cloud.forget()
    return [(name, method, path.replace("{first}", made[0]).replace("{second}", made[1]), body)
            for name, method, path, body in CALLS]


def worked(results):
    """The names of the calls that did what they should; the last one must have been refused."""
    assert len(results) == len(CALLS) and results[-1]["status"] == 403, results
    return [name for (name, *_), result in zip(CALLS, results) if 200 <= result["status"] < 300]


@pytest.fixture
def start(site_factory, gateway_factory, cloud_factory, pki):
    """Starts a cloud that takes alice's key alone and a gateway that verifies signatures, or does what `identity`
    says. tls: on a listener with TLS. Gives both."""
    def make(identity=None, tls=False, security_token=None, **cloud_options):
        key = ":".join(KEY + ((security_token,) if security_token else ()))
        cloud = cloud_factory(**(cloud_options or {"access_key": key}))
        listener = {"address": "127.0.0.1:0"}
        if tls:
            listener["tls"] = {"certificate": pki.certificate("gateway"), "key": pki.key("gateway")}
        settings = {"listen": [listener], "identity": identity(cloud) if identity else
                    {"signatures": "verify", "access_keys": "keys.yaml"}}
        site = site_factory(POLICY, settings, cloud.url)
        row = {"access_key": KEY[0], "secret_key": KEY[1], "user": "alice", "user_id": "0a1b2c3d" * 4,
               "projects": [PROJECT], "sign_as": "sign_as" in settings["identity"],
               **({"security_token": security_token} if security_token else {})}
        write_secret(site.folder / "keys.yaml", [row])
        write_secret(site.folder / "sign-as.yaml", {"access_key": ORGANISATION[0], "secret_key": ORGANISATION[1],
                                                       "user_id": "d3c2b1a0" * 4})
        gateway, started = gateway_factory(site=site), sdk_date()
        wait_for(lambda: sdk_date() > started, "a date behind the start: until then signatures could be repeated ones")
        return cloud, gateway
    return make


def write_secret(path, content):
    path.write_text(yaml_text(content))
    path.chmod(0o600)


def refusing(_cloud):
    return {"signatures": "refuse"}


def endpoint(gateway, scheme="http"):
    host, port = gateway.addresses[0]
    return f"{scheme}://{host}:{port}"


def check_signed_anew(cloud, gateway, security_token=None):
    """What reached the cloud is signed with alice's key over what was sent, and by nobody else."""
    received = cloud.requests()
    assert len(received) == len(WORKS) + LOOK_UPS, received
    for request in received:
        signed = request.header("authorization").split("SignedHeaders=")[1].split(",")[0].split(";")
        headers = {name: request.header(name) for name in signed}
        assert {"host", "x-project-id", "x-sdk-date"} <= set(signed), signed
        assert headers["host"] == f"127.0.0.1:{cloud.port}"
        assert sign_access(KEY, request.method, request.target, headers, signed, request.body) \
            == request.header("authorization"), canonical_request(request.method, request.target, headers, signed, None)
        assert request.header("x-security-token") == security_token
        assert request.all("x-domain-id") == request.all("x-auth-token") == []
    create, = cloud.creates()
    assert create.json["spec"]["auto_stop"] == {"enable": True, "duration": 3600}
    check_journal(gateway, "signature")


def check_journal(gateway, kind):
    """It knows who it was, and holds no secret."""
    lines = gateway.wait_journal(lambda j: j.events("refusal"), "a refusal").events("intent", "refusal")
    assert {line["user"]["name"] for line in lines} == {"alice"}
    assert {line["credential"]["kind"] for line in lines} == {kind}
    texts = [gateway.stderr, *(path.read_text() for path in gateway.site.journal_folder.glob("*.jsonl"))]
    assert not any(secret in text for text in texts for secret in (KEY[1], ORGANISATION[1], SECURITY_TOKEN))


def run_program(command, folder, task, env):
    """Runs a client's program: the list of its results."""
    (folder / "task.json").write_text(json.dumps(task))
    done = subprocess.run([*map(str, command), "task.json", "result.json"], cwd=folder, capture_output=True, text=True,
                          timeout=60, env=environment(HOME=str(folder), **env))
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return json.loads((folder / "result.json").read_text())


# ---- the Node SDK ----

def node(gateway, folder, calls, scheme="http", security_token=None, env=None):
    """Runs the calls with the SDK."""
    rows = []
    for _, method, path, body in calls:
        path, _, query = path.partition("?")
        row = {"method": method, "url": "/v1/{project_id}/demanager/instances" + path, "body": body,
               "query": dict(pair.split("=") for pair in query.split("&")) if query else {}}
        rows.append({**row, "id": "made"} if "{id}" in path else row)
    task = {"endpoint": endpoint(gateway, scheme), "access_key": KEY[0], "secret_key": KEY[1], "project": PROJECT,
            "security_token": security_token, "calls": rows}
    return run_program(["node", CLIENTS / "node_client.js"], folder, task,
                       {"NODE_PATH": str(node_modules()), **(env or {})})


def node_shows(result):
    """An exception: its name, code, message and request id are what a program gets."""
    assert len(result["request_id"]) == 32, result
    return f"`{result['error']}`, `{result['code']}`: {result['message']}"


NODE = {
    "http": ("Node SDK core 3.1.211, http", "AK/SK, `Access=`", '`.withEndpoint("http://GATEWAY")`'),
    "https": ("Node SDK core 3.1.211, https", "AK/SK, `Access=`",
              '`.withEndpoint("https://GATEWAY")`, `NODE_EXTRA_CA_CERTS=ca.pem`'),
    "security token": ("Node SDK core 3.1.211, temporary key", "AK/SK, `Access=`, `X-Security-Token`",
                       '`.withSecurityToken(...)`, `.withEndpoint("http://GATEWAY")`'),
}


@pytest.mark.parametrize("way", NODE)
def test_node_sdk(start, folder, pki, way):
    token = SECURITY_TOKEN if way == "security token" else None
    tls = way == "https"
    cloud, gateway = start(tls=tls, security_token=token)
    results = node(gateway, folder, calls_on(cloud), "https" if tls else "http", security_token=token,
                   env={"NODE_EXTRA_CA_CERTS": pki.ca} if tls else {})
    check_row(*NODE[way], worked(results), node_shows(results[-1]))
    assert worked(results) == WORKS, results
    assert results[0]["answer"]["spec"]["auto_stop"]["duration"] == 3600
    check_signed_anew(cloud, gateway, token)


def test_node_sdk_with_another_secret(start, folder, monkeypatch):
    cloud, gateway = start()
    monkeypatch.setattr(sys.modules[__name__], "KEY", (KEY[0], "EXAMPLESK-of-mallory"))
    results = node(gateway, folder, CALLS[:2])
    assert [(result["status"], result["code"]) for result in results] == [(401, "Postern.0401")] * 2, results
    assert cloud.requests() == [], "the cloud locks a key after some signatures that don't hold"


def test_node_sdk_where_signatures_are_refused(start, folder):
    cloud, gateway = start(refusing)
    result, = node(gateway, folder, CALLS[:1])
    assert result["status"] == 401 and USE_A_TOKEN in result["message"] and result["code"] == "Postern.0401"
    assert f"> {result['message']}" in PAGE.read_text(encoding="utf-8").splitlines()
    assert cloud.requests() == []


# ---- openstacksdk ----

def test_openstacksdk(start, folder, pki):
    cloud, gateway = start(lambda cloud: {"tokens": {"verify": "iam", "iam_url": cloud.iam_url, "ca_file": pki.ca}},
                           tls=True, iam=True, iam_signer=(pki.key("server"), pki.certificate("server")))
    base = f"{endpoint(gateway, 'https')}/v1/{PROJECT}"
    clouds = {"clouds": {"postern": {
        "auth_type": "v3password", "cacert": pki.ca, "modelarts_endpoint_override": base,
        "auth": {"auth_url": f"{cloud.iam_url}/v3", "username": "alice", "password": "EXAMPLEPASSWORD",
                 "user_domain_name": "example-org", "project_id": PROJECT}}}}
    (folder / "clouds.yaml").write_text(yaml_text(clouds))
    calls = [{"method": method, "path": "/demanager/instances" + path, "body": body}
             for _, method, path, body in calls_on(cloud)]
    results = run_program(["/usr/bin/python3", CLIENTS / "openstack_client.py"], folder, {"calls": calls}, {})
    refused = results[-1]
    assert len(refused["request_id"]) == 32, refused
    check_row("openstacksdk 0.101 (keystoneauth)", "token, by user name and password",
              "`modelarts_endpoint_override: https://GATEWAY/v1/PROJECT`, `cacert` and `auth_type: v3password` in "
              "`clouds.yaml`", worked(results),
              refused["message"].replace(base, "https://GATEWAY/v1/PROJECT"))
    assert refused["error"] == "HttpException"
    assert worked(results) == WORKS, results
    assert results[0]["answer"]["spec"]["auto_stop"]["duration"] == 3600
    assert cloud.validations() == 1, "every call has the same token"
    check_journal(gateway, "token")


# ---- heads of clients that can't be run here ----

def host_of(gateway):
    return endpoint(gateway)[len("http://"):]


def send(gateway, head, method, path, body, **options):
    with gateway.connect(ca=gateway.site.settings["upstream"]["ca_file"]) as client:
        client.send(head.request(KEY, host_of(gateway), method, CREATE + path, body, **options))
        return client.read_answer(method)


def send_all(cloud, gateway, head, **options):
    """The calls one after the other: the answers."""
    answers, made = [], None
    for _, method, path, body in calls_on(cloud):
        answers.append(send(gateway, head, method, path.replace("{id}", made or ""), body, **options))
        made = made or answers[0].json["id"]
    return answers


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.name)
def test_heads(start, head):
    cloud, gateway = start(tls=True)
    answers = send_all(cloud, gateway, head)
    done = worked([{"status": answer.status} for answer in answers])
    check_refusal(answers[-1], 403)
    check_row(head.name, head.credential, head.how, done, head.read(answers[-1]))
    assert done == WORKS, answers
    check_signed_anew(cloud, gateway)


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.name)
def test_heads_with_a_temporary_key(start, head):
    cloud, gateway = start(tls=True, security_token=SECURITY_TOKEN)
    check_refusal(send(gateway, head, *CALLS[0][1:]), 401, "identity.signature_key")
    assert cloud.requests() == []
    answers = send_all(cloud, gateway, head, security_token=SECURITY_TOKEN)
    assert [answer.status // 100 for answer in answers] == [2] * len(WORKS) + [4], answers
    received, = cloud.creates()
    assert received.header("x-security-token") == SECURITY_TOKEN


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.name)
def test_heads_whose_request_is_changed(start, head):
    """One letter of the body, or of what is signed beside it, is enough."""
    cloud, gateway = start()
    request = head.request(KEY, host_of(gateway), "POST", CREATE, create_body())
    date = re.search(rb"X-Sdk-Date: .*?(\d)Z", request)
    end = date.start(1)
    for changed in (request.replace(b"nb-1", b"nb-2"),
                    request[:end] + (b"1" if date[1] == b"0" else b"0") + request[end + 1:]):
        assert changed != request
        with gateway.connect() as client:
            client.send(changed)
            check_refusal(client.read_answer("POST"), 401, "identity.signature_mismatch")
    assert cloud.requests() == []


def test_a_notebook_by_terraform(start):
    """The calls of its resource: without a duration it gets the policy's."""
    cloud, gateway = start()
    with gateway.connect() as client:
        client.send(TERRAFORM.request(KEY, host_of(gateway), "POST", NOTEBOOKS, notebook_body(without=["duration"])))
        made = client.read_answer("POST")
        assert made.status in (200, 201), made
        client.send(TERRAFORM.request(KEY, host_of(gateway), "GET", f"{NOTEBOOKS}/{made.json['id']}"))
        assert client.read_answer().json["id"] == made.json["id"]
    create, = cloud.requests("POST")
    assert create.json["duration"] == 3600000 and create.header("x-language") == "en-us"


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.name)
def test_heads_where_signatures_are_refused(start, head):
    cloud, gateway = start(refusing, tls=True)
    for _, method, path, body in CALLS[:2]:
        answer = send(gateway, head, method, path, body)
        check_refusal(answer, 401, "identity.signature_refused")
        assert USE_A_TOKEN in head.read(answer)
    assert cloud.requests() == []


def signing_as(cloud):
    """Alice has a key that is good for this gateway alone."""
    return {"signatures": "verify", "access_keys": "keys.yaml", "sign_as": "sign-as.yaml",
            "tokens": {"verify": "iam", "iam_url": cloud.iam_url, "ca_file": cloud.pki.ca}}


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.name)
def test_heads_with_a_key_of_the_gateway(start, head):
    """The cloud gets the organisation's signature, with which it can't tell users apart: the gateway does."""
    cloud, gateway = start(signing_as, tls=True, access_key=":".join(ORGANISATION), iam=True)
    (_, *create), (_, *listed), (_, *get), *_, (_, *delete), (_, *refused) = calls_on(cloud)
    made = send(gateway, head, *create)
    assert made.status == 200, made
    mine = send(gateway, head, get[0], get[1].replace("{id}", made.json["id"]), None)
    assert mine.status == 200 and mine.json["id"] == made.json["id"]
    received = cloud.requests()
    assert [request.method for request in received] == ["POST", "GET"]
    assert all(f"Access={ORGANISATION[0]}," in request.header("authorization") for request in received)
    assert received[0].json["spec"]["auto_stop"]["duration"] == 3600
    for call, code in ((listed, "identity.list_of_all"), (delete, "identity.not_owner"),
                       (refused, "flavor.not_allowed")):
        check_refusal(send(gateway, head, *call), 403, code)
    assert len(cloud.requests()) == 2
    check_journal(gateway, "signature")


def relaying(_cloud):
    return {"signatures": "relay"}


@pytest.mark.parametrize("head", [head for head in HEADS if "host" not in head.signed], ids=lambda head: head.name)
def test_heads_that_are_relayed(start, head):
    """Without a key here: what no policy edits goes on as it came, the rest is refused."""
    cloud, gateway = start(relaying, tls=True, frozen=True)
    (_, *edited), (_, *listed), *_, (_, *start_call), _, (_, *refused) = calls_on(cloud)
    fits = head.request(KEY, host_of(gateway), "POST", CREATE, create_body())
    with gateway.connect(ca=cloud.pki.ca) as client:
        client.send(fits)
        assert client.read_answer("POST").status == 200
    received, = cloud.requests()
    sent, _, body = fits.partition(b"\r\n\r\n")
    assert received.body == body and received.all("accept-encoding") == []
    for line in sent.decode().split("\r\n")[2:]:
        name, _, value = line.partition(": ")
        assert name == "Accept-Encoding" or received.header(name) == value, line
    assert send(gateway, head, *listed).status == 200
    cloud.forget()
    for call in (edited, start_call):
        check_refusal(send(gateway, head, *call), 401, "identity.relay")
    check_refusal(send(gateway, head, *refused), 403)
    assert cloud.requests() == []


@pytest.mark.parametrize("head", [head for head in HEADS if "host" in head.signed], ids=lambda head: head.name)
def test_heads_that_cannot_be_relayed(start, head):
    """They sign the gateway's name, which the cloud wouldn't take."""
    cloud, gateway = start(relaying, tls=True, frozen=True)
    for method, path, body in (("POST", "", create_body()), ("GET", "", None)):
        answer = send(gateway, head, method, path, body)
        check_refusal(answer, 401, "identity.relay")
        assert "Host" in head.read(answer) and USE_A_TOKEN in head.read(answer)
    assert cloud.requests() == []


def test_the_signer_of_these_tests():
    """The documents' example for scheme B (a Go program made it), and one of two clients that agree for scheme A."""
    headers = {"content-type": "application/json", "host": "modelarts.eu-de.otc.t-systems.com",
               "x-project-id": PROJECT, "x-sdk-date": "20260102T030405Z"}
    body = (b'{"name":"nb-1","profile_id":"Multi-Engine 1.0 (python3)-cpu","flavor":"modelarts.vm.cpu.2u","spec":'
            b'{"storage":{"type":"obs","location":{"path":"/team-bucket/notebooks/nb-1/"}},'
            b'"auto_stop":{"enable":true,"duration":3600}}}')
    key = ("EXAMPLEAK", "EXAMPLESK")
    assert sign_access(key, "POST", CREATE, headers, list(headers), body).endswith(
        "Signature=dc7f5eddb31cea6163771234d10c342a36371132f0fc1705dc6decb7ddb27b95")
    signed = [name for name in headers if name != "x-project-id"]
    assert sign_credential(key, "POST", CREATE, headers, signed, body, "eu-de", "modelarts").endswith(
        "Signature=bdbb218c628352e23108546ac5e69d97b08c299226889f4f7d7920e7178e39fe")
