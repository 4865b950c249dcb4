// Updates: how far those are that run, what came of the others, and cancelling one.

import { NoAnswer, ask, url } from "./api.js";
import { close, dialog, newKey } from "./dialogs.js";
import { h } from "./dom.js";
import { age, bytes, count, listed, some } from "./format.js";
import { ONCE, changed, refresh, say, use, usePages } from "./store.js";
import { bdi, button, code, heading, mark, muted, notice, table, time, trouble } from "./ui.js";

const PAGE = 100;
const PATH = `/updates?limit=${PAGE}`;
/** How many older pages are shown. */
let older = 0;
/** The kind of mark of each state of an update. */
export const STATES = {
  queued: "info",
  running: "busy",
  waiting: "warn",
  "not back": "bad",
  done: "well",
  failed: "bad",
  "went back": "warn",
  cancelled: "info",
};
const ORDER = ["not back", "running", "waiting", "queued"];

/** @type {{key: string, update: object, isSent: boolean, fault: string?}?} */
let question = null;

/**
 * Whether the operator may cancel an update: who switches may also end a rollout, which is a way back.
 * @param {{rollout: object?}} update
 * @param {string[]} scopes of the operator's token
 */
export const mayCancel = (update, scopes) =>
  scopes.includes("update") || (scopes.includes("switch") && update.rollout !== null);

/**
 * @param {string[]} scopes of the operator's token
 * @returns {import("./dom.js").Child[]}
 */
export function updatesView(scopes) {
  const { newest: updates, rows: all, last, hasOlder } = usePages(PATH, PAGE, older, 5);
  const groups = ORDER.map((state) => [state, all.filter((update) => update.state === state)]);
  const ended = all.filter((update) => !ORDER.includes(update.state));
  return [
    heading("Updates"),
    trouble(updates, PATH),
    !scopes.includes("update") &&
      notice("info", "Your token does not allow cancelling updates that are not rolled out (scope update)."),
    updates.value?.length === 0 && h("p", null, "There has been no update."),
    schedules(use("/schedules", 30).value ?? []),
    [...groups, ["ended", ended]].map(
      ([title, group]) =>
        group.length > 0 &&
        h(
          "section",
          { key: title },
          h("h2", null, title[0].toUpperCase(), title.slice(1)),
          group.map((each) => card(each, scopes)),
        ),
    ),
    last !== updates && trouble(last, PATH),
    hasOlder && button("Older updates", showOlder, { key: "older" }),
  ];
}

function showOlder() {
  older += 1;
  changed();
}

/** @param {object[]} rows the sets that are trained by the clock */
function schedules(rows) {
  if (!rows.length) return null;
  return h(
    "section",
    { key: "schedules" },
    h("h2", null, "Trained by the clock"),
    table(
      "Schedules",
      ["Set", "When", "Last", "What came of it", "Next"],
      rows.map((row) => ({
        key: row.set,
        attributes: { "data-schedule": row.set },
        cells: [
          h("a", { href: url`#/versions/${row.set}` }, bdi(row.set)),
          // In the zone that the set names, which need not be the one of the times beside it.
          [code(row.when), " ", bdi(row.time_zone)],
          time(row.last),
          row.state ? mark(STATES[row.state] ?? "info", `update ${row.update} `, row.state) : "–",
          time(row.next),
        ],
      })),
    ),
  );
}

function card(update, scopes) {
  const isOver = !ORDER.includes(update.state);
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
      mark(STATES[update.state] ?? "info", update.state),
    ),
    muted(
      [bdi(update.author), ", ", time(update.created), update.ended && [" to ", time(update.ended)]],
      ["; asked for ", wantedInWords(update.wanted, update.named_models)],
    ),
    update.wanted.train && trainer(update, isOver),
    !isOver && !update.result && progress(update),
    update.result && h("p", null, resultInWords(update.result)),
    update.rollout && rollout(update.rollout, isOver),
    update.error && notice(["failed", "not back"].includes(update.state) ? "bad" : "warn", bdi(update.error)),
    !isOver && update.cancel && notice("busy", "It was asked to be cancelled, and is stopping."),
    !isOver && !update.cancel && mayCancel(update, scopes) && cancelButton(update),
  );
}

/**
 * @param {object} wanted what an update was asked to be made of; lists name the first ten models
 * @param {number} named how many it names, where that is known
 */
export function wantedInWords(wanted = {}, named = 0) {
  const models = Object.keys(wanted.models ?? {});
  const parts = [];
  if (wanted.batch) parts.push("a batch");
  if (models.length) parts.push(models.length <= 3 ? listed(models) : some(Math.max(models.length, named), "model"));
  if (wanted.train) parts.push(`trained models${parametersInWords(wanted.train)}`);
  if (wanted.base) parts.push(`based on ${wanted.base}`);
  if (wanted.without?.length)
    parts.push(`without ${listed(wanted.without.slice(0, 3))}${wanted.without.length > 3 ? ", …" : ""}`);
  return bdi(parts.join(", ") || "a version");
}

