# SPDX-License-Identifier: Apache-2.0
"""A cloud that answers with the very bytes it is told to, over TLS: each request is answered with what is being played,
whatever was asked. It counts its connections, so that a test sees which request came on which."""

import contextlib
import re
import socket
import ssl
import threading

_LENGTH = re.compile(rb"(?i)^content-length: *([0-9]+)\r$", re.M)
_TARGET = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.1\r\n")
ENDS = ("keep", "close", "drop", "reset")
WAIT_S = 20.0


class Played:
    """What is sent, and how: end is what becomes of the connection behind it (close: with close_notify, drop: without,
    reset: at once, whatever of the bytes got there); drip: each byte in a record of its own; early: as soon as the
    request's head is there."""

    def __init__(self, raw, end="keep", drip=False, early=False):
        assert end in ENDS
        self.raw, self.end, self.drip, self.early = raw, end, drip, early


PROBE = "/probe"
_PROBED = Played(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nprobed\n")


# The lists that a gateway reads by itself after an answer was lost: they are nobody's request here.
_LISTS = re.compile(r"/v1/[^/]+/(workspaces|demanager/instances\?de_type=|notebooks(/all)?(\?|$))")
_NO_LIST = Played(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", end="close")


class RawServer:
    """Requests whose path ends with PROBE get a plain answer, lists none, all others what play() was given last."""

    def __init__(self, pki, certificate="server"):
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(pki.certificate(certificate), pki.key(certificate))
        self._tls.num_tickets = 0
        self._lock = threading.Lock()
        self._seen = []
        self._open = set()
        self._threads = []
        self._playing = []
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def play(self, raw, **how):
        self.play_in_turn(Played(raw, **how))

    def play_in_turn(self, *played):
        """One for each request, the last one for all that follow."""
        self._playing = list(played)

    def seen(self):
        """[(number of the connection, method, target)], oldest first; forgets them."""
        with self._lock:
            seen, self._seen = self._seen, []
        return seen

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for conn in self._open:
                with contextlib.suppress(OSError):  # the other side may have gone
                    socket.socket.shutdown(conn, socket.SHUT_RDWR)  # not TLS' own: its thread is in there
        for thread in self._threads:
            thread.join(WAIT_S)
            assert not thread.is_alive()

    def _start(self, function, *args):
        thread = threading.Thread(target=function, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            raw.settimeout(WAIT_S)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.accepted += 1
            conn = self._tls.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
            with self._lock:
                self._open.add(conn)
            self._start(self._serve, conn, self.accepted)

    def _serve(self, conn, number):
        try:
            conn.do_handshake()
            kept = b""
            while kept is not None:
                kept = self._exchange(conn, number, kept)
        except OSError:  # the other side went away
            pass
        finally:
            with self._lock:
                self._open.discard(conn)
                conn.close()

    def _exchange(self, conn, number, kept):
        """Reads a request and answers it. What came behind it; None: nothing more is expected."""
        while b"\r\n\r\n" not in kept:
            data = conn.recv(65536)
            if not data:
                return None
            kept += data
        head, _, kept = kept.partition(b"\r\n\r\n")
        line, length = _TARGET.match(head + b"\r\n"), _LENGTH.search(head + b"\r\n")
        method, target = line[1].decode(), line[2].decode()
        with self._lock:
            played = self._pick(method, target)
            if played is not _NO_LIST:
                self._seen.append((number, method, target))
        if played.early:
            self._send(conn, played)
        left = int(length[1]) if length else 0
        while len(kept) < left:
            kept += conn.recv(65536) or b"\0" * left
        if not played.early:
            self._send(conn, played)
        return kept[left:] if self._end(conn, played.end) else None

    def _pick(self, method, target):
        if target.endswith(PROBE):
            return _PROBED
        if method == "GET" and _LISTS.match(target):
            return _NO_LIST
        return self._playing.pop(0) if len(self._playing) > 1 else self._playing[0]

    @staticmethod
    def _send(conn, played):
        size = 1 if played.drip else max(1, len(played.raw))
        for at in range(0, len(played.raw), size):
            conn.sendall(played.raw[at:at + size])

    @staticmethod
    def _end(conn, end):
        if end == "close":
            conn.unwrap()
        elif end == "drop":
            conn.shutdown(socket.SHUT_WR)  # below TLS, which says nothing
            while conn.recv(65536):
                pass
        elif end == "reset":
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        return end == "keep"
