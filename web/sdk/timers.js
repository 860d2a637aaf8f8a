// SPDX-License-Identifier: BSD-3-Clause
// timers: timeouts that also fire on time in a tab nobody looks at.
// Browsers slow the timers of a hidden page down to one a minute, far beyond
// the heartbeat; those of a worker they leave alone.

/** Plain timeouts of the page (or of Node). */
export const plainTimers = {
  now: () => Date.now(),
  set: (fn, ms) => setTimeout(fn, ms),
  clear: (handle) => clearTimeout(handle),
};

/**
 * @returns {typeof plainTimers & {close: () => void}} timers of a worker, or
 *   plain ones where the platform gives no worker
 */
export function workerTimers() {
  const waiting = new Map();
  let next = 1;
  let worker = null;

  const fire = (handle) => {
    const entry = waiting.get(handle);
    waiting.delete(handle);
    entry?.fn();
  };
  const arm = (handle, ms) => {
    if (worker)
      worker.postMessage({ handle, ms });
    else
      waiting.get(handle).plain = setTimeout(fire, ms, handle);
  };

  try {
    worker = new Worker(new URL("./timer-worker.js", import.meta.url));
    worker.onmessage = (event) => fire(event.data);
    worker.onerror = () => {
      worker = null;
      for (const [handle, entry] of waiting)
        arm(handle, Math.max(0, entry.at - Date.now()));
    };
  } catch {
    worker = null;
  }

  return {
    now: () => Date.now(),
    set(fn, ms) {
      const handle = next++;
      waiting.set(handle, { fn, at: Date.now() + ms });
      arm(handle, ms);
      return handle;
    },
    clear(handle) {
      const entry = waiting.get(handle);
      if (entry?.plain !== undefined)
        clearTimeout(entry.plain);
      else if (entry)
        worker?.postMessage({ handle });
      waiting.delete(handle);
    },
    close() {
      worker?.terminate();
      worker = null;
      for (const entry of waiting.values())
        clearTimeout(entry.plain);
      waiting.clear();
    },
  };
}
