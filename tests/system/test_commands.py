# SPDX-License-Identifier: Apache-2.0
"""The command line: check, explain, status, reload, version, and wrong usage."""

import json
import pathlib
import re
import signal

import pytest

from conftest import ROOT
from support.admin import StandIn
from support.bodies import ALLOW_ALL, POLICIES, PROJECT, compact, create_body
from support.contract import check_refusal, post_create

WHO = ["--user", "alice", "--project", PROJECT, "--role", "te_admin"]


def explain(site, body, *args):
    text = body if isinstance(body, str) else compact(body).decode()
    return site.run("explain", *WHO, *args, text=text)


def test_check(site_factory):
    done = site_factory().run("check")
    assert done.returncode == 0 and done.stderr == "", done
    assert re.search(r"\b[0-9a-f]{64}\b", done.stdout) and "1 policy, 0 exceptions" in done.stdout


def test_check_finds_faults(site_factory):
    done = site_factory(POLICIES.replace("flavors:", "flavours:")).run("check")
    assert done.returncode == 1 and done.stdout == ""
    assert re.match(r"[^:]*policies\.yaml:7:5: ", done.stderr), done.stderr
    done = site_factory(settings={"listne": 1}).run("check")
    assert done.returncode == 1 and re.search(r"postern\.yaml:\d+:1: .*listen", done.stderr), done.stderr


def test_check_show_is_complete_and_loads_to_the_same(site_factory):
    site = site_factory()
    first = site.run("check", "--show")
    assert first.returncode == 0, first.stderr
    for key in ("version listen status admin upstream identity policies journal quota routes requests workers limits "
                "log").split():
        assert re.search(rf"^{key}:", first.stdout, re.M), key
    for line in ("body: 256KB", "drain: 5s", "head_timeout: 10s", "keep_alive: 50s", "stream_body: 12MB"):
        assert line in first.stdout
    site.conf.write_text(first.stdout)
    second = site.run("check", "--show")
    assert second.returncode == 0, second.stderr
    assert second.stdout == first.stdout


def test_check_and_the_journal_agree_on_the_digest(gateway, token):
    digest = re.search(r"\b[0-9a-f]{64}\b", gateway.site.run("check").stdout)[0]
    post_create(gateway, token)
    assert gateway.journal_events("intent")[0]["policy_set"] == digest


def test_explain_allows(site_factory):
    done = explain(site_factory(), create_body())
    assert done.returncode == 0, done
    assert "decision: allow" in done.stdout and "team-a-notebooks" in done.stdout
    assert re.search(r"policies\.yaml:\d+:\d+", done.stdout)


def test_explain_rewrites(site_factory):
    done = explain(site_factory(), create_body(without=["spec__auto_stop"]))
    assert done.returncode == 0 and "decision: rewrite" in done.stdout and "auto_stop" in done.stdout
    done = explain(site_factory(), create_body(without=["spec__auto_stop"]), "--json")
    out = json.loads(done.stdout)
    assert out["decision"] == "rewrite" and out["edits"] and out["policies"] == ["team-a-notebooks"]
    assert out["body"]["spec"]["auto_stop"]["duration"] == 3600
    assert {line["result"] for line in out["trace"]} >= {"matches"}


def test_explain_refuses(site_factory):
    done = explain(site_factory(), create_body(flavor="modelarts.vm.gpu.v100"))
    assert done.returncode == 1 and "decision: refuse" in done.stdout and "flavor.not_allowed" in done.stdout
    done = explain(site_factory(), create_body(flavor="modelarts.vm.gpu.v100"), "--json")
    out = json.loads(done.stdout)
    assert done.returncode == 1 and out["decision"] == "refuse" and "body" not in out
    assert [reason["code"] for reason in out["reasons"]] == ["flavor.not_allowed"]
    assert re.match(r"policies\.yaml:\d+:\d+\Z", out["reasons"][0]["at"])


