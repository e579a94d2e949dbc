// Tooltips: what a control or a figure is, for the mouse, the keyboard, a finger and a screen reader.
//
// addTips();   // <button data-tip="Save this image" data-key="S">; texts may change later

import { $ } from "./dom.js";

const WAIT_MS = 400; // of the mouse, before a tip opens
const GAP = 8; // pixels
let anchor = null; // the element whose tip is open or will open
let timer = 0;
let byTab = false; // whether the last thing that the user did was to press Tab

export function addTips() {
  for (const each of document.querySelectorAll("[data-tip]")) describe(each);
  new MutationObserver((changes) => changes.forEach(({ target }) => describe(target)))
    .observe(document.body, { subtree: true, attributeFilter: ["data-tip"] });
  document.addEventListener("pointerover", ({ target, pointerType }) => {
    const found = target.closest?.("[data-tip], #tip");
    if (found?.id === "tip") return; // the mouse may rest on the tip
    if (pointerType === "mouse") open(found, WAIT_MS);
  });
  document.addEventListener("click", ({ target }) => {
    const found = target.closest?.("[data-tip]");
    open(found?.matches("button, input, a, label, select, :has(input, select)") ? null : found, 0); // those act
  });
  document.addEventListener("focusin", ({ target }) => {
    if (byTab) open(target.closest("[data-tip]"), 0); // not where a script has moved the focus
  });
  document.addEventListener("focusout", () => open(null));
  document.addEventListener("scroll", () => open(null), true);
  document.addEventListener("pointerdown", () => { byTab = false; });
  document.addEventListener("keydown", ({ key }) => {
    byTab = key === "Tab";
    if (key === "Escape") open(null);
  });
}

function describe(element) {
  const control = element.matches("button, input, a, select") ? element : element.querySelector("input, select") ?? element;
  control.setAttribute("aria-description", element.dataset.tip);
  if (element.dataset.key) control.setAttribute("aria-keyshortcuts", element.dataset.key);
}

function open(element, wait) {
  if (element === anchor) return;
  anchor = element ?? null;
  clearTimeout(timer);
  $("tip").hidden = true;
  if (anchor) timer = setTimeout(show, wait);
}

function show() {
  if (!anchor?.getClientRects().length) return; // hidden meanwhile
  const tip = $("tip");
  tip.textContent = anchor.dataset.tip;
  if (anchor.dataset.key) {
    const key = document.createElement("kbd");
    key.textContent = anchor.dataset.key;
    tip.append(" ", key);
  }
  const host = document.fullscreenElement ?? document.body; // nothing else is drawn in full screen
  if (tip.parentElement !== host) host.append(tip);
  tip.hidden = false;
  const box = anchor.getBoundingClientRect(), own = tip.getBoundingClientRect();
  const left = box.left + box.width / 2 - own.width / 2;
  const above = box.top - own.height - GAP;
  tip.style.left = `${Math.max(GAP, Math.min(innerWidth - own.width - GAP, left))}px`;
  tip.style.top = `${above > GAP ? above : box.bottom + GAP}px`;
}
