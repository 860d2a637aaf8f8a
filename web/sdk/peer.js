// SPDX-License-Identifier: BSD-3-Clause
// peer: one RTCPeerConnection that negotiates, trickles and repairs itself.
// Owns: the connection and its timers; not the local tracks.

import { CandidateBatch, Negotiation } from "./negotiation.js";

const WOBBLE_MS = 3000; // a disconnected path often comes back by itself
const POLITE_MS = 2000; // lets the impolite side restart first
const GIVE_UP_MS = 45000;

/**
 * @typedef {object} PeerHandlers
 * @property {(kind: "offer"|"answer", sdp: string) => void} description
 * @property {(candidates: (object|null)[]) => void} candidates
 * @property {(connected: boolean) => void} path it came or went
 * @property {(stream: MediaStream) => void} track
 * @property {() => void} failed beyond repair
 */

export class Peer {
  #pc;
  #on;
  #timers;
  #negotiation;
  #batch;
  #freshServers;
  #remote = new MediaStream();
  #early = []; // candidates that came before their description
  #mayOffer;
  #chain = Promise.resolve();
  #repairTimer = null;
  #giveUpTimer = null;
  #picture = null; // its sender, also while it sends nothing

  /**
   * @param {object} setup
   * @param {boolean} setup.polite
   * @param {RTCConfiguration} setup.config
   * @param {() => Promise<RTCIceServer[]>} setup.freshServers
   * @param {MediaStream} setup.stream what to send
   * @param {string[]} [setup.receive] kinds to ask for in the first offer, though
   *   the stream has none
   * @param {PeerHandlers} setup.on
   * @param {object} setup.timers
   * @param {number} setup.mostCandidates in one request
   */
  constructor({ polite, config, freshServers, stream, receive = [], on, timers,
    mostCandidates }) {
    this.#on = on;
    this.#timers = timers;
    this.#freshServers = freshServers;
    this.#negotiation = new Negotiation(polite);
    this.#mayOffer = !polite; // the caller makes the first offer
    this.#batch = new CandidateBatch(on.candidates, mostCandidates, timers);
    // One transport from the start: every browser bundles, and what is gathered
    // for others, relays too, is told, and gone before it can be asked for.
    this.#pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", ...config });
    this.#listen();
    for (const track of stream.getTracks())
      this.#pc.addTrack(track, stream);
    for (const kind of polite ? [] : receive) {
      if (!stream.getTracks().some((track) => track.kind === kind))
        this.#pc.addTransceiver(kind, { direction: "recvonly" });
    }
    this.#awaitPath();
  }

  get connection() {
    return this.#pc;
  }

  #listen() {
    const pc = this.#pc;
    pc.onnegotiationneeded = () => this.#offer();
    pc.onicecandidate = ({ candidate }) =>
      this.#batch.add(candidate && candidate.toJSON());
    pc.onconnectionstatechange = () => this.#pathChanged();
    pc.ontrack = ({ track }) => {
      this.#remote.addTrack(track);
      this.#on.track(this.#remote);
    };
  }

  async #offer() {
    const pc = this.#pc;
    if (!this.#mayOffer)
      return; // our tracks go into the answer to the first offer
    this.#negotiation.makingOffer = true;
    try {
      await pc.setLocalDescription();
      if (pc.signalingState === "have-local-offer")
        this.#on.description("offer", pc.localDescription.sdp);
    } catch {
      // closed meanwhile, or theirs came first: the browser asks again
    } finally {
      this.#negotiation.makingOffer = false;
    }
  }

  /** Signals are worked on one after the other, in the order they came. */
  signal(kind, data) {
    const work = { offer: this.#takeOffer, answer: this.#takeAnswer,
      candidates: this.#takeCandidates }[kind];
    this.#chain = this.#chain.then(() => work.call(this, data))
      .catch((error) => this.#bad(error));
  }

  #bad(error) {
    if (this.#pc.signalingState !== "closed")
      console.warn("floe: the other side's signal does not fit:", error.message);
  }

  async #takeOffer(sdp) {
    const pc = this.#pc;
    if (!this.#negotiation.takesOffer(pc.signalingState))
      return;
    await pc.setRemoteDescription({ type: "offer", sdp }); // may roll ours back
    await this.#flushEarly();
    await pc.setLocalDescription();
    this.#mayOffer = true;
    this.#on.description("answer", pc.localDescription.sdp);
  }

  async #takeAnswer(sdp) {
    if (!this.#negotiation.takesAnswer(this.#pc.signalingState))
      return;
    await this.#pc.setRemoteDescription({ type: "answer", sdp });
    await this.#flushEarly();
  }

  async #takeCandidates(list) {
    if (!this.#pc.remoteDescription) {
      this.#early.push(...list);
      return;
    }
    for (const candidate of list)
      await this.#addCandidate(candidate);
  }

  async #flushEarly() {
    for (const candidate of this.#early.splice(0))
      await this.#addCandidate(candidate);
  }

  async #addCandidate(candidate) {
    try {
      await this.#pc.addIceCandidate(candidate ?? undefined);
    } catch (error) {
      // A candidate of an offer we dropped, or of before an ICE restart, fits
      // nothing; a call never hangs on one candidate.
      if (!this.#negotiation.ignoring)
        this.#bad(error);
    }
  }

  #pathChanged() {
    const state = this.#pc.connectionState;
    if (state === "connected") {
      this.#timers.clear(this.#repairTimer);
      this.#timers.clear(this.#giveUpTimer);
      this.#repairTimer = this.#giveUpTimer = null;
      this.#on.path(true);
    } else if (state === "disconnected" || state === "failed") {
      this.#on.path(false);
      this.#awaitPath();
      this.#repairIn((state === "failed" ? 0 : WOBBLE_MS) +
        (this.#negotiation.polite ? POLITE_MS : 0));
    }
  }

  #awaitPath() {
    this.#giveUpTimer ??= this.#timers.set(() => this.#on.failed(), GIVE_UP_MS);
  }

  #repairIn(ms) {
    this.#timers.clear(this.#repairTimer);
    this.#repairTimer = this.#timers.set(() => this.repair(), ms);
  }

  /** ICE restart (RFC 8445 section 2.4) with credentials that still hold. */
  async repair() {
    const iceServers = await this.#freshServers();
    if (this.#pc.connectionState === "connected" ||
        this.#pc.signalingState === "closed")
      return;
    this.useServers(iceServers);
    this.#pc.restartIce();
  }

  /** What either side said last may not have arrived: say it again. */
  signalsLost() {
    if (this.#pc.signalingState === "have-local-offer")
      this.#on.description("offer", this.#pc.localDescription.sdp);
    else
      this.repair();
  }

  /** Takes effect at the next ICE restart; the running path stays. */
  useServers(iceServers) {
    this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers });
  }

  /** Sends this picture instead of the one before; null: none. */
  async sendPicture(track, stream) {
    const senders = this.#pc.getSenders();
    this.#picture = senders.find((sender) => sender.track?.kind === "video") ||
      this.#picture;
    if (this.#picture)
      await this.#picture.replaceTrack(track);
    else if (track)
      this.#picture = this.#pc.addTrack(track, stream);
  }

  stats() {
    return this.#pc.getStats();
  }

  close() {
    this.#timers.clear(this.#repairTimer);
    this.#timers.clear(this.#giveUpTimer);
    this.#batch.stop();
    this.#pc.onnegotiationneeded = this.#pc.onicecandidate = null;
    this.#pc.onconnectionstatechange = this.#pc.ontrack = null;
    this.#pc.close();
  }
}
