# SPDX-License-Identifier: Apache-2.0
"""The journal and all that follows it, under everything that can happen to them: kill -9 of who writes and of who reads,
disks that are full or read-only, receivers that are away for hours. Nothing is lost, nothing is doubled, and it verifies."""

import random
import shutil
import subprocess
import threading

import pytest

from support.bodies import CREATE, compact, create_body
from support.contract import check_refusal, post_create
from support.disk import Disk, Mounts, build_shim, fill
from support.http import request_bytes
from support.memory import FREES, resident_kb
from support.process import environment, sanitizer_report
from support.trailing import EVERYTHING, Followed
from support.waiting import wait_for
from support.written import write_journal

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")

MB = 1048576
LONG = "/team-a/" + "x" * 950 + "/"  # so that segments fill sooner


@pytest.fixture
def mounts():
    made = Mounts()
    yield made
    made.close()


@pytest.fixture
def cloud(cloud_factory):
    return cloud_factory(max_instances=1000000, frozen=False)  # else what is new is listed as old: as an orphan


@pytest.fixture
def followed(mounts, site_factory, pki, folder, cloud):
    made = []

    def make(**options):
        made.append(Followed(site_factory, pki, folder, cloud.url, **options))
        return made[-1]
    yield make
    for one in made:
        one.close()


def body(name, kind="plain"):
    more = {"flavor": "modelarts.vm.gpu.v100"} if kind == "refused" else {"spec__storage__location__path": LONG}
    return create_body(name=name, **more)


class Clients:
    """Several clients that create and are refused until the gateway is gone or they are told to end. What they learn
    outlives every gateway. may_fail: 503 of the journal is an answer as well."""

    def __init__(self, token, count=4):
        self.token, self.count = token, count
        self.answers, self.faults = {}, []
        self._over, self._threads, self._may_fail = threading.Event(), [], False

    def start(self, gateway, prefix, may_fail=False):
        self._over.clear()
        self._may_fail = may_fail
        self._threads = [threading.Thread(target=self._run, args=(gateway, f"{prefix}-{n}")) for n in range(self.count)]
        for thread in self._threads:
            thread.start()

    def _run(self, gateway, prefix):
        pick = random.Random(prefix)
        try:
            with gateway.connect() as client:
                number = 0
                while not self._over.is_set():
                    number += 1
                    self._turn(client, pick.choice(["plain", "plain", "plain", "refused"]), f"{prefix}-{number}")
        except (OSError, AssertionError) as error:
            if not self._over.is_set():
                self.faults.append(f"{prefix}: {error!r}")

    def _turn(self, client, kind, name):
        answer = client.request("POST", CREATE, compact(body(name, kind)), {"X-Auth-Token": self.token})
        self.answers[name] = answer
        if answer.status == 503 and self._may_fail:
            check_refusal(answer, 503)
            assert answer.json["reasons"][0]["code"].startswith("journal."), answer
        else:
            assert answer.status == (403 if kind == "refused" else 200), answer

    def end(self, kill=None):
        """kill: a gateway that is killed under them."""
        self._over.set()
        if kill is not None:
            kill.kill()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "a client hangs"
        assert self.faults == []

    def answered(self, status):
        return sum(answer.status == status for answer in list(self.answers.values()))

    def wait(self, status, more):
        target = self.answered(status) + more
        wait_for(lambda: self.answered(status) >= target or self.faults, f"{more} more answers with {status}", 60)


class Readers:
    """Somebody who runs these commands one after the other, and kills each after a while that may be longer than it
    takes. Those that come to their end must be well."""

    def __init__(self, commands, pick, longest_s):
        self.commands, self.pick, self.longest_s = commands, pick, longest_s
        self.killed = self.ended = 0
        self.faults, self._over = [], threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._over.is_set() and not self.faults:
            command = self.pick.choice(self.commands)
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                       env=environment())
            try:
                said, errors = process.communicate(timeout=self.pick.uniform(0, self.longest_s))
            except subprocess.TimeoutExpired:
                process.kill()
                _, errors = process.communicate()
                self.killed += 1
            else:
                self.ended += 1
                if process.returncode != 0 or sanitizer_report(errors):
                    self.faults.append(f"{command} ended with {process.returncode}: {said[:2000]}{errors}")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._over.set()
        self._thread.join(60)
        assert self.faults == []


