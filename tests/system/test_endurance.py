# SPDX-License-Identifier: Apache-2.0
"""Crowds that are slow, idle or greedy: each of them ends at a limit of the settings, what all of them together hold
in memory has a bound, and whoever behaves is served all the while."""

import hashlib
import itertools
import resource
import select
import socket
import threading

import pytest

from support.bodies import CREATE, PROJECT, compact, create_body
from support.contract import check_refusal, post_create
from support.http import Broken, request_bytes
from support.memory import FREES, peak_kb, resident_kb
from support.waiting import wait_for

ECHO = f"/v1/{PROJECT}/echo"
BIG = f"/v1/{PROJECT}/big"
CROWD = "127.0.0.2"  # whoever behaves comes from 127.0.0.1
MB = 1024 * 1024


class Others:
    """Those who behave, on connections of their own."""

    def __init__(self, token):
        self.token = token
        self.numbers = itertools.count()

    def read(self, gateway):
        answer = gateway.request("GET", ECHO, None, {"X-Auth-Token": self.token})
        assert answer.status == 200, answer

    def are_served(self, gateway):
        self.read(gateway)
        answer = post_create(gateway, self.token, create_body(name=f"other-{next(self.numbers)}"))
        assert answer.status == 200, answer


@pytest.fixture
def others(token):
    return Others(token)


@pytest.fixture
def crowd():
    """crowd(gateway, count) connects so many; none stays."""
    clients = []

    def connect(gateway, count, **options):
        made = [gateway.connect(source=CROWD, **options) for _ in range(count)]
        clients.extend(made)
        return made
    yield connect
    for client in clients:
        if client.sock.fileno() >= 0:
            client.reset()


def has_news(client):
    """Whether bytes, or the end, wait to be read."""
    return bool(select.select([client.sock], [], [], 0)[0])


def wait_connections(gateway, count):
    wait_for(lambda: gateway.metrics()["postern_connections"] == count, f"{count} connections")


def drip_until_refused(gateway, others, clients, head, filler):
    """All send a byte at a time and never stop by themselves: a clock that began anew with each byte would not run
    out."""
    left = {client: itertools.chain(head, itertools.repeat(filler)) for client in clients}

    def all_are_refused():
        for client, text in list(left.items()):
            if not has_news(client):
                client.send(bytes([next(text)]))
                continue
            check_refusal(client.read_answer(), 408, "http.timeout")
            client.half_close()
            client.expect_end()
            del left[client]
        others.are_served(gateway)
        return not left
    wait_for(all_are_refused, "the end of all that are slow")


# ---- slow ones ----

def test_slow_heads(gateway_factory, crowd, others):
    gateway = gateway_factory(settings={"limits": {"head_timeout": "500ms"}})
    drip_until_refused(gateway, others, crowd(gateway, 100), b"GET / HTTP/1.1\r\nHost: g\r\nX-Slow: ", ord("s"))


def test_slow_bodies_of_judged_requests(gateway_factory, cloud, crowd, others, token):
    gateway = gateway_factory(settings={"limits": {"body_timeout": "500ms"}})
    head = request_bytes("POST", CREATE, None, {"X-Auth-Token": token, "Content-Type": "application/json",
                                                "Content-Length": "200000"})
    clients = crowd(gateway, 100)
    for client in clients:
        client.send(head)
    drip_until_refused(gateway, others, clients, b'{"name":"', ord("n"))
    assert {request.json["name"][:6] for request in cloud.creates()} == {"other-"}


def test_slow_bodies_of_streams(gateway_factory, cloud, crowd, others, token):
    """The time counts from byte to byte: whoever goes on may be slow, whoever stops is gone."""
    gateway = gateway_factory(settings={"limits": {"body_timeout": "3s"}})
    head = request_bytes("POST", ECHO, None, {"X-Auth-Token": token, "Content-Length": "100000"})
    going, stopped = crowd(gateway, 5), crowd(gateway, 20)
    for client in going + stopped:
        client.send(head + b"x")

    def go_on():
        for client in going:
            client.send(b"x")

    def only_those_who_go_on_are_left():
        go_on()
        for client in [client for client in stopped if has_news(client)]:
            check_refusal(client.read_answer(), 408, "http.timeout")
            go_on()
            client.half_close()
            client.expect_end()
            stopped.remove(client)
        others.are_served(gateway)
        return not stopped
    wait_for(only_those_who_go_on_are_left, "the end of those who stopped")
    for client in going:
        assert not has_news(client)
        client.half_close()
        client.expect_end()
    wait_connections(gateway, 0)
    assert [request for request in cloud.requests(target=ECHO) if request.complete and request.method == "POST"] == []


