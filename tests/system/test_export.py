# SPDX-License-Identifier: Apache-2.0
"""`postern audit export`: all lines of a period, once, oldest first, and no file that isn't whole."""

import hashlib
import json
import os
import resource
import signal
import subprocess

import pytest

from support.bodies import create_body
from support.contract import exchange_id, post_create
from support.disk import build_shim, preloaded
from support.memory import FREES
from support.process import environment
from support.written import raw, without_open, write_journal

ROWS = [
    {"time": "2026-03-01T10:00:00.000001Z", "event": "start", "durability": "sync"},
    {"time": "2026-03-01T12:00:00.000000Z", "event": "refusal", "decision": "refuse", "count": 3},
    {"time": "2026-03-01T11:59:59.999999Z", "event": "policy", "policy_set": "ab" * 32},
    {"time": "2026-03-02T00:00:00.000000Z", "event": "stop"},
]


@pytest.fixture
def journal(folder):
    """Three segments; the bytes of their lines."""
    path = folder / "journal"
    lines = write_journal(path, [ROWS[:2], ROWS[2:], []])
    return path, lines


@pytest.fixture
def export(postern):
    def run(path, *args, status=0):
        done = postern("audit", "export", "--journal", path, *args)
        assert done.returncode == status, done.stderr
        return done
    return run


