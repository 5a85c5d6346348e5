# SPDX-License-Identifier: Apache-2.0
"""Processes under measurement: started on one core, ended by their own id, read from /proc."""

import contextlib
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_port(port, process, seconds=20):
    """Until somebody listens, or the process has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args[0]} does not listen on port {port}")


class Daemon:
    """One process and its children, on one core."""

    def __init__(self, name, command, core, log, port=None, environment=None, pass_fds=()):
        self.name, self.port, self.log = name, port, log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, pass_fds=pass_fds,
                env={**os.environ, **(environment or {})}, preexec_fn=lambda: os.sched_setaffinity(0, {core}))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def pids(self):
        found = [self.process.pid]
        for pid in found:
            for tasks in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, tasks.read_text().split())
        return found

    def cpu_ns(self):
        """On-CPU nanoseconds of all threads of all processes."""
        return sum(int(path.read_text().split()[0]) for pid in self.pids()
                   for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))

    def user_system(self):
        """User and system time in seconds; coarser than cpu_ns()."""
        fields = [pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.pids()]
        return sum(int(f[11]) for f in fields) / TICKS, sum(int(f[12]) for f in fields) / TICKS

    def memory_kb(self):
        """Resident memory and, of it, what isn't mapped from files."""
        total = anonymous = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
                elif line.startswith("RssAnon:"):
                    anonymous += int(line.split()[1])
        return total, anonymous


def start_postern(name, binary, settings, core, log):
    """Postern tells its ports when it is ready."""
    reader, writer = os.pipe()
    daemon = Daemon(name, [str(binary), "serve", "-c", str(settings)], core, log,
                    environment={"POSTERN_READY_FD": str(writer)}, pass_fds=(writer,))
    os.close(writer)
    with os.fdopen(reader) as ready:
        line = ready.readline() if select.select([ready], [], [], 20)[0] else ""
    if not line:
        daemon.stop()
        raise RuntimeError(f"{name} does not start: " + pathlib.Path(log).read_text()[-2000:])
    daemon.port = int(json.loads(line)["listen"][0].rpartition(":")[2])
    return daemon


class Load:
    """The load generator, on a core of its own."""

    def __init__(self, binary, core):
        self.binary, self.core, self.next = str(binary), core, 1

    def _command(self, port, files, connections, requests, *more):
        first, self.next = self.next, self.next + requests
        return [self.binary, "--port", str(port), "--connections", str(connections), "--requests", str(requests),
                "--first", str(first), *more, *map(str, files)]

    def _pin(self):
        os.sched_setaffinity(0, {self.core})

    def run(self, port, files, connections, requests):
        """Sends so many requests; anything but 2xx answers is an error."""
        done = subprocess.run(self._command(port, files, connections, requests), capture_output=True, text=True,
                              check=False, preexec_fn=self._pin)
        if done.returncode != 0:
            raise RuntimeError(f"load ended with {done.returncode}: {done.stderr[-1500:]}")
        result = json.loads(done.stdout)
        if result["bad"]:
            raise RuntimeError(f"{result['bad']} answers were not 2xx: {done.stderr[-1500:]}")
        return result

    @contextlib.contextmanager
    def idle(self, port, files, connections):
        """So many connections that have had one answer and stay open."""
        holder = subprocess.Popen(self._command(port, files, connections, connections, "--hold"),
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=self._pin)
        try:
            if not holder.stdout.readline():
                raise RuntimeError("the idle connections could not be made")
            yield
        finally:
            holder.stdin.close()
            holder.wait()
            holder.stdout.close()
