# SPDX-License-Identifier: BSD-3-Clause
"""The checker of the chaos tests finds each kind of planted fault."""

import unittest

import ledger


def message(seq, mid, sender="alice"):
    return {"conv": "main:1:alice:bob", "seq": seq, "id": str(seq),
            "ts": seq, "from": sender, "mid": mid}


class Ledger(unittest.TestCase):
    def setUp(self):
        self.book = ledger.Ledger()
        for number in (1, 2, 3):
            mid = f"m-{number}"
            self.book.sent("alice", "alice-1", "bob", mid)
            self.book.acked("alice", mid, message(number, mid))

    def complaints(self, *shown):
        return self.book.audit("bob", "bob-1", list(shown))

    def test_silent_when_all_is_well(self):
        self.assertEqual(self.complaints(
            message(1, "m-1"), message(2, "m-2"), message(3, "m-3")), [])

    def test_lost(self):
        self.assertIn("bob-1: acked ('alice', 'm-3') was lost",
                      self.complaints(message(1, "m-1"), message(2, "m-2")))

    def test_shown_twice(self):
        self.assertIn("bob-1: ('alice', 'm-1') shown 2 times", self.complaints(
            message(1, "m-1"), message(2, "m-2"), message(3, "m-3"),
            message(4, "m-1")))

    def test_out_of_order(self):
        self.assertIn("bob-1: from alice to bob out of order", self.complaints(
            message(1, "m-2"), message(2, "m-1"), message(3, "m-3")))

    def test_hole(self):
        self.assertIn("bob-1: main:1:alice:bob goes from 1 to 3",
                      self.complaints(message(1, "m-1"), message(3, "m-3")))

    def test_another_place_than_acked(self):
        moved = dict(message(2, "m-2"), id="77")
        self.assertIn("bob-1: m-2 acked with id 2, shown with 77",
                      self.complaints(message(1, "m-1"), moved))

    def test_never_sent(self):
        self.assertIn("bob-1: ('alice', 'm-9') was never sent",
                      self.complaints(message(1, "m-9")))
