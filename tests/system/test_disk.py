# SPDX-License-Identifier: Apache-2.0
"""The journal's disk is full, read-only, hangs or fails: what must be recorded is refused, everything else goes on,
nothing is lost, and when the disk is well again the gateway is, too."""

import itertools
import re
import threading
import time

import pytest

from support.bodies import CREATE, PROJECT, compact, create_body
from support.contract import check_refusal, exchange_id, post_create
from support.disk import Disk, Mounts, build_shim, fill
from support.http import request_bytes
from support.memory import FREES, resident_kb
from support.waiting import wait_for

MB = 1048576
TIMEOUT_S = 2  # of the journal: longer than a sync takes on a slow disk that others write to, too
LONG = "/team-a/" + "x" * 950 + "/"  # so that segments fill sooner
OTHER_FLAVOR = create_body(name="refused", flavor="modelarts.vm.gpu.v100")


@pytest.fixture
def mounts(folder):
    made = Mounts()
    yield made
    made.close()


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def cloud(cloud_factory):
    return cloud_factory(max_instances=1000000, frozen=False)  # else what is new is listed as old: as an orphan


@pytest.fixture
def site(site_factory, cloud):
    made = site_factory(url=cloud.url, settings={"journal": {"timeout": f"{TIMEOUT_S}s"}})
    made.failing_disk = True
    return made


@pytest.fixture
def disk(shim, site, folder):
    return Disk(shim, folder / "disk", site.binary)


@pytest.fixture
def small_site(mounts, site_factory, folder, cloud):
    """Makes a site whose journal is on a small disk."""
    def make(size=8 * MB, **journal):
        mounts.small(folder / "small", size)
        site = site_factory(url=cloud.url, settings={
            "journal": {"directory": str(folder / "small" / "journal"), **journal}})
        site.journal_folder = folder / "small" / "journal"
        site.failing_disk = True
        return site
    return make


def stop(gateway, token, instance):
    return gateway.request("POST", f"{CREATE}/{instance}/action", {"action": "stop"}, {"X-Auth-Token": token})


def delete(gateway, token, instance):
    return gateway.request("DELETE", f"{CREATE}/{instance}", None, {"X-Auth-Token": token})


def two_running(gateway, cloud, token):
    """Two instances that can be stopped and deleted while there is trouble."""
    made = [post_create(gateway, token, create_body(name=f"before-{n}")).json["id"] for n in range(2)]
    cloud.advance(5)
    assert stop(gateway, token, made[1]).status == 200
    cloud.advance(60)
    return made


def check_others_go_on(gateway, token, running=None):
    """Reads, stops, deletes and refusals, while nothing can be recorded."""
    headers = {"X-Auth-Token": token}
    assert gateway.request("GET", CREATE, None, headers).status == 200
    assert gateway.request("POST", f"/v1/{PROJECT}/echo", b"x", headers).json["bytes"] == 1
    check_refusal(post_create(gateway, token, OTHER_FLAVOR), 403, "flavor.not_allowed")
    if running:
        assert stop(gateway, token, running[0]).status == 200
        assert delete(gateway, token, running[1]).status == 200


def check_degraded(gateway):
    ready = gateway.status("/readyz")
    assert ready.status == 200 and ready.body.startswith(b"degraded: judged requests are refused"), ready
    assert gateway.metrics()["postern_journal_accepting"] == 0


def create_again(gateway, token, name):
    """A create succeeds as soon as the gateway has noticed that the disk is well."""
    def made():
        answer = post_create(gateway, token, create_body(name=name))
        assert answer.status == 200 or answer.json["reasons"][0]["code"].startswith("journal."), answer
        return answer if answer.status == 200 else None
    return wait_for(made, "a create")


def check_whole(gateway, cloud, answers):
    """answers: to creates, by their names. The cloud received those that succeeded, once, and no other one."""
    journal = gateway.wait_journal(lambda j: not j.open, "the outcomes")
    made = sorted(name for name, answer in answers.items() if answer.status == 200)
    assert sorted(request.json["name"] for request in cloud.creates()) == made
    names = {line["id"]: line["instance"]["name"] for line in journal.events("intent")}
    created = [names[line["id"]] for line in journal.events("outcome", outcome="created")]
    assert sorted(created) == made
    return journal


