# SPDX-License-Identifier: Apache-2.0
"""The journal as the running gateway writes it: segments, checkpoints, and what happens when there is no room."""

import os
import pathlib
import shutil
import stat

import pytest

from support.bodies import CREATE, compact, create_body
from support.contract import check_refusal, exchange_id, post_create
from support.journal import Journal
from support.waiting import wait_for


def test_the_first_lines(gateway):
    journal = gateway.journal()
    assert journal.segments[0].name == "00000000000000000001.jsonl"
    start, = journal.events("start")
    assert start["durability"] == "sync"
    assert stat.S_IMODE(os.stat(journal.folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(journal.segments[0]).st_mode) & 0o077 == 0


def test_the_reader_of_these_tests_leaves_out_a_line_in_the_writing(gateway, folder):
    copy = pathlib.Path(shutil.copytree(gateway.site.journal_folder, folder / "copy"))
    whole = Journal(copy).lines
    with open(copy / "00000000000000000001.jsonl", "ab") as segment:
        segment.write(b'{"v":1,"seq":')
    assert Journal(copy, growing=True).lines == whole
    with pytest.raises(AssertionError, match="unterminated"):
        Journal(copy)
    (copy / f"{len(whole) + 1:020d}.jsonl").touch()
    with pytest.raises(AssertionError, match="unterminated"):
        Journal(copy, growing=True)


def test_segments_are_rotated_and_open_with_a_checkpoint(gateway, gateway_factory, cloud, token):
    made = []
    with gateway.connect() as client:
        for number in range(1500):
            answer = client.request("POST", CREATE, compact(create_body(name=f"n{number}")), {"X-Auth-Token": token})
            assert answer.status == 200, answer
            made.append(answer.json["id"])
            if len(list(gateway.site.journal_folder.glob("*.jsonl"))) > 1:
                break
    gateway.wait_outcome(exchange_id(answer))
    journal = gateway.journal()
    assert len(journal.segments) > 1
    firsts = [line for line in journal.lines if f"{line['seq']:020d}.jsonl" in {s.name for s in journal.segments}]
    for line in firsts[1:]:
        assert line["event"] == "checkpoint"
        existing = {row["instance"]["id"] for row in line["open"] if row["state"] == "existing"}
        created = {x["instance"]["id"] for x in journal.events("outcome") if x["seq"] < line["seq"]}
        assert existing == created
    assert all(segment.stat().st_size <= 1048576 + 65536 for segment in journal.segments)
    gateway.stop()
    again = gateway_factory(site=gateway.site)
    assert post_create(again, token, create_body(name="after")).status == 200


def test_no_room_refuses_judged_requests_and_nothing_else(gateway_factory, cloud, token):
    gateway = gateway_factory(settings={"journal": {"low_space": "1024GB"}})
    answer = post_create(gateway, token)
    check_refusal(answer, 503, "journal.unavailable")
    assert cloud.creates() == []
    assert gateway.request("GET", CREATE, None, {"X-Auth-Token": token}).status == 200
    stop = gateway.request("DELETE", CREATE + "/DE-1", None, {"X-Auth-Token": token})
    assert stop.json["error_code"] == "ModelArts.6309", "releases go on"
    ready = gateway.status("/readyz")
    assert ready.status == 200 and b"degraded" in ready.body
    assert "low_space" in gateway.site.run("status").stdout + gateway.stderr


def test_the_record_holds_what_a_caller_sends_without_breaking(gateway, cloud, token):
    nasty = 'x"\\,{}\t'
    headers = {"X-Request-Id": nasty.strip() + "y" * 3000, "User-Agent": nasty.strip()}
    answer = post_create(gateway, token, None, headers)
    assert answer.status == 200, answer
    ours = exchange_id(answer)
    gateway.wait_outcome(ours)
    intent = gateway.journal().of(ours)[0]
    assert intent["request_id"].startswith('x"') and len(intent["request_id"]) <= 1024


def test_names_of_any_script(gateway, token):
    path = "/team-a/\u8cc7 \u6599/"
    body = create_body(description="d\u00e9j\u00e0 \u8cc7\u6599 \U0001f600", spec__storage__location__path=path)
    answer = post_create(gateway, token, body)
    assert answer.status == 200, answer
    gateway.wait_outcome(exchange_id(answer))
    assert gateway.journal().events("intent")[0]["instance"]["storage"] == [path]


def test_refusals_are_recorded_without_being_waited_for(gateway, cloud, token):
    with gateway.connect() as client:
        for number in range(100):
            answer = client.request("POST", CREATE, compact(create_body(name=f"n{number}", flavor="x")),
                                    {"X-Auth-Token": token})
            assert answer.status == 403

    def recorded():
        lines = gateway.journal_events("refusal")
        return sum(line.get("count", 1) for line in lines) == 100
    wait_for(recorded, "100 refusals in the journal")
    assert cloud.creates() == []


def test_a_policy_set_that_was_changed_is_kept_anew(gateway_factory, cloud, token):
    """At a start and at a reload: replays and audits read the copy long after."""
    gateway = gateway_factory()
    copy, = (gateway.site.folder / "sets").iterdir()
    text = (copy / "policies.yaml").read_text()
    (copy / "policies.yaml").write_text(text.replace("vm.cpu", "vm.gpu"))
    gateway.reload()
    assert (copy / "policies.yaml").read_text() == text
    aside, = (gateway.site.folder / "sets").glob(f"{copy.name}.changed-*")
    assert (aside / "policies.yaml").read_text() != text
    assert f"the copy of the policy set {copy.name}" in gateway.stderr and aside.name in gateway.stderr
    gateway.stop()
    (copy / "policies.yaml").unlink()
    again = gateway_factory(site=gateway.site)
    assert (copy / "policies.yaml").read_text() == text
    assert "was changed, or isn't whole" in again.stderr
