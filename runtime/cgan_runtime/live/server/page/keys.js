// The keys, the same as in the window of cgan-run --webcam.
//
// listenToKeys({ " ": pause, s: snapshot, ... });

const PRESSED_BY_SPACE = "button, summary, a, label, [type=file], [type=checkbox], select";

/** Call an action when its key is pressed, unless the key means something to the focused element. */
export function listenToKeys(actions) {
  const press = (event) => {
    const action = actions[event.key.toLowerCase()];
    if (!action || event.ctrlKey || event.metaKey || event.altKey || hasOwnUse(event)) return;
    event.preventDefault();
    if (event.type === "keydown" && (!event.repeat || event.key !== " ")) action();
  };
  document.addEventListener("keydown", press);
  document.addEventListener("keyup", (event) => { if (event.key === " ") press(event); }); // else it presses the button
}

/** Whether the focused element uses the key itself. Space on Stop pauses: nobody ends a camera by mistake. */
function hasOwnUse({ key, target }) {
  if (target.matches("textarea, select, input:not([type=range], [type=radio], [type=checkbox], [type=file])")) return true;
  return key === " " && target.id !== "stop" && target.matches(PRESSED_BY_SPACE);
}
