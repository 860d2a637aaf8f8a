// SPDX-License-Identifier: BSD-3-Clause
// thumbs: small pictures of pictures, made here and kept while the page is
// open. Owns: their blob: addresses.

const EDGE_PX = 640; // twice what is shown
const MOST = 128;
const MOST_BYTES = 8 << 20; // larger ones are fetched when they are asked for
const PICTURE = /^image\/(png|jpeg|gif|webp|avif)$/;

/** Whether it is shown, and not only offered. */
export function isPicture({ type, size = 0 }) {
  return PICTURE.test(type || "") && size <= MOST_BYTES;
}

/** The box that it gets before it is there: sides as the sender tells them. */
export function boxOf({ width, height }) {
  const known = width > 0 && height > 0;
  const ratio = known ? Math.min(3, Math.max(1 / 2, width / height)) : 4 / 3;
  return { ratio, width: Math.round(Math.min(320, 320 * Math.min(1, ratio))) };
}

/** @returns {Promise<{width: number, height: number}|{}>} of a picture */
export async function sidesOf(blob) {
  if (!isPicture(blob))
    return {};
  try {
    const bitmap = await createImageBitmap(blob);
    const { width, height } = bitmap;
    bitmap.close();
    return { width, height };
  } catch {
    return {}; // no picture after all
  }
}

async function shrink(blob) {
  const bitmap = await createImageBitmap(blob);
  const scale = Math.min(1, EDGE_PX / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve, reject) => canvas.toBlob((small) =>
    (small ? resolve(small) : reject(new Error("no picture"))), "image/webp", 0.85));
}

export class Thumbs {
  #client;
  #urls = new Map(); // hash or mid -> promise of an address

  constructor(client) {
    this.#client = client;
  }

  /** @param {object} message of type `file` @returns {Promise<string>} */
  of(message) {
    const key = message.blob ? message.mid : message.body.file;
    const known = this.#urls.get(key);
    if (known)
      return known;
    const made = this.#make(message);
    this.#urls.set(key, made);
    made.catch(() => this.#urls.delete(key));
    if (this.#urls.size > MOST)
      this.#drop(this.#urls.keys().next().value);
    return made;
  }

  async #make(message) {
    const blob = message.blob || await this.#client.fileBlob(message);
    return URL.createObjectURL(await shrink(blob));
  }

  #drop(key) {
    this.#urls.get(key).then((url) => URL.revokeObjectURL(url), () => {});
    this.#urls.delete(key);
  }

  clear() {
    for (const key of [...this.#urls.keys()])
      this.#drop(key);
  }
}
