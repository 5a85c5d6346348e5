#!/usr/bin/python3
"""Calls that have bitten others, with the better one. A line with a comment "banned: why" is let through."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EVERYWHERE = {
    "strcpy": "arena_strdup or buf_add", "strcat": "buf_add", "sprintf": "snprintf or buf_printf",
    "vsprintf": "vsnprintf", "gets": "fgets", "strtok": "view_find", "sscanf": "num_parse_*",
    "atoi": "num_parse_i64", "atol": "num_parse_i64",
    "alloca": "arena_alloc", "rand": "random_id", "random": "random_id", "system": "nothing", "popen": "nothing",
    "time": "clock_now_us", "localtime": "clock_format", "gmtime": "clock_format", "strncpy": "memcpy",
}
SOURCE_ONLY = {"strtol": "num_parse_i64", "strtoul": "num_parse_i64", "exit": "a return value", "strdup": "arena_strdup", "strndup": "arena_strdup", "sleep": "a timer",
               "usleep": "a timer"}


def strip(text):
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', lambda m: '""', text)
    return re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def faults(path, banned):
    raw = path.read_text().splitlines()
    for number, line in enumerate(strip(path.read_text()).splitlines(), 1):
        for word, better in banned.items():
            if re.search(rf"(?<![\w.>]){word}\s*\(", line) and "banned:" not in raw[number - 1]:
                yield f"{path.relative_to(ROOT)}:{number}: {word}() is banned; use {better}"


found = []
for path in sorted((ROOT / "src").rglob("*.[ch]")):
    found += faults(path, {**EVERYWHERE, **SOURCE_ONLY})
for path in sorted((ROOT / "tests").rglob("*.[ch]")):
    found += faults(path, EVERYWHERE)
print("\n".join(found) or "banned calls: none")
sys.exit(bool(found))
