// Requests to the server, and its refusals as sentences for people. The routes are described in control.py.
//
// const camera = await ask("/cameras/0", "PATCH", { adapt: true });   // throws an Error with a message for the user

export const NO_ANSWER = "The server does not answer.";
export const ACCESS_DENIED = "The server does not accept this page any more. Open the address that cgan-run has printed last.";

/** Send a request and return its answer, read as JSON; null when it is empty. */
export async function ask(path, method = "GET", body = undefined) {
  const answer = await fetch(path, { method, body: body && JSON.stringify(body) }).catch(() => { throw new Error(NO_ANSWER); });
  if (answer.status === 401) throw new Error(ACCESS_DENIED);
  const content = answer.headers.get("Content-Type")?.startsWith("application/json") ? await answer.json() : null;
  if (!answer.ok) throw new Error(sentence(content?.error ?? `the server refused it (status ${answer.status})`));
  return content;
}

/** A reason of the server, "too many viewers", as a sentence. */
export function sentence(text) {
  const trimmed = text.trim().replace(/\.$/, "");
  return trimmed ? `${trimmed[0].toUpperCase()}${trimmed.slice(1)}.` : "";
}
