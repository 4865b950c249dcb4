// What the page knows: views say by use() what they show, and it is asked for as long as they show it.

import { NoAnswer, Refused, UNCHANGED, revalidate } from "./api.js";

const TICK_MS = 250;
const RETRY_MS = 2000;
const POLL_TIMEOUT_MS = 30_000;
const ONCE_TIMEOUT_MS = 600_000;
const LATE_MS = 10_000;
/** Show what was asked for once and polled never. */
export const ONCE = Infinity;

/**
 * @typedef {Object} Entry
 * @property {any} [value] the last good answer
 * @property {string?} [etag] by which the server knows it again
 * @property {number} [at] when it came, or was found to be so still, ms
 * @property {number} [heard] when the server last answered at all, ms
 * @property {Refused} [refused] its last answer, if that was a refusal
 * @property {boolean} [missed] no answer came to the last request
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
 * Tell an outcome, on the page and to screen readers.
 * @param {string?} text null: take it away
 * @param {"well" | "bad" | "info"} kind
 */
export function showOutcome(text, kind = "info") {
  outcome = text === null ? null : { text, kind };
  changed();
}

/**
 * Return what is known of a path now, and have it asked for, again and again while it is used in every drawing.
 * @param {string} path
 * @param {number} seconds between requests, or ONCE
 * @returns {Entry}
 */
export function use(path, seconds) {
  wanted.set(path, Math.min(seconds, wanted.get(path) ?? ONCE));
  return entries.get(path) ?? EMPTY;
}

/**
 * Rows of a list that comes newest first, and as many older ones as are asked for.
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

/** Ask for a path again at once, if it is shown; what is known of it stays until then. */
export function refresh(path) {
  const entry = entries.get(path);
  if (entry) entry.isDue = true;
}

/** Ask again at once for all that begins so. */
export function refreshAll(prefix) {
  for (const path of entries.keys()) if (path.startsWith(prefix)) refresh(path);
}

/** Know nothing of a path any more; a request under way is given up. */
export function forget(path) {
  entries.get(path)?.flight?.abort();
  entries.delete(path);
  changed();
}

/** Take an answer that came by another way, such as a sign-in's. */
export function put(path, value) {
  entries.set(path, { value, at: Date.now(), heard: Date.now(), begun: Date.now() });
  changed();
}

/** Know nothing but this refusal of a path: what is left when a session has ended. */
export function reset(path, refused) {
  for (const known of [...entries.keys()]) forget(known);
  entries.set(path, { refused, heard: Date.now(), begun: Date.now() });
  changed();
}

/** @param {(path: string, entry: Entry) => void} heard is called with each answer, before it is drawn */
export function listen(heard) {
  listeners.push(heard);
}

/** Draw soon, once for all that has changed until then. */
export function changed() {
  if (isDrawPlanned) return;
  isDrawPlanned = true;
  requestAnimationFrame(() => {
    isDrawPlanned = false;
    wanted = new Map();
    draw();
    for (const path of [...entries.keys()]) {
      if (wanted.has(path)) continue;
      entries.get(path).flight?.abort();
      entries.delete(path);
    }
    tick();
  });
}

/**
 * Draw and keep asking.
 * @param {() => void} view draws all of the page
 */
export function start(view) {
  draw = view;
  setInterval(tick, TICK_MS);
  document.addEventListener("visibilitychange", changed);
  changed();
}

/**
 * Since when what is polled has had no answer.
 * @returns {number?} ms; null: all is well
 */
export function lostSince() {
  const now = Date.now();
  const lost = [...wanted]
    .map(([path, seconds]) => [entries.get(path), seconds])
    .filter(([entry, seconds]) => entry?.missed || now - (entry?.heard ?? now) > seconds * 1000 + LATE_MS)
    .map(([entry]) => entry.heard ?? entry.first);
  return lost.length ? Math.min(...lost) : null;
}

let wasLost = null;

function tick() {
  if (document.hidden) return;
  for (const [path, seconds] of wanted) {
    const entry = entries.get(path) ?? { first: Date.now() };
    entries.set(path, entry);
    const wait = entry.missed ? RETRY_MS : entry.isDue ? 0 : seconds * 1000;
    if (!entry.flight && (entry.begun === undefined || Date.now() - entry.begun >= wait))
      load(path, entry, seconds);
  }
  const isLost = lostSince();
  if (isLost !== wasLost) changed();
  wasLost = isLost;
}

async function load(path, entry, seconds) {
  const flight = new AbortController();
  const timer = setTimeout(() => flight.abort(), seconds === ONCE ? ONCE_TIMEOUT_MS : POLL_TIMEOUT_MS);
  Object.assign(entry, { flight, begun: Date.now(), isDue: false });
  let answer;
  try {
    const { value, etag } = await revalidate(path, { etag: entry.etag, signal: flight.signal });
    const now = Date.now();
    answer = { at: now, heard: now, refused: undefined, missed: false };
    if (value !== UNCHANGED) Object.assign(answer, { value, etag });
  } catch (error) {
    if (error instanceof Refused) answer = { refused: error, heard: Date.now(), missed: false };
    else if (error instanceof NoAnswer) answer = { missed: true };
    else throw error;
  } finally {
    clearTimeout(timer);
    entry.flight = null;
  }
  // Meanwhile it may have been forgotten, as what the operator does not look at any more is.
  if (entries.get(path) !== entry) return;
  Object.assign(entry, answer);
  for (const heard of listeners) heard(path, entry);
  changed();
}
