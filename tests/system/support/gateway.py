# SPDX-License-Identifier: Apache-2.0
"""The gateway as a process: its settings, its policies, its journal."""

import json
import os
import pathlib
import re
import select
import signal
import ssl
import subprocess
import time

from support.http import Client
from support.journal import Journal
from support.process import Process, environment
from support.waiting import TIMEOUT_S, wait_for

_TOKEN = re.compile(r"MII[A-Za-z0-9+/=-]{30,}")
_PLAIN = re.compile(r"[A-Za-z0-9_/.][A-Za-z0-9_/.-]*\Z")


def yaml_text(value, indent=0):
    """Block YAML of dicts, lists and scalars."""
    pad = " " * indent
    if isinstance(value, dict):
        return "".join(f"{pad}{key}:{_yaml_inner(item, indent)}" for key, item in value.items())
    if isinstance(value, list):
        return "".join(f"{pad}-{_yaml_inner(item, indent)}" for item in value)
    raise TypeError(value)


def _yaml_inner(item, indent):
    if isinstance(item, (dict, list)) and item:
        return "\n" + yaml_text(item, indent + 2)
    if item == {} or item == []:
        return f" {item}\n"
    if isinstance(item, bool):
        return f" {str(item).lower()}\n"
    text = str(item)
    return f" {text}\n" if _PLAIN.match(text) else " " + json.dumps(text) + "\n"


def merged(base, more):
    """base with more laid over it; None takes a key away."""
    out = dict(base)
    for key, value in more.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merged(out[key], value)
        else:
            out[key] = value
    return out


def write_policies(folder, policies):
    """policies: a text, or {file name: text}. What else is in the folder goes."""
    folder = pathlib.Path(folder)
    folder.mkdir(exist_ok=True)
    files = policies if isinstance(policies, dict) else {"policies.yaml": policies}
    for old in folder.iterdir():
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)


class Site:
    """A folder with settings, policies and a journal: what a gateway runs on."""

    def __init__(self, binary, folder, cloud_url, ca_file, policies, settings=None):
        self.binary = str(binary)
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.conf = self.folder / "postern.yaml"
        self.journal_folder = self.folder / "journal"
        self.failing_disk = False
        base = {
            "version": 1,
            "listen": [{"address": "127.0.0.1:0"}],
            "status": {"address": "127.0.0.1:0"},
            "admin": {"socket": "admin.sock"},
            "upstream": {"url": cloud_url, "ca_file": ca_file},
            "identity": {"tokens": {"verify": "decode"}},
            "policies": "policies",
            "journal": {"directory": "journal", "segment": "1MB", "low_space": "1MB"},
            "workers": 1,
            "limits": {"drain": "5s"},
            "log": {"level": "info"},
        }
        self.settings = merged(base, settings or {})
        self.write_settings()
        self.write_policies(policies)

    def write_settings(self, more=None):
        self.settings = merged(self.settings, more or {})
        self.conf.write_text(yaml_text(self.settings))

    def write_policies(self, policies):
        write_policies(self.folder / "policies", policies)

    def run(self, *args, text=None, timeout=60, conf=True):
        """A command that ends by itself, with -c FILE in front of its other arguments."""
        command = [self.binary, args[0]] + (["-c", str(self.conf)] if conf else []) + list(args[1:])
        return run_command(command, self.folder, text, timeout)

    def journal(self, growing=False):
        return Journal(self.journal_folder, self.failing_disk, growing)


def run_command(command, cwd=None, text=None, timeout=60):
    return subprocess.run(command, input=text or "", capture_output=True, text=True, timeout=timeout, cwd=cwd,
                          env=environment())


