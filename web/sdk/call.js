// SPDX-License-Identifier: BSD-3-Clause
// call: one call as this device sees it, from the invitation to its end.
// Owns: the local tracks and the peer connection.

import { FloeError, isFinal } from "./errors.js";
import { LocalMedia, sameMedia } from "./local.js";
import { Peer } from "./peer.js";
import { summarize } from "./stats.js";

const KEEP = { keep: true }; // the contract: every call request may be repeated
const MOST_TRIES = 5; // against a server that is overloaded

/**
 * Events: `state` (detail: state, reason), `localstream`, `remotestream`,
 * `peer` (detail: away), `peermedia` (detail: media).
 *
 * States: `inviting` -> `ringing` -> `connecting` <-> `connected` -> `ended`;
 * a call that comes in starts with `ringing`.
 */
export class Call extends EventTarget {
  #env;
  #peer = null;
  #chain = Promise.resolve();
  #reported = false; // whether the server knows that it is over
  #local = new LocalMedia();
  #told; // what the other side believes that we send

  /**
   * Made by `FloeClient.call()` and by the client's `call` event only.
   * @param {object} env what calls share: request, servers, config, timers
   * @param {{id?: string, user: string, role: "caller"|"callee",
   *   media: {audio: boolean, video: boolean}, state: string}} facts
   */
  constructor(env, { id = null, user, role, media, state }) {
    super();
    this.#env = env;
    this.id = id;
    this.user = user;
    this.role = role;
    this.media = media;
    this.state = state;
    this.reason = null;
    this.durationMs = null;
    this.connectedAt = null;
    this.remoteStream = null;
    this.peerAway = false;
    this.peerMedia = { ...media, screen: false, hold: false };
    this.#told = this.peerMedia;
  }

  get localStream() {
    return this.#local.stream;
  }

  get muted() {
    return this.#local.muted;
  }

  /** Whether this side has put the call on hold: it sends nothing. */
  get held() {
    return this.#local.held;
  }

  /** Whether the local camera is on. */
  get cameraOn() {
    return this.#local.cameraOn;
  }

  /** Whether this side shows its screen instead of the camera. */
  get screenOn() {
    return this.#local.screen !== null;
  }

  /** The RTCPeerConnection, null before the call was accepted. */
  get connection() {
    return this.#peer?.connection || null;
  }

  /**
   * Accepts a call that came in.
   * @param {{audio?: boolean, video?: boolean}} [media] what to send; the
   *   caller's wish by default
   * @returns {Promise<void>} when the server knows
   * @throws {FloeError} `state` (it rings no more), `media` (it rings on),
   *   `not_found`, `conflict` (another device was faster), `link_lost`
   */
  async accept({ audio = true, video = this.media.video } = {}) {
    this.#expect("callee", "ringing");
    await this.openLocal({ audio, video });
    this.#expect("callee", "ringing");
    this.#setState("connecting");
    this.#connect();
    try {
      await this.#tell("call.accept");
    } catch (error) {
      this.finish(error.code);
      throw error;
    }
    this.#showMedia();
  }

  /**
   * Refuses a call that came in, on all of the user's devices.
   * @throws {FloeError} `state`: it does not ring
   */
  refuse() {
    this.#expect("callee", "ringing");
    this.hangup();
  }

  /**
   * Ends the call, whatever its state: cancels, refuses or hangs up.
   * Does nothing when it has ended. Throws nothing.
   * @param {string} [reason] told to the other side
   */
  hangup(reason = "bye") {
    if (this.state === "ended")
      return;
    const early = this.state === "inviting" || this.state === "ringing";
    const mine = { caller: "cancelled", callee: "refused" }[this.role];
    if (this.id)
      this.#report(early, reason);
    this.finish(early ? mine : "hangup");
  }

