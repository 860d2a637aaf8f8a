// SPDX-License-Identifier: BSD-3-Clause
// roomcall: how a group learns of a call of it: a text that names the room.
// Whoever can read the group can join, and nobody else knows the name. Pure.

const TEXT = /^Group call: (r-[A-Za-z0-9_-]{8,64})$/;
const OPEN_MS = 12 * 3600000; // older ones are not offered

export const textOfRoom = (room) => `Group call: ${room}`;

/** @returns {string|null} the room that a message calls into */
export function roomIn({ type, body, retracted_ts: gone }) {
  const found = type === "text" && !gone && TEXT.exec(body?.text || "");
  return found ? found[1] : null;
}

/** @returns {string|null} the room that a group was last called into */
export function lastRoom(messages, now = Date.now()) {
  const call = messages.findLast((message) => message.seq && roomIn(message));
  return call && now - call.ts < OPEN_MS ? roomIn(call) : null;
}

export const isOpen = ({ ts }, now = Date.now()) => now - ts < OPEN_MS;
