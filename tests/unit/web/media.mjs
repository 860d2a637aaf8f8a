// SPDX-License-Identifier: BSD-3-Clause
// media: tracks, streams and peer connections as far as the SDK needs them. Two
// connections whose descriptions reached each other are connected.

class Track {
  enabled = true;
  stopped = false;

  constructor(kind, label) {
    this.kind = kind;
    this.label = label;
  }

  stop() {
    this.stopped = true;
  }
}

class Stream {
  #tracks;

  constructor(tracks = []) {
    this.#tracks = [...tracks];
  }

  getTracks() {
    return [...this.#tracks];
  }

  getAudioTracks() {
    return this.#tracks.filter(({ kind }) => kind === "audio");
  }

  getVideoTracks() {
    return this.#tracks.filter(({ kind }) => kind === "video");
  }

  addTrack(track) {
    this.#tracks.push(track);
  }
}

let made = 0;

export class Connection {
  static last = null;

  signalingState = "stable";
  connectionState = "new";
  localDescription = null;
  remoteDescription = null;
  kinds = []; // of the transceivers
  #senders = [];
  #config;
  #version = 0;
  #number = ++made;

  constructor(config) {
    this.#config = config;
    Connection.last = this;
  }

  addTrack(track) {
    const sender = { kind: track.kind, track,
      replaceTrack: async (other) => { sender.track = other; } };
    this.#senders.push(sender);
    this.#grow(track.kind);
    return sender;
  }

  addTransceiver(kind, { direction }) {
    this.#grow(`${kind} ${direction}`);
  }

  #grow(kind) {
    this.kinds.push(kind);
    queueMicrotask(() => this.signalingState === "stable" && this.onnegotiationneeded?.());
  }

  getSenders() {
    return this.#senders;
  }

  getConfiguration() {
    return this.#config;
  }

  setConfiguration(config) {
    this.#config = config;
  }

  async setLocalDescription() {
    const type = this.signalingState === "have-remote-offer" ? "answer" : "offer";
    this.localDescription = { type, sdp: `${type} ${this.#number}.${++this.#version}` };
    this.#state(type === "offer" ? "have-local-offer" : "stable");
  }

  async setRemoteDescription(description) {
    this.remoteDescription = description;
    this.#state(description.type === "offer" ? "have-remote-offer" : "stable");
  }

  #state(state) {
    this.signalingState = state;
    if (state !== "stable" || this.connectionState === "connected")
      return;
    this.connectionState = "connected";
    this.onconnectionstatechange?.();
    this.ontrack?.({ track: new Track("audio", "theirs") });
  }

  async addIceCandidate() {}

  restartIce() {}

  close() {
    this.signalingState = this.connectionState = "closed";
  }
}

/** Gives this Node what a browser has. */
export function installMedia() {
  globalThis.MediaStream = Stream;
  globalThis.RTCPeerConnection = Connection;
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: {
    mediaDevices: {
      getUserMedia: async ({ audio, video }) => new Stream([
        ...(audio ? [new Track("audio", "microphone")] : []),
        ...(video ? [new Track("video", "camera")] : []),
      ]),
      getDisplayMedia: async () => new Stream([new Track("video", "screen")]),
    } } });
}
