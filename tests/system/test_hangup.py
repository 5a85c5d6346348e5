# SPDX-License-Identifier: Apache-2.0
"""Callers who go away: before the intent nothing happens, behind it everything does."""

import pytest

from support.bodies import CREATE, PROJECT, compact, create_body
from support.contract import exchange_id, post_create
from support.http import request_bytes
from support.waiting import wait_for


@pytest.mark.parametrize("how", ["close", "reset", "half_close"])
def test_after_the_intent_the_create_runs_to_its_outcome(gateway, cloud, token, how):
    cloud.fault("slow", "POST *")
    with gateway.connect() as client:
        client.send(request_bytes("POST", CREATE, compact(create_body()), {"X-Auth-Token": token}))
        cloud.wait_held()
        getattr(client, how)()
        assert gateway.status("/healthz").status == 200  # the gateway has turned its loop meanwhile
        cloud.release()
        journal = gateway.wait_journal(lambda j: j.events("outcome"), "the outcome")
    outcome, = journal.events("outcome")
    assert outcome["outcome"] == "created" and outcome["instance"]["id"] == cloud.instances()[0]["instance"]["id"]
    assert post_create(gateway, token).json["error_code"] == "ModelArts.6301", "the name is settled"
    assert len(cloud.creates()) == 2


def test_many_callers_who_hang_up_at_once(gateway, cloud, token):
    cloud.fault("slow", "POST *", count=20)
    clients = [gateway.connect() for _ in range(20)]
    for number, client in enumerate(clients):
        client.send(request_bytes("POST", CREATE, compact(create_body(name=f"n{number}")), {"X-Auth-Token": token}))
    cloud.wait_held(20)
    for client in clients:
        client.reset()
    cloud.release()
    journal = gateway.wait_journal(lambda j: len(j.events("outcome")) == 20, "20 outcomes")
    assert {line["outcome"] for line in journal.events("outcome")} == {"created"}
    assert len(cloud.instances()) == 20


@pytest.mark.parametrize("part", [1, 20, 200, -1])
def test_before_the_request_is_whole_nothing_is_sent(gateway, cloud, token, part):
    request = request_bytes("POST", CREATE, compact(create_body()), {"X-Auth-Token": token})
    with gateway.connect() as client:
        client.send(request[:part])
    with gateway.connect() as client:
        client.send(request[:part])
        client.reset()
    answer = post_create(gateway, token, create_body(name="after"))
    assert answer.status == 200
    assert [r.json["name"] for r in cloud.creates()] == ["after"]
    gateway.wait_outcome(exchange_id(answer))
    assert len(gateway.journal().events("intent")) == 1


def test_a_reader_of_a_long_answer_goes_away(gateway, cloud, token):
    for _ in range(3):
        client = gateway.connect()
        client.send(request_bytes("GET", f"/v1/{PROJECT}/big?bytes=50000000", None, {"X-Auth-Token": token}))
        client._line()
        client.reset()
    wait_for(lambda: cloud.stats()["open"] == 0, "the cloud's connections to end")
    assert post_create(gateway, token).status == 200


def test_a_release_that_was_sent_is_recorded(gateway, cloud, token):
    made = post_create(gateway, token).json["id"]
    cloud.advance(5)
    cloud.fault("slow", "POST *action")
    with gateway.connect() as client:
        client.send(request_bytes("POST", f"{CREATE}/{made}/action", {"action": "stop"}, {"X-Auth-Token": token}))
        cloud.wait_held()
    gateway.status("/healthz")
    cloud.release()
    gateway.wait_journal(lambda j: j.events("outcome", operation="demanager.stop"), "the stop's outcome")
