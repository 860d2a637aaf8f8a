// SPDX-License-Identifier: BSD-3-Clause
// negotiation: the decisions of the perfect-negotiation pattern (W3C WebRTC,
// section 10.7), apart from the connection they are about. The caller is
// impolite, the callee polite. Signals have to be worked on one after the
// other: an offer that follows an answer is judged when the answer is set.

export class Negotiation {
  #polite;
  #makingOffer = false;
  #ignoring = false;

  /** @param {boolean} polite gives way when both sides offer at once */
  constructor(polite) {
    this.#polite = polite;
  }

  get polite() {
    return this.#polite;
  }

  /** Around the making of an own offer. */
  set makingOffer(making) {
    this.#makingOffer = making;
  }

  /**
   * @param {string} signalingState of the connection when an offer comes
   * @returns {boolean} whether to take it; false: ours stands, theirs is dropped
   */
  takesOffer(signalingState) {
    const ready = !this.#makingOffer && signalingState === "stable";
    this.#ignoring = !ready && !this.#polite;
    return !this.#ignoring;
  }

  /**
   * An answer comes twice when it was sent again over a resumed link.
   * @param {string} signalingState
   * @returns {boolean} whether an answer is awaited
   */
  takesAnswer(signalingState) {
    return signalingState === "have-local-offer";
  }

  /** Whether candidates that do not fit belong to an offer we dropped. */
  get ignoring() {
    return this.#ignoring;
  }
}

/** Collects candidates for a moment so that many share one request. */
export class CandidateBatch {
  #send;
  #timers;
  #most;
  #waiting = [];
  #timer = null;

  /**
   * @param {(candidates: (object|null)[]) => void} send
   * @param {number} most at once
   * @param {{set: Function, clear: Function}} timers
   */
  constructor(send, most, timers) {
    this.#send = send;
    this.#most = most;
    this.#timers = timers;
  }

  /** @param {object|null} candidate null: there are no more, so no waiting */
  add(candidate) {
    this.#waiting.push(candidate);
    if (candidate === null || this.#waiting.length >= this.#most)
      this.flush();
    else
      this.#timer ??= this.#timers.set(() => this.flush(), 30);
  }

  flush() {
    this.stop();
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length > 0)
      this.#send(batch);
  }

  stop() {
    this.#timers.clear(this.#timer);
    this.#timer = null;
  }
}