  /** Tells the server that the call is over here. */
  #report(early, reason) {
    this.#reported = true;
    const op = { caller: "call.cancel", callee: "call.refuse" }[this.role];
    const told = early ? this.#tell(op) : this.#tell("call.hangup", { reason });
    told.catch((error) => {
      // A cancel can cross with the accept; then the call has to be hung up.
      if (early && isFinal(error) && error.code !== "not_found")
        this.#tell("call.hangup", { reason }).catch(() => {});
    });
  }

  /**
   * Turns the microphone off or on. Throws nothing.
   * @param {boolean} muted
   */
  setMuted(muted) {
    this.#local.setMuted(muted);
    this.#showMedia();
  }

  /**
   * Puts the call on hold: nothing is sent until it is taken back.
   * Throws nothing.
   * @param {boolean} held
   */
  setHold(held) {
    this.#local.setHold(held);
    this.#showMedia();
  }

  /**
   * Turns the camera off or on; a call begun without one gets its picture by
   * renegotiation.
   * @param {boolean} on
   * @returns {Promise<void>}
   * @throws {FloeError} `media` (no camera, or not permitted), `state` (ended)
   */
  async setCamera(on) {
    this.#expectLive();
    const track = await this.#local.setCamera(on);
    if (track && this.state === "ended")
      track.stop();
    else if (track && !this.screenOn)
      await this.#peer?.sendPicture(track, this.localStream);
    this.#emit("localstream");
    this.#showMedia();
  }

  /**
   * Shows a screen or window instead of the camera, or the camera again. It
   * ends by itself when the user stops it in the browser.
   * @param {boolean} on
   * @returns {Promise<void>}
   * @throws {FloeError} `media` (not permitted), `state` (no connection)
   */
  async setScreen(on) {
    if (!this.#peer)
      throw new FloeError("state", "the call has no connection");
    this.#expectLive();
    if (on === this.screenOn)
      return;
    if (on)
      await this.#local.openScreen(() => this.setScreen(false).catch(() => {}));
    else
      this.#local.closeScreen();
    if (this.state === "ended") {
      this.#local.stop();
      return;
    }
    await this.#peer.sendPicture(this.#local.picture, this.localStream);
    this.#emit("localstream");
    this.#showMedia();
  }

  /** Tells the other side what is sent now, when it believes otherwise. */
  #showMedia() {
    const media = this.#local.state;
    if ((this.state !== "connecting" && this.state !== "connected") ||
        sameMedia(media, this.#told))
      return;
    const before = this.#told;
    this.#told = media;
    this.#tell("call.media", media).catch(() => {
      if (this.#told === media)
        this.#told = before;
    });
  }

  /**
   * Which way the call goes, and how well.
   * @returns {Promise<import("../floe.d.ts").CallStats>}
   * @throws {FloeError} `state`: there is no connection (yet)
   */
  async stats() {
    if (!this.#peer)
      throw new FloeError("state", "the call has no connection");
    return summarize(await this.#peer.stats());
  }

  #expectLive() {
    if (this.state === "ended")
      throw new FloeError("state", "the call has ended");
  }

  #expect(role, state) {
    if (this.role !== role || this.state !== state)
      throw new FloeError("state", `a ${this.role}'s call that is ${this.state}`);
  }

  async #tell(op, args = {}) {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#env.request(op, { call: this.id, ...args }, KEEP);
      } catch (error) {
        if (error.retryMs === undefined || tries === MOST_TRIES)
          throw error;
        await new Promise((go) => this.#env.timers.set(go, error.retryMs));
      }
    }
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #setState(state) {
    if (this.state === state || this.state === "ended")
      return;
    this.state = state;
    this.#emit("state", { state, reason: this.reason });
  }

  // What follows is called by Calls.

  /** @throws {FloeError} `media` */
  async openLocal(media) {
    await this.#local.open(media);
    if (this.state === "ended") {
      this.#local.stop();
      return;
    }
    this.#emit("localstream");
  }

  /** The server gave the invitation its id; or told that the call runs. */
  invited(id, active) {
    this.id = id;
    if (this.state === "ended") { // hung up while the answer was on its way
      if (!this.#reported)
        this.#report(!active, "bye");
      return;
    }
    if (!active)
      return;
    this.role = "callee"; // theirs came first: it is their call that we joined
    this.#setState("connecting");
    this.#connect();
    this.#showMedia();
  }

  /** A push about this call. */
  push(name, push) {
    if (this.state === "ended")
      return;
    switch (name) {
    case "call.ringing":
      if (this.state === "inviting")
        this.#setState("ringing");
      break;
    case "call.accept":
      if (this.state === "inviting" || this.state === "ringing") {
        this.#setState("connecting");
        this.#connect();
        this.#showMedia();
      }
      break;
    case "call.peer":
      this.peerAway = push.state === "away";
      this.#emit("peer", { away: this.peerAway });
      break;
    case "call.media": {
      const { audio, video, screen, hold } = push;
      this.peerMedia = { audio, video, screen, hold };
      this.#emit("peermedia", { media: this.peerMedia });
      break;
    }
    case "call.offer":
      this.#signal("offer", push.sdp);
      break;
    case "call.answer":
      this.#signal("answer", push.sdp);
      break;
    case "call.candidate":
      this.#signal("candidates", push.candidates);
      break;
    case "call.ended":
      this.#reported = true;
      this.finish(push.reason, push.duration_ms);
      break;
    }
  }

  /** Fresh credentials for a possible ICE restart. */
  useServers(iceServers) {
    this.#peer?.useServers(iceServers);
  }

  /** The network changed under us: do not wait for ICE to notice. */
  networkChanged() {
    if (this.state === "connecting")
      this.#peer?.repair();
  }

  /** The server came back without what was on its way to the other side. */
  signalsLost() {
    this.#chain = this.#chain.then(() => this.#peer?.signalsLost());
  }

  #signal(kind, data) {
    this.#chain = this.#chain.then(() => this.#peer?.signal(kind, data));
  }

  #connect() {
    this.#chain = this.#chain.then(async () => {
      const iceServers = await this.#env.servers();
      if (this.state !== "ended" && !this.#peer)
        this.#peer = this.#makePeer(iceServers);
    }).catch((error) => { // the list of servers is no valid one
      console.error("floe:", error);
      this.#giveUp();
    });
  }

  #makePeer(iceServers) {
    return new Peer({
      polite: this.role === "callee",
      config: { ...this.#env.config, iceServers },
      freshServers: this.#env.servers,
      stream: this.localStream,
      on: this.#peerHandlers(),
      timers: this.#env.timers,
      mostCandidates: this.#env.mostCandidates(),
    });
  }

  #giveUp() {
    this.#report(false, "failed");
    this.finish("failed");
  }

  #peerHandlers() {
    const tell = (op, args) => this.#tell(op, args).catch((error) => {
      if (error.code === "not_found" || error.code === "link_lost")
        this.finish("lost");
    });
    return {
      description: (kind, sdp) => tell(`call.${kind}`, { sdp }),
      candidates: (candidates) => tell("call.candidate", { candidates }),
      path: (connected) => {
        if (connected)
          this.connectedAt ??= Date.now();
        this.#setState(connected ? "connected" : "connecting");
      },
      track: (stream) => {
        this.remoteStream = stream;
        this.#emit("remotestream");
      },
      failed: () => this.#giveUp(),
    };
  }

  /** Over, here; tells nobody. */
  finish(reason, durationMs) {
    if (this.state === "ended")
      return;
    this.reason = reason;
    this.durationMs = durationMs ??
      (this.connectedAt === null ? null : Date.now() - this.connectedAt);
    this.#setState("ended");
    this.#peer?.close();
    this.#local.stop();
    this.#env.ended(this);
  }
}
