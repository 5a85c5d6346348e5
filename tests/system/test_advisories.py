# SPDX-License-Identifier: Apache-2.0
"""What others had to learn: a test for each advisory against a system of this kind whose lesson can apply here. The
table in docs/THREAT-MODEL.md says what each was about, and names those that other tests cover or that cannot apply."""

import json
import ssl

import pytest

from support.bodies import CREATE, OTHER_PROJECT, PROJECT, compact, create_body, policy
from support.contract import check_not_sent, check_refusal, check_sent, exchange_id, post_create
from support.http import request_bytes
from support.strict import check_strict
from support.tokens import make_token

ECHO = f"/v1/{PROJECT}/echo"
JSON = b"Content-Type: application/json\r\n"
BODY = compact(create_body())


def ask_raw(gateway, data):
    with gateway.connect() as client:
        client.send(data)
        return client.read_answer()


def ask_create(gateway, token, target=CREATE, headers=(), body=BODY):
    return gateway.request("POST", target, body, [("X-Auth-Token", token), *headers])


def check_all_refused(gateway, cloud, token, targets, status=400):
    for target in targets:
        answer = ask_create(gateway, token, target)
        assert answer.status == status, (target, answer)
        check_refusal(answer, status)
    assert cloud.requests() == []


# ---- two views of one request ----

def test_cve_2021_29492_escaped_slash_in_guarded_path(gateway, cloud, token):
    """Also CVE-2019-9901: a rule looked at the path as received, the server behind at the normalised one."""
    check_all_refused(gateway, cloud, token, [
        f"/v1/{PROJECT}/demanager%2Finstances", f"/v1/{PROJECT}/demanager%5Cinstances",
            f"/v1/{PROJECT}%2fdemanager/instances",
        f"//v1/{PROJECT}/demanager/instances", f"/v1/{PROJECT}//demanager/instances",
            f"/v1/{PROJECT}/./demanager/instances",
        f"/v1/{PROJECT}/x/../demanager/instances", f"/v1/{PROJECT}/demanager\\instances",
            f"/v1/{PROJECT}/%64emanager/instances",
        f"/v1/{PROJECT}/demanager/instances%3Fx", f"/v1/{PROJECT}/demanager/instances/%2e"])


def test_cve_2026_26205_path_that_begins_like_an_authority(gateway, cloud, token):
    """The path was parsed as a URI: "//x/..." lost its first segment as a host."""
    check_all_refused(gateway, cloud, token, [f"//x/v1/{PROJECT}/demanager/instances", f"//gateway.test{CREATE}",
        f"///{CREATE}",
                                              f"/\\x{CREATE}", f"//x@y:1{CREATE}"])


def test_cve_2023_45539_fragment_in_the_target(gateway, cloud, token):
    """Also CVE-2021-32779, CVE-2023-47106, CVE-2026-41059: a rule on the path's end saw what stood behind "#"."""
    check_all_refused(gateway, cloud, token, [f"{CREATE}#", f"{CREATE}#.png", f"{ECHO}#/../demanager", f"{ECHO}?a#b",
        f"#{CREATE}",
                                              f"http://gateway.test#{CREATE}"])


def test_cve_2025_54576_query_that_looks_like_a_path(gateway_factory, cloud, token):
    """A pattern for paths was matched against path and query."""
    gateway = gateway_factory(settings={"routes": {"refuse": ["POST /v2/*/training-jobs"]}})
    answer = ask_create(gateway, token, "/v2/p/training-jobs?/v1/x/echo")
    check_refusal(answer, 403, "route.refused")
    answer = ask_create(gateway, token, f"{CREATE}?/echo")
    check_refusal(answer, 400)
    assert cloud.requests() == []
    assert ask_create(gateway, token, f"{ECHO}?/v2/p/training-jobs").status == 200


