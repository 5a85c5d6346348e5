#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Postern against HAProxy and nginx + Lua, in one run. Started by bench/run, which builds; standard library only."""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile

import processes
import restart

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROJECT = "0123456789abcdef0123456789abcdef"
CREATE = f"/v1/{PROJECT}/demanager/instances"
LIST = f"/v1/{PROJECT}/notebooks?limit=100"
PROXY_CORE, LOAD_CORE = sorted(os.sched_getaffinity(0))[:2]

BODY = {
    "name": "notebook-@@@@@@@@@@@@",
    "description": "Fine-tuning of the demand forecast for the spring range: third run over the shops of the northern "
                   "region with the weather of the last five years as a further input. Results go to the usual place.",
    "profile_id": "Ascend-Power-Engine 1.0(python3)",
    "flavor": "modelarts.kat1.xlarge",
    "spec": {
        "storage": {"location": {"path": "/team-a/experiments/2026-11/forecast-northern-shops/"}, "type": "obs"},
        "annotations": {"cost-centre": "4711", "owner": "alice@example.org", "ticket": "FORECAST-2214",
                        "stage": "experiment", "retention": "90 days after the end of the experiment"},
        "auto_stop": {"enable": True, "duration": 3600, "prompt": True},
    },
    "workspace": {"id": "0"},
    "ai_project": {"id": "default-ai-project"},
}


def instance(name, identity):
    """An instance as the cloud shows it."""
    return {
        "id": identity, "name": name, "status": "CREATING", "description": "", "flavor": "modelarts.kat1.xlarge",
        "creation_timestamp": "1795430000000", "latest_update_timestamp": "1795430000000",
        "ai_project": {"id": "default-ai-project"}, "workspace": {"id": "0"},
        "user": {"id": "user-id-of-alice", "name": "alice"},
        "profile": {"id": "profile-1", "name": "Ascend-Powered-Engine 1.0 (python3)", "de_type": "Notebook"},
        "spec": {"auto_stop": {"enable": True, "duration": 3600},
                 "storage": {"type": "obs", "location": {"path": "/team-a/experiments/2026-11/"}}},
    }


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def make_token(size=0):
    command = [sys.executable, ROOT / "tests" / "support" / "token.py", "--expires", "6h", "--bytes", str(size)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def certificates(work):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=work, check=True, capture_output=True)

    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *new_key, "-days", "2", "-subj", "/CN=bench CA", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *new_key, "-subj", "/CN=localhost", "-keyout", "cloud.key", "-out", "cloud.csr")
    (work / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "cloud.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "san", "-out", "cloud.pem")


def fill(source, target, **values):
    """A file of bench/conf with its @words@ replaced."""
    text = (ROOT / "bench" / "conf" / source).read_text()
    target.write_text(re.sub(r"@(\w+)@", lambda match: str(values[match[1]]), text))
    return target


class Bench:
    """The processes of one run, and its folder."""

    def __init__(self, work, build, stack):
        self.work, self.build, self.stack = work, build, stack
        self.load = processes.Load(build / "postern-load", LOAD_CORE)
        self.user = "user root;" if os.geteuid() == 0 else ""
        self.shared = None

    def keep(self, daemon):
        self.stack.callback(daemon.stop)
        return daemon

    def start_upstream(self):
        listed = [instance(f"notebook-{i}", f"DE-{i:032x}") for i in range(1000)]
        text, target = '{"total_count":1000,"instances":[', 102400
        while len(text) + len(entry := compact(listed.pop(0)) + ",") + 30 < target:
            text += entry
        (self.work / "list.json").write_text(text.rstrip(",") + '],"pad":"' + "x" * (target - len(text) - 10) + '"}')
        port = processes.free_port()
        settings = fill("upstream.conf", self.work / "upstream.conf", work=self.work, port=port, project=PROJECT,
                        user=self.user, created=compact(instance("notebook", "DE-$request_id")),
                        one=compact(instance("notebook", "DE-1")))
        daemon = processes.Daemon("upstream", ["nginx", "-p", self.work, "-e", self.work / "upstream.log", "-c", settings],
                                  LOAD_CORE, self.work / "upstream.log")
        self.keep(daemon)
        processes.wait_port(port, daemon.process)
        self.shared = {"work": self.work, "upstream": port, "project": PROJECT, "user": self.user}

    def start_haproxy(self, name="HAProxy"):
        port = processes.free_port()
        settings = fill("haproxy.cfg", self.work / "haproxy.cfg", port=port, **self.shared)
        daemon = self.keep(processes.Daemon(name, ["haproxy", "-db", "-f", settings], PROXY_CORE,
                                            self.work / "haproxy.log", port))
        processes.wait_port(port, daemon.process)
        return daemon

    def start_nginx(self, name="nginx + Lua"):
        port = processes.free_port()
        shutil.copy(ROOT / "bench" / "conf" / "judge.lua", self.work)
        settings = fill("nginx.conf", self.work / "nginx.conf", port=port, **self.shared)
        daemon = self.keep(processes.Daemon(name, ["nginx", "-p", self.work, "-e", self.work / "nginx.log", "-c", settings],
                                            PROXY_CORE, self.work / "nginx.log", port))
        processes.wait_port(port, daemon.process)
        return daemon

    def start_postern(self, name="Postern", durability="sync", journal=None):
        word = re.sub(r"\W+", "-", name.lower()).strip("-")
        journal = journal or self.work / word / "journal"
        settings = fill("postern.yaml", self.work / f"{word}.yaml", name=word, durability=durability,
                        policies=ROOT / "bench" / "policies", journal=journal, **self.shared)
        journal.parent.mkdir(exist_ok=True)
        daemon = processes.start_postern(name, self.build / "postern", settings, PROXY_CORE, self.work / f"{word}.log")
        daemon.journal = journal
        return self.keep(daemon)


def request(method, path, token, body=None):
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway.example.org", "User-Agent: modelarts-sdk/1.4.18 python/3.11",
             "Accept: application/json", f"X-Auth-Token: {token}"]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body or ""]).encode()


