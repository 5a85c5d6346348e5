# SPDX-License-Identifier: Apache-2.0
"""`postern audit verify`: good journals are whole, and each way of tampering is found and named with its place. An
independent verifier (tests/verify_trail.py) comes to the same verdict."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import pytest

from support.bodies import CREATE, compact, create_body
from support.contract import exchange_id, post_create
from support.trail import Trail

VERIFIER = pathlib.Path(__file__).resolve().parents[1] / "verify_trail.py"


def make_key(path):
    """A key pair; gives the id of the public key."""
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True, capture_output=True)
    path.chmod(0o600)
    subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-out", f"{path}.pub"], check=True)
    der = subprocess.check_output(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"])
    return hashlib.sha256(der).hexdigest()


class Made:
    """A sealed journal of four segments, its key and its witness."""

    def __init__(self, program, folder):
        self.folder, self.journal = folder, folder / "journal"
        self.key, self.public, self.witness = folder / "seal.key", folder / "seal.key.pub", folder / "witness"
        self.key_id = make_key(self.key)
        subprocess.run([program("bench_trail"), "--lines", "4000", "--segment", "1MB", "--seal", "300", "--instances", "50",
                        "--key", self.key, self.journal], check=True, capture_output=True)
        self.witness.write_bytes(b"".join(line + b"\n" for line in Trail(self.journal).seals()))


@pytest.fixture(scope="module")
def made(program, tmp_path_factory):
    return Made(program, tmp_path_factory.mktemp("trail"))


@pytest.fixture
def trail(made, tmp_path):
    shutil.copytree(made.journal, tmp_path / "journal")
    return Trail(tmp_path / "journal")


@pytest.fixture
def verify(postern):
    """Runs both verifiers; ours gives its JSON."""
    def run(folder, key=None, witness=None):
        options = (["--key", str(key)] if key else []) + (["--witness", str(witness)] if witness else [])
        ours = postern("audit", "verify", "--journal", folder, *options, "--json")
        other = subprocess.run([sys.executable, VERIFIER, folder, *options], capture_output=True, text=True, timeout=60)
        assert ours.returncode in (0, 1), ours.stderr
        assert other.returncode == ours.returncode, (ours.stdout, other.stderr)
        report = json.loads(ours.stdout)
        assert report["whole"] == (ours.returncode == 0) == (report["faults"] == [])
        return report
    return run


# ---- good ones ----

def test_a_made_journal_is_whole(made, verify):
    report = verify(made.journal, made.public, made.witness)
    assert report["segments"] == 4 and report["first_seq"] == 1 and report["lines"] == report["last_seq"]
    assert report["seals"]["verified"] == report["seals"]["count"] == report["witness"]["found"] > 10
    assert report["seals"]["proven"]["from"] == 1 and report["seals"]["proven"]["until"] == report["last_seq"] - 1
    assert report["seals"]["proven"]["key"] == made.key_id
    assert report["open"] == 0


def test_the_maker_makes_the_same_again(program, tmp_path, postern):
    made = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        done = subprocess.run([program("bench_trail"), "--lines", "1500", "--segment", "1MB", "--seed", str(seed), "--plant",
                               tmp_path / name], check=True, capture_output=True, text=True)
        made.append((done.stdout, [path.read_bytes() for path in sorted((tmp_path / name).iterdir())]))
        assert postern("audit", "verify", "--journal", tmp_path / name).returncode == 0
    assert made[0] == made[1] != made[2]
    planted = re.search(r"instance (\w+) id (\w+) name planted-instance", made[0][0])
    created = [json.loads(line) for segment in made[0][1] for line in segment.splitlines() if planted[1].encode() in line][0]
    assert created["event"] == "outcome" and created["id"] == planted[2] and created["user"]["name"] == "planted-user"


def test_the_words(made, postern):
    answer = postern("audit", "verify", "--journal", made.journal, "--key", made.public)
    assert answer.returncode == 0
    assert re.search(r"^all lines from seq 1 up to seq \d+ are proven by a seal of key [0-9a-f]{64} at 20", answer.stdout, re.M)
    answer = postern("audit", "verify", "--journal", made.journal)
    assert answer.returncode == 0 and "no key was given" in answer.stdout and "nothing is proven" in answer.stdout


def test_a_running_gateway_and_what_it_leaves(gateway_factory, folder, token, verify, postern):
    make_key(folder / "seal.key")
    (folder / "other").mkdir()
    public, witness = folder / "seal.key.pub", folder / "other" / "seals"
    sealing = {"seal": {"key": str(folder / "seal.key"), "every": "1s"}, "witness": str(witness)}
    gateway = gateway_factory(settings={"journal": sealing})
    path = "/team-a/" + "x" * 900 + "/"
    with gateway.connect() as client:
        for number in range(1500):
            body = create_body(name=f"n{number}", spec__storage__location__path=path)
            answer = client.request("POST", CREATE, compact(body), {"X-Auth-Token": token})
            assert answer.status == 200, answer
            if len(list(gateway.site.journal_folder.glob("*.jsonl"))) > 1:
                break
    words = postern("audit", "verify", "-c", gateway.site.conf)
    assert words.returncode == 0 and "the journal is whole" in words.stdout, words.stdout
    gateway.wait_outcome(exchange_id(answer))
    gateway.check_journal = False  # it is cut below
    gateway.stop()
    gateway_factory(site=gateway.site).stop()
    report = verify(gateway.site.journal_folder, public, witness)
    assert report["segments"] >= 2 and report["open"] == 0 and report["intents"] > 0
    assert report["seals"]["proven"]["until"] == report["last_seq"] - 1
    assert report["witness"]["found"] == report["seals"]["count"] == report["seals"]["verified"] >= 3
    trail = Trail(gateway.site.journal_folder)
    del trail.lines(-1)[-2:]
    trail.save()
    assert verify(trail.folder, public)["whole"]
    fault, = verify(trail.folder, public, witness)["faults"]
    assert fault["kind"] == "cut" and fault["line"] == len(trail.lines(-1))


def test_lines_that_their_own_run_did_not_seal_are_told(gateway_factory, folder, token, verify, postern):
    """A crash leaves such; so does who writes to the folder while no gateway runs."""
    make_key(folder / "seal.key")
    public, sealing = folder / "seal.key.pub", {"seal": {"key": str(folder / "seal.key"), "every": "1h"}}
    gateway = gateway_factory(settings={"journal": sealing})
    site = gateway.site
    gateway.stop()
    gateway = gateway_factory(site=site)
    gateway.stop()
    assert "late" not in verify(site.journal_folder, public)["seals"], "orderly ends leave none"

    trail = Trail(site.journal_folder)
    before = json.loads(trail.lines(-1)[-1])
    assert before["event"] == "seal"
    start, = [line for line in trail.lines(-1) if b'"event":"start"' in line][:1]
    for event in (b"start", b"admin"):  # with a start of its own
        trail.lines(-1).append(start.replace(b'"event":"start"', b'"event":"%s"' % event))
    trail.rechain()
    trail.save()
    gateway = gateway_factory(site=site)
    gateway.kill()
    gateway = gateway_factory(site=site)
    gateway.stop()

    late = verify(site.journal_folder, public)["seals"]["late"]
    starts = [line["seq"] for line in site.journal().events("start")]
    assert late == {"lines": starts[-1] - before["seq"] - 1, "places": 1, "from": before["seq"] + 1, "until": starts[-1] - 1}
    words = postern("audit", "verify", "--journal", site.journal_folder, "--key", public)
    assert words.returncode == 0 and "didn't seal" in words.stdout and f"seq {late['from']} up to" in words.stdout


def test_removed_segments_are_no_fault(made, trail, verify):
    del trail.segments[0]
    trail.save()
    report = verify(trail.folder, made.public, made.witness)
    assert report["first_seq"] == trail.segments[0][0] and report["witness"]["of_removed_segments"] > 0


def test_half_a_line_at_the_very_end_is_no_fault(made, trail, verify):
    trail.save(end=b'\n{"v":1,"seq":')
    report = verify(trail.folder, made.public, made.witness)
    assert report["unterminated_bytes"] == 13


def test_a_tail_without_end_is_half_a_line_whatever_its_length(gateway_factory, cloud, token, postern):
    """Nothing has to hold it in memory, and the next start takes it away."""
    gateway = gateway_factory()
    post_create(gateway, token)
    gateway.stop()
    segment = gateway.site.journal_folder / "00000000000000000001.jsonl"
    size = segment.stat().st_size
    os.truncate(segment, 1300 << 20)
    report = json.loads(postern("audit", "verify", "-c", gateway.site.conf, "--json").stdout)
    assert report["whole"] and report["unterminated_bytes"] == (1300 << 20) - size
    assert postern("audit", "repair", "-c", gateway.site.conf).returncode == 1, "nothing to repair"
    again = gateway_factory(site=gateway.site)
    assert "removing the unterminated last line" in again.stderr
    assert post_create(again, token, create_body(name="after")).status == 200


def test_a_cut_tail_is_seen_by_the_witness_only(made, trail, verify):
    del trail.lines(3)[-5:]
    trail.save()
    verify(trail.folder, made.public)


# ---- the policy sets beside the journal ----

def change_set(copy):
    path = copy / "policies.yaml"
    path.write_text(path.read_text().replace("vm.cpu", "vm.gpu"))
    return "has the digest"


def add_to_set(copy):
    (copy / "more.yaml").write_text("version: 1\npolicies: []\n")
    return "has the digest"


def empty_set(copy):
    (copy / "policies.yaml").unlink()
    return "no policies here"


def link_set_to_nowhere(copy):
    shutil.rmtree(copy)
    copy.symlink_to("nowhere")
    return "No such file"


@pytest.mark.parametrize("change", [change_set, add_to_set, empty_set, link_set_to_nowhere])
def test_a_policy_set_that_is_not_what_judged_is_found(change, gateway_factory, cloud, token, postern):
    """Who may write beside the journal could make it say otherwise why somebody was allowed."""
    gateway = gateway_factory()
    post_create(gateway, token)
    gateway.check_journal = False  # what is beside it is changed below
    gateway.stop()
    journal = gateway.site.journal_folder
    copy, = (gateway.site.folder / "sets").iterdir()
    says = change(copy)
    report = json.loads(postern("audit", "verify", "--journal", journal, "--json").stdout)
    assert not report["whole"] and report["policy_sets"] == {"named": 1, "kept": 0, "missing": 0, "other": 1}
    fault, = report["faults"]
    assert fault["kind"] == "set" and fault["segment"] == "00000000000000000001.jsonl" and says in fault["text"]
    assert copy.name in Trail(journal).lines(0)[fault["line"] - 1].decode()
    words = postern("audit", "verify", "-c", gateway.site.conf)
    assert words.returncode == 1 and "is NOT what judged" in words.stdout.splitlines()[-1]


def test_policy_sets_that_whoever_looks_may_not_read_are_said(gateway_factory, cloud, token, program):
    """That is no fault of theirs."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    gateway = gateway_factory()
    post_create(gateway, token)
    gateway.stop()
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        for part in ("journal", "sets"):
            shutil.copytree(gateway.site.folder / part, pathlib.Path(place) / part)
        for path in pathlib.Path(place, "journal").rglob("*"):
            path.chmod(0o644)
        pathlib.Path(place, "journal").chmod(0o755)
        binary = shutil.copy(program("postern"), pathlib.Path(place) / "postern")
        for mode in (0o700, 0o711):  # the folder of sets; then each of them is 0700 still
            pathlib.Path(place, "sets").chmod(mode)
            done = subprocess.run([binary, "audit", "verify", "--journal", f"{place}/journal", "--json"], user=65534, group=65534,
                                  capture_output=True, timeout=60)
            report = json.loads(done.stdout)
            assert done.returncode == 0 and report["policy_sets"] == {"named": 1, "kept": 0, "missing": 1, "other": 0}, done


