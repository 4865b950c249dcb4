// Parts of several views.

import { cancelButton } from "../dialogs/cancel.js";
import { url } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { clock } from "../lib/format.js";
import { bakeInWords, mayCancel } from "../lib/jobs.js";
import { newest } from "../lib/regions.js";
import { badge, bdi, loadState, zoneNote } from "../lib/widgets.js";

/** @param {string} name of a service @returns {string} the address of its view */
export const toService = (name) => url`#/services/${name}`;

/**
 * @param {import("../lib/regions.js").RegionStatus[]?} statuses
 * @returns {import("../lib/dom.js").Child[]} the time of what is shown, and the time zone
 */
export function asOf(statuses) {
  const at = newest(statuses);
  return [at !== null && h("span", { class: "muted" }, `as of ${clock(at)}`), zoneNote()];
}

/** Requests that the server refuses. @param {[string, import("../lib/poll.js").Entry][]} entries */
export const refusals = (entries) =>
  entries.filter(([, entry]) => entry.refused).map(([path, entry]) => loadState(entry, path));

/**
 * The progress of the update that is being rolled out to a service, and the button that cancels it.
 * @param {object} service of `/services`, with an update
 * @param {string[]} scopes of the operator's token
 */
export function rolloutNow({ update: id, version, rollout, set }, scopes) {
  const update = { id, set, rollout };
  const bake = bakeInWords(version, rollout);
  const words = bake ?? [bdi(version), rollout.back ? " goes back: " : " is rolled out: ", bdi(rollout.step)];
  return h(
    "div",
    { class: "rollout", "data-rollout": rollout.step, key: `rollout ${id}` },
    badge("busy", words),
    bake &&
      h("progress", { value: rollout.baked_seconds, max: rollout.bake_seconds, "aria-label": "Bake" }),
    mayCancel(update, scopes) && cancelButton(update),
  );
}
