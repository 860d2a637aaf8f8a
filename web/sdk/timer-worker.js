// SPDX-License-Identifier: BSD-3-Clause
// timer-worker: {handle, ms} sets a timeout, {handle} clears it; answers with
// the handle when the time has come.

const running = new Map();

self.onmessage = ({ data: { handle, ms } }) => {
  clearTimeout(running.get(handle));
  running.delete(handle);
  if (ms === undefined)
    return;
  running.set(handle, setTimeout(() => {
    running.delete(handle);
    self.postMessage(handle);
  }, ms));
};
