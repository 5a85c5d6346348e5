#!/usr/bin/python3
"""The table of advisories in the threat model: each row names a test that exists or says why it can't apply, and each
test of test_advisories.py stands in it."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
HOME = "system/test_advisories.py"
HEAD = "## Lessons of others"


def tests_of(name):
    """The functions of a test file; None without the file."""
    path = TESTS / name
    if not path.is_file():
        return None
    form = r"^def (test_\w+)\(" if path.suffix == ".py" else r"^static void (\w+)\(void \*\*"
    return set(re.findall(form, path.read_text(), re.M))


def faults():
    section = (ROOT / "docs" / "THREAT-MODEL.md").read_text().partition(HEAD)[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")][1:]
    named, advisories = set(), []
    if not rows:
        yield "no row"
    for cells in rows:
        advisories += cells[0].strip().split(", ")
        tests = re.findall(r"`([^`]+)`", cells[-1])
        if len(cells) != 4 or not (tests or cells[-1].strip().startswith("can't apply: ")):
            yield f"{cells[0].strip()}: advisory, system, lesson, and a test or \"can't apply: why\""
        for test in tests:
            file, _, function = test.rpartition("::")
            have = tests_of(file or HOME)
            named.add(function if not file else test)
            if have is None or function not in have:
                yield f"{cells[0].strip()}: there is no {test}"
    yield from (f"{advisory} stands twice" for advisory in sorted(set(advisories)) if advisories.count(advisory) > 1)
    yield from (f"{test} stands in no row" for test in sorted(tests_of(HOME) - named))


found = [f"docs/THREAT-MODEL.md: {fault}" for fault in faults()]
print("\n".join(found) or "advisories: well")
sys.exit(bool(found))
