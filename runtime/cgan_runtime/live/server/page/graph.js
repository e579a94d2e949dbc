// Frames per second and delay: the figures of the last seconds, and a graph of the last minute.
//
// const figures = new Figures();  figures.frame({delay, coloring, dropped});  figures.clear();

const SECONDS = 60;
const WINDOW_MS = 5000;
const DRAW_MS = 500;

export class Figures {
  constructor() {
    this.root = document.getElementById("figures");
    this.graph = document.getElementById("graph");
    this.clear();
    setInterval(() => this.refresh(), DRAW_MS);
  }

  clear() {
    this.recent = []; // {when, delay, coloring}, of the last seconds
    this.dropped = 0; // fraction of the camera's frames since it was started
    this.minute = []; // {when, delay, rate}, one for each drawing
    this.root.hidden = true;
  }

  frame({ delay, coloring, dropped }) {
    this.dropped = dropped;
    this.recent.push({ when: performance.now(), delay, coloring });
    window.dispatchEvent(new CustomEvent("cgan-frame", { detail: delay })); // for measurements
    this.root.hidden = false;
  }

  /** The current figures as numbers. */
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
    if (this.root.hidden) return;
    const { rate, delay, delay95, coloring } = this.current();
    const ms = (value) => value ? `${Math.round(value)} ms` : "–";
    const texts = { rate: rate.toFixed(1), delay: ms(delay), delay95: ms(delay95), coloring: ms(coloring), dropped: `${Math.round(100 * this.dropped)} %` };
    for (const [name, text] of Object.entries(texts)) document.getElementById(name).textContent = text;
    this.minute.push({ when: performance.now(), delay, rate });
    while (this.minute.length > SECONDS * 1000 / DRAW_MS) this.minute.shift();
    this.graph.setAttribute("aria-label", `Graph of the last minute; now: delay ${texts.delay}, ${texts.rate} frames per second`);
    this.plot();
  }

  plot() {
    const scale = window.devicePixelRatio || 1;
    const width = this.graph.clientWidth, height = this.graph.clientHeight;
    if (this.graph.width !== Math.round(width * scale)) { this.graph.width = Math.round(width * scale); this.graph.height = Math.round(height * scale); }
    const context = this.graph.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = "11px system-ui, sans-serif";
    const top = (name, min) => Math.max(min, ...this.minute.map((point) => point[name])) * 1.15;
    const delayTop = top("delay", 100), rateTop = top("rate", 30);
    const x = (point) => width - (performance.now() - point.when) / (SECONDS * 1000) * width;
    const y = (value, max) => height - 3 - value / max * (height - 16);
    context.strokeStyle = color("--edge");
    context.fillStyle = color("--quiet");
    context.lineWidth = 1;
    const mark = delayTop > 400 ? Math.round(delayTop / 200) * 100 : 100;
    context.beginPath();
    context.moveTo(0, y(mark, delayTop));
    context.lineTo(width, y(mark, delayTop));
    context.moveTo(0, height - 2.5);
    context.lineTo(width, height - 2.5);
    context.stroke();
    context.fillText(`${mark} ms`, 2, y(mark, delayTop) - 4);
    for (const [name, max, variable] of [["rate", rateTop, "--cool"], ["delay", delayTop, "--accent"]]) {
      context.beginPath();
      this.minute.forEach((point, index) => context[index ? "lineTo" : "moveTo"](x(point), y(point[name], max)));
      context.strokeStyle = color(variable);
      context.lineWidth = 2;
      context.lineJoin = "round";
      context.stroke();
    }
  }
}
