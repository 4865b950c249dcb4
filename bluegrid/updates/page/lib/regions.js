// A service in its regions: the declaration in YAML, and what runs.

import { url } from "./api.js";
import { count, listed, rate, share } from "./format.js";
import { use } from "./poll.js";

/** Seconds without an answer after which a region is shown as late. */
const LATE_SECONDS = 5;
const REGIONS = "/regions";
const pathOf = (region) => url`/status?region=${region}`;

/**
 * @typedef {Object} ServiceRegion a service in one region
 * @property {string} region
 * @property {string} stack
 * @property {string?} declared the cluster that YAML says is live
 * @property {{cluster: string, until: string}?} before the cluster that was live before
 * @property {Object<string, object?>} bad the mark of each cluster's version, by cluster; null: it has none
 * @property {boolean} hasAnswer whether the region has answered yet
 * @property {number?} pending seconds for which an answer has been waited for; null: it is there
 * @property {number?} at when the answer was true, ms
 * @property {string?} outage why no pod answers; null: the service is up
 * @property {boolean} isApplied whether the stack has ever made the service, or that is not known
 * @property {string?} error why the region is unreachable
 * @property {string[]} notes
 * @property {object[]} clusters as `/status` has them
 * @property {string[]} live IDs of the clusters to which the route leads
 */

/**
 * @typedef {Object} RegionStatus the last known status of a stack's region
 * @property {string} region
 * @property {string} stack
 * @property {object?} answer as `/status` has it; null: nothing yet
 * @property {number?} pending seconds for which an answer has been waited for; null: it is there
 * @property {number?} at when the answer was true, ms
 */

/**
 * The last known status of all regions; each is polled separately, so that a region that hangs delays no other.
 * @returns {{statuses: RegionStatus[]?, entries: [string, import("./poll.js").Entry][]}} statuses are null
 *   until the regions are known
 */
export function useRegions() {
  const regions = use(REGIONS, 10);
  const names = [...new Set((regions.value ?? []).map((each) => each.region))];
  const found = new Map(names.map((name) => [name, use(pathOf(name), 2)]));
  const statuses = regions.value?.map(({ region, stack }) => {
    const entry = found.get(region);
    const answer = entry.value?.find((each) => each.stack === stack) ?? null;
    return { region, stack, answer, pending: pendingSeconds(entry, answer), at: answeredAt(entry, answer) };
  });
  const entries = [[REGIONS, regions], ...[...found].map(([name, entry]) => [pathOf(name), entry])];
  return { statuses: statuses ?? null, entries };
}

function pendingSeconds(entry, answer) {
  const since = (at) => Math.max(0, Date.now() - at) / 1000;
  if (!answer) return entry.first ? since(entry.first) : 0;
  return answer.pending_seconds === null ? null : answer.pending_seconds + since(entry.at);
}

function answeredAt(entry, answer) {
  return answer && answer.age_seconds !== null ? entry.at - answer.age_seconds * 1000 : null;
}

/**
 * @param {ServiceRegion | RegionStatus} where
 * @returns {string?} such as `no answer for 12 s`; null: the region answers in time
 */
export function lateInWords({ pending }) {
  return pending !== null && pending >= LATE_SECONDS ? `no answer for ${count(pending)} s` : null;
}

/** @param {RegionStatus[]?} statuses @returns {number?} the time of the newest status, ms */
export function newest(statuses) {
  const answered = (statuses ?? []).filter((status) => status.at !== null && !status.answer.error);
  const times = answered.map((status) => status.at);
  return times.length ? Math.max(...times) : null;
}

/**
 * A service in its regions, from the last known status.
 * @param {string} name
 * @returns {ServiceRegion[]} empty: the service is not declared, or not known yet
 */
export function useServiceRegions(name) {
  const { statuses } = useRegions();
  const service = use("/services", 5).value?.find((each) => each.name === name);
  return service ? serviceRegionsOf(service, statuses) : [];
}

/**
 * @param {object} service of `/services`
 * @param {RegionStatus[]?} known
 * @returns {ServiceRegion[]} the declared regions, then regions in which the service runs without being declared
 */
export function serviceRegionsOf(service, known) {
  const statuses = new Map((known ?? []).map((status) => [status.stack, status]));
  const serviceRegions = service.regions.map((row) => {
    const status = statuses.get(row.stack);
    statuses.delete(row.stack);
    const error = known && !status ? "this server has no stack there" : null;
    return {
      ...serviceRegion(service.name, row.region, row.stack, row.live, row.before, status),
      bad: Object.fromEntries(service.clusters.map((each) => [each.id, each.bad])),
      ...(error && { error }),
    };
  });
  const others = [...statuses.values()].filter((status) => clustersOf(service.name, status).length);
  const more = others.map((status) => serviceRegion(service.name, status.region, status.stack, null, null, status));
  return [...serviceRegions, ...more];
}

function clustersOf(service, status) {
  return status?.answer ? status.answer.clusters.filter((row) => row.service === service) : [];
}

