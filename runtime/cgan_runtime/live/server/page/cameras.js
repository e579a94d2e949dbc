// The cameras: that of the server, and that of the browser, which is sent frame by frame and comes back in color.
//
// const camera = new BrowserCamera(callbacks, maxRate);  await camera.start();  camera.stop();
// callbacks: frame(bitmap, {delay, coloring, dropped}), status(text, isError), ended(reason)
//
// The protocol is described in sockets.py.

const HEADER = 12; // bytes: u32 frame number, f32 delay, f32 time of coloring
const IN_FLIGHT = 2; // frames sent but not answered: one travels while the other is colored
const LOST_MS = 1000; // a later answer does not come: the server has dropped the frame
const MAX_BUFFERED = 200_000; // bytes that wait in the browser; a slow network gets fewer frames
const JPEG_QUALITY = 0.85;
const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
const RETRY_MS = 1500;

const NO_ANSWER = "The server does not answer. Trying again.";
export const ACCESS_DENIED = "The server does not accept this page any more. Open the address that cgan-run has printed last.";
const CAMERA_ERRORS = {
  NotAllowedError: "The camera is blocked. Allow it in the browser’s settings for this page.",
  NotFoundError: "The browser finds no camera.",
  NotReadableError: "Another program uses the camera. Close it and start again.",
};

/** Open a WebSocket again and again until `camera` is stopped; `camera.receive` gets each message. */
function connect(camera, path) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = camera.socket = new WebSocket(`${scheme}://${location.host}${path}`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => camera.opened?.(socket);
  socket.onmessage = (event) => camera.receive(event.data);
  socket.onclose = async (event) => {
    if (camera.stopped) return;
    const reason = await closeReason(path, event.reason);
    if (camera.stopped) return;
    camera.callbacks.status(reason, true);
    setTimeout(() => camera.stopped || connect(camera, path), RETRY_MS);
  };
}

/** Why a socket closed. Browsers hide why it was refused, so ask again without a WebSocket. */
async function closeReason(path, reason) {
  if (reason) return reason;
  try {
    const answer = await fetch(path);
    if (answer.status === 401) return ACCESS_DENIED;
    if (answer.status === 503) return `The server is busy: ${(await answer.text()).trim()}. Trying again.`;
  } catch { /* no answer at all */ }
  return NO_ANSWER;
}

async function decode(message) {
  const view = new DataView(message, 0, HEADER);
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(message, HEADER)], { type: "image/jpeg" }));
  return {
    number: view.getUint32(0, true),
    delay: view.getFloat32(4, true),
    coloring: view.getFloat32(8, true),
    bitmap,
  };
}

export class ServerCamera {
  constructor(callbacks) {
    this.callbacks = callbacks;
    this.stopped = false;
    this.dropped = 0; // fraction of the camera's frames
  }

  async start() { connect(this, "/live/view"); }

  receive(message) {
    if (typeof message === "string") this.showStatus(JSON.parse(message).status);
    else this.show(message);
  }

  async show(message) {
    const frame = await decode(message);
    if (!this.stopped) this.callbacks.frame(frame.bitmap, { ...frame, dropped: this.dropped });
    frame.bitmap.close();
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ shown: frame.number }));
  }

  showStatus(status) {
    const live = status.camera === "live";
    const viewers = status.viewers > 1 ? `; ${status.viewers} viewers` : "";
    this.dropped = status.read ? status.dropped / status.read : 0;
    this.callbacks.status(live ? `Camera: ${status.message}${viewers}` : status.message, !live);
  }

  stop() {
    this.stopped = true;
    this.socket.close();
  }
}

export class BrowserCamera {
  constructor(callbacks, maxRate) {
    this.callbacks = callbacks;
    this.minInterval = 1000 / maxRate - 4; // milliseconds between frames, less a camera's jitter
    this.facing = "user";
    this.video = document.createElement("video");
    this.video.muted = this.video.playsInline = true;
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.captured = new Map(); // frame number -> when it was captured, by the page's clock
    this.number = this.answered = this.sentAt = this.answeredAt = this.offered = 0;
    this.stopped = this.encoding = false;
  }

  /** Ask for the camera; throws an Error with a message for the user when it is refused. */
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("Browsers allow a camera only on secure pages: https, or this machine itself. Start cgan-run with --cert and --key.");
    }
    await this.open();
    connect(this, "/live/camera");
  }

  async open() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...WANTED, facingMode: this.facing } });
    } catch (error) {
      throw new Error(CAMERA_ERRORS[error.name] ?? `The camera cannot be used (${error.name}).`);
    }
    this.video.srcObject = this.stream;
    this.stream.getVideoTracks()[0].onended = () => { if (!this.stopped) { this.stop(); this.callbacks.ended("The camera was disconnected."); } };
    await this.video.play();
  }

  /** Switch between the front and the back camera. */
  async switch() {
    this.facing = this.facing === "user" ? "environment" : "user";
    this.stream.getTracks().forEach((track) => track.stop());
    await this.open();
  }

  opened(socket) {
    this.callbacks.status("");
    this.captured.clear();
    this.answered = this.number;
    this.next(socket);
  }

  receive(message) {
    if (typeof message === "string") this.callbacks.status(JSON.parse(message).error, true);
    else this.show(message);
  }

  /** Wait for the camera's next frame, as long as `socket` is the current one. */
  next(socket) {
    if (this.stopped || socket !== this.socket || socket.readyState !== WebSocket.OPEN) return;
    if (this.video.requestVideoFrameCallback) {
      this.video.requestVideoFrameCallback((now, metadata) => { this.next(socket); this.offer(metadata.captureTime ?? now); });
    } else {
      setTimeout(() => { this.next(socket); this.offer(performance.now()); }, 1000 / 30);
    }
  }

  /** Send the current frame of the camera if network and server are ready for it; otherwise drop it. */
  offer(capturedAt) {
    this.offered += 1;
    const now = performance.now();
    const lost = now - Math.max(this.answeredAt, this.sentAt) > LOST_MS;
    if (this.encoding || now - this.sentAt < this.minInterval || this.socket.bufferedAmount > MAX_BUFFERED) return;
    if (this.number - this.answered >= IN_FLIGHT && !lost) return;
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) return;
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.context.drawImage(this.video, 0, 0);
    this.encoding = true;
    this.sentAt = now;
    this.canvas.toBlob((blob) => {
      this.encoding = false;
      if (!blob || this.stopped || this.socket.readyState !== WebSocket.OPEN) return;
      this.number += 1;
      this.captured.set(this.number, capturedAt);
      const header = new DataView(new ArrayBuffer(4));
      header.setUint32(0, this.number, true);
      this.socket.send(new Blob([header, blob]));
    }, "image/jpeg", JPEG_QUALITY);
  }

  async show(message) {
    this.answeredAt = performance.now();
    const number = new DataView(message).getUint32(0, true);
    this.answered = Math.max(this.answered, number);
    const frame = await decode(message);
    const captured = this.captured.get(number);
    if (!this.stopped && captured !== undefined) {
      this.callbacks.frame(frame.bitmap, {
        delay: performance.now() - captured,
        coloring: frame.coloring,
        dropped: 1 - this.number / this.offered,
      });
    }
    frame.bitmap.close();
    for (const each of this.captured.keys()) if (each <= number) this.captured.delete(each);
  }

  stop() {
    this.stopped = true;
    this.socket?.close();
    this.stream?.getTracks().forEach((track) => track.stop());
    this.video.srcObject = null;
  }
}
