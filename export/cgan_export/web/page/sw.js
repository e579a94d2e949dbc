// The service worker: the page works without network, and its answers carry the headers that threads need.
//
// FILES is filled in by cgan-export: the name and the start of the sha256 of each file of the site. A file is kept
// when it is first used, under its name and hash; files that a new version of the site does not change stay.

const FILES = {};
const POLICY = "";
const CACHE = "cgan";
const HEADERS = {
  "Content-Security-Policy": `${POLICY}; frame-ancestors 'none'`,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};
const SHELL = Object.keys(FILES).filter((name) => !/\.(wasm|onnx)$|^ort-|^mediabunny/.test(name)); // the rest, once it is used

const keyOf = (name) => new URL(`${name}?${FILES[name]}`, self.registration.scope).href;

/** The file of this site that a request is for; undefined if there is none. */
function nameOf(url) {
  const { href, origin } = new URL(url), scope = self.registration.scope;
  if (origin !== self.location.origin || !href.startsWith(scope)) return undefined;
  const name = href.slice(scope.length).replace(/[?#].*$/, "") || "index.html";
  return name in FILES ? name : undefined;
}

async function kept(name) {
  const cache = await caches.open(CACHE), found = await cache.match(keyOf(name));
  if (found) return found;
  const answer = await fetch(new URL(name, self.registration.scope), { cache: "no-cache" });
  if (answer.ok) await cache.put(keyOf(name), answer.clone());
  return answer;
}

async function answerFor(name) {
  const answer = await kept(name), headers = new Headers(answer.headers);
  for (const [header, value] of Object.entries(HEADERS)) headers.set(header, value);
  for (const header of ["Content-Encoding", "Content-Length"]) headers.delete(header); // the body is decoded already
  return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers });
}

async function forgetOld() {
  const wanted = new Set(Object.keys(FILES).map(keyOf)), cache = await caches.open(CACHE);
  for (const { url } of await cache.keys()) if (!wanted.has(url)) await cache.delete(url);
}

self.addEventListener("install", (event) => event.waitUntil(Promise.all(SHELL.map(kept))));
self.addEventListener("activate", (event) => event.waitUntil(forgetOld().then(() => self.clients.claim())));
self.addEventListener("fetch", (event) => {
  const name = event.request.method === "GET" ? nameOf(event.request.url) : undefined;
  if (name) event.respondWith(answerFor(name));
});
