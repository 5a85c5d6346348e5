#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long a start takes that finds many instances in its journal.

    bench/restart.py BINARY [--instances N] [--rounds N]      standard library only"""

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import random
import select
import signal
import statistics
import subprocess
import tempfile
import time

WAIT_S = 60

SETTINGS = """version: 1
listen: [{address: "127.0.0.1:0"}]
status: {address: "127.0.0.1:0"}
admin: {socket: admin.sock}
upstream: {url: "https://127.0.0.1:9"}
identity: {tokens: {verify: decode}}
policies: policies
journal: {directory: journal, low_space: 16MB}
workers: 1
log: {level: warning}
"""
POLICIES = "version: 1\npolicies:\n  - {name: all, flavors: {allow: ['*']}}\n"


def element(pick, number, spent):
    """One of a checkpoint's `open`, as long as one of a real instance."""
    return {
        "id": f"{pick.getrandbits(128):032x}",
        "time": f"2026-11-{number % 28 + 1:02}T{number % 24:02}:{number % 60:02}:00.123456Z",
        "project": f"{number % 40:032x}",
        "user": {"id": f"{number % 900:032x}", "name": f"user-{number % 900}", "domain": "example-domain"},
        "instance": {"id": f"{pick.getrandbits(128):032x}", "name": f"notebook-{number}", "flavor": "modelarts.kat1.xlarge",
                     "workspace": "0", "profile": "Ascend-Power-Engine 1.0(python3)", "auto_stop_s": 3600},
        "state": "spent" if spent else "existing",
        "operation": "demanager.start" if spent else "demanager.create",
    }


def write_journal(folder, instances, spent=0):
    """A folder with one segment whose checkpoint holds that many instances; gives its size."""
    pick = random.Random(instances)
    line = json.dumps({
        "v": 1, "seq": 1, "prev": "0" * 64, "time": "2026-12-01T00:00:00.000000Z", "event": "checkpoint",
        "open": [element(pick, number, number >= instances) for number in range(instances + spent)],
    }, separators=(",", ":")).encode()
    second = json.dumps({"v": 1, "seq": 2, "prev": hashlib.sha256(line).hexdigest(), "time": "2026-12-01T00:00:00.000000Z",
                         "event": "stop"}, separators=(",", ":")).encode()
    folder.mkdir(mode=0o700)
    (folder / "00000000000000000001.jsonl").write_bytes(line + b"\n" + second + b"\n")
    return len(line)


def make_site(folder, instances):
    (folder / "policies").mkdir()
    (folder / "policies" / "all.yaml").write_text(POLICIES)
    (folder / "postern.yaml").write_text(SETTINGS)
    return write_journal(folder / "journal", instances)


@contextlib.contextmanager
def started(binary, folder):
    """A gateway that is ready, and the seconds that it took."""
    reader, writer = os.pipe()
    began = time.monotonic()
    process = subprocess.Popen([binary, "serve", "-c", "postern.yaml"], cwd=folder, pass_fds=(writer,),
                               env={**os.environ, "POSTERN_READY_FD": str(writer)})
    os.close(writer)
    try:
        with os.fdopen(reader) as ready:
            line = ready.readline() if select.select([ready], [], [], WAIT_S)[0] else ""
        if not line:
            raise RuntimeError("the gateway does not start")
        yield time.monotonic() - began, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WAIT_S)


def resident_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0


def measure(binary, instances, rounds):
    """Seconds of each start, bytes of the checkpoint, MB in use then."""
    seconds, mb = [], 0
    with tempfile.TemporaryDirectory(prefix="postern-start-") as name:
        folder = pathlib.Path(name)
        size = make_site(folder, instances)
        for _ in range(rounds):
            with started(binary, folder) as (took, pid):
                seconds.append(took)
                mb = resident_mb(pid)
    return seconds, size, mb


def report(binary, instances=100000, rounds=5):
    """Prints a table of one row; gives the seconds of each start."""
    seconds, size, mb = measure(binary, instances, rounds)
    print("| start with | median | worst | checkpoint | resident |\n|---|---|---|---|---|")
    print(f"| {instances} instances | {statistics.median(seconds):.2f} s | {max(seconds):.2f} s | "
          f"{size / 1e6:.1f} MB | {mb:.0f} MB |")
    return seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--instances", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    report(options.binary.resolve(), options.instances, options.rounds)


if __name__ == "__main__":
    main()
