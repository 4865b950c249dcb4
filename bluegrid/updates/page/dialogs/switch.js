// Make another cluster live: preview the switch, confirm it, follow it to its end.

import { callApi, url } from "../lib/api.js";
import { close, dialog, newKey, submit } from "../lib/modal.js";
import { h } from "../lib/dom.js";
import { clock, count, listed, plural } from "../lib/format.js";
import { isOver, switchBadge } from "../lib/jobs.js";
import { useServiceRegions } from "../lib/regions.js";
import { ONCE, changed, forget, refresh, refreshAll, showOutcome, use } from "../lib/poll.js";
import { switchStates } from "../lib/vocabulary.js";
import { badInWords, bdi, bullets, button, code, loadState, muted, notice, time } from "../lib/widgets.js";

/**
 * @typedef {Object} Question
 * @property {string} key of its dialog
 * @property {string} service
 * @property {string} cluster to become live
 * @property {string[]?} regions null: all regions of the service
 * @property {boolean} isBack whether the cluster was live before
 * @property {{why: string, by: string, at: string}?} bad the mark of its version; null: it has none
 * @property {Object<string, string>} from the live clusters, by region, when the dialog was opened
 * @property {boolean} isSent
 * @property {string?} fault why the request failed
 * @property {number?} id of the switch, once requested
 */

/** @type {Question?} */
let question = null;
/** IDs of the switches that were requested here; their results are shown in every view. */
const followed = new Set();

const pathOf = (id) => url`/switches/${id}`;

/**
 * @param {import("../lib/regions.js").ServiceRegion} serviceRegion
 * @returns {string} the live clusters, as far as is known
 */
const liveAt = (serviceRegion) => listed(serviceRegion.live) || serviceRegion.declared || "none";

/** Open the dialog. */
export function openSwitchDialog(service, cluster, regions, isBack, serviceRegions) {
  const from = liveIn(serviceRegions, regions);
  const bad = serviceRegions.map((serviceRegion) => serviceRegion.bad[cluster]).find(Boolean) ?? null;
  const sent = { isSent: false, fault: null, id: null };
  question = { key: newKey(), service, cluster, regions, isBack, bad, from, ...sent };
  changed();
}

function liveIn(serviceRegions, regions) {
  const chosen = serviceRegions.filter((serviceRegion) => !regions || regions.includes(serviceRegion.region));
  return Object.fromEntries(chosen.map((serviceRegion) => [serviceRegion.region, liveAt(serviceRegion)]));
}

/** Poll the switches that were requested here. */
export function follow() {
  for (const id of followed) use(pathOf(id), 1);
}

/** Show the result of a switch. */
export function onSwitch(path, { value: one, refused }) {
  const isEnd = refused ? refused.status === 404 : one && isOver(one);
  if (!isEnd || !path.startsWith("/switches/")) return;
  const id = [...followed].find((each) => pathOf(each) === path);
  if (!followed.delete(id)) return;
  for (const other of ["/services", one && url`/services/${one.service}/history`]) refresh(other);
  refreshAll("/status?");
  if (refused) showOutcome(`Switch ${id}: ${refused.message}`, "bad");
  else if (switchStates.is(one.state, "DONE"))
    showOutcome(`${one.service}: ${one.cluster} is live in ${listed(one.regions)}.`, "well");
  else showOutcome(`${one.service}: the switch to ${one.cluster} failed: ${one.error}`, "bad");
}

/** @returns {import("../lib/dom.js").Child?} the dialog; null: it is not open */
export function switchDialog() {
  if (!question) return null;
  const request = question;
  const { service, cluster, regions, isBack } = request;
  const where = regions ? listed(regions) : "all regions";
  const verb = isBack ? "Roll back " : "Switch ";
  const title = [verb, bdi(service), " to ", bdi(cluster), " in ", bdi(where)];
  const onclose = () => {
    if (question === request) question = null;
    changed();
  };
  return dialog(request.key, title, onclose, request.id === null ? preview(request) : progress(request));
}

function preview(request) {
  const path = previewPath(request);
  const found = use(path, ONCE);
  const rows = found.value;
  const isOld = rows && !request.isSent && hasMoved(request);
  const isRefused = rows?.some((row) => row.errors.length || row.refusal);
  const again = button("Preview again", () => {
    Object.assign(request, { isSent: false, fault: null, from: liveNow(request) });
    forget(path);
  });
  const isReady = rows?.length && !isRefused && !isOld && !request.isSent && !request.fault && !found.refused;
  return [
    request.bad &&
      notice("warn", "Its version is marked bad: ", badInWords(request.bad), ". A switch to it takes the mark away."),
    versionsInWords(request),
    rows || found.refused ? loadState(found, path) : waiting(found),
    rows?.length === 0 && notice("bad", "No region of this server has this cluster."),
    rows?.map((row) => regionPreview(row, request)),
    found.at && muted(`Previewed at ${clock(found.at)}.`),
    isRefused && notice("bad", "It cannot be switched", rows.length > 1 && " in all regions at once", "."),
    isOld && notice("warn", "What is live has changed since this preview. ", again),
    request.fault && notice("bad", bdi(request.fault), " ", again),
    h(
      "div",
      { class: "actions", key: "actions" },
      button(confirmWords(request, rows), () => send(request), {
        class: "primary",
        disabled: !isReady,
        "data-confirm": true,
      }),
      button("Cancel", close, { autofocus: true }),
    ),
  ];
}

