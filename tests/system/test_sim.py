# SPDX-License-Identifier: Apache-2.0
"""The stand-in cloud itself: what it checks, how it lives by its clock, and that each fault is what it says."""

import datetime
import gzip
import hashlib
import hmac
import json
import ssl
import urllib.parse

import pytest

from support.bodies import (CREATE, IMAGE, NOTEBOOKS, PROJECT, compact, create_body, image_body, judged_calls,
                            lease_body, mount_body, notebook_body, notebook_update_body, tags_body)
from support.http import Broken, Client, request_bytes
from support.tokens import make_token, new_signer
from support.waiting import wait_for

AUTH = {"X-Auth-Token": "t"}


@pytest.fixture
def connect(cloud, pki):
    """A connection straight to the cloud."""
    open_ones = []

    def make(port=None):
        tls = ssl.create_default_context(cafile=pki.ca)
        client = Client("127.0.0.1", port or cloud.port, tls)
        open_ones.append(client)
        return client
    yield make
    for client in open_ones:
        client.close()


@pytest.fixture
def call(connect):
    """Calls on one connection, with a token: the answer."""
    client = connect()
    return lambda method, target, body=None: client.request(method, target, body, AUTH)


def code_of(answer):
    """What a failure says, without its prefix; None if it is none."""
    return answer.json.get("error_code", "").removeprefix("ModelArts.") or None if answer.body else None


def make_notebook(call, cloud=None, **members):
    """Its path; running, if its cloud is told."""
    answer = call("POST", NOTEBOOKS, notebook_body(**members))
    assert answer.status == 201, answer
    if cloud:
        cloud.advance(5)
    return f"{NOTEBOOKS}/{answer.json['id']}"


def test_create_answers_with_the_documented_instance(connect, cloud):
    answer = connect().request("POST", CREATE, create_body(), AUTH)
    assert answer.status == 200
    instance = answer.json
    assert list(instance) == sorted(instance)
    assert instance["id"].startswith("DE-") and instance["status"] == "CREATING"
    assert instance["creation_timestamp"] == "1767225600000"
    assert instance["spec"]["auto_stop"] == {"duration": 3600, "enable": True, "prompt": True}
    assert cloud.instances()[0]["instance"]["id"] == instance["id"]


BAD_BODIES = [
    ("not JSON", b"{", "6400"),
    ("an array", b"[]", "6400"),
    ("name missing", create_body(without=["name"]), "6335"),
    ("name a number", create_body(name=1), "6332"),
    ("name with a blank", create_body(name="a b"), "6334"),
    ("description with a slash", create_body(description="a/b"), "6334"),
    ("profile missing", create_body(without=["profile_id"]), "6335"),
    ("flavor missing", create_body(without=["flavor"]), "6335"),
    ("flavor unknown", create_body(flavor="modelarts.vm.none"), "6323"),
    ("spec missing", create_body(without=["spec"]), "6335"),
    ("storage missing", create_body(without=["spec__storage"]), "6316"),
    ("storage type unknown", create_body(spec__storage__type="tape"), "6324"),
    ("path missing", create_body(without=["spec__storage__location__path"]), "6317"),
    ("path without slash", create_body(spec__storage__location__path="/team-a/x"), "6318"),
    ("path is the bucket", create_body(spec__storage__location__path="/team-a/"), "6358"),
    ("volume too small", create_body(spec__storage={"type": "evs", "location": {"volume_size": 4}}), "6331"),
    ("duration missing", create_body(spec__auto_stop={"enable": True}), "6348"),
    ("duration too small", create_body(spec__auto_stop={"enable": True, "duration": 3599}), "6349"),
    ("duration too large", create_body(spec__auto_stop={"enable": True, "duration": 86401}), "6349"),
    ("enable a text", create_body(spec__auto_stop={"enable": "true"}), "6332"),
]


@pytest.mark.parametrize("body, code", [row[1:] for row in BAD_BODIES], ids=[row[0] for row in BAD_BODIES])
def test_create_is_checked(connect, cloud, body, code):
    answer = connect().request("POST", CREATE, body, AUTH)
    assert answer.status == 400
    assert list(answer.json) == ["error_message", "error_code"]
    assert answer.json["error_code"] == f"ModelArts.{code}"
    assert cloud.instances() == []


def test_names_are_unique_and_instances_counted(cloud_factory, pki):
    cloud = cloud_factory(max_instances=2)
    tls = ssl.create_default_context(cafile=pki.ca)
    with Client("127.0.0.1", cloud.port, tls) as client:
        codes = [client.request("POST", CREATE, create_body(name=name), AUTH).json.get("error_code")
                 for name in ("a", "a", "b", "c")]
    assert codes == [None, "ModelArts.6301", None, "ModelArts.6302"]


def test_life_by_the_clock(connect, cloud):
    client = connect()
    one = CREATE + "/" + client.request("POST", CREATE, create_body(), AUTH).json["id"]

    def status():
        return client.request("GET", one, None, AUTH).json["status"]

    def act(verb):
        answer = client.request("POST", one + "/action", {"action": verb}, AUTH).json
        return answer.get("error_code") or answer["current_status"]

    assert act("stop") == "ModelArts.6306"
    assert client.request("DELETE", one, None, AUTH).json["error_code"] == "ModelArts.6304"
    cloud.advance(5)
    assert status() == "RUNNING" and act("start") == "ModelArts.6305"
    running = client.request("GET", one, None, AUTH).json["spec"]["auto_stop"]
    assert running["stop_timestamp"] == 1767225605000 + 3600000 and running["remain_time"] == 3600
    cloud.advance(3599)
    assert status() == "RUNNING"
    cloud.advance(1)
    assert status() == "STOPPED" and act("stop") == "ModelArts.6307"
    assert act("start") == "STARTING" and act("start") == "ModelArts.6306"
    cloud.advance(3)
    assert act("restart") == "RESTARTING"
    cloud.advance(3)
    assert act("stop") == "STOPPING" and act("stop") == "ModelArts.6308"
    cloud.advance(2)
    assert client.request("DELETE", one, None, AUTH).json == {"instance_id": one.rsplit("/", 1)[1]}
    assert client.request("GET", one, None, AUTH).json["error_code"] == "ModelArts.6309"


