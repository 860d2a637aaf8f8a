// SPDX-License-Identifier: BSD-3-Clause
// local: what this device sends: microphone, camera, screen; muted or on hold.
// Owns: the tracks.

import { openMedia, openScreen } from "./media.js";

export class LocalMedia {
  #camera = true; // wanted, when there is one

  constructor() {
    this.stream = null;
    this.screen = null; // the track, while it is shared
    this.muted = false;
    this.held = false;
  }

  /** Whether the camera is on; on hold it sends nothing. */
  get cameraOn() {
    return this.#camera && this.#cameraTracks().length > 0;
  }

  /** As the other side is told. */
  get state() {
    const audio = (this.stream?.getAudioTracks().length || 0) > 0 && !this.muted;
    return { audio, video: this.cameraOn, screen: this.screen !== null,
      hold: this.held };
  }

  /** The track of the picture to send, or null. */
  get picture() {
    return this.screen || this.#cameraTracks()[0] || null;
  }

  #cameraTracks() {
    return this.stream?.getVideoTracks() || [];
  }

  /** @throws {FloeError} `media` */
  async open(media) {
    this.take(media.audio || media.video ? await openMedia(media) : new MediaStream());
  }

  take(stream) {
    this.stream = stream;
    this.#apply();
  }

  setMuted(muted) {
    this.muted = muted;
    this.#apply();
  }

  setHold(held) {
    this.held = held;
    this.#apply();
  }

  /**
   * @returns {Promise<MediaStreamTrack|null>} the camera's when it was opened now
   * @throws {FloeError} `media`
   */
  async setCamera(on) {
    this.#camera = on;
    let fresh = null;
    if (on && this.stream && this.#cameraTracks().length === 0) {
      const stream = await openMedia({ audio: false, video: true });
      [fresh] = stream.getVideoTracks();
      this.stream.addTrack(fresh);
    }
    this.#apply();
    return fresh;
  }

  /**
   * @param {() => void} ended the user stopped it in the browser
   * @throws {FloeError} `media`
   */
  async openScreen(ended) {
    const stream = await openScreen();
    [this.screen] = stream.getVideoTracks();
    this.screen.onended = ended;
    this.#apply();
  }

  closeScreen() {
    this.screen?.stop();
    this.screen = null;
  }

  #apply() {
    for (const track of this.stream?.getAudioTracks() || [])
      track.enabled = !this.muted && !this.held;
    for (const track of this.#cameraTracks())
      track.enabled = this.#camera && !this.held;
    if (this.screen)
      this.screen.enabled = !this.held;
  }

  stop() {
    this.closeScreen();
    for (const track of this.stream?.getTracks() || [])
      track.stop();
  }
}

/** Whether both say the same of what is sent. */
export function sameMedia(a, b) {
  return ["audio", "video", "screen", "hold"].every((what) =>
    Boolean(a[what]) === Boolean(b[what]));
}
