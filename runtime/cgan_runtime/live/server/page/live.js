// Cameras that run: one on the stage, or all of the server's in the mosaic.
//
// const live = new Live({ stage, mosaic, figures, recording, load, changed, ended });
// live.showServer(id);  live.showAll(cameras);  await live.showOwn(maxRate);  live.togglePause();  live.stop();

import { sentence } from "./api.js";
import { BrowserCamera } from "./browser_camera.js";
import { $ } from "./dom.js";
import { Freshness } from "./freshness.js";
import { message } from "./message.js";
import { ServerCamera } from "./server_camera.js";

export class Live {
  constructor(parts) {
    Object.assign(this, parts, { cameras: [], paused: false });
    this.freshness = new Freshness($("screen"), (frozen) => {
      if (!frozen) return;
      this.figures.blank();
      if (!this.warned) this.warn("No images are coming.");
    });
  }

  get running() { return this.cameras.length > 0; }

  /** The camera on the stage; null in the mosaic. */
  get single() { return this.cameras.length === 1 && $("screen").dataset.state !== "mosaic" ? this.cameras[0] : null; }

  showServer(id) { return this.run(new ServerCamera(id, this.onStage())); }

  showOwn(maxRate) { return this.run(new BrowserCamera(this.onStage(), maxRate)); }

  showAll(cameras) {
    this.mosaic.show(cameras);
    message("");
    return this.run(...cameras.map(({ id }) => new ServerCamera(id, this.inTile(this.mosaic.tile(id)))));
  }

  async run(...cameras) {
    this.cameras = cameras;
    if (this.single) this.figures.show();
    this.changed();
    await Promise.all(cameras.map((camera) => camera.start()));
  }

  onStage() {
    return {
      frame: (bitmap, measured) => {
        this.stage.draw(bitmap);
        this.figures.frame(measured);
        this.freshness.frame();
        this.clearWarning();
      },
      state: (camera) => {
        this.recording.heard(camera);
        this.load.heard(camera);
        this.describe(camera);
      },
      lost: (reason) => {
        this.freshness.lost();
        if (reason) this.warn(reason);
      },
      ended: (reason) => this.ended(reason),
    };
  }

  inTile(tile) {
    return {
      frame: (bitmap) => { tile.draw(bitmap); tile.freshness.frame(); },
      state: (camera) => {
        this.load.heard(camera);
        if (camera.state === "lost") tile.freshness.lost();
        if (camera.state !== "live") tile.say(sentence(camera.message));
      },
      lost: (reason) => { tile.freshness.lost(); if (reason) tile.say(reason); },
      ended: () => {},
    };
  }

  /** Say how the camera on the stage is. */
  describe({ name, state, message: text, viewers }) {
    if (state === "lost" || (state === "ended" && !this.stage.empty)) {
      this.freshness.lost();
      this.warn(sentence(text));
    } else if (this.freshness.frozen) {
      this.warn("The camera sends no images.");
    } else if (state === "live") {
      message(`${name}: ${text}${viewers > 1 ? `; ${viewers} viewers` : ""}`);
    } else if (state) { // a browser's own camera has none
      message(sentence(text));
    }
  }

  warn(text) {
    this.warned = text;
    message(text, true);
  }

  clearWarning() {
    if (this.warned && $("message").textContent === this.warned) message("");
    this.warned = "";
  }

  togglePause() {
    this.paused = !this.paused;
    for (const camera of this.cameras) {
      camera.pause(this.paused);
      this.mosaic.tile(camera.id)?.freshness.hold(this.paused);
    }
    this.freshness.hold(this.paused);
    this.figures.blank();
    this.changed();
  }

  /** Close the cameras and clear the stage. A recording that this page has started is finished and saved. */
  stop() {
    const { cameras, single } = this;
    const finishing = single && this.recording.mine ? this.recording.finish(single.id) : Promise.resolve();
    for (const camera of cameras) camera.pause(true);
    finishing.then(() => cameras.forEach((camera) => camera.stop()));
    Object.assign(this, { cameras: [], paused: false, warned: "" });
    this.freshness.clear();
    this.figures.hide();
    this.load.clear();
    this.mosaic.clear();
    this.recording.clear();
    this.stage.clear();
  }
}
