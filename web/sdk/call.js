// SPDX-License-Identifier: BSD-3-Clause
// call: one call as this device sees it, from the invitation to its end.
// Owns: the local tracks and the peer connection.

import { FloeError, isFinal } from "./errors.js";
import { openMedia } from "./media.js";
import { Peer } from "./peer.js";
import { summarize } from "./stats.js";

const KEEP = { keep: true }; // the contract: every call request may be repeated
const MOST_TRIES = 5; // against a server that is overloaded

/**
 * Events: `state` (detail: state, reason), `localstream`, `remotestream`.
 *
 * States: `inviting` -> `ringing` -> `connecting` <-> `connected` -> `ended`;
 * a call that comes in starts with `ringing`.
 */
export class Call extends EventTarget {
  #env;
  #peer = null;
  #chain = Promise.resolve();
  #reported = false; // whether the server knows that it is over

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
    this.localStream = null;
    this.remoteStream = null;
    this.muted = false;
  }

  /** Whether the local camera is sending. */
  get cameraOn() {
    return Boolean(this.localStream?.getVideoTracks().some((t) => t.enabled));
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
    this.muted = muted;
    for (const track of this.localStream?.getAudioTracks() || [])
      track.enabled = !muted;
  }

  /**
   * Turns the camera off or on; a call begun without one gets its picture by
   * renegotiation.
   * @param {boolean} on
   * @returns {Promise<void>}
   * @throws {FloeError} `media` (no camera, or not permitted), `state` (ended)
   */
  async setCamera(on) {
    if (this.state === "ended")
      throw new FloeError("state", "the call has ended");
    const tracks = this.localStream?.getVideoTracks() || [];
    for (const track of tracks)
      track.enabled = on;
    if (on && tracks.length === 0)
      await this.#addCamera();
    this.#emit("localstream");
  }

  async #addCamera() {
    const stream = await openMedia({ audio: false, video: true });
    const [track] = stream.getVideoTracks();
    if (this.state === "ended" || !this.localStream) {
      track.stop();
      return;
    }
    this.localStream.addTrack(track);
    this.#peer?.addTrack(track, this.localStream);
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
    const stream = await openMedia(media);
    if (this.state === "ended") {
      for (const track of stream.getTracks())
        track.stop();
      return;
    }
    this.localStream = stream;
    this.setMuted(this.muted);
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
      }
      break;
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
    for (const track of this.localStream?.getTracks() || [])
      track.stop();
    this.#env.ended(this);
  }
}
