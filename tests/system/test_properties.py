# SPDX-License-Identifier: Apache-2.0
"""What holds for every set of policies and every request, tried with drawn ones on the real binary: the order of files
and policies never matters, more policies never loosen, an edited request is edited no further, and a refused reload
changes nothing. POSTERN_SEED repeats a draw."""

import json
import os
import random
import re
import time

import pytest

from support.bodies import ALLOW_ALL, CREATE, PROJECT, compact, create_body
from support.contract import check_refusal, post_create
from support.waiting import wait_for

DRAWS = range(8)
CLAUSES = {
    "flavors": ['{allow: ["modelarts.vm.cpu.*"]}', '{allow: ["*"], deny: ["*.8u"]}', '{deny: ["*gpu*"]}',
                '{allow: ["modelarts.vm.*"], deny: ["*.v100"]}', '{allow: ["modelarts.vm.cpu.2u", "modelarts.vm.gpu.p100"]}'],
    "storage": ['{types: [obs]}', '{obs_prefixes: ["/team-a/"]}', '{obs_prefixes: ["/team-a/", "/team-b/"]}',
                '{types: [obs, evs], max_size_gb: 50}', '{types: [obs, evs], max_size_gb: 10}'],
    "auto_stop": ["{required: true, default: 1h, max: 4h}", "{required: true, default: 30m, max: 2h, over_max: refuse}",
                  "{max: 3h}", "{required: true, on_missing: refuse}", "{min: 10m, max: 8h}", "{required: true, default: 45m}"],
    "workspaces": ['{allow: ["0"]}', '{allow: ["0", "1"]}'],
    "annotations": ['{set: {cost-centre: "4711"}}', '{require: [owner]}', '{set: {team: a}}'],
    "name": ['{pattern: "[a-z0-9_-]+"}', '{pattern: "nb-.*"}'],
}


def owned(**members):
    return create_body(**{"spec__annotations__owner": "alice", **members})


REQUESTS = {
    "plain": owned(),
    "8u": owned(flavor="modelarts.vm.cpu.8u"),
    "v100": owned(flavor="modelarts.vm.gpu.v100"),
    "p100": owned(flavor="modelarts.vm.gpu.p100"),
    "team-b": owned(spec__storage__location__path="/team-b/x/"),
    "elsewhere": owned(spec__storage__location__path="/team-c/x/", name="other_1"),
    "evs": owned(spec__storage={"type": "evs", "location": {"volume_size": 20}}),
    "never stops": owned(spec__auto_stop__enable=False),
    "no auto_stop": owned(without=["spec__auto_stop"]),
    "5 hours": owned(spec__auto_stop__duration=18000),
    "5 minutes": owned(spec__auto_stop__duration=300),
    "workspace 1": owned(workspace__id="1"),
    "no workspace": owned(without=["workspace"]),
    "no owner": create_body(),
    "cost centre": owned(spec__annotations__team="b"),
    "misplaced": create_body(annotations={"cost-centre": "1", "owner": "b"}),
}


@pytest.fixture
def pick(request):
    seed = os.environ.get("POSTERN_SEED", time.time_ns() % 1000000)
    print(f"POSTERN_SEED={seed}")
    return random.Random(f"{seed} {request.node.name}")


def draw_policy(pick, name):
    clauses = pick.sample(sorted(CLAUSES), pick.randint(1, 3))
    if clauses == ["annotations"]:
        clauses.append("flavors")  # annotations alone are no match, and all would be refused
    rules = "".join(f"    {clause}: {pick.choice(CLAUSES[clause])}\n" for clause in clauses)
    return f"  - name: {name}\n    match: {{projects: [{PROJECT}]}}\n{rules}"


def file_of(*policies):
    return "version: 1\npolicies:\n" + "".join(policies)


def load(gateway, files):
    """True if the gateway took them."""
    gateway.site.write_policies(files)
    gateway.reload()
    return "error" not in gateway.journal_events("policy")[-1]


def judge(gateway, cloud, token, body):
    """What comes of a request: what a caller is told and what the cloud receives, without what names a place."""
    cloud.preset([])
    cloud.forget()
    answer = post_create(gateway, token, body)
    received = [request.body for request in cloud.creates()]
    if answer.status == 200 or not answer.json["error_code"].startswith("Postern"):
        edits = json.loads(answer.header("Postern-Edits") or "[]")
        assert (answer.header("Postern-Decision") == "rewrite") == bool(edits) and len(received) == 1
        return "allowed", sorted((edit["op"], edit["path"], json.dumps(edit["new"])) for edit in edits), received[0]
    assert received == [] and answer.status in (400, 403), answer
    return "refused", sorted((reason["code"], reason.get("policy", ""), reason["message"]) for reason in answer.json["reasons"]), \
        None


def judge_all(gateway, cloud, token):
    return {name: judge(gateway, cloud, token, body) for name, body in REQUESTS.items()}


def draw_set(pick, gateway, count):
    """Policies that load together, drawn until they do: {name: text}."""
    for _ in range(50):
        policies = {f"p{n}": draw_policy(pick, f"p{n}") for n in range(count)}
        if load(gateway, {"a.yaml": file_of(*policies.values())}):
            return policies
    raise AssertionError("no set of 50 loads")


@pytest.mark.parametrize("draw", DRAWS)
def test_order_never_matters(gateway, cloud, token, pick, draw):
    policies = draw_set(pick, gateway, 4)
    expected = judge_all(gateway, cloud, token)
    print(policies, expected)
    for turn in range(4):
        texts = pick.sample(list(policies.values()), len(policies))
        split = pick.randint(0, len(texts))
        names = pick.sample(["00.yaml", "zz.yaml", "m.yaml", "-.yaml", "A.yaml"], 2)
        files = {names[0]: file_of(*texts[:split]), names[1]: file_of(*texts[split:])}
        files = {name: text for name, text in files.items() if "- name" in text}
        if turn == 0:
            files = {f"{pick.randint(0, 999):03d}-{n}.yaml": file_of(text) for n, text in enumerate(texts)}
        assert load(gateway, files), files
        assert judge_all(gateway, cloud, token) == expected, files


