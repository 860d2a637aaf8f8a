// SPDX-License-Identifier: BSD-3-Clause
// upload: one file on its way to the server. fetch() tells no progress of what
// it sends, XMLHttpRequest does.

import { FloeError, fromWire } from "./errors.js";

/** What the server takes for a name: no path, no control characters. */
export function cleanName(name) {
  const plain = (name || "").replace(/^.*[\\/]/, "")
    .replace(/[\u0000-\u001f\u007f]/g, "").trim() || "file";
  const utf8 = new TextEncoder();
  let cut = plain;
  while (utf8.encode(cut).length > 255)
    cut = [...cut].slice(0, -1).join("");
  return cut;
}

function answerOf(request) {
  let answer = {};
  try {
    answer = JSON.parse(request.responseText);
  } catch {
    // no answer of signald's: the status says enough
  }
  if (request.status === 201)
    return answer;
  throw fromWire(answer.err ||
    { code: "network", msg: `upload: HTTP ${request.status}` });
}

/**
 * @param {object} what
 * @param {string} what.server @param {string} what.token
 * @param {string} what.name @param {Blob} what.blob
 * @param {(sent: number, total: number) => void} [what.progress]
 * @param {AbortSignal} [what.signal]
 * @param {typeof XMLHttpRequest} [Request]
 * @returns {Promise<{file: string, size: number, type: string}>}
 * @throws {FloeError} `too_large`, `bad_request`, `unauthorized`,
 *   `rate_limited`, `storage`, `network`; `closed`: aborted
 */
export function upload({ server, token, name, blob, progress, signal },
  Request = globalThis.XMLHttpRequest) {
  return new Promise((resolve, reject) => {
    const url = new URL("/api/v1/files", server);
    url.searchParams.set("name", name);
    const request = new Request();
    request.open("POST", url);
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.setRequestHeader("Content-Type",
      blob.type || "application/octet-stream");
    request.upload.onprogress = ({ loaded }) =>
      progress?.(Math.min(loaded, blob.size), blob.size);
    request.onload = () => {
      try {
        resolve(answerOf(request));
      } catch (error) {
        reject(error);
      }
    };
    request.onerror = () => reject(new FloeError("network", "upload: no answer"));
    request.onabort = () => reject(new FloeError("closed", "upload: aborted"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(blob);
  });
}
