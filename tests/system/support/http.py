# SPDX-License-Identifier: Apache-2.0
"""A raw HTTP/1.1 client: sends the bytes it is given, and reads answers strictly."""

import json
import re
import socket
import ssl

_STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [\x20-\x7e]*\Z")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\x80-\xff\t]*?)[ \t]*\Z")
NO_BODY = {204, 304}


class Broken(AssertionError):
    """What came is not a well-framed answer."""


class Answer:
    def __init__(self, status, fields, body):
        self.status = status
        self.fields = fields  # [(name as received, value)]
        self.body = body

    def all(self, name):
        return [value for have, value in self.fields if have.lower() == name.lower()]

    def header(self, name):
        """Its value; None if it isn't there. It must not be there twice."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.fields} {self.body[:2000]!r}>"


class Client:
    """One connection."""

    def __init__(self, host, port, tls=None, server_name=None, timeout=30.0, source=None):
        self.sock = socket.create_connection((host, port), timeout, source and (source, 0))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname=server_name or host)
        self.kept = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Ends the connection with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.sock.close()

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def send(self, data):
        self.sock.sendall(data)

    def _more(self):
        data = self.sock.recv(65536)
        self.kept += data
        return data

    def _take(self, size):
        while len(self.kept) < size:
            if not self._more():
                raise Broken(f"connection ended {size - len(self.kept)} bytes early, at {bytes(self.kept[-200:])!r}")
        data = bytes(self.kept[:size])
        del self.kept[:size]
        return data

    def _line(self):
        while b"\r\n" not in self.kept:
            if not self._more():
                raise Broken(f"connection ended within a line: {bytes(self.kept[:200])!r}")
        return self._take(self.kept.index(b"\r\n") + 2)[:-2]

    def _head(self):
        line = self._line()
        match = _STATUS.match(line)
        if match is None:
            raise Broken(f"status line {line!r}")
        fields = []
        while line := self._line():
            field = _FIELD.match(line)
            if field is None:
                raise Broken(f"header line {line!r}")
            fields.append((field[1].decode(), field[2].decode("latin-1")))
        return int(match[1]), fields

    def _chunks(self):
        body = bytearray()
        while True:
            line = self._line()
            if re.match(rb"[0-9a-fA-F]+\Z", line) is None:
                raise Broken(f"chunk size {line!r}")
            size = int(line, 16)
            if size == 0:
                if self._line() != b"":
                    raise Broken("trailers")
                return bytes(body)
            body += self._take(size)
            if self._take(2) != b"\r\n":
                raise Broken("no line end behind a chunk")

    def read_answer(self, method="GET", interim=None):
        """The next final answer; 1xx before it go to the list `interim`, and are a fault without one."""
        status, fields = self._head()
        while status < 200:
            if interim is None:
                raise Broken(f"unexpected {status}")
            interim.append(status)
            status, fields = self._head()
        answer = Answer(status, fields, b"")
        length, coding = answer.all("content-length"), answer.all("transfer-encoding")
        if len(length) + len(coding) > 1:
            raise Broken(f"framed twice: {fields}")
        if method == "HEAD" or status in NO_BODY:
            return answer
        if coding:
            if coding[0] != "chunked":
                raise Broken(f"transfer coding {coding[0]}")
            answer.body = self._chunks()
        elif length:
            if re.match(r"[0-9]+\Z", length[0]) is None:
                raise Broken(f"length {length[0]}")
            answer.body = self._take(int(length[0]))
        else:
            raise Broken(f"no framing: {fields}")
        return answer

    def read_end(self):
        """All bytes until the other side closes."""
        try:
            while self._more():
                pass
        except (ConnectionResetError, ssl.SSLEOFError):
            pass
        return self._take(len(self.kept))

    def expect_end(self):
        data = self.read_end()
        assert data == b"", f"bytes before the end: {data[:200]!r}"

    def request(self, method, target, body=None, headers=(), host="gateway.test"):
        """Sends a request with Host and Content-Length, and reads its answer."""
        self.send(request_bytes(method, target, body, headers, host))
        return self.read_answer(method)


def body_bytes(body):
    if body is None or isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def request_bytes(method, target, body=None, headers=(), host="gateway.test"):
    """A request as bytes. body: bytes, text or what json.dumps takes."""
    body = body_bytes(body)
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    names = {name.lower() for name, _ in pairs}
    if "host" not in names:
        pairs.insert(0, ("Host", host))
    if body is not None:
        if "content-type" not in names:
            pairs.append(("Content-Type", "application/json"))
        if "content-length" not in names and "transfer-encoding" not in names:
            pairs.append(("Content-Length", str(len(body))))
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in pairs) + "\r\n"
    return head.encode("latin-1") + (body or b"")
