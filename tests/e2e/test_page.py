# SPDX-License-Identifier: BSD-3-Clause
"""
What the page promises when networks fail: texts typed without a connection
arrive once and in order, calls outlive a lost link, two people who call each
other at once meet, all devices ring.
"""

import base64
import time

import browser
import case
import certs
import floe
import lab
import nat
import people
import wait

PASSWORD = "a password of the tests"
KIND = "full-cone"
CALL_S = 30
PICTURE = base64.b64decode(  # a red pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ"
    "/pLvAAAAAElFTkSuQmCC")
LINK_S = 40  # seven seconds of silence, then the backoff of the other side


class Pages(case.Case):
    """A whole Floe between two NATs, and browsers on its page."""

    signald = ()  # more settings

    def setUp(self):
        super().setUp()
        self.browsers = browser.Browsers(self.folder)
        self.addCleanup(self.browsers.close)
        self.net = self.lab(KIND, KIND)
        self.authority = certs.Authority(self.folder)
        sections = floe.sections(
            self, lab.SERVER, self.authority.issue(lab.SERVER))
        sections["signald"] += self.signald
        conf = floe.daemon.write_conf(self.path("floe.conf"), sections)
        for name in ("stund", "turnd", "signald"):
            floe.start(self, name, conf, self.net.server)

    def evidence(self):
        return f"{self.browsers.report()}\n{super().evidence()}"

    def open(self, name, node):
        return self.browsers.open(
            name, f"https://{lab.SERVER}:{floe.PAGE_PORT}/#debug", node,
            self.authority)


class Token(Pages):
    signald = (("token-lifetime", "60s"),)

    def test_a_log_in_is_renewed_before_it_ends(self):
        alice = self.open("alice", self.net.a)
        people.register(alice, "alice", PASSWORD)
        account = "JSON.parse(localStorage['floe accounts']).alice"
        first = alice.evaluate(account)
        wait.until("alice has another token", lambda: alice.evaluate(
            f"{account}.token") != first["token"], 70)
        wait.until("the first one has ended", lambda:
                   time.time() * 1000 > first["expires"] + 2000, 20)
        self.assertEqual(alice.evaluate("floe.client.state"), "online")
        alice.call("reload")
        alice.see("new-conversation")
        wait.until("alice is back", lambda: alice.evaluate(
            "floe.client.state") == "online")


