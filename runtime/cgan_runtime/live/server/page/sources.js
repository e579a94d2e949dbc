// Where live images come from: the box's camera, or the browser's own, sent frame by frame.
//
// const source = new OwnCamera(callbacks, maxRate);  await source.start();  source.stop();
// callbacks: frame(bitmap, {delay, coloring, leftOut}), status(text, isTrouble), ended(reason)
//
// Wire format: see sockets.py.

const HEADER = 12; // bytes: u32 frame, f32 delay, f32 coloring
const IN_FLIGHT = 2; // frames that are sent and not answered: one on the way while the other is colored
const LOST_MS = 1000; // an answer that takes longer does not come: the server has left the frame out
const MAX_BUFFERED = 200_000; // bytes that wait in the browser: a slow line gets fewer frames
const JPEG_QUALITY = 0.85;
const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
const AGAIN_MS = 1500;

const NO_ANSWER = "No answer from the box; trying again.";
export const NO_ENTRY = "The box no longer lets this page in. Open the address that cgan-run prints now.";
const NO_CAMERA = {
  NotAllowedError: "The camera was not allowed. Allow it in the browser’s settings for this page.",
  NotFoundError: "The browser finds no camera at this device.",
  NotReadableError: "The camera is in use. Close what uses it, and start again.",
};

function socketTo(path) {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
  socket.binaryType = "arraybuffer";
  return socket;
}

/** Why a socket closed: browsers do not tell what it was refused with, so the same is asked without one. */
async function whyNot(path, reason) {
  if (reason) return reason;
  try {
    const answer = await fetch(path);
    if (answer.status === 401) return NO_ENTRY;
    if (answer.status === 503) return `The box has its hands full: ${(await answer.text()).trim()}. Trying again.`;
  } catch { /* it does not answer at all */ }
  return NO_ANSWER;
}

async function imageOf(message) {
  const view = new DataView(message, 0, HEADER);
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(message, HEADER)], { type: "image/jpeg" }));
  return {
    number: view.getUint32(0, true),
    delay: view.getFloat32(4, true),
    coloring: view.getFloat32(8, true),
    bitmap,
  };
}

export class BoxCamera {
  constructor(callbacks) {
    this.callbacks = callbacks;
    this.stopped = false;
    this.leftOut = 0; // share of the camera's frames
  }

  async start() { this.connect(); }

  connect() {
    const socket = this.socket = socketTo("/live/view");
    socket.onmessage = (event) => {
      if (typeof event.data === "string") this.told(JSON.parse(event.data).status);
      else this.show(event.data);
    };
    socket.onclose = async (event) => {
      if (this.stopped) return;
      const reason = await whyNot("/live/view", event.reason);
      if (this.stopped) return;
      this.callbacks.status(reason, true);
      setTimeout(() => this.stopped || this.connect(), AGAIN_MS);
    };
  }

  async show(message) {
    const image = await imageOf(message);
    if (!this.stopped) this.callbacks.frame(image.bitmap, { ...image, leftOut: this.leftOut });
    image.bitmap.close();
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ shown: image.number }));
  }

  told(status) {
    const live = status.camera === "live";
    const others = status.viewers > 1 ? `; ${status.viewers} are looking` : "";
    this.leftOut = status.read ? status.dropped / status.read : 0;
    this.callbacks.status(live ? `Camera: ${status.message}${others}` : status.message, !live);
  }

  stop() {
    this.stopped = true;
    this.socket.close();
  }
}

export class OwnCamera {
  constructor(callbacks, maxRate) {
    this.callbacks = callbacks;
    this.least = 1000 / maxRate - 4; // milliseconds from frame to frame, less a camera's unevenness
    this.facing = "user";
    this.video = document.createElement("video");
    this.video.muted = this.video.playsInline = true;
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.captured = new Map(); // frame: when, by the page's own clock
    this.number = this.answered = this.sentAt = this.answeredAt = this.offered = 0;
    this.stopped = this.coding = false;
  }

