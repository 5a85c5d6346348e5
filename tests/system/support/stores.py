# SPDX-License-Identifier: Apache-2.0
"""Stores of quotas as gateways open them, each in a process of its own, and a proxy that cuts their connections."""

import json
import os
import pathlib
import selectors
import socket
import struct
import subprocess
import threading

from support.process import environment, sanitizer_report
from support.waiting import wait_for


class Store:
    """One gateway's store, by the test program store_driver."""

    def __init__(self, program, url, name="a", limit=10, timeout_ms=10000, lease_ms=5000, deadline_ms=500,
                 must_scan=False, env=None):
        args = [str(program), url, name, *map(str, (limit, timeout_ms, lease_ms, deadline_ms, int(must_scan)))]
        self.name = name
        self.popen = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      env=env or environment(), text=True, bufsize=1)
        self.lines = []
        self.errors = []
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                         for pair in ((self.popen.stdout, self.lines), (self.popen.stderr, self.errors))]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    @property
    def stderr(self):
        return "\n".join(self.errors)

    def wait_stderr(self, text):
        """Waits until `text` stands in stderr."""
        wait_for(lambda: text in self.stderr, f"{text!r} on stderr of store {self.name}")

    def say(self, text):
        self.popen.stdin.write(text + "\n")
        self.popen.stdin.flush()

    def expect(self, start, count=1, timeout=20.0):
        """The `count`th line that begins with it."""
        def found():
            lines = [line for line in list(self.lines) if line.startswith(start)]
            assert self.popen.poll() is None or len(lines) >= count, f"{self.name} ended:\n{self.stderr}"
            return lines[count - 1] if len(lines) >= count else None
        return wait_for(found, f"{start!r} of store {self.name}: {self.lines[-5:]} {self.errors[-5:]}", timeout)

    def ask(self, text, start):
        """The next line that begins with `start`, after the command."""
        before = sum(line.startswith(start) for line in list(self.lines))
        self.say(text)
        return self.expect(start, before + 1)

    def reserve(self, id_, user="u", name=None):
        self.say(f"reserve {id_} {user} {name or id_}")

    def answer(self, id_, timeout=20.0):
        """What came of a reservation: ("granted",) or ("refused", code)."""
        def found():
            for line in list(self.lines):
                words = line.split()
                if words[0] in ("granted", "refused") and words[1] == id_:
                    return (words[0], *words[2:])
            assert self.popen.poll() is None, f"{self.name} ended:\n{self.stderr}"
            return None
        return wait_for(found, f"an answer for {id_}", timeout)

    def reserved(self, id_, **more):
        self.reserve(id_, **more)
        return self.answer(id_)

    def settle(self, id_, fate, instance=""):
        self.ask(f"settle {id_} {fate} {instance}", f"settled {id_}")

    def state(self):
        return json.loads(self.ask("state", "state ").split(" ", 1)[1])

    def entries(self):
        """Ids with (state, gateway)."""
        pairs = (word.split("=") for word in self.ask("list", "list").split()[1:])
        return {id_: tuple(rest.split("@")) for id_, rest in pairs}

    def wait_available(self, available=True):
        wait_for(lambda: self.state()["available"] == available, f"store {self.name} to be available: {available}")

    def kill(self):
        self.popen.kill()
        self.popen.wait()

    def end(self):
        """As a gateway that stops; what was wrong with that."""
        if self.popen.poll() is None:
            self.say("end")
            self.popen.wait(30)
        for reader in self._readers:
            reader.join(10)
        reports = [r for r in [sanitizer_report(self.stderr)] if r]
        if self.popen.returncode not in (0, -9):
            reports.append(f"store {self.name} ended with {self.popen.returncode}: {self.stderr}")
        self.close()
        return reports

    def close(self):
        if self.popen.poll() is None:
            self.kill()
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass


class Proxy:
    """Stands before a server's socket. `cut_commit`: the next COMMIT of a transaction that writes reaches the server,
    its answer reaches nobody. `refuse`: connections are closed at once."""

    def __init__(self, folder, server_folder, port=5432):
        self.folder = pathlib.Path(folder)
        self._server = f"{server_folder}/.s.PGSQL.{port}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / f".s.PGSQL.{port}"))
        self._listener.listen(20)
        self.cut_commit = threading.Event()
        self.cuts = 0
        self.refuse = False
        self._pairs = []
        self._stopped = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self._stopped:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refuse:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self._server)
            except OSError:
                client.close()
                server.close()
                continue
            self._pairs.append((client, server))
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()

    def _pump(self, client, server):
        pending = b""
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ)
            selector.register(server, selectors.EVENT_READ)
            try:
                while True:
                    for key, _ in selector.select():
                        data = key.fileobj.recv(65536)
                        if not data:
                            return
                        if key.fileobj is server:
                            client.sendall(data)
                            continue
                        server.sendall(data)
                        pending = (pending + data)[-1 << 20:]
                        if self.cut_commit.is_set() and b"INSERT INTO postern_entry" in pending and \
                           b"COMMIT" in pending:
                            self.cut_commit.clear()
                            self._until_done(server)
                            self.cuts += 1
                            return
                        if pending.endswith(b"S" + struct.pack("!I", 4)):
                            pending = b""
            except OSError:
                return
            finally:
                client.close()
                server.close()

    @staticmethod
    def _until_done(server):
        """The server has done all that it was sent: ReadyForQuery."""
        data = b""
        while not data.endswith(b"Z" + struct.pack("!I", 5) + b"I"):
            more = server.recv(65536)
            if not more:
                return
            data += more

    def cut_all(self):
        for client, server in self._pairs:
            for end in (client, server):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self._pairs.clear()

    def close(self):
        self._stopped = True
        self._listener.close()
        self.cut_all()
        os.unlink(self.folder / ".s.PGSQL.5432")
