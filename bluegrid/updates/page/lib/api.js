// Requests to the update server: JSON there and back, and what a refusal or silence means.

/** The server's word against a request: one line, and its status. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** What is known already is what the server would say now. */
export const UNCHANGED = Symbol("unchanged");

/** No answer came: whether the server has done what it was asked is not known. */
export class NoAnswer extends Error {}

let csrf = "";

/**
 * Keep what shows that a change comes from this page and no other.
 * @param {string} token of the session
 */
export function useCsrf(token) {
  csrf = token;
}

/**
 * A path from a template; each value becomes one encoded part of it: url`/services/${name}/history`.
 * @returns {string}
 */
export function url(texts, ...values) {
  return String.raw({ raw: texts }, ...values.map(part));
}

function part(value) {
  const text = String(value);
  // A browser would take `..` for a step up, encoded or not; nothing is called so, and nothing is found.
  const safe = text === "." || text === ".." ? `${text} ` : text;
  return encodeURIComponent(safe.replace(/\p{Surrogate}/gu, "\ufffd"));
}

/**
 * Ask the server.
 * @param {string} path
 * @param {{method?: string, body?: unknown, signal?: AbortSignal}} options
 * @returns {Promise<any>} the answer's JSON; null: there was none
 * @throws {Refused | NoAnswer}
 */
export async function callApi(path, options) {
  return (await request(path, options)).value;
}

/**
 * Ask the server for what may have changed since it was asked last.
 * @param {string} path
 * @param {{etag?: string?, signal?: AbortSignal}} options the tag that came with the last answer
 * @returns {Promise<{value: any, etag: string?}>} the value is UNCHANGED where it has not
 * @throws {Refused | NoAnswer}
 */
export const revalidate = (path, options) => request(path, options);

async function request(path, { method = "GET", body, signal, etag } = {}) {
  const headers = { Accept: "application/json" };
  if (etag) headers["If-None-Match"] = etag;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  let answer, text;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
    });
    text = await answer.text();
  } catch {
    throw new NoAnswer("no answer from the server");
  }
  if (answer.status === 304) return { value: UNCHANGED, etag };
  const parsed = read(text);
  if (!answer.ok) throw new Refused(answer.status, parsed?.error ?? `the server answered ${answer.status}`);
  if (text && parsed === undefined)
    throw new Refused(answer.status, "the server answered with something else than JSON");
  return { value: parsed ?? null, etag: answer.headers.get("ETag") };
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