def write_requests(work):
    """The files that the load generator sends: by workload."""
    short, long = make_token(), make_token(20000)
    rewritten = {**BODY, "spec": {key: value for key, value in BODY["spec"].items() if key != "auto_stop"}}
    texts = {
        "create-allow": request("POST", CREATE, short, compact(BODY)),
        "create-rewrite": request("POST", CREATE, short, compact(rewritten)),
        "get": request("GET", CREATE + "/one", short),
        "list": request("GET", LIST, short),
        "token": request("GET", CREATE + "/one", long),
        "cipher": request("GET", f"/v1/{PROJECT}/models/cipher", short),
    }
    for name, text in texts.items():
        (work / f"{name}.request").write_bytes(text)
    (work / "token").write_text(short)
    files = {name: [work / f"{name}.request"] for name in texts}
    return {**files, "create": files["create-allow"] + files["create-rewrite"]}, len(compact(BODY)), len(short), len(long)


WORKLOADS = {  # what is sent, how often, over how many connections, what it is called
    "create": ("create", 6000, 32, "create, half of them rewritten"),
    "crowd": ("create", 6000, 128, "the same create"),
    "get": ("get", 20000, 32, "small GET"),
    "list": ("list", 4000, 32, "100 KB answer"),
    "token": ("token", 8000, 32, "small GET with a 20 KB token"),
}


def measure(bench, daemon, files, connections, requests):
    """One round: what it cost the proxy, and what the clients saw."""
    user, system = daemon.user_system()
    before = daemon.cpu_ns()
    result = bench.load.run(daemon.port, files, connections, requests)
    cpu = daemon.cpu_ns() - before
    user, system = (after - then for after, then in zip(daemon.user_system(), (user, system)))
    result["cpu_us"] = cpu / 1000 / requests
    result["user_us"] = result["cpu_us"] * user / (user + system) if user + system else 0.0
    return result


