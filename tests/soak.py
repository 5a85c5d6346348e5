#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A long, bounded, mixed load on the release build in front of the stand-in cloud, all on loopback: does the gateway
keep its memory and its descriptors, does its journal verify, has every exchange its outcome? By hand, not in CI.

    tests/soak.py [MINUTES] [--rate REQUESTS_A_SECOND] [--build FOLDER]
"""

import argparse
import collections
import os
import pathlib
import random
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "system"))

from support import bodies  # noqa: E402
from support.gateway import Gateway, Site  # noqa: E402
from support.http import Broken  # noqa: E402
from support.http import request_bytes  # noqa: E402
from support.memory import resident_kb  # noqa: E402
from support.pki import Pki  # noqa: E402
from support.sim import Cloud  # noqa: E402
from support.tokens import make_token  # noqa: E402

CLIENTS = 8
SAMPLE_S = 3.0
RELOAD_S = 30.0
MORE_MEMORY = 1.05  # of the last quarter's average to the first one's
MORE_DESCRIPTORS = 4
GONE = "gone-"  # names of creates whose caller hung up
STEPS_S = (10, 20000)  # of the cloud's clock, in turn: what was created runs, then has stopped
OLD = 3  # steps after which an instance may be deleted
GOOD = {  # statuses that each kind of request may be answered with
    "allowed": {200}, "rewritten": {200}, "refused": {403}, "read": {200}, "list": {200},
    "stop": {200, 400}, "delete": {200},
}


class Callers:
    """What all clients share: when to stop, what came of it."""

    def __init__(self, gateway, rate):
        self.gateway, self.pause = gateway, CLIENTS / rate
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.answers, self.faults = collections.Counter(), []
        self.created = set()
        self.steps = 0  # that the cloud's clock took
        self.tokens = [make_token(user=user, project=bodies.PROJECT, expires="12h") for user in ("alice", "bob", "carol")]

    def note(self, kind, answer=None):
        with self.lock:
            self.answers[kind, answer.status if answer else "hung up"] += 1
            if answer and answer.status not in GOOD[kind]:
                self.faults.append(f"{kind}: {answer}")
            if kind in ("allowed", "rewritten") and answer.status == 200:
                self.created.add(answer.json["id"])


class Caller(threading.Thread):
    """One client: keeps its connection, deletes what it created."""

    def __init__(self, callers, number):
        super().__init__(daemon=True)
        self.callers, self.number, self.count = callers, number, 0
        self.random = random.Random(number)
        self.instances, self.client = [], None  # [(id, the step in which it was created)]

    def headers(self):
        return {"X-Auth-Token": self.random.choice(self.callers.tokens)}

    def request(self, kind, method, target, body=None):
        if self.client is None:
            self.client = self.callers.gateway.connect()
        answer = self.client.request(method, target, body, self.headers())
        if answer.header("Connection") == "close":
            self.hang_up()
        self.callers.note(kind, answer)
        return answer

    def hang_up(self):
        self.client.close()
        self.client = None

    def name(self, prefix=""):
        self.count += 1
        return f"{prefix}c{self.number}-{self.count}"

    def create(self, kind, **options):
        answer = self.request(kind, "POST", bodies.CREATE, bodies.compact(bodies.create_body(**options)))
        if answer.status == 200:
            self.instances.append((answer.json["id"], self.callers.steps))

    def any_instance(self):
        return self.random.choice(self.instances)[0]

    def allowed(self):
        self.create("allowed", name=self.name())

    def rewritten(self):
        self.create("rewritten", name=self.name(), without=["spec__auto_stop"])

    def refused(self):
        self.create("refused", name=self.name(), flavor="modelarts.vm.gpu.v100")

    def read(self):
        if self.instances:
            self.request("read", "GET", f"{bodies.CREATE}/{self.any_instance()}")

    def list(self):
        self.request("list", "GET", bodies.CREATE)

    def stop_one(self):
        if self.instances:
            self.request("stop", "POST", f"{bodies.CREATE}/{self.any_instance()}/action",
                         b'{"action":"stop"}')

    def delete(self):
        if self.instances and self.callers.steps >= self.instances[0][1] + OLD:
            self.request("delete", "DELETE", f"{bodies.CREATE}/{self.instances.pop(0)[0]}")

    def break_off(self):
        """A create whose caller doesn't wait, or not even sends it all."""
        data = request_bytes("POST", bodies.CREATE, bodies.compact(bodies.create_body(name=self.name(GONE))),
                             self.headers())
        with self.callers.gateway.connect() as client:
            client.send(data[:self.random.choice([len(data), len(data), len(data) // 2])])
            if self.random.random() < 0.5:
                client.reset()
        self.callers.note("broken off")

    def act(self):
        kinds = {self.allowed: 4, self.rewritten: 4, self.refused: 2, self.read: 8, self.list: 1, self.stop_one: 2,
                 self.delete: 12, self.break_off: 1}
        self.random.choices(list(kinds), list(kinds.values()))[0]()

    def run(self):
        try:
            while not self.callers.stop.wait(self.callers.pause):
                self.act()
        except (OSError, Broken, ValueError, KeyError) as error:
            self.callers.faults.append(f"client {self.number}: {error!r}")


def keep_cloud(callers, cloud):
    """Its time goes on, it forgets the requests that it has seen, and what callers created who hung up is deleted."""
    cloud.forget()
    cloud.advance(STEPS_S[callers.steps % len(STEPS_S)])
    callers.steps += 1
    for row in cloud.instances():
        instance = row["instance"]
        if instance["name"].startswith(GONE) and instance["status"] == "STOPPED":
            callers.gateway.request("DELETE", f"{bodies.CREATE}/{instance['id']}", None,
                                    {"X-Auth-Token": callers.tokens[0]})


def soak(callers, cloud, minutes):
    """Samples [(resident KB, descriptors)] and how often the policies were reloaded."""
    gateway, samples, reloads = callers.gateway, [], 0
    began = time.monotonic()
    clients = [Caller(callers, number) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    while (passed := time.monotonic() - began) < minutes * 60 and gateway.running:
        samples.append((resident_kb(gateway), len(os.listdir(f"/proc/{gateway.pid}/fd"))))
        if passed // RELOAD_S > reloads:
            gateway.signal(signal.SIGHUP)
            reloads += 1
        keep_cloud(callers, cloud)
        callers.stop.wait(SAMPLE_S)
    callers.stop.set()
    for client in clients:
        client.join(60)
    return samples, reloads


def check_samples(samples, faults):
    samples = samples[len(samples) // 10:]  # the first tenth fills pools and caches
    size = max(1, len(samples) // 4)
    for index, name, most in ((0, "resident KB", lambda first: first * MORE_MEMORY),
                              (1, "descriptors", lambda first: first + MORE_DESCRIPTORS)):
        quarters = [statistics.mean(row[index] for row in samples[from_:from_ + size])
                    for from_ in range(0, size * 4, size) if from_ < len(samples)]
        print(f"{name}, averages of the quarters: " + ", ".join(f"{quarter:.1f}" for quarter in quarters))
        if quarters[-1] > most(quarters[0]):
            faults.append(f"{name} grew from {quarters[0]:.1f} to {quarters[-1]:.1f}")


def check_journal(site, callers, reloads, faults):
    try:
        journal = site.journal()
        journal.assert_settled()
    except AssertionError as error:
        faults.append(f"journal: {error}")
        return
    print(f"journal: {len(journal.lines)} lines in {len(journal.segments)} segments, "
          f"{len(journal.events('intent'))} intents, all with an outcome")
    recorded = {line["instance"]["id"] for line in journal.events("outcome", outcome="created")}
    if missing := callers.created - recorded:
        faults.append(f"{len(missing)} instances that callers were told of are not in the journal")
    if len(journal.events("policy")) < reloads:
        faults.append(f"{reloads} reloads left {len(journal.events('policy'))} lines")


def parse():
    parser = argparse.ArgumentParser(description="A long mixed load on the release build; by hand, not in CI.")
    parser.add_argument("minutes", type=float, nargs="?", default=10.0, help="(default: %(default)s)")
    parser.add_argument("--rate", type=float, default=150.0, help="requests a second (default: %(default)s)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release",
                        help="folder with postern and modelarts-sim (default: build/release)")
    return parser.parse_args()


def main():
    options = parse()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="soak-"))
    started, faults = [], []
    try:
        (folder / "pki").mkdir()
        pki = Pki(folder / "pki")
        cloud = Cloud(options.build / "modelarts-sim", pki)
        started.append(cloud)
        site = Site(options.build / "postern", folder / "site", cloud.url, pki.ca, bodies.POLICIES,
                    {"workers": 2, "log": {"level": "warning"}})
        gateway = Gateway(site)
        started.append(gateway)
        callers = Callers(gateway, options.rate)
        samples, reloads = soak(callers, cloud, options.minutes)
        faults += callers.faults[:20] + gateway.finish()
        for (kind, status), count in sorted(callers.answers.items(), key=str):
            print(f"{kind}: {status} {count} times")
        print(f"{sum(callers.answers.values())} requests, {reloads} reloads, {len(samples)} samples")
        check_samples(samples, faults)
        check_journal(site, callers, reloads, faults)
        if faults:
            print(gateway.stderr[-3000:], file=sys.stderr)
    finally:
        for process in reversed(started):
            process.close()
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(faults) or "soak: well")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
