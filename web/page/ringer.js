// SPDX-License-Identifier: BSD-3-Clause
// ringer: two soft tones, again and again, while a call rings.

export class Ringer {
  #context = null;
  #timer = null;

  /** @param {"in"|"out"} side who waits for whom */
  start(side) {
    this.stop();
    try {
      this.#context ??= new AudioContext();
    } catch {
      return; // no sound on this device
    }
    this.#context.resume().catch(() => {});
    const ring = () => this.#ring(side === "in" ? [659, 880] : [440, 440]);
    ring();
    this.#timer = setInterval(ring, side === "in" ? 2000 : 4000);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #ring(tones) {
    if (this.#context.state !== "running")
      return; // the page was not touched yet: browsers keep it silent
    tones.forEach((frequency, i) => {
      const at = this.#context.currentTime + i * 0.32;
      const gain = new GainNode(this.#context, { gain: 0 });
      const tone = new OscillatorNode(this.#context, { frequency });
      gain.gain.setTargetAtTime(0.08, at, 0.02);
      gain.gain.setTargetAtTime(0, at + 0.22, 0.05);
      tone.connect(gain).connect(this.#context.destination);
      tone.start(at);
      tone.stop(at + 0.6);
    });
  }
}
