# SPDX-License-Identifier: Apache-2.0
"""One create from end to end: what the caller is told, what the cloud gets, and what the journal says."""

import datetime
import hashlib
import json

import pytest

from support.bodies import ALLOW_ALL, CREATE, OTHER_PROJECT, PROJECT, compact, create_body, policy
from support.contract import check_not_sent, check_refusal, check_sent, exchange_id, post_create
from support.http import request_bytes
from support.tokens import make_token


def test_allowed(gateway, cloud, token):
    sent = compact(create_body())
    answer = post_create(gateway, token, sent, {"X-Request-Id": "mine-1"})
    assert answer.status == 200 and answer.json["status"] == "CREATING"
    assert answer.header("Postern-Decision") is None and answer.header("Postern-Edits") is None
    received, intent, outcome = check_sent(cloud, gateway, answer)
    assert received.body == sent
    assert received.target == CREATE and received.header("x-auth-token") == token
    assert received.header("host") == f"127.0.0.1:{cloud.port}"

    assert intent["operation"] == "demanager.create" and intent["class"] == "create"
    assert intent["method"] == "POST" and intent["path"] == CREATE and intent["project"] == PROJECT
    assert intent["user"]["name"] == "alice" and intent["user"]["roles"] == ["te_admin"]
    assert intent["credential"]["digest"] == hashlib.sha256(token.encode()).hexdigest()[:12]
    assert intent["credential"]["verified"] == "decoded"
    assert intent["client"].startswith("127.0.0.1:") and intent["request_id"] == "mine-1"
    assert intent["instance"] == {"name": "nb-1", "flavor": "modelarts.vm.cpu.2u", "workspace": "0",
                                  "profile": "Multi-Engine 1.0 (python3)-cpu", "storage": ["/team-a/nb-1/"],
                                  "auto_stop_s": 3600}
    assert intent["decision"] == "allow" and intent["policies"] == ["team-a-notebooks"]
    assert "edits" not in intent and "would" not in intent and "outcome" not in intent
    assert outcome["outcome"] == "created" and outcome["status"] == 200 and outcome["duration_us"] > 0
    assert outcome["instance"]["id"] == answer.json["id"]
    start, = gateway.journal().events("start")
    assert intent["policy_set"] and start["seq"] < intent["seq"]


def test_the_cloud_s_answer_comes_as_it_is(gateway, cloud, token):
    text = '{"id":"DE-1",  "odd": 1e2, "s":"\\u00e9"}\n'
    cloud.fault("status", "POST *", status=202, body=text,
                headers={"X-Request-Id": "cloud-1", "Postern-Id": "stolen", "X-Other": "kept",
                         "Alt-Svc": 'h3="cloud.example:443"'})
    answer = post_create(gateway, token)
    assert answer.header("Alt-Svc") is None, "it names a way round the gateway"
    assert answer.status == 202 and answer.body.decode() == text
    assert answer.header("X-Request-Id") == "cloud-1" and answer.header("X-Other") == "kept"
    assert exchange_id(answer) != "stolen"
    outcome = gateway.wait_outcome(exchange_id(answer))
    assert outcome["outcome"] == "created" and outcome["upstream_request_id"] == "cloud-1"


def test_the_intent_is_on_disk_before_the_request_goes(gateway, cloud, token):
    cloud.fault("slow", "POST *")
    with gateway.connect() as client:
        client.send(request_bytes("POST", CREATE, compact(create_body()), {"X-Auth-Token": token}))
        cloud.wait_held()
        intent, = gateway.journal().events("intent")
        written = datetime.datetime.fromisoformat(intent["time"])
        assert written.timestamp() * 1e6 <= cloud.creates()[0].row["time_us"]
        assert gateway.journal().events("outcome") == []
        cloud.release()
        answer = client.read_answer()
    check_sent(cloud, gateway, answer)


def edits_of(answer, intent):
    """The edits as the caller is told them are those of the record."""
    assert answer.header("Postern-Decision") == "rewrite"
    edits = json.loads(answer.header("Postern-Edits"))
    assert edits == intent["edits"] and intent["decision"] == "rewrite"
    return edits