class Creators:
    """Clients that send creates of other names all the time, and take two answers for it: done, and not recorded."""

    def __init__(self, gateway, token, count=4):
        self.gateway, self.headers = gateway, {"X-Auth-Token": token}
        self.answers, self.faults, self._over = {}, [], threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(n,)) for n in range(count)]

    def _run(self, number):
        try:
            with self.gateway.connect() as client:
                turn = 0
                while not self._over.is_set():
                    name, turn = f"c{number}-{turn}", turn + 1
                    body = create_body(name=name, spec__storage__location__path=LONG)
                    answer = client.request("POST", CREATE, compact(body), self.headers)
                    self.answers[name] = answer
                    if answer.status != 200:
                        check_refusal(answer, 503)
                        assert answer.json["reasons"][0]["code"].startswith("journal."), answer
        except (OSError, AssertionError) as error:
            self.faults.append(error)
            self._over.set()

    def count(self, status):
        return sum(1 for answer in list(self.answers.values()) if answer.status == status)

    def wait(self, status, more):
        """Until so many more answers have that status."""
        target = self.count(status) + more
        wait_for(lambda: self.count(status) >= target or self.faults, f"{more} more answers with {status}", 60)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *unused):
        self._over.set()
        for thread in self.threads:
            thread.join(30)
        assert self.faults == []


FULL = {
    # name: setting low_space, bytes that are left
    "no byte left": ("0B", 0),
    "no room for another segment": ("0B", 512 * 1024),
    "less than low_space": ("2MB", MB),
}


@pytest.mark.parametrize("name", list(FULL))
def test_a_full_disk(small_site, gateway_factory, cloud, token, name):
    low_space, leave = FULL[name]
    site = small_site(32 * MB, low_space=low_space)  # so that its own lines do not fill it
    gateway = gateway_factory(site=site)
    running = two_running(gateway, cloud, token)
    cloud.forget()
    with Creators(gateway, token) as creators:
        creators.wait(200, 20)
        filler = fill(site.journal_folder, leave)
        creators.wait(503, 40)
        check_others_go_on(gateway, token, running)
        if name != "no byte left":
            check_degraded(gateway)
        filler.unlink()
        creators.wait(200, 20)
    journal = gateway.wait_journal(lambda j: not j.open, "the outcomes")
    made = {request.json["name"] for request in cloud.creates()}
    assert made == {name for name, answer in creators.answers.items() if answer.status == 200}
    assert len(made) == len(cloud.creates()), "none was sent twice"
    assert len(journal.events("outcome", outcome="created")) == len(made) + len(running)
    assert gateway.status("/readyz").body == b"ok\n"


def test_readiness_tells_that_no_byte_is_left(small_site, shim, folder, gateway_factory, token):
    """Whoever is refused finds the reason in the state, even while the writer that found it is kept by a sync."""
    site = small_site(low_space="0B")
    disk = Disk(shim, folder / "disk", site.binary)
    gateway = gateway_factory(site=site, env=disk.env)
    names = (f"before-{n}" for n in itertools.count())

    def stopped_before_a_sync():  # of the outcome, which nobody waits for
        answer = post_create(gateway, token, create_body(name=next(names)))
        assert answer.status == 200
        gateway.wait_outcome(exchange_id(answer))
        wait_for(lambda: gateway.metrics()["postern_journal_open_intents"] == 0, "the writer to be through with it")
        gateway.pause()
        if not disk.is_idle(site.journal_folder):
            return True
        gateway.go_on()  # too late, once more
        return False

    wait_for(stopped_before_a_sync, "an outcome that is not synced")
    fill(site.journal_folder, 0)
    with disk.hanging():
        gateway.go_on()
        disk.wait_hanging()
        assert post_create(gateway, token, create_body(name="refused")).status == 503
        check_degraded(gateway)


def test_a_disk_that_fills_up_again_and_again(small_site, gateway_factory, cloud, token):
    site = small_site(32 * MB, low_space="0B")
    gateway = gateway_factory(site=site)
    with Creators(gateway, token, 6) as creators:
        for turn in range(4):
            creators.wait(200, 10)
            filler = fill(site.journal_folder, turn * 80000)
            creators.wait(503, 10)
            filler.unlink()
    check_whole(gateway, cloud, creators.answers)
    gateway.stop()
    again = gateway_factory(site=site)
    assert post_create(again, token, create_body(name="after")).status == 200