@pytest.mark.parametrize("text, code", [("{", "json.syntax"), ('{"name":"a","name":"b"}', "json.duplicate_member"),
                                        (json.dumps(create_body(flavor=1)), "body.type")])
def test_explain_refuses_bodies_that_cannot_be_read(site_factory, text, code):
    done = explain(site_factory(), text)
    assert done.returncode == 1 and code in done.stdout, done


def test_explain_says_what_the_gateway_does(gateway, cloud, token):
    for body in (create_body(), create_body(without=["spec__auto_stop"], name="b"),
                 create_body(spec__auto_stop={"enable": True, "duration": 86400}, name="c"),
                 create_body(flavor="modelarts.vm.cpu.8u"), create_body(spec__storage__location__path="/other/y/")):
        said = json.loads(explain(gateway.site, body, "--json").stdout)
        answer = post_create(gateway, token, body)
        if said["decision"] == "refuse":
            assert [r["code"] for r in check_refusal(answer, 403)["reasons"]] == [r["code"] for r in said["reasons"]]
        else:
            assert answer.status == 200
            assert cloud.creates()[-1].json == said["body"]
            assert json.loads(answer.header("Postern-Edits") or "[]") == said["edits"]


def test_explain_reads_a_file_and_a_time(site_factory):
    text = POLICIES.replace('"modelarts.vm.cpu.*"', "none") + """\
exceptions:
  - name: soon
    policy: team-a-notebooks
    match: {users: [alice]}
    allow: {flavors: ["modelarts.vm.cpu.*"]}
    reason: a test
    approved_by: bob
    expires: 2099-06-30
"""
    site = site_factory(text)
    request = site.folder / "request.json"
    request.write_bytes(compact(create_body()))
    for at, status in (("2099-06-30T23:59:59Z", 0), ("2099-06-30", 0), ("2099-07-01T00:00:00Z", 1), ("2099-07-01", 1)):
        assert site.run("explain", *WHO, "--at", at, str(request)).returncode == status, at


NOTEBOOK = {"id": "n-1", "name": "nb", "flavor": "modelarts.vm.cpu.2u", "workspace_id": "0", "image": {"id": "i"}, "unheard_of": [],
            "volume": {"category": "OBS", "uri": "obs://team-a/x/"}, "lease": {"create_at": 1793491200000, "duration": 3600000}}


@pytest.mark.parametrize("operation, query, body, instance, decision, query_sent", [
    ("notebooks.start", "duration=-1", None, NOTEBOOK, "rewrite", "duration=3600000"),
    ("notebooks.start", "duration=3600000", None, {**NOTEBOOK, "flavor": "modelarts.vm.gpu.v100"}, "refuse", None),
    ("notebooks.lease", "duration=14400000", None, NOTEBOOK, "rewrite", "duration=10800000"),
    ("notebooks.lease", None, {"duration": 3600000}, NOTEBOOK, "allow", None),
    ("demanager.update", None, {"spec": {"auto_stop": {"enable": False}}}, None, "rewrite", None),
    ("demanager.start", None, None, {"id": "d", "flavor": "modelarts.vm.cpu.2u", "spec": {
        "storage": {"type": "obs", "location": {"path": "/team-a/x/"}}, "auto_stop": {"enable": True, "duration": 3600}}}, "allow", None),
    ("notebooks.mount", None, {"category": "OBS", "uri": "obs://team-b/x/"}, None, "refuse", None),
    ("notebooks.start", "Duration=1", None, NOTEBOOK, "refuse", None),
])
def test_explain_judges_every_operation(site_factory, operation, query, body, instance, decision, query_sent):
    """One hour after the lease of NOTEBOOK began."""
    site = site_factory()
    args = ["--operation", operation, "--at", "2026-11-01T01:00:00Z", "--json"] + (["--query", query] if query else [])
    if instance is not None:
        (site.folder / "instance.json").write_text(json.dumps(instance))
        args += ["--instance", str(site.folder / "instance.json")]
    if body is not None:
        (site.folder / "request.json").write_text(json.dumps(body))
        args.append(str(site.folder / "request.json"))
    done = site.run("explain", *WHO, *args)
    assert done.returncode == (1 if decision == "refuse" else 0), done
    told = json.loads(done.stdout)
    assert told["operation"] == operation and told["decision"] == decision, told
    assert query_sent is None or told["query"] == query_sent
    assert site.run("explain", *WHO, *[arg for arg in args if arg != "--json"]).stdout.count(f"decision: {decision}") == 1


