# SPDX-License-Identifier: Apache-2.0
"""Requests as signing clients send them, byte by byte, and what each client reads of an error.

Heads as they arrive: the order and spelling of the fields, what is signed and what is added after signing."""

import json
import re

from support.bodies import PROJECT
from support.signing import sdk_date, sign_access, sign_credential

COMPACT = (",", ":")
_APP = "app/0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9"


def _pair(answer):
    """Both members or none, and the request id of the head."""
    body = answer.json
    assert body["error_code"] and body["error_msg"] and answer.header("X-Request-Id") == body["request_id"]
    return f"`{body['error_code']}`: {body['error_msg']}"


def _raw(answer):
    """The body as it is; a code in it is looked for."""
    text = answer.body.decode()
    assert answer.header("X-Request-Id") in text
    code = re.search(r'"error_code":"([^"]+)"', text)[1]
    assert not re.search(r"63(09|57)|6404", code), "Terraform would take the resource for gone"
    return f"the answer's body, in it `{code}` and: {json.loads(text)['error_msg']}"


class Head:
    """A client. fields: as they stand on the wire; a value None is filled in, and Content-Length is left out where
    `framed` says so. signed: what the signature covers, in lower case."""

    def __init__(self, name, how, fields, signed, read, sign=sign_access, separators=None, tail="", framed=("POST",)):
        self.name, self.how, self.fields, self.signed, self.read = name, how, fields, signed, read
        self.sign, self.separators, self.tail, self.framed = sign, separators, tail, framed
        self.credential = "AK/SK, `Credential=`" if sign is sign_credential else "AK/SK, `Access=`"

    def request(self, key, host, method, target, body=None, security_token=None):
        """The request as bytes. key: (access key, secret key)."""
        data = b"" if body is None else (json.dumps(body, separators=self.separators) + self.tail).encode()
        filled = {"Host": host, "X-Sdk-Date": sdk_date(), "X-Project-Id": PROJECT, "X-Security-Token": security_token,
                  "Content-Length": str(len(data)) if data or method in self.framed else None}
        pairs = [(name, filled.get(name) if value is None else value) for name, value in self.fields]
        known = {name.lower(): value for name, value in pairs if value is not None}
        signed = [name for name in self.signed if name in known]
        authorization = self.sign(key, method, target, known, signed, data)
        pairs = [(name, authorization if name == "Authorization" else value) for name, value in pairs]
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in pairs if value is not None)]
        return "\r\n".join(lines + ["", ""]).encode() + data


PYTHON = Head(
    "Huawei Cloud SDK for Python 3.1.211", '`.with_endpoint("https://GATEWAY")`, `HttpConfig.ssl_ca_cert`',
    [("Host", None), ("User-Agent", "huaweicloud-usdk-python/3.0; os/Linux#6.1.0#x86_64 python/3.11.2 impl/CPython; "
                                    + _APP),
     ("Accept-Encoding", "gzip, deflate"), ("Accept", "*/*"), ("Connection", "keep-alive"),
     ("Content-Type", "application/json;charset=utf-8"), ("X-Project-Id", None), ("X-Security-Token", None),
     ("X-Sdk-Date", None), ("Authorization", None), ("Content-Length", None)],
    ["content-type", "host", "user-agent", "x-project-id", "x-sdk-date", "x-security-token"], _pair,
    framed=("POST", "DELETE"))
TERRAFORM = Head(
    "Terraform provider (golangsdk)", '`endpoints = { modelarts = "https://GATEWAY/" }`, `cacert_file`',
    [("Host", None), ("User-Agent", "terraform-provider-iac golangsdk/2.0.0"), ("Content-Length", None),
     ("Accept", "application/json"), ("Authorization", None), ("Content-Type", "application/json"),
     ("X-Domain-Id", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"), ("X-Language", "en-us"), ("X-Project-Id", None),
     ("X-Sdk-Date", None), ("X-Security-Token", None), ("Accept-Encoding", "gzip")],
    ["accept", "content-type", "user-agent", "x-language", "x-sdk-date"], _raw, separators=COMPACT, tail="\n")
GO = Head(
    "Huawei Cloud SDK for Go, v3", '`WithEndpoints([]string{"https://GATEWAY"})`',
    [("Host", None), ("User-Agent", "huaweicloud-usdk-go/3.0; " + _APP), ("Content-Length", None),
     ("Authorization", None), ("Content-Type", "application/json"), ("X-Project-Id", None), ("X-Sdk-Date", None),
     ("X-Security-Token", None), ("Accept-Encoding", "gzip")],
    ["user-agent", "x-project-id", "x-sdk-date", "x-security-token"], _pair, separators=COMPACT)
OTC_GO = Head(
    "Open Telekom Cloud SDK for Go", "the endpoint of the service client, `https://GATEWAY/v1/PROJECT/`",
    [("Host", None), ("User-Agent", "golangsdk/2.0.0"), ("Connection", "close"), ("Content-Length", None),
     ("Accept", "application/json"), ("Authorization", None), ("Content-Type", "application/json"),
     ("X-Project-Id", None), ("X-Sdk-Date", None), ("X-Security-Token", None), ("Accept-Encoding", "gzip")],
    ["accept", "content-type", "host", "user-agent", "x-project-id", "x-sdk-date", "x-security-token"], _raw,
    sign=sign_credential, separators=COMPACT)
HEADS = [PYTHON, TERRAFORM, GO, OTC_GO]
