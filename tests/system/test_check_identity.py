# SPDX-License-Identifier: Apache-2.0
"""`postern check` opens the files that the settings name under `identity`, and tells what is wrong with them."""

import pytest

from support.oidc import Provider

PROJECT = "0123456789abcdef0123456789abcdef"
SECRET = "0123456789verysecret0123456789"
ENTRY = f"- {{access_key: AK1, secret_key: {SECRET}, user: alice, user_id: u1, projects: [{PROJECT}]%s}}\n"


@pytest.fixture
def site(site_factory, pki, tmp_path):
    site = site_factory(settings={
        "listen": [{"address": "127.0.0.1:0",
                    "tls": {"certificate": str(pki.certificate("server")), "key": str(pki.key("server")),
                            "client_ca": str(pki.ca)}}],
        "identity": {
            "tokens": {"verify": "certificate", "certificate": str(pki.certificate("server"))},
            "signatures": "verify", "access_keys": "keys.yaml", "sign_as": "own.yaml",
            "oidc": Provider(tmp_path).settings("jwks.json", [PROJECT]),
            "client_certificates": {"rules": [{"subject": "CN=a,*", "user": "a", "projects": [PROJECT]}]},
        }})
    write(site, "keys.yaml", ENTRY % "")
    write(site, "own.yaml", f"access_key: AK2\nsecret_key: {SECRET}x\nuser_id: u9\n")
    Provider(tmp_path).write_jwks(site.folder / "jwks.json")
    return site


def write(site, name, text, mode=0o600):
    path = site.folder / name
    path.write_text(text)
    path.chmod(mode)


def test_all_of_them_are_well(site):
    done = site.run("check")
    assert done.returncode == 0 and done.stderr == "", done
    done = site.run("check", "--show")
    assert done.returncode == 0 and SECRET not in done.stdout
    assert "  client_certificates:\n    rules:\n      - subject: " in done.stdout


def test_the_faults_of_all_are_told_in_one_run(site):
    write(site, "keys.yaml", ENTRY % "", mode=0o644)
    (site.folder / "own.yaml").unlink()
    write(site, "jwks.json", '{"keys": []}')
    write(site, "iam.pem", "nothing")
    site.write_settings({"identity": {"tokens": {"certificate": "iam.pem"}}})
    done = site.run("check")
    assert done.returncode == 1 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 4, lines
    for word in ("certificate: ", "keys.yaml", "sign_as: ", "jwks: "):
        assert sum(word in line for line in lines) >= 1, (word, lines)
    assert SECRET not in done.stderr


def test_a_key_to_sign_as_names_its_user(site):
    write(site, "own.yaml", f"access_key: AK2\nsecret_key: {SECRET}x\n")
    done = site.run("check")
    assert done.returncode == 1
    assert "sign_as: " in done.stderr and "needs user_id, the cloud's id of the key's user" in done.stderr
    assert done.stderr.startswith(f"{site.folder}/postern.yaml:")


def test_certificates_and_the_own_credential_are_opened_too(site):
    site.write_settings({
        "listen": [{"address": "127.0.0.1:0", "tls": {"certificate": "gone.pem", "key": "gone.key", "client_ca": "gone.pem"}}],
        "admin": {"address": "127.0.0.1:0",
                  "tls": {"certificate": "none.pem", "key": "none.key", "client_ca": "none.pem"}},
        "upstream": {"ca_file": "nowhere.pem", "service_credential": {"token_file": "no.token"}}})
    done = site.run("check")
    assert done.returncode == 1 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 4, lines
    for line, word in zip(lines, ("listen 127.0.0.1:0: ", "admin.address 127.0.0.1:0: ", "upstream.ca_file: ",
                                  "upstream.service_credential: "), strict=True):
        assert line.startswith(f"{site.folder}/postern.yaml:") and word in line, lines


def test_a_key_to_sign_as_needs_one(site):
    write(site, "keys.yaml", ENTRY % ", sign_as: true")
    assert site.run("check").returncode == 0
    site.settings["identity"] = {key: value for key, value in site.settings["identity"].items()
                                 if key not in ("sign_as", "oidc", "client_certificates")}
    site.write_settings()
    done = site.run("check")
    assert done.returncode == 1
    assert done.stderr == (f"{site.folder}/keys.yaml:1:3: sign_as: true needs the setting identity.sign_as, the key to "
                           "sign with\n")
