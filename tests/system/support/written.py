# SPDX-License-Identifier: Apache-2.0
"""A journal written by a test: lines of its own, in a chain that verifies."""

import hashlib
import json
import pathlib

TIME = "2026-03-01T10:00:00.000000Z"


def raw(line):
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode()


def write_journal(folder, segments, checkpoint=None):
    """segments: lists of lines without v, seq and prev; each gets a checkpoint in front, with what else `checkpoint`
    says. The lines as bytes, of all segments."""
    folder = pathlib.Path(folder)
    folder.mkdir(mode=0o700, exist_ok=True)
    made, before = [], "0" * 64
    for rows in segments:
        first = len(made) + 1
        rows = [{"time": TIME, "event": "checkpoint", **(checkpoint or {}), "open": []}, *rows]
        part = []
        for row in rows:
            line = raw({"v": 1, "seq": len(made) + len(part) + 1, "prev": before, "time": TIME, **row})
            part.append(line)
            before = hashlib.sha256(line).hexdigest()
        (folder / f"{first:020d}.jsonl").write_bytes(b"".join(line + b"\n" for line in part))
        made += part
    return made


def without_open(line):
    """As a line goes to others."""
    row = json.loads(line)
    return raw({name: value for name, value in row.items() if name != "open"}) if row["event"] == "checkpoint" else line