QUOTAS = """\
    quotas:
      - {name: places, limit: 2, per: [project, user], flavors: ["*cpu*"]}
      - {name: gpus, limit: 1, flavors: ["*gpu*"]}
      - {name: hours, hours: 500, window: 30d, weight: price}
  - {name: tried, mode: warn, quotas: [{name: all, limit: 9, counts: running}]}
weights: {price: {"*cpu*": 0.25, "*": 1}}
"""


def test_check_warns_of_quotas_without_a_service_credential(site_factory):
    site = site_factory(POLICIES + QUOTAS)
    done = site.run("check")
    assert done.returncode == 0 and "upstream.service_credential" in done.stderr, done
    site.write_settings({"upstream": {"service_credential": {"access_key_file": "own.yaml"}}})
    (site.folder / "own.yaml").write_text("access_key: AK1\nsecret_key: 0123456789\n")
    (site.folder / "own.yaml").chmod(0o600)
    assert "upstream.service_credential" not in site.run("check").stderr
    assert "upstream.service_credential" not in site_factory().run("check").stderr


def test_explain_tells_the_quotas(site_factory):
    site = site_factory(POLICIES + QUOTAS)
    assert "2 policies, 0 exceptions and 4 quotas in 1 file," in site.run("check").stdout
    done = explain(site, create_body(without=["spec__auto_stop"]))
    assert done.returncode == 0, done
    assert "quota places: needs a place of 2 per project, user; use is known to the gateway only" in done.stdout
    assert "quota hours: needs 1h, each hour weighing 0.250, of 500 hours in 720h; use" in done.stdout
    assert "quota all (not enforced): needs a place of 9 for running instances; use" in done.stdout
    assert "quota gpus: needs" not in done.stdout
    out = json.loads(explain(site, create_body(), "--json").stdout)
    assert out["quotas"] == [
        {"name": "all", "policy": "tried", "enforced": False, "counts": "running", "limit": 9, "per": []},
        {"name": "hours", "policy": "team-a-notebooks", "enforced": True, "counts": "hours", "hours": 500, "window_seconds": 2592000,
         "per": []},
        {"name": "places", "policy": "team-a-notebooks", "enforced": True, "counts": "existing", "limit": 2, "per": ["project", "user"]},
    ]
    assert [line["at"] for line in out["trace"] if line["result"] == "needs"] == \
        ["policies.yaml:19:47", "policies.yaml:18:16", "policies.yaml:16:16"]
    out = json.loads(explain(site, create_body(flavor="none"), "--json").stdout)
    assert out["decision"] == "refuse" and out["quotas"] == [], "a refusal takes no place"


def test_explain_cannot_run(site_factory):
    site = site_factory()
    assert site.run("explain", *WHO, "nowhere.json").returncode == 2
    assert site.run("explain", "--user", "alice").returncode == 2
    assert site.run("explain", *WHO, "--operation", "demanager.start").returncode == 2
    assert site.run("explain", *WHO, "--operation", "whatever").returncode == 2
    assert site.run("explain", *WHO, "--operation", "demanager.stop").returncode == 2
    assert site.run("explain", *WHO, "--operation", "notebooks.start", "--instance", "nowhere.json").returncode == 2
    assert site.run("explain", *WHO, "--at", "tomorrow").returncode == 2


def test_status(gateway, token):
    done = gateway.site.run("status")
    assert done.returncode == 0, done.stderr
    digest = re.search(r"\b[0-9a-f]{64}\b", gateway.site.run("check").stdout)[0]
    assert digest in done.stdout
    state = json.loads(gateway.site.run("status", "--json").stdout)
    assert digest in json.dumps(state)


