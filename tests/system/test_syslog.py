# SPDX-License-Identifier: Apache-2.0
"""The journal's lines as they come out of syslog: whole, in order, none missing."""

import contextlib
import json
import shutil
import socket
import threading
from types import SimpleNamespace

import pytest

from support import rsyslog
from support.bodies import PROJECT, create_body
from support.contract import post_create
from support.disk import build_shim, preloaded
from support.syslog import Receiver, server_tls
from support.tokens import make_token
from support.waiting import wait_for
from support.written import write_journal, without_open

NASTY = [
    {"event": "refusal", "id": "1" * 32, "decision": "refuse", "reasons": [{"code": "route.unknown"}],
     "error": "a\nb\r\t\u0000\u2028 d\u00e9j\u00e0 \u8cc7 \U0001f600 ] \" \\"},
    {"event": "intent", "id": "2" * 32, "operation": "demanager.create", "class": "create"},
    {"event": "outcome", "id": "2" * 32, "operation": "demanager.create", "class": "create", "outcome": "unknown"},
    {"event": "outcome", "id": "3" * 32, "operation": "demanager.stop", "class": "release", "outcome": "done",
     "error": '"outcome":"unknown"'},
]


@pytest.fixture
def receiver_factory(folder, pki):
    made = []

    def make(kind, tls=None, **more):
        path = folder / f"{kind}{len(made)}.sock" if kind in ("datagram", "unix") else None
        if kind == "tls" and tls is None:
            tls = server_tls(pki)
        made.append(Receiver(kind, path, tls, **more))
        return made[-1]
    yield make
    for one in made:
        if one.running:
            one.stop()


@pytest.fixture
def run(gateway_factory, site_factory, pki):
    """A gateway with a sink to that receiver, on a journal of these lines."""
    def make(receiver, rows=(), sink=None, checkpoint=None, **syslog):
        if receiver.tls:
            syslog.setdefault("ca_file", pki.ca)
        settings = {"sinks": [{"name": "siem", "syslog": {"address": receiver.address, **syslog}, **(sink or {})}]}
        site = site_factory(settings=settings)
        site.made = write_journal(site.journal_folder, [rows], checkpoint) if rows else []
        return gateway_factory(site=site)
    return make


def refuse(gateway):
    """One line more, which nobody who is refused waits for."""
    before = len(settled(gateway))
    user = make_token(user="alice", project=PROJECT, roles=["te_admin"])
    assert post_create(gateway, user, create_body(flavor="modelarts.vm.gpu.8u")).status == 403
    wait_for(lambda: len(settled(gateway)) > before, "the line of the refusal")


def settled(gateway):
    """All lines that the journal has when the gateway has nothing to do, as they go out."""
    lines = b"".join(p.read_bytes() for p in sorted(gateway.site.journal_folder.glob("*.jsonl"))).split(b"\n")[:-1]
    return [without_open(line) for line in lines]


def check_all(gateway, receiver):
    """Each line came, in order, as it is; whatever came twice says so by its seq."""
    lines = settled(gateway)
    receiver.wait_seq(len(lines))
    by_seq = {message.seq: message for message in receiver.messages}
    assert sorted(by_seq) == list(range(1, len(lines) + 1))
    for number, line in enumerate(lines, 1):
        row, message = json.loads(line), by_seq[number]
        assert message.text == line
        assert (message.id, message.time) == (row["event"], row["time"])
        assert message.host == socket.gethostname()
        assert message.process == str(gateway.pid)
    return by_seq


@pytest.mark.parametrize("kind", ["datagram", "unix", "tcp", "tls"])
def test_every_line_arrives_once(kind, receiver_factory, run, gateway_factory):
    receiver = receiver_factory(kind)
    gateway = run(receiver, NASTY, facility="local3", app_name="gate")
    by_seq = check_all(gateway, receiver)
    assert receiver.seqs() == sorted(by_seq), "once, and in order"
    assert {(m.facility, m.app) for m in receiver.messages} == {(19, "gate")}
    severities = [by_seq[seq].severity for seq in range(1, 6)]
    assert severities == [6, 5, 6, 4, 6], "notice: a refusal; warning: an outcome that nobody knows"
    gateway.stop()
    again = gateway_factory(site=gateway.site)
    lines = settled(again)
    receiver.wait_seq(len(lines))
    assert receiver.seqs() == list(range(1, len(lines) + 1)), "a clean restart doubles nothing"


