# SPDX-License-Identifier: Apache-2.0
"""Ways in which the cloud fails that need a server of their own: it isn't there, breaks off the handshake, stops at any
point of an answer, or loses a connection that was kept. Each with the exact answer and the exact lines of the journal."""

import contextlib
import socket
import threading

import pytest

from support.bodies import ALLOW_ALL, CREATE, PROJECT, compact, create_body
from support.contract import check_refusal, exchange_id, post_create
from support.disk import build_shim, preloaded
from support.http import Broken, request_bytes
from support.raw_server import PROBE, Played, RawServer

ECHO = f"/v1/{PROJECT}/echo"
OTHER = f"/v1/{PROJECT}{PROBE}"
SHORT = {"upstream": {"timeouts": {"connect": "2s", "tls": "3s", "send": "3s", "first_byte": "1s", "idle": "1s",
                                   "total": "10s"}}}
GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"id":"DE-1"}'


@pytest.fixture
def server(pki):
    with RawServer(pki) as server:
        yield server


def record(gateway, answer):
    """What the journal says of an exchange: of its intent the decision; of its outcome what came of it, the cloud's
    status, the error, and the reasons that the caller was given."""
    outcome = gateway.wait_outcome(exchange_id(answer))
    lines = gateway.journal().of(exchange_id(answer))
    assert lines[-1] == outcome
    told = [reason["code"] for reason in outcome.get("reasons", [])]
    return [line.get("decision") for line in lines[:-1]] + [outcome["outcome"], outcome.get("status"), outcome.get("error"), told]


def check_unsent(gateway, token, error):
    """Nothing of a create was sent, and it may be repeated; a read fails in the same way, and leaves no line."""
    answer = post_create(gateway, token)
    check_refusal(answer, 503, "upstream.unreachable")
    assert record(gateway, answer) == ["allow", "refused", None, error, ["upstream.unreachable"]]
    read = gateway.request("GET", ECHO, None, {"X-Auth-Token": token})
    check_refusal(read, 503, "upstream.unreachable")
    assert gateway.journal().of(exchange_id(read)) == []


# ---- before a byte is sent ----

def test_connecting_takes_too_long(gateway_factory, token):
    """The listener's queue is full, so the system answers nobody any more."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener, contextlib.ExitStack() as stack:
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        gateway = gateway_factory(settings=SHORT, url=f"https://127.0.0.1:{listener.getsockname()[1]}")
        check_unsent(gateway, token, "connect")


def test_connecting_is_refused(gateway_factory, token):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gateway = gateway_factory(url=f"https://127.0.0.1:{closed.getsockname()[1]}")
        check_unsent(gateway, token, "connect")


HANDSHAKES = {
    # name: what comes instead of a TLS server's hello, and whether the connection is reset behind it
    "closes": (b"", False),
    "resets": (b"", True),
    "speaks HTTP": (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", False),
    "an alert": (b"\x15\x03\x03\x00\x02\x02\x28", False),
    "half a record": (b"\x16\x03\x03\x10\x00\x02", False),
    "a record of nothing": (b"\x16\x03\x03\x00\x00", False),
    "noise": (bytes(range(256)) * 100, False),
}


@contextlib.contextmanager
def speaking(raw, reset):
    """A server that says these bytes to whoever connects, when it has heard something."""
    def serve():
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            with conn, contextlib.suppress(OSError):
                conn.settimeout(20)
                conn.recv(65536)
                conn.sendall(raw)
                if reset:
                    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    continue
                conn.shutdown(socket.SHUT_WR)
                while conn.recv(65536):
                    pass
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(20)


@pytest.mark.parametrize("name", list(HANDSHAKES))
def test_the_handshake_breaks_off(gateway_factory, token, name):
    with speaking(*HANDSHAKES[name]) as port:
        check_unsent(gateway_factory(url=f"https://127.0.0.1:{port}"), token, "tls")


def test_the_handshake_takes_too_long(gateway_factory, token):
    with socket.create_server(("127.0.0.1", 0), backlog=16) as silent:
        check_unsent(gateway_factory(settings=SHORT, url=f"https://127.0.0.1:{silent.getsockname()[1]}"), token, "tls")


@pytest.mark.parametrize("certificate", ["wrong-host", "expired", "unknown-ca"])
def test_the_certificate_is_wrong(gateway_factory, pki, token, certificate):
    with RawServer(pki, certificate) as server:
        server.play(GOOD)
        check_unsent(gateway_factory(url=server.url), token, "certificate")
        assert server.seen() == []


def start_with_hosts(gateway_factory, site_factory, folder, port):
    """A gateway to whom the cloud's name, which nobody else knows, has two addresses; nobody listens at the first."""
    site = site_factory(url=f"https://cloud.example:{port}")
    env = {**preloaded(build_shim(folder, "hosts"), site.binary), "POSTERN_TEST_HOSTS": "127.0.0.2 127.0.0.1"}
    return gateway_factory(site=site, env=env)


def test_two_addresses_and_the_first_is_dead(gateway_factory, site_factory, folder, pki, token):
    pki.leaf("named", "DNS:cloud.example")
    with RawServer(pki, "named") as server:
        gateway = start_with_hosts(gateway_factory, site_factory, folder, server.port)
        server.play(GOOD)
        answer = post_create(gateway, token)
        assert answer.status == 200 and record(gateway, answer) == ["allow", "created", 200, None, []]
        assert [method for _, method, _ in server.seen()] == ["POST"]