def test_policy_sets_that_were_left_behind_are_said(gateway_factory, cloud, token, postern):
    gateway = gateway_factory()
    post_create(gateway, token)
    gateway.stop()
    words = postern("audit", "verify", "-c", gateway.site.conf)
    assert words.returncode == 0 and "policy sets: 1, kept beside the journal as they judged: 1\n" in words.stdout
    copy, = (gateway.site.folder / "sets").iterdir()
    shutil.rmtree(gateway.site.folder / "sets")
    words = postern("audit", "verify", "-c", gateway.site.conf)
    assert words.returncode == 0 and f"the first is {copy.name}" in words.stdout, words.stdout
    report = json.loads(postern("audit", "verify", "-c", gateway.site.conf, "--json").stdout)
    assert report["whole"] and report["policy_sets"] == {"named": 1, "kept": 0, "missing": 1, "other": 0}


# ---- tampering ----

def flip(trail, made):
    at = trail.find(1, "intent")
    trail.change(1, at, b'"name":"user-', b'"name":"uses-')
    return [("changed", 1, at)]


def garble(trail, made):
    at = trail.find(1, "refusal")
    trail.lines(1)[at] = trail.lines(1)[at][:-1]
    return [("changed", 1, at)]


def not_json(trail, made):
    trail.lines(0)[7] = b"rm -rf /"
    return [("changed", 0, 7)]


