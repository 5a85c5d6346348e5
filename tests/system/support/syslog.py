# SPDX-License-Identifier: Apache-2.0
"""Receivers of syslog, and a reader of RFC 5424 by its grammar."""

import os
import re
import select
import socket
import ssl
import threading

from support.waiting import wait_for

_HEAD = re.compile(
    rb"<(?P<pri>0|[1-9][0-9]{0,2})>(?P<version>[1-9][0-9]{0,2}) "
    rb"(?P<time>-|[0-9]{4}-[01][0-9]-[0-3][0-9]T"
    rb"[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-][0-2][0-9]:[0-5][0-9])) "
    rb"(?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<process>[!-~]{1,128}) (?P<id>[!-~]{1,32}) ")
_NAME = re.compile(rb"[!#-<>-\\^-~]{1,32}")  # neither "=", "]" nor '"'
_VALUE = re.compile(rb'"((?:[^"\\\]]|\\["\\\]])*)"')


class Message:
    """One message, read strictly: anything that the grammar doesn't have fails."""

    def __init__(self, data):
        head = _HEAD.match(data)
        assert head, f"no RFC 5424 head: {data[:200]!r}"
        assert head["version"] == b"1"
        pri = int(head["pri"])
        assert pri <= 191
        self.facility, self.severity = divmod(pri, 8)
        for name in ("time", "host", "app", "process", "id"):
            setattr(self, name, head[name].decode())
        self.data, at = self._structured(data, head.end())
        self.text = None
        if at < len(data):
            assert data[at:at + 1] == b" ", data[at:at + 20]
            self.text = data[at + 1:]
        self.seq = int(self.data["postern@32473"]["seq"])

    @staticmethod
    def _structured(data, at):
        elements = {}
        if data[at:at + 1] == b"-":
            return elements, at + 1
        while data[at:at + 1] == b"[":
            name = _NAME.match(data, at + 1)
            assert name and name[0].decode() not in elements
            params, at = {}, name.end()
            while data[at:at + 1] == b" ":
                key = _NAME.match(data, at + 1)
                assert key and data[key.end():key.end() + 1] == b"="
                value = _VALUE.match(data, key.end() + 1)
                assert value, data[at:at + 100]
                params[key[0].decode()] = re.sub(rb'\\(["\\\]])', rb"\1", value[1]).decode()
                at = value.end()
            assert data[at:at + 1] == b"]", data[at:at + 20]
            elements[name[0].decode()] = params
            at += 1
        assert elements
        return elements, at


class Receiver:
    """Keeps what comes. kind: datagram, unix, tcp, tls. Unix ones have a path, the others a port of 127.0.0.1, the
    same one after start() again. buffer: of its sockets, in bytes."""

    def __init__(self, kind, path=None, tls=None, buffer=None):
        self.kind, self.path, self.tls, self.buffer = kind, path, tls, buffer
        self.port = 0
        if path is None:  # holds the port while nobody listens there: it is one that any connection may get
            self._place = self._bound(0)
            self.port = self._place.getsockname()[1]
        self.messages, self.faults = [], []
        self._paused = threading.Event()
        self._paused.set()
        self.running = False
        self.start()

    @staticmethod
    def _bound(port):
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(("127.0.0.1", port))
        return made

    @property
    def address(self):
        return f"unix:{self.path}" if self.path else f"{'tls' if self.tls else 'tcp'}:127.0.0.1:{self.port}"

    def start(self):
        if self.path:
            self._main = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if self.kind == "datagram"
                                       else socket.SOCK_STREAM)
            if os.path.exists(self.path):
                os.unlink(self.path)
            self._main.bind(str(self.path))
        else:
            self._main = self._bound(self.port)
        if self.buffer:
            self._main.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer)
        if self.kind != "datagram":
            self._main.listen(8)
        self._wake, self._end = socket.socketpair()
        self._open = [self._main]
        self._gone = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.running = True

    def stop(self):
        """It is gone, with whatever it hadn't read."""
        self._gone = True
        self._paused.set()
        self._end.close()
        self._thread.join()
        for one in (*self._open, self._wake):
            one.close()
        self.running = False

    def pause(self):
        """It is there, and reads nothing."""
        self._paused.clear()

    def has_unread(self):
        return bool(select.select(self._open, [], [], 0)[0])

    def go_on(self):
        self._paused.set()

    def _run(self):
        buffers = {}
        while True:
            readable, _, _ = select.select([self._wake, *self._open], [], [])
            if self._wake in readable:
                return
            self._paused.wait()
            if self._gone:
                return
            for one in readable:
                try:
                    self._take(one, buffers)
                except (OSError, AssertionError, ValueError) as error:
                    self.faults.append(error)
                    self._drop(one)

    def _drop(self, one):
        if one is not self._main:
            self._open.remove(one)
            one.close()

    def _take(self, one, buffers):
        if self.kind == "datagram":
            self.messages.append(Message(one.recv(1 << 24)))
        elif one is self._main:
            peer, _ = one.accept()
            if self.tls:
                peer.settimeout(10)
                peer = self.tls.wrap_socket(peer, server_side=True)
            self._open.append(peer)
            buffers[peer] = b""
        else:
            data = one.recv(1 << 16)
            while self.tls and one.pending():
                data += one.recv(1 << 16)
            if not data:
                self._drop(one)
            buffers[one] = self._split(buffers[one] + data)

    def _split(self, data):
        while True:
            if self.kind == "unix":
                text, lf, rest = data.partition(b"\n")
                if not lf:
                    return data
            else:
                length, blank, rest = data.partition(b" ")
                if not blank:
                    assert len(data) < 9, data[:20]
                    return data
                assert re.fullmatch(rb"[1-9][0-9]{0,8}", length), length
                if len(rest) < int(length):
                    return data
                text, rest = rest[:int(length)], rest[int(length):]
            self.messages.append(Message(text))
            data = rest

    def seqs(self):
        return [message.seq for message in self.messages]

    def wait_seq(self, seq):
        wait_for(lambda: self.faults or seq in self.seqs(), f"line {seq} at {self.address}")
        assert not self.faults, self.faults


def server_tls(pki, name="server", client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.certificate(name), pki.key(name))
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
