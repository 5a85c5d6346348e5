# SPDX-License-Identifier: Apache-2.0
"""Each key of the policy language through the real binary: a request on either side of it."""

import json

import pytest

from support.bodies import OTHER_PROJECT, PROJECT, create_body, policy
from support.contract import check_refusal, check_sent, exchange_id, post_create
from support.tokens import make_token

ALLOWED = None
ANY = f"{{projects: [{PROJECT}]}}"


def ask(gateway_factory, text, body, **who):
    gateway = gateway_factory(text)
    who = {"user": "alice", "project": PROJECT, "roles": ["te_admin"], **who}
    return gateway, post_create(gateway, make_token(**who), body)


MATCHES = [
    ("projects", f"projects: [{PROJECT}]", {}, True),
    ("projects, another", f"projects: [{OTHER_PROJECT}]", {}, False),
    ("users by name", "users: [bob, alice]", {}, True),
    ("users by wildcard", 'users: ["al*"]', {}, True),
    ("users, wildcard alone", 'users: ["*"]', {}, True),
    ("users, another", 'users: [bob, "svc-*"]', {}, False),
    ("users are compared byte for byte", "users: [Alice]", {}, False),
    ("roles", "roles: [te_admin]", {}, True),
    ("roles, another", "roles: [op_gated]", {}, False),
    ("roles, none", "roles: [te_admin]", {"roles": []}, False),
    ("operations by class", "operations: [create]", {}, True),
    ("operations by name", "operations: [demanager.create]", {}, True),
    ("operations, another class", "operations: [start]", {}, False),
    ("families", "families: [demanager]", {}, True),
    ("families, the other", "families: [notebooks]", {}, False),
    ("no match: everybody", None, {}, True),
    ("every key must hold", f"projects: [{PROJECT}], users: [bob]", {}, False),
]


@pytest.mark.parametrize("keys, who, matches", [row[1:] for row in MATCHES], ids=[row[0] for row in MATCHES])
def test_match(gateway_factory, keys, who, matches):
    text = policy('flavors: {allow: ["*"]}', f"{{{keys}}}")
    if keys is None:
        text = "".join(line for line in text.splitlines(True) if "match:" not in line)
    _, answer = ask(gateway_factory, text, create_body(), **who)
    if matches:
        assert answer.status == 200, answer
    else:
        check_refusal(answer, 403, "policy.no_match")


def storage(kind="obs", path="/team-a/x/", **location):
    inner = {**({"path": path} if path else {}), **location}
    return create_body(spec__storage={"type": kind, **({"location": inner} if inner else {})})


