# SPDX-License-Identifier: Apache-2.0
"""Seals of the journal, verified by OpenSSL's own command; their witness, which never costs anybody anything."""

import hashlib
import os
import shutil
import subprocess

import pytest

from support.bodies import CREATE, compact, create_body
from support.contract import post_create
from support.disk import Mounts, fill
from support.waiting import wait_for

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")


def openssl(*args, text=b""):
    return subprocess.run(["openssl", *map(str, args)], input=text, capture_output=True, check=True, timeout=60).stdout


def make_key(path):
    path.touch(0o600)
    openssl("genpkey", "-algorithm", "ed25519", "-out", path)
    path.chmod(0o600)


def key_id(key):
    return hashlib.sha256(openssl("pkey", "-in", key, "-pubout", "-outform", "DER")).hexdigest()


def verifies(seal, key, folder):
    """By what docs/journal.md says, with nothing of the gateway's."""
    signature, signed = folder / "signature", folder / "signed"
    signature.write_bytes(bytes.fromhex(seal["signature"]))
    signed.write_text(f"postern seal v1\n{seal['seq']}\n{seal['head']}\n{seal['time']}\n")
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-inkey", str(key), "-sigfile", str(signature),
                           "-in", str(signed)], capture_output=True, timeout=60)
    return done.returncode == 0 and seal["head"] == seal["prev"] and seal["key"] == key_id(key)


def told(witness):
    return witness.read_bytes() if witness.is_file() else b""


def raw_seals(journal):
    return b"".join(line + b"\n" for line in journal.raw().split(b"\n") if b',"event":"seal",' in line)


@pytest.fixture
def sealed(gateway_factory, folder):
    """Starts a gateway with a key and a witness; settings are those of `journal`."""
    (folder / "other").mkdir()
    make_key(folder / "seal.key")

    def start(**journal):
        settings = {"seal": {"key": f"{folder}/seal.key", "every": "24h"}, "witness": f"{folder}/other/seals"}
        return gateway_factory(settings={"journal": {**settings, **journal}})
    return start


def test_every_segment_and_every_run_ends_with_a_seal(sealed, gateway_factory, folder, token):
    gateway = sealed()
    with gateway.connect() as client:
        for number in range(1500):
            answer = client.request("POST", CREATE, compact(create_body(name=f"n{number}")), {"X-Auth-Token": token})
            assert answer.status == 200, answer
            if len(list(gateway.site.journal_folder.glob("*.jsonl"))) > 1:
                break
    gateway.stop()
    gateway = gateway_factory(site=gateway.site)
    gateway.stop()
    journal = gateway.site.journal()
    seals = journal.events("seal")
    assert len(seals) == len(journal.segments) + 1 == 3
    for seal in seals:
        assert verifies(seal, folder / "seal.key", folder), seal
        before, behind = journal.lines[seal["seq"] - 2], journal.lines[seal["seq"]:][:1]
        assert before["event"] == "stop" or behind[0]["event"] == "checkpoint"
        assert hashlib.sha256(journal.raw().split(b"\n")[before["seq"] - 1]).hexdigest() == seal["head"]
    assert not verifies({**seals[0], "seq": seals[0]["seq"] + 1}, folder / "seal.key", folder)
    assert (folder / "other" / "seals").read_bytes() == raw_seals(journal)


def test_a_line_is_sealed_in_time_and_the_state_says_so(sealed, folder, token):
    gateway = sealed(seal={"key": f"{folder}/seal.key", "every": "1s"})
    assert post_create(gateway, token).status == 200
    journal = gateway.wait_journal(lambda j: j.lines[-1]["event"] == "seal" and j.events("outcome"), "a seal")
    wait_for(lambda: told(folder / "other" / "seals") == raw_seals(journal), "the witness")
    wait_for(lambda: gateway.metrics()["postern_journal_witness_waiting"] == 0, "the count behind that")
    last = journal.lines[-1]
    status = gateway.site.run("status").stdout
    assert key_id(folder / "seal.key") in status and last["time"] in status
    metrics = gateway.metrics()
    assert metrics["postern_journal_last_seal_seq"] == last["seq"]
    assert metrics["postern_journal_seals_total"] == len(journal.events("seal"))
    assert metrics["postern_journal_last_seal_timestamp_seconds"] > 1.7e9
    assert metrics["postern_journal_witness_failures_total"] == 0
    assert "waiting for the witness: 0 seals" in status


def test_a_reload_takes_the_new_key_or_keeps_the_old(sealed, folder, token):
    gateway = sealed(seal={"key": f"{folder}/seal.key", "every": "1s"})
    gateway.wait_journal(lambda j: j.events("seal"), "a seal")
    old, new = key_id(folder / "seal.key"), folder / "new.key"
    for_auditors = folder / "old.pub", folder / "new.pub"
    openssl("pkey", "-in", folder / "seal.key", "-pubout", "-out", for_auditors[0])
    (folder / "seal.key").chmod(0o644)
    gateway.reload()
    wait_for(lambda: "chmod 600" in gateway.stderr, "the fault in the log")
    assert f"journal.seal.key: {folder}/seal.key" in gateway.stderr
    assert post_create(gateway, token).status == 200
    journal = gateway.wait_journal(lambda j: len(j.events("seal")) > 1, "another seal")
    assert {seal["key"] for seal in journal.events("seal")} == {old}
    make_key(new)
    os.replace(new, folder / "seal.key")
    gateway.reload()
    wait_for(lambda: key_id(folder / "seal.key") in gateway.site.run("status").stdout, "the new key")
    gateway.stop()
    last = gateway.site.journal().lines[-1]
    assert last["event"] == "seal" and verifies(last, folder / "seal.key", folder)
    openssl("pkey", "-in", folder / "seal.key", "-pubout", "-out", for_auditors[1])
    for keys, status in (for_auditors, 0), (for_auditors[::-1], 1):
        options = [word for key in keys for word in ("--key", str(key))]
        done = gateway.site.run("audit", "verify", "-c", str(gateway.site.conf), *options, conf=False)
        assert done.returncode == status, done


