# SPDX-License-Identifier: Apache-2.0
"""docs/audit.md's walk from "who started the V100 on Tuesday night?" to a proof: each of its commands, in its order."""

import os
import pathlib
import re
import shutil
import subprocess
from datetime import datetime, timedelta, timezone

import pytest

from support.bodies import PROJECT, create_body
from support.contract import post_create
from support.tokens import make_token
from test_seal import make_key, openssl

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "audit.md"
V100 = "modelarts.vm.gpu.v100"
POLICIES = """\
version: 1
policies:
  - name: team-a
    contact: ml-platform@example.org
    match: {projects: [%s]}
    flavors: {allow: ["modelarts.vm.cpu.*"]}
    auto_stop: {required: true, default: 1h, max: 8h}
exceptions:
  - name: alice-v100
    policy: team-a
    match: {users: [alice]}
    allow: {flavors: ["modelarts.vm.gpu.v100"]}
    reason: benchmark for the grant report
    approved_by: carol
    expires: 2099-12-31
""" % PROJECT


def commands(text):
    """[(command, what it prints there, its exit status)] of the page's console blocks."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, printed = part.partition("\n")
            status = re.search(r"\s+# exits (\d)$", command)
            found.append((command[:status.start()] if status else command, printed, int(status[1]) if status else 0))
    return found


@pytest.fixture
def night(gateway_factory, cloud, folder):
    """A gateway that seals, and what two people did one night."""
    make_key(folder / "seal.key")
    (folder / "elsewhere").mkdir()
    gateway = gateway_factory(policies=POLICIES, settings={"journal": {
        "seal": {"key": f"{folder}/seal.key", "every": "24h"}, "witness": f"{folder}/elsewhere/postern.seals",
        "requests": "full"}})
    tokens = {user: make_token(user=user, project=PROJECT) for user in ("alice", "bob")}
    assert post_create(gateway, tokens["bob"], create_body(name="night-run", flavor=V100)).status == 403
    assert post_create(gateway, tokens["bob"], create_body(name="small")).status < 300
    answer = post_create(gateway, tokens["alice"], create_body(name="grant-benchmark", flavor=V100,
                                                               without=["spec__auto_stop"]))
    assert answer.status < 300
    gateway.stop()
    site = gateway.site
    (site.folder / "stricter").mkdir()
    (site.folder / "stricter" / "team-a.yaml").write_text(POLICIES.split("exceptions:")[0])
    openssl("pkey", "-in", folder / "seal.key", "-pubout", "-out", site.folder / "seal.pub")
    shutil.copy(folder / "elsewhere" / "postern.seals", site.folder)
    return gateway


PLACES = (  # what differs from run to run, and what stands for it
    (r"\d{4}-\d\d-\d\dT[\d:]{8}(?:\.\d+)?Z", "TIME"), (r"DE-[0-9a-f-]{36}", "INSTANCE"), (r"\b[0-9a-f]{64}\b", "HASH"),
    (r"\b(?!0123456789abcdef)[0-9a-f]{32}\b", "EXCHANGE"), (r"(?<=token )[0-9a-f]{12}\b", "DIGEST"),
    (r"127\.0\.0\.1:\d+", "CLIENT"), (r"/\S*/evidence/", ""), (r" +", " "), (r" +$", ""))


def without_places(line):
    for pattern, word in PLACES:
        line = re.sub(pattern, word, line)
    return line


def same(expected, printed):
    """Line by line; `...` at a line's end stands for the rest of it, alone for all that follows."""
    expected = [without_places(line) for line in expected.splitlines()]
    printed = [without_places(line) for line in printed.splitlines()]
    for number, line in enumerate(expected):
        if line == "...":
            return True
        if number == len(printed):
            return False
        if line.endswith("...") and printed[number].startswith(line[:-3]):
            continue
        if line != printed[number]:
            return False
    return len(expected) == len(printed)


def test_every_command_says_what_the_page_says(night):
    site = night.site
    now = datetime.now(timezone.utc)
    names = {"/var/lib/postern": str(site.folder), "/etc/postern/postern.yaml": str(site.conf),
             "2026-11-24T18:00:00Z": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
             "2026-11-25T06:00:00Z": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
             re.search(r"sets/([0-9a-f]{64})/", PAGE.read_text())[1]: next((site.folder / "sets").iterdir()).name}
    env = {**os.environ, "PATH": f"{pathlib.Path(site.binary).parent}:{os.environ['PATH']}"}
    walk = PAGE.read_text().split("\n## Asking")[0]
    folder = site.folder
    found = commands(walk)
    assert len(found) > 10
    for command, printed, status in found:
        for name, real in names.items():
            command = command.replace(name, real)
        done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == status, (command, done)
        assert same(printed, done.stdout), f"{command}\n{done.stdout}{done.stderr}"
        if command.startswith("cd "):
            folder = folder / command[3:]
    assert '"postern"' in (folder / "case.jsonl").read_text()
