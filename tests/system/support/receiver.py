# SPDX-License-Identifier: Apache-2.0
"""A receiver of the journal over HTTPS: keeps every batch it took, and misbehaves as it is told."""

import gzip
import http.server
import json
import ssl
import threading


class Batch:
    def __init__(self, identity, headers, text):
        self.id = identity
        self.headers = headers
        self.text = text

    @property
    def lines(self):
        if self.headers.get("Content-Type", "").startswith("application/cloudevents-batch"):
            return json.loads(self.text)
        assert self.text.endswith("\n")
        return self.text.splitlines()


class Receiver:
    """answer: of all requests from now on, a status or "drop" (the batch is taken, no answer comes). most: lines in a
    batch before it is 413. may_answer: cleared, answers wait until it is set."""

    def __init__(self, pki, certificate="server", plain=False):
        self.answer = 200
        self.headers = {}
        self.most = 10000
        self.requests = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.batches = []
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802
                receiver.take(self)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if not plain:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(pki.certificate(certificate), pki.key(certificate))
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.url = f"http{'' if plain else 's'}://127.0.0.1:{self.port}/in?x=1"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def take(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        batch = Batch(request.headers["Postern-Batch"], dict(request.headers), body.decode())
        with self.lock:
            self.requests += 1
            answer = 413 if len(batch.lines) > self.most else self.answer
            if answer == "drop" or 200 <= answer < 300:
                self.batches.append(batch)
        assert self.may_answer.wait(20)
        if answer == "drop":
            request.close_connection = True
            return
        request.send_response(answer)
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def lines(self):
        """All lines, those of repeated batches once: what the document asks of receivers."""
        seen, lines = {}, []
        with self.lock:
            batches = list(self.batches)
        for batch in batches:
            if batch.id in seen:
                assert seen[batch.id] == batch.text, f"{batch.id} came with other lines"
                continue
            seen[batch.id] = batch.text
            lines += batch.lines
        return lines

    @property
    def repeats(self):
        return len(self.batches) - len({batch.id for batch in self.batches})

    def close(self):
        self.server.shutdown()
        self.server.server_close()
