// The line under the image: how things are, and for a while what was just done.
//
// message("Camera 0: 640x480");  message("The server does not answer.", true);  notice("Saved as a.png.");

import { $ } from "./dom.js";

const HOLD_MS = 5000; // that a notice stays, unless there is an error to tell
let heldUntil = 0;

/** Say how things are; "" clears the line. */
export function message(text, isError = false) {
  if (text && !isError && performance.now() < heldUntil) return;
  write(text, isError);
}

/** Say what was just done, or could not be done. */
export function notice(text, isError = false) {
  write(text, isError);
  heldUntil = text ? performance.now() + HOLD_MS : 0;
}

function write(text, isError) {
  heldUntil = 0;
  if ($("message").textContent === text) return; // a screen reader would read it again
  $("message").textContent = text;
  $("message").dataset.kind = isError ? "error" : "";
}
