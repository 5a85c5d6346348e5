# SPDX-License-Identifier: Apache-2.0
"""No way round by a request that went wrong on purpose: mutated requests of every judged operation, and an oracle
that looks at all that reached the cloud with three readers' eyes. POSTERN_MUTATIONS sets the number of cases of each
part; a part's cases follow from its seed, which a failure names together with the case."""

import os
import random
import socket
import time

import pytest

from support.bodies import PROJECT
from support.mutate import Case, mutant
from support.oracle import FLAVOR, IMAGE, POLICY, PROFILE, Broken, Oracle, check_effect

CASES = int(os.environ.get("POSTERN_MUTATIONS", "34000"))
BATCH = 2000
GOOD, BAD = "DE-00000000-0000-0000-0000-00000000000a", "DE-00000000-0000-0000-0000-00000000000b"
GOOD_NB, BAD_NB, LEASED_NB = (f"00000000-0000-0000-0000-00000000000{x}" for x in "abc")
DEMANAGER, NOTEBOOKS = f"/v1/{PROJECT}/demanager/instances", f"/v1/{PROJECT}/notebooks"

_CREATE = (b'{"name":"nb-1","profile_id":"%s","flavor":"%s","spec":{"storage":{"type":"obs","location":{"path":"/team-a/nb/"}},'
           b'"auto_stop":{"enable":true,"duration":7200},"annotations":{"a":"b"}},"workspace":{"id":"0"}}'
           % (PROFILE.encode(), FLAVOR.encode()))
_NB_CREATE = (b'{"name":"nb-1","feature":"NOTEBOOK","flavor":"%s","image_id":"%s","workspace_id":"0","duration":7200000,'
              b'"volume":{"category":"EVS","ownership":"MANAGED","capacity":50},'
              b'"data_volumes":[{"category":"OBS","uri":"obs://team-a/d/","mount_path":"/data/x/"}],'
              b'"endpoints":[{"service":"SSH","key_pair_names":["k"],"allowed_access_ips":["10.1.2.3"]}]}'
              % (FLAVOR.encode(), IMAGE.encode()))


def seeds(token):
    """Valid requests of every judged operation; those of instances that may not be started are valid only in form."""
    json = [("Host", "gateway.test"), ("X-Auth-Token", token), ("Content-Type", "application/json")]
    bare = json[:2]
    rows = [
        ("demanager.create", "POST", DEMANAGER, None, json, _CREATE),
        ("demanager.update", "PUT", f"{DEMANAGER}/{GOOD}", None, json, b'{"spec":{"auto_stop":{"enable":true,"duration":3600}}}'),
        ("demanager.update", "PUT", f"{DEMANAGER}/{GOOD}", None, json, b'{"auto_stop":{"enable":true,"duration":3600},"description":"d"}'),
        ("demanager.start", "POST", f"{DEMANAGER}/{GOOD}/action", None, json, b'{"action":"start"}'),
        ("demanager.start", "POST", f"{DEMANAGER}/{BAD}/action", None, json, b'{"action":"start"}'),
        ("demanager.stop", "POST", f"{DEMANAGER}/{BAD}/action", None, json, b'{"action":"stop"}'),
        ("notebooks.create", "POST", NOTEBOOKS, None, json, _NB_CREATE),
        ("notebooks.create", "POST", NOTEBOOKS, None, json, _NB_CREATE.replace(b'"duration":7200000', b'"lease":{"type":"TIMING","duration":7200000}')),
        ("notebooks.update", "PUT", f"{NOTEBOOKS}/{GOOD_NB}", None, json, b'{"flavor":"%s","storage_new_size":60}' % FLAVOR.encode()),
        ("notebooks.start", "POST", f"{NOTEBOOKS}/{GOOD_NB}/start", "duration=3600000", bare, None),
        ("notebooks.start", "POST", f"{NOTEBOOKS}/{GOOD_NB}/start", "duration=3600000&type=TIMING", json, b"{}"),
        ("notebooks.start", "POST", f"{NOTEBOOKS}/{BAD_NB}/start", "duration=3600000", bare, None),
        ("notebooks.start", "GET", f"{NOTEBOOKS}/{GOOD_NB}/start", None, bare, None),
        ("notebooks.lease", "PATCH", f"{NOTEBOOKS}/{LEASED_NB}/lease", "duration=3600000", bare, None),
        ("notebooks.lease", "PATCH", f"{NOTEBOOKS}/{LEASED_NB}/lease", None, json, b'{"duration":3600000}'),
        ("notebooks.mount", "POST", f"{NOTEBOOKS}/{GOOD_NB}/storage", None, json, b'{"category":"OBS","mount_path":"/data/x/","uri":"obs://team-a/d/"}'),
    ]
    return [Case(*row) for row in rows]


def _demanager(instance, flavor, status):
    return {"family": "demanager", "project": PROJECT, "instance": {
        "id": instance, "name": instance, "status": status, "flavor": flavor, "workspace": {"id": "0"},
        "spec": {"storage": {"type": "obs", "location": {"path": "/team-a/x/"}}, "auto_stop": {"enable": True, "duration": 3600},
                 "annotations": {}, "extend_storage": None}}}