def rows_of(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_all_of_it_is_what_stands_there(journal, export):
    path, lines = journal
    done = export(path)
    assert done.stdout.encode() == b"".join(without_open(line) + b"\n" for line in lines)
    assert done.stderr == ""


@pytest.mark.parametrize("args, seqs", [
    (["--from", "2026-03-01T12:00:00Z"], [3, 6]),
    (["--until", "2026-03-01T12:00:00Z"], [1, 2, 4, 5, 7]),
    (["--from", "2026-03-01T11:59:59.999999Z", "--until", "2026-03-01T12:00:00.000001Z"], [3, 5]),
    (["--from", "2026-03-02"], [6]),
    (["--since", "1s"], []),
])
def test_a_period(args, seqs, journal, export):
    assert [row["seq"] for row in rows_of(export(journal[0], *args))] == seqs


def test_cloudevents(journal, export):
    path, lines = journal
    rows = rows_of(export(path, "--format", "cloudevents", "--source", "gw 1"))
    assert len({(row["source"], row["id"]) for row in rows}) == len(lines)
    for line, row in zip(lines, rows):
        ours = json.loads(without_open(line))
        assert row["data"] == ours
        assert row["id"] == f"{ours['seq']}-{hashlib.sha256(line).hexdigest()[:16]}"
        assert (row["specversion"], row["source"]) == ("1.0", "/postern/gw%201")
        assert (row["type"], row["time"]) == (f"io.postern.journal.{ours['event']}", ours["time"])
        assert int(row["sequence"]) == ours["seq"] and len(row["sequence"]) == 20


def check_resource(one):
    assert one["id"] and one["typeURI"]
    for attachment in one.get("attachments", []):
        assert attachment["typeURI"] and attachment["name"] and "content" in attachment


def check_cadf(event, line):
    """What DSP0262 demands, and the way back to the line."""
    assert event["typeURI"] == "http://schemas.dmtf.org/cloud/audit/1.0/event"
    assert event["eventType"] == "activity"
    assert event["eventTime"] == json.loads(line)["time"].replace("Z", "+00:00")
    assert event["outcome"] in ("success", "failure", "pending", "unknown")
    assert event["action"] in ("create", "read", "read/list", "update", "delete", "start", "stop", "renew", "capture",
                               "configure", "monitor", "unknown")
    for name in ("initiator", "target", "observer"):
        check_resource(event[name])
    reason = event.get("reason", {})
    assert ("reasonType" in reason) == ("reasonCode" in reason) and ("policyType" in reason) == ("policyId" in reason)
    place = event["attachments"][0]["content"]
    ours = json.loads(line)
    assert (place["seq"], place["prev"], place["event"]) == (ours["seq"], ours["prev"], ours["event"])
    assert place["hash"] == hashlib.sha256(line).hexdigest()


def test_cadf_of_a_real_journal(gateway, cloud, token, export):
    made = post_create(gateway, token)
    refused = post_create(gateway, token, create_body(flavor="modelarts.vm.gpu.8u"))
    gateway.wait_outcome(exchange_id(made))
    gateway.stop()
    path = gateway.site.journal_folder
    lines = b"".join(p.read_bytes() for p in sorted(path.glob("*.jsonl"))).splitlines()
    events = rows_of(export(path, "--format", "cadf", "--source", "gw1"))
    assert len(events) == len(lines) == len({event["id"] for event in events})
    for event, line in zip(events, lines):
        check_cadf(event, line)
    tagged = [e for e in events if f"correlation_id?value={exchange_id(made)}" in e.get("tags", [])]
    assert [e["outcome"] for e in tagged] == ["pending", "success"]
    assert {e["action"] for e in tagged} == {"create"}
    assert tagged[1]["target"]["id"] == made.json["id"] and tagged[1]["reason"]["reasonCode"] == "200"
    no, = [e for e in events if f"correlation_id?value={exchange_id(refused)}" in e.get("tags", [])]
    assert no["outcome"] == "failure" and no["reason"]["policyId"] == "team-a-notebooks"
    assert no["initiator"]["name"] == "alice" and no["initiator"]["host"]["address"] == "127.0.0.1"
    assert token not in json.dumps(events)
    again = export(path, "--format", "cadf", "--source", "gw1")
    assert rows_of(again) == events, "the same line is the same event"


def test_damaged_lines_are_named_and_passed_over(journal, export):
    path, lines = journal
    segment = path / "00000000000000000004.jsonl"
    parts = segment.read_bytes().splitlines()
    bad = [parts[0], b'{"half', b'{"v":1,"seq":6,"event":"stop","time":"never"}', parts[2]]
    segment.write_bytes(b"\n".join(bad) + b"\n" + b'{"v":1,"seq"')
    done = export(path, status=1)
    assert [row["seq"] for row in rows_of(done)] == [1, 2, 3, 4, 6, 7]
    named = [line.split(": ")[0] for line in done.stderr.splitlines()]
    assert named == [f"00000000000000000004.jsonl:{number}" for number in (2, 3, 5)]


def test_half_a_line_at_the_end_waits_for_its_other_half(journal, export):
    path, lines = journal
    last = path / "00000000000000000007.jsonl"
    last.write_bytes(last.read_bytes() + b'{"v":1,"seq":8,')
    assert len(rows_of(export(path))) == len(lines)


def test_a_file_is_new_and_whole(journal, export, folder):
    path, lines = journal
    out = folder / "out.jsonl"
    assert export(path, "--output", out).stdout == ""
    whole = out.read_bytes()
    assert whole.count(b"\n") == len(lines) and out.stat().st_mode & 0o777 == 0o600
    done = export(path, "--output", out, status=2)
    assert "there already" in done.stderr and out.read_bytes() == whole
    assert "can't make" in export(path, "--output", folder / "no" / "out", status=2).stderr
    for name in ("n" * 256, "slash/", "out.jsonl/x"):
        done = export(path, "--output", f"{folder}/{name}", status=2)
        assert "can't make" in done.stderr and done.stdout == "", done
    (folder / "link").symlink_to("nowhere")
    assert "there already" in export(path, "--output", folder / "link", status=2).stderr
    assert export(path, "--output", folder / "link.jsonl").returncode == 0
    assert (folder / "link.jsonl").read_bytes() == whole


def test_a_disk_that_is_full(journal, folder, program):
    path, _ = journal
    command = [program("postern"), "audit", "export", "--journal", path]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60)
    assert done.returncode == 2 and b"No space left" in done.stderr
    out = folder / "out.jsonl"
    done = subprocess.run([*command, "--output", out], capture_output=True, env=environment(), timeout=60,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))
    assert done.returncode == 2 and b"can't write" in done.stderr
    assert not out.exists(), "half a file is none"


