# SPDX-License-Identifier: Apache-2.0
"""Request bodies and policies that many tests start from."""

import copy
import json

PROJECT = "0123456789abcdef0123456789abcdef"
OTHER_PROJECT = "fedcba9876543210fedcba9876543210"
CREATE = f"/v1/{PROJECT}/demanager/instances"

_CREATE_BODY = {
    "name": "nb-1",
    "description": "",
    "profile_id": "Multi-Engine 1.0 (python3)-cpu",
    "flavor": "modelarts.vm.cpu.2u",
    "spec": {
        "storage": {"type": "obs", "location": {"path": "/team-a/nb-1/"}},
        "auto_stop": {"enable": True, "duration": 3600},
    },
    "workspace": {"id": "0"},
}

POLICIES = """\
version: 1
policies:
  - name: team-a-notebooks
    contact: ml-platform@example.org
    match:
      projects: [%s]
    flavors: {allow: ["modelarts.vm.cpu.*"], deny: ["*.8u"]}
    storage:
      types: [obs]
      obs_prefixes: ["/team-a/"]
    auto_stop:
      required: true
      default: 1h
      max: 4h
""" % PROJECT

ALLOW_ALL = """\
version: 1
policies:
  - name: everyone
    match:
      projects: [%s]
""" % PROJECT


def create_body(without=(), **members):
    """The usual create body; `spec__auto_stop=None` sets a member of an object, `without` names what to leave out."""
    body = copy.deepcopy(_CREATE_BODY)
    for path, value in members.items():
        *outer, last = path.split("__")
        where = body
        for name in outer:
            where = where.setdefault(name, {})
        where[last] = value
    for path in without:
        *outer, last = path.split("__")
        where = body
        for name in outer:
            where = where[name]
        del where[last]
    return body


def compact(body):
    return json.dumps(body, separators=(",", ":")).encode()


def policy(rules, match=None, **more):
    """One policy as text: `rules` are YAML lines at the level of a policy's keys."""
    match = match or f"{{projects: [{PROJECT}]}}"
    head = "".join(f"    {key}: {value}\n" for key, value in more.items())
    lines = "".join(f"    {line}\n" for line in rules.strip("\n").split("\n")) if rules else ""
    return f"version: 1\npolicies:\n  - name: p\n    match: {match}\n{head}{lines}"