@pytest.mark.parametrize("draw", DRAWS)
def test_more_policies_never_loosen(gateway, cloud, token, pick, draw):
    policies = draw_set(pick, gateway, 3)
    together = judge_all(gateway, cloud, token)
    for name, text in policies.items():
        assert load(gateway, {"a.yaml": file_of(text)})
        alone = judge_all(gateway, cloud, token)
        for request, (verdict, _, _) in alone.items():
            assert verdict == "allowed" or together[request][0] == "refused", (request, name, policies)


@pytest.mark.parametrize("draw", DRAWS)
def test_an_edited_request_is_edited_no_further(gateway, cloud, token, pick, draw):
    draw_set(pick, gateway, 2)
    for name, (verdict, edits, sent) in judge_all(gateway, cloud, token).items():
        if verdict == "allowed":
            again = judge(gateway, cloud, token, sent)
            assert again == ("allowed", [], sent), (name, edits)
            if not edits:
                assert sent == compact(REQUESTS[name]), "no rule touches it, so its bytes stay"


def test_explain_decides_the_same(gateway, cloud, token, pick):
    for _ in range(2):
        draw_set(pick, gateway, 3)
        for name, (verdict, _, _) in judge_all(gateway, cloud, token).items():
            done = gateway.site.run("explain", "--user", "alice", "--role", "te_admin", "--project", PROJECT, "--json",
                                    text=json.dumps(REQUESTS[name]))
            assert done.returncode == (0 if verdict == "allowed" else 1), (name, verdict, done)


GOOD = file_of(f"  - name: p\n    match: {{projects: [{PROJECT}]}}\n    flavors: {{allow: [\"modelarts.vm.cpu.*\"]}}\n")
BAD = {
    "an unknown key": GOOD + "    flavours: {}\n", "a key twice": GOOD + '    flavors: {allow: ["*"]}\n',
    "another version": GOOD.replace("version: 1", "version: 2"), "no version": GOOD.replace("version: 1\n", ""),
    "a name twice": GOOD + GOOD.split("policies:\n")[1], "no rules of a kind": GOOD.replace("{allow:", "{alow:"),
    "a value of another type": GOOD.replace('["modelarts.vm.cpu.*"]', "3"), "half a file": GOOD[:-20],
    "no text": "", "a tab": GOOD.replace("    match", "\tmatch"), "an alias": GOOD.replace("match: {", "match: &a {") + "    name: *a\n",
    "two documents": GOOD + "---\n" + GOOD, "a bad byte": GOOD.replace("name: p", "name: p\x01"),
    "a conflict": GOOD + "    auto_stop: {min: 2h, max: 1h}\n", "a default outside": GOOD + "    auto_stop: {default: 2h, max: 1h}\n",
    "a bad pattern": GOOD + '    name: {pattern: "a("}\n', "a budget of no window": GOOD + "    quotas:\n      - {name: q, hours: 1, per: [user]}\n",
    "a quota twice": GOOD + "    quotas: [{name: q, limit: 1}, {name: q, limit: 1}]\n",
    "no such weights": GOOD + "    quotas: [{name: q, hours: 1, window: 1d, weight: w}]\n",
    "weights without the rest": "weights: {w: {a: 1}}\n" + GOOD,
    "an exception of no policy": GOOD + "exceptions:\n  - {name: x, policy: nobody, match: {users: [a]}, lift: [flavors], "
                                        "reason: r, approved_by: b, expires: 2099-01-01}\n",
}


def running(gateway):
    """What is in force, by all that tell it."""
    done = gateway.site.run("status", "--json")
    assert done.returncode == 0, done.stderr
    state = json.loads(done.stdout)["policy_set"]
    digests = [re.search(r'"([0-9a-f]{64})"', name)[1] for name in gateway.metrics() if "policy_set_info" in name]
    assert digests == [state["digest"]]
    return state


def test_a_refused_reload_changes_nothing(gateway, cloud, token):
    assert load(gateway, {"a.yaml": GOOD})
    before, verdicts = running(gateway), judge_all(gateway, cloud, token)
    good = {"a.yaml": GOOD}
    for turn, (name, text) in enumerate(BAD.items(), 1):
        for files in ({"a.yaml": text}, {**good, "b.yaml": text}):
            assert not load(gateway, files), name
            now = running(gateway)
            assert now["last_error"], name
            assert {**now, "last_error": "", "failed_reloads": 0} == {**before, "last_error": "", "failed_reloads": 0}, name
        assert now["failed_reloads"] == 2 * turn
        check_refusal(post_create(gateway, token, REQUESTS["v100"]), 403, "flavor.not_allowed")
        ready = gateway.status("/readyz")
        assert ready.status == 200 and ready.body.startswith(b"degraded"), ready
    assert judge_all(gateway, cloud, token) == verdicts
    intents = gateway.journal_events("intent", policy_set=before["digest"])
    assert len(intents) == len([1 for verdict in verdicts.values() if verdict[0] == "allowed"]) * 2
    assert load(gateway, good)
    now = running(gateway)
    assert now["digest"] == before["digest"] and now["last_error"] == "" and now["reloads"] == before["reloads"] + 1
    assert gateway.status("/readyz").body == b"ok\n"
    assert load(gateway, ALLOW_ALL)
    assert running(gateway)["digest"] != before["digest"]
    wait_for(lambda: not gateway.journal().open, "the outcomes")
