"""Callers who are not identified can't fill the disk with refusals: most of them become a count."""
from support.bodies import CREATE, compact, create_body

FLOOD = 400


def test_anonymous_refusals_are_folded(gateway_factory, cloud):
    gateway = gateway_factory(settings={"workers": 1})
    body = compact(create_body())
    with gateway.connect() as client:
        for _ in range(FLOOD):
            assert client.request("POST", CREATE, body, {"Content-Type": "application/json"}).status == 401
    gateway.stop()
    lines = gateway.journal().events("refusal")
    single = [line for line in lines if "count" not in line]
    folded = [line for line in lines if "count" in line]
    assert len(single) + sum(line["count"] for line in folded) == FLOOD, "none is forgotten"
    assert folded and all(line["decision"] == "refuse" and "user" not in line for line in folded)
    assert len(single) <= FLOOD // 2, len(single)
    assert cloud.requests() == []


def test_refusals_of_the_identified_all_have_their_line(gateway_factory, cloud, token):
    gateway = gateway_factory(settings={"workers": 1})
    body = compact(create_body(flavor="modelarts.vm.gpu.v100"))
    headers = {"Content-Type": "application/json", "X-Auth-Token": token}
    with gateway.connect() as client:
        for _ in range(60):
            assert client.request("POST", CREATE, body, headers).status == 403
    gateway.stop()
    assert len(gateway.journal().events("refusal")) == 60


def test_a_path_of_tricks_leaves_a_line(gateway_factory, cloud, token):
    gateway = gateway_factory()
    path = CREATE.replace("demanager", "%64emanager")
    assert gateway.request("POST", path, b"{}", {"X-Auth-Token": token}).status in (400, 403)
    gateway.stop()
    line, = gateway.journal().events("refusal")
    assert line["path"] == path and line["reasons"][0]["code"] in ("path.ambiguous", "route.unknown")
