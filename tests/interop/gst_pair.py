# SPDX-License-Identifier: BSD-3-Clause
"""
gst_pair: two webrtcbin of GStreamer with a data channel and audio between
them, that may use nothing but relayed candidates.

    gst_pair.py URI USER PASSWORD
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

ROUNDS = 50
PATIENCE_S = 20
AUDIO = """audiotestsrc is-live=true ! opusenc ! rtpopuspay pt=97 !
    application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer."""


class Peer:
    """One pipeline.  Owns it."""

    def __init__(self, server):
        self.pipeline = Gst.parse_launch(
            f"webrtcbin name=peer bundle-policy=max-bundle "
            f"ice-transport-policy=relay turn-server={server} {AUDIO}")
        self.bin = self.pipeline.get_by_name("peer")
        self.promises = []
        self.kinds = set()
        self.packets = 0
        self.bin.connect("pad-added", self.pad_added)
        self.pipeline.set_state(Gst.State.PLAYING)

    def pad_added(self, _bin, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        sink = Gst.ElementFactory.make("fakesink")
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))
        pad.add_probe(Gst.PadProbeType.BUFFER, self.packet)

    def packet(self, *_):
        self.packets += 1
        return Gst.PadProbeReturn.OK

    def ask(self, signal, *arguments):
        """The reply to a signal; it lives as long as its promise."""
        promise = Gst.Promise.new()
        self.promises.append(promise)
        self.bin.emit(signal, *arguments, promise)
        promise.wait()
        return promise.get_reply()

    def describe(self, kind, other):
        """An offer or answer; each side gets a copy of its own."""
        reply = self.ask(f"create-{kind}", None)
        text = reply.get_value(kind).sdp.as_text()
        for peer, side in ((self, "local"), (other, "remote")):
            sdp = GstSdp.SDPMessage.new_from_text(text)[1]
            peer.ask(f"set-{side}-description",
                     GstWebRTC.WebRTCSessionDescription.new(
                         getattr(GstWebRTC.WebRTCSDPType, kind.upper()), sdp))

    def introduce(self, other):
        def candidate(_bin, line, text):
            self.kinds.add(text.split(" typ ")[1].split()[0])
            GLib.idle_add(other.bin.emit, "add-ice-candidate", line, text)
        self.bin.connect("on-ice-candidate", candidate)


class Talk:
    """Pings over the data channel until all are answered."""

    def __init__(self, one, other, done):
        self.one, self.other, self.done = one, other, done
        self.heard = 0
        other.bin.connect("on-data-channel", self.announced)
        self.channel = one.bin.emit("create-data-channel", "test", None)
        self.channel.connect("on-message-string", self.pong)
        if self.channel.props.ready_state == \
                GstWebRTC.WebRTCDataChannelState.OPEN:
            self.opened()
        else:
            self.channel.connect("on-open", self.opened)

    def announced(self, _bin, theirs):
        self.theirs = theirs
        theirs.connect("on-message-string", lambda channel, text: channel.emit(
            "send-string", text.replace("ping", "pong")))

    def opened(self, *_):
        print("pair", *self.one.kinds, *self.other.kinds)
        self.channel.emit("send-string", "ping 0")

    def pong(self, channel, text):
        print(text)
        self.heard += 1
        if self.heard < ROUNDS:
            channel.emit("send-string", f"ping {self.heard}")
        else:
            GLib.timeout_add(20, self.until_audio)

    def until_audio(self):
        if min(self.one.packets, self.other.packets) < ROUNDS:
            return GLib.SOURCE_CONTINUE
        self.done()
        return GLib.SOURCE_REMOVE


def main(uri, user, password):
    Gst.init(None)
    print("GStreamer", ".".join(map(str, Gst.version()[:3])), flush=True)
    server = uri.replace(":", f"://{user}:{password}@", 1)
    loop = GLib.MainLoop()
    GLib.timeout_add_seconds(PATIENCE_S, loop.quit)
    one, other = Peer(server), Peer(server)
    one.introduce(other)
    other.introduce(one)
    finished = []

    def done():
        finished.append(True)
        loop.quit()

    talk = Talk(one, other, done)
    one.describe("offer", other)
    other.describe("answer", one)
    loop.run()
    for peer in (one, other):
        peer.pipeline.set_state(Gst.State.NULL)
    del talk
    if not finished:
        sys.exit(f"not within {PATIENCE_S} s; audio packets: {one.packets} "
                 f"and {other.packets}")


main(*sys.argv[1:])
