# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the gateway on its admin socket: says what it is told to, for tests of the commands that ask it."""

import json
import socket
import threading


class StandIn:
    """Answers each call of the socket at `path` with the status and JSON that `answers` has for its "METHOD /path"."""

    def __init__(self, path, answers):
        self.answers = answers
        self.asked = []
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(str(path))
        self.sock.listen(8)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.sock.shutdown(socket.SHUT_RDWR)  # wakes accept
        self.thread.join(20)
        self.sock.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self.sock.accept()
            except OSError:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head and (part := connection.recv(4096)):
                    head += part
                call = head.partition(b" HTTP/")[0].decode()
                self.asked.append(call)
                status, answer = self.answers.get(call, (404, "unknown\n"))
                body = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
                connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body)
