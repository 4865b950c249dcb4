// Requests per second of the last minutes: samples that are kept while the page is open, and a chart.

import { h } from "../lib/dom.js";
import { clock, listed, rate, share } from "../lib/format.js";
import { bdi, badge, muted } from "../lib/widgets.js";

const WINDOW_MS = 5 * 60_000;
/** The first span of the chart; a switch just after the page was opened is visible in it. */
const FIRST_WINDOW_MS = 60_000;
/** Samples further apart are not joined: the rate between them is not known. */
const GAP_MS = 12_000;
/** Answers closer together are of the same snapshot: the server takes snapshots a second apart. */
const SAME_MS = 500;
/** Size in units of the drawing, which is stretched to the width of the page. */
const WIDTH = 1000;
/** Height in px, as in the style sheet. */
const HEIGHT = 120;
const STRIP = 24;
const LABEL = 18;
/** Number of line styles in the style sheet. */
const STYLES = 6;

/** @typedef {{at: number, live: string[], rates: Object<string, {requests: number, errors: number}>}} Sample */

/** @type {Map<string, {samples: Sample[], clusters: string[]}>} by stack and service */
const history = new Map();
const keyOf = (stack, service) => JSON.stringify([stack, service]);

/**
 * Store the traffic in an answer of `/status`.
 * @param {object[]} regions of `/status`
 * @param {number} heard when the answer arrived, ms
 */
export function remember(regions, heard) {
  for (const region of regions.filter((each) => !each.error && each.age_seconds !== null)) {
    const at = heard - region.age_seconds * 1000;
    for (const service of new Set(region.clusters.map((row) => row.service))) {
      const rows = region.clusters.filter((row) => row.service === service);
      const known = rows.filter((row) => row.requests_per_second != null);
      const rates = known.map((row) => [
        row.cluster,
        { requests: row.requests_per_second, errors: row.errors_per_second ?? 0 },
      ]);
      const live = rows.filter((row) => row.live).map((row) => row.cluster);
      const before = history.get(keyOf(region.stack, service)) ?? { samples: [], clusters: [] };
      // The server returns the same snapshot until it has taken the next.
      if (at - (before.samples.at(-1)?.at ?? -Infinity) < SAME_MS) continue;
      const sample = { at, live, rates: Object.fromEntries(rates) };
      history.set(keyOf(region.stack, service), {
        samples: [...before.samples.filter((each) => each.at >= at - WINDOW_MS), sample],
        // Clusters stay in the order of their first appearance, so that each keeps its colour.
        clusters: [...new Set([...before.clusters, ...known.map((row) => row.cluster)])],
      });
    }
  }
}

/**
 * Chart a service's traffic in a region.
 * @param {import("../lib/regions.js").ServiceRegion} serviceRegion
 * @param {string} service
 * @returns {import("../lib/dom.js").Child}
 */
export function trafficChart(serviceRegion, service) {
  const { samples, clusters } = history.get(keyOf(serviceRegion.stack, service)) ?? { samples: [], clusters: [] };
  if (samples.length < 2) return muted("The chart begins with the second snapshot.");
  const scales = scalesOf(samples);
  const last = samples.at(-1);
  const shown = clusters.filter((cluster) => samples.some((each) => each.rates[cluster]));
  const errors = samples.map((each) => [scales.x(each.at), total(each, "errors"), each.at]);
  const most = Math.max(...errors.map(([, value]) => value));
  const minutes = scales.span === WINDOW_MS ? "5 minutes" : "minute";
  return h(
    "figure",
    { class: "chart", "data-chart": serviceRegion.region },
    h("figcaption", null, `Requests/s by cluster, last ${minutes}`),
    h(
      "div",
      { class: "plot" },
      h("span", { class: "scale" }, scales.top.toLocaleString("en-GB")),
      drawing(samples, shown, clusters, scales, inWords(serviceRegion, shown, last)),
      switches(samples).map((each, row) => switchLabel(each, row, scales)),
    ),
    h("div", { class: "labels" }, labels(shown, clusters, last, scales.y)),
    most > 0 && strip(errors, most),
    h("div", { class: "error-label" }, errorWords(serviceRegion, last, most)),
    h(
      "div",
      { class: "axis muted" },
      h("span", null, clock(last.at - scales.span)),
      h("span", null, clock(last.at)),
    ),
  );
}

/** @returns {{top: number, span: number, x: Function, y: Function}} the greatest rate, ms, and both as coordinates */
function scalesOf(samples) {
  const last = samples.at(-1);
  const top = ceiling(samples.flatMap((each) => Object.values(each.rates).map((one) => one.requests)));
  const span = last.at - samples[0].at > FIRST_WINDOW_MS ? WINDOW_MS : FIRST_WINDOW_MS;
  return {
    top,
    span,
    x: (at) => ((at - last.at) / span + 1) * WIDTH,
    y: (value) => HEIGHT - (value / top) * HEIGHT,
  };
}

