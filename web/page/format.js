// SPDX-License-Identifier: BSD-3-Clause
// format: times, days, durations, calls and messages in words.

import { listOf, noticeOf } from "./notice.js";
import { roomIn } from "./roomcall.js";

const clock = new Intl.DateTimeFormat(undefined,
  { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const date = new Intl.DateTimeFormat(undefined,
  { day: "numeric", month: "long", year: "numeric" });
const shortDate = new Intl.DateTimeFormat(undefined,
  { day: "numeric", month: "short" });

/** Whole days between `ts` and now, by the calendar. */
function daysAgo(ts, now) {
  const day = (t) => new Date(t).setHours(0, 0, 0, 0);
  return Math.round((day(now) - day(ts)) / 86400000);
}

export const timeOf = (ts) => clock.format(ts);

export function dayOf(ts, now = Date.now()) {
  const days = daysAgo(ts, now);
  if (days <= 0)
    return "Today";
  if (days === 1)
    return "Yesterday";
  return days < 7 ? weekday.format(ts) : date.format(ts);
}

/** For the conversation list: a time today, a day before. */
export function whenOf(ts, now = Date.now()) {
  const days = daysAgo(ts, now);
  if (days <= 0)
    return timeOf(ts);
  if (days === 1)
    return "Yesterday";
  return shortDate.format(ts);
}

export function durationOf(ms) {
  const s = Math.floor(ms / 1000);
  const two = (n) => String(n).padStart(2, "0");
  const minutes = Math.floor(s / 60);
  return minutes < 60 ? `${minutes}:${two(s % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

const SHOWN = { online: "Online", busy: "Busy", away: "Away" };

export function presenceOf({ state, lastSeen }, now = Date.now()) {
  if (SHOWN[state])
    return SHOWN[state];
  if (!lastSeen)
    return state === "offline" ? "Offline" : "";
  const minutes = Math.floor((now - lastSeen) / 60000);
  if (minutes < 1)
    return "Last seen just now";
  if (minutes < 60)
    return `Last seen ${minutes} min ago`;
  return `Last seen ${dayOf(lastSeen, now).toLowerCase()} at ${timeOf(lastSeen)}`;
}

/** A call record in words, from the view of `mine` (the own call or not). */
export function callRecordOf({ outcome, duration_ms: ms, media }, mine) {
  const kind = media?.video ? "video call" : "call";
  switch (outcome) {
  case "answered":
    return `${media?.video ? "Video call" : "Call"}, ${durationOf(ms || 0)}`;
  case "missed":
    return mine ? `No answer to your ${kind}` : `Missed ${kind}`;
  case "refused":
    return mine ? `Your ${kind} was refused` : `You refused a ${kind}`;
  case "busy":
    return mine ? `Busy: ${kind} not answered` : `Missed ${kind} while you were busy`;
  default:
    return `Ended ${kind}`;
  }
}

/** Why a call ended, for the moment before its window closes. */
export function endOf(call) {
  const texts = {
    refused: call.role === "caller" ? "Refused" : "",
    busy: "Busy in another call",
    timeout: "No answer",
    lost: "The connection was lost",
    failed: "No way to the other side was found",
    not_found: "There is no such user",
    answered_elsewhere: "Answered on another device",
  };
  return texts[call.reason] || "";
}

const UNITS = ["bytes", "KB", "MB", "GB"];

/** "183 KB" */
export function sizeOf(bytes) {
  let unit = 0;
  let n = bytes;
  for (; n >= 1000 && unit < UNITS.length - 1; unit++)
    n /= 1000;
  return `${n < 10 && unit > 0 ? n.toFixed(1) : Math.round(n)} ${UNITS[unit]}`;
}

/** What is in a message, in a line. */
export function contentOf(message, mine) {
  const { type, body } = message;
  if (type === "call")
    return callRecordOf(body, mine);
  if (message.retracted_ts)
    return "Message deleted";
  if (type === "file" && !body.text)
    return `${body.type?.startsWith("image/") ? "Picture" : "File"}: ${body.name}`;
  return roomIn(message) ? "Group call" : body?.text || "";
}

/**
 * A message in a line, for the list and for screen readers.
 * @param {(user: string) => string} nickOf
 * @param {boolean} named whether others' names stand before what they say
 */
export function summaryOf(message, me, nickOf, named) {
  if (!message)
    return "";
  if (message.type === "notice")
    return noticeOf(message, me, nickOf);
  const mine = message.from === me;
  const text = contentOf(message, mine);
  if (mine)
    return message.type === "call" ? text : `You: ${text}`;
  return named ? `${nickOf(message.from)}: ${text}` : text;
}

/** "1 member", "3 members" */
export function countOf(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** "Bob is typing…" */
export function typingOf(nicks) {
  if (nicks.length > 3)
    return "Several people are typing…";
  return `${listOf(nicks)} ${nicks.length === 1 ? "is" : "are"} typing…`;
}

/** Why something was not done. */
export function problemOf(error) {
  const texts = {
    forbidden: "You are not allowed to do that.",
    not_found: "There is no such user.",
    rate_limited: "That was too often. Wait a moment.",
    too_large: "That is too much.",
    link_lost: "The connection was lost. Try again.",
    timeout: "The server does not answer. Try again.",
    closed: "There is no connection.",
  };
  return texts[error?.code] || error?.message || "That did not work.";
}

/** Why a message failed. */
export function failureOf({ type, error }) {
  const file = {
    too_large: "The server takes no file of this size, or your space is full",
    bad_request: "The server does not take such a file",
    not_found: "There is no such user, or the file is gone",
  };
  const texts = {
    not_found: "There is no such user",
    too_large: "The text is too long",
    forbidden: "Not allowed",
  };
  return (type === "file" && file[error?.code]) || texts[error?.code] || "Not sent";
}