@pytest.mark.parametrize("without, members", [
    (["spec__auto_stop"], {}),
    ([], {"spec__auto_stop": None}),
    ([], {"spec__auto_stop": {"enable": False}}),
    ([], {"spec__auto_stop": {"enable": False, "duration": 7200, "prompt": False}}),
], ids=["missing", "null", "off", "off with more"])
def test_auto_stop_is_set_where_it_is_missing(gateway, cloud, token, without, members):
    body = create_body(without=without, **members)
    answer = post_create(gateway, token, body)
    assert answer.status == 200
    received, intent, _ = check_sent(cloud, gateway, answer)
    auto_stop = received.json["spec"]["auto_stop"]
    assert auto_stop["enable"] is True and auto_stop["duration"] == 3600
    body["spec"]["auto_stop"] = auto_stop
    assert received.json == body, "nothing else has changed"
    for edit in edits_of(answer, intent):
        assert edit["path"].startswith("/spec/auto_stop") and edit["policy"] == "team-a-notebooks"
        assert edit["op"] in ("set", "default")


def test_a_long_auto_stop_is_capped_and_all_other_bytes_stay(gateway, cloud, token):
    template = ('{ "name":"nb-1","profile_id":"p\\u00e9" , "flavor":"modelarts.vm.cpu.2u",\r\n "description":"",'
                '"spec":{"auto_stop":{"duration":  %s ,"enable":true,"prompt":false},"extend_storage":[],'
                '"storage":{"type":"obs","location":{"path":"/team-a/x/"}}},"ai_project":null}\n')
    answer = post_create(gateway, token, (template % "86400").encode())
    assert answer.status == 200, answer
    received, intent, _ = check_sent(cloud, gateway, answer)
    assert received.body == (template % "14400").encode()
    assert edits_of(answer, intent) == [{"op": "cap", "path": "/spec/auto_stop/duration", "old": 86400, "new": 14400,
                                         "policy": "team-a-notebooks"}]


@pytest.mark.parametrize("flavor, code, more", [
    ("modelarts.vm.gpu.v100", "flavor.not_allowed", "modelarts.vm.cpu.*"),
    ("modelarts.vm.cpu.8u", "flavor.denied", "*.8u"),
])
def test_a_flavor_is_refused(gateway, cloud, token, flavor, code, more):
    answer = post_create(gateway, token, create_body(flavor=flavor))
    body = check_refusal(answer, 403, code)
    reason, = body["reasons"]
    assert reason["policy"] == "team-a-notebooks" and reason["contact"] == "ml-platform@example.org"
    assert flavor in reason["message"] and more in reason["message"]
    assert flavor in body["message"] and more in body["message"] and "ml-platform@example.org" in body["message"]
    line = check_not_sent(cloud, gateway, answer, code)
    assert line["instance"]["flavor"] == flavor and line["policies"] == ["team-a-notebooks"]
    assert line["reasons"][0]["policy"] == "team-a-notebooks"
    assert line["reasons"][0]["at"].startswith("policies.yaml:")
    assert line["class"] == "create" and line["user"]["name"] == "alice"


def test_all_reasons_are_told(gateway, cloud, token):
    body = create_body(flavor="modelarts.vm.gpu.v100", spec__storage__location__path="/team-b/x/")
    answer = post_create(gateway, token, body)
    codes = {reason["code"] for reason in check_refusal(answer, 403)["reasons"]}
    assert codes == {"flavor.not_allowed", "obs.prefix_not_allowed"}
    assert cloud.requests() == []


@pytest.mark.parametrize("path, status, code", [
    ("/team-b/x/", 403, "obs.prefix_not_allowed"),
    ("/team-a-evil/x/", 403, "obs.prefix_not_allowed"),
    ("/team-aa/x/", 403, "obs.prefix_not_allowed"),
])
def test_a_path_outside_is_refused(gateway, cloud, token, path, status, code):
    answer = post_create(gateway, token, create_body(spec__storage__location__path=path))
    assert path in check_refusal(answer, status, code)["message"]
    check_not_sent(cloud, gateway, answer, code)


