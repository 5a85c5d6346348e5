#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""IAM tokens for tests and the demo, in the form of the real ones.

A token is CMS SignedData around a JSON document, in DER, without certificates and signed attributes, then
Base64 with '-' for '/'. Unless a signer is given the key is thrown away: such a token is good for a gateway that
decodes tokens and for the stand-in cloud, and for nothing else. Whoever pins the certificate of a signer
(`verify: certificate`) takes its tokens.

As a module: make_token(user="alice", project="0123...", roles=["te_admin"]).
As a command: token.py --user alice --project 0123... --role te_admin [--expires 1h] [--bytes 9000]
                      [--key KEY.pem --cert CERTIFICATE.pem]
"""

import sys

if __name__ == "__main__":
    sys.path.pop(0)  # this folder, in which this file would hide Python's own module `token`

import argparse
import base64
import datetime
import functools
import json
import subprocess
import tempfile
from pathlib import Path

PROJECT = "0123456789abcdef0123456789abcdef"
SIZES = (1200, 9000, 17600)  # tokens with few, about 150 and about 300 roles
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("openssl " + arguments[0] + ": " + done.stderr.decode(errors="replace"))
    return done.stdout


def new_signer(folder, name="signer", *, kind=("rsa:2048",), days=2):
    """Makes NAME.key and NAME.pem in the folder; both paths. kind: what openssl's -newkey takes, with its options."""
    key, certificate = Path(folder, name + ".key"), Path(folder, name + ".pem")
    _openssl("req", "-x509", "-newkey", *kind, "-nodes", "-subj", "/CN=token signer of the tests", "-days", str(days),
             "-keyout", str(key), "-out", str(certificate))
    return key, certificate


@functools.lru_cache(maxsize=1)
def _signer():
    """Key and certificate of a signer that lives as long as this process."""
    with tempfile.TemporaryDirectory() as folder:
        return tuple(path.read_bytes() for path in new_signer(folder))


def sign(content, signer=None, digest="sha256"):
    """The token that holds these bytes. signer: paths of a key and its certificate."""
    key, certificate = _signer() if signer is None else (Path(path).read_bytes() for path in signer)
    with tempfile.TemporaryDirectory() as folder:
        signer, inside = Path(folder, "signer.pem"), Path(folder, "content")
        signer.touch(mode=0o600)
        signer.write_bytes(key + certificate)
        inside.write_bytes(content)
        der = _openssl("cms", "-sign", "-binary", "-nodetach", "-nocerts", "-nosmimecap", "-noattr", "-md", digest,
                       "-signer", str(signer), "-in", str(inside), "-outform", "DER")
    return base64.b64encode(der).decode("ascii").replace("/", "-")


def expiry(expires):
    """A time as the token has it, from seconds from now, a text such as "-5m" or "1h", or a datetime."""
    if isinstance(expires, str):
        expires = float(expires[:-1]) * _UNITS[expires[-1]]
    if not isinstance(expires, datetime.datetime):
        expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=expires)
    return expires.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def content(user="alice", project=PROJECT, roles=("te_admin",), *, user_id=None, domain="example-org", domain_id=None,
            project_name="eu-de", groups=None, expires=3600):
    """The document in a token. project None: the token is for the domain; groups: a federated user's."""
    owner = {"id": domain_id or "domain-id-of-" + domain, "name": domain}
    who = {"id": user_id or "user-id-of-" + user, "name": user, "domain": owner, "password_expires_at": ""}
    if groups is not None:
        who["OS-FEDERATION"] = {
            "identity_provider": {"id": "example-idp"},
            "protocol": {"id": "saml"},
            "groups": [{"id": "group-id-of-" + group, "name": group} for group in groups],
        }
    token = {
        "expires_at": expiry(expires),
        "issued_at": expiry(-60),
        "methods": ["password"],
        "catalog": [],
        "roles": [{"name": role, "id": "0"} for role in roles],
        "user": who,
    }
    if project is None:
        token["domain"] = owner
    else:
        token["project"] = {"id": project, "name": project_name, "domain": owner}
    return {"token": token}


def make_token(user="alice", project=PROJECT, roles=("te_admin",), *, size=0, signer=None, **others):
    """A token. size: it gets roles added until it is at least so many characters long (real ones have up to
    20,000). signer: as of sign(). The other arguments are those of content()."""
    roles = list(roles)
    while True:
        token = sign(json.dumps(content(user, project, roles, **others), separators=(",", ":")).encode(), signer)
        missing = size - len(token)
        if missing <= 0:
            return token
        # A role of this form takes some 57 characters of the token.
        first = len(roles)
        roles += [f"op_gated_example_{number:06}" for number in range(first, first + missing // 57 + 1)]


def main():
    parser = argparse.ArgumentParser(description="Prints an IAM token for tests.")
    parser.add_argument("--user", default="alice", help="name of the user")
    parser.add_argument("--user-id")
    parser.add_argument("--domain", default="example-org", help="name of the domain")
    parser.add_argument("--domain-id")
    parser.add_argument("--project", default=PROJECT, help="id of the project; empty: a token for the domain")
    parser.add_argument("--project-name", default="eu-de")
    parser.add_argument("--role", action="append", default=[], help="name of a role; may stand several times")
    parser.add_argument("--group", action="append", help="name of a group of a federated user; likewise")
    parser.add_argument("--expires", default="1h", help="from now: 1h, 30m, -5m (default: %(default)s)")
    parser.add_argument("--bytes", type=int, default=0, help="add roles until the token is so long")
    parser.add_argument("--key", help="the signer's key, with --cert; otherwise one that is thrown away")
    parser.add_argument("--cert", help="the signer's certificate")
    options = parser.parse_args()
    if (options.key is None) != (options.cert is None):
        parser.error("--key and --cert stand together")
    try:
        print(make_token(options.user, options.project or None, options.role, size=options.bytes,
                         user_id=options.user_id, domain=options.domain, domain_id=options.domain_id,
                         project_name=options.project_name, groups=options.group, expires=options.expires,
                         signer=options.key and (options.key, options.cert)))
    except (KeyError, ValueError, IndexError):
        parser.error("--expires is a number and one of s m h d")
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