function parametersInWords(parameters) {
  const given = Object.entries(parameters).map(([name, value]) => `${name}: ${value}`);
  return given.length ? ` (${given.join(", ")})` : "";
}

/** @param {object} result what an update has made */
export function resultInWords(result) {
  const sent = `${some(result.models, "model")}; ${count(result.sent_models)} sent, ${bytes(result.sent_bytes)}`;
  return [sent, result.commit && ["; commit ", code(result.commit.slice(0, 10))]];
}

const SHOWN_LINES = 200;
/** Updates whose trainer's output is unfolded: of those that have ended, theirs alone is asked for. */
const unfolded = new Set();

/** How long the trainer of an update has run, and what it printed last. */
function trainer({ id, state, result }, isOver) {
  const isTraining = state === "running" && !result;
  const isOpen = unfolded.has(id);
  const path = url`/updates/${id}/output?lines=${isOpen ? SHOWN_LINES : 1}`;
  const found = isTraining || isOpen ? use(path, isOver ? ONCE : 2) : {};
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
        found.refused && trouble(found, path),
        output && (output.lines.length ? outputOf(id, output.lines) : muted("It has printed nothing.")),
      ],
    ),
  ];
}

function trainerInWords({ started, ended, seconds, timeout_seconds: limit, lines }) {
  const times = [age(seconds), limit !== null && ` of at most ${age(limit)}`, ", since ", time(started)];
  if (ended) return [mark("info", "Trained for ", age(seconds)), ", until ", time(ended)];
  return [mark("busy", "Trains for ", times), lines.length > 0 && ["; last: ", code(lines.at(-1))]];
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

function rollout(found, isOver) {
  const before = Object.entries(found.before).map(([where, was]) => `${where}: ${was}`);
  return h(
    "p",
    { "data-rollout": found.step },
    mark(isOver ? "info" : "busy", "Rollout to ", bdi(found.to), ": ", bdi(found.step)),
    !isOver &&
      found.bake_seconds !== null && [
        `, ${count(found.baked_seconds)} of ${count(found.bake_seconds)} s `,
        h("progress", { value: found.baked_seconds, max: found.bake_seconds, "aria-label": "Bake" }),
      ],
    found.cluster && [", cluster ", bdi(found.cluster)],
    before.length > 0 && [", before ", bdi(before.join(", "))],
    (found.requests > 0 || found.failed > 0) && [
      `; ${some(found.requests, "request")} in the bake, `,
      h("span", { class: found.failed ? "bad" : null }, `${count(found.failed)} failed`),
    ],
  );
}

/**
 * How a bake is going, such as `v9 is baking in north, 412 of 600 s`; null: nothing bakes.
 * @param {string} version
 * @param {object} rollout
 */
export function bakeInWords(version, rollout) {
  if (rollout.bake_seconds === null) return null;
  const where = rollout.step.endsWith(": baking") ? rollout.step.slice(0, -": baking".length) : null;
  const seconds = `${count(rollout.baked_seconds)} of ${count(rollout.bake_seconds)} s`;
  return [bdi(version), " is baking", where && [" in ", bdi(where)], `, ${seconds}`];
}

/** @param {{id: number, set: string, rollout: object?}} update */
export const cancelButton = (update) =>
  button(
    update.rollout ? `Roll back: cancel update ${update.id}…` : `Cancel update ${update.id}…`,
    () => askCancel(update),
    { key: `cancel ${update.id}` },
  );

function askCancel(update) {
  question = { key: newKey(), update, isSent: false, fault: null };
  changed();
}

/** @returns {import("./dom.js").Child?} the dialog; null: nothing is asked */
export function cancelDialog() {
  if (!question) return null;
  const request = question;
  const { update, isSent, fault } = request;
  const onclose = () => {
    if (question === request) question = null;
    changed();
  };
  return dialog(
    request.key,
    [`Cancel update ${update.id} of `, bdi(update.set), "?"],
    onclose,
    h(
      "p",
      null,
      update.rollout
        ? "It is on its way online: what was live before will be live again."
        : "No version comes of it, unless it is in the store already.",
    ),
    fault && notice("bad", bdi(fault)),
    h(
      "div",
      { class: "actions" },
      button(`Cancel update ${update.id}`, (event) => cancel(request, event.currentTarget.closest("dialog")), {
        class: "primary",
        disabled: isSent,
      }),
      button("Let it go on", close, { autofocus: true }),
    ),
  );
}

async function cancel(request, element) {
  Object.assign(request, { isSent: true, fault: null });
  changed();
  const { id } = request.update;
  try {
    await ask(url`/updates/${id}/cancel`, { method: "POST" });
    refresh(PATH);
    refresh("/services");
    say(`Update ${id} was asked to be cancelled.`);
    element.close();
  } catch (error) {
    const silence =
      "No answer came. It may be cancelled all the same: look at the update before you try again.";
    Object.assign(request, {
      isSent: false,
      fault: error instanceof NoAnswer ? silence : `The server says: ${error.message}`,
    });
  }
  changed();
}
