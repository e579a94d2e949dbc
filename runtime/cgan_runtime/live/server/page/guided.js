// A picture that the server keeps, to be shown with hints; guided.py describes the routes.
//
// const guided = await Guided.ofUpload(upload);   // or Guided.ofStage(stage)
// await guided.begin();                           // now guided.guess({x, y}) is the model's color there, [R, G, B]
// const bitmap = await guided.picture(hints);     // null: another call came meanwhile, whose picture comes instead

import { ask, NO_ANSWER, sentence } from "./api.js";

const LONGER_SIDE = 1280; // pixels of a picture that is sent
const JPEG_QUALITY = 0.95;
const GUESS_SIDE = 3; // pixels around a place over which the guess is averaged

export class Guided {
  constructor(reopen) {
    Object.assign(this, { reopen, id: null, busy: false, waiting: null, colors: null });
  }

  /** Of a photo that was sent. */
  static ofUpload(upload) {
    return new Guided(() => ask(`/guides?upload=${upload.id}`, "POST")).opened();
  }

  /** Of the picture on the stage. */
  static async ofStage({ color }) {
    const factor = Math.min(1, LONGER_SIDE / Math.max(color.width, color.height));
    const small = new OffscreenCanvas(Math.max(1, Math.round(color.width * factor)), Math.max(1, Math.round(color.height * factor)));
    const context = small.getContext("2d", { alpha: false });
    context.imageSmoothingQuality = "high";
    context.drawImage(color, 0, 0, small.width, small.height);
    const jpeg = await small.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY });
    return new Guided(async () => (await send("/guides", jpeg)).json()).opened();
  }

  /** What a file of hints holds; throws an Error that says what is wrong with it. */
  static async check(text, name, isStill) {
    const query = new URLSearchParams({ name, still: isStill ? "1" : "" });
    return (await send(`/hints?${query}`, text)).json();
  }

  async opened() {
    this.id = (await this.reopen()).id;
    return this;
  }

  /** Learn the model's own colors. */
  async begin() {
    const bitmap = await this.color([]);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    this.colors = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.colors.drawImage(bitmap, 0, 0);
    bitmap.close();
  }

  guess({ x, y }) {
    const { width, height } = this.colors.canvas, half = (GUESS_SIDE - 1) / 2;
    const left = Math.max(0, Math.min(width - GUESS_SIDE, Math.floor(x * width) - half));
    const top = Math.max(0, Math.min(height - GUESS_SIDE, Math.floor(y * height) - half));
    const { data } = this.colors.getImageData(left, top, GUESS_SIDE, GUESS_SIDE);
    const sums = [0, 0, 0];
    for (let i = 0; i < data.length; i += 1) if (i % 4 < 3) sums[i % 4] += data[i];
    return sums.map((sum) => Math.round(sum / (data.length / 4)));
  }

  /** One request at a time; of those that come meanwhile only the newest is made. */
  async picture(hints) {
    if (this.busy) {
      this.waiting?.resolve(null);
      return new Promise((resolve, reject) => { this.waiting = { hints, resolve, reject }; });
    }
    this.busy = true;
    try {
      return await this.color(hints);
    } finally {
      this.busy = false;
      const next = this.waiting;
      this.waiting = null;
      if (next) this.picture(next.hints).then(next.resolve, next.reject);
    }
  }

  async color(hints) {
    const body = JSON.stringify({ hints: hints.map(({ x, y, color, radius }) => ({ x, y, color, radius })) });
    let answer = await send(`/guides/${this.id}/picture`, body, 404);
    if (answer.status === 404) { // the server kept newer pictures, or was started again
      await this.opened();
      answer = await send(`/guides/${this.id}/picture`, body);
    }
    return createImageBitmap(await answer.blob());
  }

  /** Let a camera take these colors. */
  async guide(camera, hints) {
    const body = JSON.stringify({ hints: hints.map(({ x, y, color, radius }) => ({ x, y, color, radius })) });
    await send(`/cameras/${encodeURIComponent(camera.id)}/guide?guide=${this.id}`, body, null, "PUT");
  }
}

/** Send a body; throws an Error with the server's reason unless the answer is good, or has the `accepted` status. */
async function send(path, body, accepted = null, method = "POST") {
  const answer = await fetch(path, { method, body }).catch(() => { throw new Error(NO_ANSWER); });
  if (answer.ok || answer.status === accepted) return answer;
  const reason = await answer.json().then(({ error }) => error, () => `the server refused it (status ${answer.status})`);
  throw new Error(sentence(reason));
}
