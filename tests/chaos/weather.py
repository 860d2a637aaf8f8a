# SPDX-License-Identifier: BSD-3-Clause
"""weather: what befalls the links, disk and power of a daemon."""

import asyncio
import os
import subprocess

import daemon
import floe

TABLE = "floe_weather"
RULES = f"""
table ip {TABLE} {{
	set up {{ type inet_service; flags timeout; }}
	set down {{ type inet_service; flags timeout; }}
	chain input {{
		type filter hook input priority 0;
		tcp dport {floe.PAGE_PORT} tcp sport @up drop
		tcp sport {floe.PAGE_PORT} tcp dport @down drop
	}}
}}
"""
DIRECTIONS = (("up", "down"), ("up",), ("down",))


def nft(text):
    subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True)


class Silence:
    """Makes links half-open: packets of theirs are dropped for a while."""

    def __init__(self, case):
        nft(RULES)
        case.addCleanup(nft, f"delete table ip {TABLE}")

    def fall(self, port, directions, seconds):
        for name in directions:
            nft(f"add element ip {TABLE} {name} "
                f"{{ {port} timeout {int(seconds * 1000)}ms }}")

    def lift(self):
        for name in ("up", "down"):
            nft(f"flush set ip {TABLE} {name}")


class Disk:
    """A small file system of its own that can be filled."""

    def __init__(self, case, name, size):
        self.folder = case.path(name)
        self._filler = os.path.join(self.folder, "filler")
        os.mkdir(self.folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755",
                        "tmpfs", self.folder], check=True)
        case.addCleanup(subprocess.run, ["umount", "-l", self.folder],
                        check=True)

    def fill(self):
        """To the last byte."""
        with open(self._filler, "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass

    def free(self):
        os.unlink(self._filler)


class Power:
    """Kills the daemon and starts it again, one at a time."""

    def __init__(self, one, conf, sections):
        self.one, self.conf, self.sections = one, conf, sections
        self.lock = asyncio.Lock()
        self.kills = 0

    def kill(self):
        self.one.kill()
        self.kills += 1

    async def start(self):
        await asyncio.to_thread(
            self.one.start, lambda: floe.healthy("signald"))

    async def cut(self):
        async with self.lock:
            self.kill()
            await self.start()

    def set(self, option, value):
        """As the operator does; it holds from the next start."""
        rows = self.sections["signald"]
        rows[:] = [row for row in rows if row[0] != option]
        rows.append((option, value))
        daemon.write_conf(self.conf, self.sections)
