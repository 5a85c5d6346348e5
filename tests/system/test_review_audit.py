# SPDX-License-Identifier: Apache-2.0
"""Journals that somebody made to mislead whoever reads them."""

import hashlib
import json
import os
import socket
import sqlite3

import pytest

from support import written

TIME = "2026-01-02T03:04:05.000000Z"
PLAYS = ["\x1b[31mred\x1b[0m", "a\nline        forged", "nosnatas\u202e\u2066x", "\u009b2Jc1", "a\u2028b\u200bc\x7f\r", "alice\u3164", "alice\U000e0100"]


def write_journal(folder, lines):
    """A segment of these lines behind a checkpoint, with a right chain."""
    folder.mkdir()
    prev, out = "0" * 64, []
    for seq, members in enumerate([{"event": "checkpoint", "open": []}, *lines], 1):
        text = json.dumps({"v": 1, "seq": seq, "prev": prev, "time": TIME, **members}, separators=(",", ":")).encode()
        prev = hashlib.sha256(text).hexdigest()
        out.append(text + b"\n")
    (folder / f"{1:020}.jsonl").write_bytes(b"".join(out))
    return folder


def exchange(number, text):
    return [{"event": "intent", "id": f"{number:032x}", "operation": "demanager.create", "class": "create",
             "project": text, "user": {"id": text, "name": text, "domain": text}, "client": text,
             "credential": {"kind": text, "digest": text, "verified": text},
             "instance": {"id": text, "name": text, "flavor": text}, "decision": "rewrite", "policies": [text],
             "exceptions": [text], "policy_set": text,
             "edits": [{"op": "set", "path": text, "new": text, "policy": text}]},
            {"event": "outcome", "id": f"{number:032x}", "operation": "demanager.create", "class": "create",
             "outcome": "created", "instance": {"id": text}, "error_code": text}]


@pytest.mark.parametrize("text", PLAYS)
def test_words_of_callers_play_with_no_terminal(text, postern, tmp_path):
    journal = write_journal(tmp_path / "journal", exchange(1, text))
    for args in (["query"], ["query", "--who-created", text], ["query", "--open"], ["summary", "--by", "user,flavor"]):
        done = postern("audit", args[0], "--journal", journal, *args[1:])
        assert done.returncode == 0, done
        shown = done.stdout.replace("\n", "")
        assert shown.isprintable() and "\\x" in shown, (args, done.stdout)
        assert not any(line.startswith("line        forged") for line in done.stdout.splitlines()), args


def test_a_name_of_two_lines_is_one_name(postern, tmp_path):
    """Lists stand in the index with an LF behind each element."""
    lines = exchange(1, "x")
    lines[0]["user"] = {"id": "mallory\nalice", "name": "m\nalice"}
    lines[0]["policies"] = ["one\ntwo"]
    journal = write_journal(tmp_path / "journal", lines)
    for args in (["--user", "alice"], ["--policy", "two"]):
        assert postern("audit", "query", "--journal", journal, "--json", *args).stdout == "", args
    done = postern("audit", "summary", "--journal", journal, "--by", "user,policy", "--json")
    assert '"user_name":"alice"' not in done.stdout and '"two"' not in done.stdout


def test_a_huge_line_in_the_witness_is_passed_over(postern, tmp_path):
    """A log that others write to as well: whoever can add a line to it can't keep anybody from verifying."""
    journal = write_journal(tmp_path / "journal", [])
    witness = tmp_path / "witness"
    with witness.open("wb") as file:
        file.write(b'{"a":[' + b"0," * 4_000_000 + b"0]}\n")
    done = postern("audit", "verify", "--journal", journal, "--witness", witness, "--json")
    assert done.returncode == 0, done
    assert json.loads(done.stdout)["witness"]["other_lines"] == 1


