# SPDX-License-Identifier: Apache-2.0
"""Ends that lie off the usual road: each leaves its line in the record, gives back what it held, and sends nothing more
than it must."""

import shutil
import signal

import pytest

from support.bodies import CREATE, PROJECT, compact, create_body
from support.contract import check_refusal, exchange_id, post_create
from support.http import request_bytes
from support.process import Process, environment
from support.waiting import wait_for

ECHO = f"/v1/{PROJECT}/echo"
ONE = f"{CREATE}/DE-1"


def test_an_upload_cut_at_its_limit_leaves_an_outcome(gateway_factory, cloud, token):
    gateway = gateway_factory(settings={"limits": {"stream_body": "64KB"}})
    piece = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    with gateway.connect() as client:
        client.send(request_bytes("POST", ECHO, None, {"X-Auth-Token": token, "Transfer-Encoding": "chunked"}))
        client.send(piece * 3)
        answer = client.read_answer()
        check_refusal(answer, 413, "http.body_too_large")
    line = gateway.wait_outcome(exchange_id(answer))
    assert line["operation"] == "other" and line["outcome"] == "unknown" and line["error"] == "http.body_too_large"
    assert len(gateway.journal().of(exchange_id(answer))) == 1
    assert not any(r.complete for r in cloud.requests())


@pytest.mark.parametrize("method, target, operation", [("POST", ECHO, "other"), ("DELETE", ONE, "demanager.delete")])
def test_an_upload_that_stalls_leaves_an_outcome(gateway_factory, cloud, token, method, target, operation):
    gateway = gateway_factory(settings={"limits": {"body_timeout": "300ms"}})
    with gateway.connect() as client:
        client.send(request_bytes(method, target, None, {"X-Auth-Token": token, "Content-Length": "10"}) + b"half ")
        answer = client.read_answer()
        check_refusal(answer, 408, "http.timeout")
        client.expect_end()
    line = gateway.wait_outcome(exchange_id(answer))
    assert line["operation"] == operation and line["outcome"] == "unknown" and line["error"] == "http.timeout"
    assert [x["event"] for x in gateway.journal().of(exchange_id(answer))] == ["outcome"]


def test_a_declared_body_over_the_limit_sends_no_byte(gateway_factory, cloud, token):
    gateway = gateway_factory(settings={"limits": {"stream_body": "64KB"}})
    assert gateway.request("GET", ECHO, None, {"X-Auth-Token": token}).status == 200, "a connection to use again"
    cloud.forget()
    with gateway.connect() as client:
        client.send(request_bytes("POST", ECHO, None, {"X-Auth-Token": token, "Content-Length": "65537"}))
        check_refusal(client.read_answer(), 413, "http.body_too_large")
    assert gateway.request("GET", ECHO, None, {"X-Auth-Token": token}).status == 200
    assert [r.method for r in cloud.requests()] == ["GET"]


@pytest.mark.parametrize("method, target, body, operation", [
    ("DELETE", ONE, None, "demanager.delete"), ("POST", ECHO, b"x", "other"), ("POST", ONE + "/action",
                                                                              b'{"action":"stop"}', "demanager.stop")])
def test_what_a_stop_cuts_off_is_unknown(gateway_factory, cloud, token, method, target, body, operation):
    gateway = gateway_factory(settings={"limits": {"drain": "300ms"}})
    cloud.fault("hang", "*")
    with gateway.connect() as client:
        client.send(request_bytes(method, target, body, {"X-Auth-Token": token}))
        wait_for(cloud.requests, "the request at the cloud")
        gateway.signal(signal.SIGTERM)
        assert gateway.wait() == 0
    line, = gateway.journal().events("outcome")
    assert line["operation"] == operation and line["outcome"] == "unknown" and "stopped" in line["error"]


