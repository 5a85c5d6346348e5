# SPDX-License-Identifier: Apache-2.0
"""Instances of both families that keep the policy of support/oracle.py, as the stand-in cloud's control API takes them."""

import time

from support.bodies import PROJECT
from support.oracle import FLAVOR, IMAGE

DEMANAGER, NOTEBOOKS = f"/v1/{PROJECT}/demanager/instances", f"/v1/{PROJECT}/notebooks"
DE, NB = "DE-00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000001"
HOUR_MS = 3600000


def de_instance(**members):
    spec = {"storage": {"type": "obs", "location": {"path": "/team-a/x/"}}, "auto_stop": {"enable": True, "duration": 3600},
            "annotations": {"url": ""}, "extend_storage": None}
    instance = {"id": DE, "name": "old", "status": "STOPPED", "flavor": FLAVOR, "workspace": {"id": "0"},
                "spec": {**spec, **members.pop("spec", {})}}
    return {"family": "demanager", "project": PROJECT, "instance": {**instance, **members}}


def nb_instance(began_s=None, **members):
    began = int((time.time() if began_s is None else began_s) * 1000)
    instance = {"id": NB, "name": "old", "status": "STOPPED", "flavor": FLAVOR, "workspace_id": "0", "image": {"id": IMAGE},
                "lease": {"create_at": began, "duration": HOUR_MS, "enable": True, "type": "TIMING", "update_at": began},
                "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 50}}
    return {"family": "notebooks", "project": PROJECT, "instance": {**instance, **members}}
