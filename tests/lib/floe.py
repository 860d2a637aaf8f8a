# SPDX-License-Identifier: BSD-3-Clause
"""floe: how the tests set the three daemons up on one address."""

import json
import os
import subprocess
import urllib.error
import urllib.request

import answers
import daemon
import root
import wait

STUN_PORT = 3478
TURN_PORT = 3479
STUNS_PORT = 5349
TURNS_PORT = 5350
PAGE_PORT = 8080
ADMIN_PORTS = {"stund": 9640, "turnd": 9641, "signald": 9642}
REALM = "floe.test"
TURN_SECRET = "a secret of the tests"
TURN_USER = ("alice", "wonderland")
ADMIN_TOKEN = "token-of-the-tests"


def sections(case, address, tls=None):
    """The settings of a whole Floe, to change before they are written."""
    token = case.path("admin.token")
    with open(token, "w", encoding="utf-8") as file:
        file.write(ADMIN_TOKEN + "\n")
    scheme = "https" if tls else "http"

    def admin(name):
        return [("admin", f"http://127.0.0.1:{ADMIN_PORTS[name]}"),
                ("admin-token-file", token)]

    common = [("realm", REALM), ("state-dir", case.folder),
              ("turn-secret", TURN_SECRET)]
    if tls:
        common += [("tls-cert", tls[0]), ("tls-key", tls[1])]
    def secure(port):
        return [("listen", f"{scheme}://{address}:{port}")
                for scheme in ("tls", "dtls")] if tls else []

    return {
        "floe": common,
        "stund": [("listen", f"udp://{address}:{STUN_PORT}"),
                  ("listen", f"tcp://{address}:{STUN_PORT}"),
                  *secure(STUNS_PORT), *admin("stund")],
        "turnd": [("listen", f"udp://{address}:{TURN_PORT}"),
                  ("listen", f"tcp://{address}:{TURN_PORT}"),
                  *secure(TURNS_PORT),
                  ("relay-address", address),
                  ("user", ":".join(TURN_USER)), *admin("turnd")],
        "signald": [("listen", f"{scheme}://{address}:{PAGE_PORT}"),
                    ("stun-uri", f"stun:{address}:{STUN_PORT}"),
                    *(("turn-uri",
                       f"turn:{address}:{TURN_PORT}?transport={transport}")
                      for transport in ("udp", "tcp")),
                    ("web-dir", os.path.join(root.SOURCE, "web")),
                    ("open-registration", "yes"), *admin("signald")],
    }


def start(case, name, conf, node=None):
    """Start one daemon and wait until its admin side answers."""
    return case.daemon(name, [daemon.program(name), "-c", conf],
                       ready=lambda: healthy(name, node), node=node)


def healthy(name, node=None):
    try:
        return get(name, "/healthz", node) is not None
    except (OSError, RuntimeError):
        return False


def get(name, path, node=None):
    """The text of an admin page, asked for where the daemon runs."""
    url = f"http://127.0.0.1:{ADMIN_PORTS[name]}{path}"
    header = f"Authorization: Bearer {ADMIN_TOKEN}"
    if node:
        return node.run(["curl", "-fsS", "-m", "5", "-H", header, url]).stdout
    request = urllib.request.Request(url, headers=dict([header.split(": ")]))
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read().decode()


def ask(name, method, path, body=None):
    """(status, parsed JSON or None) of a request to a daemon's admin side."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{ADMIN_PORTS[name]}{path}", method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            status, text = refused.code, refused.read()
    answers.check(name + "-admin", method, path, status, text)
    return status, json.loads(text) if text else None


def make_friends(node, password, *users):
    """Accounts that are each other's friends, over signald's admin side."""
    def post(path, body):
        node.run(["curl", "-fsS", "-m", "20", "-X", "POST",
                  "-H", f"Authorization: Bearer {ADMIN_TOKEN}",
                  "-d", json.dumps(body),
                  f"http://127.0.0.1:{ADMIN_PORTS['signald']}{path}"])

    for user in users:
        post("/v1/users", {"user": user, "password": password})
    for i, user in enumerate(users):
        for other in users[:i]:
            post("/v1/contacts", {"users": [user, other]})


def descriptors(name, server):
    """How many a daemon has open, without those that asked its admin side:
    they are closed some time after the answer."""
    wait.until("the admin side has closed its connections", lambda: not
               subprocess.run(
                   ["ss", "-Htn", "state", "established", "state",
                    "close-wait", "sport", "=", f":{ADMIN_PORTS[name]}"],
                   capture_output=True, check=True).stdout)
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def metric(name, wanted, node=None, label=""):
    """Sum of a metric over all its labels, or over those with one of them;
    None when there is none."""
    values = []
    for line in get(name, "/metrics", node).splitlines():
        key, _, value = line.rpartition(" ")
        if key.split("{")[0] == wanted and label in key:
            values.append(float(value))
    return sum(values) if values else None
