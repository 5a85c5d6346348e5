# SPDX-License-Identifier: Apache-2.0
"""Requests that went wrong, on purpose: valid ones of every judged operation, mutated in bytes, JSON, path, query and
headers. Everything comes from one random generator, so that a case can be made again from its seed and number."""

import copy
import json
import re

# Values that break the policy of the test, or that one reader takes for something else than another does.
EVIL = {
    "flavor": ["modelarts.vm.gpu.v100", "modelarts.vm.cpu.8u ", "modelarts.vm.gpu.v100\u0000", None, 7, ["modelarts.vm.cpu.2u"]],
    "image_id": ["evil-image", None, 1],
    "path": ["/team-b/secret/", "/team-a/../team-b/", "/team-a//x/", "//team-b/x/", "/team-a/%2e%2e/x/", "/team-ab/x/", "/team-a/\\..\\x/"],
    "uri": ["obs://team-b/secret/", "obs://team-a/../team-b/", "OBS://team-b/x/", "/team-b/x/", "obs:/team-b/x/", "obs://team-ab/x/",
            "obs://team-a?/x/", "obs://team-a/x?/../", "obs://team-b#@team-a/x/", "obs://team-a@team-b/x/", " obs://team-b/x/", "0bs://team-b/x/",
            "\uff4f\uff42\uff53://team-b/x/", "h:/team-b/x/"],
    "duration": [-1, 0, 86400, 86400000, 10**12, 2**63, -(2**63), 3600.0, 3.6e3, "3600", True, None, [3600]],
    "enable": [False, None, "true", 0, 1],
    "auto_stop": [None, {}, {"enable": False}, {"enable": True}, {"enable": True, "duration": 86400}, {"duration": 86400}],
    "lease": [None, {}, {"duration": -1}, {"duration": 86400000}, {"type": "IDLE", "duration": 3600000}],
    "type": ["IDLE", "idle", "obsfs", "efs", "NEVER", None],
    "category": ["EFS", "OBS", "OBSFS", "efs", None],
    "capacity": [4096, -5, "50", None], "volume_size": [4096, -5, "50", None], "storage_new_size": [4096, "50", None],
    "custom_spec": [{"cpu": 64, "memory": 262144, "gpu": 8}, {}, None],
    "hooks": [{"container_hooks": {"pre_start": {"type": "COMMAND", "script": "x"}}}, {}, None],
    "pool": [{"id": "pool-x"}, {"name": "x"}, {"id": "pool-x", "owner": {"project_id": "f" * 32}}, {}],
    "pool_id": ["pool-x"], "workspace_id": ["other", None], "workspace": [{"id": "other"}, {}, None], "id": ["other"],
    "extend_storage": [[{"type": "obs", "location": {"path": "/team-b/x/"}}]],
    "extended_storage": [{"type": "obs", "location": {"path": "/team-b/x/"}}],
    "data_volumes": [[{"category": "OBS", "uri": "obs://team-b/x/"}], [{"category": "EVS", "capacity": 4096}]],
    "endpoints": [[{"service": "SSH"}], [{"service": "SSH", "allowed_access_ips": ["0.0.0.0/0"]}], [{"service": "ssh", "allowed_access_ips": ["8.8.8.8"]}]],
    "spec": [None, {}, [], {"auto_stop": None}], "volume": [None, {}, {"category": "EFS", "uri": " obs://team-b/x/"}],
    "storage": [None, {}, {"type": "evs", "location": {"path": "/team-b/x/"}}, {"type": "obs"}, {"type": "efs", "location": {"path": "h:/x"}}],
    "allowed_access_ips": [None, [], ["::ffff:808:808"], ["010.0.0.1"], ["10.0.0.0/7"], ["10.0.0.1 "], [None]],
    "owner": [{"project_id": "f" * 32}], "service": ["SSH ", None, "notebook\u200b"],
    "action": ["start", "restart", "queue", "START", "Start", "stop"],
}
_NAMES = sorted(EVIL)
_NUMBER = re.compile(r"(?<=:)[0-9]+")
_NUMBERS = ["{0}.0", "{0}e0", "-{0}", "0{0}", "{0}0000000000000000000", '"{0}"', "[{0}]", "-0", "+{0}", "0x{0}", " {0} ", "{0}e-3", "true", "{0},{0}"]
_LOOKS = [lambda n: n.upper(), lambda n: n.title(), lambda n: n.replace("_", "-"), lambda n: n.replace("_", ""),
          lambda n: n + " ", lambda n: " " + n, lambda n: n.replace("o", "\u043e", 1), lambda n: n + "\u200b",
          lambda n: n.replace("i", "\u0131", 1), lambda n: n.replace("s", "\u017f", 1), lambda n: n.replace("k", "\u212a", 1)]