def test_lists_are_filtered(connect, cloud):
    client = connect()
    for name in ("a", "b", "c"):
        client.request("POST", CREATE, create_body(name=name), AUTH)
    page = client.request("GET", CREATE + "?de_type=Notebook&offset=1&limit=1", None, AUTH).json
    assert page["total_count"] == 3 and [i["name"] for i in page["instances"]] == ["b"]
    assert client.request("GET", CREATE + "?status=RUNNING", None, AUTH).json["total_count"] == 0
    assert client.request("GET", CREATE + "?sortby=flavor", None, AUTH).json["error_code"] == "ModelArts.6303"
    assert client.request("GET", "/v1/other/demanager/instances", None, AUTH).json["total_count"] == 0
    rows = cloud.instances()
    rows[0]["instance"]["user"]["id"] = "somebody-else"
    cloud.preset(rows)
    assert client.request("GET", CREATE, None, AUTH).json["total_count"] == 2
    assert client.request("GET", CREATE + "?show_self=false", None, AUTH).json["total_count"] == 3


def test_lists_are_sorted_and_in_pages(connect, cloud):
    client = connect()
    for name in ("c", "a", "b"):
        client.request("POST", CREATE, create_body(name=name), AUTH)
        cloud.advance(1)

    def names(query):
        page = client.request("GET", CREATE + "?de_type=Notebook" + query, None, AUTH).json
        return "".join(i["name"] for i in page["instances"]) + f" of {page['total_count']}"
    assert names("") == "abc of 3"
    assert names("&order=desc") == "cba of 3"
    assert names("&sortby=creation_timestamp") == "cab of 3"
    assert names("&sortby=creation_timestamp&order=desc") == "bac of 3"
    assert names("&sortby=creation_timestamp&limit=2") == "ca of 3"
    assert names("&sortby=creation_timestamp&limit=2&offset=2") == "b of 3"
    stamps = [int(row["instance"]["creation_timestamp"]) for row in cloud.instances()]
    assert stamps == [stamps[0], stamps[0] + 1000, stamps[0] + 2000]


def test_owners_are_the_users_of_the_tokens(connect):
    client = connect()
    tokens = {name: {"X-Auth-Token": make_token(user=name, project=PROJECT)} for name in ("alice", "bob")}
    for name, token in tokens.items():
        made = client.request("POST", CREATE, create_body(name=name), token).json
        assert made["user"]["name"] == name and name in made["user"]["id"]
        made = client.request("POST", NOTEBOOKS, notebook_body(name=name), token).json
        assert made["user"]["name"] == name and made["user_id"] == made["user"]["id"] and made["user"]["domain"]["name"]
    for name, token in tokens.items():
        def get(path, token=token):
            page = client.request("GET", path, None, token).json
            return [item["name"] for item in page.get("instances", page.get("data"))]
        assert get(CREATE) == [name] and get(NOTEBOOKS) == [name]
        assert get(CREATE + "?show_self=false") == ["alice", "bob"] == get(NOTEBOOKS + "/all?sort_dir=ASC")


def test_workspaces(call, cloud):
    path = f"/v1/{PROJECT}/workspaces"

    def ids(query=""):
        page = call("GET", path + query).json
        assert page["count"] == len(page["workspaces"])
        return " ".join(w["id"] for w in page["workspaces"]) + f" of {page['total_count']}"
    assert ids() == "0 of 1"
    call("POST", CREATE, create_body(name="a", workspace={"id": "w1"}))
    make_notebook(call, name="b", workspace_id="w2")
    cloud.lists(workspaces=["w3", "w1"])
    assert ids() == "0 w3 w1 w2 of 4"
    assert ids("?limit=2&offset=1") == "w3 w1 of 4"
    assert call("GET", CREATE + "?workspace_id=w1").json["total_count"] == 1
    assert call("GET", CREATE).json["total_count"] == 0


def test_lists_lag_behind(call, cloud):
    cloud.lists(lag_ms=3000)
    path = make_notebook(call, name="a")
    call("POST", CREATE, create_body(name="a"))
    assert call("GET", path).status == 200
    assert call("GET", NOTEBOOKS).json["total"] == 0 == call("GET", CREATE).json["total_count"]
    cloud.advance(3)
    assert call("GET", NOTEBOOKS).json["total"] == 1 == call("GET", CREATE).json["total_count"]


def test_a_list_shifts_between_its_pages(call, cloud):
    for name in "abc":
        make_notebook(call, name=name)
    cloud.fault("shift", "GET *offset=0*")
    page = NOTEBOOKS + "/all?sort_dir=ASC&limit=2&offset="
    assert [n["name"] for n in call("GET", page + "0").json["data"]] == ["a", "b"]
    assert call("GET", page + "2").json == {"current": 1, "data": [], "pages": 1, "size": 2, "total": 2}


def signed(key, secret, method, target, headers, body=b""):
    """The headers and a signature over all of them, by the published rules."""
    path, _, query = target.partition("?")
    quoted = "/".join(urllib.parse.quote(urllib.parse.unquote(part), safe="-_.~") for part in path.split("/"))
    pairs = sorted((urllib.parse.quote(k, safe="-_.~"), urllib.parse.quote(v, safe="-_.~"))
                   for k, v in urllib.parse.parse_qsl(query, keep_blank_values=True))
    names = sorted(name.lower() for name in headers)
    lines = [f"{name}:{value}" for name, value in sorted((k.lower(), v) for k, v in headers.items())]
    canonical = "\n".join([method, quoted.rstrip("/") + "/", "&".join(f"{k}={v}" for k, v in pairs), *lines, "",
                           ";".join(names), hashlib.sha256(body).hexdigest()])
    text = f"SDK-HMAC-SHA256\n{headers['X-Sdk-Date']}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    field = f"SDK-HMAC-SHA256 Access={key}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return {**headers, "Authorization": field}


def test_signatures(cloud_factory, pki):
    cloud = cloud_factory(access_key="AK:SK:ST")
    target = f"/v1/{PROJECT}/notebooks/all?offset=0&limit=50&name=a%20b%2F"
    now = datetime.datetime.now(datetime.timezone.utc)

    def status(key="AK", secret="SK", target=target, sent=None, age_s=0, **more):
        date = (now - datetime.timedelta(seconds=age_s)).strftime("%Y%m%dT%H%M%SZ")
        headers = {"Host": "x", "X-Sdk-Date": date, "X-Security-Token": "ST", **more}
        headers = {k: v for k, v in headers.items() if v is not None}
        with Client("127.0.0.1", cloud.port, ssl.create_default_context(cafile=pki.ca)) as client:
            return client.request("GET", sent or target, None, signed(key, secret, "GET", target, headers)).status
    assert status() == 200
    assert status(**{"X-Project-Id": PROJECT}) == 200
    assert status(key="other") == status(secret="other") == 401
    assert status(sent=target + "&limit=51") == 401
    assert status(age_s=3600) == 401
    assert status(**{"X-Security-Token": "other"}) == status(**{"X-Security-Token": None}) == 401
    with Client("127.0.0.1", cloud.port, ssl.create_default_context(cafile=pki.ca)) as client:
        assert client.request("GET", target, None, AUTH).status == 200, "a token needs no signature"


