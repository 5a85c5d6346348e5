# SPDX-License-Identifier: Apache-2.0
"""A ledger that gateways share in PostgreSQL: one real server, each gateway's store in a process of its own."""

import itertools
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading

import pytest

from support.postgres import Postgres
from support.process import environment
from support.stores import Proxy, Store
from support.waiting import wait_for

_names = itertools.count(1)


@pytest.fixture(scope="module")
def server():
    postgres = Postgres()
    yield postgres
    postgres.close()


@pytest.fixture
def own_server():
    """For tests that stop it."""
    postgres = Postgres()
    yield postgres
    postgres.close()


def _init(program, url):
    return subprocess.run([str(program("store_driver")), "init", url], capture_output=True, text=True,
                          env=environment(), timeout=60, check=False)


@pytest.fixture
def stores(program):
    """Opens stores; ends them after the test."""
    opened = []

    def start(url, name="a", **more):
        opened.append(Store(program("store_driver"), url, name, **more))
        return opened[-1]

    yield start
    reports = [report for store in opened for report in store.end()]
    assert not reports, reports


@pytest.fixture
def database(server, program):
    """A fresh database with tables."""
    name = f"d{next(_names)}"
    url = server.create(name)
    done = _init(program, url)
    assert done.returncode == 0 and "tables created, version 1" in done.stdout, done
    return name


def _taken(server, database):
    return int(server.sql("SELECT count(*) FROM postern_entry WHERE NOT gone AND state <> 'spent'", database)[0][0])


def test_one_gateway(server, database, stores):
    a = stores(server.url(database), limit=2)
    assert a.reserved("r1") == ("granted",)
    assert a.reserved("r2") == ("granted",)
    assert a.reserved("r3") == ("refused", "quota.exceeded")
    a.settle("r1", "created", "i1")
    a.settle("r2", "nothing")
    assert a.reserved("r4") == ("granted",)
    rows = server.sql("SELECT id, gone, gateway, state, instance FROM postern_entry ORDER BY id", database)
    assert rows == [["r1", "f", "a", "existing", "i1"], ["r2", "t", "a", rows[1][3], rows[1][4]],
                    ["r4", "f", "a", "reserved", ""]]
    state = a.state()
    assert (state["granted"], state["refused"], state["unavailable"]) == (3, 1, 0)
    assert state["kind"] == "postgresql" and state["available"]


def test_names_are_locked_across_gateways(server, database, stores):
    a, b = (stores(server.url(database), name) for name in "ab")
    assert a.reserved("r1", name="same") == ("granted",)
    assert b.reserved("r2", name="same") == ("refused", "create.pending")
    a.settle("r1", "nothing")
    wait_for(lambda: b.reserved(f"again{next(_names)}", name="same") == ("granted",), "the name to be free")


def test_the_other_hears_of_it(server, database, stores):
    a, b = (stores(server.url(database), name) for name in "ab")
    b.wait_available()
    assert a.reserved("r1") == ("granted",)
    b.expect("foreign r1 reserved")
    a.settle("r1", "created", "i1")
    b.expect("foreign r1 existing")
    assert b.entries() == {"r1": ("existing", "a")}
    assert not [line for line in a.lines if line.startswith("foreign")]


def test_without_an_enforced_quota_nobody_waits(server, database, stores):
    a = stores(server.url(database, folder="/nonexistent"), limit=1)
    a.say("free r1 u n1")
    assert a.answer("r1") == ("granted",)
    b = stores(server.url(database), "b", limit=1)
    b.say("free r2 u n2")
    assert b.answer("r2") == ("granted",)
    wait_for(lambda: _taken(server, database) == 1, "the row")


def test_texts_that_no_database_takes(server, database, stores):
    a = stores(server.url(database))
    name = "\u043d\u043e%41'\"\\;\ufffd"
    assert a.reserved("r1", name=name, user="\u4e2d") == ("granted",)
    b = stores(server.url(database), "b")
    assert b.reserved("r2", name=name) == ("refused", "create.pending")