@pytest.fixture
def mounts():
    made = Mounts()
    yield made
    made.close()


# Each breaks the witness of that path, and gives what makes it well again.

def is_a_folder(path, mounts):
    path.mkdir()
    return path.rmdir


def is_a_pipe(path, mounts):
    os.mkfifo(path)
    return path.unlink


def has_no_folder(path, mounts):
    path.parent.rmdir()
    return path.parent.mkdir


def is_on_a_full_disk(path, mounts):
    path.parent.rmdir()
    mounts.small(path.parent, 65536)
    return fill(path.parent, 0).unlink


def is_read_only(path, mounts):
    mounts.read_only(path.parent)
    return mounts.close


@pytest.mark.parametrize("fault", [is_a_folder, is_a_pipe, has_no_folder, is_on_a_full_disk, is_read_only])
def test_a_witness_that_fails_costs_nobody_anything(sealed, mounts, folder, token, fault):
    witness = folder / "other" / "seals"
    repair = fault(witness, mounts)
    gateway = sealed(seal={"key": f"{folder}/seal.key", "every": "1s"})
    for number in range(20):
        assert post_create(gateway, token, create_body(name=f"n{number}")).status == 200
    wait_for(lambda: gateway.metrics()["postern_journal_witness_failures_total"] > 0, "a failure")
    assert gateway.metrics()["postern_journal_witness_waiting"] > 0
    assert gateway.status("/readyz").body == b"ok\n"
    gateway.wait_stderr("the journal's witness can't be told")
    assert post_create(gateway, token, create_body(name="another")).status == 200
    wait_for(lambda: gateway.metrics()["postern_journal_witness_failures_total"] > 1, "another failure")
    assert gateway.stderr.count("the journal's witness can't be told") == 1
    repair()
    assert post_create(gateway, token, create_body(name="repaired")).status == 200  # its seal is another try
    wait_for(lambda: gateway.metrics()["postern_journal_witness_waiting"] == 0, "what waits to go before it")
    gateway.stop()  # with a last one, for which it has two seconds
    assert witness.read_bytes() == raw_seals(gateway.site.journal())


def test_a_start_makes_up_for_seals_that_the_witness_lacks(sealed, gateway_factory, folder):
    gateway = sealed()
    gateway.kill()
    witness = folder / "other" / "seals"
    gateway = gateway_factory(site=gateway.site)
    gateway.stop()
    witness.unlink()
    gateway = gateway_factory(site=gateway.site)
    wait_for(lambda: told(witness) == raw_seals(gateway.site.journal()), "the witness")


def test_check_refuses_a_key_that_cannot_be_used(site_factory, folder):
    site = site_factory(settings={"journal": {"seal": {"key": f"{folder}/seal.key"}}})
    number = site.conf.read_text().splitlines().index(f"    key: {folder}/seal.key") + 1
    openssl("genpkey", "-algorithm", "ed25519", "-aes-256-cbc", "-pass", "pass:x", "-out", folder / "locked.key")
    openssl("genpkey", "-algorithm", "x25519", "-out", folder / "other.key")
    (folder / "seal.key").write_text("")
    make = {"no unencrypted PEM private key": lambda: shutil.copy(folder / "locked.key", folder / "seal.key"),
            "expected an Ed25519 key": lambda: shutil.copy(folder / "other.key", folder / "seal.key"),
            "No such file": (folder / "seal.key").unlink}
    for fault, prepare in make.items():
        prepare()
        if (folder / "seal.key").exists():
            (folder / "seal.key").chmod(0o600)
        result = site.run("check")
        assert result.returncode == 1 and fault in result.stderr, result
        assert f"postern.yaml:{number}:10: key: {folder}/seal.key: " in result.stderr
    make_key(folder / "seal.key")
    assert site.run("check").returncode == 0


def test_check_warns_of_a_witness_without_a_folder(site_factory, folder):
    make_key(folder / "seal.key")
    site = site_factory(settings={"journal": {"seal": {"key": f"{folder}/seal.key"},
                                              "witness": f"{folder}/away/seals"}})
    result = site.run("check")
    assert result.returncode == 0 and f"warning: journal.witness: {folder}/away: No such file" in result.stderr, result
    (folder / "away").mkdir()
    assert "journal.witness" not in site.run("check").stderr


def test_space_that_gets_short_is_said_before_it_is_too_late(gateway_factory, token):
    gateway = gateway_factory(settings={"journal": {"low_space": {"warn": "1024GB", "refuse": "1MB"}}})
    assert post_create(gateway, token).status == 200
    assert gateway.status("/readyz").body.startswith(b"degraded: space for the journal gets short, ")
    assert gateway.metrics()["postern_journal_space_low"] == 1
    assert gateway.metrics()["postern_journal_accepting"] == 1
    assert gateway.stderr.count("journal.low_space.warn") == 1
    shown = gateway.site.run("check", "--show").stdout
    assert "  low_space:\n    warn: 1024GB\n    refuse: 1MB\n" in shown