  /** Ask for the camera; throws with words for people where it is not given. */
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("Browsers give the camera to secure pages only: https, or this machine itself. Start cgan-run with --cert and --key.");
    }
    await this.open();
    this.connect();
  }

  async open() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...WANTED, facingMode: this.facing } });
    } catch (error) {
      throw new Error(NO_CAMERA[error.name] ?? `The camera cannot be used (${error.name}).`);
    }
    this.video.srcObject = this.stream;
    this.stream.getVideoTracks()[0].onended = () => { if (!this.stopped) { this.stop(); this.callbacks.ended("The camera has gone."); } };
    await this.video.play();
  }

  /** Front to back and back again. */
  async turn() {
    this.facing = this.facing === "user" ? "environment" : "user";
    this.stream.getTracks().forEach((track) => track.stop());
    await this.open();
  }

  connect() {
    const socket = this.socket = socketTo("/live/camera");
    socket.onopen = () => { this.callbacks.status(""); this.captured.clear(); this.answered = this.number; this.next(socket); };
    socket.onmessage = (event) => {
      if (typeof event.data === "string") this.callbacks.status(JSON.parse(event.data).trouble, true);
      else this.show(event.data);
    };
    socket.onclose = async (event) => {
      if (this.stopped) return;
      const reason = await whyNot("/live/camera", event.reason);
      if (this.stopped) return;
      this.callbacks.status(reason, true);
      setTimeout(() => this.stopped || this.connect(), AGAIN_MS);
    };
  }

  /** Wait for the camera's next frame, as long as this is the socket that frames go to. */
  next(socket) {
    if (this.stopped || socket !== this.socket || socket.readyState !== WebSocket.OPEN) return;
    if (this.video.requestVideoFrameCallback) {
      this.video.requestVideoFrameCallback((now, about) => { this.next(socket); this.offer(about.captureTime ?? now); });
    } else {
      setTimeout(() => { this.next(socket); this.offer(performance.now()); }, 1000 / 30);
    }
  }

  /** Send the frame that the camera shows now, if the line and the box are ready for it; else it is left out. */
  offer(when) {
    this.offered += 1;
    const now = performance.now();
    const lost = now - Math.max(this.answeredAt, this.sentAt) > LOST_MS;
    if (this.coding || now - this.sentAt < this.least || this.socket.bufferedAmount > MAX_BUFFERED) return;
    if (this.number - this.answered >= IN_FLIGHT && !lost) return;
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) return;
    if (this.canvas.width !== width || this.canvas.height !== height) { this.canvas.width = width; this.canvas.height = height; }
    this.context.drawImage(this.video, 0, 0);
    this.coding = true;
    this.sentAt = now;
    this.canvas.toBlob((blob) => {
      this.coding = false;
      if (!blob || this.stopped || this.socket.readyState !== WebSocket.OPEN) return;
      this.number += 1;
      this.captured.set(this.number, when);
      const head = new DataView(new ArrayBuffer(4));
      head.setUint32(0, this.number, true);
      this.socket.send(new Blob([head, blob]));
    }, "image/jpeg", JPEG_QUALITY);
  }

  async show(message) {
    this.answeredAt = performance.now();
    const number = new DataView(message).getUint32(0, true);
    this.answered = Math.max(this.answered, number);
    const image = await imageOf(message);
    const captured = this.captured.get(number);
    if (!this.stopped && captured !== undefined) {
      this.callbacks.frame(image.bitmap, {
        delay: performance.now() - captured,
        coloring: image.coloring,
        leftOut: 1 - this.number / this.offered,
      });
    }
    image.bitmap.close();
    for (const each of this.captured.keys()) if (each <= number) this.captured.delete(each);
  }

  stop() {
    this.stopped = true;
    this.socket?.close();
    this.stream?.getTracks().forEach((track) => track.stop());
    this.video.srcObject = null;
  }
}
