// The audit log: who did what, when, and what came of it.

import { h } from "./dom.js";
import { count, listed } from "./format.js";
import { changed, usePages } from "./store.js";
import { bdi, button, code, heading, time, trouble } from "./ui.js";
import { resultInWords, wantedInWords } from "./updates.js";

const PAGE = 200;
const PATH = `/acts?newest=true&limit=${PAGE}`;

/** How many older pages are shown. */
let older = 0;
let filter = "";

/** Sentences by act; an act without one is shown as it stands. */
const SENTENCES = {
  requested: ({ detail, update }) => [
    "asked for ",
    update,
    " of ",
    bdi(detail.set),
    ": ",
    wantedInWords(detail.wanted, detail.named_models),
  ],
  started: ({ update }) => [update, " was begun"],
  resumed: ({ update }) => [update, " was taken up again, as the server was started again"],
  published: ({ update, detail }) => [update, " is in the store: ", resultInWords(detail)],
  rollout: ({ update, detail }) => [
    [update, " is rolled out to ", bdi(detail.to), ": ", bdi(detail.step)],
    detail.cluster && [", cluster ", bdi(detail.cluster)],
  ],
  cancel: ({ update }) => ["asked to cancel ", update],
  done: ({ update, detail }) => [update, " is done", detail.result && [": ", resultInWords(detail.result)]],
  failed: ({ update, detail }) => [update, " failed", because(detail)],
  "went back": ({ update, detail }) => [update, " went back", because(detail)],
  cancelled: ({ update }) => [update, " is cancelled"],
  switch: ({ detail }) => ["asked to switch ", switchInWords(detail)],
  switched: ({ detail }) => ["switched ", switchInWords(detail)],
  "switch not back": ({ detail }) => ["is not back after the switch ", switchInWords(detail), because(detail)],
  "switch failed": ({ detail }) => ["could not switch ", switchInWords(detail), because(detail)],
};

const because = (detail) => detail.error && [": ", h("span", { class: "bad" }, bdi(detail.error))];

function switchInWords({ service, cluster, regions, before }) {
  const from = before ? Object.entries(before).map(([region, was]) => `${region} from ${was}`) : [];
  const where = from.length ? listed(from) : regions?.length ? listed(regions) : "all regions";
  return [bdi(service ?? "?"), " to ", bdi(cluster ?? "?"), " in ", bdi(where)];
}

function sentence(act) {
  const update = act.update_id === null ? "update ?" : `update ${act.update_id}`;
  const describe = Object.hasOwn(SENTENCES, act.act) && SENTENCES[act.act];
  if (describe) return describe({ update, detail: act.detail });
  return [bdi(act.act), act.update_id !== null && ` (${update})`, " ", code(JSON.stringify(act.detail))];
}

/** @param {import("./dom.js").Child | import("./dom.js").Child[]} node @returns {string} what is read of it */
function textOf(node) {
  if (Array.isArray(node)) return node.map(textOf).join("");
  if (node == null || typeof node === "boolean") return "";
  return typeof node === "object" ? textOf(node.children) : String(node);
}

/** @returns {import("./dom.js").Child[]} */
export function auditView() {
  const { newest: acts, rows: known, last, hasOlder } = usePages(PATH, PAGE, older, 5);
  const rows = known.map((act) => {
    const nodes = sentence(act);
    return { act, nodes, text: `${act.author} ${textOf(nodes)}`.toLowerCase() };
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
        acts.value && `${count(found.length)} of the newest ${count(rows.length)}`,
      ),
    ),
    trouble(acts, PATH),
    h(
      "ol",
      { class: "log", "aria-label": "Acts, newest first" },
      found.map(({ act, nodes }) =>
        h(
          "li",
          { key: act.id, "data-act": act.act },
          time(act.time),
          h("strong", null, bdi(act.author)),
          h("div", null, nodes),
        ),
      ),
    ),
    last !== acts && trouble(last, PATH),
    hasOlder && button("Older acts", more, { key: "older" }),
  ];
}
