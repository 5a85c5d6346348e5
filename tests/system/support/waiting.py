# SPDX-License-Identifier: Apache-2.0
"""The one way in which a test waits: for a condition, with a deadline."""

import threading
import time

TIMEOUT_S = 20.0
_pause = threading.Event()


def wait_for(condition, what="the condition", timeout=TIMEOUT_S):
    """The first true value of condition(); fails when the deadline passes."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what}")
        _pause.wait(0.01)
