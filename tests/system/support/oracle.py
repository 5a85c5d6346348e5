# SPDX-License-Identifier: Apache-2.0
"""A second opinion: whether what reached the cloud keeps a fixed policy, whichever reader the cloud has. It shares
nothing with the gateway, and reads as leniently as some implementation somewhere does."""

import ipaddress
import json
import re
import urllib.parse

FLAVOR, IMAGE, PROFILE = "modelarts.vm.cpu.2u", "11111111-2222-3333-4444-555555555555", "Multi-Engine 1.0 (python3)-cpu"
MAX_S, MAX_GB = 4 * 3600, 100

POLICY = f"""\
version: 1
policies:
  - name: strict
    flavors: {{allow: ["{FLAVOR}"]}}
    images: {{allow: ["{IMAGE}"]}}
    profiles: {{allow: ["{PROFILE}"]}}
    workspaces: {{allow: ["0"]}}
    pools: {{allow: [], public: true}}
    name: {{pattern: "[a-zA-Z0-9_-]+"}}
    storage: {{types: [obs, evs], obs_prefixes: ["/team-a/"], max_size_gb: {MAX_GB}}}
    auto_stop: {{required: true, default: 1h, max: 4h}}
    custom_spec: refuse
    hooks: refuse
    allowed_access_ips: {{allow: ["10.0.0.0/8"]}}
"""

_P = r"/v1/[^/]+"
_ROWS = [  # method, path, operation; None: not judged
    ("POST", rf"{_P}/demanager/instances", "demanager.create"), ("GET", rf"{_P}/demanager/instances", None),
    ("GET", rf"{_P}/demanager/instances/[^/]+(/token)?", None), ("PUT", rf"{_P}/demanager/instances/([^/]+)", "demanager.update"),
    ("DELETE", rf"{_P}/demanager/instances/[^/]+", None), ("POST", rf"{_P}/demanager/instances/([^/]+)/action", "demanager.action"),
    ("POST", rf"{_P}/notebooks", "notebooks.create"), ("GET", rf"{_P}/notebooks(/all|/flavors|/tags)?", None),
    ("PUT", rf"{_P}/notebooks/([^/]+)", "notebooks.update"), ("POST", rf"{_P}/notebooks/([^/]+)/start", "notebooks.start"),
    ("GET", rf"{_P}/notebooks/([^/]+)/start", "notebooks.start"), ("PATCH", rf"{_P}/notebooks/([^/]+)/lease", "notebooks.lease"),
    ("POST", rf"{_P}/notebooks/([^/]+)/storage", "notebooks.mount"), ("GET", rf"{_P}/notebooks/[^/]+(/lease|/flavors|/storage(/[^/]+)?)?", None),
    ("DELETE", rf"{_P}/notebooks/[^/]+(/storage/[^/]+|/tags/delete)?", None),
    ("POST", rf"{_P}/notebooks/[^/]+/(stop|create-image|tags/create)", None),
]
_ROWS = [(method, re.compile(path + r"\Z"), operation) for method, path, operation in _ROWS]
GUARDED = ("host", "content-type", "content-length", "x-auth-token", "authorization", "x-project-id")
KNOWN = GUARDED + ("accept", "accept-language", "user-agent", "x-domain-id", "x-language", "accept-encoding", "content-encoding",
                   "content-language", "content-disposition", "content-md5", "cache-control", "if-match", "if-none-match",
                   "if-modified-since", "if-unmodified-since", "if-range", "range", "x-subject-token", "x-security-token",
                   "transfer-encoding")


class Broken(Exception):
    """What reached the cloud breaks the policy, or can be read in two ways."""


def must(condition, *what):
    if not condition:
        raise Broken(*what)


def _first(pairs):
    out = {}
    for name, value in pairs:
        out.setdefault(name, value)
    return out


def _fold(pairs):
    return {name.casefold(): value for name, value in pairs}


READINGS = {"first": _first, "last": dict, "fold": _fold}


def _trees(body):
    """The body as each reader has it."""
    try:
        return [json.loads(body.decode("utf-8"), object_pairs_hook=hook, parse_constant=_no) for hook in READINGS.values()]
    except (UnicodeDecodeError, ValueError) as error:
        raise Broken("the body isn't JSON", error) from error


def _no(word):
    raise ValueError(word)


def _get(tree, *names):
    for name in names:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


# Rules.

def _seconds(value, most):
    must(type(value) is int and 0 < value <= most, "a time over the maximum", value)


def _stop(stop):
    must(isinstance(stop, dict) and stop.get("enable") is True, "auto_stop is off", stop)
    _seconds(stop.get("duration"), MAX_S)


def _one_of(value, *allowed):
    must(value in allowed and type(value) in map(type, allowed), "a value that isn't allowed", value)