def test_cve_2025_66490_path_is_sent_as_it_was_judged(gateway, cloud, token):
    """Also CVE-2025-32431, CVE-2025-47952, CVE-2026-40912, CVE-2026-48020, CVE-2026-65600: the path that was judged and
    the one that was sent were made by different hands."""
    targets = [f"{ECHO}/a%2Fb%20c", f"{ECHO}/%41?%zz", f"{ECHO}/a;b=c/d", f"{ECHO}/A.json?x=/../y", f"{ECHO}/%C3%A9"]
    for target in targets:
        assert gateway.request("GET", target, None, {"X-Auth-Token": token}).status == 200, target
    assert post_create(gateway, token).status == 200
    assert [request.target for request in cloud.requests()] == [*targets, CREATE]


def test_cve_2026_33186_no_leading_slash(gateway, cloud, token):
    """A path without its slash matched no deny rule. Here what matches nothing isn't let through."""
    check_all_refused(gateway, cloud, token, [CREATE[1:], "v1", f"?{CREATE}", f"http:{CREATE}"])


def test_cve_2021_43557_refused_routes_know_one_path(gateway_factory, cloud, token):
    """A rule that blocks looked at the raw URI, the router at the normalised one."""
    gateway = gateway_factory(settings={"routes": {"refuse": ["POST /v2/*/training-jobs"]}})
    for path in ("/v2/p/training-jobs", "/v2/p/training-jobs/", "/v2/p/%74raining-jobs", "/v2/p/./training-jobs",
        "/v2//p/training-jobs",
                 "/v2/p/training-jobs;x", "/v2/p/Training-Jobs", "/v2/p/training-jobs.json", "/v2/p%2ftraining-jobs",
                 "/v2/p/x/../training-jobs",
                 "http://gateway.test/v2/p/training-jobs"):
        answer = ask_create(gateway, token, path)
        assert answer.status in (400, 403), (path, answer)
    assert cloud.requests() == []


def test_cve_2021_27306_no_variant_of_the_route_goes_unidentified(gateway, cloud):
    """A variant of the path reached the service, but not the plugin that identifies."""
    for target in (CREATE, f"http://gateway.test{CREATE}", f"{CREATE}?x", f"{CREATE}/", CREATE.upper(), f"{CREATE};x",
        f"/{CREATE}"):
        for headers in ([], [("X-Auth-Token", "")], [("Authorization", "Basic YTpi")], [("Authorization", "Bearer ")],
            [("Cookie", "a=b")]):
            answer = gateway.request("POST", target, BODY, headers)
            assert answer.status in (400, 401, 403), (target, headers, answer)
    assert cloud.requests() == []