def test_slow_readers(gateway_factory, cloud, crowd, others, token):
    """Each holds what the queue of its connection holds, and sees in the end that it hasn't got all."""
    gateway = gateway_factory(settings={"limits": {"write_timeout": "1s"}, "upstream": {
        "timeouts": {"connect": "30s", "tls": "30s"}}}, env=FREES)  # the cloud is busy with all of them
    others.are_served(gateway)
    before = peak_kb(gateway)
    clients = crowd(gateway, 20)
    for client in clients:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)  # the kernel would take 32 MB for us
        client.send(request_bytes("GET", f"{BIG}?bytes={10 * MB}", None, {"X-Auth-Token": token}))

    def are_left():
        others.are_served(gateway)
        return cloud.stats()["open"] <= 1
    wait_for(lambda: cloud.stats()["accepted"] >= 20, "all calls")
    wait_for(are_left, "the end of all calls whose answers nobody reads")
    assert peak_kb(gateway) - before < 20 * 1024
    for client in clients:
        with pytest.raises((Broken, ConnectionResetError)):
            client.read_answer()


# ---- idle ones ----

@pytest.mark.parametrize("text", ["", "half a handshake"])
def test_a_flood_of_idle_connections(gateway_factory, crowd, pki, token, text):
    """All places are taken: who comes then is served when the flood has run into its time-out."""
    listen = {"address": "127.0.0.1:0"}
    if text:
        listen["tls"] = {"certificate": pki.certificate("gateway"), "key": pki.key("gateway")}
    gateway = gateway_factory(settings={"listen": [listen], "limits": {
        "connections": "50", "idle_timeout": "1s", "head_timeout": "1s"}})
    clients = crowd(gateway, 50)
    for client in clients:
        client.send(b"\x16\x03\x01\x02\x00\x01" if text else b"")
    answer = gateway.request("GET", ECHO, None, {"X-Auth-Token": token}, ca=pki.ca if text else None)
    assert answer.status == 200, answer
    assert any(map(has_news, clients)), "it had to wait"
    for client in clients:
        client.expect_end()


