# SPDX-License-Identifier: Apache-2.0
"""The story of an instance beside `--open`, `--json` and `--csv`: what they say of one journal is one truth."""

import csv
import datetime
import io
import json
import re

import pytest

from support.written import raw, write_journal

ALICE, BOB = {"id": "u-a", "name": "alice"}, {"id": "u-b", "name": "bob"}
CREATE, UPDATE, START = ("demanager.create", "create"), ("demanager.update", "change"), ("demanager.start", "start")
LEASE = ("notebooks.lease", "change")
BEGIN = datetime.datetime(2026, 3, 1, 10, tzinfo=datetime.timezone.utc)


class Story:
    """Lines, each a minute behind the one before; and the questions to them."""

    def __init__(self, postern, folder):
        self.postern, self.folder, self.segments, self.count = postern, folder / "journal", [[]], 0

    def line(self, event, **members):
        self.count += 1
        time = BEGIN + datetime.timedelta(minutes=self.count)
        row = {"event": event, "time": f"{time:%Y-%m-%dT%H:%M:%S}.000000Z", **members}
        self.segments[-1].append({name: value for name, value in row.items() if value is not None})
        return row

    def ask_for(self, number, what=CREATE, outcome=None, user=ALICE, instance=None, told=None, **members):
        """An exchange; without an outcome, if there is none yet."""
        ours = {"id": f"{number:032x}", "operation": what[0], "class": what[1]}
        row = self.line("intent", **ours, user=user, project="p", decision="allow", policies=["team"], instance=instance, **members)
        if outcome is not None:
            self.line("outcome", **ours, outcome=outcome, instance=told)
        return row

    def gone(self, number, instance):
        self.line("settled", id=f"{number:032x}", operation=CREATE[0], **{"class": CREATE[1]}, outcome="done", error="gone",
                  instance={"id": instance})

    def write(self):
        write_journal(self.folder, self.segments)
        return self

    def ask(self, *args, status=0):
        done = self.postern("audit", "query", "--journal", self.folder, *args)
        assert done.returncode == status, (args, done)
        return done

    def tell(self, who, *args):
        return self.ask("--who-created", who, *args).stdout

    def open(self, *args):
        return [json.loads(row) for row in self.ask("--open", "--json", *args).stdout.splitlines()]

    def ids(self, who, *args):
        """Of the exchanges, by --json; --csv has the same."""
        found = [json.loads(row)["request"]["id"] for row in self.ask("--who-created", who, "--json", *args).stdout.splitlines()]
        rows = csv.DictReader(io.StringIO(self.ask("--who-created", who, "--csv", *args).stdout))
        assert [row["id"] for row in rows] == found
        return [int(text, 16) for text in found]


@pytest.fixture
def story(postern, tmp_path):
    return Story(postern, tmp_path)


def ends(text):
    return [row for row in text.splitlines() if row.startswith("Now: ")]


@pytest.mark.parametrize("outcome, state, said", [("unknown", "unknown", "nobody knows whether it was created"),
                                                  (None, "reserved", "its create is under way")])
def test_the_state_is_that_of_the_list(outcome, state, said, story):
    story.ask_for(1, outcome=outcome, instance={"name": "small"})
    story.write()
    assert [row["state"] for row in story.open()] == [state]
    text = story.tell("small")
    assert ends(text) == [f"Now: {said} (asked for at 2026-03-01T10:01:00Z)."], text
    assert "alice" in text and "retired" not in text


@pytest.mark.parametrize("state, said", [("unknown", "nobody knows whether it was created"), ("reserved", "its create is under way")])
def test_a_state_that_only_a_checkpoint_tells(state, said, story):
    entry = {"id": f"{1:032x}", "time": "2026-03-01T09:00:00.000000Z", "operation": CREATE[0], "user": ALICE, "project": "p",
             "instance": {"name": "small"}, "state": state}
    story.folder.mkdir()
    (story.folder / f"{2:020d}.jsonl").write_bytes(
        raw({"v": 1, "seq": 2, "prev": "0" * 64, "time": entry["time"], "event": "checkpoint", "open": [entry]}) + b"\n")
    assert [row["state"] for row in story.open()] == [state]
    text = story.tell("small")
    assert "asked for by alice (u-a); its line was retired" in text
    assert ends(text) == [f"Now: {said} (asked for at 2026-03-01T09:00:00Z)."], text
    assert "retired" in story.tell("small", "--user", "nobody") and story.ids("small") == []


