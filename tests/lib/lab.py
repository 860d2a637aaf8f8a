# SPDX-License-Identifier: BSD-3-Clause
"""
lab: a small internet out of network namespaces.

    client-a 10.61.0.2 --- nat-a ---+
                                    +--- internet --- server 11.0.0.10, .11
    client-b 10.62.0.2 --- nat-b ---+

Runs inside a sandbox (sandbox.py); its names are free there and its remains
vanish with the run.
"""

import os
import signal
import subprocess

import nat

# The "public" network.  TURN servers refuse private, shared, documentation and
# other special ranges as peers, and so does turnd, so a lab must use addresses
# that look like anybody's.  These never leave the sandbox.
PUBLIC_NET = "11.0.0"
GATEWAY = f"{PUBLIC_NET}.1"
SERVER = f"{PUBLIC_NET}.10"
SERVER_NAME = "server.floe.test"  # /etc/hosts of the sandbox knows it
SERVER_ALTERNATE = f"{PUBLIC_NET}.11"


class Node:
    """One namespace.  Owns the processes started in it."""

    def __init__(self, name, address):
        self.name = name
        self.address = address
        self.processes = []
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.run(["ip", "link", "set", "lo", "up"])
        self.set("ipv6/conf/all/disable_ipv6", 1)

    def command(self, argv):
        """The argv that runs `argv` in this namespace."""
        return ["nsenter", f"--net=/run/netns/{self.name}", "--", *argv]

    def run(self, argv, check=True, timeout=60, **options):
        """Run to the end; output is returned as text unless redirected."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.STDOUT)
        done = subprocess.run(self.command(argv), text=True, timeout=timeout,
                              **options)
        if check and done.returncode != 0:
            raise RuntimeError(
                f"{self.name}: {' '.join(argv)}: exit {done.returncode}\n"
                f"{done.stdout}")
        return done

    def start(self, argv, **options):
        """Start a process group that dies with this node."""
        process = subprocess.Popen(self.command(argv), start_new_session=True,
                                   **options)
        self.processes.append(process)
        return process

    def set(self, key, value):
        """Write one of the namespace's own /proc/sys/net settings."""
        self.run(["sh", "-c", f"echo {value} > /proc/sys/net/{key}"])

    def listens(self, port, udp=False):
        """True when a socket is bound to the port in this namespace."""
        kind = "-Hlun" if udp else "-Hltn"
        return self.run(["ss", kind, f"sport = :{port}"]).stdout.strip()

    def remove(self):
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        # Browsers leave helpers in groups of their own.
        left = subprocess.run(["ip", "netns", "pids", self.name], text=True,
                              stdout=subprocess.PIPE).stdout.split()
        for pid in map(int, left):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        subprocess.run(["ip", "netns", "delete", self.name], check=True)


class Lab:
    """A server and two clients behind NATs of the kinds, until remove()."""

    def __init__(self, nat_a, nat_b):
        self.nodes = []
        try:
            self.internet = self._internet()
            self.server = self._server()
            self.a = self._site("a", 61, 21, nat_a)
            self.b = self._site("b", 62, 22, nat_b)
        except BaseException:
            self.remove()
            raise

    def remove(self):
        for node in reversed(self.nodes):
            node.remove()

    def _node(self, name, address):
        node = Node(name, address)
        self.nodes.append(node)
        return node

    def _internet(self):
        # Forwarding stays off, so whatever is for nobody ends here, silently.
        node = self._node("internet", GATEWAY)
        node.run(["ip", "link", "add", "bridge", "type", "bridge"])
        node.run(["ip", "link", "set", "bridge", "up"])
        node.run(["ip", "addr", "add", f"{GATEWAY}/24", "dev", "bridge"])
        return node

    def _plug(self, node, port):
        """A cable from the node's new interface `wan` to the internet."""
        node.run(["ip", "link", "add", "wan", "type", "veth", "peer", "name",
                  port, "netns", self.internet.name])
        self.internet.run(["ip", "link", "set", port, "master", "bridge",
                           "up"])
        node.run(["ip", "link", "set", "wan", "up"])

    def _host(self, name, *addresses):
        """A node with public addresses, the first of which it is known by."""
        node = self._node(name, addresses[0])
        self._plug(node, name)
        for address in addresses:
            node.run(["ip", "addr", "add", f"{address}/24", "dev", "wan"])
        # The internet swallows what it has no owner for.  Relays send to
        # private candidates before the other side has told better ones, and
        # an error on that send is an event that a real server, which has a
        # default route, never sees.
        node.run(["ip", "route", "add", "default", "via", GATEWAY])
        return node

    def _server(self):
        return self._host("server", SERVER, SERVER_ALTERNATE)

    def _site(self, letter, site, host, kind):
        if kind == nat.NONE:
            return self._host(f"client-{letter}", f"{PUBLIC_NET}.{host}")
        router = self._node(f"nat-{letter}", f"{PUBLIC_NET}.{host}")
        client = self._node(f"client-{letter}", f"10.{site}.0.2")
        self._plug(router, f"nat-{letter}")
        router.run(["ip", "addr", "add", f"{router.address}/24", "dev", "wan"])
        router.run(["ip", "link", "add", "lan", "type", "veth", "peer", "name",
                    "eth0", "netns", client.name])
        router.run(["ip", "addr", "add", f"10.{site}.0.1/24", "dev", "lan"])
        router.run(["ip", "link", "set", "lan", "up"])
        router.run(["ip", "route", "add", "default", "via", GATEWAY])
        router.set("ipv4/ip_forward", 1)
        router.run(["nft", "-f", "-"], input=nat.rules(kind))
        client.run(["ip", "addr", "add", f"{client.address}/24", "dev",
                    "eth0"])
        client.run(["ip", "link", "set", "eth0", "up"])
        client.run(["ip", "route", "add", "default", "via",
                    f"10.{site}.0.1"])
        return client
