// Elements that all views use.

import { h } from "./dom.js";
import { LOCAL, UTC, clock, fullMoment, moment, useZone, zone } from "./format.js";
import { changed, refresh } from "./poll.js";

/** @typedef {import("./dom.js").Child} Child */
/** @typedef {"well" | "warn" | "bad" | "unknown" | "busy" | "info"} Kind */

/** Shapes, so that nothing is shown by colour alone. */
const SHAPES = { well: "●", warn: "▲", bad: "■", unknown: "?", busy: "◐", info: "·" };

/** @param {unknown} text of the server, which may be written from right to left */
export const bdi = (text) => h("bdi", null, String(text));

/** @param {unknown} text such as a command or a UID */
export const code = (text) => h("code", null, bdi(text));

/** @param {...Child} content less important than the rest */
export const muted = (...content) => h("p", { class: "muted" }, content);

/** @param {string[]} lines of the server @param {(line: string) => Child} as */
export const bullets = (lines, as = bdi) =>
  h(
    "ul",
    null,
    lines.map((line) => h("li", null, as(line))),
  );

/**
 * @param {string} href of the view above this one
 * @param {string} title of that view
 * @param {string} name of what this view shows
 */
export function breadcrumb(href, title, name) {
  return h(
    "nav",
    { class: "crumbs", "aria-label": "Breadcrumb" },
    h("a", { href }, title),
    " / ",
    bdi(name),
  );
}

/**
 * A state in words, with its shape and colour.
 * @param {Kind} kind
 * @param {...Child} words
 */
export function badge(kind, ...words) {
  const shape = h("span", { class: "shape", "aria-hidden": "true" }, SHAPES[kind]);
  return h("span", { class: `mark ${kind}`, "data-health": kind }, shape, h("span", null, words));
}

/**
 * A message that the operator should read first.
 * @param {Kind} kind
 * @param {...Child} content
 */
export function notice(kind, ...content) {
  const shape = h("span", { class: "shape", "aria-hidden": "true" }, SHAPES[kind]);
  return h("div", { class: `notice ${kind}` }, shape, h("div", null, content));
}

/** @param {string?} iso @returns {Child} */
export function time(iso) {
  return iso ? h("time", { datetime: iso, title: fullMoment(iso) }, moment(iso)) : "–";
}

/** @param {{why: string, by: string, at: string}} bad the mark of a version */
export const badInWords = ({ why, by, at }) => [bdi(why), " (", bdi(by), ", ", time(at), ")"];

/** The time zone of the page, and a button that changes it. */
export function zoneNote() {
  if (LOCAL === UTC) return h("span", { class: "muted" }, "times in UTC");
  const other = zone === UTC ? LOCAL : UTC;
  const onclick = () => {
    useZone(other);
    changed();
  };
  return h("span", { class: "muted" }, `times in ${zone} `, button(`Show ${other}`, onclick, { class: "small" }));
}

/**
 * A message in place of a missing answer, or beside an old answer; null: the answer is current.
 * @param {import("./poll.js").Entry} entry
 * @param {string} path
 */
export function loadState(entry, path) {
  if (entry.refused) {
    const from = entry.at ? ` What is shown is from ${clock(entry.at)}.` : "";
    const again = h("button", { type: "button", onclick: () => refresh(path) }, "Try again");
    return notice("bad", "The server says: ", bdi(entry.refused.message), ".", from, " ", again);
  }
  return "value" in entry ? null : muted("Loading…");
}

/**
 * A table; on a narrow screen its rows are stacked, each cell under its column's name.
 * @param {string} label
 * @param {string[]} columns names; one that ends with `#` holds numbers
 * @param {{key: string, cells: (Child | Child[])[], attributes?: object, under?: Child[]}[]} rows `under`: a line below
 */
export function table(label, columns, rows) {
  const names = columns.map((column) => column.replace(/#$/, ""));
  const kinds = columns.map((column) => (column.endsWith("#") ? "number" : null));
  // Roles are explicit, because rows with block layout would lose them.
  const heads = names.map((name, at) =>
    h("th", { role: "columnheader", scope: "col", class: kinds[at] }, name),
  );
  const body = rows.flatMap(({ key, cells, attributes, under = [] }) => {
    const filled = cells.map((cell, at) =>
      at === 0
        ? h("th", { role: "rowheader", scope: "row" }, cell)
        : h("td", { role: "cell", class: kinds[at], "data-column": names[at] }, h("div", null, cell)),
    );
    const row = h(
      "tr",
      { role: "row", key, class: under.length ? "has-under" : null, ...attributes },
      filled,
    );
    const span = h("td", { role: "cell", colspan: columns.length }, under);
    return under.length ? [row, h("tr", { role: "row", key: `${key} under`, class: "under" }, span)] : [row];
  });
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      { role: "table", "aria-label": label },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)),
      h("tbody", { role: "rowgroup" }, body),
    ),
  );
}

/**
 * @param {string} text
 * @param {() => void} onclick
 * @param {object} [attributes]
 */
export function button(text, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, text);
}

/** The heading that gets the focus when the operator comes to a view. */
export const heading = (...content) => h("h1", { tabindex: "-1" }, content);