@pytest.mark.parametrize("kind", ["datagram", "unix", "tcp", "tls"])
def test_a_receiver_that_goes_and_comes_back(kind, receiver_factory, run):
    receiver = receiver_factory(kind)
    gateway = run(receiver, NASTY)
    check_all(gateway, receiver)
    receiver.stop()
    refuse(gateway)
    wait_for(lambda: gateway.metrics().get('postern_sink_failures_total{sink="siem"}', 0) > 0, "a failure")
    receiver.start()
    check_all(gateway, receiver)


@pytest.mark.parametrize("kind", ["datagram", "unix", "tcp", "tls"])
def test_what_a_receiver_had_not_read_is_sent_again(kind, receiver_factory, run):
    """Lines that a receiver takes down with it count as delivered only where nobody can know better: TCP's
    acknowledgement is the kernel's."""
    receiver = receiver_factory(kind)
    gateway = run(receiver, NASTY)
    check_all(gateway, receiver)
    before = len(settled(gateway))
    receiver.pause()
    refuse(gateway)
    wait_for(receiver.has_unread, "the line at the receiver")
    position = 'postern_sink_position{sink="siem"}'
    if kind in ("tcp", "tls"):
        wait_for(lambda: gateway.metrics()[position] > before, "the kernel's word")
        receiver.go_on()
    else:
        assert gateway.metrics()[position] == before, "not read, not delivered"
        receiver.stop()
        receiver.start()
    check_all(gateway, receiver)


def test_a_receiver_that_reads_nothing(receiver_factory, run):
    receiver = receiver_factory("unix")
    gateway = run(receiver, NASTY, timeout="200ms")
    check_all(gateway, receiver)
    receiver.pause()
    refuse(gateway)
    gateway.wait_stderr("the receiver takes nothing")
    receiver.go_on()
    check_all(gateway, receiver)


@pytest.mark.parametrize("kind", ["datagram", "unix", "tcp", "tls"])
def test_a_line_of_a_megabyte(kind, receiver_factory, run):
    receiver = receiver_factory(kind)
    check_all(run(receiver, [{**NASTY[0], "id": "4" * 32, "error": "x\u00e4" * 340000}, *NASTY]), receiver)


def test_a_line_that_no_datagram_holds(receiver_factory, run):
    """Only a checkpoint may be so long."""
    receiver = receiver_factory("datagram")
    gateway = run(receiver, NASTY, checkpoint={"error": "x\u00e4" * 3000000})
    lines = settled(gateway)
    receiver.wait_seq(len(lines))
    assert receiver.seqs() == list(range(1, len(lines) + 1))
    message = receiver.messages[0]
    assert int(message.data["postern@32473"]["shortened"]) == len(lines[0])
    assert json.loads(message.text) == {"v": 1, "seq": 1, "shortened": len(lines[0])}
    assert receiver.messages[1].text == lines[1]


@pytest.mark.parametrize("kind", ["datagram", "unix", "tcp", "tls"])
def test_a_receiver_that_takes_little_at_a_time(kind, receiver_factory, run):
    """Writes that are cut short anywhere, and datagrams for which there is no room, change nothing."""
    receiver = receiver_factory(kind, buffer=2048)
    rows = [{**NASTY[0], "id": f"{number:032x}", "error": "\u8cc7" * (number % 1500)} for number in range(800)]
    gateway = run(receiver, rows)
    by_seq = check_all(gateway, receiver)
    assert receiver.seqs() == sorted(by_seq), "once, and in order"


@pytest.mark.parametrize("name", ["wrong-host", "expired", "unknown-ca"])
def test_a_receiver_that_is_not_who_it_says_gets_nothing(name, receiver_factory, run, pki):
    receiver = receiver_factory("tls", server_tls(pki, name))
    gateway = run(receiver)
    wait_for(lambda: gateway.metrics().get('postern_sink_failures_total{sink="siem"}', 0) > 0, "a failure")
    assert receiver.messages == []
    assert gateway.metrics()['postern_sink_delivered_total{sink="siem"}'] == 0
    gateway.wait_stderr("certificate")


