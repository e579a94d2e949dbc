// A photo in the painter, to be shown with hints (newest_picture.js); has the place of guided.js of the page that
// cgan-run serves.
//
// const guided = await Guided.ofUpload({ studio, strength });

import { NewestPicture } from "./newest_picture.js";

const MOST_HINTS = 1000;

export class Guided extends NewestPicture {
  constructor(studio, strength) {
    super();
    Object.assign(this, { studio, strength });
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

  async color(hints) {
    const { bitmap } = await this.studio.ask("guide", { hints, strength: this.strength() });
    return bitmap;
  }
}
