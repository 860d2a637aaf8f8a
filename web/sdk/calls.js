// SPDX-License-Identifier: BSD-3-Clause
// calls: brings the server's pushes to the call they are about, also when they
// come before the answer that names the call.

import { Call } from "./call.js";
import { FloeError } from "./errors.js";

const MOST_EARLY = 64;
const MOST_ENDED = 32;
const NEEDS_ANSWER = new Set(["call.offer", "call.answer", "call.candidate"]);

export class Calls {
  #env;
  #incoming;
  #live = new Set();
  #early = []; // pushes that may be about an invitation not yet answered
  #ended = []; // ids of late: what still comes about them is no news

  /**
   * @param {object} env request, servers, config, timers, mostCandidates
   * @param {(call: Call) => void} incoming a call rings here
   */
  constructor(env, incoming) {
    this.#env = { ...env, ended: (call) => this.#forget(call) };
    this.#incoming = incoming;
  }

  /** The call that is under way from or on this device, if there is one. */
  get current() {
    return [...this.#live].find((call) => call.role === "caller" ||
      call.state !== "ringing") || null;
  }

  /**
   * @param {string} user
   * @param {{audio: boolean, video: boolean}} media
   * @returns {Promise<Call>} once microphone and camera are open
   * @throws {FloeError} `state` (in a call already), `media`
   */
  async invite(user, media) {
    if (this.current)
      throw new FloeError("state", "this device is in a call already");
    const call = new Call(this.#env,
      { user, role: "caller", media, state: "inviting" });
    this.#live.add(call);
    try {
      await call.openLocal(media);
    } catch (error) {
      call.finish("media");
      throw error;
    }
    if (call.state !== "ended")
      this.#send(call);
    return call;
  }

  async #send(call) {
    call.invitation = true;
    try {
      const { call: id, state } = await this.#env.request("call.invite",
        { to: call.user, media: call.media }, { keep: true });
      this.#joined(id);
      call.invited(id, state === "active");
    } catch (error) {
      call.finish(error.code);
    }
    call.invitation = false;
    if (call.state === "ended")
      this.#forget(call);
    for (const push of this.#early.splice(0))
      this.push(push);
  }

  /** Theirs rang here while our camera was opening; now it is one call. */
  #joined(id) {
    [...this.#live].find((call) => call.id === id)?.finish("answered_elsewhere");
  }

  /** A push named `call.*`. */
  push(push) {
    const known = [...this.#live].find((call) => call.id === push.call);
    if (known)
      known.push(push.push, push);
    else if (this.#ended.includes(push.call))
      return;
    else if ([...this.#live].some((call) => call.invitation))
      this.#hold(push); // its answer may name this very call
    else if (push.push === "call.invite")
      this.#ring(push);
    else if (NEEDS_ANSWER.has(push.push))
      this.#disown(push.call);
  }

  #hold(push) {
    if (this.#early.length < MOST_EARLY)
      this.#early.push(push);
  }

  #ring({ call: id, from: user, media }) {
    const call = new Call(this.#env,
      { id, user, role: "callee", media, state: "ringing" });
    this.#live.add(call);
    this.#env.request("call.ringing", { call: id }, { keep: true })
      .catch((error) => error.code === "not_found" && call.finish("lost"));
    this.#incoming(call);
  }

  /** The other side still talks to a call that a reload of this page ended. */
  #disown(id) {
    this.#remember(id);
    this.#env.request("call.hangup", { call: id, reason: "lost" }, { keep: true })
      .catch(() => {}); // gone by itself
  }

  /** The session is a new one: the old one's calls are gone with it. */
  sessionLost() {
    for (const call of [...this.#live])
      call.finish("lost");
  }

  /** The session went on through a restart of the server, and with it the calls
   * named; of the end of others nobody told us. */
  restarted(ids) {
    for (const call of [...this.#live]) {
      if (ids.includes(call.id))
        call.signalsLost();
      else if (call.id)
        call.finish("lost");
    }
  }

  useServers(iceServers) {
    for (const call of this.#live)
      call.useServers(iceServers);
  }

  networkChanged() {
    for (const call of this.#live)
      call.networkChanged();
  }

  /** Best effort when the page goes: ends what this device takes part in. */
  hangupAll() {
    this.current?.hangup();
  }

  #forget(call) {
    if (call.invitation)
      return; // its answer still has to be told that it is over
    this.#live.delete(call);
    if (call.id)
      this.#remember(call.id);
  }

  #remember(id) {
    this.#ended.push(id);
    if (this.#ended.length > MOST_ENDED)
      this.#ended.shift();
  }
}