def rechain_one(trail, made):
    at = trail.find(1, "intent")
    trail.change(1, at, b'"name":"user-', b'"name":"uses-')
    prev = hashlib.sha256(trail.lines(1)[at]).hexdigest().encode()
    trail.lines(1)[at + 1] = re.sub(rb'"prev":"[0-9a-f]*"', b'"prev":"%s"' % prev, trail.lines(1)[at + 1], count=1)
    return [("changed", 1, at + 1)]


def drop(trail, made):
    del trail.lines(2)[50]
    return [("dropped", 2, 50)]


def drop_some(trail, made):
    del trail.lines(2)[50:60]
    return [("dropped", 2, 50)]


def swap(trail, made):
    lines = trail.lines(1)
    lines[30], lines[31] = lines[31], lines[30]
    return [("swapped", 1, 30)]


def swap_far(trail, made):
    lines = trail.lines(1)
    lines[30], lines[40] = lines[40], lines[30]
    return [("swapped", 1, 30), ("swapped", 1, 40)]


def move(trail, made):
    lines = trail.lines(1)
    lines.insert(40, lines.pop(30))
    return [("swapped", 1, 30)]


def insert_copy(trail, made):
    trail.lines(2).insert(60, trail.lines(1)[20])
    return [("inserted", 2, 60)]


