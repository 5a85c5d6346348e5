# SPDX-License-Identifier: Apache-2.0
"""Canaries: secrets that stand nowhere else, and the search for them in whatever was written.

A text holds a canary when it holds PART of its characters in a row, as they are, in hex, in Base64 or as %XX, \\xXX or
\\u00XX: half a secret is a leak, too."""

import base64
import re
import secrets
import string
import urllib.parse

PART = 12
_LETTERS = string.ascii_letters + string.digits
_ESCAPED = re.compile(rb"\\x([0-9a-fA-F]{2})|\\u00([0-9a-fA-F]{2})")


def _parts(data):
    return {data[at:at + PART] for at in range(len(data) - PART + 1)}


def _forms(secret):
    """Each way in which its bytes could be written."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for shift in range(3):  # a Base64 text of something around it; the ends depend on what that is
        for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * shift + secret).rstrip(b"=")[4 if shift else 0:-4]


def _readings(data):
    """The bytes, and what they are without escapes."""
    yield data
    if b"%" in data:
        yield urllib.parse.unquote_to_bytes(data)
    if b"\\" in data:
        yield _ESCAPED.sub(lambda m: bytes([int(m[1] or m[2], 16)]), data)


class Canaries:
    def __init__(self):
        self.names = {}
        self._by_part = {}

    def new(self, name, size=32):
        """A word of letters and digits, known by a name."""
        return self.add(name, "".join(secrets.choice(_LETTERS) for _ in range(size)))

    def add(self, name, secret):
        """A secret of another form, such as a token; returns it."""
        assert len(secret) >= 2 * PART and name not in self.names, name
        self.names[name] = secret
        for form in _forms(secret.encode()):
            for part in _parts(form):
                self._by_part.setdefault(part, name)
        return secret

    def found(self, data):
        """{name: the part that stands there} of those in the bytes."""
        found = {}
        for text in _readings(data):
            for at in range(len(text) - PART + 1):
                name = self._by_part.get(text[at:at + PART])
                if name is not None and name not in found:
                    found[name] = text[max(0, at - 80):at + 40]
        return found

    def search(self, written):
        """written: {where: bytes}. What stands where, for a message."""
        return [f"{where}: {name}: {part!r}" for where, data in written.items()
                for name, part in self.found(data).items()]