RULES = [
    # name, rules, body, reason code (None: allowed)
    ("flavors.allow", 'flavors: {allow: ["modelarts.vm.cpu.*"]}', create_body(), ALLOWED),
    ("flavors.allow exact", "flavors: {allow: [modelarts.vm.cpu.2u]}", create_body(), ALLOWED),
    ("flavors.allow another", 'flavors: {allow: ["modelarts.vm.gpu.*"]}', create_body(), "flavor.not_allowed"),
    ("flavors.allow is whole", "flavors: {allow: [modelarts.vm.cpu.2]}", create_body(), "flavor.not_allowed"),
    ("flavors.deny", 'flavors: {deny: ["*.2u"]}', create_body(), "flavor.denied"),
    ("flavors.deny wins", 'flavors: {allow: ["*"], deny: ["*.2u"]}', create_body(), "flavor.denied"),
    ("flavors.deny another", 'flavors: {deny: ["*.8u"]}', create_body(), ALLOWED),
    ("profiles.allow", 'profiles: {allow: ["Multi-Engine 1.0 (python3)-*"]}', create_body(), ALLOWED),
    ("profiles.allow another", 'profiles: {allow: ["Ascend*"]}', create_body(), "profile.not_allowed"),
    ("workspaces.allow", 'workspaces: {allow: ["0"]}', create_body(), ALLOWED),
    ("workspaces.allow, missing is 0", 'workspaces: {allow: ["0"]}', create_body(without=["workspace"]), ALLOWED),
    ("workspaces.allow another", 'workspaces: {allow: ["0"]}', create_body(workspace={"id": "w1"}),
     "workspace.not_allowed"),
    ("pools.public", "pools: {public: true}", create_body(), ALLOWED),
    ("pools.public false", "pools: {allow: [pool-a], public: false}", create_body(), "pool.public_not_allowed"),
    ("pools.allow", "pools: {allow: [pool-a]}", create_body(pool={"id": "pool-a"}), ALLOWED),
    ("pools.allow another", "pools: {allow: [pool-a], public: true}", create_body(pool={"id": "pool-b"}),
     "pool.not_allowed"),
    ("pools without id", "pools: {allow: [pool-a], public: true}", create_body(pool={"name": "pool-a"}), "*"),
    ("pools of another project", "pools: {allow: [pool-a]}",
     create_body(pool={"id": "pool-a", "owner": {"project_id": OTHER_PROJECT}}), "pool.foreign_owner"),
    ("name.pattern", 'name: {pattern: "nb-[0-9]+"}', create_body(), ALLOWED),
    ("name.pattern is whole", 'name: {pattern: "nb"}', create_body(), "name.pattern"),
    ("storage.types", "storage: {types: [obs]}", storage(), ALLOWED),
    ("storage.types another", "storage: {types: [obs]}", storage("evs", None), "storage.type_not_allowed"),
    ("storage.obs_prefixes", 'storage: {obs_prefixes: ["/bucket-b/", "/team-a/"]}', storage(), ALLOWED),
    ("storage.obs_prefixes another", 'storage: {obs_prefixes: ["/bucket-b/"]}', storage(), "obs.prefix_not_allowed"),
    ("storage.obs_prefixes by whole segments", 'storage: {obs_prefixes: ["/team-a/x/"]}', storage(path="/team-a/xy/"),
     "obs.prefix_not_allowed"),
    ("storage.obs_prefixes in extend_storage", 'storage: {obs_prefixes: ["/team-a/"]}',
     create_body(spec__extend_storage=[{"type": "obs", "location": {"path": "/bucket-b/x/"}}]), "obs.prefix_not_allowed"),
    ("${user.name}", 'storage: {obs_prefixes: ["/team-a/${user.name}/"]}', storage(path="/team-a/alice/x/"), ALLOWED),
    ("${user.name}, another", 'storage: {obs_prefixes: ["/team-a/${user.name}/"]}', storage(path="/team-a/bob/x/"),
     "obs.prefix_not_allowed"),
    ("${project.id}", 'storage: {obs_prefixes: ["/team-a/${project.id}/"]}', storage(path=f"/team-a/{PROJECT}/x/"),
     ALLOWED),
    ("storage.max_size_gb", "storage: {max_size_gb: 100}", storage("evs", None, volume_size=100), ALLOWED),
    ("storage.max_size_gb over", "storage: {max_size_gb: 100}", storage("evs", None, volume_size=101),
     "storage.too_large"),
    ("auto_stop.max", "auto_stop: {max: 1h}", create_body(), ALLOWED),
    ("auto_stop.max over, refuse", "auto_stop: {max: 1h, over_max: refuse}",
     create_body(spec__auto_stop={"enable": True, "duration": 3601}), "auto_stop.over_max"),
    ("auto_stop.max, off, refuse", "auto_stop: {max: 1h, over_max: refuse}",
     create_body(spec__auto_stop={"enable": False}), "auto_stop.over_max"),
    ("auto_stop.min", "auto_stop: {min: 1h}", create_body(), ALLOWED),
    ("auto_stop.min below", "auto_stop: {min: 2h}", create_body(), "auto_stop.below_min"),
    ("auto_stop.on_missing", "auto_stop: {required: true, on_missing: refuse}", create_body(without=["spec__auto_stop"]),
     "auto_stop.required"),
    ("auto_stop.on_missing, off", "auto_stop: {required: true, on_missing: refuse}",
     create_body(spec__auto_stop={"enable": False}), "auto_stop.required"),
    ("annotations.require", "annotations: {require: [owner]}", create_body(spec__annotations={"owner": "me"}), ALLOWED),
    ("annotations.require missing", "annotations: {require: [owner]}", create_body(), "annotation.missing"),
    ("annotations.require empty", "annotations: {require: [owner]}", create_body(spec__annotations={"owner": ""}),
     "annotation.missing"),
    ("custom_spec: refuse", "custom_spec: refuse", create_body(), ALLOWED),
]
# a policy of annotations alone is no match for `default: refuse`: these rows have another one beside it
ALONGSIDE = '\n  - name: base\n    match: %s\n    flavors: {allow: ["*"]}\n' % ANY


