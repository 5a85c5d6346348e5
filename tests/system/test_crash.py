# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random instants under load, again and again on the same journal: whatever the cloud received was on
record before, nothing was sent twice, and every intent has its one outcome."""

import collections
import datetime
import os
import random
import re
import signal
import threading
import time

import pytest

from support.bodies import CREATE, compact, create_body
from support.fold import check_checkpoints
from support.http import request_bytes
from support.process import Process, environment

SHARDS = 4
KILLS = ["load"] * 8 + ["rotation"] * 4 + ["start"] * 3  # of each shard, in any order: 60 in all
CLIENTS = 6
LOAD_S = 0.25  # the longest time from ready to the kill
ROTATION_S = 60.0  # how long a kill waits for a new segment, on a slow disk
_NAME = re.compile(rb'"name":"([a-z0-9-]+)"')


def _microseconds(text):
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    delta = moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (delta.days * 86400 + delta.seconds) * 1000000 + delta.microseconds


class Load:
    """Clients that send until the gateway is gone. What they learned outlives every gateway."""

    def __init__(self, token):
        self.headers = {"X-Auth-Token": token}
        self.sent = set()  # names
        self.answers = {}  # name: answer
        self.ids = collections.deque()  # of instances that nobody deletes yet
        self.faults = []
        self.killed = False

    def kill(self, gateway):
        """From here on a broken connection is no fault."""
        self.killed = True
        assert gateway.kill() == -signal.SIGKILL, f"it ended by itself: {gateway.stderr}"

    def run(self, gateway, seed, until):
        """Loads the gateway while until() does its work, which must kill it."""
        self.killed = False
        threads = [threading.Thread(target=self._client, args=(gateway, f"{seed}-{n}")) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        until()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive(), "a client hangs although the gateway is gone"

    def _client(self, gateway, prefix):
        pick = random.Random(prefix)
        try:
            with gateway.connect() as client:
                for number in range(1000000):
                    self._turn(client, pick, f"{prefix}-{number}")
        except (OSError, AssertionError) as error:
            if not self.killed:
                self.faults.append(f"{prefix}: {error!r}")

    def _take_id(self):
        try:
            return self.ids.popleft()
        except IndexError:  # also where another client was quicker
            return None

    def _turn(self, client, pick, name):
        kind = pick.choices(["plain", "rewritten", "refused", "burst", "delete"], [8, 3, 3, 2, 4])[0]
        if kind == "delete" and (instance := self._take_id()) is not None:
            client.request("DELETE", f"{CREATE}/{instance}", None, self.headers)
            return
        bodies = {
            "refused": [create_body(name=name, flavor="modelarts.vm.gpu.v100")],
            "rewritten": [create_body(name=name, without=["spec__auto_stop"])],
            "burst": [create_body(name=f"{name}-{i}") for i in range(3)],
        }.get(kind, [create_body(name=name)])
        for body in bodies:
            self.sent.add(body["name"])
        client.send(b"".join(request_bytes("POST", CREATE, compact(body), self.headers) for body in bodies))
        for body in bodies:
            answer = client.read_answer()
            self.answers[body["name"]] = answer
            expected = 403 if kind == "refused" else 200
            if answer.status != expected:
                self.faults.append(f"{body['name']}: {answer}")
            if answer.status == 200:
                self.ids.append(answer.json["id"])


def _kill_in_the_start(site, processes, seconds):
    """A start that doesn't get far."""
    process = Process("postern", [site.binary, "serve", "-c", str(site.conf)], cwd=site.folder, env=environment())
    processes.append(process)
    threading.Event().wait(seconds)
    process.signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, process.stderr


def _await_rotation(gateway):
    """Returns as soon as there is one more segment; it is a race with the gateway, so it doesn't pause."""
    def segments():
        return sum(1 for entry in os.scandir(gateway.site.journal_folder) if entry.name.endswith(".jsonl"))
    before, deadline = segments(), time.monotonic() + ROTATION_S
    while segments() == before and gateway.running and time.monotonic() < deadline:
        pass


