// Model sets, their versions, the changes between versions, and the history of one model.

import { url } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { bytes, count, listed, plural } from "../lib/format.js";
import { updateStates } from "../lib/vocabulary.js";
import { toService } from "./parts.js";
import { ONCE, changed, use } from "../lib/poll.js";
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

/** The most UIDs of a list to show; the others are counted. */
const MOST_MODELS = 100;
const PAGE = 50;

/** Versions whose changes are unfolded, as `[set, version]` in JSON; only their changes are requested. */
const unfolded = new Set();
/** UID of the model whose history was requested last, by set. */
const lastUids = new Map();
/** Number of versions that are shown, by set. */
const shown = new Map();

/** @returns {import("../lib/dom.js").Child[]} */
export function setsView() {
  const sets = use("/modelSets", 10);
  const rows = (sets.value ?? []).map((set) => ({
    key: set.id,
    attributes: { "data-set": set.id },
    cells: [
      h("a", { href: url`#/versions/${set.id}` }, bdi(set.id)),
      bdi(set.name),
      bdi(set.type),
      bdi(set.source),
      count(set.versions),
      set.service ? h("a", { href: toService(set.service) }, bdi(set.service)) : "none",
    ],
  }));
  return [
    heading("Model sets"),
    loadState(sets, "/modelSets"),
    rows.length > 0 && table("Model sets", ["Set", "Name", "Type", "Source", "Versions#", "Service"], rows),
    sets.value?.length === 0 && h("p", null, "The registry declares no model set."),
  ];
}

/**
 * @param {string} set its ID
 * @returns {import("../lib/dom.js").Child[]}
 */
export function versionsView(set) {
  const path = url`/modelSets/${set}/versions`;
  const versions = use(path, 10);
  const service = (use("/services", 5).value ?? []).find((each) => each.set === set);
  const notLive = [
    ...endedAs(set, updateStates.wordOf("ROLLED_BACK"), "Rolled back"),
    ...endedAs(set, updateStates.wordOf("HELD_BACK"), "Held back"),
  ];
  // Of several updates with one version, the newest.
  const back = new Map(notLive.sort((one, other) => one.id - other.id).map((each) => [each.version, each]));
  const newest = [...(versions.value ?? [])].reverse();
  const most = shown.get(set) ?? PAGE;
  const more = () => {
    shown.set(set, most + PAGE);
    changed();
  };
  return [
    breadcrumb("#/versions", "Model sets", set),
    heading("Versions of ", bdi(set)),
    service && muted("Served by ", h("a", { href: toService(service.name) }, bdi(service.name))),
    oneModel(set),
    loadState(versions, path),
    newest.length > 0 &&
      table(
        "Versions, newest first",
        ["Version", "Made", "Served by", "Manifest"],
        newest.slice(0, most).map((version) => versionRow(set, version, service, back.get(version.id))),
      ),
    newest.length > most &&
      button(`Show ${Math.min(PAGE, newest.length - most)} older ones of ${count(newest.length)}`, more),
    versions.value?.length === 0 && h("p", null, "The set has no version."),
  ];
}

/** @returns {{id: number, version: string, error: string, how: string}[]} the set's last updates that ended so */
const endedAs = (set, state, how) =>
  (use(url`/updates?set=${set}&state=${state}&limit=100`, 30).value ?? []).map((each) => ({ ...each, how }));

/** @param {object?} back the update whose version was rolled back or held back */
function versionRow(set, version, service, back) {
  const served = (cluster) => {
    const regions = (service?.regions ?? []).filter((row) => row.live === cluster).map((row) => row.region);
    const where = regions.length ? h("strong", null, "live in ", bdi(listed(regions))) : "standby";
    return h("div", { key: cluster }, bdi(cluster), ": ", where);
  };
  return {
    key: version.id,
    attributes: { "data-version": version.id },
    cells: [
      h("strong", null, bdi(version.id)),
      time(version.updated),
      version.clusters.length ? version.clusters.map(served) : muted("nothing"),
      h("span", { title: version.manifest }, code(`${version.manifest.slice(0, 19)}…`)),
    ],
    under: [
      version.bad && h("p", { class: "warn" }, "Marked bad: ", badInWords(version.bad)),
      back && h("p", { class: "warn" }, `${back.how}, update ${back.id}: `, bdi(back.error)),
      changes(set, version.id),
    ].filter(Boolean),
  };
}

function changes(set, version) {
  const key = JSON.stringify([set, version]);
  const ontoggle = ({ currentTarget }) => {
    if (currentTarget.open) unfolded.add(key);
    else unfolded.delete(key);
    changed();
  };
  const isOpen = unfolded.has(key);
  return h(
    "details",
    { open: isOpen, ontoggle },
    h("summary", null, "What changed in ", bdi(version)),
    isOpen && whatChanged(set, version),
  );
}