def test_reload_over_the_admin_socket(gateway, token):
    body = create_body(flavor="modelarts.vm.gpu.v100")
    check_refusal(post_create(gateway, token, body), 403)
    gateway.site.write_policies(ALLOW_ALL)
    done = gateway.site.run("reload")
    assert done.returncode == 0, done
    assert post_create(gateway, token, body).status == 200
    gateway.site.write_policies("version: 1\npolicies:\n  - nom: x\n")
    done = gateway.site.run("reload")
    assert done.returncode == 1 and "policies.yaml:3:5" in done.stdout + done.stderr, done
    assert post_create(gateway, token, create_body(flavor="modelarts.vm.gpu.p100", name="b")).status == 200
    actors = {line["actor"] for line in gateway.journal_events("policy") if "actor" in line}
    assert any(actor.startswith("uid:") for actor in actors)
    assert len(gateway.journal_events("admin")) == 2


STATUS = {
    "version": "9.9.9", "pid": 4711, "started": "2027-01-15T08:00:00.000000Z", "workers": 2,
    "policy_set": {"digest": "ab12", "policies": 3, "quotas": 2, "exceptions": 1,
                   "loaded": "2027-01-15T08:00:00.000000Z", "reloads": 4, "failed_reloads": 1, "last_error": ""},
    "journal": {"accepting": False, "why_not": "the disk is full", "seq": 17, "queued": 0, "open_intents": 1,
                "unknown": 2, "existing": 3, "failures": 5},
    "connections": {"clients": 6, "exchanges": 7, "upstream_open": 8, "upstream_idle": 9},
    "quota": {"store": "local", "available": True, "waits_for_scan": False, "reserved": 1, "unknown": 1,
              "unknown_oldest_s": 7384, "existing": 12, "running": 10, "orphans": 0, "spent": 0, "granted": 20,
              "refused": 3, "unavailable": 0, "retries": 0, "more": True,
              "reservations": [{"id": "a" * 32, "state": "unknown", "operation": "notebooks.create", "age_s": 7384,
                                "project": "p1", "user": "alice", "flavor": "f", "name": "n\x1b[2J"},
                               {"id": "b" * 32, "state": "reserved", "operation": "notebooks.start", "age_s": 2,
                                "project": "p1", "user": "bob", "instance": "i1"}]},
    "reconcile": {"scans": 30, "failed": 2, "settled": 1, "gone": 4, "corrected": 0, "orphans": 0, "callers": 1,
                  "why": "HTTP 403"},
}


def test_status_is_grouped_and_tells_what_is_open(site_factory):
    site = site_factory()
    with StandIn(site.folder / "admin.sock", {"GET /v1/status": (200, STATUS)}):
        done = site.run("status")
        assert json.loads(site.run("status", "--json").stdout) == STATUS
    assert done.returncode == 0 and done.stderr == "", done
    lines = done.stdout.splitlines()
    assert lines[0] == "gateway      postern 9.9.9, pid 4711, 2 workers, since 2027-01-15T08:00:00.000000Z"
    assert "             does not take records: the disk is full" in lines
    assert "             1 reserved, 1 unknown, 12 instances, 10 of them running, 0 orphans, 0 charges" in lines
    assert "             the last failure: HTTP 403" in lines
    assert "the last reload" not in done.stdout, "there was no error"
    assert "reconcile    30 lists read, 2 could not be" in lines
    assert "all were read last" not in done.stdout, "they never were"
    i = lines.index("reserved or unknown, oldest first:")
    assert lines[i + 1].split() == ["AGE", "ID", "STATE", "OPERATION", "PROJECT", "USER", "NAME", "FLAVOR", "INSTANCE"]
    assert lines[i + 2].split() == ["2h03m", "a" * 32, "unknown", "notebooks.create", "p1", "alice", "n\\x1b[2J", "f", "-"]
    assert lines[i + 3].split() == ["2s", "b" * 32, "reserved", "notebooks.start", "p1", "bob", "-", "-", "i1"]
    assert lines[i + 4] == "... and more"


