# SPDX-License-Identifier: Apache-2.0
"""The stand-in cloud as a process, and its control API."""

import base64
import hashlib
import json
import subprocess

from support.http import Client
from support.process import Process
from support.waiting import wait_for


class Received:
    """A request as it arrived at the cloud."""

    def __init__(self, row):
        self.row = row
        self.seq, self.connection = row["seq"], row["connection"]
        self.method, self.target = row["method"], row["target"]
        self.resumed, self.complete = row["resumed"], row["complete"]
        self.head = base64.b64decode(row["head"])
        self.body = None if row["body"] is None else base64.b64decode(row["body"])
        self.raw_body = None if row["raw_body"] is None else base64.b64decode(row["raw_body"])
        self.body_sha256, self.body_length = row["body_sha256"], row["body_length"]
        if self.body is not None:
            assert hashlib.sha256(self.body).hexdigest() == self.body_sha256

    def all(self, name):
        lines = self.head.decode("latin-1").split("\r\n")[1:-2]
        pairs = [line.split(":", 1) for line in lines]
        return [value.strip() for have, value in pairs if have.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        assert len(values) <= 1
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.method} {self.target} on {self.connection}>"


class Cloud(Process):
    def __init__(self, binary, pki, certificate="server", bad=None, frozen=True, max_instances=0, plain=False,
                 record=True, access_key=None, iam=False, iam_signer=None):
        args = [str(binary), "--max-instances", str(max_instances)]
        args += ["--plain"] if plain else ["--cert", pki.certificate(certificate), "--key", pki.key(certificate)]
        args += ["--frozen"] if frozen else []
        args += [] if record else ["--no-record"]
        args += ["--access-key", access_key] if access_key else []
        args += ["--bad-cert", pki.certificate(bad), "--bad-key", pki.key(bad)] if bad else []
        args += ["--iam", "127.0.0.1:0"] if iam else []
        args += ["--iam-key", str(iam_signer[0]), "--iam-cert", str(iam_signer[1])] if iam_signer else []
        super().__init__("modelarts-sim", args, stdout=subprocess.PIPE)
        words = self.popen.stdout.readline().decode().split()
        assert words[:1] == ["listening"] and words[2:3] == ["control"], f"{words}\n{self.stderr}"
        self.port, self.control_port = int(words[1]), int(words[3])
        more = dict(zip(words[4::2], map(int, words[5::2])))
        self.bad_port, self.iam_port = more.get("bad"), more.get("iam")
        self.pki = pki

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    @property
    def iam_url(self):
        return f"https://127.0.0.1:{self.iam_port}"

    def control(self, method, path, body=None):
        with Client("127.0.0.1", self.control_port) as client:
            answer = client.request(method, path, body)
        assert answer.status == 200, answer
        return answer.json

    def requests(self, method=None, target=None):
        """What arrived, oldest first."""
        rows = [Received(row) for row in self.control("GET", "/requests")]
        return [r for r in rows if method in (None, r.method) and target in (None, r.target)]

    def creates(self):
        return [r for r in self.requests("POST") if r.target.endswith("/demanager/instances")]

    def forget(self):
        self.control("DELETE", "/requests")

    def record(self, on):
        """Whether requests are kept; they are counted and served all the same."""
        self.control("POST", "/recording", {"on": on})

    def reading(self, **how):
        """How the cloud reads what is ambiguous: duplicates, case, query, auto_stop (see its README)."""
        self.control("POST", "/reading", how)

    def ledger(self, call=None):
        """The accepted calls that changed something, oldest first; `call` is "family.call". None may be lost."""
        books = self.control("GET", "/ledger")
        assert books["dropped"] == 0, "more calls than the books hold; read and clear them in between"
        return [row for row in books["calls"] if call in (None, f"{row['family']}.{row['call']}")]

    def clear_ledger(self):
        self.control("DELETE", "/ledger")

    def fault(self, kind, match="*", count=1, **options):
        self.control("POST", "/fault", {"kind": kind, "match": match, "count": count, **options})

    def lists(self, **how):
        """lag_ms: how old an instance is before lists show it; workspaces: more ids than those of instances."""
        self.control("POST", "/lists", how)

    def stats(self):
        return self.control("GET", "/stats")

    def iam(self, **settings):
        """What IAM has done; after changing it, if settings are given (see the README)."""
        return self.control("POST", "/iam", settings) if settings else self.control("GET", "/iam")

    def revoke(self, token):
        return self.iam(revoke=hashlib.sha256(token.encode()).hexdigest())

    def validations(self, token=None):
        """How often IAM was asked, about all tokens or this one."""
        state = self.iam()
        return state["validations"] if token is None else state["counts"].get(
            hashlib.sha256(token.encode()).hexdigest(), 0)

    def instances(self):
        return self.control("GET", "/instances")

    def preset(self, rows):
        return self.control("PUT", "/instances", rows)

    def advance(self, seconds):
        return self.control("POST", "/clock", {"advance_s": seconds})

    def release(self, **options):
        return self.control("POST", "/release", options)

    def wait_held(self, count=1):
        wait_for(lambda: self.stats()["held"] >= count, f"{count} answers held back by the cloud")
