#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Memory after very many requests of every kind: at most 5 % more than after the first 40,000.

    tests/memory.py [--requests N] [--build FOLDER] [--connections N]

A release build, because a sanitizer has a memory of its own. Whatever is created is deleted again: the gateway keeps a
ledger of the instances that exist, which grows with them and is meant to. Standard library only."""

import argparse
import collections
import contextlib
import itertools
import json
import pathlib
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "system"))

from support import bodies  # noqa: E402
from support.gateway import Gateway, Site  # noqa: E402
from support.http import request_bytes  # noqa: E402
from support.load import HUNG_UP, Load  # noqa: E402
from support.memory import peak_kb, resident_kb  # noqa: E402
from support.pki import Pki  # noqa: E402
from support.quota import entries, existing, service_settings  # noqa: E402
from support.sim import Cloud  # noqa: E402
from support.tokens import make_token  # noqa: E402
from support.waiting import wait_for  # noqa: E402

CONNECTIONS = 24  # their instances make a checkpoint of 50 KB: at a power of two, where its buffer doubles, chance decides
WARM = 40000      # requests before the first look: more than between two, so that more is unsettled at once than later
STEP = 6000       # of these in step
LOOKS = 5         # behind these
GROWTH = 1.05
USERS = 80        # more than a worker remembers the tokens of
OWN = 40          # instances of each connection that are started and stopped in turn

DE, NB, FREE = bodies.CREATE, bodies.NOTEBOOKS, f"/v1/{bodies.PROJECT}"
POLICY = bodies.policy('flavors: {allow: ["modelarts.vm.cpu.*"]}\nauto_stop: {required: true, default: 1h, max: 4h}')
ANY = range(200, 500)  # the state of the instance decides


def instance(number):
    """One that is there from the beginning, as the control API of the stand-in cloud takes it."""
    body = bodies.create_body(name=f"own-{number}", id=f"DE-{number:032x}", status="STOPPED")
    return {"family": "demanager", "project": bodies.PROJECT, "instance": body}


class Walk:
    """What one connection asks for, over and over: yields a request and the statuses that its answer may have, and is
    sent the answer's status and body."""

    def __init__(self, number, tokens, names):
        self.tokens, self.names = tokens, names
        self.own = itertools.cycle(range(number * OWN, (number + 1) * OWN))
        self.running = f"{DE}/DE-none"
        self.made = collections.deque()     # and is to be stopped
        self.stopped = collections.deque()  # and is to be deleted

    def ask(self, method, target, body=None, **headers):
        if isinstance(body, dict):
            body = bodies.compact(body)
        token = {"X-Auth-Token": self.tokens[next(self.names) % len(self.tokens)]}
        return request_bytes(method, target, body, {**token, **{k.replace("_", "-"): v for k, v in headers.items()}})

    def create(self, target, usual, **members):
        body = usual(name=f"n-{next(self.names)}", **members)
        _, answer = yield self.ask("POST", target, body), {200, 201}
        self.made.append(f"{target}/{json.loads(answer)['id']}")
        return self.made[-1], body["name"]

    def clear(self):
        """Deletes what was stopped and stops what was made, where the state allows it: by the cloud's clock an instance
        is 5 s in the making, and stops for 2 s."""
        for one in self.taken(self.stopped):
            status, _ = yield self.ask("DELETE", one), ANY
            if status >= 300:
                self.stopped.append(one)
        for one in self.taken(self.made):
            stop = (f"{one}/action", {"action": "stop"}) if DE in one else (f"{one}/stop",)
            status, _ = yield self.ask("POST", *stop), ANY
            (self.stopped if status < 300 else self.made).append(one)

    @staticmethod
    def taken(queue):
        return [queue.popleft() for _ in range(len(queue))]

    def demanager(self):
        one, name = yield from self.create(DE, bodies.create_body)
        yield from self.create(DE, bodies.create_body, without=["spec__auto_stop"])
        yield self.ask("POST", DE, bodies.create_body(name=name)), {400}
        yield self.ask("POST", DE, bodies.create_body(flavor="modelarts.vm.gpu.v100")), {403}
        yield self.ask("POST", DE, b'{"name":"n","name":"m"}'), {400}
        yield self.ask("POST", DE, bodies.compact(bodies.create_body())[:-1]), {400}
        yield self.ask("POST", DE, bodies.create_body(name=f"dry-{next(self.names)}"), Postern_Dry_Run="true"), {200}
        yield self.ask("GET", one), {200}
        yield self.ask("PUT", one, bodies.update_body(spec__auto_stop__duration=86400)), {200}
        yield self.ask("PUT", one, bodies.update_body(without=["spec"], flavor="modelarts.vm.gpu.v100")), {403}
        yield self.ask("PUT", one, bodies.update_body()), HUNG_UP
        yield self.ask("POST", f"{self.running}/action", bodies.action_body("stop")), ANY
        self.running = f"{DE}/DE-{next(self.own):032x}"
        yield self.ask("POST", f"{self.running}/action", bodies.action_body("start")), ANY
        yield self.ask("POST", f"{self.running}/action", bodies.action_body("explode")), {400}

    def notebooks(self):
        one, _ = yield from self.create(NB, bodies.notebook_body)
        yield from self.create(NB, bodies.notebook_body, duration=86400000)
        yield self.ask("POST", NB, bodies.notebook_body(duration="x")), {400}
        yield self.ask("POST", NB, bodies.notebook_body(flavor="modelarts.vm.gpu.v100")), {403}
        yield self.ask("GET", one), {200}
        yield self.ask("PUT", one, bodies.notebook_update_body(name=f"up-{next(self.names)}")), {200}
        yield self.ask("PATCH", f"{one}/lease", bodies.lease_body()), ANY
        yield self.ask("POST", f"{one}/storage", bodies.mount_body()), ANY
        yield self.ask("POST", f"{one}/start?duration=86400000&type=timing"), ANY

    def others(self):
        yield self.ask("GET", f"{DE}?limit=5"), {200}
        yield self.ask("GET", f"{DE}/DE-none"), {400}
        yield self.ask("GET", f"{NB}/none/of/these"), {404, 403}
        yield self.ask("GET", f"{FREE}/../x"), {400}
        yield request_bytes("POST", DE, bodies.create_body()), {401}
        yield self.ask("GET", f"{FREE}/models"), {200}
        yield self.ask("GET", f"{FREE}/missing"), {404}
        yield self.ask("POST", f"{FREE}/models", b"m" * 3000), {200}
        yield self.ask("GET", f"{FREE}/big?bytes=40000"), {200}
        yield self.ask("GET", f"{FREE}/big?bytes=40000&chunked=1"), {200}
        yield self.ask("GET", f"{FREE}/big?bytes=100000"), HUNG_UP  # the kernel takes all of it: none queues here
        yield self.ask("POST", DE, bodies.create_body())[:-1], HUNG_UP
        yield self.ask("POST", f"{FREE}/models", b"m" * 3000)[:-1], HUNG_UP
        yield self.ask("GET", FREE)[:30], HUNG_UP
        yield self.ask("GET", FREE, X_Long="x" * 40000), {431}

    def steps(self):
        while True:
            for part in (self.demanager, self.notebooks, self.others, self.clear):
                yield from part()