def insert_forged(trail, made):
    forged = trail.lines(2)[60].replace(b'"time":"20', b'"time":"21', 1)
    trail.lines(2).insert(60, forged)
    return [("inserted", 2, 60)]


def insert_forged_behind(trail, made):
    forged = trail.lines(2)[60].replace(b'"time":"20', b'"time":"21', 1)
    trail.lines(2).insert(61, forged)
    return [("inserted", 2, 61)]


def insert_noise(trail, made):
    trail.lines(2).insert(60, b"{}")
    return [("inserted", 2, 60)]


def cut_middle(trail, made):
    del trail.lines(1)[-3:]
    return [("cut", 2, 0)]


def cut_line(trail, made):
    name = trail.folder / trail.name(1)
    trail.save()
    name.write_bytes(name.read_bytes()[:-20])
    return [("cut", 1, len(trail.lines(1)) - 1)]


def cut_tail(trail, made):
    del trail.lines(3)[-5:]
    return [("cut", 3, len(trail.lines(3)) - 1)]


def cut_last_segment(trail, made):
    del trail.segments[3]
    return [("cut", 2, len(trail.lines(2)) - 1)]


def missing_segment(trail, made):
    del trail.segments[1]
    return [("missing", 1, 0)]


def replay_behind(trail, made):
    last = json.loads(trail.lines(3)[-1])["seq"]
    trail.segments.append([last + 1, list(trail.lines(1))])
    return [("replayed", 4, 0)]


def replay_over(trail, made):
    trail.segments[2][1] = list(trail.lines(1))
    return [("replayed", 2, 0), ("missing", 3, 0)]


def first_line_gone(trail, made):
    del trail.lines(1)[0]
    return [("dropped", 1, 0)]


def renamed(trail, made):
    trail.segments[1][0] += 1
    return [("changed", 1, 0)]


def first_segment_emptied(trail, made):
    trail.lines(0).clear()
    return [("missing", 1, 0)]


def last_segments_emptied(trail, made):
    trail.lines(2).clear()
    trail.lines(3).clear()
    return [("cut", 1, len(trail.lines(1)) - 1)]


