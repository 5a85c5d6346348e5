# SPDX-License-Identifier: Apache-2.0
"""Each limit of the settings: what is at it passes, what is over it is refused."""

import pytest

from support.bodies import CREATE, PROJECT, compact, create_body
from support.contract import check_refusal, post_create
from support.http import request_bytes
from support.waiting import wait_for

ECHO = f"/v1/{PROJECT}/echo"


def with_limits(gateway_factory, **limits):
    return gateway_factory(settings={"limits": limits})


def test_uri(gateway_factory, token):
    gateway = with_limits(gateway_factory, uri="1KB")
    headers = {"X-Auth-Token": token}
    assert gateway.request("GET", ECHO + "?" + "q" * (1024 - len(ECHO) - 1), None, headers).status == 200
    check_refusal(gateway.request("GET", ECHO + "?" + "q" * (1024 - len(ECHO)), None, headers), 414)


def test_headers(gateway_factory, token):
    gateway = with_limits(gateway_factory, headers="10")
    few = [("X-Auth-Token", token)] + [(f"X-{n}", "1") for n in range(8)]  # and Host
    assert gateway.request("GET", ECHO, None, few).status == 200
    check_refusal(gateway.request("GET", ECHO, None, few + [("X-8", "1")]), 431, "http.too_many_headers")


def test_header_value(gateway_factory):
    gateway = with_limits(gateway_factory, header_value="2KB")
    assert gateway.request("GET", ECHO, None, {"X-Auth-Token": "t" * 2048}).status == 200
    check_refusal(gateway.request("GET", ECHO, None, {"X-Auth-Token": "t" * 2049}), 431, "http.value_too_large")


def test_head(gateway_factory):
    gateway = with_limits(gateway_factory, head="4KB", header_value="2KB", uri="1KB")
    size = 4096 - len(request_bytes("GET", ECHO, None, {"X-Auth-Token": "t", "X-A": "a" * 2000, "X-B": ""}))
    headers = {"X-Auth-Token": "t", "X-A": "a" * 2000, "X-B": "b" * size}
    assert len(request_bytes("GET", ECHO, None, headers)) == 4096
    assert gateway.request("GET", ECHO, None, headers).status == 200
    check_refusal(gateway.request("GET", ECHO, None, {**headers, "X-B": "b" * (size + 1)}), 431)


def test_json_depth(gateway_factory, token):
    gateway = gateway_factory(settings={"limits": {"json_depth": "8"}, "requests": {"unknown_fields": "pass"}})

    def deep(levels):
        return compact(create_body(zz="@")).replace(b'"@"', b"[" * levels + b"]" * levels)
    assert post_create(gateway, token, deep(7)).status != 413
    check_refusal(post_create(gateway, token, deep(8)), 400, "json.too_deep")


def test_json_members(gateway_factory, token):
    gateway = gateway_factory(settings={"limits": {"json_members": "100"}, "requests": {"unknown_fields": "pass"}})
    check_refusal(post_create(gateway, token, create_body(zz=[1] * 100)), 400, "json.too_many_members")
    assert post_create(gateway, token, create_body(zz=[1] * 50)).status == 200


def test_body_memory(gateway_factory, cloud, token):
    gateway = with_limits(gateway_factory, body="48KB", body_memory="64KB")
    head = request_bytes("POST", CREATE, None, {"X-Auth-Token": token, "Content-Type": "application/json",
                                                "Content-Length": "49152"})
    with gateway.connect() as first:
        first.send(head + b" ")

        def refused():
            answer = gateway.request("POST", CREATE, compact(create_body()) + b" " * 20000, {"X-Auth-Token": token})
            return answer if answer.status == 503 else None
        check_refusal(wait_for(refused, "the refusal"), 503, "limits.body_memory")
        first.reset()
    wait_for(lambda: post_create(gateway, token, create_body(name="later")).status == 200, "room again")


