// The browser's own camera: each frame is sent to the server and comes back in color.
//
// const camera = new BrowserCamera(callbacks, maxRate);  await camera.start();  camera.pause(true);  camera.stop();
// callbacks: as in server_camera.js. `camera.id` is the server's name for it once it is known.

import { Connection, decode } from "./connection.js";
import { MediaCamera, SECURE_ONLY } from "./media_camera.js";

const IN_FLIGHT = 2; // frames sent but not answered: one travels while the other is colored
const LOST_MS = 1000; // a later answer does not come: the server has dropped the frame
const MAX_BUFFERED = 200_000; // bytes that wait in the browser; a slow network gets fewer frames
const JPEG_QUALITY = 0.85;
const SHARE_FRAMES = 90; // of the camera, over which the share of dropped frames is counted
export const INSECURE = `${SECURE_ONLY} Start cgan-run with --https.`;

export class BrowserCamera extends MediaCamera {
  constructor(callbacks, maxRate) {
    super(callbacks);
    this.minInterval = 1000 / maxRate - 4; // milliseconds between frames, less a camera's jitter
    this.id = null;
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.captured = new Map(); // frame number -> when it was captured, by the page's clock
    this.sent = []; // whether each of the camera's last frames was sent
    this.number = this.answered = this.sentAt = this.answeredAt = this.opening = 0;
    this.encoding = this.paused = false;
  }

  /** Ask for the camera; throws an Error with a message for the user when it is refused. */
  async start() {
    if (!BrowserCamera.allowed) throw new Error(INSECURE);
    await this.open();
    if (this.stopped) return;
    this.connection = new Connection("/live/camera", {
      opened: () => this.begin(),
      message: (data) => typeof data === "string" ? this.hear(JSON.parse(data)) : this.show(data),
      lost: (reason) => this.callbacks.lost(reason),
    });
  }

  begin() {
    this.captured.clear();
    this.answered = this.number;
    this.next(this.opening += 1);
  }

  hear({ camera, status, error }) {
    if (camera !== undefined) this.id = camera;
    if (status) this.callbacks.state(status);
    if (error) this.callbacks.lost(error);
  }

  /** Wait for the camera's next frame, as long as this is the current connection. */
  next(opening) {
    if (this.stopped || opening !== this.opening || !this.connection.ready) return;
    if (this.video.requestVideoFrameCallback) {
      this.video.requestVideoFrameCallback((now, metadata) => { this.next(opening); this.offer(metadata.captureTime ?? now); });
    } else {
      setTimeout(() => { this.next(opening); this.offer(performance.now()); }, 1000 / 30);
    }
  }

  /** Send the current frame of the camera if network and server are ready for it; otherwise drop it. */
  offer(capturedAt) {
    const now = performance.now();
    if (this.paused || now - this.sentAt < this.minInterval) return; // the page asks for no more
    const ready = this.ready(now);
    this.sent.push(ready);
    if (this.sent.length > SHARE_FRAMES) this.sent.shift();
    if (ready) this.send(capturedAt, now);
  }

  ready(now) {
    const lost = now - Math.max(this.answeredAt, this.sentAt) > LOST_MS;
    if (this.encoding || this.connection.buffered > MAX_BUFFERED) return false;
    return (this.number - this.answered < IN_FLIGHT || lost) && this.video.videoWidth > 0;
  }

  send(capturedAt, now) {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.context.drawImage(this.video, 0, 0);
    this.encoding = true;
    this.sentAt = now;
    this.canvas.toBlob((blob) => {
      this.encoding = false;
      if (!blob || this.stopped || !this.connection.ready) return;
      this.number += 1;
      this.captured.set(this.number, capturedAt);
      const header = new DataView(new ArrayBuffer(4));
      header.setUint32(0, this.number, true);
      this.connection.send(new Blob([header, blob]));
    }, "image/jpeg", JPEG_QUALITY);
  }

  async show(message) {
    this.answeredAt = performance.now();
    const number = new DataView(message).getUint32(0, true);
    this.answered = Math.max(this.answered, number);
    const frame = await decode(message);
    const captured = this.captured.get(number);
    if (!this.stopped && !this.paused && captured !== undefined) {
      this.callbacks.frame(frame.bitmap, {
        delay: performance.now() - captured,
        coloring: frame.coloring,
        dropped: this.sent.filter((sent) => !sent).length / this.sent.length,
      });
    }
    frame.bitmap.close();
    for (const each of this.captured.keys()) if (each <= number) this.captured.delete(each);
  }

  pause(paused) { this.paused = paused; }

  stop() {
    super.stop();
    this.connection?.close();
  }
}
