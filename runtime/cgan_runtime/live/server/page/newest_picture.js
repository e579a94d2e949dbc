// A picture that is shown with hints, whoever makes it: one at a time, and always the newest.
//
// class Mine extends NewestPicture { async color(hints) { return bitmap; } }
// await mine.begin();                           // now mine.guess({x, y}) is the model's color there, [R, G, B]
// const bitmap = await mine.picture(hints);     // null: another call came meanwhile, whose picture comes instead

const GUESS_SIDE = 3; // pixels around a place over which the guess is averaged
const LONGER_SIDE = 1280; // pixels of the picture that the guess is read from

export class NewestPicture {
  constructor() { Object.assign(this, { busy: false, waiting: null, colors: null }); }

  /** Learn the model's own colors. */
  async begin() {
    const bitmap = await this.color([]), factor = Math.min(1, LONGER_SIDE / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((length) => Math.max(GUESS_SIDE, Math.round(length * factor)));
    this.colors = new OffscreenCanvas(width, height).getContext("2d", { alpha: false, willReadFrequently: true });
    this.colors.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
  }

  guess({ x, y }) {
    const { width, height } = this.colors.canvas, half = (GUESS_SIDE - 1) / 2;
    const at = (part, length) => Math.max(0, Math.min(length - GUESS_SIDE, Math.floor(part * length) - half));
    const { data } = this.colors.getImageData(at(x, width), at(y, height), GUESS_SIDE, GUESS_SIDE);
    const sums = [0, 0, 0];
    for (let i = 0; i < data.length; i += 1) if (i % 4 < 3) sums[i % 4] += data[i];
    return sums.map((sum) => Math.round(sum / (data.length / 4)));
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
}
