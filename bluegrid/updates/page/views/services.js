// All services by region, with their live clusters.

import { h } from "../lib/dom.js";
import { clock, count, listed, plural, rate } from "../lib/format.js";
import { running } from "../lib/jobs.js";
import { changed, use } from "../lib/poll.js";
import { differences, healthAt, healthOf, lateInWords, serviceRegionsOf, rank, useRegions } from "../lib/regions.js";
import { badge, bdi, heading, loadState, notice, table } from "../lib/widgets.js";
import { asOf, refusals, rolloutNow, toService } from "./parts.js";

/** @typedef {import("../lib/dom.js").Child} Child */

/** Filters of the services, by the kinds of their health. */
const FILTERS = {
  "not-well": { kinds: ["bad", "warn"], words: "not well" },
  "not-known": { kinds: ["unknown"], words: "not known" },
};

let search = "";

/**
 * @param {string?} only a key of FILTERS; null: show all services
 * @param {string[]} scopes of the operator's token
 * @returns {import("../lib/dom.js").Child[]}
 */
export function servicesView(only, scopes) {
  const declared = use("/services", 5);
  const { statuses, entries } = useRegions();
  const switches = use("/switches", 5).value ?? [];
  const all = (declared.value ?? []).map((service) => {
    const serviceRegions = serviceRegionsOf(service, statuses);
    return { service, serviceRegions, kind: worstOf(serviceRegions) };
  });
  const regions = [...new Set(all.flatMap(({ serviceRegions }) => serviceRegions.map((each) => each.region)))];
  const shown = all.filter((each) => isShown(each, only)).sort((one, other) => rank(one.kind) - rank(other.kind));
  const rows = shown.map(({ service, serviceRegions }) => ({
    key: service.name,
    attributes: { "data-service": service.name },
    cells: [
      [h("a", { href: toService(service.name) }, bdi(service.name)), doing(service, switches, scopes)],
      ...regions.map((region) => cell(serviceRegions.filter((each) => each.region === region))),
    ],
  }));
  return [
    h("div", { class: "head" }, heading("Services"), asOf(statuses)),
    loadState(declared, "/services"),
    refusals(entries),
    all.length
      ? [summary(all, only), searchForm(shown, all)]
      : declared.value && h("p", null, "The registry declares no service."),
    silentRegions(statuses ?? []),
    rows.length > 0 && table("What is live where", ["Service", ...regions], rows),
    (statuses ?? []).flatMap((status) =>
      (status.answer?.notes ?? []).map((line) => notice("info", bdi(status.region), ": ", bdi(line))),
    ),
  ];
}

/** The regions that are unreachable or late: their status may be outdated. */
function silentRegions(statuses) {
  return statuses.map((status) => {
    const region = h("strong", null, bdi(status.region));
    if (status.answer?.error)
      return notice(
        "unknown",
        region,
        h("strong", null, " is unreachable. "),
        "What is live there is not known: ",
        bdi(status.answer.error),
      );
    const late = lateInWords(status);
    const from = status.at === null ? "" : `; what is shown of it is from ${clock(status.at)}`;
    return late && notice("unknown", region, `: ${late}${from}.`);
  });
}

/** The worst state of a service's regions. */
function worstOf(serviceRegions) {
  const kinds = serviceRegions.map((serviceRegion) => healthAt(serviceRegion).kind);
  return kinds.sort((one, other) => rank(one) - rank(other))[0] ?? "info";
}

function isShown({ service, kind }, only) {
  const isOfKind = !Object.hasOwn(FILTERS, only ?? "") || FILTERS[only].kinds.includes(kind);
  const names = [service.name, service.set, ...service.clusters.map((each) => each.version)];
  return isOfKind && names.some((name) => name.toLowerCase().includes(search.trim().toLowerCase()));
}

/** Counts of services by state; the counts are filters. */
function summary(all, only) {
  const of = (...kinds) => all.filter(({ kind }) => kinds.includes(kind));
  const parts = Object.entries(FILTERS).map(([key, { kinds, words }]) => {
    const found = of(...kinds);
    if (!found.length && key !== only) return null;
    const worst = kinds.find((kind) => of(kind).length) ?? "well";
    const href = key === only ? "#/" : `#/?only=${key}`;
    const name = `${count(found.length)} ${words}`;
    return h(
      "a",
      { key, href, "data-filter": key, "aria-current": key === only ? "true" : null },
      badge(worst, name, key === only && "; show all"),
    );
  });
  const isNew = ({ serviceRegions }) => serviceRegions.some((serviceRegion) => !serviceRegion.isApplied);
  const neutral = [
    ["not applied yet", of("info").filter(isNew)],
    ["loading", of("info").filter((each) => !isNew(each))],
  ];
  return h(
    "p",
    { class: "summary" },
    `${plural(all.length, "service")}: `,
    parts,
    badge("well", `${count(of("well").length)} well`),
    neutral.map(([words, found]) => found.length > 0 && badge("info", `${count(found.length)} ${words}`)),
  );
}

function searchForm(shown, all) {
  const oninput = (event) => {
    search = event.currentTarget.value;
    changed();
  };
  return h(
    "form",
    { class: "line-form", role: "search", onsubmit: (event) => event.preventDefault() },
    h(
      "label",
      null,
      "Service, set or version (press /) ",
      h("input", { type: "search", oninput, value: search, autocomplete: "off", "aria-keyshortcuts": "/" }),
    ),
    h(
      "span",
      { class: "muted", role: "status" },
      shown.length < all.length && `${count(shown.length)} of ${count(all.length)} shown`,
    ),
  );
}

function doing(service, switches, scopes) {
  const now = running(switches, service.name);
  return [
    now.map((each) => h("div", null, badge("busy", "switching to ", bdi(each.cluster)))),
    service.update !== null && rolloutNow(service, scopes),
  ];
}

function cell(serviceRegions) {
  if (!serviceRegions.length) return h("span", { class: "muted" }, "not here");
  return serviceRegions.map((serviceRegion) => {
    const { kind, words } = healthAt(serviceRegion);
    const live = serviceRegion.clusters.filter((row) => row.live);
    return h(
      "div",
      { class: `cell ${kind}`, "data-region": serviceRegion.region, key: serviceRegion.stack },
      live.map((row) =>
        h(
          "div",
          { "data-cluster": row.cluster },
          h("strong", null, bdi(row.cluster)),
          " ",
          bdi(row.version),
        ),
      ),
      h("div", null, badge(kind, words)),
      serviceRegion.error &&
        serviceRegion.declared &&
        h("div", { class: "muted" }, "YAML says ", bdi(serviceRegion.declared)),
      differences(serviceRegion).map((line) => h("div", { class: "warn" }, bdi(line))),
      live.length > 0 && serviceRegion.outage === null && h("div", { class: "muted" }, requests(live)),
      standbys(serviceRegion),
    );
  });
}

function requests(live) {
  const known = live.map((row) => row.requests_per_second).filter((each) => each != null);
  return known.length ? `${rate(known.reduce((sum, each) => sum + each, 0))} req/s` : "requests not known";
}

function standbys(serviceRegion) {
  if (!serviceRegion.isApplied) return null;
  const ill = serviceRegion.clusters.filter(
    (row) => !row.live && healthOf(row).kind !== "well" && healthOf(row).kind !== "info",
  );
  if (!ill.length) return null;
  const words = listed(ill.map((row) => `${row.cluster}: ${healthOf(row).words}`));
  return h("div", { class: "muted" }, "standby ", bdi(words));
}