def test_cve_2019_9900_nul_in_a_header(gateway, cloud, token):
    """A view and a C string of one value differ."""
    for field in (b"X-Project-Id: " + PROJECT.encode() + b"\0x", b"X-Auth-Token: a\0b", b"Accept: \0", b"Host: a\0.b",
        b"X\0Y: z"):
        answer = ask_raw(gateway,
            b"POST " + CREATE.encode() + b" HTTP/1.1\r\nHost: g\r\nX-Auth-Token: " + token.encode() + b"\r\n" + JSON + field
                         + b"\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        check_refusal(answer, 400, "http.bad_header")
    assert cloud.requests() == []


def test_cve_2021_32777_several_values_of_one_header(gateway, cloud, token):
    """Also CVE-2026-26308, CVE-2026-31838: of several values one was checked, or all of them joined."""
    bob = make_token(user="bob", project=PROJECT, roles=[])
    for headers in ([("X-Auth-Token", bob)], [("x-auth-token", bob)], [("X-Project-Id", PROJECT), ("X-Project-Id",
        OTHER_PROJECT)],
                    [("X-Domain-Id", "a"), ("X-Domain-Id", "b")], [("Content-Type", "text/plain"), ("Content-Type",
                        "application/json")]):
        answer = ask_create(gateway, token, headers=headers)
        assert answer.status in (400, 415), (headers, answer)
    check_refusal(ask_create(gateway, f"{token},{bob}"), 401)
    assert cloud.requests() == []


def test_cve_2023_25725_empty_header_name(gateway, cloud, token):
    """It cut the list of headers: what stood behind it was seen by one part and not by the other."""
    for field in (b": x", b":", b" : x", b":Content-Length: 3"):
        answer = ask_raw(gateway,
            b"POST " + CREATE.encode() + b" HTTP/1.1\r\nHost: g\r\nX-Auth-Token: " + token.encode() + b"\r\n" + JSON + field
                         + b"\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        check_refusal(answer, 400, "http.bad_header")
    assert cloud.requests() == []


def test_cve_2021_40346_lengths_that_overflow_or_are_empty(gateway, cloud, token):
    """Also CVE-2023-40225. A name of 270 bytes overflowed the byte that held its length, and hid a Content-Length."""
    for fields, status in ((b"Content-Length0" + b"a" * 255 + b":\r\nContent-Length: %d\r\n" % len(BODY), 200),
        (b"Content-Length:\r\n", 400),
                           (b"Content-Length: \r\nContent-Length: %d\r\n" % len(BODY), 400),
                               (b"Content-Length: %d\r\n" % (2**64 + len(BODY)), 400),
                           (b"Content-Length: %d\r\n" % (2**32 + len(BODY)), 413)):
        answer = ask_raw(gateway,
            b"POST " + CREATE.encode() + b" HTTP/1.1\r\nHost: g\r\nX-Auth-Token: " + token.encode() + b"\r\n" + JSON + fields
                         + b"\r\n" + BODY)
        assert answer.status == status, (fields[:60], answer)
    received, = cloud.requests()
    check_strict(received, f"127.0.0.1:{cloud.port}", judged=True)


def test_cve_2026_33555_short_body_on_a_connection_that_is_used_again(gateway, cloud, token):
    """A body ended early, the connection to the server went back to the pool, and the next caller's request became the
    rest of it."""
    headers = {"X-Auth-Token": token}
    assert gateway.request("GET", f"{ECHO}/1", None, headers).status == 200
    for number in range(3):
        with gateway.connect() as client:
            client.send(request_bytes("PUT", ECHO, None, {**headers, "Content-Length": "1000"}) + b"x" * 10)
            client.reset() if number else client.half_close()
            if not number:
                client.read_end()
        assert gateway.request("GET", f"{ECHO}/next", None, headers).json["target"] == f"{ECHO}/next"
    whole = [request for request in cloud.requests() if request.complete]
    assert [request.target for request in whole] == [f"{ECHO}/1"] + [f"{ECHO}/next"] * 3
    for request in cloud.requests():
        assert request.complete or (b"x" * 10).startswith(request.raw_body), request.raw_body


def test_cve_2022_25757_duplicate_json_keys(gateway, cloud, token):
    """The checker saw the last of two members, the service behind the first."""
    for more in (b',"flavor":"modelarts.vm.gpu.8v100"}', b',"fl\\u0061vor":"modelarts.vm.gpu.8v100"}',
        b',"flavor":"modelarts.vm.cpu.2u"}'):
        check_refusal(ask_create(gateway, token, body=BODY[:-1] + more), 400, "json.duplicate_member")
    assert cloud.requests() == []


def test_apisix_13691_two_content_types(gateway, cloud, token):
    """One reader took the first and parsed JSON, the other the last and parsed a form."""
    for types in (["application/json", "application/x-www-form-urlencoded"], ["application/x-www-form-urlencoded",
        "application/json"],
                  ["application/json", "application/json"], ["application/json, application/x-www-form-urlencoded"],
                      ["x-application/json"],
                  ["application/json-seq"], ["multipart/application/json"]):
        answer = ask_create(gateway, token, headers=[("Content-Type", value) for value in types])
        check_refusal(answer, 415, "request.media_type")
    assert cloud.requests() == []


def test_opa_envoy_256_bodies_that_only_a_lenient_reader_takes(gateway, cloud, token):
    """JSON was read by a parser that also takes YAML, and took "\\/" for something else."""
    for body in (b"name: nb-1\nflavor: modelarts.vm.cpu.2u\n", b"{name: nb-1}", b"{'name': 'nb-1'}", BODY.replace(b"3600",
        b"1h"), BODY[:-1] + b",}",
                 b"# x\n" + BODY, b"--- " + BODY, BODY + b"\n...", BODY.replace(b"true", b"yes"), BODY.replace(b"3600",
                 b"0x10")):
        check_refusal(ask_create(gateway, token, body=body), 400, "json.syntax")
    assert cloud.requests() == []
    escaped = BODY.replace(b"/team-a/nb-1/", b"\\/team-a\\/nb-1\\/")
    assert ask_create(gateway, token, body=escaped).status == 200, "the escape is JSON"
    assert cloud.requests()[0].body == escaped
    check_refusal(ask_create(gateway, token, body=escaped.replace(b"team-a", b"team-b")), 403, "obs.prefix_not_allowed")


# ---- what the caller says about itself ----

@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Envoy-Original-Path", "X-Original-URL",
    "X-Rewrite-URL", "X-Forwarded-Uri",
                                  "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix"])
