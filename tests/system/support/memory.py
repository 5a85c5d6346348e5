# SPDX-License-Identifier: Apache-2.0
"""How much memory a process has. A sanitizer keeps freed memory back to find later uses of it: a gateway whose memory
is looked at is started with FREES in its environment, so that it keeps little."""

import os
import re

FREES = {"ASAN_OPTIONS": ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1"
                                                ":thread_local_quarantine_size_kb=64"]))}


def _kb(process, name):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return int(re.search(rf"{name}:\s+(\d+) kB", file.read())[1])


def resident_kb(process):
    return _kb(process, "VmRSS")


def peak_kb(process):
    """The most that it ever had."""
    return _kb(process, "VmHWM")
