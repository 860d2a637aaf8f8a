# SPDX-License-Identifier: BSD-3-Clause
"""case: a test with a folder of its own and daemons that must end cleanly."""

import os
import shutil
import tempfile
import unittest

import daemon
import lab

LOG_TAIL = 60


def on_both_engines(test):
    """Marks a test, or a class of them, that the runner runs once more with
    turnd's I/O by epoll, which the default of io-engine may not be."""
    test.on_both_engines = True
    return test


class Case(unittest.TestCase):
    """Owns self.folder and every daemon started through it."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="floe-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.daemons = []
        self.rows = []

    def row(self, client, transport):
        """What this test is in the runner's table of outside programs."""
        self.rows.append((client, transport))

    def tearDown(self):
        for one in reversed(self.daemons):
            status = one.stop()
            if status is not None:
                self.assertEqual(status, 0, f"exit status of {one.name}")
            self.assertEqual(one.sanitizer_findings(), [], one.name)

    def path(self, name):
        return os.path.join(self.folder, name)

    def daemon(self, name, argv, ready, node=None):
        """Start a program and remember to end it."""
        one = daemon.Daemon(name, argv, self.folder, node)
        self.daemons.append(one)
        one.start(ready)
        return one

    def lab(self, nat_a, nat_b):
        """A lab that lives until after the daemons of this test."""
        net = lab.Lab(nat_a, nat_b)
        self.addCleanup(net.remove)
        return net

    def evidence(self):
        """What the runner shows below a failure."""
        parts = []
        for one in self.daemons:
            tail = one.log().splitlines()[-LOG_TAIL:]
            parts.append("\n".join([f"--- log of {one.name}:", *tail]))
        return "\n".join(parts)
