# SPDX-License-Identifier: Apache-2.0
"""Throw-away certificates, made with the openssl command line."""

import pathlib
import subprocess

_CA_CONF = """
[ca]
default_ca = own
[own]
dir = {folder}
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""


def _run(*args):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"openssl {args[0]}: {done.stderr}"


class Pki:
    """A folder with an authority and what it signed; `NAME.pem` and `NAME.key` of each."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self._authority("ca", "Test CA")
        self._authority("other-ca", "Another CA")
        self.leaf("server", "DNS:localhost,IP:127.0.0.1")
        self.leaf("wrong-host", "DNS:elsewhere.example,IP:192.0.2.1")
        self.leaf("expired", "DNS:localhost,IP:127.0.0.1", end="20200102000000Z")
        self.leaf("unknown-ca", "DNS:localhost,IP:127.0.0.1", authority="other-ca")
        self.leaf("gateway", "DNS:localhost,IP:127.0.0.1")
        self.leaf("client", "DNS:client.example")

    def certificate(self, name):
        return str(self.folder / f"{name}.pem")

    def key(self, name):
        return str(self.folder / f"{name}.key")

    @property
    def ca(self):
        return self.certificate("ca")

    def _new_key(self, name):
        _run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key(name))

    def _authority(self, name, subject):
        folder = self.folder / f"{name}.d"
        folder.mkdir()
        (folder / "index.txt").touch()
        (folder / "ca.cnf").write_text(_CA_CONF.format(folder=folder))
        self._new_key(name)
        _run("req", "-x509", "-new", "-key", self.key(name), "-out", self.certificate(name), "-days", 3,
             "-subj", f"/CN={subject}", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def leaf(self, name, alternatives, authority="ca", end="20991231235959Z"):
        request = self.folder / f"{name}.csr"
        self._new_key(name)
        _run("req", "-new", "-key", self.key(name), "-out", request, "-subj", f"/CN={name}",
             "-addext", f"subjectAltName={alternatives}")
        _run("ca", "-batch", "-notext", "-config", self.folder / f"{authority}.d" / "ca.cnf",
             "-cert", self.certificate(authority), "-keyfile", self.key(authority),
             "-startdate", "20200101000000Z", "-enddate", end, "-in", request, "-out", self.certificate(name))
