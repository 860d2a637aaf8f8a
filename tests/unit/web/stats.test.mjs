// SPDX-License-Identifier: BSD-3-Clause
import assert from "node:assert/strict";
import test from "node:test";

import { summarize } from "../../../web/sdk/stats.js";

const report = (...entries) => new Map(entries.map((e) => [e.id, e]));
const pair = { id: "P", type: "candidate-pair", localCandidateId: "L",
  remoteCandidateId: "R", currentRoundTripTime: 0.0124, bytesSent: 10,
  bytesReceived: 20 };
const candidate = (id, candidateType) =>
  ({ id, type: `${id}-candidate`, candidateType, protocol: "udp" });

test("without a pair there is no path", () => {
  const stats = summarize(report());
  assert.equal(stats.path, undefined);
  assert.equal(stats.framesDecoded, 0);
});

test("the transport names the pair; one relayed end is a relayed call", () => {
  const stats = summarize(report(
    { id: "T", type: "transport", selectedCandidatePairId: "P" }, pair,
    candidate("L", "prflx"), candidate("R", "relay")));
  assert.equal(stats.path, "relay");
  assert.equal(stats.local.type, "prflx");
  assert.equal(stats.remote.type, "relay");
  assert.equal(stats.roundTripMs, 12);
  assert.deepEqual([stats.bytesSent, stats.bytesReceived], [10, 20]);
});

test("Firefox marks the pair itself", () => {
  const stats = summarize(report({ ...pair, id: "X" },
    { ...pair, selected: true }, candidate("L", "host"), candidate("R", "srflx")));
  assert.equal(stats.path, "direct");
});

test("frames and packets are summed by kind", () => {
  const stats = summarize(report(
    { id: "1", type: "inbound-rtp", kind: "video", framesDecoded: 7, packetsLost: 1 },
    { id: "2", type: "inbound-rtp", kind: "audio", packetsReceived: 9, packetsLost: 2 },
    { id: "3", type: "outbound-rtp", kind: "video", framesEncoded: 5 }));
  assert.deepEqual([stats.framesDecoded, stats.audioPacketsReceived,
    stats.packetsLost], [7, 9, 3]);
});
