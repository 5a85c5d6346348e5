# SPDX-License-Identifier: Apache-2.0
"""The journal carried on: none of its lines is lost or doubled, and no sink is ever waited for."""

import contextlib
import hashlib
import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import threading
from types import SimpleNamespace

import pytest
from support.bodies import CREATE, compact, create_body
from support.contract import post_create
from support.http import Client
from support.receiver import Receiver
from support.syslog import server_tls
from support.waiting import wait_for
from support.written import write_journal


@pytest.fixture
def receiver(pki):
    receiver = Receiver(pki)
    yield receiver
    receiver.close()


def http_sink(receiver, pki, name="lake", **http):
    return {"name": name, "http": {"url": receiver.url, "ca_file": pki.ca, **http}}


def without_open(raw):
    """A checkpoint goes without its list of what is open."""
    line = json.loads(raw)
    return {name: value for name, value in line.items() if name != "open"}


def kept_lines(site):
    """What stands on disk, half a line at the end left out."""
    lines = []
    for path in sorted(site.journal_folder.glob("*.jsonl")):
        lines += [line for line in path.read_bytes().split(b"\n")[:-1] if line]
    return [line.decode() for line in lines]


def last_line(site):
    """The last of kept_lines, without reading them all."""
    for path in sorted(site.journal_folder.glob("*.jsonl"), reverse=True):
        lines = [line for line in path.read_bytes().split(b"\n")[:-1] if line]
        if lines:
            return lines[-1].decode()
    return None


def assert_delivered(receiver, site, all_lines=True):
    got, kept = receiver.lines(), kept_lines(site)
    if not all_lines:
        kept = kept[:len(got)]
    assert [without_open(line) for line in got] == [without_open(line) for line in kept]


def refusals(site):
    return sum('"event":"refusal"' in line for line in kept_lines(site))


def refuse_some(gateway, token, count):
    """So many refusal lines, which nobody who is refused waits for."""
    body, before = compact(create_body(flavor="x")), refusals(gateway.site)
    with gateway.connect() as client:
        for _ in range(count):
            assert client.request("POST", CREATE, body, {"X-Auth-Token": token}).status == 403
    wait_for(lambda: refusals(gateway.site) == before + count, "the lines of all refusals")


def wait_caught_up(gateway, name="lake", timeout=20.0):
    """Until the sink was given all that is written; what isn't on disk yet comes within a second."""
    def caught_up():
        metrics = gateway.metrics()
        position = metrics[f'postern_sink_position{{sink="{name}"}}']
        return position == json.loads(last_line(gateway.site))["seq"]
    wait_for(caught_up, "the sink to catch up", timeout)


def test_lines_go_out_as_they_are(gateway_factory, cloud, token, receiver, pki, folder):
    fields = folder / "fields"
    fields.write_text("Authorization: Bearer very-s3cret\n")
    fields.chmod(0o600)
    gateway = gateway_factory(settings={"sinks": [http_sink(receiver, pki, headers_file=str(fields))]})
    assert post_create(gateway, token).status == 200
    refuse_some(gateway, token, 20)
    wait_for(lambda: len(receiver.lines()) >= 24, "the lines")
    wait_caught_up(gateway)
    assert_delivered(receiver, gateway.site)
    batch = receiver.batches[0]
    assert batch.headers["Content-Type"] == "application/x-ndjson"
    assert batch.headers["Content-Encoding"] == "gzip"
    assert batch.headers["Authorization"] == "Bearer very-s3cret"
    assert batch.headers["Host"] == f"127.0.0.1:{receiver.port}"
    last = batch.lines[-1]
    assert batch.id.endswith(f"/1-{json.loads(last)['seq']}-{hashlib.sha256(last.encode()).hexdigest()[:16]}")
    row, = json.loads(gateway.site.run("status", "--json").stdout)["sinks"]
    assert row["name"] == "lake" and row["kind"] == "http" and row["lag_lines"] == 0
    assert "sinks of the journal:" in gateway.site.run("status").stdout

    fields.write_text("Authorization: Bearer another-s3cret\n")
    gateway.reload()
    refuse_some(gateway, token, 1)
    wait_for(lambda: receiver.batches[-1].headers["Authorization"].endswith("another-s3cret"), "the new field")
    gateway.stop()
    texts = [gateway.stderr] + [path.read_text() for path in gateway.site.folder.rglob("*.position")]
    assert not any("s3cret" in text for text in texts)
    assert_delivered(receiver, gateway.site, all_lines=False)
    assert oct(os.stat(gateway.site.folder / "sinks").st_mode & 0o777) == "0o700"


