# SPDX-License-Identifier: Apache-2.0
"""Requests that hide something: a second request, a header, another length, another host, another caller. Each row is
sent to a route that streams and to the judged create, with a request of its own right behind it. Whatever the row, the
cloud receives only what a strict reader can read in one way, nothing that wasn't sent as a request, and no header that
isn't in the fixed list; and the client is told exactly what became of it."""

import contextlib
import dataclasses

import pytest

from support.bodies import ALLOW_ALL, CREATE, OTHER_PROJECT, PROJECT, compact, create_body
from support.contract import check_refusal
from support.http import request_bytes
from support.strict import JUDGED, check_strict

ECHO = f"/v1/{PROJECT}/echo"
BODY = compact(create_body())
N = b"%d" % len(BODY)
HEX = b"%x" % len(BODY)
CHUNKS = HEX + b"\r\n" + BODY + b"\r\n0\r\n\r\n"
LENGTH = b"Content-Length: " + N + b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
HOST = b"Host: gateway.test\r\n"
TOKEN = b"X-Auth-Token: {token}\r\n"
JSON = b"Content-Type: application/json\r\n"
BEHIND = f"{ECHO}/behind"
HIDDEN = b"GET /canary HTTP/1.1\r\nHost: gateway.test\r\n\r\n"
HIDDEN_CREATE = b"POST " + CREATE.encode() + b" HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 9\r\n\r\n{\"canary\":1}"


@dataclasses.dataclass
class Refused:
    status: int
    code: str
    kept: bool = False  # the framing was clear: the connection goes on


@dataclasses.dataclass
class Passed:
    """What the cloud receives; target None: the path as the test has it."""
    method: str = "POST"
    target: str = None
    suffix: str = ""
    body: bytes = BODY
    fields: dict = dataclasses.field(default_factory=dict)  # beside the token, and the type of a body
    last: bool = False  # the connection ends behind it
    bare: bool = False  # without the token


@dataclasses.dataclass
class Row:
    name: str
    raw: bytes
    streamed: object
    judged: object = None  # where it differs


def row(name, raw, outcome, judged=None):
    return Row(name, raw, outcome, judged or outcome)


def post(fields=LENGTH, body=BODY, line=b"POST {path} HTTP/1.1\r\n", host=HOST, type=JSON, token=TOKEN):
    return line + host + token + type + fields + b"\r\n" + body


def get(fields=b"", line=b"GET {path} HTTP/1.1\r\n", host=HOST, token=TOKEN):
    return line + host + token + fields + b"\r\n"


def reads(**more):
    return Passed("GET", body=b"", **more)


BAD_HEADER = Refused(400, "http.bad_header")
BAD_LENGTH = Refused(400, "http.bad_length")
TWICE = Refused(400, "http.ambiguous_length")
CODING = Refused(501, "http.transfer_coding")
BAD_BODY = Refused(400, "http.bad_body")
BAD_LINE = Refused(400, "http.bad_request_line")
BAD_TARGET = Refused(400, "http.bad_target")
BAD_HOST = Refused(400, "http.bad_host")
VERSION = Refused(505, "http.version")
UPGRADE = Refused(501, "http.upgrade")
METHOD = Refused(501, "http.method")
EXPECTATION = Refused(417, "http.expectation")
UNEXPECTED = Refused(400, "http.unexpected_body")
TWO_CALLERS = Refused(400, "identity.ambiguous", kept=True)
REPEATED = Refused(400, "request.repeated_header", kept=True)
MEDIA = Refused(415, "request.media_type", kept=True)
PATH = Refused(400, "path.ambiguous", kept=True)

# ---- which field says where the body ends ----

BOTH = [
    row(f"CL.TE: {name}", post(fields, body), TWICE) for name, fields, body in [
        ("a request behind the last chunk", b"Content-Length: %d\r\n" % (5 + len(HIDDEN)) + CHUNKED, b"0\r\n\r\n" + HIDDEN),
        ("a create behind the last chunk", b"Content-Length: %d\r\n" % (5 + len(HIDDEN_CREATE)) + CHUNKED,
         b"0\r\n\r\n" + HIDDEN_CREATE),
        ("half a request behind it", b"Content-Length: 11\r\n" + CHUNKED, b"0\r\n\r\nGET /c"),
        ("equal lengths", b"Content-Length: %d\r\n" % len(CHUNKS) + CHUNKED, CHUNKS),
        ("length 0", b"Content-Length: 0\r\n" + CHUNKED, CHUNKS),
        ("a huge length", b"Content-Length: 9223372036854775807\r\n" + CHUNKED, CHUNKS),
        ("fields between", LENGTH + b"X-A: b\r\nAccept: */*\r\n" + CHUNKED, CHUNKS),
        ("Connection names the coding", LENGTH + b"Connection: transfer-encoding\r\n" + CHUNKED, CHUNKS),
        ("Connection names the length", LENGTH + CHUNKED + b"Connection: content-length\r\n", CHUNKS),
    ]
] + [
    row(f"TE.CL: {name}", post(fields, body), TWICE) for name, fields, body in [
        ("a request in the chunk", CHUNKED + b"Content-Length: 4\r\n", b"%x\r\n" % len(HIDDEN) + HIDDEN + b"\r\n0\r\n\r\n"),
        ("a create in the chunk", CHUNKED + b"Content-Length: 4\r\n",
         b"%x\r\n" % len(HIDDEN_CREATE) + HIDDEN_CREATE + b"\r\n0\r\n\r\n"),
        ("length 0", CHUNKED + b"Content-Length: 0\r\n", CHUNKS),
        ("other letters", b"transfer-ENCODING: chunked\r\ncontent-LENGTH: 4\r\n", CHUNKS),
        ("no blanks", b"Transfer-Encoding:chunked\r\nContent-Length:4\r\n", CHUNKS),
    ]
] + [
    row("CL.TE: a bad length first", post(b"Content-Length: +5\r\n" + CHUNKED, CHUNKS), BAD_LENGTH),
    row("CL.TE: an empty length", post(CHUNKED + b"Content-Length:\r\n", CHUNKS), BAD_LENGTH),
    row("CL.TE from HTTP/1.0", post(LENGTH + CHUNKED, CHUNKS, b"POST {path} HTTP/1.0\r\n"), TWICE),
    row("TE from HTTP/1.0", post(CHUNKED, CHUNKS, b"POST {path} HTTP/1.0\r\n"), TWICE),
    row("TE from HTTP/1.0, kept alive", post(CHUNKED + b"Connection: keep-alive\r\n", CHUNKS, b"POST {path} HTTP/1.0\r\n"),
        TWICE),
    row("TE: twice", post(CHUNKED + CHUNKED, CHUNKS), TWICE),
    row("TE: twice, other letters", post(CHUNKED + b"transfer-encoding: chunked\r\n", CHUNKS), TWICE),
    row("TE: chunked, then identity", post(CHUNKED + b"Transfer-Encoding: identity\r\n", CHUNKS), TWICE),
    row("TE: chunked, then an unknown one", post(CHUNKED + b"Transfer-Encoding: cow\r\n", CHUNKS), TWICE),
    row("TE: chunked, then an empty one", post(CHUNKED + b"Transfer-Encoding:\r\n", CHUNKS), TWICE),
    row("TE: identity, then chunked", post(b"Transfer-Encoding: identity\r\n" + CHUNKED, CHUNKS), CODING),
]

