// Makes an image that stands still look so: dimmed, with "No image for 5 s" over it.
//
// const freshness = new Freshness(root, changed);   freshness.frame();  freshness.lost();  freshness.clear();
// `root` gets the attribute data-frozen, and its child .frozen the text; `changed(frozen)` is called at each change.

const SLOWEST_MS = 2000; // without a frame, of a camera that is fast
const INTERVALS = 4; // without a frame, of a camera that is slow
const LONGEST_MS = 20_000;
const CHECK_MS = 250;
const KEEP = 0.8; // of the mean interval, with each frame

const all = new Set();
setInterval(() => all.forEach((each) => each.check()), CHECK_MS);

export class Freshness {
  constructor(root, changed = () => {}) {
    Object.assign(this, { root, changed, note: root.querySelector(".frozen") });
    this.clear();
    all.add(this);
  }

  get frozen() { return "frozen" in this.root.dataset; }

  /** A frame was shown. */
  frame() {
    const now = performance.now();
    if (this.shownAt && !this.isLost) this.interval = KEEP * this.interval + (1 - KEEP) * (now - this.shownAt);
    this.shownAt = now;
    this.isLost = this.held = false;
    this.set(false);
  }

  /** The camera or the connection is lost: do not wait. */
  lost() {
    this.isLost = true;
    this.check();
  }

  /** The user has paused it, or goes on. */
  hold(held) {
    this.held = held;
    if (this.shownAt) this.shownAt = performance.now();
    this.set(false);
  }

  /** There is no image. */
  clear() {
    Object.assign(this, { shownAt: 0, interval: 0, isLost: false, held: false });
    this.set(false);
  }

  end() { all.delete(this); }

  check() {
    if (!this.shownAt || this.held) return;
    const still = performance.now() - this.shownAt;
    const limit = Math.min(LONGEST_MS, Math.max(SLOWEST_MS, INTERVALS * this.interval));
    if (!this.isLost && still < limit) return;
    this.note.textContent = still < 1000 ? "No image" : `No image for ${duration(still / 1000)}`;
    this.set(true);
  }

  set(frozen) {
    if (frozen === this.frozen) return;
    this.root.toggleAttribute("data-frozen", frozen);
    this.changed(frozen);
  }
}

const duration = (seconds) => seconds < 100 ? `${Math.floor(seconds)} s` : `${Math.round(seconds / 60)} min`;