@pytest.mark.parametrize("fault", ["fields", "authority"])
def test_a_reload_takes_both_files_or_neither(gateway_factory, cloud, token, receiver, pki, folder, fault):
    fields, authority = folder / "fields", folder / "ca.pem"
    fields.write_text("X-Key: old\n")
    fields.chmod(0o600)
    shutil.copy(pki.ca, authority)
    sink = http_sink(receiver, pki, headers_file=str(fields))
    sink["http"]["ca_file"] = str(authority)
    gateway = gateway_factory(settings={"sinks": [sink]})
    wait_for(lambda: receiver.batches, "the first batch")
    if fault == "fields":
        fields.write_text("no field\n")
        shutil.copy(pki.certificate("unknown-ca"), authority)
    else:
        fields.write_text("X-Key: new\n")
        authority.write_text("no certificate\n")
    gateway.signal(signal.SIGHUP)
    gateway.wait_stderr("what was read before stays in use")
    receiver.answer = "drop"  # and the connection with it
    before = receiver.requests
    refuse_some(gateway, token, 1)
    wait_for(lambda: receiver.requests > before, "a batch")
    receiver.answer = 200
    wait_caught_up(gateway)
    assert_delivered(receiver, gateway.site)
    assert receiver.batches[-1].headers["X-Key"] == "old"


@pytest.mark.parametrize("under_way", [False, True])
def test_what_was_read_anew_counts_from_the_next_batch_on(gateway_factory, cloud, token, receiver, pki, folder,
                                                          under_way):
    """The connection that is kept between batches was verified by what was read before."""
    authority = folder / "ca.pem"
    shutil.copy(pki.ca, authority)
    gateway = gateway_factory(settings={"sinks": [http_sink(receiver, pki, ca_file=str(authority))]})
    refuse_some(gateway, token, 1)
    wait_caught_up(gateway)
    assert gateway.metrics()['postern_sink_failures_total{sink="lake"}'] == 0
    if under_way:
        receiver.may_answer.clear()
        before = receiver.requests
        refuse_some(gateway, token, 1)
        wait_for(lambda: receiver.requests > before, "a batch")
    shutil.copy(pki.certificate("unknown-ca"), authority)
    gateway.reload()
    receiver.may_answer.set()
    refuse_some(gateway, token, 1)
    gateway.wait_stderr("certificate")
    assert kept_lines(gateway.site)[-1] not in receiver.lines()
    shutil.copy(pki.ca, authority)
    gateway.reload()
    wait_caught_up(gateway)
    assert receiver.repeats == 0, "a batch that was under way ended"
    assert_delivered(receiver, gateway.site)


def read_request(peer):
    """Its head, then all of it: a generator, so that somebody can answer in between."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = peer.recv(4096)
        assert part, "it ended within the head"
        got += part
    head, body = got.split(b"\r\n\r\n", 1)
    yield head.decode()
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])
    while len(body) < length:
        part = peer.recv(1 << 20)
        assert part, "it ended within the body"
        body += part
    yield body.decode()


@pytest.fixture
def early(pki):
    """Takes two connections: answers the first before it has read the batch, the second behind it."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)  # so little fits in the other side's buffer
    tls, seen = server_tls(pki), []
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    def serve():
        with tls.wrap_socket(listener.accept()[0], server_side=True) as first:
            seen.append((next(read_request(first)), None))
            first.sendall(answer)
            with tls.wrap_socket(listener.accept()[0], server_side=True) as second:
                seen.append(tuple(read_request(second)))
                second.sendall(answer)
                with contextlib.suppress(OSError):
                    second.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield SimpleNamespace(url=f"https://127.0.0.1:{listener.getsockname()[1]}/", seen=seen)
    listener.close()
    thread.join(20)


