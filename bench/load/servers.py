# SPDX-License-Identifier: BSD-3-Clause
"""
servers: what the benches of chat and signaling start: signald, Prosody, and
the signaling servers in node/; and the loads that are put on them.
"""

import json
import os
import re
import secrets
import subprocess
import sys

import sidebyside as side

SIGNALD_PORT, ADMIN_PORT, XMPP_PORT, NODE_PORT = 8080, 9642, 5222, 8090
ADMIN_TOKEN = "of-the-bench-alone"
NODE = os.path.join(side.HERE, "node")

PROSODY = """
data_path = "{folder}/data"
pidfile = "{folder}/prosody.pid"
plugin_paths = {{}}
run_as_root = true
interfaces = {{ "127.0.0.1" }}
modules_enabled = {{ "disco", "roster", "saslauth", "smacks", "mam", "carbons",
    "offline", "ping", "posix" }}
modules_disabled = {{ "s2s", "tls" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
default_archive_policy = true
storage = {{ archive = "{archive}" }}
sql = {{ driver = "SQLite3", database = "archive.sqlite" }}
log = {{ warn = "*console" }}
VirtualHost "localhost"
"""


def program(args, name):
    return os.path.join(args.build, "bench", "load", name)


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


class Signald:
    """signald that takes the tokens of an identity service: the loads'."""

    port = SIGNALD_PORT
    slow = False

    def __init__(self, folder, args):
        self.secret = write(folder, "secret", secrets.token_hex(32))
        admin = write(folder, "admin.token", ADMIN_TOKEN)
        conf = write(
            folder, "floe.conf",
            f"[floe]\nlog-level = warn\nstate-dir = {folder}\n"
            f"[signald]\nlisten = http://127.0.0.1:{self.port}\n"
            f"jwt-key = load HS256 {self.secret}\n"
            f"max-sessions = 1000\nmax-strangers = 1000000\n"
            f"request-rate = 0\nmessage-rate = 0\n"
            f"web-dir = {os.path.join(side.TOP, 'web')}\n"
            f"admin = http://127.0.0.1:{ADMIN_PORT}\n"
            f"admin-token-file = {admin}\n")
        self.argv = [os.path.join(args.build, "signald", "signald"),
                     "-c", conf]

    def texts(self, args):
        return [program(args, "signald-load"), "-p", str(self.port),
                "-k", self.secret, "-u", str(args.users)]

    def signaling(self, args):
        return [program(args, "signaling-load"), "-s", "floe", "-p",
                str(self.port), "-k", self.secret]

    @staticmethod
    def group(net):
        """(messages, groups of messages) written so far."""
        text = subprocess.run(side.inside(net.server, [
            "curl", "-sSf", "-H", f"Authorization: Bearer {ADMIN_TOKEN}",
            f"http://127.0.0.1:{ADMIN_PORT}/metrics"]),
            check=True, text=True, capture_output=True).stdout
        return [int(re.search(rf"^signald_commit_group_size_{what} (\d+)",
                              text, re.M).group(1))
                for what in ("sum", "count")]


class Prosody:
    """Prosody with an archive of one kind, and accounts for args.users."""

    port = XMPP_PORT

    def __init__(self, folder, args, archive):
        accounts = os.path.join(folder, "data", "localhost", "accounts")
        os.makedirs(accounts)
        for i in range(args.users):
            write(accounts, f"load{i}.dat",
                  'return { ["password"] = "x"; };\n')
        conf = write(folder, "prosody.cfg.lua",
                     PROSODY.format(folder=folder, archive=archive))
        self.argv = ["prosody", "--config", conf, "-F"]
        self.slow = archive == "sql"  # a transaction a message

    @staticmethod
    def texts(args):
        return [os.path.join(side.HERE, "xmpp-load"), "-u", str(args.users)]

    @staticmethod
    def group(_):
        return None


class Node:
    """A signaling server in node/, by the word of signaling-load for it."""

    port = NODE_PORT

    def __init__(self, folder, _args, word):
        self.word = word
        self.secret = write(folder, "secret", secrets.token_hex(32))
        self.argv = ["node", os.path.join(NODE, f"{word}-relay.mjs"),
                     str(self.port), self.secret]

    def signaling(self, args):
        return [program(args, "signaling-load"), "-s", self.word, "-p",
                str(self.port), "-k", self.secret]


def node_version(package):
    """Of what `npm ci` has installed."""
    with open(os.path.join(NODE, "node_modules", package, "package.json"),
              encoding="utf-8") as f:
        return json.load(f)["version"]


def load(net, argv, *more):
    """Starts a generator and waits until all its links are there."""
    argv = [str(a) for a in (*argv, *more)]
    process = subprocess.Popen(side.inside(net.server, argv), text=True,
                               stdout=subprocess.PIPE)
    line = process.stdout.readline()
    if not line.startswith("ready "):
        sys.exit(f"{argv[0]} did not get its links")
    return process


def finish(process):
    told = process.communicate(timeout=300)[0]
    errors = int(re.search(r"errors (\d+)", told).group(1))
    if process.returncode != 0 or errors:
        sys.exit(f"a load failed: {told}")
    return {
        "acked": int(re.search(r"acked (\d+)", told).group(1)),
        "rate": int(re.search(r"acked \d+ \((\d+)/s\)", told).group(1)),
        "p50": float(re.search(r"p50 ([\d.]+)", told).group(1)),
        "p99": float(re.search(r"p99 ([\d.]+)", told).group(1))}


def cpu_us(server, process):
    """What the load tells, and CPU of the server for each that it counted."""
    cpu = side.cpu_s(server.pid)
    told = finish(process)
    cpu = side.cpu_s(server.pid) - cpu
    if told["acked"] > 0:
        told["us"] = cpu * 1e6 / told["acked"]
    return told
