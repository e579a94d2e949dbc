// A picture that the server keeps, to be shown with hints (newest_picture.js); guided.py describes the routes.
//
// const guided = await Guided.ofUpload(upload);   // or Guided.ofStage(stage)

import { ask, NO_ANSWER, sentence } from "./api.js";
import { NewestPicture } from "./newest_picture.js";

const LONGER_SIDE = 1280; // pixels of a picture that is sent
const JPEG_QUALITY = 0.95;

export class Guided extends NewestPicture {
  constructor(reopen) {
    super();
    Object.assign(this, { reopen, id: null });
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