def test_cve_2026_40575_forwarding_headers_are_not_believed(gateway, cloud, token, name):
    """Also CVE-2026-35051, CVE-2026-39858, CVE-2026-54764, and Envoy's x-envoy-original-path."""
    answer = post_create(gateway, token, None, {name: "10.9.8.7"})
    received, intent, _ = check_sent(cloud, gateway, answer)
    assert b"10.9.8.7" not in received.head and received.target == intent["path"] == CREATE
    assert intent["client"].startswith("127.0.0.1:")


def test_cve_2026_22797_identity_headers_of_the_caller(gateway, cloud, token):
    """The service behind took the caller's own headers for those of the middleware."""
    names = ["X-User", "X-User-Id", "X-User-Name", "X-Roles", "X-Role", "X-Project-Name", "X-Project-Domain-Id",
        "X-Is-Admin-Project", "X-Identity-Status",
             "X-Tenant-Id", "X-Service-Catalog", "OpenStack-System-Scope"]
    answer = post_create(gateway, token, None, dict.fromkeys(names, "root"))
    received, intent, _ = check_sent(cloud, gateway, answer)
    assert b"root" not in received.head and intent["user"]["name"] == "alice" and intent["user"]["roles"] == ["te_admin"]
    check_strict(received, f"127.0.0.1:{cloud.port}", judged=True)


def test_cve_2025_64484_underscores_in_header_names(gateway, cloud, token):
    """Also CVE-2026-33433, CVE-2026-54763: a reader behind takes "_" for "-", and case for none."""
    for name in ("X_Auth_Token", "x_auth_token", "X-Auth_Token", "X_Project_Id", "X_Forwarded_User", "Content_Type"):
        for target in (CREATE, ECHO):
            check_refusal(ask_create(gateway, token, target, [(name, "x")]), 400, "http.bad_header")
    for name in ("x-auth-token", "X-AUTH-TOKEN"):
        check_refusal(ask_create(gateway, token, headers=[(name, "x")]), 400, "identity.ambiguous")
    assert cloud.requests() == []


@pytest.mark.parametrize("name", ["X-Auth-Token", "x-auth-token", "X-PROJECT-ID", "x-Project-Id", "content-type"])
def test_cve_2024_45410_connection_deletes_no_header(gateway, cloud, token, name):
    """Also CVE-2026-29054: the first fix missed small letters."""
    headers = {"Connection": f"close, {name}", "X-Project-Id": PROJECT}
    received, _, _ = check_sent(cloud, gateway, post_create(gateway, token, None, headers))
    fields = check_strict(received, f"127.0.0.1:{cloud.port}", judged=True)
    assert fields["x-auth-token"] == token and fields["x-project-id"] == PROJECT and fields["content-type"] == "application/json"


