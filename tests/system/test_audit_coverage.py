# SPDX-License-Identifier: Apache-2.0
"""`postern audit coverage`: which rules a real journal shows at work."""

import csv
import io
import json

import pytest

from support.bodies import POLICIES, PROJECT, create_body
from support.contract import post_create

MORE = """\
  - name: try
    mode: observe
    match: {projects: [%s]}
    storage: {types: [evs]}
exceptions:
  - {name: tried, policy: try, match: {projects: ["*"]}, allow: {storage: {types: [efs]}}, expires: 2099-12-31}
  - {name: nobody, policy: team-a-notebooks, match: {users: [nobody]}, lift: [storage], expires: 2099-12-31}
""" % PROJECT
FLAVOR = {"flavor": "modelarts.vm.gpu.v100"}


def cover(gateway, *args):
    return gateway.site.run("audit", "coverage", "-c", str(gateway.site.conf), *args, conf=False)


@pytest.fixture
def busy(gateway_factory, cloud, token):
    """One create, one that is capped, one refusal, and its journal."""
    gateway = gateway_factory(POLICIES + MORE)
    assert post_create(gateway, token, create_body(name="nb-1")).status < 300
    spec = {"storage": {"type": "obs", "location": {"path": "/team-a/nb-2/"}},
            "auto_stop": {"enable": True, "duration": 86400}}
    assert post_create(gateway, token, create_body(name="nb-2", spec=spec)).status < 300
    assert post_create(gateway, token, create_body(name="nb-3", **FLAVOR)).status == 403
    gateway.wait_journal(lambda j: len(j.events("refusal")) == 1 and len(j.events("outcome")) == 2)
    return gateway


def hits(found):
    return {(item.get("policy"), item["rule"], item.get("name")): item for item in found["items"]}


def test_what_fired_and_what_never_did(busy):
    done = cover(busy, "--since", "1d", "--json")
    assert done.returncode == 0 and done.stderr == "", done
    found = json.loads(done.stdout)
    assert found["judged"] == 3 and found["gone"] == [] and found["unreadable"] == 0
    items = hits(found)
    fired = {key[1]: item["fired"] for key, item in items.items() if key[0] == "team-a-notebooks" and item["fired"]}
    assert fired == {"match": 3, "flavors.allow": 1, "auto_stop.max": 1}
    assert items["team-a-notebooks", "flavors.allow", None]["last"] == busy.journal_events("refusal")[0]["time"]
    assert items["team-a-notebooks", "flavors.allow", None]["line"] == 7
    # Nothing was held back of what an observing policy alone would have refused.
    assert (items["try", "storage.types", None]["fired"], items["try", "storage.types", None]["would"]) == (0, 3)
    assert items["team-a-notebooks", "exception", "nobody"]["fired"] == 0
    # No line tells of exceptions that an observing policy used: 0 would be a lie.
    assert not {"fired", "would", "last"} & set(items["try", "exception", "tried"])


def test_as_text_and_as_a_table(busy):
    done = cover(busy)
    assert done.returncode == 0 and "3 requests judged" in done.stdout, done
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row for row in rows if row[:2] == ["team-a-notebooks", "flavors.deny"]][0][3:6] == ["0", "0", "never"]
    assert [row for row in rows if row[:3] == ["team-a-notebooks", "exception", "nobody"]]
    assert [row for row in rows if row[:3] == ["try", "exception", "tried"]][0][3:7] == ["observe", "-", "-", "-"]
    items = [row for row in rows[4:] if row[-1:] and "policies.yaml:" in row[-1]]
    silent = [row for row in items if "never" in row]
    assert f"{len(silent)} of {len(items) - 1} never fired" in done.stdout, done
    table = list(csv.DictReader(io.StringIO(cover(busy, "--csv").stdout, newline="")))
    assert [row["fired"] for row in table if row["rule"] == "auto_stop.max"] == ["1"]
    assert [row["fired"] for row in table if row["name"] == "tried"] == [""]
    assert {row["in_set"] for row in table} == {"yes"}


@pytest.mark.parametrize("period", [[], ["--since", "1h"]])
def test_a_segment_without_a_line_hides_nothing(busy, period):
    """A crash right behind a rotation leaves one."""
    busy.kill()
    busy.site.journal_folder.joinpath(f"{len(busy.journal().lines) + 1:020}.jsonl").touch(0o600)
    assert json.loads(cover(busy, *period, "--json").stdout)["judged"] == 3


def test_a_period_has_two_ends(busy):
    found = json.loads(cover(busy, "--from", "2020-01-01", "--until", "2020-02-01T12:00:00Z", "--json").stdout)
    assert (found["judged"], found["from"], found["until"]) == (0, "2020-01-01T00:00:00.000000Z",
                                                                 "2020-02-01T12:00:00.000000Z")
    assert json.loads(cover(busy, "--from", "2020-01-01", "--json").stdout)["judged"] == 3
    assert "until 2020-01-01T00:00:00Z: 0 requests judged" in cover(busy, "--until", "2020-01-01").stdout


def test_what_went_out_of_the_set_stands_apart(busy, tmp_path):
    (tmp_path / "p.yaml").write_text(POLICIES.replace("team-a-notebooks", "renamed"))
    done = busy.site.run("audit", "coverage", "--journal", str(busy.site.journal_folder), "--policies", str(tmp_path),
                         "--json", conf=False)
    found = json.loads(done.stdout)
    assert {(gone["policy"], gone["rule"]) for gone in found["gone"]} >= {
        ("team-a-notebooks", "match"), ("team-a-notebooks", "flavors.allow"), ("try", "match")}
    assert all(item["fired"] == 0 for item in found["items"])
    assert "no longer in the set:" in cover(busy, "--policies", str(tmp_path)).stdout


def test_wrong_usage_and_what_is_not_there(site_factory):
    site = site_factory()
    for args in (["--since", "yesterday"], ["--since"], ["more"], ["--jsn"]):
        done = site.run("audit", "coverage", *args, conf=False)
        assert done.returncode == 2 and "usage: postern audit coverage" in done.stderr, (args, done)
    done = site.run("audit", "coverage", "-c", str(site.conf), conf=False)
    assert done.returncode == 2 and "can't open the journal folder" in done.stderr, done
    done = site.run("audit", "coverage", "-c", str(site.conf), "--policies", "/nonexistent", conf=False)
    assert done.returncode == 2 and "/nonexistent" in done.stderr, done
