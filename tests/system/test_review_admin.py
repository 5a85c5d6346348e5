# SPDX-License-Identifier: Apache-2.0
"""The admin socket and the status page when they are misused: they answer or close, and the gateway goes on."""

import json
import os
import socket
import stat

import pytest

from support.contract import post_create
from support.waiting import wait_for


def connect(gateway):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(gateway.ready["admin"])  # blocking: a full backlog is waited for
    sock.settimeout(20)
    return sock


def ask(gateway, raw):
    """What comes back until the end; the end may be a reset."""
    with connect(gateway) as sock:
        got = b""
        try:
            sock.sendall(raw)
            sock.shutdown(socket.SHUT_WR)
            while part := sock.recv(65536):
                got += part
        except (ConnectionResetError, BrokenPipeError):
            pass
        return got


def call(method, path, more="", body=b""):
    return f"{method} {path} HTTP/1.1\r\nHost: p\r\nConnection: close\r\n{more}\r\n".encode() + body


CALLS = {
    "GET of reload": (call("GET", "/v1/reload"), b"405"),
    "POST of status": (call("POST", "/v1/status", "Content-Length: 0\r\n"), b"405"),
    "another path": (call("GET", "/v1/statuses"), b"404"),
    "below it": (call("GET", "/v1/status/x"), b"404"),
    "with more": (call("POST", "/v1/reload-all", "Content-Length: 0\r\n"), b"404"),
    "with a folder": (call("POST", "/v1/reload/", "Content-Length: 0\r\n"), b"404"),
    "escaped": (call("POST", "/v1/%72eload", "Content-Length: 0\r\n"), b"404"),
    "dots": (call("POST", "/v1/../v1/reload", "Content-Length: 0\r\n"), b"404"),
    "a long path": (call("GET", "/" + "x" * 20000), None),
    "a long header": (call("GET", "/v1/status", "X: " + "y" * 100000 + "\r\n"), None),
    "many headers": (call("GET", "/v1/status", "X: y\r\n" * 5000), None),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50, None),
    "NULs": (b"\0" * 5000, None),
    "half a head": (b"GET /v1/sta", None),
    "a body": (call("POST", "/v1/nowhere", "Content-Length: 5\r\n", b"hello"), b"404"),
    "a body without end": (call("POST", "/v1/nowhere", "Transfer-Encoding: chunked\r\n", b"5\r\nhel"), None),
    "broken chunks": (call("POST", "/v1/nowhere", "Transfer-Encoding: chunked\r\n", b"zz\r\n\r\n"), None),
    "two lengths": (call("POST", "/v1/nowhere", "Content-Length: 5\r\nContent-Length: 50\r\n", b"hello"), None),
}


def test_the_admin_socket_takes_no_harm(gateway, token):
    before = json.loads(ask(gateway, call("GET", "/v1/status")).partition(b"\r\n\r\n")[2])
    for name, (raw, status) in CALLS.items():
        got = ask(gateway, raw)
        assert status is None or got.split(b" ")[1:2] == [status], (name, got[:200])
    after = json.loads(ask(gateway, call("GET", "/v1/status")).partition(b"\r\n\r\n")[2])
    assert after["pid"] == before["pid"] and after["policy_set"]["reloads"] == before["policy_set"]["reloads"], "no reload"
    assert post_create(gateway, token).status == 200


@pytest.mark.parametrize("name", ["half a head", "no HTTP", "a body without end", "another path", "two lengths"])
def test_broken_connections_are_given_back(gateway, name):
    for _ in range(80):
        ask(gateway, CALLS[name][0])
    assert b"200 OK" in ask(gateway, call("GET", "/v1/status"))


def test_the_admin_socket_has_a_limit_of_connections(gateway):
    held = [connect(gateway) for _ in range(70)]
    wait_for(lambda: "too many" in gateway.stderr, "a refusal")
    for sock in held:
        sock.close()
    wait_for(lambda: b"200 OK" in ask(gateway, call("GET", "/v1/status")), "an answer")


def test_the_admin_socket_is_for_the_owner(gateway):
    mode = os.stat(gateway.ready["admin"]).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


def test_silent_connections_do_not_keep_it_from_answering_or_ending(gateway, token):
    silent = [connect(gateway) for _ in range(40)]
    for sock in silent[::2]:
        sock.sendall(b"POST /v1/reload HTTP/1.1\r\nHost: p\r\nContent-Length: 10\r\n\r\n")
    assert b"200 OK" in ask(gateway, call("GET", "/v1/status"))
    assert post_create(gateway, token).status == 200
    assert gateway.stop() == 0
    for sock in silent:
        sock.close()


@pytest.mark.parametrize("raw", [b"GET /metrics HTTP/1.1\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                                 b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\nx",
                                 b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", b"\x16\x03\x01" * 99, b"PUT / HTTP/1.1\r\n"])
def test_the_status_page_takes_no_harm(gateway, raw):
    with socket.create_connection(gateway.status_address, timeout=20) as sock:
        sock.sendall(raw)
        sock.shutdown(socket.SHUT_WR)
        got = b""
        try:
            while part := sock.recv(65536):
                got += part
        except ConnectionResetError:
            pass
    assert got == b"" or got.split(b" ")[1][:1] in b"45", got[:100]
    assert gateway.status("/healthz").status == 200


def test_the_status_page_has_a_limit_of_connections(gateway):
    held = [socket.create_connection(gateway.status_address, timeout=20) for _ in range(80)]
    for sock in held:
        sock.close()
    wait_for(lambda: gateway.status("/healthz").status == 200, "the page behind them")


def test_405_names_what_is_allowed(gateway):
    with socket.create_connection(gateway.status_address, timeout=20) as sock:
        sock.sendall(b"DELETE /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        got = b""
        while part := sock.recv(65536):
            got += part
    assert b" 405 " in got and b"\r\nAllow: GET, HEAD\r\n" in got, got
