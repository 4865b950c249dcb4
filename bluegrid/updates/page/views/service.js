// One service: its clusters region by region, their traffic, and what can be done.

import { openSwitchDialog, switchesOf } from "../dialogs/switch.js";
import { url } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { clock, count, duration, milliseconds, plural, rate, share } from "../lib/format.js";
import { running } from "../lib/jobs.js";
import { use } from "../lib/poll.js";
import { differences, healthAt, healthOf, isThere, lateInWords, usePlaces, useRegions } from "../lib/regions.js";
import {
  badInWords,
  badge,
  bdi,
  breadcrumb,
  button,
  code,
  heading,
  loadState,
  muted,
  notice,
  table,
  time,
} from "../lib/widgets.js";
import { asOf, refusals, rolloutNow } from "./parts.js";
import { switchesTable } from "./switches_table.js";
import { trafficChart } from "./traffic_chart.js";

const NUMBERS = ["Models#", "Req/s#", "Err/s#", "p99#", "Age#"];
const COLUMNS = ["Cluster", "Route", "Version", "Ready#", "State", ...NUMBERS];

/**
 * @param {string} name
 * @param {string[]} scopes of the operator's token
 * @returns {import("../lib/dom.js").Child[]}
 */
export function serviceView(name, scopes) {
  const maySwitch = scopes.includes("switch");
  const declared = use("/services", 5);
  const { statuses, entries } = useRegions();
  const switches = use(switchesOf(name), 3);
  const past = url`/services/${name}/history`;
  const service = (declared.value ?? []).find((each) => each.name === name);
  const places = usePlaces(name);
  return [
    breadcrumb("#/", "Services", name),
    h("div", { class: "head" }, heading(bdi(name)), asOf(statuses)),
    loadState(declared, "/services"),
    refusals(entries),
    declared.value && !service && notice("bad", "The registry declares no service of this name."),
    service && [
      facts(service),
      service.update !== null && rolloutNow(service, scopes),
      running(switches.value ?? [], name).map(switchNow),
      !maySwitch && notice("info", "Your token does not allow switching (scope switch)."),
      maySwitch && everywhere(service, places),
      places.map((place) => region(service, place, maySwitch)),
      h(
        "section",
        null,
        h("h2", null, "Recent switches"),
        loadState(switches, switchesOf(name)),
        switches.value && switchesTable(switches.value, rolledOut(service)),
      ),
      history(use(past, 30), past),
    ],
  ];
}

/** The updates of a service's set that were rolled out, or are. */
const rolledOut = (service) =>
  (use(url`/updates?set=${service.set}&limit=20`, 5).value ?? []).filter((each) => each.rollout !== null);

function facts(service) {
  return muted(
    "Model set ",
    h("a", { href: url`#/versions/${service.set}` }, bdi(service.set)),
    " at ",
    code(service.path),
    service.update !== null && [
      "; ",
      h("a", { href: "#/updates" }, `update ${service.update}`),
      " is being rolled out to it",
    ],
  );
}

/** How far a switch is; one that failed and is not back is what an operator has to know first. */
function switchNow(one) {
  const words = [bdi(one.author), " switches to ", bdi(one.cluster), ": ", bdi(one.step ?? one.state)];
  if (one.back === null) return notice("busy", words);
  const again = one.next_try !== null && ["; tried again at ", time(one.next_try)];
  return notice("bad", "The switch to ", bdi(one.cluster), " failed and is not back: ", bdi(one.error), again);
}

/** What can be done to all regions at once: only where there are several. */
function everywhere(service, places) {
  const here = places.filter((place) => place.declared);
  if (here.length < 2) return null;
  const isLive = (cluster) =>
    here.every((place) => (place.live.length ? place.live : [place.declared]).join() === cluster);
  const before = new Set(here.map((place) => place.before?.cluster));
  const isAbsent = (id) =>
    here.some((place) => place.clusters.some((row) => row.cluster === id && !isThere(row)));
  const choices = service.clusters.filter((each) => !isLive(each.id) && !isAbsent(each.id));
  if (!choices.length) return null;
  return h(
    "div",
    { class: "ways", role: "group", "aria-label": "In all regions" },
    choices.map(({ id }) =>
      switchButton(service.name, id, null, before.size === 1 && before.has(id), places),
    ),
  );
}

function switchButton(service, cluster, place, isBack, places) {
  const regions = place && [place.region];
  const verb = isBack ? ["Roll back to ", bdi(cluster)] : ["Make ", bdi(cluster), " live"];
  const words = [verb, " in ", place ? bdi(place.region) : "all regions", "…"];
  return button(words, () => openSwitchDialog(service, cluster, regions, isBack, places), {
    key: `switch ${cluster}`,
    class: isBack ? "primary" : null,
    "data-switch-to": cluster,
  });
}