@pytest.mark.parametrize("tamper", [first_segment_emptied, last_segments_emptied])
def test_a_segment_that_was_emptied_is_not_one_that_was_removed(tamper, made, trail, verify):
    wanted = tamper(trail, made)
    trail.save()
    found = [(fault["kind"], fault["segment"], fault["line"]) for fault in verify(trail.folder, made.public)["faults"]]
    assert found == [(kind, trail.name(segment), at + 1) for kind, segment, at in wanted]


def test_seals_that_the_witness_lacks_are_counted(made, trail, verify, tmp_path):
    """Whoever has the key makes a journal that begins behind all that the witness knows."""
    lines = made.witness.read_bytes().splitlines(keepends=True)
    few = tmp_path / "few"
    few.write_bytes(lines[0])
    assert verify(trail.folder, witness=few)["witness"]["not_in_witness"] == len(lines) - 1
    assert verify(trail.folder, witness=made.witness)["witness"]["not_in_witness"] == 0
    del trail.segments[0]
    trail.save()
    report = verify(trail.folder, witness=few)["witness"]
    assert report["of_removed_segments"] == 1 and report["found"] == 0 and report["not_in_witness"] > 0


@pytest.mark.parametrize("tamper", [flip, garble, not_json, rechain_one, drop, drop_some, swap, swap_far, move, insert_copy,
                                    insert_forged, insert_forged_behind, insert_noise, cut_middle, cut_line, missing_segment,
                                    replay_behind, replay_over, first_line_gone, renamed])
def test_the_chain_tells(tamper, made, trail, verify):
    """Without key and witness: the chain alone."""
    expect(trail, made, tamper, verify, {})


@pytest.mark.parametrize("tamper", [cut_tail, cut_last_segment])
def test_the_witness_tells(tamper, made, trail, verify):
    expect(trail, made, tamper, verify, {"key": made.public, "witness": made.witness})


def expect(trail, made, tamper, verify, options):
    wanted = tamper(trail, made)
    if tamper is not cut_line:
        trail.save()
    report = verify(trail.folder, **options)
    found = [(fault["kind"], fault["segment"], fault["line"]) for fault in report["faults"]]
    assert found == [(kind, trail.name(segment), at + 1) for kind, segment, at in wanted], report["faults"]
    assert report["last_seq"] == json.loads(trail.lines(-1)[-1])["seq"] or tamper is replay_behind


# Whoever can write the folder computes the chain anew; places are those in the journal that came out.

def too_long(trail, made):
    at = trail.find(1, "intent")
    trail.lines(1)[at] = trail.lines(1)[at][:-1] + b" " * (2 << 20) + b"}"
    return "changed", 1, at


def duplicate_member(trail, made):
    at = trail.find(1, "intent")
    trail.change(1, at, b'"class":', b'"class":"read","class":')
    return "changed", 1, at


def duplicate_escaped(trail, made):
    at = trail.find(1, "intent")
    trail.change(1, at, b'"class":', b'"\\u0063lass":"read","class":')
    return "changed", 1, at


def outcome_twice(trail, made):
    at = trail.find(1, "outcome", **{"class": "create"})
    trail.lines(1).insert(at + 1, trail.lines(1)[at])
    return "pair", 1, at + 1


def outcome_missing(trail, made):
    del trail.lines(1)[trail.find(1, "outcome", **{"class": "create"})]
    return "pair", 2, 0


def intent_missing(trail, made):
    at = trail.find(1, "intent")
    ours = json.loads(trail.lines(1)[at])["id"]
    del trail.lines(1)[at]
    return "pair", 1, trail.find(1, "outcome", at, id=ours)


def intent_twice(trail, made):
    at = trail.find(1, "intent")
    trail.lines(1).insert(at + 1, trail.lines(1)[at])
    return "pair", 1, at + 1


def checkpoint_within(trail, made):
    trail.lines(1).insert(50, trail.lines(1)[0])
    return "inserted", 1, 50


def no_checkpoint(trail, made):
    del trail.lines(1)[0]
    return "changed", 1, 0


@pytest.mark.parametrize(("depth", "whole"), [(2047, True), (2048, False), (3000, False)])
def test_a_line_is_nested_so_deep(depth, whole, trail, verify):
    inner = b"[" * (depth - 1) + b"]" * (depth - 1)
    trail.change(1, trail.find(1, "refusal"), b'"event":"refusal"', b'"event":"refusal","later":%s' % inner)
    trail.rechain()
    trail.save()
    assert verify(trail.folder)["whole"] is whole


