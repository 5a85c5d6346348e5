# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the system tests: the real gateway, the stand-in cloud, and certificates, each in folders of its own.

The programs are those of the build folder that POSTERN_BUILD names (build/dev if it is not set)."""

import os
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from support import bodies  # noqa: E402
from support.gateway import Gateway, Site, run_command  # noqa: E402
from support.pki import Pki  # noqa: E402
from support.process import end_all  # noqa: E402
from support.sim import Cloud  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


def build_folder():
    return (ROOT / os.environ.get("POSTERN_BUILD", "build/dev")).resolve()


def _program(name):
    path = build_folder() / name
    assert path.exists(), f"{path} is not built; POSTERN_BUILD names the build folder"
    return path


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Leaves the outcome of the test's body on the item, so that fixtures can print what helps on a failure."""
    report = (yield).get_result()
    if report.when == "call":
        item.failed_body = report.failed


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def program():
    """The path of a program by its name."""
    return _program


@pytest.fixture(scope="session")
def postern():
    """Runs a command of the gateway that ends by itself."""
    binary = _program("postern")

    def run(*args, cwd=None, text=None, timeout=60):
        return run_command([str(binary), *map(str, args)], cwd, text, timeout)
    return run


@pytest.fixture
def processes(request):
    """Processes started by the test: none stays, none may have been told off by a sanitizer, and what a gateway
    leaves behind must be whole."""
    started = []
    yield started
    reports = end_all(started)
    for process in started:
        if getattr(request.node, "failed_body", True) or reports:
            print(f"--- stderr of {process.name} ({process.pid}), status {process.popen.returncode}\n{process.stderr}")
    assert not reports, reports


@pytest.fixture
def folder():
    """A temporary folder with a short path (a socket's path has at most 107 bytes)."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="postern-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def cloud_factory(pki, processes):
    def make(**options):
        cloud = Cloud(_program("modelarts-sim"), pki, **options)
        processes.append(cloud)
        return cloud
    return make


@pytest.fixture
def cloud(cloud_factory):
    return cloud_factory()


@pytest.fixture
def site_factory(folder, pki):
    """Makes a Site: settings, policies and journal in a folder. settings: laid over the usual ones."""
    count = 0

    def make(policies=bodies.POLICIES, settings=None, url="https://127.0.0.1:1", name=None):
        nonlocal count
        count += 1
        return Site(_program("postern"), folder / (name or f"s{count}"), url, pki.ca, policies, settings)
    return make


@pytest.fixture
def gateway_factory(site_factory, processes, request):
    """Starts gateways. Without a site, one is made from policies, settings and the test's `cloud`."""
    def make(policies=bodies.POLICIES, settings=None, site=None, url=None, env=None, **options):
        if site is None:
            url = url or request.getfixturevalue("cloud").url
            site = site_factory(policies, settings, url)
        gateway = Gateway(site, env, **options)
        processes.append(gateway)
        return gateway
    return make


@pytest.fixture
def gateway(gateway_factory, cloud):
    return gateway_factory()


@pytest.fixture
def token():
    """A token of alice in the usual project."""
    from support.tokens import make_token
    return make_token(user="alice", project=bodies.PROJECT, roles=["te_admin"])