@pytest.mark.parametrize("path", ["/team-a/../team-b/x/", "/team-a/./x/", "/team-a//x/", "/team-a/%2e%2e/x/",
                                  "/team-a/x\\..\\y/", "/team-a/\u200bx/", "/team-a/\uff0e\uff0e/x/", "team-a/x/",
                                  "/team-a/" + "x" * 1100 + "/"])
def test_a_path_that_reads_two_ways_is_refused(gateway, cloud, token, path):
    answer = post_create(gateway, token, create_body(spec__storage__location__path=path))
    assert answer.status in (400, 403), answer
    check_refusal(answer, answer.status)
    assert cloud.requests() == []


@pytest.mark.parametrize("path", ["/team-a/", "/team-a/a b/", "/team-a/\u00e9t\u00e9/100%/", "/team-a/\u8cc7\u6599/"])
def test_legitimate_paths_pass(gateway, cloud, token, path):
    answer = post_create(gateway, token, create_body(spec__storage__location__path=path + "d/"))
    assert answer.status == 200, answer


@pytest.mark.parametrize("raw, code", [
    (b'{"name":"a","name":"b"}', "json.duplicate_member"),
    (b'{"name":"a","n\\u0061me":"b"}', "json.duplicate_member"),
    (b'{"spec":{"auto_stop":{"enable":true,"enable":false}}}', "json.duplicate_member"),
    (b"{", "json.syntax"), (b"", "body.missing"), (b'{"a":1} x', "json.syntax"), (b"\xef\xbb\xbf{}", "json.syntax"),
    (b'{"name":"\xff"}', "json.invalid_utf8"), (b'{"a":1e999}', "json.number_range"),
    (b"[" * 100 + b"]" * 100, "json.too_deep"),
], ids=lambda value: value if isinstance(value, str) else repr(value[:20]))
def test_json_with_two_readings_or_none_is_refused(gateway, cloud, token, raw, code):
    answer = post_create(gateway, token, raw)
    check_refusal(answer, 400, code)
    assert cloud.requests() == []


