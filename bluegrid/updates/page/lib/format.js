// Formats numbers, times and lists for the operator.

const LOCALE = "en-GB";
const NONE = "–";
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const KEPT = "bluegrid zone";
export const UTC = "UTC";
/** The zone of the browser, such as Europe/Berlin. */
export const LOCAL = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The time zone of all times on the page. */
export let zone = kept() === UTC ? UTC : LOCAL;
let clockOf, dayOf;
useZone(zone);

/** @param {string} name of the new time zone of all times on the page: LOCAL or UTC */
export function useZone(name) {
  zone = name;
  clockOf = new Intl.DateTimeFormat(LOCALE, { timeStyle: "medium", timeZone: name });
  const day = { day: "numeric", month: "short", year: "numeric" };
  dayOf = new Intl.DateTimeFormat(LOCALE, { ...day, timeZone: name });
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // A browser without storage does not remember the zone.
  }
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** @param {number?} value a count */
export const count = (value) => (value == null ? NONE : whole.format(value));

/** @param {number?} value such as 49.8 requests a second; a small value is never shown as 0 */
export function rate(value) {
  if (value == null) return NONE;
  if (value > 0 && value < 0.05) return "< 0.1";
  return (value < 100 ? tenths : whole).format(value);
}

/** @param {number} part of 1 @returns {string} such as `26 %` */
export const share = (part) => `${part < 0.1 ? tenths.format(part * 100) : whole.format(part * 100)} %`;

/** @param {number?} value in ms */
export const milliseconds = (value) => (value == null ? NONE : `${rate(value)} ms`);

/** @param {number?} value */
export function bytes(value) {
  if (value == null) return NONE;
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${unit === 0 || value >= 100 ? whole.format(value) : tenths.format(value)} ${units[unit]}`;
}

/** @param {number?} seconds */
export function duration(seconds) {
  if (seconds == null) return NONE;
  for (const [unit, size] of [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
  ]) {
    if (seconds >= 2 * size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.round(seconds)} s`;
}

/** @param {number} at ms @returns {string} such as 03:12:07 */
export const clock = (at) => clockOf.format(at);

/** @param {string} iso @returns {string} the time; with the day, unless it is today */
export function moment(iso) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return String(iso);
  const isToday = dayOf.format(at) === dayOf.format(Date.now());
  return isToday ? clock(at) : `${dayOf.format(at)}, ${clock(at)}`;
}

/** @param {string} iso @returns {string} with day and zone, for a tooltip */
export function fullMoment(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? String(iso) : `${dayOf.format(at)}, ${clock(at)} ${zone}`;
}

/** @param {string[]} names @returns {string} such as `a, b and c` */
export function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** @param {number} number @param {string} thing @returns {string} such as `1 model`, `3,207 models` */
export function plural(number, thing) {
  return `${count(number)} ${thing}${number === 1 ? "" : "s"}`;
}
