# SPDX-License-Identifier: Apache-2.0
"""Random tamperings of a small trail: `postern audit verify` and the independent verifier come to the same verdict, what
a good seal covers can't change without a fault, and faults are named where there is something. TRAIL_SEEDS=4,100: others."""

import collections
import concurrent.futures
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys

import pytest
from cryptography.exceptions import InvalidSignature

from support.process import environment
from support.trail import Trail

sys.path.insert(0, os.path.join(os.path.dirname(__file__), os.pardir))
import verify_trail  # noqa: E402

SEEDS = [int(seed) for seed in os.environ.get("TRAIL_SEEDS", "0,4").split(",")]
TAMPERINGS = 80
NOT_WHOLE = (SystemExit, AttributeError, KeyError, TypeError, ValueError, RecursionError, InvalidSignature)
HUGE = [b"0", b"-1", b"1.0", b"1e0", b"true", b"null", b'"1"', b"9223372036854775807", b"9223372036854775808", b"9" * 5000, b"1e9999"]
ODD_TEXTS = [b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\x00", b"\x1f", b"\\ud800", b"\\u0000", b"\\ud83d\\ude00", b"\\x41", b"\x7f",
             "\u2028".encode(), b"\xf4\x90\x80\x80"]
VALUES = [b"[]", b"{}", b"null", b'""', b"5", b"NaN", b"Infinity", b'"seal"', b'"start"', b'"intent"', b'"x"', b'[{"id":"x"}]',
          b'"%s"' % (b"y" * 129), b'[{"id":"x","state":"reserved"},{"id":"x","state":"reserved"}]', b'["x"]', b"[" * 2000 + b"]" * 2000]


