#!/usr/bin/python3
"""Functions up to 80 lines and complexity 15 (pmccabe), files up to 700 lines, headers up to 200."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINES, COMPLEXITY, FILE_LINES, HEADER_LINES = 80, 15, 700, 200
ALLOWED = {}  # "path:function": reason

sources = sorted((ROOT / "src").rglob("*.c")) + sorted((ROOT / "tests" / "sim").rglob("*.c"))
found = []
out = subprocess.run(["pmccabe", *map(str, sources)], capture_output=True, text=True, check=True).stdout
count = 0
for row in out.splitlines():
    complexity, _, _, _, lines, place = row.split("\t")[:6]
    name = f"{pathlib.Path(place.split('(')[0]).relative_to(ROOT)}:{place.split(': ')[1]}"
    count += 1
    if name not in ALLOWED and (int(complexity) > COMPLEXITY or int(lines) > LINES):
        found.append(f"{name}: complexity {complexity}, {lines} lines")
for path in [*sources, *sorted((ROOT / "tests" / "unit").rglob("*.c")), *sorted((ROOT / "src").rglob("*.h"))]:
    lines = len(path.read_text().splitlines())
    limit = HEADER_LINES if path.suffix == ".h" else FILE_LINES * (2 if "unit" in path.parts else 1)
    if lines > limit:
        found.append(f"{path.relative_to(ROOT)}: {lines} lines, at most {limit}")
print("\n".join(found) or f"sizes: well ({count} functions in {len(sources)} files)")
sys.exit(bool(found))
