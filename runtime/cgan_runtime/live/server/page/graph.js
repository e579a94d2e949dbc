// Frames a second and delay: figures of the last seconds, and a graph of the last minute.
//
// const figures = new Figures();  figures.frame({delay, coloring, leftOut});  figures.clear();

const SECONDS = 60;
const LATELY_MS = 5000;
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
    this.leftOut = 0; // share of the camera's frames, since it was started
    this.minute = []; // {when, delay, rate}, one for each time it was drawn
    this.root.hidden = true;
  }

  frame({ delay, coloring, leftOut }) {
    this.leftOut = leftOut;
    this.recent.push({ when: performance.now(), delay, coloring });
    window.dispatchEvent(new CustomEvent("cgan-frame", { detail: delay })); // for those who measure
    this.root.hidden = false;
  }

  /** What is shown, as numbers. */
  now() {
    const now = performance.now();
    while (this.recent.length && now - this.recent[0].when > LATELY_MS) this.recent.shift();
    const frames = this.recent.length;
    const delays = this.recent.map((frame) => frame.delay).filter((delay) => delay > 0).sort((a, b) => a - b);
    const at = (share) => delays.length ? delays[Math.min(delays.length - 1, Math.floor(share * delays.length))] : 0;
    const span = frames > 1 ? (this.recent[frames - 1].when - this.recent[0].when) / 1000 : 0;
    const coloring = frames ? this.recent.reduce((sum, frame) => sum + frame.coloring, 0) / frames : 0;
    return { rate: span ? (frames - 1) / span : 0, delay: at(0.5), delay95: at(0.95), coloring };
  }

  refresh() {
    if (this.root.hidden) return;
    const { rate, delay, delay95, coloring } = this.now();
    const ms = (value) => value ? `${Math.round(value)} ms` : "–";
    const words = { rate: rate.toFixed(1), delay: ms(delay), delay95: ms(delay95), coloring: ms(coloring), "left-out": `${Math.round(100 * this.leftOut)} %` };
    for (const [name, text] of Object.entries(words)) document.getElementById(name).textContent = text;
    this.minute.push({ when: performance.now(), delay, rate });
    while (this.minute.length > SECONDS * 1000 / DRAW_MS) this.minute.shift();
    this.graph.setAttribute("aria-label", `Over the last minute: delay now ${words.delay}, ${words.rate} frames a second`);
    this.plot();
  }

  plot() {
    const scale = window.devicePixelRatio || 1;
    const width = this.graph.clientWidth, height = this.graph.clientHeight;
    if (this.graph.width !== Math.round(width * scale)) { this.graph.width = Math.round(width * scale); this.graph.height = Math.round(height * scale); }
    const context = this.graph.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const ink = (name) => style.getPropertyValue(name).trim();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = "11px system-ui, sans-serif";
    const top = (name, least) => Math.max(least, ...this.minute.map((point) => point[name])) * 1.15;
    const delayTop = top("delay", 100), rateTop = top("rate", 30);
    const x = (point) => width - (performance.now() - point.when) / (SECONDS * 1000) * width;
    const y = (value, most) => height - 3 - value / most * (height - 16);
    context.strokeStyle = ink("--edge");
    context.fillStyle = ink("--quiet");
    context.lineWidth = 1;
    const mark = delayTop > 400 ? Math.round(delayTop / 200) * 100 : 100;
    context.beginPath();
    context.moveTo(0, y(mark, delayTop));
    context.lineTo(width, y(mark, delayTop));
    context.moveTo(0, height - 2.5);
    context.lineTo(width, height - 2.5);
    context.stroke();
    context.fillText(`${mark} ms`, 2, y(mark, delayTop) - 4);
    for (const [name, most, color] of [["rate", rateTop, "--cool"], ["delay", delayTop, "--accent"]]) {
      context.beginPath();
      this.minute.forEach((point, place) => context[place ? "lineTo" : "moveTo"](x(point), y(point[name], most)));
      context.strokeStyle = ink(color);
      context.lineWidth = 2;
      context.lineJoin = "round";
      context.stroke();
    }
  }
}
