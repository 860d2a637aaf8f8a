// SPDX-License-Identifier: BSD-3-Clause
// backend: four tables behind one transactional interface, kept in IndexedDB,
// or in memory where the platform gives no IndexedDB.
//
// run(mode, fn) calls fn with a view `t`; what fn does is one transaction.
// fn may await nothing but the view's own promises.

const KEYS = {
  meta: "k",
  outbox: "mid",
  messages: ["conv", "seq"],
  conversations: "conv",
};

function promised(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** The newest `limit` values of [lower, upper], ascending. */
function newest(store, range, limit) {
  return new Promise((resolve, reject) => {
    const found = [];
    const request = store.openCursor(range, "prev");
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor || found.length >= limit) {
        resolve(found.reverse());
        return;
      }
      found.push(cursor.value);
      cursor.continue();
    };
  });
}

function idbView(transaction) {
  const table = (name) => transaction.objectStore(name);
  const range = (from, to) => IDBKeyRange.bound(from, to);
  return {
    get: (name, key) => promised(table(name).get(key)),
    put: (name, value) => promised(table(name).put(value)),
    del: (name, key) => promised(table(name).delete(key)),
    clear: (name) => promised(table(name).clear()),
    all: (name) => promised(table(name).getAll()),
    newest: (name, from, to, limit) => newest(table(name), range(from, to), limit),
    delRange: (name, from, to) => promised(table(name).delete(range(from, to))),
  };
}

export class IdbBackend {
  #db;

  constructor(db) {
    this.#db = db;
  }

  /** @param {string} name of the database */
  static async open(name) {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      for (const [table, keyPath] of Object.entries(KEYS))
        request.result.createObjectStore(table, { keyPath });
    };
    return new IdbBackend(await promised(request));
  }

  /**
   * @template T
   * @param {"readonly"|"readwrite"} mode
   * @param {(t: object) => Promise<T>} fn
   * @param {{strict?: boolean}} [how] strict: on the disk, not only with the
   *   operating system, when the promise resolves
   * @returns {Promise<T>} after the transaction is complete
   */
  async run(mode, fn, { strict = false } = {}) {
    const transaction = this.#db.transaction(Object.keys(KEYS), mode,
      { durability: strict ? "strict" : "relaxed" });
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error ||
        new DOMException("aborted", "AbortError"));
    });
    done.catch(() => {}); // fn's own error comes first, below
    let result;
    try {
      result = await fn(idbView(transaction));
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // a failed request has aborted it already
      }
      throw error;
    }
    await done;
    return result;
  }

  close() {
    this.#db.close();
  }
}

function compare(a, b) {
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i])
      return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

function keyOf(name, value) {
  const path = KEYS[name];
  return Array.isArray(path) ? path.map((field) => value[field]) : value[path];
}

export class MemoryBackend {
  #tables = new Map(Object.keys(KEYS).map((name) => [name, new Map()]));
  #chain = Promise.resolve();

  /** As IdbBackend.run; one at a time, without roll-back. */
  run(_mode, fn) {
    const result = this.#chain.then(() => fn(this.#view()));
    this.#chain = result.catch(() => {});
    return result;
  }

  close() {}

  #view() {
    const table = (name) => this.#tables.get(name);
    const within = (name, from, to) => [...table(name).values()]
      .filter((value) => compare(keyOf(name, value), from) >= 0 &&
        compare(keyOf(name, value), to) <= 0)
      .sort((a, b) => compare(keyOf(name, a), keyOf(name, b)));
    const id = JSON.stringify;
    return {
      get: async (name, key) => structuredClone(table(name).get(id(key))),
      put: async (name, value) => {
        table(name).set(id(keyOf(name, value)), structuredClone(value));
      },
      del: async (name, key) => {
        table(name).delete(id(key));
      },
      clear: async (name) => table(name).clear(),
      all: async (name) => structuredClone([...table(name).values()]),
      newest: async (name, from, to, limit) =>
        structuredClone(within(name, from, to).slice(-limit)),
      delRange: async (name, from, to) => {
        for (const value of within(name, from, to))
          table(name).delete(id(keyOf(name, value)));
      },
    };
  }
}
