// Where a service is: what YAML declares of a region, beside what its cluster says is so.

import { count, listed, rate } from "./format.js";
import { use } from "./store.js";

/**
 * @typedef {Object} Place a region of a service
 * @property {string} region
 * @property {string} stack
 * @property {string?} declared the cluster that YAML says is live
 * @property {{cluster: string, until: string}?} before the one that was live before
 * @property {Object<string, object?>} bad why a cluster's version should not be live, by cluster
 * @property {boolean} isAsked whether there is any answer about it yet
 * @property {string?} error why it cannot be asked
 * @property {string[]} notes
 * @property {object[]} clusters as `/status` has them
 * @property {string[]} live IDs of the clusters that the route leads to
 */

/**
 * Where a service is, as far as is known now; both are asked for while this is used.
 * @param {string} name
 * @returns {Place[]} none: it is not declared, or not known yet
 */
export function usePlaces(name) {
  const [services, status] = [use("/services", 5).value, use("/status", 2).value];
  const service = services?.find((each) => each.name === name);
  return service ? placesOf(service, status) : [];
}

/**
 * @param {object} service of `/services`
 * @param {object[] | undefined} status of `/status`
 * @returns {Place[]} those that are declared, then those where it runs all the same
 */
export function placesOf(service, status) {
  const looks = new Map((status ?? []).map((look) => [look.stack, look]));
  const places = service.regions.map((row) => {
    const look = looks.get(row.stack);
    looks.delete(row.stack);
    const error = status && !look ? "this server has no stack there" : null;
    return {
      ...place(service.name, row.region, row.stack, row.live, row.before, look),
      bad: Object.fromEntries(service.clusters.map((each) => [each.id, each.bad])),
      ...(error && { error }),
    };
  });
  const others = [...looks.values()].filter((look) => clustersOf(service.name, look).length);
  return [...places, ...others.map((look) => place(service.name, look.region, look.stack, null, null, look))];
}

function clustersOf(service, look) {
  return look ? look.clusters.filter((row) => row.service === service) : [];
}

function place(service, region, stack, declared, before, look) {
  // What a region that cannot be asked said before is no news of it.
  const clusters = look?.error ? [] : clustersOf(service, look);
  const live = clusters.filter((row) => row.live).map((row) => row.cluster);
  const told = { isAsked: Boolean(look), error: look?.error ?? null, notes: look?.notes ?? [] };
  return { region, stack, declared, before, clusters, live, bad: {}, ...told };
}

/** @param {object} row of `/status` @returns {boolean} whether anything of the cluster is there */
export const isThere = (row) => row.state !== "absent";

const RANKS = { bad: 0, warn: 1, unknown: 2 };

/** @param {import("./ui.js").Kind} kind @returns {number} the order in which an operator looks: the worst first */
export const rank = (kind) => RANKS[kind] ?? 3;

/** @param {Place} place @returns {string[]} where what runs is not what YAML says, in words */
export function differences({ declared, live, isAsked, error, clusters }) {
  if (!isAsked || error) return [];
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

/**
 * How a cluster is, the worst first.
 * @param {object} row of `/status`
 * @returns {{kind: import("./ui.js").Kind, words: string}}
 */
export function healthOf(row) {
  const isWell = row.ready === row.replicas && row.why === null && !row.drift.length;
  if (!row.live && row.replicas === 0 && isWell) return { kind: "info", words: "without pods" };
  const found = [];
  if (row.ready < row.replicas || row.replicas === 0) {
    found.push([row.ready === 0 ? "bad" : "warn", `${count(row.ready)} of ${count(row.replicas)} ready`]);
  }
  if (row.drift.length) found.push(["warn", "drift"]);
  if (row.errors_per_second > 0) found.push(["warn", `${rate(row.errors_per_second)} errors/s`]);
  if (!isWell && !found.length) found.push(["warn", "not well"]);
  return worst(found);
}

/** @param {Place} place @returns {{kind: import("./ui.js").Kind, words: string}} how its live clusters are */
export function healthAt(place) {
  if (place.error) return { kind: "unknown", words: "cannot be asked" };
  if (!place.isAsked) return { kind: "unknown", words: "not asked yet" };
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
