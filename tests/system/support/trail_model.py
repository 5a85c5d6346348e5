# SPDX-License-Identifier: Apache-2.0
"""What a question to a journal is answered with, by reading all of its lines: docs/audit.md and docs/journal.md in
Python, without an index."""

import datetime
import json

from support.fold import Fold

PARTS = {"intent": "request", "refusal": "request", "orphan": "request", "outcome": "outcome", "settled": "settled"}
RUNS = ("create", "start")
CSV = ("time", "seq", "id", "event", "user_id", "user_name", "project", "operation", "class", "instance_id",
       "instance_name", "flavor", "auto_stop_s", "decision", "outcome", "reasons", "policies", "exceptions", "client",
       "place")
COUNTS = ("asked", "allowed", "rewritten", "refused", "created", "run_s")
GLOBS = ("user", "project", "flavor", "operation", "reason", "policy")


def micros(text):
    """Of a time, a date, or nothing that is one."""
    form = "%Y-%m-%dT%H:%M:%S.%fZ" if "." in text else "%Y-%m-%dT%H:%M:%SZ" if "T" in text else "%Y-%m-%d"
    moment = datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc)
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)


def like(pattern, text):
    """`*` stands for any run of characters."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    if not text.startswith(first):
        return False
    at = len(first)
    for part in rest[:-1]:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return len(text) - at >= len(rest[-1]) and text.endswith(rest[-1])


class Exchange:
    """All lines of one id that are left: rows is [(line, raw, segment)]."""

    def __init__(self, rows):
        self.rows = rows
        self.first, self.segment = rows[0][0], rows[0][2]
        self.seq = self.first["seq"]
        self.time = micros(self.first["time"])
        user = next((line["user"] for line, *_ in rows if any(line.get("user", {}).get(k) for k in ("id", "name"))), {})
        self.user_id, self.user_name = user.get("id") or None, user.get("name") or None
        self.user_domain = None if self.user_id else user.get("domain") or None  # tells names apart
        self.reasons = self._list("reasons", lambda reason: reason.get("code"))
        self.policies, self.exceptions = self._list("policies"), self._list("exceptions")
        outcomes = [line["outcome"] for line, *_ in rows if line.get("outcome")]
        self.outcome = next((word for word in outcomes if word != "unknown"), outcomes[0] if outcomes else None)
        self.gone = any(line.get("error") == "gone" for line, *_ in rows)
        run = [line["instance"]["auto_stop_s"] for line, *_ in rows if "auto_stop_s" in line.get("instance", {})]
        self.auto_stop_s = run[0] if run else None
        self.count = next((line["count"] for line, *_ in rows if line.get("count")), None)

    def _list(self, name, of=lambda element: element):
        return next((found for line, *_ in self.rows
                     if (found := [text for text in map(of, line.get(name, [])) if text])), [])

    def said(self, name):
        """The first line that says it."""
        return next((line[name] for line, *_ in self.rows if line.get(name)), None)

    def of_instance(self, name):
        return next((line["instance"][name] for line, *_ in self.rows if line.get("instance", {}).get(name)), None)

    def json(self):
        parts = {"request": [], "outcome": [], "settled": []}
        for line, raw, _ in self.rows:
            parts[PARTS[line["event"]]].append(raw)
        out = [b'"%s":%s' % (name.encode(), parts[name][0]) for name in ("request", "outcome") if parts[name]]
        if parts["settled"]:
            out.append(b'"settled":[' + b",".join(parts["settled"]) + b"]")
        return (b"{" + b",".join(out) + b"}").decode()

    def places(self):
        """Of its lines, as they are told."""
        order = ("request", "outcome", "settled")
        rows = sorted(self.rows, key=lambda row: (order.index(PARTS[row[0]["event"]]), row[0]["seq"]))
        return [f"{segment:020d}.jsonl:{line['seq'] - segment + 1}" for line, _, segment in rows]

    def matches(self, asked):
        words = {"user": [self.user_id, self.user_name], "project": [self.said("project")],
                 "flavor": [self.of_instance("flavor")], "operation": [self.said("operation")],
                 "class": [self.said("class")], "decision": [self.said("decision")], "outcome": [self.outcome],
                 "reason": self.reasons, "policy": self.policies}
        for name, wanted in asked.items():
            if name == "from" and self.time < micros(wanted) or name == "until" and self.time >= micros(wanted):
                return False
            if name in words and not any(text and (like(wanted, text) if name in GLOBS else wanted == text)
                                         for text in words[name]):
                return False
            if name == "instance":
                ours = self.of_instance("name")
                if not (ours and like(wanted, ours) or "*" not in wanted and wanted == self.of_instance("id")):
                    return False
        return True

    def cells(self):
        """Of the table."""
        decision = "orphan" if self.first["event"] == "orphan" else self.said("decision")
        return [self.first["time"][:19] + "Z", self.user_name or self.user_id, self.said("operation"),
                self.of_instance("flavor"), self.of_instance("name") or self.of_instance("id"), decision,
                "gone" if self.gone else self.outcome, " ".join(self.reasons) or None]

    def csv(self):
        values = [self.first["time"], self.seq, self.first.get("id"), self.first["event"], self.user_id, self.user_name,
                  self.said("project"), self.said("operation"), self.said("class"), self.of_instance("id"),
                  self.of_instance("name"), self.of_instance("flavor"), self.auto_stop_s, self.said("decision"),
                  self.outcome, " ".join(self.reasons), " ".join(self.policies), " ".join(self.exceptions),
                  self.said("client"), f"{self.segment:020d}.jsonl:{self.seq - self.segment + 1}"]
        return dict(zip(CSV, map(defused, values)))

    def counts(self):
        decision = self.said("decision")
        many = max(self.count or 1, 1) if decision else self.count or 0
        runs = self.said("class") in RUNS or self.said("operation") == "notebooks.lease"
        came = self.outcome in ("created", "done")
        return {"asked": many, "allowed": int(decision == "allow"), "rewritten": int(decision == "rewrite"),
                "refused": many if decision in ("refuse", None) else 0, "created": int(self.outcome == "created"),
                "run_s": (self.auto_stop_s or 0) if runs and came else 0}

    def keys(self, by):
        """Of the groups that it is in: one of each different policy and reason. A user is two of them: id or name, domain."""
        rows = [()]
        for name in [part for name in by for part in ([name, "domain"] if name == "user" else [name])]:
            values = {"user": [self.user_id or self.user_name], "domain": [self.user_domain], "flavor": [self.of_instance("flavor")],
                      "project": [self.said("project")], "operation": [self.said("operation")],
                      "policy": sorted(set(self.policies)) or [None], "reason": sorted(set(self.reasons)) or [None],
                      "day": [self.first["time"][:10]]}[name]
            rows = [(*row, value) for row in rows for value in values]
        return rows


def defused(value):
    text = "" if value is None else str(value)
    return "'" + text if text and (text[0] in "=+-@" or text[0] < " ") and not isinstance(value, int) else text


def shown(cell):
    """As a table shows it."""
    return "-" if not cell else "".join(c if c.isprintable() else "".join(f"\\x{b:02x}" for b in c.encode()) for c in cell)


class Model:
    """A folder of segments as it stands now."""

    def __init__(self, folder):
        rows, self.unreadable, self.all = {}, 0, []
        for path in sorted(folder.glob("*.jsonl")):
            for raw in path.read_bytes().split(b"\n")[:-1]:
                try:
                    line = json.loads(raw)
                except ValueError:
                    self.unreadable += 1
                    continue
                self.all.append(line)
                if line["event"] in PARTS:
                    key = line.get("id") or ("alone", line["seq"])
                    rows.setdefault(key, []).append((line, raw, int(path.name[:20])))
        self.exchanges = sorted(map(Exchange, rows.values()), key=lambda exchange: -exchange.seq)

    def query(self, asked):
        return [exchange for exchange in self.exchanges if exchange.matches(asked)]

    def story(self, who, asked):
        """Of that id or name, whatever is asked: the instances, those that were named last first and then those that only
        the last checkpoint names so, up to 20; and what exists. Of it the exchanges that are asked for, oldest first: those
        of the instances, and those of the name that have no instance."""
        named = [x.of_instance("id") for x in self.query({"instance": who})]
        named += [entry.get("instance_id") for entry in self.open({"instance": who})]
        ids = list(dict.fromkeys(filter(None, named)))[:20]

        def ours(instance, name):
            return instance in ids if instance else bool(name) and like(who, name)
        now = [entry for entry in self.open({}) if ours(entry.get("instance_id"), entry.get("instance_name"))]
        told = [x for x in reversed(self.query(asked)) if ours(x.of_instance("id"), x.of_instance("name"))]
        return ids, now, told

    def summary(self, by, asked):
        """{keys: counts}, the total, {user: the name that its newest exchange says}."""
        groups, total, names = {}, dict.fromkeys(COUNTS, 0), {}
        for exchange in self.query(asked):
            counts = exchange.counts()
            total = {name: total[name] + counts[name] for name in COUNTS}
            for keys in exchange.keys(by):
                group = groups.setdefault(keys, dict.fromkeys(COUNTS, 0))
                group.update({name: group[name] + counts[name] for name in COUNTS})
                if exchange.user_name:
                    names.setdefault(keys, exchange.user_name)  # newest first
        return groups, total, names

    def open(self, asked):
        """What exists, newest first."""
        fold, at = Fold(), max(n for n, line in enumerate(self.all) if line["event"] == "checkpoint")
        classes = {name: kind for name, kind in (("create", "create"), ("start", "start"), ("update", "change"),
                                                 ("lease", "change"))}
        for row in self.all[at]["open"]:
            fold.rows[row["id"]] = json.loads(json.dumps(row))
            fold._classes[row["id"]] = classes[row["operation"].split(".")[1]]
        for line in self.all[at + 1:]:
            fold.add(line)
        starts = [row for row in fold.rows.values() if row["state"] in ("spent", "unknown")
                  and row["operation"].split(".")[1] in ("start", "lease") and "auto_stop_s" in row.get("instance", {})]
        found = []
        for row in fold.rows.values():
            if row["state"] != "spent" and (row["operation"].endswith(".create") or row["state"] == "existing"):
                entry = self._entry(row, starts)
                if self._wanted(entry, row["operation"], asked):
                    found.append(entry)
        return sorted(found, key=lambda entry: (-micros(entry["since"]), entry["id"]))

    @staticmethod
    def _entry(row, starts):
        instance, user = row.get("instance", {}), row.get("user", {})
        start, run = micros(row["time"]), instance.get("auto_stop_s")
        later = [(micros(other["time"]), other["instance"]["auto_stop_s"]) for other in starts
                 if instance.get("id") and other["instance"].get("id") == instance["id"] and micros(other["time"]) > start]
        if later:
            start, run = max(later)
        until = None if run is None else datetime.datetime.fromtimestamp(start // 1_000_000 + run, datetime.timezone.utc)
        entry = {"since": row["time"], "user_id": user.get("id"), "user_name": user.get("name"),
                 "project": row.get("project"), "flavor": instance.get("flavor"), "instance_id": instance.get("id"),
                 "instance_name": instance.get("name"), "state": "orphan" if row.get("orphan") else row["state"],
                 "until": until and f"{until:%Y-%m-%dT%H:%M:%S}.{start % 1_000_000:06d}Z", "id": row["id"]}
        cut = {name: value.encode()[:256].decode(errors="ignore") for name, value in entry.items() if value is not None}
        return cut

    @staticmethod
    def _wanted(entry, operation, asked):
        words = {"user": ("user_id", "user_name"), "project": ("project",), "flavor": ("flavor",)}
        for name, wanted in asked.items():
            if name in words and not any(name in entry and like(wanted, entry[name]) for name in words[name]):
                return False
            if name == "operation" and not like(wanted, operation):
                return False
            if name == "instance" and not ("instance_name" in entry and like(wanted, entry["instance_name"])
                                           or "*" not in wanted and wanted == entry.get("instance_id")):
                return False
            if name == "from" and micros(entry["since"]) < micros(wanted):
                return False
            if name == "until" and micros(entry["since"]) >= micros(wanted):
                return False
        return True