def test_two_addresses_and_both_are_dead(gateway_factory, site_factory, folder, token):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gateway = start_with_hosts(gateway_factory, site_factory, folder, closed.getsockname()[1])
        check_unsent(gateway, token, "connect")


# ---- an answer that stops ----

STOPS = {
    # name: what comes and then nothing, whether a reader has its head by then
    "nothing": (b"", False),
    "half a status line": (b"HTTP/1.1 2", False),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n", False),
    "100": (b"HTTP/1.1 100 Continue\r\n\r\n", False),
    "a head": (b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n", True),
    "half a body": (GOOD[:-3], True),
    "a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", True),
    "a last chunk without its line": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", True),
    "a body without length": (b"HTTP/1.1 200 OK\r\n\r\n{}", True),
}


@pytest.mark.parametrize("name", list(STOPS))
def test_an_answer_stops(gateway_factory, server, token, name):
    raw, begun = STOPS[name]
    server.play(raw)
    gateway = gateway_factory(settings=SHORT, url=server.url, policies=ALLOW_ALL)
    answer = post_create(gateway, token)
    check_refusal(answer, 502, "outcome.unknown")
    assert record(gateway, answer) == ["allow", "unknown", None, "timeout", ["outcome.unknown"]]
    with gateway.connect() as client:
        client.send(request_bytes("GET", ECHO, None, {"X-Auth-Token": token}))
        if begun:
            with pytest.raises((Broken, ConnectionResetError), match="ended|reset"):
                client.read_answer()
        else:
            check_refusal(client.read_answer(), 504, "upstream.timeout")
    seen = server.seen()
    assert [method for _, method, _ in seen] == ["POST", "GET"], "each was sent once"
    check_next_is_served(gateway, server, token, seen)


def check_next_is_served(gateway, server, token, seen):
    """On none of the connections of what was seen; which one it is depends on who reads lists meanwhile."""
    assert gateway.request("GET", OTHER, None, {"X-Auth-Token": token}).status == 200
    (number, _, _), = server.seen()
    assert number not in {before for before, _, _ in seen}


# ---- a connection that was kept and is lost ----

LOST_BEHIND = {
    # name: what came of the request on the kept connection before it was lost, how
    "closed": (b"", "close"), "dropped": (b"", "drop"), "reset": (b"", "reset"),
    "a byte and closed": (b"H", "close"), "a byte and dropped": (b"H", "drop"),
    "an interim answer and closed": (b"HTTP/1.1 100 Continue\r\n\r\n", "close"),
}


@pytest.mark.parametrize("name", list(LOST_BEHIND))
def test_only_a_read_without_a_byte_of_answer_is_sent_again(gateway_factory, server, token, name):
    """On another connection, once; a create, a release and a call with a body never are."""
    lost = Played(LOST_BEHIND[name][0], end=LOST_BEHIND[name][1])
    good = Played(GOOD)
    gateway = gateway_factory(url=server.url, policies=ALLOW_ALL)
    headers = {"X-Auth-Token": token}

    def sent(method, target, *played, body=None):
        """[number of the connection of each time], behind a request that leaves one to use."""
        assert gateway.request("GET", OTHER, None, headers).status == 200
        (kept, _, _), = server.seen()
        server.play_in_turn(*played)
        answer = gateway.request(method, target, body, headers)
        rows = server.seen()
        assert {row[1:] for row in rows} == {(method, target)}
        return answer, [number - kept for number, _, _ in rows]

    again = lost.raw == b""
    for method in ("GET", "HEAD"):
        answer, places = sent(method, ECHO, lost, good)
        assert (answer.status, places) == ((200, [0, 1]) if again else (502, [0]))
    answer, places = sent("GET", ECHO, lost, lost, good)
    check_refusal(answer, 502, "upstream.broken")
    assert places == ([0, 1] if again else [0]), "never a third time"
    for method, target, body in (("DELETE", f"{CREATE}/DE-1", None), ("POST", ECHO, b"{}"), ("PUT", ECHO, b"")):
        answer, places = sent(method, target, lost, good, body=body)
        check_refusal(answer, 502, "upstream.broken")
        assert places == [0] and record(gateway, answer) == ["unknown", None, "closed", []]
    answer, places = sent("POST", CREATE, lost, good, body=compact(create_body()))
    check_refusal(answer, 502, "outcome.unknown")
    assert places == [0]
    assert record(gateway, answer) == ["allow", "unknown", None, "closed", ["outcome.unknown"]]


def test_on_a_new_connection_nothing_is_sent_again(gateway_factory, server, token):
    gateway = gateway_factory(url=server.url, policies=ALLOW_ALL)
    server.play_in_turn(Played(b"", end="close"), Played(GOOD))
    check_refusal(gateway.request("GET", ECHO, None, {"X-Auth-Token": token}), 502, "upstream.broken")
    assert len(server.seen()) == 1


# ---- an answer that never ends ----

def test_an_answer_without_end_to_a_create(gateway_factory, server, token):
    """As much of it is read as an answer may have."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.play(head + b"10000\r\n" + b"x" * 65536 + b"\r\n" + b"1\r\nx\r\n", end="keep")
    gateway = gateway_factory(url=server.url, policies=ALLOW_ALL, settings={"limits": {"answer": "64KB"}})
    answer = post_create(gateway, token)
    check_refusal(answer, 502, "outcome.unknown")
    assert record(gateway, answer) == ["allow", "unknown", None, "the answer is larger than limits.answer", ["outcome.unknown"]]
    check_next_is_served(gateway, server, token, server.seen())