def make(program, folder, seed, key):
    subprocess.run([program("bench_trail"), "--lines", "90", "--segment", "32KB", "--seal", "12", "--instances", "6", "--seed",
                    str(seed), "--key", key, folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def trails(program, tmp_path_factory):
    """The folder, the public key, and two journals that were sealed with the same key."""
    folder = tmp_path_factory.mktemp("trails")
    key = folder / "seal.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
    key.chmod(0o600)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", f"{key}.pub"], check=True)
    return folder, f"{key}.pub", make(program, folder / "one", 1, key), make(program, folder / "two", 2, key)


# ---- tamperings: each changes the segments and gives nothing ----

def place(trail, pick):
    """Any line; as often one of an event that rules are about."""
    lines = pick.choice([lines for _, lines in trail.segments if lines])
    event = pick.choice([None, None, b"checkpoint", b"seal", b"start", b"intent", b"outcome"])
    some = [at for at, line in enumerate(lines) if event is not None and b'"event":"%s"' % event in line]
    return lines, pick.choice(some or range(len(lines)))


def flip_byte(trail, other, pick):
    lines, at = place(trail, pick)
    line = bytearray(lines[at] or b"x")
    line[pick.randrange(len(line))] ^= 1 << pick.randrange(8)
    lines[at:at + 1] = bytes(line).split(b"\n")


def flip_case(trail, other, pick):
    lines, at = place(trail, pick)
    lines[at] = re.sub(rb'("(?:prev|head|signature|key)":")([0-9a-f]+)', lambda m: m[1] + m[2].upper(), lines[at])


def drop(trail, other, pick):
    lines, at = place(trail, pick)
    del lines[at:at + pick.choice([1, 1, 2, 5])]


def duplicate(trail, other, pick):
    lines, at = place(trail, pick)
    to, where = place(trail, pick)
    to.insert(where, lines[at])


def swap(trail, other, pick):
    lines, at = place(trail, pick)
    more, where = place(trail, pick)
    lines[at], more[where] = more[where], lines[at]


def cut(trail, other, pick):
    lines, at = place(trail, pick)
    del lines[at:]


def cut_front(trail, other, pick):
    lines, at = place(trail, pick)
    del lines[:at]


def drop_segment(trail, other, pick):
    del trail.segments[pick.randrange(len(trail.segments))]


def splice_segment(trail, other, pick):
    """Of the same key, under its own name or under ours."""
    at = pick.randrange(min(len(trail.segments), len(other.segments)))
    trail.segments[at] = [pick.choice([trail, other]).segments[at][0], list(other.lines(at))]


def splice_tail(trail, other, pick):
    lines, at = place(trail, pick)
    lines[at:] = pick.choice(other.segments)[1][at:]


def splice_line(trail, other, pick):
    lines, at = place(trail, pick)
    lines[at] = place(other, pick)[0][-1]


def rename(trail, other, pick):
    segment = pick.choice(trail.segments)
    segment[0] = max(0, pick.choice([segment[0] + 1, segment[0] - 1, 0, 10 * segment[0], 2**63, 2**63 - 1, 2**64, 10**20 - 1]))


def empty_segment(trail, other, pick):
    pick.choice(trail.segments)[1].clear()


def add_empty_segment(trail, other, pick):
    seq = re.search(rb'"seq":(\d{1,19}),', (trail.lines(-1) or [b""])[-1])  # it may be tampered with by now
    last = int(seq[1]) if seq else trail.segments[-1][0]
    trail.segments.append([last + pick.choice([1, 1, 2, 50]), []])


def copy_segment(trail, other, pick):
    last = trail.segments[-1][0] + len(trail.lines(-1))
    trail.segments.append([last, list(pick.choice(trail.segments)[1])])


def change_member(trail, other, pick):
    lines, at = place(trail, pick)
    member = pick.choice([b"v", b"seq", b"prev", b"time", b"event", b"id", b"class", b"outcome", b"open", b"head", b"key", b"state"])
    value = pick.choice(HUGE + VALUES)
    lines[at] = re.sub(rb'("%s":)("[^"]*"|\d+|\[\])' % member, lambda m: m[1] + value, lines[at], count=1)


def drop_member(trail, other, pick):
    lines, at = place(trail, pick)
    member = pick.choice([b"v", b"seq", b"prev", b"time", b"event", b"id", b"class", b"outcome", b"open", b"head", b"key", b"signature"])
    lines[at] = re.sub(rb'"%s":("[^"]*"|\d+|\[\]),?' % member, b"", lines[at], count=1)


def add_member(trail, other, pick):
    lines, at = place(trail, pick)
    name = pick.choice([b"new", b"seq", b"\\u0073eq", b"event", b"\\u0065vent", b"i\\u0064", b"\\ud83d\\ude00", b"\\ud83d", b""])
    more = b',"%s":%s' % (name, pick.choice(HUGE + VALUES))
    lines[at] = lines[at][:-1] + more + lines[at][-1:]


def rename_member(trail, other, pick):
    """The same name, in another writing."""
    lines, at = place(trail, pick)
    lines[at] = re.sub(rb'"(.)(eq|vent|rev|ime|d|lass|pen)":', lambda m: b'"\\u%04x%s":' % (m[1][0], m[2]), lines[at],
                       count=pick.choice([1, 9]))


def odd_text(trail, other, pick):
    lines, at = place(trail, pick)
    lines[at] = re.sub(rb'("(?:project|class|method|path|new|durability|id|time)":")', lambda m: m[1] + pick.choice(ODD_TEXTS),
                       lines[at], count=1)


def odd_line(trail, other, pick):
    lines, at = place(trail, pick)
    lines.insert(at, pick.choice([b"", b" ", b"{}", b"[]", b"null", b"\r", b"\x00", b"\xef\xbb\xbf{}", b'{"v":1', b"{" * 3000,
                                  b"[" * 100000, b'{"v":1,"seq":1,"prev":"","time":"","event":""}']))


def odd_white_space(trail, other, pick):
    lines, at = place(trail, pick)
    lines[at] = pick.choice([lines[at] + b"\r", b" " + lines[at], b"\xef\xbb\xbf" + lines[at], lines[at] + b"\x00", b"\x0c" + lines[at],
                             lines[at].replace(b",", b", "), lines[at].replace(b":", b":\t", 2), lines[at] + lines[at],
                             lines[at].decode(errors="replace").encode("utf-16-be")])


def crlf(trail, other, pick):
    lines = pick.choice(trail.segments)[1]
    lines[:] = [line + b"\r" for line in lines]


def twice_in_checkpoint(trail, other, pick):
    """One open intent told twice, another not at all."""
    for lines in (segment[1] for segment in trail.segments if segment[1]):
        ids = re.findall(rb'"id":"([0-9a-f]{32})"[^{}]*(?:\{[^{}]*\}[^{}]*)*"state":"reserved"', lines[0])
        if len(ids) > 1:
            lines[0] = lines[0].replace(ids[0], ids[1])


TAMPERS = [flip_byte, flip_case, drop, duplicate, swap, cut, cut_front, drop_segment, splice_segment, splice_tail, splice_line,
           rename, empty_segment, add_empty_segment, copy_segment, change_member, drop_member, add_member, rename_member, odd_text,
           odd_line, odd_white_space, crlf, twice_in_checkpoint]


def forged_signature(line):
    return re.sub(rb'"signature":"[0-9a-f]{128}"', b'"signature":"%s"' % (b"5a" * 64), line)


def chain_anew(trail, start, sign):
    """From the `start`th line on, where it finds what it looks for."""
    prev, count = None, 0
    for segment in trail.segments:
        for at, line in enumerate(segment[1]):
            count += 1
            if prev is not None and count > start:
                line = re.sub(rb'"prev":"[0-9a-f]*"', b'"prev":"%s"' % prev, line, count=1)
                line = re.sub(rb'"head":"[0-9a-f]*"', b'"head":"%s"' % prev, line, count=1)
                segment[1][at] = sign(line) if sign else line
            prev = hashlib.sha256(segment[1][at]).hexdigest().encode()


def tamper(trail, other, pick):
    """Gives the names of what was done."""
    done = []
    for _ in range(pick.choice([1, 1, 1, 2, 3])):
        if not any(lines for _, lines in trail.segments):
            break
        one = pick.choice(TAMPERS)
        one(trail, other, pick)
        done.append(one.__name__)
    again = pick.choice([None, None, "chain", "forge", "seq"])
    if again == "seq":
        trail.rechain(pick.choice([None, forged_signature]))
    elif again is not None:
        chain_anew(trail, pick.choice([0, 0, 20]), forged_signature if again == "forge" else None)
    return done + [again or "as it is"]


def make_witness(path, seals, other, pick):
    """As it was told, or as somebody left it; gives what was done."""
    lines = list(seals)
    done = pick.choice(["as it is", "few", "log", "junk", "flip", "twice", "order", "crlf", "torn", "strange", "blank"])
    at = pick.randrange(len(lines))
    if done == "few":
        del lines[pick.choice([0, at]):at + 1]
    elif done == "log":
        lines = [b"Nov 28 00:00:00 host postern[1]: " + line for line in lines]
        lines.insert(at, b"Nov 28 00:00:00 host cron[1]: no seal at all")
    elif done == "junk":
        lines.insert(at, pick.choice([b"{", b"{}", b'{"event":"seal"}', b'{"v":1,"seq":0,"event":"seal"}', b"[]", b"\x00", lines[at][:-1], b"\xff",
                                      lines[at] + b" ", b'{"v":1,"seq":5,"event":"start"}', b"[" * 5000]))
    elif done == "flip":
        lines[at] = lines[at][:-9] + b"%x" % pick.randrange(16) + lines[at][-8:]
    elif done == "twice":
        lines.append(lines[at])
    elif done == "order":
        pick.shuffle(lines)
    elif done == "crlf":
        lines[at] += b"\r"
    elif done == "strange":
        lines.insert(at, pick.choice(other.seals()))
    elif done == "blank":
        lines.insert(at, b"")
    path.write_bytes(b"\n".join(lines) + (b"\n" if done != "torn" else b""))
    return done


# ---- both verifiers ----

def ours(binary, folder, options):
    done = subprocess.run([binary, "audit", "verify", "--journal", folder, "--json",
                           *(word for name, value in options.items() for word in (f"--{name}", value))],
                          capture_output=True, timeout=20, env=environment())
    assert done.returncode in (0, 1, 2), done.stderr
    if done.returncode == 2:
        assert b"there is no line of a journal" in done.stderr, done.stderr
        return False, []
    report = json.loads(done.stdout)
    assert report["whole"] == (done.returncode == 0) == (report["faults"] == [])
    return report["whole"], report["faults"]


def theirs(folder, options):
    try:
        return True, verify_trail.verify(folder, **options)
    except NOT_WHOLE as error:  # as its command ends with 1
        return False, repr(error)[:300]


def check_places(faults, folder):
    for fault in faults:
        if fault["line"] == 0:  # the witness has all, and the journal nothing
            assert not any(path.stat().st_size for path in folder.glob("*.jsonl")), fault
            continue
        path = folder / fault["segment"]
        assert path.is_file(), fault
        assert 1 <= fault["line"] <= len(path.read_bytes().rstrip(b"\n").split(b"\n")) + 1, fault


def covered(folder):
    """The lines up to the last seal, as they stand."""
    lines = [line for seq, lines in Trail(folder).segments if 0 < seq < 2**64 for line in lines]
    last = max(at for at, line in enumerate(lines) if b'"event":"seal"' in line)
    return lines[:last]


def one_case(trails, folder, number, seed, binary):
    _, public, source, second = trails
    pick = random.Random(f"{seed}-{number}")
    one, other = Trail(source), Trail(second)
    done = tamper(one, other, pick) if pick.random() < 0.9 else ["nothing"]
    folder.mkdir()
    one.folder = folder
    one.save(end=pick.choice([b"\n"] * 6 + [b"", b'\n{"v":1', b"\n\n"]))
    options = {"key": public} if pick.random() < (0.7 if done[-1] == "as it is" else 0.2) else {}
    if pick.random() < 0.3:
        options["witness"] = folder / "witness"
        done.append("witness " + make_witness(options["witness"], Trail(source).seals(), other, pick))
    return done, options, ours(binary, folder, options)


@pytest.mark.parametrize("seed", range(*SEEDS))
def test_both_verifiers_agree(seed, trails, program, tmp_path):
    good = covered(trails[2])
    verdicts = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        cases = [pool.submit(one_case, trails, tmp_path / str(number), number, seed, program("postern"))
                 for number in range(TAMPERINGS)]
        for number, case in enumerate(cases):
            done, options, (whole, faults) = case.result()
            folder = tmp_path / str(number)
            agreed, why = theirs(folder, options)
            told = f"{folder}: {done}, {[*options]}: {faults[:3]}, the other: {why}"
            assert whole == agreed, told
            check_places(faults, folder)
            if whole and "key" in options:
                check_untouched(folder, good, told)
            verdicts[whole] += 1
            shutil.rmtree(folder)
    assert verdicts[True] > 2 and verdicts[False] > TAMPERINGS / 2


def check_untouched(folder, good, told):
    """What a good seal covers are lines that were written, in their order; segments may be gone in front, and the end."""
    lines = covered(folder)
    first = json.loads(lines[0])["seq"] - 1
    assert lines == good[first:first + len(lines)], told
