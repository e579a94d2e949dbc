// The page's side of the workers: asks, and waits for the answer.
//
// const studio = new Studio({ progress(loaded, total), coloring(done, part) });
// const about = await studio.open();                       // {engine, threads, ms, reason, model, hints}
// const { bitmap } = await studio.ask("photo", { file, strength });

export class Studio {
  constructor(callbacks) {
    this.callbacks = callbacks;
    this.asked = 0;
    this.waiting = new Map(); // id -> {resolve, reject}
    this.worker = new Worker(new URL("painter.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => this.receive(data);
    this.worker.onerror = (event) => this.fail(new Error(event.message ?? "A part of this page could not be loaded. Reload it."));
  }

  /** Load the engine and the model of this site. The page's address may name an engine: ?engine=wasm or webgpu. */
  async open() {
    const site = await (await fetch("site.json")).json();
    const forced = new URLSearchParams(location.search).get("engine");
    const { about } = await (this.opened = this.send("open", { forced, ...site }));
    const hints = site.model.inputs.some(({ name, shape }) => name === "hints" && shape[1] === 3);
    return { ...about, hints, model: site.model.name };
  }

  /** Ask for work once the engine is there; the answer is described in painter.js. */
  async ask(kind, fields, moved) {
    await this.opened;
    return this.send(kind, fields, moved);
  }

  /** End a video, and forget the colors of the camera. */
  stop() { this.worker.postMessage({ kind: "stop" }); }

  send(kind, fields, moved = []) {
    const id = this.asked += 1;
    this.worker.postMessage({ kind, id, ...fields }, moved);
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  receive(data) {
    if (data.kind === "progress") this.callbacks.progress(data.loaded, data.total);
    else if (data.kind === "coloring") this.callbacks.coloring(data.done, data.part);
    else {
      const { resolve, reject } = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.kind === "failed") reject(new Error(data.error));
      else resolve(data);
    }
  }

  fail(error) {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
