# SPDX-License-Identifier: Apache-2.0
"""An OpenID provider: bearer tokens (RFC 7519) signed with the openssl command line, and its keys (RFC 7517), as a file
or over https."""

import base64
import contextlib
import json
import pathlib
import subprocess
import time

from .raw_server import RawServer


def _openssl(*args, data=b""):
    done = subprocess.run(["openssl", *map(str, args)], input=data, capture_output=True, timeout=60)
    assert done.returncode == 0, f"openssl {args[0]}: {done.stderr.decode()}"
    return done.stdout


def url64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _integer(der, at):
    """A DER integer: its value, and what stands behind it."""
    assert der[at] == 2
    end = at + 2 + der[at + 1]
    return int.from_bytes(der[at + 2 : end], "big"), end


class Key:
    """RS256 with an RSA key of 2048 bits, or ES256 with P-256."""

    def __init__(self, folder, kid, algorithm="RS256"):
        self.kid, self.algorithm = kid, algorithm
        self.path = pathlib.Path(folder) / f"oidc-{kid}.key"
        how = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        if algorithm == "ES256":
            how = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        _openssl("genpkey", *how, "-out", self.path)

    def jwk(self):
        named = {"kid": self.kid, "use": "sig", "alg": self.algorithm}
        if self.algorithm == "ES256":
            point = _openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")[-64:]
            return {"kty": "EC", "crv": "P-256", "x": url64(point[:32]), "y": url64(point[32:]), **named}
        text = _openssl("rsa", "-in", self.path, "-noout", "-modulus").decode()
        return {"kty": "RSA", "n": url64(bytes.fromhex(text.strip().partition("=")[2])), "e": "AQAB", **named}

    def sign(self, data):
        signature = _openssl("dgst", "-sha256", "-sign", self.path, data=data)
        if self.algorithm == "RS256":
            return signature
        r, end = _integer(signature, 2)
        s, _ = _integer(signature, end)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Provider:
    """Makes tokens with its newest key; `keys` are those that it publishes."""

    def __init__(self, folder, issuer="https://login.example", audience="postern", algorithm="RS256"):
        self.folder, self.issuer, self.audience = pathlib.Path(folder), issuer, audience
        self.keys = []
        self.add_key(algorithm)

    def add_key(self, algorithm="RS256"):
        """The keys' names count on, so that a key that was taken away leaves its name unused."""
        self._made = getattr(self, "_made", 0) + 1
        self.keys.append(Key(self.folder, f"key-{self._made}", algorithm))
        return self.keys[-1]

    def token(self, user="alice", *, key=None, header=None, life_s=600, **claims):
        """claims: added to the usual ones; those that are None are left out."""
        key = key or self.keys[-1]
        now = int(time.time())
        said = {"iss": self.issuer, "aud": self.audience, "sub": user, "iat": now, "exp": now + life_s, **claims}
        said = {name: value for name, value in said.items() if value is not None}
        first = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT", **(header or {})}
        first = {name: value for name, value in first.items() if value is not None}
        signed = ".".join(url64(json.dumps(part).encode()) for part in (first, said))
        return f"{signed}.{url64(key.sign(signed.encode()))}"

    def jwks(self):
        return json.dumps({"keys": [key.jwk() for key in self.keys]})

    def write_jwks(self, path=None):
        path = pathlib.Path(path or self.folder / "jwks.json")
        path.write_text(self.jwks())
        return path

    def settings(self, jwks, projects, **more):
        """For `identity.oidc`."""
        return {"issuer": self.issuer, "audience": self.audience, "jwks": str(jwks), "projects": list(projects), **more}


class JwksServer:
    """The provider's keys over https, whatever the path. `answer` publishes anew, or says that something is wrong."""

    PATH = "/keys"

    def __init__(self, pki, provider, certificate="server"):
        self._server = RawServer(pki, certificate)
        self._provider = provider
        self.publish()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    @property
    def url(self):
        return self._server.url + self.PATH

    @property
    def port(self):
        return self._server.port

    def publish(self):
        self.answer(200, self._provider.jwks())

    def answer(self, status, body):
        data = body.encode()
        head = f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        self._server.play(head.encode() + data)

    def asked(self):
        """How many questions came since it was asked last."""
        return len(self._server.seen())

    def close(self):
        with contextlib.suppress(OSError):
            self._server.close()
