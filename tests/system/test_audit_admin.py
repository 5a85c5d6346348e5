# SPDX-License-Identifier: Apache-2.0
"""The journal over the admin API: what is asked and answered, one question at a time, beside a gateway that serves."""

import http.client
import json
import os
import socket
import sqlite3

import pytest

from support.bodies import CREATE, create_body
from support.contract import post_create
from support.waiting import wait_for
from test_admin import admin_settings, ask

KEYS = ("from, until, since, user, project, flavor, instance, operation, class, decision, outcome, reason, policy, limit, "
        "before, behind")


class Admin(http.client.HTTPConnection):
    """The admin socket."""

    def __init__(self, gateway):
        super().__init__("postern", timeout=60)
        self.path = str(gateway.admin_socket)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        here = os.getcwd()
        os.chdir(os.path.dirname(self.path))
        try:
            self.sock.connect(os.path.basename(self.path))
        finally:
            os.chdir(here)


def get(gateway, path):
    connection = Admin(gateway)
    try:
        connection.request("GET", "/v1/audit/" + path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), dict(answer.getheaders())
    finally:
        connection.close()


@pytest.fixture
def busy(gateway, token):
    """Two creates and a refusal."""
    assert post_create(gateway, token, create_body(name="nb-1")).status < 300
    assert post_create(gateway, token, create_body(name="nb-2")).status < 300
    assert post_create(gateway, token, create_body(name="nb-3", flavor="modelarts.vm.gpu.v100")).status == 403
    gateway.wait_journal(lambda j: len(j.events("refusal")) == 1 and len(j.events("outcome")) == 2)
    return gateway


def test_questions_are_answered_with_the_journal_s_lines(busy):
    status, found, _ = get(busy, "query?since=1h")
    assert status == 200 and len(found["exchanges"]) == 3 and "next" not in found, found
    intents = busy.journal_events("intent")
    assert [e["request"]["seq"] for e in found["exchanges"][1:]] == [line["seq"] for line in reversed(intents)]
    assert found["exchanges"][1]["request"] == intents[1]
    assert found["exchanges"][1]["outcome"]["outcome"] == "created"
    status, found, _ = get(busy, "query?decision=refuse&user=alice&reason=flavor.%2A")
    assert status == 200 and [e["request"]["event"] for e in found["exchanges"]] == ["refusal"]


def test_pages(busy):
    _, first, _ = get(busy, "query?limit=2")
    assert len(first["exchanges"]) == 2
    _, second, _ = get(busy, f"query?limit=2&before={first['next']}")
    assert len(second["exchanges"]) == 1 and "next" not in second
    ids = [e["request"]["id"] for e in first["exchanges"] + second["exchanges"]]
    assert len(set(ids)) == 3


def test_who_created_open_and_summary(busy):
    outcome = busy.journal_events("outcome")[0]
    status, found, _ = get(busy, f"who-created?instance={outcome['instance']['id']}")
    assert status == 200 and [e["request"]["user"]["name"] for e in found["exchanges"]] == ["alice"]
    assert found["exchanges"][0]["outcome"] == outcome
    status, found, _ = get(busy, "open?user=alice")
    assert status == 200 and not found["more"]
    assert [(i["instance_name"], i["state"]) for i in found["instances"]] == [("nb-2", "existing"), ("nb-1", "existing")]
    assert found["instances"][1]["instance_id"] == outcome["instance"]["id"]
    assert get(busy, "open?user=bob")[1]["instances"] == []
    status, found, _ = get(busy, "summary?by=flavor")
    assert status == 200 and found["total"]["asked"] == 3 and found["total"]["created"] == 2
    assert {g["flavor"]: g["refused"] for g in found["groups"]} == {"modelarts.vm.cpu.2u": 0,
                                                                   "modelarts.vm.gpu.v100": 1}


