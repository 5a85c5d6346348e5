# SPDX-License-Identifier: Apache-2.0
"""The shared store goes away: who asks for nothing of it must not notice."""

import time

import pytest

from support.bodies import CREATE, PROJECT, create_body
from support.postgres import Postgres
from support.quota import places, service_settings
from support.waiting import wait_for

LEASE_S = 1
WITHOUT = ("version: 1\npolicies:\n  - name: team-a\n    contact: ml-platform@example.org\n"
           f"    match: {{projects: [{PROJECT}]}}\n    flavors: {{allow: [\"*\"]}}\n")


def _with(mode):
    return WITHOUT + (f"  - name: counted\n    mode: {mode}\n    match: {{projects: [{PROJECT}]}}\n"
                      f"    quotas:\n      - {places(1)}\n")


@pytest.fixture
def server():
    postgres = Postgres()
    yield postgres
    postgres.close()


@pytest.mark.parametrize("policies", [WITHOUT, _with("warn"), _with("observe")], ids=["none", "warn", "observe"])
def test_the_store_is_away_for_longer_than_a_lease(gateway_factory, site_factory, cloud_factory, folder, token, server,
                                                   policies):
    cloud = cloud_factory(frozen=False)
    settings = service_settings(folder, store=server.create("quotas"), lease=f"{LEASE_S}s", timeout="300ms")
    site = site_factory(policies, settings, cloud.url)
    assert site.run("quota", "init", "-c", str(site.conf), conf=False).returncode == 0
    gateway = gateway_factory(site=site)
    wait_for(lambda: gateway.metrics()["postern_quota_store_up"] == 1, "the store")
    server.stop()
    wait_for(lambda: gateway.metrics()["postern_quota_store_up"] == 0, "the loss of the store")
    until = time.monotonic() + LEASE_S
    wait_for(lambda: time.monotonic() > until, "the end of the lease")
    answers = [gateway.request("POST", CREATE, create_body(name=f"de-{n}"), {"X-Auth-Token": token}) for n in range(2)]
    assert [answer.status for answer in answers] == [200, 200], answers
