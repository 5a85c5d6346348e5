# SPDX-License-Identifier: Apache-2.0
"""Raw bytes that HTTP/1.1 parsers are known to read in different ways. Each row is refused with its status, and nothing
behind it is read as a request; or it is accepted, the cloud receives exactly what it means, and the request pipelined
behind it is served as the next one. Each is sent to a route that streams and to one that is judged."""

import contextlib

import pytest

from support.bodies import CREATE, PROJECT, compact, create_body
from support.contract import check_refusal
from support.http import request_bytes

ECHO = f"/v1/{PROJECT}/echo"
BODY = compact(create_body())
N = len(BODY)
HEX = b"%x" % N
HOST = b"Host: gateway.test\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LENGTH = b"Content-Length: %d\r\n" % N
SMUGGLED = request_bytes("GET", f"{ECHO}/smuggled", None, {"X-Auth-Token": "t"})


class Row:
    """status and code: of the refusal; without them the request is accepted. method, target, body: what the cloud
    receives then (target None: as the test has it); fields: header fields that it receives; last: the connection ends
    behind it. kept: it does not, although the request is refused."""

    def __init__(self, name, raw, status=200, code=None, *, method="POST", target=None, body=BODY,
        fields=(), last=False,
                 kept=False):
        self.name, self.raw, self.status, self.code = name, raw, status, code
        self.method, self.target, self.body, self.fields = method, target, body, dict(fields)
        self.last = last or (code is not None and not kept)


def post(fields, body=BODY, line=b"POST @ HTTP/1.1\r\n", host=HOST):
    """A request with a body; @ stands for the target, # for the token."""
    return line + host + b"X-Auth-Token: #\r\nContent-Type: application/json\r\n" + fields + b"\r\n" + body


def length(name, value, status=400, code="http.bad_length"):
    return Row(f"length {name}", post(b"Content-Length:" + value + b"\r\n"), status, code)


def coding(name, value, status=501, code="http.transfer_coding"):
    return Row(f"coding {name}", post(b"Transfer-Encoding:" + value + b"\r\n", HEX + b"\r\n" + BODY + b"\r\n0\r\n\r\n"), status,
               code)


def chunks(name, body, status=400, code="http.bad_body"):
    return Row(f"chunks {name}", post(CHUNKED, body), status, code)