def _notebook(instance, flavor, status, began_ms):
    return {"family": "notebooks", "project": PROJECT, "instance": {
        "id": instance, "name": instance, "status": status, "flavor": flavor, "workspace_id": "0", "image": {"id": IMAGE},
        "lease": {"create_at": began_ms, "duration": 7200000, "enable": True, "type": "TIMING", "update_at": began_ms},
        "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 50, "mount_path": "/home/ma-user/work/"}}}


def preset(cloud, began_s):
    """Instances of each family: one that keeps the policy, one that doesn't, and one whose lease began an hour ago."""
    began_ms = int(began_s * 1000)
    cloud.preset([_demanager(GOOD, FLAVOR, "STOPPED"), _demanager(BAD, "modelarts.vm.gpu.v100", "STOPPED"),
                  _notebook(GOOD_NB, FLAVOR, "STOPPED", began_ms), _notebook(BAD_NB, "modelarts.vm.gpu.v100", "STOPPED", began_ms),
                  _notebook(LEASED_NB, FLAVOR, "RUNNING", began_ms)])


class Sender:
    """Sends cases one after another on a connection that is kept as long as the gateway keeps it."""

    def __init__(self, gateway):
        self.address = gateway.addresses[0]
        self.sock, self.kept = None, b""

    def send(self, case):
        """Sends it, and waits until the gateway has said all that it says to it."""
        data = case.bytes()
        framed = {name.lower() for name, _ in case.headers} & {"content-length", "transfer-encoding", "expect", "upgrade"}
        for _ in range(2):  # an idle connection may have been closed
            fresh = self.sock is None
            if fresh:
                self.sock, self.kept = socket.create_connection(self.address, 30), b""
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self.sock.sendall(data)
                if framed or self._read_one(case.method):
                    self._read_end()
                return
            except (BrokenPipeError, ConnectionResetError, EOFError):
                self.close()
                if fresh:
                    return

    def _read_one(self, method):
        """True: the connection is over behind this answer."""
        while b"\r\n\r\n" not in self.kept:
            self._more()
        head, _, self.kept = self.kept.partition(b"\r\n\r\n")
        head = head.lower()
        if head.startswith(b"http/1.1 1"):
            return self._read_one(method)
        length = 0 if method == "HEAD" or head.startswith((b"http/1.1 204", b"http/1.1 304")) else \
            int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if b"transfer-encoding" in head:
            return True
        while len(self.kept) < length:
            self._more()
        self.kept = self.kept[length:]
        return b"connection: close" in head or self.kept != b""

    def _more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.kept += data

    def _read_end(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
            while self.sock.recv(65536):
                pass
        except OSError:
            pass
        self.close()

    def close(self):
        if self.sock is not None:
            self.sock.close()
        self.sock = None


@pytest.mark.parametrize("unknown", ["refuse", "pass"])
@pytest.mark.parametrize("reading", ["first", "last", "fold"])
def test_no_reading_of_a_mutant_breaks_the_policy(gateway_factory, cloud_factory, token, reading, unknown):
    seed = f"{reading} {unknown}"
    chance = random.Random(seed)
    cloud = cloud_factory(frozen=False, max_instances=0)
    first = "first" if reading == "first" else "last"
    cloud.reading(duplicates=first, query=first, case="fold" if reading == "fold" else "exact",
                  auto_stop="spec" if reading == "first" else "top")
    gateway = gateway_factory(POLICY, {"requests": {"unknown_fields": unknown}, "journal": {"durability": "write"},
                                       "log": {"level": "error"}}, url=cloud.url)
    sender, pool, reached = Sender(gateway), seeds(token), {}
    began = time.time() - 3600
    for start in range(0, CASES, BATCH):
        preset(cloud, began)
        oracle = Oracle({GOOD, GOOD_NB, LEASED_NB}, dict.fromkeys((GOOD_NB, BAD_NB, LEASED_NB), began))
        now = time.time()
        for number in range(start, min(start + BATCH, CASES)):
            case = mutant(chance, pool)
            if case.body is not None:
                case.body = case.body.replace(b'"nb-1"', b'"nb-%d"' % number)
            sender.send(case)
        for received in cloud.requests():
            try:
                operation = oracle.check(received, now)
            except Broken as broken:
                pytest.fail(f"seed {seed!r}, cases {start} to {start + BATCH}: {broken.args}\n{received.head!r}\n{received.body!r}")
            reached[operation] = reached.get(operation, 0) + 1
        for row in cloud.ledger():
            try:
                check_effect(row)
            except Broken as broken:
                pytest.fail(f"seed {seed!r}, cases {start} to {start + BATCH}: {broken.args}")
        cloud.forget()
        cloud.clear_ledger()
    sender.close()
    # Mutants that reach the cloud show that the test looks at something.
    for operation in ("demanager.create", "demanager.update", "demanager.action", "notebooks.create", "notebooks.update",
                      "notebooks.start", "notebooks.lease", "notebooks.mount"):
        assert reached.get(operation, 0) > CASES // 2000, reached
