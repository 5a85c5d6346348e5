# SPDX-License-Identifier: Apache-2.0
"""An independent reader of the journal: verifies the chain, the order of members, and one outcome per intent."""

import hashlib
import json
import pathlib
import re

MEMBERS = ("v seq prev time event id operation class method path project user credential client request_id instance "
           "decision would policies exceptions reasons edits policy_set request_sha256 reservation outcome status "
           "error_code upstream_request_id duration_us actor error count durability request query stored redacted head "
           "key signature open").split()
INNER = {
    "user": "id name domain roles groups domain_id project_name".split(),
    "credential": "kind digest verified".split(),
    "instance": "id name flavor workspace pool profile storage auto_stop_s".split(),
    "would": "decision reasons edits".split(),
    "reasons": "code policy rule at message".split(),
    "edits": "op path old new policy".split(),
    "open": "id time project user instance state operation orphan".split(),
}
EVENTS = set("refusal intent outcome settled policy start stop checkpoint seal orphan admin".split())
OUTCOMES = set("created done failed unknown refused".split())
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
_ID = re.compile(r"[0-9a-f]{32}\Z")
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_SEGMENT = re.compile(r"\d{20}\.jsonl\Z")


def _object(pairs):
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), f"a member stands twice: {names}"
    return dict(pairs)


def _check_order(names, order, where):
    unknown = [name for name in names if name not in order]
    assert not unknown, f"{where}: unknown members {unknown}"
    places = [order.index(name) for name in names]
    assert places == sorted(places), f"{where}: members out of order: {list(names)}"


def _check_inner(line, where):
    for name, order in INNER.items():
        if name not in line:
            continue
        rows = line[name] if isinstance(line[name], list) else [line[name]]
        for row in rows:
            _check_order(row, order, f"{where}: {name}")
    if "would" in line:
        for name in ("reasons", "edits"):
            for row in line["would"].get(name, []):
                _check_order(row, INNER[name], f"{where}: would.{name}")


NO_OPERATION = ("path.ambiguous", "path.too_long", "route.unknown", "http.upgrade")


def _check_line(line, where):
    _check_order(line, MEMBERS, where)
    _check_inner(line, where)
    assert line["v"] == 1, where
    assert line["event"] in EVENTS, where
    assert _TIME.match(line["time"]), where
    if "id" in line:
        assert _ID.match(line["id"]), where
    for name in ("policy_set", "request_sha256"):
        assert name not in line or _HEX.match(line[name]), where
    if line["event"] in ("intent", "outcome", "refusal") and "count" not in line:
        assert "id" in line, where
        # A path that is no operation's is refused before it could have one.
        assert ("operation" in line and "class" in line) or line["reasons"][0]["code"] in NO_OPERATION, where
    if line["event"] == "outcome":
        assert line["outcome"] in OUTCOMES, where


class Journal:
    """All lines of all segments in order. Reading asserts everything that holds for every journal. failing_disk: an
    outcome `refused` may stand there without its intent, which was not written when the disk failed. growing: its
    gateway runs, and what a reader sees of a line that is just being written is left out."""

    def __init__(self, folder, failing_disk=False, growing=False):
        self.folder = pathlib.Path(folder)
        self.failing_disk = failing_disk
        self.growing = growing
        self.segments = sorted(p for p in self.folder.iterdir() if _SEGMENT.match(p.name))
        self.lines = []
        before = "0" * 64
        for segment in self.segments:
            before = self._read(segment, before)
        self._check_outcomes()

    def _read(self, segment, before):
        data = segment.read_bytes()
        *complete, rest = data.split(b"\n")
        may_grow = self.growing and segment == self.segments[-1]
        assert rest == b"" or may_grow, f"{segment.name}: unterminated last line {rest[:100]!r}"
        assert complete or may_grow, f"{segment.name}: no line"
        for number, raw in enumerate(complete, 1):
            where = f"{segment.name}:{number}"
            line = json.loads(raw, object_pairs_hook=_object)
            _check_line(line, where)
            assert line["prev"] == before, f"{where}: the chain is broken"
            assert line["seq"] == len(self.lines) + 1, f"{where}: seq {line['seq']} behind {len(self.lines)}"
            if number == 1:
                assert segment.name == f"{line['seq']:020d}.jsonl", where
            before = hashlib.sha256(raw).hexdigest()
            self.lines.append(line)
        return before

    def _check_outcomes(self):
        """Every intent has at most one outcome (exactly one once nothing is under way), which repeats the operation."""
        intents = {}
        for line in self.lines:
            if line["event"] == "intent":
                assert line["id"] not in intents, f"two intents of {line['id']}"
                intents[line["id"]] = [line]
            elif line["event"] == "outcome" and line["class"] in ("create", "change", "start", "mount"):
                if self.failing_disk and line["outcome"] == "refused":
                    intents.setdefault(line["id"], [line])
                assert line["id"] in intents, f"an outcome without intent: {line}"
                intents[line["id"]].append(line)
                assert len(intents[line["id"]]) == 2, f"two outcomes of {line['id']}"
                for name in ("operation", "class"):
                    assert line[name] == intents[line["id"]][0][name]
        self.open = [lines[0] for lines in intents.values() if len(lines) == 1]

    def assert_settled(self):
        assert not self.open, f"intents without outcome: {self.open}"

    def events(self, *names, **members):
        return [line for line in self.lines
                if line["event"] in names and all(line.get(k) == v for k, v in members.items())]

    def of(self, exchange_id):
        return [line for line in self.lines if line.get("id") == exchange_id]

    def raw(self):
        return b"".join(segment.read_bytes() for segment in self.segments)
