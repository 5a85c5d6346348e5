# SPDX-License-Identifier: Apache-2.0
"""What a request to the cloud may look like, byte for byte: canonical, so that no reader has to interpret it. Knows
nothing of the gateway's own parser or tables."""

import re

_LINE = re.compile(rb"([A-Z-]{1,32}) (/[\x21-\x22\x24-\x7e]*) HTTP/1\.1\Z")
_FIELD = re.compile(rb"([A-Za-z0-9-]+): ((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)\Z")
_LENGTH = re.compile(r"(0|[1-9][0-9]{0,17})\Z")
_CHUNK = re.compile(rb"([1-9a-f][0-9a-f]{0,15})\r\n")

JUDGED = {"host", "content-length", "content-type", "accept", "accept-language", "user-agent", "x-auth-token",
    "authorization",
          "x-project-id", "x-domain-id", "x-language"}
STREAMED = JUDGED | {"transfer-encoding", "accept-encoding", "content-encoding", "content-language", "content-disposition",
                     "content-md5", "cache-control", "if-match", "if-none-match", "if-modified-since",
                     "if-unmodified-since", "if-range", "range", "x-subject-token", "x-security-token"}
LISTS = {"accept", "accept-language", "accept-encoding", "content-encoding", "content-language", "cache-control",
    "if-match",
         "if-none-match"}
WORDS = ("x-auth-token", "x-project-id", "x-domain-id", "content-length", "transfer-encoding", "host")


def fields_of(head):
    """[(name in small letters, value)] of a head that is canonical."""
    assert head.endswith(b"\r\n\r\n") and head.count(b"\r\n\r\n") == 1, head
    lines = head[:-4].split(b"\r\n")
    assert _LINE.match(lines[0]), lines[0]
    fields = []
    for line in lines[1:]:
        match = _FIELD.match(line)
        assert match, line
        fields.append((match[1].decode().lower(), match[2].decode("latin-1")))
    return fields


def _unchunk(raw, complete):
    """The data of chunks as we write them: no zero in front, no capitals, no extension, no trailer."""
    data, at = b"", 0
    while match := _CHUNK.match(raw, at):
        end = match.end() + int(match[1], 16)
        data += raw[match.end():end]
        assert raw[end:end + 2] == b"\r\n" or not complete, raw[at:at + 80]
        at = end + 2
    assert not complete or raw[at:] == b"0\r\n\r\n", raw[at:]
    return data


def _check_framing(request, fields):
    raw = request.raw_body
    length, coding = fields.get("content-length"), fields.get("transfer-encoding")
    assert length is None or coding is None, "framed twice"
    if request.method in ("GET", "HEAD"):
        assert coding is None and length in (None, "0"), "a body of a method that has none"
    if coding is not None:
        assert coding == "chunked", coding
        assert not request.complete or _unchunk(raw, True) == request.body
    elif length is not None:
        assert _LENGTH.match(length), length
        assert int(length) == len(raw) if request.complete else int(length) >= len(raw), (length, raw)
    else:
        assert raw == b"", raw


def check_strict(request, host, judged=False):
    """A request as the cloud received it. host: of the cloud. Gives its fields."""
    pairs = fields_of(request.head)
    names = [name for name, _ in pairs]
    assert names[0] == "host" and dict(pairs)["host"] == host, pairs[0]
    stray = set(names) - (JUDGED if judged else STREAMED)
    assert not stray, f"not in the list: {stray}"
    twice = {name for name in names if names.count(name) > 1} - LISTS
    assert not twice, f"more than once: {twice}"
    fields = dict(pairs)
    for name in WORDS:
        assert not re.search(r"[\s,]", fields.get(name, "")), (name, fields[name])
    assert not ("x-auth-token" in fields and "authorization" in fields), "two identities"
    if judged:
        assert "content-length" in fields and fields["content-type"].lower().startswith("application/json")
    _check_framing(request, fields)
    return fields
