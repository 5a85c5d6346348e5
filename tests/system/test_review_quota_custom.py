# SPDX-License-Identifier: Apache-2.0
"""What an instance is when it isn't what its create said: resources chosen one by one, which have no flavor's name and
count for each that they could be, and a flavor that was changed around the gateway."""

import pytest

from support.bodies import NOTEBOOKS, notebook_body
from support.quota import places, quota_policy, service_settings, wait_scanned, wait_settled
from support.waiting import wait_for

CUSTOM = {"cpu": 1, "memory": 1024, "gpu": 1, "gpu_type": "t4"}


@pytest.fixture
def site(site_factory, cloud, folder):
    policies = quota_policy(places(1, flavors='["*gpu*"]'), "custom_spec: allow")
    return site_factory(policies, service_settings(folder), cloud.url)


@pytest.fixture
def cloud(cloud_factory):
    return cloud_factory(frozen=False)


def _create(gateway, token, name, **members):
    return gateway.request("POST", NOTEBOOKS, notebook_body(name=name, **members), {"X-Auth-Token": token})


def _scanned_again(gateway):
    """A whole scan that began after now has ended."""
    name = 'postern_reconcile_scans_total{result="complete"}'
    before = gateway.metrics()[name]
    wait_for(lambda: gateway.metrics()[name] >= before + 2, "two more scans")


def test_beside_a_flavor(gateway_factory, site, token):
    gateway = gateway_factory(site=site)
    wait_scanned(gateway)
    assert _create(gateway, token, "nb-1", custom_spec=CUSTOM).status == 201
    assert _create(gateway, token, "nb-2", custom_spec=CUSTOM).status == 403
    gateway.stop()
    gateway = gateway_factory(site=site)
    wait_settled(gateway)
    _scanned_again(gateway)
    assert _create(gateway, token, "nb-3", custom_spec=CUSTOM).status == 403


def test_an_update(gateway_factory, site, token, cloud):
    """Changed from a flavor that does not count to resources that may."""
    gateway = gateway_factory(site=site)
    wait_scanned(gateway)
    ids = []
    for n in range(2):
        answer = _create(gateway, token, f"nb-{n}")
        assert answer.status == 201, answer
        ids.append(answer.json["id"])

    def change(which):
        return gateway.request("PUT", f"{NOTEBOOKS}/{ids[which]}", {"custom_spec": CUSTOM}, {"X-Auth-Token": token})

    cloud.advance(600)
    for which in ids:
        assert gateway.request("POST", f"{NOTEBOOKS}/{which}/stop", b"", {"X-Auth-Token": token}).status == 200
        cloud.advance(600)
    assert change(0).status == 200
    assert change(1).status == 403
    _scanned_again(gateway)
    assert change(1).status == 403


def test_a_start_counts_as_what_the_cloud_says_it_is(gateway_factory, site_factory, folder, cloud, token):
    """Made with a flavor that doesn't count, changed around the gateway, and started before a list was read."""
    policies = quota_policy(places(0, flavors='["*gpu*"]', counts="running"))
    gateway = gateway_factory(site=site_factory(policies, service_settings(folder, reconcile="1h"), cloud.url))
    wait_scanned(gateway)
    made = _create(gateway, token, "nb-1")
    assert made.status == 201, made
    cloud.advance(600)
    rows = cloud.instances()
    for row in rows:
        row["instance"]["flavor"] = "modelarts.vm.gpu.v100"
        row["instance"]["status"] = "STOPPED"
    cloud.preset(rows)
    start = gateway.request("POST", f"{NOTEBOOKS}/{made.json['id']}/start?duration=3600000&type=timing", None,
                            {"X-Auth-Token": token})
    assert (start.status, start.json["reasons"][0]["code"]) == (403, "quota.exceeded"), start
    assert not cloud.ledger("notebooks.start")
