# SPDX-License-Identifier: BSD-3-Clause
"""signald's cores in many simulated schedules; and faults that are noticed."""

import os
import random
import re
import subprocess
import unittest

import root

PROGRAM = os.path.join(root.BUILD, "tests", "sim", "signald_sim")
LONG = os.environ.get("FLOE_LONG") == "1"
SCHEDULES = 200_000 if LONG else 10_000
ENOUGH = 300  # schedules in which a planted fault shows
PLANTS = ("early-ack", "forget-mids", "late-close", "lost-end", "bad-unread",
          "kicked-hears", "told-twice", "lost-edit", "sticky-mentions",
          "open-history", "dropped")
# What was freed long ago need not be held back: half of the time goes for it.
ENV = {**os.environ, "ASAN_OPTIONS": ":".join(filter(None, (
    os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1")))}


def run(*argv):
    """(exit status, what it said)"""
    done = subprocess.run([PROGRAM, *map(str, argv)], env=ENV, text=True,
                          check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


class Simulation(unittest.TestCase):
    def test_schedules(self):
        of = os.cpu_count()
        # A long run looks where no run has looked before.
        first = random.randrange(2**32) if LONG else 1
        share = SCHEDULES // of
        runs = [subprocess.Popen(
            [PROGRAM, "--from", str(first + i * share),
             "--schedules", str(share)], env=ENV, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                for i in range(of)]
        said = [one.communicate()[0] for one in runs]
        self.assertEqual([one.returncode for one in runs], [0] * of,
                         "\n".join(said))

    def test_planted_faults_are_noticed(self):
        for plant in PLANTS:
            with self.subTest(plant=plant):
                status, said = run("--plant", plant, "--schedules", ENOUGH)
                self.assertEqual(status, 1, said)
                found = re.search(r"(?m)^seed (\d+): (.*)$", said)
                self.assertTrue(found, said)
                self.replays_exactly(plant, *found.groups())

    def replays_exactly(self, plant, seed, why):
        again = [run("--seed", seed, "--plant", plant) for _ in (1, 2)]
        self.assertEqual(*again)
        self.assertIn(f"seed {seed}: {why}\n", again[0][1])
        self.assertGreater(again[0][1].count("\n"), 50, "no trace")