def test_who_answers_before_the_whole_batch_was_sent_has_not_taken_it(gateway_factory, site_factory, early, pki):
    site = site_factory(settings={"sinks": [http_sink(early, pki, gzip=False, batch=3)]})
    reasons = [{"code": "route.unknown"}]
    made = write_journal(site.journal_folder, [[{"event": "refusal", "id": f"{i:032}", "decision": "refuse",
                                                 "reasons": reasons, "error": "x" * 900000} for i in range(2)]])
    gateway = gateway_factory(site=site)
    gateway.wait_stderr("the receiver answered 200 before it had the whole batch")
    wait_for(lambda: gateway.metrics()['postern_sink_position{sink="lake"}'] == 3, "the batch")
    (first, _), (second, body) = early.seen
    ids = [re.search(r"Postern-Batch: (\S+)", head)[1] for head in (first, second)]
    assert ids[0] == ids[1]
    assert [json.loads(line) for line in body.splitlines()][1:] == [json.loads(line) for line in made[1:]]
    assert gateway.metrics()['postern_sink_refusals_total{sink="lake"}'] == 1


def test_cloud_events_go_as_an_array(gateway_factory, cloud, token, receiver, pki):
    gateway = gateway_factory(settings={"sinks": [{**http_sink(receiver, pki, gzip=False), "format": "cloudevents"}]})
    refuse_some(gateway, token, 5)
    wait_caught_up(gateway)
    for batch in receiver.batches:
        assert batch.headers["Content-Type"] == "application/cloudevents-batch+json"
        assert "Content-Encoding" not in batch.headers
    assert len(receiver.lines()) == len(kept_lines(gateway.site))
    assert all(event["specversion"] == "1.0" for event in receiver.lines())


def test_hours_down_then_all_of_it(gateway_factory, cloud, token, receiver, pki):
    """Thousands of lines over several segments and a restart, at a size that the receiver takes."""
    receiver.answer = 503
    receiver.most = 200
    gateway = gateway_factory(settings={"sinks": [http_sink(receiver, pki, batch=2000)],
                                        "log": {"level": "error"}})
    refuse_some(gateway, token, 1500)
    assert gateway.status("/readyz").body == b"ok\n"
    wait_for(lambda: gateway.metrics()['postern_sink_lag_lines{sink="lake"}'] >= 1500, "the lag")
    wait_for(lambda: gateway.metrics()['postern_sink_failures_total{sink="lake"}'] > 0, "a failure")
    assert receiver.lines() == []
    gateway.stop()
    again = gateway_factory(site=gateway.site)
    refuse_some(again, token, 1000)
    receiver.answer = 204
    wait_caught_up(again, timeout=60.0)  # the pauses between its tries have grown meanwhile
    assert_delivered(receiver, gateway.site)
    assert len(receiver.lines()) >= 2500
    assert max(len(batch.lines) for batch in receiver.batches) <= 200


def test_what_is_refused_is_not_lost(gateway_factory, cloud, token, receiver, pki):
    receiver.answer = 403
    gateway = gateway_factory(settings={"sinks": [http_sink(receiver, pki)]})
    refuse_some(gateway, token, 5)
    wait_for(lambda: gateway.metrics()['postern_sink_refusals_total{sink="lake"}'] > 0, "a refusal")
    gateway.wait_stderr("the receiver answered 403")
    receiver.answer = 200
    wait_caught_up(gateway)
    assert_delivered(receiver, gateway.site)


