# SPDX-License-Identifier: Apache-2.0
"""What keeps a gateway from starting: it says what is wrong and where, and listens on nothing."""

import os
import re
import shutil
import socket

import pytest

from support.bodies import POLICIES
from support.http import Client


def start(site):
    """Runs `serve`, which must end by itself."""
    done = site.run("serve", timeout=30)
    assert done.returncode in (1, 2), (done.returncode, done.stderr)
    assert done.stderr.strip(), "it says why"
    return done


SETTINGS = {
    # name: settings laid over the usual ones, exit status, what stderr says (regular expression)
    "unknown key": ({"listne": 1}, 1, r'postern\.yaml:\d+:\d+: .*listne.*listen'),
    "unknown key within": ({"limits": {"bodie": "1MB"}}, 1, r"postern\.yaml:\d+:\d+: .*bodie.*body"),
    "bad duration": ({"limits": {"drain": "5 minutes"}}, 1, r"postern\.yaml:\d+:\d+: "),
    "bad size": ({"limits": {"body": "12"}}, 1, r"postern\.yaml:\d+:\d+: "),
    "http upstream": ({"upstream": {"url": "http://127.0.0.1:1"}}, 1, r"postern\.yaml:\d+:\d+: .*https"),
    "plain off loopback": ({"listen": [{"address": "0.0.0.0:0"}]}, 1, r"postern\.yaml:\d+:\d+: .*outside"),
    "no port": ({"listen": [{"address": "127.0.0.1"}]}, 1, r"postern\.yaml:\d+:\d+: "),
    "another version": ({"version": 2}, 1, r"postern\.yaml:1:\d+: "),
    "small segment": ({"journal": {"segment": "1KB"}}, 1, r"postern\.yaml:\d+:\d+: .*1\s?MB"),
    "certificate without one": ({"identity": {"tokens": {"verify": "certificate"}}}, 1,
                                r"postern\.yaml:\d+:\d+: .*needs `certificate`"),
    "signatures without keys": ({"identity": {"signatures": "verify"}}, 1, r"postern\.yaml:\d+:\d+: .*needs access_keys"),
    "a key for whoever says so": ({"identity": {"sign_as": "key.yaml"}}, 1, r"postern\.yaml:\d+:\d+: sign_as: .*decode"),
    "IAM in the clear": ({"identity": {"tokens": {"verify": "iam", "iam_url": "http://127.0.0.1"}}}, 1,
                         r"postern\.yaml:\d+:\d+: .*iam_url"),
    "a store that nobody knows": ({"quota": {"store": "redis://x"}}, 1, r"postern\.yaml:\d+:\d+: .*store"),
    "admin without certificates": ({"admin": {"address": "127.0.0.1:0"}}, 1, r"postern\.yaml:\d+:\d+: .*client_ca"),
    "no policies": ({"policies": "nowhere"}, 1, "nowhere"),
    "unreadable CA": ({"upstream": {"ca_file": "nowhere.pem"}}, 2, r"nowhere\.pem"),
    "no certificate": ({"listen": [{"address": "127.0.0.1:0", "tls": {"certificate": "nowhere.pem", "key": "k"}}]}, 2,
                       r"nowhere\.pem"),
    "journal without a place": ({"journal": {"directory": "no/such/place/journal"}}, 2, "no/such/place"),
    "socket without a place": ({"admin": {"socket": "no/such/place/admin.sock"}}, 2, "no/such/place"),
}


@pytest.mark.parametrize("name", list(SETTINGS))
def test_settings(site_factory, name):
    settings, status, says = SETTINGS[name]
    site = site_factory(settings=settings)
    done = start(site)
    assert done.returncode == status, (done.returncode, done.stderr)
    assert re.search(says, done.stderr), done.stderr
    assert "Sanitizer" not in done.stderr


def test_no_settings(site_factory):
    site = site_factory()
    site.conf.unlink()
    done = start(site)
    assert "postern.yaml" in done.stderr


def test_the_key_of_another_certificate(site_factory, pki):
    site = site_factory(settings={"listen": [{"address": "127.0.0.1:0", "tls": {
        "certificate": pki.certificate("gateway"), "key": pki.key("server")}}]})
    done = start(site)
    assert done.returncode == 2 and "server.key" in done.stderr, done.stderr


def test_a_file_that_is_no_certificate(site_factory, pki):
    site = site_factory(settings={"listen": [{"address": "127.0.0.1:0", "tls": {
        "certificate": "postern.yaml", "key": pki.key("server")}}]})
    done = start(site)
    assert done.returncode == 2 and "postern.yaml" in done.stderr, done.stderr


def test_a_ca_without_certificates(site_factory):
    site = site_factory(settings={"upstream": {"ca_file": "postern.yaml"}})
    done = start(site)
    assert done.returncode == 2 and "postern.yaml" in done.stderr, done.stderr


def test_a_port_in_use(site_factory):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = start(site_factory(settings={"listen": [{"address": address}]}))
        assert done.returncode == 2 and address in done.stderr, done.stderr


def test_a_status_port_in_use(site_factory):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = start(site_factory(settings={"status": {"address": address}}))
        assert done.returncode == 2 and address in done.stderr, done.stderr


def test_a_port_that_another_gateway_uses(gateway, site_factory):
    host, port = gateway.addresses[0]
    done = start(site_factory(settings={"listen": [{"address": f"{host}:{port}"}]}))
    assert done.returncode == 2 and str(port) in done.stderr, done.stderr
    Client(host, port).close()