@pytest.mark.parametrize("seconds", [2**63 - 1, 2**62, 10**13])
def test_times_that_nobody_lives_to_see(seconds, postern, tmp_path):
    """Somebody asks to be stopped after more microseconds than there are."""
    lines = []
    for number in (1, 2, 3):
        lines += exchange(number, f"x{number}")
        lines[-2]["instance"]["auto_stop_s"] = seconds
    lines += [{**exchange(4, "x3")[0], "operation": "notebooks.start", "class": "start"},
              {**exchange(4, "x3")[1], "operation": "notebooks.start", "class": "start", "outcome": "done"}]
    lines[-2]["instance"]["auto_stop_s"] = seconds
    journal = write_journal(tmp_path / "journal", lines)
    for args in (["query", "--who-created", "x3"], ["query", "--open"], ["query", "--open", "--json"], ["query", "--csv"],
                 ["summary", "--by", "user"], ["summary", "--by", "user", "--json"], ["query", "--json"], ["export"],
                 ["export", "--format", "cadf"], ["verify"]):
        done = postern("audit", args[0], "--journal", journal, *args[1:])
        assert done.returncode == 0 and "runtime error" not in done.stderr, (args, done.stderr)
        assert "\n-" not in done.stdout and ":-" not in done.stdout and "  -9" not in done.stdout, (args, done.stdout)


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "socket"])
def test_what_is_no_file_in_the_place_of_a_segment_is_called_so(kind, postern, folder):
    """A pipe holds nobody up, either."""
    journal = write_journal(folder / "journal", [])
    name = f"{2:020}.jsonl"
    if kind == "pipe":
        os.mkfifo(journal / name)
    elif kind == "folder":
        (journal / name).mkdir()
    elif kind == "link":
        (journal / name).symlink_to(f"{1:020}.jsonl")
    else:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(journal / name))
    policies = folder / "policies"
    policies.mkdir()
    (policies / "p.yaml").write_text("version: 1\npolicies: [{name: a}]\n")
    for args in (["verify"], ["export"], ["query", "--open"], ["query"], ["summary", "--by", "day"], ["coverage", "--policies", policies]):
        done = postern("audit", args[0], "--journal", journal, *args[1:], timeout=20)
        assert done.returncode == 2 and f"segment {name}: it is no regular file" in done.stderr, (args, done)


@pytest.mark.parametrize("cwd, name", [("journal", "."), ("journal", "./"), ("journal/sub", ".."), ("", "journal/."),
                                       ("", "journal/sub/..//"), ("journal", "../journal")])
def test_the_index_is_beside_the_journal_however_it_is_called(cwd, name, postern, tmp_path):
    journal = write_journal(tmp_path / "journal", exchange(1, "x"))
    (journal / "sub").mkdir()
    done = postern("audit", "query", "--journal", name, "--json", cwd=tmp_path / cwd)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1, done
    assert sorted(p.name for p in journal.iterdir()) == [f"{1:020}.jsonl", "sub"] and not any((journal / "sub").iterdir())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["journal", "journal.index", "journal.index.lock"]


def test_a_link_to_a_journal_has_its_index_and_sets_beside_itself(postern, tmp_path):
    """As the settings have it: the disk that the link leads to may hold nothing else."""
    (tmp_path / "disk").mkdir()
    write_journal(tmp_path / "disk" / "journal", exchange(1, "x"))
    (tmp_path / "link").symlink_to("disk/journal")
    assert postern("audit", "query", "--journal", tmp_path / "link").returncode == 0
    assert [p.name for p in (tmp_path / "disk").iterdir()] == ["journal"]
    assert postern("audit", "query", "--journal", tmp_path / "nothing" / ".").returncode == 2


def refusal(number, **more):
    return {"event": "refusal", "id": f"{number:032x}", "operation": "demanager.create", "class": "create",
            "user": {"id": "u", "name": "alice"}, "decision": "refuse", "outcome": "refused", "policies": ["p"],
            "reasons": [{"code": "flavor.not_allowed", "policy": "p"}], **more}


def three_segments(folder):
    """Of ten lines each: seq 1 to 10, 11 to 20, 21 to 30."""
    return written.write_journal(folder, [[refusal(10 * part + number) for number in range(2, 11)] for part in range(3)])


def ids(done):
    assert done.returncode == 0, done
    return sorted(json.loads(line)["request"]["id"] for line in done.stdout.splitlines())


