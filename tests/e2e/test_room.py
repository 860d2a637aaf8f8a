# SPDX-License-Identifier: BSD-3-Clause
"""Three browsers in one room: media flows between each two of them."""

import json

import browser
import case
import certs
import floe
import lab
import people
import wait

PASSWORD = "a password of the tests"
PATIENCE_S = 90  # three browsers that encode for two others each
FRAMES = 20

ENTER = """(async () => {
  const room = window.room = await window.floe.client.%s;
  const show = ({ detail: { member } }) => {
    if (!member.stream || document.getElementById(`of-${member.number}`))
      return;
    const video = document.createElement("video");
    Object.assign(video, { id: `of-${member.number}`, muted: true, autoplay: true,
      srcObject: member.stream });
    document.body.append(video);
  };
  room.addEventListener("member", show);
  return room.id;
})()"""

MEMBERS = """Promise.all(window.room.members.map(async (member) => {
  const { user, away, media, connected } = member;
  return { user, away, media, connected, ...await member.stats().catch(() => ({})) };
}))"""


LOBBY = """(async () => {
  window.heard = [];
  window.lobby = await window.floe.client.joinChatroom("lobby");
  window.lobby.addEventListener("message", ({ detail }) =>
    window.heard.push(`${detail.user}: ${detail.body.text}`));
})()"""


class Room(case.Case):
    def setUp(self):
        super().setUp()
        self.browsers = browser.Browsers(self.folder)
        self.addCleanup(self.browsers.close)

    def evidence(self):
        return f"{self.browsers.report()}\n{super().evidence()}"

    def three(self):
        """alice and carol behind one NAT, bob behind another."""
        net = self.lab("port-restricted", "port-restricted")
        authority = certs.Authority(self.folder)
        conf = floe.daemon.write_conf(self.path("floe.conf"), floe.sections(
            self, lab.SERVER, authority.issue(lab.SERVER, lab.SERVER_NAME)))
        self.server = net.server
        daemons = {name: floe.start(self, name, conf, net.server)
                   for name in ("stund", "turnd", "signald")}
        self.signald = daemons["signald"]
        pages = []
        for name, node in (("alice", net.a), ("bob", net.b), ("carol", net.a)):
            page = self.browsers.open(
                name, f"https://{lab.SERVER}:{floe.PAGE_PORT}/#debug", node,
                authority)
            people.register(page, name, PASSWORD)
            pages.append(page)
        return pages

    def members(self, page):
        return {member["user"]: member for member in page.evaluate(MEMBERS)}

    def sees(self, page, *others):
        """Every other one is there, moves and is heard."""
        def frames():
            members = self.members(page)
            if sorted(members) != sorted(others):
                return None
            got = {user: members[user].get("framesDecoded", 0)
                   for user in others}
            heard = all(members[user].get("audioPacketsReceived")
                        for user in others)
            return got if heard and all(got.values()) else None
        before = wait.until(f"{page.name} sees {others}", frames, PATIENCE_S)
        wait.until(f"{page.name} sees {others} move", lambda: all(
            now > before[user] + FRAMES
            for user, now in (frames() or before).items()), PATIENCE_S)

    def test_media_flows_between_each_two(self):
        pages = alice, bob, carol = self.three()
        room = alice.evaluate(ENTER % "createRoom()")
        for page in (bob, carol):
            page.evaluate(ENTER % f"joinRoom({json.dumps(room)})")
        for page in pages:
            self.sees(page, *(p.name for p in pages if p is not page))
        # Everybody hears of a microphone that is off, and of who goes.
        bob.evaluate("window.room.setMuted(true)")
        for page in (alice, carol):
            wait.until(f"{page.name} hears that bob is muted", lambda page=page:
                       self.members(page)["bob"]["media"]["audio"] is False)
        carol.evaluate("window.room.leave()")
        for page, other in ((alice, "bob"), (bob, "alice")):
            wait.until(f"{page.name} is with {other} alone",
                       lambda page=page, other=other:
                       list(self.members(page)) == [other])
            before = self.members(page)[other]["framesDecoded"]
            wait.until(f"{page.name} goes on with {other}",
                       lambda page=page, other=other, before=before:
                       self.members(page)[other]["framesDecoded"]
                       > before + FRAMES, PATIENCE_S)

    def test_a_server_that_is_killed(self):
        """Nothing of the call breaks, and what is told after is heard; in a
        chatroom too."""
        pages = self.three()
        alice, bob, carol = pages
        room = alice.evaluate(ENTER % "createRoom()")
        for page in (bob, carol):
            page.evaluate(ENTER % f"joinRoom({json.dumps(room)})")
        for page in pages:
            self.sees(page, *(p.name for p in pages if p is not page))
            page.evaluate("window.paths = new Map(window.room.members.map("
                          "(m) => [m.user, m.connection])); 0")
            page.evaluate(LOBBY)
        self.signald.kill()
        self.signald.start(lambda: floe.healthy("signald", self.server))
        for page in pages:
            wait.until(f"{page.name} is back with the others",
                       lambda page=page: [m["away"] for m in self.members(
                           page).values()] == [False, False], PATIENCE_S)
        bob.evaluate("window.room.setMuted(true)")
        for page in (alice, carol):
            wait.until(f"{page.name} hears that bob is muted", lambda page=page:
                       self.members(page)["bob"]["media"]["audio"] is False)
        for page in pages:
            self.assertTrue(page.evaluate(
                "window.room.state === 'joined' && window.room.members.every("
                "(m) => window.paths.get(m.user) === m.connection)"))
        wait.until("all three are in the lobby again", lambda: alice.evaluate(
            "window.lobby.members().then((all) => all.length)") == 3)
        bob.evaluate("window.lobby.send('is anybody here?')")
        for page in (alice, carol):
            wait.until(f"{page.name} hears the lobby", lambda page=page:
                       page.evaluate("window.heard")
                       == ["bob: is anybody here?"])
        self.assertEqual(bob.evaluate("window.heard"), [])
        for page in pages:
            self.sees(page, *(p.name for p in pages if p is not page))

    def test_a_camera_that_comes_later(self):
        alice, bob, carol = self.three()
        room = alice.evaluate(ENTER % "createRoom({ video: false })")
        for page in (bob, carol):
            page.evaluate(ENTER % f"joinRoom({json.dumps(room)})")
        self.sees(alice, "bob", "carol")
        # A picture that comes later is one more offer, from the polite side.
        alice.evaluate("window.room.setCamera(true)")
        for page in (bob, carol):
            self.sees(page, *({"alice", "bob", "carol"} - {page.name}))