def interleave(bench, count_of_rounds, daemons, files, connections, requests):
    """Round robin over the proxies, so that what else the machine does meets all of them."""
    rounds = {daemon.name: [] for daemon in daemons}
    for daemon in daemons:
        bench.load.run(daemon.port, files, connections, requests // 4)  # connections, caches, code
    for turn in range(count_of_rounds):
        for daemon in daemons[turn % len(daemons):] + daemons[:turn % len(daemons)]:
            rounds[daemon.name].append(measure(bench, daemon, files, connections, requests))
    return rounds


def spread(values, digits=1):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def ratio(rounds, name, other):
    """Of the same round, so that a slow minute of the machine doesn't count."""
    if name == other or other not in rounds:
        return "-"
    return spread([mine["cpu_us"] / theirs["cpu_us"] for mine, theirs in zip(rounds[name], rounds[other])], 2)


def table(title, rounds):
    print(f"\n### {title}\n")
    print("| proxy | CPU us a request | user + system | x HAProxy | x nginx + Lua | requests a second | p50 us | p99 us |")
    print("|---|---|---|---|---|---|---|---|")
    for name, results in rounds.items():
        column = {key: [result[key] for result in results] for key in results[0]}
        user = statistics.median(column["user_us"])
        print(f"| {name} | {spread(column['cpu_us'])} | {user:.1f} + {statistics.median(column['cpu_us']) - user:.1f} "
              f"| {ratio(rounds, name, 'HAProxy')} | {ratio(rounds, name, 'nginx + Lua')} "
              f"| {statistics.median(column['rate']):.0f} | {statistics.median(column['p50_us']):.0f} "
              f"| {statistics.median(column['p99_us']):.0f} |")
    sys.stdout.flush()


def fetch(port, text):
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(text.replace(b"\r\nHost:", b"\r\nConnection: close\r\nHost:", 1))
        return b"".join(iter(lambda: client.recv(65536), b""))


def check_ciphers(bench, daemons):
    """The same cipher for all, by the word of the upstream."""
    for daemon in daemons:
        answer = fetch(daemon.port, (bench.work / "cipher.request").read_bytes())
        if b"TLSv1.3 TLS_AES_128_GCM_SHA256" not in answer:
            raise RuntimeError(f"{daemon.name} speaks another cipher: {answer[-300:]}")


def check_judgements(work, daemons):
    """Half of the creates were rewritten, by both that judge."""
    lines = (work / "nginx-judged.log").read_text().splitlines()
    rewritten = sum('"decision":"rewrite"' in line for line in lines)
    if abs(2 * rewritten - len(lines)) > 8:
        raise RuntimeError(f"nginx + Lua rewrote {rewritten} of {len(lines)} creates")
    for daemon in daemons:
        if not daemon.name.startswith("Postern"):
            continue
        intents = rewritten = created = 0
        for segment in daemon.journal.glob("*.jsonl"):
            for line in segment.read_text().splitlines():
                intents += '"event":"intent"' in line
                rewritten += '"event":"intent"' in line and '"decision":"rewrite"' in line
                created += '"outcome":"created"' in line
        if intents == 0 or abs(2 * rewritten - intents) > 8 or created != intents:
            raise RuntimeError(f"{daemon.name}: {intents} intents, {rewritten} rewritten, {created} created")


def memory(bench, files, count):
    """Fresh processes: resident when idle, and what an idle connection takes."""
    print(f"\n### memory\n\n| proxy | resident, idle | {count} idle connections add, each |\n|---|---|---|")
    with contextlib.ExitStack() as stack:
        bench.stack, outer = stack, bench.stack
        for start in (bench.start_haproxy, bench.start_nginx, bench.start_postern):
            daemon = start()
            bench.load.run(daemon.port, files, 1, 1)
            total, before = daemon.memory_kb()
            with bench.load.idle(daemon.port, files, count):
                after = daemon.memory_kb()[1]
            print(f"| {daemon.name} | {total / 1024:.1f} MB | {(after - before) / count:.1f} KB |")
        bench.stack = outer


def run(bench, options, scratch):
    certificates(bench.work)
    files, *sizes = write_requests(bench.work)
    print("bodies of {} bytes, tokens of {} and {} bytes".format(*sizes))
    bench.start_upstream()
    memory(bench, files["get"], options.idle)
    others = [bench.start_haproxy(), bench.start_nginx()]
    sync = bench.start_postern("Postern, sync")
    judging = [sync, bench.start_postern("Postern, write", "write"),
               bench.start_postern("Postern, write, tmpfs", "write", scratch / "journal")]
    check_ciphers(bench, others + judging)
    results = {}
    for word in options.workloads:
        name, count, connections, title = WORKLOADS[word]
        daemons = others + (judging if name == "create" else [sync])
        count = max(count // options.divide, 8 * connections)
        results[word] = interleave(bench, options.rounds, daemons, files[name], connections, count)
        if name != "create":
            results[word]["Postern"] = results[word].pop(sync.name)
        table(f"{title}, {connections} connections", results[word])
    if {"create", "crowd"} & set(results):
        check_judgements(bench.work, others + judging)
    return results


def packages():
    """Versions of what was compared."""
    def version(*command):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return (done.stdout + done.stderr).splitlines()[0]

    return [version("haproxy", "-v"), version("nginx", "-v"), version("openssl", "version"),
            f"Linux {platform.release()}", f"{os.cpu_count()} cores"]


def parse():
    parser = argparse.ArgumentParser(description="Compares Postern with HAProxy and nginx + Lua.")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder with postern and postern-load")
    parser.add_argument("--rounds", type=int, default=7, help="of each proxy and workload (default: %(default)s)")
    parser.add_argument("--idle", type=int, default=1000, help="idle connections (default: %(default)s)")
    parser.add_argument("--quick", dest="divide", action="store_const", const=10, default=1,
                        help="a tenth of the requests: to try the script, not to measure")
    parser.add_argument("--json", type=pathlib.Path, help="all rounds, as JSON")
    parser.add_argument("--skip-micro", action="store_true")
    parser.add_argument("workloads", nargs="*", default=list(WORKLOADS), metavar="WORKLOAD",
                        help="of " + " ".join(WORKLOADS))
    options = parser.parse_args()
    if not set(options.workloads) <= set(WORKLOADS):
        parser.error("a workload is one of " + " ".join(WORKLOADS))
    return options


def main():
    options = parse()
    options.build = options.build.resolve()
    print(f"{datetime.date.today()}: " + "; ".join(packages()))
    memory_disk = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory(dir=memory_disk) as scratch, \
            contextlib.ExitStack() as stack:
        work = pathlib.Path(work)
        bench = Bench(work, options.build, stack)
        try:
            results = run(bench, options, pathlib.Path(scratch))
            if not options.skip_micro:
                print("\n### one by one\n", flush=True)
                subprocess.run([options.build / "postern-bench", work / "token"], check=True)
            print("\n### start_100k\n", flush=True)
            results["start_100k"] = {"Postern": restart.report(options.build / "postern")}
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            for log in work.glob("*.log"):
                if log.name != "nginx-judged.log" and log.stat().st_size:
                    print(f"{log.name}: {log.read_text()[-1500:]}", file=sys.stderr)
            sys.exit(f"bench: {error}")
        if options.json:
            options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