def _segments(path):
    must(isinstance(path, str) and "%" not in path and "\\" not in path, "path", path)
    words = path.split("/")
    must(all(word not in ("", ".", "..") for word in words[:-1]) and words[0] == "team-a", "path", path)


def _demanager_storage(storage):
    _one_of(storage.get("type"), "obs", "evs")
    location = storage.get("location") or {}
    if location.get("path") is not None:
        must(location["path"].startswith("/"), "path", location)
        _segments(location["path"][1:])
    else:
        _one_of(storage["type"], "evs")
    if location.get("volume_size") is not None:
        must(type(location["volume_size"]) is int and location["volume_size"] <= MAX_GB, "size", storage)


def _volume(volume):
    category = volume.get("category")
    must(isinstance(category, str) and category.lower() in ("obs", "evs"), "category", volume)
    if volume.get("uri") is not None:
        must(re.match(r"obs://[^?#]*\Z", volume["uri"]), "uri", volume)
        _segments(volume["uri"][6:])
    else:
        must(category.lower() == "evs", "an OBS volume without uri", volume)
    if volume.get("capacity") is not None:
        must(type(volume["capacity"]) is int and volume["capacity"] <= MAX_GB, "size", volume)


def _demanager(tree, create):
    if create or tree.get("flavor") is not None:
        _one_of(tree.get("flavor"), FLAVOR)
    if create or tree.get("profile_id") is not None:
        _one_of(tree.get("profile_id"), PROFILE)
    must(_get(tree, "workspace", "id") in (None, "0"), "workspace", tree)
    must(tree.get("pool") is None and tree.get("custom_spec") is None, "pool or custom_spec", tree)
    spec = tree.get("spec") or {}
    if create:
        must(isinstance(spec.get("storage"), dict), "storage is missing", tree)
        _stop(spec.get("auto_stop"))
    for storage in [spec.get("storage")] + (spec.get("extend_storage") or []):
        if storage is not None:
            _demanager_storage(storage)
    for strays in (spec.get("extended_storage"), tree.get("extended_storage"), tree.get("extend_storage")):
        for storage in [strays] if isinstance(strays, dict) else strays or []:
            _demanager_storage(storage)
    must(create or tree.get("spec", spec) is not None, "a null that takes away what is stored", tree)
    for holder in (spec, tree):
        if holder.get("auto_stop") is not None or (not create and "auto_stop" in holder):
            _stop(holder["auto_stop"])


def _endpoint(endpoint):
    ips = endpoint.get("allowed_access_ips") or []
    must(ips or str(endpoint.get("service", "")).upper() == "NOTEBOOK", "SSH for everybody", endpoint)
    for ip in ips:
        must(ipaddress.ip_network(ip, strict=False).subnet_of(ipaddress.ip_network("10.0.0.0/8")), "address", endpoint)


def _notebooks(tree, create):
    if create or tree.get("flavor") is not None:
        _one_of(tree.get("flavor"), FLAVOR)
    if create or tree.get("image_id") is not None:
        _one_of(tree.get("image_id"), IMAGE)
    must(tree.get("workspace_id") in (None, "0"), "workspace", tree)
    for name in ("pool_id", "custom_spec", "hooks"):
        must(tree.get(name) is None, name, tree)
    must(create or not tree.keys() & {"duration", "lease"}, "a time in an update", tree)
    times = [time for time in (tree.get("duration"), _get(tree, "lease", "duration")) if time is not None]
    must(times or not create, "no end", tree)
    for time in times:
        _seconds(time, MAX_S * 1000)
    kind = _get(tree, "lease", "type")
    must(kind is None or kind.upper() == "TIMING", "stop type", tree)
    for volume in [tree.get("volume")] + (tree.get("data_volumes") or []):
        if volume is not None:
            _volume(volume)
    must(tree.get("volume") is not None or not create, "no volume", tree)
    grown = tree.get("storage_new_size")
    must(grown is None or (type(grown) is int and grown <= MAX_GB), "size", tree)
    for endpoint in tree.get("endpoints") or []:
        _endpoint(endpoint)


def _parameters(query):
    """Everything that some reader could take for a parameter."""
    text = urllib.parse.unquote(urllib.parse.unquote(query or ""))
    parts = re.split(r"[&;?]", text) if text else []
    return [(name.strip().lower(), value.strip()) for name, _, value in (part.partition("=") for part in parts)]