def test_cve_2026_71324_connect_takes_no_connection_of_the_pool(gateway, cloud, token):
    """A tunnel was opened on a connection that the next caller got."""
    headers = {"X-Auth-Token": token}
    assert gateway.request("GET", ECHO, None, headers).status == 200
    for line in ("CONNECT gateway.test:443", f"CONNECT {ECHO}", "CONNECT 127.0.0.1:22"):
        with gateway.connect() as client:
            client.send(f"{line} HTTP/1.1\r\nHost: gateway.test:443\r\n\r\n".encode() + request_bytes("GET",
                "/in-the-tunnel"))
            check_refusal(client.read_answer(), 501, "http.method")
            client.expect_end()
    answer = ask_raw(gateway, request_bytes("GET", ECHO, None, {**headers, "Upgrade": "h2c", "Connection": "Upgrade"}))
    check_refusal(answer, 501, "http.upgrade")
    assert gateway.request("GET", ECHO, None, headers).status == 200
    assert [request.target for request in cloud.requests()] == [ECHO, ECHO]


def test_cve_2026_71326_callers_are_told_apart(gateway, cloud):
    """Lookups under way were merged by too little: one caller got what was found out about another."""
    tokens = {name: make_token(user=name, project=PROJECT, roles=[]) for name in ("alice", "bob", "carol")}
    names = [*tokens] * 4
    ids = []
    with gateway.connect() as client:
        client.send(b"".join(request_bytes("POST", CREATE, compact(create_body(name=f"n{number}")),
            {"X-Auth-Token": tokens[name]})
                             for number, name in enumerate(names)))
        for _ in names:
            answer = client.read_answer()
            assert answer.status == 200, answer
            ids.append(exchange_id(answer))
    for ours, name in zip(ids, names):
        assert gateway.wait_outcome(ours)["user"]["name"] == name
    assert [request.header("x-auth-token") for request in cloud.creates()] == [tokens[name] for name in names]


def test_cve_2026_34457_a_health_check_s_name_opens_nothing(gateway, cloud):
    """Who called itself a health check was not asked to identify."""
    for agent in ("kube-probe/1.30", "GoogleHC/1.0", "ELB-HealthChecker/2.0", "ReadyForRequest/1.0", "Postern-Probe"):
        check_refusal(gateway.request("POST", CREATE, BODY, {"User-Agent": agent}), 401, "identity.missing")
    assert cloud.requests() == []


def test_cve_2022_24112_nothing_of_ours_is_served_at_the_door(gateway, cloud, token):
    """The admin interface was reached through the gateway itself."""
    headers = {"X-Auth-Token": token, "X-API-KEY": "edd1c9f034335f136f87ad84b625c8f1", "X-Real-IP": "127.0.0.1"}
    for target in ("/metrics", "/healthz", "/readyz", "/v1/status", "/v1/reload", "/admin", "/apisix/admin/routes",
        "/apisix/batch-requests"):
        for method in ("GET", "POST"):
            answer = gateway.request(method, target, None if method == "GET" else b"{}", headers)
            assert answer.json["target"] == target, "the cloud's to answer"
    assert gateway.journal_events("admin", "policy") == [], "nothing was reloaded"


def test_cve_2022_29188_brackets_and_dots_of_a_host(gateway, cloud, token):
    """Also CVE-2022-24825: another spelling of the host was on no deny-list. Here it never says where to go."""
    for host in ("[[::1]]", "[::1", "::1]", "[]", "a]", "[a", "..", "a..b:x"):
        with gateway.connect() as client:
            answer = client.request("GET", ECHO, None, {"X-Auth-Token": token}, host=host)
        assert answer.status == 400 or host == "..", (host, answer)
    for host in ("metadata.", "169.254.169.254", "[::ffff:169.254.169.254]", "localhost:22"):
        with gateway.connect() as client:
            assert client.request("GET", ECHO, None, {"X-Auth-Token": token}, host=host).status == 200
    assert {request.header("host") for request in cloud.requests()} == {f"127.0.0.1:{cloud.port}"}


