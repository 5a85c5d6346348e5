# SPDX-License-Identifier: Apache-2.0
"""Answers about journals that are not often met; what was once told wrong."""

import csv
import io
import json
import os
import socket
import sqlite3
import subprocess

import pytest

from support.process import environment
from support.written import write_journal


def line(event, number, **members):
    create = {"id": f"{number:032x}", "operation": "demanager.create", "class": "create"}
    return {"event": event, **{name: value for name, value in {**create, **members}.items() if value is not None}}


@pytest.fixture
def ask(postern, tmp_path):
    """ask(segments of lines, "query", ...): of a journal that has these lines."""
    def run(segments, *args):
        if segments is not None:
            write_journal(tmp_path / "journal", segments)
        done = postern("audit", args[0], "--journal", tmp_path / "journal", *args[1:])
        assert done.returncode == 0, done
        return done.stdout
    return run


def objects(text):
    return [json.loads(row) for row in text.splitlines()]


def test_a_stop_at_once_is_one(ask):
    """auto_stop_s of 0 is what the first line says, also if a later one says more or nothing."""
    lines = []
    for number, later in ((1, {"id": "DE-1"}), (2, {"id": "DE-2", "auto_stop_s": 3600})):
        lines += [line("intent", number, decision="allow", instance={"auto_stop_s": 0}),
                  line("outcome", number, outcome="created", instance=later)]
    assert [row["auto_stop_s"] for row in csv.DictReader(io.StringIO(ask([lines], "query", "--csv")))] == ["0", "0"]
    assert objects(ask(None, "summary", "--by", "user", "--json"))[-1]["run_s"] == 0


def test_a_line_feed_in_a_name_stays_one(ask):
    lines = [line("intent", n, decision="allow", user={"id": name}) for n, name in enumerate(("a\nb", "a\x1fb", "a"))]
    *groups, total = objects(ask([lines], "summary", "--by", "user", "--json"))
    assert sorted(group["user"] for group in groups) == ["a", "a\nb", "a\x1fb"] and total["asked"] == 3
    for name in ("a\nb", "a\x1fb", "a"):
        found, = objects(ask(None, "query", "--json", "--user", name))
        assert found["request"]["user"]["id"] == name


def test_a_nul_in_a_name_ends_nothing(ask):
    """Neither a pattern nor what is shown: who calls himself `alice`, NUL and more isn't alice."""
    lines = [line("intent", 1, decision="allow", user={"id": "m", "name": "alice\0x"}, instance={"name": "job\0x"}),
             line("outcome", 1, outcome="created", instance={"id": "DE-1"})]
    assert ask([lines], "query", "--json", "--instance", "*job") == ""
    assert len(objects(ask(None, "query", "--json", "--instance", "j*x"))) == 1
    table = ask(None, "query")
    assert "alice\\x00x" in table and "job\\x00x" in table
    assert "asked for by alice\\x00x (m)" in ask(None, "query", "--who-created", "DE-1")
    assert "alice\\x00x (m)" in ask(None, "summary", "--by", "user")
    assert "job\\x00x" in ask(None, "query", "--open")


def test_a_name_has_as_many_stars_as_one_likes(ask):
    lines = [line("intent", 1, decision="allow", instance={"name": "a-b-c-d-e-f-g-h-i-j[?]"}),
             line("intent", 2, decision="allow", instance={"name": "a-b-c-d-e-f-g-h-i-j"})]
    assert len(objects(ask([lines], "query", "--json", "--instance", "*a*b*c*d*e*f*g*h*i*j*"))) == 2
    assert len(objects(ask(None, "query", "--json", "--instance", "a-*[?]"))) == 1


def test_the_id_of_what_exists_is_no_pattern(ask):
    """As in a query: `*` stands for characters of names."""
    lines = [line("orphan", 1, instance={"id": "DE-1", "name": "found"}), line("orphan", 2, instance={"id": "x", "name": "DE-2"})]
    assert [row["instance_id"] for row in objects(ask([lines], "query", "--open", "--json", "--instance", "DE-*"))] == ["x"]
    assert [row["instance_id"] for row in objects(ask(None, "query", "--open", "--json", "--instance", "DE-1"))] == ["DE-1"]


