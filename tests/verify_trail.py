#!/usr/bin/python3
"""An independent verifier of journals, after docs/journal.md: verify_trail.py FOLDER [--key PUB.pem] [--witness FILE]"""
import contextlib, functools, glob, hashlib, itertools, json, os, re, sys  # noqa: E401
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

sys.setrecursionlimit(4000)  # for what is nested deep


def need(condition, text, where="at the end"):
    return condition or sys.exit(f"{where}: {text}")


def read(line):
    depths = itertools.accumulate((byte in b"[{") - (byte in b"]}") for byte in re.sub(rb'"(\\.|[^"\\])*"', b"", line))
    need(line.count(b"{") + line.count(b"[") < 2048 or max(depths) < 2048, "nested too deep")
    row = json.loads(line.decode(), parse_int=lambda text: need(-2**63 <= int(text) < 2**63, "too large a number") and int(text),
                     object_pairs_hook=lambda pairs: need(len(dict(pairs)) == len(pairs), "a member stands twice") and dict(pairs))
    return json.dumps(row, ensure_ascii=False, allow_nan=False).encode() and row  # not NaN, 1e999, half a surrogate pair


def verify(folder, key=None, witness=None):
    public = load_pem_public_key(open(key, "rb").read()) if key else None
    key_id = public and hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    first, seq, prev, opened, seals = None, 0, "0" * 64, None, {}
    names = [name for name in glob.glob(f"{glob.escape(str(folder))}/{'[0-9]' * 20}.jsonl") if 0 < int(name[-26:-6]) < 2**64]
    for name, at, line in ((name, *row) for name in sorted(names) for row in enumerate(open(name, "rb"), 1)):
        check = functools.partial(need, where=f"{os.path.basename(name)}:{at}")
        if not line.endswith(b"\n") and name == max(names):
            break
        row = read(line[:-1])
        check(line.endswith(b"\n") and type(row["v"]) is type(row["seq"]) is int and row["v"] == 1
              and len(line) <= 2**(30 if at == 1 else 21) + 1 and type(row["prev"]) is type(row["time"]) is type(row["event"]) is str, "no whole line")
        check(row["seq"] == seq + 1 if seq else at == 1 and row["seq"] > 0, "seq doesn't follow the line before")
        check(row["prev"] == prev or (not seq and row["seq"] > 1), "prev isn't the hash of the line before")
        first, seq, prev, event = first or row["seq"], row["seq"], hashlib.sha256(line[:-1]).hexdigest(), row["event"]
        check((at == 1) == (event == "checkpoint") and (at > 1 or seq == int(name[-26:-6])), "checkpoint or name")
        if event == "checkpoint":
            check(type(row["open"]) is list and all(type(e["id"]) is type(e["state"]) is str and e["id"] for e in row["open"]), "open")
            told = {entry["id"] for entry in row["open"] if entry["state"] == "reserved"}
            check(opened in (None, told), "the checkpoint tells of other open intents")
            opened = told
        check(event != "start" or not opened, "intents are open at a start")
        check(event not in ("intent", "orphan") or type(row["id"]) is str and row["id"], "no id")
        if event == "intent":
            check(len(row["id"].encode()) <= 128 and row["id"] not in opened, "the intent's id is too long, or open already")
            opened.add(row["id"])
        elif event == "outcome":
            check(row.get("id") in [*opened] or row.get("class") not in ("create", "change", "start", "mount")
                  or row.get("outcome") == "refused", "no open intent")
            opened = {one for one in opened if one != row.get("id")}
        elif event == "seal":
            check(row["head"] == row["prev"] and type(row["key"]) is str and len(row["time"].encode()) == 27, "head, key or time")
            if public:  # verify() raises InvalidSignature
                check(row["key"] == key_id and re.fullmatch("[0-9a-f]{128}", row["signature"]), "key or signature of the seal")
                public.verify(bytes.fromhex(row["signature"]), f"postern seal v1\n{seq}\n{row['head']}\n{row['time']}\n".encode())
            seals[seq] = line
    need(seq and os.path.getsize(min(names)) and int(max(names)[-26:-6]) <= seq + 1, "a segment is empty that had lines")
    need(seals or not key, "no seal")
    for line in open(witness, "rb").read().split(b"\n")[:-1] if witness else ():
        line, at = line[line.find(b"{"):] + b"\n", 0
        with contextlib.suppress(KeyError, TypeError, ValueError, RecursionError, SystemExit):  # others may write there, too
            row = read(line if len(line) <= 4097 else b"")
            at = row["seq"] if row["event"] == "seal" and row["v"] == 1 and type(row["v"]) is type(row["seq"]) is int else 0
        need(at < first or seals.get(at) == line, f"the journal hasn't the witness's seal {at}")
    return f"head {prev}, {len(opened)} open"


if __name__ == "__main__":
    print(verify(sys.argv[1], **{name[2:]: value for name, value in zip(sys.argv[2::2], sys.argv[3::2])}))
