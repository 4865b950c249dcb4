// The table of switches and rollouts, which change the live cluster.

import { h } from "../lib/dom.js";
import { isOver, switchBadge, updateBadge } from "../lib/jobs.js";
import { bdi, muted, table, time } from "../lib/widgets.js";

/**
 * Switches and rollouts, newest first.
 * @param {object[]} switches that people requested
 * @param {object[]} updates that were rolled out
 */
export function switchesTable(switches, updates) {
  const rows = [...switches.map(switchRow), ...updates.map(rolloutRow)];
  if (!rows.length) return muted("No switches yet.");
  rows.sort((one, other) => other.at - one.at);
  return table("Recent switches", ["Begun", "By", "What", "State", "Ended"], rows);
}

const change = (where, from, to) => h("div", null, bdi(where), ": ", bdi(from), " → ", bdi(to));

/** @param {object} update with a rollout */
function rolloutRow({ id, author, version, rollout, state, created, ended, error }) {
  const isInPlace = rollout.to === "in-serviceRegion";
  const before = Object.entries(rollout.before);
  const to = isInPlace ? version : rollout.cluster;
  return {
    key: `update ${id}`,
    at: Date.parse(created),
    attributes: { "data-rolled-out": id, "data-state": state },
    cells: [
      time(created),
      bdi(author),
      [
        h("div", null, h("a", { href: "#/updates" }, `update ${id}`), ", ", bdi(version), " to ", bdi(rollout.to)),
        before.map(([where, was]) => change(where, was, to)),
      ],
      [updateBadge(state), !ended && [" ", bdi(rollout.step)]],
      time(ended),
    ],
    under: error ? [bdi(error)] : [],
  };
}

function switchRow(one) {
  return {
    key: one.id,
    at: Date.parse(one.created),
    attributes: { "data-switch": one.id, "data-state": one.state },
    cells: [
      time(one.created),
      bdi(one.author),
      one.regions.map((region) => change(region, one.before[region] ?? "?", one.cluster)),
      [switchBadge(one.state), !isOver(one) && one.step && [" ", bdi(one.step)]],
      time(one.ended),
    ],
    under: one.error ? [bdi(one.error)] : [],
  };
}
