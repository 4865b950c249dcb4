// Requests to the update server: JSON in both directions, and an exception for a refusal or no answer.

/** The server refuses a request: its message, on one line, and the status. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The answer has not changed since the last request. */
export const UNCHANGED = Symbol("unchanged");

/** No answer arrived: the server may have executed the request, or not. */
export class NoAnswer extends Error {}

let csrf = "";

/**
 * Send this token with every request that changes something, as proof that this page sends the request.
 * @param {string} token of the session
 */
export function useCsrf(token) {
  csrf = token;
}

/**
 * Return a path from a template, in which each value is one encoded segment or value of the query:
 * url`/services/${name}/history`, url`/updates?set=${set}`.
 * @returns {string}
 */
export function url(texts, ...values) {
  let isInQuery = false;
  const parts = values.map((value, index) => {
    isInQuery ||= texts[index].includes("?");
    return part(value, isInQuery);
  });
  return String.raw({ raw: texts }, ...parts);
}

function part(value, isInQuery) {
  const text = String(value);
  // In a path, a browser resolves `..`, encoded or not, to the parent. With a space, it matches nothing.
  const safe = !isInQuery && (text === "." || text === "..") ? `${text} ` : text;
  return encodeURIComponent(safe.replace(/\p{Surrogate}/gu, "\ufffd"));
}

/**
 * Send a request.
 * @param {string} path
 * @param {{method?: string, body?: unknown, signal?: AbortSignal}} options
 * @returns {Promise<any>} the JSON of the answer; null: the answer is empty
 * @throws {Refused | NoAnswer}
 */
export async function callApi(path, options) {
  return (await request(path, options)).value;
}

/**
 * Send a request that returns a value only if it has changed since the last answer.
 * @param {string} path
 * @param {{etag?: string?, signal?: AbortSignal}} options the tag of the last answer
 * @returns {Promise<{value: any, etag: string?}>} the value is UNCHANGED if it is the same
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
    throw new Refused(answer.status, "the answer of the server is not JSON");
  return { value: parsed ?? null, etag: answer.headers.get("ETag") };
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
