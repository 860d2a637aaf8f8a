# SPDX-License-Identifier: BSD-3-Clause
"""ledger: what was promised to senders, held against what was shown."""

import collections


class Ledger:
    """Every send with its place in its sender's order, and every ack."""

    def __init__(self):
        self.order = collections.defaultdict(list)  # (device, to) -> mids
        self.acks = {}  # (user, mid) -> the answer
        self.recipients = {}  # (user, mid) -> users who must see it

    def sent(self, user, device, to, mid):
        self.order[user, device, to].append(mid)
        self.recipients[user, mid] = {user, to}

    def acked(self, user, mid, answer):
        self.acks[user, mid] = answer

    def audit(self, user, device, shown):
        """Complaints about what one device of `user` was shown, in order."""
        complaints = []
        by_mid = collections.Counter(
            (message["from"], message["mid"]) for message in shown)
        for key, times in by_mid.items():
            if times > 1:
                complaints.append(f"{device}: {key} shown {times} times")
            if key not in self.recipients:
                complaints.append(f"{device}: {key} was never sent")
        for key, users in self.recipients.items():
            if user in users and key in self.acks and not by_mid[key]:
                complaints.append(f"{device}: acked {key} was lost")
        complaints += self._audit_places(device, shown)
        complaints += self._audit_order(device, shown)
        return complaints

    def _audit_places(self, device, shown):
        """Sequence numbers are dense and those that were acked."""
        complaints = []
        last = collections.Counter()
        for message in shown:
            conv, seq = message["conv"], message["seq"]
            if seq != last[conv] + 1:
                complaints.append(
                    f"{device}: {conv} goes from {last[conv]} to {seq}")
            last[conv] = seq
            ack = self.acks.get((message["from"], message["mid"]))
            for field in ("conv", "seq", "id", "ts"):
                if ack and ack[field] != message[field]:
                    complaints.append(
                        f"{device}: {message['mid']} acked with {field} "
                        f"{ack[field]}, shown with {message[field]}")
        return complaints

    def _audit_order(self, device, shown):
        """Each sender's messages stand in the order of their sending."""
        complaints = []
        place = {(message["from"], message["mid"]): index
                 for index, message in enumerate(shown)}
        for (user, _, to), mids in self.order.items():
            places = [place[user, mid] for mid in mids
                      if (user, mid) in place]
            if places != sorted(places):
                complaints.append(
                    f"{device}: from {user} to {to} out of order")
        return complaints