/** The new and the live version, their times, and the number of models that differ. */
function versionsInWords({ service: name, cluster, from }) {
  const service = use("/services", 5).value?.find((each) => each.name === name);
  const versionOf = (id) => service?.clusters.find((each) => each.id === id)?.version;
  const to = versionOf(cluster);
  const others = [...new Set(Object.values(from).map(versionOf))].filter((each) => each && each !== to);
  if (!to || others.length !== 1) return null;
  const [was] = others;
  const known = use(url`/modelSets/${service.set}/versions`, ONCE).value ?? [];
  const made = (id) => known.find((each) => each.id === id)?.updated ?? null;
  const found = use(url`/modelSets/${service.set}/versions/${to}/changes?since=${was}`, ONCE).value;
  const differ = found && found.changed.length + found.added.length + found.removed.length;
  return h(
    "p",
    { "data-versions": `${was} ${to}` },
    [bdi(was), ", made ", time(made(was)), " → ", bdi(to), ", made ", time(made(to))],
    found && `; ${plural(differ, "model")} of ${count(found.models + found.removed.length)} differ`,
  );
}

function previewPath({ service, cluster, regions }) {
  const path = url`/services/${service}/switches/preview?cluster=${cluster}`;
  return regions ? path + url`&region=${regions[0]}` : path;
}

function waiting(found) {
  return [
    h("p", null, "Previewing. Nothing is applied yet. A region takes 3 to 10 seconds."),
    found.missed && notice("warn", "No answer from the server. Retrying."),
    h("progress", { "aria-label": "Previewing" }),
  ];
}

function regionPreview(row, request) {
  const from = request.from[row.region];
  const change = from === request.cluster ? "is live already" : ["→ ", bdi(request.cluster)];
  return h(
    "section",
    { class: "preview", key: row.region, "data-region": row.region },
    h("h3", null, bdi(row.region), ": ", from && bdi(from), " ", change),
    row.refusal && notice("bad", "It cannot take over: ", bdi(row.refusal)),
    row.errors.map((line) => notice("bad", bdi(line))),
    row.changes.length > 0 ? bullets(row.changes) : muted("No changes."),
    row.steps.length > 0 &&
      h("details", null, h("summary", null, plural(row.steps.length, "step")), bullets(row.steps, code)),
  );
}

function confirmWords({ cluster, regions, from }, rows) {
  const all = rows?.map((row) => row.region) ?? regions ?? Object.keys(from);
  const changing = all.filter((region) => from[region] !== cluster);
  const before = new Set(changing.map((region) => from[region]));
  const isShort = changing.length > 0 && changing.length <= 3;
  const where = isShort ? listed(changing) : plural(changing.length || all.length, "region");
  const change = before.size === 1 ? [": ", bdi([...before][0]), " → "] : " to ";
  return ["Switch ", bdi(where), change, bdi(cluster)];
}

const liveNow = ({ service, regions }) => liveIn(useServiceRegions(service), regions);

function hasMoved(request) {
  const now = liveNow(request);
  return Object.keys(request.from).some((region) => region in now && now[region] !== request.from[region]);
}

async function send(request) {
  const body = { cluster: request.cluster, regions: request.regions };
  const path = url`/services/${request.service}/switches`;
  const silence =
    "No answer came. The switch may have begun all the same: check the recent switches before you try again.";
  const one = await submit(request, () => callApi(path, { method: "POST", body }), silence);
  if (one) {
    request.id = one.id;
    followed.add(one.id);
    refresh(switchesOf(request.service));
  } else if (question !== request) showOutcome(`${request.service}: ${request.fault}`, "bad");
  changed();
}

/** @param {string} service @returns {string} the path of its switches */
export const switchesOf = (service) => url`/switches?service=${service}`;

function progress(request) {
  const { value: one, refused } = use(pathOf(request.id), 1);
  if (refused) return [notice("bad", "The server says: ", bdi(refused.message)), closing("Close")];
  if (!one) return [h("p", null, "The switch was requested."), closing("Close; the switch goes on")];
  const serviceRegions = useServiceRegions(request.service);
  return [
    h("p", { role: "status" }, switchBadge(one.state), one.step && [" ", bdi(one.step)]),
    !isOver(one) && h("progress", { "aria-label": one.back === null ? "Switching" : "Switching back" }),
    one.error && notice("bad", bdi(one.error)),
    h(
      "ul",
      { class: "plain" },
      one.regions.map((region) => {
        const serviceRegion = serviceRegions.find((each) => each.region === region);
        const isKnown = serviceRegion && !serviceRegion.error;
        const live = isKnown ? `live is ${listed(serviceRegion.live) || "nothing"}` : "unreachable";
        return h("li", { key: region, "data-region": region }, bdi(region), ": ", bdi(live));
      }),
    ),
    closing(isOver(one) ? "Close" : "Close; the switch goes on"),
  ];
}

const closing = (words) =>
  h("div", { class: "actions" }, button(words, close, { autofocus: true, key: "close" }));