@pytest.mark.parametrize("body, code", [
    (create_body(flavor=1), "body.type"), (create_body(spec__auto_stop={"enable": "true"}), "body.type"),
    (create_body(spec__auto_stop={"enable": True, "duration": 3600.0}), "body.type"),
    (create_body(without=["spec"]), "body.missing"), (create_body(flavour="x"), "body.unknown_field"),
    (create_body(Flavor="modelarts.vm.gpu.v100"), "body.lookalike"),
    (create_body(auto_stop={"enable": False}), "body.conflict"),
    (create_body(spec__flavor="modelarts.vm.gpu.v100"), "body.misplaced"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_body_of_another_shape_is_refused(gateway, cloud, token, body, code):
    answer = post_create(gateway, token, body)
    assert code in [reason["code"] for reason in check_refusal(answer, 400)["reasons"]], answer
    assert cloud.requests() == []


def test_what_the_cloud_refuses_is_failed(gateway_factory, cloud, token):
    gateway = gateway_factory(ALLOW_ALL)
    answer = post_create(gateway, token, create_body(spec__storage__location__path="/team-a/x"))
    assert answer.status == 400
    assert answer.body == b'{"error_message":"The param path needs to end with /.","error_code":"ModelArts.6318"}'
    assert answer.header("Postern-Decision") is None
    _, intent, outcome = check_sent(cloud, gateway, answer)
    assert intent["decision"] == "allow"
    assert outcome["outcome"] == "failed" and outcome["status"] == 400 and outcome["error_code"] == "ModelArts.6318"


def test_the_same_name_again_is_the_cloud_s_matter(gateway, cloud, token):
    first, second = post_create(gateway, token), post_create(gateway, token)
    assert first.status == 200 and second.json["error_code"] == "ModelArts.6301"
    assert exchange_id(first) != exchange_id(second)
    assert gateway.wait_outcome(exchange_id(second))["outcome"] == "failed"


def test_a_name_that_is_under_way_is_not_sent_again(gateway_factory, cloud_factory, token):
    cloud = cloud_factory(frozen=False)  # else what is under way is listed as old: as an orphan
    gateway = gateway_factory(url=cloud.url)
    cloud.fault("slow", "POST *")
    with gateway.connect() as client:
        client.send(request_bytes("POST", CREATE, compact(create_body()), {"X-Auth-Token": token}))
        cloud.wait_held()
        check_refusal(post_create(gateway, token), 403, "create.pending")
        assert post_create(gateway, token, create_body(name="nb-2")).status == 200
        cloud.release()
        assert client.read_answer().status == 200
    assert len(cloud.creates()) == 2
    assert post_create(gateway, token).json["error_code"] == "ModelArts.6301", "it is settled now"


def test_a_chunked_body_is_judged_and_sent_with_its_length(gateway, cloud, token):
    body = compact(create_body())
    head = (f"POST {CREATE} HTTP/1.1\r\nHost: g\r\nX-Auth-Token: {token}\r\nContent-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\n").encode()
    with gateway.connect() as client:
        client.send(head + b"%x\r\n" % 10 + body[:10] + b"\r\n%x\r\n" % (len(body) - 10) + body[10:] + b"\r\n0\r\n\r\n")
        answer = client.read_answer()
    received, _, _ = check_sent(cloud, gateway, answer)
    assert received.raw_body == body and received.header("transfer-encoding") is None


def test_100_continue_comes_before_the_body(gateway, cloud, token):
    body = compact(create_body())
    request = request_bytes("POST", CREATE, body, {"X-Auth-Token": token, "Expect": "100-continue"})
    with gateway.connect() as client:
        client.send(request[:-len(body)])
        assert client._line() == b"HTTP/1.1 100 Continue" and client._line() == b""
        client.send(body)
        assert client.read_answer().status == 200
    assert cloud.creates()[0].header("expect") is None


@pytest.mark.parametrize("headers, status", [
    ({"Content-Type": "text/plain"}, 415), ({"Content-Type": "application/json; charset=latin-1"}, 415),
    ({"Content-Encoding": "gzip"}, 415), ({"Expect": "magic"}, 417), ({"Upgrade": "h2c", "Connection": "upgrade"}, 501),
], ids=lambda value: str(value))
def test_requests_that_cannot_be_judged(gateway, cloud, token, headers, status):
    answer = post_create(gateway, token, None, headers)
    check_refusal(answer, status)
    assert cloud.requests() == []


@pytest.mark.parametrize("content_type", ["application/json;charset=UTF-8", "Application/JSON", "application/json ; charset=utf-8"])
def test_content_types_that_real_clients_send(gateway, cloud, token, content_type):
    """They go on as what the body was read as."""
    assert post_create(gateway, token, None, {"Content-Type": content_type}).status == 200
    assert cloud.creates()[0].header("content-type") == "application/json"


def test_a_body_over_the_limit_is_not_read(gateway, cloud, token):
    with gateway.connect() as client:
        client.send(f"POST {CREATE} HTTP/1.1\r\nHost: g\r\nX-Auth-Token: {token}\r\nContent-Type: application/json\r\n"
                    "Content-Length: 300000\r\n\r\n".encode())
        check_refusal(client.read_answer(), 413, "http.body_too_large")
    assert cloud.requests() == []


def test_a_body_at_the_limit(gateway, cloud, token):
    body = compact(create_body())
    assert post_create(gateway, token, body + b" " * (256 * 1024 - len(body))).status == 200
    check_refusal(post_create(gateway, token, body + b" " * (256 * 1024 + 1 - len(body))), 413, "http.body_too_large")
    assert len(cloud.creates()) == 1


def test_postern_headers_are_ours_alone(gateway, cloud, token):
    answer = post_create(gateway, token, None, {"Postern-Id": "0" * 32, "postern-Decision": "allow", "X-Evil": "1",
                                                "Connection": "close, X-Auth-Token"})
    received = cloud.creates()[0]
    assert [name for name in received.head.decode().lower().split("\r\n") if name.startswith("postern")] == []
    assert received.header("x-evil") is None
    assert exchange_id(answer) != "0" * 32


@pytest.mark.parametrize("method, path, body, code", [
    ("PATCH", "/DE-1", b"{}", "route.unknown"), ("POST", "/DE-1/whatever", b"{}", "route.unknown"),
    ("POST", "/../notebooks", b"{}", "path.ambiguous"), ("POST", "/", b"{}", "path.ambiguous"),
    ("POST", "/DE-1/action", b'{"action":"explode"}', "action.unknown"),
    ("POST", "/DE-1/action", b'{"action":"stop","auto_stop":{}}', None),
])
def test_no_way_round(gateway, cloud, token, method, path, body, code):
    answer = gateway.request(method, CREATE + path, body, {"X-Auth-Token": token})
    assert answer.status in (400, 403), answer
    check_refusal(answer, answer.status, *([code] if code else []))
    assert cloud.requests() == []


@pytest.mark.parametrize("target", [
    f"/v1/{PROJECT}/%64emanager/instances", f"/v1/{PROJECT}/demanager/Instances", f"//v1/{PROJECT}/demanager/instances",
    f"/v1/{PROJECT}/demanager/instances;x", f"/v1/{PROJECT}/demanager/instances.json",
    f"/v1/{PROJECT}/x/../demanager/instances", f"/v1/{PROJECT}/%2564emanager/instances",
    f"/v1/{PROJECT}%2fdemanager/instances", f"/v1/{PROJECT}/demanager\\instances", f"/v1/{PROJECT}/notebooks/",
])
def test_spellings_of_judged_paths_are_refused(gateway, cloud, token, target):
    answer = gateway.request("POST", target, compact(create_body()), {"X-Auth-Token": token})
    check_refusal(answer, 400)
    assert cloud.requests() == []


def test_reads_and_releases_pass(gateway, cloud, token):
    headers = {"X-Auth-Token": token}
    made = post_create(gateway, token).json["id"]
    one = f"{CREATE}/{made}"
    assert gateway.request("GET", CREATE + "?de_type=Notebook", None, headers).json["total_count"] == 1
    assert gateway.request("GET", one, None, headers).json["id"] == made
    assert gateway.request("GET", one + "/token", None, headers).json["token"]
    head = gateway.request("HEAD", one, None, headers)
    assert head.status == 200 and head.body == b"" and int(head.header("content-length")) > 100
    cloud.advance(5)
    stop = gateway.request("POST", one + "/action", {"action": "stop"}, headers)
    assert stop.json == {"current_status": "STOPPING", "previous_state": "RUNNING"}
    cloud.advance(2)
    gone = gateway.request("DELETE", one, None, headers)
    assert gone.json == {"instance_id": made}
    for answer, operation in ((stop, "demanager.stop"), (gone, "demanager.delete")):
        outcome = gateway.wait_outcome(exchange_id(answer))
        assert outcome["operation"] == operation and outcome["class"] == "release" and outcome["outcome"] == "done"
        assert outcome["instance"]["id"] == made and outcome["user"]["name"] == "alice"
    assert gateway.journal().events("intent", operation="demanager.stop") == []


def test_no_token_is_not_identified(gateway, cloud):
    answer = gateway.request("POST", CREATE, compact(create_body()))
    check_refusal(answer, 401)
    assert cloud.requests() == []


def test_a_project_without_policy_is_refused(gateway, cloud):
    token = make_token(user="alice", project=OTHER_PROJECT, roles=[])
    answer = gateway.request("POST", CREATE.replace(PROJECT, OTHER_PROJECT), compact(create_body()),
                             {"X-Auth-Token": token})
    check_refusal(answer, 403, "policy.no_match")
    check_not_sent(cloud, gateway, answer, "policy.no_match")


def test_ids_are_never_used_twice(gateway, token):
    with gateway.connect() as client:
        headers = {"X-Auth-Token": token}
        ids = {exchange_id(client.request("POST", CREATE, compact(create_body(name=f"n{i}")), headers))
               for i in range(30)}
    assert len(ids) == 30


def test_many_edits_are_told_as_a_count(gateway_factory, cloud, token):
    pairs = ", ".join(f'key-{n}: "{"v" * 200}"' for n in range(30))
    text = policy(f'flavors: {{allow: ["*"]}}\nannotations: {{set: {{{pairs}}}}}')
    gateway = gateway_factory(text)
    answer = post_create(gateway, token)
    assert answer.status == 200 and answer.header("Postern-Decision") == "rewrite"
    received, intent, _ = check_sent(cloud, gateway, answer)
    assert answer.header("Postern-Edits") == str(len(intent["edits"])) == "30"
    assert received.json["spec"]["annotations"]["key-29"] == "v" * 200


def test_more_than_64_edits_refuse(gateway_factory, cloud, token):
    files = {}
    for number in range(2):
        pairs = ", ".join(f'key-{number}-{n}: "v"' for n in range(33))
        text = policy(f'flavors: {{allow: ["*"]}}\nannotations: {{set: {{{pairs}}}}}')
        files[f"{number}.yaml"] = text.replace("name: p", f"name: p{number}")
    gateway = gateway_factory(files)
    answer = post_create(gateway, token, create_body(spec__annotations={"mine": "m"}))
    check_refusal(answer, 403, "policy.too_many_edits")
    check_not_sent(cloud, gateway, answer, "policy.too_many_edits")


def test_edits_are_told_in_ascii(gateway_factory, cloud, token):
    gateway = gateway_factory(policy('flavors: {allow: ["*"]}\nannotations: {set: {owner: "\u8cc7\u6599 \u00e9"}}'))
    answer = post_create(gateway, token, create_body(spec__annotations={"mine": "m"}))
    assert answer.header("Postern-Edits").isascii()
    assert json.loads(answer.header("Postern-Edits"))[0]["new"] == "\u8cc7\u6599 \u00e9"
    assert cloud.creates()[0].json["spec"]["annotations"]["owner"] == "\u8cc7\u6599 \u00e9"


def test_at_most_20_reasons(gateway, cloud, token):
    storages = [{"type": "obs", "location": {"path": f"/team-b/{n}/"}} for n in range(30)]
    answer = post_create(gateway, token, create_body(spec__extend_storage=storages))
    assert len(check_refusal(answer, 403)["reasons"]) <= 20
    assert cloud.requests() == []


def test_an_absolute_target_goes_on_in_origin_form(gateway, cloud, token):
    answer = gateway.request("POST", f"http://gateway.test{CREATE}", compact(create_body()), {"X-Auth-Token": token})
    assert answer.status == 200, answer
    assert cloud.creates()[0].target == CREATE
    answer = gateway.request("POST", f"http://another.test{CREATE}", compact(create_body()), {"X-Auth-Token": token})
    check_refusal(answer, 400, "http.bad_host")


@pytest.mark.parametrize("hosts", [[], ["a", "b"], ["a b"], [""]], ids=["none", "two", "a blank", "empty"])
def test_host(gateway, cloud, token, hosts):
    body = compact(create_body())
    lines = "".join(f"Host: {host}\r\n" for host in hosts)
    with gateway.connect() as client:
        client.send(f"POST {CREATE} HTTP/1.1\r\n{lines}X-Auth-Token: {token}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        check_refusal(client.read_answer(), 400, "http.bad_host")
    assert cloud.requests() == []


def test_clients_of_http_1_0(gateway, cloud, token):
    body = compact(create_body())
    with gateway.connect() as client:
        client.send(f"POST {CREATE} HTTP/1.0\r\nHost: g\r\nX-Auth-Token: {token}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = client.read_answer()
        assert answer.status == 200
        client.expect_end()
    assert cloud.creates()[0].head.startswith(f"POST {CREATE} HTTP/1.1\r\n".encode())