@pytest.mark.parametrize("asked, least, most", [
    ("7", 7000, 7000), ("99999999999999999999", 300000, 300000), ("Fri, 31 Dec 9999 23:59:59 GMT", 300000, 300000),
    ("-7", 250, 500), ("7.5", 250, 500), ("", 250, 500), ("Thu, 01 Jan 1970 00:00:00 GMT", 250, 500),
])
def test_how_long_a_receiver_may_ask_to_wait(gateway_factory, cloud, receiver, pki, asked, least, most):
    receiver.answer = 503
    receiver.headers = {"Retry-After": asked}
    gateway = gateway_factory(settings={"sinks": [http_sink(receiver, pki)]})
    gateway.wait_stderr("the receiver answered 503")
    waits, = re.findall(r"wait_ms=(\d+)", gateway.stderr)
    assert least <= int(waits) <= most


def test_a_receiver_that_is_someone_else_gets_nothing(gateway_factory, cloud, token, pki):
    wrong = Receiver(pki, "unknown-ca")
    try:
        gateway = gateway_factory(settings={"sinks": [http_sink(wrong, pki)]})
        gateway.wait_stderr("certificate")
        assert post_create(gateway, token).status == 200
        assert wrong.requests == 0
        assert gateway.status("/readyz").body == b"ok\n"
    finally:
        wrong.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_kill_at_any_moment(gateway_factory, site_factory, cloud, token, receiver, pki, seed):
    """Batches that repeat are the same by their ids; without them each line is there once, in order."""
    dice = random.Random(seed)
    site = site_factory(settings={"sinks": [http_sink(receiver, pki, batch=20)], "log": {"level": "error"}},
                        url=cloud.url)
    for _ in range(4):
        gateway = gateway_factory(site=site)
        asking = threading.Thread(target=ask_until_gone, args=(gateway, token, receiver))
        asking.start()
        for answer in [200] * dice.randrange(4) + [dice.choice([200, "drop"])]:
            receiver.answer = answer
            before = receiver.requests
            wait_for(lambda: receiver.requests > before, "a batch")
        gateway.signal(signal.SIGKILL)
        gateway.wait()
        asking.join()
    receiver.answer = 200
    gateway = gateway_factory(site=site)
    wait_caught_up(gateway, timeout=60.0)  # with all that was asked for while the sink waited
    assert_delivered(receiver, site)
    gateway.stop()


def ask_until_gone(gateway, token, receiver):
    """Ahead of the batches, but not by so much that the sink never catches up."""
    host, port = gateway.addresses[0]
    body, before = compact(create_body(flavor="x")), receiver.requests
    try:
        with Client(host, port) as client:
            for asked in itertools.count():
                wait_for(lambda: asked < 500 + 20 * (receiver.requests - before) or not gateway.running, "a batch")
                client.request("POST", CREATE, body, {"X-Auth-Token": token})
    except (OSError, AssertionError):
        pass


def test_standard_output_that_nobody_reads(gateway_factory, cloud, token):
    reading, writing = os.pipe()
    gateway = gateway_factory(settings={"sinks": [{"name": "out", "stdout": True}]}, stdout=writing)
    refuse_some(gateway, token, 200)  # a pipe holds 64 KB
    assert post_create(gateway, token).status == 200
    wait_for(lambda: gateway.metrics()['postern_sink_lag_lines{sink="out"}'] > 0, "the pipe to be full")
    assert gateway.status("/readyz").body == b"ok\n"
    os.close(writing)
    got = bytearray()
    reader = threading.Thread(target=lambda: read_all(reading, got))
    reader.start()
    wait_caught_up(gateway, "out")
    gateway.stop()
    reader.join()
    os.close(reading)
    kept = kept_lines(gateway.site)
    lines = got.decode().splitlines()
    assert [without_open(line) for line in lines] == [without_open(line) for line in kept[:len(lines)]]
    assert len(lines) >= 201


