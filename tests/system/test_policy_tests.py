# SPDX-License-Identifier: Apache-2.0
"""`postern test`: cases against policies, what it says of those that fail, its report for CI, and coverage."""

import concurrent.futures
import json
import os
import re
import shutil
import stat
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import ROOT
from support.bodies import PROJECT, create_body, notebook_body

POLICIES = """\
version: 1
policies:
  - name: everybody
    flavors: {allow: ["*"], deny: ["*gpu*"]}
    auto_stop: {required: true, default: 1h, max: 4h}
  - name: students
    mode: warn
    match: {groups: [students]}
    flavors: {allow: ["*.2u"]}
"""
ALICE = {"user": "alice", "groups": []}


def case(name, request, expect, **more):
    return {"name": name, "project": PROJECT, "subject": ALICE, "request": request, "expect": expect, **more}


def cases_text(*cases):
    """JSON is YAML, but for halves of surrogates and what is not printable."""
    text = json.dumps({"version": 1, "cases": list(cases)}, indent=1, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\ufffe]", lambda match: f"\\u{ord(match[0]):04x}", text)


GOOD = case("good", create_body(), {"verdict": "allow", "edits": []})


@pytest.fixture
def policies(tmp_path):
    """A folder with policies and the cases of one file."""
    def make(*cases, policies=POLICIES, text=None):
        folder = tmp_path / "policies"
        folder.mkdir(exist_ok=True)
        (folder / "p.yaml").write_text(policies)
        (folder / "p.test.yaml").write_text(text if text is not None else cases_text(*cases))
        return folder
    return make