def test_reads_that_a_stop_cuts_off_leave_no_line(gateway_factory, cloud, token):
    gateway = gateway_factory(settings={"limits": {"drain": "300ms"}})
    cloud.fault("hang", "*")
    with gateway.connect() as client:
        client.send(request_bytes("GET", CREATE, None, {"X-Auth-Token": token}))
        wait_for(cloud.requests, "the request at the cloud")
        gateway.signal(signal.SIGTERM)
        assert gateway.wait() == 0
    assert gateway.journal().events("outcome") == []


def test_the_cloud_s_request_id_stands_in_the_outcome_of_a_release(gateway, cloud, token):
    cloud.fault("status", "DELETE *", status=202, body="", headers={"X-Request-Id": "cloud-17"})
    answer = gateway.request("DELETE", ONE, None, {"X-Auth-Token": token})
    line = gateway.wait_outcome(exchange_id(answer))
    assert line["outcome"] == "done" and line["upstream_request_id"] == "cloud-17"


def test_a_client_that_does_not_read_its_answer_holds_no_name(gateway_factory, cloud, token):
    gateway = gateway_factory()
    cloud.fault("status", "POST *", status=200, body='{"id":"slow-reader","pad":"' + "x" * 3900000 + '"}')
    with gateway.connect() as client:
        client.send(request_bytes("POST", CREATE, compact(create_body()), {"X-Auth-Token": token}))
        gateway.wait_journal(lambda j: j.events("outcome"), "the first create's outcome")
        again = post_create(gateway, token)
        assert again.status == 200, again


@pytest.mark.parametrize("body, status", [(b"", 400), (b" ", 400)])
def test_an_empty_body_is_no_json(gateway, cloud, token, body, status):
    for target in (CREATE, ONE + "/action"):
        check_refusal(gateway.request("POST", target, body, {"X-Auth-Token": token}), status)
    assert cloud.requests() == []


def test_routes_are_refused_in_any_case(gateway_factory, cloud, token):
    refused = ["DELETE /v1/*/demanager/instances/*", "GET /v1/*/notebooks", "POST /v1/*/demanager/instances"]
    gateway = gateway_factory(settings={"routes": {"refuse": refused}})
    headers = {"X-Auth-Token": token}
    answer = gateway.request("DELETE", ONE, None, headers)
    check_refusal(answer, 403, "route.refused")
    line, = gateway.wait_journal(lambda j: j.of(exchange_id(answer)), "its line").of(exchange_id(answer))
    assert line["event"] == "refusal" and line["operation"] == "demanager.delete"
    check_refusal(gateway.request("GET", f"/v1/{PROJECT}/notebooks", None, headers), 403, "route.refused")
    check_refusal(post_create(gateway, token), 403, "route.refused")
    assert cloud.requests() == []
    assert gateway.request("GET", CREATE, None, headers).status == 200


def test_authorities_of_the_cloud_are_read_again(gateway_factory, site_factory, cloud, pki, token, folder):
    trusted = folder / "ca.pem"
    shutil.copy(pki.certificate("other-ca"), trusted)
    site = site_factory(url=cloud.url, settings={"upstream": {"ca_file": str(trusted)}})
    gateway = gateway_factory(site=site)
    check_refusal(post_create(gateway, token), 503, "upstream.unreachable")
    shutil.copy(pki.ca, trusted)
    done = site.run("reload")
    assert done.returncode == 0, done
    assert post_create(gateway, token).status == 200


def test_a_reload_that_is_refused_in_part_says_so(gateway_factory, site_factory, cloud, pki, token, folder):
    trusted = folder / "ca.pem"
    shutil.copy(pki.ca, trusted)
    site = site_factory(url=cloud.url, settings={"upstream": {"ca_file": str(trusted)}})
    gateway = gateway_factory(site=site)
    trusted.write_text("no certificate\n")
    done = site.run("reload")
    assert done.returncode == 1 and "ca_file" in done.stdout and "policies loaded" in done.stdout, done
    line = gateway.wait_journal(lambda j: j.events("admin"), "the admin line").events("admin")[-1]
    assert line["error"] == "not all was reloaded" and line["actor"].startswith("uid:")
    assert post_create(gateway, token).status == 200, "the authorities before it stay in use"