def test_the_name_of_a_user_is_the_newest(ask):
    """By the order of the lines, whatever their times: two lines of one moment have an order, too."""
    lines = [line("intent", n, decision="allow", user={"id": "u", "name": name}, flavor=None, instance={"flavor": flavor})
             for n, (name, flavor) in enumerate((("zoe", "b"), ("old", "a"), ("new", "b"), ("newest", "a")))]
    group, _ = objects(ask([lines], "summary", "--by", "user", "--json"))
    assert group["user_name"] == "newest"


def test_ids_of_two_equal_halves_are_different_ones(ask):
    lines = [line("intent", 0, id=text * 2, decision="allow") for text in ("0123456789abcdef", "00000000000000ff")]
    lines.append(line("outcome", 0, id="0123456789abcdef" * 2, outcome="failed"))
    assert [row.get("outcome", {}).get("id") for row in objects(ask([lines], "query", "--json"))] == [None, "0123456789abcdef" * 2]


@pytest.mark.parametrize("change", ["seq = seq + 1000", "last_offset = -5", "segment = -1", "offset = 1", "line = 0", "hash = NULL",
                                    "segment = NULL", "last_offset = 1 << 62"])
def test_an_index_with_a_place_that_is_none(change, ask, tmp_path):
    """Lines that come later aren't passed over."""
    lines = [line("intent", n, decision="allow") for n in range(3)]
    ask([lines], "query")
    base = sqlite3.connect(tmp_path / "journal.index")
    base.execute(f"UPDATE place SET {change}")
    base.commit()
    base.close()
    lines += [line("intent", n, decision="allow") for n in range(3, 6)]
    assert len(objects(ask([lines], "query", "--json"))) == 6


def test_a_file_that_is_no_index_stays(postern, ask, tmp_path):
    """Whoever names a segment, a report or somebody else's database as the index by mistake keeps it."""
    ask([[line("intent", 1, decision="allow")]], "query")
    others, small = tmp_path / "others.db", tmp_path / "small.db"
    for path, page in ((others, 4096), (small, 512)):
        base = sqlite3.connect(path)
        base.execute(f"PRAGMA page_size = {page}")
        base.execute("CREATE TABLE t(a)")
        base.close()
    assert small.stat().st_size < 4096
    (tmp_path / "report.csv").write_text("a,b\n")
    for path in (tmp_path / "journal" / f"{1:020d}.jsonl", tmp_path / "report.csv", others, small):
        before = path.read_bytes()
        done = postern("audit", "query", "--journal", tmp_path / "journal", "--index", path)
        assert done.returncode == 2 and f"{path} is no index" in done.stderr, done
        assert path.read_bytes() == before and not path.with_name(path.name + ".lock").exists()
    empty = tmp_path / "empty"
    empty.touch()
    for _ in range(2):
        assert "demanager.create" in ask(None, "query", "--index", empty)


@pytest.mark.parametrize("first", "=+-@\t\r\n\0\x01\x1f")
def test_no_cell_of_csv_is_a_formula(first, ask):
    """A NUL in front as little as any other control: some readers drop it, and see the rest."""
    name = first + "1+2"
    lines = [line("intent", 1, decision="allow", user={"id": name, "name": name}, instance={"id": name, "flavor": name})]
    for args in (["query", "--csv"], ["summary", "--by", "user,flavor", "--csv"], ["query", "--open", "--csv"]):
        text = ask([lines], *args)
        assert f"'{name}".replace("\r", "\n") in text and text.count("1+2") == text.count(f"'{name}".replace("\r", "\n")), (args, text)


@pytest.mark.parametrize("kind", ["database", "link", "pipe", "socket", "folder"])
def test_what_is_no_index_beside_the_journal_stays(kind, postern, ask, folder):
    """Nobody named it, but it isn't ours."""
    write_journal(folder / "journal", [[line("intent", 1, decision="allow")]])
    index = folder / "journal.index"
    if kind == "database":
        base = sqlite3.connect(index)
        base.execute("CREATE TABLE t(a)")
        base.close()
    elif kind == "link":
        index.symlink_to("elsewhere")
    elif kind == "pipe":
        os.mkfifo(index)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(index))
    else:
        index.mkdir()
    before = os.lstat(index)
    done = postern("audit", "query", "--journal", folder / "journal", timeout=20)
    assert done.returncode == 2 and f"{index} is no index" in done.stderr, done
    after = os.lstat(index)
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)
    assert sorted(p.name for p in folder.iterdir()) == ["journal", "journal.index"]
    other = folder / "other"
    assert postern("audit", "query", "--journal", folder / "journal", "--index", other).returncode == 0


