// A graph of the last minute: delay, and frames per second.
//
// const graph = new Graph(canvas);  graph.add({ delay, rate });  graph.add(null) where there was none;  graph.clear();

const MINUTE_MS = 60_000;
const LOW_DELAY = 100, LOW_RATE = 30; // the least that the axes reach: milliseconds, frames per second

export class Graph {
  constructor(canvas) {
    this.canvas = canvas;
    this.clear();
  }

  clear() { this.points = []; }

  add(point) {
    this.points.push({ when: performance.now(), ...point });
    while (performance.now() - this.points[0].when > MINUTE_MS) this.points.shift();
    this.draw();
  }

  draw() {
    const { width, height, context } = this.prepare();
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    const top = (name, least) => 1.15 * Math.max(least, ...this.points.map((point) => point[name] ?? 0));
    const y = (value, most) => height - 3 - value / most * (height - 16);
    const delayTop = top("delay", LOW_DELAY), rateTop = top("rate", LOW_RATE);
    const mark = delayTop > 400 ? Math.round(delayTop / 200) * 100 : 100; // ms, of the line across
    context.strokeStyle = color("--edge");
    context.fillStyle = color("--quiet");
    for (const line of [y(mark, delayTop), height - 2.5]) context.strokeRect(0, Math.round(line) + 0.5, width, 0);
    context.fillText(`${mark} ms`, 2, y(mark, delayTop) - 4);
    context.lineWidth = 2;
    context.lineJoin = "round";
    for (const [name, most, variable] of [["rate", rateTop, "--gray"], ["delay", delayTop, "--accent"]]) {
      context.strokeStyle = color(variable);
      context.beginPath();
      let joined = false;
      for (const point of this.points) {
        const x = width - (performance.now() - point.when) / MINUTE_MS * width;
        if (point[name]) context[joined ? "lineTo" : "moveTo"](x, y(point[name], most));
        joined = Boolean(point[name]);
      }
      context.stroke();
    }
  }

  /** Fit the canvas to its place and clear it. */
  prepare() {
    const scale = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
    if (this.canvas.width !== size.width || this.canvas.height !== size.height) Object.assign(this.canvas, size);
    const context = this.canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = "11px system-ui, sans-serif";
    context.lineWidth = 1;
    return { width, height, context };
  }
}