LISTED = {"more": False, "quotas": [
    {"name": "budget", "policy": "p", "counts": "hours", "limit": 500, "window_s": 2592000, "per": ["user"],
     "groups": [{"user": "alice", "used": 12.125, "free": 487.875}, {"user": "bob", "used": 3, "free": 497}]},
    {"name": "gpus", "policy": "p", "counts": "running", "limit": 7, "per": [], "groups": [{"used": 7, "free": 0}]},
    {"name": "pairs", "policy": "q", "counts": "existing", "limit": 2, "per": ["project", "pool"],
     "groups": [{"project": "p1", "pool": "x", "used": 1, "free": 1}]},
    {"name": "unused", "policy": "q", "counts": "existing", "limit": 2, "per": ["user"], "groups": []}]}

def test_quota_list_is_a_table(site_factory):
    site = site_factory()
    with StandIn(site.folder / "admin.sock", {"GET /v1/quotas": (200, LISTED)}):
        done = run_quota(site, "list")
        assert json.loads(run_quota(site, "list", "--json").stdout) == LISTED
    assert done.returncode == 0 and done.stderr == "", done
    rows = [re.split(r"  +", line.strip()) for line in done.stdout.splitlines()]
    assert rows == [["QUOTA", "POLICY", "COUNTS", "GROUP", "USED", "LIMIT", "FREE"],
                    ["budget", "p", "hours in 30d", "user=alice", "12.125", "500", "487.875"],
                    ["budget", "p", "hours in 30d", "user=bob", "3", "500", "497"],
                    ["gpus", "p", "running", "all", "7", "7", "0"],
                    ["pairs", "q", "existing", "project=p1 pool=x", "1", "2", "1"],
                    ["unused", "q", "existing", "(nobody yet)", "0", "2", "2"]]
    assert len({len(line) for line in done.stdout.splitlines()[1:]}) == 1, "columns end below each other"


def test_quota_list_without_quotas(gateway):
    done = run_quota(gateway.site, "list")
    assert done.returncode == 0 and "have no quotas" in done.stdout, done
    assert json.loads(run_quota(gateway.site, "list", "--json").stdout) == {"quotas": [], "more": False}


def run_quota(site, what, *args):
    return site.run("quota", what, "-c", str(site.conf), *args, conf=False)


def report(**members):
    return {"scans": 0, "failed": 0, "settled": 0, "gone": 0, "corrected": 0, "orphans": 0, "why": "", **members}


RECONCILES = {
    "well": (200, report(scans=3, settled=2, gone=1, corrected=4, orphans=5), 0,
             "lists read: 3; outcomes settled: 2, instances gone: 1, corrected: 4, orphans found: 5\n", ""),
    "a part": (200, report(scans=2, failed=1, why="HTTP 403"), 1, "lists read: 2", "lists that could not be read: 1: HTTP 403"),
    "nothing": (503, report(failed=2, why="no credential"), 1, "lists read: 0", "lists that could not be read: 2: no credential"),
    "no reconciler": (503, {"why": "this gateway does not reconcile"}, 1, "", "this gateway does not reconcile"),
    "under way": (409, {"why": "a reconcile is under way"}, 1, "", "a reconcile is under way"),
    "no JSON": (500, "no\n", 2, "", "not JSON"),
}


@pytest.mark.parametrize("name", RECONCILES)
def test_quota_reconcile(site_factory, name):
    status, answer, result, out, err = RECONCILES[name]
    site = site_factory()
    with StandIn(site.folder / "admin.sock", {"POST /v1/reconcile": (status, answer)}) as gateway:
        done = run_quota(site, "reconcile")
        as_json = run_quota(site, "reconcile", "--json")
    assert gateway.asked == ["POST /v1/reconcile"] * 2
    assert (done.returncode, as_json.returncode) == (result, result), done
    assert out in done.stdout and err in done.stderr and (out == "") == (done.stdout == ""), done
    if result < 2:
        assert json.loads(as_json.stdout) == answer


