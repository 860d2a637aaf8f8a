# SPDX-License-Identifier: BSD-3-Clause
"""
sidebyside: what the benches of whole daemons share: network namespaces, fresh
servers that take turns, their CPU time and memory, and a table of medians.
"""

import argparse
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SERVER, CLIENT = "10.77.0.1", "10.77.0.2"
SETTLE_S = 120  # a slow disk and many messages that wait for it
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def parser(description, rounds):
    p = argparse.ArgumentParser(description=description)
    p.add_argument("--build", default=os.path.join(TOP, "build"))
    p.add_argument("--rounds", type=int, default=rounds,
                   help="runs of each server")
    p.add_argument("--json", action="store_true",
                   help="print the table as JSON")
    return p


def need_root():
    """Also: whoever ends us lets us put the namespaces away."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    if os.geteuid() != 0:
        sys.exit(f"{os.path.basename(sys.argv[0])}: needs root for network "
                 "namespaces")


def raise_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def run(*argv):
    subprocess.run(argv, check=True)


class Net:
    """Two namespaces and the wire between them; or one, and its loopback."""

    def __init__(self, loopback=False):
        self.server = f"bench-{os.getpid()}-s"
        self.client = self.server if loopback else f"bench-{os.getpid()}-c"

    def __enter__(self):
        for name in {self.server, self.client}:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        if self.client == self.server:
            run("ip", "-n", self.server, "addr", "add", SERVER + "/32", "dev",
                "lo")
            return self
        run("ip", "-n", self.server, "link", "add", "wire", "type", "veth",
            "peer", "name", "wire", "netns", self.client)
        for name, addr in ((self.server, SERVER), (self.client, CLIENT)):
            run("ip", "-n", name, "addr", "add", addr + "/24", "dev", "wire")
            run("ip", "-n", name, "link", "set", "wire", "up")
        return self

    def __exit__(self, *_):
        for name in {self.server, self.client}:
            subprocess.run(["ip", "netns", "del", name], check=False)


def inside(netns, argv):
    return ["ip", "netns", "exec", netns, *argv]


def start(netns, argv, log):
    with open(log, "ab") as out:
        return subprocess.Popen(inside(netns, argv), stdout=out, stderr=out,
                                stdin=subprocess.DEVNULL)


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def cpu_s(pid):
    """utime + stime of all threads."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def busy_s(pid):
    """The same by the clock of the scheduler, which counts no ticks."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="utf-8") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return int(re.search(r"^VmRSS:\s+(\d+) kB", f.read(), re.M).group(1))


def listening(netns, port):
    """Whether a socket of the namespace, UDP or TCP, has the port."""
    return subprocess.run(
        inside(netns, ["ss", "-Htuln", f"sport = :{port}"]), check=True,
        text=True, capture_output=True).stdout != ""


class Server:
    """A fresh server in the server's namespace, up and idle."""

    def __init__(self, name, net, argv, port, folder):
        log = os.path.join(folder, name + ".log")
        self.process = start(net.server, argv, log)
        self.pid = self.process.pid
        try:
            if not self.comes_up(net, port):
                with open(log, encoding="utf-8") as f:
                    sys.exit(f"{name} did not start:\n{f.read()}")
            self.settle()
        except BaseException:
            stop(self.process)
            raise

    def comes_up(self, net, port):
        deadline = time.monotonic() + 20
        while not listening(net.server, port):
            if time.monotonic() > deadline or self.process.poll() is not None:
                return False
            time.sleep(0.05)
        return True

    def settle(self):
        """Until a server is done with its start, or with an earlier load."""
        deadline = time.monotonic() + SETTLE_S
        before = -1
        while cpu_s(self.pid) != before and time.monotonic() < deadline:
            before = cpu_s(self.pid)
            time.sleep(0.5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.process)


def take_turns(args, measure):
    """{server: measure(server, net, folder)} of all rounds, A B A B ...

    `measure` is a function for each server by name.
    """
    runs = {name: [] for name in measure}
    with Net(getattr(args, "loopback", False)) as net:
        for i in range(args.rounds):
            for name, function in measure.items():
                with tempfile.TemporaryDirectory() as folder:
                    result = function(net, folder)
                runs[name].append(result)
                told = ", ".join(f"{k} {v:.4g}" for k, v in result.items())
                print(f"# round {i + 1} {name}: {told}", file=sys.stderr,
                      flush=True)
    return runs


def summary(runs, columns):
    """columns: (key, heading, digits, whether a ratio makes sense)."""
    rows = {}
    for name, results in runs.items():
        rows[name] = []
        for key, *_ in columns:
            values = [r[key] for r in results if key in r]
            rows[name].append([statistics.median(values), min(values),
                               max(values)] if values else None)
    return {"columns": [list(c) for c in columns], "rows": rows}


def cell(value, digits):
    if value is None:
        return "-"
    median, least, most = (f"{v:,.{digits}f}" for v in value)
    return median if least == most else f"{median} ({least} to {most})"


def ratio_row(name, row, first_name, first, columns):
    def one(i, column):
        if not column[3] or not row[i] or not first[i] or not first[i][0]:
            return ""
        return f"{row[i][0] / first[i][0]:.2f}"

    return [f"{name} : {first_name}",
            *(one(i, c) for i, c in enumerate(columns))]


def markdown(told):
    columns, rows = told["columns"], told["rows"]
    lines = [["", *(c[1] for c in columns)], ["---"] * (len(columns) + 1)]
    for name, row in rows.items():
        lines.append([name, *(cell(v, c[2]) for v, c in zip(row, columns))])
    first = next(iter(rows))
    for name in list(rows)[1:]:
        lines.append(ratio_row(name, rows[name], first, rows[first], columns))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tell(args, runs, columns):
    told = summary(runs, columns)
    print(json.dumps(told) if args.json else markdown(told), flush=True)
