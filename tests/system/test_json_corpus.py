# SPDX-License-Identifier: Apache-2.0
"""The documents of support/jsoncorpus.py as bodies of judged calls: what has one reading goes to the cloud byte for byte,
what has none or two goes nowhere, and the refusal says where in the body it lies. A second opinion on each document comes
from Python's reader. What the categories are stands in the table's own file."""

import json
import math
import pathlib
import re
import tempfile

import pytest

from support.bodies import ALLOW_ALL, CREATE, NOTEBOOKS, PROJECT, create_body, notebook_body, update_body
from support.contract import check_refusal
from support.gateway import Gateway, Site
from support.jsoncorpus import DEPTH, MEMBERS, ROWS
from support.process import end_all
from support.sim import Cloud
from support.tokens import make_token

OPERATIONS = {
    "demanager.create": ("POST", CREATE, create_body(without=["description"])),
    "demanager.update": ("PUT", f"{CREATE}/DE-00000000-0000-0000-0000-00000000000a", update_body(without=["description"])),
    "notebooks.create": ("POST", NOTEBOOKS, notebook_body(without=["description"])),
}
_PORTABLE = [row for row in ROWS if row.portable]
SAMPLE = _PORTABLE[::len(_PORTABLE) // 60]
_PLACE = re.compile(r": line ([1-9][0-9]*), column ([1-9][0-9]*): [ -~]+\Z")


def by_name(rows):
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


def document_of(row, operation="demanager.create", number=0):
    """The row's bytes as a body of the operation, and where its fault is. number: makes its name one of its own."""
    members = dict(OPERATIONS[operation][2])
    if "name" in members:
        members["name"] = f"nb-{number}"
    return row.document([(name.encode(), json.dumps(value, separators=(",", ":")).encode()) for name, value in members.items()])


# ---- the second opinion ----

def _once(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a member stands twice")
    return dict(pairs)


def _integer(text):
    if not -2**63 <= int(text) < 2**63:
        raise ValueError("beyond 64 bits")
    return int(text)


def _real(text):
    if math.isinf(float(text)):
        raise ValueError("beyond a double")
    return float(text)


def _constant(text):
    raise ValueError(text)


def _check_values(top):
    """Texts, levels and the number of values of what was read."""
    left, count = [(top, 1)], 0
    while left:
        value, depth = left.pop()
        if isinstance(value, str):
            value.encode()  # no half of a surrogate pair
            if "\0" in value:
                raise ValueError("NUL")
        elif isinstance(value, (dict, list)):
            inner = list(value.values()) if isinstance(value, dict) else value
            count += len(inner)
            if depth > DEPTH or count > MEMBERS:
                raise ValueError("too large")
            left += [(item, depth + 1) for item in inner] + [(name, depth + 1) for name in (value if isinstance(value, dict) else ())]


def strictly_read(data):
    """JSON of one reading, as Python sees it; ValueError for all else."""
    top = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_int=_integer, parse_float=_real, parse_constant=_constant)
    if not isinstance(top, (dict, list)):
        raise ValueError("a lone value")
    _check_values(top)


def accepts(read, data):
    try:
        read(data)
    except (ValueError, RecursionError):
        return False
    return True


# What Python says, strictly and as it usually reads (also UTF-16, NaN, half pairs and twins).
OPINIONS = {"valid": (True, True), "shaped": (True, True), "doubtful": (False, True), "broken": (False, False)}


def test_python_reads_them_so():
    documents = {row.name: (row, document_of(row)[0]) for row in ROWS}
    assert len(documents) == len(ROWS) > 300, "each row has a name of its own"
    said = {name: (accepts(strictly_read, data), accepts(json.loads, data)) for name, (_, data) in documents.items()}
    assert said == {row.name: OPINIONS[row.kind] for row in ROWS}


# ---- the gateway ----

class Line:
    """A cloud, a gateway in front of it, and a connection that is kept as long as the gateway keeps it."""

    def __init__(self, cloud, gateway, token):
        self.cloud, self.gateway, self.token, self.client, self.sent = cloud, gateway, token, None, 0

    def send(self, row, operation):
        """The bytes sent, where their fault is, and the answer."""
        method, target, _ = OPERATIONS[operation]
        self.sent += 1
        data, at = document_of(row, operation, self.sent)
        if self.client is None:
            self.client = self.gateway.connect()
        answer = self.client.request(method, target, data, {"X-Auth-Token": self.token})
        if answer.header("Connection") == "close":
            self.close()
        return data, at, answer

    def reached(self):
        """The bodies that reached the cloud since the last time."""
        bodies = [received.raw_body for received in self.cloud.requests()]
        self.cloud.forget()
        return bodies

    def close(self):
        if self.client is not None:
            self.client.close()
        self.client = None


@pytest.fixture(scope="module")
def line(pki, program):
    with tempfile.TemporaryDirectory(prefix="postern-") as folder:
        cloud = Cloud(program("modelarts-sim"), pki, max_instances=0)
        started = [cloud]
        try:
            site = Site(program("postern"), pathlib.Path(folder), cloud.url, pki.ca, ALLOW_ALL,
                        {"requests": {"unknown_fields": "pass"}, "journal": {"durability": "write"}, "log": {"level": "error"}})
            gateway = Gateway(site)
            started.append(gateway)
            kept = Line(cloud, gateway, make_token(user="alice", project=PROJECT, roles=["te_admin"]))
            yield kept
            kept.close()
        finally:
            reports = end_all(started)
        assert not reports, (reports, [process.stderr for process in started])


def check_place(message, data, at):
    """The message ends in line and column, counted in bytes from 1, and a reason; they are those of `at`, unless None."""
    place = _PLACE.search(message)
    assert place is not None, message
    number, column = int(place[1]), int(place[2])
    lines = data.split(b"\n")
    assert number <= len(lines) and column <= len(lines[number - 1]) + 1, message
    if at is not None:
        before = data[:at].split(b"\n")
        assert (number, column) == (len(before), len(before[-1]) + 1), message


def check_verdict(line, row, operation):
    data, at, answer = line.send(row, operation)
    reached = line.reached()
    if row.kind == "valid":
        assert reached == [data], answer
        assert answer.header("Postern-Decision") is None and answer.header("Postern-Edits") is None, answer
        return
    reason = check_refusal(answer, 400, row.code)["reasons"][0]
    assert reached == []
    if row.code.startswith("json."):
        check_place(reason["message"], data, at)


@by_name(ROWS)
def test_as_create(line, row):
    check_verdict(line, row, "demanager.create")


@by_name(SAMPLE)
@pytest.mark.parametrize("operation", ["demanager.update", "notebooks.create"])
def test_as_another_call(line, row, operation):
    check_verdict(line, row, operation)


@by_name(SAMPLE)
def test_explain_says_the_same(line, row):
    data, _, answer = line.send(row, "demanager.create")
    line.cloud.forget()
    request = line.gateway.site.folder / "request.json"
    request.write_bytes(data)
    done = line.gateway.site.run("explain", "--user", "alice", "--project", PROJECT, "--json", str(request))
    said = json.loads(done.stdout)
    if row.kind == "valid":
        assert (done.returncode, said["decision"]) == (0, "allow"), done
        return
    assert (done.returncode, said["decision"]) == (1, "refuse"), done
    told = [(reason["code"], reason["message"]) for reason in said["reasons"]]
    assert told == [(reason["code"], reason["message"]) for reason in answer.json["reasons"]]