def test_quota_init_is_for_a_shared_store(site_factory):
    done = run_quota(site_factory(), "init")
    assert done.returncode == 2 and "quota.store is local" in done.stderr, done


def test_nobody_answers(site_factory):
    for command in ("status", "reload"):
        done = site_factory().run(command)
        assert done.returncode == 2 and "admin.sock" in done.stderr
    for what in ("list", "reconcile"):
        done = run_quota(site_factory(), what)
        assert done.returncode == 2 and "admin.sock" in done.stderr


def test_version_and_help(postern):
    done = postern("version")
    assert done.returncode == 0 and re.match(r"postern \d+\.\d+\.\d+\n\Z", done.stdout)
    done = postern("--help")
    assert done.returncode == 0 and done.stderr == ""
    commands = re.findall(r"^  (\w+) ", done.stdout, re.M)
    assert {"serve", "check", "explain", "status", "reload", "version"} <= set(commands)
    for command in commands:
        done = postern(command, "--help")
        assert done.returncode == 0 and f"postern {command}" in done.stdout, done


WRONG = [[], ["nonsense"], ["stats"], ["serve", "--bogus"], ["serve", "extra"], ["check", "-c"], ["explain"],
         ["status", "x"], ["version", "x"], ["quota"], ["quota", "nonsense"], ["quota", "list", "x"],
         ["quota", "init", "--json"], ["quota", "list", "--bogus"], ["audit"], ["audit", "nonsense"], ["--bogus"]]


@pytest.mark.parametrize("args", WRONG, ids=" ".join)
def test_wrong_usage(postern, args):
    done = postern(*args)
    assert done.returncode == 2 and done.stdout == "" and "postern" in done.stderr, done


def test_a_near_miss_is_named(postern):
    assert '"status"' in postern("stats").stderr


@pytest.mark.parametrize("command", [["audit", "query"], ["audit", "summary", "--by", "user"], ["audit", "coverage"],
                                     ["audit", "export"], ["replay", "--policies", "x"]])
def test_a_period_is_asked_for_alike_everywhere(postern, command):
    name = " ".join(command[:2] if command[0] == "audit" else command[:1])
    for args, text in ((["--since", "3"], '--since: "3" is no age such as 7d, 36h or 90m'),
                       (["--from", "soon"], '--from: "soon" is no time such as 2026-12-31'),
                       (["--until", "2026-02-30"], '--until: "2026-02-30" is no time such as 2026-12-31'),
                       (["--since", "1d", "--from", "2026-01-01"], "--since and --from exclude each other"),
                       (["--from", "2026-02-01", "--until", "2026-02-01"], "the period ends before it begins")):
        done = postern(*command, *args)
        assert done.returncode == 2 and done.stderr.startswith(f"postern {name}: {text}"), (args, done.stderr)
    told = postern(*command, "--help").stdout
    assert "[--since AGE | --from TIME] [--until TIME]" in told or "--since AGE  " in told


@pytest.mark.parametrize("command", [["audit", "query"], ["audit", "query", "--open"],
                                     ["audit", "summary", "--by", "user"], ["audit", "export"], ["audit", "verify"]])
def test_one_journal_is_named_by_folder_or_by_settings(postern, command, tmp_path):
    done = postern(*command, "-c", "a.yaml", "--journal", "a")
    assert done.returncode == 2 and "-c and --journal exclude each other" in done.stderr
    done = postern(*command, cwd=tmp_path)
    assert done.returncode == 2 and "-c FILE" in done.stderr and "--journal DIR" in done.stderr