class Case:
    """One request. body None: no body, no length."""

    def __init__(self, operation, method, path, query, headers, body):
        self.operation, self.method, self.path, self.query = operation, method, path, query
        self.headers, self.body = list(headers), body

    def copy(self):
        return Case(self.operation, self.method, self.path, self.query, self.headers, self.body)

    def bytes(self):
        target = self.path + ("" if self.query is None else "?" + self.query)
        lines = [f"{self.method} {target} HTTP/1.1"] + [f"{name}: {value}" for name, value in self.headers]
        names = {name.lower() for name, _ in self.headers}
        body = self.body or b""
        if self.body is not None and "content-length" not in names and "transfer-encoding" not in names:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body


def _text(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _objects(tree):
    """All objects of a tree."""
    if isinstance(tree, dict):
        yield tree
        for item in tree.values():
            yield from _objects(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from _objects(item)


def _escaped(name, random):
    """The name with one of its characters as an escape, as JSON text."""
    at = random.randrange(len(name))
    return '"' + name[:at] + f"\\u{ord(name[at]):04x}" + name[at + 1:] + '"'


class _Twice(dict):
    """An object that writes more members than it has: [(JSON text of the name, value)] in front or behind."""

    def __init__(self, base, more, front):
        super().__init__(base)
        self.more, self.front = more, front


def _dump(tree):
    """JSON text of a tree in which objects may be _Twice."""
    if isinstance(tree, dict):
        pairs = [(json.dumps(name, ensure_ascii=False), item) for name, item in tree.items()]
        if isinstance(tree, _Twice):
            pairs = tree.more + pairs if tree.front else pairs + tree.more
        return "{" + ",".join(f"{name}:{_dump(item)}" for name, item in pairs) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(map(_dump, tree)) + "]"
    return json.dumps(tree, ensure_ascii=False)


def _replace(tree, old, new):
    if tree is old:
        return new
    if isinstance(tree, dict):
        for name in list(tree):
            tree[name] = _replace(tree[name], old, new)
    elif isinstance(tree, list):
        tree[:] = [_replace(item, old, new) for item in tree]
    return tree


def _json_mutation(random, tree):
    """The tree's JSON text after one mutation of its members."""
    where = random.choice(list(_objects(tree)))
    inside = [name for name in where if name in EVIL]
    name = random.choice(inside) if inside and random.random() < 0.7 else random.choice(_NAMES)
    value = copy.deepcopy(random.choice(EVIL[name]))
    kind = random.randrange(9)
    if kind == 0:  # an evil value
        where[name] = value
    elif kind == 7 and where:  # nothing, where something was
        where[random.choice(list(where))] = None
    elif kind == 8:  # the same number, or nearly, in other letters
        return _NUMBER.sub(lambda match: random.choice(_NUMBERS).format(match[0]), _dump(tree), 1)
    elif kind == 1:  # a duplicate, before or behind
        return _dump(_replace(tree, where, _Twice(where, [(json.dumps(name), value)], random.random() < 0.5)))
    elif kind == 2:  # the same, its name escaped
        return _dump(_replace(tree, where, _Twice(where, [(_escaped(name, random), value)], random.random() < 0.5)))
    elif kind == 3:  # a name that only looks like it
        where[random.choice(_LOOKS)(name)] = value
    elif kind == 4:  # at another place
        random.choice(list(_objects(tree)))[name] = value
    elif kind == 5 and where:  # gone
        del where[random.choice(list(where))]
    else:  # wrapped in something that some reader may look into
        where[random.choice(["spec", "body", "data", "params", "extend_params", "x"])] = {name: value}
    return _dump(tree)


def _mutate_json(random, case):
    try:
        tree = json.loads(case.body or b"{}")
    except ValueError:
        return
    if not isinstance(tree, dict):
        return
    text = _json_mutation(random, tree)
    case.body = text.encode("utf-8", "surrogatepass")
    if not any(name.lower() == "content-type" for name, _ in case.headers):
        case.headers.append(("Content-Type", "application/json"))


def _mutate_bytes(random, case):
    body = bytearray(case.body or b"{}")
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(body) + 1)
        kind = random.randrange(5)
        if kind == 0:
            body[at:at] = bytes([random.randrange(256)])
        elif kind == 1:
            del body[at:at + random.randrange(1, 8)]
        elif kind == 2 and at < len(body):
            body[at] ^= 1 << random.randrange(8)
        elif kind == 3:
            end = min(len(body), at + random.randrange(1, 40))
            body[at:at] = body[at:end]
        else:
            body[at:at] = random.choice([b"\x00", b"\\u0000", b"\xef\xbb\xbf", b"/*x*/", b",", b"\"", b"{", b"}", b"-", b"e9", b".0",
                                         b"\xc0\xaf", b"\xed\xa0\x80", b"\\ud800", b"\n", b"//\n", b"NaN", b"\x0b"])
    case.body = bytes(body)


def _mutate_path(random, case):
    path = case.path
    at = random.randrange(1, max(2, len(path) - 1))
    kind = random.randrange(10)
    if kind == 0:
        path = path[:at] + f"%{ord(path[at]):02x}" + path[at + 1:]
    elif kind == 1:
        path = path[:at] + f"%25{ord(path[at]):02x}" + path[at + 1:]
    elif kind == 2:
        path = path[:at] + path[at:].swapcase()
    elif kind == 3:
        path = path.replace("/", random.choice(["//", "/./", "/x/../", "\\", "%2f", "/;x/"]), random.randrange(1, 4))
    elif kind == 4:
        path += random.choice(["/", ";x", ".json", "#", "%00", "%20", "/.", "//", "%3f", "%23", "/..;/"])
    elif kind == 5:
        path = path[:at] + random.choice(["\t", "%0a", "\u00e9", "*", ";jsessionid=1", "..", "%c0%af"]) + path[at:]
    elif kind == 6:
        path = random.choice(["http://gateway.test", "https://gateway.test:443", "//x", "/x/..", "/v1/..", ""]) + path
    elif kind == 7:
        case.method = random.choice(["POST", "PUT", "PATCH", "GET", "DELETE", "HEAD", "post", "OPTIONS", "POST ", "LINK"])
    elif kind == 8:
        path = path.replace("v1", random.choice(["v2", "V1", "v1.0", "v01", "."]), 1)
    else:
        words = path.split("/")
        where = random.randrange(len(words))
        words[where] = random.choice(["notebooks", "demanager", "instances", "start", "lease", "action", "x"])
        path = "/".join(words)
    case.path = path


def _mutate_query(random, case):
    extra = random.choice(["duration=-1", "duration=86400000", "Duration=-1", "duratio%6e=-1", "duration=%2d1", "duration=3600000.0",
                           "type=IDLE", "type=idle", "TYPE=IDLE", "duration", "duration=", "=1", "x=1", "duration[]=-1", "duration=1e9",
                           "auto_stop=false", "_method=PUT", "flavor=modelarts.vm.gpu.v100", "duration=+1", "duration= 1"])
    joint = random.choice(["&", "&", "&", ";", "&&", "?", "%26", "&amp;"])
    if case.query is None:
        case.query = extra
    elif random.random() < 0.5:
        case.query = case.query + joint + extra
    else:
        case.query = extra + joint + case.query


def _mutate_headers(random, case):
    extra = random.choice([
        ("Content-Type", "text/plain"), ("Content-Type", "application/json;charset=utf-7"), ("Content-Encoding", "gzip"),
        ("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "identity"), ("Content-Length", "0"), ("Content-Length", "5"),
        ("X-HTTP-Method-Override", "PUT"), ("X-Original-URL", "/v1/x"), ("X-Project-Id", "f" * 32), ("X-Auth-Token", "MIIevil"),
        ("Authorization", "Bearer x"), ("Connection", "X-Auth-Token, Content-Length"), ("Host", "evil"), ("Expect", "100-continue"),
        ("x_auth_token", "a"), ("Upgrade", "h2c"), ("X-Forwarded-Host", "evil"), ("Postern-Decision", "allow"), ("Trailer", "X"),
        ("Content-Type", ""), ("X-User-Id", "root"), ("Accept-Encoding", "gzip"), ("Range", "bytes=0-1")])
    if random.random() < 0.25 and case.headers:
        del case.headers[random.randrange(len(case.headers))]
    case.headers.insert(random.randrange(len(case.headers) + 1), extra)


_MUTATIONS = [(_mutate_json, 8), (_mutate_bytes, 3), (_mutate_path, 3), (_mutate_query, 3), (_mutate_headers, 2)]
_DRAWN = [mutation for mutation, weight in _MUTATIONS for _ in range(weight)]


def _cross(random, case, other):
    """A part of another operation's request."""
    part = random.randrange(4)
    if part == 0:
        case.body, case.headers = other.body, list(other.headers)
    elif part == 1:
        case.query = other.query
    elif part == 2:
        case.method = other.method
    else:
        case.path = other.path


def mutant(random, seeds):
    """A mutated copy of one of the seeds."""
    case = random.choice(seeds).copy()
    if random.random() < 0.06:
        _cross(random, case, random.choice(seeds))
    for _ in range(random.choice([1, 1, 1, 2, 2, 3])):
        random.choice(_DRAWN)(random, case)
    return case