CODINGS = [
    row(f"TE.TE: {value!r}", post(LENGTH + b"Transfer-Encoding:" + value + b"\r\n", CHUNKS), CODING) for value in [
        b" xchunked", b" chunkedx", b" chunke", b" Chunked", b" CHUNKED", b" cHuNkEd", b" chunked ", b" chunked\t",
        b"\tchunked", b"  chunked", b" \tchunked", b" chunked,", b" ,chunked", b" , chunked", b" chunked, identity",
        b" identity, chunked", b" chunked, chunked", b" chunked,chunked", b" gzip, chunked", b" chunked, gzip",
        b' "chunked"', b" 'chunked'", b" chunked;q=1", b" chunked; x=y", b" chunked;", b" \xa0chunked", b" chunked\xff",
        b" \xef\xbb\xbfchunked", b" chun ked", b" ch\\unked", b" (x)chunked", b" identity", b" gzip", b" deflate",
        b" compress", b" trailers", b" cow", b"", b" ", b" chunked\\r\\n", b" %63hunked",
    ]
] + [
    row(f"TE.TE: bytes {value!r}", post(LENGTH + b"Transfer-Encoding:" + value + b"\r\n", CHUNKS),
        BAD_HEADER) for value in [
        b" \x0bchunked", b" \x0cchunked", b" chunked\0", b" \0chunked", b" chunked\x7f", b" chunked\x1f", b" chunked\r\n ",
        b" chunked\r\n\tx", b" chunked\n", b" chunked\r", b" chunked\r\r", b" chunked\nX: y",
    ]
] + [
    row(f"TE.TE: folded {value!r}", post(LENGTH + b"Transfer-Encoding:" + value + b"\r\n", CHUNKS), CODING)
    for value in (b"\r\n chunked", b"\r\n\tchunked", b" chun\r\n ked")
] + [
    row(f"TE.TE: name {name!r}", post(LENGTH + name + b": chunked\r\n", CHUNKS), BAD_HEADER) for name in [
        b"Transfer-Encoding ", b"Transfer-Encoding\t", b" Transfer-Encoding", b"\tTransfer-Encoding", b"Transfer_Encoding",
        b"Transfer-Encoding\0", b"Transfer-Encoding\x0b", b"\0Transfer-Encoding", b"Transfer Encoding",
        b"Transfer\tEncoding", b"Transfer-\r\n Encoding", b"Transfer-Encoding\r", b"Transfer-Encoding\r\n",
        b"Transfer\xe2\x80\x93Encoding", b"Transfer-Encoding\xa0", b"X: y\nTransfer-Encoding", b"X: y\rTransfer-Encoding",
        b"X: y\r\r\nTransfer-Encoding", b"X: y\n\r\nTransfer-Encoding", b":Transfer-Encoding", b"(Transfer-Encoding)",
        b"Transfer-Encoding;x",
    ]
] + [
    # Names that some reader might take for it; here they are none, and go nowhere.
    row(f"TE.TE: no name of ours {name!r}", post(LENGTH + name + b": chunked\r\n"), Passed()) for name in [
        b"Transfer.Encoding", b"TransferEncoding", b"Transfer-Encodin", b"X-Transfer-Encoding",
        b"Content-Transfer-Encoding", b"TE", b"Transfer--Encoding", b"Transfer-Encoding-", b"'Transfer-Encoding'",
    ]
] + [
    row("TE: name in capitals", post(b"TRANSFER-ENCODING: chunked\r\n", CHUNKS), Passed()),
    row("TE: no blank", post(b"Transfer-Encoding:chunked\r\n", CHUNKS), Passed()),
]

LENGTHS = [
    row(f"CL: {value!r}", post(b"Content-Length:" + value + b"\r\n"), BAD_LENGTH) for value in [
        b" +" + N, b" -1", b" -0", b" 0x10", b" 1e3", b" " + N + b".0", b" " + N + b".", b" " + N + b",", b" ," + N,
        b" " + N + b", " + N, b" " + N + b"," + N, b" " + N + b" " + N, b" 0, " + N, b"\t" + N, b"  " + N, b" " + N + b" ",
        b" " + N + b"\t", b"", b" ", b"\t", b' "' + N + b'"', b" " + N + b";x", b" " + N + b"a", b" a" + N, b" \xa0" + N,
        b" \xd9\xa5", b" 1_000", b" 18446744073709551616", b" 18446744073709551621", b" 9223372036854775808",
        b" 40992764608243448036", b" %d" % (2**64 + len(BODY)), b" " + b"9" * 1000, b" " + b"0" * 30 + N, b" 0b11",
        b" 0o17", b" NaN", b" infinity", b" " + N + b"(x)", b" %35",
    ]
] + [
    row(f"CL: bytes {value!r}", post(b"Content-Length:" + value + b"\r\n"), BAD_HEADER) for value in [
        b" " + N + b"\0", b" \x0b" + N, b" " + N + b"\x0c", b" " + N + b"\r", b" " + N + b"\n", b" 1\r\n 0", b" 1\r\n\t0",
        b" " + N + b"\r\n ", b" " + N + b"\nContent-Length: 0",
    ]
] + [
    row(f"CL: name {name!r}", post(name + b": " + N + b"\r\n"), BAD_HEADER) for name in [
        b"Content-Length ", b"Content-Length\t", b" Content-Length", b"\tContent-Length", b"Content_Length",
        b"Content-Length\0", b"Content Length", b"Content-Length\x0b", b"Content-Length\xa0", b"Content-\r\n Length",
    ]
] + [
    row("CL: twice, equal", post(LENGTH + LENGTH), TWICE),
    row("CL: twice, 0 first", post(b"Content-Length: 0\r\n" + LENGTH), TWICE),
    row("CL: twice, 0 last", post(LENGTH + b"Content-Length: 0\r\n"), TWICE),
    row("CL: twice, other letters", post(LENGTH + b"CONTENT-length: 0\r\n"), TWICE),
    row("CL: three of them", post(LENGTH * 3), TWICE),
    row("CL: twice, far apart", post(LENGTH + b"X-A: b\r\n" * 50 + b"Content-Length: 7\r\n"), TWICE),
    row("CL: over the limit", post(b"Content-Length: 4294967296\r\n"), Refused(413, "http.body_too_large")),
    row("CL: the largest", post(b"Content-Length: 9223372036854775807\r\n"), Refused(413, "http.body_too_large")),
    row("CL: zeros in front", post(b"Content-Length: 000" + N + b"\r\n"), Passed()),
    row("CL: no blank", post(b"Content-Length:" + N + b"\r\n"), Passed()),
    row("CL: 0, and a request as the body", post(b"Content-Length: 0\r\n", b""), Passed(body=b""),
        Refused(400, "body.missing", kept=True)),
    row("CL: none, and none needed", post(b"", b""), Passed(body=b""), Refused(411, "http.length_required")),
    *(row(f"CL: no name of ours {name!r}", post(LENGTH + name + b": 0\r\n"), Passed()) for name in
      [b"Content.Length", b"ContentLength", b"X-Content-Length", b"Content-Lengt", b"Content--Length"]),
]