function region(service, place, maySwitch) {
  const { kind, words } = healthAt(place);
  const title = place.stack === place.region ? null : [" (stack ", bdi(place.stack), ")"];
  return h(
    "section",
    {
      key: place.stack,
      class: "region",
      "data-region": place.region,
      "aria-label": `Region ${place.region}`,
    },
    h("div", { class: "head" }, h("h2", null, bdi(place.region), title), badge(kind, words)),
    maySwitch && ways(service, place),
    place.error &&
      notice("unknown", "It cannot be asked, so nothing is known of it now: ", bdi(place.error)),
    place.error && place.declared && muted("YAML says that ", bdi(place.declared), " is live."),
    lateInWords(place) &&
      place.hasAnswer &&
      notice("unknown", `It is ${lateInWords(place)}; what is shown is from ${clock(place.at)}.`),
    place.outage && notice("bad", bdi(place.outage)),
    !place.isApplied && notice("info", "Its stack has not made it yet: ", code(`pulumi up --stack ${place.stack}`)),
    differences(place).map((line) => notice("warn", bdi(line))),
    place.notes.map((line) => notice("info", bdi(line))),
    place.clusters.length > 0 && place.isApplied && clustersTable(place),
    place.before && muted("Live before: ", bdi(place.before.cluster), ", until ", commitInWords(place.before)),
    !place.error && place.isApplied && trafficChart(place, service.name),
  );
}

function commitInWords({ until, commit, author, time: at, subject }) {
  if (!commit) return bdi(until);
  return [time(at), " (", code(commit.slice(0, 10)), " by ", bdi(author), ": ", bdi(subject), ")"];
}

/** What can be done in a region, the way back first: above its table, where no width hides it. */
function ways(service, place) {
  const isBack = (row) => place.before?.cluster === row.cluster;
  const others = place.clusters.filter((row) => isThere(row) && !(row.live && place.live.length === 1));
  if (!others.length) return null;
  others.sort((one, other) => isBack(other) - isBack(one));
  return h(
    "div",
    { class: "ways", role: "group", "aria-label": `In ${place.region}` },
    others.map((row) => switchButton(service.name, row.cluster, place, isBack(row), [place])),
  );
}

function clustersTable(place) {
  const rows = place.clusters.map((row) => clusterRow(place, row));
  return table(`Clusters in ${place.region}`, COLUMNS, rows);
}

function clusterRow(place, row) {
  const { kind, words } = healthOf(row);
  const bad = place.bad[row.cluster];
  const cells = [
    h("strong", null, bdi(row.cluster)),
    row.live ? h("span", { class: "live" }, "live") : "standby",
    bdi(row.version),
    `${count(row.ready)} of ${count(row.replicas)}`,
    [badge(kind, words), h("div", { class: "muted" }, bdi(row.state))],
    row.models_loaded == null ? "–" : `${count(row.models_loaded)} of ${count(row.models_expected)}`,
    rate(row.requests_per_second),
    [
      h("span", { class: row.errors_per_second > 0 ? "bad" : null }, partOf(row.errors_per_second, row)),
      row.refused_per_second > 0 && muted("4xx/s ", partOf(row.refused_per_second, row)),
    ],
    milliseconds(row.p99_ms),
    duration(row.age_seconds),
  ];
  return {
    key: row.cluster,
    attributes: { "data-cluster": row.cluster, "data-live": String(row.live) },
    cells,
    under: [
      bad && h("p", { class: "warn" }, bdi(row.version), " is marked bad: ", badInWords(bad)),
      row.why && h("p", { class: "bad" }, bdi(row.why)),
      ...row.drift.map((line) => h("p", { class: "warn" }, "Drift: ", bdi(line))),
      row.pods.length > 0 && pods(row),
    ].filter(Boolean),
  };
}

/** How many requests a second, and which share of all. */
const partOf = (each, row) =>
  each > 0 && row.requests_per_second > 0 ? `${rate(each)} (${share(each / row.requests_per_second)})` : rate(each);

function pods(row) {
  const isOdd = row.pods.some((pod) => !pod.ready || pod.why);
  return h(
    "details",
    null,
    h("summary", null, `${plural(row.pods.length, "pod")} of `, bdi(row.cluster), isOdd && ", not all ready"),
    table(
      `Pods of ${row.cluster}`,
      ["Pod", "State", "Restarts#", "Age#"],
      row.pods.map((pod) => ({
        key: pod.name,
        cells: [
          bdi(pod.name),
          badge(pod.ready ? "well" : "warn", bdi(pod.state), !pod.ready && ", not ready"),
          count(pod.restarts),
          duration(pod.age_seconds),
        ],
        under: pod.why ? [h("p", { class: "bad" }, bdi(pod.why))] : [],
      })),
    ),
  );
}

function history(entry, path) {
  const rows = (entry.value ?? []).map((change) => ({
    key: change.commit,
    cells: [
      time(change.time),
      bdi(change.author),
      [bdi(change.subject), change.changes.map((line) => muted(bdi(line)))],
      code(change.commit.slice(0, 10)),
    ],
  }));
  return h(
    "section",
    null,
    h("h2", null, "History"),
    loadState(entry, path),
    entry.value &&
      (rows.length
        ? table("History from git", ["When", "By", "What", "Commit"], rows)
        : muted("No commit has changed it.")),
  );
}
