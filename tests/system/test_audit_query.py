# SPDX-License-Identifier: Apache-2.0
"""`postern audit query` and `audit summary` on the journal of a running gateway."""

import csv
import hashlib
import io
import json
import os
import stat

import pytest

from support.bodies import CREATE, create_body
from support.contract import exchange_id, post_create


@pytest.fixture
def site(gateway_factory, cloud, token):
    """A gateway that created an instance, refused one, and has an attempt to delete one that isn't there."""
    gateway = gateway_factory()
    made = post_create(gateway, token, create_body(name="made"))
    assert made.status == 200, made
    gateway.wait_outcome(exchange_id(made))
    refused = post_create(gateway, token, create_body(name="=refused", flavor="modelarts.vm.cpu.8u"))
    gone = gateway.request("DELETE", CREATE + "/DE-none", None, {"X-Auth-Token": token})
    gateway.wait_outcome(exchange_id(gone))
    gateway.wait_journal(lambda journal: journal.events("refusal") if refused.status == 403 else True)
    site = gateway.site
    site.gateway, site.made, site.refused, site.gone = gateway, made, refused, gone
    return site


def ask(site, *args, status=0):
    done = site.run("audit", args[0], "-c", str(site.conf), *args[1:], conf=False)
    assert done.returncode == status, (args, done.stdout, done.stderr)
    return done


def objects(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_json_is_the_journals_own_lines(site):
    raw = {hashlib.sha256(line).hexdigest() for segment in site.journal().segments
           for line in segment.read_bytes().split(b"\n")}
    done = ask(site, "query", "--json")
    seen = 0
    for line in done.stdout.splitlines():
        exchange = json.loads(line)
        for part in ("request", "outcome"):
            if part not in exchange:
                continue
            start = line.index(f'"{part}":') + len(part) + 3
            end = line.index(',"outcome":{"v"') if part == "request" and "outcome" in exchange else len(line) - 1
            assert hashlib.sha256(line[start:end].encode()).hexdigest() in raw
            seen += 1
    assert seen >= 4
    ids = [(x.get("request") or x["outcome"])["id"] for x in objects(done)]
    assert ids == [exchange_id(a) for a in (site.gone, site.refused, site.made)], "newest first"


def test_filters_and_pages(site):
    made = exchange_id(site.made)
    for args in (["--outcome", "created"], ["--user", "ali*", "--decision", "allow", "--instance", "made"],
                 ["--instance", site.made.json["id"]], ["--class", "create", "--outcome", "created", "--since", "1h"]):
        found = objects(ask(site, "query", "--json", *args))
        assert [x["request"]["id"] for x in found] in ([made], []) and (found or "--decision" in args), args
    assert objects(ask(site, "query", "--json", "--until", "2020-01-01")) == []
    first = ask(site, "query", "--json", "--limit", "1")
    cursor = first.stderr.split("--before ")[1].strip()
    second = ask(site, "query", "--json", "--limit", "1", "--before", cursor)
    assert first.stdout != second.stdout and len(objects(second)) == 1
    text = ask(site, "query").stdout
    assert text.splitlines()[0].split() == "TIME USER OPERATION FLAVOR INSTANCE DECISION OUTCOME REASON".split()
    assert "alice" in text and "made" in text


def test_csv_defuses_formulas(site):
    rows = list(csv.DictReader(io.StringIO(ask(site, "query", "--csv").stdout, newline="")))
    assert len(rows) == 3
    assert {row["instance_name"] for row in rows} == {"made", "'=refused", ""}
    assert all(row["place"].split(":")[0].endswith(".jsonl") for row in rows)


def test_who_created_tells_the_story_with_places(site):
    ours = site.made.json["id"]
    text = ask(site, "query", "--who-created", ours).stdout
    intent, outcome = site.journal().of(exchange_id(site.made))
    for seq in (intent["seq"], outcome["seq"]):
        assert f"00000000000000000001.jsonl:{seq}" in text, "one segment: the line is the seq"
    assert "alice" in text and "created" in text and "exists by the journal" in text
    assert ask(site, "query", "--who-created", "made").stdout == text, "by its name as well"
    assert "no line" in ask(site, "query", "--who-created", "nobody-knows").stdout


def test_who_created_after_its_segment_was_retired(site, token):
    number = 0
    folder = site.journal_folder
    while len(list(folder.glob("*.jsonl"))) < 2:
        for _ in range(50):
            number += 1
            post_create(site.gateway, token, create_body(name=f"more{number}"))
    site.gateway.stop()
    ask(site, "query")
    sorted(folder.glob("*.jsonl"))[0].unlink()
    text = ask(site, "query", "--who-created", site.made.json["id"]).stdout
    assert "alice" in text and "a checkpoint still tells it" in text
    fresh = ask(site, "query", "--json", "--limit", "10000", "--index", str(site.folder / "fresh")).stdout
    assert ask(site, "query", "--json", "--limit", "10000").stdout == fresh


def test_open_and_summary(site):
    row, = objects(ask(site, "query", "--open", "--json"))
    assert row["instance_id"] == site.made.json["id"] and row["state"] == "existing" and row["user_name"] == "alice"
    assert objects(ask(site, "query", "--open", "--json", "--user", "bob")) == []
    *groups, total = objects(ask(site, "summary", "--by", "user,operation", "--json"))
    assert total["total"] is True and total["created"] == 1
    create, = [g for g in groups if g["operation"] == "demanager.create"]
    assert create["user_name"] == "alice" and create["asked"] == total["asked"] == 2
    assert "total" in ask(site, "summary", "--by", "day").stdout


def test_wrong_usage_says_what_was_expected(site):
    for args, words in ((["query", "--decision", "maybe"], "allow rewrite refuse"),
                        (["query", "--operation", "demanager.creat"], "demanager.create"),
                        (["query", "--since", "yesterday"], "7d"), (["query", "--limit", "0"], "from 1"),
                        (["summary"], "--by"), (["summary", "--by", "flavour"], "flavor"),
                        (["query", "--open", "--decision", "allow"], "--open")):
        assert words in ask(site, *args, status=2).stderr


def test_the_index_is_private_and_only_an_index(site):
    ask(site, "query")
    index = site.journal_folder.with_name(site.journal_folder.name + ".index")
    assert stat.S_IMODE(os.stat(index).st_mode) == 0o600
    before = ask(site, "query", "--json").stdout
    index.write_bytes(b"nonsense" * 1000)
    assert ask(site, "query", "--json").stdout == before
    index.unlink()
    assert ask(site, "query", "--json").stdout == before