# ---- kill -9 ----

ROUNDS = 6


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_writers_and_readers(followed, gateway_factory, token, seed):
    pick = random.Random(f"torture {seed}")
    trail, clients = followed(), Clients(token)
    questions = [trail.ask_command(*question) for question in EVERYTHING]
    killed = ended = 0
    for turn in range(ROUNDS):
        gateway = gateway_factory(site=trail.site)
        trail.lake.answer = pick.choice([200, 200, 200, "drop", 503])
        clients.start(gateway, f"{seed}-{turn}")
        if turn == 0:
            trail.wait_first_seal(gateway)
        clients.wait(200, 20)
        with Readers(questions, random.Random(f"{seed} {turn} ask"), 0.5) as asking, \
                Readers([trail.verify_command()], random.Random(f"{seed} {turn} verify"), 0.5) as verifying:
            threading.Event().wait(pick.uniform(0, 1.2))  # at some instant
            clients.end(kill=gateway)
        killed += asking.killed + verifying.killed
        ended += asking.ended + verifying.ended
        if turn % 3 == 2:  # most rounds, seals and positions of several runs come together
            trail.lake.answer = 200
    trail.lake.answer = 200
    gateway = gateway_factory(site=trail.site)
    clients.start(gateway, f"{seed}-last")
    wait_for(lambda: len(list(trail.site.journal_folder.glob("*.jsonl"))) > 1 and clients.answered(200) > 100 and
             clients.answered(403) > 10, "enough of everything", 60)
    clients.end()
    journal = trail.check_all(gateway, clients.answers)
    assert killed > 0  # on a busy machine each of them; check_all has let some end
    print(len(journal.lines), "lines", len(journal.segments), "segments", killed, "killed", ended, "ended",
          trail.lake.repeats, "batches again", len(trail.siem.messages) - len(journal.lines), "messages again")


# ---- a full disk ----

def test_full_while_sealing_and_while_positions_are_written(followed, mounts, gateway_factory, token, folder):
    """All on one small disk, and the witness on another one, each full at times; killed while they are, too."""
    pick = random.Random("full")
    mounts.small(folder / "place", 64 * MB)
    mounts.small(folder / "other", 64 * 1024)
    trail, clients = followed(place=folder / "place"), Clients(token)
    trail.site.failing_disk = True
    gateway = gateway_factory(site=trail.site)
    for turn in range(5):
        clients.start(gateway, f"full-{turn}", may_fail=True)
        clients.wait(200, 30)
        fillers = [fill(trail.place, pick.choice([0, 4096, 300000])), fill(trail.other, pick.choice([0, 4096]))]
        clients.wait(503, 20)
        answer = trail.run(trail.ask_command(*EVERYTHING[0]))
        assert answer.returncode == 0 or answer.returncode == 2 and "full" in answer.stderr, answer
        if turn % 2 == 1:
            clients.end(kill=gateway)
        for filler in pick.sample(fillers, 2):
            filler.unlink()
        if turn % 2 == 1:
            gateway = gateway_factory(site=trail.site)
        else:
            clients.wait(200, 30)
            clients.end()
    wait_for(lambda: gateway.status("/readyz").body == b"ok\n", "the gateway to be well")
    trail.check_all(gateway, clients.answers)
    assert clients.answered(503) >= 100


