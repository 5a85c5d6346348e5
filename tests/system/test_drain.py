# SPDX-License-Identifier: Apache-2.0
"""TERM: what is under way is finished, nothing new is taken."""

import signal

import pytest

from support.bodies import CREATE, PROJECT, compact, create_body
from support.contract import check_refusal, exchange_id, post_create
from support.http import Client, request_bytes
from support.waiting import wait_for

PATIENT = {"limits": {"drain": "60s"}}  # whatever ends sooner didn't wait for that


def refuses_connections(gateway):
    try:
        Client(*gateway.addresses[0]).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:  # the listener was closed between the two halves of the handshake
        return False
    return False


def test_a_create_under_way_is_finished(gateway_factory, cloud, token):
    gateway = gateway_factory(settings=PATIENT)
    cloud.fault("slow", "POST *")
    with gateway.connect() as client, gateway.connect() as idle:
        client.send(request_bytes("POST", CREATE, compact(create_body()), {"X-Auth-Token": token}))
        cloud.wait_held()
        gateway.signal(signal.SIGTERM)
        wait_for(lambda: refuses_connections(gateway), "closed listeners")
        idle.expect_end()
        assert gateway.running
        cloud.release()
        answer = client.read_answer()
        assert answer.status == 200 and answer.header("connection") == "close"
        client.expect_end()
    assert gateway.wait() == 0
    journal = gateway.journal()
    journal.assert_settled()
    assert [line["outcome"] for line in journal.of(exchange_id(answer)) if line["event"] == "outcome"] == ["created"]
    assert journal.lines[-1]["event"] == "stop"


def test_a_long_answer_under_way_is_finished(gateway_factory, token):
    gateway = gateway_factory(settings=PATIENT)
    with gateway.connect() as client:
        client.send(request_bytes("GET", f"/v1/{PROJECT}/big?bytes=30000000", None, {"X-Auth-Token": token}))
        client._line()
        gateway.signal(signal.SIGTERM)
        wait_for(lambda: refuses_connections(gateway), "closed listeners")
        assert len(client.read_end()) > 30000000
    assert gateway.wait() == 0


def test_the_drain_has_an_end(gateway_factory, cloud, token):
    gateway = gateway_factory(settings={"limits": {"drain": "500ms"}})
    cloud.fault("hang", "POST *")
    with gateway.connect() as client:
        client.send(request_bytes("POST", CREATE, compact(create_body()), {"X-Auth-Token": token}))
        wait_for(cloud.creates, "the request at the cloud")
        gateway.signal(signal.SIGTERM)
        assert gateway.wait() == 0
    journal = gateway.journal()
    outcome, = journal.events("outcome")
    assert outcome["outcome"] == "unknown" and outcome["error"]
    journal.assert_settled()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_gateway_ends_at_once(gateway_factory, number):
    gateway = gateway_factory(settings=PATIENT)
    gateway.signal(number)
    assert gateway.wait(20) == 0
    assert [line["event"] for line in gateway.journal().lines][-1] == "stop"
    assert not gateway.site.folder.joinpath("admin.sock").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_while_it_ends_changes_nothing(gateway_factory, number):
    gateway = gateway_factory(settings=PATIENT)
    gateway.signal(signal.SIGTERM)
    gateway.wait_stderr("stopped")
    while gateway.running:  # nowhere on its last way may one of them kill it
        gateway.signal(number)
    assert gateway.wait() == 0
    assert gateway.journal().lines[-1]["event"] == "stop"


def test_the_journal_goes_on_after_a_restart(gateway, gateway_factory, cloud, token):
    assert post_create(gateway, token).status == 200
    assert gateway.stop() == 0
    lines = len(gateway.journal().lines)
    again = gateway_factory(site=gateway.site)
    answer = post_create(again, token, create_body(name="nb-2"))
    assert again.wait_outcome(exchange_id(answer))["outcome"] == "created"
    journal = again.journal()
    assert journal.lines[lines]["seq"] == lines + 1 and len(journal.events("start")) == 2


def test_a_killed_gateway_leaves_an_open_intent_that_recovery_closes(gateway, gateway_factory, cloud, token):
    cloud.fault("slow", "POST *")
    with gateway.connect() as client:
        client.send(request_bytes("POST", CREATE, compact(create_body()), {"X-Auth-Token": token}))
        cloud.wait_held()
        gateway.kill()
    cloud.release()
    again = gateway_factory(site=gateway.site)
    journal = again.journal()
    journal.assert_settled()
    outcome, = journal.events("outcome")
    assert outcome["outcome"] == "unknown" and outcome["error"] == "recovered"
    assert len(cloud.creates()) == 1, "nothing is sent again"


def test_a_torn_last_line_is_mended(gateway, gateway_factory, token):
    assert post_create(gateway, token).status == 200
    gateway.stop()
    with open(gateway.journal().segments[-1], "ab") as segment:
        segment.write(b'{"v":1,"seq":')
    again = gateway_factory(site=gateway.site)
    assert post_create(again, token, create_body(name="nb-2")).status == 200
    again.wait_journal(lambda j: True)


def test_damage_within_refuses_judged_requests_until_it_is_accepted(gateway, gateway_factory, cloud, token):
    assert post_create(gateway, token).status == 200
    gateway.stop()
    segment = gateway.journal().segments[-1]
    data = bytearray(segment.read_bytes())
    data[data.index(b'"nb-1"') + 1] ^= 1
    segment.write_bytes(bytes(data))
    again = gateway_factory(site=gateway.site)
    again.check_journal = False
    cloud.forget()
    check_refusal(post_create(again, token, create_body(name="nb-2")), 503, "journal.unavailable")
    assert cloud.creates() == []
    headers = {"X-Auth-Token": token}
    assert again.request("GET", CREATE, None, headers).status == 200, "reads go on"
    assert "postern audit repair" in again.stderr
    assert again.stop() == 0
    done = again.site.run("audit", "repair", "-c", str(again.site.conf), conf=False)
    assert done.returncode == 0, done
    mended = gateway_factory(site=gateway.site)
    mended.check_journal = False
    assert post_create(mended, token, create_body(name="nb-2")).status == 200
