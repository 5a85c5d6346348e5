#!/usr/bin/python3
"""An independent verifier of journals, after docs/journal.md: verify_trail.py FOLDER [--key PUB.pem] [--witness FILE]"""
import glob, hashlib, json, os, subprocess, sys, tempfile  # noqa: E401

folder, more = sys.argv[1], dict(zip(sys.argv[2::2], sys.argv[3::2]))
key, where, JUDGED = more.get("--key"), "at the start", ("create", "change", "start", "mount")


def need(condition, text):
    condition or sys.exit(f"{where}: {text}")


def unique(pairs):
    need(len(dict(pairs)) == len(pairs), "a member stands twice")
    return dict(pairs)


def holds(row):
    with tempfile.NamedTemporaryFile() as text, tempfile.NamedTemporaryFile() as signature:
        open(text.name, "w").write(f"postern seal v1\n{row['seq']}\n{row['head']}\n{row['time']}\n")
        open(signature.name, "wb").write(bytes.fromhex(row["signature"]))
        return not subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", text.name,
                                   "-sigfile", signature.name], capture_output=True).returncode


der = subprocess.check_output(["openssl", "pkey", "-pubin", "-in", key, "-outform", "DER"]) if key else b""
first, seq, prev, opened, sealed, seals = None, None, "0" * 64, None, "", {}
names = sorted(glob.glob(folder + "/" + "[0-9]" * 20 + ".jsonl"))
for name, number, line in ((name, *row) for name in names for row in enumerate(open(name, "rb"), 1)):
    where = f"{os.path.basename(name)}:{number}"
    if not line.endswith(b"\n") and name == names[-1]:
        break
    try:
        row = json.loads(line, object_pairs_hook=unique)
    except ValueError:
        row = None
    need(line.endswith(b"\n") and isinstance(row, dict) and row.get("v") == 1, "no whole line")
    need(row["seq"] == seq + 1 if seq else number == 1, "seq doesn't follow the line before")
    need(row["prev"] == prev or (not seq and row["seq"] > 1), "prev isn't the hash of the line before")
    first, seq, prev, event = first or row["seq"], row["seq"], hashlib.sha256(line[:-1]).hexdigest(), row["event"]
    need((number == 1) == (event == "checkpoint") and (number > 1 or seq == int(name[-26:-6])), "checkpoint or name")
    if event == "checkpoint":
        told = {entry["id"] for entry in row["open"] if entry["state"] == "reserved"}
        need(opened in (None, told), "the checkpoint tells of other open intents")
        opened = told
    need(event != "start" or not opened, "intents are open at a start")
    if event == "intent":
        need(row["id"] not in opened and not opened.add(row["id"]), "the intent is open already")
    elif event == "outcome":
        need(row["id"] in opened or row.get("class") not in JUDGED or row["outcome"] == "refused", "no open intent")
        opened.discard(row["id"])
    elif event == "seal":
        need(row["head"] == row["prev"] and row["time"] >= sealed, "head or time of the seal")
        need(not key or (row["key"] == hashlib.sha256(der).hexdigest() and holds(row)), "the seal")
        sealed, seals[seq] = row["time"], line
need(os.path.getsize(names[0]) and int(names[-1][-26:-6]) <= seq + 1, "a segment is empty that had lines")
need(sealed or not key, "no seal")
for line in open(more["--witness"], "rb").read().split(b"\n")[:-1] if "--witness" in more else ():
    at = json.loads(line[line.index(b"{"):])["seq"]
    need(at < first or seals.get(at) == line[line.index(b"{"):] + b"\n", f"the journal hasn't the witness's seal {at}")
print(f"{seq} lines, head {prev}, {len(opened)} open")