def test_full_while_positions_are_behind(followed, mounts, gateway_factory, token, folder):
    """A batch that could not be repeated by its id doesn't go."""
    mounts.small(folder / "place", 64 * MB)
    trail = followed(place=folder / "place", settings={"log": {"level": "warning"}})
    trail.site.failing_disk = True
    trail.lake.answer, trail.lake.headers["Retry-After"] = 503, "1"
    gateway = gateway_factory(site=trail.site)
    refuse(gateway, token, 1000)
    wait_for(lambda: gateway.metrics()['postern_sink_lag_lines{sink="lake"}'] >= 1000, "the lag")
    filler = fill(trail.place, 0)
    trail.lake.answer = 200
    gateway.wait_stderr("can't write lake.position: No space left on device")
    assert len(trail.lake.batches) <= 1, "the first has its bounds on disk"
    sealed = trail.last_seq()
    refuse(gateway, token, 50)  # into the space that the segment has already
    wait_for(lambda: gateway.metrics()["postern_journal_last_seal_seq"] > sealed, "a seal on the full disk")
    gateway.kill()
    gateway = gateway_factory(site=trail.site)
    assert gateway.request("GET", CREATE, None, {"X-Auth-Token": token}).status == 200
    check_refusal(post_create(gateway, token), 503, "journal.unavailable")
    filler.unlink()
    trail.check_all(gateway, {})


def test_a_new_sink_on_a_full_disk(followed, mounts, gateway_factory, token, folder):
    """It waits for room; nobody waits for it."""
    mounts.small(folder / "place", 64 * MB)
    trail = followed(place=folder / "place", settings={"log": {"level": "warning"}})
    trail.site.failing_disk = True
    gateway = gateway_factory(site=trail.site)
    refuse(gateway, token, 100)
    gateway.stop()
    (trail.place / "sinks" / "lake.position").unlink()
    trail.lake.batches.clear()
    filler = fill(trail.place, 0)
    gateway = gateway_factory(site=trail.site)
    gateway.wait_stderr("can't write lake.position: No space left on device")
    assert gateway.request("GET", CREATE, None, {"X-Auth-Token": token}).status == 200
    assert trail.lake.batches == []
    filler.unlink()
    trail.check_all(gateway, {})


