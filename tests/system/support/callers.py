# SPDX-License-Identifier: Apache-2.0
"""Gateways whose callers have no credential of the cloud, and a stand-in cloud that verifies what is signed for them."""

import itertools
import pathlib

from support.bodies import CREATE, NOTEBOOKS, PROJECT, compact, create_body, notebook_body
from support.oidc import Provider

ACCESS_KEY, SECRET_KEY = "AKPOSTERN", "0123456789secretofthegateway"
# Whose instances they are to the cloud: its user behind every signature.
SERVICE_USER = "f3779708b547462dbca12a70555d0690"
_numbers = itertools.count(1)


def write_secret(path, text):
    path = pathlib.Path(path)
    path.write_text(text)
    path.chmod(0o600)
    return path


def sign_as(folder, secret=SECRET_KEY, user_id=SERVICE_USER):
    user = f"user_id: {user_id}\n" if user_id else ""
    return write_secret(pathlib.Path(folder) / "own.yaml", f"access_key: {ACCESS_KEY}\nsecret_key: {secret}\n{user}")


def listener(pki, ca=None):
    tls = {"certificate": pki.certificate("server"), "key": pki.key("server")}
    return {"address": "127.0.0.1:0", "tls": {**tls, "client_ca": ca} if ca else tls}


class Oidc:
    """Calls of users who bring bearer tokens."""

    def __init__(self, folder, gateway=None, **how):
        self.provider, self.gateway = Provider(folder, **how), gateway

    def headers(self, user="alice", **claims):
        return [("Authorization", f"Bearer {self.provider.token(user, **claims)}")]

    def call(self, method, target, body=None, user="alice", headers=(), **claims):
        return self.gateway.request(method, target, body, [*self.headers(user, **claims), *headers])

    def create(self, user="alice", body=None, **claims):
        body = body or create_body(name=f"nb-{next(_numbers)}")
        return self.call("POST", CREATE, compact(body), user, **claims)

    def make(self, user="alice", **claims):
        """An instance of theirs: its id."""
        answer = self.create(user, **claims)
        assert answer.status == 200, answer
        return answer.json["id"]

    def notebook(self, user="alice"):
        answer = self.call("POST", NOTEBOOKS, compact(notebook_body(name=f"nb_{next(_numbers)}")), user)
        assert answer.status == 201, answer
        return answer.json["id"]


def oidc_settings(oidc, folder, jwks=None, **more):
    jwks = jwks or oidc.provider.write_jwks(pathlib.Path(folder) / "jwks.json")
    return {"identity": {"tokens": {"verify": "iam", "iam_url": "https://127.0.0.1:1", **more.pop("tokens", {})},
                         "sign_as": str(sign_as(folder)),
                         "oidc": oidc.provider.settings(jwks, [PROJECT]), **more}}


def check_signed(received):
    """What went to the cloud carries the gateway's signature and nothing of its caller's."""
    assert received.header("authorization").startswith(f"SDK-HMAC-SHA256 Access={ACCESS_KEY}, "), received.head
    assert received.header("x-auth-token") is None and b"eyJ" not in received.head and b"Bearer" not in received.head
