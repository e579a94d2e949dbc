// Whether the server keeps up: the switch that adapts the size to the load, and advice where it is off.
//
// const load = new Load();  load.heard(camera);  load.clear();

import { ask } from "./api.js";
import { $ } from "./dom.js";
import { notice } from "./message.js";

const BEHIND = 0.25, AHEAD = 0.1; // share of dropped frames from which advice is given, and below which it goes
const PATIENCE = 3; // states in a row, one a second
const STEP = 0.05; // by which the share must change before it is told anew

export class Load {
  constructor() {
    this.clear();
    // Without it a camera is colored at the full size, whatever the load, until advice is taken.
    const wish = ({ full_size: size }) => $("adapt").checked ? { adapt: true } : { size };
    $("adapt").addEventListener("change", () => this.change([...this.cameras.values()], wish));
    $("take-advice").addEventListener("click", () => this.change(this.helped(), ({ suggested_size: size }) => ({ size })));
  }

  /** What the server says about a camera on the screen, once a second. */
  heard(camera) {
    const before = this.late.get(camera.id) ?? 0;
    this.cameras.set(camera.id, camera);
    this.late.set(camera.id, camera.left_out > BEHIND ? before + 1 : camera.left_out < AHEAD ? 0 : before);
    this.show();
  }

  /** The cameras that do not keep up; one that adapts and has a smaller size left will take it by itself. */
  behind() {
    return [...this.cameras.values()]
      .filter(({ id, adapt, suggested_size: size }) => this.late.get(id) >= PATIENCE && (!adapt || size === null));
  }

  /** Those of them to which a smaller size would help. */
  helped() { return this.behind().filter((camera) => camera.suggested_size !== null); }

  show() {
    const cameras = [...this.cameras.values()];
    const sizes = [...new Set(cameras.map((camera) => camera.size))].sort((a, b) => a - b);
    if (!this.busy) $("adapt").checked = cameras.every((camera) => camera.adapt);
    $("size").textContent = sizes.length ? `per frame, at size ${sizes.join(" to ")}` : "per frame";
    this.advise(Math.min(...cameras.map((camera) => camera.size)));
  }

  advise(smallest) {
    const behind = this.behind();
    const share = Math.max(0, ...behind.map((camera) => camera.left_out));
    const size = Math.min(...this.helped().map((camera) => camera.suggested_size));
    const helps = Number.isFinite(size);
    const isNew = $("advice").hidden || helps === $("take-advice").hidden;
    if (isNew || Math.abs(share - this.told) > STEP) { // a screen reader reads each change
      this.told = share;
      const even = helps ? "" : `, even at size ${smallest}`;
      $("advice-text").textContent = `The server can’t keep up${even}: ${Math.round(100 * share)} % of the frames are dropped.`;
    }
    $("advice").hidden = !behind.length;
    $("take-advice").hidden = !helps;
    $("take-advice").textContent = `Use size ${size}`;
  }

  async change(cameras, settings) {
    this.busy = true;
    try {
      const changed = cameras.map((camera) => ask(`/cameras/${encodeURIComponent(camera.id)}`, "PATCH", settings(camera)));
      for (const camera of await Promise.all(changed)) {
        this.cameras.set(camera.id, camera);
        this.late.set(camera.id, 0);
      }
    } catch (error) {
      notice(error.message, true);
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
