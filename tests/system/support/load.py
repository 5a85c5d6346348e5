# SPDX-License-Identifier: Apache-2.0
"""Many connections and one thread: each sends its next request when it has the answer to the last. Reads answers
quickly, not strictly; support/http.py is strict."""

import collections
import select
import socket

HUNG_UP = None  # instead of the statuses that an answer may have: the connection is closed behind the request
TURN = 500


def whole_answer(data):
    """(status, body, whether the connection ends behind it), or None: more is to come."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head, body = bytes(data[:end]).lower(), bytes(data[end + 4:])
    at = head.find(b"\r\ncontent-length: ")
    if at >= 0:
        whole = len(body) == int(head[at + 18:].split(b"\r\n", 1)[0])
    else:
        whole = b"\r\ntransfer-encoding: chunked" not in head or body.endswith(b"0\r\n\r\n")
    return (int(head[9:12]), body, b"\r\nconnection: close" in head) if whole else None


class Connection:
    """steps: a generator that yields a request and the statuses that its answer may have, and is sent its status
    and body."""

    def __init__(self, load, number, steps):
        self.load, self.steps = load, steps
        self.source = f"127.0.0.{2 + number % 250}"  # each address has its own ports
        self.sock = self.request = self.may_be = self.answer = None
        self.data = bytearray()
        self.connect()

    def connect(self):
        """A new connection, in place of the one that there was."""
        if self.sock is not None:
            del self.load.by_descriptor[self.sock.fileno()]
            self.sock.close()
        self.sock = socket.create_connection(self.load.address, source_address=(self.source, 0))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.load.by_descriptor[self.sock.fileno()] = self
        self.load.poll.register(self.sock, select.EPOLLIN)

    def go_on(self):
        """Sends what nobody waits for, and the next request that has an answer. False: there were enough."""
        while self.load.done < self.load.until:
            self.request, self.may_be = self.steps.send(self.answer)
            self.answer = None
            self.sock.sendall(self.request)
            if self.may_be is not HUNG_UP:
                self.load.done += 1
                return True
            self.load.count(HUNG_UP)
            self.connect()
        return False

    def read(self):
        """Reads on. Whether the answer is there."""
        more = self.sock.recv(262144)
        self.data += more
        found = whole_answer(self.data)
        if found is None and more:
            return False
        late = found is not None and found[0] == 503 and b'"journal.timeout"' in found[1]
        if found is None or (not late and found[0] not in self.may_be):
            raise RuntimeError(f"expected {self.may_be}, got {bytes(self.data[:1500])!r}")
        status, body, ends = found
        self.answer = None if late else (status, body)
        self.load.statuses[status] += 1
        self.data.clear()
        if ends:
            self.connect()
        if late:  # the disk was slow: it was not sent, and is asked for again
            self.sock.sendall(self.request)
        return not late


class Load:
    """on_turn: called each TURN requests."""

    def __init__(self, address, walks, on_turn):
        self.address, self.poll = address, select.epoll()
        self.by_descriptor = {}
        self.statuses = collections.Counter()
        self.done = self.until = self.turns = 0
        self.on_turn = on_turn
        self.connections = [Connection(self, number, steps) for number, steps in enumerate(walks)]

    def count(self, status):
        self.done += 1
        self.statuses[status] += 1

    def run(self, until, on_quiet=None):
        """Until so many requests were sent in all, and those that have an answer were answered. on_quiet: called when
        all wait for an answer and none has come for a moment."""
        self.until = until
        waiting = sum(connection.go_on() for connection in self.connections)
        while waiting:
            if self.done // TURN > self.turns:
                self.turns = self.done // TURN
                self.on_turn()
            events = self.poll.poll(0.02 if on_quiet else None)
            if not events:
                on_quiet()
            for descriptor, _ in events:
                connection = self.by_descriptor[descriptor]
                if connection.read() and not connection.go_on():
                    waiting -= 1

    def close(self):
        for connection in self.connections:
            connection.sock.close()
        self.poll.close()