def test_update_takes_auto_stop_in_either_place(call, cloud):
    one = CREATE + "/" + call("POST", CREATE, create_body()).json["id"]

    def put(body):
        answer = call("PUT", one, body)
        rule = answer.json["spec"]["auto_stop"] if answer.status == 200 else {}
        return code_of(answer) or (rule["enable"], rule["duration"])

    assert put({"description": "d", "spec": {"auto_stop": {"enable": False}}}) == (False, 3600)
    assert put({"auto_stop": {"duration": 7200}}) == (False, 7200), "the rest is as stored"
    assert put({"auto_stop": {"enable": True}}) == (True, 7200)
    both = {"auto_stop": {"enable": False}, "spec": {"auto_stop": {"enable": True, "duration": 3600}}}
    assert put(both) == (True, 3600)
    cloud.reading(auto_stop="top")
    assert put(both) == (False, 3600)
    for bad, code in (({"auto_stop": []}, "6332"), ({"spec": 1}, "6332"), ({"auto_stop": {"duration": 1}}, "6349"),
                      ({"auto_stop": {"enable": 1}}, "6332"), ({"description": "/"}, "6334"), ([], "6400")):
        assert put(bad) == code, bad
    assert put({}) == (False, 3600), "what is refused changes nothing"
    assert call("GET", one).json["description"] == "d" and call("GET", one + "/token").json["token"]


def test_a_start_obeys_the_stored_auto_stop(call, cloud):
    one = CREATE + "/" + call("POST", CREATE, create_body()).json["id"]
    cloud.advance(5)
    call("PUT", one, {"auto_stop": {"enable": False}})
    cloud.advance(3600)
    assert call("GET", one).json["status"] == "STOPPED", "an update takes effect at the next start"
    assert call("POST", one + "/action", {"action": "start"}).status == 200
    cloud.advance(1000000)
    assert call("GET", one).json["status"] == "RUNNING"


def test_extended_storage_is_kept(call, cloud):
    more = [{"type": "obsfs", "location": {"path": "bucket-b", "mount_path": "/home/ma-user/work"}}]
    made = call("POST", CREATE, create_body(spec__extend_storage=more, spec__storage=more[0])).json
    assert made["spec"]["extend_storage"] == more and made["spec"]["storage"] == more[0]
    assert [(s["place"], s["type"], s["path"]) for s in cloud.ledger()[0]["storages"]] == [
        ("storage", "obsfs", "bucket-b"), ("extend_storage", "obsfs", "bucket-b")]
    for bad, code in ((more[0], "6332"), (["x"], "6332"), ([{"type": "tape"}], "6324")):
        assert code_of(call("POST", CREATE, create_body(name="b", spec__extend_storage=bad))) == code


NOTEBOOK_FAULTS = [
    ("not JSON", b"{", "6400"),
    ("an array", b"[]", "6400"),
    ("name missing", notebook_body(without=["name"]), "6335"),
    ("name a number", notebook_body(name=1), "6332"),
    ("name with a blank", notebook_body(name="a b"), "6334"),
    ("name too long", notebook_body(name="a" * 129), "6336"),
    ("image missing", notebook_body(without=["image_id"]), "6335"),
    ("image null", notebook_body(image_id=None), "6335"),
    ("image an object", notebook_body(image_id={}), "6332"),
    ("volume missing", notebook_body(without=["volume"]), "6335"),
    ("volume a text", notebook_body(volume="EVS"), "6332"),
    ("category missing", notebook_body(without=["volume__category"]), "6335"),
    ("category unknown", notebook_body(volume__category="tape"), "6336"),
    ("category a number", notebook_body(volume__category=1), "6332"),
    ("ownership unknown", notebook_body(volume__ownership="mine"), "6336"),
    ("capacity too small", notebook_body(volume__capacity=4), "6331"),
    ("capacity too large", notebook_body(volume__capacity=4097), "6331"),
    ("capacity a text", notebook_body(volume__capacity="50"), "6332"),
    ("read_only a number", notebook_body(volume__read_only=1), "6332"),
    ("uri missing", notebook_body(volume={"category": "OBS"}), "6317"),
    ("uri without slash", notebook_body(volume={"category": "OBS", "uri": "obs://b/d"}), "6318"),
    ("flavor missing", notebook_body(without=["flavor"]), "6335"),
    ("flavor unknown", notebook_body(flavor="x"), "6323"),
    ("feature unknown", notebook_body(feature="x"), "6336"),
    ("duration a real", notebook_body(duration=3600000.0), "6332"),
    ("duration a text", notebook_body(duration="3600000"), "6332"),
    ("duration true", notebook_body(duration=True), "6332"),
    ("duration zero", notebook_body(duration=0), "6349"),
    ("duration below never", notebook_body(duration=-2), "6349"),
    ("duration beyond the clock", notebook_body(duration=2 ** 62), "6349"),
    ("lease a number", notebook_body(lease=1), "6332"),
    ("lease type unknown", notebook_body(without=["duration"], lease={"type": "x"}), "6336"),
    ("six addresses", notebook_body(endpoints=[{"service": "SSH", "allowed_access_ips": ["1.1.1.1"] * 6}]), "6336"),
    ("an address a number", notebook_body(endpoints=[{"service": "SSH", "allowed_access_ips": [1]}]), "6332"),
    ("endpoints an object", notebook_body(endpoints={}), "6332"),
    ("service unknown", notebook_body(endpoints=[{"service": "FTP"}]), "6336"),
    ("hook unknown", notebook_body(hooks={"container_hooks": {"pre_start": {"type": "x", "script": "s"}}}), "6336"),
    ("cpu too small", notebook_body(custom_spec={"cpu": 0.3}), "6336"),
    ("data volume a text", notebook_body(data_volumes=["x"]), "6332"),
    ("pool_id too short", notebook_body(pool_id="abc"), "6336"),
]


@pytest.mark.parametrize("body, code", [row[1:] for row in NOTEBOOK_FAULTS], ids=[row[0] for row in NOTEBOOK_FAULTS])
def test_notebooks_create_is_checked(call, cloud, body, code):
    answer = call("POST", NOTEBOOKS, body)
    assert answer.status == 400 and code_of(answer) == code
    assert cloud.instances() == [] and cloud.ledger() == []