def test_a_receiver_that_asks_who_we_are(receiver_factory, run, pki):
    receiver = receiver_factory("tls", server_tls(pki, client_ca=pki.ca))
    gateway = run(receiver, certificate=pki.certificate("client"), key=pki.key("client"))
    check_all(gateway, receiver)


def test_other_formats(receiver_factory, run):
    receiver = receiver_factory("tcp")
    gateway = run(receiver, NASTY, sink={"format": "cadf"})
    receiver.wait_seq(5)
    events = [json.loads(message.text) for message in receiver.messages]
    assert events[3]["outcome"] == "unknown" and receiver.messages[3].severity == 4
    assert receiver.messages[4].severity == 6
    assert {event["observer"]["id"] for event in events} == {socket.gethostname()}
    assert gateway.running


@pytest.mark.parametrize("kind", rsyslog.INPUTS)
def test_rsyslog_reads_each_line_as_it_is(kind, folder, pki, run):
    (folder / "rsyslog").mkdir()
    receiver = rsyslog.Rsyslog(folder / "rsyslog", kind, pki)
    try:
        gateway = run(receiver, NASTY, certificate=pki.certificate("client"), key=pki.key("client")) if receiver.tls \
            else run(receiver, NASTY)
        refuse(gateway)
        lines = settled(gateway)
        wait_for(lambda: len(receiver.messages()) >= len(lines), "all lines")
        for number, (message, line) in enumerate(zip(receiver.messages(), lines, strict=True), 1):
            row = json.loads(line)
            assert message["msg"].encode() == line
            assert (message["app-name"], message["procid"], message["msgid"]) == ("postern", str(gateway.pid), row["event"])
            assert message["timereported"].replace("+00:00", "Z") == row["time"]
            assert f'seq="{number}"' in message["structured-data"] and int(message["pri"]) // 8 == 16
    finally:
        receiver.close()


def test_the_first_of_two_addresses_is_dead(gateway_factory, site_factory, receiver_factory, pki, folder):
    """It takes connections and says nothing: the other one has its share of the time."""
    pki.leaf("collector", "DNS:collector.example")
    receiver = receiver_factory("tls", server_tls(pki, "collector"))
    site = site_factory(settings={"sinks": [{"name": "siem", "syslog": {
        "address": f"tls:collector.example:{receiver.port}", "ca_file": pki.ca, "timeout": "4s"}}]})
    dead = "127.9.9.9"  # nobody connects from there, so that the port is free
    with socket.create_server((dead, receiver.port)):
        env = {**preloaded(build_shim(folder, "hosts"), site.binary), "POSTERN_TEST_HOSTS": f"{dead} 127.0.0.1"}
        gateway = gateway_factory(site=site, env=env)
        refuse(gateway)
        check_all(gateway, receiver)


def test_what_was_read_anew_counts_from_the_next_batch_on(run, pki, folder):
    """Also where a receiver is so slow that there is always a batch under way."""
    authority = folder / "ca.pem"
    shutil.copy(pki.ca, authority)
    listener, connected, go_on = socket.create_server(("127.0.0.1", 0)), threading.Event(), threading.Event()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def read_slowly():
        with server_tls(pki).wrap_socket(listener.accept()[0], server_side=True) as peer:
            connected.set()
            go_on.wait(20)
            while peer.recv(1 << 20):
                pass

    reader = threading.Thread(target=read_slowly, daemon=True)
    reader.start()
    long = {**NASTY[0], "error": "x" * 700000}
    receiver = SimpleNamespace(tls=True, address=f"tls:127.0.0.1:{listener.getsockname()[1]}")
    gateway = run(receiver, [{**long, "id": f"{i:032}"} for i in range(12)], ca_file=str(authority))
    assert connected.wait(20)
    shutil.copy(pki.certificate("unknown-ca"), authority)
    gateway.reload()
    go_on.set()
    reader.join(20)
    assert not reader.is_alive(), "the connection stays"
    with listener, contextlib.suppress(OSError):
        server_tls(pki).wrap_socket(listener.accept()[0], server_side=True).close()
    gateway.wait_stderr("certificate")
    assert gateway.metrics()['postern_sink_position{sink="siem"}'] < 12
