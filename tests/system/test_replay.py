# SPDX-License-Identifier: Apache-2.0
"""Yesterday's requests under tomorrow's policies: what the journal of a real gateway has kept, judged once more."""

import json
import random
import shutil
from datetime import datetime, timedelta, timezone

import pytest

from support.bodies import CREATE, POLICIES, PROJECT, compact, create_body
from support.compliant import DE, DEMANAGER, HOUR_MS, NB, NOTEBOOKS, de_instance, nb_instance
from support.contract import exchange_id, post_create
from support.disk import build_shim, preloaded
from support.gateway import run_command, write_policies
from support.oracle import FLAVOR, IMAGE, POLICY, PROFILE
from support.quota import places, quota_policy
from support.tokens import make_token
from test_properties import CLAUSES, REQUESTS

FULL = {"journal": {"requests": "full"}}
GPU = "modelarts.vm.gpu.v100"
RUNS = NB[:-1] + "2"
DAY_S = 86400
# Judged by all that a credential can tell: the name of the project, the domain, roles.
MORE = POLICY.replace('"/team-a/"', '"/team-a/", "/${project.name}/", "/${user.id}/"') + """\
  - name: te-admins
    match: {roles: [te_admin], domains: ["*"]}
    auto_stop: {max: 5h}
  - name: watched
    mode: warn
    match: {users: [bob]}
    flavors: {deny: ["*.2u"]}
"""


def de_body(**members):
    return create_body(profile_id=PROFILE, flavor=FLAVOR, **members)


