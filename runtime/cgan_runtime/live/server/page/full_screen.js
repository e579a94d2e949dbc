// The image fills the screen: on demand, or on a phone that is held sideways.
//
// toggleFull();  isFull();  onFull(changed);  updateFull();
// The attribute data-fill of the page says that the image fills the screen; data-full, that it does so without the
// browser's full screen, which some phones do not have.

import { $ } from "./dom.js";

const page = document.documentElement;
const sideways = matchMedia("(orientation: landscape) and (max-height: 480px)");
let notify = () => {};

export const isFull = () => document.fullscreenElement !== null || "full" in page.dataset;

export async function toggleFull() {
  if (document.fullscreenElement) await document.exitFullscreen();
  else if (isFull() || !document.fullscreenEnabled) fillWindow(!isFull());
  else await $("screen").requestFullscreen({ navigationUI: "hide" }).catch(() => fillWindow(true));
}

export function onFull(changed) {
  notify = changed;
  document.addEventListener("fullscreenchange", notify);
  document.addEventListener("keydown", ({ key }) => { if (key === "Escape" && "full" in page.dataset) fillWindow(false); });
  sideways.addEventListener("change", notify);
}

/** Let the image fill the screen or not, after anything has changed. */
export function updateFull() {
  const fills = isFull() || (sideways.matches && $("screen").dataset.state !== "empty");
  if (fills && !("fill" in page.dataset)) scrollTo(0, 0);
  page.toggleAttribute("data-fill", fills);
}

function fillWindow(full) {
  page.toggleAttribute("data-full", full);
  notify();
}
