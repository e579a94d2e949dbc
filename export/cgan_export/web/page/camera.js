// The camera of this device: its newest frame is colored whenever the painter is free.
//
// const camera = new Camera(studio, strength, { frame(bitmap, measured), ended(reason) });
// await camera.start();  camera.switch();  camera.stop();

const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
const ERRORS = {
  NotAllowedError: "The camera is blocked. Allow it in the browser’s settings for this page.",
  NotFoundError: "The browser finds no camera.",
  NotReadableError: "Another program uses the camera. Close it and start again.",
};
const RECENT = 60; // offered frames over which dropped ones are counted

export class Camera {
  constructor(studio, strength, callbacks) {
    Object.assign(this, { studio, strength, callbacks });
    this.facing = "user";
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    this.stopped = this.busy = false;
    this.offers = []; // of the last frames, whether each was taken
    this.predictions = { count: 0, since: 0, rate: 0 };
  }

  /** Ask for the camera; throws an Error with a sentence for the user when it is refused. */
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) throw new Error("Browsers allow a camera only on secure pages: https, or this machine itself.");
    if (typeof VideoFrame === "undefined") throw new Error("This browser cannot color a camera: it has no WebCodecs. Use a current Chrome, Edge, Firefox or Safari.");
    await this.open();
    this.next();
  }

  async open() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...WANTED, facingMode: this.facing } });
    } catch (error) {
      throw new Error(ERRORS[error.name] ?? `The camera cannot be used (${error.name}).`);
    }
    if (this.stopped) return this.release();
    this.video.srcObject = this.stream;
    this.stream.getVideoTracks()[0].onended = () => { if (!this.stopped) this.callbacks.ended("The camera was disconnected."); };
    await this.video.play();
  }

  /** Switch between the front and the back camera. */
  async switch() {
    this.facing = this.facing === "user" ? "environment" : "user";
    this.release();
    await this.open();
  }

  next() {
    if (this.stopped) return;
    this.video.requestVideoFrameCallback((now, { captureTime }) => { this.next(); this.offer(captureTime ?? now); });
  }

  /** Color the current frame if the last one is done; otherwise drop it. */
  async offer(capturedAt) {
    this.offers.push(!this.busy);
    if (this.offers.length > RECENT) this.offers.shift();
    if (this.busy || this.stopped) return;
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

  /** Predictions a second, counted anew each second. */
  rateOf(count) {
    const now = performance.now(), last = this.predictions, seconds = (now - last.since) / 1000;
    if (seconds >= 1) this.predictions = { count, since: now, rate: last.since ? (count - last.count) / seconds : 0 };
    return this.predictions.rate;
  }

  /** The current frame as it is, for a photo. */
  photo() { return createImageBitmap(this.video); }

  release() { this.stream?.getTracks().forEach((track) => track.stop()); }

  stop() {
    this.stopped = true;
    this.release();
    this.video.srcObject = null;
    this.studio.stop();
  }
}
