#!/usr/bin/python3
"""Which room may include which, and which foreign library it may know. The one table of it."""
import pathlib
import re
import sys

SRC = pathlib.Path(__file__).resolve().parents[2] / "src"
ROOMS = {  # room: rooms it may include (its own always)
    "base": "",
    "yaml": "base",
    "json": "base",
    "http1": "base",
    "modelarts": "base json",
    "policy": "base yaml modelarts",
    "judging": "base json modelarts policy",
    "quota": "base modelarts policy",
    "journal": "base json modelarts policy",
    "trail": "base json journal",
    "formats": "base json trail",
    "proof": "base json journal trail",
    "audit": "base json modelarts policy journal trail",
    "trial": "base json yaml modelarts policy judging journal trail",
    "identity": "base yaml json http1 policy",
    "net": "base",
    "conf": "base yaml identity journal judging modelarts net policy",
    "front": "base http1 net",
    "upstream": "base http1 net",
    "sinks": "base json http1 modelarts policy journal trail formats net upstream",
    "iam": "base json http1 policy identity net upstream",
    "reconcile": "base json http1 modelarts policy quota journal identity net upstream",
    "gateway": "base json http1 modelarts policy judging quota journal identity conf front net upstream iam reconcile",
    "admin": "base json http1 front net",
    "server": "base json yaml modelarts policy judging quota journal trail audit identity conf net front upstream sinks iam reconcile gateway admin",
    "commands": "base json yaml http1 modelarts policy judging quota journal trail formats proof audit trial identity conf server",
    "main.c": "commands",
}
POLICY_SEES = {"modelarts/request.h", "modelarts/operation.h", "modelarts/edit.h", "modelarts/obs.h"}
FOREIGN = {  # what an angle include starts with: who may know it
    "openssl/": {"net", "identity", "base/digest.c", "base/ed25519.c"},
    "yaml.h": {"yaml/doc.c"},
    "event2/": {"net", "front", "upstream", "sinks", "iam", "reconcile", "gateway", "admin", "server"},
    "evhtp": {"admin"},
    "cjose/": {"identity"},
    "jansson.h": {"commands"},
    "systemd/": {"server"},
    "sqlite3": {"audit"},
    "zlib.h": {"sinks"},
    "libpq": {"quota"},
}


def faults(path):
    name = str(path.relative_to(SRC))
    room = name.split("/")[0]
    allowed = set(ROOMS[room].split()) | {room}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not match:
            continue
        kind, target = match.groups()
        if kind == '"':
            other = target.split("/")[0]
            if other not in allowed:
                yield f"{name}:{number}: {room} may not include {target}"
            if other != room and target.endswith("/internal.h"):
                yield f"{name}:{number}: {target} is its room's own"
            if room == "policy" and other == "modelarts" and target not in POLICY_SEES:
                yield f"{name}:{number}: policy sees only the typed request, not {target}"
        for prefix, who in FOREIGN.items():
            if kind == "<" and target.startswith(prefix) and room not in who and name not in who:
                yield f"{name}:{number}: {room} may not know {target}"


found = [f for path in sorted(SRC.rglob("*.[ch]")) for f in faults(path)]
print("\n".join(found) or f"layers: well ({len(ROOMS)} rooms)")
sys.exit(bool(found))