@pytest.fixture(params=["unnamed", "named"])
def stuck(request, folder, program):
    """An export in the middle of its work: nobody reads what it says of damaged lines. named: the file system has no
    files without a name. Gives the process and its output."""
    path, out = folder / "journal", folder / "out" / "jsonl"
    write_journal(path, [[{"event": "refusal", "decision": "refuse", "error": "x" * 2000}] * 300])
    with (path / "00000000000000000001.jsonl").open("ab") as segment:
        segment.write(b"damaged\n" * 10000)
    out.parent.mkdir()
    named = request.param == "named"
    env = preloaded(build_shim(folder, "unnamed"), program("postern")) if named else {}
    with subprocess.Popen([program("postern"), "audit", "export", "--journal", path, "--output", out],
                          stderr=subprocess.PIPE, env=environment(**env)) as done:
        assert b"skipped" in done.stderr.readline()
        assert out.exists() == named, "what is not whole has no name, where that can be"
        yield done, out
        done.stderr.close()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_file_is_whole_or_none_when_it_is_ended(name, stuck):
    done, out = stuck
    done.send_signal(getattr(signal, name))
    assert done.wait(60) == -getattr(signal, name)
    assert list(out.parent.iterdir()) == []


def test_a_file_that_comes_meanwhile_stays(stuck):
    done, out = stuck
    if not out.exists():
        out.write_text("another's")
        assert b"is there already" in done.stderr.read()
        assert done.wait(60) == 2 and out.read_text() == "another's"
    else:
        done.stderr.read()
        assert done.wait(60) == 1 and out.read_bytes().count(b"\n") == 301
    assert list(out.parent.iterdir()) == [out]


def test_a_reader_that_goes(journal, program):
    path, _ = journal
    command = [program("postern"), "audit", "export", "--journal", path]
    reading, writing = os.pipe()
    os.close(reading)  # before it starts: else it may be through by then
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=environment(), timeout=60)
    os.close(writing)
    assert done.returncode == 2 and b"nobody reads it" in done.stderr


def test_memory_does_not_grow_with_the_journal(folder, program):
    """Ten thousand lines of 2 KB against a hundred."""
    def peak(count):
        path = folder / f"j{count}"
        rows = [{"event": "refusal", "decision": "refuse", "error": "x" * 2000}] * count
        write_journal(path, [rows])
        command = [program("postern"), "audit", "export", "--journal", path, "--format", "cadf"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment(**FREES)) as done:
            _, status, used = os.wait4(done.pid, 0)
            done.returncode = os.waitstatus_to_exitcode(status)
        assert done.returncode == 0
        return used.ru_maxrss
    assert peak(10000) < peak(100) + 8192


@pytest.mark.parametrize("args, text", [
    (["--format", "xml"], "is none of"),
    (["--since", "yesterday"], "is no age"),
    (["--from", "2026-02-30"], "is no time"),
    (["--from", "2026-03-02", "--until", "2026-03-02"], "ends before it begins"),
    (["--from", "2026-03-02", "--since", "1d"], "exclude each other"),
    (["-c", "x.yaml"], "exclude each other"),
    (["--source", ""], "empty"),
    (["--output", ""], "--output: it is empty"),
    (["more"], "one word too many"),
    (["--output"], "--output"),
])
def test_wrong_usage(args, text, journal, export):
    done = export(journal[0], *args, status=2)
    assert text in done.stderr and done.stdout == ""


def test_no_journal(folder, export):
    assert "can't open" in export(folder / "nothing", status=2).stderr


def test_a_long_line(folder, export):
    """A checkpoint of many instances goes without them."""
    path = folder / "journal"
    rows = [{"id": f"{n:032x}", "state": "existing", "instance": {"id": f"DE-{n}"}} for n in range(20000)]
    write_journal(path, [[]])
    line = json.loads((path / "00000000000000000001.jsonl").read_bytes())
    (path / "00000000000000000001.jsonl").write_bytes(raw({**line, "open": rows}) + b"\n")
    for name in ("postern", "cadf", "cloudevents"):
        assert len(export(path, "--format", name).stdout) < 2000