def test_standard_output_that_is_closed(gateway_factory, site_factory, cloud, token, folder):
    """No file that is opened later takes its place."""
    site = site_factory(settings={"sinks": [{"name": "out", "stdout": True}]}, url=cloud.url)
    closing = folder / "closing"
    binary = site.binary
    closing.write_text(f'#!/bin/sh\nexec {binary} "$@" >&-\n')
    closing.chmod(0o700)
    site.binary = str(closing)
    gateway = gateway_factory(site=site)
    site.binary = binary  # what looks at the journal then has something to say
    assert post_create(gateway, token).status == 200
    wait_caught_up(gateway, "out")


def read_all(fd, into):
    while part := os.read(fd, 65536):
        into.extend(part)


def test_a_clean_restart_doubles_nothing(gateway_factory, cloud, token, receiver, pki):
    gateway = gateway_factory(settings={"sinks": [http_sink(receiver, pki)]})
    for _ in range(3):
        refuse_some(gateway, token, 30)
        gateway.stop()
        gateway = gateway_factory(site=gateway.site)
    wait_caught_up(gateway)
    assert receiver.repeats == 0
    assert_delivered(receiver, gateway.site)


def test_lines_that_were_removed_by_hand_are_told(gateway_factory, cloud, token, receiver, pki):
    receiver.answer = 503
    gateway = gateway_factory(settings={"sinks": [http_sink(receiver, pki)]})
    refuse_some(gateway, token, 1800)  # more than a segment
    gateway.stop()
    first, second, *_ = sorted(gateway.site.journal_folder.glob("*.jsonl"))
    first.unlink()
    receiver.answer = 200
    again = gateway_factory(site=gateway.site)
    wait_caught_up(again)
    lost = int(second.stem) - 1
    assert again.metrics()['postern_sink_lost_lines_total{sink="lake"}'] == lost
    again.wait_stderr(f"first=1 last={lost}")
    again.check_journal = False


def damaged_journal(site, damage):
    """Three segments; `damage` changes the lines of the first."""
    rows = [{"event": "refusal", "id": f"{i:032}", "decision": "refuse"} for i in range(400)]
    write_journal(site.journal_folder, [rows, rows, rows])
    first = min(site.journal_folder.glob("*.jsonl"))
    lines = first.read_bytes().split(b"\n")
    damage(lines)
    first.write_bytes(b"\n".join(lines))


def changed_seq(lines):
    lines[19] = lines[19].replace(b'"seq":20,', b'"seq":9020,')


def many_empty_lines(lines):
    lines[19:20] = [b""] * 3000


@pytest.mark.parametrize("damage, unreadable", [(changed_seq, 1), (many_empty_lines, 3000)])
def test_a_damaged_line_stops_nothing_and_costs_nothing_else(gateway_factory, site_factory, receiver, pki, damage,
                                                             unreadable):
    """In a segment that no start looks at; what the sink was not given yet is not called delivered."""
    site = site_factory(settings={"sinks": [http_sink(receiver, pki)]})
    damaged_journal(site, damage)
    receiver.answer = "drop"
    gateway = gateway_factory(site=site)
    gateway.check_journal = False
    wait_for(lambda: receiver.requests > 1, "a batch")
    gateway.signal(signal.SIGKILL)
    gateway.wait()
    receiver.answer = 200
    again = gateway_factory(site=site)
    again.check_journal = False
    wait_caught_up(again)
    seqs = [json.loads(line)["seq"] for line in receiver.lines()]
    assert seqs == [seq for seq in range(1, seqs[-1] + 1) if seq != 20] and len(seqs) > 1200
    metrics = again.metrics()
    assert metrics['postern_sink_unreadable_lines_total{sink="lake"}'] == unreadable
    assert metrics['postern_sink_lost_lines_total{sink="lake"}'] == 0
    assert metrics['postern_sink_rewinds_total{sink="lake"}'] == 0
    told, = [line for line in again.stderr.splitlines() if "can't be handed on" in line]
    assert f"line=20 lines={unreadable} " in told