USAGE = {
    "unknown letter": (["check", "-x"], '"-x" is not an option here'),
    "two letters": (["check", "-xh"], '"-x" is not an option here'),
    "unknown word": (["check", "--nope"], '"--nope" is not an option here'),
    "no value": (["check", "-c"], '"-c" needs a value'),
    "no value of a long one": (["explain", "--user"], '"--user" needs a value'),
    "a value too many": (["check", "--show=1"], "takes no value"),
    "a word too many": (["version", "please"], '"please" is one word too many'),
    "nothing to do": (["audit"], "audit --help"),
    "two requests": (["explain", "--user", "a", "--project", "p", "a.json", "b.json"], '"b.json" is one word too many'),
}


@pytest.mark.parametrize("name", list(USAGE))
def test_wrong_usage_is_told_by_its_word(postern, name):
    args, says = USAGE[name]
    done = postern(*args)
    assert done.returncode == 2 and done.stdout == "", done
    assert says in done.stderr.splitlines()[0] and f"usage: postern {args[0]}" in done.stderr, done.stderr


@pytest.mark.parametrize("how", ["unknown route", "no token", "media type", "too large", "too slow", "hung up", "bad JSON",
                                 "refused", "bad chunks", "sent"])
def test_whatever_becomes_of_it_the_memory_of_bodies_is_given_back(gateway_factory, cloud, token, how):
    """limits.body_memory has room for one body here: whoever kept it would shut out the last create."""
    gateway = gateway_factory(settings={"limits": {"body": "64KB", "body_memory": "64KB", "body_timeout": "200ms"}})
    headers = {"X-Auth-Token": token, "Content-Length": "60000"}
    chunked = {"X-Auth-Token": token, "Transfer-Encoding": "chunked"}
    raw = {
        "unknown route": request_bytes("POST", CREATE + "/x/y", b"{}", headers | {"Content-Length": "2"}),
        "no token": request_bytes("POST", CREATE, b"{}"),
        "media type": request_bytes("POST", CREATE, b"{}", {"X-Auth-Token": token, "Content-Type": "text/plain"}),
        "too large": request_bytes("POST", CREATE, None, headers | {"Content-Length": "65537", "Content-Type":
                                                                   "application/json"}),
        "too slow": request_bytes("POST", CREATE, None, headers | {"Content-Type": "application/json"}) + b"{",
        "hung up": request_bytes("POST", CREATE, None, headers | {"Content-Type": "application/json"}) + b"{",
        "bad JSON": request_bytes("POST", CREATE, b"{" * 60000, {"X-Auth-Token": token}),
        "refused": request_bytes("POST", CREATE, compact(create_body(flavor="x")), {"X-Auth-Token": token}),
        "bad chunks": request_bytes("POST", CREATE, None, chunked | {"Content-Type": "application/json"}) + b"zz\r\n",
        "sent": request_bytes("POST", CREATE, compact(create_body(name="first")), {"X-Auth-Token": token}),
    }[how]
    for _ in range(3):
        with gateway.connect() as client:
            client.send(raw)
            if how != "hung up":
                assert client.read_answer().status != 503
    wait_for(lambda: post_create(gateway, token).status != 503, "room for a body")


def test_a_descriptor_that_nobody_passed_is_none_of_ours(site_factory, cloud, processes):
    """POSTERN_READY_FD may name a number that the gateway itself gets to use later: the journal's, say."""
    site = site_factory(url=cloud.url)
    for number in range(3, 24):
        process = Process("postern", [site.binary, "serve", "-c", str(site.conf)], cwd=site.folder,
                          env=environment(POSTERN_READY_FD=str(number)))
        processes.append(process)
        process.wait_stderr("ready version")
        assert process.stop() == 0
        assert b'"listen"' not in site.journal().raw()