def _check_received(journal, received):
    """Each create that reached the cloud is one intent, written down before, and came once."""
    intents = {line["request_sha256"]: line for line in journal.events("intent")}
    names = collections.Counter()
    for request in received:
        if not request.complete:
            found = _NAME.search(request.body)
            names.update([found[1].decode()] if found else [])
            continue
        intent = intents.get(request.body_sha256)
        assert intent is not None, f"a create without intent: {request.body}"
        assert intent["instance"]["name"] == request.json["name"]
        assert _microseconds(intent["time"]) <= request.row["time_us"], "sent before it was written down"
        names[request.json["name"]] += 1
    assert names, "nothing reached the cloud"
    assert [name for name, count in names.items() if count > 1] == [], "sent twice"
    recorded = {line["instance"]["name"] for line in intents.values()}
    assert set(names) <= recorded
    return set(names)


def _check_outcomes(journal, cloud, reached):
    """No outcome says more than the cloud knows, and none says that nothing was sent when something was."""
    names = {line["id"]: line["instance"]["name"] for line in journal.events("intent")}
    known = {row["instance"]["id"] for row in cloud.instances()}
    known |= {r.target.rpartition("/")[2] for r in cloud.requests("DELETE")}
    for line in journal.events("outcome", **{"class": "create"}):
        assert line["outcome"] in ("created", "unknown", "refused"), line
        if line["outcome"] == "created":
            assert line["instance"]["id"] in known and names[line["id"]] in reached, f"the cloud knows nothing of {line}"
        elif line["outcome"] == "refused":
            assert names[line["id"]] not in reached, f"it was sent: {line}"


def _check_answers(journal, load):
    """What a caller was told stands in the journal, although the gateway was killed right behind it."""
    outcomes = {line["id"]: line for line in journal.events("outcome")}
    recorded = {line["instance"]["name"] for line in journal.events("intent")}
    assert recorded <= load.sent
    for name, answer in load.answers.items():
        if answer.status == 200:
            line = outcomes[answer.header("Postern-Id")]
            assert line["outcome"] == "created" and line["instance"]["id"] == answer.json["id"], line
        else:
            assert name not in recorded, f"{name} was refused and has an intent"


@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_again_and_again(site_factory, cloud_factory, gateway_factory, processes, token, shard):
    seed = int(os.environ.get("POSTERN_SEED", time.time_ns() % 1000000))
    print(f"POSTERN_SEED={seed} repeats this choice of instants (shard {shard})")
    pick = random.Random(f"{seed} {shard}")
    cloud = cloud_factory(max_instances=1000000, frozen=False)  # else what is new is listed as old: as an orphan
    site = site_factory(url=cloud.url)
    load, start_s = Load(token), 0.2
    for turn, kind in enumerate(pick.sample(KILLS, len(KILLS))):
        if kind == "start":
            _kill_in_the_start(site, processes, pick.uniform(0, start_s))
            continue
        began = time.monotonic()
        gateway = gateway_factory(site=site)
        start_s = time.monotonic() - began
        site.journal().assert_settled()
        delay = pick.uniform(0, LOAD_S)

        def at_some_instant():
            if kind == "rotation":
                _await_rotation(gateway)
            else:
                threading.Event().wait(delay)
            load.kill(gateway)
        load.run(gateway, f"{shard}-{turn}", at_some_instant)
        cloud.advance(7200)  # what was made so far has stopped, and can be deleted
        assert load.faults == []
    gateway_factory(site=site).stop()
    journal = site.journal()
    journal.assert_settled()
    print(collections.Counter(line.get("outcome", line["event"]) for line in journal.lines), len(journal.segments))
    assert len(journal.segments) > 1
    check_checkpoints(journal)
    assert journal.events("outcome", operation="demanager.delete", outcome="done")
    reached = _check_received(journal, cloud.creates())
    _check_outcomes(journal, cloud, reached)
    _check_answers(journal, load)
