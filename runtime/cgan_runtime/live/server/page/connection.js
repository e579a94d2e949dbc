// A WebSocket to the server that opens again by itself, and the frames that come through it.
//
// const connection = new Connection("/live/view", { message(data), opened(), lost(reason) });
// connection.send(data);  connection.close();  const frame = await decode(data);
//
// `lost` gets "" at once and then the reason. The protocol is described in sockets.py.

import { ACCESS_DENIED, NO_ANSWER, sentence } from "./api.js";

const HEADER = 12; // bytes: u32 frame number, f32 delay, f32 time of coloring
const RETRY_MS = 1500;

export class Connection {
  constructor(path, handlers) {
    Object.assign(this, { path, handlers, closed: false });
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = this.socket = new WebSocket(`${scheme}://${location.host}${this.path}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.handlers.opened?.();
    socket.onmessage = (event) => this.closed || this.handlers.message(event.data);
    socket.onclose = async (event) => {
      if (this.closed) return;
      this.handlers.lost("");
      const reason = await closeReason(this.path, event.reason);
      if (this.closed) return;
      this.handlers.lost(reason);
      setTimeout(() => this.closed || this.open(), RETRY_MS);
    };
  }

  get ready() { return this.socket.readyState === WebSocket.OPEN; }

  /** Bytes that wait in the browser. */
  get buffered() { return this.socket.bufferedAmount; }

  /** Send text or bytes, or an object as JSON; nothing is sent while the connection is lost. */
  send(data) {
    if (this.ready) this.socket.send(data instanceof Blob || typeof data === "string" ? data : JSON.stringify(data));
  }

  close() {
    this.closed = true;
    this.socket.close();
  }
}

/** Why a socket closed. Browsers hide why it was refused, so ask again without a WebSocket. */
async function closeReason(path, reason) {
  if (reason) return reason;
  try {
    const answer = await fetch(path);
    if (answer.status === 401) return ACCESS_DENIED;
    const { error } = await answer.json();
    if (answer.status === 404) return `${sentence(error)} Trying again.`;
    if (answer.status === 503) return `The server is busy: ${error}. Trying again.`;
  } catch { /* no answer at all */ }
  return `${NO_ANSWER} Trying again.`;
}

/** Read a frame: its number, delay and time of coloring in ms, and its image as an ImageBitmap. */
export async function decode(message) {
  const view = new DataView(message, 0, HEADER);
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(message, HEADER)], { type: "image/jpeg" }));
  return {
    number: view.getUint32(0, true),
    delay: view.getFloat32(4, true),
    coloring: view.getFloat32(8, true),
    bitmap,
  };
}