def test_a_full_disk_at_the_end(small_site, gateway_factory, cloud, token):
    """TERM while the disk is full: what is left can be started from."""
    site = small_site(low_space="0B")
    gateway = gateway_factory(site=site)
    with Creators(gateway, token) as creators:
        creators.wait(200, 10)
        filler = fill(site.journal_folder, 0)
        creators.wait(503, 10)
    check_whole(gateway, cloud, creators.answers)
    gateway.stop()
    filler.unlink()
    again = gateway_factory(site=site)
    assert create_again(again, token, "after").status == 200
    again.journal().assert_settled()


def test_a_read_only_folder_at_the_start(mounts, site, gateway_factory):
    gateway_factory(site=site).stop()
    before = site.journal().raw()
    mounts.read_only(site.journal_folder)
    done = site.run("serve")
    assert done.returncode == 2
    assert re.search(r"journal\S*: Read-only file system", done.stderr), done.stderr
    assert site.journal().raw() == before


def test_a_folder_that_becomes_read_only(disk, site, gateway_factory, cloud, token):
    gateway = gateway_factory(site=site, env=disk.env)
    running = two_running(gateway, cloud, token)
    cloud.forget()
    disk.wait_idle(site.journal_folder)
    with disk.read_only():
        check_refusal(post_create(gateway, token), 503, "journal.unavailable")
        check_refusal(post_create(gateway, token), 503, "journal.unavailable")
        check_others_go_on(gateway, token, running)
        check_degraded(gateway)
        assert cloud.creates() == []
        assert "Read-only file system" in gateway.stderr
    assert create_again(gateway, token, "after").status == 200
    gateway.wait_journal(lambda j: not j.open, "the outcomes")
    assert [request.json["name"] for request in cloud.creates()] == ["after"]


def test_a_sync_that_hangs(disk, site, gateway_factory, cloud, token):
    gateway = gateway_factory(site=site, env=disk.env)
    running = two_running(gateway, cloud, token)
    disk.wait_idle(site.journal_folder)
    cloud.forget()
    headers, late = {"X-Auth-Token": token}, []
    with disk.hanging():
        began = time.monotonic()
        clients = [gateway.connect() for _ in range(10)]
        for number, client in enumerate(clients):
            client.send(request_bytes("POST", CREATE, compact(create_body(name=f"h{number}")), headers))
        for client in clients:
            answer = client.read_answer()
            check_refusal(answer, 503, "journal.timeout")
            late.append(exchange_id(answer))
            client.close()
        assert 0.8 * TIMEOUT_S < time.monotonic() - began < 5 * TIMEOUT_S, "none waits for another one's time"
        assert stop(gateway, token, running[0]).status == 200
        assert delete(gateway, token, running[1]).status == 200
        assert gateway.request("GET", CREATE, None, headers).status == 200
        check_refusal(post_create(gateway, token, OTHER_FLAVOR), 403, "flavor.not_allowed")
        assert cloud.creates() == []
    answer = create_again(gateway, token, "after")
    gateway.wait_outcome(exchange_id(answer))
    journal = gateway.wait_journal(lambda j: not j.open, "the outcomes")
    for ours in late:
        lines = journal.of(ours)
        assert [line["event"] for line in lines] == ["intent", "outcome"]
        assert lines[1]["outcome"] == "refused" and \
            [reason["code"] for reason in lines[1]["reasons"]] == ["journal.timeout"], lines[1]
    assert [request.json["name"] for request in cloud.creates()] == ["after"], "nothing was forwarded late"


