#!/usr/bin/python3
"""Pure rooms do no I/O, read no clock, write no log: their libraries may not even name such calls.
Usage: pure.py BUILD_DIR"""
import pathlib
import re
import subprocess
import sys

BUILD = pathlib.Path(sys.argv[1])
PURE = ["yaml", "json", "http1", "modelarts", "policy", "judging", "formats"]
PARTS = {  # pure files of rooms that are not
    "journal": ["chain", "keep", "record"],
    "quota": ["ledger", "entry", "counter", "reserve", "refuse", "scan", "order", "table"],
    "sinks": ["head", "syslog_message"],
    "trail": ["period", "row"],
    "proof": ["faults", "links", "pairs", "seals"],
    "audit": ["params", "told"],
    "trial": ["cases", "reach", "outcome", "same", "yaml_json", "replay_request", "replay_answer", "replay_groups"],
}
IMPURE = re.compile(r" U (event_\w+|evhtp_\w+|SSL_\w+|socket|open|open64|fopen\w*|read|write|pread|pwrite|time|"
                    r"clock_gettime|gettimeofday|clock_now_us|clock_monotonic_us|rand|random|getrandom|random_id|log_line|setlocale)$")
found = []
for room in [*PURE, *PARTS]:
    library = BUILD / "src" / room / f"libroom_{room}.a"
    symbols = subprocess.run(["nm", "-u", str(library)], capture_output=True, text=True, check=True).stdout
    parts = {f"{part}.c.o" for part in PARTS.get(room, [])}
    seen, member = set(), ""
    for line in symbols.splitlines():
        if line.endswith(".o:"):
            member = line[:-1]
            seen.add(member)
        elif (match := IMPURE.search(line)) and (not parts or member in parts):
            found.append(f"{room}: {member} uses {match.group(1)}")
    found += [f"{room}: no {part}" for part in sorted(parts - seen)]
print("\n".join(sorted(set(found))) or "pure rooms: well")
sys.exit(bool(found))
