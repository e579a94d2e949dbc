// The camera of this device: its newest frame is colored whenever the painter is free.
//
// const camera = new Camera(studio, strength, { frame(bitmap, measured), ended(reason) });
// await camera.start();  camera.switch();  camera.stop();

import { MediaCamera, SECURE_ONLY } from "./media_camera.js";

const RECENT = 60; // offered frames over which dropped ones are counted
const FEW = 9, ENOUGH = 11; // predictions a second: below, fewer frames are taken, so that the network gets the time
const PACE = 8, SLOWEST = 66; // milliseconds: how fast this changes, and the longest time between two frames

export class Camera extends MediaCamera {
  constructor(studio, strength, callbacks) {
    super(callbacks);
    Object.assign(this, { studio, strength, busy: false });
    this.offers = []; // of the last frames, whether each was taken
    this.predictions = { count: 0, since: 0, rate: 0 };
    this.interval = this.due = 0; // of frames that are taken: least milliseconds between two, and when the next may come
  }

  /** Ask for the camera; throws an Error with a sentence for the user when it is refused. */
  async start() {
    if (!Camera.allowed) throw new Error(SECURE_ONLY);
    if (typeof VideoFrame === "undefined") throw new Error("This browser cannot color a camera: it has no WebCodecs. Use a current Chrome, Edge, Firefox or Safari.");
    await this.open();
    this.next();
  }

  next() {
    if (this.stopped) return;
    this.video.requestVideoFrameCallback((now, { captureTime }) => { this.next(); this.offer(captureTime ?? now); });
  }

  /** Color the current frame if the last one is done; otherwise drop it. */
  async offer(capturedAt) {
    const taken = !this.busy && capturedAt >= this.due;
    this.offers.push(taken);
    if (this.offers.length > RECENT) this.offers.shift();
    if (!taken || this.stopped) return;
    this.due = Math.max(this.due + this.interval, capturedAt);
    this.busy = true;
    try {
      const frame = new VideoFrame(this.video, { timestamp: Math.round(1000 * capturedAt) });
      const { bitmap, predictions, ms, size } = await this.studio.ask("frame", { frame, strength: this.strength() }, [frame]);
      if (!this.stopped) {
        const dropped = this.offers.filter((taken) => !taken).length / this.offers.length;
        this.callbacks.frame(bitmap, { delay: performance.now() - capturedAt, coloring: ms, dropped, predictions: this.rateOf(predictions), size });
      }
      bitmap.close();
    } catch (error) {
      if (!this.stopped) this.callbacks.ended(error.message);
    } finally {
      this.busy = false;
    }
  }

  /** Predictions a second, counted anew each second; also sets the pace of the frames. */
  rateOf(count) {
    const now = performance.now(), last = this.predictions, seconds = (now - last.since) / 1000;
    if (seconds < 1) return last.rate;
    const rate = last.since ? (count - last.count) / seconds : 0;
    this.predictions = { count, since: now, rate };
    if (last.since && rate < FEW) this.interval = Math.min(SLOWEST, this.interval + PACE);
    else if (rate > ENOUGH) this.interval = Math.max(0, this.interval - PACE);
    return rate;
  }

  /** The current frame as it is, for a photo. */
  photo() { return createImageBitmap(this.video); }

  stop() {
    super.stop();
    this.studio.stop();
  }
}