FILTERS = "user project flavor instance operation class decision outcome reason policy since from until"
ONCE = {"audit query": f"{FILTERS} limit before journal index who-created", "audit summary": f"{FILTERS} by journal index",
        "audit coverage": "journal policies since from until", "audit verify": "journal witness",
        "audit export": "journal since from until format output source",
        "replay": "journal policies sets since from until limit", "test": "junit", "diff": "", "check": "",
        "explain": "user user-id project domain operation query instance at"}
VALUES = {"operation": "demanager.create", "class": "create", "decision": "allow", "outcome": "done", "since": "7d",
          "from": "2026-01-01", "until": "2026-01-02", "at": "2026-01-02", "limit": "5", "before": "5", "by": "day", "format": "cadf"}


@pytest.mark.parametrize("name", list(ONCE))
def test_what_takes_one_value_stands_once(postern, name):
    """The last of two would hold without a word."""
    for option in ONCE[name].split():
        value = VALUES.get(option, "x")
        for twice in ([f"--{option}", value] * 2, [f"--{option}={value}", "word", f"--{option}", value]):
            done = postern(*name.split(), *twice)
            assert done.returncode == 2 and done.stderr.startswith(f"postern {name}: --{option} stands twice\n"), (twice, done)
            assert f"usage: postern {name}" in done.stderr and done.stdout == ""
    for twice in (["-c", "x", "-c", "x"], ["-cx", "--conf", "y"], ["--con", "x", "--conf=y"]):
        done = postern(*name.split(), *twice)
        assert done.returncode == 2 and "-c stands twice" in done.stderr and f"usage: postern {name}" in done.stderr, done


def test_what_is_a_value_or_a_word_stands_as_often_as_it_likes(postern, tmp_path):
    for args, says in ((["audit", "query", "--user", "--user", "--project", "--project", "--journal", "x"], "folder x"),
                       (["audit", "verify", "--journal", "x", "--key", "a", "--key", "b", "--json", "--json"], "a: No such"),
                       (["explain", "--user", "u", "--project", "p", "--role", "a", "--role", "b", "--group", "a", "--group", "b"], "-c FILE"),
                       (["audit", "query", "--journal", "x", "--", "--user", "--user"], "one word too many"),
                       (["audit", "query", "--bogus", "--user", "a", "--user", "b"], "--bogus"),
                       (["audit", "query", "--user", "a", "--user"], "needs a value")):
        done = postern(*args, cwd=tmp_path)
        assert done.returncode == 2 and says in done.stderr and "twice" not in done.stderr, done
    assert postern("audit", "query", "--help", "--user", "a", "--user", "b").returncode == 0


ALIKE = {"query": "c journal since from until limit json csv", "summary": "c journal since from until json csv",
         "coverage": "c journal since from until json csv", "export": "c journal since from until", "verify": "c journal json",
         "replay": "c journal since from until limit json"}


@pytest.mark.parametrize("name", list(ALIKE))
def test_the_manuals_table_of_options_is_true(postern, name, tmp_path):
    """docs/audit.md, "The same everywhere"."""
    page = (ROOT / "docs" / "audit.md").read_text().partition("### The same everywhere")[2].partition("\n###")[0]
    rows = re.findall(r"^\| (`-.*?) \| (.*?) \|$", page, re.M)
    told = {option for names, _ in rows for option in re.findall(r"`--?([a-z]+)", names)}
    assert told == set(" ".join(ALIKE.values()).split())
    for option in sorted(told):
        dashed = f"-{option}" if option == "c" else f"--{option}"
        value = [] if option in ("json", "csv") else [VALUES.get(option, "x")]
        done = postern(*(["audit", name] if name != "replay" else [name]), dashed, *value, cwd=tmp_path)
        assert ("not an option here" not in done.stderr) == (option in ALIKE[name].split()), (option, done)


@pytest.mark.parametrize("command", [["query"], ["summary", "--by", "user"], ["coverage"]])
def test_one_form_of_output_is_asked_for(postern, command):
    done = postern("audit", *command, "--json", "--csv")
    assert done.returncode == 2 and "--json and --csv exclude each other" in done.stderr


