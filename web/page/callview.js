// SPDX-License-Identifier: BSD-3-Clause
// callview: the call that this page takes part in, from the invitation to a
// moment after its end.

import { avatar } from "./avatar.js";
import { byId, setIcon, toast } from "./dom.js";
import { durationOf, endOf } from "./format.js";

const LINGER_MS = 1800; // the end and its reason stay readable
const PATH_MS = 2000;

export class CallView {
  #call = null;
  #model;
  #ringer;
  #ticker = null;
  #pathTimer = null;
  #closeTimer = null;
  #before = null; // what had the focus

  constructor(model, ringer, signal) {
    this.#model = model;
    this.#ringer = ringer;
    const on = (id, fn) => byId(id).addEventListener("click", fn, { signal });
    on("call-hangup", () => this.#hangup());
    on("call-mute", () => this.#mute());
    on("call-camera", () => this.#camera());
    on("call-size", () => this.#resize(!this.#small));
    byId("call").addEventListener("keydown", (event) => {
      if (event.key === "Escape")
        this.#resize(true);
    }, { signal });
  }

  /** Shows a call; the one before has ended. */
  show(call) {
    clearTimeout(this.#closeTimer);
    this.#call = call;
    this.#before = document.activeElement;
    const nick = this.#model.nickOf(call.user);
    byId("call-name").textContent = nick;
    byId("call-face").replaceChildren(avatar(call.user, nick, "xl"));
    byId("call-note").textContent = "";
    byId("call-timer").textContent = "";
    byId("call-path").hidden = true;
    byId("remote-video").srcObject = null;
    byId("call").hidden = false;
    this.#resize(false);
    byId("call-name").focus();
    call.addEventListener("state", () => this.#state());
    call.addEventListener("localstream", () => this.#local());
    call.addEventListener("remotestream", () => this.#remote());
    this.#state();
    this.#local();
    if (call.remoteStream)
      this.#remote();
  }

  get #small() {
    return byId("call").classList.contains("small");
  }

  /** Large, it is all of the page; small, one can chat beside it. */
  #resize(small) {
    byId("call").classList.toggle("small", small);
    byId("call").setAttribute("aria-modal", String(!small));
    byId("app").inert = !small && !byId("call").hidden;
    setIcon(byId("call-size"), small ? "grow" : "shrink");
    const label = small ? "Make the call large" : "Make the call small";
    byId("call-size").setAttribute("aria-label", label);
    byId("call-size").title = label;
  }

  #state() {
    const call = this.#call;
    byId("call-state").textContent = call.state;
    byId("call").dataset.state = call.state;
    const waiting = call.state === "inviting" ||
      (call.state === "ringing" && call.role === "caller");
    if (waiting)
      this.#ringer.start("out");
    else
      this.#ringer.stop();
    if (call.state === "connected")
      this.#startClocks();
    if (call.state === "ended")
      this.#ended();
  }

  #startClocks() {
    this.#stopClocks();
    const call = this.#call;
    const tick = () => {
      byId("call-timer").textContent = durationOf(Date.now() - call.connectedAt);
    };
    tick();
    this.#ticker = setInterval(tick, 1000);
    this.#path(call);
    this.#pathTimer = setInterval(() => this.#path(call), PATH_MS);
  }

  #stopClocks() {
    clearInterval(this.#ticker);
    clearInterval(this.#pathTimer);
  }

  async #path(call) {
    const stats = await call.stats().catch(() => null);
    if (!stats?.path || call !== this.#call || call.state === "ended")
      return;
    const { path, local, remote, roundTripMs } = stats;
    const box = byId("call-path");
    const how = (local.relayProtocol || local.protocol || "udp").toUpperCase();
    const words = [path === "relay" ? "Relayed" : "Direct", how];
    if (roundTripMs !== undefined)
      words.push(`${roundTripMs} ms`);
    box.textContent = words.join(" · ");
    box.title = `${local.type} to ${remote?.type}`;
    box.dataset.path = path;
    box.hidden = false;
  }

  #local() {
    const call = this.#call;
    const video = byId("local-video");
    if (video.srcObject !== call.localStream)
      video.srcObject = call.localStream;
    video.classList.toggle("off", !call.cameraOn);
    this.#toggles();
  }

  #toggles() {
    const { muted, cameraOn } = this.#call;
    const set = (id, on, name, label) => {
      byId(id).setAttribute("aria-pressed", String(on));
      byId(id).title = label;
      setIcon(byId(id), on ? name : `${name}-off`);
    };
    set("call-mute", !muted, "mic", muted ? "Unmute" : "Mute");
    set("call-camera", cameraOn, "video",
      cameraOn ? "Turn the camera off" : "Turn the camera on");
  }

  #remote() {
    const stream = this.#call.remoteStream;
    const video = byId("remote-video");
    if (video.srcObject !== stream)
      video.srcObject = stream;
    byId("call").classList.toggle("seen", stream.getVideoTracks().length > 0);
    video.play().catch(() => {}); // begins with the first picture otherwise
  }

  #mute() {
    this.#call.setMuted(!this.#call.muted);
    this.#toggles();
  }

  async #camera() {
    try {
      await this.#call.setCamera(!this.#call.cameraOn);
    } catch (error) {
      toast(`Camera: ${error.message}`);
    }
  }

  #hangup() {
    if (this.#call.state === "ended")
      this.#close();
    else
      this.#call.hangup();
  }

  #ended() {
    this.#stopClocks();
    byId("call-note").textContent = endOf(this.#call);
    byId("call-path").hidden = true;
    this.#closeTimer = setTimeout(() => this.#close(), LINGER_MS);
  }

  #close() {
    clearTimeout(this.#closeTimer);
    byId("call").hidden = true;
    byId("call").classList.remove("seen");
    byId("remote-video").srcObject = null;
    byId("local-video").srcObject = null;
    byId("app").inert = false;
    if (this.#before?.isConnected)
      this.#before.focus();
  }
}
