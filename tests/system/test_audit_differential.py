# SPDX-License-Identifier: Apache-2.0
"""Questions to random journals, held against a reading of all lines by a program of its own (support/trail_model.py):
filters, the table, --json, --csv, pages, --open and summaries; also when lines came, segments went, and the index is not
as it was."""

import csv
import datetime
import hashlib
import io
import json
import random
import shutil
import sqlite3
import subprocess

import pytest

from support.fold import Fold
from support.process import environment
from support.trail_model import COUNTS, Model, defused, micros, shown
from support.written import raw

TEXTS = ["alice", "al%", "al_ce", "a'li\"ce", "ali", "", "al\u2028ice", "al\u202eice", "n\0ul", "\U0001f680 rocket", "=cmd|x", "-1",
         "m\nalice", "m\x1falice", "a b,c", "x[y]?z", "\\x00", "é", "e\u0301", "long" * 700, "\x1b[31m", "DE-0001", "u-1", "NULL"]
FLAVORS = ["modelarts.vm.cpu.2u", "modelarts.vm.gpu.v100", "modelarts.vm.gpu.a100", "v100", "gpu.%"]
PROJECTS = ["0123456789abcdef0123456789abcdef", "p_1", "p%1"]
POLICIES = ["team-a", "team-b", "all", "te_m-a", "team-a b"]
REASONS = ["flavor.not_allowed", "quota.instances", "quota.hours", "name.required"]
OPERATIONS = [("demanager.create", "create"), ("notebooks.create", "create"), ("demanager.start", "start"),
              ("notebooks.start", "start"), ("notebooks.lease", "change"), ("demanager.update", "change"),
              ("demanager.delete", "release"), ("demanager.list", "read"), ("other", "other")]
OUTCOMES = ["created", "done", "failed", "unknown", "refused"]
FIRST = micros("2026-02-27T20:00:00Z")
NOTHING = ("Now: it is gone.", "Now: by the journal no such instance exists.", "Now: by the journal nothing of it exists.")