class Gateway(Process):
    """A gateway that is ready."""

    def __init__(self, site, env=None, cwd=None, stdout=subprocess.DEVNULL):
        self.site = site
        self.check_journal = True  # a test that damages it says False
        reading, writing = os.pipe()
        try:
            super().__init__("postern", [site.binary, "serve", "-c", str(site.conf)], cwd=cwd or site.folder,
                             env=environment(POSTERN_READY_FD=str(writing), **(env or {})), pass_fds=(writing,),
                             stdout=stdout)
        finally:
            os.close(writing)
        try:
            self.ready = json.loads(self._read_ready(reading))
        finally:
            os.close(reading)
        self.addresses = [self._address(text) for text in self.ready["listen"]]
        self.status_address = self._address(self.ready["status"]) if self.ready.get("status") else None
        self.admin_socket = self.ready.get("admin")
        if self.status_address and self.status_address[1]:  # listening is not yet ready: the cloud's name is resolved
            wait_for(lambda: self.status("/readyz").status == 200, "/readyz")

    def finish(self):
        """Ends it, and looks at what it leaves: a whole journal, no open intent, no secret anywhere."""
        was_running = self.running
        faults = super().finish()
        for text in (self.stderr, *(p.read_text("utf-8", "replace") for p in self.site.journal_folder.glob("*.jsonl"))):
            faults += [f"a token in a log: {found}" for found in _TOKEN.findall(text)]
        if was_running and not faults and self.check_journal:
            try:
                self.site.journal().assert_settled()
                self._verify_journal()
            except AssertionError as error:
                faults.append(f"journal: {error}")
        return faults

    def _verify_journal(self):
        """A journal that a gateway leaves is whole by its own verifier, too."""
        done = run_command([self.site.binary, "audit", "verify", "--journal", str(self.site.journal_folder)])
        assert done.returncode == 0, done.stdout + done.stderr

    @staticmethod
    def _address(text):
        host, _, port = text.rpartition(":")
        return host.strip("[]"), int(port)

    def _read_ready(self, reading):
        deadline = time.monotonic() + TIMEOUT_S
        data = b""
        while not data.endswith(b"\n"):
            readable, _, _ = select.select([reading], [], [], max(0, deadline - time.monotonic()))
            part = os.read(reading, 65536) if readable else b""
            if not part:
                self.popen.kill()
                self.wait()
                raise AssertionError(f"the gateway did not get ready (status {self.popen.returncode}):\n{self.stderr}")
            data += part
        return data

    def connect(self, index=0, ca=None, client=None, timeout=30.0, source=None):
        """A connection to a listener; ca: TLS, verified by that file; client: (certificate, key); source: from that
        address."""
        host, port = self.addresses[index]
        tls = None
        if ca is not None:
            tls = ssl.create_default_context(cafile=ca)
            if client is not None:
                tls.load_cert_chain(*client)
        return Client(host, port, tls, timeout=timeout, source=source)

    def request(self, method, target, body=None, headers=(), **options):
        """One request on a connection of its own."""
        with self.connect(**options) as client:
            return client.request(method, target, body, headers)

    def status(self, path):
        """A page of the status listener."""
        host, port = self.status_address
        with Client(host, port) as client:
            return client.request("GET", path)

    def metrics(self):
        """{series as printed: value}."""
        lines = self.status("/metrics").body.decode().splitlines()
        rows = [line.rsplit(" ", 1) for line in lines if line and not line.startswith("#")]
        return {name: float(value) for name, value in rows}

    def reload(self):
        """HUP, and all that it does: the policy line is its first trace, and the thread that answers for the status
        reloads."""
        before = len(self.journal_events("policy"))
        self.signal(signal.SIGHUP)
        wait_for(lambda: len(self.journal_events("policy")) > before, "a policy line in the journal")
        assert self.status("/healthz").status == 200

    def journal(self):
        return self.site.journal(growing=self.running)

    def journal_events(self, *names, **members):
        """Lines so far."""
        return self.journal().events(*names, **members)

    def wait_journal(self, condition, what="the journal", timeout=TIMEOUT_S):
        """The journal, once condition(journal) is true of it."""
        def read():
            journal = self.journal()
            return (journal,) if condition(journal) else None
        return wait_for(read, what, timeout)[0]

    def wait_outcome(self, exchange_id):
        """The outcome line of an exchange."""
        journal = self.wait_journal(lambda j: any(x["event"] == "outcome" for x in j.of(exchange_id)),
                                    f"the outcome of {exchange_id}")
        return [x for x in journal.of(exchange_id) if x["event"] == "outcome"][0]