class Page(Pages):
    def talk(self):
        """Alice and bob, each looking at the other's conversation."""
        alice = self.open("alice", self.net.a)
        bob = self.open("bob", self.net.b)
        floe.make_friends(self.net.server, PASSWORD, "alice", "bob")
        people.log_in(alice, "alice", PASSWORD)
        people.log_in(bob, "bob", PASSWORD)
        people.open_conversation(alice, "bob")
        people.say(alice, "first")
        bob.click("conversation-alice")
        bob.see_text("message", "first")
        return alice, bob

    def hikers(self):
        """Alice, bob and carol in alice's group, which all look at."""
        pages = [self.open(name, node) for name, node in (
            ("alice", self.net.a), ("bob", self.net.b), ("carol", self.net.b))]
        for page in pages:
            people.register(page, page.name, PASSWORD)
        people.new_group(pages[0], "Hikers", "bob", "carol")
        for page in pages[1:]:
            page.click("conversation-Hikers")
            page.see_text("notice", "alice made the group")
        return pages

    def until_seen(self, page, *others):
        """A picture of each of the others moves in the call of the group."""
        clocks = ("[...document.querySelectorAll('#room-grid video')]"
                  ".filter((video) => video.dataset.testid !== 'room-own')"
                  ".map((video) => video.currentTime)")
        def all_move():
            now = page.evaluate(clocks)
            return len(now) == len(others) and all(at > 0 for at in now)
        wait.until(f"{page.name} sees {others}", all_move, 90)

    def router(self, letter):
        return next(node for node in self.net.nodes
                    if node.name == f"nat-{letter}")

    def cut(self, letter, what):
        """Swallow what the client sends; `what` is an nft match, or "" ."""
        self.router(letter).run(
            f"nft insert rule ip nat forward iifname lan {what} drop".split())

    def mend(self, letter):
        self.router(letter).run(["nft", "-f", "-"], input=nat.rules(KIND))

    def until_link(self, page, state):
        wait.until(f"{page.name}'s link is {state}", lambda: page.evaluate(
            "floe.client.state") == state, LINK_S)

    def until_call(self, page, state):
        wait.until(f"{page.name}'s call is {state}", lambda: page.evaluate(
            "floe.call && floe.call.state") == state, CALL_S)

    def bodies(self, page):
        return page.evaluate(
            "[...document.querySelectorAll('[data-testid=message] .text')]"
            ".map((text) => text.textContent)")

    def test_what_was_typed_offline_arrives_once_and_in_order(self):
        alice, bob = self.talk()
        self.cut("a", "")
        self.until_link(alice, "waiting")
        typed = [f"typed offline {i}" for i in range(5)]
        for text in typed:
            people.say(alice, text)
        self.assertEqual(self.bodies(bob), ["first"])
        self.mend("a")
        self.until_link(alice, "online")
        bob.see_text("message", typed[-1])
        for page in (alice, bob):
            wait.until(f"{page.name} has all", lambda page=page:
                       self.bodies(page) == ["first", *typed])
        wait.until("all are sent", lambda: alice.evaluate(
            "document.querySelectorAll('[data-state=sent]').length") == 6)

    def test_a_reloaded_page_sends_what_the_last_one_could_not(self):
        alice, bob = self.talk()
        self.cut("a", "")
        people.say(alice, "nobody hears")
        # The page itself has to load again, so the network comes back first;
        # the text is still unanswered when the old page ends.
        alice.evaluate("floe.client.close()")
        self.mend("a")
        alice.call("reload")
        bob.see_text("message", "nobody hears")
        self.until_link(alice, "online")
        alice.click("conversation-bob")
        for page in (alice, bob):
            wait.until(f"{page.name} shows it once", lambda page=page:
                       self.bodies(page) == ["first", "nobody hears"])

    def test_typing_and_what_was_seen(self):
        alice, bob = self.talk()
        seen = ("document.querySelector('[data-testid=message]')"
                ".dataset.seen")
        wait.until("alice knows that bob has seen it",
                   lambda: alice.evaluate(seen) == "true")
        bob.fill("composer", "an ans")
        alice.see_text("chat-presence", "is typing")
        bob.fill("composer", "")
        wait.until("alice knows that bob has stopped", lambda: alice.evaluate(
            "document.getElementById('chat-presence').textContent") ==
            "Online")

    def test_answers_reactions_edits_and_what_is_taken_back(self):
        alice, bob = self.talk()
        bob.hover("message")
        bob.click("react-👍")
        alice.see_text("reaction", "👍")
        bob.click("reply")
        people.say(bob, "indeed")
        alice.see_text("quote", "first")
        alice.hover("message")
        alice.click("edit")
        alice.fill("composer", "first, or so")
        alice.click("send")
        bob.see_text("message", "first, or so")
        bob.see("edited")
        alice.hover("message")
        alice.click("retract")
        bob.see_text("message", "Message deleted")
        self.assertNotIn("first, or so", self.bodies(bob))
        # Who comes later sees the same.
        desk = self.open("desk", self.net.b)
        people.log_in(desk, "bob", PASSWORD)
        desk.click("conversation-alice")
        desk.see_text("message", "Message deleted")
        self.assertEqual(self.bodies(desk), ["Message deleted", "indeed"])

    def test_what_was_read_elsewhere_is_read_here(self):
        alice, bob = self.talk()
        desk = self.open("desk", self.net.b)
        people.log_in(desk, "bob", PASSWORD)
        desk.see("conversation-alice")
        bob.evaluate("floe.client.markRead = () => {}")  # bob looks away
        people.say(alice, "are you there")
        desk.see("unread-alice")
        desk.click("conversation-alice")
        desk.see("unread-alice", "hidden")
        bob.see("unread-alice", "hidden")
        wait.until("alice knows", lambda: alice.evaluate(
            "[...document.querySelectorAll('[data-testid=message]')]"
            ".every((message) => message.dataset.seen === 'true')"))

    def test_markup_is_text(self):
        alice, bob = self.talk()
        evil = "<img src=x onerror=document.title='evil'><b>bold</b>"
        people.say(alice, evil)
        bob.see_text("message", evil)
        self.assertIn(evil, self.bodies(bob))
        self.assertEqual(bob.evaluate(
            "document.querySelectorAll('#thread img, #thread b').length"), 0)

    def test_a_call_outlives_a_lost_link(self):
        alice, bob = self.talk()
        people.call(alice, bob)
        self.cut("a", "meta l4proto tcp")
        self.until_link(alice, "waiting")
        self.assertEqual(alice.evaluate("floe.call.state"), "connected")
        self.mend("a")
        self.until_link(alice, "online")
        people.wait_for_frames(alice, bob)
        people.hang_up(alice, bob)

    def test_a_call_comes_back_after_the_network_was_gone(self):
        alice, bob = self.talk()
        people.call(alice, bob)
        self.cut("a", "")
        self.until_call(bob, "connecting")
        self.mend("a")
        for page in (alice, bob):
            self.until_call(page, "connected")
        people.wait_for_frames(alice, bob)
        people.hang_up(bob, alice)

    def test_two_who_call_at_once_meet_in_one_call(self):
        alice, bob = self.talk()
        at = int(time.time() * 1000) + 1500
        for page in (alice, bob):
            page.evaluate(
                "setTimeout(() => document.querySelector("
                "'[data-testid=call-video]').click(), %d - Date.now())" % at)
        for page in (alice, bob):
            self.until_call(page, "connected")
        calls = {page.evaluate("floe.call.id") for page in (alice, bob)}
        roles = {page.evaluate("floe.call.role") for page in (alice, bob)}
        self.assertEqual(len(calls), 1)
        self.assertEqual(roles, {"caller", "callee"})
        people.hang_up(alice, bob)

    def test_all_devices_ring_and_one_answers(self):
        alice, bob = self.talk()
        other = self.open("bob's other", self.net.b)
        people.log_in(other, "bob", PASSWORD)
        alice.click("call-audio")
        other.see("incoming-accept")
        bob.click("incoming-accept")
        other.see("incoming-accept", state="hidden")
        for page in (alice, bob):
            self.until_call(page, "connected")
        self.assertEqual(other.evaluate("floe.call.reason"),
                         "answered_elsewhere")
        people.hang_up(bob, alice)

    def test_a_missed_call_is_told_to_who_was_away(self):
        alice, bob = self.talk()
        bob.close()
        alice.click("call-video")
        self.until_call(alice, "inviting")
        alice.click("call-hangup")
        self.until_call(alice, "ended")
        bob = self.open("bob again", self.net.b)
        people.log_in(bob, "bob", PASSWORD)
        bob.click("conversation-alice")
        bob.see_text("call-record", "Missed video call")

    def test_a_group_talks_and_calls_by_name(self):
        alice, bob, carol = self.hikers()
        people.say(alice, "who comes along")
        for page in (bob, carol):
            page.see_text("message", "who comes along")
            page.see_text("author", "alice")
        bob.fill("composer", "what about you @car")
        bob.press("composer", "Enter")  # takes the name
        alice.see_text("chat-presence", "bob is typing")
        carol.evaluate("floe.client.markRead = () => {}")  # looks away
        bob.press("composer", "Enter")
        carol.see_text("mention", "@carol")
        carol.see("called-Hikers")
        alice.see("called-Hikers", "hidden")

    def test_roles_in_a_group(self):
        alice, bob, carol = self.hikers()
        bob.see("member-alice")
        bob.see("group-add", "hidden")
        alice.click("member-menu-bob")
        alice.click("make-admin")
        carol.see_text("notice", "alice made bob admin")
        bob.see("group-add")
        bob.click("member-menu-carol")
        bob.click("mute-for-an-hour")
        carol.see_text("composer-closed", "muted")
        bob.click("member-menu-carol")
        bob.click("let-speak")
        carol.see("composer")
        bob.click("group-edit")
        bob.fill("ask-title", "<i>Climbers</i>")
        bob.fill("ask-announcement", "Sunday at eight")
        bob.click("ask-submit")
        for page in (alice, carol):
            page.see("conversation-<i>Climbers</i>")
            page.see_text("announcement", "Sunday at eight")
        bob.click("member-menu-carol")
        bob.click("remove")
        bob.click("ask-submit")
        carol.see_text("composer-closed", "no longer in this group")
        carol.see("composer", "hidden")
        bob.click("group-leave")
        bob.click("ask-submit")
        bob.see_text("composer-closed", "no longer in this group")
        alice.see_text("notice", "bob left")

    def test_who_asks_to_join_is_let_in(self):
        alice, bob, _ = self.hikers()
        alice.evaluate("""(async () => {
            const conv = (await floe.client.conversations())[0].conv;
            await floe.client.groups.set(conv, { join: "request" });
            window.conv = conv; })()""")
        dave = self.open("dave", self.net.b)
        people.register(dave, "dave", PASSWORD)
        dave.click("new-conversation")
        dave.click("join-group")
        dave.fill("ask-code", alice.evaluate("conv"))
        dave.fill("ask-memo", "it is me")
        dave.click("ask-submit")
        alice.see_text("asks-dave", "it is me")
        bob.see("approve-dave", "hidden")
        alice.click("approve-dave")
        dave.click("conversation-Hikers")
        people.say(dave, "here I am")
        alice.see_text("message", "here I am")

    def test_a_pinned_conversation_stays_on_top_and_a_muted_one_is_silent(self):
        alice, bob = self.talk()
        people.open_conversation(bob, "carol")
        bob.click("conversation-alice")
        bob.click("chat-menu")
        bob.click("conv-pin")
        bob.see("pin-alice")
        carol = self.open("carol", self.net.a)
        people.register(carol, "carol", PASSWORD)
        people.open_conversation(carol, "bob")
        people.say(carol, "newer")
        bob.see_text("conversation-carol", "newer")
        self.assertEqual(bob.evaluate(
            "[...document.querySelectorAll('.conversation')]"
            ".map((row) => row.dataset.key)"), ["alice", "carol"])
        bob.see("unread-carol")
        bob.click("conversation-carol")
        bob.click("chat-menu")
        bob.click("conv-mute")
        bob.see("mute-carol")
        bob.click("conversation-alice")
        people.say(carol, "shout")
        bob.see("unread-carol")
        self.assertEqual(bob.evaluate("document.title"), "Floe")

    def test_contacts_ask_and_are_asked(self):
        alice, bob = (self.open(name, self.net.a) for name in ("alice", "bob"))
        for page in (alice, bob):
            people.register(page, page.name, PASSWORD)
        alice.click("tab-people")
        alice.fill("people-search", "bob")
        alice.click("add-bob")
        alice.fill("ask-memo", "it is <b>me</b>")
        alice.click("ask-submit")
        bob.see("requests")
        bob.click("tab-people")
        bob.see_text("contact-alice", "it is <b>me</b>")
        bob.click("accept-alice")
        for page, other in ((alice, "bob"), (bob, "alice")):
            page.see_text(f"contact-{other}", "Online")
        alice.click("about-bob")
        alice.click("contact-rename")
        alice.fill("ask-remark", "Bobby")
        alice.click("ask-submit")
        alice.see_text("contact-bob", "Bobby")
        alice.click("talk-bob")
        people.say(alice, "hello")
        alice.click("tab-chats")
        alice.see_text("conversation-bob", "Bobby")
        bob.click("about-alice")
        bob.click("contact-remove")
        bob.click("ask-submit")
        alice.click("tab-people")
        alice.see_text("contact-bob", "Has removed you")

    def test_files_and_pictures(self):
        alice, bob = self.talk()
        alice.attach("attach-files", "dot.png", "image/png", PICTURE)
        alice.fill("ask-text", "a dot")
        alice.click("ask-submit")
        bob.see_text("message", "a dot")
        wait.until("bob sees the picture", lambda: bob.evaluate(
            "document.querySelector('[data-testid=picture]').naturalWidth"))
        bob.click("picture")
        bob.see("viewer")
        bob.evaluate("document.querySelector('.viewer').close()")
        alice.attach("attach-files", "notes.html", "text/html",
                     b"<script>alert(1)</script>")
        alice.click("ask-submit")
        bob.see_text("file", "notes.html")
        self.assertEqual(bob.evaluate("""(async () => {
            const { conv } = (await floe.client.conversations())[0];
            const { messages } = await floe.client.history(conv);
            const blob = await floe.client.fileBlob(messages.at(-1));
            return [blob.type, await blob.text()]; })()"""),
            ["application/octet-stream", "<script>alert(1)</script>"])

    def test_a_file_survives_a_reload_and_does_not_hold_texts_up(self):
        alice, bob = self.talk()
        # What the page asks for by XMLHttpRequest gets no answer.
        alice.evaluate("XMLHttpRequest.prototype.send = () => {}")
        alice.attach("attach-files", "slow.bin", "", b"x" * 100000)
        alice.click("ask-submit")
        alice.see("upload-cancel")
        people.say(alice, "not behind it")
        bob.see_text("message", "not behind it")
        alice.call("reload")
        bob.see_text("file", "slow.bin")
        # And one that is taken back is never sent.
        alice.click("conversation-bob")
        alice.see("attach")
        alice.evaluate("XMLHttpRequest.prototype.send = () => {}")
        alice.attach("attach-files", "wrong.bin", "", b"y" * 1000)
        alice.click("ask-submit")
        alice.click("upload-cancel")
        alice.see("upload", "hidden")
        people.say(alice, "and on")
        bob.see_text("message", "and on")
        self.assertEqual(bob.texts("file"), ["slow.bin\n100 KB"])

    def test_a_profile_is_seen_by_others(self):
        alice, bob = self.talk()
        bob.click("profile")
        bob.fill("ask-nick", "Bob <b>Baker</b>")
        bob.fill("ask-signature", "back at nine")
        bob.attach("profile-picture", "dot.png", "image/png", PICTURE)
        wait.until("bob sees his picture", lambda: bob.evaluate(
            "document.querySelector('dialog .avatar img') !== null"))
        bob.evaluate("document.querySelector('[data-testid=ask-state]')"
                     ".value = 'busy'")
        bob.fill("ask-status", "baking")
        bob.click("ask-submit")
        alice.see_text("conversation-bob", "Bob <b>Baker</b>")
        alice.see_text("signature", "back at nine")
        alice.see_text("chat-presence", "Busy")
        self.assertTrue(alice.evaluate(
            "document.querySelector('[data-testid=conversation-bob] img')"
            ".src").startswith("data:image/jpeg;base64,"))

    def test_a_group_calls(self):
        alice, bob, carol = self.hikers()
        alice.click("chat-room")
        alice.see("room-own")
        bob.click("group-call-join")
        carol.click("chat-room")
        for page in (alice, bob, carol):
            self.until_seen(page, *({"alice", "bob", "carol"} - {page.name}))
        carol.click("room-leave")
        alice.see("room-video-carol", "hidden")
        for page in (alice, bob):
            page.click("room-leave")
            page.see("room", "hidden")
        carol.click("group-call-join")
        wait.until("carol is told that it is over", lambda: carol.evaluate(
            "document.getElementById('toast').textContent") ==
            "This call is over.")
