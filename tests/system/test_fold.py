# SPDX-License-Identifier: Apache-2.0
"""What the journal says is counted: each checkpoint is the fold of all lines before it, and a start needs no more than
the newest segment."""

import json
import signal

import pytest
from support.bodies import CREATE, compact, create_body
from support.contract import check_refusal, exchange_id, post_create
from support.fold import check_checkpoints
from support.http import request_bytes

SEGMENTS_MAX_CREATES = 1500


def segments(site):
    return sorted(site.journal_folder.glob("*.jsonl"))


def fill(gateway, token, prefix, more=1):
    """Creates until there are that many more segments."""
    before = len(segments(gateway.site))
    with gateway.connect() as client:
        for number in range(SEGMENTS_MAX_CREATES):
            body = compact(create_body(name=f"{prefix}-{number}"))
            answer = client.request("POST", CREATE, body, {"X-Auth-Token": token})
            assert answer.status == 200, answer
            if len(segments(gateway.site)) >= before + more:
                return
    raise AssertionError("the journal does not rotate")


def existing(gateway):
    return json.loads(gateway.site.run("status", "--json").stdout)["journal"]["existing"]


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"garbage\n"), lambda path: path.unlink()],
                         ids=["damaged", "gone"])
def test_a_start_reads_one_segment(gateway_factory, cloud_factory, site_factory, token, spoil):
    """The older ones can't be read any more, and nothing is missing: not even the operation of an intent that a crash
    left open two segments before."""
    cloud = cloud_factory(max_instances=10000)
    site = site_factory(url=cloud.url, settings={"upstream": {"timeouts": {"first_byte": "5m", "total": "5m"}}})
    first = gateway_factory(site=site)
    cloud.fault("slow", "POST *")  # until the segments are full
    with first.connect() as client:
        client.send(request_bytes("POST", CREATE, compact(create_body(name="held")), {"X-Auth-Token": token}))
        cloud.wait_held()
        held, = first.journal().events("intent")
        fill(first, token, "a", more=2)
        first.signal(signal.SIGKILL)
        first.wait()
    cloud.release()
    kept = {path: path.read_bytes() for path in segments(site)[:-1]}
    assert len(kept) >= 2
    before = check_checkpoints(site.journal())
    for path in kept:
        spoil(path)
    second = gateway_factory(site=site)
    second.check_journal = False  # as long as the older segments are spoilt
    assert existing(second) == sum(row["state"] == "existing" for row in before.rows.values())
    assert post_create(second, token, create_body(name="after")).status == 200
    fill(second, token, "b")
    second.stop()
    for path, data in kept.items():
        path.write_bytes(data)
    journal = site.journal()
    journal.assert_settled()
    outcome = [line for line in journal.of(held["id"]) if line["event"] == "outcome"][0]
    assert outcome["outcome"] == "unknown" and outcome["error"] == "recovered"
    assert outcome["operation"] == "demanager.create" and outcome["class"] == "create"
    assert check_checkpoints(journal).rows[held["id"]]["state"] == "unknown"


def test_an_accepted_delete_frees_nothing(gateway, cloud, token):
    answer = post_create(gateway, token)
    assert answer.status == 200, answer
    cloud.advance(7200)  # it has stopped, and can be deleted
    gone = gateway.request("DELETE", f"{CREATE}/{answer.json['id']}", None, {"X-Auth-Token": token})
    assert gone.status == 200, gone
    assert gateway.wait_outcome(exchange_id(gone))["outcome"] == "done"
    assert existing(gateway) == 1


def test_intents_say_how_long_what_was_sent_runs(gateway, cloud, token):
    """Received and sent differ where a policy edits; budgets count what was sent."""
    def intent_of(answer):
        assert answer.status == 200, answer
        return gateway.wait_journal(lambda j: j.of(exchange_id(answer))).of(exchange_id(answer))[0]

    for body, seconds in ((create_body(name="a"), 3600),
                          (create_body(name="b", without=["spec__auto_stop"]), 3600),
                          (create_body(name="c", spec__auto_stop={"enable": True, "duration": 86400}), 14400)):
        intent = intent_of(post_create(gateway, token, body))
        assert intent["instance"]["auto_stop_s"] == seconds
        assert intent["reservation"] == intent["id"]
    refused = post_create(gateway, token, create_body(
        name="d", flavor="modelarts.vm.gpu.v100", spec__auto_stop={"enable": True, "duration": 86400}))
    check_refusal(refused, 403)
    line, = gateway.wait_journal(lambda j: j.of(exchange_id(refused))).of(exchange_id(refused))
    assert line["instance"]["auto_stop_s"] == 86400 and "reservation" not in line