def test_full_while_indexing(postern, program, mounts, folder, tmp_path):
    """The question fails, and the next one with room has all of the answer; what was there is not harmed."""
    subprocess.run([program("bench_trail"), "--lines", "6000", "--segment", "1MB", tmp_path / "journal"], check=True,
                   capture_output=True)
    mounts.small(folder / "small", 16 * MB)
    index = folder / "small" / "index"
    ask = ["audit", *EVERYTHING[0], "--journal", tmp_path / "journal"]
    expected = postern(*ask, "--index", tmp_path / "index")
    size = (tmp_path / "index").stat().st_size
    for leave in (0, 4096, 20000, 65536, size // 4, size // 2, size - 65536, size):
        filler = fill(folder / "small", leave)
        answer = postern(*ask, "--index", index)
        assert answer.returncode == 0 and answer.stdout == expected.stdout or \
            answer.returncode == 2 and answer.stdout == "" and "full" in answer.stderr, (leave, answer.stderr)
        if leave < size // 2:
            assert answer.returncode == 2, f"{leave} bytes were enough"
        filler.unlink()
        if leave in (20000, size // 2):
            assert postern(*ask, "--index", index).stdout == expected.stdout
            index.unlink()
    answer = postern(*ask, "--index", index)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, expected.stdout, "")
    assert postern("audit", "verify", "--journal", tmp_path / "journal").returncode == 0


# ---- read-only ----

@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    return build_shim(tmp_path_factory.mktemp("shim"))


def test_read_only_while_it_runs(followed, shim, mounts, gateway_factory, token, folder):
    """The disks of the journal, of the witness, and the place of the index."""
    trail, clients = followed(), Clients(token)
    trail.site.failing_disk = True
    disk = Disk(shim, folder / "disk", trail.site.binary)
    gateway = gateway_factory(site=trail.site, env=disk.env)
    clients.start(gateway, "ro", may_fail=True)
    clients.wait(200, 50)
    mounts.read_only(trail.other)
    with disk.read_only():
        clients.wait(503, 50)
        check_refusal(post_create(gateway, token), 503, "journal.unavailable")
        assert gateway.request("GET", CREATE, None, {"X-Auth-Token": token}).status == 200
        assert gateway.status("/readyz").body.startswith(b"degraded: judged requests are refused")
    clients.wait(200, 50)
    wait_for(lambda: gateway.metrics()["postern_journal_witness_failures_total"] > 0, "the witness's failure")
    clients.end()
    mounts.read_only(trail.place)  # of whoever asks; the gateway's own files stay open
    answers = [trail.run(trail.ask_command(*question)) for question in EVERYTHING]
    assert all(answer.returncode == 0 and "temporary" in answer.stderr for answer in answers), answers
    mounts.close()
    assert post_create(gateway, token, body("after")).status == 200  # another seal tells the witness of those that wait
    trail.check_all(gateway, clients.answers)
    assert [trail.run(trail.ask_command(*question)).returncode for question in EVERYTHING] == [0, 0]


def test_remounted_read_only_under_a_killed_gateway(followed, mounts, gateway_factory, token, folder):
    """As a system does that finds its disk faulty: nothing starts on it, it can be asked and verified, and goes on when
    it is writable again."""
    mounts.small(folder / "place", 64 * MB)
    trail, clients = followed(place=folder / "place"), Clients(token)
    for turn in range(2):
        gateway = gateway_factory(site=trail.site)
        clients.start(gateway, f"remount-{turn}")
        clients.wait(200, 50)
        trail.wait_first_seal(gateway)
        clients.end(kill=gateway)
        mounts.remount(trail.place, "ro")
        before = trail.kept()
        done = trail.site.run("serve")
        assert done.returncode == 2 and "Read-only file system" in done.stderr, done.stderr
        assert trail.run(trail.ask_command(*EVERYTHING[0])).returncode == 0
        assert trail.run(trail.verify_command()).returncode == 0
        assert trail.kept() == before
        mounts.remount(trail.place, "rw")
    gateway = gateway_factory(site=trail.site)
    trail.check_all(gateway, clients.answers)


# ---- receivers that are away ----

def refuse(gateway, token, count):
    """So many refusal lines, 50 at a time."""
    burst = request_bytes("POST", CREATE, compact(body("refused", "refused")), {"X-Auth-Token": token}) * 50
    with gateway.connect() as client:
        for _ in range(count // 50):
            client.send(burst)
            assert {client.read_answer().status for _ in range(50)} == {403}


def test_receivers_that_are_away_for_an_hour(followed, program, gateway_factory, token):
    """Of 20,000 lines over many segments, nearly all older than what is kept: none goes before they had it, and all that
    are so old go after."""
    trail = followed(journal={"keep": "1h"})
    refusal = {"event": "refusal", "decision": "refuse", "outcome": "refused", "reasons": [{"code": "route.unknown"}]}
    write_journal(trail.site.journal_folder, [[{**refusal, "id": f"{segment:016x}{number:016x}", "path": LONG}
                                               for number in range(1000)] for segment in range(17)])
    before = sorted(path.name for path in trail.site.journal_folder.glob("*.jsonl"))
    trail.lake.headers["Retry-After"] = "1"
    trail.lake.answer = 503
    trail.siem.stop()
    gateway = gateway_factory(site=trail.site, env=FREES)
    memory = None
    for _ in range(6):
        refuse(gateway, token, 500)
        memory = memory or resident_kb(gateway)
    wait_for(lambda: gateway.metrics()['postern_sink_lag_lines{sink="lake"}'] >= 20000, "the lag")
    assert resident_kb(gateway) - memory < 24 * 1024
    segments = sorted(path.name for path in trail.site.journal_folder.glob("*.jsonl"))
    assert segments[:len(before)] == before and len(segments) > len(before), "none went, and there are new ones"
    trail.siem.start()
    trail.lake.answer = 200
    count = trail.wait_caught_up(gateway, 90.0)  # the pauses between its tries have grown meanwhile
    assert trail.lake.repeats == 0 and len(trail.siem.messages) == len(set(trail.siem.seqs()))
    trail.check_delivered(count)
    assert count >= 20000
    gateway.check_journal = False  # its first segments go now

    def gone():  # at the end of a segment, once the journal was told what the sinks have
        refuse(gateway, token, 500)
        return not (trail.site.journal_folder / before[-2]).exists()
    wait_for(gone, "what nobody needs any more to go")
    assert (trail.site.journal_folder / before[-1]).exists(), "new lines stand in it, too"
    done = trail.run(trail.verify_command())
    assert done.returncode == 0, done.stdout
