# SPDX-License-Identifier: Apache-2.0
"""Requests signed with an access key (SDK-HMAC-SHA256, `Access=` and `Credential=`), after the published description of
the scheme. Each step can be bent, for requests that must not pass."""

import datetime
import hashlib
import hmac
import itertools
import os
import pathlib
import time
from urllib.parse import parse_qsl, quote, unquote

from support.gateway import yaml_text
from support.http import body_bytes

ALGORITHM = "SDK-HMAC-SHA256"
HOST = "gateway.test"
UNSIGNED = "UNSIGNED-PAYLOAD"
_steps = itertools.count()


def date_text(seconds):
    """A time as X-Sdk-Date has it, so many seconds from now."""
    return datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def new_date():
    """Another one each time, so that equal requests get signatures of their own; never before the gateway's start."""
    return date_text(5 + next(_steps) % 600)


def _encode(text):
    return quote(text, safe="-_.~")


def _canonical_path(path):
    path = "/".join(_encode(unquote(segment)) for segment in path.split("/"))
    return path if path.endswith("/") else path + "/"


def _canonical_query(query):
    return "&".join(f"{_encode(name)}={_encode(value)}"
                    for name, value in sorted(parse_qsl(query, keep_blank_values=True)))


def canonical(method, target, fields, payload):
    """fields: {lower-case name: value}, those that are signed."""
    path, _, query = target.partition("?")
    lines = "".join(f"{name}:{' '.join(str(fields[name]).split())}\n" for name in sorted(fields))
    return "\n".join((method, _canonical_path(path), _canonical_query(query), lines, ";".join(sorted(fields)), payload))


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature(secret, date, text, scope=None):
    """scope: "DAY/REGION/SERVICE" of the scheme with a derived key."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    if scope is None:
        return _hmac(secret.encode(), f"{ALGORITHM}\n{date}\n{digest}").hex()
    key = ("SDK" + secret).encode()
    for part in (*scope.split("/"), "sdk_request"):
        key = _hmac(key, part)
    return _hmac(key, f"{ALGORITHM}\n{date}\n{scope}/sdk_request\n{digest}").hex()


class Key:
    def __init__(self, access="ALICEKEY", secret="alices-secret-0123456789", token=None):
        self.access, self.secret, self.token = access, secret, token

    def headers(self, method, target, body=None, *, scheme="access", region="", service="", date=None, extra=(),
                signed=None, host=HOST, payload=None):
        """The fields to send. extra: more that are signed; signed: exactly these names are; payload: in place of the
        body's digest, in X-Sdk-Content-Sha256."""
        date = date or new_date()
        fields = {"Host": host, "X-Sdk-Date": date, **dict(extra)}
        if body is not None:
            fields.setdefault("Content-Type", "application/json")
        if self.token is not None:
            fields["X-Security-Token"] = self.token
        if payload is not None:
            fields["X-Sdk-Content-Sha256"] = payload
        covered = {name.lower(): value for name, value in fields.items() if signed is None or name.lower() in signed}
        text = canonical(method, target, covered, payload or hashlib.sha256(body_bytes(body) or b"").hexdigest())
        scope = None if scheme == "access" else f"{date[:8]}/{region}/{service}"
        who = f"Access={self.access}" if scope is None else f"Credential={self.access}/{scope}/sdk_request"
        fields["Authorization"] = (f"{ALGORITHM} {who}, SignedHeaders={';'.join(sorted(covered))}, "
                                   f"Signature={signature(self.secret, date, text, scope)}")
        return fields

    def send(self, gateway, method, target, body=None, **how):
        """Signs and sends. more: fields beside the signed ones."""
        more = how.pop("more", ())
        body = body_bytes(body)
        return gateway.request(method, target, body, [*self.headers(method, target, body, **how).items(), *more])


def write_secret(path, content, mode=0o600):
    """content: what YAML can hold, or a text."""
    path = pathlib.Path(path)
    text = content if isinstance(content, str) else yaml_text(content)
    aside = path.with_suffix(".new")
    aside.touch(mode=0o600)
    aside.write_text(text)
    os.chmod(aside, mode)
    aside.replace(path)
    return str(path)


def entry(key, user="alice", user_id=None, projects=(), **more):
    """A row of the file of access keys. user_id: 32 digits, made of the name if it is left out."""
    row = {"access_key": key.access, "secret_key": key.secret, "user": user, "user_id": user_id or id_of(user),
           "domain": "example-org", "projects": list(projects), **more}
    return row if key.token is None else {**row, "security_token": key.token}


def id_of(user):
    return hashlib.md5(user.encode(), usedforsecurity=False).hexdigest()