def test_a_spoilt_index_beside_the_journal_is_made_anew(ask, tmp_path):
    """Also one of which nothing tells any more that it was an index."""
    lines = [[line("intent", n, decision="allow") for n in range(300)]]
    before = ask(lines, "query", "--json")
    index = tmp_path / "journal.index"
    whole = index.read_bytes()
    version = whole[:60] + b"\0\0\0\1" + whole[64:]
    for spoilt in (b"", b"\0" * len(whole), whole[:50], whole[:4096], whole[:5000], b"\0" * 100 + whole[100:], b"text\n", version):
        index.write_bytes(spoilt)
        assert ask(None, "query", "--json") == before, spoilt[:20]


def test_an_answer_for_a_full_disk_is_a_failure(program, ask, tmp_path):
    ask([[line("intent", n, decision="allow") for n in range(500)]], "query")
    for args in (["query"], ["query", "--json", "--limit", "500"], ["query", "--open"], ["summary", "--by", "day"], ["verify"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([program("postern"), "audit", args[0], "--journal", tmp_path / "journal", *args[1:]], stdout=full,
                                  stderr=subprocess.PIPE, timeout=60, env=environment(), check=False)
        assert done.returncode == 2 and b"can't write to standard output" in done.stderr, (args, done)


@pytest.mark.parametrize("option", ["--index", "--journal", "--who-created", "--user"])
def test_an_empty_word_is_none(option, postern):
    done = postern("audit", "query", option, "")
    assert done.returncode == 2 and f"{option}: it is empty" in done.stderr, done


def test_a_page_of_more_than_a_table_holds_ends_earlier(postern, tmp_path):
    """And the next one begins behind it: nothing is left out."""
    count = 131_100
    write_journal(tmp_path / "journal", [[{"event": "refusal", "count": 1}] * count])
    rows, cursor = [], []
    while cursor is not None:
        done = postern("audit", "query", "--journal", tmp_path / "journal", "--limit", "1000000", *cursor)
        assert done.returncode == 0, done
        table, _, more = done.stdout.partition("\n\n")
        rows.append(len(table.splitlines()) - 1)
        cursor = ["--before", more.split()[-1]] if more else None
    assert len(rows) == 2 and sum(rows) == count, rows


@pytest.mark.parametrize("option", ["user", "project", "flavor", "instance", "reason", "policy"])
def test_a_filter_has_a_length(option, postern, tmp_path):
    write_journal(tmp_path / "journal", [[]])
    done = postern("audit", "query", "--journal", tmp_path / "journal", f"--{option}", "x" * 1025)
    assert done.returncode == 2 and f"a filter by {option} takes at most 1024 bytes" in done.stderr, done


@pytest.mark.parametrize("place", [1, 5, 18])
def test_what_stands_behind_damage_is_listed(place, postern, ask, tmp_path):
    """And it is said that the list may be wrong; by the exit status too, for whoever reads only the list."""
    lines = []
    for number in range(10):
        lines += [line("intent", number, decision="allow", user={"id": f"u{number}"}),
                  line("outcome", number, outcome="created", instance={"id": f"DE-{number}"})]
    ask([lines], "query", "--open")
    path = tmp_path / "journal" / f"{1:020d}.jsonl"
    rows = path.read_bytes().split(b"\n")
    rows[place] = b"garbage"
    path.write_bytes(b"\n".join(rows))
    for form in ("--json", "--csv", None):
        done = postern("audit", "query", "--journal", tmp_path / "journal", "--open", *[form] * (form is not None))
        assert done.returncode == 1, done
        assert "may be told wrong" in done.stderr and f"line {place + 1}" in done.stderr and "`postern audit verify`" in done.stderr
        assert sum(f"DE-{number}" in done.stdout for number in range(10)) == 9, done.stdout
        assert "audit repair" not in done.stderr


def test_what_a_program_reads_of_what_exists_is_to_the_microsecond(ask):
    lines = [line("intent", 1, decision="allow", time="2026-03-01T10:00:00.123456Z", instance={"auto_stop_s": 60}),
             line("outcome", 1, outcome="created", instance={"id": "DE-1"})]
    want = ("2026-03-01T10:00:00.123456Z", "2026-03-01T10:01:00.123456Z")
    row, = objects(ask([lines], "query", "--open", "--json"))
    assert (row["since"], row["until"]) == want
    row, = csv.DictReader(io.StringIO(ask(None, "query", "--open", "--csv")))
    assert (row["since"], row["until"]) == want
