# SPDX-License-Identifier: Apache-2.0
"""A clock on the wall that jumps while the outcome of a create is lost: its place is not freed any earlier."""

import time

from support.bodies import create_body
from support.contract import post_create, recorded
from support.disk import build_shim, preloaded
from support.quota import entries, places, quota_policy, service_settings, wait_scanned
from support.waiting import wait_for

DAY_S = 86400


def test_a_clock_that_jumps_ahead_frees_nothing(gateway_factory, site_factory, cloud_factory, folder, token):
    """The cloud's list lags by less than the grace; the clock goes a day ahead in between."""
    cloud = cloud_factory(frozen=False)
    cloud.lists(lag_ms=6000)
    settings = service_settings(folder, grace="8s", reconcile="500ms")
    settings["upstream"]["timeouts"] = {"total": "1s", "connect": "500ms", "tls": "1s"}
    settings["journal"] = {"timeout": "2s"}  # longer than a sync takes on a slow disk
    site = site_factory(quota_policy(places(1)), settings, cloud.url)
    clock = folder / "clock"
    clock.write_text("0")
    env = {**preloaded(build_shim(folder, "clock"), site.binary), "POSTERN_TEST_CLOCK": str(clock)}
    gateway = gateway_factory(site=site, env=env)
    wait_scanned(gateway)
    cloud.fault("reset", "POST /v1/*", execute=True)
    answer = recorded(lambda: post_create(gateway, token, create_body(name="lost")))
    assert answer.status in (502, 504), answer
    clock.write_text(str(DAY_S))
    scans = gateway.metrics()["postern_reconcile_last_success_timestamp_seconds"]
    until = time.monotonic() + 20
    wait_for(lambda: entries(gateway)["unknown"] == 0 or time.monotonic() > until, "it to be settled", 30)
    settled = gateway.wait_journal(lambda j: j.events("settled"), "the line of that").events("settled")
    assert [line["outcome"] for line in settled] == ["created"], (settled, scans)
