# SPDX-License-Identifier: Apache-2.0
"""`postern diff`: two policy sets in words; folders, and sets that the journal keeps."""

import json
import pathlib
import re

import pytest

from support.bodies import POLICIES

ROOT = pathlib.Path(__file__).resolve().parents[2]
OLD = """version: 1
policies:
  - name: team-a
    flavors: {allow: [modelarts.vm.cpu.*, modelarts.vm.gpu.*]}
    auto_stop: {required: true, default: 1h, max: 4h}
"""
NEW = """version: 1
policies:
  - name: team-a
    # no large ones
    flavors:
      allow: [modelarts.vm.cpu.*]
    auto_stop: {required: true, default: 60m, max: 8h}
"""


@pytest.fixture
def sets(tmp_path):
    """Makes a folder of policies."""
    def make(name, text, file="p.yaml"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / file).write_text(text)
        return folder
    return make


def test_words_of_policies_play_with_no_terminal(postern, sets):
    """What a reviewer reads is what there is: nothing turned round, nothing that has no width."""
    evil = "a\u202eb\u2066\u200bx\u3164"
    for old, new in ((OLD, OLD.replace("team-a", evil)), (OLD, OLD.replace("gpu", evil)), (OLD, OLD + "exceptions: 1\n")):
        done = postern("diff", sets("old", old), sets("new" + evil, new, f"p{evil}.yaml"))
        text = done.stdout + done.stderr
        assert done.returncode in (1, 2) and text.replace("\n", "").isprintable() and "\\xe2\\x80\\xae" in text, done
        (sets("new" + evil, "") / f"p{evil}.yaml").unlink()


def test_the_differences_are_sentences_with_both_places(postern, sets):
    old, new = sets("old", OLD), sets("new", NEW)
    done = postern("diff", old, new)
    assert done.returncode == 1 and done.stderr == "", done
    lines = done.stdout.splitlines()
    assert re.fullmatch(rf"old [0-9a-f]{{64}} {old}", lines[0]) and lines[1].startswith("new ")
    assert lines[2:] == [
        "team-a: auto_stop.max 4h -> 8h (looser)", f"    old {old}/p.yaml:5:51 new {new}/p.yaml:7:52",
        "team-a: flavors.allow no longer has modelarts.vm.gpu.* (stricter)",
        f"    old {old}/p.yaml:4:22 new {new}/p.yaml:6:14", "2 differences: 1 stricter, 1 looser"]


def test_json_has_the_same(postern, sets):
    done = postern("diff", "--json", sets("old", OLD), sets("new", NEW))
    found = json.loads(done.stdout)
    assert done.returncode == 1 and not found["same_text"]
    assert [(c["policy"], c["rule"], c["sense"], c["values"]) for c in found["changes"]] == [
        ("team-a", "auto_stop.max", "looser", ["8h"]),
        ("team-a", "flavors.allow", "stricter", ["modelarts.vm.gpu.*"])]
    assert found["changes"][0]["new"] == {"file": "p.yaml", "line": 7, "column": 52}


def test_what_only_looks_different_is_said_to(postern, sets):
    old = sets("old", OLD)
    done = postern("diff", old, sets("same", OLD))
    assert done.returncode == 0 and done.stdout.endswith("\nno rule changed; the texts are the same\n")
    done = postern("diff", old, sets("moved", "# moved\n" + OLD, "other.yaml"))
    assert done.returncode == 0 and done.stdout.endswith("\nno rule changed; comments, layout or files did\n")
    assert len(set(re.findall(r"[0-9a-f]{64}", done.stdout))) == 2


def test_the_shipped_policies_equal_themselves(postern, sets):
    for path in sorted((ROOT / "policies").rglob("*.yaml")):
        if not path.name.endswith(".test.yaml"):
            folder = sets("all", path.read_text(), path.name)
    assert len(list(folder.iterdir())) >= 3
    done = postern("diff", folder, folder)
    assert done.returncode == 0, done


def test_what_can_not_be_loaded_is_told_with_its_places(postern, sets):
    old, bad = sets("old", OLD.replace("flavors", "flavour")), sets("bad", NEW.replace("8h", "8x"))
    done = postern("diff", old, bad)
    assert done.returncode == 2 and done.stdout == ""
    assert f"{old}/p.yaml:4:5: " in done.stderr and f"{bad}/p.yaml:7:52: " in done.stderr, done
    done = postern("diff", old.parent / "none", bad)
    assert done.returncode == 2 and "none: No such file" in done.stderr, done


def test_wrong_usage(postern, sets):
    for args in (["diff"], ["diff", "a"], ["diff", "a", "b", "c"], ["diff", "--jsn", "a", "b"]):
        done = postern(*args)
        assert done.returncode == 2 and "usage: postern diff" in done.stderr, (args, done)
    assert postern("diff", "--help").returncode == 0


def test_a_kept_set_is_found_by_its_digest(gateway, sets):
    digest = re.search(r"\b[0-9a-f]{64}\b", gateway.site.run("check").stdout)[0]
    done = gateway.site.run("diff", digest, sets("new", POLICIES + "# more\n"))
    assert done.returncode == 0 and digest in done.stdout, done
    done = gateway.site.run("diff", "0" * 64, sets("new", POLICIES))
    assert done.returncode == 2 and "keeps no set 0000" in done.stderr, done


def test_a_kept_set_that_was_changed_is_none(gateway, sets):
    """What stands under its digest isn't what judged."""
    digest = re.search(r"\b[0-9a-f]{64}\b", gateway.site.run("check").stdout)[0]
    copy = gateway.site.folder / "sets" / digest
    changed = next(copy.glob("*.yaml"))
    changed.chmod(0o600)
    changed.write_text(changed.read_text() + "# more\n")
    for args in ([digest, sets("new", POLICIES)], [sets("new", POLICIES), digest]):
        done = gateway.site.run("diff", *map(str, args))
        assert done.returncode == 2 and done.stdout == "", done
        assert f"{copy}: the copy of the policy set is damaged: it is " in done.stderr and digest in done.stderr, done
    done = gateway.site.run("diff", str(copy), str(sets("new", POLICIES)))
    assert done.returncode == 0 and "comments, layout or files" in done.stdout, "a folder is what stands in it"
