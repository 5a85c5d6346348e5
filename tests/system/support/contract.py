# SPDX-License-Identifier: Apache-2.0
"""What holds for every answer and every exchange, as the contract has it."""

import hashlib
import json
import re

from support.bodies import CREATE, compact, create_body
from support.waiting import TIMEOUT_S, wait_for

_ID = re.compile(r"[0-9a-f]{32}\Z")
REFUSAL = ["error_code", "error_msg", "error_message", "message", "request_id", "reasons"]
REASON = ["code", "policy", "message", "contact"]


def exchange_id(answer):
    """Ours, which stands in every answer."""
    ours = answer.header("Postern-Id")
    assert ours is not None and _ID.match(ours), answer
    return ours


def check_refusal(answer, status, *codes):
    """An answer of the gateway's own, word for word; codes: of its reasons, in order. Gives its body."""
    assert answer.status == status, answer
    body = json.loads(answer.body, object_pairs_hook=lambda pairs: dict(pairs))
    assert list(body) == REFUSAL, list(body)
    assert body["error_code"] == f"Postern.0{status}"
    assert body["error_msg"] == body["error_message"] == body["message"] != ""
    assert answer.header("content-type") == "application/json"
    ours = exchange_id(answer)
    assert body["request_id"] == answer.header("X-Request-Id") == answer.header("x-openstack-request-id") == ours
    assert 1 <= len(body["reasons"]) <= 20
    for reason in body["reasons"]:
        assert list(reason) == [name for name in REASON if name in reason] and reason["code"] and reason["message"]
    if codes:
        assert [reason["code"] for reason in body["reasons"]] == list(codes)
    return body


def post_create(gateway, token, body=None, headers=(), **options):
    """A create. body: as create_body gives it, or bytes."""
    body = create_body() if body is None else body
    body = body if isinstance(body, bytes) else compact(body)
    return gateway.request("POST", CREATE, body, [("X-Auth-Token", token), *dict(headers).items()], **options)


def recorded(ask, what="a create", timeout=TIMEOUT_S):
    """The first answer of ask() that is not about a record that was not on disk in time: such a create was not sent."""
    def answered():
        answer = ask()
        late = answer.status == 503 and answer.json["reasons"][0]["code"].startswith("journal.")
        return None if late else (answer,)
    return wait_for(answered, what, timeout)[0]


def check_sent(cloud, gateway, answer):
    """The one create that reached the cloud is the one whose digest was recorded before it went. Gives request,
    intent and outcome."""
    received, = cloud.creates()
    outcome = gateway.wait_outcome(exchange_id(answer))
    lines = gateway.journal().of(exchange_id(answer))
    assert [line["event"] for line in lines] == ["intent", "outcome"], lines
    intent = lines[0]
    assert intent["request_sha256"] == hashlib.sha256(received.body).hexdigest()
    assert received.header("content-length") == str(len(received.body))
    assert intent["time"] <= outcome["time"]
    return received, intent, outcome


def check_not_sent(cloud, gateway, answer, *codes):
    """Refused: nothing reached the cloud, and one refusal line says why. Gives that line."""
    assert cloud.requests() == []
    ours = exchange_id(answer)
    journal = gateway.wait_journal(lambda j: j.of(ours), f"the refusal of {ours}")
    line, = journal.of(ours)
    assert line["event"] == "refusal" and line["decision"] == "refuse" and line["outcome"] == "refused", line
    assert [reason["code"] for reason in line["reasons"]] == list(codes)
    return line
