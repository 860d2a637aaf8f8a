# SPDX-License-Identifier: BSD-3-Clause
"""
turnservers: what the benches of relaying start: turnd, coturn, and the
forwarder beside this; and turn-load, which is their clients and peers.
"""

import os
import subprocess
import sys

import sidebyside as side

PORT = 3478
USER, PASSWORD = "alice", "wonderland"

# Tried over veth, least of five runs each: -m 0 (the listener's thread relays,
# too) and -m 1 with each of --ne=1 (a connected socket for every client), 2 and
# 3 (one for each address, or for each thread; 3 is the default), and without
# SOFTWARE, STUN and the dynamic lists of peers and realms. Those four change
# nothing that can be measured. With --ne=1 a lone packet of one flow costs a
# tenth less, as the kernel need not look for a route each time, but with 100
# flows there are three polls in vain for each packet; -m 0 --ne=2 makes the
# fewest calls there and costs some 5 % less than the default. So each shape of
# traffic gets what is best for it.
COTURN_BEST_ONE = ("-m", "1", "--ne=1")
COTURN_BEST_MANY = ("-m", "0", "--ne=2")

def program(args, name):
    return os.path.join(args.build, "bench", "load", name)


def certificate(folder):
    """Paths of a self-signed one and of its key."""
    cert, key = (os.path.join(folder, f) for f in ("cert.pem", "key.pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=bench", "-keyout", key, "-out", cert], check=True,
        capture_output=True)
    return cert, key


def turnd(folder, args, over="udp"):
    """Without limits on how often, how many or whom."""
    text = (f"[floe]\nrealm = bench\nlog-level = warn\nworkers = 1\n"
            f"[turnd]\nlisten = {over}://{side.SERVER}:{PORT}\n"
            f"relay-address = {side.SERVER}\nuser = {USER}:{PASSWORD}\n"
            f"allow-peer = 10.77.0.0/24\nallow-peer = {side.SERVER}/32\n"
            "user-quota = 1000000\nrate-limit = off\n"
            "connections-per-address = 20000\ntcp-connections = 20000\n")
    text += "".join(f"{line}\n" for line in getattr(args, "set", ()))
    if over == "tls":
        cert, key = certificate(folder)
        text = text.replace("[turnd]", f"tls-cert = {cert}\n"
                            f"tls-key = {key}\n[turnd]")
    conf = os.path.join(folder, "floe.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write(text)
    return [os.path.join(args.build, "turnd", "turnd"), "-c", conf]


def coturn(folder, _args, over="udp", options=("-m", "1")):
    """With one relay thread, else as it is by default."""
    argv = ["turnserver", "-n", "-L", side.SERVER, "-E", side.SERVER, "-a",
            "-u", f"{USER}:{PASSWORD}", "-r", "bench", "--no-dtls", "--no-cli",
            "--log-file", os.path.join(folder, "coturn.log"), "--simple-log",
            "--pidfile", os.path.join(folder, "coturn.pid"), "--userdb",
            os.path.join(folder, "coturn.db"), *options]
    if over == "tls":
        # On its port for TCP it speaks TLS, too.
        cert, key = certificate(folder)
        return [*argv, "-p", str(PORT), "--cert", cert, "--pkey", key]
    argv += ["-p", str(PORT), "--no-tls"]
    return argv if over == "tcp" else [*argv, "--no-tcp"]


def coturn_best(flows):
    options = COTURN_BEST_ONE if flows == 1 else COTURN_BEST_MANY

    def command(folder, args, over="udp"):
        return coturn(folder, args, over, options)

    return command


def forward(technique):
    def command(_folder, args, _over=None):
        return [program(args, "forward"), "-t", technique,
                f"{side.SERVER}:{PORT}"]

    return command


def words(line, wanted):
    """A line "word number word number ..." that begins with this word."""
    fields = line.split()
    if not fields or fields[0] != wanted:
        sys.exit(f"turn-load failed, instead of {wanted} it said: {line}")
    return dict(zip(fields[::2], map(float, fields[1::2])))


class Load:
    """turn-load, once it is ready; what it does then is in `go`."""

    def __init__(self, net, args, *argv, ready="ready"):
        command = [program(args, "turn-load"), "-u", USER, "-w", PASSWORD,
                   "-i", *map(str, argv), f"{side.SERVER}:{PORT}"]
        self.process = subprocess.Popen(
            side.inside(net.client, command), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ready = self.line(ready)

    def line(self, wanted):
        return words(self.process.stdout.readline(), wanted)

    def go(self, wanted):
        """What it says at its end; it keeps what it has until it is left."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.line(wanted)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        """Its allocations end, so that another one may get its ports."""
        if kind is not None:
            self.process.kill()
        self.process.communicate()