@pytest.mark.parametrize("workers", [1, 3])
def test_per_address(gateway_factory, token, workers):
    """The count is the gateway's, not each worker's."""
    gateway = gateway_factory(settings={"limits": {"per_address": "4"}, "workers": workers})
    clients = [gateway.connect() for _ in range(4)]
    for client in clients:
        assert client.request("GET", ECHO, None, {"X-Auth-Token": token}).status == 200
    with gateway.connect() as fifth:
        fifth.expect_end()
    clients.pop().close()

    def again():
        try:
            return gateway.request("GET", ECHO, None, {"X-Auth-Token": token}).status == 200
        except (AssertionError, OSError):
            return False
    wait_for(again, "a place")
    for client in clients:
        client.close()


def test_connections(gateway_factory, token):
    gateway = with_limits(gateway_factory, connections="4", per_address="100")
    clients = [gateway.connect() for _ in range(4)]
    for client in clients:
        assert client.request("GET", ECHO, None, {"X-Auth-Token": token}).status == 200
    with gateway.connect() as waiting:
        waiting.send(request_bytes("GET", ECHO, None, {"X-Auth-Token": token}))
        clients.pop().close()
        assert waiting.read_answer().status == 200, "it is served when there is room"
    for client in clients:
        client.close()


@pytest.mark.parametrize("part", [b"", b"GET / HT", b"GET /x HTTP/1.1\r\nHost: g\r\n"])
def test_head_timeout(gateway_factory, part):
    gateway = with_limits(gateway_factory, head_timeout="300ms", idle_timeout="3s")
    with gateway.connect() as client:
        client.send(part)
        if part:
            check_refusal(client.read_answer(), 408)
        client.expect_end()


def test_body_timeout(gateway_factory, cloud, token):
    gateway = with_limits(gateway_factory, body_timeout="300ms")
    with gateway.connect() as client:
        client.send(request_bytes("POST", CREATE, compact(create_body()), {"X-Auth-Token": token})[:-1])
        check_refusal(client.read_answer(), 408, "http.timeout")
        client.expect_end()
    assert cloud.requests() == []


def test_idle_timeout(gateway_factory, token):
    gateway = with_limits(gateway_factory, idle_timeout="3s")
    with gateway.connect() as client:
        assert client.request("GET", ECHO, None, {"X-Auth-Token": token}).status == 200
        client.expect_end()


def test_write_timeout(gateway_factory, cloud, token):
    gateway = with_limits(gateway_factory, write_timeout="500ms")
    with gateway.connect() as client:
        client.send(request_bytes("GET", f"/v1/{PROJECT}/big?bytes=100000000", None, {"X-Auth-Token": token}))
        client._line()
        wait_for(lambda: cloud.stats()["open"] == 0, "the gateway to give up")


def test_answer(gateway_factory, cloud, token):
    gateway = with_limits(gateway_factory, answer="64KB")
    cloud.fault("status", "POST *", status=400, body="x" * 65536)
    assert post_create(gateway, token).body == b"x" * 65536
    cloud.fault("status", "POST *", status=400, body="x" * 65537)
    check_refusal(post_create(gateway, token), 502, "outcome.unknown")


def test_idle_connections_to_the_cloud_end(gateway_factory, cloud, token):
    gateway = gateway_factory(settings={"upstream": {"keep_alive": "300ms"}})
    assert gateway.request("GET", ECHO, None, {"X-Auth-Token": token}).status == 200
    wait_for(lambda: cloud.stats()["open"] == 0, "the end of the connection")


def test_connections_to_the_cloud_are_limited(gateway_factory, cloud, token):
    gateway = gateway_factory(settings={"upstream": {"max_connections": "2"}})
    cloud.fault("slow", "GET *", count=4)
    clients = [gateway.connect() for _ in range(4)]
    for client in clients:
        client.send(request_bytes("GET", ECHO, None, {"X-Auth-Token": token}))
    cloud.wait_held(2)
    assert cloud.stats()["accepted"] == 2
    for _ in range(2):
        cloud.wait_held(2)
        cloud.release(count=2)
    assert [client.read_answer().status for client in clients] == [200] * 4
    assert cloud.stats()["accepted"] == 2
    for client in clients:
        client.close()
