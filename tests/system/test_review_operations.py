# SPDX-License-Identifier: Apache-2.0
"""Holes that were found in the judging of changes, starts, leases and mounts: a test for each."""

import pytest

from support.bodies import compact, create_body
from support.compliant import DE, DEMANAGER, HOUR_MS, NB, NOTEBOOKS, de_instance, nb_instance
from support.contract import check_refusal, exchange_id
from support.oracle import FLAVOR, IMAGE, POLICY

STARTS = [("POST", f"{DEMANAGER}/{DE}/action", {"action": "start"}), ("POST", f"{NOTEBOOKS}/{NB}/start?duration=3600000", None),
          ("PATCH", f"{NOTEBOOKS}/{NB}/lease?duration=3600000", None)]


def instances(**members):
    """One of each family that keeps the policy, with these members beside or instead."""
    return [de_instance(**members), nb_instance(**members)]


@pytest.fixture
def cloud(cloud_factory):
    """In the present: a lease is judged by the time since it began."""
    return cloud_factory(frozen=False)


@pytest.fixture
def gateway(gateway_factory, cloud):
    return gateway_factory(POLICY)


@pytest.fixture
def call(gateway, token):
    def send(method, target, body=None, headers=()):
        body = body if body is None or isinstance(body, bytes) else compact(body)
        return gateway.request(method, target, body, [("X-Auth-Token", token), *dict(headers).items()])
    return send


def outcome_of(gateway, answer):
    gateway.wait_outcome(exchange_id(answer))
    return gateway.journal().of(exchange_id(answer))[-1]


@pytest.mark.parametrize("method, target, body", STARTS)
@pytest.mark.parametrize("length", [200, 200000])
def test_the_answer_does_not_overwrite_the_instance_that_was_shown(gateway, cloud, call, method, target, body, length):
    """The judged request had views of the buffer into which the answer to the start went: the outcome's name was a
    piece of that answer, which holds a secret, or of freed memory."""
    cloud.preset(instances(name="as-shown"))
    cloud.fault("status", match=f"{method} *", status=200, body='{"token":"%s"}' % ("S" * length))
    answer = call(method, target, body)
    assert answer.status == 200 and len(answer.body) > length
    line = outcome_of(gateway, answer)
    assert line["outcome"] == "done" and line["instance"]["name"] == "as-shown"


def test_stored_hooks_are_judged_at_a_start(gateway, cloud, call):
    """The manual says so, but they were not read."""
    cloud.preset(instances(hooks={"container_hooks": {"pre_start": {"type": "COMMAND", "script": "x"}}}))
    check_refusal(call(*STARTS[1]), 403, "hooks.refused")
    assert cloud.ledger() == []


def test_a_mount_is_recorded_for_its_instance(gateway, cloud, call):
    """Its answer has the id of the storage."""
    cloud.preset(instances(status="RUNNING"))
    answer = call("POST", f"{NOTEBOOKS}/{NB}/storage", {"category": "OBS", "mount_path": "/data/x/", "uri": "obs://team-a/d/"})
    assert answer.status == 200 and answer.json["id"] != NB
    assert outcome_of(gateway, answer)["instance"]["id"] == NB


@pytest.mark.parametrize("body, sent", [
    (b'{"spec":{"auto_stop":null}}', {"spec": {"auto_stop": {"enable": True, "duration": 3600}}}),
    (b'{"spec":null,"description":"d"}', {"spec": {"auto_stop": {"enable": True, "duration": 3600}}, "description": "d"}),
    (b'{"auto_stop":null}', {"auto_stop": {"enable": True, "duration": 3600}, "spec": {"auto_stop": {"enable": True, "duration": 3600}}}),
    (b'{"auto_stop":null,"spec":null}', {"auto_stop": {"enable": True, "duration": 3600}, "spec": {"auto_stop": {"enable": True, "duration": 3600}}}),
])
def test_a_null_does_not_take_the_auto_stop_away(gateway, cloud, call, body, sent):
    """It passed as a field that the update doesn't name."""
    cloud.preset(instances())
    answer = call("PUT", f"{DEMANAGER}/{DE}", body)
    assert answer.status == 200 and answer.header("Postern-Decision") == "rewrite", answer
    received, = cloud.requests("PUT")
    assert received.json == sent


@pytest.mark.parametrize("body", [{"duration": HOUR_MS}, {"duration": None}, {"lease": {"duration": HOUR_MS}}, {"lease": {}}, {"lease": None},
                                  {"lease": {"type": "TIMING"}}])
@pytest.mark.parametrize("unknown", ["refuse", "pass"])
def test_an_update_of_a_notebook_does_not_prolong_it(gateway_factory, cloud, token, body, unknown):
    """Repeated, it could have done so for ever: only a lease's time counts from its beginning."""
    gateway = gateway_factory(POLICY, {"requests": {"unknown_fields": unknown}})
    cloud.preset(instances(status="RUNNING"))
    answer = gateway.request("PUT", f"{NOTEBOOKS}/{NB}", body, {"X-Auth-Token": token})
    check_refusal(answer, 400, "body.misplaced")
    assert cloud.requests() == []


MANY = ", ".join(f'k{i}: "v"' for i in range(40))


@pytest.mark.parametrize("mode, status", [("observe", 200), ("warn", 200), ("enforce", 403)])
def test_more_changes_than_edits(gateway_factory, cloud, token, mode, status):
    """Forty annotations in two places are eighty changes: a 503, even if the policy only observes."""
    gateway = gateway_factory("version: 1\npolicies:\n  - {name: all}\n"
                              f"  - {{name: labels, mode: {mode}, annotations: {{set: {{{MANY}}}}}}}\n")
    body = create_body(spec__annotations={"a": "b"}, annotations={"a": "b"})
    answer = gateway.request("POST", DEMANAGER, body, {"X-Auth-Token": token})
    assert answer.status == status, answer
    if status == 403:
        check_refusal(answer, 403, "policy.too_many_edits")
    else:
        assert cloud.creates()[0].json == body


def test_a_refusal_of_thousands_of_volumes_is_a_short_line(gateway, call):
    """It was thirteen times as long as the body that it refused."""
    volumes = [{"category": "x", "capacity": 999, "uri": "x"}] * 1900
    body = {"name": "nb", "flavor": FLAVOR, "image_id": IMAGE, "duration": HOUR_MS, "volume": volumes[0], "data_volumes": volumes}
    answer = call("POST", NOTEBOOKS, body)
    assert answer.status == 403 and len(answer.json["reasons"]) == 20
    line, = gateway.wait_journal(lambda j: j.of(exchange_id(answer))).of(exchange_id(answer))
    assert len(line["reasons"]) == 64