def test_notebooks_create_shows_what_it_took(call):
    made = call("POST", NOTEBOOKS, notebook_body(
        feature="notebook", volume={"category": "evs", "ownership": "managed"}, pool_id="pool1234",
        workspace_id="w" * 32, lease={"type": "idle", "duration": -1}, description=None,
        endpoints=[{"service": "ssh", "allowed_access_ips": ["10.0.0.1"] * 5, "key_pair_names": ["k"]}],
        data_volumes=[{"category": "obs", "uri": "obs://b/d/", "mount_path": "/data/x/"}])).json
    assert made["feature"] == "NOTEBOOK" and made["status"] == "CREATING" and made["description"] == ""
    assert made["volume"] == {"category": "EVS", "ownership": "MANAGED", "capacity": 5, "read_only": False,
                              "mount_path": "/home/ma-user/work/", "status": "MOUNTED"}
    assert made["lease"] == {"create_at": 1767225600000, "update_at": 1767225600000, "duration": 3600000,
                             "enable": True, "type": "TIMING"}, "duration wins over lease"
    assert made["data_volumes"][0]["category"] == "OBS" and made["data_volumes"][0]["uri"] == "obs://b/d/"
    assert made["endpoints"][0]["service"] == "SSH" and made["pool"]["id"] == "pool1234"
    assert made["image"]["id"] == IMAGE and made["workspace_id"] == "w" * 32 and made["user"]["id"]
    custom = notebook_body(custom_spec={"cpu": 2, "memory": 2048})
    assert call("POST", NOTEBOOKS, custom).json["flavor"] == "custom.flavor.spec.code", "and names may repeat"
    del custom["flavor"]
    assert call("POST", NOTEBOOKS, custom).json["flavor"] == "custom.flavor.spec.code"


