# SPDX-License-Identifier: Apache-2.0
"""Several requests on one connection, sent without waiting: answers come in order, each to its own."""

import hashlib

from support.bodies import CREATE, PROJECT, compact, create_body
from support.contract import check_refusal, exchange_id
from support.http import request_bytes


def test_reads_in_order(gateway, token):
    headers = {"X-Auth-Token": token}
    with gateway.connect() as client:
        client.send(b"".join(request_bytes("GET", f"/v1/{PROJECT}/echo/{n}", None, headers) for n in range(50)))
        assert [client.read_answer().json["target"] for _ in range(50)] == [
            f"/v1/{PROJECT}/echo/{n}" for n in range(50)]


def test_creates_reads_and_refusals_in_order(gateway, cloud, token):
    headers = {"X-Auth-Token": token}
    with gateway.connect() as client:
        client.send(request_bytes("POST", CREATE, compact(create_body(name="a")), headers)
                    + request_bytes("GET", f"/v1/{PROJECT}/big?bytes=100000&chunked=1", None, headers)
                    + request_bytes("POST", CREATE, compact(create_body(name="b", flavor="x")), headers)
                    + request_bytes("POST", f"/v1/{PROJECT}/echo", b"x" * 1000, headers)
                    + request_bytes("POST", CREATE, compact(create_body(name="c")), headers))
        first, second, third, fourth, fifth = [client.read_answer() for _ in range(5)]
    assert first.json["name"] == "a" and fifth.json["name"] == "c"
    assert hashlib.sha256(second.body).hexdigest() == second.header("X-Body-Sha256")
    check_refusal(third, 403, "flavor.not_allowed")
    assert fourth.json["bytes"] == 1000
    assert len({exchange_id(a) for a in (first, second, third, fourth, fifth)}) == 5
    assert [r.json["name"] for r in cloud.creates()] == ["a", "c"]


def test_one_byte_at_a_time(gateway, cloud, token):
    request = request_bytes("POST", CREATE, compact(create_body()), {"X-Auth-Token": token})
    with gateway.connect() as client:
        for byte in request[:40]:
            client.send(bytes([byte]))
        for at in range(40, len(request), 97):
            client.send(request[at:at + 97])
        assert client.read_answer().status == 200
    assert cloud.creates()[0].body == compact(create_body())


def test_nothing_is_read_behind_a_broken_request(gateway, cloud, token):
    headers = {"X-Auth-Token": token}
    good = request_bytes("GET", f"/v1/{PROJECT}/echo/1", None, headers)
    bad = (f"POST /v1/{PROJECT}/echo HTTP/1.1\r\nHost: g\r\nX-Auth-Token: t\r\nContent-Length: 7\r\n"
           "Content-Length: 3\r\n\r\n").encode()
    with gateway.connect() as client:
        client.send(good + bad + request_bytes("POST", CREATE, compact(create_body()), headers))
        assert client.read_answer().status == 200
        check_refusal(client.read_answer(), 400, "http.ambiguous_length")
        client.expect_end()
    assert cloud.creates() == []


SMUGGLES = {
    "two lengths": "Content-Length: 5\r\nContent-Length: 6\r\n",
    "length and chunked": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "chunked twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "another coding": "Transfer-Encoding: gzip, chunked\r\n",
    "blank before the colon": "Content-Length : 5\r\n",
    "folded": "X-A: b\r\n c\r\nContent-Length: 5\r\n",
    "signed": "Content-Length: +5\r\n",
    "list": "Content-Length: 5, 5\r\n",
    "bare LF": "Content-Length: 5\nX: y\r\n",
    "NUL": "X-A: b\0c\r\nContent-Length: 5\r\n",
}


def test_requests_with_two_readings_are_refused(gateway, cloud, token):
    for name, fields in SMUGGLES.items():
        with gateway.connect() as client:
            client.send((f"POST /v1/{PROJECT}/echo HTTP/1.1\r\nHost: g\r\nX-Auth-Token: {token}\r\n"
                         f"{fields}\r\n").encode() + b"hello")
            answer = client.read_answer()
            assert answer.status in (400, 501), (name, answer)
            client.expect_end()
    assert cloud.requests() == []