@pytest.fixture
def open_files():
    """Room for 10,000 connections in this process and, as the limit is inherited, in the gateway."""
    need = 10000 + 2000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < need:
        pytest.skip(f"the hard limit of open files is {hard}, and this needs {need}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, need), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_ten_thousand_idle_connections(open_files, gateway_factory, others, token):
    """The half of them has had an answer: what that took is given back. 8 KB each is what docs/performance.md says."""
    count = 10000
    gateway = gateway_factory(env=FREES, settings={
        "limits": {"connections": str(count + 100), "per_address": str(count), "idle_timeout": "1h"}})
    others.are_served(gateway)
    before = resident_kb(gateway)
    request = request_bytes("GET", ECHO, None, {"X-Auth-Token": token})
    socks = []
    try:
        for number in range(count):
            client = gateway.connect(source=CROWD)
            socks.append(client.sock)
            if number % 2:
                client.send(request)
                assert client.read_answer().status == 200
            if number % 1000 == 0:
                others.are_served(gateway)
        wait_connections(gateway, count)
        assert (resident_kb(gateway) - before) / count < 8
        others.are_served(gateway)
        one_too_many = gateway.connect(source=CROWD)
        one_too_many.expect_end()
        one_too_many.close()
    finally:
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            sock.close()
    wait_connections(gateway, 0)
    others.are_served(gateway)


def test_one_address_at_its_limit_shuts_no_other_out(gateway_factory, crowd, others, token):
    gateway = gateway_factory(settings={"limits": {"per_address": "10"}, "workers": 2})
    held = crowd(gateway, 10)
    wait_connections(gateway, 10)
    for client in crowd(gateway, 100):
        client.expect_end()
        client.close()
    others.are_served(gateway)
    wait_for(lambda: gateway.metrics()["postern_connections_refused_total"] == 100, "the count of them")
    for client in held:
        assert client.request("GET", ECHO, None, {"X-Auth-Token": token}).status == 200
        client.close()
    wait_connections(gateway, 0)
    for client in crowd(gateway, 10):
        assert client.request("GET", ECHO, None, {"X-Auth-Token": token}).status == 200


# ---- greedy ones ----

def create_with(text):
    """A create with text as the value of a member that nobody knows."""
    return compact(create_body(zz="@")).replace(b'"@"', text)


def wide(count):
    return create_with(b"{" + b",".join(b'"%x":0' % n for n in range(count)) + b"}")


FLOODS = {
    # name: target, fields, body, status, code
    "a long value": (ECHO, {"X-A": "a" * 60000}, None, 431, "http.value_too_large"),
    "a long head": (ECHO, {f"X-{n}": "a" * 30000 for n in range(6)}, None, 431, "http.head_too_large"),
    "a long target": (ECHO + "?" + "q" * 60000, {}, None, 414, "http.uri_too_long"),
    "many headers": (ECHO, {f"X-{n}": "" for n in range(6000)}, None, 431, "http.too_many_headers"),
    "deep": (CREATE, {}, create_with(b"[" * 100000 + b"]" * 100000), 400, "json.too_deep"),
    "as deep as may be": (CREATE, {}, create_with(b"[" * 63 + b"]" * 63), 400, "body.unknown_field"),
    "wide": (CREATE, {}, wide(20000), 400, "json.too_many_members"),
    "as wide as may be": (CREATE, {}, wide(8000), 400, "body.unknown_field"),
    "long": (CREATE, {}, b" " * (256 * 1024 + 1), 413, "http.body_too_large"),
    "as long as may be": (CREATE, {}, create_with(b'"' + b"z" * 261500 + b'"'), 400, "body.unknown_field"),
    "a long path": (CREATE, {}, compact(create_body(spec__storage__location__path="/team-a/" + "p" * 250000)), 403,
                    "obs.path_unreadable"),
}


@pytest.mark.parametrize("name", list(FLOODS))
def test_a_flood_of_large_requests(gateway_factory, cloud, crowd, others, token, name):
    """From 10 connections at once, 5 times over: each is refused in its own words."""
    target, fields, body, status, code = FLOODS[name]
    request = request_bytes("GET" if body is None else "POST", target, body, {"X-Auth-Token": token, **fields})
    gateway = gateway_factory(env=FREES)
    others.are_served(gateway)
    before = peak_kb(gateway)
    for _ in range(5):
        clients = crowd(gateway, 10)
        for client in clients:
            client.send(request)
        others.are_served(gateway)
        for client in clients:
            answer = client.read_answer()
            assert check_refusal(answer, status)["reasons"][0]["code"] == code, answer
            client.close()
    assert peak_kb(gateway) - before < 32 * 1024
    assert {request.json["name"][:6] for request in cloud.creates()} == {"other-"}


def test_a_crowd_with_heads_that_do_not_end(gateway_factory, crowd, others):
    """Each holds at most the head that it may have."""
    gateway = gateway_factory(env=FREES, settings={"limits": {"head_timeout": "3s", "head": "64KB"}})
    others.are_served(gateway)
    before = peak_kb(gateway)
    clients = crowd(gateway, 200)
    for client in clients:
        client.send(b"GET / HTTP/1.1\r\nHost: g\r\n" + b"X-A: " + b"a" * 30000 + b"\r\nX-B: " + b"b" * 30000)
        others.read(gateway)
    for client in clients:
        check_refusal(client.read_answer(), 408, "http.timeout")
        client.close()
    assert peak_kb(gateway) - before < 200 * 96


# ---- long ones ----

def turns(gateway, others, count=100):
    """The loops of gateway and cloud turn: what can flow without the slow side flows."""
    for _ in range(count):
        others.read(gateway)


def read_up_to(client, count):
    """Keeps so many bytes for read_answer."""
    while len(client.kept) < count:
        assert client._more(), "the answer broke off"


@pytest.mark.parametrize("door", ["plain", "tls"])
def test_a_long_answer_takes_no_more_memory_than_a_short_one(gateway_factory, others, pki, token, door):
    gateway = gateway_factory(env=FREES, settings={"listen": [{"address": "127.0.0.1:0"}, {
        "address": "127.0.0.1:0", "tls": {"certificate": pki.certificate("gateway"), "key": pki.key("gateway")}}]})
    where = {"index": 1, "ca": pki.ca} if door == "tls" else {}
    peaks = []
    for size in (10 * MB, 100 * MB):
        with gateway.connect(**where) as client:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            client.send(request_bytes("GET", f"{BIG}?bytes={size}&chunked=1", None, {"X-Auth-Token": token}))
            turns(gateway, others)
            while len(client.kept) < size:
                read_up_to(client, min(len(client.kept) + MB, size))
                turns(gateway, others, 1)
            answer = client.read_answer()
        assert len(answer.body) == size
        assert answer.header("X-Body-Sha256") == hashlib.sha256(answer.body).hexdigest()
        peaks.append(peak_kb(gateway))
    assert peaks[1] - peaks[0] < 4 * 1024, peaks


def test_a_long_upload_takes_no_more_memory_than_a_short_one(gateway_factory, cloud, others, token):
    """At limits.stream_body; the long one is more than the kernel's buffers take."""
    gateway = gateway_factory(env=FREES, settings={"limits": {"stream_body": "60MB"}})
    peaks = []
    for size in (6 * MB, 60 * MB):
        cloud.fault("stall", "POST *")
        body = b"u" * size
        with gateway.connect() as client:
            client.send(request_bytes("POST", ECHO, None, {"X-Auth-Token": token, "Content-Length": str(size)}))
            wait_for(lambda: cloud.stats()["stalled"], "the stall")
            sender = threading.Thread(target=client.send, args=(body,))
            sender.start()
            turns(gateway, others)
            assert sender.is_alive() or size < 60 * MB, "all of it was taken while nobody read"
            peaks.append(peak_kb(gateway))
            cloud.release()
            sender.join(60)
            assert client.read_answer().json["sha256"] == hashlib.sha256(body).hexdigest()
        peaks[-1] = peak_kb(gateway)
    assert peaks[1] - peaks[0] < 4 * 1024, peaks


# ---- those who hold connections to the cloud ----

HOLDERS = {
    "readers": f"GET {BIG}?bytes={20 * MB} HTTP/1.1\r\nHost: g\r\nX-Auth-Token: t\r\n\r\n",
    "writers": f"POST {ECHO} HTTP/1.1\r\nHost: g\r\nX-Auth-Token: t\r\nContent-Length: 1000\r\n\r\nx",
}


@pytest.mark.parametrize("who", list(HOLDERS))
def test_slow_streams_leave_connections_for_what_matters(gateway_factory, cloud_factory, crowd, token, who):
    """Anybody can hold a stream open, also without a token that is good for anything: all of the pool was theirs, and
    nobody could create, start, stop or delete."""
    cloud = cloud_factory(frozen=False)
    gateway = gateway_factory(url=cloud.url, settings={"upstream": {
        "max_connections": "8", "timeouts": {"connect": "20s"}}})
    stopped = create_body(id="DE-1", status="STOPPED")
    cloud.preset([{"family": "demanager", "project": PROJECT, "instance": stopped}])
    for client in crowd(gateway, 20):
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.send(HOLDERS[who].encode())
    wait_for(lambda: gateway.metrics()["postern_upstream_waiting"] == 14, "those for whom there is no connection")
    wait_for(lambda: cloud.stats()["accepted"] == 6, "the others: a quarter is kept for what is urgent")
    answer = post_create(gateway, token, create_body(name="new"))
    assert answer.status == 200, answer
    headers = {"X-Auth-Token": token}
    for method, target, body in (("POST", f"{CREATE}/DE-1/action", b'{"action":"start"}'),
                                 ("POST", f"{CREATE}/DE-1/action", b'{"action":"stop"}'),
                                 ("DELETE", f"{CREATE}/DE-1", None)):
        answer = gateway.request(method, target, body, headers)
        assert answer.status == 200 or answer.json["error_code"].startswith("ModelArts."), answer
