// Whether the server keeps up: the switch that adapts the size to the load, and advice where it is off.
//
// const load = new Load(message);  load.heard(camera);  load.clear();

import { ask } from "./api.js";
import { $ } from "./dom.js";

const BEHIND = 0.25, AHEAD = 0.1; // share of dropped frames from which advice is given, and below which it goes
const PATIENCE = 3; // states in a row, one a second

export class Load {
  constructor(message) {
    this.message = message;
    this.clear();
    $("adapt").addEventListener("change", () => this.change(this.cameras.values(), () => ({ adapt: $("adapt").checked })));
    $("take-advice").addEventListener("click", () => this.change(this.behind(), (camera) => ({ size: camera.suggested_size })));
  }

  /** What the server says about a camera on the screen, once a second. */
  heard(camera) {
    const before = this.late.get(camera.id) ?? 0;
    this.cameras.set(camera.id, camera);
    this.late.set(camera.id, camera.left_out > BEHIND ? before + 1 : camera.left_out < AHEAD ? 0 : before);
    this.show();
  }

  behind() { return [...this.cameras.values()].filter((camera) => this.late.get(camera.id) >= PATIENCE); }

  show() {
    const cameras = [...this.cameras.values()];
    const sizes = [...new Set(cameras.map((camera) => camera.size))].sort((a, b) => a - b);
    if (!this.busy) $("adapt").checked = cameras.every((camera) => camera.adapt);
    $("size").textContent = sizes.length ? `per frame, at size ${sizes.join(" to ")}` : "per frame";
    // A camera that adapts and has a smaller size left will take it by itself.
    const late = this.behind().filter((camera) => !camera.adapt || camera.suggested_size === null);
    const worst = late.reduce((most, camera) => Math.max(most, camera.left_out), 0);
    const size = Math.min(...late.map((camera) => camera.suggested_size ?? Infinity));
    $("advice").hidden = !late.length;
    const text = `The server can’t keep up: ${Math.round(100 * worst)} % of the frames are dropped.`;
    if (late.length && $("advice-text").textContent !== text) $("advice-text").textContent = text;
    $("take-advice").hidden = !Number.isFinite(size);
    $("take-advice").textContent = `Use size ${size}`;
  }

  async change(cameras, settings) {
    this.busy = true;
    try {
      const changed = [...cameras].map((camera) => ask(`/cameras/${encodeURIComponent(camera.id)}`, "PATCH", settings(camera)));
      for (const camera of await Promise.all(changed)) {
        this.cameras.set(camera.id, camera);
        this.late.set(camera.id, 0);
      }
    } catch (error) {
      this.message(error.message, true);
    }
    this.busy = false;
    this.show();
  }

  clear() {
    this.cameras = new Map(); // id -> camera, as in control.py
    this.late = new Map(); // id -> states in a row with too many dropped frames
    this.busy = false;
    $("advice").hidden = true;
    $("size").textContent = "per frame";
  }
}
