# SPDX-License-Identifier: BSD-3-Clause
"""The checker of the chaos tests finds each kind of planted fault."""

import copy
import unittest

import ledger

PAIR, GROUP, HALL = "main:1:alice:bob", "main:g:small", "main:g:large"


class Story:
    """Alice and Bob talk; Carol comes to a group and is kicked from it."""

    def __init__(self):
        self.book = ledger.Ledger()
        self.shown = []  # everything, as its users would be shown it
        self.seqs = {}
        self.book.large.add(HALL)

    def tell(self, conv, target, user="alice", acked=True, **fields):
        mid = f"m-{len(self.shown) + 1}"
        entry = ledger.Entry(user, mid, target, **fields)
        seq = self.seqs[conv] = self.seqs.get(conv, 0) + 1
        place = {"conv": conv, "seq": seq, "id": str(len(self.shown)),
                 "ts": len(self.shown)}
        body = entry.body()
        if entry.type == "notice":
            body = {"event": entry.event, "users": list(entry.subjects)}
        self.book.sent(f"{user}-1", entry)
        if acked:
            self.book.acked(entry.key, place)
        self.shown.append({**place, "from": user, "mid": mid,
                           "type": entry.type, "body": body})
        return seq

    def notice(self, conv, event, *subjects):
        self.tell(conv, conv, type="notice", event=event, subjects=subjects)

    def play(self):
        for n in range(3):
            self.tell(PAIR, "bob", text=f"text {n}")
        self.tell(PAIR, "alice", user="bob", text="what?")
        self.tell(PAIR, PAIR, type="edit", about=1, text="better")
        self.tell(PAIR, PAIR, type="retract", about=2)
        for conv in (GROUP, HALL):
            self.notice(conv, "create", "alice", "bob")
            self.tell(conv, conv, text="before")
            self.notice(conv, "join", "carol")
            self.tell(conv, conv, text="meanwhile")
            self.notice(conv, "kick", "carol")
            self.tell(conv, conv, text="after")
        return self

    def view(self, user):
        """What a device of the user is shown when all is well."""
        books, shown, sync = self.book.close([]), [], 0
        for message in copy.deepcopy(self.shown):
            place = message["conv"], message["seq"]
            if books.in_inbox(user, *place):
                sync += 1
                message["sync"] = sync
            if books.belongs(user, *place):
                shown.append(message)
        return shown


