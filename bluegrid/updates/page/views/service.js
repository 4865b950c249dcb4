// One service: its clusters region by region, their traffic, and possible actions.

import { openSwitchDialog, switchesOf } from "../dialogs/switch.js";
import { url } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { clock, count, duration, milliseconds, plural, rate, share } from "../lib/format.js";
import { running } from "../lib/jobs.js";
import { use } from "../lib/poll.js";
import { differences, healthAt, healthOf, isThere, lateInWords, useServiceRegions, useRegions } from "../lib/regions.js";
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
  const serviceRegions = useServiceRegions(name);
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
      maySwitch && everywhere(service, serviceRegions),
      serviceRegions.map((serviceRegion) => region(service, serviceRegion, maySwitch)),
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

/** The updates of a service's set that were or are being rolled out. */
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

/** The progress of a switch; a failed switch that is not back is shown first. */
function switchNow(one) {
  const words = [bdi(one.author), " switches to ", bdi(one.cluster), ": ", bdi(one.step ?? one.state)];
  if (one.back === null) return notice("busy", words);
  const again = one.next_try !== null && ["; tried again at ", time(one.next_try)];
  return notice("bad", "The switch to ", bdi(one.cluster), " failed and is not back: ", bdi(one.error), again);
}

/** Actions on all regions at once; only for several regions. */
function everywhere(service, serviceRegions) {
  const here = serviceRegions.filter((serviceRegion) => serviceRegion.declared);
  if (here.length < 2) return null;
  const isLive = (cluster) =>
    here.every(({ live, declared }) => (live.length ? live : [declared]).join() === cluster);
  const before = new Set(here.map((serviceRegion) => serviceRegion.before?.cluster));
  const isAbsent = (id) =>
    here.some((serviceRegion) => serviceRegion.clusters.some((row) => row.cluster === id && !isThere(row)));
  const choices = service.clusters.filter((each) => !isLive(each.id) && !isAbsent(each.id));
  if (!choices.length) return null;
  return h(
    "div",
    { class: "ways", role: "group", "aria-label": "In all regions" },
    choices.map(({ id }) =>
      switchButton(service.name, id, null, before.size === 1 && before.has(id), serviceRegions),
    ),
  );
}

function switchButton(service, cluster, serviceRegion, isBack, serviceRegions) {
  const regions = serviceRegion && [serviceRegion.region];
  const verb = isBack ? ["Roll back to ", bdi(cluster)] : ["Make ", bdi(cluster), " live"];
  const words = [verb, " in ", serviceRegion ? bdi(serviceRegion.region) : "all regions", "…"];
  return button(words, () => openSwitchDialog(service, cluster, regions, isBack, serviceRegions), {
    key: `switch ${cluster}`,
    class: isBack ? "primary" : null,
    "data-switch-to": cluster,
  });
}

function region(service, serviceRegion, maySwitch) {
  const { kind, words } = healthAt(serviceRegion);
  const title = serviceRegion.stack === serviceRegion.region ? null : [" (stack ", bdi(serviceRegion.stack), ")"];
  return h(
    "section",
    {
      key: serviceRegion.stack,
      class: "region",
      "data-region": serviceRegion.region,
      "aria-label": `Region ${serviceRegion.region}`,
    },
    h("div", { class: "head" }, h("h2", null, bdi(serviceRegion.region), title), badge(kind, words)),
    maySwitch && ways(service, serviceRegion),
    serviceRegion.error &&
      notice("unknown", "Unreachable, so its state is not known: ", bdi(serviceRegion.error)),
    serviceRegion.error && serviceRegion.declared && muted("YAML says that ", bdi(serviceRegion.declared), " is live."),
    lateInWords(serviceRegion) &&
      serviceRegion.hasAnswer &&
      notice("unknown", `The region gives ${lateInWords(serviceRegion)}; what is shown is from ${clock(serviceRegion.at)}.`),
    serviceRegion.outage && notice("bad", bdi(serviceRegion.outage)),
    !serviceRegion.isApplied &&
      notice("info", "Its stack has not made it yet: ", code(`pulumi up --stack ${serviceRegion.stack}`)),
    differences(serviceRegion).map((line) => notice("warn", bdi(line))),
    serviceRegion.notes.map((line) => notice("info", bdi(line))),
    serviceRegion.clusters.length > 0 && serviceRegion.isApplied && clustersTable(serviceRegion),
    serviceRegion.before &&
      muted("Live before: ", bdi(serviceRegion.before.cluster), ", until ", commitInWords(serviceRegion.before)),
    !serviceRegion.error && serviceRegion.isApplied && trafficChart(serviceRegion, service.name),
  );
}

function commitInWords({ until, commit, author, time: at, subject }) {
  if (!commit) return bdi(until);
  return [time(at), " (", code(commit.slice(0, 10)), " by ", bdi(author), ": ", bdi(subject), ")"];
}

/** Actions in a region, the rollback first; above its table, where they are visible at any width. */
function ways(service, serviceRegion) {
  const isBack = (row) => serviceRegion.before?.cluster === row.cluster;
  const others = serviceRegion.clusters.filter((row) => isThere(row) && !(row.live && serviceRegion.live.length === 1));
  if (!others.length) return null;
  others.sort((one, other) => isBack(other) - isBack(one));
  return h(
    "div",
    { class: "ways", role: "group", "aria-label": `In ${serviceRegion.region}` },
    others.map((row) => switchButton(service.name, row.cluster, serviceRegion, isBack(row), [serviceRegion])),
  );
}

function clustersTable(serviceRegion) {
  const rows = serviceRegion.clusters.map((row) => clusterRow(serviceRegion, row));
  return table(`Clusters in ${serviceRegion.region}`, COLUMNS, rows);
}

function clusterRow(serviceRegion, row) {
  const { kind, words } = healthOf(row);
  const bad = serviceRegion.bad[row.cluster];
  const cells = [
    h("strong", null, bdi(row.cluster)),
    row.live ? h("span", { class: "live" }, "live") : "standby",
    bdi(row.version),
    [`${count(row.ready)} of ${count(row.replicas)}`, row.shards > 1 && muted(`in ${count(row.shards)} shards`)],
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

/** Requests per second, and their share of all requests. */
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
        : muted("No commits.")),
  );
}