def test_repair_of_a_whole_journal_is_refused(gateway):
    repair = ["audit", "repair", "-c", str(gateway.site.conf)]
    done = gateway.site.run(*repair, conf=False)
    assert done.returncode in (1, 2) and "journal" in done.stderr, "it is in use"
    gateway.stop()
    lines = len(gateway.journal().lines)
    done = gateway.site.run(*repair, conf=False)
    assert done.returncode == 1, done
    assert len(gateway.journal().lines) == lines


def shown(text):
    """What `check --show` prints, as {"limits.body": "256KB"}; lists are left out."""
    found, outer = {}, []
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if line.lstrip().startswith("- "):
            continue
        key, _, value = line.strip().partition(":")
        outer = outer[:indent // 2] + [key]
        if value:
            found[".".join(outer)] = value.strip()
    return found


DEFAULTS = """
status.address 127.0.0.1:9080, upstream.ca_file system, upstream.timeouts.connect 5s, upstream.timeouts.tls 5s,
upstream.timeouts.send 30s, upstream.timeouts.first_byte 1m, upstream.timeouts.idle 1m, upstream.timeouts.total 2m,
upstream.keep_alive 50s, upstream.max_connections 256, identity.tokens.cache 5m, identity.client_certificates off,
identity.signatures refuse, journal.durability sync, journal.timeout 5s, journal.segment 64MB, journal.keep 9600h,
journal.low_space.warn 2GB, journal.low_space.refuse 1GB, journal.requests digest, quota.store local, quota.timeout 2s,
quota.lease 30s, quota.reconcile 5m, quota.grace 1m,
quota.orphans count, routes.other pass, requests.unknown_fields refuse, workers auto,
limits.head 64KB, limits.uri 8KB, limits.header_value 32KB, limits.headers 128, limits.body 256KB,
limits.body_memory 64MB, limits.json_depth 64, limits.json_members 8192, limits.stream_body 12MB, limits.answer 4MB,
limits.connections 4096, limits.per_address 256, limits.head_timeout 10s, limits.body_timeout 30s,
limits.idle_timeout 75s, limits.write_timeout 30s, limits.drain 30s, log.level info, log.format text
"""


def test_what_is_left_out_has_the_documented_value(site_factory):
    site = site_factory()
    site.conf.write_text("version: 1\nupstream: {url: https://cloud.example}\nidentity: {tokens: {verify: decode}}\n")
    done = site.run("check", "--show")
    assert done.returncode == 0, done.stderr
    found = shown(done.stdout)
    for row in DEFAULTS.replace("\n", " ").split(","):
        name, value = row.split()
        assert found[name] == value, name
    assert "address: 127.0.0.1:8080" in done.stdout
    assert found["policies"] == str(site.folder / "policies"), "relative to the settings"
    assert found["journal.directory"] == str(site.folder / "journal")


def test_the_shipped_settings_and_policies_load(site_factory, folder):
    site = site_factory()
    shipped = pathlib.Path(__file__).resolve().parents[2]
    sample = (shipped / "conf" / "postern.yaml").read_text()
    site.conf.write_text(sample.replace("policies: ../policies", "policies: policies"))
    site.write_policies({path.name: path.read_text() for path in (shipped / "policies").glob("*.yaml")})
    done = site.run("check")
    assert done.returncode == 0 and done.stderr == "", done


def test_the_log_as_json(gateway_factory, token):
    gateway = gateway_factory(settings={"log": {"format": "json", "level": "debug"}})
    post_create(gateway, token)
    gateway.signal(signal.SIGUSR1)
    gateway.wait_stderr("reopen")
    gateway.stop()
    for line in gateway.stderr.splitlines():
        assert {"time", "level", "message"} <= set(json.loads(line)), line


@pytest.mark.parametrize("level, said", [("error", False), ("info", True)])
def test_the_log_s_level(gateway_factory, level, said):
    gateway = gateway_factory(settings={"log": {"level": level}})
    gateway.stop()
    assert ("listening" in gateway.stderr) == said
