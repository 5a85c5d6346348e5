# SPDX-License-Identifier: Apache-2.0
"""Many callers at once over several workers, and gateways that are killed while they work."""

import collections
import hashlib
import random
import threading

import pytest

from support.bodies import CREATE, PROJECT, compact, create_body
from support.contract import exchange_id
from support.http import Broken, request_bytes
from support.waiting import wait_for

WORKERS = {"workers": 3}


def in_threads(count, work):
    """Runs work(number) in so many threads; the first failure of any is raised."""
    failures = []

    def guarded(number):
        try:
            work(number)
        except BaseException as error:  # pylint: disable=broad-except
            failures.append(error)
    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if failures:
        raise failures[0]


def test_every_create_is_recorded_before_it_is_sent_and_done_once(gateway_factory, cloud, token):
    gateway = gateway_factory(settings=WORKERS)
    answers = collections.deque()

    def work(number):
        for turn in range(40):
            if turn % 8 == 0:
                client = gateway.connect()
            body = create_body(name=f"n-{number}-{turn}")
            if turn % 3 == 0:
                del body["spec"]["auto_stop"]
            answers.append(client.request("POST", CREATE, compact(body), {"X-Auth-Token": token}))
            client.request("GET", f"/v1/{PROJECT}/big?bytes={turn * 1000}", None, {"X-Auth-Token": token})
            if turn % 8 == 7:
                client.close()
    in_threads(6, work)
    assert {answer.status for answer in answers} == {200}
    assert len({exchange_id(answer) for answer in answers}) == 240
    received = cloud.creates()
    assert len(received) == 240 and len(cloud.instances()) == 240
    journal = gateway.wait_journal(lambda j: len(j.events("outcome")) == 240, "240 outcomes")
    digests = collections.Counter(line["request_sha256"] for line in journal.events("intent"))
    assert digests == collections.Counter(r.body_sha256 for r in received)
    assert {line["outcome"] for line in journal.events("outcome")} == {"created"}


def test_of_one_name_only_one_is_made(gateway_factory, cloud, token):
    gateway = gateway_factory(settings=WORKERS)
    seen = collections.deque()

    def work(_):
        with gateway.connect() as client:
            for _ in range(5):
                answer = client.request("POST", CREATE, compact(create_body()), {"X-Auth-Token": token})
                seen.append((answer.status, answer.json.get("error_code")))
    in_threads(8, work)
    counts = collections.Counter(seen)
    assert counts.pop((200, None)) == 1
    assert set(counts) <= {(403, "Postern.0403"), (400, "ModelArts.6301")}, counts


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_what_was_sent_is_recorded(gateway_factory, cloud, token, seed):
    """Promise 2: whatever reached the cloud has its intent on disk."""
    chance = random.Random(seed)
    gateway = gateway_factory(settings=WORKERS)
    for round_number in range(3):
        wanted = chance.randrange(1, 60)
        before = len(cloud.creates())
        stop = threading.Event()

        def work(number, gateway=gateway, round_number=round_number, stop=stop):
            try:
                with gateway.connect() as client:
                    for turn in range(10000):
                        if stop.is_set():
                            return
                        body = create_body(name=f"n-{round_number}-{number}-{turn}")
                        client.request("POST", CREATE, compact(body), {"X-Auth-Token": token})
            except (OSError, Broken):
                pass  # it was killed
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        wait_for(lambda before=before, wanted=wanted: len(cloud.creates()) >= before + wanted, "creates")
        gateway.kill()
        stop.set()
        for thread in threads:
            thread.join(30)
        gateway = gateway_factory(site=gateway.site)
        journal = gateway.journal()
        journal.assert_settled()
        intents = {line["request_sha256"] for line in journal.events("intent")}
        missing = [r for r in cloud.creates() if r.body_sha256 not in intents]
        assert not missing, "reached the cloud without a record"
        digests = collections.Counter(r.body_sha256 for r in cloud.creates())
        assert set(digests.values()) == {1}, "nothing is sent twice"


def test_drain_under_load_answers_or_refuses_but_loses_nothing(gateway_factory, cloud, token):
    gateway = gateway_factory(settings=WORKERS)
    answered = collections.deque()

    def work(number):
        try:
            with gateway.connect() as client:
                for turn in range(10000):
                    body = compact(create_body(name=f"n-{number}-{turn}"))
                    answer = client.request("POST", CREATE, body, {"X-Auth-Token": token})
                    assert answer.status == 200, answer
                    answered.append(hashlib.sha256(body).hexdigest())
                    if answer.header("connection") == "close":
                        return
        except (OSError, Broken):
            pass  # an idle connection was closed under the next request
    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(answered) > 50, "answers")
    assert gateway.stop() == 0
    for thread in threads:
        thread.join(30)
    journal = gateway.journal()
    journal.assert_settled()
    assert {line["outcome"] for line in journal.events("outcome")} == {"created"}
    assert len(journal.events("intent")) == len(cloud.creates())
    assert {r.body_sha256 for r in cloud.creates()} >= set(answered)


def test_connections_are_spread_over_the_workers(gateway_factory, token):
    gateway = gateway_factory(settings=WORKERS)
    clients = [gateway.connect() for _ in range(40)]
    for number, client in enumerate(clients):
        client.send(request_bytes("POST", CREATE, compact(create_body(name=f"n{number}")), {"X-Auth-Token": token}))
    assert {client.read_answer().status for client in clients} == {200}
    for client in clients:
        client.close()