function whatChanged(set, version) {
  const path = url`/modelSets/${set}/versions/${version}/changes`;
  const found = use(path, ONCE);
  const diff = found.value;
  if (!diff) return loadState(found, path);
  const tensors = signature(diff);
  if (diff.since === null) {
    return [h("p", null, `The first version: ${plural(diff.models, "model")}.`), tensors];
  }
  const kinds = [
    ["changed", diff.changed],
    ["added", diff.added],
    ["removed", diff.removed],
  ];
  const words = kinds.map(([kind, uids]) => `${count(uids.length)} ${kind}`).join(", ");
  return [
    h("p", null, "Since ", bdi(diff.since), `: ${words}; ${plural(diff.models, "model")} now.`),
    diff.breaking.length > 0 &&
      h("p", { class: "warn" }, "Clients may break: ", bdi(diff.breaking.join("; "))),
    tensors,
    diff.metrics?.length > 0 && metrics(diff),
    kinds.map(
      ([kind, uids]) =>
        uids.length > 0 &&
        h("div", { key: kind, "data-change": kind }, h("strong", null, kind), uidList(uids)),
    ),
  ];
}

function signature({ inputs, outputs }) {
  if (!inputs.length && !outputs.length) return null;
  const parts = [
    inputs.length > 0 && `take ${inputs.join(", ")}`,
    outputs.length > 0 && `give ${outputs.join(", ")}`,
  ];
  return h("p", { "data-signature": "" }, "Models ", bdi(parts.filter(Boolean).join(" and ")));
}

/** How the recorded quality moved: whether more is better, only the metric's author knows. */
function metrics({ version, since, metrics }) {
  const rows = metrics.map((row) => ({
    key: row.metric,
    attributes: { "data-metric": row.metric },
    cells: [
      bdi(row.metric),
      metric(row.old),
      metric(row.new),
      count(row.rose),
      count(row.fell),
      count(row.models),
    ],
  }));
  const columns = ["Metric", "Median before#", "Median now#", "Rose in#", "Fell in#", "Models#"];
  return table(`Quality of ${version} and ${since}`, columns, rows);
}

/** @param {number} value as a push stores it, with six digits at most */
function metric(value) {
  return String(Number(value.toPrecision(6)));
}

function uidList(uids) {
  const rest = uids.length - MOST_MODELS;
  return h(
    "ul",
    { class: "uids" },
    uids.slice(0, MOST_MODELS).map((uid) => h("li", null, code(uid))),
    rest > 0 && h("li", { class: "muted" }, `and ${count(rest)} more`),
  );
}

function oneModel(set) {
  const onsubmit = (event) => {
    event.preventDefault();
    lastUids.set(set, new FormData(event.currentTarget).get("uid").trim());
    changed();
  };
  const uid = lastUids.get(set);
  return h(
    "section",
    { key: `model of ${set}`, class: "panel" },
    h(
      "form",
      { onsubmit, class: "line-form" },
      h(
        "label",
        null,
        "History of one model, by its UID ",
        h("input", {
          name: "uid",
          required: true,
          maxlength: 400,
          autocomplete: "off",
          spellcheck: "false",
          value: uid,
        }),
      ),
      h("button", null, "Show its history"),
    ),
    uid && pastOf(set, uid),
  );
}

const CHANGES = { added: "info", changed: "info", removed: "warn" };

function pastOf(set, uid) {
  // A browser would resolve the UID `..` in a path.
  const path = url`/modelSets/${set}/models?uid=${uid}`;
  const found = use(path, ONCE);
  if (found.refused?.status === 404)
    return notice("warn", bdi(found.refused.message));
  const rows = (found.value ?? []).map((row) => ({
    key: row.version,
    cells: [
      bdi(row.version),
      time(row.updated),
      CHANGES[row.change]
        ? badge(CHANGES[row.change], row.change)
        : h("span", { class: "muted" }, bdi(row.change)),
      bytes(row.bytes),
      row.sha256
        ? h("span", { title: row.sha256 }, code(row.sha256.slice(0, 12)))
        : "–",
      quality(row.lineage),
      origin(row.lineage),
    ],
  }));
  return [
    h("h2", null, "Model ", code(uid)),
    loadState(found, path),
    rows.length > 0 &&
      table(`History of the model ${uid}`, ["Version", "Made", "Change", "Size#", "SHA-256", "Metrics", "Trained"], rows),
  ];
}

function quality(lineage) {
  const found = Object.entries(lineage?.metrics ?? {});
  return found.length ? bdi(found.map(([name, value]) => `${name} ${metric(value)}`).join(", ")) : "–";
}

/** Who trained the model, in which run, from which commit and data. */
function origin(lineage) {
  const { author, run, commit, data } = lineage ?? {};
  const parts = [author && `by ${author}`, run && `run ${run}`, commit && `commit ${commit}`, data && `on ${data}`];
  const found = parts.filter(Boolean);
  return found.length ? bdi(found.join(", ")) : "–";
}
