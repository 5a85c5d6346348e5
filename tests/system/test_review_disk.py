# SPDX-License-Identifier: Apache-2.0
"""A disk that hangs: every wait for it ends, what was not recorded is not sent, and every intent gets one outcome."""

import shutil
import signal
import subprocess

import pytest

from support.bodies import CREATE, compact, create_body
from support.contract import check_refusal, exchange_id, post_create
from support.http import request_bytes
from support.waiting import wait_for

TIMEOUT = "2s"  # longer than a sync takes on a slow disk that others write to, too

# Syncs wait for as long as the file HOLD_SYNC is there; each that waits leaves its mark.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int fd)
{
    const char *hold = getenv("HOLD_SYNC");
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    char mark[256];

    if (hold != NULL && access(hold, F_OK) == 0) {
        snprintf(mark, sizeof mark, "%s.waits", hold);
        close(open(mark, O_CREAT | O_WRONLY, 0600));
        while (access(hold, F_OK) == 0)
            usleep(2000);
    }
    return real(fd);
}
"""


class Disk:
    def __init__(self, folder):
        self.hold_file, self.mark = folder / "hold", folder / "hold.waits"
        self.shim = folder / "shim.so"
        (folder / "shim.c").write_text(SHIM)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.shim, folder / "shim.c", "-ldl"], check=True)

    @property
    def env(self):
        return {"LD_PRELOAD": str(self.shim), "HOLD_SYNC": str(self.hold_file),
                "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def hold(self):
        self.mark.unlink(missing_ok=True)
        self.hold_file.write_text("")

    def wait_held(self):
        wait_for(self.mark.exists, "a sync that waits")

    def release(self):
        self.hold_file.unlink(missing_ok=True)


@pytest.fixture
def disk(folder, processes):  # processes: its end needs a disk that works
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    made = Disk(folder)
    yield made
    made.release()


@pytest.fixture
def start(gateway_factory, cloud, disk):
    def make(timeout="30s", drain="5s"):
        return gateway_factory(settings={"journal": {"timeout": timeout}, "limits": {"drain": drain}}, env=disk.env)
    return make


def send_create(client, token, **members):
    client.send(request_bytes("POST", CREATE, compact(create_body(**members)), {"X-Auth-Token": token}))


def lines_of(gateway, answer, count):
    ours = exchange_id(answer)
    return gateway.wait_journal(lambda j: len(j.of(ours)) >= count, f"{count} lines of {ours}").of(ours)


def test_what_is_not_on_disk_in_time_is_not_sent(start, cloud, disk, token):
    gateway = start(timeout=TIMEOUT)
    disk.hold()
    answer = post_create(gateway, token)
    check_refusal(answer, 503, "journal.timeout")
    assert gateway.request("GET", CREATE, None, {"X-Auth-Token": token}).status == 200, "reads go on"
    assert gateway.request("DELETE", CREATE + "/DE-1", None, {"X-Auth-Token": token}).status == 400, "releases, too"
    disk.release()
    intent, outcome = lines_of(gateway, answer, 2)
    assert intent["event"] == "intent" and outcome["outcome"] == "refused"
    assert [reason["code"] for reason in outcome["reasons"]] == ["journal.timeout"]
    assert cloud.creates() == []
    again = post_create(gateway, token)
    assert again.status == 200, "the name is free again"
    lines_of(gateway, again, 2)
    gateway.journal().assert_settled()


def test_a_stop_while_an_intent_waits(start, cloud, disk, token):
    gateway = start(drain="300ms")
    disk.hold()
    with gateway.connect() as client:
        send_create(client, token)
        disk.wait_held()
        gateway.signal(signal.SIGTERM)
        client.read_end()  # it was ended, not only told that it will be
        disk.release()
        assert gateway.wait() == 0
    journal = gateway.journal()
    journal.assert_settled()
    outcome, = journal.events("outcome")
    assert outcome["outcome"] == "refused" and outcome["reasons"][0]["code"] == "journal.timeout", outcome
    assert cloud.creates() == [] and journal.lines[-1]["event"] == "stop"


def test_a_caller_who_hangs_up_while_the_intent_waits(start, cloud, disk, token):
    gateway = start()
    disk.hold()
    with gateway.connect() as client:
        send_create(client, token)
        disk.wait_held()
        client.reset()
    gateway.status("/healthz")
    disk.release()
    journal = gateway.wait_journal(lambda j: j.events("outcome"), "the outcome")
    assert [line["outcome"] for line in journal.events("outcome")] == ["created"]
    assert len(cloud.creates()) == 1


def test_an_outcome_that_has_to_wait_keeps_nobody_waiting_for_ever(start, cloud, disk, token):
    gateway = start(timeout=TIMEOUT)
    cloud.fault("slow", "POST *")
    with gateway.connect() as first, gateway.connect() as second:
        send_create(first, token)
        cloud.wait_held()
        disk.hold()
        send_create(second, token, name="nb-2")
        disk.wait_held()
        cloud.release()
        answer = first.read_answer()
        assert answer.status == 200, "what came of it is known"
        check_refusal(second.read_answer(), 503, "journal.timeout")
    disk.release()
    lines = lines_of(gateway, answer, 2)
    assert [line["event"] for line in lines] == ["intent", "outcome"] and lines[1]["outcome"] == "created"
    gateway.wait_journal(lambda j: len(j.events("outcome")) == 2, "both outcomes").assert_settled()


def test_a_disk_that_never_comes_back_does_not_keep_it_from_ending(start, gateway_factory, cloud, disk, token):
    gateway = start(drain="300ms")
    disk.hold()
    with gateway.connect() as client:
        send_create(client, token)
        disk.wait_held()
        gateway.signal(signal.SIGTERM)
        assert gateway.wait() == 0
    assert "the journal's disk hangs" in gateway.stderr and cloud.creates() == []
    disk.release()
    again = gateway_factory(site=gateway.site)
    journal = again.journal()
    journal.assert_settled()
    assert [line["outcome"] for line in journal.events("outcome")] in ([], ["unknown"])
    assert post_create(again, token, create_body(name="another")).status == 200, "that of the first is unknown"