/** The chart for a screen reader. */
function inWords({ region, outage }, shown, last) {
  const rates = listed(shown.map((cluster) => `${cluster} ${rate(last.rates[cluster]?.requests)}`));
  const errors = outage === null ? `errors ${rate(total(last, "errors"))}` : "nobody answers";
  return `Requests per second in ${region}: ${rates}; ${errors}`;
}

function drawing(samples, shown, clusters, { x, y }, words) {
  return h(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": words },
    [0, 0.5, 1].map((part) =>
      h("line", { class: "grid", x1: 0, x2: WIDTH, y1: part * HEIGHT, y2: part * HEIGHT }),
    ),
    switches(samples).map(({ at }) => h("line", { class: "switch", x1: x(at), x2: x(at), y1: 0, y2: HEIGHT })),
    shown.map((cluster) => {
      const points = samples.map((each) => [
        x(each.at),
        each.rates[cluster] && y(each.rates[cluster].requests),
        each.at,
      ]);
      const isLive = samples.at(-1).live.includes(cluster);
      const kind = `line ${style(clusters, cluster)} ${isLive ? "is-live" : ""}`;
      return h("path", { key: cluster, class: kind, d: path(points) });
    }),
  );
}

function switchLabel({ at, text }, row, { x }) {
  const left = x(at) / WIDTH;
  const position = { left: `${left * 100}%`, top: `${(row % 4) * LABEL}px` };
  const kind = `switch-label ${left > 0.5 ? "to-left" : ""}`;
  return h("span", { class: kind, style: position }, clock(at), " ", bdi(text));
}

function errorWords(serviceRegion, last, most) {
  // Pods that do not answer count no errors either.
  if (serviceRegion.outage !== null) return badge("bad", "nobody answers");
  if (!last.live.some((cluster) => last.rates[cluster])) return badge("unknown", "errors not known");
  if (!most) return h("span", { class: "muted" }, "no errors");
  const [errors, requests] = [total(last, "errors"), total(last, "requests")];
  const part = errors > 0 && requests > 0 ? ` (${share(errors / requests)})` : "";
  return h("span", { class: "bad" }, `errors/s ${rate(errors)}${part}, most ${rate(most)}`);
}

/** The errors, on a scale of their own: few errors among many requests would be a flat line. */
function strip(errors, most) {
  const points = errors.map(([x, value, at]) => [x, STRIP - (value / most) * (STRIP - 2), at]);
  const drawing = { viewBox: `0 0 ${WIDTH} ${STRIP}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  return h("svg", { class: "strip", ...drawing }, h("path", { class: "line errors", d: path(points) }));
}

/** The names at the ends of the lines, moved apart to avoid overlaps. */
function labels(shown, clusters, last, y) {
  const ends = shown.map((cluster) => [
    cluster,
    last.rates[cluster] ? y(last.rates[cluster].requests) : HEIGHT,
  ]);
  ends.sort(([, one], [, other]) => one - other);
  let free = 0;
  for (const end of ends) free = (end[1] = Math.max(end[1] - LABEL / 2, free)) + LABEL;
  const over = Math.max(0, free - HEIGHT);
  return ends.map(([cluster, top]) => {
    const isLive = last.live.includes(cluster);
    const words = [bdi(cluster), ` ${rate(last.rates[cluster]?.requests)}`, isLive && " live"];
    const kind = `label ${style(clusters, cluster)} ${isLive ? "is-live" : ""}`;
    return h("span", { key: cluster, class: kind, title: cluster, style: { top: `${top - over}px` } }, words);
  });
}

const style = (clusters, cluster) => `line-${clusters.indexOf(cluster) % STYLES}`;
const total = (sample, kind) => Object.values(sample.rates).reduce((sum, each) => sum + each[kind], 0);

/** The samples whose live clusters differ from the sample before. */
function switches(samples) {
  return samples.slice(1).flatMap((now, at) => {
    const [was, is] = [listed(samples[at].live), listed(now.live)];
    return was === is ? [] : [{ at: now.at, text: `${was || "none"} → ${is || "none"}` }];
  });
}

function path(points) {
  let before = -Infinity;
  const steps = [];
  for (const [x, y, at] of points) {
    if (y == null) before = -Infinity;
    else steps.push(`${at - before > GAP_MS ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`);
    if (y != null) before = at;
  }
  return steps.join("");
}

/** A round number that is at least the greatest value. */
function ceiling(values) {
  const most = Math.max(1, ...values);
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 6, 8, 10].map((step) => step * unit).find((step) => step >= most);
}
