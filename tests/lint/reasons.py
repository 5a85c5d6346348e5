#!/usr/bin/python3
"""docs/reasons.md has every reason code, with status and meaning as in the rooms' reasons.def, once and in order.
--write makes its table anew."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reasons.md"
ROW = re.compile(r'^REASON\(\w+,\s*"([^"]+)",\s*(\d+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)', re.M)
HEAD = "| code | status | what it means |\n|---|---|---|\n"

rows = []
for path in sorted((ROOT / "src").glob("*/reasons.def")):
    text = path.read_text()
    found = ROW.findall(text)
    if len(found) != len(re.findall(r"^REASON\(", text, re.M)):
        sys.exit(f"{path.relative_to(ROOT)}: a row that can't be read")
    for code, status, texts in found:
        meaning = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', texts)).replace('\\"', '"').rstrip(".")
        rows.append((code, f"| `{code}` | {status} | {meaning.replace('|', chr(92) + '|')} |\n"))
codes = [code for code, _ in rows]
twice = sorted({code for code in codes if codes.count(code) > 1})
if twice:
    sys.exit(f"reasons: codes that two rooms have: {', '.join(twice)}")
table = HEAD + "".join(row for _, row in sorted(rows))
page = PAGE.read_text()
begin = page.index(HEAD)
if "--write" in sys.argv:
    PAGE.write_text(page[:begin] + table)
elif page[begin:] != table:
    sys.exit("docs/reasons.md: the table isn't that of the reasons.def files; run tests/lint/reasons.py --write")
print(f"reasons: well ({len(rows)} codes)")