@pytest.mark.parametrize("line", [
    b'{"v":1,"seq":5,"event":"seal","pad":"%s"}' % (b"x" * 5000),
    b'{"v":true,"seq":5,"event":"seal"}',
    b'{"v":1.0,"seq":5,"event":"seal"}',
    b'{"v":1,"seq":5.0,"event":"seal"}',
    b'{"v":1,"seq":5,"event":"Seal"}',
])
def test_a_line_of_the_witness_that_is_no_seal(line, made, verify, tmp_path):
    tmp_path.joinpath("log").write_bytes(made.witness.read_bytes() + line + b"\n")
    report = verify(made.journal, witness=tmp_path / "log")
    assert report["whole"] and report["witness"]["other_lines"] == 1


@pytest.mark.parametrize("tamper", [duplicate_member, duplicate_escaped, outcome_twice, outcome_missing, intent_missing,
                                    intent_twice, checkpoint_within, no_checkpoint, too_long])
def test_what_a_right_chain_does_not_hide(tamper, made, trail, verify):
    kind, segment, at = tamper(trail, made)
    trail.rechain()
    trail.save()
    report = verify(trail.folder)
    fault = report["faults"][0]
    assert (fault["kind"], fault["segment"], fault["line"]) == (kind, trail.name(segment), at + 1), report["faults"]
    assert len(report["faults"]) == 1


def rewrite(trail, sign=None):
    """One name changed, everything behind it computed anew; gives the place of the first seal behind it."""
    at = trail.find(1, "intent")
    trail.change(1, at, b'"name":"user-', b'"name":"uses-')
    trail.rechain(sign)
    trail.save()
    return trail.name(1), trail.find(1, "seal", at) + 1


def test_a_rewritten_journal_has_a_right_chain(trail, verify):
    rewrite(trail)
    verify(trail.folder)


def test_seals_tell_of_a_rewritten_journal(made, trail, verify):
    place = rewrite(trail)
    report = verify(trail.folder, made.public)
    fault = report["faults"][0]
    assert (fault["kind"], fault["segment"], fault["line"]) == ("seal", *place)
    assert report["seals"]["proven"]["until"] < trail.segments[1][0] + trail.find(1, "intent")


def test_the_witness_tells_of_a_rewritten_journal(made, trail, verify):
    place = rewrite(trail)
    fault = verify(trail.folder, witness=made.witness)["faults"][0]
    assert (fault["kind"], fault["segment"], fault["line"]) == ("witness", *place)


def signer(key, key_id, folder):
    def sign(line):
        row = json.loads(line)
        text, signature = folder / "text", folder / "signature"
        text.write_text(f"postern seal v1\n{row['seq']}\n{row['head']}\n{row['time']}\n")
        subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", text, "-out", signature], check=True)
        line = re.sub(rb'"key":"[0-9a-f]*"', b'"key":"%s"' % key_id.encode(), line)
        return re.sub(rb'"signature":"[0-9a-f]*"', b'"signature":"%s"' % signature.read_bytes().hex().encode(), line)
    return sign


def test_seals_of_another_key(made, trail, verify, tmp_path):
    key_id = make_key(tmp_path / "other.key")
    rewrite(trail, signer(tmp_path / "other.key", key_id, tmp_path))
    report = verify(trail.folder, made.public)
    assert [fault["kind"] for fault in report["faults"]] == ["seal"], "a strange key is named once"
    assert key_id in report["faults"][0]["text"] and "proven" not in report["seals"]
    assert verify(trail.folder, tmp_path / "other.key.pub")["whole"], "it is whole by that key"


