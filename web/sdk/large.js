// SPDX-License-Identifier: BSD-3-Clause
// large: groups that are read by cursor. Their entries come without `sync`, at
// once and unacknowledged; `seq` has no holes but what retention took, so
// whoever sees one, or hears that a group is further than it knows, reads the
// rest from the history.
// Pure: no storage, no clock.

const PAGE = 200;

export class Large {
  #read;
  #through;
  #known = new Map(); // conv -> seq up to which all was let through
  #wanted = new Map(); // conv -> seq that is known to exist
  #reading = new Set(); // convs
  #waiting = new Set(); // convs whose beginning the inbox is to tell

  /**
   * @param {(conv: string, after: number, limit: number) =>
   *   Promise<{messages: object[], complete: boolean}>} read of the history
   * @param {(messages: object[]) => void} through takes what comes next in a
   *   conversation, ascending and without holes
   */
  constructor(read, through) {
    this.#read = read;
    this.#through = through;
  }

  /** What this device has kept already. @param {[string, number][]} known */
  load(known) {
    for (const [conv, seq] of known)
      this.#known.set(conv, seq);
  }

  reset() {
    this.#known.clear();
    this.#wanted.clear();
    this.#waiting.clear();
  }

  /**
   * The link is up, and these exist. To a new device they begin at their ends:
   * what was said before is history. One that was away has become a member
   * meanwhile, or the group large: its inbox tells where that was.
   * @param {{conv: string, seq: number}[]} heads of hello
   * @param {boolean} fresh a new device
   */
  start(heads, fresh) {
    this.#reading.clear();
    for (const { conv, seq } of heads) {
      if (!this.#known.has(conv) && fresh)
        this.#known.set(conv, seq);
      else if (!this.#known.has(conv))
        this.#waiting.add(conv);
      this.#want(conv, seq);
    }
  }

  /** Those that begin() is to be told of. */
  get waiting() {
    return [...this.#waiting];
  }

  /** Whether its entries are let through here. */
  has(conv) {
    return this.#known.has(conv) || this.#waiting.has(conv);
  }

  /** The inbox has told all up to here. @param {number} [seq] without: that is
   * not known, and it begins at its end */
  begin(conv, seq = this.#wanted.get(conv)) {
    if (!this.#waiting.delete(conv))
      return;
    this.#known.set(conv, seq);
    this.#want(conv, seq);
  }

  /** An entry; one that also stands in the inbox may be told twice. */
  take(message) {
    const { conv, seq } = message;
    if (!this.has(conv))
      this.#known.set(conv, seq - 1);
    if (this.#waiting.has(conv)) {
      this.#want(conv, seq);
      return;
    }
    const known = this.#known.get(conv);
    if (seq === known + 1 && !this.#reading.has(conv))
      this.#pass(conv, [message]);
    else if (seq > known)
      this.#want(conv, seq);
  }

  #pass(conv, messages) {
    const known = this.#known.get(conv);
    const next = messages.filter(({ seq }) => seq > known);
    if (next.length === 0)
      return;
    this.#known.set(conv, next.at(-1).seq);
    this.#through(next);
  }

  #want(conv, seq) {
    this.#wanted.set(conv, Math.max(seq, this.#wanted.get(conv) || 0));
    if (this.#wanted.get(conv) > this.#known.get(conv) &&
        !this.#reading.has(conv))
      this.#catchUp(conv);
  }

  async #catchUp(conv) {
    const reading = this.#reading;
    reading.add(conv);
    try {
      while (this.#wanted.get(conv) > this.#known.get(conv)) {
        const wanted = this.#wanted.get(conv);
        const { messages } = await this.#read(conv, this.#known.get(conv), PAGE);
        if (messages.length === 0) // retention has taken them
          this.#known.set(conv, Math.max(wanted, this.#known.get(conv)));
        this.#pass(conv, messages);
      }
    } catch {
      // The link went: the next hello tells again how far it is. Or the user
      // is no member any more.
    }
    reading.delete(conv);
  }
}
