# SPDX-License-Identifier: Apache-2.0
"""Each way in which a client misbehaves with a create: the exact answer, the exact line of the journal, and nothing
reaches the cloud."""

import pytest

from support.bodies import CREATE, compact, create_body
from support.contract import check_refusal
from support.waiting import wait_for

BODY = compact(create_body())
SIZE = f"Content-Length: {len(BODY)}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
SHORT = {"limits": {"head_timeout": "500ms", "body_timeout": "500ms", "idle_timeout": "3s"}}


def create(fields=SIZE, body=BODY, line=f"POST {CREATE} HTTP/1.1", host="Host: g\r\n"):
    return f"{line}\r\n{host}X-Auth-Token: @\r\nContent-Type: application/json\r\n{fields}\r\n".encode("latin-1") + body


# A head that can't be read has no operation to record; a body that can't be read has.
NO_LINE, REFUSAL = False, True
REFUSED = {
    # name: bytes (@ is the token), status, code, whether a line of the journal tells of it
    "both lengths": (create(SIZE + CHUNKED), 400, "http.ambiguous_length", NO_LINE),
    "two lengths": (create(SIZE + "Content-Length: 5\r\n"), 400, "http.ambiguous_length", NO_LINE),
    "a length that is none": (create("Content-Length: +5\r\n"), 400, "http.bad_length", NO_LINE),
    "no length": (create(""), 411, "http.length_required", REFUSAL),
    "another coding": (create("Transfer-Encoding: gzip, chunked\r\n"), 501, "http.transfer_coding", NO_LINE),
    "a bad chunk": (create(CHUNKED, b"5\r\nhello0\r\n"), 400, "http.bad_body", REFUSAL),
    "a chunk's size that overflows": (create(CHUNKED, b"10000000000000005\r\nhello"), 400, "http.bad_body", REFUSAL),
    "a bad chunk behind a good one": (create(CHUNKED, b"5\r\nhello\r\nG\r\n"), 400, "http.bad_body", REFUSAL),
    "a bad trailer": (create(CHUNKED, CHUNKS[:-2] + b" x: y\r\n\r\n"), 400, "http.bad_body", REFUSAL),
    "too much in chunks": (create(CHUNKED, b"50000\r\n" + b"x" * 0x50000), 413, "http.body_too_large", REFUSAL),
    "too much": (create("Content-Length: 300000\r\n", b""), 413, "http.body_too_large", REFUSAL),
    "too many headers": (create("X: y\r\n" * 200 + SIZE), 431, "http.too_many_headers", NO_LINE),
    "a huge header": (create(f"X: {'y' * 40000}\r\n" + SIZE), 431, "http.value_too_large", NO_LINE),
    "a huge head": (create(f"X: {'y' * 30000}\r\n" * 3 + SIZE), 431, "http.head_too_large", NO_LINE),
    "a huge target": (create(line=f"POST {CREATE}?{'x' * 9000} HTTP/1.1"), 414, "http.uri_too_long", NO_LINE),
    "a folded header": (create("X: y\r\n z\r\n" + SIZE), 400, "http.bad_header", NO_LINE),
    "a blank before the colon": (create(SIZE.replace(":", " :")), 400, "http.bad_header", NO_LINE),
    "LF for CRLF": (create("X: y\n" + SIZE), 400, "http.bad_header", NO_LINE),
    "NUL": (create("X: \0\r\n" + SIZE), 400, "http.bad_header", NO_LINE),
    "two hosts": (create(host="Host: g\r\nHost: h\r\n"), 400, "http.bad_host", NO_LINE),
    "no host": (create(host=""), 400, "http.bad_host", NO_LINE),
    "HTTP/2.0": (create(line=f"POST {CREATE} HTTP/2.0"), 505, "http.version", NO_LINE),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 501, "http.upgrade", NO_LINE),
    "no HTTP": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n", 400, "http.bad_request_line", NO_LINE),
    "an unknown expectation": (create("Expect: miracles\r\n" + SIZE), 417, "http.expectation", NO_LINE),
    "a member twice": (create(body=b'{"name":"a","name":"b"}' + b" " * (len(BODY) - 23)), 400, "json.duplicate_member", REFUSAL),
    "too deep": (create(body=b"[" * len(BODY)), 400, "json.too_deep", REFUSAL),
}
KEEPS = ("a member twice", "too deep")


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(gateway, cloud, token, name):
    raw, status, code, recorded = REFUSED[name]
    with gateway.connect() as client:
        client.send(raw.replace(b"@", token.encode(), 1))
        answer = client.read_answer()
        check_refusal(answer, status, code)
        if name not in KEEPS:
            assert answer.header("Connection") == "close"
            client.expect_end()
    assert told(gateway) == ([("refusal", "refused", code)] if recorded else [])
    assert cloud.requests() == []


def told(gateway):
    """What the journal says of requests, once all that came before has been written."""
    assert gateway.request("POST", CREATE, b"{}", {}).status == 401  # a line that comes last
    journal = gateway.wait_journal(lambda j: "identity" in str(j.events("refusal")[-1:]), "the last refusal")
    lines = journal.events("refusal", "intent", "outcome")[:-1]
    return [(line["event"], line["outcome"], *(reason["code"] for reason in line["reasons"])) for line in lines]


GOES = {
    # name: what is sent of a create before the client goes
    "nothing": b"", "half a head": create()[:40], "a head": create(body=b""), "half a body": create()[:-9],
    "all but a byte": create()[:-1], "half a chunk": create(CHUNKED, CHUNKS[:20]),
    "all but the last line": create(CHUNKED, CHUNKS[:-2]),
}


@pytest.mark.parametrize("how", ["close", "reset", "half_close"])
def test_goes_before_the_request_is_whole(gateway, cloud, token, how):
    """Nothing was asked: nothing is sent, and nothing is recorded."""
    for name, raw in GOES.items():
        with gateway.connect() as client:
            client.send(raw.replace(b"@", token.encode(), 1))
            getattr(client, how)()
            if how == "half_close":
                assert client.read_end() == b"", name
    wait_for(lambda: gateway.metrics()["postern_connections"] == 0, "the end of all connections")
    assert told(gateway) == []
    assert cloud.requests() == []


STALLS = {
    # name: what is sent before the client falls silent, whether a line tells of it; None: no answer either
    "nothing": (b"", None), "half a head": (create()[:40], NO_LINE), "a head": (create(body=b""), REFUSAL),
    "half a body": (create()[:-9], REFUSAL), "half a chunk": (create(CHUNKED, CHUNKS[:20]), REFUSAL),
}


@pytest.mark.parametrize("name", list(STALLS))
def test_falls_silent(gateway_factory, cloud, token, name):
    raw, recorded = STALLS[name]
    gateway = gateway_factory(settings=SHORT)
    with gateway.connect() as client:
        client.send(raw.replace(b"@", token.encode(), 1))
        if recorded is not None:
            check_refusal(client.read_answer(), 408, "http.timeout")
        client.expect_end()
    assert told(gateway) == ([("refusal", "refused", "http.timeout")] if recorded else [])
    assert cloud.requests() == []