def test_a_journal_that_another_gateway_uses(gateway, site_factory):
    before = gateway.journal().raw()
    site = site_factory(settings={"journal": {"directory": str(gateway.site.journal_folder)}})
    done = start(site)
    assert done.returncode == 2 and "journal" in done.stderr, done.stderr
    assert gateway.journal().raw() == before, "it has written nothing there"


def test_a_journal_that_is_a_file(site_factory):
    site = site_factory()
    site.journal_folder.write_text("")
    done = start(site)
    assert done.returncode == 2 and "journal" in done.stderr, done.stderr


def test_a_journal_that_cannot_be_written(site_factory):
    site = site_factory(settings={"journal": {"directory": "/proc/sys"}})  # not even by root
    done = start(site)
    assert done.returncode == 2 and "journal" in done.stderr, done.stderr


def test_an_admin_socket_that_is_in_use(gateway, site_factory):
    done = start(site_factory(settings={"admin": {"socket": str(gateway.site.folder / "admin.sock")}}))
    assert done.returncode == 2 and "admin.sock" in done.stderr, done.stderr


def test_an_admin_socket_that_a_dead_gateway_left(gateway, gateway_factory):
    gateway.kill()
    assert (gateway.site.folder / "admin.sock").exists()
    again = gateway_factory(site=gateway.site)
    assert again.status("/healthz").status == 200
    assert os.stat(again.site.folder / "admin.sock").st_mode & 0o777 == 0o600


def test_a_socket_path_that_is_a_file(site_factory):
    site = site_factory()
    (site.folder / "admin.sock").write_text("precious")
    done = start(site)
    assert done.returncode == 2 and "admin.sock" in done.stderr
    assert (site.folder / "admin.sock").read_text() == "precious"


FAULTY = {
    # name: policies, the place, a word of the message
    "unknown key": (POLICIES.replace("flavors:", "flavours:"), "policies.yaml:7:5", "flavors"),
    "default outside": (POLICIES.replace("default: 1h", "default: 5h"), "policies.yaml:13:16", "max"),
    "twice": (POLICIES.replace("      types: [obs]", "      types: [obs]\n      types: [evs]"), "policies.yaml:10:7", ""),
    "bad pattern": (POLICIES + '    name: {pattern: "("}\n', "policies.yaml:15:21", ""),
    "no name": (POLICIES.replace("name: team-a-notebooks", "mode: warn"), "policies.yaml:3:5", "name"),
    "tabs": (POLICIES.replace("    flavors", "\tflavors"), "policies.yaml:7:1", ""),
    "an alias": ("version: 1\npolicies: &a\n  - name: x\n    match: *a\n", "policies.yaml:2:", ""),
    "a quota of nothing": (POLICIES + "    quotas:\n      - {name: q, limits: 1, per: [user]}\n", "policies.yaml:16:19", "limit"),
}


@pytest.mark.parametrize("name", list(FAULTY))
def test_policies(site_factory, name):
    text, place, word = FAULTY[name]
    done = start(site_factory(text))
    assert done.returncode == 1
    assert place in done.stderr and word in done.stderr, done.stderr
    for line in done.stderr.splitlines():
        assert re.match(r"[^:]+:\d+:\d+: \S", line), line


def test_up_to_20_faults_in_one_run(site_factory):
    text = "version: 1\npolicies:\n" + "".join(f"  - name: p{n}\n    match: {{users: [a]}}\n    oops{n}: 1\n"
                                               for n in range(30))
    done = start(site_factory(text))
    faults = [line for line in done.stderr.splitlines() if "oops" in line]
    assert len(faults) == 20, done.stderr
    assert [int(line.split(":")[1]) for line in faults] == [5 + 3 * n for n in range(20)]


def test_a_key_that_everybody_can_read_is_told(gateway_factory, site_factory, cloud, pki, folder):
    """No more than that: where secrets are mounted it may have to be so."""
    tls = {}
    for name in ("listen", "admin", "syslog"):
        tls[name] = {"certificate": pki.certificate("gateway"), "key": str(folder / f"{name}.key")}
        shutil.copy(pki.key("gateway"), tls[name]["key"])
        os.chmod(tls[name]["key"], 0o644)
    site = site_factory(url=cloud.url, settings={
        "listen": [{"address": "127.0.0.1:0", "tls": tls["listen"]}],
        "admin": {"address": "127.0.0.1:0", "tls": {**tls["admin"], "client_ca": pki.ca}},
        "sinks": [{"name": "siem", "syslog": {"address": "tls:127.0.0.1:9", "ca_file": pki.ca, **tls["syslog"]}}]})

    def told(stderr):
        return re.findall(r"postern\.yaml:\d+:\d+: warning: key \S*/(\w+)\.key has mode (\d+), .*0600 or 0640", stderr)
    every = [(name, "0644") for name in ("listen", "admin", "syslog")]
    done = site.run("check")
    assert (done.returncode, told(done.stderr)) == (0, every), done.stderr
    gateway = gateway_factory(site=site)
    assert told(gateway.stderr) == every
    done = site.run("reload")
    assert (done.returncode, told(done.stdout)) == (0, every), done
    assert len(re.findall(r"warning: reload: \S*postern\.yaml:\d+:\d+: key \S*\.key has mode 0644", gateway.stderr)) == 3
    for mode in (0o600, 0o640):
        for one in tls.values():
            os.chmod(one["key"], mode)
        done = site.run("check")
        assert (done.returncode, done.stderr) == (0, "")