# ---- an error that means allow ----

def test_cve_2023_27488_bytes_that_are_no_utf_8(gateway, cloud, token):
    """The call to the authoriser failed by its encoding, which let the request pass, and the log lost it."""
    head = b"POST " + CREATE.encode() + b" HTTP/1.1\r\nHost: g\r\n" + JSON + b"Content-Length: %d\r\nUser-Agent: \xff\xfe\x80\r\n" % len(BODY)
    check_refusal(ask_raw(gateway, head + b"X-Auth-Token: \xff" + token.encode() + b"\r\n\r\n" + BODY), 401,
        "identity.token_malformed")
    token_field = b"X-Auth-Token: " + token.encode() + b"\r\n\r\n"
    check_refusal(ask_raw(gateway, head + token_field + BODY.replace(b"cpu", b"c\xff\xfeu")), 400)
    assert cloud.requests() == []
    refused = ask_raw(gateway, head + token_field + BODY.replace(b"cpu", b"gpu"))
    check_not_sent(cloud, gateway, refused, "flavor.not_allowed")
    check_sent(cloud, gateway, ask_raw(gateway, head + token_field + BODY))


def test_cve_2025_46342_what_cannot_be_told_while_matching(gateway_factory, cloud):
    """An ignored error made a selector match nothing, so that its rule did not apply."""
    text = policy('flavors: {allow: ["*gpu*"]}', "{groups: [interns]}").replace("version: 1", "version: 1\ndefault: allow")
    gateway = gateway_factory(text)
    answer = post_create(gateway, make_token(user="alice", project=PROJECT, roles=[]))
    check_not_sent(cloud, gateway, answer, "identity.attribute_unknown")
    known = make_token(user="alice", project=PROJECT, roles=[], groups=["others"])
    assert post_create(gateway, known).status == 200, "known to be in no such group"


def test_cve_2026_54762_what_is_missing_switches_nothing_off(site_factory, pki):
    """Without the file of secrets there was no authentication."""
    tls = {"certificate": pki.certificate("gateway"), "key": pki.key("gateway"), "client_ca": "nowhere.pem"}
    for settings in ({"identity": {"tokens": {"verify": ""}}}, {"identity": {"tokens": {"verify": "none"}}},
                     {"upstream": {"ca_file": "nowhere.pem"}}, {"policies": "nowhere"},
                     {"listen": [{"address": "127.0.0.1:0", "tls": tls}]},
                     {"listen": [{"address": "127.0.0.1:0", "tls": {**tls, "client_ca": ""}}]}):
        done = site_factory(settings=settings).run("serve", timeout=20)
        assert done.returncode in (1, 2) and done.stderr, (settings, done)


def test_cve_2023_34091_no_field_switches_judging_off(gateway_factory, cloud, token):
    """A field that the caller may set made the engine skip the object."""
    gateway = gateway_factory(settings={"requests": {"unknown_fields": "pass"}})
    fields = [("metadata", {"deletionTimestamp": "2026-01-01T00:00:00Z"}), ("deletionTimestamp", "2026-01-01T00:00:00Z"),
        ("dry_run", True),
              ("status", "DELETED"), ("exception", "team-a"), ("labels", {"policy": "skip"}), ("policies", []), ("mode",
                  "observe")]
    for name, value in fields:
        check_refusal(post_create(gateway, token, create_body(flavor="modelarts.vm.gpu.8v100", **{name: value})), 403,
            "flavor.not_allowed")
    assert cloud.requests() == []


