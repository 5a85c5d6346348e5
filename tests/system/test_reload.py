# SPDX-License-Identifier: Apache-2.0
"""HUP: all or nothing, and nobody who is being served notices."""

import signal
import threading

import pytest

from support.bodies import ALLOW_ALL, CREATE, POLICIES, compact, create_body, policy
from support.contract import check_refusal, exchange_id, post_create
from support.waiting import wait_for

GPU = create_body(flavor="modelarts.vm.gpu.v100")


def test_a_new_set_is_taken(gateway, token):
    check_refusal(post_create(gateway, token, GPU), 403, "flavor.not_allowed")
    gateway.site.write_policies(ALLOW_ALL)
    gateway.reload()
    assert post_create(gateway, token, GPU).status == 200
    old, new = gateway.journal().events("refusal")[0], gateway.journal().events("intent")[0]
    assert old["policy_set"] != new["policy_set"]
    line, = gateway.journal_events("policy", policy_set=new["policy_set"])
    assert "error" not in line
    kept = {path.name for path in gateway.site.folder.rglob("sets/*")}
    assert kept == {old["policy_set"], new["policy_set"]}


@pytest.mark.parametrize("bad", [
    {"policies.yaml": ALLOW_ALL, "zz.yaml": "version: 1\npolicies:\n  - name: x\n    matsch: {}\n"},
    {"policies.yaml": "version: 1\npolicies:\n  - flavors: {allow: [a]}\n"},
    {"policies.yaml": "version: 2\n"}, {"policies.yaml": "\tversion: 1\n"}, {},
], ids=["one fault in two files", "no name", "another version", "not YAML", "no file"])
def test_a_set_with_one_fault_is_not_taken(gateway, token, bad):
    gateway.site.write_policies(bad)
    gateway.reload()
    line = gateway.journal_events("policy")[-1]
    assert line["error"] and "policy_set" not in line
    check_refusal(post_create(gateway, token, GPU), 403, "flavor.not_allowed")
    assert post_create(gateway, token).status == 200, "the old set goes on"
    if bad:
        assert f"{list(bad)[-1]}:" in gateway.stderr, "the fault is printed with its place"
    gateway.site.write_policies(ALLOW_ALL)
    gateway.reload()
    assert post_create(gateway, token, GPU).status != 403


def test_reloads_under_load_fail_no_request(gateway, token):
    failed, stop = [], threading.Event()

    def hammer(number):
        with gateway.connect() as client:
            for i in range(100000):
                if stop.is_set():
                    return
                answer = client.request("POST", CREATE, compact(create_body(name=f"n-{number}-{i}")),
                                        {"X-Auth-Token": token})
                if answer.status != 200:
                    failed.append(answer)
                    return
    threads = [threading.Thread(target=hammer, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    sets = [ALLOW_ALL, POLICIES, policy('flavors: {allow: ["*"]}'), "version: 3\n"]
    try:
        for turn in range(12):
            gateway.site.write_policies(sets[turn % len(sets)])
            gateway.reload()
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert failed == []


def test_a_request_keeps_the_set_it_was_judged_by(gateway, cloud, token):
    from support.http import request_bytes
    cloud.fault("slow", "POST *")
    with gateway.connect() as client:
        client.send(request_bytes("POST", CREATE, compact(create_body()), {"X-Auth-Token": token}))
        cloud.wait_held()
        gateway.site.write_policies(policy('flavors: {deny: ["*"]}'))
        gateway.reload()
        check_refusal(post_create(gateway, token, create_body(name="x")), 403, "flavor.denied")
        cloud.release()
        answer = client.read_answer()
    assert answer.status == 200
    assert gateway.wait_outcome(exchange_id(answer))["outcome"] == "created"


def test_certificates_are_read_again(gateway_factory, pki, token, folder):
    files = folder / "tls"
    files.mkdir()

    def install(name):
        (files / "c.pem").write_bytes(open(pki.certificate(name), "rb").read())
        (files / "c.key").write_bytes(open(pki.key(name), "rb").read())
    install("gateway")
    gateway = gateway_factory(settings={"listen": [
        {"address": "127.0.0.1:0", "tls": {"certificate": f"{files}/c.pem", "key": f"{files}/c.key"}}]})

    def subject():
        with gateway.connect(ca=pki.ca) as client:
            return dict(item[0] for item in client.sock.getpeercert()["subject"])["commonName"]
    assert subject() == "gateway"
    install("server")
    gateway.signal(signal.SIGHUP)
    wait_for(lambda: subject() == "server", "the new certificate")
    (files / "c.pem").write_text("no certificate")
    gateway.reload()
    assert subject() == "server", "the old one stays in use"
    assert "c.pem" in gateway.stderr


def test_an_authority_that_is_taken_away_counts_for_nothing_more(gateway_factory, pki, token, folder):
    """Not even on the connections to the cloud that it vouched for."""
    authority = folder / "ca.pem"
    authority.write_bytes(open(pki.ca, "rb").read())
    gateway = gateway_factory(settings={"upstream": {"ca_file": str(authority)}})
    headers = {"X-Auth-Token": token}
    assert gateway.request("GET", CREATE, None, headers).status == 200
    authority.write_bytes(open(pki.certificate("unknown-ca"), "rb").read())
    gateway.reload()
    check_refusal(gateway.request("GET", CREATE, None, headers), 503, "upstream.unreachable")
    authority.write_bytes(open(pki.ca, "rb").read())
    gateway.reload()
    assert gateway.request("GET", CREATE, None, headers).status == 200
