# SPDX-License-Identifier: Apache-2.0
"""Every judged operation of both families through the real binary, and the ways round a policy that binds only the
create call: one test for each."""

import json
import pathlib
import time

import pytest

from support.bodies import OTHER_PROJECT, PROJECT, compact, create_body
from support.compliant import DE, DEMANAGER, HOUR_MS, NB, NOTEBOOKS, de_instance, nb_instance
from support.contract import check_not_sent, check_refusal, exchange_id
from support.oracle import FLAVOR, IMAGE, POLICY, PROFILE
from support.tokens import make_token
from support.waiting import wait_for

GPU = "modelarts.vm.gpu.v100"


def nb_body(**members):
    body = {"name": "nb-1", "feature": "NOTEBOOK", "flavor": FLAVOR, "image_id": IMAGE, "workspace_id": "0", "duration": 2 * HOUR_MS,
            "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 50}}
    body.update(members)
    return {name: value for name, value in body.items() if value is not ...}


def de_body(**members):
    return create_body(profile_id=PROFILE, flavor=FLAVOR, **members)


@pytest.fixture
def cloud(cloud_factory):
    """In the present: a lease is judged by the time since it began."""
    return cloud_factory(frozen=False)


@pytest.fixture
def gateway(gateway_factory, cloud):
    return gateway_factory(POLICY)


@pytest.fixture
def call(gateway, token):
    def send(method, target, body=None, headers=()):
        body = body if body is None or isinstance(body, bytes) else compact(body)
        return gateway.request(method, target, body, [("X-Auth-Token", token), *dict(headers).items()])
    return send


def edits_of(answer):
    assert answer.header("Postern-Decision") == "rewrite", answer
    return [(edit["op"], edit["path"], edit["new"]) for edit in json.loads(answer.header("Postern-Edits"))]


def sent(cloud, method):
    """The one request of that method that the cloud saw."""
    received, = cloud.requests(method)
    return received


def check_lines(gateway, answer, operation, outcome="done"):
    """One intent and one outcome; gives the intent."""
    gateway.wait_outcome(exchange_id(answer))
    intent, end = gateway.journal().of(exchange_id(answer))
    assert (intent["event"], end["event"]) == ("intent", "outcome")
    assert intent["operation"] == end["operation"] == operation and end["outcome"] == outcome, end
    return intent


# 1. demanager PUT

@pytest.mark.parametrize("body, edits, stored", [
    ({"spec": {"auto_stop": {"enable": False}}},
     [("set", "/spec/auto_stop/enable", True), ("set", "/spec/auto_stop/duration", 3600)], 3600),
    ({"spec": {"auto_stop": {"enable": True, "duration": 86400}}}, [("cap", "/spec/auto_stop/duration", 14400)], 14400),
    ({"spec": {"auto_stop": {"enable": True}}}, [("set", "/spec/auto_stop/duration", 3600)], 3600),
    ({"spec": {"auto_stop": {"duration": 7200}}}, [("default", "/spec/auto_stop/enable", True)], 7200),
    ({"spec": {"auto_stop": {"enable": True, "duration": 7200}}}, None, 7200),
], ids=["off", "too long", "on without an end", "a time without on", "well"])
def test_way_01_an_update_of_auto_stop(gateway, cloud, call, body, edits, stored):
    cloud.preset([de_instance()])
    answer = call("PUT", f"{DEMANAGER}/{DE}", body)
    assert answer.status == 200, answer
    assert sent(cloud, "PUT").json["spec"]["auto_stop"] == {"enable": True, "duration": stored}
    if edits is None:
        assert answer.header("Postern-Decision") is None and sent(cloud, "PUT").body == compact(body)
    else:
        assert edits_of(answer) == edits
    intent = check_lines(gateway, answer, "demanager.update")
    assert intent["instance"]["id"] == DE and intent["class"] == "change"


@pytest.mark.parametrize("stop", [{"enable": False}, {"enable": True, "duration": 86400}])
def test_way_01_an_update_of_auto_stop_at_the_top(gateway, cloud, call, stop):
    """As a real client sends it: the right place and the misplaced copy carry the same afterwards."""
    cloud.preset([de_instance()])
    answer = call("PUT", f"{DEMANAGER}/{DE}", {"auto_stop": stop, "description": "d"})
    assert answer.status == 200, answer
    body = sent(cloud, "PUT").json
    assert body["auto_stop"] == body["spec"]["auto_stop"] == {"enable": True, "duration": 3600}
    assert body["description"] == "d"


def test_an_update_that_names_no_auto_stop_goes_as_it_came(gateway, cloud, call):
    cloud.preset([de_instance()])
    answer = call("PUT", f"{DEMANAGER}/{DE}", b'{"description" : "d"}')
    assert answer.status == 200 and answer.header("Postern-Decision") is None
    assert sent(cloud, "PUT").body == b'{"description" : "d"}'
    assert len(cloud.requests()) == 1


# 2. demanager start, restart, queue

@pytest.mark.parametrize("verb", ["start", "restart", "queue"])
@pytest.mark.parametrize("members, code", [
    ({"flavor": GPU}, "flavor.not_allowed"), ({"spec": {"auto_stop": {"enable": False}}}, "auto_stop.required"),
    ({"spec": {"auto_stop": None}}, "auto_stop.required"), ({"spec": {"auto_stop": {"enable": True, "duration": 86400}}}, "auto_stop.over_max"),
    ({"spec": {"storage": {"type": "obs", "location": {"path": "/team-b/x/"}}}}, "obs.prefix_not_allowed"),
    ({"spec": {"extend_storage": [{"type": "obs", "location": {"path": "/team-b/x/"}}]}}, "obs.prefix_not_allowed"),
    ({"pool": {"id": "pool-x"}}, "pool.not_allowed"), ({"workspace": {"id": "other"}}, "workspace.not_allowed"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_way_02_a_start_of_what_does_not_comply(gateway, cloud, call, verb, members, code):
    cloud.preset([de_instance(**members)])
    answer = call("POST", f"{DEMANAGER}/{DE}/action", {"action": verb})
    body = check_refusal(answer, 403, code)
    assert "update" in body["message"], body  # it says how to make it so
    assert [(r.method, r.target) for r in cloud.requests()] == [("GET", f"{DEMANAGER}/{DE}")]
    line, = gateway.wait_journal(lambda j: j.of(exchange_id(answer))).of(exchange_id(answer))
    assert line["event"] == "refusal" and line["operation"] == "demanager.start" and line["instance"]["id"] == DE


@pytest.mark.parametrize("verb, status", [("start", "STOPPED"), ("restart", "RUNNING"), ("queue", "STOPPED")])
def test_a_start_of_what_complies(gateway, cloud, call, verb, status):
    cloud.preset([de_instance(status=status)])
    answer = call("POST", f"{DEMANAGER}/{DE}/action", {"action": verb})
    assert answer.status == 200 and answer.json["previous_state"] == status
    assert [r.method for r in cloud.requests()] == ["GET", "POST"]
    intent = check_lines(gateway, answer, "demanager.start")
    assert intent["instance"]["flavor"] == FLAVOR and intent["instance"]["auto_stop_s"] == 3600


@pytest.mark.parametrize("method, path, body, code", [
    ("POST", f"{DEMANAGER}/{DE}/action", {"action": "start"}, "ModelArts.6309"),
    ("POST", f"{NOTEBOOKS}/{NB}/start", None, "ModelArts.6404"),
    ("PATCH", f"{NOTEBOOKS}/{NB}/lease?duration=3600000", None, "ModelArts.6404")])
def test_what_does_not_exist_is_said_by_the_cloud(gateway, cloud, call, method, path, body, code):
    answer = call(method, path, body)
    assert answer.status == 400 and answer.json["error_code"] == code
    assert [r.method for r in cloud.requests()] == ["GET"]
    line, = gateway.wait_journal(lambda j: j.of(exchange_id(answer))).of(exchange_id(answer))
    assert line["reasons"][0]["code"] == "instance.not_shown"


@pytest.mark.parametrize("fault, code", [
    ({"kind": "status", "status": 500}, "instance.not_shown"), ({"kind": "status", "status": 302}, "instance.not_shown"),
    ({"kind": "close"}, "instance.not_shown"), ({"kind": "garbage"}, "instance.not_shown"),
    ({"kind": "cut_length"}, "instance.not_shown"),
    ({"kind": "status", "status": 200, "body": "[]"}, "instance.unreadable"),
    ({"kind": "status", "status": 200, "body": "{}"}, "instance.unreadable"),
    ({"kind": "status", "status": 200, "body": '{"id":"DE-1","id":"DE-2"}'}, "instance.unreadable"),
    ({"kind": "other_id", "id": "DE-another"}, "instance.unreadable"),
], ids=lambda value: value if isinstance(value, str) else value["kind"])
def test_an_instance_that_is_not_shown_is_not_started(gateway, cloud, call, fault, code):
    cloud.preset([de_instance()])
    cloud.fault(match="GET *", count=9, **fault)
    answer = call("POST", f"{DEMANAGER}/{DE}/action", {"action": "start"})
    check_refusal(answer, 503, code)
    assert cloud.requests("POST") == []


def test_a_look_at_an_instance_ends_in_time(gateway_factory, cloud, token):
    """It holds the instance for other changes as long as it lasts."""
    gateway = gateway_factory(POLICY, {"upstream": {"timeouts": {"total": "3s"}}})
    cloud.preset([de_instance()])
    cloud.fault("hang", match="GET *")
    for status in (503, 200):
        answer = gateway.request("POST", f"{DEMANAGER}/{DE}/action", {"action": "start"}, {"X-Auth-Token": token})
        assert answer.status == status, answer


# 3. the notebooks family

@pytest.mark.parametrize("body, edits, duration", [
    (nb_body(duration=-1), [("set", "/duration", HOUR_MS)], HOUR_MS),
    (nb_body(duration=...), [("default", "/duration", HOUR_MS)], HOUR_MS),
    (nb_body(duration=72 * HOUR_MS), [("cap", "/duration", 4 * HOUR_MS)], 4 * HOUR_MS),
    (nb_body(duration=4 * HOUR_MS + 1), [("cap", "/duration", 4 * HOUR_MS)], 4 * HOUR_MS),
    (nb_body(duration=4 * HOUR_MS), None, 4 * HOUR_MS),
], ids=["never", "missing", "too long", "a millisecond too long", "well"])
def test_way_03_a_create_of_the_other_family(gateway, cloud, call, body, edits, duration):
    answer = call("POST", NOTEBOOKS, body)
    assert answer.status in (200, 201), answer
    assert sent(cloud, "POST").json["duration"] == duration
    assert (answer.header("Postern-Decision") and edits_of(answer)) == edits
    intent = check_lines(gateway, answer, "notebooks.create", "created")
    assert intent["instance"]["profile"] == IMAGE and intent["class"] == "create"


def test_way_03_a_lease_in_a_create(gateway, cloud, call):
    answer = call("POST", NOTEBOOKS, nb_body(duration=..., lease={"type": "TIMING", "duration": 72 * HOUR_MS}))
    assert edits_of(answer) == [("cap", "/lease/duration", 4 * HOUR_MS)]
    assert sent(cloud, "POST").json["lease"] == {"type": "TIMING", "duration": 4 * HOUR_MS}


@pytest.mark.parametrize("body, code", [
    (nb_body(flavor=GPU), "flavor.not_allowed"), (nb_body(lease={"type": "IDLE", "duration": HOUR_MS}), "auto_stop.type_not_allowed"),
    (nb_body(lease={"type": "idle"}), "auto_stop.type_not_allowed"),
    (nb_body(volume={"category": "EFS", "uri": "x:/y"}), "storage.type_not_allowed"),
    (nb_body(volume={"category": "evs", "capacity": 4096}), "storage.too_large"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_way_03_creates_of_the_other_family_that_are_refused(gateway, cloud, call, body, code):
    answer = call("POST", NOTEBOOKS, body)
    check_refusal(answer, 403, code)
    check_not_sent(cloud, gateway, answer, code)


@pytest.mark.parametrize("body, code", [
    ({"flavor": GPU}, "flavor.not_allowed"), ({"image_id": "evil"}, "image.not_allowed"), ({"storage_new_size": 4096}, "storage.too_large"),
    ({"data_volumes": [{"category": "OBS", "uri": "obs://team-b/x/"}]}, "obs.prefix_not_allowed"),
    ({"custom_spec": {"cpu": 64, "memory": 1024}}, "custom_spec.refused"),
    ({"hooks": {"container_hooks": {"pre_start": {"type": "COMMAND", "script": "x"}}}}, "hooks.refused"),
    ({"endpoints": [{"service": "SSH", "allowed_access_ips": ["8.8.8.8"]}]}, "access_ips.not_allowed"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_way_03_updates_of_the_other_family(gateway, cloud, call, body, code):
    cloud.preset([nb_instance()])
    answer = call("PUT", f"{NOTEBOOKS}/{NB}", body)
    check_refusal(answer, 403, code)
    check_not_sent(cloud, gateway, answer, code)


def test_an_update_that_is_allowed(gateway, cloud, call):
    cloud.preset([nb_instance()])
    answer = call("PUT", f"{NOTEBOOKS}/{NB}", {"description": "new", "storage_new_size": 100, "flavor": FLAVOR})
    assert answer.status in (200, 201), answer
    check_lines(gateway, answer, "notebooks.update")


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("query, rewritten", [
    ("?duration=-1", "duration=3600000"), ("", "duration=3600000"), ("?duration=86400000", "duration=14400000"),
    ("?duration=86400000&type=TIMING", "duration=14400000&type=TIMING"), ("?duration=7200000", None)])
def test_way_03_a_start_without_an_end(gateway, cloud, call, method, query, rewritten):
    cloud.preset([nb_instance()])
    target = f"{NOTEBOOKS}/{NB}/start"
    answer = call(method, target + query)
    assert answer.status in (200, 201), answer
    look, start = cloud.requests()
    assert (look.method, look.target) == ("GET", f"{NOTEBOOKS}/{NB}")
    assert (start.method, start.target) == (method, f"{target}?{rewritten}" if rewritten else target + query)
    assert start.body in (b"", None) and start.header("content-type") is None
    assert start.header("content-length") == (None if method == "GET" else "0")
    if rewritten:
        assert [edit[1] for edit in edits_of(answer)] == ["?duration"]
    check_lines(gateway, answer, "notebooks.start")


@pytest.mark.parametrize("query", ["duration=-1type=TIMING", "duration=3600000&duration=-1", "Duration=3600000", "duration=3600000&x=1",
                                   "duration=%33600000", "duration=3600000&", "&duration=3600000", "duration", "duration=",
                                   "duration=3600000.0", "duration=+3600000", "duration=3600000;type=IDLE", "duration=99999999999999999999"])
def test_a_query_that_two_readers_read_differently(gateway, cloud, call, query):
    cloud.preset([nb_instance()])
    answer = call("POST", f"{NOTEBOOKS}/{NB}/start?{query}")
    check_refusal(answer, 400, "request.query")
    assert cloud.requests() == []


@pytest.mark.parametrize("members, query, code", [
    ({"flavor": GPU}, "duration=3600000", "flavor.not_allowed"), ({}, "duration=3600000&type=IDLE", "auto_stop.type_not_allowed"),
    ({"flavor": "custom.flavor.spec.code"}, "duration=3600000", "custom_spec.refused"),
    ({"image": {"id": "evil"}}, "duration=3600000", "image.not_allowed"), ({"pool": {"id": "pool-x"}}, "duration=3600000", "pool.not_allowed"),
    ({"data_volumes": [{"category": "OBSFS", "uri": "obs://team-b/x/"}]}, "duration=3600000", "storage.type_not_allowed"),
    ({"endpoints": [{"service": "SSH"}]}, "duration=3600000", "access_ips.missing"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_way_03_a_start_of_a_notebook_that_does_not_comply(gateway, cloud, call, members, query, code):
    cloud.preset([nb_instance(**members)])
    answer = call("POST", f"{NOTEBOOKS}/{NB}/start?{query}")
    body = check_refusal(answer, 403)
    assert body["reasons"][0]["code"] == code, body
    assert [r.method for r in cloud.requests()] == ["GET"]


@pytest.mark.parametrize("target, body, new_target, new_body", [
    ("?duration=7200000", None, "?duration=7200000", None), ("?duration=-1", None, "?duration=3600000", None),
    ("", None, "?duration=3600000", None), ("", {"duration": -1}, "", {"duration": 3600000}),
    ("", {"duration": 3600000}, "", {"duration": 3600000}),
    ("?duration=3600000", {"duration": 3600000}, "?duration=3600000", {"duration": 3600000}),
], ids=["query", "never", "nothing", "never in the body", "body", "both"])
def test_way_03_a_lease(gateway, cloud, call, target, body, new_target, new_body):
    cloud.preset([nb_instance(status="RUNNING")])
    answer = call("PATCH", f"{NOTEBOOKS}/{NB}/lease{target}", body)
    assert answer.status in (200, 204), answer
    received = sent(cloud, "PATCH")
    assert received.target == f"{NOTEBOOKS}/{NB}/lease{new_target}"
    assert (received.body or b"") == (b"" if new_body is None else compact(new_body))
    told = check_lines(gateway, answer, "notebooks.lease")["instance"]
    assert [told[key] for key in ("id", "name", "flavor", "workspace")] == [NB, "old", FLAVOR, "0"], told
    assert "pool" not in told
    hours = gateway.site.run("audit", "summary", "-c", str(gateway.site.conf), "--by", "flavor", "--json", conf=False)
    assert json.loads(hours.stdout.splitlines()[0])["flavor"] == FLAVOR, hours


def test_a_lease_that_is_refused_tells_of_its_instance(gateway, cloud, call):
    cloud.preset([nb_instance(time.time() - 4 * 3600, status="RUNNING", pool={"id": "pool-x"})])
    check_refusal(call("PATCH", f"{NOTEBOOKS}/{NB}/lease?duration=3600000"), 403)
    line, = gateway.wait_journal(lambda j: j.events("refusal")).events("refusal")
    assert [line["instance"][key] for key in ("name", "flavor", "pool")] == ["old", FLAVOR, "pool-x"]


def test_way_03_a_lease_that_is_repeated_does_not_prolong_for_ever(gateway, cloud, call):
    """Three hours are used, the maximum is four: one is left, however often one asks."""
    began = int((time.time() - 3 * 3600) * 1000)
    lease = {"create_at": began, "duration": 4 * HOUR_MS, "enable": True, "type": "TIMING", "update_at": began}
    cloud.preset([nb_instance(status="RUNNING", lease=lease)])
    for _ in range(3):
        answer = call("PATCH", f"{NOTEBOOKS}/{NB}/lease?duration=14400000")
        assert answer.status in (200, 204), answer
        (op, path, new), = edits_of(answer)
        assert (op, path) == ("cap", "?duration") and HOUR_MS - 120000 <= new <= HOUR_MS
    assert {int(r.target.rpartition("=")[2]) <= HOUR_MS for r in cloud.requests("PATCH")} == {True}


def test_way_03_a_lease_that_is_used_up(gateway, cloud, call):
    cloud.preset([nb_instance(time.time() - 4 * 3600, status="RUNNING")])
    answer = call("PATCH", f"{NOTEBOOKS}/{NB}/lease?duration=3600000")
    check_refusal(answer, 403, "auto_stop.over_max")
    assert cloud.requests("PATCH") == []


def test_a_lease_whose_query_and_body_differ(gateway, cloud, call):
    cloud.preset([nb_instance()])
    answer = call("PATCH", f"{NOTEBOOKS}/{NB}/lease?duration=3600000", {"duration": 7200000})
    check_refusal(answer, 400, "body.conflict")
    assert cloud.requests() == []


# 4. other places for OBS paths

@pytest.mark.parametrize("method, target, body", [
    ("POST", DEMANAGER, de_body(spec__extend_storage=[{"type": "obs", "location": {"path": "/team-b/x/"}}])),
    ("POST", DEMANAGER, de_body(spec__extended_storage={"type": "obs", "location": {"path": "/team-b/x/"}})),
    ("POST", NOTEBOOKS, nb_body(data_volumes=[{"category": "OBS", "uri": "obs://team-b/x/"}])),
    ("POST", NOTEBOOKS, nb_body(volume={"category": "obs", "uri": "obs://team-ab/x/"})),
    ("POST", f"{NOTEBOOKS}/{NB}/storage", {"category": "OBS", "mount_path": "/data/x/", "uri": "obs://team-b/x/"}),
], ids=["extend_storage", "extended_storage", "data_volumes", "volume", "mount"])
def test_way_04_obs_paths_elsewhere(gateway, cloud, call, method, target, body):
    answer = call(method, target, body)
    check_refusal(answer, 403, "obs.prefix_not_allowed")
    check_not_sent(cloud, gateway, answer, "obs.prefix_not_allowed")


def test_a_mount_that_is_allowed(gateway, cloud, call):
    cloud.preset([nb_instance(status="RUNNING")])
    body = {"category": "OBS", "mount_path": "/data/x/", "uri": "obs://team-a/x/"}
    answer = call("POST", f"{NOTEBOOKS}/{NB}/storage", body)
    assert answer.status in (200, 201), answer
    assert sent(cloud, "POST").body == compact(body)
    intent = check_lines(gateway, answer, "notebooks.mount")
    assert intent["instance"] == {"id": NB, "storage": ["obs://team-a/x/"]} and intent["class"] == "mount"


# 5. to 8. pools, custom specs, workspaces and projects, hooks and images

@pytest.mark.parametrize("target, body, code", [
    (DEMANAGER, de_body(pool={"id": "pool-x"}), "pool.not_allowed"), (DEMANAGER, de_body(pool={"name": "x"}), "pool.id_missing"),
    (NOTEBOOKS, nb_body(pool_id="pool-x"), "pool.not_allowed"),
])
def test_way_05_pools(gateway, cloud, call, target, body, code):
    answer = call("POST", target, body)
    check_refusal(answer, 403, code)
    check_not_sent(cloud, gateway, answer, code)


def test_way_05_a_pool_of_another_project(gateway_factory, cloud, token):
    gateway = gateway_factory(POLICY.replace("pools: {allow: [], public: true}", "pools: {allow: [pool-a]}"))
    for owner, codes in ((PROJECT, None), (OTHER_PROJECT, ["pool.foreign_owner"])):
        answer = gateway.request("POST", DEMANAGER, de_body(pool={"id": "pool-a", "owner": {"project_id": owner}}), {"X-Auth-Token": token})
        if codes is None:
            assert answer.status == 200, answer
        else:
            check_refusal(answer, 403, *codes)
    assert len(cloud.requests()) == 1


def test_way_06_a_custom_spec(gateway, cloud, call):
    answer = call("POST", NOTEBOOKS, nb_body(flavor=..., custom_spec={"cpu": 64, "memory": 262144, "gpu": 8}))
    check_refusal(answer, 403, "custom_spec.refused")
    check_not_sent(cloud, gateway, answer, "custom_spec.refused")


@pytest.mark.parametrize("target, body", [(DEMANAGER, de_body(workspace={"id": "other"})), (NOTEBOOKS, nb_body(workspace_id="other"))])
def test_way_07_other_workspaces(gateway, cloud, call, target, body):
    answer = call("POST", target, body)
    check_refusal(answer, 403, "workspace.not_allowed")
    assert cloud.requests() == []


@pytest.mark.parametrize("method, path", [("POST", "demanager/instances"), ("PUT", f"demanager/instances/{DE}"), ("POST", "notebooks"),
                                          ("POST", f"demanager/instances/{DE}/action"), ("PUT", f"notebooks/{NB}"),
                                          ("POST", f"notebooks/{NB}/start"), ("PATCH", f"notebooks/{NB}/lease"), ("POST", f"notebooks/{NB}/storage")])
def test_way_07_another_project_in_the_path(gateway, cloud, call, method, path):
    answer = call(method, f"/v1/{OTHER_PROJECT}/{path}", {"action": "start"})
    assert answer.status == 403, answer
    assert check_refusal(answer, 403)["reasons"][0]["code"] == "identity.project_mismatch"
    assert cloud.requests() == []


@pytest.mark.parametrize("body, code", [
    (nb_body(hooks={"container_hooks": {"post_start": {"type": "SCRIPT", "script": "/x"}}}), "hooks.refused"),
    (nb_body(image_id="my-own"), "image.not_allowed"),
    (nb_body(endpoints=[{"service": "SSH", "key_pair_names": ["k"]}]), "access_ips.missing"),
    (nb_body(endpoints=[{"service": "SSH", "allowed_access_ips": ["10.1.1.1", "11.1.1.1"]}]), "access_ips.not_allowed"),
])
def test_way_08_hooks_images_and_open_doors(gateway, cloud, call, body, code):
    answer = call("POST", NOTEBOOKS, body)
    check_refusal(answer, 403, code)
    check_not_sent(cloud, gateway, answer, code)


# 9. other calls that start machines

def shipped_refusals():
    text = (pathlib.Path(__file__).resolve().parents[2] / "conf" / "postern.yaml").read_text()
    lines = text[text.index("  refuse:\n"):].splitlines()[1:]
    out = []
    for line in lines:
        if not line.strip().startswith(("-", "#")):
            break
        if line.strip().startswith("-"):
            out.append(line.strip()[1:].split("#")[0].strip().strip('"'))
    return out


@pytest.mark.parametrize("method, path", [
    ("POST", "/v2/{p}/training-jobs"), ("POST", "/v1/{p}/training-jobs"), ("POST", "/v1/{p}/training-jobs/1/versions"),
    ("POST", "/v1/{p}/services"), ("POST", "/v2/{p}/services"), ("PUT", "/v1/{p}/services/1"), ("POST", "/v2/{p}/pools"),
    ("PATCH", "/v2/{p}/pools/x"), ("POST", "/v1/{p}/dev-servers"), ("POST", "/v1/{p}/visualization-jobs"),
    ("POST", "/v2/{p}/workflows/1/executions"), ("PUT", "/v1/{p}/workspaces/0/quotas"), ("POST", "/v2/{p}/authorizations"),
    ("POST", "/v2/{p}/agency"), ("POST", "/v1/{p}/services/1/tasks"), ("POST", "/v2/{p}/training-%6aobs"), ("POST", "/v2/{p}/Training-Jobs/"),
])
def test_way_09_other_calls_that_cost_money(gateway_factory, cloud, token, method, path):
    """The list that is shipped, and spellings that some reader takes for one of it."""
    patterns = shipped_refusals()
    assert len(patterns) > 10
    gateway = gateway_factory(POLICY, {"routes": {"other": "pass", "refuse": patterns}})
    answer = gateway.request(method, path.format(p=PROJECT), b'{"spec":{"annotations":{"jupyter-lab/enable":"true"}}}', {"X-Auth-Token": token})
    check_refusal(answer, 403, "route.refused")
    assert cloud.requests() == []


# 10. spellings of paths

@pytest.mark.parametrize("target", [
    f"//v1/{PROJECT}/notebooks", f"/v1/{PROJECT}/notebooks/", f"/v1/{PROJECT}/%6eotebooks", f"/v1/{PROJECT}/Notebooks", f"/v1/{PROJECT}/notebooks;x",
    f"/v1/{PROJECT}/x/../notebooks", f"/v1/{PROJECT}/notebooks.json", f"{NOTEBOOKS}/{NB}/start/", f"{NOTEBOOKS}/{NB}//start",
    f"{NOTEBOOKS}/{NB}/Start", f"{NOTEBOOKS}/{NB}%2fstart", f"{NOTEBOOKS}/{NB}/./start", f"{NOTEBOOKS}/{NB}/lease;x", f"{NOTEBOOKS}/{NB}/storage/",
])
def test_way_10_spellings_of_paths(gateway, cloud, call, target):
    answer = call("POST", target, nb_body())
    assert answer.status in (400, 403), answer
    check_refusal(answer, answer.status)
    assert cloud.requests() == []


def test_a_head_is_no_start(gateway, cloud, call):
    cloud.preset([nb_instance()])
    answer = call("HEAD", f"{NOTEBOOKS}/{NB}/start?duration=3600000")
    assert answer.status == 403
    assert cloud.requests() == []


# 11. tricks of JSON, on every operation with a body

CALLS = {"demanager.create": ("POST", DEMANAGER), "demanager.update": ("PUT", f"{DEMANAGER}/{DE}"), "demanager.start": ("POST", f"{DEMANAGER}/{DE}/action"),
         "notebooks.create": ("POST", NOTEBOOKS), "notebooks.update": ("PUT", f"{NOTEBOOKS}/{NB}"), "notebooks.start": ("POST", f"{NOTEBOOKS}/{NB}/start"),
         "notebooks.lease": ("PATCH", f"{NOTEBOOKS}/{NB}/lease"), "notebooks.mount": ("POST", f"{NOTEBOOKS}/{NB}/storage")}


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("body", [
    b'{"duration":3600000,"duration":-1}', b'{"duration":3600000,"d\\u0075ration":-1}', b'{"action":"stop","action":"start"}', b'{"Duration":-1}',
    b'{"ACTION":"start"}', b'{"duration":3600000.0}', b'{"duration":"3600000"}', b'{"duration":true}', b'\xef\xbb\xbf{}', b'{"a":"\x00"}', b'{"a":"\xff"}',
    b'{"auto_stop\\u0000":1}', b'{"description":"\\ud800"}', b'[]', b'{} {}', b'{}x', b'{"flavor":"a","flavor":"b"}', b'{"spec":{"spec":{}}}', b'nul', b'"x"',
    b'{"unknown":1}', b'{"a":01}', b"{'a':1}", b'{"a":1,}', b'{/**/}',
])
def test_way_11_tricks_of_json(gateway, cloud, call, operation, body):
    cloud.preset([de_instance(), nb_instance()])
    answer = call(*CALLS[operation], body)
    check_refusal(answer, 400)
    assert cloud.requests() == []


# 12. types and codings of bodies

@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("headers", [
    {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "application/json; charset=utf-16"},
    {"Content-Type": "application/json", "Content-Encoding": "gzip"}, {"Content-Type": "application/json-patch+json"}])
def test_way_12_types_of_bodies(gateway, cloud, call, operation, headers):
    cloud.preset([de_instance(), nb_instance()])
    answer = call(*CALLS[operation], b'{"action":"start"}', headers)
    check_refusal(answer, 415)
    assert cloud.requests() == []


# One at a time

def test_changes_of_one_instance_run_one_at_a_time(gateway, cloud, call, token):
    cloud.preset([de_instance()])
    cloud.fault("slow", match="PUT *")
    target = f"{DEMANAGER}/{DE}"
    with gateway.connect() as client:
        from support.http import request_bytes
        client.send(request_bytes("PUT", target, {"description": "a"}, {"X-Auth-Token": token}))
        cloud.wait_held()
        check_refusal(call("PUT", target, {"description": "b"}), 403, "instance.pending")
        check_refusal(call("POST", target + "/action", {"action": "start"}), 403, "instance.pending")
        # A stop must always be possible, and another instance is another one.
        assert call("POST", target + "/action", {"action": "stop"}).json["error_code"] == "ModelArts.6307"
        assert call("PUT", f"{DEMANAGER}/DE-other", {"description": "b"}).json["error_code"] == "ModelArts.6309"
        cloud.release()
        assert client.read_answer().status == 200
    assert call("PUT", target, {"description": "c"}).status == 200


# What the caller learns without doing it

@pytest.mark.parametrize("method, target, body, decision, edits", [
    ("POST", DEMANAGER, de_body(), "allow", 0), ("POST", DEMANAGER, de_body(without=["spec__auto_stop"]), "rewrite", 1),
    ("POST", NOTEBOOKS, nb_body(duration=-1), "rewrite", 1), ("PUT", f"{NOTEBOOKS}/{NB}", {"description": "x"}, "allow", 0),
    ("POST", f"{NOTEBOOKS}/{NB}/start?duration=-1", None, "rewrite", 1), ("POST", f"{DEMANAGER}/{DE}/action", {"action": "start"}, "allow", 0),
])
def test_a_dry_run(gateway, cloud, call, method, target, body, decision, edits):
    cloud.preset([de_instance(), nb_instance()])
    before = cloud.instances()
    answer = call(method, target, body, {"Postern-Dry-Run": "true"})
    assert answer.status == 200, answer
    told = answer.json
    assert told["decision"] == decision and len(told["edits"]) == edits and told["reasons"] == []
    if body is not None and not edits:
        assert told["body"] == body
    if "?" in target:
        assert told["query"] == "duration=3600000"
    assert {r.method for r in cloud.requests()} <= {"GET"} and cloud.instances() == before
    assert gateway.journal().of(exchange_id(answer)) == []
    # The same once more in earnest: nothing was reserved.
    assert call(method, target, body).status in (200, 201)


def test_a_dry_run_that_is_refused(gateway, cloud, call):
    answer = call("POST", NOTEBOOKS, nb_body(flavor=GPU), {"Postern-Dry-Run": "true"})
    assert answer.status == 403 and answer.json["decision"] == "refuse"
    assert [reason["code"] for reason in answer.json["reasons"]] == ["flavor.not_allowed"]
    assert answer.json["error_code"] == "Postern.0403" and "body" not in answer.json
    assert cloud.requests() == [] and gateway.journal().of(exchange_id(answer)) == []


def test_a_dry_run_tells_what_warn_policies_would_do(gateway_factory, cloud, token):
    gateway = gateway_factory('version: 1\npolicies:\n  - {name: all}\n  - {name: w, mode: warn, flavors: {allow: ["x"]}}\n')
    answer = gateway.request("POST", DEMANAGER, create_body(), {"X-Auth-Token": token, "Postern-Dry-Run": "true"})
    assert answer.status == 200 and answer.json["decision"] == "allow"
    assert answer.json["would"]["decision"] == "refuse"
    assert answer.json["would"]["reasons"][0]["code"] == "flavor.not_allowed"
    assert "flavor" in answer.header("Postern-Warning")


@pytest.mark.parametrize("method, target, body, headers", [
    ("GET", DEMANAGER, None, {"Postern-Dry-Run": "true"}), ("DELETE", f"{DEMANAGER}/{DE}", None, {"Postern-Dry-Run": "true"}),
    ("POST", f"{DEMANAGER}/{DE}/action", {"action": "stop"}, {"Postern-Dry-Run": "true"}), ("GET", "/v1/x/models", None, {"Postern-Dry-Run": "true"}),
    ("POST", DEMANAGER, de_body(), {"Postern-Dry-Run": "false"}), ("POST", DEMANAGER, de_body(), {"Postern-Dry-Run": "1"}),
    ("POST", DEMANAGER, de_body(), {"Postern-Dry-Run": "true", "postern-dry-run": "true"}), ("POST", DEMANAGER, de_body(), {"Postern-Dry-Run": ""}),
])
def test_a_dry_run_where_there_is_none(gateway, cloud, call, method, target, body, headers):
    check_refusal(call(method, target, body, headers), 400, "request.dry_run")
    assert cloud.requests() == []


# Answers

@pytest.mark.parametrize("method, target, body", [
    ("PUT", f"{DEMANAGER}/{DE}", {"description": "x"}), ("POST", f"{NOTEBOOKS}/{NB}/start?duration=3600000", None),
    ("PATCH", f"{NOTEBOOKS}/{NB}/lease?duration=3600000", None)])
def test_an_answer_that_is_lost(gateway, cloud, call, method, target, body):
    cloud.preset([de_instance(), nb_instance()])
    cloud.fault("close", match=f"{method} *")
    answer = call(method, target, body)
    check_refusal(answer, 502, "outcome.unknown")
    assert gateway.wait_outcome(exchange_id(answer))["outcome"] == "unknown"
    assert len(cloud.requests(method)) == 1  # never twice


def test_a_change_that_the_cloud_refuses(gateway, cloud, call):
    cloud.preset([nb_instance(status="RUNNING")])
    answer = call("PUT", f"{NOTEBOOKS}/{NB}", {"flavor": FLAVOR})
    assert answer.status == 400, answer
    check_lines(gateway, answer, "notebooks.update", "failed")


def test_an_unjudged_start_needs_more_than_a_stop(gateway, cloud, token):
    """The verb is in the body: whoever may stop is not yet who may start."""
    cloud.preset([de_instance(status="RUNNING")])
    target = f"{DEMANAGER}/{DE}/action"
    other = make_token(user="alice", project=OTHER_PROJECT, roles=[])
    stop = gateway.request("POST", target, {"action": "stop"}, {"X-Auth-Token": other})
    assert stop.status == 200, stop
    start = gateway.request("POST", target, {"action": "start"}, {"X-Auth-Token": other})
    assert check_refusal(start, 403)["reasons"][0]["code"] == "identity.project_mismatch"
    wait_for(lambda: gateway.journal().events("refusal"), "the refusal")
