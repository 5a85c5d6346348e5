# SPDX-License-Identifier: Apache-2.0
"""Everything at once: callers who break off, a cloud that fails in every way, reloads, and a stop in the middle.
Afterwards every intent has its outcome, and nothing reached the cloud that has none or reached it twice."""

import collections
import random
import signal
import threading
import time

import pytest

from support.bodies import CREATE, POLICIES, PROJECT, compact, create_body
from support.http import Broken, request_bytes
from support.waiting import wait_for

SECONDS = 4.0
FAULTS = ("reset_head close_head answer_early slow reset close garbage cut_head cut_length cut_chunk no_length status "
          "other_id close_after extra drip interim gzip huge_header two_lengths reset_accept hang").split()
SETTINGS = {
    "workers": 3,
    "limits": {"drain": "400ms", "body_timeout": "300ms", "head_timeout": "300ms", "stream_body": "1MB",
               "body_memory": "2MB"},
    "upstream": {"max_connections": 9,
                 "timeouts": {"first_byte": "400ms", "idle": "300ms", "connect": "500ms", "total": "2s"}},
}


def any_request(rng, token, name):
    headers = {"X-Auth-Token": token}
    chunk = b"10000\r\n" + b"y" * 65536 + b"\r\n"
    size = rng.choice([0, 10, 200000, 1100000])
    create = request_bytes("POST", CREATE, compact(create_body(name=name)), headers)
    return rng.choice([
        create, create, create,
        request_bytes("POST", CREATE, compact(create_body(name="same")), headers),
        request_bytes("POST", CREATE, compact(create_body(name=name, flavor="x")), headers),
        request_bytes("DELETE", f"{CREATE}/DE-1", None, headers),
        request_bytes("POST", f"{CREATE}/DE-1/action", b'{"action":"stop"}', headers),
        request_bytes("GET", f"/v1/{PROJECT}/big?bytes={size}{rng.choice(['', '&chunked=1'])}", None, headers),
        request_bytes("POST", f"/v1/{PROJECT}/echo", b"x" * size, headers),
        request_bytes("POST", f"/v1/{PROJECT}/echo", None, {**headers, "Transfer-Encoding": "chunked"}) + chunk
        + rng.choice([b"", b"0\r\n\r\n"]),
    ])


class Caller(threading.Thread):
    def __init__(self, gateway, token, seed, until):
        super().__init__()
        self.gateway, self.token, self.until = gateway, token, until
        self.rng = random.Random(seed)
        self.seed, self.turn = seed, 0

    def talk(self, client):
        """Some requests on a connection; now and then one is cut, or its answer not waited for."""
        for _ in range(self.rng.randint(1, 4)):
            self.turn += 1
            request = any_request(self.rng, self.token, f"n-{self.seed}-{self.turn}")
            how = self.rng.random()
            client.send(request[:self.rng.randrange(1, len(request))] if how < 0.1 else request)
            if how < 0.1 or how > 0.9:
                if self.rng.random() < 0.5:
                    client.reset()
                return
            client.read_answer()

    def run(self):
        while time.monotonic() < self.until:
            try:
                with self.gateway.connect(timeout=10) as client:
                    self.talk(client)
            except (Broken, OSError):
                pass  # a broken answer is broken off


def disturb(gateway, cloud, rng, callers, until):
    cloud.fault(rng.choice(FAULTS), "*", count=rng.randint(1, 4))
    turns = sum(caller.turn for caller in callers) + 5
    wait_for(lambda: sum(caller.turn for caller in callers) >= turns or time.monotonic() >= until, "some requests")
    if rng.random() < 0.3:
        cloud.release()
    if rng.random() < 0.1:
        gateway.signal(signal.SIGHUP)
    if rng.random() < 0.1:
        assert gateway.status(rng.choice(["/metrics", "/readyz"])).status == 200
    if rng.random() < 0.1:
        gateway.site.write_policies(rng.choice([POLICIES, POLICIES.replace("1h", "2h"), "version: 1\nnope: 2\n"]))


@pytest.mark.parametrize("seed", range(2))
def test_everything_at_once(gateway_factory, cloud, token, seed):
    gateway = gateway_factory(settings=SETTINGS)
    until = time.monotonic() + SECONDS
    callers = [Caller(gateway, token, seed * 100 + number, until + 0.3) for number in range(6)]
    for caller in callers:
        caller.start()
    rng = random.Random(seed)
    while time.monotonic() < until:
        disturb(gateway, cloud, rng, callers, until)
    gateway.signal(signal.SIGTERM)
    for caller in callers:
        caller.join(60)
    assert gateway.wait(60) == 0
    journal = gateway.journal()
    journal.assert_settled()
    intents = collections.Counter(line["request_sha256"] for line in journal.events("intent"))
    sent = collections.Counter(r.body_sha256 for r in cloud.creates() if r.complete)
    assert intents and not sent - intents, "what reached the cloud was recorded, each time"
