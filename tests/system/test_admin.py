# SPDX-License-Identifier: Apache-2.0
"""The admin API over TLS: only for who shows a certificate of the right authority, whose name is then on record."""

import shutil
import socket
import ssl

import pytest

from support.bodies import ALLOW_ALL
from support.http import Client
from support.waiting import wait_for

PAGES = {"/v1/status": {"version", "policy_set", "journal"}, "/v1/quotas": {"quotas", "more"},
         "/v1/reservations": {"reservations", "more"}, "/v1/policies": {"policy_set"}}


def admin_settings(pki, certificate="gateway"):
    return {"admin": {"address": "127.0.0.1:0", "tls": {"certificate": pki.certificate(certificate),
                                                        "key": pki.key(certificate), "client_ca": pki.ca}}}


@pytest.fixture
def remote(gateway_factory, cloud, pki):
    return gateway_factory(settings=admin_settings(pki))


def remote_address(gateway):
    host, _, port = gateway.ready["admin_address"].rpartition(":")
    return host, int(port)


def connect(gateway, pki, name=None, version=None):
    tls = ssl.create_default_context(cafile=pki.ca)
    if version is not None:
        tls.maximum_version = version
    if name is not None:
        tls.load_cert_chain(pki.certificate(name), pki.key(name))
    return Client(*remote_address(gateway), tls)


def ask(gateway, pki, name, method, path, version=None):
    with connect(gateway, pki, name, version) as client:
        return client.request(method, path, None if method == "GET" else b"")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", [None, "unknown-ca"])
def test_nobody_gets_in_without_the_right_certificate(remote, pki, name, version):
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        ask(remote, pki, name, "POST", "/v1/reload", version)
    assert ask(remote, pki, "client", "GET", "/v1/status").json["policy_set"]["reloads"] == 0
    assert remote.journal_events("admin") == []


def test_without_tls_there_is_no_answer(remote):
    with socket.create_connection(remote_address(remote), timeout=20) as sock:
        sock.sendall(b"GET /v1/status HTTP/1.1\r\nHost: p\r\n\r\n")
        got = b""
        try:
            while part := sock.recv(65536):
                got += part
        except ConnectionResetError:
            pass
    assert b"HTTP/" not in got


def test_the_pages_are_the_same_as_on_the_socket(remote, pki):
    for path, members in PAGES.items():
        answer = ask(remote, pki, "client", "GET", path)
        assert answer.status == 200 and answer.header("content-type") == "application/json", path
        assert members <= set(answer.json), path
        assert ask(remote, pki, "client", "POST", path).status == 405
    assert ask(remote, pki, "client", "GET", "/v1/nothing").status == 404
    assert ask(remote, pki, "client", "GET", "/v1/reload").status == 405


def test_the_certificate_s_name_is_on_record(remote, pki):
    remote.site.write_policies(ALLOW_ALL)
    answer = ask(remote, pki, "client", "POST", "/v1/reload")
    assert answer.status == 200, answer
    assert remote.site.run("reload").returncode == 0
    lines = remote.wait_journal(lambda j: len(j.events("admin")) == 2, "admin lines").events("admin")
    assert [line["path"] for line in lines] == ["/v1/reload"] * 2
    assert lines[0]["actor"] == "cert:client" and lines[1]["actor"].startswith("uid:")
    assert [line["actor"] for line in remote.journal_events("policy") if "actor" in line][-2:] == [
        lines[0]["actor"], lines[1]["actor"]]


def test_a_reconcile_is_answered_with_json(remote, pki):
    answer = ask(remote, pki, "client", "POST", "/v1/reconcile")
    assert answer.status in (200, 503) and "why" in answer.json, answer


def test_a_reload_reads_the_certificate_anew(gateway_factory, site_factory, cloud, pki):
    site = site_factory(settings=admin_settings(pki), url=cloud.url)
    files = {}
    for kind, source in (("certificate", pki.certificate), ("key", pki.key)):
        files[kind] = site.folder / f"admin-{kind}"
        shutil.copy(source("gateway"), files[kind])
    site.write_settings({"admin": {"tls": {"certificate": "admin-certificate", "key": "admin-key"}}})
    gateway = gateway_factory(site=site)

    def name():
        with connect(gateway, pki, "client") as client:
            return dict(part[0] for part in client.sock.getpeercert()["subject"])["commonName"]
    assert name() == "gateway"
    files["certificate"].write_text("nothing")
    assert ask(gateway, pki, "client", "POST", "/v1/reload").status == 409
    assert name() == "gateway", "the one before it stays"
    for kind, source in (("certificate", pki.certificate), ("key", pki.key)):
        shutil.copy(source("server"), files[kind])
    assert ask(gateway, pki, "client", "POST", "/v1/reload").status == 200
    assert name() == "server"


def test_faults_are_told_before_it_starts(site_factory, pki):
    site = site_factory(settings={"admin": {"address": "127.0.0.1:0"}})
    done = site.run("check")
    assert done.returncode == 1 and "not served without client certificates" in done.stderr, done
    site.write_settings({"admin": {"tls": {"certificate": pki.certificate("gateway"), "key": pki.key("server"),
                                           "client_ca": pki.ca}}})
    done = site.run("serve")
    assert done.returncode == 2 and "admin.address" in done.stderr and "does not belong" in done.stderr, done


def test_a_stop_ends_who_is_connected(remote, pki):
    with connect(remote, pki, "client") as client:
        assert client.request("GET", "/v1/status").status == 200
        silent = [socket.create_connection(remote_address(remote), timeout=20) for _ in range(20)]
        wait_for(lambda: ask(remote, pki, "client", "GET", "/v1/status").status == 200, "an answer beside silent ones")
        assert remote.stop() == 0
        for sock in silent:
            sock.close()