function serviceRegion(service, region, stack, declared, before, status) {
  const answer = status?.answer;
  // The last answer of an unreachable region does not describe its current state.
  const clusters = answer?.error ? [] : clustersOf(service, status);
  const live = clusters.filter((row) => row.live).map((row) => row.cluster);
  return {
    region,
    stack,
    declared,
    before,
    clusters,
    live,
    bad: {},
    hasAnswer: Boolean(answer) && answer.age_seconds !== null,
    pending: status?.pending ?? null,
    at: status?.at ?? null,
    error: answer?.error ?? null,
    notes: answer?.notes ?? [],
    outage: answer?.outages[service] ?? null,
    isApplied: !answer?.not_applied.includes(service),
  };
}

/** @param {object} row of `/status` @returns {boolean} whether any object of the cluster exists */
export const isThere = (row) => row.state !== "absent";

const RANKS = { bad: 0, warn: 1, unknown: 2 };

/** @param {import("./widgets.js").Kind} kind @returns {number} the sort key: the worst first */
export const rank = (kind) => RANKS[kind] ?? 3;

/** @param {ServiceRegion} serviceRegion @returns {string[]} the differences between YAML and what runs, in words */
export function differences({ declared, live, hasAnswer, isApplied, error, clusters }) {
  if (!hasAnswer || error || !isApplied) return [];
  const lines = [];
  if (live.length > 1) lines.push(`traffic is shared by ${listed(live)}`);
  if (live.length === 0)
    lines.push(clusters.length ? "the route leads to no cluster" : "nothing of it runs here");
  if (declared === null) lines.push("YAML does not declare this region");
  else if (live.length && !live.includes(declared)) {
    lines.push(`the route leads to ${listed(live)}, YAML says ${declared}`);
  } else if (live.length > 1) lines.push(`YAML says ${declared}`);
  return lines;
}

/** Share of errors from which a cluster is not well: the limit of a bake. */
const WARN_SHARE = 0.01;
/** Share of errors from which a cluster is shown in red, and of refused requests from which there is a warning. */
const BAD_SHARE = 0.1;

/** Errors and refused requests, if they are many: mistakes of one client are not a fault of the service. */
function failing(row) {
  const part = (each) => (row.requests_per_second > 0 ? each / row.requests_per_second : 0);
  const [errors, refused] = [part(row.errors_per_second), part(row.refused_per_second)];
  const found = [];
  if (errors >= WARN_SHARE)
    found.push([errors >= BAD_SHARE ? "bad" : "warn", `${rate(row.errors_per_second)} errors/s (${share(errors)})`]);
  if (refused >= BAD_SHARE) found.push(["warn", `${rate(row.refused_per_second)} 4xx/s (${share(refused)})`]);
  return found;
}

/**
 * The state of a cluster; the worst fault counts.
 * @param {object} row of `/status`
 * @returns {{kind: import("./widgets.js").Kind, words: string}}
 */
export function healthOf(row) {
  const isWell = row.ready === row.replicas && row.why === null && !row.drift.length;
  if (!row.live && row.replicas === 0 && isWell) return { kind: "info", words: "without pods" };
  const found = [];
  if (row.ready < row.replicas || row.replicas === 0) {
    found.push([row.ready === 0 ? "bad" : "warn", `${count(row.ready)} of ${count(row.replicas)} ready`]);
  }
  if (row.drift.length) found.push(["warn", "drift"]);
  found.push(...failing(row));
  if (!isWell && !found.length) found.push(["warn", "not well"]);
  return worst(found);
}

/**
 * @param {ServiceRegion} serviceRegion
 * @returns {{kind: import("./widgets.js").Kind, words: string}} the state of its live clusters
 */
export function healthAt(serviceRegion) {
  if (serviceRegion.error) return { kind: "unknown", words: "unreachable" };
  const late = lateInWords(serviceRegion);
  if (!serviceRegion.hasAnswer)
    return late ? { kind: "unknown", words: late } : { kind: "info", words: "loading" };
  if (late) return { kind: "unknown", words: `${late}; before: ${stateOf(serviceRegion).words}` };
  return stateOf(serviceRegion);
}

/** The state in the last answer. */
function stateOf(serviceRegion) {
  if (!serviceRegion.isApplied) return { kind: "info", words: `not applied yet: pulumi up --stack ${serviceRegion.stack}` };
  if (serviceRegion.outage !== null) return { kind: "bad", words: "nobody answers" };
  if (!serviceRegion.live.length) return { kind: "bad", words: "nothing is live" };
  const found = serviceRegion.clusters.filter((row) => row.live).map(healthOf);
  const wrong = found.filter((each) => each.kind !== "well").map((each) => [each.kind, each.words]);
  if (differences(serviceRegion).length && !wrong.some(([, words]) => words.includes("drift")))
    wrong.push(["warn", "drift"]);
  return worst(wrong);
}

function worst(found) {
  if (!found.length) return { kind: "well", words: "well" };
  const kind = found.some(([each]) => each === "bad") ? "bad" : "warn";
  return { kind, words: [...new Set(found.map(([, words]) => words))].join(", ") };
}
