// Updates: progress of running updates, and results of the others.

import { url } from "../lib/api.js";
import { cancelButton } from "../dialogs/cancel.js";
import { h } from "../lib/dom.js";
import { bytes, count, duration, plural } from "../lib/format.js";
import { grouped, isOver, isUnchanged, mayCancel, requestInWords, resultInWords, updateBadge } from "../lib/jobs.js";
import { ONCE, changed, use, usePages } from "../lib/poll.js";
import { updateStates } from "../lib/vocabulary.js";
import { badge, bdi, button, code, heading, loadState, muted, notice, table, time } from "../lib/widgets.js";

const PAGE = 100;
const PATH = `/updates?limit=${PAGE}`;
/** Number of older pages that are shown. */
let older = 0;
/**
 * @param {string[]} scopes of the operator's token
 * @returns {import("../lib/dom.js").Child[]}
 */
export function updatesView(scopes) {
  const { newest: updates, rows: all, last, hasOlder } = usePages(PATH, PAGE, older, 5);
  return [
    heading("Updates"),
    loadState(updates, PATH),
    !scopes.includes("update") &&
      notice("info", "Your token does not allow cancelling updates that are not rolled out (scope update)."),
    updates.value?.length === 0 && h("p", null, "No updates yet."),
    schedules(use("/schedules", 30).value ?? []),
    grouped(all).map(
      ([title, group]) =>
        group.length > 0 &&
        h(
          "section",
          { key: title },
          h("h2", null, title[0].toUpperCase(), title.slice(1)),
          group.map((each) => card(each, scopes)),
        ),
    ),
    last !== updates && loadState(last, PATH),
    hasOlder && button("Older updates", showOlder, { key: "older" }),
  ];
}

function showOlder() {
  older += 1;
  changed();
}

/** @param {object[]} rows the sets that have a schedule */
function schedules(rows) {
  if (!rows.length) return null;
  return h(
    "section",
    { key: "schedules" },
    h("h2", null, "Schedules"),
    table(
      "Schedules",
      ["Set", "When", "Last", "Result", "Next"],
      rows.map((row) => ({
        key: row.set,
        attributes: { "data-schedule": row.set },
        cells: [
          h("a", { href: url`#/versions/${row.set}` }, bdi(row.set)),
          // In the time zone of the set, which may differ from that of the other times.
          [code(row.when), " ", bdi(row.time_zone)],
          time(row.last),
          row.state ? updateBadge(row.state, `update ${row.update} `) : "–",
          time(row.next),
        ],
      })),
    ),
  );
}

/** An error after which people have to act is shown in red. */
const errorKind = (state) =>
  ["FAILED", "NOT_BACK"].some((name) => updateStates.is(state, name)) ? "bad" : "warn";

function card(update, scopes) {
  const isEnded = isOver(update);
  return h(
    "article",
    {
      key: update.id,
      class: "card",
      "data-update": update.id,
      "data-state": update.state,
      "aria-label": `Update ${update.id}`,
    },
    h(
      "div",
      { class: "head" },
      h("h3", null, `Update ${update.id}: `, bdi(update.set), " ", update.version && bdi(update.version)),
      updateBadge(update.state),
    ),
    muted(
      [bdi(update.author), ", ", time(update.created), update.ended && [" to ", time(update.ended)]],
      ["; requested ", requestInWords(update.wanted, update.named_models)],
    ),
    update.wanted.train && trainer(update, isEnded),
    !isEnded && !update.result && progress(update),
    update.result && h("p", null, resultInWords(update.result)),
    isUnchanged(update) && h("p", null, "Nothing has changed since ", bdi(update.wanted.base), ": no new version."),
    update.rollout && rollout(update.rollout, isEnded),
    update.error && notice(errorKind(update.state), bdi(update.error)),
    !isEnded && update.cancel && notice("busy", "Cancellation requested."),
    !isEnded && !update.cancel && mayCancel(update, scopes) && cancelButton(update),
  );
}

const SHOWN_LINES = 200;
/** Updates whose trainer's output is unfolded; only the output of these ended updates is requested. */
const unfolded = new Set();

/** Duration and last output of an update's trainer. */
function trainer({ id, state, result }, isEnded) {
  const isTraining = updateStates.is(state, "RUNNING") && !result;
  const isOpen = unfolded.has(id);
  const path = url`/updates/${id}/output?lines=${isOpen ? SHOWN_LINES : 1}`;
  const found = isTraining || isOpen ? use(path, isEnded ? ONCE : 2) : {};
  const ontoggle = ({ currentTarget }) => {
    if (currentTarget.open) unfolded.add(id);
    else unfolded.delete(id);
    changed();
  };
  const output = found.value;
  return [
    output?.started && h("p", { "data-trainer": output.ended ? "ended" : "runs" }, trainerInWords(output)),
    h(
      "details",
      { open: isOpen, ontoggle },
      h("summary", null, `What the trainer of update ${id} prints`),
      isOpen && [
        output || found.refused ? null : muted("Loading…"),
        found.refused && loadState(found, path),
        output && (output.lines.length ? outputOf(id, output.lines) : muted("Nothing yet.")),
      ],
    ),
  ];
}

function trainerInWords({ started, ended, seconds, timeout_seconds: limit, lines }) {
  const times = [duration(seconds), limit !== null && ` of at most ${duration(limit)}`, ", since ", time(started)];
  if (ended) return [badge("info", "Trained for ", duration(seconds)), ", until ", time(ended)];
  return [badge("busy", "Trains for ", times), lines.length > 0 && ["; last: ", code(lines.at(-1))]];
}

const outputOf = (id, lines) =>
  h(
    "pre",
    { class: "output", tabindex: "0", role: "log", "aria-label": `Output of update ${id}` },
    lines.join("\n"),
  );

function progress({ progress: done, wanted }) {
  if (!done) return muted(wanted.train ? "No model sent yet." : "Nothing sent yet.");
  const max = done.total_models;
  const words = `${count(done.models)}${max ? ` of ${count(max)}` : ""} models, ${bytes(done.bytes)}`;
  const bar = h("progress", { value: max ? done.models : null, max, "aria-label": "Models" });
  return h("p", null, bar, " ", words);
}

function rollout(found, isEnded) {
  const before = Object.entries(found.before).map(([where, was]) => `${where}: ${was}`);
  return h(
    "p",
    { "data-rollout": found.step },
    badge(isEnded ? "info" : "busy", "Rollout to ", bdi(found.to), ": ", bdi(found.step)),
    !isEnded &&
      found.bake_seconds !== null && [
        `, ${count(found.baked_seconds)} of ${count(found.bake_seconds)} s `,
        h("progress", { value: found.baked_seconds, max: found.bake_seconds, "aria-label": "Bake" }),
      ],
    found.cluster && [", cluster ", bdi(found.cluster)],
    before.length > 0 && [", before ", bdi(before.join(", "))],
    (found.requests > 0 || found.failed > 0) && [
      `; ${plural(found.requests, "request")} in the bake, `,
      h("span", { class: found.failed ? "bad" : null }, `${count(found.failed)} failed`),
    ],
  );
}
