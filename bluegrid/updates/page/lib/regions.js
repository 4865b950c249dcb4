// Where a service is: what YAML declares of a region, beside what its cluster says is so.

import { url } from "./api.js";
import { count, listed, rate, share } from "./format.js";
import { use } from "./poll.js";

/** An answer that takes longer than this is shown as missing, in seconds. */
const LATE_SECONDS = 5;
const REGIONS = "/regions";
const pathOf = (region) => url`/status?region=${region}`;

/**
 * @typedef {Object} Place a region of a service
 * @property {string} region
 * @property {string} stack
 * @property {string?} declared the cluster that YAML says is live
 * @property {{cluster: string, until: string}?} before the one that was live before
 * @property {Object<string, object?>} bad why a cluster's version should not be live, by cluster
 * @property {boolean} hasAnswer whether there is any answer about it yet
 * @property {number?} pending seconds for which an answer has been waited for; null: it is there
 * @property {number?} at when the answer was true, ms
 * @property {string?} outage why nobody answers; null: somebody does
 * @property {boolean} isApplied whether the stack has ever made it; of what is not known, true
 * @property {string?} error why it cannot be asked
 * @property {string[]} notes
 * @property {object[]} clusters as `/status` has them
 * @property {string[]} live IDs of the clusters that the route leads to
 */

/**
 * @typedef {Object} RegionStatus what is known of a stack's region
 * @property {string} region
 * @property {string} stack
 * @property {object?} answer as `/status` has it; null: nothing yet
 * @property {number?} pending seconds for which an answer has been waited for; null: it is there
 * @property {number?} at when the answer was true, ms
 */

/**
 * What is known of all regions: each is asked for itself, so that one that hangs holds up no other.
 * @returns {{statuses: RegionStatus[]?, entries: [string, import("./poll.js").Entry][]}} statuses are null
 *   until it is known which regions there are
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
 * @param {Place | RegionStatus} where
 * @returns {string?} such as `asked since 12 s`; null: it answers in good time
 */
export function lateInWords({ pending }) {
  return pending !== null && pending >= LATE_SECONDS ? `asked since ${count(pending)} s` : null;
}

/** @param {RegionStatus[]?} statuses @returns {number?} when the newest of what is shown was so, ms */
export function newest(statuses) {
  const answered = (statuses ?? []).filter((status) => status.at !== null && !status.answer.error);
  const times = answered.map((status) => status.at);
  return times.length ? Math.max(...times) : null;
}

/**
 * Where a service is, as far as is known now; both are asked for while this is used.
 * @param {string} name
 * @returns {Place[]} none: it is not declared, or not known yet
 */
export function usePlaces(name) {
  const { statuses } = useRegions();
  const service = use("/services", 5).value?.find((each) => each.name === name);
  return service ? placesOf(service, statuses) : [];
}

/**
 * @param {object} service of `/services`
 * @param {RegionStatus[]?} known
 * @returns {Place[]} those that are declared, then those where it runs all the same
 */
export function placesOf(service, known) {
  const statuses = new Map((known ?? []).map((status) => [status.stack, status]));
  const places = service.regions.map((row) => {
    const status = statuses.get(row.stack);
    statuses.delete(row.stack);
    const error = known && !status ? "this server has no stack there" : null;
    return {
      ...place(service.name, row.region, row.stack, row.live, row.before, status),
      bad: Object.fromEntries(service.clusters.map((each) => [each.id, each.bad])),
      ...(error && { error }),
    };
  });
  const others = [...statuses.values()].filter((status) => clustersOf(service.name, status).length);
  const more = others.map((status) => place(service.name, status.region, status.stack, null, null, status));
  return [...places, ...more];
}

function clustersOf(service, status) {
  return status?.answer ? status.answer.clusters.filter((row) => row.service === service) : [];
}

function place(service, region, stack, declared, before, status) {
  const answer = status?.answer;
  // An earlier answer of a region that cannot be asked says nothing about it now.
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

/** @param {object} row of `/status` @returns {boolean} whether anything of the cluster is there */
export const isThere = (row) => row.state !== "absent";

const RANKS = { bad: 0, warn: 1, unknown: 2 };

/** @param {import("./widgets.js").Kind} kind @returns {number} the order in which an operator looks: the worst first */
export const rank = (kind) => RANKS[kind] ?? 3;

/** @param {Place} place @returns {string[]} where what runs is not what YAML says, in words */
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

/** Of the requests, the share of errors from which a cluster is not well: as much as a bake lets pass. */
const WARN_SHARE = 0.01;
/** The share from which it is ill; of refusals, which are mostly a client's mistakes, the one to warn from. */
const BAD_SHARE = 0.1;

/** Requests that fail or are refused, where they are many: one client's mistakes do not make a service ill. */
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
 * How a cluster is, the worst first.
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

/** @param {Place} place @returns {{kind: import("./widgets.js").Kind, words: string}} how its live clusters are */
export function healthAt(place) {
  if (place.error) return { kind: "unknown", words: "cannot be asked" };
  const late = lateInWords(place);
  if (!place.hasAnswer)
    return late ? { kind: "unknown", words: late } : { kind: "info", words: "being asked" };
  if (late) return { kind: "unknown", words: `${late}; before that: ${stateOf(place).words}` };
  return stateOf(place);
}

/** How it was when it answered last. */
function stateOf(place) {
  if (!place.isApplied) return { kind: "info", words: `not applied yet: pulumi up --stack ${place.stack}` };
  if (place.outage !== null) return { kind: "bad", words: "nobody answers" };
  if (!place.live.length) return { kind: "bad", words: "nothing is live" };
  const found = place.clusters.filter((row) => row.live).map(healthOf);
  const wrong = found.filter((each) => each.kind !== "well").map((each) => [each.kind, each.words]);
  if (differences(place).length && !wrong.some(([, words]) => words.includes("drift")))
    wrong.push(["warn", "drift"]);
  return worst(wrong);
}

function worst(found) {
  if (!found.length) return { kind: "well", words: "well" };
  const kind = found.some(([each]) => each === "bad") ? "bad" : "warn";
  return { kind, words: [...new Set(found.map(([, words]) => words))].join(", ") };
}
