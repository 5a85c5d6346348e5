# SPDX-License-Identifier: Apache-2.0
"""Request bodies and policies that many tests start from."""

import copy
import json

PROJECT = "0123456789abcdef0123456789abcdef"
OTHER_PROJECT = "fedcba9876543210fedcba9876543210"
CREATE = f"/v1/{PROJECT}/demanager/instances"
NOTEBOOKS = f"/v1/{PROJECT}/notebooks"
IMAGE = "e1a07296-22a8-4f05-8bc8-e936c8e54090"

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

_NOTEBOOK_BODY = {
    "name": "nb_1",
    "description": "",
    "feature": "NOTEBOOK",
    "flavor": "modelarts.vm.cpu.2u",
    "image_id": IMAGE,
    "workspace_id": "0",
    "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 50},
    "duration": 3600000,
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


def _build(usual, without, members):
    """A copy of `usual`: `spec__auto_stop=None` sets a member of an object, `without` names what to leave out."""
    body = copy.deepcopy(usual)
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


def create_body(without=(), **members):
    """The usual create body of demanager."""
    return _build(_CREATE_BODY, without, members)


def update_body(without=(), **members):
    """A PUT of demanager."""
    return _build({"description": "d", "spec": {"auto_stop": {"enable": True, "duration": 7200}}}, without, members)


def action_body(verb="start"):
    return {"action": verb}


def notebook_body(without=(), **members):
    """The usual create body of the notebooks family."""
    return _build(_NOTEBOOK_BODY, without, members)


def notebook_update_body(without=(), **members):
    """A PUT of a notebook, allowed in every state: a `flavor` is not."""
    return _build({"name": "nb_2", "description": "d"}, without, members)


def lease_body(duration=7200000, **members):
    """A lease's PATCH; the query can say the same."""
    return {"duration": duration, **members}


def mount_body(without=(), **members):
    return _build({"category": "OBS", "mount_path": "/data/a/", "uri": "obs://team-a/data/"}, without, members)


def image_body(**members):
    return {"name": "image-1", "namespace": "team-a", "tag": "1", **members}


def tags_body(**tags):
    return {"tags": [{"key": key, "value": value} for key, value in (tags or {"team": "a"}).items()]}


def judged_calls(instance, notebook):
    """Every judged operation on these two: {operation: (method, target, body)}. The starts need an instance that is
    stopped, lease and mount a running one."""
    one, other = f"{CREATE}/{instance}", f"{NOTEBOOKS}/{notebook}"
    return {
        "demanager.create": ("POST", CREATE, create_body()),
        "demanager.update": ("PUT", one, update_body()),
        "demanager.start": ("POST", f"{one}/action", action_body()),
        "notebooks.create": ("POST", NOTEBOOKS, notebook_body()),
        "notebooks.update": ("PUT", other, notebook_update_body()),
        "notebooks.start": ("POST", f"{other}/start?duration=3600000&type=timing", None),
        "notebooks.lease": ("PATCH", f"{other}/lease", lease_body()),
        "notebooks.mount": ("POST", f"{other}/storage", mount_body()),
    }


def compact(body):
    return json.dumps(body, separators=(",", ":")).encode()


def policy(rules, match=None, **more):
    """One policy as text: `rules` are YAML lines at the level of a policy's keys."""
    match = match or f"{{projects: [{PROJECT}]}}"
    head = "".join(f"    {key}: {value}\n" for key, value in more.items())
    lines = "".join(f"    {line}\n" for line in rules.strip("\n").split("\n")) if rules else ""
    return f"version: 1\npolicies:\n  - name: p\n    match: {match}\n{head}{lines}"