def test_each_instance_of_a_name_has_its_own_end(story):
    """A create that nobody knows the end of, and one that came and went."""
    story.ask_for(1, outcome="unknown", instance={"name": "nb"})
    story.ask_for(2, outcome="created", instance={"name": "nb"}, told={"id": "DE-2"})
    story.gone(2, "DE-2")
    story.write()
    text = story.tell("nb")
    assert ends(text) == ["Now: it is gone.", "Now: nobody knows whether it was created (asked for at 2026-03-01T10:01:00Z)."], text
    assert story.ids("nb") == [1, 2] and [row["state"] for row in story.open()] == ["unknown"]
    assert text.index("Instance DE-2") < text.index("Now: it is gone.") < text.index("Without an instance's id, named nb")


def test_what_failed_left_nothing(story):
    story.ask_for(1, outcome="failed", instance={"name": "nb"})
    story.write()
    assert ends(story.tell("nb")) == ["Now: by the journal nothing of it exists."] and story.open() == []


@pytest.mark.parametrize("outcome", ["done", "unknown"])
def test_until_is_that_of_the_list(outcome, story):
    story.ask_for(1, outcome="created", instance={"name": "nb", "auto_stop_s": 3600}, told={"id": "DE-1"})
    story.ask_for(2, START, outcome=outcome, instance={"id": "DE-1", "auto_stop_s": 7200})
    story.write()
    row, = story.open()
    assert row["until"] == "2026-03-01T12:03:00.000000Z"
    text = story.tell("nb")
    assert ends(text) == ["Now: it exists by the journal; its last known start ended at 2026-03-01T12:03:00Z at the latest: it was "
                          "stopped, or started again since."], text
    assert re.findall("  until +(.*)", text) == ["2026-03-01T11:01:00Z", "2026-03-01T12:03:00Z" +
                                                 (", if it came to that" if outcome == "unknown" else "")]


def grant(story):
    """Alice's create names it; bob's update, by the id, doesn't."""
    story.ask_for(1, outcome="created", instance={"name": "grant"}, told={"id": "DE-1"})
    story.ask_for(2, START, outcome="done", instance={"id": "DE-1", "auto_stop_s": 60})
    story.ask_for(3, UPDATE, outcome="done", user=BOB, instance={"id": "DE-1"})
    story.ask_for(4, outcome="created", user=BOB, instance={"name": "other"}, told={"id": "DE-4"})
    return story.write()


def test_a_name_has_the_exchanges_of_its_ids_in_every_format(story):
    grant(story)
    for who in ("grant", "DE-1", "gra*"):
        assert story.ids(who) == [1, 2, 3], who
        assert len(re.findall(" asked for by ", story.tell(who))) == 3, who
    assert story.tell("grant") == story.tell("DE-1")


def test_filters_limit_what_is_told_and_nothing_else(story):
    grant(story)
    assert story.ids("grant", "--user", "bob") == [3]
    whole = ends(story.tell("grant"))
    assert len(whole) == 1 and "exists" in whole[0]
    for args in (["--user", "bob"], ["--decision", "refuse"], ["--since", "1m"], ["--class", "read"], ["--outcome", "failed"]):
        text = story.tell("grant", *args)
        assert "retired" not in text and ends(text) == whole, (args, text)
        assert ("asked for by bob" in text) == (args[1] == "bob") and "asked for by alice" not in text, (args, text)
    assert "no exchange of it passes the filters" in story.tell("grant", "--decision", "refuse")


def test_filters_hide_nothing_of_what_is_gone(story):
    story.ask_for(1, outcome="created", instance={"name": "nb"}, told={"id": "DE-1"})
    story.gone(1, "DE-1")
    story.ask_for(2, outcome="failed", instance={"name": "lost"})
    story.write()
    assert ends(story.tell("nb", "--user", "bob")) == ["Now: it is gone."]
    assert story.tell("lost", "--user", "bob") == 'No exchange of an instance "lost" passes the filters, or stands on this page.\n'
    assert story.tell("none", "--user", "bob") == 'The journal has no line of an instance "none".\n'