def test_a_longer_journals_position_lets_no_segment_go(gateway_factory, site_factory, token, receiver, pki):
    """A backup was put back: old lines, and the position of what was written since."""
    site = site_factory(settings={"journal": {"keep": "2d"}, "sinks": [http_sink(receiver, pki)]})
    rows = [{"event": "refusal", "id": f"{i:032}", "decision": "refuse",
             "reasons": [{"code": "route.unknown"}], "error": "x" * 900} for i in range(895)]
    write_journal(site.journal_folder, [rows, rows, rows])
    folder = site.folder / "sinks"
    folder.mkdir(mode=0o700)
    (folder / "lake.position").write_text(json.dumps(
        {"v": 1, "seq": 50000, "segment": 49000, "offset": 5000, "line": 50, "hash": "a" * 64}))
    receiver.answer = 503
    gateway = gateway_factory(site=site)
    before = len(list(site.journal_folder.glob("*.jsonl")))
    while len(list(site.journal_folder.glob("*.jsonl"))) == before:  # the last one is nearly full
        refuse_some(gateway, token, 5)
        assert (site.journal_folder / f"{1:020d}.jsonl").exists()
    receiver.answer = 200
    wait_caught_up(gateway)
    assert_delivered(receiver, site)
    assert gateway.metrics()['postern_sink_rewinds_total{sink="lake"}'] == 1


def test_a_damaged_journal_sends_nothing_twice(gateway_factory, cloud, token, receiver, pki):
    gateway = gateway_factory(settings={"sinks": [http_sink(receiver, pki)]})
    refuse_some(gateway, token, 50)
    wait_caught_up(gateway)
    gateway.signal(signal.SIGKILL)
    gateway.wait()
    delivered = receiver.lines()
    last = max(gateway.site.journal_folder.glob("*.jsonl"))
    lines = last.read_bytes().split(b"\n")
    lines[30] = lines[30].replace(b'"event"', b'"evenx"')
    last.write_bytes(b"\n".join(lines))
    damaged = gateway_factory(site=gateway.site)
    damaged.check_journal = False
    damaged.wait_stderr('sink=lake first=')
    damaged.wait_stderr('why="the journal is damaged"')
    assert damaged.metrics()['postern_sink_away_seconds{sink="lake"}'] >= 0
    damaged.stop()
    assert gateway.site.run("audit", "repair", "-c", str(gateway.site.conf), conf=False).returncode == 0
    again = gateway_factory(site=gateway.site)
    again.check_journal = False
    wait_caught_up(again)
    assert receiver.lines()[:len(delivered)] == delivered
    seqs = [json.loads(line)["seq"] for line in receiver.lines()]
    assert seqs == list(range(1, seqs[-1] + 1))
    assert again.metrics()['postern_sink_rewinds_total{sink="lake"}'] == 0


def test_a_repair_goes_out_as_well(gateway_factory, cloud, token, receiver, pki):
    """It goes on behind the seqs that may have been there: half a line, and a segment without one."""
    gateway = gateway_factory(settings={"sinks": [http_sink(receiver, pki)]})
    refuse_some(gateway, token, 3)
    wait_caught_up(gateway)
    gateway.signal(signal.SIGKILL)
    gateway.wait()
    last = max(gateway.site.journal_folder.glob("*.jsonl"))
    seq = json.loads(last.read_bytes().splitlines()[-1])["seq"]
    with last.open("ab") as segment:
        segment.write(b'{"v":1,"se')
    last.with_name(f"{seq + 3:020}.jsonl").touch(0o600)
    assert gateway.site.run("audit", "repair", "-c", str(gateway.site.conf), conf=False).returncode == 0
    again = gateway_factory(site=gateway.site)
    again.check_journal = False
    wait_caught_up(again)
    rows = [json.loads(line) for line in receiver.lines()]
    repaired, = [row for row in rows if row.get("actor") == "uid:0" or "error" in row and row["event"] == "checkpoint"]
    assert repaired["event"] == "checkpoint" and repaired["seq"] > seq + 1
    assert [row["seq"] for row in rows] == [*range(1, seq + 1), *range(repaired["seq"], rows[-1]["seq"] + 1)]