def test_two_inits_at_once(server, program):
    url = server.create(f"d{next(_names)}")
    results = []
    threads = [threading.Thread(target=lambda: results.append(_init(program, url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(done.returncode == 0 for done in results), results
    assert "nothing to do" in _init(program, url).stdout


def test_init_says_what_is_wrong(server, program):
    missing = _init(program, server.url("nosuch", password="sesame"))
    assert missing.returncode == 1 and "there is no such database" in missing.stdout
    nobody = _init(program, "postgresql://u:sesame@/x?host=/nonexistent")
    assert "nobody listens on the socket" in nobody.stdout
    unreadable = _init(program, "postgresql://u:sesame@[/x")
    assert unreadable.returncode == 1 and "can't read the URL" in unreadable.stdout
    name = f"d{next(_names)}"
    server.create(name)
    role = f"r{next(_names)}"
    server.sql(f"CREATE ROLE {role} LOGIN", name)
    denied = _init(program, server.url(name).replace("postern@", f"{role}:sesame@"))
    assert denied.returncode == 1 and "has not the rights" in denied.stdout, denied.stdout
    assert not any("sesame" in done.stdout + done.stderr for done in (missing, nobody, unreadable, denied))


def test_without_tables(server, stores):
    a = stores(server.create(f"d{next(_names)}"), timeout_ms=500)
    assert a.reserved("r1") == ("refused", "quota.unavailable")
    a.wait_stderr("postern quota init")


def test_a_later_version_is_left_alone(server, database, program, stores):
    server.sql("UPDATE postern_ledger SET version = 2", database)
    assert "version 2; this program knows version 1" in _init(program, server.url(database)).stdout
    a = stores(server.url(database), timeout_ms=500)
    assert a.reserved("r1") == ("refused", "quota.unavailable")


def test_races_for_ten_places(own_server, program, stores):
    """Three gateways, each with more asks than there are places; one is killed, the server loses power in between."""
    url = own_server.create("race")
    assert _init(program, url).returncode == 0
    gateways = [stores(url, name, limit=10, timeout_ms=15000, lease_ms=2000, deadline_ms=500) for name in "abc"]
    most, done = [0], threading.Event()

    def watch():
        while not done.is_set():
            try:
                most.append(_taken(own_server, "race"))
            except AssertionError:
                pass
            done.wait(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    # The one that is killed has two places by then, and more asks under way.
    assert gateways[2].reserved("c0") == ("granted",)
    assert gateways[2].reserved("c1") == ("granted",)
    for i in range(2, 12):
        for gateway in gateways if i < 5 else gateways[:2]:
            gateway.reserve(f"{gateway.name}{i}")
    wait_for(lambda: any(line.startswith("granted") for g in gateways[:2] for line in g.lines), "another place")
    gateways[2].kill()
    own_server.restart(signal.SIGQUIT)
    answers = {id_: g.answer(id_, 60) for g in gateways[:2] for id_ in (f"{g.name}{i}" for i in range(2, 12))}
    granted = [id_ for id_, answer in answers.items() if answer == ("granted",)]
    left = {row[0] for row in own_server.sql("SELECT id FROM postern_entry WHERE NOT gone AND id LIKE 'c%'", "race")}
    assert len(granted) + len(left) == 10 and {"c0", "c1"} <= left
    assert {row[0] for row in own_server.sql("SELECT id FROM postern_entry WHERE NOT gone", "race")} == {*granted, *left}
    # Nobody is over, and what the dead one holds is taken over and settled by another.
    wait_for(lambda: not own_server.sql("SELECT 1 FROM postern_entry WHERE NOT gone AND gateway = 'c'", "race"),
             "the takeover")
    wait_for(lambda: all(gateways[0].entries().get(id_) in (("unknown", "a"), ("unknown", "b")) for id_ in left),
             "what c left")
    for id_ in left:
        gateways[0].settle(id_, "nothing")
    wait_for(lambda: _taken(own_server, "race") == len(granted), "the places to be free")
    for i in range(10 - len(granted)):
        assert gateways[1].reserved(f"more{i}") == ("granted",)
    assert gateways[0].reserved("last") == ("refused", "quota.exceeded")
    done.set()
    watcher.join()
    assert max(most) <= 10 and _taken(own_server, "race") == 10


def test_a_stopped_server(own_server, program, stores):
    url = own_server.create("stopped")
    assert _init(program, url).returncode == 0
    a = stores(url, timeout_ms=2000)
    a.wait_available()
    assert a.reserved("r1") == ("granted",)
    own_server.stop()
    assert a.reserved("r2") == ("refused", "quota.unavailable")
    assert not a.state()["available"]
    a.settle("r1", "created", "i1")
    own_server.start()
    wait_for(lambda: a.reserved(f"r{next(_names)}x") == ("granted",), "the store to come back")
    rows = own_server.sql("SELECT state, instance FROM postern_entry WHERE id = 'r1'", "stopped")
    assert rows == [["existing", "i1"]]


def test_a_server_that_hangs(own_server, program, stores):
    url = own_server.create("hangs")
    assert _init(program, url).returncode == 0
    a = stores(url, timeout_ms=2000)
    a.wait_available()
    assert a.reserved("r1") == ("granted",)
    own_server.pause()
    assert a.reserved("r2") == ("refused", "quota.unavailable")
    own_server.resume()
    wait_for(lambda: a.reserved(f"r{next(_names)}x") == ("granted",), "the store to come back")
    # What was asked for while it hung takes no place.
    wait_for(lambda: own_server.sql("SELECT id FROM postern_entry WHERE id = 'r2' AND NOT gone", "hangs") == [], "r2 to go")


@pytest.fixture
def proxy(server):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="px-"))
    between = Proxy(folder, server.folder)
    yield between
    between.close()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_commit_whose_answer_is_lost(server, database, stores, proxy):
    a = stores(server.url(database, folder=proxy.folder), limit=1, timeout_ms=10000)
    a.wait_available()
    proxy.cut_commit.set()
    assert a.reserved("r1") == ("granted",)
    assert proxy.cuts == 1
    assert a.reserved("r2") == ("refused", "quota.exceeded")
    assert server.sql("SELECT id FROM postern_entry", database) == [["r1"]]


def test_a_lost_answer_that_nobody_waits_for(server, database, stores, proxy):
    a = stores(server.url(database, folder=proxy.folder), limit=1, timeout_ms=2000)
    a.wait_available()
    proxy.refuse = True  # from the next connection on
    proxy.cut_commit.set()
    assert a.reserved("r1") == ("refused", "quota.unavailable")
    assert proxy.cuts == 1
    assert server.sql("SELECT id, gone FROM postern_entry", database) == [["r1", "f"]]
    proxy.refuse = False
    wait_for(lambda: server.sql("SELECT id, gone FROM postern_entry", database) == [["r1", "t"]], "r1 to be given back")
    assert a.reserved("r2") == ("granted",)


def test_connections_that_break_at_any_moment(server, database, stores, proxy):
    """What was granted is there, what was refused is not, wherever the connection broke."""
    gateways = [stores(server.url(database, folder=proxy.folder), name, limit=100, timeout_ms=4000, lease_ms=4000)
                for name in "ab"]
    for gateway in gateways:
        gateway.wait_available()
    ids = []
    for i in range(20):
        for gateway in gateways:
            ids.append((gateway, f"{gateway.name}{i}"))
            gateway.reserve(ids[-1][1])
        if i % 3 == 0:
            proxy.cut_commit.set()
        if i % 4 == 0:
            gateways[i // 4 % 2].answer(ids[-2 + i // 4 % 2][1])
            proxy.cut_all()
    granted = {id_ for gateway, id_ in ids if gateway.answer(id_) == ("granted",)}
    proxy.cut_commit.clear()
    assert granted
    wait_for(lambda: {row[0] for row in server.sql("SELECT id FROM postern_entry WHERE NOT gone", database)} == granted,
             "exactly what was granted")
    wait_for(lambda: all(set(gateway.entries()) == granted for gateway in gateways), "the gateways to know it")


def test_who_gives_up_gives_back(server, database, stores, proxy):
    a = stores(server.url(database, folder=proxy.folder), limit=1, timeout_ms=10000)
    a.wait_available()
    proxy.refuse = True
    proxy.cut_commit.set()
    a.reserve("r1")
    wait_for(lambda: proxy.cuts == 1, "the cut")
    a.ask("abandon r1", "abandoned r1")
    proxy.refuse = False
    wait_for(lambda: server.sql("SELECT gone FROM postern_entry", database) == [["t"]], "r1 to be given back")
    assert a.reserved("r2") == ("granted",)


def test_an_older_copy_of_the_database(server, database, stores, program):
    """What a gateway knows comes back; nothing is granted before a scan."""
    url = server.url(database)
    a = stores(url, limit=4, must_scan=True)
    a.wait_available()
    assert a.reserved("early") == ("refused", "quota.not_scanned")  # empty
    a.ask("scanned", "scanned")
    assert a.reserved("r1") == ("granted",)
    a.settle("r1", "created", "i1")
    wait_for(lambda: server.sql("SELECT state FROM postern_entry WHERE id = 'r1'", database) == [["existing"]], "r1")
    _copy(server, database, "old")
    assert a.reserved("r2") == ("granted",)
    assert a.reserved("r3") == ("granted",)
    a.settle("r3", "created", "i3")
    wait_for(lambda: server.sql("SELECT state FROM postern_entry WHERE id = 'r3'", database) == [["existing"]], "r3")
    server.sql(f"DROP DATABASE {database} WITH (FORCE); ALTER DATABASE old RENAME TO {database}")
    wait_for(lambda: _taken(server, database) == 3, "what was lost to be put back")
    wait_for(lambda: a.state()["waits"], "the wait for a scan")
    assert a.reserved("r4") == ("refused", "quota.not_scanned")
    a.ask("scanned", "scanned")
    assert a.reserved("r5") == ("granted",)
    assert a.reserved("r6") == ("refused", "quota.exceeded")
    a.wait_stderr("has lost what it had")


def test_only_who_leads_can_say_that_all_is_known(server, database, stores):
    a = stores(server.url(database), "a", must_scan=True)
    a.wait_available()
    b = stores(server.url(database), "b", must_scan=True)
    b.wait_available()
    b.ask("scanned", "scanned")
    assert b.reserved("r1") == ("refused", "quota.not_scanned")
    a.ask("scanned", "scanned")
    assert a.reserved("r2") == ("granted",)
    wait_for(lambda: not b.state()["waits"], "b to hear of it")
    assert b.reserved("r3") == ("granted",)
    # It is known for those that come later.
    c = stores(server.url(database), "c", must_scan=True)
    assert c.reserved("r4") == ("granted",)


def test_a_lower_name_waits_until_the_other_has_seen_it(server, database, stores):
    """Never two at once correct the ledger."""
    b = stores(server.url(database), "b", must_scan=True, lease_ms=12000)
    b.wait_available()
    a = stores(server.url(database), "a", must_scan=True, lease_ms=12000)
    a.wait_available()
    a.ask("scanned", "scanned")
    assert a.reserved("r1") == ("refused", "quota.not_scanned")
    wait_for(lambda: a.ask("scanned", "scanned") and not a.state()["waits"], "a to lead")


def test_entries_of_a_gateway_that_nobody_knows(server, database, stores):
    """As after a restore of a copy that is older than the gateway."""
    a, b = (stores(server.url(database), name, lease_ms=1000, deadline_ms=200) for name in "ab")
    a.wait_available()
    assert b.reserved("r1") == ("granted",)
    b.kill()
    server.sql("DELETE FROM postern_gateway WHERE name = 'b'", database)
    wait_for(lambda: a.entries() == {"r1": ("unknown", "a")}, "the takeover")


def test_a_write_that_is_refused_is_not_hammered(server, database, stores):
    role = f"r{next(_names)}"
    server.sql(f"CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON postern_gateway, postern_ledger, "
               f"postern_revision TO {role}; GRANT SELECT ON postern_entry TO {role}", database)
    a = stores(server.url(database).replace("postern@", f"{role}:sesame@"), timeout_ms=1000)
    assert a.reserved("r1") == ("refused", "quota.unavailable")
    a.wait_stderr("has not the rights")
    assert a.stderr.count("has not the rights") < 10
    assert "sesame" not in a.stderr
    server.sql(f"GRANT INSERT, UPDATE, DELETE ON postern_entry TO {role}", database)
    wait_for(lambda: a.reserved(f"r{next(_names)}x") == ("granted",), "the store to work")


def _copy(server, database, name):
    """A copy needs that nobody is connected, for a moment."""
    server.sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
    server.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
    wait_for(lambda: not server.sql(f"SELECT 1 FROM pg_stat_activity WHERE datname = '{database}'"), "connections to end")
    server.create(name, database)
    server.sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")


def test_a_restart_takes_back_its_own(server, database, stores):
    url = server.url(database)
    a = stores(url)
    assert a.reserved("r1") == ("granted",)
    a.kill()
    again = stores(url)
    again.wait_available()
    assert again.entries() == {"r1": ("unknown", "a")}
    wait_for(lambda: server.sql("SELECT state FROM postern_entry", database) == [["unknown"]], "the row")


def test_two_of_one_name(server, database, stores):
    url = server.url(database)
    first = stores(url, timeout_ms=2000, lease_ms=1000)
    first.wait_available()
    second = stores(url, timeout_ms=2000, lease_ms=1000)
    second.wait_available()
    wait_for(lambda: not first.state()["available"], "the first to stop")
    assert first.reserved("r1") == ("refused", "quota.unavailable")
    assert second.reserved("r2") == ("granted",)
    first.wait_stderr("another gateway of this name")


def test_lost_races_are_tried_again(server, database, stores):
    """Many asks of several gateways at once: races are lost, and all get their place."""
    gateways = [stores(server.url(database), name, limit=1000, timeout_ms=60000) for name in "abc"]
    for gateway in gateways:
        gateway.wait_available()
    waiting = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND wait_event_type = 'Lock'"
    with server.holding("SELECT 1 FROM postern_ledger FOR UPDATE", database):  # all three race for the same revision
        for gateway in gateways:
            gateway.reserve(f"{gateway.name}0")
        wait_for(lambda: server.sql(waiting) == [["3"]], "three that write")
    for i in range(1, 60):
        for gateway in gateways:
            gateway.reserve(f"{gateway.name}{i}")
    for gateway in gateways:
        for i in range(60):
            assert gateway.answer(f"{gateway.name}{i}", 60) == ("granted",)
    assert sum(gateway.state()["retries"] for gateway in gateways) > 0
    assert _taken(server, database) == 180


def test_the_lists_are_one_in_the_end(server, database, stores):
    gateways = [stores(server.url(database), name, limit=1000) for name in "ab"]
    for i in range(20):
        for gateway in gateways:
            assert gateway.reserved(f"{gateway.name}{i}") == ("granted",)
            gateway.settle(f"{gateway.name}{i}", ("created", "nothing", "held")[i % 3], f"i{gateway.name}{i}")

    def stored():
        rows = server.sql("SELECT id, state, gateway FROM postern_entry WHERE NOT gone", database)
        return {row[0]: tuple(row[1:]) for row in rows}
    wait_for(lambda: gateways[0].entries() == gateways[1].entries() == stored(), "the same entries")
    assert len(stored()) == 26
