// The camera of this device, as both pages open it; what becomes of its frames is for the class that extends this.
//
// class Mine extends MediaCamera { ... }         // its callbacks have ended(reason)
// await mine.open();  await mine.switch();  mine.release();

const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
const ERRORS = {
  NotAllowedError: "The camera is blocked. Allow it in the browser’s settings for this page.",
  NotFoundError: "The browser finds no camera.",
  NotReadableError: "Another program uses the camera. Close it and start again.",
};
export const SECURE_ONLY = "Browsers allow a camera only on secure pages: https, or this machine itself.";

export class MediaCamera {
  constructor(callbacks) {
    this.callbacks = callbacks;
    this.facing = "user";
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    this.stopped = false;
  }

  /** Whether the page may use a camera at all. */
  static get allowed() { return Boolean(navigator.mediaDevices?.getUserMedia); }

  /** Ask for the camera; throws an Error with a sentence for the user when it is refused. */
  async open() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...WANTED, facingMode: this.facing } });
    } catch (error) {
      throw new Error(ERRORS[error.name] ?? `The camera cannot be used (${error.name}).`);
    }
    if (this.stopped) { this.release(); return; }
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

  release() { this.stream?.getTracks().forEach((track) => track.stop()); }

  stop() {
    this.stopped = true;
    this.release();
    this.video.srcObject = null;
  }
}
