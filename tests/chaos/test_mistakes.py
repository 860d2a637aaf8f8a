# SPDX-License-Identifier: BSD-3-Clause
"""The known mistakes are planted, and noticed (tests/mistakes)."""

import os
import subprocess
import unittest

import root

LONG = os.environ.get("FLOE_LONG") == "1"


@unittest.skipUnless(LONG, "builds the tree some thirty times")
@unittest.skipUnless(os.path.exists(os.path.join(root.SOURCE, ".git")),
                     "git says what the tree is")
class Mistakes(unittest.TestCase):
    def test_all_are_noticed(self):
        done = subprocess.run(
            [os.path.join(root.SOURCE, "tests", "mistakes", "run")],
            text=True, check=False, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)
