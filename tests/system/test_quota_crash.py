# SPDX-License-Identifier: Apache-2.0
"""kill -9 at each step of a create, whatever the cloud made of it: after a restart the quota is neither overrun nor
leaks a place, and nothing was made twice. The table in docs/quotas.md is what this test finds."""

import os
import pathlib
import signal
import threading

import pytest

from support.bodies import CREATE, create_body
from support.contract import post_create, recorded
from support.quota import entries, existing, most_at_once, places, quota_policy, service_settings, wait_scanned, wait_settled
from support.waiting import wait_for

TABLE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "quotas.md"
BEFORE = ("route", "identify", "body", "parse", "look", "judge", "reserve", "intent", "forward")
SENT = "sent"  # the cloud has the request, and its answer is not there yet
AFTER = ("settle", "outcome", "reply")
CLOUD = ("did it", "didn't", "answer lost")
CASES = [(step, "not asked") for step in BEFORE] + [(step, cloud) for step in (SENT, *AFTER) for cloud in CLOUD]


def _arrange(cloud, step, made):
    """What the cloud does with the create that is to come."""
    held = {"kind": "slow", "match": "POST /v1/*"}
    if made == "answer lost":
        cloud.fault("reset", "POST /v1/*", execute=True)
    elif step == SENT:
        cloud.fault(held["kind"], held["match"], execute=made == "did it")
    elif made == "didn't":
        cloud.fault("status", "POST /v1/*", status=400,
                    body='{"error_code":"ModelArts.6318","error_message":"no"}')


def _send(gateway, token):
    """A create whose answer nobody waits for."""
    def run():
        try:
            gateway.request("POST", CREATE, create_body(name="first"), {"X-Auth-Token": token})
        except (OSError, AssertionError):
            pass  # it is killed
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _crash(gateway_factory, site, cloud, step, made, token):
    """One gateway, from its start to its kill."""
    at = "settle" if (step, made) == (SENT, "answer lost") else step
    gateway = gateway_factory(site=site, env={} if at == SENT else {"POSTERN_STOP_AT": at})
    wait_scanned(gateway)
    _arrange(cloud, step, made)
    thread = _send(gateway, token)
    if at == SENT:
        cloud.wait_held()
    else:
        wait_for(lambda: gateway.stopped, f"the gateway to stop at {at}")
    assert gateway.kill() == -signal.SIGKILL
    thread.join(20)
    cloud.release()


def _row(step, made, before, after, cloud, gateway, second):
    names = [row["name"] for row in cloud.ledger("demanager.create")]
    exist = len(existing(cloud))
    used = entries(gateway)["existing"]
    return {
        "killed at": step, "the cloud": made, "recovered as": before, "settled as": after,
        "exists": names.count("first"), "in use": used - (second == 200),
        "another one": {200: "made", 403: "refused"}.get(second, str(second)),
        "overrun": max(0, most_at_once(cloud) - 1), "leaked": used - exist, "twice": max(0, names.count("first") - 1),
    }


def _told(gateway, exchange):
    """What the journal says of an exchange: its outcome, and how that was settled."""
    def told():
        rows = gateway.journal_events("outcome", "settled")
        mine = {row["event"]: row["outcome"] for row in rows if row["id"] == exchange}
        return mine if mine.get("outcome") != "unknown" or "settled" in mine else None

    mine = wait_for(told, "the line that settles it")
    return mine["outcome"], mine.get("settled", "-")


@pytest.mark.parametrize("step, made", CASES, ids=[f"{s}-{m.replace(' ', '_')}" for s, m in CASES])
def test_kill_at_each_step(gateway_factory, site_factory, cloud_factory, folder, token, step, made):
    cloud = cloud_factory(frozen=False)
    settings = service_settings(folder)
    settings["upstream"]["timeouts"] = {"total": "1s"}
    settings["journal"] = {"timeout": "2s"}  # longer than two syncs take on a slow disk
    site = site_factory(quota_policy(places(1)), settings, cloud.url)
    _crash(gateway_factory, site, cloud, step, made, token)

    gateway = gateway_factory(site=site)
    wait_settled(gateway)
    wait_scanned(gateway)
    intents = [row for row in gateway.journal_events("intent")]
    before, after = _told(gateway, intents[0]["id"]) if intents else ("-", "-")
    second = recorded(lambda: post_create(gateway, token, create_body(name="second"))).status
    row = _row(step, made, before, after, cloud, gateway, second)
    line = "| " + " | ".join(str(value) for value in row.values()) + " |"

    assert (row["overrun"], row["leaked"], row["twice"]) == (0, 0, 0), row
    assert second == (403 if row["exists"] else 200), row
    if "POSTERN_TABLE" in os.environ:  # a new table, to be put into the page
        with open(os.environ["POSTERN_TABLE"], "a", encoding="utf-8") as out:
            out.write(f"{CASES.index((step, made)):02} {line}\n")
    else:
        assert line in TABLE.read_text(encoding="utf-8").splitlines(), f"docs/quotas.md has no such row: {line}"
