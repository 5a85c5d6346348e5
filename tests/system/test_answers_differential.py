# SPDX-License-Identifier: Apache-2.0
"""The same answer through the gateway and straight to libcurl: the caller gets what libcurl gets, or a refusal with
its reason. Where libcurl takes what the gateway refuses, the row says why. A connection with a fault on it is never
used again, and the journal says of every create what is known of it."""

import json

import pycurl
import pytest

from support.bodies import ALLOW_ALL, CREATE, PROJECT, compact, create_body
from support.contract import check_refusal, exchange_id
from support.http import Broken, request_bytes
from support.raw_answers import CLOSED, GROUPS, SAME, filled
from support.raw_server import PROBE, RawServer
from support.waiting import wait_for

OURS = ("postern-", "date", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-authenticate",
        "trailer", "upgrade", "te")
CUT = "cut"


class Curl:
    """One request by libcurl, on a connection of its own. status: None where it fails."""

    def __init__(self, pki, url, method, body):
        self.fields, parts, curl = [], [], pycurl.Curl()
        for option, value in {
                pycurl.URL: url, pycurl.CAINFO: pki.ca, pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
                pycurl.NOPROXY: "*", pycurl.TIMEOUT: 20, pycurl.NOSIGNAL: 1, pycurl.HTTPHEADER: ["Expect:"],
                pycurl.HEADERFUNCTION: self._header, pycurl.WRITEFUNCTION: parts.append}.items():
            curl.setopt(option, value)
        if method == "HEAD":
            curl.setopt(pycurl.NOBODY, 1)
        if body is not None:
            curl.setopt(pycurl.POSTFIELDS, body)
        try:
            curl.perform()
            self.status, self.why = curl.getinfo(pycurl.RESPONSE_CODE), None
        except pycurl.error as error:
            assert error.args[0] != pycurl.E_OPERATION_TIMEDOUT, "a row must end by itself"
            self.status, self.why = None, error.args[1]
        finally:
            curl.close()
        self.body = b"".join(parts)

    def _header(self, line):
        if line.lower().startswith(b"http/"):
            self.fields, self.in_head = [], True
        elif line == b"\r\n":
            self.in_head = False  # what comes then is a trailer, which goes no further
        elif self.in_head:
            name, _, value = line.decode("latin-1").partition(":")
            self.fields.append((name, value.strip(" \t\r\n")))


def ends_to_end(fields):
    """What every hop passes on; the gateway's own marks aside."""
    return [(name, value) for name, value in fields if not name.lower().startswith(OURS)]


def through(gateway, token, method, body):
    """The gateway's answer; CUT: it ended the connection within it."""
    with gateway.connect() as client:
        client.send(request_bytes(method, CREATE, body, {"X-Auth-Token": token}))
        try:
            return client.read_answer(method)
        except (Broken, ConnectionResetError) as error:
            assert "ended" in str(error) or isinstance(error, ConnectionResetError), error
            return CUT


def wanted_outcome(row, answer):
    """(outcome, status, error) of a create, from what the caller was told."""
    if row.lost or row.ours != SAME:
        return "unknown", None, row.lost or row.ours
    try:
        made = json.loads(answer.body)
    except ValueError:
        made = None
    has_id = isinstance(made, dict) and isinstance(made.get("id"), str) and made["id"] != ""
    if 200 <= answer.status <= 299:
        return "created" if has_id else "unknown", answer.status, None
    return "failed" if 400 <= answer.status <= 499 and answer.status != 408 else "unknown", answer.status, None


class Bench:
    """Both ways to the same server."""

    def __init__(self, gateway, server, pki, token):
        self.gateway, self.server, self.pki, self.token = gateway, server, pki, token
        self.reads, self.creates = [], []

    def both(self, row, method, body):
        curl = Curl(self.pki, self.server.url + CREATE, method, body)
        self.server.seen()
        answer = through(self.gateway, self.token, method, body)
        seen = self.server.seen()
        probe = self.gateway.request("GET", f"/v1/{PROJECT}{PROBE}", None, {"X-Auth-Token": self.token})
        assert probe.status == 200 and probe.body == b"probed\n", "the next answer is the next request's"
        (probed, *_), = self.server.seen()
        assert row.kept is None or (probed == seen[-1][0]) == row.kept, \
            "the connection was used again" if not row.kept else "the connection was not used again"
        return curl, answer, seen

    def compare(self, row, number, curl, answer):
        if row.ours != SAME:
            assert (curl.status is not None) == (row.why is not None), f"libcurl: {curl.status} {curl.body[:99]} {curl.why}"
            return
        if row.gives is not None:
            assert curl.status is None and row.why, "libcurl does it too"
            assert (answer.status, answer.body) == (200, filled(row.gives, number)), answer
            return
        assert row.why is None, "there is no difference"
        assert answer is not CUT and (answer.status, answer.body) == (curl.status, curl.body), (answer, vars(curl))
        assert ends_to_end(answer.fields) == ends_to_end(curl.fields)

    def read(self, name, row, number):
        curl, answer, seen = self.both(row, row.method or "GET", None)
        again = row.ours == CLOSED and row.raw == ""  # a read that got no byte is sent once more
        assert len(seen) <= 1 + again, seen
        self.compare(row, number, curl, answer)
        if row.ours == SAME:
            return
        if row.begun:
            assert answer is CUT, answer
            return
        if row.method == "HEAD":  # says it without a body
            assert answer.status == 502 and answer.body == b"" and answer.header("Content-Length") != "0"
        else:
            check_refusal(answer, 502, "upstream.broken")
        self.reads.append((name, row, exchange_id(answer)))

    def create(self, name, row, number):
        body = compact(create_body(name=f"n{number}"))
        curl, answer, seen = self.both(row, "POST", body)
        assert len(seen) == 1, "a create is sent once"
        if row.lost or row.ours != SAME:
            check_refusal(answer, 502, "outcome.unknown")
        if not row.lost:
            self.compare(row, number, curl, answer)
        self.creates.append((name, row, answer))

    def check_records(self):
        """A read leaves a line in the log if it fails, and none in the journal; a create leaves its two."""
        ids = [exchange_id(answer) for _, _, answer in self.creates]
        journal = self.gateway.wait_journal(lambda j: all(len(j.of(ours)) == 2 for ours in ids), "all outcomes")
        for name, row, answer in self.creates:
            intent, outcome = journal.of(exchange_id(answer))
            assert (intent["event"], outcome["event"]) == ("intent", "outcome"), name
            told = outcome["outcome"], outcome.get("status"), outcome.get("error")
            assert told == wanted_outcome(row, answer), (name, outcome)
        for name, row, ours in self.reads:
            assert journal.of(ours) == [], name
            wait_for(lambda: f"id={ours} failure={row.ours}" in self.gateway.stderr, f"{name}: {row.ours} in the log")
        assert len(journal.events("intent", "outcome")) == 2 * len(ids)


@pytest.mark.parametrize("group", list(GROUPS))
def test_answers(gateway_factory, pki, token, group):
    first = 1000 * list(GROUPS).index(group)
    faults = []
    with RawServer(pki) as server:
        bench = Bench(gateway_factory(policies=ALLOW_ALL, url=server.url), server, pki, token)
        for number, (name, row) in enumerate(GROUPS[group].items(), first):
            server.play(filled(row.raw, number), end=row.end, **row.how)
            try:
                bench.read(name, row, number)
                if row.method is None:
                    bench.create(name, row, number)
            except AssertionError as error:
                faults.append(f"{name}: {str(error).splitlines()[0]}")
        if faults:
            pytest.fail("\n".join(faults))
        bench.check_records()
