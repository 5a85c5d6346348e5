# SPDX-License-Identifier: Apache-2.0
"""The provider of the tests does what a provider does: another program believes its tokens, and finds its keys."""

import base64
import json
import ssl
import subprocess
import urllib.request

import pytest

from support.oidc import JwksServer, Provider, url64


@pytest.mark.parametrize("algorithm, key_bytes", [("RS256", 256), ("ES256", 32)])
def test_its_tokens_are_signed_by_its_keys(tmp_path, algorithm, key_bytes):
    provider = Provider(tmp_path, algorithm=algorithm)
    head, claims, signature = provider.token("bob", groups=["a"]).split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, claims)]
    assert read[0] == {"alg": algorithm, "kid": "key-1", "typ": "JWT"}
    assert (read[1]["sub"], read[1]["groups"]) == ("bob", ["a"]) and read[1]["exp"] > read[1]["iat"]
    (key,) = json.loads(provider.jwks())["keys"]
    number = key["n"] if algorithm == "RS256" else key["x"]
    assert len(base64.urlsafe_b64decode(number + "==")) == key_bytes
    assert len(base64.urlsafe_b64decode(signature + "==")) == (256 if algorithm == "RS256" else 64)
    if algorithm == "RS256":
        (tmp_path / "signature").write_bytes(base64.urlsafe_b64decode(signature + "=="))
        done = subprocess.run(
            ["openssl", "dgst", "-sha256", "-prverify", provider.keys[0].path, "-signature", tmp_path / "signature"],
            input=f"{head}.{claims}".encode(), capture_output=True, timeout=60)
        assert done.returncode == 0, done


def test_it_publishes_its_keys(pki, tmp_path):
    provider = Provider(tmp_path)
    with JwksServer(pki, provider) as server:
        trust = ssl.create_default_context(cafile=str(pki.folder / "ca.pem"))
        for count in (1, 2):
            with urllib.request.urlopen(server.url, context=trust, timeout=20) as answer:
                assert len(json.loads(answer.read())["keys"]) == count
            provider.add_key("ES256")
            server.publish()
        assert server.asked() == 2 and server.asked() == 0
    assert url64(b"\xff\xfe") == "__4"
