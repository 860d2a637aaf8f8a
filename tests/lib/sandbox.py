# SPDX-License-Identifier: BSD-3-Clause
"""
sandbox: the private world in which tests with traffic run.

One re-exec through unshare(1) gives the test run its own network, process,
mount and IPC namespaces.  Nothing in there can bind a port of the host or
touch its interfaces, network namespace names need not be unique, and when the
first process dies, by whatever signal, the kernel kills every process of the
run and frees every interface and temporary file: nothing stale is left behind
that a later run would have to clean up.
"""

import os
import signal
import subprocess
import sys
import tempfile

import lab

MARK = "FLOE_SANDBOX"
SCRATCH = "/run/floe-test"


def inside():
    """True once this process runs in its sandbox."""
    return os.environ.get(MARK) == "1" and os.getpid() == 1


def enter():
    """Continue this program inside a new sandbox; needs root."""
    if inside():
        _furnish()
        return
    if os.geteuid() != 0:
        sys.exit("the network tests need root: run them through ./runtests")
    os.environ[MARK] = "1"
    os.execvp(
        "unshare",
        ["unshare", "--net", "--mount", "--pid", "--ipc", "--fork",
         "--kill-child", "--mount-proc", "--", sys.executable] + sys.argv)


def _replace(path, text):
    """Other contents for a file, in here only."""
    ours = os.path.join(SCRATCH, os.path.basename(path))
    with open(ours, "w", encoding="ascii") as file:
        file.write(text)
    subprocess.run(["mount", "--bind", ours, path], check=True)


def _furnish():
    # Process 1 gets no default signal actions, so name the one we want.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    for folder in ("/run/netns", SCRATCH):
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    tempfile.tempdir = SCRATCH
    # The name of the lab's server, and at once no answer for any other: no
    # name server listens there.
    _replace("/etc/hosts", f"127.0.0.1 localhost\n"
             f"{lab.SERVER} {lab.SERVER_NAME}\n")
    _replace("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