def _timed(query, tree, elapsed_s):
    """A start or lease: every time that is named anywhere, and at least one."""
    pairs = _parameters(query)
    must(all(name in ("duration", "type") for name, _ in pairs), "parameters", query)
    must(all(re.fullmatch(r"[0-9]+", value) for name, value in pairs if name == "duration"), "duration", query)
    times = [int(value) for name, value in pairs if name == "duration"]
    times += [tree[name] for name in ("duration",) if tree.get(name) is not None]
    must(len(times) >= 1, "no end", query, tree)
    for time in times:
        _seconds(time, int((MAX_S - elapsed_s) * 1000))
    must(all(value.upper() == "TIMING" for name, value in pairs if name == "type"), "stop type", query)
    must(str(tree.get("type") or "TIMING").upper() == "TIMING", "stop type", tree)


# Requests.

def _landing(path):
    """Whether some reader takes the path for one of the families."""
    text = urllib.parse.unquote(urllib.parse.unquote(urllib.parse.unquote(path))).lower().replace("\\", "/")
    words = [re.split(r"[;?#]", word)[0] for word in text.split("/") if word and word != "."]
    return any(word.split(".")[0] in ("demanager", "notebooks") for word in words[1:3])


def _operation(method, path):
    for want, pattern, operation in _ROWS:
        match = pattern.match(path)
        if match and method in (want, "HEAD" if want == "GET" and operation is None else want):
            return operation, match.group(1) if operation not in (None, "demanager.create", "notebooks.create") else None
    must(not _landing(path), "a call of the families that is none", method, path)
    return None, None


def check_head(received):
    """The head is one that every reader reads the same, and holds nothing but what may go."""
    must(re.fullmatch(rb"[A-Z]+ /[\x21\x22\x24-\x5b\x5d-\x7e]* HTTP/1\.1\r\n([a-zA-Z0-9-]+: [\x20-\x7e\x80-\xff]*\r\n)*\r\n", received.head),
         "the head isn't canonical", received.head)
    names = [line.split(b":")[0].decode().lower() for line in received.head.split(b"\r\n")[1:-2]]
    for name in set(names):
        must(name in KNOWN, "a header that isn't on the list", name)
        must(names.count(name) == 1 or name not in GUARDED, "a guarded header twice", name)
    if received.body:
        must(("content-length" in names) != ("transfer-encoding" in names), "framing", received.head)


SPENDING = ("create", "update", "start", "restart", "queue", "lease", "mount")


def check_effect(row):
    """A row of the cloud's books: whatever the request looked like, what the cloud believes now keeps the policy."""
    if row["call"] not in SPENDING:
        return
    _one_of(row["flavor"], FLAVOR)
    passed_ms = 1000 if row["call"] == "lease" else 0  # from the look at the lease to the cloud's own clock
    must(0 < row["auto_stop_ms"] <= MAX_S * 1000 + passed_ms, "the cloud believes in another end", row)
    must(row["auto_stop_type"] == "TIMING", "stop type", row)
    for name in ("pool", "custom_spec", "hooks"):
        must(not row[name], name, row)
    for storage in row["storages"]:
        must(storage["type"].lower() in ("obs", "evs", "obsfs") and (storage["size"] or 0) <= MAX_GB, "storage", row)
        if storage["path"] is not None:
            _segments(storage["path"].removeprefix("obs://").removeprefix("/"))
    for endpoint in row["endpoints"] or []:
        _endpoint(endpoint)


class Oracle:
    """good: ids of instances that may be started; began: {instance: when its lease began, in s}, which a start does anew."""

    def __init__(self, good, began):
        self.good, self.began = good, began

    def check(self, received, now_s):
        """Raises Broken when some reading of the request breaks the policy. now_s: at or before the judgement. The
        operation, or None."""
        check_head(received)
        path, _, query = received.target.partition("?")
        operation, instance = _operation(received.method, path)
        if operation is None:
            return None
        body = received.body or b""
        for tree in _trees(body) if body else [{}]:
            must(isinstance(tree, dict), "no object", body)
            self._judge(operation, instance, query, tree, now_s)
        return operation

    def _judge(self, operation, instance, query, tree, now_s):
        family, _, call = operation.partition(".")
        if call == "action":
            verb = tree.get("action")
            must(set(tree) == {"action"} and verb in ("stop", "dequeue", "start", "restart", "queue"), "action", tree)
            must(verb in ("stop", "dequeue") or instance in self.good, "a start of a bad instance", instance)
        elif call in ("create", "update"):
            (_demanager if family == "demanager" else _notebooks)(tree, call == "create")
        elif call == "start":
            must(instance in self.good, "a start of a bad instance", instance)
            must(tree == {}, "a body of a start", tree)
            _timed(query, tree, 0)
            self.began[instance] = now_s
        elif call == "lease":
            _timed(query, tree, now_s - self.began.get(instance, 0))
        else:
            must(str(tree.get("category")).upper() == "OBS", "category", tree)
            _volume(tree)
