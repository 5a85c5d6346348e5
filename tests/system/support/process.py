# SPDX-License-Identifier: Apache-2.0
"""Processes of a test: started with their stderr read as it comes, ended by their own id."""

import os
import pathlib
import re
import select
import signal
import subprocess
import threading

from support.waiting import wait_for

_SANITIZER = re.compile(r"ERROR: (Address|Leak|Memory)Sanitizer|runtime error:|WARNING: ThreadSanitizer|"
                        r"SUMMARY: \w+Sanitizer")


def sanitizer_report(text):
    """The first line of a sanitizer's report, or None."""
    found = _SANITIZER.search(text)
    return None if found is None else text[found.start():].splitlines()[0]


def environment(**more):
    """Only what a program needs: tests must not depend on who runs them."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "ASAN_OPTIONS",
                                                "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS") if name in os.environ}
    kept["LC_ALL"] = "C.UTF-8"
    kept.update(more)
    return kept


class Process:
    """A running program. Its stderr is kept whole: whoever asks for it gets all that was written before."""

    def __init__(self, name, args, cwd=None, env=None, pass_fds=(), stdout=subprocess.DEVNULL):
        self.name = name
        self.popen = subprocess.Popen(args, cwd=cwd, env=env or environment(), pass_fds=pass_fds,
                                      stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)
        os.set_blocking(self.popen.stderr.fileno(), False)
        self._said, self._has_ended = bytearray(), False
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _take(self):
        """With the lock: all that is in the pipe."""
        while not self._has_ended:
            try:
                data = os.read(self.popen.stderr.fileno(), 65536)
            except BlockingIOError:
                return
            self._said += data
            self._has_ended = not data

    def _read(self):
        poll = select.poll()  # a test may have more descriptors open than select takes
        poll.register(self.popen.stderr, select.POLLIN)
        while not self._has_ended:
            poll.poll()
            with self._lock:
                self._take()

    @property
    def pid(self):
        return self.popen.pid

    @property
    def stderr(self):
        with self._lock:
            self._take()
            return self._said.decode("utf-8", "backslashreplace")

    @property
    def running(self):
        return self.popen.poll() is None

    def wait_stderr(self, text, timeout=20.0):
        """Waits until `text` stands in stderr."""
        wait_for(lambda: text in self.stderr or not self.running, f"{text!r} on stderr of {self.name}", timeout)
        assert text in self.stderr, f"{self.name} ended without saying {text!r}:\n{self.stderr}"

    def signal(self, number):
        if self.running:
            os.kill(self.pid, number)

    @property
    def stopped(self):
        """None of its threads runs on before CONT."""
        try:
            texts = [path.read_text() for path in pathlib.Path(f"/proc/{self.pid}/task").glob("*/stat")]
        except (FileNotFoundError, ProcessLookupError):  # one that ended just now
            return False
        return {text.rsplit(")", 1)[1].split()[0] for text in texts} == {"T"}

    def pause(self):
        """It does nothing more until go_on()."""
        self.signal(signal.SIGSTOP)
        wait_for(lambda: self.stopped, f"{self.name} to stop")

    def go_on(self):
        self.signal(signal.SIGCONT)

    def wait(self, timeout=30.0):
        """Its exit status, when it has ended and all of stderr is here."""
        status = self.popen.wait(timeout)
        self._reader.join(timeout)
        return status

    def stop(self, timeout=30.0):
        """TERM, then wait; KILL if it doesn't end. Its exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end after TERM:\n{self.stderr}") from None

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()

    def finish(self):
        """Ends it as an operator would, if it still runs; what was wrong with that."""
        if not self.running:
            return []
        try:
            status = self.stop()
        except AssertionError as error:
            return [str(error)]
        return [] if status == 0 else [f"{self.name} ended with status {status}"]

    def close(self):
        """For the end of a test: no process stays."""
        if self.running:
            self.popen.kill()
            self.wait()
        if self.popen.stdout is not None:
            self.popen.stdout.close()
        self._reader.join(5)
        with self._lock:
            self._has_ended = True
            self.popen.stderr.close()


def end_all(processes):
    """Ends them; what was wrong with that, and what a sanitizer said."""
    reports = []
    for process in sorted(processes, key=lambda p: p.name):  # the cloud first: nothing is under way any more
        reports += process.finish()
        process.close()
        reports += [f"{process.name}: {r}" for r in [sanitizer_report(process.stderr)] if r]
    return reports