CHUNKINGS = [
    row(f"chunk: {name}", post(CHUNKED, body), BAD_BODY) for name, body in [
        ("size with plus", b"+" + CHUNKS), ("size with minus", b"-" + CHUNKS), ("size with 0x", b"0x" + CHUNKS),
        ("size with 0X", b"0X" + CHUNKS), ("blank in front", b" " + CHUNKS), ("tab in front", b"\t" + CHUNKS),
        ("blank behind", HEX + b" " + CHUNKS[len(HEX):]), ("tab behind", HEX + b"\t" + CHUNKS[len(HEX):]),
        ("blank before the extension", HEX + b" ;a=b" + CHUNKS[len(HEX):]), ("no size", CHUNKS[len(HEX):]),
        ("an extension and no size", b";a=b" + CHUNKS[len(HEX):]), ("a letter too far", b"g\r\n" + BODY + b"\r\n0\r\n\r\n"),
        ("an underscore", b"1_0\r\n" + BODY), ("a comma", b"1,0\r\n" + BODY), ("a point", HEX + b".0" + CHUNKS[len(HEX):]),
        ("a high byte", b"\xff" + CHUNKS), ("a NUL", b"\0" + CHUNKS), ("a byte order mark", b"\xef\xbb\xbf" + CHUNKS),
        ("wraps to the length", b"1%016x" % len(BODY) + CHUNKS[len(HEX):]), ("2^60", b"1000000000000000\r\n" + BODY),
        ("2^64 - 1", b"FFFFFFFFFFFFFFFF\r\n" + BODY), ("2^63", b"8000000000000000\r\n" + BODY),
        ("32 digits", b"f" * 32 + b"\r\n" + BODY), ("zeros without end", b"0" * 300 + CHUNKS),
        ("size ends with LF", HEX + b"\n" + CHUNKS[len(HEX) + 2:]), ("size ends with CR",
            HEX + b"\r" + CHUNKS[len(HEX) + 2:]),
        ("size ends with CR CR LF", HEX + b"\r" + CHUNKS[len(HEX):]),
        ("extension with LF", HEX + b";a=b\n" + BODY + b"\r\n0\r\n\r\n"),
        ("extension with CR", HEX + b";a=b\rc\r\n" + BODY + b"\r\n0\r\n\r\n"),
        ("extension with a quoted LF", HEX + b';a="b\n0\n\n' + HIDDEN + b'"\r\n' + BODY + b"\r\n0\r\n\r\n"),
        ("extension with a quoted CRLF", HEX + b';a="\r\n"\r\n' + BODY + b"\r\n0\r\n\r\n"),
        ("extension with NUL", HEX + b";a=\0\r\n" + BODY + b"\r\n0\r\n\r\n"),
        ("extension with DEL", HEX + b";a=\x7f\r\n" + BODY + b"\r\n0\r\n\r\n"),
        ("extension over 256 bytes", HEX + b";" + b"a" * 256 + CHUNKS[len(HEX):]),
        ("no line end behind the data", HEX + b"\r\n" + BODY + b"0\r\n\r\n"),
        ("LF behind the data", HEX + b"\r\n" + BODY + b"\n0\r\n\r\n"),
        ("CR behind the data", HEX + b"\r\n" + BODY + b"\r0\r\n\r\n"),
        ("LF CR behind the data", HEX + b"\r\n" + BODY + b"\n\r0\r\n\r\n"),
        ("two bytes behind the data", HEX + b"\r\n" + BODY + b"XX0\r\n\r\n"),
        ("more data than it says", b"%x\r\n" % (len(BODY) - 1) + BODY + b"\r\n0\r\n\r\n"),
        ("less data than it says", b"%x\r\n" % (len(BODY) + 1) + BODY + b"\r\n0\r\n\r\n"),
        ("LF behind the last size", HEX + b"\r\n" + BODY + b"\r\n0\n\r\n"),
        ("LF at the very end", HEX + b"\r\n" + BODY + b"\r\n0\r\n\n"),
        ("CR at the very end", HEX + b"\r\n" + BODY + b"\r\n0\r\n\r" + b"X"),
        ("a request in place of the last line", HEX + b"\r\n" + BODY + b"\r\n0\r\n" + HIDDEN),
        ("a last size with minus", HEX + b"\r\n" + BODY + b"\r\n-0\r\n\r\n"),
    ]
] + [
    row(f"trailer: {name}", post(CHUNKED, CHUNKS[:-2] + trailers + b"\r\n"), BAD_BODY) for name, trailers in [
        ("a blank before the colon", b"X : y\r\n"), ("folded", b"X: y\r\n z\r\n"), ("no name", b": y\r\n"), ("no colon",
            b"X\r\n"),
        ("an underscore", b"X_A: y\r\n"), ("NUL", b"X: \0\r\n"), ("LF", b"X: y\nZ: y\r\n"), ("CR", b"X: y\rZ: y\r\n"),
        ("a request line", b"GET /canary HTTP/1.1\r\n"), ("over 8 KB", b"X: " + b"y" * 8190 + b"\r\n"),
        ("2,000 of them", b"X: y\r\n" * 2000),
    ]
] + [
    row(f"trailer: {field.decode()}", post(CHUNKED, CHUNKS[:-2] + field + b": canary\r\n\r\n"), Passed()) for field in [
        b"Content-Length", b"Transfer-Encoding", b"Host", b"X-Auth-Token", b"Authorization", b"X-Project-Id",
        b"Content-Type", b"Content-Encoding", b"Connection", b"Upgrade", b"Expect", b"X-User-Id", b"X-Forwarded-For",
        b"Trailer", b"Set-Cookie",
    ]
] + [
    row("trailer: announced", post(CHUNKED + b"Trailer: X-Auth-Token\r\n", CHUNKS[:-2] + b"X-Auth-Token: canary\r\n\r\n"),
        Passed()),
    row("trailer: a second body", post(CHUNKED, CHUNKS[:-2] + b"Content-Length: 6\r\n\r\n"), Passed()),
    row("trailer: with TE", post(CHUNKED + b"TE: trailers\r\nConnection: TE\r\n", CHUNKS), Passed()),
    row("chunk: capitals and zeros", post(CHUNKED, b"000" + HEX.upper() + CHUNKS[len(HEX):]), Passed()),
    row("chunk: an extension", post(CHUNKED, HEX + b';a;b=c;d="e;\\"f"' + CHUNKS[len(HEX):]), Passed()),
    row("chunk: 256 bytes of a size's line", post(CHUNKED, HEX + b";" + b"a" * (253 - len(HEX)) + CHUNKS[len(HEX):]),
        Passed()),
    row("chunk: a last one with zeros and an extension", post(CHUNKED, CHUNKS[:-5] + b"0000;x\r\n\r\n"), Passed()),
    row("chunk: one byte each", post(CHUNKED, b"".join(b"1\r\n%c\r\n" % c for c in BODY) + b"0\r\n\r\n"), Passed()),
    row("chunk: a request as data", post(CHUNKED, b"%x\r\n" % len(HIDDEN) + HIDDEN + b"\r\n0\r\n\r\n"), Passed(body=HIDDEN),
        Refused(400, "json.syntax", kept=True)),
]

# ---- heads ----

