# SPDX-License-Identifier: BSD-3-Clause
"""
ledger: what was promised to senders, held against what was shown.

It knows what its users did and what they were answered, and what of that must
be true; nothing in it is asked of the code under test.  A conversation of two
is told by its users, a group by its conv.
"""

import collections
import dataclasses

BEFORE, EVER = 1, 2**53
COMES, GOES = {"create", "join"}, {"kick", "leave"}
PLACE = ("conv", "seq", "id", "ts")


@dataclasses.dataclass
class Entry:
    """Something that a user asked to be stored."""

    user: str
    mid: str
    target: str  # another user, or a group's conv ("" for one that is made)
    type: str = "text"
    text: str = ""
    about: int = 0  # seq of the text that it changes
    event: str = ""
    subjects: tuple = ()  # users whom it concerns

    @property
    def key(self):
        return self.user, self.mid

    def body(self):
        """What everybody is shown of it; notices say more."""
        if self.type == "text":
            return {"text": self.text}
        if self.type == "edit":
            return {"seq": self.about, "text": self.text}
        return {"seq": self.about}


class Ledger:
    """Every entry with its place in its sender's order, and every ack."""

    def __init__(self):
        self.entries = {}  # (user, mid) -> Entry
        self.order = collections.defaultdict(list)  # (device, target) -> texts
        self.acks = {}  # (user, mid) -> the answer
        self.delayed = set()  # keys that were refused for a time
        self.unsure = set()  # keys that were refused, maybe after an ack
        self.marks = collections.Counter()  # (user, conv) -> seq
        self.large = set()  # convs that are read by cursor
        self.complaints = []

    def sent(self, device, entry):
        self.entries[entry.key] = entry
        if entry.type == "text":
            self.order[device, entry.target].append(entry.key)

    def refused(self, key):
        """It is repeated later, so others may come before it."""
        self.delayed.add(key)

    def failed(self, key):
        """Refused for good: it is stored once, by an earlier asking, or not
        at all."""
        self.unsure.add(key)

    def acked(self, key, answer):
        first = self.acks.setdefault(key, answer)
        if first != answer:
            self.complaints.append(f"{key} acked with {first} and {answer}")

    def marked(self, user, conv, seq):
        self.marks[user, conv] = max(self.marks[user, conv], seq)

    def close(self, views):
        """Everything has been answered: the Books of it, with `views`, lists
        of messages, for what nobody knows the fate of."""
        return Books(self, views)