def start(stack, build, folder):
    """Cloud and gateway, which are ended with the stack. One worker: of several, chance says how many connections each
    has at most, and the most that one ever had goes on rising for long. Segments and unused connections end soon, so
    that there were several of them before the first look."""
    pki = Pki(folder)
    cloud = Cloud(build / "modelarts-sim", pki, frozen=False, record=False, max_instances=0)
    stack.callback(cloud.close)
    lists = service_settings(folder, grace="0s")
    site = Site(build / "postern", folder / "site", cloud.url, pki.ca, POLICY,
                {"workers": 1, "log": {"level": "error"}, "journal": {"segment": "4MB", "timeout": "1s"}, **lists,
                 "upstream": {"keep_alive": "500ms", "timeouts": {"total": "2s"}, **lists["upstream"]}})
    gateway = Gateway(site)
    stack.callback(gateway.close)
    return cloud, gateway


def check_settled(cloud, gateway):
    """Nothing is under way or unknown any more, and what is gone is forgotten: what grew is no work that waits."""
    def settled():
        metrics = gateway.metrics()
        return metrics["postern_journal_open_intents"] == metrics["postern_journal_queued"] == 0
    wait_for(settled, "the outcomes of those who hung up")
    assert gateway.metrics()["postern_journal_unknown"] == 0
    wait_for(lambda: entries(gateway)["existing"] == len(existing(cloud)), "the ledger to be what the cloud lists", 60)


def in_step(cloud, load):
    """Memory follows the most that was ever under way at once, and when that comes about by itself is chance. So the
    warming up begins with it: the cloud holds every answer back until nobody has anything else to do."""
    cloud.fault("status", "GET *missing", count=STEP, status=404)
    cloud.fault("slow", "*", count=STEP)
    load.run(STEP, lambda: cloud.release(count=STEP))
    cloud.control("DELETE", "/fault")


def measure(options, cloud, gateway):
    """Kilobytes after the first requests, after all, and between."""
    tokens = [make_token(user=f"user-{n}", project=bodies.PROJECT, roles=["te_admin"]) for n in range(USERS)]
    names = itertools.count()
    cloud.preset([instance(number) for number in range(options.connections * OWN)])
    load = Load(gateway.addresses[0], [Walk(n, tokens, names).steps() for n in range(options.connections)],
                lambda: cloud.advance(6))
    began = time.monotonic()
    in_step(cloud, load)
    cloud.fault("status", "GET *missing", count=10 * options.requests, status=404, body='{"error_code":"ModelArts.0404"}')
    looks = []
    for until in [WARM, *(WARM + (options.requests - WARM) * part // LOOKS for part in range(1, LOOKS + 1))]:
        load.run(until)
        check_settled(cloud, gateway)
        looks.append(resident_kb(gateway))
        print(f"{load.done} requests, {time.monotonic() - began:.0f} s: resident {looks[-1]} KB, peak {peak_kb(gateway)} KB",
              flush=True)
    print("answers: " + ", ".join(f"{count} x {status or 'hung up'}" for status, count in sorted(
        load.statuses.items(), key=lambda row: row[0] or 0)))
    load.close()
    return looks


def main():
    parser = argparse.ArgumentParser(description="Memory after very many requests of every kind.")
    parser.add_argument("--requests", type=int, default=1000000, help="in all (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help="default: %(default)s")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help="default: build/release")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="postern-") as folder, contextlib.ExitStack() as stack:
        cloud, gateway = start(stack, options.build.resolve(), pathlib.Path(folder))
        before, *_, after = measure(options, cloud, gateway)
        assert gateway.stop() == 0, gateway.stderr
    print(f"grown by {100 * (after / before - 1):.1f} %, at most {100 * (GROWTH - 1):.0f} % is allowed")
    sys.exit(after > before * GROWTH)


if __name__ == "__main__":
    main()