@pytest.mark.parametrize("members, lease", [
    ({"duration": 7200000}, (True, 7200000, "TIMING")),
    ({"duration": -1}, (False, -1, "TIMING")),
    ({"duration": None, "lease": {"duration": -1}}, (False, -1, "TIMING")),
    ({"duration": None, "lease": {"type": "idle"}}, (True, 3600000, "IDLE")),
    ({"duration": None}, (True, 3600000, "TIMING")),
])
def test_notebooks_leases_of_create(call, cloud, members, lease):
    one = make_notebook(call, cloud, **members)
    shown = call("GET", one + "/lease").json
    assert (shown["enable"], shown["duration"], shown["type"]) == lease
    cloud.advance(lease[1] // 1000 + 10000)
    stopped = lease[0] and lease[2] == "TIMING"
    assert call("GET", one).json["status"] == ("STOPPED" if stopped else "RUNNING")


def test_notebooks_live_by_the_clock(call, cloud):
    one = make_notebook(call)
    assert code_of(call("POST", one + "/stop")) == "6306"
    cloud.advance(5)
    assert call("GET", one).json["status"] == "RUNNING" and code_of(call("POST", one + "/start")) == "6305"
    cloud.advance(3594)
    assert call("GET", one).json["status"] == "RUNNING"
    cloud.advance(1)
    assert call("GET", one).json["status"] == "STOPPED", "the lease counts from its start"
    assert code_of(call("POST", one + "/stop")) == "6307"
    started = call("POST", one + "/start?duration=7200000&type=timing").json
    assert started["status"] == "STARTING" and started["lease"]["create_at"] == 1767225600000 + 3600000
    assert started["lease"]["duration"] == 7200000
    cloud.advance(7199)
    assert call("POST", one + "/stop").json["status"] == "STOPPING" and code_of(call("POST", one + "/stop")) == "6308"
    assert call("DELETE", one).status == 200
    assert code_of(call("GET", one)) == "6404" and code_of(call("POST", one + "/start")) == "6404"


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("query, lease", [
    ("", (True, 3600000, "TIMING")), ("?duration=-1", (False, -1, "TIMING")), ("?type=idle", (True, 3600000, "IDLE")),
    ("?x&duration=%2d1&&=", (False, -1, "TIMING")), ("?duration=-1type=timing", "6332"), ("?duration=0", "6349"),
    ("?duration=", "6332"), ("?duration=99999999999999999999", "6332"), ("?type=x", "6336"),
])
def test_notebooks_starts(call, cloud, method, query, lease):
    one = make_notebook(call)
    cloud.advance(3600)
    answer = call(method, f"{one}/start{query}")
    shown = call("GET", one + "/lease").json
    assert (code_of(answer) or (shown["enable"], shown["duration"], shown["type"])) == lease
    assert [row["auto_stop_ms"] for row in cloud.ledger("notebooks.start")] == (
        [lease[1]] if isinstance(lease, tuple) else [])


def test_notebooks_lease_counts_from_its_start(call, cloud):
    one = make_notebook(call, cloud)
    cloud.advance(595)

    def patch(query="", body=None):
        answer = call("PATCH", one + "/lease" + query, body)
        return code_of(answer) or (answer.status, call("GET", one + "/lease").json["duration"])

    assert patch("?duration=3600000") == (204, 600000 + 3600000)
    assert patch(body=lease_body(60000)) == (204, 660000)
    assert patch("?duration=120000", lease_body(-1)) == (204, 720000), "the query wins"
    assert [row["auto_stop_ms"] for row in cloud.ledger("notebooks.lease")] == [4200000, 660000, 720000]
    for query, body, code in (("?duration=x", None, "6332"), ("", {"duration": 1.5}, "6332"), ("", b"{", "6400"),
                              ("", [], "6400"), ("", {"type": "x"}, "6336"), ("?duration=-5", None, "6349")):
        assert patch(query, body) == code
    cloud.advance(119)
    assert call("GET", one).json["status"] == "RUNNING"
    assert patch("?duration=-1&type=TIMING") == (204, -1)
    assert call("GET", one + "/lease").json["enable"] is False
    cloud.advance(1000000)
    assert call("GET", one).json["status"] == "RUNNING"
    assert patch(body={}) == (204, (600 + 119 + 1000000) * 1000 + 3600000), "an hour, if it isn't said"
    cloud.advance(3600)
    assert patch("?duration=-1") == "6327", "a stopped one has no lease to prolong"


def test_notebooks_update(call, cloud):
    one = make_notebook(call, cloud)

    def put(body):
        answer = call("PUT", one, body)
        return code_of(answer) or answer.json

    assert put({"flavor": "modelarts.vm.cpu.8u"}) == "6347" and put({"custom_spec": {"cpu": 1}}) == "6347"
    hooks = {"container_hooks": {"post_start": {"type": "script", "script": "/x.sh"}}}
    changed = put({"name": "new", "description": "d", "image_id": "other", "storage_new_size": 60, "hooks": hooks,
                   "endpoints": [{"service": "ssh", "allowed_access_ips": []}],
                   "data_volumes": [{"category": "obs", "uri": "obs://c/d/"}]})
    assert (changed["name"], changed["description"], changed["image"]["id"]) == ("new", "d", "other")
    assert changed["volume"]["capacity"] == 60 and changed["data_volumes"][0]["uri"] == "obs://c/d/"
    assert changed["endpoints"][0]["service"] == "SSH"
    assert changed["hooks"]["container_hooks"]["post_start"] == {"type": "SCRIPT", "script": "/x.sh"}
    for bad, code in (({"storage_new_size": 60}, "6331"), ({"storage_new_size": 4097}, "6331"), ([], "6400"),
                      ({"storage_new_size": "70"}, "6332"), ({"name": "a b", "description": "e"}, "6334")):
        assert put(bad) == code
    assert call("GET", one).json["description"] == "d", "what is refused changes nothing"
    call("POST", one + "/stop")
    cloud.advance(2)
    assert put({"flavor": "modelarts.vm.none"}) == "6323"
    assert put({"flavor": "modelarts.vm.cpu.8u"})["flavor"] == "modelarts.vm.cpu.8u"
    assert put({"custom_spec": {"cpu": 1}})["flavor"] == "custom.flavor.spec.code"
    assert "custom_spec" not in put({"flavor": "modelarts.vm.cpu.2u"})


def test_notebooks_mounts(call, cloud):
    one = make_notebook(call)
    assert code_of(call("POST", one + "/storage", mount_body())) == "6327"
    cloud.advance(5)
    for bad, code in ((mount_body(without=["uri"]), "6335"), (mount_body(mount_path="/home/x/"), "6336"),
                      (mount_body(mount_path="/data/"), "6336"),
                      (mount_body(uri="obs://b/" + "d" * 256 + "/"), "6336"), (mount_body(category="EVS"), "6336"),
                      (mount_body(uri="/b/d/"), "6317"), (mount_body(uri=1), "6332"), ([], "6400"), (b"{", "6400")):
        assert code_of(call("POST", one + "/storage", bad)) == code
    made = call("POST", one + "/storage", mount_body(category="obs")).json
    assert made["category"] == "OBSFS" and made["uri"] == "obs://team-a/data/"
    assert call("GET", one + "/storage").json["data"] == [made]
    assert call("GET", f"{one}/storage/{made['id']}").json == made
    assert cloud.ledger()[-1]["storages"][1] == {"place": "mount", "type": "OBSFS", "path": "obs://team-a/data/",
                                                 "size": None}
    assert code_of(call("DELETE", one + "/storage/x")) == "6404"
    assert call("DELETE", f"{one}/storage/{made['id']}").status == 204
    assert call("GET", one + "/storage").json["total"] == 0
    assert cloud.ledger()[-1]["call"] == "unmount" and len(cloud.ledger()[-1]["storages"]) == 1
    assert code_of(call("GET", f"{one}/storage/{made['id']}")) == "6404"


def test_notebooks_lists(call, cloud):
    for name in ("a1", "a2", "b"):
        make_notebook(call, name=name)
    make_notebook(call, name="codelab", feature="default")
    rows = cloud.instances()
    rows[2]["instance"]["user"]["id"] = "somebody-else"
    cloud.preset(rows)

    def names(query):
        page = call("GET", NOTEBOOKS + query).json
        return "".join(n["name"] + " " for n in page["data"]) + f"{page['current']}/{page['pages']} of {page['total']}"

    assert names("") == "a2 a1 0/1 of 2"
    assert names("/all") == "b a2 a1 0/1 of 3"
    assert names("/all?sort_dir=asc&limit=2") == "a1 a2 0/2 of 3"
    assert names("/all?sort_dir=ASC&limit=2&offset=2") == "b 1/2 of 3"
    assert names("/all?owner=somebody-else") == "b 0/1 of 1"
    assert names("?feature=DEFAULT") == "codelab 0/1 of 1"
    assert names("?name=1") == "a1 0/1 of 1"
    assert names("?status=RUNNING") == "0/0 of 0"
    assert names("?workspaceId=1") == "0/0 of 0"
    assert call("GET", "/v1/other/notebooks/all").json["total"] == 0
    for number in range(11):
        make_notebook(call, name=f"c{number}")
    assert len(call("GET", NOTEBOOKS).json["data"]) == 10, "ten to a page, if it isn't said"


def test_notebooks_images_tags_and_flavors(call, cloud):
    one = make_notebook(call, cloud)
    assert call("POST", one + "/tags/create", tags_body(team="a", cost="1")).status == 204
    assert call("POST", one + "/tags/create", tags_body(team="b")).status == 204
    assert call("GET", NOTEBOOKS + "/tags").json["tags"] == [{"key": "cost", "values": ["1"]},
                                                             {"key": "team", "values": ["b"]}]
    assert call("DELETE", one + "/tags/delete", tags_body(cost="1")).status == 204
    assert call("GET", one).json["tags"] == [{"key": "team", "value": "b"}]
    assert code_of(call("POST", one + "/tags/create", {"tags": {}})) == "6332"
    assert code_of(call("POST", one + "/create-image", {})) == "6335"
    assert call("POST", one + "/create-image", image_body()).json["name"] == "image-1"
    assert call("GET", one).json["status"] == "SNAPSHOTTING"
    assert code_of(call("POST", one + "/create-image", image_body())) == "6327"
    cloud.advance(4)
    assert call("GET", one).json["status"] == "RUNNING"
    for path in (NOTEBOOKS + "/flavors", one + "/flavors"):
        assert "modelarts.vm.cpu.2u" in [flavor["id"] for flavor in call("GET", path).json["data"]]
    assert [row["call"] for row in cloud.ledger()] == ["create", "tag", "tag", "untag", "create_image"]


@pytest.mark.parametrize("method, path", [("PUT", ""), ("DELETE", ""), ("POST", "/{id}"), ("GET", "/{id}/stop"),
                                          ("POST", "/{id}/start/x"), ("POST", "/{id}/tags"), ("PUT", "/{id}/lease"),
                                          ("GET", "/{id}/storage/a/b")])
def test_notebooks_has_no_other_calls(call, cloud, method, path):
    one = make_notebook(call)
    answer = call(method, NOTEBOOKS + path.replace("{id}", one.rsplit("/", 1)[1]))
    assert answer.status == 404 and answer.json["error_code"] == "APIG.0101"
    assert len(cloud.ledger()) == 1


def test_judged_calls_are_all_accepted(call, cloud):
    one = call("POST", CREATE, create_body(name="other")).json["id"]
    other = make_notebook(call).rsplit("/", 1)[1]
    calls = judged_calls(one, other)
    cloud.advance(3605)  # both have stopped
    for operation, (method, target, body) in calls.items():
        if operation in ("notebooks.lease", "notebooks.mount"):
            cloud.advance(3)
        assert call(method, target, body).status in (200, 201, 204), operation
    assert [f"{row['family']}.{row['call']}" for row in cloud.ledger()][2:] == list(calls)


def test_the_ledger_tells_what_the_cloud_believes(call, cloud):
    one = CREATE + "/" + call("POST", CREATE, create_body(pool={"id": "p", "owner": {"project_id": "q"}})).json["id"]
    call("GET", CREATE)
    assert call("POST", CREATE, create_body()).status == 400
    call("PUT", one, {"auto_stop": {"enable": False}})
    first, second = cloud.ledger()
    assert {name: first[name] for name in first if name not in ("instance", "name", "description", "time_ms")} == {
        "seq": 1, "family": "demanager", "call": "create", "project": PROJECT, "request_seq": 1, "status": "CREATING",
        "flavor": "modelarts.vm.cpu.2u", "image": "Multi-Engine 1.0 (python3)-cpu", "auto_stop_ms": 3600000,
        "auto_stop_type": "TIMING", "workspace": "0", "pool": {"id": "p", "owner": {"project_id": "q"}},
        "storages": [{"place": "storage", "type": "obs", "path": "/team-a/nb-1/", "size": None}],
        "custom_spec": None, "hooks": None, "endpoints": None}
    assert (second["seq"], second["call"], second["request_seq"], second["auto_stop_ms"]) == (2, "update", 4, -1)
    cloud.clear_ledger()
    cloud.advance(5)
    call("POST", one + "/action", {"action": "stop"})
    cloud.advance(2)
    call("DELETE", one)
    endpoints = [{"service": "SSH", "allowed_access_ips": ["10.0.0.1"]}]
    make_notebook(call, custom_spec={"cpu": 1}, endpoints=endpoints, duration=-1, pool_id="pool1",
                  data_volumes=[{"category": "OBS", "uri": "obs://b/d/"}])
    stop, delete, made = cloud.ledger()
    assert (stop["seq"], stop["call"], stop["status"]) == (3, "stop", "STOPPING")
    assert (delete["call"], delete["status"], delete["instance"]) == ("delete", "DELETED", one.rsplit("/", 1)[1])
    assert (made["family"], made["auto_stop_ms"], made["image"]) == ("notebooks", -1, IMAGE)
    assert made["custom_spec"] == {"cpu": 1} and made["endpoints"] == endpoints and made["pool"]["id"] == "pool1"
    assert [(s["place"], s["type"], s["path"], s["size"]) for s in made["storages"]] == [
        ("volume", "EVS", None, 50), ("data_volumes", "OBS", "obs://b/d/", None)]


def test_the_ledger_is_bounded_and_says_so(call, cloud):
    one = make_notebook(call)
    for number in range(4):
        call("PUT", one, notebook_update_body(name=f"n{number}"))
    cloud.control("POST", "/ledger", {"most": 3})
    call("PUT", one, notebook_update_body(name="last"))
    books = cloud.control("GET", "/ledger")
    assert [row["seq"] for row in books["calls"]] == [4, 5, 6] and books["dropped"] == 3
    with pytest.raises(AssertionError):
        cloud.ledger()
    cloud.clear_ledger()
    assert cloud.ledger() == []


FLAVOR = "modelarts.vm.cpu."
DOUBLED = compact(create_body()).replace(b'"flavor":"' + FLAVOR.encode() + b'2u"',
                                         b'"flavor":"%s2u","fl\\u0061vor":"%s8u"' % ((FLAVOR.encode(),) * 2))
INNER = compact(create_body()).replace(
    b'"auto_stop":{"enable":true,"duration":3600}',
    b'"auto_stop":{"enable":true,"duration":3600,"a":[{"duration":1},[],{}," }\\"]"],"duration" : 7200}')
FOLDED = compact(create_body()).replace(b'"spec":', b'"Flavor":"%s8u","SPEC":{"storage":1},"spec":' % FLAVOR.encode())


@pytest.mark.parametrize("how, body, seen", [
    ({}, DOUBLED, ("8u", 3600)), ({"duplicates": "last"}, DOUBLED, ("8u", 3600)),
    ({"duplicates": "first"}, DOUBLED, ("2u", 3600)), ({"duplicates": "reject"}, DOUBLED, "6400"),
    ({}, INNER, ("2u", 7200)), ({"duplicates": "first"}, INNER, ("2u", 3600)),
    ({"duplicates": "reject"}, INNER, "6400"),
    ({}, FOLDED, ("2u", 3600)), ({"case": "fold"}, FOLDED, ("8u", 3600)),
    ({"case": "fold", "duplicates": "first"}, FOLDED, "6332"),
    ({"case": "fold", "duplicates": "reject"}, FOLDED, "6400"), ({"duplicates": "first"}, b"{", "6400"),
    ({"duplicates": "reject", "case": "fold"}, compact(create_body()), ("2u", 3600)),
], ids=str)
def test_bodies_are_read_as_told(call, cloud, how, body, seen):
    cloud.reading(**how)
    answer = call("POST", CREATE, body)
    assert (code_of(answer) or (answer.json["flavor"].removeprefix(FLAVOR),
                                answer.json["spec"]["auto_stop"]["duration"])) == seen


@pytest.mark.parametrize("value", ['{}', '[]', '[ ]', '{ "a" : [ { } , [ ] , "\\\\" , "\\"" ] }',
                                   '[1,-2.5e3,true,null]', '"\\u00e9\\ud83d\\ude00"',
                                   '{"\\u0062":{"c":{}}}', '"a,b]}"'])
def test_every_reading_means_the_same_where_nothing_is_ambiguous(call, cloud, value):
    body = compact(create_body()).replace(b'"description":""', b'"description":"","workspace":{"id":"0","x":%s}'
                                          % value.encode()).replace(b',"workspace":{"id":"0"}}', b'}')
    for number, duplicates in enumerate(("last", "first", "reject")):
        cloud.reading(duplicates=duplicates, case="exact" if duplicates == "last" else "fold")
        made = call("POST", CREATE, body.replace(b"nb-1", b"nb-%d" % number))
        assert made.json["workspace"] == {"id": "0", "x": json.loads(value)}


def test_readings_are_checked_and_the_query_has_one(call, cloud):
    for bad in ({"duplicates": "both"}, {"duplicates": 1}, {"duplicate": "last"}):
        with Client("127.0.0.1", cloud.control_port) as client:
            assert client.request("POST", "/reading", bad).status == 400
    one = make_notebook(call, cloud)
    assert call("PATCH", one + "/lease?duration=60000&duration=-1").status == 204
    cloud.reading(query="last")
    assert call("PATCH", one + "/lease?duration=60000&duration=-1").status == 204
    assert [row["auto_stop_ms"] for row in cloud.ledger("notebooks.lease")] == [65000, -1]


def test_requests_can_be_left_unrecorded(cloud_factory, pki):
    cloud = cloud_factory(record=False, max_instances=0, plain=True)
    with Client("127.0.0.1", cloud.port) as client:
        for number in range(20):
            client.request("POST", CREATE, create_body(name=f"n{number}"), AUTH)
        assert cloud.requests() == [] and cloud.stats()["requests"] == 20
        assert len(cloud.instances()) == 20, "no limit"
        cloud.record(True)
        client.request("GET", CREATE, None, AUTH)
        cloud.record(False)
        client.request("GET", CREATE, None, AUTH)
    assert [request.seq for request in cloud.requests()] == [21], "counted through, and nothing left over"
    assert cloud.ledger()[19]["request_seq"] == 20


def test_notebooks_have_the_same_limit(cloud_factory):
    cloud = cloud_factory(max_instances=1, plain=True)
    with Client("127.0.0.1", cloud.port) as client:
        codes = [client.request("POST", NOTEBOOKS, notebook_body(), AUTH).json.get("error_code") for _ in range(2)]
    assert codes == [None, "ModelArts.0113"]


def test_the_front_door(connect):
    answer = connect().request("GET", CREATE)
    assert answer.status == 401 and answer.json["error_code"] == "APIG.0301"
    assert connect().request("GET", CREATE, None, {"X-Auth-Token": "x" * 32769}).status == 494
    assert connect().request("GET", CREATE, None, {"X-Auth-Token": "x" * 20000}).status == 200
    assert connect().request("GET", CREATE, None, {"Authorization": "SDK-HMAC-SHA256 a"}).status == 200


def test_requests_are_recorded_byte_by_byte(connect, cloud):
    raw = request_bytes("POST", CREATE, compact(create_body()), {**AUTH, "X-Odd": "two  blanks"})
    chunked = (b"POST /v1/p/echo HTTP/1.1\r\nHost: h\r\nX-Auth-Token: t\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"5;x=y\r\nhello\r\n0\r\n\r\n").replace(b";x=y", b"")
    client = connect()
    client.send(raw + chunked)  # pipelined
    client.read_answer()
    assert client.read_answer().json == {"target": "/v1/p/echo", "bytes": 5,
                                         "sha256": hashlib.sha256(b"hello").hexdigest()}
    first, second = cloud.requests()
    assert first.head + first.raw_body == raw and first.body == compact(create_body())
    assert second.head + second.raw_body == chunked and second.body == b"hello"
    assert first.connection == second.connection and second.seq == first.seq + 1
    cloud.forget()
    assert cloud.requests() == []


@pytest.mark.parametrize("more", ["", "&chunked=1"])
def test_long_answers(connect, more):
    client = connect()
    answer = client.request("GET", f"/v1/p/big?bytes=3000001{more}", None, AUTH)
    assert len(answer.body) == 3000001
    assert answer.header("X-Body-Sha256") == hashlib.sha256(answer.body).hexdigest()
    assert client.request("GET", CREATE, None, AUTH).status == 200


def fault_answer(cloud, connect, kind, **options):
    cloud.fault(kind, "POST */instances", **options)
    client = connect()
    client.send(request_bytes("POST", CREATE, create_body(), AUTH))
    return client, client.read_answer


@pytest.mark.parametrize("kind, execute", [("reset", True), ("reset", False), ("reset_head", None)])
def test_resets(cloud_factory, kind, execute):
    cloud = cloud_factory(plain=True)  # over TLS Python does not tell a reset from an end
    cloud.fault(kind, **({} if execute is None else {"execute": execute}))
    with Client("127.0.0.1", cloud.port) as client, pytest.raises(ConnectionResetError):
        client.request("POST", CREATE, create_body(), AUTH)
    assert len(cloud.instances()) == (1 if execute else 0)
    assert cloud.requests()[0].complete == (kind == "reset")


def test_reset_before_the_handshake(cloud, connect):
    cloud.fault("reset_accept")
    with pytest.raises((ConnectionResetError, ssl.SSLError)):
        connect()
    assert connect().request("GET", CREATE, None, AUTH).status == 200


@pytest.mark.parametrize("kind", ["close", "close_head", "garbage", "cut_head", "cut_length", "cut_chunk",
                                  "two_lengths", "length_and_chunked"])
def test_answers_that_are_none(cloud, connect, kind):
    _, read = fault_answer(cloud, connect, kind)
    with pytest.raises(Broken):
        read()
    assert len(cloud.instances()) == (0 if kind == "close_head" else 1)


def test_an_answer_without_length_ends_with_the_connection(cloud, connect):
    client, _ = fault_answer(cloud, connect, "no_length")
    data = client.read_end()
    assert b"Content-Length" not in data and json.loads(data.split(b"\r\n\r\n", 1)[1])["id"]


def test_statuses(cloud, connect):
    _, read = fault_answer(cloud, connect, "status", status=307, body="", headers={"Location": "https://x/"})
    answer = read()
    assert (answer.status, answer.body, answer.header("location")) == (307, b"", "https://x/")
    assert cloud.instances() == []


def test_other_ids(cloud, connect):
    assert "id" not in fault_answer(cloud, connect, "other_id")[1]().json
    cloud.preset([])
    assert fault_answer(cloud, connect, "other_id", id="DE-1")[1]().json["id"] == "DE-1"


def test_close_after_an_answer(cloud, connect):
    client, read = fault_answer(cloud, connect, "close_after")
    assert read().header("connection") is None
    client.expect_end()


def test_extra_bytes_then_the_connection_goes_on(cloud, connect):
    client, read = fault_answer(cloud, connect, "extra")
    assert read().status == 200
    assert client.read_answer().json == {"id": "bad"}
    assert client.request("GET", CREATE, None, AUTH).status == 200


def test_drip_interim_and_huge_header(cloud, connect):
    assert fault_answer(cloud, connect, "drip")[1]().status == 200
    interim = []
    cloud.fault("interim")
    client = connect()
    client.send(request_bytes("GET", CREATE, None, AUTH))
    assert client.read_answer(interim=interim).status == 200 and interim == [100, 103]
    cloud.fault("huge_header", bytes=70000)
    assert len(client.request("GET", CREATE, None, AUTH).header("x-huge")) == 70000


def test_gzip(cloud, connect):
    _, read = fault_answer(cloud, connect, "gzip")
    answer = read()
    assert answer.header("content-encoding") == "gzip"
    assert json.loads(gzip.decompress(answer.body))["id"]


def test_early_answer(cloud, connect):
    cloud.fault("answer_early")
    client = connect()
    client.send(request_bytes("POST", CREATE, None, {**AUTH, "Content-Length": "1000"}))
    assert client.read_answer().status == 413


def test_slow_until_released(cloud, connect):
    _, read = fault_answer(cloud, connect, "slow")
    cloud.wait_held()
    assert len(cloud.instances()) == 1
    assert cloud.release()["released"] == 1
    assert read().status == 200
    assert fault_answer(cloud, connect, "slow", ms=1)[1]().status == 400, "the name is taken"


def test_hang_ends_with_the_client(cloud, connect):
    client, _ = fault_answer(cloud, connect, "hang")
    client.close()
    assert connect().request("GET", CREATE, None, AUTH).json["total_count"] == 1


def test_stall_stops_reading(cloud, connect):
    cloud.fault("stall")
    client = connect()
    client.send(request_bytes("POST", "/v1/p/echo", None, {**AUTH, "Content-Length": "5"}))
    wait_for(lambda: cloud.stats()["stalled"], "the stall")
    client.send(b"hello")
    assert cloud.requests() == []
    assert cloud.release()["stalled"] == 1
    assert client.read_answer().json["bytes"] == 5


def test_poke_and_hangup(cloud, connect):
    client = connect()
    assert client.request("GET", CREATE, None, AUTH).status == 200
    poked = cloud.control("POST", "/poke", {"bytes": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"})
    assert poked == {"connections": 1}
    assert client.read_answer().status == 200
    assert cloud.control("POST", "/hangup") == {"connections": 1}
    client.expect_end()


def test_a_fault_strikes_as_often_as_it_was_asked(cloud, connect):
    cloud.fault("status", count=2, status=503)
    client = connect()
    assert [client.request("GET", CREATE, None, AUTH).status for _ in range(3)] == [503, 503, 200]
    cloud.fault("status", count=9)
    cloud.control("DELETE", "/fault")
    assert client.request("GET", CREATE, None, AUTH).status == 200


def test_bad_certificate_port_and_resumption(cloud_factory, pki):
    cloud = cloud_factory(bad="wrong-host")
    tls = ssl.create_default_context(cafile=pki.ca)
    with pytest.raises(ssl.SSLCertVerificationError):
        Client("127.0.0.1", cloud.bad_port, tls)
    with Client("127.0.0.1", cloud.port, tls) as client:
        client.request("GET", CREATE, None, AUTH)
    stats = cloud.stats()
    assert stats["handshakes"] == 1 and stats["resumed"] == 0


def test_term_ends_it_well(cloud):
    assert cloud.stop() == 0


# ---- IAM ----

TOKENS = "/v3/auth/tokens?nocatalog=true"


@pytest.fixture
def iam(cloud_factory, pki, folder):
    """A cloud with an IAM, and calls to that."""
    signer = new_signer(folder)
    cloud = cloud_factory(iam=True, iam_signer=signer)
    cloud.signer = signer

    def call(method, target=TOKENS, body=None, headers=()):
        with Client("127.0.0.1", cloud.iam_port, ssl.create_default_context(cafile=pki.ca)) as client:
            return client.request(method, target, body, headers)
    cloud.call_iam = call
    cloud.validate = lambda token, method="GET", by=None: call(
        method, headers={"X-Auth-Token": by or token, "X-Subject-Token": token})
    return cloud


def issue(iam, name="alice", scope=True):
    auth = {"identity": {"methods": ["password"], "password": {
        "user": {"name": name, "password": "x", "domain": {"name": "example-org"}}}}}
    if scope:
        auth["scope"] = {"project": {"name": "eu-de", "id": PROJECT}}
    answer = iam.call_iam("POST", "/v3/auth/tokens", {"auth": auth})
    assert answer.status == 201, answer
    return answer


def test_iam_issues_what_it_validates(iam):
    issued = issue(iam)
    token = issued.header("X-Subject-Token")
    assert token.startswith("MII") and "/" not in token
    answer = iam.validate(token)
    assert answer.status == 200 and answer.header("X-Subject-Token") == token
    assert answer.json["token"]["user"]["name"] == "alice"
    assert answer.json["token"]["project"]["id"] == PROJECT
    assert "catalog" not in answer.json["token"] and "catalog" in issued.json["token"]
    answer = iam.validate(token, "HEAD")
    assert answer.status == 200 and not answer.body
    assert iam.validations(token) == 2 and iam.validations() == 2 and iam.iam()["issued"] == 1
    assert "project" not in issue(iam, scope=False).json["token"]


@pytest.mark.parametrize("roles, size", [(1, 1200), (150, 9000), (300, 17600)])
def test_iam_issues_tokens_of_all_sizes(iam, roles, size):
    iam.iam(roles=roles)
    token = issue(iam).header("X-Subject-Token")
    assert abs(len(token) - size) < size / 4
    assert iam.validate(token).status == 200


def test_iam_says_no(iam):
    token, other = make_token(), make_token("bob")
    assert iam.validate(token).status == 200
    assert iam.validate("MIInonsense").status == 401
    assert iam.validate("MIInonsense", by=make_token(roles=["secu_admin"])).status == 404
    assert iam.validate(other, by=token).status == 403
    assert iam.validate(make_token(expires="-1m")).status == 401
    assert iam.call_iam("GET", headers={"X-Auth-Token": token}).status == 400
    iam.revoke(token)
    assert iam.validate(token).status == 401 and iam.validate(other).status == 200
    iam.control("DELETE", "/iam")
    assert iam.validate(token).status == 200 and iam.validations() == 1


def test_iam_verifies_signatures_if_told(iam):
    iam.iam(verify=True)
    assert iam.validate(make_token()).status == 401
    assert iam.validate(make_token(signer=iam.signer)).status == 200


def test_iam_misbehaves(iam):
    token = make_token()
    for status in 401, 403, 404, 429, 500:
        iam.iam(status=status)
        assert iam.validate(token).status == status
    iam.iam(status=0, get=405)
    assert iam.validate(token).status == 405 and iam.validate(token, "HEAD").status == 200
    iam.iam(get=0, down=True)
    with pytest.raises((OSError, Broken)):
        iam.validate(token)
    iam.iam(down=False)
    assert iam.validate(token).status == 200
    iam.fault("status", "GET /v3/*", status=503)
    assert iam.validate(token).status == 503


def test_iam_control_refuses_what_it_does_not_know(iam):
    with Client("127.0.0.1", iam.control_port) as client:
        assert client.request("POST", "/iam", {"satus": 500}).status == 400
