// A dropped photo or film: sent, coloured by the box, shown, and there to download.
//
// const job = new Dropped(file, strength, callbacks);  await job.run();  job.cancel();
// callbacks: progress(words, share or null)
// run() gives {url, film, name}, or throws with words for people; null where it was cancelled.

const POLL_MS = 300;

export class Dropped {
  constructor(file, strength, callbacks) {
    Object.assign(this, { file, strength, callbacks, cancelled: false, id: null });
  }

  async run() {
    const job = await this.send();
    if (this.cancelled) return null;
    this.id = job.id;
    for (let state = job; ; state = await this.ask()) {
      if (this.cancelled) return null;
      if (state.state === "failed") throw new Error(`It could not be coloured: ${state.error}.`);
      if (state.state === "ready") return this.result(state);
      this.tell(state);
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }

  /** Send the file, with progress, which fetch does not tell. */
  send() {
    return new Promise((done, failed) => {
      const request = this.request = new XMLHttpRequest();
      request.open("POST", `/uploads?strength=${this.strength}`);
      request.responseType = "json";
      request.upload.onprogress = (event) => this.callbacks.progress("Sending", event.lengthComputable ? event.loaded / event.total : null);
      request.onload = () => request.status === 202 ? done(request.response) : failed(new Error(sentence(request.response?.error ?? `the box refused it (${request.status})`)));
      request.onerror = () => failed(new Error("The box did not take it; is the file too large?"));
      request.onabort = () => done({});
      request.send(this.file);
    });
  }

  async ask() {
    const answer = await fetch(`/uploads/${this.id}`);
    if (!answer.ok) throw new Error("The box has forgotten this file; drop it again.");
    return answer.json();
  }

  tell(state) {
    if (state.state === "queued") this.callbacks.progress(state.ahead ? `Waiting, ${state.ahead} before it` : "Waiting", null);
    else if (state.film && state.total) this.callbacks.progress(`Colouring, ${state.done} of ${state.total} frames`, Math.min(1, state.done / state.total));
    else this.callbacks.progress("Colouring", null);
  }

  result(state) {
    const stem = this.file.name.replace(/\.[^.]*$/, "") || "picture";
    const suffix = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "video/mp4": "mp4" }[state.type];
    return { url: `/uploads/${this.id}/result`, film: state.film, name: `${stem}.colour.${suffix}` };
  }

  cancel() {
    this.cancelled = true;
    this.request?.abort();
    if (this.id) fetch(`/uploads/${this.id}`, { method: "DELETE" }).catch(() => {});
  }
}

function sentence(text) {
  return text[0].toUpperCase() + text.slice(1) + ".";
}
