// What is live where: all services by region.

import { url } from "./api.js";
import { h } from "./dom.js";
import { clock, listed, rate, some } from "./format.js";
import { differences, healthAt, healthOf, placesOf } from "./places.js";
import { use } from "./store.js";
import { running } from "./switching.js";
import { heading, mark, notice, said, table, trouble } from "./ui.js";

/** @param {string} name of a service @returns {string} the address of its view */
export const toService = (name) => url`#/services/${name}`;

/** @returns {import("./dom.js").Child[]} */
export function servicesView() {
  const declared = use("/services", 5);
  const status = use("/status", 2);
  const switches = use("/switches", 5).value ?? [];
  const all = (declared.value ?? []).map((service) => [service, placesOf(service, status.value)]);
  const regions = [...new Set(all.flatMap(([, places]) => places.map((each) => each.region)))];
  const rows = all.map(([service, places]) => ({
    key: service.name,
    attributes: { "data-service": service.name },
    cells: [
      [h("a", { href: toService(service.name) }, said(service.name)), doing(service, switches)],
      ...regions.map((region) => cell(places.filter((each) => each.region === region))),
    ],
  }));
  return [
    h("div", { class: "head" }, heading("Services"), asOf(status)),
    trouble(declared, "/services"),
    trouble(status, "/status"),
    all.length ? summary(all) : declared.value && h("p", null, "The registry declares no service."),
    unasked(status.value ?? []),
    all.length > 0 && table("What is live where", ["Service", ...regions], rows),
    (status.value ?? []).flatMap((look) =>
      look.notes.map((line) => notice("info", said(look.region), ": ", said(line))),
    ),
  ];
}

/** @param {import("./store.js").Entry} entry */
export function asOf(entry) {
  return entry.at ? h("span", { class: "muted" }, `as of ${clock(entry.at)}`) : null;
}

/** Which regions cannot be asked, and why: nothing that is shown of them would be so. */
function unasked(looks) {
  return looks
    .filter((look) => look.error)
    .map((look) =>
      notice(
        "unknown",
        h("strong", null, said(look.region), " cannot be asked. "),
        "What is live there is not known: ",
        said(look.error),
      ),
    );
}

function summary(all) {
  const found = all.flatMap(([, places]) => places.map(healthAt));
  const of = (...kinds) => found.filter((each) => kinds.includes(each.kind)).length;
  const parts = [mark("well", `${of("well")} well`)];
  if (of("warn", "bad")) parts.push(mark(of("bad") ? "bad" : "warn", `${of("warn", "bad")} not well`));
  if (of("unknown")) parts.push(mark("unknown", `${of("unknown")} not known`));
  return h("p", { class: "summary" }, `${some(all.length, "service")}: `, parts);
}

function doing(service, switches) {
  const now = running(switches, service.name);
  return [
    now.map((each) => h("div", null, mark("busy", "switching to ", said(each.cluster)))),
    service.update !== null && h("div", null, mark("busy", `update ${service.update} is rolled out`)),
  ];
}

function cell(places) {
  if (!places.length) return h("span", { class: "muted" }, "not here");
  return places.map((place) => {
    const { kind, words } = healthAt(place);
    const live = place.clusters.filter((row) => row.live);
    return h(
      "div",
      { class: `cell ${kind}`, "data-region": place.region, key: place.stack },
      live.map((row) =>
        h(
          "div",
          { "data-cluster": row.cluster },
          h("strong", null, said(row.cluster)),
          " ",
          said(row.version),
        ),
      ),
      h("div", null, mark(kind, words)),
      place.error && place.declared && h("div", { class: "muted" }, "YAML says ", said(place.declared)),
      differences(place).map((line) => h("div", { class: "warn" }, said(line))),
      live.length > 0 && h("div", { class: "muted" }, requests(live)),
      standbys(place),
    );
  });
}

function requests(live) {
  const known = live.map((row) => row.requests_per_second).filter((each) => each != null);
  return known.length ? `${rate(known.reduce((sum, each) => sum + each, 0))} req/s` : "requests not known";
}

function standbys(place) {
  const ill = place.clusters.filter(
    (row) => !row.live && healthOf(row).kind !== "well" && healthOf(row).kind !== "info",
  );
  if (!ill.length) return null;
  const words = listed(ill.map((row) => `${row.cluster}: ${healthOf(row).words}`));
  return h("div", { class: "muted" }, "standby ", said(words));
}