class Ledger(unittest.TestCase):
    def setUp(self):
        self.story = Story().play()
        self.book = self.story.book
        self.view = self.story.view("bob")

    def complaints(self, user="bob", view=None):
        books = self.book.close([view or self.view])
        return books.complaints + books.audit(
            user, f"{user}-1", view or self.view)

    def at(self, conv, seq, view=None):
        return next(i for i, message in enumerate(view or self.view)
                    if (message["conv"], message["seq"]) == (conv, seq))

    def complains(self, about, **arguments):
        complaints = self.complaints(**arguments)
        self.assertTrue(any(about in text for text in complaints),
                        f"{about} is not in {complaints}")

    def test_silent_when_all_is_well(self):
        for user in ("alice", "bob", "carol"):
            with self.subTest(user=user):
                self.assertEqual(
                    self.complaints(user, self.story.view(user)), [])

    def test_lost(self):
        for conv in (PAIR, GROUP, HALL):
            with self.subTest(conv=conv):
                view = list(self.view)
                del view[self.at(conv, 4)]
                self.complains(f"{conv} 4: ", view=view)

    def test_never_answered(self):
        self.book.sent("bob-1", ledger.Entry("bob", "m-x", "alice"))
        self.complains("('bob', 'm-x') was never answered")

    def test_shown_twice(self):
        twice = dict(self.view[0], seq=7, sync=len(self.view) + 1)
        self.view.append(twice)
        self.complains("('alice', 'm-1') shown 2 times")

    def test_acked_twice_at_different_places(self):
        place = {"conv": PAIR, "seq": 9, "id": "9", "ts": 9}
        self.book.acked(("alice", "m-1"), place)
        self.complains("('alice', 'm-1') acked with")

    def test_two_in_one_place(self):
        place = dict(self.book.acks["alice", "m-1"])
        self.book.sent("bob-1", ledger.Entry("bob", "m-x", "alice"))
        self.book.acked(("bob", "m-x"), place)
        self.complains("is ('alice', 'm-1') and ('bob', 'm-x')")

    def test_shown_out_of_order(self):
        for conv in (PAIR, GROUP, HALL):
            with self.subTest(conv=conv):
                view = list(self.view)
                i, j = self.at(conv, 2), self.at(conv, 4)
                view[i], view[j] = view[j], view[i]
                self.complains(f"{conv} is shown out of order", view=view)

    def test_stored_out_of_order(self):
        acks = self.book.acks
        first, second = ("alice", "m-1"), ("alice", "m-2")
        acks[first], acks[second] = acks[second], acks[first]
        self.complains("from alice-1 to bob out of order")
        # Unless the first was refused and so came later.
        self.book.refused(first)
        self.assertFalse(any("from alice-1" in text
                             for text in self.complaints()))

    def test_a_seq_that_nobody_has(self):
        self.book.acks["alice", "m-3"] = dict(
            self.book.acks["alice", "m-3"], seq=17)
        self.complains(f"{PAIR} has [3, 7, 8")

    def test_another_place_than_acked(self):
        self.view[1]["id"] = "77"
        self.complains("shown at ('main:1:alice:bob', 2, '77', 1)")

    def test_never_sent(self):
        self.view[0]["mid"] = "m-x"
        self.complains("('alice', 'm-x') was never sent")

    def test_other_words(self):
        self.view[2]["body"] = {"text": "text 1"}
        self.complains("shown {'text': 'text 1'}")

    def test_seen_by_others(self):
        self.complains(f"('{PAIR}', 1) is not for carol", user="carol",
                       view=self.view)

    def test_seen_before_a_join_and_after_a_kick(self):
        for conv in (GROUP, HALL):
            for seq in (2, 6):
                with self.subTest(conv=conv, seq=seq):
                    view = self.story.view("carol")
                    view.append(self.view[self.at(conv, seq)])
                    self.complains(f"('{conv}', {seq}) is not for carol",
                                   user="carol", view=view)

    def test_a_hole_in_the_inbox(self):
        del self.view[0]
        self.complains("sync goes from 0 to 2")

    def test_an_inbox_with_something_on_top(self):
        extra = dict(self.view[0], sync=self.view[-1].get("sync", 10) + 1)
        self.view.append(extra)
        self.complains("the inbox of bob ends at")

    def test_a_place_in_the_inbox_that_changes(self):
        other = copy.deepcopy(self.view)
        other[0]["sync"], other[1]["sync"] = 2, 1
        books = self.book.close([])
        books.audit("bob", "bob-1", self.view)
        self.assertTrue(any("sync 2 is" in text for text in
                            books.audit("bob", "bob-2", other)))

    def test_what_nobody_knows_the_fate_of(self):
        """Not there, or there once, and nowhere else."""
        self.story.tell(PAIR, "alice", user="bob", acked=False, text="late")
        key = "bob", self.story.shown[-1]["mid"]
        self.book.failed(key)
        self.assertEqual(self.complaints(), [])
        stored = dict(self.story.shown[-1], sync=11)
        self.view.insert(self.at(GROUP, 1), stored)
        for n, message in enumerate(
                message for message in self.view if "sync" in message):
            message["sync"] = n + 1
        self.assertEqual(self.complaints(), [])
        self.view.append(dict(stored, seq=8))
        self.complains(f"{key} shown 2 times")


class End(unittest.TestCase):
    """Histories and lists, after all."""

    def setUp(self):
        self.story = Story().play()
        self.book = self.story.book
        self.history = [message for message in copy.deepcopy(self.story.shown)
                        if message["conv"] == PAIR]
        self.history[0].update(body={"text": "better"}, edits=[5])
        self.history[1].update(body={})
        self.book.marked("bob", PAIR, 1)
        self.listed = [
            {"conv": PAIR, "peer": "alice", "read": 1, "peer_read": 0,
             "unread": 2},
            {"conv": GROUP, "read": 0, "unread": 3},
            {"conv": HALL, "read": 0, "unread": 3}]

    def history_complaints(self):
        return self.book.close([]).audit_history("bob", PAIR, self.history)

    def list_complaints(self):
        return self.book.close([]).audit_list("bob", self.listed)

    def test_silent_when_all_is_well(self):
        self.assertEqual(self.history_complaints(), [])
        self.assertEqual(self.list_complaints(), [])

    def test_an_edit_that_is_lost(self):
        self.history[0].update(body={"text": "text 0"})
        self.assertIn("ends as {'text': 'text 0'}",
                      self.history_complaints()[0])

    def test_an_edit_that_is_not_told(self):
        del self.history[0]["edits"]
        self.assertIn("by None", self.history_complaints()[0])

    def test_a_retraction_that_is_lost(self):
        self.history[1].update(body={"text": "text 1"})
        self.assertIn("not as {}", self.history_complaints()[0])

    def test_a_history_that_ends_early(self):
        del self.history[-1]
        self.assertIn("5 of 6", self.history_complaints()[0])

    def test_wrong_unread(self):
        self.listed[0]["unread"] = 3
        self.assertIn("'unread': 2", self.list_complaints()[0])

    def test_a_mark_that_is_lost(self):
        self.listed[0].update(read=0, unread=3)
        self.assertIn("'read': 1", self.list_complaints()[0])

    def test_a_mark_of_the_other_that_nobody_made(self):
        self.listed[0]["peer_read"] = 4
        self.assertIn("'peer_read': 0", self.list_complaints()[0])

    def test_a_conversation_that_is_missing(self):
        del self.listed[1]
        self.assertIn("are listed", self.list_complaints()[0])


if __name__ == "__main__":
    unittest.main()
