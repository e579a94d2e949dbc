// A camera of the server: its frames come in color, the newest when the last one was shown.
//
// const camera = new ServerCamera(id, callbacks);  await camera.start();  camera.pause(true);  camera.stop();
// callbacks: frame(bitmap, {delay, coloring, dropped}), state(camera as in control.py), lost(reason), ended(reason)

import { Connection, decode } from "./connection.js";

export class ServerCamera {
  constructor(id, callbacks) {
    Object.assign(this, { id, callbacks, stopped: false, paused: false, dropped: 0 });
  }

  async start() {
    this.connection = new Connection(`/live/view?camera=${encodeURIComponent(this.id)}`, {
      opened: () => { if (this.paused) this.connection.send({ paused: true }); },
      message: (data) => typeof data === "string" ? this.showState(JSON.parse(data).status) : this.show(data),
      lost: (reason) => this.callbacks.lost(reason),
    });
  }

  async show(message) {
    const frame = await decode(message);
    if (!this.stopped && !this.paused) this.callbacks.frame(frame.bitmap, { ...frame, dropped: this.dropped });
    frame.bitmap.close();
    this.connection.send({ shown: frame.number });
  }

  showState(state) {
    this.dropped = state.left_out;
    this.callbacks.state(state);
  }

  pause(paused) {
    this.paused = paused;
    this.connection.send({ paused });
  }

  stop() {
    this.stopped = true;
    this.connection.close();
  }
}