LINES = [
    row(f"line: {line!r}", get(line=line), BAD_LINE) for line in [
        b"GET {path}\r\n", b"GET {path} \r\n", b"GET\r\n", b"GET \r\n", b" \r\n", b" GET {path} HTTP/1.1\r\n",
        b"\tGET {path} HTTP/1.1\r\n", b"GET  {path} HTTP/1.1\r\n", b"GET {path}  HTTP/1.1\r\n", b"GET {path} HTTP/1.1 \r\n",
        b"GET {path} HTTP/1.1\t\r\n", b"GET\t{path}\tHTTP/1.1\r\n", b"GET {path}\tHTTP/1.1\r\n",
        b"GET\x0b{path} HTTP/1.1\r\n", b"GET {path} x HTTP/1.1\r\n", b"GET {path} HTTP/1.1 x\r\n", b"GET {path} HTTP/1.1\n",
        b"GET {path} HTTP/1.1\r", b"GET {path} HTTP/1.1\r\r\n", b"GET {path} HTTP/1.1\rX: y\r\n",
        b"GET {path}\0 HTTP/1.1\r\n", b"\0GET {path} HTTP/1.1\r\n", b"get {path} HTTP/1.1\r\n", b"Get {path} HTTP/1.1\r\n",
        b"G_T {path} HTTP/1.1\r\n", b"GET: {path} HTTP/1.1\r\n", b"G\xc3\x8bT {path} HTTP/1.1\r\n",
        b"{path} GET HTTP/1.1\r\n", b"GET {path} http/1.1\r\n", b"GET {path} Http/1.1\r\n", b"GET {path} HTTP\r\n",
        b"GET {path} HTTP/\r\n", b"GET {path} HTTP/1.\r\n", b"GET {path} HTTP/.1\r\n", b"GET {path} HTTP/1.1.1\r\n",
        b"GET {path} HTTP/-1.1\r\n", b"GET {path} HTTP/+1.1\r\n", b"GET {path} HTTP/1,1\r\n", b"GET {path} HTTP /1.1\r\n",
        b"GET {path} HTTPS/1.1\r\n", b"GET {path} XHTTP/1.1\r\n", b"GET {path} HTTP/1.1;x\r\n", b"GET {path} ICY\r\n",
        b"\r\n\r\nGET {path} HTTP/1.1\r\n", b"\nGET {path} HTTP/1.1\r\n", b"\rGET {path} HTTP/1.1\r\n",
        b"\r\n \r\nGET {path} HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n", b"\x16\x03\x01\x02\x00\x01\x00\r\n",
    ]
] + [
    row(f"line: version {version.decode()}", get(line=b"GET {path} HTTP/" + version + b"\r\n"), VERSION)
    for version in (b"0.9", b"1.2", b"1.10", b"1.01", b"01.1", b"001.001", b"2.0", b"2", b"3.0", b"9.9", b"1",
        b"4294967297.1")
] + [
    row("line: one empty line first", b"\r\n" + get(), reads()),
    row("line: HTTP/1.0", get(line=b"GET {path} HTTP/1.0\r\n"), reads(last=True)),
    row("line: HTTP/1.0 without Host", get(line=b"GET {path} HTTP/1.0\r\n", host=b""), reads(last=True)),
    row("line: HTTP/1.0, kept alive", get(b"Connection: keep-alive\r\n", b"GET {path} HTTP/1.0\r\n"), reads()),
    row("line: HTTP/1.0 with a body", post(line=b"POST {path} HTTP/1.0\r\n"), Passed(last=True)),
    row("line: HTTP/1.0 with a body, kept alive", post(LENGTH + b"Connection: keep-alive\r\n",
        line=b"POST {path} HTTP/1.0\r\n"), Passed()),
    row("line: HTTP/1.0 without a length", post(b"", BODY, b"POST {path} HTTP/1.0\r\n"), Passed(body=b"", last=True),
        Refused(411, "http.length_required")),
    row("line: HTTP/1.0 and 100-continue", post(LENGTH + b"Expect: 100-continue\r\n", line=b"POST {path} HTTP/1.0\r\n"),
        Passed(last=True)),
]

SPACES = [
    row(f"field: {field!r}", get(field), BAD_HEADER) for field in [
        b"X : y\r\n", b"X\t: y\r\n", b" X: y\r\n", b"\tX: y\r\n", b"X: y\r\n z\r\n", b"X: y\r\n\tz\r\n", b"X:\r\n y\r\n",
        b"X: y\r\n \r\n", b"X\r\n", b"X y\r\n", b": y\r\n", b":\r\n", b" : y\r\n", b"X Y: z\r\n", b"X_Y: z\r\n",
        b"_X: z\r\n", b"X-Auth_Token: z\r\n", b"X_Auth_Token: z\r\n", b"x_auth_token: z\r\n", b"X_PROJECT_ID: z\r\n",
        b"X\xe9: y\r\n", b"\xef\xbb\xbfX: y\r\n", b"X\0: y\r\n", b"X: \0\r\n", b"X: y\0\r\n", b"X: \x01\r\n",
        b"X: \x0b\r\n", b"X: \x1b[0m\r\n", b"X: \x7f\r\n", b"X: y\nZ: a\r\n", b"X: y\rZ: a\r\n", b"X: y\r\r\n",
        b"X: y\n\r\n", b"X: y\r\n\n", b"X: y\n\n", b"X: y\r\n\r", b"X(: y\r\n", b"X/Y: z\r\n", b'"X": y\r\n', b"X@Y: z\r\n",
        b"X[]: y\r\n", b"X=Y: z\r\n", b"X,Y: z\r\n", b"X;Y: z\r\n", b"{X}: y\r\n", b"Host\0: a\r\n",
        b"GET /canary HTTP/1.1\r\n",
    ]
] + [
    row("field: two NULs and a whole request", get(b"X: \0\0\r\n\r\n" + HIDDEN), BAD_HEADER),
    row("field: empty values", get(b"X:\r\nAccept:\r\nRange: \r\n"), reads(fields={"accept": "", "range": ""})),
    row("field: white space around", get(b"Accept: \t a \t\r\n"), reads(fields={"accept": "a"})),
    row("field: signs of a name", get(b"!#$%&'*+-.^`|~9: y\r\n"), reads()),
    row("field: high bytes", get(b"User-Agent: \xff\xfe\xc3\xa9\r\n"), reads(fields={"user-agent": "\xff\xfe\xc3\xa9"})),
    row("field: a value that looks like a head", get(b"User-Agent: a\\r\\nX: y%0d%0aZ: a\r\n"),
        reads(fields={"user-agent": "a\\r\\nX: y%0d%0aZ: a"})),
]

