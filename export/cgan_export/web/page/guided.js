// A photo in the painter, to be shown with hints; has the place of guided.js of the page that cgan-run serves.
//
// const guided = await Guided.ofUpload({ studio });
// await guided.begin();                           // now guided.guess({x, y}) is the model's color there, [R, G, B]
// const bitmap = await guided.picture(hints);     // null: another call came meanwhile, whose picture comes instead

const GUESS_SIDE = 3; // pixels around a place over which the guess is averaged
const LONGER_SIDE = 1280; // pixels of the picture that the guess is read from
const MOST_HINTS = 1000;

export class Guided {
  constructor(studio, strength) {
    Object.assign(this, { studio, strength, busy: false, waiting: null, colors: null });
  }

  static async ofUpload({ studio, strength }) { return new Guided(studio, strength); }

  /** What a file of hints holds; throws an Error that says what is wrong with it. */
  static async check(text, name) {
    const refuse = () => { throw new Error(`${name} is no file of hints.`); };
    let found = null;
    try { found = JSON.parse(text).hints; } catch { refuse(); }
    const within = (value) => typeof value === "number" && value >= 0 && value <= 1;
    const isHint = ({ x, y, color }) => within(x) && within(y) && /^#[0-9a-f]{6}$/i.test(color);
    if (!Array.isArray(found) || found.length > MOST_HINTS || !found.every((hint) => hint && isHint(hint))) refuse();
    return { hints: found.map(({ x, y, color, radius }) => ({ x, y, color, radius: within(radius) ? radius : 0.01 })) };
  }

  /** Learn the model's own colors. */
  async begin() {
    const bitmap = await this.color([]);
    const factor = Math.min(1, LONGER_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = new OffscreenCanvas(Math.max(GUESS_SIDE, bitmap.width * factor), Math.max(GUESS_SIDE, bitmap.height * factor));
    this.colors = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.colors.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
  }

  guess({ x, y }) {
    const { width, height } = this.colors.canvas, half = (GUESS_SIDE - 1) / 2;
    const at = (part, length) => Math.max(0, Math.min(length - GUESS_SIDE, Math.floor(part * length) - half));
    const { data } = this.colors.getImageData(at(x, width), at(y, height), GUESS_SIDE, GUESS_SIDE);
    return [0, 1, 2].map((channel) => Math.round(data.filter((_, i) => i % 4 === channel).reduce((sum, code) => sum + code, 0) / GUESS_SIDE ** 2));
  }

  /** One at a time; of those that come meanwhile only the newest is made. */
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
    const { bitmap } = await this.studio.ask("guide", { hints, strength: this.strength() });
    return bitmap;
  }
}
