# SPDX-License-Identifier: Apache-2.0
"""A journal's folder as lists of lines, to tamper with."""

import hashlib
import json
import pathlib
import re


class Trail:
    """segments: [[seq of the name, [line without its LF]]], in order."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.segments = [[int(path.name[:20]), path.read_bytes().split(b"\n")[:-1]]
                         for path in sorted(self.folder.glob("*.jsonl"))]

    def save(self, end=b"\n"):
        """end: of the very last line."""
        for path in self.folder.glob("*.jsonl"):
            path.unlink()
        for at, (seq, lines) in enumerate(self.segments):
            last = end if at == len(self.segments) - 1 else b"\n"
            (self.folder / self.name(at)).write_bytes(b"\n".join(lines) + (last if lines else b""))

    def name(self, segment):
        return f"{self.segments[segment][0]:020d}.jsonl"

    def lines(self, segment):
        return self.segments[segment][1]

    def find(self, segment, event, start=100, **members):
        """The index of the first line of that event from `start` on."""
        for at in range(start, len(self.lines(segment))):
            row = json.loads(self.lines(segment)[at])
            if row["event"] == event and all(row.get(key) == value for key, value in members.items()):
                return at
        raise AssertionError(f"no {event} with {members}")

    def change(self, segment, at, old, new):
        before = self.lines(segment)[at]
        self.lines(segment)[at] = before.replace(old, new, 1)
        assert before != self.lines(segment)[at], (before, old)

    def rechain(self, sign=None):
        """Computes seq, prev and the heads of seals anew over all; segments are named by what came out. sign: gives
        the key and the signature of a seal, else they stay."""
        prev, seq = b"0" * 64, 0
        for segment in self.segments:
            segment[0] = seq + 1
            for at, line in enumerate(segment[1]):
                seq += 1
                line = re.sub(rb'"seq":\d+,"prev":"[0-9a-f]*"', b'"seq":%d,"prev":"%s"' % (seq, prev), line, count=1)
                line = re.sub(rb'"head":"[0-9a-f]*"', b'"head":"%s"' % prev, line, count=1)
                if sign is not None and b'"event":"seal"' in line:
                    line = sign(line)
                segment[1][at] = line
                prev = hashlib.sha256(line).hexdigest().encode()

    def seals(self):
        return [line for _, lines in self.segments for line in lines if b'"event":"seal"' in line]
