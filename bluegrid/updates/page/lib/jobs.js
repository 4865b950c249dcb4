// Formats updates and switches: states as badges; requests, results and progress in words.

import { bytes, count, listed, plural } from "./format.js";
import { inWords, switchStates, updateStates } from "./vocabulary.js";
import { badge, bdi, code } from "./widgets.js";

/** The groups in which updates that have not ended are shown, in this order. */
const OPEN = ["NOT_BACK", "RUNNING", "WAITING", "QUEUED"];

const updateKind = updateStates.table({
  QUEUED: "info",
  RUNNING: "busy",
  WAITING: "warn",
  NOT_BACK: "bad",
  DONE: "well",
  FAILED: "bad",
  ROLLED_BACK: "warn",
  HELD_BACK: "warn",
  CANCELLED: "info",
});

const switchKind = switchStates.table({
  QUEUED: "info",
  RUNNING: "busy",
  NOT_BACK: "bad",
  DONE: "well",
  FAILED: "bad",
});

/** @param {string} state of an update @param {...import("./dom.js").Child} before words before it */
export const updateBadge = (state, ...before) => badge(updateKind(state) ?? "info", before, inWords(state));

/** @param {string} state of a switch */
export const switchBadge = (state) => badge(switchKind(state) ?? "info", inWords(state));

/** @param {{ended: string?}} job an update or a switch */
export const isOver = (job) => job.ended !== null;

/** @param {object[]} switches @param {string} service @returns {object[]} those that have not ended */
export const running = (switches, service) =>
  switches.filter((each) => each.service === service && !isOver(each));

/**
 * @param {object[]} updates
 * @returns {[string, object[]][]} by state, updates that need attention first; then updates that have ended
 */
export function grouped(updates) {
  const open = updates.filter((update) => !isOver(update));
  const groups = OPEN.map((name) => updateStates.wordOf(name)).map((state) => [
    inWords(state ?? ""),
    open.filter((update) => update.state === state),
  ]);
  return [...groups, ["ended", updates.filter(isOver)]];
}

/**
 * Whether the operator may cancel an update: scope `switch` is enough for a rollout, since that rolls it back.
 * @param {{rollout: object?}} update
 * @param {string[]} scopes of the operator's token
 */
export const mayCancel = (update, scopes) =>
  scopes.includes("update") || (scopes.includes("switch") && update.rollout !== null);

/**
 * @param {object} request of an update; lists name the first ten models
 * @param {number} named how many models it names, if that is known
 */
export function requestInWords(request = {}, named = 0) {
  const models = Object.keys(request.models ?? {});
  const parts = [];
  if (request.batch) parts.push("a batch");
  if (models.length)
    parts.push(models.length <= 3 ? listed(models) : plural(Math.max(models.length, named), "model"));
  if (request.train) parts.push(`trained models${parametersInWords(request.train)}`);
  if (request.base) parts.push(`based on ${request.base}`);
  if (request.without?.length)
    parts.push(`without ${listed(request.without.slice(0, 3))}${request.without.length > 3 ? ", …" : ""}`);
  return bdi(parts.join(", ") || "a version");
}

function parametersInWords(parameters) {
  const given = Object.entries(parameters).map(([name, value]) => `${name}: ${value}`);
  return given.length ? ` (${given.join(", ")})` : "";
}

/** @param {object} result of an update */
export function resultInWords(result) {
  const sent = `${plural(result.models, "model")}; ${count(result.sent_models)} sent, ${bytes(result.sent_bytes)}`;
  return [sent, result.commit && ["; commit ", code(result.commit.slice(0, 10))]];
}

/**
 * Whether an update is done without a version, since its trainer has changed nothing.
 * @param {{state: string, result: object?}} update
 */
export const isUnchanged = (update) => updateStates.is(update.state, "DONE") && !update.result;

/**
 * The progress of a bake, such as `v9 is baking in north, 412 of 600 s`; null: no bake is running.
 * @param {string} version
 * @param {object} rollout
 */
export function bakeInWords(version, rollout) {
  if (rollout.bake_seconds === null) return null;
  // A step is `<region>: <step>`, and a region's name has no colon.
  const [where, step] = rollout.step.split(": ");
  const seconds = `${count(rollout.baked_seconds)} of ${count(rollout.bake_seconds)} s`;
  return [bdi(version), " is baking", step !== undefined && [" in ", bdi(where)], `, ${seconds}`];
}
