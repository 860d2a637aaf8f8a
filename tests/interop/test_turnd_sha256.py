# SPDX-License-Identifier: BSD-3-Clause
"""A client of RFC 8489 that knows nothing of ours, against the real turnd.

No client of Debian 12 speaks SHA-256 yet, so this one is written from the
RFC's words with the standard library: section 9.2 for who sends what, 14 for
the attributes.
"""

import base64
import hashlib
import hmac
import json
import socket
import struct

import case
import floe
import turn

INTEGRITY256, ALGORITHM, USERHASH, ALGORITHMS = 0x1c, 0x1d, 0x1e, 0x8002
COOKIE = b"obMatJos2"
OFFERS_ALGORITHMS, WANTS_USERHASH = 1, 2
HASHES = {1: hashlib.md5, 2: hashlib.sha256}
SERVER, PEER = ("127.0.0.1", floe.TURN_PORT), "127.0.0.9"
CHANNEL = 0x4000
REST_NAME = "4000000000:carol"


def features(nonce):
    """The security features that the nonce tells (section 9.2)."""
    if not nonce.startswith(COOKIE):
        return 0
    return int.from_bytes(base64.b64decode(nonce[9:13]), "big")


def rest_password(name):
    return base64.b64encode(hmac.digest(
        floe.TURN_SECRET.encode(), name.encode(), hashlib.sha1)).decode()


class Modern(turn.Client):
    """Does what section 9.2.5 tells a client to do with a challenge."""

    algorithms = algorithm = None
    size = 32     # bytes of MESSAGE-INTEGRITY-SHA256 that are sent
    both = False  # MESSAGE-INTEGRITY, too

    def learn(self, found):
        super().learn(found)
        offered = features(self.nonce) & OFFERS_ALGORITHMS
        if bool(offered) != (ALGORITHMS in found):
            raise AssertionError("somebody bids us down")
        self.algorithms = found[ALGORITHMS]
        numbers = [number for number, size in
                   struct.iter_unpack("!HH", self.algorithms)]
        self.algorithm = next(n for n in numbers if n in HASHES)
        self.key = HASHES[self.algorithm](b":".join(
            (self.user, self.realm, self.password))).digest()

    def identity(self):
        if features(self.nonce) & WANTS_USERHASH:
            return (USERHASH, hashlib.sha256(
                self.user + b":" + self.realm).digest())
        return (turn.USERNAME, self.user)

    def credentials(self):
        return (self.identity(), (turn.REALM, self.realm),
                (turn.NONCE, self.nonce), (ALGORITHMS, self.algorithms),
                (ALGORITHM, struct.pack("!HH", self.algorithm, 0)))

    def sign(self, head, body):
        if self.both:
            body = super().sign(head, body)
        mac = hmac.digest(self.key, turn.sized(
            head, len(body) + 4 + self.size) + body, hashlib.sha256)
        return body + turn.attribute(INTEGRITY256, mac[:self.size])

    def exchange(self, request):
        """Believes no success that is not sealed with SHA-256."""
        answer = super().exchange(request)
        kinds = {kind: at for kind, at, _ in turn.walk(answer)}
        if turn.ERROR_CODE in kinds and INTEGRITY256 not in kinds:
            return answer
        at = kinds[INTEGRITY256]
        mac = hmac.digest(self.key, turn.sized(
            answer, at + 32 - 20)[:at - 4], hashlib.sha256)
        if answer[at:at + 32] != mac or turn.INTEGRITY in kinds:
            raise AssertionError("an answer that is not rightly sealed")
        return answer


class BidDown(Modern):
    """Somebody in the middle took SHA-256 out of the offer."""

    def learn(self, found):
        super().learn({**found, ALGORITHMS: struct.pack("!HH", 1, 0)})