def test_keys_that_followed_each_other(made, trail, postern, tmp_path):
    """The old key seals once more behind the new one."""
    new_id = make_key(tmp_path / "new.key")
    old, new = signer(made.key, made.key_id, tmp_path), signer(tmp_path / "new.key", new_id, tmp_path)
    first, back = trail.segments[1][0], trail.segments[3][0]
    trail.rechain(lambda line: (new if first <= json.loads(line)["seq"] < back else old)(line))
    trail.save()

    def verify(*keys):
        answer = postern("audit", "verify", "--journal", trail.folder, "--json", *(word for key in keys for word in ("--key", key)))
        report = json.loads(answer.stdout)
        assert answer.returncode == (1 if report["faults"] else 0)
        return [(fault["segment"], fault["text"]) for fault in report["faults"]]
    public, after = made.public, tmp_path / "new.key.pub"
    assert verify(public, after, public) == []
    (segment, text), = verify(public, after)
    assert segment == trail.name(3) and made.key_id in text and "given after it had sealed" in text
    (segment, text), = verify(public, after, public, after)
    assert segment == trail.name(3) and new_id in text and "last good seal is not of key" in text
    (segment, text), = verify(public)
    assert segment == trail.name(1) and new_id in text and "not given" in text

    # Of two keys in one file one would be read.
    both = tmp_path / "both.pub"
    both.write_bytes(public.read_bytes() + after.read_bytes())
    answer = postern("audit", "verify", "--journal", trail.folder, "--key", both)
    assert answer.returncode == 2 and answer.stdout == "", answer
    assert f"{both}: holds more than one public key" in answer.stderr and "--key" in answer.stderr, answer


def test_a_clock_that_was_set_back_is_no_fault(made, trail, verify, postern, tmp_path):
    at = trail.find(1, "seal", 0)
    row = json.loads(trail.lines(1)[at])
    trail.change(1, at, row["time"].encode(), b"2001" + row["time"][4:].encode())
    trail.rechain(signer(made.key, made.key_id, tmp_path))
    trail.save()
    report = verify(trail.folder, made.public)
    assert report["whole"] and report["seals"]["verified"] == report["seals"]["count"]
    assert report["seals"]["earlier"] == {"count": 1, "seq": row["seq"]}
    said = postern("audit", "verify", "--journal", trail.folder, "--key", made.public).stdout
    assert f"earlier than that of the seal before: 1, the last at seq {row['seq']}; the clock was set back" in said


def test_a_forged_seal(made, trail, verify):
    at = trail.find(1, "seal", 0)
    row = json.loads(trail.lines(1)[at])
    trail.change(1, at, row["signature"].encode(), b"00" * 64)
    trail.rechain()
    trail.save()
    fault = verify(trail.folder, made.public)["faults"][0]
    assert (fault["kind"], fault["segment"], fault["line"]) == ("seal", trail.name(1), at + 1)


def test_no_seal_where_one_is_asked_for(made, trail, verify):
    for segment in range(4):
        trail.segments[segment][1] = [line for line in trail.lines(segment) if b'"event":"seal"' not in line]
    trail.rechain()
    trail.save()
    verify(trail.folder)
    assert verify(trail.folder, made.public)["faults"][0]["kind"] == "seal"


def test_many_faults_are_told_and_counted(trail, verify):
    for at in range(100, 160, 2):
        trail.change(1, at, b'"time":"20', b'"time":"21')
    trail.save()
    report = verify(trail.folder)
    assert len(report["faults"]) == 20 and report["more_faults"] == 10


def test_faults_behind_each_other_are_all_found(made, trail, verify):
    wanted = drop(trail, made) + flip(trail, made) + insert_noise(trail, made)
    trail.save()
    found = [(fault["kind"], fault["segment"], fault["line"]) for fault in verify(trail.folder)["faults"]]
    assert found == [(kind, trail.name(segment), at + 1) for kind, segment, at in sorted(wanted, key=lambda w: w[1:])]


# ---- what can't be read ----

@pytest.mark.parametrize("options, says", [
    (["--journal", "/nowhere"], "/nowhere"),
    (["--journal", "."], "there is no line of a journal"),
    (["--journal", ".", "--witness", "/nowhere"], "/nowhere"),
    (["--journal", ".", "--key", "/nowhere"], "/nowhere"),
    (["--journal", ".", "-c", "x"], "exclude each other"),
    (["--journal", ".", "more"], "one word too many"),
    (["--sign"], "not an option"),
])
def test_what_it_cannot_do(options, says, postern, tmp_path):
    answer = postern("audit", "verify", *options, cwd=tmp_path)
    assert answer.returncode == 2 and says in answer.stderr and answer.stdout == ""
