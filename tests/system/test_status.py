# SPDX-License-Identifier: Apache-2.0
"""The status listener."""

import re

from support.bodies import create_body
from support.contract import post_create
from support.http import Client
from support.waiting import wait_for

SERIES = re.compile(r'[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*,?\})? [0-9.+eE-]+\Z')


def test_healthz_and_readyz(gateway):
    answer = gateway.status("/healthz")
    assert (answer.status, answer.body) == (200, b"ok\n")
    assert gateway.status("/readyz").status == 200
    assert gateway.status("/other").status == 404


def test_only_get(gateway):
    host, port = gateway.status_address
    with Client(host, port) as client:
        assert client.request("HEAD", "/healthz").status == 200
        assert client.request("POST", "/healthz", b"").status == 405


def test_the_status_page_serves_nothing_else(gateway, cloud):
    assert gateway.status("/v1/p/big").status == 404
    gateway.request("GET", "/metrics", None, {"X-Auth-Token": "t"})
    assert len(cloud.requests("GET", "/metrics")) == 1, "and clients don't see it: their /metrics is the cloud's"


def test_metrics_are_well_formed_and_count(gateway, token):
    text = gateway.status("/metrics")
    assert text.header("content-type").startswith("text/plain; version=0.0.4")
    names = {}
    for line in text.body.decode().splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in names, f"{name} is declared twice"
            names[name] = kind
        elif not line.startswith("#"):
            assert SERIES.match(line), line
            base = re.sub(r"(_bucket|_sum|_count)?[{ ].*", "", line)
            assert base in names or re.sub(r"_(sum|count|bucket)$", "", line.split("{")[0].split(" ")[0]) in names, line
            assert base.startswith("postern_")
    allowed = 'postern_exchanges_total{operation="demanager.create",decision="allow",reason="",status="200"}'
    refused = ('postern_exchanges_total{operation="demanager.create",decision="refuse",reason="flavor.not_allowed",'
               'status="403"}')
    post_create(gateway, token)
    post_create(gateway, token, create_body(flavor="modelarts.vm.gpu.v100"))
    wait_for(lambda: gateway.metrics().get(allowed) == 1 and gateway.metrics().get(refused) == 1, "the counts")


def test_no_secret_in_metrics(gateway, token):
    post_create(gateway, token)
    assert token[:40].encode() not in gateway.status("/metrics").body