def test_cases_that_come_true(postern, policies, tmp_path):
    capped = create_body(spec__auto_stop__duration=90000)
    folder = policies(
        GOOD,
        case("capped", capped, {"verdict": "rewrite", "body": create_body(spec__auto_stop__duration=14400), "edits": [
            {"op": "cap", "path": "/spec/auto_stop/duration", "old": 90000, "new": 14400, "policy": "everybody"}]}),
        case("a GPU", create_body(flavor="gpu"), {"verdict": "refuse", "reasons": ["flavor.denied"]}),
        case("a notebook", notebook_body(duration=-1), {"verdict": "rewrite"}, operation="notebooks.create"),
        case("a student", create_body(flavor="x.8u"), {
            "verdict": "allow", "warn": True, "would": {"verdict": "refuse", "reasons": ["flavor.not_allowed"]}},
             subject={"user": "dave", "groups": ["students"]}),
        case("text", '{"name": "a", "name": "b"}', {"verdict": "refuse", "reasons": ["json.duplicate_member"]}),
    )
    done = postern("test", folder, cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "", done
    assert done.stdout.startswith("6 cases in 1 file: 6 passed, 0 failed\npolicy set ")


WRONG = {
    "verdict": ({"verdict": "refuse"}, "verdict: expected refuse, got allow"),
    "reasons": ({"verdict": "refuse", "reasons": ["flavor.denied"]}, "flavor.denied was expected and did not come"),
    "edits": ({"verdict": "rewrite", "edits": [{"op": "cap", "path": "/a", "new": 1}]}, "edits: - cap /a: 1"),
    "body": ({"verdict": "allow", "body": create_body(name="nb-2")}, 'body: /name: expected "nb-2", got "nb-1"'),
    "would": ({"verdict": "allow", "would": {"verdict": "refuse"}}, "would.verdict: expected refuse, got allow"),
    "warn": ({"verdict": "allow", "warn": True}, "warn: expected true, got false"),
}


@pytest.mark.parametrize("what", WRONG)
def test_each_expectation_can_fail(postern, policies, what):
    expect, said = WRONG[what]
    folder = policies(GOOD, case("bad", create_body(), expect))
    done = postern("test", folder)
    assert done.returncode == 1 and done.stderr == "", done
    place = re.match(rf"{re.escape(str(folder))}/p\.test\.yaml:(\d+):\d+: bad: failed\n", done.stdout)
    assert place, done.stdout
    assert '"bad"' in (folder / "p.test.yaml").read_text().splitlines()[int(place[1]) - 1]
    assert said in done.stdout and "2 cases in 1 file: 1 passed, 1 failed" in done.stdout


def test_what_came_is_told_with_its_policy(postern, policies):
    done = postern("test", policies(case("bad", create_body(flavor="gpu"), {"verdict": "allow"})))
    assert "got flavor.denied: flavor gpu is denied; denied: *gpu* (policy everybody, p.yaml:4:" in done.stdout


def test_faults_have_their_place_and_nothing_is_run(postern, policies):
    folder = policies(text="version: 1\ncases:\n  - name: a\n    project: p\n    expct: {verdict: allow}\n")
    (folder / "q.test.yaml").write_text("version: 1\ncases:\n  - {name: &x a}\n")
    done = postern("test", folder)
    assert done.returncode == 1 and done.stdout == "", done
    lines = done.stderr.splitlines()
    assert lines[0] == f'{folder}/p.test.yaml:5:5: unknown key "expct"; did you mean "expect"?'
    assert any(line.startswith(f"{folder}/q.test.yaml:3:12: an anchor") for line in lines), lines


def test_twenty_faults_are_enough(postern, policies):
    broken = [{"name": f"c{i}", "project": "p", "expect": {"verdict": "no"}} for i in range(25)]
    done = postern("test", policies(*broken))
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 21 and "5 more" in lines[-1], lines


def test_no_cases_is_no_success(postern, policies, tmp_path):
    folder = policies(GOOD)
    (folder / "p.test.yaml").unlink()
    (folder / ".hidden.test.yaml").write_text("not read")
    done = postern("test", folder)
    assert done.returncode == 1 and "no cases here" in done.stderr and done.stdout == "", done
    done = postern("test", tmp_path / "nowhere")
    assert done.returncode == 2 and "nowhere" in done.stderr, done
    # Whose policies were looked for, and why.
    (folder / "p.yaml").unlink()
    done = postern("test", folder, cwd=tmp_path)
    assert done.returncode == 2 and f"{folder}: no policies here, so the settings' policies would judge" in done.stderr, done


def test_whose_policies_judge(postern, policies, site_factory, tmp_path):
    """A folder's own; the settings' where it has none, or where -c names them."""
    folder = policies(case("a GPU", create_body(flavor="gpu"), {"verdict": "allow"}))
    site = site_factory("version: 1\npolicies: [{name: everything}]\n")
    assert postern("test", folder).returncode == 1
    assert postern("test", "-c", site.conf, folder).returncode == 0
    (folder / "p.yaml").unlink()
    assert postern("test", folder, "-c", site.conf).returncode == 0
    (tmp_path / "conf").symlink_to(site.folder)
    assert postern("test", folder, cwd=tmp_path).returncode == 0, "conf/postern.yaml"
    shutil.copy(folder / "p.test.yaml", site.folder / "policies")
    assert postern("test", "-c", site.conf).stdout.startswith("1 case in 1 file: 1 passed")


def test_the_settings_limits_hold(postern, policies, site_factory):
    folder = policies(case("large", create_body(description="x" * 5000), {"verdict": "refuse", "reasons": [
        "json.too_large"]}))
    site = site_factory("version: 1\npolicies: [{name: everything}]\n", {"limits": {"body": "4KB"}})
    assert postern("test", "-c", site.conf, folder).returncode == 0
    assert postern("test", folder).returncode == 1


def test_policies_that_do_not_load(postern, policies):
    done = postern("test", policies(GOOD, policies="version: 1\npolicys: []\n"))
    assert done.returncode == 2 and done.stdout == "" and "p.yaml:2:1: " in done.stderr, done


def test_a_request_from_a_file(postern, policies, tmp_path):
    one = case("file", None, {"verdict": "refuse", "reasons": ["json.syntax"]}, request_file="bodies/a.json")
    del one["request"]
    folder = policies(one)
    (folder / "bodies").mkdir()
    (folder / "bodies" / "a.json").write_text("{broken")
    assert postern("test", folder, cwd=tmp_path).returncode == 0
    (folder / "bodies" / "a.json").unlink()
    done = postern("test", folder)
    assert done.returncode == 1 and re.search(r"p\.test\.yaml:\d+:\d+: request_file: .*a\.json: No such", done.stderr), done
    os.mkfifo(folder / "bodies" / "a.json")
    assert postern("test", folder).returncode == 1


def test_time_decides_over_exceptions(postern, policies):
    more = POLICIES + ("exceptions:\n  - {name: x, policy: everybody, match: {users: [alice]}, lift: [flavors], "
                       "expires: 2030-06-30}\n")
    gpu = create_body(flavor="gpu")
    folder = policies(case("before", gpu, {"verdict": "allow"}, at="2030-06-30T23:59:59Z"),
                      case("after", gpu, {"verdict": "refuse", "reasons": ["flavor.denied"]}, at="2030-07-01"),
                      policies=more)
    done = postern("test", folder)
    assert done.returncode == 0, done


def test_the_report_for_ci(postern, policies, tmp_path):
    report = tmp_path / "report.xml"
    report.write_text("an old one")
    nasty = "<&> \"quoted\" 'x' ]]> \u00e9 \U0001f600"
    folder = policies(GOOD, case(nasty, create_body(flavor="gpu\x01\x7f\u0085\ufffe<b>"), {"verdict": "allow"}))
    (folder / "q.test.yaml").write_text(cases_text(GOOD))
    done = postern("test", folder, "--junit", report)
    assert done.returncode == 1, done
    root = ElementTree.parse(report).getroot()
    assert root.tag == "testsuites" and root.attrib["tests"] == "3" and root.attrib["failures"] == "1"
    suites = {suite.attrib["name"]: suite for suite in root}
    assert sorted(suites) == [f"{folder}/p.test.yaml", f"{folder}/q.test.yaml"]
    first, second = suites[f"{folder}/p.test.yaml"]
    assert first.attrib["name"] == "good" and len(first) == 0 and float(first.attrib["time"]) >= 0
    assert second.attrib["name"] == nasty and second.attrib["line"].isdigit()
    (failure,) = second
    assert failure.attrib["message"] == "verdict: expected allow, got refuse" and "flavor.denied" in failure.text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["policies", "report.xml"], "nothing stays beside it"


def test_a_report_that_cannot_be_written(postern, policies, tmp_path):
    folder = policies(GOOD)
    done = postern("test", folder, "--junit", tmp_path / "no" / "report.xml")
    assert done.returncode == 2 and "report.xml: No such file" in done.stderr, done
    (tmp_path / "taken").mkdir()
    done = postern("test", folder, "--junit", tmp_path / "taken")
    assert done.returncode == 2 and sorted(p.name for p in tmp_path.iterdir()) == ["policies", "taken"], done


def check_report(text):
    assert ElementTree.fromstring(text).attrib["tests"] == "1"


def test_a_report_goes_through_a_link(postern, policies, tmp_path):
    folder = policies(GOOD)
    target, link = tmp_path / "there.xml", tmp_path / "link.xml"
    link.symlink_to("there.xml")
    for old in (None, "x" * 10000):
        if old is not None:
            target.write_text(old)
        done = postern("test", folder, "--junit", link)
        assert done.returncode == 0 and link.is_symlink() and not target.is_symlink(), done
        check_report(target.read_text())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.xml", "policies", "there.xml"]


def test_a_report_goes_into_a_pipe(postern, policies, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        with open(reading, "rb") as reader:
            os.set_blocking(reading, True)
            done = pool.submit(postern, "test", policies(GOOD), "--junit", pipe)
            assert done.result(60).returncode == 0 and stat.S_ISFIFO(os.lstat(pipe).st_mode)
            check_report(reader.read())


def test_a_report_leaves_a_device_a_device(postern, policies, tmp_path):
    """As `--junit /dev/null` of a root in CI: here one of the test's own, of the same kind."""
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        device.write_bytes(b"x")
    except OSError:
        pytest.skip("no device can be made here")
    done = postern("test", policies(GOOD), "--junit", device)
    assert done.returncode == 0 and stat.S_ISCHR(os.lstat(device).st_mode), done
    assert sorted(p.name for p in tmp_path.iterdir()) == ["null", "policies"]


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_report_stands_behind_what_was_said(name, program, policies, tmp_path):
    """Where that is a file, it is not cut, and nothing is written over."""
    said = tmp_path / "said"
    said.write_text("before\n")
    with said.open("ab") as out:
        done = subprocess.run([program("postern"), "test", policies(GOOD), "--junit", f"/dev/{name}"], timeout=60,
                              **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, name: out})
    report = re.search(r"<\?xml.*</testsuites>\n", said.read_text(), re.S)
    assert done.returncode == 0 and said.read_text().startswith("before\n") and report
    check_report(report[0])
    words = said.read_text().replace(report[0], "")
    assert ("passed" in words) == (name == "stdout"), words


def test_secrets_stay_out_of_reports(postern, policies, tmp_path):
    token = "MIIE" + "aB3d" * 20
    folder = policies(case("bad", create_body(flavor=f"gpu {token}", name=token), {"verdict": "allow", "body": {"name": "a"}}))
    done = postern("test", folder, "--junit", tmp_path / "r.xml")
    assert done.returncode == 1 and token[:30] not in done.stdout and "[secret]" in done.stdout, done
    assert token[:30] not in (tmp_path / "r.xml").read_text()


def coverage_of(stdout):
    """{(policy, rule): (cases, acted)}"""
    rows = re.findall(r"^(\S+) +(\S+(?: \S+)?) +(?:enforce|warn|observe) +(\d+) +(\d+|-) ", stdout, re.M)
    return {(policy, rule): (int(cases), acted) for policy, rule, cases, acted in rows}


def test_coverage(postern, policies):
    more = POLICIES + """\
    quotas: [{name: places, limit: 2}]
exceptions:
  - {name: eve, policy: everybody, match: {users: [eve]}, lift: [flavors], expires: 2099-12-31}
"""
    long = create_body(spec__auto_stop__duration=90000)
    student = {"user": "dave", "groups": ["students"]}
    few = [GOOD, case("gpu", create_body(flavor="gpu"), {"verdict": "refuse"})]
    done = postern("test", policies(*few, policies=more), "--coverage")
    assert done.returncode == 1 and done.stderr == "", done
    assert "2 passed, 0 failed" in done.stdout
    table = coverage_of(done.stdout)
    assert table["everybody", "match"] == (2, "-")
    assert table["everybody", "flavors.deny"] == (2, "1") and table["everybody", "auto_stop.max"] == (2, "0")
    assert table["everybody", "exception eve"] == (0, "0")
    missed = re.findall(r"^(\S+:\d+:\d+): (?:policy (\S+): )?no case reaches (.*)$", done.stdout, re.M)
    assert {(policy, rule) for _, policy, rule in missed} == {
        ("everybody", "auto_stop.default"), ("everybody", "exception eve"), ("students", "match"),
        ("students", "flavors.allow"), ("students", "quotas.places")}
    for place, _, rule in missed:
        path, line, column = place.rsplit(":", 2)
        assert open(path, encoding="utf-8").read().splitlines()[int(line) - 1][int(column) - 1:], (place, rule)
    assert "5 of 10 rules, quotas and exceptions are reached" in done.stdout

    full = few + [case("none", create_body(without=["spec__auto_stop"]), {"verdict": "rewrite"}),
                  case("student", create_body(), {"verdict": "allow"}, subject=student),
                  case("eve", create_body(flavor="gpu"), {"verdict": "allow"}, subject={"user": "eve", "groups": []}),
                  case("long", long, {"verdict": "rewrite"})]
    done = postern("test", policies(*full, policies=more), "--coverage")
    assert done.returncode == 0 and "10 of 10 rules" in done.stdout and "no case reaches" not in done.stdout, done


def test_a_completed_update_reaches_no_default(postern, policies):
    """Of a policy that only warns, too, whose edits no line of the trace tells."""
    for mode in ("enforce", "warn"):
        text = f"version: 1\npolicies:\n  - {{name: all}}\n  - {{name: a, mode: {mode}, auto_stop: {{default: 1h, max: 4h}}}}\n"
        done = postern("test", policies(case("short", {"spec": {"auto_stop": {"duration": 600}}},
                                             {"verdict": "rewrite" if mode == "enforce" else "allow"},
                                             operation="demanager.update"), policies=text), "--coverage")
        assert done.returncode == 1 and "1 passed" in done.stdout, done
        table = coverage_of(done.stdout)
        assert table["a", "auto_stop.default"] == (0, "0") and table["a", "auto_stop"] == (1, "1"), table


def test_a_default_is_covered_where_nothing_matches(postern, policies):
    narrow = "version: 1\ndefault: refuse\npolicies: [{name: a, match: {users: [alice]}}]\n"
    bob = case("bob", create_body(), {"verdict": "refuse", "reasons": ["policy.no_match"]}, subject={"user": "bob"})
    done = postern("test", policies(GOOD, policies=narrow), "--coverage")
    assert done.returncode == 1 and re.search(r"p\.yaml:2:10: no case reaches default$", done.stdout, re.M), done
    done = postern("test", policies(GOOD, bob, policies=narrow), "--coverage")
    assert done.returncode == 0 and re.search(r"^-  +default +enforce +1 +1 ", done.stdout, re.M), done


def test_the_manuals_example(postern, tmp_path):
    """What docs/trying-policies.md shows is what is printed."""
    manual = (ROOT / "docs" / "trying-policies.md").read_text()
    texts = re.findall(r"^```yaml\n(.*?)^```", manual, re.M | re.S)
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "team.yaml").write_text(texts[0])
    (folder / "team.test.yaml").write_text(texts[1])
    printed = postern("test", "policies", "--coverage", cwd=tmp_path).stdout.splitlines()
    (folder / "team.yaml").write_text(texts[0].replace("max: 4h", "max: 8h"))
    printed += postern("test", "policies", cwd=tmp_path).stdout.splitlines()
    shown = [line.strip() for line in manual.splitlines()]
    for line in printed:
        assert line.strip() in shown or line.startswith("policy set "), line


def test_the_shipped_policies_are_covered(postern, tmp_path):
    done = postern("test", ROOT / "policies", "--coverage")
    assert done.returncode == 0, done.stdout
    for folder in (ROOT / "policies", ROOT / "policies" / "examples"):
        for file in folder.glob("*.yaml"):
            shutil.copy(file, tmp_path)
    done = postern("test", tmp_path, "--coverage")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("args", [["--junit"], ["--junit", ""], ["--bogus"], ["a", "b"], ["--coverage=yes"]], ids=" ".join)
def test_wrong_usage(postern, args):
    done = postern("test", *args)
    assert done.returncode == 2 and done.stdout == "" and "usage: postern test" in done.stderr, done