def test_cve_2024_48921_exceptions_are_not_the_caller_s(gateway_factory, cloud, token):
    """Also GHSA-gg4x-fgg2-h9w9: who was bound by a rule could make its exception, and two exceptions added up."""
    text = policy('flavors: {allow: ["*cpu*"]}\nauto_stop: {required: true, on_missing: refuse}') + "exceptions:\n" + "".join(
        f"  - {{name: {name}, policy: p, match: {{users: [alice]}}, {what}, expires: 2099-12-31}}\n"
        for name, what in (("one", "lift: [auto_stop]"), ("two", 'allow: {flavors: ["*gpu*"]}')))
    gateway = gateway_factory(text)
    both = create_body(flavor="modelarts.vm.gpu.v100", without=["spec__auto_stop"])
    answer = post_create(gateway, token, both, {"X-Exception": "one", "Postern-Exception": "one, two"})
    assert check_refusal(answer, 403)["reasons"], "two exceptions do not combine"
    bob = make_token(user="bob", project=PROJECT, roles=[])
    check_refusal(post_create(gateway, bob, create_body(without=["spec__auto_stop"])), 403, "auto_stop.required")
    assert cloud.requests() == []
    assert post_create(gateway, token, create_body(without=["spec__auto_stop"])).status == 200


def test_cve_2021_25735_an_update_that_loosens(gateway, cloud, token):
    """The validator of updates did not see all that was there before."""
    made = post_create(gateway, token).json["id"]
    cloud.advance(5)
    for body in ({"auto_stop": {"enable": False}}, {"spec": {"auto_stop": {"enable": False}}},
        {"spec": {"auto_stop": {"enable": True, "duration": 999999}}},
                 {"flavor": "modelarts.vm.gpu.8v100"}):
        answer = gateway.request("PUT", f"{CREATE}/{made}", body, {"X-Auth-Token": token})
        assert answer.status in (200, 400, 403), answer
    for request in cloud.requests("PUT"):
        text = json.dumps(request.json)
        assert "v100" not in text and '"enable": false' not in text and "999999" not in text, text


def test_gatekeeper_allowed_repos_prefixes_end_at_a_segment(gateway, cloud, token):
    """"org/repo" as a prefix also allowed "org/repo-evil"."""
    for path in ("/team-a-evil/x/", "/team-ab/", "/team-a.evil/", "/team-a%2f../x/", "/team-a/../team-b/", "/team-a//x/",
        "//team-a/", "/TEAM-A/x/", "team-a/"):
        location = {"type": "obs", "location": {"path": path}}
        answer = post_create(gateway, token, create_body(spec__storage=location))
        assert answer.status in (400, 403), (path, answer)
    assert cloud.requests() == []


# ---- power in policies and sinks ----

def test_cve_2026_22039_policies_call_nobody(site_factory):
    """Also CVE-2026-40868, CVE-2026-41323, CVE-2026-4789, GHSA-qr4g-8hrp-c4rw: policies that make requests leak tokens."""
    for rule in ("context: [{apiCall: {urlPath: /x}}]", "url: http://169.254.169.254/", "http: {url: x}", "exec: [id]",
        "script: x",
                 "flavors: {from_url: x}", "external: x", 'flavors: {allow: [{http: x}]}'):
        done = site_factory(policy(rule)).run("check")
        assert done.returncode == 1 and "policies.yaml:5:" in done.stderr + done.stdout, (rule, done)


def test_cve_2026_23881_small_input_of_great_cost(gateway_factory, cloud, token):
    """Also CVE-2025-47281, CVE-2026-41485: a pattern and a name that take a backtracking reader an age."""
    gateway = gateway_factory(policy('name: {pattern: "(a|aa|a*)+(a|aa|a*)*b"}'))
    for name in ("a" * 60 + "!", "a" * 1000, "a" * 500 + "c"):
        answer = post_create(gateway, token, create_body(name=name))
        check_refusal(answer, 403, "name.pattern")
    stars = gateway_factory(policy('flavors: {deny: ["%s"]}' % ("*a" * 15 + "*b")))
    assert post_create(stars, token, create_body(flavor="a" * 1000)).status != 403
    assert [request.json["flavor"] for request in cloud.creates()] == ["a" * 1000]


