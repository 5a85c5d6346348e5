# SPDX-License-Identifier: Apache-2.0
"""A clock on the wall that jumps: the journal says what it showed, and nothing else of it does harm."""

import pytest

from support.bodies import PROJECT, create_body
from support.contract import exchange_id, post_create
from support.disk import build_shim, preloaded
from support.tokens import make_token

DAY_S = 86400


@pytest.mark.parametrize("jump_s", [-DAY_S, -400 * DAY_S, 30 * DAY_S], ids=["a day back", "a year back", "a month on"])
def test_the_clock_jumps(gateway_factory, site_factory, cloud, folder, jump_s):
    token = make_token(user="alice", project=PROJECT, roles=["te_admin"], expires=100 * DAY_S)
    site = site_factory(url=cloud.url)
    clock = folder / "clock"
    clock.write_text("0")
    env = {**preloaded(build_shim(folder, "clock"), site.binary), "POSTERN_TEST_CLOCK": str(clock)}
    gateway = gateway_factory(site=site, env=env)

    def create(name):
        answer = post_create(gateway, token, create_body(name=name))
        assert answer.status == 200, answer
        assert gateway.wait_outcome(exchange_id(answer))["outcome"] == "created"
        return [line["time"] for line in gateway.journal().of(exchange_id(answer))]

    before = create("before")
    clock.write_text(str(jump_s))
    behind = create("behind")
    assert (behind[0] < before[0]) == (jump_s < 0) and behind == sorted(behind)
    # It once was 18446744073709548000 behind a clock that was set back.
    assert gateway.metrics()["postern_policy_set_age_seconds"] < 31 * DAY_S
    gateway.stop()
    gateway = gateway_factory(site=site, env=env)
    create("restarted")
    clock.write_text("0")
    create("right_again")
    assert [line["outcome"] for line in gateway.journal().events("outcome")] == ["created"] * 4
