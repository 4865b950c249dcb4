// The audit log: who requested what, when, and the result.

import { h } from "../lib/dom.js";
import { count, listed } from "../lib/format.js";
import { requestInWords, resultInWords } from "../lib/jobs.js";
import { changed, usePages } from "../lib/poll.js";
import { auditActions, inWords } from "../lib/vocabulary.js";
import { bdi, button, code, heading, loadState, time } from "../lib/widgets.js";

const PAGE = 200;
const PATH = `/audit-events?newest=true&limit=${PAGE}`;

/** Number of older pages that are shown. */
let older = 0;
let filter = "";

/** Text of each action, with the event's detail; an unknown action is shown unchanged. */
const sentenceOf = auditActions.table({
  REQUESTED: ({ detail, update }) => [
    "requested ",
    update,
    " of ",
    bdi(detail.set),
    ": ",
    requestInWords(detail.wanted, detail.named_models),
  ],
  STARTED: ({ update }) => [update, " was started"],
  RESUMED: ({ update }) => [update, " was resumed, because the server was started again"],
  WAITING: ({ update, detail }) => [update, " waits", because(detail)],
  PUBLISHED: ({ update, detail }) => [update, " is in the store: ", resultInWords(detail)],
  ROLLOUT: ({ update, detail }) => [
    [update, " is rolled out to ", bdi(detail.to), ": ", bdi(detail.step)],
    detail.cluster && [", cluster ", bdi(detail.cluster)],
  ],
  CANCEL: ({ update }) => ["requested that ", update, " be cancelled"],
  RETRY: ({ update }) => ["requested another try of ", update],
  DONE: ({ update, detail }) => [
    [update, " is done: "],
    detail.result ? resultInWords(detail.result) : "nothing has changed",
  ],
  FAILED: ({ update, detail }) => [update, " failed", because(detail)],
  NOT_BACK: ({ update, detail }) => [update, " is not rolled back yet", because(detail)],
  ROLLED_BACK: ({ update, detail }) => [update, " was rolled back", because(detail)],
  HELD_BACK: ({ update, detail }) => [update, " was held back", because(detail)],
  CANCELLED: ({ update }) => [update, " is cancelled"],
  SWITCH: ({ detail }) => ["requested the switch of ", switchInWords(detail)],
  SWITCHED: ({ detail }) => ["switched ", switchInWords(detail)],
  SWITCH_NOT_BACK: ({ detail }) => ["is not back after the switch of ", switchInWords(detail), because(detail)],
  SWITCH_FAILED: ({ detail }) => ["could not switch ", switchInWords(detail), because(detail)],
  MARKED_BAD: ({ detail }) => ["marked ", versionOf(detail), " as bad: ", bdi(detail.why)],
  NOT_BAD: ({ detail }) => ["removed the mark of ", versionOf(detail)],
});

const versionOf = ({ set, version }) => [bdi(version), " of ", bdi(set)];

const because = (detail) => detail.error && [": ", h("span", { class: "bad" }, bdi(detail.error))];

function switchInWords({ service, cluster, regions, before }) {
  const from = before ? Object.entries(before).map(([region, was]) => `${region} from ${was}`) : [];
  const where = from.length ? listed(from) : regions?.length ? listed(regions) : "all regions";
  return [bdi(service ?? "?"), " to ", bdi(cluster ?? "?"), " in ", bdi(where)];
}

function sentence({ act, update_id: id, detail }) {
  const update = id === null ? "update ?" : `update ${id}`;
  const describe = sentenceOf(act);
  if (describe) return describe({ update, detail });
  return [bdi(inWords(act)), id !== null && ` (${update})`, " ", code(JSON.stringify(detail))];
}

/** @param {import("../lib/dom.js").Child | import("../lib/dom.js").Child[]} node @returns {string} its text */
function textOf(node) {
  if (Array.isArray(node)) return node.map(textOf).join("");
  if (node == null || typeof node === "boolean") return "";
  return typeof node === "object" ? textOf(node.children) : String(node);
}

/** @returns {import("../lib/dom.js").Child[]} */
export function auditView() {
  const { newest, rows: known, last, hasOlder } = usePages(PATH, PAGE, older, 5);
  const rows = known.map((event) => {
    const nodes = sentence(event);
    return { event, nodes, text: `${event.author} ${textOf(nodes)}`.toLowerCase() };
  });
  const found = rows.filter((row) => row.text.includes(filter.trim().toLowerCase()));
  const oninput = (event) => {
    filter = event.currentTarget.value;
    changed();
  };
  const more = () => {
    older += 1;
    changed();
  };
  return [
    heading("Audit log"),
    h(
      "form",
      { class: "line-form", role: "search", onsubmit: (event) => event.preventDefault() },
      h(
        "label",
        null,
        "Only lines with ",
        h("input", { type: "search", oninput, value: filter, autocomplete: "off" }),
      ),
      h(
        "span",
        { class: "muted", role: "status" },
        newest.value && `${count(found.length)} of the newest ${count(rows.length)}`,
      ),
    ),
    loadState(newest, PATH),
    h(
      "ol",
      { class: "log", "aria-label": "Events, newest first" },
      found.map(({ event, nodes }) =>
        h(
          "li",
          { key: event.id, "data-act": event.act },
          time(event.time),
          h("strong", null, bdi(event.author)),
          h("div", null, nodes),
        ),
      ),
    ),
    last !== newest && loadState(last, PATH),
    hasOlder && button("Older events", more, { key: "older" }),
  ];
}