def nb_body(**members):
    body = {"name": "nb-1", "feature": "NOTEBOOK", "flavor": FLAVOR, "image_id": IMAGE, "workspace_id": "0",
            "duration": 2 * HOUR_MS, "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 50}}
    return {**body, **members}


class Day:
    """Requests through a gateway that keeps them, and what became of each: ids[name]."""

    def __init__(self, gateway, cloud):
        self.gateway, self.cloud, self.ids = gateway, cloud, {}
        self.tokens = {user: make_token(user=user, project=PROJECT, roles=["te_admin"]) for user in ("alice", "bob")}

    def send(self, name, user, status, method, target, body=None):
        body = body if body is None else compact(body)
        answer = self.gateway.request(method, target, body, {"X-Auth-Token": self.tokens[user]})
        assert answer.status == status or (status == 200 and answer.status in (201, 204)), (name, answer)
        self.ids[name] = exchange_id(answer)

    def mixed(self):
        self.cloud.preset([de_instance(), nb_instance(token="0f1e"), nb_instance(id=RUNS, status="RUNNING")])
        self.send("de", "alice", 200, "POST", CREATE, de_body())
        self.send("de-endless", "alice", 200, "POST", CREATE, de_body(name="a", spec__auto_stop={"enable": False}))
        self.send("de-gpu", "alice", 403, "POST", CREATE, create_body(profile_id=PROFILE, flavor=GPU))
        self.send("de-bob", "bob", 200, "POST", CREATE, de_body(name="b"))
        self.send("de-update", "alice", 200, "PUT", f"{DEMANAGER}/{DE}", {"spec": {"auto_stop": {"enable": True}}})
        self.send("de-start", "alice", 200, "POST", f"{DEMANAGER}/{DE}/action", {"action": "start"})
        self.send("nb", "alice", 200, "POST", NOTEBOOKS, nb_body())
        self.send("nb-gpu", "bob", 403, "POST", NOTEBOOKS, nb_body(flavor=GPU))
        self.send("nb-bad", "bob", 400, "POST", NOTEBOOKS, nb_body(flavor=7))
        self.send("nb-start", "bob", 200, "POST", f"{NOTEBOOKS}/{NB}/start")
        self.send("nb-lease", "bob", 200, "PATCH", f"{NOTEBOOKS}/{RUNS}/lease?duration={72 * HOUR_MS}")
        self.send("nb-mount", "alice", 200, "POST", f"{NOTEBOOKS}/{RUNS}/storage",
                  {"category": "OBS", "mount_path": "/data/a/", "uri": "obs://team-a/data/"})
        self.send("nb-mount-away", "alice", 403, "POST", f"{NOTEBOOKS}/{RUNS}/storage",
                  {"category": "OBS", "mount_path": "/data/a/", "uri": "obs://other/data/"})
        return self.end()

    def end(self):
        self.gateway.stop()
        return self


def replay(site, policies, *more, conf=True):
    folder = site.folder / "candidate"
    write_policies(folder, policies)
    return site.run("replay", "--policies", str(folder), *more, conf=conf)


def replay_json(site, policies, *more):
    done = replay(site, policies, "--json", *more)
    assert "postern replay" not in done.stderr, done
    found = json.loads(done.stdout)
    assert done.returncode == (1 if found["totals"]["changed"] else 0), done
    assert len(found["changed"]) + found["unlisted"] == found["totals"]["changed"]
    return found


def changed(found):
    return {row["id"]: row["change"] for row in found["changed"]}


@pytest.fixture
def day(gateway_factory, cloud_factory):
    cloud = cloud_factory(frozen=False)
    return Day(gateway_factory(MORE, FULL, url=cloud.url), cloud)


def test_a_day_under_other_policies(day):
    ids, site = day.mixed().ids, day.gateway.site

    # The same policies, and the same in other words: nothing changes, and each line is what they say today.
    found = replay_json(site, MORE)
    totals = found["totals"]
    assert (totals["changed"], totals["requests"], totals["kept"], totals["judged"]) == (0, 12, 12, 12), totals
    assert totals["not_reproducible"] == totals["unreadable_lines"] == totals["refused_by_quota_or_gateway"] == 0
    # What the cloud tells of a notebook has a token in it, which no policy looks at.
    assert day.gateway.journal().of(ids["nb-start"])[0]["redacted"] == ["/stored/token"] and totals["redacted"] == 0
    assert totals["refused_unread"] == 1 and totals["not_comparable"] == {"no_policy_set": 0, "unreadable": 0}
    done = replay(site, "# well\n" + MORE)
    assert done.returncode == 0 and "Nothing changes." in done.stdout and "Quotas are not replayed" in done.stdout

    # Stricter: exactly bob's creates and starts that were allowed; a lease and a mount name no flavor.
    stricter = MORE + "  - name: no-bob\n    match: {users: [bob]}\n    flavors: {deny: ['*']}\n"
    found = replay_json(site, stricter)
    assert changed(found) == {ids["de-bob"]: "newly_refused", ids["nb-start"]: "newly_refused",
                              ids["nb-gpu"]: "refused_otherwise"}
    row = next(row for row in found["changed"] if row["id"] == ids["de-bob"])
    assert row["user"]["name"] == "bob" and row["operation"] == "demanager.create"
    assert row["before"]["decision"] == "allow" and row["after"]["decision"] == "refuse"
    assert [(r["code"], r["policy"], r["rule"]) for r in row["after"]["reasons"]] == \
        [("flavor.denied", "no-bob", "flavors.deny")]
    done = replay(site, stricter)
    assert done.returncode == 1
    line, = [line for line in done.stdout.splitlines() if "allowed now would be refused" in line]
    assert line.startswith("bob (user-id-of-bob) of example-org: 2 requests allowed now would be refused by no-bob/flavors.deny (flavor.denied), first ")
    assert line.endswith(f", e.g. {ids['de-bob']}")
    assert "alice" not in done.stdout

    # Looser: what was refused for its flavor and nothing else.
    found = replay_json(site, MORE.replace(f'["{FLAVOR}"]', f'["{FLAVOR}", "{GPU}"]'))
    assert changed(found) == {ids["de-gpu"]: "newly_allowed", ids["nb-gpu"]: "newly_allowed"}

    # Other edits: where a default or a maximum was set.
    found = replay_json(site, MORE.replace("default: 1h, max: 4h", "default: 30m, max: 4h"))
    assert changed(found) == {ids[name]: "edited_differently" for name in ("de-endless", "de-update", "nb-start")}
    done = replay(site, MORE.replace("default: 1h, max: 4h", "default: 30m, max: 4h"))
    assert "alice (user-id-of-alice) of example-org: 2 requests would be edited differently: set of /spec/auto_stop/duration by strict" in done.stdout

    # Only the warnings of a policy that is not enforced.
    found = replay_json(site, MORE.replace("deny: [\"*.2u\"]", "deny: [\"*.4u\"]"))
    assert set(changed(found).values()) == {"warned_differently"}
    assert set(changed(found)) == {ids["de-bob"], ids["nb-start"]}


def test_a_period_and_a_limit(day):
    ids, site = day.mixed().ids, day.gateway.site
    nothing = "version: 1\npolicies:\n  - name: none\n    flavors: {deny: ['*']}\n    storage: {types: [none]}\n"
    everything = replay_json(site, nothing)
    first, last = everything["changed"][0]["time"], everything["changed"][-1]["time"]
    found = replay_json(site, nothing, "--from", first, "--until", last)
    assert [row["id"] for row in found["changed"]] == [row["id"] for row in everything["changed"][:-1]]
    assert found["changed"][0]["id"] == ids["de"]
    found = replay_json(site, nothing, "--since", "1h", "--limit", "2")
    assert len(found["changed"]) == 2 and found["unlisted"] == everything["totals"]["changed"] - 2
    done = replay(site, nothing, "--limit", "1")
    assert done.returncode == 1 and "more changed requests in groups over --limit" in done.stdout
    done = replay(site, nothing, "--until", "2020-01-01")
    assert done.returncode == 2 and "no request in this period" in done.stderr and done.stdout == ""


def test_more_is_left_out_than_is_told(gateway_factory, cloud):
    """What was judged may be among the places that the line has no room for."""
    gateway = gateway_factory(POLICIES, {"requests": {"unknown_fields": "pass"},
                                         "journal": {"requests": "full", "redact": ["/flavor"]}})
    token = make_token(user="alice", project=PROJECT, roles=["te_admin"])
    body = {"more": {f"token{i}": "x" for i in range(64)}, **create_body()}
    answer = post_create(gateway, token, compact(body))
    assert answer.status == 200, answer
    gateway.wait_outcome(exchange_id(answer))
    gateway.stop()
    line = gateway.journal().of(exchange_id(answer))[0]
    assert line["request"]["flavor"] == "[redacted]" and len(line["redacted"]) == 64
    found = replay_json(gateway.site, POLICIES.replace("modelarts.vm.cpu.*", "*"))
    assert found["changed"][0]["redacted"] is True and found["totals"]["redacted"] == 1


def test_what_is_kept_is_left_alone_but_for_secrets(gateway_factory, cloud):
    secret = "h0use-of-cards"
    settings = {"journal": {"requests": "full", "redact": ["/description", "/spec/annotations/*"]}}
    gateway = gateway_factory(POLICIES.replace("    auto_stop:", "    annotations: {require: [owner]}\n    auto_stop:"),
                              settings)
    token = make_token(user="alice", project=PROJECT, roles=["te_admin"])
    plain = create_body(name="plain")
    body = create_body(name="quiet", description=secret, spec__annotations={"owner": secret, "api-token": secret})
    spaced = json.dumps(body, indent=2).encode()
    refused = exchange_id(post_create(gateway, token, plain))
    answer = post_create(gateway, token, spaced)
    assert answer.status == 200, answer
    gateway.wait_outcome(exchange_id(answer))
    gateway.stop()
    line = gateway.journal().of(refused)[0]
    assert line["event"] == "refusal" and "stored" not in line and "query" not in line
    assert line["request"] == {**plain, "description": "[redacted]"} and line["redacted"] == ["/request/description"]
    line = gateway.journal().of(exchange_id(answer))[0]
    body["description"] = body["spec"]["annotations"]["owner"] = body["spec"]["annotations"]["api-token"] = "[redacted]"
    assert line["request"] == body
    assert line["redacted"] == ["/request/description", "/request/spec/annotations/owner",
                                "/request/spec/annotations/api-token"]
    text = "".join(segment.read_text() for segment in gateway.journal().segments)
    assert secret not in text
    found = replay_json(gateway.site, POLICIES)
    assert changed(found) == {refused: "newly_allowed"} and found["totals"]["redacted"] == 2
    assert found["changed"][0]["redacted"] is True and found["totals"]["not_reproducible"] == 0


def test_a_digest_is_no_request(gateway_factory, cloud, token):
    gateway = gateway_factory()
    assert post_create(gateway, token).status == 200
    gateway.stop()
    assert not {"request", "query", "stored", "redacted"} & set().union(*gateway.journal().lines)
    done = replay(gateway.site, POLICIES)
    assert done.returncode == 2 and done.stdout == "" and "set journal.requests to full" in done.stderr, done


def test_users_of_one_name_are_apart(gateway_factory, cloud, tmp_path):
    gateway = gateway_factory(POLICIES, FULL)
    for name, user_id, domain in (("a", "id-1", "x"), ("b", "id-2", "y"), ("c", "id-2", "y")):
        token = make_token(user="alice", user_id=user_id, domain=domain)
        assert post_create(gateway, token, create_body(name=name)).status == 200
    gateway.stop()
    stricter = "version: 1\npolicies:\n  - name: no\n    flavors: {deny: ['*']}\n"
    lines = [line for line in replay(gateway.site, stricter).stdout.splitlines() if " would be refused by " in line]
    assert [line.partition(" allowed ")[0] for line in lines] == \
        ["alice (id-1) of x: 1 request", "alice (id-2) of y: 2 requests"]
    users = [row["user"] for row in replay_json(gateway.site, stricter)["changed"]]
    assert users[0] == {"id": "id-1", "name": "alice", "domain": "x"} and users[1] == users[2] != users[0]

    # A certificate's rule, or the holder of an access key, may have a domain and no id.
    copy = shutil.copytree(gateway.site.journal_folder, tmp_path / "journal")
    for segment in copy.glob("*.jsonl"):
        segment.write_text(segment.read_text().replace('"id":"id-1",', "").replace('"id":"id-2",', ""))
    done = replay(gateway.site, stricter, "--journal", str(copy), "--sets", str(gateway.site.folder / "sets"))
    assert [line.partition(" allowed ")[0] for line in done.stdout.splitlines() if " would be refused by " in line] == \
        ["alice of x: 1 request", "alice of y: 2 requests"]


def test_words_of_callers_play_with_no_terminal(gateway_factory, cloud):
    gateway = gateway_factory(POLICIES, FULL)
    evil = "a\u202elice\u2066\u200bx\u3164\x1b[31m\nforged: 1 request"
    token = make_token(user=evil, user_id=evil, domain=evil)
    assert post_create(gateway, token).status == 200
    gateway.stop()
    name = evil.replace("\x1b", "").replace("\n", "")
    stricter = f"version: 1\npolicies:\n  - name: 'p{name}'\n    flavors: {{deny: ['*'], allow: ['{name}']}}\n"
    done = replay(gateway.site, stricter)
    assert done.returncode == 1 and done.stdout.replace("\n", "").isprintable() and "\\xe2\\x80\\xae" in done.stdout, done
    assert not any(line.startswith("forged") for line in done.stdout.splitlines())
    row, = replay_json(gateway.site, stricter)["changed"]
    assert row["user"] == {"id": evil, "name": evil, "domain": evil}


def test_exceptions_are_judged_at_the_time_of_the_request(site_factory, gateway_factory, cloud, folder):
    """An exception that was in force then, and has expired since."""
    policies = POLICIES + """\
exceptions:
  - {name: gone, policy: team-a-notebooks, match: {users: [alice]}, allow: {flavors: ["%s"]}, expires: %s}
"""
    clock = folder / "clock"
    clock.write_text(str(-100 * DAY_S))
    expires = (datetime.now(timezone.utc) - timedelta(days=50)).date()
    site = site_factory(policies % (GPU, expires), FULL, url=cloud.url)
    gateway = gateway_factory(site=site, env={**preloaded(build_shim(folder, "clock"), site.binary),
                                              "POSTERN_TEST_CLOCK": str(clock)})
    token = make_token(user="alice", project=PROJECT, roles=["te_admin"], expires=100 * DAY_S)
    answer = post_create(gateway, token, create_body(flavor=GPU))
    assert answer.status == 200, answer
    gateway.wait_outcome(exchange_id(answer))
    gateway.stop()
    found = replay_json(site, policies % (GPU, expires))
    assert found["totals"]["changed"] == found["totals"]["not_reproducible"] == 0
    earlier = expires - timedelta(days=100)
    assert changed(replay_json(site, policies % (GPU, earlier))) == {exchange_id(answer): "newly_refused"}


def test_copies_of_sets(gateway_factory, cloud, token, tmp_path):
    gateway = gateway_factory(settings=FULL)
    assert post_create(gateway, token, create_body(name="a")).status == 200
    gateway.site.write_policies("# another\n" + POLICIES)
    gateway.reload()
    answer = post_create(gateway, token, create_body(name="b"))
    gateway.wait_outcome(exchange_id(answer))
    gateway.stop()
    site, folder = gateway.site, gateway.site.folder
    first, second = [line["policy_set"] for line in gateway.journal().events("intent")]
    assert first != second
    strict = POLICIES.replace("modelarts.vm.cpu.*", "none")
    assert len(changed(replay_json(site, strict))) == 2
    # Elsewhere: a copy of the journal, with its sets beside it or not.
    shutil.copytree(folder / "journal", tmp_path / "journal")
    shutil.copytree(folder / "sets", tmp_path / "copies")
    shutil.rmtree(tmp_path / "copies" / first)
    where = ["--journal", str(tmp_path / "journal"), "--sets", str(tmp_path / "copies")]
    found = replay_json(site, strict, *where)
    assert found["missing_policy_sets"] == [first] and found["totals"]["not_comparable"]["no_policy_set"] == 1
    assert changed(found) == {exchange_id(answer): "newly_refused"}
    # What stands under the name of another set didn't judge.
    shutil.copytree(tmp_path / "copies" / second, tmp_path / "copies" / first)
    assert replay_json(site, strict, *where)["missing_policy_sets"] == [first]
    done = replay(site, strict, "--journal", str(tmp_path / "journal"))
    assert done.returncode == 2 and "none could be judged again" in done.stderr, done
    assert "Nothing changes" not in done.stdout and "the copy of the policy set that judged them is missing" in done.stdout, done
    assert first in done.stdout and second in done.stdout
    # Beside the journal, however its folder is called.
    (tmp_path / "copies").rename(tmp_path / "sets")
    (tmp_path / "journal" / "sub").mkdir()
    for cwd, name in (("journal", "."), ("journal", "../journal/./"), ("journal/sub", ".."), ("", "journal/.")):
        done = run_command([site.binary, "replay", "-c", str(site.conf), "--policies", str(folder / "candidate"),
                            "--journal", name], tmp_path / cwd)
        assert done.returncode == 1 and f"{first} (" not in done.stdout and "1 request" in done.stdout, (name, done)


def test_quotas_are_not_replayed(gateway_factory, cloud, token):
    """What a quota refused the policies alone would have allowed: that is what is compared."""
    policies = quota_policy(places(0))
    gateway = gateway_factory(policies, FULL)
    ours = exchange_id(post_create(gateway, token))
    gateway.wait_journal(lambda journal: journal.of(ours), "the refusal")
    gateway.stop()
    line, = gateway.journal().of(ours)
    assert line["reasons"][0]["code"] == "quota.exceeded" and line["request"] == create_body()
    for candidate in (policies, quota_policy(places(5))):
        found = replay_json(gateway.site, candidate)
        assert found["totals"]["changed"] == found["totals"]["not_reproducible"] == 0
        assert found["totals"]["refused_by_quota_or_gateway"] == found["totals"]["judged"] == 1
    assert changed(replay_json(gateway.site, policies.replace('"*"', '"x"'))) == {ours: "newly_refused"}


def test_wrong_usage(site_factory, folder):
    site = site_factory()
    for args, text in [((), "--policies"), (("--policies", "x", "--since", "soon"), '--since: "soon"'),
                       (("--policies", "x", "--from", "soon"), '--from: "soon"'),
                       (("--policies", "x", "--limit", "-1"), '--limit: "-1"'), (("--policies", "x", "y"), '"y"')]:
        done = site.run("replay", *args)
        assert done.returncode == 2 and text in done.stderr and "usage: postern replay" in done.stderr, done
    done = replay(site, POLICIES.replace("flavors:", "flavours:"))
    assert done.returncode == 2 and "policies.yaml:7:5: " in done.stderr and "flavours" in done.stderr
    done = replay(site, POLICIES, "--journal", str(folder / "nowhere"))
    assert done.returncode == 2 and "nowhere" in done.stderr


def test_a_journal_without_requests_says_where_and_what(site_factory, folder):
    """Lines that can't be read might have been requests: that there are none is not all there is to say."""
    site, journal = site_factory(), folder / "torn"
    journal.mkdir()
    done = replay(site, POLICIES, "--journal", str(journal))
    assert done.returncode == 2 and f"{journal}: policies have judged no request" in done.stderr, done
    assert "can't be read" not in done.stderr
    (journal / f"{1:020d}.jsonl").write_text('half a line\n{"v":1,"seq":1,"event":"intent","policy_\n')
    done = replay(site, POLICIES, "--journal", str(journal))
    assert done.returncode == 2 and "lines of the journal that can't be read: 2; `postern audit verify`" in done.stderr, done


# ----- drawn sets -----

MATCHES = ["", "    match: {users: [alice]}\n", "    match: {roles: [te_admin]}\n", "    match: {operations: [create]}\n",
           "    match: {families: [notebooks], users: ['*']}\n", f"    match: {{projects: [{PROJECT}]}}\n"]
MODES = ["", "", "", "    mode: warn\n", "    mode: observe\n"]
RULES = {**CLAUSES, "custom_spec": ["refuse", "allow"], "profiles": ["{allow: ['*']}", "{allow: [x]}"], "images": ["{allow: ['*']}"],
         "pools": ["{public: true}", "{allow: [p]}"], "hooks": ["refuse"]}
TARGETS = {"demanager.create": ("POST", CREATE), "notebooks.create": ("POST", NOTEBOOKS),
           "demanager.update": ("PUT", f"{DEMANAGER}/{DE}")}
UPDATES = [{"spec": {"auto_stop": stop}} for stop in ({"enable": True}, {"duration": 18000}, {"enable": False})] + \
    [{"flavor": GPU}, {"name": "other_1"}]
LIFTS = ["lift: [auto_stop]", "lift: ['*']", "lift: [name, annotations]", "lift: [storage, workspaces]"]


def draw_set(pick):
    text = pick.choice(["", "default: allow\n"]) + "version: 1\npolicies:\n"
    count = pick.randint(1, 4)
    for n in range(count):
        rules = pick.sample(sorted(RULES), pick.randint(1, 4))
        text += f"  - name: p{n}\n" + pick.choice(MODES) + pick.choice(MATCHES)
        text += "".join(f"    {rule}: {pick.choice(RULES[rule])}\n" for rule in rules)
    if pick.random() < 0.4:
        text += (f"exceptions: [{{name: e, policy: p{pick.randrange(count)}, match: {{users: [{pick.choice(['alice', 'bob'])}]}}, "
                 f"{pick.choice(LIFTS)}, expires: 2099-01-01}}]\n")
    return text


def draw_loading(pick, site):
    """A set that loads: drawn ones may contradict themselves. It becomes that of the site."""
    for _ in range(50):
        text = draw_set(pick)
        site.write_policies(text)
        if site.run("check").returncode == 0:
            return text
    raise AssertionError("no set of 50 loads")


def told(judgement, verdict):
    """What is compared of an answer, in replay's words and in those of explain."""
    return (verdict, sorted((r["code"], r.get("policy"), r.get("rule")) for r in judgement.get("reasons", [])),
            sorted((e["op"], e["path"], json.dumps(e["new"]), e.get("policy")) for e in judgement.get("edits", [])))


def explained(site, user, operation, body):
    done = site.run("explain", "--user", user, "--role", "te_admin", "--project", PROJECT, "--operation", operation, "--json",
                    text=json.dumps(body))
    found = json.loads(done.stdout)
    would = found.get("would")
    return told(found, found["decision"]), told(would, would["decision"]) if would else None, \
        found.get("policies", []), found.get("exceptions", [])


def compared(answer):
    return answer[:2]


def check_coverage(site, answers):
    """The journal shows of each rule what explain says of each request; of edits only the policy is known here."""
    found = json.loads(site.run("audit", "coverage", "-c", str(site.conf), "--json", conf=False).stdout)
    assert found["judged"] == len(answers) and found["gone"] == []
    for item in found["items"]:
        policy, rule = item.get("policy"), item["rule"]
        if item["kind"] == "exception" and item["mode"] != "enforce":
            assert "fired" not in item
            continue
        if item["kind"] == "policy":
            expected = sum(policy in policies for _, _, policies, _ in answers.values())
        elif item["kind"] == "exception":
            expected = sum(item["name"] in names for *_, names in answers.values())
        elif rule.startswith(("auto_stop", "annotations")):
            continue
        else:
            expected = sum((policy, rule) in {(r[1], r[2]) for r in answer[0][1]} for answer in answers.values())
        assert item["fired"] == expected, item


def test_drawn_sets_change_what_explain_says(site_factory, gateway_factory, cloud_factory):
    """Under the set that judged, nothing; under another, what and only what explain answers differently by both."""
    pick, cloud = random.Random(11), cloud_factory(frozen=False)
    site = site_factory(MORE, FULL, url=cloud.url)
    before = draw_loading(pick, site)
    day = Day(gateway_factory(site=site), cloud)
    sent = {}
    cloud.preset([de_instance()])
    requests = [("demanager.create", body) for body in REQUESTS.values()]
    requests += [("notebooks.create", nb_body(**more)) for more in ({}, {"flavor": GPU}, {"duration": 9 * HOUR_MS})]
    requests += [("demanager.update", body) for body in UPDATES]
    for number, (operation, body) in enumerate(requests):
        user = ("alice", "bob")[number % 2]
        answer = day.gateway.request(*TARGETS[operation], compact(body), {"X-Auth-Token": day.tokens[user]})
        sent[exchange_id(answer)] = (user, operation, body)
    day.end()
    found = replay_json(site, before)
    assert found["totals"]["changed"] == found["totals"]["not_reproducible"] == 0, found
    assert found["totals"]["judged"] == len(sent)
    answers = {key: explained(site, *request) for key, request in sent.items()}
    check_coverage(site, answers)
    seen = 0
    for _ in range(6):
        candidate = draw_loading(pick, site)
        others = {key: explained(site, *request) for key, request in sent.items()}
        found = replay_json(site, candidate)
        assert set(changed(found)) == {key for key in sent if compared(answers[key]) != compared(others[key])}, (before, candidate)
        for row in found["changed"]:
            assert told(row["before"], row["before"]["decision"]) == answers[row["id"]][0], (before, candidate, row)
            assert told(row["after"], row["after"]["decision"]) == others[row["id"]][0], (before, candidate, row)
        seen += len(found["changed"])
    assert seen > 20
