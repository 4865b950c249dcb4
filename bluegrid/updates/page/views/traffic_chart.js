// Requests per second of the last minutes, as they happened: samples that are kept while the page is open, and a chart.

import { h } from "../lib/dom.js";
import { clock, listed, rate, share } from "../lib/format.js";
import { bdi, badge, muted } from "../lib/widgets.js";

const WINDOW_MS = 5 * 60_000;
/** What the chart begins with, so that a switch just after the page was opened is seen too. */
const FIRST_WINDOW_MS = 60_000;
/** Two samples further apart are not joined by a line: nobody knows what was between them. */
const GAP_MS = 12_000;
/** Snapshots that are closer to each other than this are the same one; the server's are a second apart. */
const SAME_MS = 500;
/** In the drawing's own units; it is stretched to the width there is. */
const WIDTH = 1000;
/** In px, as the style sheet has it. */
const HEIGHT = 120;
const STRIP = 24;
const LABEL = 18;
/** Colours and dashes that the style sheet has. */
const STYLES = 6;

/** @typedef {{at: number, live: string[], rates: Object<string, {requests: number, errors: number}>}} Sample */

/** @type {Map<string, {samples: Sample[], clusters: string[]}>} by stack and service */
const history = new Map();
const keyOf = (stack, service) => JSON.stringify([stack, service]);

/**
 * Keep the traffic of an answer of `/status`.
 * @param {object[]} regions of `/status`
 * @param {number} heard when it came, ms
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
      // The same snapshot comes again until the next one is there.
      if (at - (before.samples.at(-1)?.at ?? -Infinity) < SAME_MS) continue;
      const sample = { at, live, rates: Object.fromEntries(rates) };
      history.set(keyOf(region.stack, service), {
        samples: [...before.samples.filter((each) => each.at >= at - WINDOW_MS), sample],
        // In the order in which they were seen first, so that a cluster keeps its colour.
        clusters: [...new Set([...before.clusters, ...known.map((row) => row.cluster)])],
      });
    }
  }
}

/**
 * Chart a service's traffic in a region.
 * @param {import("../lib/regions.js").Place} place
 * @param {string} service
 * @returns {import("../lib/dom.js").Child}
 */
export function trafficChart(place, service) {
  const { samples, clusters } = history.get(keyOf(place.stack, service)) ?? { samples: [], clusters: [] };
  if (samples.length < 2) return muted("The chart begins with the second look.");
  const last = samples.at(-1);
  const top = ceiling(samples.flatMap((each) => Object.values(each.rates).map((one) => one.requests)));
  const wide = last.at - samples[0].at > FIRST_WINDOW_MS ? WINDOW_MS : FIRST_WINDOW_MS;
  const x = (at) => ((at - last.at) / wide + 1) * WIDTH;
  const y = (value) => HEIGHT - (value / top) * HEIGHT;
  const shown = clusters.filter((cluster) => samples.some((each) => each.rates[cluster]));
  const errors = samples.map((each) => [x(each.at), total(each, "errors"), each.at]);
  const most = Math.max(...errors.map(([, value]) => value));
  const words = listed(shown.map((cluster) => `${cluster} ${rate(last.rates[cluster]?.requests)}`));
  return h(
    "figure",
    { class: "chart", "data-chart": place.region },
    h("figcaption", null, `Requests/s by cluster, last ${wide === WINDOW_MS ? "5 minutes" : "minute"}`),
    h(
      "div",
      { class: "plot" },
      h("span", { class: "scale" }, top.toLocaleString("en-GB")),
      h(
        "svg",
        {
          viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
          preserveAspectRatio: "none",
          role: "img",
          "aria-label": `Requests per second in ${place.region}: ${words}; ${place.outage === null ? `errors ${rate(total(last, "errors"))}` : "nobody answers"}`,
        },
        [0, 0.5, 1].map((part) =>
          h("line", { class: "grid", x1: 0, x2: WIDTH, y1: part * HEIGHT, y2: part * HEIGHT }),
        ),
        switches(samples).map(({ at }) =>
          h("line", { class: "switch", x1: x(at), x2: x(at), y1: 0, y2: HEIGHT }),
        ),
        shown.map((cluster) => {
          const points = samples.map((each) => [
            x(each.at),
            each.rates[cluster] && y(each.rates[cluster].requests),
            each.at,
          ]);
          const isLive = last.live.includes(cluster);
          return h("path", {
            key: cluster,
            class: `line ${style(clusters, cluster)} ${isLive ? "is-live" : ""}`,
            d: path(points),
          });
        }),
      ),
      switches(samples).map(({ at, text }, row) => {
        const left = x(at) / WIDTH;
        const place = { left: `${left * 100}%`, top: `${(row % 4) * LABEL}px` };
        return h(
          "span",
          { class: `switch-label ${left > 0.5 ? "to-left" : ""}`, style: place },
          clock(at),
          " ",
          bdi(text),
        );
      }),
    ),
    h("div", { class: "labels" }, labels(shown, clusters, last, y)),
    most > 0 && strip(errors, most),
    h("div", { class: "error-label" }, errorWords(place, last, most)),
    h(
      "div",
      { class: "axis muted" },
      h("span", null, clock(last.at - wide)),
      h("span", null, clock(last.at)),
    ),
  );
}

function errorWords(place, last, most) {
  // Who does not answer counts no errors either.
  if (place.outage !== null) return badge("bad", "nobody answers");
  if (!last.live.some((cluster) => last.rates[cluster])) return badge("unknown", "errors not known");
  if (!most) return h("span", { class: "muted" }, "no errors");
  const [errors, requests] = [total(last, "errors"), total(last, "requests")];
  const part = errors > 0 && requests > 0 ? ` (${share(errors / requests)})` : "";
  return h("span", { class: "bad" }, `errors/s ${rate(errors)}${part}, most ${rate(most)}`);
}

/** The errors have a scale of their own: few of them among many requests would be a flat line. */
function strip(errors, most) {
  const points = errors.map(([x, value, at]) => [x, STRIP - (value / most) * (STRIP - 2), at]);
  const drawing = { viewBox: `0 0 ${WIDTH} ${STRIP}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  return h("svg", { class: "strip", ...drawing }, h("path", { class: "line errors", d: path(points) }));
}

/** Names beside the lines' ends, moved apart where they would lie on each other. */
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

/** When the route led elsewhere than in the sample before. */
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

/** A round number that no value is above. */
function ceiling(values) {
  const most = Math.max(1, ...values);
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 6, 8, 10].map((step) => step * unit).find((step) => step >= most);
}