@pytest.mark.parametrize("seq", [5, 10, 15, 25, 30])
@pytest.mark.parametrize("changed", [4, 6, 11, 17, 26, 500, 2**62 - 5, 2**63])
def test_a_changed_seq_costs_its_line_and_no_other(seq, changed, postern, tmp_path):
    """Whatever it is changed to, and wherever it stands; and the index isn't made anew because of it."""
    if seq == changed:
        return
    folder = tmp_path / "journal"
    three_segments(folder)
    first = (seq - 1) // 10 * 10 + 1
    segment = folder / f"{first:020}.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b'"seq":%d,' % seq, b'"seq":%d,' % changed))
    index = tmp_path / "journal.index"
    # The last line of all may have lost those before it: nothing shows that it was changed.
    taken = seq == 30 and 30 < changed < 2**62
    wanted = sorted(f"{n:032x}" for n in range(1, 31) if n % 10 != 1 and (n != seq or taken))
    made = None
    for _ in range(2):
        done = postern("audit", "query", "--journal", folder, "--json")
        assert ids(done) == wanted
        assert ("in no answer: 1;" in done.stderr) != taken, done.stderr
        assert made in (None, index.stat().st_ino)
        made = index.stat().st_ino
    total = postern("audit", "summary", "--journal", folder, "--by", "user", "--json").stdout.splitlines()[-1]
    assert json.loads(total)["asked"] == len(wanted)


def test_lines_behind_show_that_one_was_changed(postern, tmp_path):
    """Who asked before they were written had to take it for the last one of a journal that lost some."""
    folder = tmp_path / "journal"
    three_segments(folder)
    last = folder / f"{21:020}.jsonl"
    lines = last.read_bytes().replace(b'"seq":25,', b'"seq":9025,').splitlines(keepends=True)
    everything = [f"{n:032x}" for n in range(1, 31) if n % 10 != 1]
    for count in range(4, 11):
        last.write_bytes(b"".join(lines[:count]))
        found = ids(postern("audit", "query", "--journal", folder, "--json"))
        assert found == [i for i in everything if int(i, 16) <= 20 + count and (count == 5 or int(i, 16) != 25)]


def test_a_last_line_that_is_too_long_makes_no_index_anew(postern, tmp_path):
    folder = tmp_path / "journal"
    written.write_journal(folder, [[refusal(1), refusal(2), refusal(3, path="x" * (3 << 20))]])
    made = None
    for _ in range(3):
        done = postern("audit", "query", "--journal", folder, "--json")
        assert ids(done) == [f"{n:032x}" for n in (1, 2)] and "in no answer: 1;" in done.stderr
        made = made or (tmp_path / "journal.index").stat().st_ino
        assert (tmp_path / "journal.index").stat().st_ino == made


@pytest.mark.parametrize("more", [{"path": "x" * (3 << 19)}, {"policies": ["p" * 1000] * 1200},
                                  {"exceptions": ["e" * 1000] * 1200}, {"reasons": [{"code": "c" * 1000}] * 1200},
                                  {"user": {"id": "u" * 900000, "name": "n" * 900000}}, {"path": "x" * (5 << 20)}])
def test_a_long_line_keeps_no_question_from_its_answer(more, postern, tmp_path):
    folder = tmp_path / "journal"
    written.write_journal(folder, [[refusal(1), refusal(2, **more), refusal(3)]])
    assert postern("audit", "verify", "--journal", folder).returncode == (0 if len(json.dumps(more)) < 2 << 20 else 1)
    wanted = [f"{n:032x}" for n in (1, 2, 3) if n != 2 or len(json.dumps(more)) < 2 << 20]
    assert ids(postern("audit", "query", "--journal", folder, "--json")) == wanted
    assert set(ids(postern("audit", "query", "--journal", folder, "--json", "--user", "*", "--policy", "*p*",
                           "--reason", "*"))) == set(wanted)
    assert set(ids(postern("audit", "query", "--journal", folder, "--json", "--user", "alice"))) >= {wanted[0], wanted[-1]}
    for args in (["query"], ["query", "--csv"], ["summary", "--by", "user,policy,reason"]):
        done = postern("audit", args[0], "--journal", folder, *args[1:])
        assert done.returncode == 0, (args, done.stderr)


ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r)"


