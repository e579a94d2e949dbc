// Starts the service worker, with which the page works without network and may use several threads.
//
// await isolated();      // reloads the page once if the server does not send the headers that threads need

const RELOADED = "cgan-reloaded"; // in the session: the page was reloaded for its headers
const PATIENCE_MS = 30_000; // for the service worker to take over, on a slow line

/** Wait until the service worker answers for this page. Where there can be none, the page works without. */
export async function isolated() {
  if (!("serviceWorker" in navigator)) return;
  try {
    const registration = await navigator.serviceWorker.register("sw.js");
    if (!navigator.serviceWorker.controller && !registration.active) {
      await Promise.race([
        new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true })),
        givenUp(registration.installing),
        new Promise((resolve) => setTimeout(resolve, PATIENCE_MS)),
      ]);
    }
  } catch {
    return; // private windows of some browsers
  }
  if (self.crossOriginIsolated || sessionStorage.getItem(RELOADED)) return;
  sessionStorage.setItem(RELOADED, "once");
  location.reload();
  await new Promise(() => {}); // the page goes away
}

/** Resolves when a service worker could not be installed, for a file of the page was missing. */
function givenUp(worker) {
  return new Promise((resolve) => worker?.addEventListener("statechange", () => { if (worker.state === "redundant") resolve(); }));
}
