# SPDX-License-Identifier: Apache-2.0
"""Node packages of the tests, as their lock file has them, in the build folder."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
CLIENTS = ROOT / "tests" / "system" / "clients"
FILES = ("package.json", "package-lock.json")


def node_modules():
    """The folder of the packages, put there by `npm ci` if it isn't. Fails where npm can't get them: a client that
    wasn't tried is not one that works."""
    digest = hashlib.sha256(b"".join((CLIENTS / name).read_bytes() for name in FILES)).hexdigest()[:12]
    base = ROOT / "build" / "node"
    folder = base / digest
    base.mkdir(parents=True, exist_ok=True)
    with open(base / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes begin at once
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in FILES:
                shutil.copy(CLIENTS / name, folder)
            _install(folder, base / "cache")
            (folder / "complete").touch()
    return folder / "node_modules"


def _install(folder, cache):
    assert shutil.which("npm") and shutil.which("node"), "node and npm are missing; deploy/packages.sh lists them"
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(cache)]
    done = subprocess.run(command, cwd=folder, env={**os.environ, "npm_config_update_notifier": "false"},
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"npm can't install the clients to be tested:\n{done.stderr[-2000:]}"