@pytest.mark.parametrize("planted", [
    f"DROP TABLE place; CREATE VIEW place AS {ENDLESS} SELECT x AS one FROM r",
    f"ALTER TABLE segment RENAME TO other; CREATE VIEW segment AS {ENDLESS} SELECT x AS first, 0 AS damaged FROM r",
    f"CREATE TRIGGER t AFTER UPDATE ON place BEGIN SELECT count(*) FROM ({ENDLESS} SELECT x FROM r); END",
    "CREATE TRIGGER t AFTER UPDATE ON place BEGIN DELETE FROM exchange; END",
    "ALTER TABLE exchange RENAME TO other; CREATE VIEW exchange AS SELECT * FROM other WHERE 0",
    "ALTER TABLE exchange ADD COLUMN more", "CREATE INDEX more ON exchange(time)", "DROP INDEX exchange_id",
    "DROP TABLE settled", "DELETE FROM place", "ANALYZE",
])
def test_a_planted_index_is_made_anew(planted, postern, tmp_path):
    folder, index = tmp_path / "journal", tmp_path / "journal.index"
    three_segments(folder)
    before = ids(postern("audit", "query", "--journal", folder, "--json"))
    database = sqlite3.connect(index)
    database.executescript(planted)
    database.close()
    (folder / f"{21:020}.jsonl").open("ab").write(b"no line\n")
    assert ids(postern("audit", "query", "--journal", folder, "--json", timeout=20)) == before
    database = sqlite3.connect(index)
    schema = " ".join(sql for sql, in database.execute("SELECT sql FROM sqlite_master WHERE sql NOTNULL"))
    database.close()
    assert not [word for word in ("VIEW", "TRIGGER", "other", "more", "sqlite_stat1") if word in schema]
    total = postern("audit", "summary", "--journal", folder, "--by", "user", "--json", timeout=20).stdout.splitlines()[-1]
    assert json.loads(total)["asked"] == len(before) == 27


@pytest.mark.parametrize("end", ["-journal", "-wal", "-shm", ".lock"])
def test_what_stands_beside_a_named_index_stays(end, postern, tmp_path):
    """Somebody chose that name by chance: nothing of it is removed, overwritten or given away."""
    folder, index, other = tmp_path / "journal", tmp_path / "ev", tmp_path / f"ev{end}"
    three_segments(folder)
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
    other.write_text("notes of mine\n")
    for _ in range(2):
        done = postern("audit", "query", "--journal", folder, "--index", index)
        assert done.returncode == 2 and str(other) in done.stderr and not index.exists(), done
        assert other.read_text() == "notes of mine\n" and other.stat().st_uid == os.geteuid()
    other.unlink()
    other.mkdir()
    done = postern("audit", "query", "--journal", folder, "--index", index)
    assert done.returncode == 2 and str(other) in done.stderr and other.is_dir(), done
    other.rmdir()
    other.symlink_to(tmp_path / "target")
    done = postern("audit", "query", "--journal", folder, "--index", index)
    assert done.returncode == 2 and other.is_symlink(), done
    other.unlink()
    assert len(ids(postern("audit", "query", "--journal", folder, "--index", index, "--json"))) == 27


def test_an_empty_lock_that_was_there_is_not_given_away(postern, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    folder, lock = tmp_path / "journal", tmp_path / "ev.lock"
    three_segments(folder)
    os.chown(folder, 65534, 65534)
    lock.touch()
    assert len(ids(postern("audit", "query", "--journal", folder, "--index", tmp_path / "ev", "--json"))) == 27
    assert lock.stat().st_uid == 0 and (tmp_path / "ev").stat().st_uid == 65534


def test_a_pipe_beside_an_index_holds_nobody_up(postern, tmp_path):
    folder, pipe = tmp_path / "journal", tmp_path / "journal.index-journal"
    three_segments(folder)
    postern("audit", "query", "--journal", folder)
    os.mkfifo(pipe)
    assert len(ids(postern("audit", "query", "--journal", folder, "--json", timeout=20))) == 27