def test_a_story_is_that_of_the_command(busy, token):
    """By the name as by the id: what was asked for by the id alone, too; and what of it exists."""
    ours = busy.journal_events("outcome")[0]["instance"]["id"]
    assert busy.request("DELETE", f"{CREATE}/{ours}", None, {"X-Auth-Token": token}).status == 400, "it runs"
    busy.wait_journal(lambda j: len(j.events("outcome")) == 3)
    told = busy.site.run("audit", "query", "-c", str(busy.site.conf), "--who-created", "nb-1", "--json", conf=False)
    assert told.returncode == 0, told
    for who in ("nb-1", ours):
        status, found, _ = get(busy, f"who-created?instance={who}")
        assert status == 200 and found["exchanges"] == [json.loads(line) for line in told.stdout.splitlines()], found
        assert [next(iter(e.values()))["operation"] for e in found["exchanges"]] == ["demanager.create", "demanager.delete"]
        assert [i["instance_id"] for i in found["instances"]] == [ours] and not found["more"] and "next" not in found
    _, first, _ = get(busy, "who-created?instance=nb-1&limit=1")
    _, second, _ = get(busy, f"who-created?instance=nb-1&behind={first['next']}")
    assert first["exchanges"] + second["exchanges"] == found["exchanges"] and second["instances"] == found["instances"]
    _, none, _ = get(busy, "who-created?instance=nb-1&user=bob")
    assert none["exchanges"] == [] and none["instances"] == found["instances"]


def test_what_nobody_knows_is_open(gateway, cloud, token):
    cloud.fault("status", "POST *", status=500)
    assert post_create(gateway, token, create_body(name="lost")).status == 500
    line = gateway.wait_journal(lambda j: j.events("outcome", outcome="unknown")).events("outcome")[0]
    _, found, _ = get(gateway, "open")
    assert [(i["instance_name"], i["state"], i["id"]) for i in found["instances"]] == [("lost", "unknown", line["id"])]
    _, found, _ = get(gateway, "query?outcome=unknown")
    assert [e["outcome"] for e in found["exchanges"]] == [line]


def test_an_index_of_rubbish_is_made_anew(busy):
    assert get(busy, "query")[0] == 200
    index = busy.site.folder / "journal.index"
    size = index.stat().st_size
    index.write_bytes(b"\xff" * size)
    for extra in busy.site.folder.glob("journal.index-*"):
        extra.unlink()
    status, found, _ = get(busy, "query")
    assert status == 200 and len(found["exchanges"]) == 3, found


def test_a_planted_index_holds_nobody_up(busy):
    """Neither a question nor the end of the gateway."""
    assert get(busy, "query")[0] == 200
    database = sqlite3.connect(busy.site.folder / "journal.index")
    database.executescript("DROP TABLE place; CREATE VIEW place AS WITH RECURSIVE r(x) AS"
                           " (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x AS one FROM r")
    database.close()
    status, found, _ = get(busy, "query")
    assert status == 200 and len(found["exchanges"]) == 3, found
    assert busy.stop() == 0


@pytest.mark.parametrize("path, why", [
    ("query?usr=alice", f'"usr" is not known here; known are: {KEYS}'),
    ("query?user=a&user=b", '"user" stands twice'),
    ("query?user", '"user" needs a value, as in user=...'),
    ("query?user=%zz", "\"user\": a '%' needs two hex digits behind it, not 00"),
    ("query?limit=1001", '"limit": expected a number from 1 to 1000'),
    ("query?since=soon", '"since": expected an age such as 7d, 36h or 90m'),
    ("query?from=soon", '"from": expected a time such as 2026-12-31 or 2026-12-31T12:00:00Z (UTC)'),
    ("query?from=2026-02-01&until=2026-02-01", "the period ends before it begins"),
    ("query?decision=maybe", '"decision": expected one of: allow rewrite refuse'),
    ("summary?operation=demanager.creat",
     '"operation": expected an operation such as demanager.create, or one with *'),
    ("query?since=1d&from=2026-01-01", '"from" and "since" don\'t go together'),
    ("query?before=1&behind=2", '"before" and "behind" don\'t go together'),
    ("open?policy=a", '"policy" is not known here; known are: from, until, since, user, project, flavor, instance, '
                      'operation, limit'),
    ("who-created", '"instance" is missing'),
])
def test_what_can_not_be_asked_is_told(gateway, path, why):
    status, found, _ = get(gateway, path)
    assert (status, found) == (400, {"why": why})


