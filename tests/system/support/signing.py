# SPDX-License-Identifier: Apache-2.0
"""SDK-HMAC-SHA256 as clients make it, in both schemes. Written from the cloud's documents, not from the gateway."""

import datetime
import hashlib
import hmac
import urllib.parse

EMPTY = hashlib.sha256(b"").hexdigest()


def sdk_date(seconds=0):
    """X-Sdk-Date, so many seconds from now."""
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.strftime("%Y%m%dT%H%M%SZ")


def _quote(text):
    return urllib.parse.quote(text, safe="-_.~")


def _canonical_path(path):
    quoted = "/".join(_quote(urllib.parse.unquote(part)) for part in path.split("/"))
    return quoted if quoted.endswith("/") else quoted + "/"


def _canonical_query(query):
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    return "&".join(f"{_quote(name)}={_quote(value)}" for name, value in sorted(pairs))


def canonical_request(method, target, headers, signed, body):
    """headers: {name in lower case: value}; signed: names in lower case."""
    path, _, query = target.partition("?")
    names = sorted(signed)
    payload = headers.get("x-sdk-content-sha256") or hashlib.sha256(body or b"").hexdigest()
    lines = [method, _canonical_path(path), _canonical_query(query)]
    lines += [f"{name}:{headers[name].strip()}" for name in names]
    return "\n".join(lines + ["", ";".join(names), payload])


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256)


def sign_access(key, method, target, headers, signed, body):
    """The value of Authorization, scheme `Access=`. key: (access key, secret key)."""
    request = canonical_request(method, target, headers, signed, body)
    text = "\n".join(["SDK-HMAC-SHA256", headers["x-sdk-date"], hashlib.sha256(request.encode()).hexdigest()])
    signature = _hmac(key[1].encode(), text).hexdigest()
    return f"SDK-HMAC-SHA256 Access={key[0]}, SignedHeaders={';'.join(sorted(signed))}, Signature={signature}"


def sign_credential(key, method, target, headers, signed, body, region="", service=""):
    """The same, scheme `Credential=`: a key derived for day, region and service; for requests with at most one value
    of a query's key. A POST without a body has its query hashed as one."""
    path, _, query = target.partition("?")
    if method == "POST" and not body:
        target, body = path, _canonical_query(query).encode()
    headers = {name: " ".join(value.split()) for name, value in headers.items()}
    request = canonical_request(method, target, headers, signed, body)
    date = headers["x-sdk-date"]
    scope = f"{date[:8]}/{region}/{service}/sdk_request"
    text = "\n".join(["SDK-HMAC-SHA256", date, scope, hashlib.sha256(request.encode()).hexdigest()])
    derived = ("SDK" + key[1]).encode()
    for part in scope.split("/"):
        derived = _hmac(derived, part).digest()
    return (f"SDK-HMAC-SHA256 Credential={key[0]}/{scope}, SignedHeaders={';'.join(sorted(signed))}, "
            f"Signature={_hmac(derived, text).hexdigest()}")