class Books:
    """What stands in each conversation, who must see it, and complaints."""

    def __init__(self, ledger, views):
        self.ledger = ledger
        self.complaints = list(ledger.complaints)
        self.convs = collections.defaultdict(dict)  # conv -> {seq: key}
        self.places = {}  # key -> (conv, seq, id, ts)
        self.inboxes = collections.defaultdict(dict)  # user -> {sync: place}
        for key, ack in ledger.acks.items():
            self._place(key, tuple(ack[field] for field in PLACE))
        for view in views:
            for message in view:
                key = message["from"], message.get("mid")
                if key in ledger.unsure and key not in self.places:
                    self._place(key, tuple(message[f] for f in PLACE))
        for key in ledger.entries:
            if key not in ledger.acks and key not in ledger.unsure:
                self.complaints.append(f"{key} was never answered")
        self._check_convs()
        self._check_order()
        self.stays = {conv: self._stays(conv) for conv in self.convs}
        self.changes = collections.defaultdict(list)  # (conv, seq) -> entries
        for key, place in sorted(self.places.items(),
                                 key=lambda item: item[1][:2]):
            entry = self.ledger.entries[key]
            if entry.about:
                self.changes[place[0], entry.about].append(entry)

    def _place(self, key, place):
        conv, seq = place[:2]
        if seq in self.convs[conv]:
            self.complaints.append(
                f"{conv} {seq} is {self.convs[conv][seq]} and {key}")
        self.convs[conv][seq] = key
        self.places[key] = place

    def entry(self, conv, seq):
        return self.ledger.entries[self.convs[conv][seq]]

    def top(self, conv):
        return max(self.convs[conv])

    def _check_convs(self):
        for conv, keys in self.convs.items():
            missing = set(range(1, max(keys) + 1)) - set(keys)
            if missing:
                self.complaints.append(
                    f"{conv} has {sorted(missing)[:9]}, which nobody sent")

    def _check_order(self):
        """Each device's texts stand in the order of their sending."""
        for (device, target), keys in self.ledger.order.items():
            seqs = [self.places[key][1] for key in keys
                    if key in self.places and key not in self.ledger.delayed]
            if seqs != sorted(seqs):
                self.complaints.append(
                    f"from {device} to {target} out of order")

    def _stays(self, conv):
        """{user: [[first seq, last seq], ...]} of those who belong."""
        stays = collections.defaultdict(list)
        for seq in sorted(self.convs[conv]):
            entry = self.entry(conv, seq)
            if entry.type != "notice":
                if not conv.startswith("main:g:"):
                    stays.update({user: [[BEFORE, EVER]] for user in
                                  (entry.user, entry.target)})
                    break
            elif entry.event in COMES:
                for user in entry.subjects:
                    stays[user].append([seq, EVER])
            elif entry.event in GOES:
                for user in entry.subjects:
                    stays[user][-1][1] = seq
        return stays

    def belongs(self, user, conv, seq):
        return any(first <= seq <= last
                   for first, last in self.stays.get(conv, {}).get(user, ()))

    def since(self, user, conv):
        """The first seq that a user sees who is there now, or None."""
        stays = self.stays[conv].get(user)
        return stays[-1][0] if stays and stays[-1][1] == EVER else None

    def in_inbox(self, user, conv, seq):
        """Whether it is one of those that the user acknowledges."""
        if not self.belongs(user, conv, seq):
            return False
        return conv not in self.ledger.large or self._concerns(user, conv, seq)

    def _concerns(self, user, conv, seq):
        entry = self.entry(conv, seq)
        return entry.type == "notice" and user in entry.subjects

    def inbox_of(self, user):
        """How many a user has to acknowledge in all."""
        return sum(self.in_inbox(user, conv, seq)
                   for conv, keys in self.convs.items() for seq in keys)

    def must_see(self, user, conv):
        """The seqs that every device is shown that was there all the time."""
        stays = self.stays[conv].get(user, [])
        if conv in self.ledger.large:
            # Who left before it read to the end cannot any more.
            stays = [stay for stay in stays if stay[1] == EVER]
        return {seq for seq in self.convs[conv]
                if any(first <= seq <= last for first, last in stays)}

    def audit(self, user, device, shown):
        """Complaints about what one device of `user` was shown, in order."""
        complaints = self._audit_each(user, shown)
        by_conv = collections.defaultdict(list)
        for message in shown:
            by_conv[message["conv"]].append(message)
        for conv in set(by_conv) | set(self.convs):
            complaints += self._audit_conv(user, conv, by_conv[conv])
        complaints += self._audit_inbox(user, shown)
        return [f"{device}: {text}" for text in complaints]

    def _audit_each(self, user, shown):
        complaints = []
        times = collections.Counter(
            (message["from"], message.get("mid")) for message in shown)
        complaints += [f"{key} shown {n} times"
                       for key, n in times.items() if n > 1]
        for message in shown:
            key = message["from"], message.get("mid")
            entry = self.ledger.entries.get(key)
            place = tuple(message[field] for field in PLACE)
            if entry is None:
                complaints.append(f"{key} was never sent")
            elif place != self.places.get(key):
                complaints.append(
                    f"{key} stands at {self.places.get(key)}, "
                    f"shown at {place}")
            elif not self._may_say(entry, message):
                complaints.append(
                    f"{key} is {entry}, shown {message['body']}")
            if not self.belongs(user, *place[:2]):
                complaints.append(f"{place[:2]} is not for {user}")
        return complaints

    def _may_say(self, entry, message):
        """One of the states that it went through, whenever it was read."""
        body, conv = message["body"], message["conv"]
        if message["type"] != entry.type:
            return False
        if entry.type == "notice":
            return (body["event"], sorted(body["users"])) == (
                entry.event, sorted(entry.subjects))
        if body == entry.body():
            return True
        about = entry.about or message["seq"]
        changes = self.changes.get((conv, about), [])
        retracted = any(change.type == "retract" for change in changes)
        if entry.type == "text":
            return (retracted and body == {}) or body in [
                {"text": change.text} for change in changes
                if change.type == "edit"]
        return retracted and "text" not in body

    def _audit_conv(self, user, conv, shown):
        """Nothing lost, and in order; in a large one what concerns the user
        may come late, by the inbox."""
        seqs = [message["seq"] for message in shown]
        lost = self.must_see(user, conv) - set(seqs)
        complaints = [f"{conv} {seq}: {self.convs[conv][seq]} was lost"
                      for seq in sorted(lost)]
        if conv in self.ledger.large:
            seqs = [seq for seq in seqs if seq in self.convs[conv]
                    and not self._concerns(user, conv, seq)]
        if seqs != sorted(seqs):
            complaints.append(f"{conv} is shown out of order")
        return complaints

    def _audit_inbox(self, user, shown):
        complaints, last = [], 0
        for message in shown:
            if "sync" not in message:
                continue
            sync, place = message["sync"], (message["conv"], message["seq"])
            if sync != last + 1:
                complaints.append(f"sync goes from {last} to {sync}")
            last = sync
            if self.inboxes[user].setdefault(sync, place) != place:
                complaints.append(f"sync {sync} is {place} and "
                                  f"{self.inboxes[user][sync]}")
        if last != self.inbox_of(user):
            complaints.append(
                f"the inbox of {user} ends at {last}, counted "
                f"{self.inbox_of(user)}")
        return complaints

    def audit_history(self, user, conv, messages):
        """The whole conversation as it stands at the end."""
        first = self.since(user, conv)
        want = [seq for seq in sorted(self.convs[conv]) if seq >= first]
        have = [message["seq"] for message in messages]
        complaints = [] if have == want else [
            f"{conv} is {have[:3]}..{have[-3:]}, {len(have)} of {len(want)}"]
        for message in messages:
            if message["type"] == "text":
                complaints += self._audit_end(conv, message)
        complaints += self._audit_each(user, messages)
        return [f"history of {user}: {text}" for text in complaints]

    def _audit_end(self, conv, message):
        """A text is as it was changed last."""
        changes = self.changes.get((conv, message["seq"]), [])
        body = self.entry(conv, message["seq"]).body()
        edits = []
        for change in changes:
            if change.type == "edit":
                body = change.body()
                edits.append(self.places[change.key][1])
        if any(change.type == "retract" for change in changes):
            body = {"seq": 0}
        body.pop("seq", None)
        if message["body"] != body or (
                body and message.get("edits", []) != edits):
            return [f"{conv} {message['seq']} ends as {message['body']} by "
                    f"{message.get('edits')}, not as {body} by {edits}"]
        return []

    def audit_list(self, user, rows):
        """Who is in what, how far it was read, and what was not."""
        complaints = []
        mine = {conv for conv in self.convs
                if self.since(user, conv) is not None}
        if {row["conv"] for row in rows} != mine or len(rows) != len(mine):
            complaints.append(
                f"{[row['conv'] for row in rows]} are listed, not {mine}")
        for row in rows:
            if row["conv"] in mine:
                complaints += self._audit_row(user, row["conv"], row)
        return [f"list of {user}: {text}" for text in complaints]

    def _audit_row(self, user, conv, row):
        read = max(self.ledger.marks[user, conv], self.since(user, conv) - 1)
        unread = sum(
            entry.type == "text" and entry.user != user
            for entry in (self.entry(conv, seq) for seq in self.convs[conv]
                          if seq > read))
        want = {"read": read, "unread": unread}
        if "peer" in row:
            want["peer_read"] = self.ledger.marks[row["peer"], conv]
        have = {name: row[name] for name in want}
        return [] if have == want else [f"{conv} has {have}, not {want}"]