TARGETS = [
    row(f"target: {target!r}", get(line=b"GET " + target + b" HTTP/1.1\r\n"), BAD_TARGET) for target in [
        b"{path}#x", b"{path}?a#x", b"#", b"{path}\t", b"{path}\x01", b"{path}\x7f", b"{path}\xc3\xa9", b"{path}\xff", b"*",
        b"x", b"v1/x", b"?x", b"", b"..", b"ftp://gateway.test{path}", b"http:{path}", b"http:/gateway.test{path}",
        b"//gateway.test{path}\x0b", b"gateway.test:443", b"mailto:a", b"data:x", b"javascript:x", b"https:gateway.test",
        b"ws://gateway.test{path}", b"http;//gateway.test{path}",
    ] if target
] + [
    row(f"target: {target!r}", get(line=b"GET " + target + b" HTTP/1.1\r\n"), BAD_HOST) for target in [
        b"http://other.test{path}", b"http://gateway.test.evil{path}", b"http://gateway.test:80{path}",
        b"http://gateway.test:443{path}", b"https://gateway.test:443{path}", b"http://gateway.test:{path}",
        b"http://gateway.test:0{path}", b"http://u@gateway.test{path}", b"http://u:p@gateway.test{path}",
        b"http://gateway.test@other.test{path}", b"http://other.test@gateway.test{path}", b"http://gateway.test%00{path}",
        b"http://gateway.test\\{path}", b"http://gateway.test.{path}", b"http://[::1]{path}", b"http://{path}",
        b"http:///{path}", b"https://", b"http://?x", b"http://gateway.test;x{path}", b"http://%67ateway.test{path}",
        b"http://gateway.test,other.test{path}",
    ]
] + [
    row(f"target: {target!r}", get(line=b"GET " + target + b" HTTP/1.1\r\n"), PATH) for target in [
        b"/{path}", b"{path}//x", b"{path}/./x", b"{path}/../x", b"{path}/..", b"{path}/%2e%2e/x", b"{path}/%2E",
        b"{path}/..;/x", b"{path}\\x", b"{path}/%5c..%5cx", b"{path}/%", b"{path}/%4", b"{path}/%zz", b"{path}/%u002e",
    ]
] + [
    row(f"target: {target!r} of a family", get(line=b"GET " + target.replace(b"{p}", PROJECT.encode()) + b" HTTP/1.1\r\n"),
        PATH) for target in [
        b"/v1/{p}/%64emanager/instances", b"/v1/{p}/demanager%2finstances", b"/v1/{p}/demanager/instances/",
        b"/v1/{p}/Demanager/instances", b"/v1/{p}/demanager/instances;x", b"/v1/{p};x/demanager/instances",
        b"/v1/{p}/demanager/instances.json", b"/v1/{p}/DEMANAGER/INSTANCES", b"/v1/{p}/demanager/%69nstances",
        b"/v1/{p}/demanager%00/instances", b"/v1/a%2f{p}/demanager/instances",
    ]
] + [
    row("target: absolute", get(line=b"GET http://gateway.test{path} HTTP/1.1\r\n"), reads()),
    row("target: absolute with TLS", get(line=b"GET https://gateway.test{path}?a=b HTTP/1.1\r\n"), reads(suffix="?a=b")),
    row("target: absolute, other letters", get(line=b"GET HTTP://GATEWAY.test{path} HTTP/1.1\r\n"), reads()),
    row("target: absolute with the port of Host", get(line=b"GET http://gateway.test:81{path} HTTP/1.1\r\n",
        host=b"Host: gateway.test:81\r\n"), reads()),
    row("target: absolute, an address", get(line=b"GET http://[::1]:8{path} HTTP/1.1\r\n", host=b"Host: [::1]:8\r\n"),
        reads()),
    row("target: absolute without a path", get(line=b"GET http://gateway.test HTTP/1.1\r\n"), reads(target="/")),
    row("target: absolute with a query only", get(line=b"GET http://gateway.test?/demanager HTTP/1.1\r\n"),
        reads(target="/?/demanager")),
    row("target: absolute, a create", post(line=b"POST http://gateway.test{path} HTTP/1.1\r\n"), Passed()),
    row("target: absolute, from HTTP/1.0 without Host", get(line=b"GET http://gateway.test{path} HTTP/1.0\r\n", host=b""),
        BAD_HOST),
    row("target: a URL in the query", get(line=b"GET {path}?http://other.test/%2e%2e/;x HTTP/1.1\r\n"),
        reads(suffix="?http://other.test/%2e%2e/;x")),
    row("target: broken escapes in the query", get(line=b"GET {path}?%zz&%&&=? HTTP/1.1\r\n"), reads(suffix="?%zz&%&&=?")),
    row("target: a query of a create", post(line=b"POST {path}?flavor=x HTTP/1.1\r\n"), Passed(suffix="?flavor=x"),
        Refused(400, "request.unread_query", kept=True)),
    row("target: a method in the query", post(line=b"POST {path}?_method=GET HTTP/1.1\r\n"), Passed(suffix="?_method=GET"),
        Refused(400, "request.unread_query", kept=True)),
    row("target: asterisk", get(line=b"OPTIONS * HTTP/1.1\r\n"), PATH),
    row("target: asterisk of an absolute one", get(line=b"OPTIONS http://gateway.test HTTP/1.1\r\n"), PATH),
]

HOSTS = [
    row(f"Host: {host!r}", get(host=host), BAD_HOST) for host in [
        b"", b"Host:\r\n", b"Host: \r\n", b"Host: a, b\r\n", b"Host: a b\r\n", b"Host: a/b\r\n", b"Host: a\\b\r\n",
        b"Host: u@gateway.test\r\n", b"Host: a?b\r\n", b"Host: a#b\r\n", b"Host: http://gateway.test\r\n",
        b"Host: gateway.test:\r\n", b"Host: gateway.test:x\r\n", b"Host: gateway.test:-1\r\n",
        b"Host: gateway.test:65536\r\n", b"Host: gateway.test:0x50\r\n", b"Host: gateway.test:80:80\r\n",
        b"Host: gateway.test:+80\r\n", b"Host: gateway.test:000080\r\n", b"Host: [::1\r\n", b"Host: ::1]\r\n",
        b"Host: []\r\n", b"Host: [::1]x\r\n", b"Host: [[::1]]\r\n", b"Host: [::1%25eth0]\r\n", b"Host: g%61teway.test\r\n",
        b"Host: g\xc3\xa4teway.test\r\n", b"Host: a;b\r\n", b"Host: \"gateway.test\"\r\n", b"Host: *\r\n",
        HOST + HOST, HOST + b"Host: other.test\r\n", HOST + b"host: other.test\r\n", HOST + b"X: y\r\nHOST:\r\n",
            b"Host:\r\n" + HOST,
    ]
] + [
    row(f"Host: {host!r}", get(host=host), BAD_HEADER) for host in [
        b"Host : gateway.test\r\n", b" Host: gateway.test\r\n", b"Host: gateway.test\0.evil\r\n",
        b"Host: gateway.test\r\n .evil\r\n", HOST + b"Host\t: other.test\r\n",
    ]
] + [
    # Whatever it says, the cloud gets its own.
    row(f"Host: {host!r}", get(host=host), reads()) for host in
    [b"Host: other.test\r\n", b"Host: 127.0.0.1:1\r\n", b"Host: [::1]:65535\r\n", b"host:gateway.test.\r\n",
        b"HOST: localhost\r\n", b"Host: a_b\r\n"]
]

# ---- what a caller may want to be kept, lost, switched or believed ----

GUARDED = [b"Host", b"Content-Type", b"Content-Length", b"X-Auth-Token", b"Authorization", b"X-Project-Id",
    b"Transfer-Encoding", b"Accept", b"Cookie"]
