// Polling: views call use() with the paths that they show, and each path is polled as long as a view shows it.

import { NoAnswer, Refused, UNCHANGED, revalidate } from "./api.js";

const TICK_MS = 250;
const RETRY_MS = 2000;
const POLL_TIMEOUT_MS = 30_000;
const ONCE_TIMEOUT_MS = 600_000;
const LATE_MS = 10_000;
/** Request once, and never again. */
export const ONCE = Infinity;

/**
 * The state of a path. Times are in ms since 1970.
 * @typedef {Object} Entry
 * @property {any} [value] the last value
 * @property {string?} [etag] the tag of that value
 * @property {number} [at] when the value arrived, or was last confirmed
 * @property {number} [answered] when the server last answered, with a value or a refusal
 * @property {Refused} [refused] the last answer, if it was a refusal
 * @property {boolean} [missed] whether the last request got no answer
 * @property {number} [first] when a view first used the path
 * @property {number} [requested] when the last request was sent
 * @property {AbortController?} [controller] of the request that is under way
 * @property {boolean} [isStale] whether the path is to be requested at once
 */

const EMPTY = Object.freeze({});
const entries = new Map();
const listeners = [];
let wanted = new Map();
let draw = () => {};
let isDrawPlanned = false;

/** The outcome that is shown on top of the page; null: none. */
export let outcome = null;

/**
 * Show an outcome on top of the page, also to screen readers.
 * @param {string?} text null: remove it
 * @param {"well" | "bad" | "info"} kind
 */
export function showOutcome(text, kind = "info") {
  outcome = text === null ? null : { text, kind };
  changed();
}

/**
 * Return the current state of a path, and poll the path as long as every drawing uses it.
 * @param {string} path
 * @param {number} seconds between requests, or ONCE
 * @returns {Entry}
 */
export function use(path, seconds) {
  wanted.set(path, Math.min(seconds, wanted.get(path) ?? ONCE));
  return entries.get(path) ?? EMPTY;
}

/**
 * Rows of a list, newest first, with some pages of older rows.
 * @param {string} path of the list, with a query
 * @param {number} size rows that the path and each older page have
 * @param {number} older how many older pages are shown
 * @param {number} seconds between requests for the newest
 * @returns {{newest: Entry, rows: object[], last: Entry, hasOlder: boolean}} the newest page, all rows, and the
 *   oldest page that is shown
 */
export function usePages(path, size, older, seconds) {
  const newest = use(path, seconds);
  const rows = new Map((newest.value ?? []).map((row) => [row.id, row]));
  let last = newest;
  for (let page = 0; page < older && last.value?.length; page += 1) {
    // Pages begin at round IDs, so that none moves while rows are added.
    const before = Math.ceil((last.value.at(-1).id - 1) / size) * size + 1;
    last = use(`${path}&before=${before}`, ONCE);
    for (const row of last.value ?? []) rows.set(row.id, row);
  }
  const all = [...rows.values()];
  return { newest, rows: all, last, hasOlder: Boolean(last.value) && (all.at(-1)?.id ?? 1) > 1 };
}

/** Request a path again at once, if it is shown; its last state stays until the answer. */
export function refresh(path) {
  const entry = entries.get(path);
  if (entry) entry.isStale = true;
}

/** Refresh all paths with a prefix. */
export function refreshAll(prefix) {
  for (const path of entries.keys()) if (path.startsWith(prefix)) refresh(path);
}

/** Forget a path, and abort its request. */
export function forget(path) {
  entries.get(path)?.controller?.abort();
  entries.delete(path);
  changed();
}

/** Store the answer to another request, such as a sign-in. */
export function put(path, value) {
  entries.set(path, { value, at: Date.now(), answered: Date.now(), requested: Date.now() });
  changed();
}

/** Forget everything but this refusal of a path, after the end of a session. */
export function reset(path, refused) {
  for (const known of [...entries.keys()]) forget(known);
  entries.set(path, { refused, answered: Date.now(), requested: Date.now() });
  changed();
}

/** @param {(path: string, entry: Entry) => void} listener is called with each answer, before it is drawn */
export function listen(listener) {
  listeners.push(listener);
}

/** Draw in the next frame, once for all changes until then. */
export function changed() {
  if (isDrawPlanned) return;
  isDrawPlanned = true;
  requestAnimationFrame(() => {
    isDrawPlanned = false;
    wanted = new Map();
    draw();
    for (const path of [...entries.keys()]) {
      if (wanted.has(path)) continue;
      entries.get(path).controller?.abort();
      entries.delete(path);
    }
    tick();
  });
}

/**
 * Draw, and keep polling.
 * @param {() => void} view draws all of the page
 */
export function start(view) {
  draw = view;
  setInterval(tick, TICK_MS);
  document.addEventListener("visibilitychange", changed);
  changed();
}

/**
 * The time since which a polled path has had no answer.
 * @returns {number?} ms; null: all paths are answered
 */
export function lostSince() {
  const now = Date.now();
  const lost = [...wanted]
    .map(([path, seconds]) => [entries.get(path), seconds])
    .filter(([entry, seconds]) => entry?.missed || now - (entry?.answered ?? now) > seconds * 1000 + LATE_MS)
    .map(([entry]) => entry.answered ?? entry.first);
  return lost.length ? Math.min(...lost) : null;
}

let wasLost = null;

function tick() {
  if (document.hidden) return;
  for (const [path, seconds] of wanted) {
    const entry = entries.get(path) ?? { first: Date.now() };
    entries.set(path, entry);
    const wait = entry.missed ? RETRY_MS : entry.isStale ? 0 : seconds * 1000;
    if (!entry.controller && (entry.requested === undefined || Date.now() - entry.requested >= wait))
      load(path, entry, seconds);
  }
  const isLost = lostSince();
  if (isLost !== wasLost) changed();
  wasLost = isLost;
}

async function load(path, entry, seconds) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), seconds === ONCE ? ONCE_TIMEOUT_MS : POLL_TIMEOUT_MS);
  Object.assign(entry, { controller, requested: Date.now(), isStale: false });
  let answer;
  try {
    const { value, etag } = await revalidate(path, { etag: entry.etag, signal: controller.signal });
    const now = Date.now();
    answer = { at: now, answered: now, refused: undefined, missed: false };
    if (value !== UNCHANGED) Object.assign(answer, { value, etag });
  } catch (error) {
    if (error instanceof Refused) answer = { refused: error, answered: Date.now(), missed: false };
    else if (error instanceof NoAnswer) answer = { missed: true };
    else throw error;
  } finally {
    clearTimeout(timer);
    entry.controller = null;
  }
  // The path may have been forgotten meanwhile, because no view shows it any more.
  if (entries.get(path) !== entry) return;
  Object.assign(entry, answer);
  for (const listener of listeners) listener(path, entry);
  changed();
}