def test_an_instance_beside_it_is_refused(story):
    story.write()
    assert "--instance and --who-created exclude each other" in story.ask("--who-created", "a", "--instance", "b", status=2).stderr


def test_a_long_story_ends_as_the_list_has_it(story):
    """More exchanges than one page: the newest lease counts, and no other instance has the name."""
    story.ask_for(1, outcome="created", instance={"name": "nb", "auto_stop_s": 3600}, told={"id": "DE-1"})
    for number in range(2, 1102):
        story.ask_for(number, LEASE, outcome="done", instance={"id": "DE-1", "auto_stop_s": 3600})
    story.write()
    until = story.open()[0]["until"]
    first = story.ask("--who-created", "nb")
    assert f"ended at {until[:19]}Z" in ends(first.stdout)[0] and "More instances" not in first.stdout
    cursor, = re.findall("There are newer ones: ask again with --before ([0-9]+)\n", first.stdout)
    second = story.tell("nb", "--before", cursor)
    assert ends(second) == ends(first.stdout) and "There are" not in second
    assert [len(re.findall(" asked for by ", text)) for text in (first.stdout, second)] == [1000, 101]
    assert story.ids("nb") + story.ids("nb", "--before", cursor) == list(range(1, 1102))


def test_pages_are_the_same_in_every_format(story):
    grant(story)
    seen, cursor = [], []
    while cursor is not None:
        text = story.tell("grant", "--limit", "1", *cursor)
        asked = story.ask("--who-created", "grant", "--limit", "1", "--json", *cursor)
        seen += story.ids("grant", "--limit", "1", *cursor)
        assert len(re.findall(" asked for by ", text)) == 1
        more = re.findall("--before ([0-9]+)", text)
        assert more == re.findall("--before ([0-9]+)", asked.stderr)
        cursor = ["--before", more[0]] if more else None
    assert seen == [1, 2, 3]


def test_a_name_of_many_instances(story):
    """The newest twenty, in every format, and it is said that there are more."""
    for number in range(1, 24):
        story.ask_for(number, outcome="created", instance={"name": "nb"}, told={"id": f"DE-{number}"})
    story.write()
    text = story.tell("nb")
    assert re.findall("Instance (.*)", text) == [f"DE-{number}" for number in range(23, 3, -1)]
    assert text.endswith("\nMore instances have this name: ask for one by its id.\n")
    assert story.ids("nb") == list(range(4, 24))
    assert "More instances have this name" in story.ask("--who-created", "nb", "--json").stderr


def test_a_word_that_plays_with_the_terminal_is_written_out(story):
    story.write()
    assert story.tell("x\x1b[31m") == 'The journal has no line of an instance "x\\x1b[31m".\n'


def test_a_long_name_is_found_in_the_list_that_cuts_it(story):
    """Checkpoints keep 256 bytes of a name."""
    name = "ä" + "long" * 75
    story.ask_for(1, outcome="unknown", instance={"name": name})
    story.write()
    assert [row["state"] for row in story.open("--instance", name)] == ["unknown"]
    assert ends(story.tell(name)) == ["Now: nobody knows whether it was created (asked for at 2026-03-01T10:01:00Z)."]
    assert story.open("--instance", "b" + name) == []


def test_nothing_stands_where_nothing_is(story):
    story.ask_for(1, outcome="created", instance={"name": "nb"}, told={"id": "DE-1"},
                  credential={"kind": "none", "verified": "none"}, reasons=[{"code": "request.malformed", "message": "no"}])
    story.write()
    text = story.tell("nb")
    assert "  credential  none, verified: none\n" in text and "  reason      request.malformed: no\n" in text, text


def test_a_story_of_a_damaged_journal_says_so(story):
    grant(story)
    path = story.folder / f"{1:020d}.jsonl"
    path.write_bytes(path.read_bytes() + b"garbage\n")
    for form in ([], ["--json"], ["--csv"]):
        done = story.ask("--who-created", "grant", *form)
        assert "may be told wrong" in done.stderr and "DE-1" in done.stdout, done
        assert ("The journal is damaged" in done.stdout) == (form == []), done