BODIES = [
    # Two lengths, or one with more than one reading.
    Row("length and coding", post(LENGTH + CHUNKED, b"0\r\n\r\n"), 400, "http.ambiguous_length"),
    Row("coding and length", post(CHUNKED + LENGTH, b"0\r\n\r\n"), 400, "http.ambiguous_length"),
    Row("coding and length 0", post(CHUNKED + b"Content-Length: 0\r\n", b"0\r\n\r\n"), 400, "http.ambiguous_length"),
    Row("length twice, equal", post(LENGTH + LENGTH), 400, "http.ambiguous_length"),
    Row("length twice, different", post(LENGTH + b"Content-Length: 0\r\n"), 400, "http.ambiguous_length"),
    Row("length twice, 0 first", post(b"Content-Length: 0\r\n" + LENGTH), 400, "http.ambiguous_length"),
    Row("length twice, another spelling", post(LENGTH + b"content-LENGTH: %d\r\n" % N), 400, "http.ambiguous_length"),
    length("plus", b" +%d" % N), length("minus", b" -1"), length("minus 0", b" -0"), length("hex", b" 0x5"),
    length("exponent", b" 1e2"), length("fraction", b" %d.0" % N), length("two words", b" 5 5"),
    length("list", b" 5, 5"),
    length("list, equal", b" %d,%d" % (N, N)), length("tab in front", b"\t%d" % N), length("two blanks", b"  %d" % N),
    length("blank and tab behind", b" %d \t" % N), length("blank behind", b" %d " % N), length("empty", b""),
    length("one blank", b" "), length("word", b" five"), length("quoted", b' "5"'),
    length("wraps at 64 bits", b" 18446744073709551621"),
    length("wraps to itself", b" %d" % (2**64 + N)), length("20 digits", b" 40992764608243448036"),
    length("wraps at 63 bits", b" 9223372036854775808"), length("huge", b" " + b"9" * 400),
    length("wraps at 32 bits", b" %d" % (2**32 + N), 413, "http.body_too_large"),
    length("largest", b" 9223372036854775807", 413, "http.body_too_large"),
    length("NUL behind", b" %d\0" % N, 400, "http.bad_header"),
    length("vertical tab", b" \x0b%d" % N, 400, "http.bad_header"),
    length("no-break space", b" \xa0%d" % N), length("other digits", b" \xd9\xa5"),
    Row("length folded", post(b"Content-Length: 1\r\n\t0\r\n"), 400, "http.bad_header"),
    Row("length, blank before the colon", post(b"Content-Length : %d\r\n" % N), 400, "http.bad_header"),
    Row("length, tab before the colon", post(b"Content-Length\t: %d\r\n" % N), 400, "http.bad_header"),
    Row("length, blank before the name", post(b" Content-Length: %d\r\n" % N), 400, "http.bad_header"),
    Row("length with underscore", post(LENGTH + b"Content_Length: 0\r\n"), 400, "http.bad_header"),
    Row("length without blank", post(b"Content-Length:%d\r\n" % N)),
    Row("length in capitals", post(b"CONTENT-LENGTH: %d\r\n" % N)),
    # Transfer codings other than the one.
    coding("unknown", b" xchunked"), coding("in capitals", b" CHUNKED"), coding("capitalised", b" Chunked"),
    coding("blank behind", b" chunked "), coding("tab behind", b" chunked\t"),
    coding("and identity", b" chunked, identity"),
    coding("gzip first", b" gzip, chunked"), coding("chunked first", b" chunked, gzip"),
    coding("quoted", b' "chunked"'),
    coding("tab in front", b"\tchunked"), coding("two blanks", b"  chunked"), coding("comma behind", b" chunked,"),
    coding("comma in front", b" ,chunked"), coding("twice in one", b" chunked, chunked"),
    coding("identity", b" identity"),
    coding("empty", b""), coding("with a parameter", b" chunked;q=1"), coding("no-break space", b" \xa0chunked"),
    coding("vertical tab", b" \x0bchunked", 400, "http.bad_header"),
    coding("NUL", b" chunked\0", 400, "http.bad_header"),
    coding("folded", b" chun\r\n\tked"), coding("folded in front", b"\r\n chunked"),
    coding("folded behind", b" chunked\r\n , identity", 400, "http.bad_header"),
    Row("coding twice", post(CHUNKED + CHUNKED, b"0\r\n\r\n"), 400, "http.ambiguous_length"),
    Row("coding, then identity", post(CHUNKED + b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n"),
        400, "http.ambiguous_length"),
    Row("identity, then coding", post(b"Transfer-Encoding: identity\r\n" + CHUNKED, b"0\r\n\r\n"),
        501, "http.transfer_coding"),
    Row("coding, blank before the colon", post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
        400, "http.bad_header"),
    Row("coding, NUL before the colon", post(b"Transfer-Encoding\0: chunked\r\n", b"0\r\n\r\n"),
        400, "http.bad_header"),
    Row("coding with underscore", post(LENGTH + b"Transfer_Encoding: chunked\r\n"), 400, "http.bad_header"),
    Row("coding from HTTP/1.0", post(CHUNKED, b"0\r\n\r\n", b"POST @ HTTP/1.0\r\n"), 400, "http.ambiguous_length"),
    # Chunks.
    chunks("wrap to the length", b"1" + b"%016x" % N + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("of all ones", b"FFFFFFFFFFFFFFFF\r\n" + BODY),
    chunks("with 17 digits", b"0" * 16 + b"10000000000000005\r\n"),
    chunks("with a high byte", b"\xff" + HEX + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("with a blank behind", HEX + b" \r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("with a blank in front", b" " + HEX + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("with a tab behind", HEX + b"\t\r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("with LF only", HEX + b"\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("with CR only", HEX + b"\r" + BODY + b"\r\n0\r\n\r\n"),
    chunks("with CR CR LF", HEX + b"\r\r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("with 0x", b"0x" + HEX + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("with plus", b"+" + HEX + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("with minus", b"-5\r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("without size", b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("with an extension only", b";a=b\r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("without end", HEX + b"\r\n" + BODY + b"0\r\n\r\n"),
    chunks("with LF behind", HEX + b"\r\n" + BODY + b"\n0\r\n\r\n"),
    chunks("with two bytes more", HEX + b"\r\n" + BODY + b"xx\r\n0\r\n\r\n"),
    chunks("with another sign", b"g\r\n" + BODY),
    chunks("with NUL in an extension", HEX + b";a=\0b\r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("with LF in an extension", HEX + b";a=b\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("with a long extension", HEX + b";" + b"a" * 20000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("with CR in an extension", HEX + b";a=b\rc\r\n" + BODY + b"\r\n0\r\n\r\n"),
    chunks("and a request as trailer", HEX + b"\r\n" + BODY + b"\r\n0\r\nX: y\r\nGET /smuggled HTTP/1.1\r\n\r\n"),
    chunks("and a folded trailer", HEX + b"\r\n" + BODY + b"\r\n0\r\nX: y\r\n z\r\n\r\n"),
    chunks("and LF behind the last", HEX + b"\r\n" + BODY + b"\r\n0\n\r\n"),
    chunks("and NUL in a trailer", HEX + b"\r\n" + BODY + b"\r\n0\r\nX: y\0\r\n\r\n"),
    chunks("and a nameless trailer", HEX + b"\r\n" + BODY + b"\r\n0\r\n: y\r\n\r\n"),
    chunks("and endless trailers", HEX + b"\r\n" + BODY + b"\r\n0\r\n" + b"X: y\r\n" * 20000),
    Row("chunks: one", post(CHUNKED, HEX + b"\r\n" + BODY + b"\r\n0\r\n\r\n")),
    Row("chunks: of one byte", post(CHUNKED, b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n")),
    Row("chunks: capitals and zeros", post(CHUNKED, b"00" + HEX.upper() + b"\r\n" + BODY + b"\r\n000\r\n\r\n")),
    Row("chunks: an extension", post(CHUNKED, HEX + b';a=b;c="d e"\r\n' + BODY + b"\r\n0;last\r\n\r\n")),
    Row("chunks: trailers", post(CHUNKED, HEX + b"\r\n" + BODY + b"\r\n0\r\nX: y\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n")),
]


def get(fields=b"", line=b"GET @ HTTP/1.1\r\n", host=HOST):
    return line + host + b"X-Auth-Token: #\r\n" + fields + b"\r\n"


def bad_header(name, fields):
    return Row(f"header: {name}", get(fields), 400, "http.bad_header")


HEADERS = [
    bad_header("NUL in the value", b"X-A: b\0c\r\n"), bad_header("NUL in the name", b"X\0A: b\r\n"),
    Row("header: NUL in Host", get(host=b"Host: gateway.test\0.evil\r\n"), 400, "http.bad_header"),
    bad_header("control byte in the value", b"X-A: b\x01c\r\n"),
    bad_header("escape in the value", b"X-A: \x1b[1m\r\n"),
    bad_header("DEL in the value", b"X-A: b\x7f\r\n"), bad_header("control byte in the name", b"X\x01A: b\r\n"),
    bad_header("high byte in the name", b"X\xe9A: b\r\n"), bad_header("blank in the name", b"X A: b\r\n"),
    bad_header("parenthesis in the name", b"X(A: b\r\n"), bad_header("slash in the name", b"X/A: b\r\n"),
    bad_header("blank before the colon", b"X-A : b\r\n"), bad_header("tab before the colon", b"X-A\t: b\r\n"),
    bad_header("folded with a tab", b"X-A: b\r\n\tc\r\n"), bad_header("folded with a blank", b"X-A: b\r\n c\r\n"),
    bad_header("folded, empty", b"X-A: b\r\n \r\n"), bad_header("no colon", b"X-A\r\n"),
    bad_header("no name", b": b\r\n"),
    bad_header("bare LF", b"X-A: b\nX-B: c\r\n"), bad_header("bare CR", b"X-A: b\rX-B: c\r\n"),
    bad_header("CR CR LF", b"X-A: b\r\r\n"), bad_header("bare LF at the end of the head", b"X-A: b\r\n\n"),
    Row("header: the first begins with a blank", get(line=b"GET @ HTTP/1.1\r\n X-A: b\r\n"), 400, "http.bad_header"),
    Row("header: the first begins with a tab", get(line=b"GET @ HTTP/1.1\r\n\tX-A: b\r\n"), 400, "http.bad_header"),
    Row("header: 32 KB and a byte", get(b"Accept-Language: " + b"a" * 32769 + b"\r\n"), 431, "http.value_too_large"),
    Row("header: 60 KB", get(b"Accept-Language: " + b"a" * 61440 + b"\r\n"), 431, "http.value_too_large"),
    Row("header: 1 MB", get(b"Accept-Language: " + b"a" * 1048576 + b"\r\n"), 431, "http.head_too_large"),
    Row("header: 129 of them", get(b"X-A: b\r\n" * 127), 431, "http.too_many_headers"),
    Row("header: 2,000 of them", get(b"X: y\r\n" * 2000), 431, "http.too_many_headers"),
    Row("header: 20,000 of them", get(b"X: y\r\n" * 20000), 431, "http.head_too_large"),
    Row("Host: none", get(host=b""), 400, "http.bad_host"),
    Row("Host: empty", get(host=b"Host:\r\n"), 400, "http.bad_host"),
    Row("Host: two", get(host=HOST + b"Host: other.test\r\n"), 400, "http.bad_host"),
    Row("Host: two, equal", get(host=HOST + HOST), 400, "http.bad_host"),
    Row("Host: a path and a login", get(host=b"Host: a b/c@d\r\n"), 400, "http.bad_host"),
    Row("Host: a login", get(host=b"Host: u@gateway.test\r\n"), 400, "http.bad_host"),
    Row("Host: a path", get(host=b"Host: gateway.test/x\r\n"), 400, "http.bad_host"),
    Row("Host: a list", get(host=b"Host: a, b\r\n"), 400, "http.bad_host"),
    Row("Host: a port that is none", get(host=b"Host: gateway.test:8o\r\n"), 400, "http.bad_host"),
    Row("Host: a port too high", get(host=b"Host: gateway.test:65536\r\n"), 400, "http.bad_host"),
    Row("Host: high bytes", get(host=b"Host: g\xc3\xa4teway.test\r\n"), 400, "http.bad_host"),
    Row("Expect: something else", post(LENGTH + b"Expect: 200-ok\r\n"), 417, "http.expectation"),
    Row("Expect: twice", post(LENGTH + b"Expect: 100-continue\r\nExpect: 100-continue\r\n"), 417, "http.expectation"),
    Row("Expect: a list", post(LENGTH + b"Expect: 100-continue, x\r\n"), 417, "http.expectation"),
    Row("header: empty", get(b"Accept-Language:\r\nX-A: \r\n"), method="GET", body=b"",
        fields={"Accept-Language": ""}),
    Row("header: white space around", get(b"Accept-Language: \t de \t\r\n"), method="GET", body=b"",
        fields={"Accept-Language": "de"}),
    Row("header: tab within", get(b"Accept-Language: d\te\r\n"), method="GET", body=b"",
        fields={"Accept-Language": "d\te"}),
    Row("header: high bytes", get(b"Accept-Language: d\xc3\xa9\r\n"), method="GET", body=b"",
        fields={"Accept-Language": "d\xc3\xa9"}),
    *(Row(f"header: {size} bytes", get(b"Accept-Language: " + b"a" * size + b"\r\n"), method="GET", body=b"",
          fields={"Accept-Language": "a" * size}) for size in (8191, 8192, 20000, 32768)),
    Row("header: 128 of them", get(b"X-A: b\r\n" * 126), method="GET", body=b""),
    Row("header: Connection in capitals", get(b"Connection: CLOSE\r\n"), method="GET", body=b"", last=True),
    Row("header: Connection as a list", get(b"Connection: foo, close\r\n"), method="GET", body=b"", last=True),
    Row("header: Connection twice", get(b"Connection: foo\r\nConnection: close\r\n"),
        method="GET", body=b"", last=True),
    Row("GET with a body", post(LENGTH, line=b"GET @ HTTP/1.1\r\n"), 400, "http.unexpected_body"),
    Row("GET with chunks", post(CHUNKED, HEX + b"\r\n" + BODY + b"\r\n0\r\n\r\n", b"GET @ HTTP/1.1\r\n"),
        400, "http.unexpected_body"),
    Row("a multipart body", post(LENGTH.replace(b"\r\n", b"\r\nX-A: b\r\n")).replace(b"application/json",
        b"multipart"), fields={"Content-Type": "multipart"}),
    Row("HTTP/1.0 without Host", get(line=b"GET @ HTTP/1.0\r\n", host=b""), method="GET", body=b"", last=True),
    Row("HTTP/1.0 kept alive", get(b"Connection: keep-alive\r\n", b"GET @ HTTP/1.0\r\n"), method="GET", body=b""),
    Row("an empty line first", b"\r\n" + get(), method="GET", body=b""),
]


def line(name, text, status=400, code="http.bad_request_line"):
    return Row(f"line: {name}", get(line=text), status, code)


def target(name, text, status=400, code="http.bad_target"):
    return Row(f"target: {name}", get(line=b"GET " + text + b" HTTP/1.1\r\n"), status, code)


def ambiguous(name, text):
    """The framing is clear, so the connection stays."""
    return Row(f"target: {name}", get(line=b"GET " + text + b" HTTP/1.1\r\n"), 400, "path.ambiguous", kept=True)


def received(name, text, as_target=None):
    return Row(f"target: {name}", get(line=b"GET " + text + b" HTTP/1.1\r\n"), method="GET", body=b"",
               target=as_target or text.decode())


HERE = ECHO.encode()
LINES = [
    line("no version", b"GET @\r\n"), line("blank and no version", b"GET @ \r\n"), line("only a method", b"GET\r\n"),
    line("empty words", b"  \r\n"), line("two blanks first", b"GET  @ HTTP/1.1\r\n"),
    line("two blanks last", b"GET @  HTTP/1.1\r\n"),
    line("blank in front", b" GET @ HTTP/1.1\r\n"), line("blank behind", b"GET @ HTTP/1.1 \r\n"),
    line("tabs", b"GET\t/x\tHTTP/1.1\r\n"),
    line("another word", b"GET @ HTTP/1.1 x\r\n"), line("blank in the target", b"GET @ x HTTP/1.1\r\n"),
    line("small version", b"GET @ http/1.1\r\n"), line("small method", b"get @ HTTP/1.1\r\n"),
    line("a word as version", b"GET @ HTTP/one\r\n"),
    line("short version", b"GET @ HTTP/1.\r\n"), line("another protocol", b"GET @ ICAP/1.0\r\n"),
    line("LF only", b"GET @ HTTP/1.1\n"),
    line("blank and LF", b"GET @ HTTP/1.1 \n"), line("bare CR", b"GET @ HTTP/1.1\rX-A: b\r\n"),
    line("NUL", b"GET @\0 HTTP/1.1\r\n"),
    line("NUL in the method", b"GE\0T @ HTTP/1.1\r\n"), line("a method with signs", b"G$T @ HTTP/1.1\r\n"),
    line("two empty lines first", b"\r\n\r\nGET @ HTTP/1.1\r\n"),
    line("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n"),
    *(line(version, b"GET @ HTTP/" + version.encode() + b"\r\n", 505, "http.version")
      for version in ("0.9", "1.2", "1.10", "01.1", "1.01", "2.0", "2", "3", "257.257", "18446744073709551617.1")),
    line("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n", 501, "http.upgrade"),
    line("CONNECT", b"CONNECT gateway.test:443 HTTP/1.1\r\n", 501, "http.method"),
    line("TRACE", b"TRACE @ HTTP/1.1\r\n", 501, "http.method"),
    line("a long method", b"A" * 33 + b" @ HTTP/1.1\r\n", 501, "http.method"),
    Row("Upgrade", get(b"Connection: upgrade\r\nUpgrade: websocket\r\n"), 501, "http.upgrade"),
    Row("Upgrade to HTTP/2", get(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"), 501, "http.upgrade"),
    target("a control byte", HERE + b"/\x01"), target("a tab", HERE + b"/\ta"), target("DEL", HERE + b"/\x7f"),
    target("raw UTF-8", HERE + b"/\xc3\xa9"),
    target("a fragment", HERE + b"#x"), target("a fragment in the query", HERE + b"?q#x"),
    target("no slash", b"v1/x"), target("a word", b"x"),
    target("an asterisk", b"*"),
    target("another scheme", b"ftp://gateway.test" + HERE), target("a scheme without host", b"http:" + HERE),
    target("another host", b"http://other.test" + HERE, 400, "http.bad_host"),
    target("no host", b"http://" + HERE, 400, "http.bad_host"),
    target("another port", b"http://gateway.test:81" + HERE, 400, "http.bad_host"),
    target("a login", b"http://u:p@gateway.test" + HERE, 400, "http.bad_host"),
    ambiguous("a backslash", HERE + b"\\x"),
    ambiguous("two slashes", HERE + b"//x"), ambiguous("two slashes first", b"/" + HERE),
    ambiguous("dots", HERE + b"/../x"), ambiguous("a dot", HERE + b"/./x"),
    ambiguous("dots last", HERE + b"/.."), ambiguous("escaped dots", HERE + b"/%2e%2E/x"),
    ambiguous("half escaped dots", HERE + b"/.%2e/x"), ambiguous("a broken escape", HERE + b"/%zz"),
    ambiguous("half an escape", HERE + b"/%4"), ambiguous("a lone percent", HERE + b"/%"),
    ambiguous("an escaped family", f"/v1/{PROJECT}/%64emanager/instances".encode()),
    ambiguous("a family behind an escaped slash", b"/v1/p%2Fdemanager/instances"),
    target("8,193 bytes", HERE + b"?" + b"q" * (8192 - len(HERE)), 414, "http.uri_too_long"),
    target("9,000 bytes", HERE + b"/" + b"u" * 9000, 414, "http.uri_too_long"),
    target("70,000 bytes", HERE + b"/" + b"u" * 70000, 414, "http.uri_too_long"),
    received("8,192 bytes", HERE + b"?" + b"q" * (8191 - len(HERE))),
    received("4,093 bytes", HERE + b"?" + b"q" * (4092 - len(HERE))),
    received("escapes in the path", HERE + b"/a%2Fb%20c%C3%A9"), received("a lone question mark", HERE + b"?"),
    received("ampersands", HERE + b"?&&"),
    received("a value without name", HERE + b"?=v"), received("two question marks", HERE + b"?a?b"),
    received("broken escapes in the query", HERE + b"?a=%zz&b=%"),
    received("all that may stand there", HERE + b"/a-b._~!$&'()*+,;=:@?/a-b._~!$&'()*+,;=:@/?"),
    received("what no URI may hold but some clients send", HERE + b'/"{a|b}^`<c>'),
    received("absolute", b"http://gateway.test" + HERE + b"?q", ECHO + "?q"),
    received("absolute, TLS", b"https://gateway.test" + HERE, ECHO),
    received("absolute, other case", b"HTTP://GATEWAY.TEST" + HERE, ECHO),
]


def filled(raw, path, token):
    return raw.replace(b" @", b" " + path.encode(), 1).replace(b"X-Auth-Token: #",
        b"X-Auth-Token: " + token.encode(), 1)


def check_row(row, gateway, cloud, path, token):
    cloud.preset([])
    cloud.forget()
    with gateway.connect(timeout=10) as client:
        with contextlib.suppress(OSError):  # it may answer and close before all was sent
            client.send(filled(row.raw, path, token) + SMUGGLED)
        answer = client.read_answer(row.method)
        if row.code:
            reasons = check_refusal(answer, row.status)["reasons"]
            assert [reason["code"] for reason in reasons] == [row.code], reasons
        else:
            assert answer.status == 200, answer
        if row.last:
            client.expect_end()
        else:
            assert client.read_answer().json["target"] == f"{ECHO}/smuggled"
    arrived = [request for request in cloud.requests() if request.complete]
    if not row.last:
        assert arrived and arrived.pop().target == f"{ECHO}/smuggled"
    if row.code:
        assert arrived == [], f"it reached the cloud: {arrived}"
        return
    only, = arrived
    assert (only.method, only.target, only.body) == (row.method, row.target or path, row.body), (only, only.body)
    for name, value in row.fields.items():
        assert only.header(name) == value, (name, only.head)


def check_rows(rows, gateway, cloud, path, token):
    assert len({row.name for row in rows}) == len(rows)
    faults = []
    for row in rows:
        try:
            check_row(row, gateway, cloud, path, token)
        except (AssertionError, OSError, ValueError) as error:
            faults.append(f"{row.name}: {error!r:.500}")
    assert not faults, f"{len(faults)} of {len(rows)}:\n" + "\n".join(faults)


@pytest.mark.parametrize("path", [ECHO, CREATE], ids=["streamed", "judged"])
def test_framing_of_bodies(gateway, cloud, token, path):
    check_rows(BODIES, gateway, cloud, path, token)


def test_headers(gateway, cloud, token):
    check_rows(HEADERS, gateway, cloud, ECHO, token)


def test_request_lines_and_targets(gateway, cloud, token):
    check_rows(LINES, gateway, cloud, ECHO, token)
