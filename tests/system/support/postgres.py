# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of a test's own: on a Unix socket in a private folder, without TCP, with fsync."""

import contextlib
import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from support.process import Process, environment
from support.waiting import wait_for


def _programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: int(p.split("/")[4]))
    path = found[-1] if found else shutil.which("initdb")
    assert path, "PostgreSQL's server is not installed (package postgresql)"
    return pathlib.Path(path).parent


def _unprivileged():
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("there is no user that may run a PostgreSQL server")


class Postgres:
    """One server. `url()` names it; it is stopped, killed and started as a test wants."""

    def __init__(self):
        self._programs = _programs()
        self._user = _unprivileged()
        # Socket paths are short: no folder of pytest's.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pg-"))
        self.data = self.folder / "data"
        if self._user:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "-D", self.data, "-U", "postern", "-A", "trust", "-E", "UTF8", "--locale=C")
        self.process = None
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def _as_user(self):
        user = self._user
        return [] if user is None else ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]

    def _run(self, program, *args, text=None):
        done = subprocess.run([*self._as_user(), str(self._programs / program), *map(str, args)], input=text,
                              capture_output=True, text=True, cwd="/", env=environment(), timeout=120, check=False)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self):
        options = ["-D", self.data, "-k", self.folder, "-h", "", "-c", "fsync=on", "-c", "shared_buffers=16MB",
                   "-c", "max_connections=40", "-c", "log_min_messages=fatal"]
        self.process = Process("postgres", [*self._as_user(), str(self._programs / "postgres"), *map(str, options)],
                               cwd="/")
        wait_for(self._answers, "PostgreSQL to answer", 60)

    def _answers(self):
        assert self.process.running, f"PostgreSQL ended:\n{self.process.stderr}"
        done = subprocess.run([str(self._programs / "pg_isready"), "-q", "-h", str(self.folder)], cwd="/",
                              env=environment(), timeout=20, check=False)
        return done.returncode == 0

    def stop(self, kind=signal.SIGINT):
        """SIGINT: open connections are cut. SIGQUIT: as after a loss of power."""
        self.process.signal(kind)
        self.process.wait(60)
        self.process.close()

    def restart(self, kind=signal.SIGINT):
        self.stop(kind)
        self.start()

    def pause(self):
        """Every process of the server hangs. It first, so that no other one begins."""
        self._signal_all(signal.SIGSTOP)

    def resume(self):
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number):
        self.process.signal(number)
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in map(int, children):
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, number)

    def sql(self, text, database="postgres"):
        """Rows as lists of texts."""
        out = self._run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postern", "-d",
                        database, "-f", "-", text=text)
        return [line.split("|") for line in out.splitlines()]

    @contextlib.contextmanager
    def holding(self, text, database):
        """The locks of a statement, of one that is in a transaction of its own."""
        command = [*self._as_user(), str(self._programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h",
                   str(self.folder), "-U", "postern", "-d", database]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/",
                              env=environment()) as session:
            session.stdin.write(f"BEGIN; {text};\n\\echo held\n")
            session.stdin.flush()
            assert "held\n" in iter(session.stdout.readline, ""), text
            yield
            session.stdin.close()  # ends it, and rolls back
            assert session.wait(60) == 0

    def url(self, database="postgres", folder=None, **options):
        more = "".join(f"&{name}={value}" for name, value in options.items())
        return f"postgresql://postern@/{database}?host={folder or self.folder}{more}"

    def create(self, database, template="template1"):
        self.sql(f"CREATE DATABASE {database} TEMPLATE {template}")
        return self.url(database)

    def close(self):
        if self.process is not None and self.process.running:
            self.resume()
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
