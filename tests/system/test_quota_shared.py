# SPDX-License-Identifier: Apache-2.0
"""Several gateways on one PostgreSQL: together they keep what one keeps alone."""

import signal
import threading
import time

import pytest

from support.bodies import CREATE, create_body
from support.contract import post_create, recorded
from support.http import Broken
from support.postgres import Postgres
from support.quota import entries, existing, most_at_once, places, quota_policy, service_settings, wait_scanned
from support.waiting import wait_for

PLACES = 10
CALLERS = 200
AT_ONCE = 24
GONE = (OSError, Broken)  # the gateway was killed while it was asked


@pytest.fixture
def server():
    postgres = Postgres()
    yield postgres
    postgres.close()


@pytest.fixture
def gateways(gateway_factory, site_factory, cloud, server, folder):
    """Three of them, on one database."""
    url = server.create("quotas")
    sites = []
    for n in range(3):
        settings = service_settings(folder, store=url, lease="2s", timeout="2s", grace="500ms")
        settings["upstream"]["timeouts"] = {"connect": "500ms", "tls": "1s", "total": "2s"}
        settings["journal"] = {"timeout": "2s"}  # longer than a sync takes on a slow disk
        sites.append(site_factory(quota_policy(places(PLACES)), {**settings, "workers": 2}, cloud.url, name=f"g{n}"))
    done = sites[0].run("quota", "init", "-c", str(sites[0].conf), conf=False)
    assert done.returncode == 0, done
    started = [gateway_factory(site=site) for site in sites]
    for gateway in started:
        wait_scanned(gateway)
    return started


@pytest.fixture
def cloud(cloud_factory):
    return cloud_factory(frozen=False)


def _ask(gateway, token, name):
    try:
        return gateway.request("POST", CREATE, create_body(name=name), {"X-Auth-Token": token}).status
    except GONE:
        wait_for(lambda: not gateway.running, "the end of the gateway that hung up")
        return None


def _unsettled(gateways):
    return sum(entries(g)["reserved"] + entries(g)["unknown"] for g in gateways)


def test_races_through_three_while_one_dies_and_the_store_restarts(gateways, cloud, server, token):
    statuses, numbers, lock = set(), iter(range(CALLERS)), threading.Lock()

    def call(which):
        while True:
            with lock:
                n = next(numbers, None)
            if n is None:
                return
            status = _ask(gateways[which], token, f"nb-{n}") if gateways[which].running else None
            statuses.add(status)

    threads = [threading.Thread(target=call, args=(n % 3,)) for n in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(existing(cloud)) >= 3, "the first instances")
    assert gateways[2].kill() == -signal.SIGKILL
    server.restart(signal.SIGQUIT)
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert statuses <= {None, 200, 403, 502, 503}, statuses

    alive, deadline, asked = gateways[:2], time.monotonic() + 60, CALLERS
    while len(existing(cloud)) < PLACES and time.monotonic() < deadline:
        asked += 1
        if _ask(alive[asked % 2], token, f"nb-{asked}") == 403:
            wait_for(lambda: _unsettled(alive) == 0, "what is unknown to be settled", 60)
    assert len(existing(cloud)) == most_at_once(cloud) == PLACES
    wait_for(lambda: all(entries(g) == {"reserved": 0, "unknown": 0, "existing": PLACES} for g in alive),
             "both to know what exists", 60)


def test_the_store_is_away(gateways, cloud, server, token):
    """Creates are refused in time with a reason of their own, all else goes on, and it comes back by itself."""
    first, header = gateways[0], {"X-Auth-Token": token}
    made = recorded(lambda: post_create(first, token, create_body(name="before")))
    assert made.status == 200
    server.stop(signal.SIGQUIT)
    began = time.monotonic()
    answer = first.request("POST", CREATE, create_body(name="meanwhile"), header)
    assert (answer.status, answer.json["reasons"][0]["code"]) == (503, "quota.unavailable")
    assert time.monotonic() - began < 20
    assert first.request("GET", f"{CREATE}/{made.json['id']}", None, header).status == 200
    assert first.request("POST", f"{CREATE}/{made.json['id']}/action", {"action": "stop"}, header).status in (200, 400)
    server.start()
    wait_for(lambda: first.request("POST", CREATE, create_body(name="after"), header).status == 200, "the store", 30)
    assert len(cloud.creates()) == 2, "what was refused was not sent"
    wait_for(lambda: all(entries(g)["existing"] == 2 for g in gateways), "all to know of both", 30)


def test_a_name_is_locked_for_all(gateways, cloud, token):
    """An unknown create of one gateway keeps another from sending it again."""
    cloud.fault("slow", "POST /v1/*")
    thread = threading.Thread(target=_ask, args=(gateways[0], token, "same"))
    thread.start()
    cloud.wait_held()
    answer = gateways[1].request("POST", CREATE, create_body(name="same"), {"X-Auth-Token": token})
    cloud.release()
    thread.join(30)
    assert (answer.status, answer.json["reasons"][0]["code"]) == (403, "create.pending")
    assert len(cloud.creates()) == 1


def test_what_a_dead_gateway_left_is_settled_in_its_journal(gateways, gateway_factory, cloud, token):
    """Another one takes it over and finds out; when the dead one is back, its own journal says so, too."""
    cloud.fault("slow", "POST /v1/*", execute=True)
    thread = threading.Thread(target=_ask, args=(gateways[2], token, "left"))
    thread.start()
    cloud.wait_held()
    gateways[2].kill()
    thread.join(30)
    cloud.release()
    wait_for(lambda: entries(gateways[0]) == {"reserved": 0, "unknown": 0, "existing": 1}, "the takeover", 60)
    back = gateway_factory(site=gateways[2].site)
    back.wait_journal(lambda j: j.events("settled", outcome="created"), "its own line")