class Writer:
    """Makes lines up, each in the chain; segments begin with the checkpoint that belongs there."""

    def __init__(self, folder, seed):
        self.random, self.folder, self.seq, self.prev = random.Random(seed), folder, 0, "0" * 64
        self.fold, self.pending, self.instances, self.path = Fold(), [], [], None
        self.now = FIRST
        folder.mkdir(mode=0o700)
        self.users = [{"id": f"u-{n % 7}", "name": self.random.choice(TEXTS), "domain": "d"} for n in range(10)]
        self.users += [{"id": "u-1"}, {"name": "u-2"}, {"id": "", "name": ""}, {"name": "DE-0001"}]
        self.users += [{"name": "alice", "domain": domain} for domain in ("d", "x", "alice")]

    def time(self):
        self.now += self.random.choice((0, 0, 1, 900_000, 7_000_000, 3_600_000_000, -40_000_000))
        moment = datetime.datetime.fromtimestamp(self.now // 1_000_000, datetime.timezone.utc)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{self.now % 1_000_000:06d}Z"

    def line(self, event, **members):
        self.seq += 1
        line = {"v": 1, "seq": self.seq, "prev": self.prev, "time": self.time(), "event": event, **members}
        line = {name: value for name, value in line.items() if value is not None}
        text = raw(line)
        self.prev = hashlib.sha256(text).hexdigest()
        with self.path.open("ab") as file:
            file.write(text + b"\n")
        self.fold.add(line)
        return line

    def segment(self):
        self.path = self.folder / f"{self.seq + 1:020d}.jsonl"
        self.line("checkpoint", open=list(self.fold.rows.values()))

    def rubbish(self):
        with self.path.open("ab") as file:
            file.write(b"\xff{ no line\n")

    def identity(self):
        pick, chance = self.random.choice, self.random.random
        return {"project": pick([*PROJECTS, None]), "user": pick([*self.users, None]),
                "credential": {"kind": "token", "digest": "0" * 12, "verified": "iam"}, "client": pick(["1.2.3.4:5", None]),
                "request_id": "r" if chance() < .2 else None}

    def judged(self, decision):
        pick, chance = self.random.choice, self.random.random
        some = lambda of: self.random.sample(of, pick((0, 1, 1, 2)))  # noqa: E731
        why = [{"code": code, "policy": "p", "rule": "r", "at": "f:1:1", "message": "m"} for code in some(REASONS)]
        return {"decision": decision, "would": {"decision": "refuse", "reasons": [{"code": "quota.hours"}]} if chance() < .2 else None,
                "policies": some(POLICIES) + ["all"] * pick((0, 0, 2)), "exceptions": some(["ex-1", "ex 2"]),
                "reasons": why if decision == "refuse" or chance() < .1 else None,
                "policy_set": "f" * 64, "new_member": {"event": "intent", "id": "x"}}

    def instance(self, kind):
        pick, chance = self.random.choice, self.random.random
        made = {} if kind == "create" else {"id": pick(self.instances or ["DE-0001"])}
        if chance() < .8:
            made["name"] = pick(TEXTS)
        if chance() < .8:
            made["flavor"] = pick(FLAVORS)
        if chance() < .7:
            made["auto_stop_s"] = pick((0, 1, 3600, 5400, 86_400))
        return made

    def step(self):
        pick, chance = self.random.choice, self.random.random()
        operation, kind = pick(OPERATIONS)
        ours = {"id": f"{self.random.getrandbits(128):032x}", "operation": operation, "class": kind}
        if chance < .35 and kind in ("create", "start", "change"):
            self.line("intent", **ours, **self.identity(), instance=self.instance(kind), **self.judged(pick(("allow", "rewrite"))))
            self.pending.append(ours)
        elif chance < .5:
            self.line("refusal", **ours, **self.identity(), instance=self.instance(kind), **self.judged("refuse"),
                      count=pick((None, None, 7)))
        elif chance < .55:
            self.line("refusal", count=pick((1, 3, 1000)))
        elif chance < .8 and self.pending:
            self.outcome(self.pending.pop(self.random.randrange(len(self.pending))))
        elif chance < .85:
            self.line("outcome", **{**ours, "operation": "demanager.delete", "class": "release"}, **self.identity(),
                      instance={"id": pick(self.instances or ["DE-9"])}, outcome=pick(("done", "failed")), status=200)
        elif chance < .9:
            self.orphan({**ours, "operation": "demanager.create", "class": "create"})
        elif chance < .95:
            self.settle()
        else:
            self.line(pick(("policy", "start", "stop", "admin", "tomorrow")), actor="uid:0", user={"id": "u-1"}, outcome="created")

    def outcome(self, ours):
        word = self.random.choice([word for word in OUTCOMES if word != ("done" if ours["class"] == "create" else "created")])
        instance = None
        if word == "created":
            instance = {"id": f"DE-{len(self.instances):04d}"}
            self.instances.append(instance["id"])
        self.line("outcome", **ours, outcome=word, instance=instance, status=200, duration_us=5)

    def orphan(self, ours):
        instance = {"id": f"DE-{len(self.instances):04d}", "name": self.random.choice(TEXTS), "flavor": "v100", "pool": ""}
        self.instances.append(instance["id"])
        self.line("orphan", **ours, project=PROJECTS[0], user={"id": "u-3"}, instance=instance)

    def settle(self):
        rows = [row for row in self.fold.rows.values() if row["state"] in ("unknown", "existing")]
        if not rows:
            return
        row = self.random.choice(rows)
        create = row["operation"].endswith("create")
        word = self.random.choice(("created", "failed", "done") if create else ("failed", "done"))
        instance = {"id": row.get("instance", {}).get("id") or "DE-new", "name": "listed", "flavor": self.random.choice(FLAVORS)}
        self.line("settled", id=row["id"], operation=row["operation"], **{"class": self.fold._classes[row["id"]]},
                  project=PROJECTS[0], user={"id": "u-9", "name": "lister"}, instance=instance, outcome=word,
                  error="gone" if word == "done" and create else None)


class Desk:
    """Asks, and says what is wrong with an answer."""

    def __init__(self, program, folder, seed):
        self.binary, self.folder, self.random = str(program("postern")), folder, random.Random(seed)

    def ask(self, *args):
        done = subprocess.run([self.binary, "audit", args[0], "--journal", str(self.folder), *args[1:]], capture_output=True,
                              timeout=60, env=environment(), check=False)
        assert done.returncode == 0, (args, done.stderr.decode())
        assert (b"can't be read" in done.stderr) == (self.model.unreadable > 0 and "--open" not in args), done.stderr
        return done.stdout.decode(), done.stderr.decode()

    def look(self):
        self.model = Model(self.folder)

    def word(self, values):
        """A value as it is, or with a star somewhere."""
        text = self.random.choice([value for value in values if value] or ["nobody"])
        pattern = self.random.random() < .5 or "\0" in text
        if pattern:
            start, end = sorted(self.random.randint(0, min(len(text), 300)) for _ in range(2))
            text = self.random.choice(("*", "")) + text[:start] + "*" + text[end:][-300:]
        text = text.replace("\0", "*")
        return text if len(text.encode()) <= 1024 else text[:200] + "*"

    def question(self, names):
        """Up to three filters."""
        of = {"user": lambda x: self.word([x.user_id, x.user_name]), "project": lambda x: self.word([x.said("project")]),
              "flavor": lambda x: self.word([x.of_instance("flavor")]),
              "instance": lambda x: self.word([x.of_instance("name")]) if self.random.random() < .6 else x.of_instance("id") or "DE-0001",
              "operation": lambda x: x.said("operation") or "other", "class": lambda x: x.said("class") or "create",
              "decision": lambda x: x.said("decision") or "allow", "outcome": lambda x: x.outcome or "unknown",
              "reason": lambda x: self.word(x.reasons), "policy": lambda x: self.word(x.policies),
              "from": lambda x: x.first["time"], "until": lambda x: x.first["time"]}
        asked = {}
        for name in self.random.sample(names, self.random.choice((0, 1, 1, 2, 3))):
            asked[name] = of[name](self.random.choice(self.model.exchanges))
        if "*" in asked.get("operation", "*") or self.random.random() < .3:
            asked.pop("operation", None)
        if "from" in asked and "until" in asked and micros(asked["from"]) >= micros(asked["until"]):
            del asked["from"]
        return asked

    @staticmethod
    def options(asked):
        return [f"--{name}={value}" for name, value in asked.items()]

    def check_query(self, asked):
        options, want = self.options(asked), self.model.query(asked)
        lines = [exchange.json() for exchange in want]
        assert self.ask("query", "--limit=100000", "--json", *options)[0].split("\n")[:-1] == lines, asked
        out = self.ask("query", "--limit=100000", "--csv", *options)[0]
        assert list(csv.DictReader(io.StringIO(out, newline=""))) == [exchange.csv() for exchange in want], asked
        rows = self.ask("query", "--limit=100000", *options)[0].split("\n")[1:-1]
        assert [row.split() for row in rows] == [" ".join(map(shown, exchange.cells())).split() for exchange in want], asked

    def check_summary(self, asked, by):
        groups, total, names = self.model.summary(by, asked)
        told = [part for name in by for part in ([name, "user_domain"] if name == "user" else [name])]
        out, _ = self.ask("summary", "--by", ",".join(by), "--json", *self.options(asked))
        *rows, end = [json.loads(line) for line in out.split("\n")[:-1]]
        assert end.pop("total") and end.pop("hours") == total["run_s"] * 10 // 3600 / 10 and end == total, (asked, by)
        found = {tuple(row.get(name) for name in told): {name: row[name] for name in COUNTS} for row in rows}
        assert found == groups and len(rows) == len(groups), (asked, by)
        assert [(-row["run_s"], -row["asked"]) for row in rows] == sorted((-row["run_s"], -row["asked"]) for row in rows)
        if "user" in by:
            assert {tuple(row.get(name) for name in told): row["user_name"] for row in rows if "user_name" in row} == names
        out, _ = self.ask("summary", "--by", ",".join(by), "--csv", *self.options(asked))
        heads = ["user_id" if name == "user" else name for name in told]
        table = [tuple(row[name] for name in heads) for row in csv.DictReader(io.StringIO(out, newline=""))]
        assert sorted(table[:-1]) == sorted(tuple(map(defused, keys)) for keys in groups)

    def check_open(self, asked):
        want = self.model.open(asked)
        out, _ = self.ask("query", "--open", "--json", *self.options(asked))
        assert [json.loads(line) for line in out.split("\n")[:-1]] == want, asked

    def check_story(self):
        names = [name for x in self.model.exchanges for name in (x.of_instance("id"), x.of_instance("name"))
                 if name and "\0" not in name and len(name) < 1000]
        who = self.random.choice(names)
        asked = self.question(["user", "project", "flavor", "operation", "class", "decision", "outcome", "reason", "policy", "from", "until"])
        ids, now, told = self.model.story(who, asked)
        ask = lambda *args: self.ask("query", f"--who-created={who}", *self.options(asked), *args)[0]  # noqa: E731
        assert ask("--json", "--limit=100000").split("\n")[:-1] == [x.json() for x in told], (who, asked)
        assert list(csv.DictReader(io.StringIO(ask("--csv", "--limit=100000"), newline=""))) == [x.csv() for x in told], (who, asked)
        out = ask("--limit=100000").split("\n")
        assert [row for row in out if row.startswith("Instance ")] == [f"Instance {ours}" for ours in ids], who
        parts = [[x for x in told if x.of_instance("id") == ours] for ours in [*ids, None]]
        assert [row.split()[1] for row in out if row.startswith("  line ")] == [place for part in parts for x in part for place in x.places()]
        ends = [self.end(entry) for ours in [*ids, None] for entry in now if entry.get("instance_id") == ours]
        assert [row for row in out if row.startswith("Now: ") and row not in NOTHING] == ends, (who, asked)

    @staticmethod
    def end(entry):
        """How a story says what `--open` lists."""
        if entry["state"] in ("unknown", "reserved"):
            said = "nobody knows whether it was created" if entry["state"] == "unknown" else "its create is under way"
            return f"Now: {said} (asked for at {entry['since'][:19]}Z)."
        if "until" not in entry:
            return "Now: it exists by the journal; nothing that the journal knows stops it after a time."
        until = entry["until"][:19] + "Z"
        if micros(entry["until"]) < datetime.datetime.now().timestamp() * 1_000_000:
            return f"Now: it exists by the journal; its last known start ended at {until} at the latest: it was stopped, or started again since."
        return f"Now: it exists by the journal; by its last known start it is stopped at {until} at the latest."

    def check_pages(self, asked, between=lambda: None):
        """Nothing twice, and all that isn't retired meanwhile."""
        before, seen, cursor = self.model, [], []
        while True:
            out, said = self.ask("query", "--json", f"--limit={self.random.choice((1, 7, 25))}", *self.options(asked), *cursor)
            seen += out.split("\n")[:-1]
            if "--before " not in said:
                break
            cursor = ["--before", said.split("--before ")[1].split()[0]]
            between()
        first = int(sorted(self.folder.glob("*.jsonl"))[0].name[:20])
        want = {x.seq: x.first.get("id") for x in before.query(asked) if x.seq >= first}
        ours = [next(iter(json.loads(line).values())) for line in seen]
        lines = [line[0] if isinstance(line, list) else line for line in ours]
        ids = [line["id"] for line in lines if "id" in line]
        assert len(ids) == len(set(ids)), "none of them twice"
        assert [line["seq"] for line in lines if line["seq"] in want] == list(want)
        self.look()

    def check_some(self, count):
        for _ in range(count):
            self.check_query(self.question(["user", "project", "flavor", "instance", "operation", "class", "decision", "outcome",
                                            "reason", "policy", "from", "until"]))
            by = self.random.sample(["user", "flavor", "project", "operation", "policy", "reason", "day"], self.random.choice((1, 1, 2, 3, 7)))
            self.check_summary(self.question(["user", "instance", "decision", "outcome", "from", "policy"]), by)
        for _ in range(count):
            self.check_story()
        self.check_open(self.question(["user", "project", "flavor", "instance", "from", "until"]))


@pytest.fixture
def made(program, tmp_path):
    def make(seed, steps=60, segments=3):
        writer = Writer(tmp_path / "journal", seed)
        for number in range(segments):
            writer.segment()
            for _ in range(steps):
                writer.step()
            if number == 0 and seed % 2:
                writer.rubbish()
        desk = Desk(program, writer.folder, seed)
        desk.look()
        return writer, desk
    return make


@pytest.mark.parametrize("seed", range(3))
def test_answers_are_those_of_the_lines(made, seed):
    writer, desk = made(seed)
    desk.check_query({})
    desk.check_open({})
    desk.check_some(3)
    for _ in range(30):
        writer.step()
    desk.look()
    desk.check_some(2)
    sorted(writer.folder.glob("*.jsonl"))[0].unlink()
    desk.look()
    desk.check_query({})
    desk.check_some(2)


@pytest.mark.parametrize("seed", (11, 12))
def test_pages_while_lines_come_and_segments_go(made, seed):
    writer, desk = made(seed)
    turns = iter(range(1000))

    def between():
        turn = next(turns)
        if turn % 3 == 1:
            writer.segment()
        for _ in range(5):
            writer.step()
        if turn == 4:
            sorted(writer.folder.glob("*.jsonl"))[0].unlink()
            desk.look()
    desk.check_pages({})
    desk.check_pages({"operation": "demanager.create"}, between)
    desk.check_pages({}, between)
    desk.check_query({})


def test_periods_of_many_lines(made):
    """More than one row of times in the index, and the lines out of the order of their times."""
    _, desk = made(21, 1500, 3)
    for _ in range(3):
        times = sorted(micros(x.first["time"]) for x in desk.random.sample(desk.model.exchanges, 2))
        asked = {"from": desk.model.exchanges[desk.random.randrange(len(desk.model.exchanges))].first["time"]}
        desk.check_query(asked if times[0] % 2 else {"until": asked["from"]})
        desk.check_summary(asked, ["day", "user"])


def flip(desk, index):
    """Some bits, in one page or everywhere."""
    content = bytearray(index.read_bytes())
    for _ in range(desk.random.choice((1, 5, 200))):
        content[desk.random.randrange(len(content))] ^= 1 << desk.random.randrange(8)
    index.write_bytes(content)


def test_an_index_that_is_not_as_it_was(made, tmp_path):
    """Older, of another journal, of another version, cut, of rubbish: the answer is the same."""
    writer, desk = made(31)
    index = tmp_path / "journal.index"
    desk.check_query({})
    older = index.read_bytes()
    other = tmp_path / "other"
    shutil.copytree(writer.folder, other)
    for _ in range(40):
        writer.step()
    desk.look()
    desk.check_query({})

    def version(content):
        base = sqlite3.connect(content)
        base.execute("PRAGMA user_version = 1")
        base.close()

    def without_rows(content):
        base = sqlite3.connect(content)
        base.execute("DROP TABLE settled")
        base.commit()
        base.close()

    def anothers(content):
        path = sorted(other.glob("*.jsonl"))[-1]
        path.write_bytes(path.read_bytes().replace(b'"allow"', b'"ALLOW"'))
        subprocess.run([desk.binary, "audit", "query", "--journal", str(other)], check=True, capture_output=True)
        shutil.copy(tmp_path / "other.index", content)

    now = index.read_bytes()
    for spoil in (lambda path: path.write_bytes(older), lambda path: path.unlink(), version, without_rows, anothers,
                  lambda path: path.write_bytes(b""), lambda path: path.write_bytes(now[:len(now) // 2]),
                  lambda path: path.write_bytes(now[:4096 * 3]), lambda path: path.write_bytes(b"\xff" * len(now))):
        index.write_bytes(now)
        spoil(index)
        desk.check_query({})
        desk.check_query({"user": "*a*", "class": "create"})


def test_flipped_bits_of_an_index_invent_nothing(made, tmp_path):
    """What is found is held against the journal's own lines, so that no answer has what doesn't belong there; and an
    index made anew has all of it."""
    _, desk = made(41)
    index = tmp_path / "journal.index"
    desk.check_query({})
    well = index.read_bytes()
    for _ in range(25):
        index.write_bytes(well)
        flip(desk, index)
        asked = desk.question(["user", "project", "flavor", "instance", "decision", "outcome", "policy", "reason", "from", "until"])
        found = desk.ask("query", "--limit=100000", "--json", *desk.options(asked))[0].split("\n")[:-1]
        assert set(found) <= {exchange.json() for exchange in desk.model.query(asked)}, asked
    index.unlink()
    desk.check_query({})


@pytest.mark.parametrize("change", ["user = (SELECT user FROM exchange WHERE user IS NOT NULL AND user != e.user LIMIT 1)",
                                    "outcome = NULL", "time = time + 86400000000", "name = name || 'x'", "decision = NULL",
                                    "offset = offset + 7", "offset = 1 << 40", "outcome_seq = outcome_seq + 1", "instance = instance + 1",
                                    "outcome_offset = 0", "policies = reasons", "seq = seq + 100000"])
def test_an_index_that_says_what_no_line_says(change, made, tmp_path):
    """Somebody, or a bit, changed a row: no answer has what doesn't belong there; what the lines contradict makes the
    index anew."""
    _, desk = made(51)
    index = tmp_path / "journal.index"
    desk.check_query({})
    well = index.read_bytes()
    for asked in ({"user": "*a*", "outcome": "created"}, {"from": "2026-02-28"}, {"instance": "*x"}, {"policy": "*.*"}, {}):
        index.write_bytes(well)
        base = sqlite3.connect(index)
        base.execute(f"UPDATE exchange AS e SET {change}")
        base.commit()
        base.close()
        found = desk.ask("query", "--limit=100000", "--json", *desk.options(asked))[0].split("\n")[:-1]
        assert set(found) <= {exchange.json() for exchange in desk.model.query(asked)}, (change, asked)
