// Short names for what every module of the page does with its elements.

/** The element with this id. */
export const $ = (id) => document.getElementById(id);

/** Move the focus to an element if the focused one was hidden; what is seen does not move. */
export function moveFocus(element) {
  const focused = document.activeElement;
  if (!focused || focused === document.body || !focused.checkVisibility({ checkVisibilityCSS: true })) element.focus({ preventScroll: true });
}

/** Let the browser save something: a URL, or a Blob. */
export function save(content, name) {
  const link = document.createElement("a");
  link.href = content instanceof Blob ? URL.createObjectURL(content) : content;
  link.download = name;
  link.click();
  if (content instanceof Blob) setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Seconds as 1:05. */
export const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