@pytest.mark.parametrize("user", ["*", "..", "a/../bob", "bob/", "${project.id}", "%2e%2e", "bob\\", "a b", "\u202ebob",
    "bob/*"])
def test_cve_2025_46569_what_callers_are_called_is_no_syntax(gateway_factory, cloud, user):
    """Also CVE-2022-36085: the request's path became part of a query."""
    gateway = gateway_factory(policy('storage: {obs_prefixes: ["/homes/${user.name}/"]}'))
    token = make_token(user=user, project=PROJECT, roles=[])
    for path in ("/homes/bob/x/", f"/homes/{user}/x/"):
        answer = post_create(gateway, token, create_body(spec__storage={"type": "obs", "location": {"path": path}}))
        assert answer.status in (400, 403), (path, answer)
    assert cloud.requests() == []


def test_cve_2025_6000_no_caller_names_a_file(gateway_factory, token):
    """The path of the audit log could be set by an API, and became a way to write code."""
    gateway = gateway_factory(settings={"log": {"level": "debug"}})
    before = sorted(path.name for path in gateway.site.folder.rglob("*"))
    for target in ("/v1/sys/audit/file", "/v1/journal", "/v1/reload"):
        gateway.request("PUT", target, {"file_path": str(gateway.site.folder / "planted"), "directory": "planted"},
            {"X-Auth-Token": token})
    assert sorted(path.name for path in gateway.site.folder.rglob("*")) == before


# ---- TLS ----

def hello_in_pieces(gateway, context, name, size):
    """A handshake whose first message comes in records of so many bytes; the socket and the session."""
    client = gateway.connect()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    message = outgoing.read()[5:]
    for at in range(0, len(message), size):
        piece = message[at:at + size]
        client.send(b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece)
    return client, session, incoming, outgoing


def ask_in_pieces(gateway, context, name, size, request):
    """The first bytes of the answer, or the error that ended it."""
    client, session, incoming, outgoing = hello_in_pieces(gateway, context, name, size)
    step, sent = session.do_handshake, False
    with client:
        while True:
            try:
                got = step()
                if sent:
                    return got
                session.write(request)
                step, sent = (lambda: session.read(4096)), True
                client.send(outgoing.read())
            except ssl.SSLWantReadError:
                if outgoing.pending:
                    client.send(outgoing.read())
                try:
                    part = client.sock.recv(65536)
                except ConnectionResetError:
                    return b""
                if not part:
                    return b""
                incoming.write(part)
            except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
                return b""


@pytest.mark.parametrize("size", [1, 7, 100, 16384])
def test_cve_2026_32305_hello_in_pieces(gateway_factory, cloud, pki, token, size):
    """Also CVE-2026-53622: a fragmented hello, or another name in it, fell back to settings without client certificates."""
    gateway = gateway_factory(settings={"listen": [{"address": "127.0.0.1:0", "tls": {
        "certificate": pki.certificate("gateway"), "key": pki.key("gateway"), "client_ca": pki.ca}}]})
    request = request_bytes("GET", ECHO, None, {"X-Auth-Token": token})
    bare = ssl.create_default_context(cafile=pki.ca)
    bare.check_hostname = False
    for name in (None, "gateway.test", "GATEWAY.test", "gateway.test.", "other.test", "a" * 63 + ".test",
        "xn--e1afmkfd.test"):
        assert ask_in_pieces(gateway, bare, name, size, request) == b"", name
    assert cloud.requests() == []
    bare.load_cert_chain(pki.certificate("client"), pki.key("client"))
    assert ask_in_pieces(gateway, bare, None, size, request).startswith(b"HTTP/1.1 200 ")
