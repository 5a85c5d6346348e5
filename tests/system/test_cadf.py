# SPDX-License-Identifier: Apache-2.0
"""Events in CADF, read by what OpenStack's own services build them with."""

import json
import warnings

from pycadf import attachment, cadftaxonomy, credential, event, host, reason, resource

from support.bodies import CREATE, compact, create_body
from support.contract import exchange_id, post_create

# What OpenStack's middleware adds to pycadf's classes, and DSP0262's own name of an attachment's kind.
BESIDES = {"requestPath", "contentType", "identity_status", "project_id"}


def fill(thing, members, **parts):
    """Each member by pycadf's own check of it; parts: how those are made that are objects of their own."""
    for name, value in members.items():
        if name not in BESIDES:
            setattr(thing, name, parts[name](value) if name in parts else value)
    assert thing.is_valid() if hasattr(thing, "is_valid") else True, members
    return thing


def list_of(make):
    return lambda rows: [make(row) for row in rows]


def attachment_of(row):
    return fill(attachment.Attachment(), row)


def resource_of(row):
    assert cadftaxonomy.is_valid_resource(row["typeURI"]), row["typeURI"]
    return fill(resource.Resource(), row, credential=lambda one: fill(credential.Credential(token="x"), one),
                host=lambda one: fill(host.Host(), one), attachments=list_of(attachment_of))


def event_of(row):
    return fill(event.Event(), row, initiator=resource_of, target=resource_of, observer=resource_of,
                reason=lambda one: fill(reason.Reason(), one), attachments=list_of(attachment_of))


def known(row):
    """Without what pycadf has no member for."""
    if isinstance(row, dict):
        return {name: value if name == "content" else known(value) for name, value in row.items() if name not in BESIDES}
    return [known(one) for one in row] if isinstance(row, list) else row


def test_openstack_reads_every_event(gateway, cloud, token, postern):
    made = post_create(gateway, token)
    post_create(gateway, token, create_body(flavor="modelarts.vm.gpu.8u"))
    with gateway.connect() as client:
        for method, body in (("GET", None), ("PUT", {"description": "x"}), ("DELETE", None)):
            client.request(method, f"{CREATE}/{made.json['id']}", body and compact(body), {"X-Auth-Token": token})
    gateway.wait_outcome(exchange_id(made))
    gateway.reload()
    gateway.stop()
    done = postern("audit", "export", "--journal", gateway.site.journal_folder, "--format", "cadf", "--source", "gw1")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["action"] for row in rows} >= {"create", "update", "delete", "configure", "start", "stop"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ids that are no UUIDs, which the cloud's aren't
        for row in rows:
            assert json.loads(json.dumps(event_of(row).as_dict())) == known(row)
