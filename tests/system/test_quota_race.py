# SPDX-License-Identifier: Apache-2.0
"""Many callers for few places: never more than the limit at the cloud, and exactly the limit in the end."""

import signal
import threading
import time

from support.bodies import CREATE, NOTEBOOKS, create_body, notebook_body
from support.quota import entries, existing, most_at_once, places, quota_policy, service_settings, wait_scanned, wait_settled

PLACES = 10
CALLERS = 200


def _all(count, work):
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()


def _ask(gateway, token, n):
    """One create of caller n, of either family."""
    if n % 2:
        return gateway.request("POST", NOTEBOOKS, notebook_body(name=f"nb-{n}"), {"X-Auth-Token": token})
    return gateway.request("POST", CREATE, create_body(name=f"de-{n}"), {"X-Auth-Token": token})


def test_two_hundred_for_ten_places(gateway_factory, site_factory, cloud_factory, folder, token):
    cloud = cloud_factory(frozen=False)
    site = site_factory(quota_policy(places(PLACES)), {**service_settings(folder), "workers": 2}, cloud.url)
    gateway = gateway_factory(site=site)
    wait_scanned(gateway)
    answers = [None] * CALLERS

    def call(n):
        answers[n] = _ask(gateway, token, n)

    _all(CALLERS, call)
    assert sorted(a.status // 100 for a in answers) == [2] * PLACES + [4] * (CALLERS - PLACES)
    refused = next(a for a in answers if a.status == 403)
    assert refused.json["reasons"][0]["code"] == "quota.exceeded"
    assert most_at_once(cloud) == len(existing(cloud)) == PLACES
    assert entries(gateway) == {"reserved": 0, "unknown": 0, "existing": PLACES}


def test_answers_are_lost_under_load(gateway_factory, site_factory, cloud_factory, folder, token):
    """Every third answer is lost, done or not: nobody overruns, and whoever goes on asking fills the places."""
    cloud = cloud_factory(frozen=False)
    settings = {**service_settings(folder), "workers": 2}
    settings["upstream"]["timeouts"] = {"total": "2s"}
    settings["journal"] = {"timeout": "2s"}  # longer than two syncs take on a slow disk
    gateway = gateway_factory(site=site_factory(quota_policy(places(PLACES)), settings, cloud.url))
    wait_scanned(gateway)
    for n in range(20):
        cloud.fault("reset", f"POST /v1/*-never-{n}" if n % 3 else "POST /v1/*", execute=n % 2 == 0)
    deadline = time.monotonic() + 60

    def call(n):
        attempt = 0
        while len(existing(cloud)) < PLACES and time.monotonic() < deadline:
            attempt += 1
            answer = _ask(gateway, token, n + 100 * attempt)
            assert answer.status in (200, 201, 403, 502, 503), answer
            if answer.status == 403:
                wait_settled(gateway)

    _all(8, call)
    assert wait_settled(gateway) == len(existing(cloud)) == PLACES
    assert most_at_once(cloud) <= PLACES


HANG_S = 60
DEADLINE_S = 20  # what a create may take: the settings below, and what a busy machine adds


def test_the_cloud_hangs_under_load(gateway_factory, site_factory, cloud_factory, folder, token):
    """A minute in which the cloud does nothing at all, and then all that reached it: each create is answered within
    its deadline, each unknown one settles, and the use is what the cloud lists."""
    cloud = cloud_factory(frozen=False)
    settings = {**service_settings(folder), "workers": 2}
    settings["upstream"]["timeouts"] = {"connect": "1s", "tls": "1s", "first_byte": "1s", "total": "3s"}
    settings["journal"] = {"timeout": "1s"}
    gateway = gateway_factory(site=site_factory(quota_policy(places(PLACES)), settings, cloud.url))
    wait_scanned(gateway)
    statuses, slowest = set(), [0.0] * 8
    made = threading.Event()

    def load(n, until):
        attempt = 0
        while time.monotonic() < until:
            attempt += 1
            began = time.monotonic()
            status = _ask(gateway, token, n + 1000 * attempt).status
            slowest[n] = max(slowest[n], time.monotonic() - began)
            statuses.add(status)
            if status in (200, 201):
                made.set()

    first = [threading.Thread(target=load, args=(n, time.monotonic() + HANG_S)) for n in range(8)]
    for thread in first:
        thread.start()
    assert made.wait(20), "connections that are in use when the hang begins"
    cloud.signal(signal.SIGSTOP)
    for thread in first:
        thread.join(HANG_S + 30)
    cloud.signal(signal.SIGCONT)
    assert statuses <= {200, 201, 403, 502, 503} and max(slowest) < DEADLINE_S, (statuses, slowest)
    assert wait_settled(gateway) == len(existing(cloud))
    assert most_at_once(cloud) <= PLACES
