# SPDX-License-Identifier: BSD-3-Clause
"""daemon: a stund, turnd, signald or stand-in that a test starts and stops."""

import os
import signal
import subprocess

import root
import wait

# Marks in a log that make a test fail even when all it asserts holds.
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
                   "runtime error:", "ERROR: ThreadSanitizer")


def program(name):
    """Path of a daemon of the build under test."""
    return os.path.join(root.BUILD, name, name)


def environment():
    settings = dict(os.environ)
    settings.setdefault("ASAN_OPTIONS", "detect_leaks=1:exitcode=99")
    settings.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:exitcode=99")
    return settings


def sanitized(name):
    """Whether a daemon of the build under test is built with ASan."""
    with open(program(name), "rb") as file:
        return b"__asan_init" in file.read()


def keep_little(case):
    """For a test of memory: what ASan keeps of freed memory is no leak."""
    before = os.environ.get("ASAN_OPTIONS")
    os.environ["ASAN_OPTIONS"] = (
        "detect_leaks=1:exitcode=99:quarantine_size_mb=1"
        ":thread_local_quarantine_size_kb=64")
    case.addCleanup(lambda: os.environ.pop("ASAN_OPTIONS")
                    if before is None
                    else os.environ.update(ASAN_OPTIONS=before))


def resident_kb(one):
    """What a running Daemon has in memory."""
    with open(f"/proc/{one.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file
                    if line.startswith("VmRSS:"))


def engine_rows(section, rows):
    """What chooses turnd's I/O engine: FLOE_IO_ENGINE, unless the test does."""
    engine = os.environ.get("FLOE_IO_ENGINE")
    if section != "turnd" or not engine or "io-engine" in dict(rows):
        return []
    return [("io-engine", engine)]


def write_conf(path, sections):
    """Write floe.conf: {section: [(key, value), ...]}."""
    with open(path, "w", encoding="utf-8") as conf:
        for section, rows in sections.items():
            conf.write(f"[{section}]\n")
            for key, value in [*rows, *engine_rows(section, rows)]:
                conf.write(f"{key} = {value}\n")
            conf.write("\n")
    return path


class Daemon:
    """One daemon.  Owns its process; its log outlives every restart."""

    def __init__(self, name, argv, folder, node=None):
        self.name = name
        self.argv = argv
        self.node = node
        self.log_path = os.path.join(folder, f"{name}.log")
        self.process = None

    def start(self, ready, timeout_s=20):
        """Start and wait until `ready()`; a death meanwhile is an error."""
        argv = self.node.command(self.argv) if self.node else self.argv
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env=environment(), start_new_session=True)

        def up_or_dead():
            return self.process.poll() is not None or ready()

        wait.until(f"{self.name} is ready", up_or_dead, timeout_s)
        if self.process.poll() is not None:
            raise RuntimeError(
                f"{self.name} ended at its start with "
                f"{self.process.returncode}:\n{self.log()}")

    def kill(self):
        """kill -9, as chaos does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ask to end; the exit status, or None when it was not running."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.returncode

    def sleeps(self):
        """Is its main thread in clock_nanosleep(2)?"""
        try:
            with open(f"/proc/{self.process.pid}/wchan",
                      encoding="ascii") as file:
                return "nanosleep" in file.read()
        except OSError:
            return False

    def resident_kb(self):
        with open(f"/proc/{self.process.pid}/status",
                  encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status
                        if line.startswith("VmRSS"))

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8",
                      errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def sanitizer_findings(self):
        return [line for line in self.log().splitlines()
                if any(mark in line for mark in SANITIZER_MARKS)]
