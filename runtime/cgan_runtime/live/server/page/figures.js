// Frames per second, delay, time of coloring and dropped frames of the last seconds, and a graph of the last minute.
//
// const figures = new Figures();  figures.show();  figures.frame({delay, coloring, dropped});  figures.blank();  figures.hide();

import { $ } from "./dom.js";
import { Graph } from "./graph.js";

const WINDOW_MS = 5000;
const DRAW_MS = 500;
const NONE = "–";

export class Figures {
  constructor() {
    this.graph = new Graph($("graph"));
    this.hide();
    setInterval(() => this.refresh(), DRAW_MS);
  }

  show() { $("figures").hidden = false; }

  hide() {
    $("figures").hidden = true;
    this.graph.clear();
    this.blank();
  }

  /** Clear the figures at once: there is no image, or it stands still. */
  blank() {
    this.recent = []; // {when, delay, coloring}, of the last seconds
    this.dropped = null; // fraction of the camera's last frames
    this.write({ rate: NONE, delay: NONE, delay95: "", coloring: NONE, dropped: NONE });
  }

  frame({ delay, coloring, dropped }) {
    this.dropped = dropped;
    this.recent.push({ when: performance.now(), delay, coloring });
    window.dispatchEvent(new CustomEvent("cgan-frame", { detail: delay })); // for measurements
  }

  /** The current figures as numbers; delays in ms, 0 while they are not known. */
  current() {
    const now = performance.now();
    while (this.recent.length && now - this.recent[0].when > WINDOW_MS) this.recent.shift();
    const frames = this.recent.length;
    const delays = this.recent.map((frame) => frame.delay).filter((delay) => delay > 0).sort((a, b) => a - b);
    const percentile = (share) => delays.length ? delays[Math.min(delays.length - 1, Math.floor(share * delays.length))] : 0;
    const span = frames > 1 ? (this.recent[frames - 1].when - this.recent[0].when) / 1000 : 0;
    const coloring = frames ? this.recent.reduce((sum, frame) => sum + frame.coloring, 0) / frames : 0;
    return { rate: span ? (frames - 1) / span : 0, delay: percentile(0.5), delay95: percentile(0.95), coloring };
  }

  refresh() {
    if ($("figures").hidden) return;
    const { rate, delay, delay95, coloring } = this.current();
    if (rate) {
      this.write({
        rate: rate.toFixed(1), delay: duration(delay), coloring: duration(coloring), dropped: `${Math.round(100 * this.dropped)} %`,
        delay95: delay95 ? `under ${duration(delay95)} for 95 of 100 frames` : "",
      });
    }
    this.graph.add(rate ? { delay, rate } : null);
  }

  write(texts) { for (const [name, text] of Object.entries(texts)) $(name).textContent = text; }
}

/** Milliseconds in words. */
const duration = (ms) => ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : ms ? `${Math.ceil(ms)} ms` : NONE;
