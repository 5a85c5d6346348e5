# SPDX-License-Identifier: Apache-2.0
"""Quotas in tests: policies with them, the gateway's own credential, and what is in use by whom one asks."""

import os
import pathlib

from support.bodies import PROJECT
from support.tokens import make_token
from support.waiting import wait_for

QUOTA = "places"


def quota_policy(quota, rules=""):
    """One policy that allows all that `rules` don't forbid, with a quota of these members."""
    lines = "".join(f"    {line}\n" for line in rules.strip("\n").split("\n") if line)
    return ("version: 1\npolicies:\n  - name: team-a\n    contact: ml-platform@example.org\n"
            f"    match: {{projects: [{PROJECT}]}}\n    flavors: {{allow: [\"*\"]}}\n{lines}"
            f"    quotas:\n      - {quota}\n")


def places(limit, **more):
    """The usual quota: so many instances in the project."""
    members = {"name": QUOTA, "limit": limit, "per": "[project]", **more}
    return "{" + ", ".join(f"{key}: {value}" for key, value in members.items()) + "}"


def service_settings(folder, **quota):
    """Settings of a gateway that reads the cloud's lists with a token of its own, soon and often."""
    path = pathlib.Path(folder) / "service.token"
    path.write_text(make_token(user="postern", project=PROJECT, roles=["te_admin"]) + "\n")
    os.chmod(path, 0o600)
    return {"upstream": {"service_credential": {"token_file": str(path)}},
            "quota": {"reconcile": "1s", "grace": "100ms", **quota}}


def entries(gateway):
    """{state: how many} of the ledger, by the metrics."""
    states = ("reserved", "unknown", "existing")
    metrics = gateway.metrics()
    return {state: int(metrics[f'postern_ledger_entries{{state="{state}"}}']) for state in states}


def wait_scanned(gateway):
    """Until the lists were read once: before that an empty ledger grants nothing. Gateways that share one hear of it
    from each other."""
    wait_for(lambda: gateway.metrics()["postern_reconcile_last_success_timestamp_seconds"] > 0, "the first scan")
    wait_for(lambda: b"lists have not been read" not in gateway.status("/readyz").body, "all to know of it")


def wait_settled(gateway, timeout=60.0):
    """Until nothing is under way or unknown; what exists then."""
    def settled():
        now = entries(gateway)
        return now if now["reserved"] == now["unknown"] == 0 else None
    return wait_for(settled, "every reservation to be settled", timeout)["existing"]


def existing(cloud):
    """Ids of what exists at the cloud now."""
    return [row["instance"]["id"] for row in cloud.instances()
            if row["instance"]["status"] not in ("DELETED", "CREATE_FAILED")]


def most_at_once(cloud):
    """The largest number of instances that ever existed at once, by the cloud's own books."""
    alive, most = set(), 0
    for row in cloud.ledger():
        if row["call"] == "create":
            alive.add(row["instance"])
        elif row["call"] == "delete":
            alive.discard(row["instance"])
        most = max(most, len(alive))
    return most