def test_a_position_that_cannot_be_written_stops_no_start(gateway_factory, site_factory, cloud, token, receiver, pki):
    site = site_factory(settings={"sinks": [http_sink(receiver, pki)]}, url=cloud.url)
    in_the_way = site.folder / "sinks" / "lake.position.next"
    in_the_way.mkdir(mode=0o700, parents=True)
    gateway = gateway_factory(site=site)
    gateway.wait_stderr("can't write lake.position")
    assert post_create(gateway, token).status == 200
    assert receiver.requests == 0
    in_the_way.rmdir()
    wait_caught_up(gateway)
    assert_delivered(receiver, site)


@pytest.mark.parametrize("sink, fault", [
    ({"name": "a", "http": {"url": "http://192.0.2.1/x"}}, "url: http:// would carry"),
    ({"name": "a", "http": {"url": "http://192.0.2.1/x", "plain": True}}, "this host alone"),
    ({"name": "a", "http": {"url": "https://h/x", "ca_file": "/nowhere.pem"}}, "nowhere.pem"),
    ({"name": "a", "http": {"url": "https://h/x", "headers_file": "/nowhere"}}, "headers_file: /nowhere"),
    ({"name": "a", "http": {"url": "https://u:p@h/x"}}, "without a user"),
    ({"name": "a", "http": {"url": "https://h/x", "batch": 0}}, "batch"),
    ({"name": "A!", "stdout": True}, "name: expected a-z"),
    ({"name": "a"}, "exactly one of stdout, syslog and http, found 0"),
    ({"name": "a", "stdout": True, "http": {"url": "https://h/x"}}, "found 2"),
    ({"name": "a", "stdout": False}, "stdout: expected true"),
    ({"name": "a", "stdout": True, "formats": "postern"}, 'did you mean "format"'),
    ({"name": "a", "syslog": {"address": "udp:h:1"}}, "address: expected unix:PATH"),
    ({"name": "a", "syslog": {"address": "unix:"}}, "address: expected unix:PATH"),
    ({"name": "a", "syslog": {"address": "unix:" + 54 * "/x"}}, "has 108 bytes; the name of a socket may have 107"),
    ({"name": "a", "syslog": {"address": "tls:h"}}, "tls:HOST:PORT"),
    ({"name": "a", "syslog": {"address": "tcp:127.0.0.1:1", "ca_file": "x"}}, "tls:HOST:PORT alone"),
    ({"name": "a", "syslog": {"address": "tls:h:1", "key": "k"}}, "go together"),
    ({"name": "a", "syslog": {"address": "tls:h:1", "certificate": "/nowhere.pem", "key": "/k"}}, "nowhere.pem"),
])
def test_settings_that_cannot_work(site_factory, sink, fault):
    done = site_factory(settings={"sinks": [sink]}).run("check")
    assert done.returncode == 1 and fault in done.stderr, done.stderr


def test_settings_of_many(site_factory):
    sinks = [{"name": f"s{i}", "http": {"url": "http://127.0.0.1/x", "plain": True}} for i in range(17)]
    done = site_factory(settings={"sinks": sinks}).run("check")
    assert done.returncode == 1 and "at most 16 sinks, found 17" in done.stderr
    done = site_factory(settings={"sinks": [sinks[0], sinks[0]]}).run("check")
    assert done.returncode == 1 and "another sink is called" in done.stderr
    site = site_factory(settings={"sinks": sinks[:16]})
    shown = site.run("check", "--show")
    assert shown.returncode == 0, shown.stderr
    assert "  - name: s15\n    http:\n      url: http://127.0.0.1/x\n      plain: true\n" in shown.stdout
    site.conf.write_text(shown.stdout)
    assert site.run("check", "--show").stdout == shown.stdout