CONNECTIONS = [
    row(f"Connection: {name.decode()}", post(LENGTH + b"Connection: " + name + b"\r\n"), Passed()) for name in
    [*GUARDED, *(name.lower() for name in GUARDED), *(name.upper() for name in GUARDED)]
] + [
    row("Connection: all of them in a list", post(LENGTH + b"Connection: keep-alive, " + b",".join(GUARDED) + b"\r\n"),
        Passed()),
    row("Connection: all of them, one by one",
        post(LENGTH + b"".join(b"Connection: " + name + b"\r\n" for name in GUARDED)), Passed()),
    row("Connection: the token, to close", post(LENGTH + b"Connection: x-auth-token, close\r\n"), Passed(last=True)),
    row("Connection: quoted", post(LENGTH + b'Connection: "close", \'upgrade\'\r\n'), Passed()),
    row("Connection: empty and commas", post(LENGTH + b"Connection:\r\nConnection: ,,, ,\r\n"), Passed()),
    row("Connection: Proxy-Connection", post(LENGTH + b"Proxy-Connection: close, x-auth-token\r\n"), Passed()),
    row("Connection: Keep-Alive", post(LENGTH + b"Keep-Alive: timeout=9999, max=1\r\n"), Passed()),
    row("Connection: close, a request behind", get(b"Connection: close\r\n"), reads(last=True)),
    row("Connection: CLOSE, a create behind", post(LENGTH + b"Connection: CLOSE\r\n", BODY + HIDDEN_CREATE),
        Passed(last=True)),
    row("Connection: close and keep-alive", get(b"Connection: keep-alive\r\nConnection: close\r\n"), reads(last=True)),
    row("Connection: close within a list", get(b"Connection: a , cLose ,b\r\n"), reads(last=True)),
    row("Connection: close from HTTP/1.0", get(b"Connection: keep-alive, close\r\n", b"GET {path} HTTP/1.0\r\n"),
        reads(last=True)),
]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
SWITCHES = [
    row(f"switch: {name}", get(fields), UPGRADE) for name, fields in [
        ("websocket",
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"),
        ("h2c", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
        ("h2c, other letters", b"connection: uPGRADE\r\nuPGRADE: H2C\r\n"), ("h2c, not in Connection", b"Upgrade: h2c\r\n"),
        ("only Connection", b"Connection: upgrade\r\n"), ("TLS", b"Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n"),
        ("several", b"Upgrade: foo/1, h2c\r\n"), ("empty", b"Upgrade:\r\n"), ("behind close",
            b"Connection: close, upgrade\r\n"),
    ]
] + [
    row("switch: a create", post(LENGTH + b"Connection: Upgrade\r\nUpgrade: h2c\r\n"), UPGRADE),
    row("switch: settings of HTTP/2 alone", get(b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n"), reads()),
    row("switch: Connection names settings only", get(b"Connection: HTTP2-Settings\r\nHTTP2-Settings: AAMA\r\n"), reads()),
    row("switch: the preface of HTTP/2", PREFACE, UPGRADE),
    row("switch: the preface behind an empty line", b"\r\n" + PREFACE, UPGRADE),
    row("switch: a preface of another version", b"PRI * HTTP/1.1\r\n" + HOST + b"\r\nSM\r\n\r\n", BAD_TARGET),
    *(row(f"method: {line!r}", get(line=line), METHOD) for line in [
        b"CONNECT gateway.test:443 HTTP/1.1\r\n", b"CONNECT {path} HTTP/1.1\r\n",
        b"CONNECT http://gateway.test{path} HTTP/1.1\r\n",
        b"TRACE {path} HTTP/1.1\r\n", b"TRACE * HTTP/1.1\r\n", b"A" * 33 + b" {path} HTTP/1.1\r\n"]),
    row("method: CONNECT from HTTP/1.0", get(line=b"CONNECT gateway.test:443 HTTP/1.0\r\n"), METHOD),
    row("method: TRACE with a body", post(line=b"TRACE {path} HTTP/1.1\r\n"), METHOD),
    row("method: PUT of the create's path", post(line=b"PUT {path} HTTP/1.1\r\n"), Passed("PUT"), Refused(403,
        "route.unknown", kept=True)),
    row("method: PATCH of the create's path", post(line=b"PATCH {path} HTTP/1.1\r\n"), Passed("PATCH"), Refused(403,
        "route.unknown", kept=True)),
    row("method: DELETE of the create's path", get(line=b"DELETE {path} HTTP/1.1\r\n"), Passed("DELETE", body=b""),
        Refused(403, "route.unknown", kept=True)),
    row("method: OPTIONS of the create's path", get(line=b"OPTIONS {path} HTTP/1.1\r\n"), Passed("OPTIONS", body=b""),
        Refused(403, "route.unknown", kept=True)),
    *(row(f"method: {name}", post(LENGTH + name.encode() + b": GET\r\n"), Passed()) for name in [
        "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method", "X-Rewrite-Method",
        "X-Request-Method", "_method".replace("_", "-")]),
    row("method: override of a read", get(b"X-HTTP-Method-Override: POST\r\n"), reads()),
]

BODIES = [
    row(f"body: {method} with {name}", get(fields, line=method.encode() + b" {path} HTTP/1.1\r\n") + body, UNEXPECTED)
    for method in ("GET", "HEAD") for name, fields, body in [
        ("a length and a request", b"Content-Length: %d\r\n" % len(HIDDEN), HIDDEN),
        ("a length and a create", b"Content-Length: %d\r\n" % len(HIDDEN_CREATE), HIDDEN_CREATE),
        ("chunks", CHUNKED, CHUNKS), ("empty chunks", CHUNKED, b"0\r\n\r\n"),
        ("a length and 100-continue", b"Content-Length: 5\r\nExpect: 100-continue\r\n", b""),
    ]
] + [
    row("body: GET with a body from HTTP/1.0", get(b"Content-Length: 5\r\n", b"GET {path} HTTP/1.0\r\n") + b"hello",
        UNEXPECTED),
    row("body: GET with length 0", get(b"Content-Length: 0\r\n"), reads()),
    row("body: HEAD", get(line=b"HEAD {path} HTTP/1.1\r\n"), Passed("HEAD", body=b"")),
    row("body: DELETE with a body", post(line=b"DELETE {path} HTTP/1.1\r\n"), Passed("DELETE"), Refused(403,
        "route.unknown", kept=True)),
    row("body: a request as the body", post(b"Content-Length: %d\r\n" % len(HIDDEN), HIDDEN), Passed(body=HIDDEN),
        Refused(400, "json.syntax", kept=True)),
    row("body: a create in the body", post(b"Content-Length: %d\r\n" % len(HIDDEN_CREATE), HIDDEN_CREATE),
        Passed(body=HIDDEN_CREATE),
        Refused(400, "json.syntax", kept=True)),
    row("body: an empty line behind it", post(body=BODY + b"\r\n"), Passed()),
    row("expect: 100-continue, the body there", post(LENGTH + b"Expect: 100-continue\r\n"), Passed()),
    row("expect: other letters", post(LENGTH + b"eXPECT: 100-Continue\r\n"), Passed()),
    row("expect: chunks", post(CHUNKED + b"Expect: 100-continue\r\n", CHUNKS), Passed()),
    row("expect: of a read", get(b"Expect: 100-continue\r\n"), reads()),
    *(row(f"expect: {value!r}", post(LENGTH + b"Expect:" + value + b"\r\n"), EXPECTATION) for value in [
        b" 100", b" 200-ok", b"", b" 100-continue, x", b" 100-continue;q=1", b' "100-continue"', b" 100 continue",
        b" 100-continue,100-continue"]),
    row("expect: twice", post(LENGTH + b"Expect: 100-continue\r\n" * 2), EXPECTATION),
    row("expect: something else, of a read", get(b"Expect: x\r\n"), EXPECTATION),
    *(row(f"coding: {value}", post(LENGTH + f"Content-Encoding: {value}\r\n".encode()),
        Passed(fields={"content-encoding": value}), MEDIA) for value in
      ["gzip", "deflate", "br", "identity", "x-gzip", "gzip, gzip", "aws-chunked"]),
    row("coding: empty", post(LENGTH + b"Content-Encoding:\r\n"), Passed(fields={"content-encoding": ""}), MEDIA),
    *(row(f"type: {value}", post(type=f"Content-Type: {value}\r\n".encode()), Passed(fields={"content-type": value}),
        MEDIA) for value in [
        "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "application/json; charset=utf-16", "application/jsonx",
        "application/json, text/plain", "text/plain; application/json", "application/json; charset=utf-8; charset=utf-7",
        "application/json;",
        "application/json+x", "application / json", "*/*", "application/json charset=utf-8"]),
    row("type: none", post(type=b""), Passed(fields={"content-type": None}), MEDIA),
    row("type: two", post(type=JSON + b"Content-Type: text/plain\r\n"), REPEATED, MEDIA),
    row("type: two, equal", post(type=JSON * 2), REPEATED, MEDIA),
    row("type: with its charset", post(type=b"Content-Type: application/json;charset=UTF-8\r\n"),
        Passed(fields={"content-type": "application/json;charset=UTF-8"}), Passed()),
    row("coding: what a create offers", post(LENGTH + b"Accept-Encoding: gzip, br\r\n"),
        Passed(fields={"accept-encoding": "gzip, br"})),
]

DROPPED = ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix",
    "X-Forwarded-Server", "X-Forwarded-Uri",
           "X-Forwarded-Method", "X-Forwarded", "Forwarded", "Forwarded-For", "Via", "X-Real-IP", "X-Client-IP",
           "Client-IP", "True-Client-IP",
           "CF-Connecting-IP", "X-Cluster-Client-IP", "X-Original-URL", "X-Original-URI", "X-Original-Path",
           "X-Original-Host", "X-Rewrite-URL",
           "X-Envoy-Original-Path", "X-Envoy-Decorator-Operation", "X-Accel-Redirect", "X-Host", "X-Forwarded-Path",
           "X-User", "X-User-Id", "X-User-Name",
           "X-Username", "X-User-Domain-Id", "X-User-Domain-Name", "X-Roles", "X-Role", "X-Tenant", "X-Tenant-Id",
           "X-Tenant-Name", "X-Project-Name",
           "X-Project-Domain-Id", "X-Domain-Name", "X-Is-Admin-Project", "X-Identity-Status", "X-Service-Token",
           "X-Service-Roles",
           "X-Service-Catalog", "X-Authenticated-User", "X-Remote-User", "Remote-User", "X-Auth-User", "X-Auth-Key",
           "X-Storage-Token", "X-Consumer-Username",
           "X-SSL-Client-Cert", "X-Client-Cert", "X-Api-Key", "Cookie", "Referer", "Origin", "Proxy-Authorization",
           "Max-Forwards", "Destination",
           "X-Postern-User", "Postern-Id", "Postern-Decision", "X-Request-Id", "X-Openstack-Request-Id", "X-Sdk-Date",
           "X-Sdk-Content-Sha256",
           "Trailer", "TE", "Keep-Alive", "Content-Location", "Content-Range", "Content-Security-Policy", "Http2-Settings",
           "Early-Data", "Priority"]
CALLERS = [
    row(f"dropped: {name}", post(LENGTH + name.encode() + b": canary\r\n"), Passed()) for name in DROPPED
] + [
    row("dropped: all of them at once",
        post(LENGTH + b"".join(name.lower().encode() + b": canary\r\n" for name in DROPPED)), Passed()),
    row("caller: a dry run of another word", post(LENGTH + b"Postern-Dry-Run: yes\r\n"), Refused(400, "request.dry_run", kept=True)),
    row("caller: two tokens", post(LENGTH + b"X-Auth-Token: canary\r\n"), TWO_CALLERS),
    row("caller: two tokens, equal", post(LENGTH + TOKEN), TWO_CALLERS),
    row("caller: two tokens, other letters", post(LENGTH + b"x-AUTH-token: canary\r\n"), TWO_CALLERS),
    row("caller: two tokens, one empty", post(LENGTH + b"X-Auth-Token:\r\n"), TWO_CALLERS),
    row("caller: a list of tokens", post(token=b"X-Auth-Token: {token},canary\r\n"), TWO_CALLERS, Refused(401,
        "identity.token_malformed", kept=True)),
    row("caller: tokens and a blank", post(token=b"X-Auth-Token: {token} canary\r\n"), TWO_CALLERS, Refused(401,
        "identity.token_malformed", kept=True)),
    row("caller: a token and a bearer", post(LENGTH + b"Authorization: Bearer canary\r\n"), TWO_CALLERS),
    row("caller: a token and a login", post(LENGTH + b"Authorization: Basic Y2FuYXJ5\r\n"), TWO_CALLERS),
    row("caller: a token and an empty authorization", post(LENGTH + b"Authorization:\r\n"), TWO_CALLERS),
    row("caller: two bearers", post(LENGTH + b"Authorization: Bearer canary\r\n" * 2, token=b""), TWO_CALLERS),
    row("caller: a list of bearers", post(token=b"Authorization: Bearer {token}, Bearer canary\r\n"), TWO_CALLERS,
        Refused(401, "identity.token_malformed", kept=True)),
    row("caller: a token and a signature", post(LENGTH + b"Authorization: SDK-HMAC-SHA256 Access=canary\r\n"), Passed(),
        TWO_CALLERS),
    row("caller: a bearer", post(token=b"Authorization: Bearer {token}\r\n"), Passed(bare=True,
        fields={"authorization": "Bearer {token}"})),
    row("caller: the token's project", post(LENGTH + f"X-Project-Id: {PROJECT}\r\n".encode()),
        Passed(fields={"x-project-id": PROJECT})),
    row("caller: another project", post(LENGTH + f"X-Project-Id: {OTHER_PROJECT}\r\n".encode()),
        Passed(fields={"x-project-id": OTHER_PROJECT}),
        Refused(403, "identity.project_mismatch", kept=True)),
    row("caller: the project in capitals", post(LENGTH + f"X-Project-Id: {PROJECT.upper()}\r\n".encode()),
        Passed(fields={"x-project-id": PROJECT.upper()}),
        Refused(403, "identity.project_mismatch", kept=True)),
    row("caller: two projects", post(LENGTH + f"X-Project-Id: {PROJECT}\r\nX-Project-Id: {OTHER_PROJECT}\r\n".encode()),
        TWO_CALLERS),
    row("caller: two projects, equal", post(LENGTH + f"X-Project-Id: {PROJECT}\r\n".encode() * 2), TWO_CALLERS),
    row("caller: two domains", post(LENGTH + b"X-Domain-Id: a\r\nX-Domain-Id: canary\r\n"), REPEATED),
    row("caller: two languages", post(LENGTH + b"X-Language: a\r\nx-language: canary\r\n"), REPEATED),
    row("caller: two agents", get(b"User-Agent: a\r\nUser-Agent: canary\r\n"), REPEATED),
    row("caller: two security tokens", post(LENGTH + b"X-Security-Token: a\r\nX-Security-Token: canary\r\n"), REPEATED,
        Passed()),
    row("caller: a family's read of another project", get(f"X-Project-Id: {OTHER_PROJECT}\r\n".encode()),
        reads(fields={"x-project-id": OTHER_PROJECT}),
        Refused(403, "identity.project_mismatch", kept=True)),
]


LIMITS = [
    row("limit: a value of 32 KB", get(b"Accept: " + b"a" * 32768 + b"\r\n"), reads(fields={"accept": "a" * 32768})),
    row("limit: a value of 32 KB and a byte", get(b"Accept: " + b"a" * 32769 + b"\r\n"), Refused(431,
        "http.value_too_large")),
    row("limit: a dropped value over 32 KB", get(b"X-A: " + b"a" * 32769 + b"\r\n"), Refused(431, "http.value_too_large")),
    row("limit: 128 fields", get(b"X: y\r\n" * 126), reads()),
    row("limit: 129 fields", get(b"X: y\r\n" * 127), Refused(431, "http.too_many_headers")),
    row("limit: 129 fields, the last a length", post(b"X: y\r\n" * 125 + LENGTH), Refused(431, "http.too_many_headers")),
    row("limit: a long name", get(b"X" * 30000 + b": y\r\n"), reads()),
    row("limit: a name without end", get(b"X" * 70000), Refused(431, "http.head_too_large")),
    row("limit: a target of 8 KB", get(line=b"GET {path}?" + b"a" * (8191 - len(ECHO)) + b" HTTP/1.1\r\n"),
        reads(suffix="?" + "a" * (8191 - len(ECHO))), Refused(414, "http.uri_too_long")),
    row("limit: a target of 8 KB and a byte", get(line=b"GET {path}?" + b"a" * 8192 + b" HTTP/1.1\r\n"), Refused(414,
        "http.uri_too_long")),
    row("limit: a line without end", b"GET /" + b"a" * 70000, Refused(414, "http.uri_too_long")),
    row("limit: a method without end", b"G" * 70000, Refused(414, "http.uri_too_long")),
    row("limit: trailers of 8 KB", post(CHUNKED, CHUNKS[:-2] + b"X: " + b"y" * (8192 - 7) + b"\r\n\r\n"), Passed()),
]

TABLES = {"both": BOTH, "codings": CODINGS, "lengths": LENGTHS, "chunks": CHUNKINGS, "lines": LINES, "fields": SPACES,
    "targets": TARGETS, "hosts": HOSTS,
          "connection": CONNECTIONS, "switches": SWITCHES, "bodies": BODIES, "callers": CALLERS, "limits": LIMITS}


class Door:
    """A gateway, its cloud, and a route."""

    def __init__(self, gateway, cloud, path, token):
        self.gateway, self.cloud, self.path, self.token = gateway, cloud, path, token
        self.host = f"127.0.0.1:{cloud.port}"
        self.behind = request_bytes("GET", BEHIND, None, {"X-Auth-Token": token})

    def filled(self, raw):
        return raw.replace(b"{path}", self.path.encode()).replace(b"{token}", self.token.encode())

    def check_cloud(self, want, goes_on):
        """Everything that arrived is strict; whole arrived what is wanted and, if the connection goes on, the request
        behind it."""
        arrived = self.cloud.requests()
        for request in arrived:
            judged = request.method == "POST" and request.target.split("?")[0] == CREATE
            request.fields = check_strict(request, self.host, judged)
            assert b"canary" not in request.head.lower(), request.head
        whole = [request for request in arrived if request.complete]
        assert [request for request in arrived if not request.complete and self.path == CREATE] == []
        if goes_on:
            assert whole and (whole[-1].method, whole[-1].target) == ("GET", BEHIND), whole
            whole.pop()
        if want is None:
            assert whole == [], whole
            return
        only, = whole
        target = want.target or self.path + want.suffix
        assert (only.method, only.target, only.body) == (want.method, target, want.body), (only, only.body)
        self.check_fields(want, only)

    def check_fields(self, want, only):
        fields = {} if want.bare else {"x-auth-token": "{token}"}
        if want.body or want.method in ("POST", "PUT", "PATCH"):
            fields["content-type"] = "application/json"
        fields.update(want.fields)
        judged = want.method == "POST" and self.path == CREATE
        fields = {name: value.replace("{token}", self.token) for name, value in fields.items()
                  if value is not None and (name in JUDGED or not judged)}
        have = {name: value for name, value in only.fields.items() if name not in ("host", "content-length",
            "transfer-encoding")}
        assert have == fields, only.head

    def check(self, row):
        want = row.judged if self.path == CREATE else row.streamed
        passed = isinstance(want, Passed)
        goes_on = not want.last if passed else want.kept
        self.cloud.preset([])
        self.cloud.forget()
        with self.gateway.connect(timeout=10) as client:
            with contextlib.suppress(OSError):  # it may answer and close before all was sent
                client.send(self.filled(row.raw) + self.behind)
            answer = client.read_answer("HEAD" if row.raw.startswith(b"HEAD ") else "GET")
            if passed:
                assert answer.status == 200, answer
            elif row.raw.startswith(b"HEAD "):
                assert answer.status == want.status, answer
            else:
                check_refusal(answer, want.status, want.code)
            if goes_on:
                assert client.read_answer().json["target"] == BEHIND
            else:
                client.expect_end()
        self.check_cloud(want if passed else None, goes_on)


@pytest.mark.parametrize("path", [ECHO, CREATE], ids=["streamed", "judged"])
@pytest.mark.parametrize("table", list(TABLES))
def test_nothing_is_smuggled(gateway, cloud, token, table, path):
    door = Door(gateway, cloud, path, token)
    faults = []
    for row in TABLES[table]:
        try:
            door.check(row)
        except (AssertionError, OSError, ValueError) as error:
            faults.append(f"{row.name}: {error!r:.700}")
    assert not faults, f"{len(faults)} of {len(TABLES[table])}:\n" + "\n".join(faults)


def test_the_table_is_large_and_its_names_are_unique():
    names = [row.name for table in TABLES.values() for row in table]
    assert len(names) > 700 and len(set(names)) == len(names), [name for name in names if names.count(name) > 1]


def test_a_head_at_its_limit(gateway, cloud, token):
    """64 KB with the blank line, and one byte more."""
    door = Door(gateway, cloud, ECHO, token)
    wide = b"".join(b"X-%d: " % number + b"a" * 16000 + b"\r\n" for number in range(3)) + b"X-A: "
    room = 65536 - len(door.filled(get(wide + b"\r\n")))
    door.check(row("64 KB", get(wide + b"a" * room + b"\r\n"), reads()))
    door.check(row("64 KB and a byte", get(wide + b"a" * (room + 1) + b"\r\n"), Refused(431, "http.head_too_large")))


SPLIT = {
    # name: a request, what becomes of it; short, as each of its bytes is a round
    "a create": post(type=b"Content-Type:application/json\r\n", line=b"POST {path} HTTP/1.1\r\n", host=b"Host:g\r\n"),
    "a create in chunks": post(CHUNKED, HEX + b";a=b\r\n" + BODY + b"\r\n0\r\nX: y\r\n\r\n", host=b"Host:g\r\n"),
}
SPLIT_BAD = {
    "CL.TE": (post(b"Content-Length: 46\r\n" + CHUNKED, b"0\r\n\r\n" + HIDDEN, type=b""), "http.ambiguous_length"),
    "a folded coding": (post(LENGTH + b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n", type=b""),
    "http.transfer_coding"),
    "a blank before the colon": (post(b"Content-Length : 5\r\n", b"", type=b""), "http.bad_header"),
    "an LF": (get(b"X: y\nContent-Length: 5\r\n"), "http.bad_header"),
    "a NUL": (get(b"X: y\0\r\n"), "http.bad_header"),
    "the preface of HTTP/2": (PREFACE, "http.upgrade"),
    "a chunk of another size": (post(CHUNKED, b"4\r\nhello\r\n0\r\n\r\n"), "http.bad_body"),
    "a chunk's bare LF": (post(CHUNKED, b"5\r\nhello\n0\r\n\r\n"), "http.bad_body"),
    "a request for a trailer": (post(CHUNKED, b"0\r\n" + HIDDEN), "http.bad_body"),
}


@pytest.fixture
def open_door(gateway_factory, cloud):
    """Tokens aren't read: a short one will do."""
    gateway = gateway_factory(ALLOW_ALL, {"identity": {"tokens": {"verify": "off"}}})
    return Door(gateway, cloud, CREATE, "t")


def send_split(other, client, data, at):
    """Another connection's answer shows that the gateway has turned its loop between the parts."""
    with contextlib.suppress(OSError):
        client.send(data[:at])
        assert other.request("GET", "/..").status == 400
        client.send(data[at:])


def test_a_create_split_at_every_byte(open_door):
    with open_door.gateway.connect() as other, open_door.gateway.connect() as client:
        for name, raw in SPLIT.items():
            data = open_door.filled(raw)
            open_door.cloud.forget()
            for at in range(1, len(data)):
                open_door.cloud.preset([])
                send_split(other, client, data, at)
                assert client.read_answer().status == 200, (name, at)
            arrived = open_door.cloud.requests()
            assert len(arrived) == len(data) - 1
            for request in arrived:
                check_strict(request, open_door.host, judged=True)
                assert request.body == BODY


@pytest.mark.parametrize("name", list(SPLIT_BAD))
def test_a_bad_request_split_at_every_byte(open_door, name):
    raw, code = SPLIT_BAD[name]
    data = open_door.filled(raw)
    with open_door.gateway.connect() as other:
        for at in range(1, len(data)):
            with open_door.gateway.connect() as client:
                send_split(other, client, data, at)
                answer = client.read_answer()
                assert [reason["code"] for reason in answer.json["reasons"]] == [code], (at, answer)
                client.expect_end()
    assert open_door.cloud.requests() == []