@pytest.mark.parametrize("query", ["", "limit=1&", "&&", "=", "user=%ff%fe*", "instance=*%ff", "instance=" + "*a" * 500, "user=\"<>", "user=*",
                                   "user=" + "a" * 5000, "&".join(f"k{n}=v" for n in range(1000)), "before=9223372036854775807",
                                   "before=9223372036854775808", "behind=9223372036854775807", "limit=01", "%6cimit=1", "user=a%00b",
                                   "since=106751991167d", "since=0s", "from=0000-01-01", "until=9999-12-31T23:59:60Z"])
def test_a_strange_question_is_answered_or_refused(busy, query):
    """With a reason, in JSON; and the next one as ever."""
    for action in ("query", "summary", "open", "who-created"):
        status, found, _ = get(busy, f"{action}?{query}")
        assert status == 200 or (status == 400 and found["why"]), (action, status, found)
    assert len(get(busy, "query?limit=2")[1]["exchanges"]) == 2


def test_a_reader_that_waits_holds_nobody_up(busy):
    """Its answer is ready: others get theirs meanwhile, and it gets its own whenever it reads."""
    slow = Admin(busy)
    slow.request("GET", "/v1/audit/query")
    wait_for(lambda: get(busy, "query?limit=1")[0] == 200, "the next question")
    assert len(json.loads(slow.getresponse().read())["exchanges"]) == 3
    slow.close()


def test_the_same_over_client_certificates(gateway_factory, cloud, token, pki):
    gateway = gateway_factory(settings=admin_settings(pki))
    post_create(gateway, token)
    answer = ask(gateway, pki, "client", "GET", "/v1/audit/query?limit=1")
    assert answer.status == 200 and len(answer.json["exchanges"]) == 1
    assert ask(gateway, pki, "client", "POST", "/v1/audit/query").status == 405
    assert gateway.journal_events("admin") == []


@pytest.fixture
def held(gateway_factory, cloud, folder):
    """A gateway whose answers last while a file exists; with a question that waits for its answer."""
    file = folder / "hold"
    file.touch()
    gateway = gateway_factory(env={"POSTERN_HOLD_WHILE": str(file)})
    connection = Admin(gateway)
    connection.request("GET", "/v1/audit/query")
    wait_for((folder / "hold.held").exists, "the question is being answered")
    yield gateway, connection, file
    connection.close()


def test_one_question_at_a_time_and_the_gateway_serves_meanwhile(held, token):
    gateway, connection, file = held
    status, found, fields = get(gateway, "open")
    assert status == 503 and "another question" in found["why"] and fields["Retry-After"] == "5"
    assert post_create(gateway, token).status < 300
    assert gateway.request("GET", CREATE, headers=[("X-Auth-Token", token)]).status == 200
    assert gateway.site.run("status").returncode == 0
    file.unlink()
    answer = connection.getresponse()
    assert answer.status == 200 and json.loads(answer.read())["exchanges"]
    assert get(gateway, "open")[0] == 200


def test_who_hangs_up_breaks_it_off(held):
    gateway, connection, file = held
    connection.close()
    wait_for(lambda: "broken off" in gateway.stderr, "the question is broken off")
    file.unlink()
    assert get(gateway, "open")[0] == 200


def test_a_drain_does_not_wait_for_it(held):
    gateway, connection, _ = held
    assert gateway.stop() == 0
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        connection.getresponse()
