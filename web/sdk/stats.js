// SPDX-License-Identifier: BSD-3-Clause
// stats: reads out of an RTCStatsReport which way a call goes.

/** The pair that carries the call, or undefined before there is one. */
function selectedPair(report) {
  for (const entry of report.values()) {
    if (entry.type === "transport" && entry.selectedCandidatePairId)
      return report.get(entry.selectedCandidatePairId);
  }
  for (const entry of report.values()) { // Firefox has no transport entry
    if (entry.type === "candidate-pair" && entry.selected)
      return entry;
  }
  return undefined;
}

function candidate(entry) {
  if (!entry)
    return undefined;
  return {
    type: entry.candidateType,
    protocol: entry.protocol,
    address: entry.address,
    port: entry.port,
    relayProtocol: entry.relayProtocol,
    url: entry.url,
  };
}

function sum(report, type, kind, field) {
  let total = 0;
  for (const entry of report.values()) {
    if (entry.type === type && (!kind || entry.kind === kind))
      total += entry[field] || 0;
  }
  return total;
}

/**
 * @param {Map<string, object>} report of RTCPeerConnection.getStats()
 * @returns {import("../floe.d.ts").CallStats}
 */
export function summarize(report) {
  const pair = selectedPair(report);
  const local = candidate(pair && report.get(pair.localCandidateId));
  const remote = candidate(pair && report.get(pair.remoteCandidateId));
  const relayed = local?.type === "relay" || remote?.type === "relay";
  let path;
  if (pair)
    path = relayed ? "relay" : "direct";
  return {
    path,
    local,
    remote,
    roundTripMs: pair?.currentRoundTripTime === undefined
      ? undefined : Math.round(pair.currentRoundTripTime * 1000),
    bytesSent: pair?.bytesSent || 0,
    bytesReceived: pair?.bytesReceived || 0,
    framesDecoded: sum(report, "inbound-rtp", "video", "framesDecoded"),
    audioPacketsReceived: sum(report, "inbound-rtp", "audio", "packetsReceived"),
    packetsLost: sum(report, "inbound-rtp", undefined, "packetsLost"),
  };
}
