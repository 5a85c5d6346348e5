# SPDX-License-Identifier: Apache-2.0
"""Answers as a cloud may send them, well-framed and not, in named rows: what the gateway makes of each, and where
libcurl, which reads more kindly, makes something else of it, why.

In the bytes, ID stands for an id that no other row has."""

import gzip

ID = "@@@@@@@@"
BODY = '{"id":"@@@@@@@@"}'
SIZE = len(BODY)
assert SIZE == 17

SAME = "same"  # what libcurl gives: the answer, byte for byte
MALFORMED, CLOSED = "malformed", "closed"  # refused; the words are those of the journal's `error`


def filled(text, number):
    """The bytes, with the row's id."""
    raw = text if isinstance(text, bytes) else text.encode("latin-1")
    return raw.replace(ID.encode(), b"%08d" % number)


class Row:
    """raw: text (Latin-1) or bytes. ours: SAME, MALFORMED or CLOSED. begun: the fault comes behind a good head, which a
    streaming caller has by then. kept: whether the connection serves the next request (None: a matter of luck).
    lost: `error` where a create's answer is lost though it is well-framed. why: what libcurl does instead, and why the
    gateway doesn't. gives: the body, where only libcurl refuses. method: None is a GET and then a create."""

    def __init__(self, raw, ours=SAME, end="keep", method=None, begun=False, kept=..., lost=None, why=None, gives=None,
                 **how):
        self.raw = raw
        self.ours, self.end, self.method, self.begun, self.lost, self.why = ours, end, method, begun, lost, why
        self.kept = (ours == SAME and end == "keep") if kept is ... else kept
        self.gives = gives
        self.how = how


def framed(line="HTTP/1.1 200 OK", fields="", body=BODY):
    """Well-framed but for what the arguments make of it."""
    return f"{line}\r\n{fields}Content-Length: {len(body)}\r\n\r\n{body}"


def headed(*fields, body=BODY, line="HTTP/1.1 200 OK"):
    """Framed by the given fields and nothing else."""
    return "".join(part + "\r\n" for part in (line, *fields)) + "\r\n" + body


def length(text, body=BODY):
    return headed(f"Content-Length:{text}", body=body)


def coded(text, body=f"11\r\n{BODY}\r\n0\r\n\r\n"):
    return headed(f"Transfer-Encoding:{text}", body=body)


def chunks(body, *fields):
    return headed("Transfer-Encoding: chunked", *fields, body=body)


def headed_of(size):
    """A head of so many bytes."""
    fields = f"X-A: {'a' * 30000}\r\nX-B: {'b' * 30000}\r\nX-C: "
    rest = size - len(framed(fields=fields + "\r\n", body=BODY)) + len(BODY)
    return framed(fields=fields + "c" * rest + "\r\n")


def bad(raw, why=None, **more):
    """Refused before a byte of it is passed on."""
    return Row(raw, MALFORMED, why=why, **more)


def bad_body(raw, why=None, **more):
    return Row(raw, MALFORMED, begun=True, why=why, **more)


def cut(raw, end="close", **more):
    return Row(raw, CLOSED, end=end, begun=True, **more)


# Why libcurl takes what the gateway refuses.
LIMIT = "libcurl's limits are wider (300 KB for a head, none for how many fields or an extension)"
CONTROL = "libcurl hands control bytes on; whoever prints or logs them may act on them (RFC 9110 5.5)"
SCAN = "libcurl scans for a number, and takes what is around it as it comes; the status line has one form (RFC 9112 4)"
RANGE = "libcurl takes statuses up to 999; one above 599 has no class (RFC 9110 15)"
VERSION = "libcurl reads HTTP/2 and http/1.1 as if they were HTTP/1.1; no such message exists (RFC 9112 2.3)"
MANY = "libcurl reads interim answers for ever"
SWITCH = "libcurl gives 101 and what follows to a caller who never asked for another protocol (RFC 9110 15.2.2)"
BODILESS = "libcurl ignores the framing; a reader that believes it takes the next answer for a body (RFC 9112 6.3)"
FOLD = "libcurl joins or splits folded lines; readers differ, a gateway may refuse them (RFC 9112 5.2)"
NAME = "libcurl doesn't look at names; this one is none (RFC 9112 5.1)"
UNDERSCORE = "libcurl doesn't look at names; many readers take an underscore for a dash"
TORN = "libcurl takes a head or an end for whole that the connection's end cut short (RFC 9112 8)"
TWICE = "libcurl lets the last length win, others the first (RFC 9112 6.3)"
DIGITS = "libcurl reads the digits in front and drops the rest (RFC 9110 8.6)"
OVERFLOW = "libcurl takes a length that is too long for it as none, and reads to the end"
SPACE = "libcurl trims; readers differ about white space beside what frames a message"
COLON = "libcurl doesn't see the field, others do (RFC 9112 5.1)"
CASE = "libcurl compares without case, as RFC 9112 7 says; a reader that doesn't would see another body"
STACK = "libcurl reads a list, or nothing, where one `chunked` must stand; only that has one reading"
OLD = "libcurl reads chunks; HTTP/1.0 has none (RFC 9112 6.1)"
BOTH_SAID = "libcurl lets the coding win; such an answer may be an attack (RFC 9112 6.3)"
LF = "libcurl ends lines at LF; readers differ (RFC 9112 2.2)"
CR = "libcurl keeps a bare CR; other readers end the line there (RFC 9112 2.2)"
MISFIT = "libcurl skips what stands behind the data up to a line's end; the chunk isn't what its size says"
# The other way round.
ZEROS = "libcurl counts digits, not what they are worth"

