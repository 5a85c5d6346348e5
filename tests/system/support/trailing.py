# SPDX-License-Identifier: Apache-2.0
"""A gateway with all that follows its journal: seals, a witness, an index, a sink by HTTPS and one by syslog; and what
must hold of all of it at the end."""

import hashlib
import json
import pathlib
import subprocess
import sys

from support.process import environment, sanitizer_report
from support.receiver import Receiver
from support.syslog import Receiver as SyslogReceiver
from support.waiting import wait_for
from support.written import without_open

VERIFIER = pathlib.Path(__file__).resolve().parents[2] / "verify_trail.py"
EVERYTHING = ("query", "--json", "--limit", "1000000"), ("summary", "--json", "--by", "user,flavor,operation,reason")


def make_key(path):
    """A key pair: path, and path.pub."""
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True, capture_output=True)
    path.chmod(0o600)
    subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-out", f"{path}.pub"], check=True)


class Followed:
    """place: the folder of the journal, the sinks' positions and the index. The witness is in a folder of its own,
    receivers outlive every gateway."""

    def __init__(self, site_factory, pki, folder, url, place=None, journal=None, settings=None):
        self.place = place or folder / "place"
        self.place.mkdir(exist_ok=True)
        self.key, self.other = folder / "seal.key", folder / "other"
        self.other.mkdir(exist_ok=True)
        self.witness = self.other / "seals"
        self.witness.touch(0o640)
        make_key(self.key)
        self.lake, self.siem = Receiver(pki), SyslogReceiver("unix", folder / "siem.sock")
        self.site = site_factory(url=url, settings={
            "journal": {"directory": str(self.place / "journal"), "segment": "1MB", "low_space": "0B",
                        "seal": {"key": str(self.key), "every": "1s"}, "witness": str(self.witness), **(journal or {})},
            "sinks": [{"name": "lake", "http": {"url": self.lake.url, "ca_file": pki.ca, "batch": 100}},
                      {"name": "siem", "syslog": {"address": self.siem.address}}],
            "log": {"level": "error"}, **(settings or {})})
        self.site.journal_folder = self.place / "journal"

    def close(self):
        self.lake.close()
        self.siem.stop()

    # ---- commands ----

    def verify_command(self):
        return [self.site.binary, "audit", "verify", "-c", str(self.site.conf), "--key", f"{self.key}.pub", "--witness",
                str(self.witness)]

    def ask_command(self, what, *options):
        return [self.site.binary, "audit", what, "--journal", str(self.site.journal_folder), *options]

    def run(self, command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment())
        assert sanitizer_report(done.stderr) is None, done.stderr
        return done

    # ---- what must hold ----

    def kept(self):
        """All lines on disk, in order, half a line left out."""
        return [line for path in sorted(self.site.journal_folder.glob("*.jsonl"))
                for line in path.read_bytes().split(b"\n")[:-1]]

    def last_seq(self):
        """Of what stands on disk; 0 while a segment has begun and has no line yet."""
        lines = max(self.site.journal_folder.glob("*.jsonl")).read_bytes().split(b"\n")[:-1]
        return json.loads(lines[-1])["seq"] if lines else 0

    @staticmethod
    def wait_first_seal(gateway):
        """A journal without any is none that verifies by a key."""
        gateway.wait_journal(lambda j: j.events("seal"), "the first seal")

    def wait_caught_up(self, gateway, timeout=20.0):
        """Until both sinks were given all that is written, and the witness told of all seals. How many lines that are."""
        def caught_up():
            metrics, last = gateway.metrics(), self.last_seq()
            return metrics["postern_journal_witness_waiting"] == 0 and last if \
                all(metrics[f'postern_sink_position{{sink="{name}"}}'] == last for name in ("lake", "siem")) else 0
        return wait_for(caught_up, "the sinks to catch up", timeout)

    def check_delivered(self, count):
        """Each of the first lines once and in order at both receivers, once those are left out that they had already."""
        kept = [without_open(line) for line in self.kept()[:count]]
        assert len(kept) == count
        self.siem.wait_seq(count)  # what is delivered was read from the socket; that it was kept comes behind that
        lake = [line.encode() for line in self.lake.lines()]
        wrong = [(at, line) for at, line in enumerate(lake, 1) if json.loads(line)["seq"] != at]
        assert wrong[:3] == []
        assert lake[:count] == kept
        assert self.siem.faults == []
        siem = []
        for message in list(self.siem.messages):
            assert message.seq <= len(siem) + 1, f"line {message.seq} came behind line {len(siem)}"
            if message.seq == len(siem) + 1:
                siem.append(message.text)
            else:
                assert siem[message.seq - 1] == message.text, f"line {message.seq} came again as another one"
        assert siem[:count] == kept

    def check_verified(self):
        """By both verifiers, up to the last seal that is there."""
        done = self.run(self.verify_command() + ["--json"])
        assert done.returncode == 0, done.stdout + done.stderr
        report = json.loads(done.stdout)
        assert report["whole"] and report["seals"]["count"] > 0
        assert report["seals"]["count"] == report["seals"]["verified"] == report["witness"]["found"]
        other = subprocess.run([sys.executable, VERIFIER, self.site.journal_folder, "--key", f"{self.key}.pub", "--witness",
                                self.witness], capture_output=True, text=True, timeout=60)
        assert other.returncode == 0, other.stderr
        return report

    def check_index(self, *options):
        """The index that is there answers as one that is made anew. options: where it is."""
        fresh = self.key.with_name("fresh.index")
        for name in fresh.parent.glob("fresh.index*"):
            name.unlink()
        for what, *how in EVERYTHING:
            answers = [self.run(self.ask_command(what, *how, *place))
                       for place in (options, ("--index", str(fresh)))]
            for answer in answers:
                assert answer.returncode == 0 and answer.stderr == "", answer.stderr
            assert answers[0].stdout == answers[1].stdout, what
        return answers

    def check_answers(self, answers):
        """Each request that was answered is in the journal, as its caller was told. answers: name: answer."""
        journal = self.site.journal()
        intents = {line["instance"]["name"]: line for line in journal.events("intent")}
        outcomes = {line["id"]: line for line in journal.events("outcome")}
        for name, answer in answers.items():
            if answer.status == 200:
                assert intents[name]["id"] == answer.header("Postern-Id")
                outcome = outcomes[intents[name]["id"]]
                assert outcome["outcome"] == "created" and outcome["instance"]["id"] == answer.json["id"], outcome
        raw = self.kept()
        hashes = [hashlib.sha256(line).hexdigest() for line in raw]
        assert [json.loads(line)["prev"] for line in raw[1:]] == hashes[:-1]
        return journal

    def check_all(self, gateway, answers):
        """Ends the gateway."""
        gateway.wait_journal(lambda j: not j.open, "the outcomes")
        self.check_delivered(self.wait_caught_up(gateway))
        assert gateway.stop() == 0
        self.check_verified()
        self.check_index()
        return self.check_answers(answers)