@pytest.mark.parametrize("rules, body, code", [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_rule(gateway_factory, cloud, rules, body, code):
    gateway, answer = ask(gateway_factory, policy(rules).rstrip("\n") + ALONGSIDE, body)
    if code is ALLOWED:
        assert answer.status == 200, answer
        _, intent, _ = check_sent(cloud, gateway, answer)
        assert intent["decision"] == "allow"
    elif code == "*":
        assert answer.status in (400, 403), answer
    else:
        reason, = check_refusal(answer, 403, code)["reasons"]
        assert reason["policy"] == "p"
        assert cloud.requests() == []


REWRITES = [
    ("auto_stop.required and default", "auto_stop: {required: true, default: 2h}",
     create_body(without=["spec__auto_stop"]), {"enable": True, "duration": 7200}),
    ("auto_stop.required, off", "auto_stop: {required: true, default: 2h, max: 4h}",
     create_body(spec__auto_stop={"enable": False, "duration": 86400}), {"enable": True, "duration": 7200}),
    ("auto_stop.max caps", "auto_stop: {max: 2h}", create_body(spec__auto_stop={"enable": True, "duration": 7201}),
     {"enable": True, "duration": 7200}),
    ("auto_stop.max caps what never stops", "auto_stop: {max: 2h}", create_body(spec__auto_stop={"enable": False}),
     {"enable": True, "duration": 7200}),
]


@pytest.mark.parametrize("rules, body, auto_stop", [row[1:] for row in REWRITES], ids=[row[0] for row in REWRITES])
def test_rewrite(gateway_factory, cloud, rules, body, auto_stop):
    gateway, answer = ask(gateway_factory, policy(rules), body)
    assert answer.status == 200, answer
    received, intent, _ = check_sent(cloud, gateway, answer)
    got = received.json["spec"]["auto_stop"]
    assert {name: got[name] for name in auto_stop} == auto_stop
    assert intent["decision"] == "rewrite" and json.loads(answer.header("Postern-Edits")) == intent["edits"]


def test_annotations_are_set(gateway_factory, cloud):
    text = policy('annotations: {set: {cost-centre: "4711", zone: b}}').rstrip("\n") + ALONGSIDE
    gateway, answer = ask(gateway_factory, text, create_body(spec__annotations={"zone": "a", "mine": "m"}))
    received, intent, _ = check_sent(cloud, gateway, answer)
    assert received.json["spec"]["annotations"] == {"zone": "b", "mine": "m", "cost-centre": "4711"}
    assert {(e["op"], e["path"], e.get("old"), e["new"]) for e in intent["edits"]} == {
        ("set", "/spec/annotations/zone", "a", "b"), ("set", "/spec/annotations/cost-centre", None, "4711")}


@pytest.mark.parametrize("rules", ['annotations: {set: {a: "b"}}', "quotas: [{name: q, limit: 5}]",
                                   'annotations: {set: {a: "b"}}\nquotas: [{name: q, limit: 5}]'])
def test_annotations_and_quotas_alone_are_no_match(gateway_factory, rules):
    _, answer = ask(gateway_factory, policy(rules), create_body())
    check_refusal(answer, 403, "policy.no_match")


def test_default_allow(gateway_factory):
    text = policy('flavors: {deny: ["*"]}', f"{{projects: [{OTHER_PROJECT}]}}")
    text = text.replace("version: 1", "version: 1\ndefault: allow")
    assert ask(gateway_factory, text, create_body())[1].status == 200


def test_all_matching_policies_must_agree(gateway_factory):
    text = f"""\
version: 1
policies:
  - name: first
    match: {ANY}
    flavors: {{allow: [modelarts.vm.cpu.2u, modelarts.vm.cpu.8u]}}
    auto_stop: {{required: true, default: 4h, max: 8h}}
  - name: second
    match: {ANY}
    flavors: {{allow: [modelarts.vm.cpu.8u, modelarts.vm.gpu.v100]}}
    auto_stop: {{required: true, default: 2h, max: 3h}}
"""
    gateway, answer = ask(gateway_factory, text, create_body())
    reason, = check_refusal(answer, 403, "flavor.not_allowed")["reasons"]
    assert reason["policy"] == "second"
    answer = post_create(gateway, make_token(user="alice", project=PROJECT, roles=[]),
                         create_body(flavor="modelarts.vm.cpu.8u", without=["spec__auto_stop"]))
    assert answer.status == 200
    assert "7200" in answer.header("Postern-Edits"), "the smallest default wins"


@pytest.mark.parametrize("mode, warned", [("warn", True), ("observe", False)])
def test_warn_and_observe_do_not_touch_the_request(gateway_factory, cloud, mode, warned):
    text = policy('flavors: {allow: ["*gpu*"]}', mode=mode).rstrip("\n") + ALONGSIDE
    gateway, answer = ask(gateway_factory, text, create_body())
    assert answer.status == 200
    _, intent, _ = check_sent(cloud, gateway, answer)
    assert intent["decision"] == "allow" and intent["policies"] == ["base", "p"]
    assert intent["would"]["decision"] == "refuse"
    assert [reason["code"] for reason in intent["would"]["reasons"]] == ["flavor.not_allowed"]
    assert (answer.header("Postern-Warning") is not None) == warned


def test_an_exception_adds_to_a_list(gateway_factory):
    text = policy('flavors: {allow: ["*gpu*"]}') + """\
exceptions:
  - name: alice-cpu
    policy: p
    match: {users: [alice]}
    allow: {flavors: ["modelarts.vm.cpu.*"]}
    reason: a test
    approved_by: bob
    expires: 2099-12-31
"""
    gateway, answer = ask(gateway_factory, text, create_body())
    assert answer.status == 200
    gateway.wait_outcome(exchange_id(answer))
    assert gateway.journal().events("intent")[0]["exceptions"] == ["alice-cpu"]
    bob = make_token(user="bob", project=PROJECT, roles=[])
    check_refusal(post_create(gateway, bob, create_body(name="other")), 403, "flavor.not_allowed")


def test_an_exception_lifts_a_group(gateway_factory):
    text = policy("auto_stop: {required: true, on_missing: refuse}") + """\
exceptions:
  - name: alice-forever
    policy: p
    match: {users: [alice]}
    lift: [auto_stop]
    reason: a test
    approved_by: bob
    expires: 2099-12-31
"""
    assert ask(gateway_factory, text, create_body(without=["spec__auto_stop"]))[1].status == 200


def test_an_expired_exception_is_a_warning_and_does_not_help(gateway_factory):
    text = policy('flavors: {allow: ["*gpu*"]}') + """\
exceptions:
  - name: old
    policy: p
    match: {users: [alice]}
    allow: {flavors: ["*"]}
    reason: a test
    approved_by: bob
    expires: 2020-12-31
"""
    gateway, answer = ask(gateway_factory, text, create_body())
    check_refusal(answer, 403, "flavor.not_allowed")
    assert "old" in gateway.stderr and "expired" in gateway.stderr


def test_a_conflict_that_shows_only_at_a_request_refuses(gateway_factory):
    text = f"""\
version: 1
policies:
  - name: a
    match: {{users: ["al*"]}}
    annotations: {{set: {{zone: x}}}}
  - name: b
    match: {{roles: [te_admin]}}
    annotations: {{set: {{zone: y}}}}
  - name: c
    match: {ANY}
    flavors: {{allow: ["*"]}}
"""
    check_refusal(ask(gateway_factory, text, create_body())[1], 403, "policy.conflict")


def test_policies_in_several_files_are_one_set(gateway_factory, cloud):
    files = {"10-a.yaml": policy('flavors: {allow: ["*"]}').replace("name: p", "name: a"),
             "20-b.yaml": policy('profiles: {allow: ["Ascend*"]}').replace("name: p", "name: b"),
             "x.test.yaml": "not: [a policy", "readme.txt": "no"}
    gateway = gateway_factory(files)
    answer = post_create(gateway, make_token(user="alice", project=PROJECT, roles=[]))
    check_refusal(answer, 403, "profile.not_allowed")
    ours = exchange_id(answer)
    line, = gateway.wait_journal(lambda j: j.of(ours)).of(ours)
    assert line["reasons"][0]["at"].startswith("20-b.yaml:") and line["policies"] == ["a", "b"]