STATUS_LINES = {
    "plain": Row(framed()),
    "no phrase": Row(framed("HTTP/1.1 200 ")),
    "no phrase and no blank": Row(framed("HTTP/1.1 200")),
    "another phrase": Row(framed("HTTP/1.1 200 Fine, thank you")),
    "a phrase of bytes above 127": Row(framed("HTTP/1.1 200 d\xe9j\xe0 vu")),
    "a phrase with a TAB": Row(framed("HTTP/1.1 200 a\tb")),
    "a phrase of 2,000 bytes": Row(framed("HTTP/1.1 200 " + "x" * 2000)),
    "a phrase of 70,000 bytes": bad(framed("HTTP/1.1 200 " + "x" * 70000), why=LIMIT),
    "a phrase with a control byte": bad(framed("HTTP/1.1 200 a\x01b"), why=CONTROL),
    "a phrase with DEL": bad(framed("HTTP/1.1 200 a\x7fb"), why=CONTROL),
    "a phrase with NUL": bad(framed("HTTP/1.1 200 a\0b")),
    "two blanks before the status": bad(framed("HTTP/1.1  200 OK"), why=SCAN),
    "two blanks behind the status": Row(framed("HTTP/1.1 200  OK")),
    "TAB before the status": bad(framed("HTTP/1.1\t200 OK")),
    "TAB behind the status": bad(framed("HTTP/1.1 200\tOK"), why=SCAN),
    "no blank behind the status": bad(framed("HTTP/1.1 200OK"), why=SCAN),
    "two digits": bad(framed("HTTP/1.1 20 OK"), end="close"),
    "four digits": bad(framed("HTTP/1.1 2000 OK"), end="close"),
    "letters for digits": bad(framed("HTTP/1.1 2OO OK"), end="close"),
    "a signed status": bad(framed("HTTP/1.1 +200 OK"), end="close"),
    "a negative status": bad(framed("HTTP/1.1 -200 OK"), end="close"),
    "status 000": bad(framed("HTTP/1.1 000 OK"), end="close"),
    "status 099": bad(framed("HTTP/1.1 099 OK"), end="close"),
    "status 600": bad(framed("HTTP/1.1 600 OK"), why=RANGE),
    "status 999": bad(framed("HTTP/1.1 999 OK"), why=RANGE),
    "no status": bad(framed("HTTP/1.1 OK"), end="close"),
    "only a version": bad(framed("HTTP/1.1"), end="close"),
    "HTTP/1.0": Row(framed("HTTP/1.0 200 OK"), kept=False),
    "HTTP/1.0 that stays": Row(framed("HTTP/1.0 200 OK", "Connection: keep-alive\r\n")),
    "HTTP/1.2": bad(framed("HTTP/1.2 200 OK"), end="close"),
    "HTTP/1.10": bad(framed("HTTP/1.10 200 OK"), end="close"),
    "HTTP/1.01": bad(framed("HTTP/1.01 200 OK"), end="close"),
    "HTTP/01.1": bad(framed("HTTP/01.1 200 OK"), end="close"),
    "HTTP/0.9": bad(framed("HTTP/0.9 200 OK"), end="close"),
    "HTTP/2": bad(framed("HTTP/2 200"), end="close", why=VERSION),
    "HTTP/2.0": bad(framed("HTTP/2.0 200 OK"), end="close", why=VERSION),
    "HTTP/3": bad(framed("HTTP/3 200"), end="close"),
    "HTTP/1": bad(framed("HTTP/1 200 OK"), end="close"),
    "http in small letters": bad(framed("http/1.1 200 OK"), end="close", why=VERSION),
    "another protocol": bad(framed("ICY 200 OK"), end="close"),
    "a blank in front": bad(framed(" HTTP/1.1 200 OK"), end="close"),
    "a blank line in front": bad("\r\n" + framed(), end="close"),
    "a bare LF in front": bad("\n" + framed(), end="close"),
    "a byte order mark in front": bad("\xef\xbb\xbf" + framed(), end="close"),
    "a request": bad("GET / HTTP/1.1\r\nHost: x\r\n\r\n", end="close"),
    "no head at all": bad("hello, world\r\n\r\n", end="close"),
    "a TLS record": bad(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\n" * 4, end="close"),
}

STATUSES = {
    **{f"{status}": Row(framed(f"HTTP/1.1 {status} Any", "Content-Type: application/json\r\n"))
       for status in (201, 202, 203, 205, 206, 208, 226, 299, 300, 302, 307, 308, 400, 401, 402, 403, 404, 405, 407, 408,
                      409, 410, 411, 413, 414, 416, 417, 418, 421, 422, 426, 428, 429, 431, 451, 494, 499, 500, 501, 502,
                      503, 504, 505, 511, 599)},
    "302 elsewhere": Row(framed("HTTP/1.1 302 Found", "Location: https://127.0.0.1:1/x\r\n")),
    "401 with a challenge": Row(framed("HTTP/1.1 401 No", "WWW-Authenticate: Basic realm=\"x\"\r\n")),
    "503, later": Row(framed("HTTP/1.1 503 Busy", "Retry-After: 120\r\n")),
    "426 to HTTP/2": Row(framed("HTTP/1.1 426 Upgrade Required", "Upgrade: h2c\r\nConnection: Upgrade\r\n")),
}

HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"
GO_ON = "HTTP/1.1 100 Continue\r\n\r\n"
INTERIM = {
    "100 first": Row(GO_ON + framed()),
    "102 first": Row("HTTP/1.1 102 Processing\r\n\r\n" + framed()),
    "103 first": Row(HINTS + framed()),
    "199 first": Row("HTTP/1.1 199 Any\r\n\r\n" + framed()),
    "100 of HTTP/1.0 first": Row("HTTP/1.0 100 Continue\r\n\r\n" + framed()),
    "100, 102, 103, 103 first": Row(GO_ON + "HTTP/1.1 102 Processing\r\n\r\n" + HINTS * 2 + framed()),
    "eight first": Row(GO_ON * 8 + framed()),
    "nine first": bad(GO_ON * 9 + framed(), why=MANY),
    "100 with a length of 0": Row("HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n" + framed()),
    "100 with a length": bad("HTTP/1.1 100 Continue\r\nContent-Length: 17\r\n\r\n" + framed(), why=BODILESS),
    "100 with chunks": bad("HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n" + framed(), why=BODILESS),
    "100 with a close": Row("HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n" + framed()),
    "100 with a folded field": bad("HTTP/1.1 100 Continue\r\nX-A: b\r\n c\r\n\r\n" + framed(), why=FOLD),
    "100 with a field without a name": bad("HTTP/1.1 100 Continue\r\n: b\r\n\r\n" + framed(), why=NAME),
    "103 and another framing behind": Row("HTTP/1.1 103 Early Hints\r\nContent-Type: a/b\r\n\r\n" + chunks(f"11\r\n{BODY}\r\n0\r\n\r\n")),
    "100 and a bare 204": Row(GO_ON + "HTTP/1.1 204 No Content\r\n\r\n"),
    "100 and the end": Row(GO_ON, CLOSED, end="close"),
    "100 and the end, dropped": Row(GO_ON, CLOSED, end="drop"),
    "100 and half a head": Row(GO_ON + "HTTP/1.1 200 OK\r\nContent-", CLOSED, end="close", why=TORN),
    "101": bad("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", end="close"),
    "101 and an answer": bad("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n" + framed(), end="close", why=SWITCH),
    "101 without Upgrade": bad("HTTP/1.1 101 Switching Protocols\r\n\r\n" + framed(), end="close", why=SWITCH),
}

BARE = {
    "204": Row("HTTP/1.1 204 No Content\r\n\r\n"),
    "204 with a length of 0": Row(headed("Content-Length: 0", line="HTTP/1.1 204 No Content", body="")),
    "204 with a length": bad(headed("Content-Length: 17", line="HTTP/1.1 204 No Content", body=""), why=BODILESS),
    "204 with a length and a body": bad(framed("HTTP/1.1 204 No Content"), why=BODILESS),
    "204 with chunks": bad(headed("Transfer-Encoding: chunked", line="HTTP/1.1 204 No Content", body="0\r\n\r\n"), why=BODILESS),
    "204 with a body and no length": Row(headed(line="HTTP/1.1 204 No Content"), kept=False),
    "204 that closes": Row("HTTP/1.1 204 No Content\r\n\r\n", end="close"),
    "304": Row("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n"),
    "304 with the length of what it is about": Row(headed("Content-Length: 17", line="HTTP/1.1 304 Not Modified", body="")),
    "304 with a body": Row(framed("HTTP/1.1 304 Not Modified"), kept=False),
    "304 with a coding": Row(headed("Transfer-Encoding: chunked", line="HTTP/1.1 304 Not Modified", body="")),
    "304 with chunks": Row(headed("Transfer-Encoding: chunked", line="HTTP/1.1 304 Not Modified", body="0\r\n\r\n"), kept=False),
    "304 with two lengths": bad(headed("Content-Length: 1", "Content-Length: 2", line="HTTP/1.1 304 Not Modified", body=""), why=BODILESS),
    "205 without a body": Row(headed("Content-Length: 0", line="HTTP/1.1 205 Reset Content", body="")),
    "205 in chunks": Row(headed("Transfer-Encoding: chunked", line="HTTP/1.1 205 Reset Content", body="0\r\n\r\n")),
    "205 until the end": Row(headed(line="HTTP/1.1 205 Reset Content", body=""), end="close"),
    "200 without a body": Row(length(" 0", "")),
    "404 without a body": Row(headed("Content-Length: 0", line="HTTP/1.1 404 Not Found", body="")),
    "500 without a body": Row(headed("Content-Length: 0", line="HTTP/1.1 500 Oops", body="")),
    "HEAD: a length": Row(length(" 17", ""), method="HEAD"),
    "HEAD: a length of 0": Row(length(" 0", ""), method="HEAD"),
    "HEAD: a length of 10^18": Row(length(" 1000000000000000000", ""), method="HEAD"),
    "HEAD: a length and a body": Row(length(" 17"), method="HEAD", kept=False),
    "HEAD: chunks announced": Row(coded(" chunked", ""), method="HEAD"),
    "HEAD: chunks sent": Row(coded(" chunked"), method="HEAD", kept=False),
    "HEAD: no length": Row(headed(body=""), method="HEAD"),
    "HEAD: 404 with a length": Row(headed("Content-Length: 17", line="HTTP/1.1 404 Not Found", body=""), method="HEAD"),
    "HEAD: 204": Row("HTTP/1.1 204 No Content\r\n\r\n", method="HEAD"),
    "HEAD: 304 with a length": Row(headed("Content-Length: 17", line="HTTP/1.1 304 Not Modified", body=""), method="HEAD"),
    "HEAD: two lengths": bad(headed("Content-Length: 17", "Content-Length: 18", body=""), method="HEAD", why=BODILESS),
    "HEAD: a length and chunks": bad(headed("Content-Length: 17", "Transfer-Encoding: chunked", body=""), method="HEAD", why=BODILESS),
    "HEAD: a length that is none": bad(length(" x", ""), method="HEAD"),
    "HEAD: 100 first": Row(GO_ON + length(" 17", ""), method="HEAD"),
}

LENGTHS = {
    "20 digits": Row(length(" 00000000000000000017")),
    "21 digits": bad(length(" 000000000000000000017"), why=OVERFLOW),
    "no blank before it": Row(length("17")),
    "name in small letters": Row(headed("content-length: 17")),
    "name in capitals": Row(headed("CONTENT-LENGTH: 17")),
    "two equal": bad(headed("Content-Length: 17", "Content-Length: 17"), why=TWICE),
    "two equal, other letters": bad(headed("Content-Length: 17", "content-length: 17"), why=TWICE),
    "two, the first is shorter": bad(headed("Content-Length: 5", "Content-Length: 17"), why=TWICE),
    "two, the first is longer": bad(headed("Content-Length: 17", "Content-Length: 5"), why=TWICE),
    "three": bad(headed(*["Content-Length: 17"] * 3), why=TWICE),
    "a list": bad(length(" 17, 17"), why=DIGITS),
    "a list without blank": bad(length(" 17,17"), why=DIGITS),
    "a list of two lengths": bad(length(" 17, 18"), end="close", why=DIGITS),
    "a list that ends early": bad(length(" 17,"), why=DIGITS),
    "signed": bad(length(" +17"), why=DIGITS),
    "negative": bad(length(" -17"), end="close"),
    "minus 0": bad(length(" -0"), end="close"),
    "hexadecimal": bad(length(" 0x11"), end="close", why=DIGITS),
    "with a blank": bad(length(" 1 7"), end="close", why=DIGITS),
    "a blank behind": bad(length(" 17 "), why=SPACE),
    "a TAB behind": bad(length(" 17\t"), why=SPACE),
    "a TAB before": bad(length("\t17"), why=SPACE),
    "two blanks before": bad(length("  17"), why=SPACE),
    "VT before": bad(length(" \x0b17"), end="close"),
    "empty": bad(length(""), end="close"),
    "a blank": bad(length(" "), end="close"),
    "with a fraction": bad(length(" 17.0"), end="close", why=DIGITS),
    "with an exponent": bad(length(" 1e1"), end="close", why=DIGITS),
    "with a letter behind": bad(length(" 17a"), end="close", why=DIGITS),
    "with a semicolon behind": bad(length(" 17;"), end="close", why=DIGITS),
    "in quotes": bad(length(' "17"'), end="close"),
    "in other digits": bad(length(" \xef\xbc\x91\xef\xbc\x97"), end="close"),
    "with NUL": bad(length(" 17\0"), end="close"),
    "2^63": bad(length(" 9223372036854775808"), end="close", why=OVERFLOW),
    "2^64": bad(length(" 18446744073709551616"), end="close", why=OVERFLOW),
    "2^64 + 17": bad(length(" 18446744073709551633"), end="close", why=OVERFLOW),
    "2^128 + 17": bad(length(" 340282366920938463463374607431768211473"), end="close", why=OVERFLOW),
    "2^63 - 1": cut(length(" 9223372036854775807")),
    "a blank before the colon": bad(headed("Content-Length : 17"), end="close", why=COLON),
    "folded": bad(headed("Content-Length:\r\n 17")),
    "folded within": bad(headed("Content-Length: 1\r\n 7"), why=FOLD),
    "an underscore": bad(headed("Content_Length: 5"), end="close", why=UNDERSCORE),
    "another name": Row(headed("Content-Lengths: 5"), end="close"),
    "one byte too long": Row(framed() + "x", kept=False),
    "one byte too short, closed": cut(length(" 18")),
    "one byte too short, dropped": cut(length(" 18"), "drop"),
    "no byte, closed": cut(length(" 17", "")),
    "no byte, dropped": cut(length(" 17", ""), "drop"),
    "whole, closed": Row(framed(), end="close"),
    "whole, dropped": Row(framed(), end="drop"),
}

BOTH = f"11\r\n{BODY}\r\n0\r\n\r\n"
CODINGS = {
    "chunked": Row(coded(" chunked")),
    "chunked, no blank before it": Row(coded("chunked")),
    "Chunked": bad(coded(" Chunked"), why=CASE),
    "CHUNKED": bad(coded(" CHUNKED"), why=CASE),
    "name in small letters": Row(headed("transfer-encoding: chunked", body=BOTH)),
    "a blank behind": bad(coded(" chunked "), why=SPACE),
    "a TAB before": bad(coded("\tchunked"), why=SPACE),
    "VT before": bad(coded(" \x0bchunked"), end="close"),
    "twice": bad(headed("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=BOTH), why=STACK),
    "twice in a list": bad(coded(" chunked, chunked"), end="close", why=STACK),
    "twice, identity": bad(headed("Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=BOTH), why=STACK),
    "gzip, chunked": bad(coded(" gzip, chunked"), end="close"),
    "chunked, gzip": bad(coded(" chunked, gzip"), end="close"),
    "deflate, chunked": bad(coded(" deflate, chunked"), end="close"),
    "gzip": bad(coded(" gzip", BODY), end="close"),
    "identity": bad(coded(" identity", BODY), end="close", why=STACK),
    "identity and a length": bad(headed("Transfer-Encoding: identity", "Content-Length: 17"), end="close", why=STACK),
    "identity, chunked": bad(coded(" identity, chunked"), why=STACK),
    "chunked, identity": bad(coded(" chunked, identity"), why=STACK),
    "an unknown one": bad(coded(" xchunked"), end="close"),
    "with a parameter": bad(coded(" chunked;q=1")),
    "in quotes": bad(coded(' "chunked"'), end="close"),
    "empty": bad(coded("", BODY), end="close", why=STACK),
    "a list that ends early": bad(coded(" chunked,"), why=STACK),
    "a list that begins early": bad(coded(" ,chunked"), why=STACK),
    "folded": bad(coded("\r\n chunked"), end="close", why=FOLD),
    "with NUL": bad(coded(" chunked\0")),
    "a blank before the colon": bad(headed("Transfer-Encoding : chunked", body=BOTH), end="close", why=COLON),
    "of HTTP/1.0": bad(headed("Transfer-Encoding: chunked", line="HTTP/1.0 200 OK", body=BOTH), end="close", why=OLD),
    "behind a length": bad(headed("Content-Length: 17", "Transfer-Encoding: chunked", body=BOTH), why=BOTH_SAID),
    "before a length": bad(headed("Transfer-Encoding: chunked", "Content-Length: 17", body=BOTH), why=BOTH_SAID),
    "and a length of 0": bad(headed("Transfer-Encoding: chunked", "Content-Length: 0", body=BOTH), why=BOTH_SAID),
    "and the length of the chunks": bad(headed("Transfer-Encoding: chunked", f"Content-Length: {len(BOTH)}", body=BOTH), why=BOTH_SAID),
    "and a length that is none": bad(headed("Transfer-Encoding: chunked", "Content-Length: x", body=BOTH)),
    "TE is another field": Row(framed(fields="TE: chunked\r\n")),
}

CHUNKS = {
    "one": Row(chunks(BOTH)),
    "none": Row(chunks("0\r\n\r\n")),
    "of one byte each": Row(chunks("".join(f"1\r\n{c}\r\n" for c in '{"a":"bcdefghijk"}') + "0\r\n\r\n")),
    "capitals": Row(chunks("A\r\n0123456789\r\nF\r\n0123456789abcde\r\n0\r\n\r\n")),
    "small letters": Row(chunks("a\r\n0123456789\r\nf\r\n0123456789abcde\r\n0\r\n\r\n")),
    "zeros in front": Row(chunks(f"0000000000000011\r\n{BODY}\r\n000\r\n\r\n")),
    "17 zeros in front": Row(chunks("0" * 17 + f"11\r\n{BODY}\r\n0\r\n\r\n"), gives=BODY, why=ZEROS),
    "5,000 zeros in front": bad_body(chunks("0" * 5000 + f"11\r\n{BODY}\r\n0\r\n\r\n"), end="close"),
    "an extension": Row(chunks(f"11;a\r\n{BODY}\r\n0\r\n\r\n")),
    "an extension with a value": Row(chunks(f"11;a=b;c=\"d e\"\r\n{BODY}\r\n0;x=y\r\n\r\n")),
    "an extension of 5,000 bytes": bad_body(chunks(f"11;{'a' * 5000}\r\n{BODY}\r\n0\r\n\r\n"), why=LIMIT),
    "an extension with a control byte": bad_body(chunks(f"11;a\x01\r\n{BODY}\r\n0\r\n\r\n"), why=CONTROL),
    "an extension that ends with LF": bad_body(chunks(f"11;a\n{BODY}\r\n0\r\n\r\n"), why=LF),
    "an extension without a size": bad_body(chunks(f";a\r\n{BODY}\r\n0\r\n\r\n"), end="close"),
    "a blank behind the size": bad_body(chunks(f"11 \r\n{BODY}\r\n0\r\n\r\n"), why=SPACE),
    "a blank before the size": bad_body(chunks(f" 11\r\n{BODY}\r\n0\r\n\r\n"), end="close"),
    "a blank before an extension": bad_body(chunks(f"11 ;a\r\n{BODY}\r\n0\r\n\r\n"), why=SPACE),
    "0x": bad_body(chunks(f"0x11\r\n{BODY}\r\n0\r\n\r\n"), end="close"),
    "signed": bad_body(chunks(f"+11\r\n{BODY}\r\n0\r\n\r\n"), end="close"),
    "negative": bad_body(chunks(f"-11\r\n{BODY}\r\n0\r\n\r\n"), end="close"),
    "an empty size": bad_body(chunks(f"\r\n{BODY}\r\n0\r\n\r\n"), end="close"),
    "a size that is none": bad_body(chunks(f"g\r\n{BODY}\r\n0\r\n\r\n"), end="close"),
    "a letter behind the size": bad_body(chunks(f"11g\r\n{BODY}\r\n0\r\n\r\n"), end="close", why=DIGITS),
    "2^60": bad_body(chunks(f"1000000000000000\r\n{BODY}"), end="close"),
    "2^64 + 17": bad_body(chunks(f"10000000000000011\r\n{BODY}\r\n0\r\n\r\n"), end="close"),
    "2^64 - 1": bad_body(chunks(f"ffffffffffffffff\r\n{BODY}"), end="close"),
    "LF behind the size": bad_body(chunks(f"11\n{BODY}\r\n0\r\n\r\n"), why=LF),
    "LF behind the data": bad_body(chunks(f"11\r\n{BODY}\n0\r\n\r\n"), why=LF),
    "CR behind the size": bad_body(chunks(f"11\r{BODY}\r\n0\r\n\r\n"), end="close"),
    "CR behind the data": bad_body(chunks(f"11\r\n{BODY}\r0\r\n\r\n"), end="close"),
    "nothing behind the data": bad_body(chunks(f"11\r\n{BODY}0\r\n\r\n"), end="close"),
    "LF everywhere": bad_body(chunks(f"11\n{BODY}\n0\n\n"), why=LF),
    "LF behind the last size": bad_body(chunks(f"11\r\n{BODY}\r\n0\n\r\n"), why=LF),
    "LF at the end": bad_body(chunks(f"11\r\n{BODY}\r\n0\r\n\n"), why=LF),
    "more data than the size": bad_body(chunks(f"10\r\n{BODY}\r\n0\r\n\r\n"), end="close"),
    "less data than the size": bad_body(chunks(f"12\r\n{BODY}\r\n0\r\n\r\n"), end="close", why=MISFIT),
    "less data than the size, the end within": cut(chunks(f"20\r\n{BODY}\r\n0\r\n\r\n")),
    "a trailer": Row(chunks(f"11\r\n{BODY}\r\n0\r\nX-Sum: 1\r\n\r\n")),
    "50 trailers": Row(chunks(f"11\r\n{BODY}\r\n0\r\n" + "X-Sum: 1\r\n" * 50 + "\r\n")),
    "a trailer that frames": Row(chunks(f"11\r\n{BODY}\r\n0\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\n")),
    "trailers of 9,000 bytes": bad_body(chunks(f"11\r\n{BODY}\r\n0\r\nX-Sum: {'1' * 9000}\r\n\r\n")),
    "a trailer without colon": bad_body(chunks(f"11\r\n{BODY}\r\n0\r\nhello\r\n\r\n")),
    "a trailer without name": bad_body(chunks(f"11\r\n{BODY}\r\n0\r\n: x\r\n\r\n"), why=NAME),
    "a folded trailer": bad_body(chunks(f"11\r\n{BODY}\r\n0\r\nX: y\r\n z\r\n\r\n"), why=FOLD),
    "a trailer with a control byte": bad_body(chunks(f"11\r\n{BODY}\r\n0\r\nX: \x01\r\n\r\n"), why=CONTROL),
    "a trailer that ends with LF": bad_body(chunks(f"11\r\n{BODY}\r\n0\r\nX: y\n\r\n"), why=LF),
    "two ends": Row(chunks(f"11\r\n{BODY}\r\n0\r\n\r\n0\r\n\r\n"), kept=False),
    "no last chunk": cut(chunks(f"11\r\n{BODY}\r\n")),
    "no last chunk, dropped": cut(chunks(f"11\r\n{BODY}\r\n"), "drop"),
    "half a last chunk": cut(chunks(f"11\r\n{BODY}\r\n0")),
    "no line behind the last chunk": cut(chunks(f"11\r\n{BODY}\r\n0\r\n")),
    "no line behind the last chunk, dropped": cut(chunks(f"11\r\n{BODY}\r\n0\r\n"), "drop"),
    "half a line behind the last chunk": cut(chunks(f"11\r\n{BODY}\r\n0\r\n\r"), why=TORN),
    "the end within a trailer": cut(chunks(f"11\r\n{BODY}\r\n0\r\nX: y")),
    "the end within the data": cut(chunks(f"11\r\n{BODY[:9]}")),
    "the end within the data, dropped": cut(chunks(f"11\r\n{BODY[:9]}"), "drop"),
    "the end within the size": cut(chunks("1")),
    "the end before the first": cut(chunks("")),
    "whole, closed": Row(chunks(BOTH), end="close"),
    "whole, dropped": Row(chunks(BOTH), end="drop"),
}

BIG = "x" * 300000
ENDS = {
    "until the end": Row(headed(), end="close"),
    "until the end, dropped": cut(headed(), "drop"),
    "until the end, nothing": Row(headed(body=""), end="close"),
    "until the end, nothing, dropped": cut(headed(body=""), "drop"),
    "until the end, 300,000 bytes": Row(headed(body=BIG), end="close"),
    "until the end, 300,000 bytes, dropped": cut(headed(body=BIG), "drop"),
    "until the end, of HTTP/1.0": Row(headed(line="HTTP/1.0 200 OK"), end="close"),
    "until the end, of HTTP/1.0, dropped": cut(headed(line="HTTP/1.0 200 OK"), "drop"),
    "until the end, which looks like chunks": Row(headed(body=BOTH), end="close"),
    "says close": Row(framed(fields="Connection: close\r\n"), kept=False),
    "says close in capitals": Row(framed(fields="Connection: CLOSE\r\n"), kept=False),
    "says close in a list": Row(framed(fields="Connection: keep-alive, x , close\r\n"), kept=False),
    "says close in a second field": Row(framed(fields="Connection: keep-alive\r\nConnection: close\r\n"), kept=False),
    "says close in chunks": Row(chunks(BOTH, "Connection: close"), kept=False),
    "says close and closes": Row(framed(fields="Connection: close\r\n"), end="close"),
    "says keep-alive": Row(framed(fields="Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n")),
    "nothing, closed": Row("", CLOSED, end="close"),
    "nothing, dropped": Row("", CLOSED, end="drop"),
    "nothing, reset": Row("", CLOSED, end="reset"),
    "half a status line": Row("HTTP/1.1 20", CLOSED, end="close"),
    "half a status line, dropped": Row("HTTP/1.1 20", CLOSED, end="drop"),
    "a status line": Row("HTTP/1.1 200 OK\r\n", CLOSED, end="close", why=TORN),
    "half a field": Row("HTTP/1.1 200 OK\r\nContent-Le", CLOSED, end="close", why=TORN),
    "half a field, dropped": Row("HTTP/1.1 200 OK\r\nContent-Le", CLOSED, end="drop"),
    "no blank line": Row("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", CLOSED, end="close", why=TORN),
    "no blank line, dropped": Row("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", CLOSED, end="drop"),
    "half a blank line": Row("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r", CLOSED, end="close", why=TORN),
    "two answers": Row(framed() + framed(body='{"id":"poison"}'), kept=False),
    "two answers, bare": Row("HTTP/1.1 204 No\r\n\r\n" + framed(body='{"id":"poison"}'), kept=False),
    "two answers in chunks": Row(chunks(BOTH) + chunks(BOTH), kept=False),
    "an interim answer behind": Row(framed() + GO_ON, kept=False),
    "a line end behind": Row(framed() + "\r\n", kept=False),
    "a byte behind": Row(framed() + "\0", kept=False),
    "100,000 bytes behind": Row(framed() + "x" * 100000, kept=False),
    "early": Row(framed(), early=True, kept=None),
    "early, a refusal that closes": Row(framed("HTTP/1.1 413 No", "Connection: close\r\n"), early=True, kept=False),
    "early, broken": bad(framed("HTTP/1.1 2000 OK"), early=True),
    "one byte at a time": Row(framed(), drip=True),
    "one byte at a time, chunks": Row(chunks("".join(f"1\r\n{c}\r\n" for c in '{"a":1}') + "0\r\nX: y\r\n\r\n"), drip=True),
    "one byte at a time, interim": Row(GO_ON + HINTS + framed(), drip=True),
    "one byte at a time, broken": bad_body(chunks("1\r\nx\r\n1 \r\nx\r\n0\r\n\r\n"), drip=True, why=SPACE),
    "one byte at a time, cut": cut(length(" 18"), drip=True),
    "one byte at a time, until the end": Row(headed(), end="close", drip=True),
}

FIELDS = {
    "many": Row(framed(fields="".join(f"X-{n}: {n}\r\n" for n in range(127)))),
    "one too many": bad(framed(fields="".join(f"X-{n}: {n}\r\n" for n in range(128))), why=LIMIT),
    "2,000": bad(framed(fields="X: y\r\n" * 2000), why=LIMIT),
    "a value of 32 KB": Row(framed(fields=f"X-A: {'a' * 32768}\r\n")),
    "a value of 32 KB and a byte": bad(framed(fields=f"X-A: {'a' * 32769}\r\n"), why=LIMIT),
    "a head of 64 KB": Row(headed_of(65536)),
    "a head of 64 KB and a byte": bad(headed_of(65537), why=LIMIT),
    "a head of 1 MB": bad(framed(fields=f"X-A: {'a' * 1048576}\r\n")),
    "a name of 300 bytes": Row(framed(fields=f"{'X' * 300}: a\r\n")),
    "a name of 9,000 bytes": Row(framed(fields=f"{'X' * 9000}: a\r\n")),
    "a name of odd letters": Row(framed(fields="!#$%&'*+-.^`|~: a\r\n")),
    "a name with an underscore": bad(framed(fields="X_A: a\r\n"), why=UNDERSCORE),
    "an empty value": Row(framed(fields="X-A:\r\n")),
    "a value of blanks": Row(framed(fields="X-A: \t \r\n")),
    "a value with blanks around": Row(framed(fields="X-A: \t a \tb \t\r\n")),
    "a value of bytes above 127": Row(framed(fields="X-A: \xe4\xff\x80\r\n")),
    "the same one twice": Row(framed(fields="Set-Cookie: a=b\r\nSet-Cookie: a=c\r\nX-A: 1\r\nx-a: 2\r\n")),
    "ours from the cloud": Row(framed(fields="Postern-Id: x\r\nPostern-Decision: rewrite\r\npostern-x: y\r\n")),
    "hop by hop": Row(framed(fields="Keep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nTrailer: X\r\nUpgrade: h2c\r\n")),
    "a date": Row(framed(fields="Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n")),
    "folded with a blank": bad(framed(fields="X-A: b\r\n c\r\n"), why=FOLD),
    "folded with a TAB": bad(framed(fields="X-A: b\r\n\tc\r\n"), why=FOLD),
    "folded at once": bad(framed(fields="X-A:\r\n b\r\n"), why=FOLD),
    "folded to nothing": bad(framed(fields="X-A: b\r\n \r\n"), why=FOLD),
    "the first is folded": bad(framed(fields=" X-A: b\r\n")),
    "LF behind one": bad(framed(fields="X-A: b\n"), why=LF),
    "LF behind the status line": bad("HTTP/1.1 200 OK\nContent-Length: 17\r\n\r\n" + BODY, why=LF),
    "LF behind all": bad(f"HTTP/1.1 200 OK\nContent-Length: 17\n\n{BODY}", why=LF),
    "LF at the end": bad(f"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\n{BODY}", why=LF),
    "CR within": bad(framed(fields="X-A: b\rX-B: c\r\n"), why=CR),
    "CR twice at the end": bad(framed(fields="X-A: b\r\r\n"), why=CR),
    "CR only": bad(f"HTTP/1.1 200 OK\rContent-Length: 17\r\r{BODY}", end="close"),
    "CR within, a length behind": bad(headed("X-A: b\rContent-Length: 5", "Content-Length: 17"), why=CR),
    "NUL in a value": bad(framed(fields="X-A: b\0c\r\n")),
    "NUL in a name": bad(framed(fields="X\0A: b\r\n")),
    "a control byte in a value": bad(framed(fields="X-A: b\x01c\r\n"), why=CONTROL),
    "ESC in a value": bad(framed(fields="X-A: \x1b[2J\r\n"), why=CONTROL),
    "DEL in a value": bad(framed(fields="X-A: b\x7fc\r\n"), why=CONTROL),
    "no colon": bad(framed(fields="X-A\r\n")),
    "no name": bad(framed(fields=": b\r\n"), why=NAME),
    "a blank in the name": bad(framed(fields="X A: b\r\n"), why=NAME),
    "a blank before the colon": bad(framed(fields="X-A : b\r\n"), why=NAME),
    "a TAB before the colon": bad(framed(fields="X-A\t: b\r\n"), why=NAME),
    "a byte above 127 in the name": bad(framed(fields="X-\xe4: b\r\n"), why=NAME),
    "brackets in the name": bad(framed(fields="X(A): b\r\n"), why=NAME),
    "quotes around the name": bad(framed(fields='"X-A": b\r\n'), why=NAME),
}

BODIES = {
    "packed": Row(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" %
                  ((lambda packed: (len(packed), packed))(gzip.compress(b'{"id":"packed"}', mtime=0)))),
    "said to be packed": Row(framed(fields="Content-Encoding: gzip\r\n")),
    "a coding that nobody knows": Row(framed(fields="Content-Encoding: x-none\r\n")),
    "every byte": Row(b"HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\n" + bytes(range(256))),
    "300,000 bytes": Row(framed(body=BIG)),
    "300,000 bytes in chunks": Row(chunks("493e0\r\n" + BIG + "\r\n0\r\n\r\n")),
    "not JSON": Row(framed(body="welcome")),
    "JSON and more": Row(framed(body=BODY + "x")),
    "an id that is a number": Row(framed(body='{"id":1}')),
    "an empty id": Row(framed(body='{"id":""}')),
    "no id": Row(framed(body="{}")),
    "a list": Row(framed(body='[{"id":"x"}]')),
    "an error in a 200": Row(framed(body='{"error_code":"ModelArts.1","error_msg":"no"}')),
    "of another type": Row(framed(fields="Content-Type: text/html\r\n", body="<html>hello</html>")),
    "one range of many": Row(framed("HTTP/1.1 206 Partial Content", "Content-Range: bytes 0-16/100\r\n")),
    "4 MB and a byte": Row(framed(body="x" * (4194304 + 1)), lost="the answer is larger than limits.answer", kept=None),
}

GROUPS = {
    "status line": STATUS_LINES, "status": STATUSES, "interim": INTERIM, "bare": BARE, "length": LENGTHS,
    "coding": CODINGS, "chunks": CHUNKS, "end": ENDS, "fields": FIELDS, "body": BODIES,
}