class Sha256(case.Case):
    def start(self, secret=False, users=(":".join(floe.TURN_USER),)):
        sections = floe.sections(self, SERVER[0])
        if not secret:
            sections["floe"] = [row for row in sections["floe"]
                                if row[0] != "turn-secret"]
        sections["turnd"] = [row for row in sections["turnd"]
                             if row[0] != "user"]
        sections["turnd"] += [("allow-peer", "127.0.0.0/8"),
                              *(("user", user) for user in users)]
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        floe.start(self, "turnd", conf)

    def client(self, kind=Modern, name=floe.TURN_USER[0],
               password=floe.TURN_USER[1]):
        one = kind(SERVER, name, password)
        self.addCleanup(one.close)
        return one

    def relays(self, client):
        """Both ways over a channel, and ends."""
        relayed = client.allocate()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind((PEER, 0))
            peer.settimeout(5)
            client.bind(CHANNEL, *peer.getsockname())
            client.channel_send(CHANNEL, b"up")
            self.assertEqual(peer.recvfrom(2048), (b"up", relayed))
            peer.sendto(b"down", relayed)
            self.assertEqual(client.channel_recv(), (CHANNEL, b"down"))
        told = json.loads(floe.get("turnd", "/v1/allocations"))
        self.assertEqual([one["user"] for one in told["allocations"]],
                         [client.user.decode()])
        client.release()

    def refused(self, client):
        with self.assertRaises(turn.Refused) as refusal:
            client.allocate()
        return refusal.exception.args[0]

    def test_a_name_that_nobody_reads(self):
        self.start()
        client = self.client()
        self.relays(client)
        self.assertEqual(client.algorithm, 2)
        self.assertEqual(client.identity()[0], USERHASH)
        self.assertEqual(self.refused(self.client(name="mallory")), 401)
        self.assertEqual(self.refused(self.client(password="wrong")), 401)

    def test_seals(self):
        self.start()
        for both in (True, False):
            client = self.client()
            client.both = both
            self.relays(client)
        # TURN says nothing of shorter ones (RFC 8489 section 14.6).
        for both, size in ((False, 16), (True, 20)):
            client = self.client()
            client.both, client.size = both, size
            self.assertEqual(self.refused(client), 401)

    def test_time_limited_names(self):
        self.start(secret=True)
        client = self.client(name=REST_NAME,
                             password=rest_password(REST_NAME))
        self.relays(client)
        self.assertEqual(client.algorithm, 2)
        self.assertEqual(client.identity()[0], turn.USERNAME)

    def hashed(self, *algorithms):
        """A user of whom turnd knows these keys, and not the password."""
        name, password = floe.TURN_USER
        whole = f"{name}:{floe.REALM}:{password}".encode()
        keys = "".join(HASHES[one](whole).hexdigest() for one in algorithms)
        self.start(users=(f"{name}:0x{keys}",))
        client = self.client()
        self.relays(client)
        self.assertEqual(client.algorithm, algorithms[-1])
        self.relays(self.client(turn.Client))

    def test_a_user_with_an_md5_key(self):
        self.hashed(1)

    def test_a_user_with_both_keys(self):
        self.hashed(1, 2)

    def test_bid_down_is_noticed(self):
        self.start()
        self.assertEqual(self.refused(self.client(BidDown)), 400)
        self.relays(self.client())

    def test_old_clients(self):
        """They see what they always saw, and a challenge no longer."""
        self.start()
        client = self.client(turn.Client)
        self.relays(client)
        answer = client.exchange(client.message(
            turn.REFRESH, ((turn.LIFETIME, bytes(4)),)))
        kinds = [kind for kind, _, _ in turn.walk(answer)]
        self.assertNotIn(INTEGRITY256, kinds)
        self.assertIn(turn.INTEGRITY, kinds)
        stranger = self.client(turn.Client)
        request = stranger.message(
            turn.ALLOCATE, ((turn.TRANSPORT, bytes([17, 0, 0, 0])),))
        answer = stranger.exchange(request)
        self.assertLessEqual(len(answer), 3 * len(request))