def test_a_sync_that_fails(disk, site, gateway_factory, cloud, token):
    gateway = gateway_factory(site=site, env=disk.env)
    assert post_create(gateway, token, create_body(name="before")).status == 200
    gateway.wait_journal(lambda j: not j.open, "the outcome")
    disk.wait_idle(site.journal_folder)
    first, = site.journal_folder.glob("*.jsonl")
    disk.fail_next_sync()
    answer = post_create(gateway, token, create_body(name="lost"))
    check_refusal(answer, 503, "journal.unavailable")
    size = first.stat().st_size
    after = create_again(gateway, token, "after")
    gateway.wait_outcome(exchange_id(after))
    journal = gateway.wait_journal(lambda j: not j.open, "the outcomes")
    results = [result for name, _, result in disk.syncs() if name == first.name]
    assert results[-1] == 5 and set(results[:-1]) == {0}, "the segment is never synced again"
    assert first.stat().st_size == size, "nor written to"
    assert len(journal.segments) == 2
    assert [line["outcome"] for line in journal.of(exchange_id(answer)) if line["event"] == "outcome"] == ["refused"]
    in_second = [line for line in journal.lines if line["seq"] >= int(journal.segments[1].stem)]
    assert in_second[0]["event"] == "checkpoint"
    assert [line["event"] for line in in_second if line.get("id") == exchange_id(after)] == ["intent", "outcome"]
    assert [request.json["name"] for request in cloud.creates()] == ["before", "after"]
    gateway.stop()
    again = gateway_factory(site=site)
    assert post_create(again, token, create_body(name="later")).status == 200


def test_syncs_that_fail_under_load(disk, site, gateway_factory, cloud, token):
    gateway = gateway_factory(site=site, env=disk.env)
    with Creators(gateway, token, 6) as creators:
        for _ in range(10):
            creators.wait(200, 10)
            disk.fail_next_sync()
            wait_for(lambda: not (disk.folder / "fail-sync").exists(), "the sync that fails")
        creators.wait(200, 10)
    journal = check_whole(gateway, cloud, creators.answers)
    assert len(journal.segments) >= 11
    failed = [name for name, _, result in disk.syncs() if result]
    assert len(failed) == 10
    for name in failed:
        assert [result for n, _, result in disk.syncs() if n == name][-1] != 0, f"{name} was synced again"


def flood(gateway, token, count, between=lambda: None):
    """So many refused creates, 50 at a time; between() in between. How many KB more the gateway has at the end."""
    burst = request_bytes("POST", CREATE, compact(OTHER_FLAVOR), {"X-Auth-Token": token}) * 50
    before = None
    with gateway.connect() as client:
        for _ in range(count // 50):
            client.send(burst)
            assert {client.read_answer().status for _ in range(50)} == {403}
            before = resident_kb(gateway) if before is None else before
            between()
    grown = resident_kb(gateway) - before
    assert grown < 32 * 1024, f"{grown} KB more"


def wait_refusals(gateway, count):
    """The lines that stand for so many refusals."""
    def lines():
        found = gateway.journal_events("refusal")
        return found if sum(line.get("count", 1) for line in found) == count else None
    found = wait_for(lines, f"{count} refusals in the journal")
    for line in found:
        if "count" in line:
            assert not {"id", "operation", "user", "reasons"} & set(line), line
    return found


def test_a_flood_of_refusals_while_space_is_low(gateway_factory, cloud, token):
    """Their lines become one a second with a count, none is lost, and memory doesn't grow with them."""
    gateway = gateway_factory(settings={"journal": {"low_space": "1024GB"}}, env=FREES)
    unavailable = 0

    def look():
        nonlocal unavailable
        check_refusal(post_create(gateway, token), 503, "journal.unavailable")
        assert gateway.status("/healthz").status == 200
        unavailable += 1
    look()
    began = time.monotonic()
    flood(gateway, token, 5000, look)
    lines = wait_refusals(gateway, 5000 + unavailable)
    assert len(lines) <= time.monotonic() - began + 3, "no more than one line a second"
    assert cloud.creates() == []


def test_a_flood_of_refusals_while_a_sync_hangs(disk, site, gateway_factory, cloud, token):
    """Some wait for the disk, the others are counted; none waits for its line, none is lost."""
    gateway = gateway_factory(site=site, env={**disk.env, **FREES})
    queued = "postern_journal_queued"

    def look():
        assert gateway.metrics()[queued] <= 4096
    with disk.hanging():
        # Refusals alone are synced within a second only.
        check_refusal(post_create(gateway, token), 503, "journal.timeout")
        flood(gateway, token, 6000, look)
        assert gateway.metrics()[queued] == 4096, "it was the limit that was met"
        check_refusal(post_create(gateway, token), 503, "journal.unavailable")
    lines = wait_refusals(gateway, 6001)
    assert max(line.get("count", 1) for line in lines) > 1000
    answer = create_again(gateway, token, "after")
    gateway.wait_outcome(exchange_id(answer))
    assert [request.json["name"] for request in cloud.creates()] == ["after"]
