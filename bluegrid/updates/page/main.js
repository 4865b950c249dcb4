// The page: the session, the current view, and the frame around it.

import { cancelDialog } from "./dialogs/cancel.js";
import { follow, onSwitch, switchDialog } from "./dialogs/switch.js";
import { h, render } from "./lib/dom.js";
import { clock, zone } from "./lib/format.js";
import { renderDialogs } from "./lib/modal.js";
import { ONCE, changed, listen, lostSince, outcome, showOutcome, start, use } from "./lib/poll.js";
import { OPENAPI, isLearned, onDocument } from "./lib/vocabulary.js";
import { bdi, button, loadState, notice, zoneNote } from "./lib/widgets.js";
import { auditView } from "./views/audit.js";
import { serviceView } from "./views/service.js";
import { servicesView } from "./views/services.js";
import { SESSION, onSession, signInView, signOut } from "./views/sign_in.js";
import { remember } from "./views/traffic_chart.js";
import { updatesView } from "./views/updates.js";
import { setsView, versionsView } from "./views/versions.js";

const TABS = [
  ["services", "Services"],
  ["versions", "Versions"],
  ["updates", "Updates"],
  ["audit", "Audit log"],
];
const part = (id) => document.getElementById(id);

/** @returns {[string, string?, string?]} the tab, the name of what it shows, and the filter */
function route() {
  const [path, query] = location.hash.split("?");
  const [, tab = "", name] = path.split("/");
  const known = TABS.some(([each]) => each === tab) ? tab : "services";
  const only = new URLSearchParams(query).get("only");
  try {
    return [known, name && decodeURIComponent(name), only];
  } catch {
    return [known, name, only];
  }
}

function view([tab, name, only], scopes) {
  if (tab === "versions") return name ? versionsView(name) : setsView();
  if (tab === "updates") return updatesView(scopes);
  if (tab === "audit") return auditView();
  return name ? serviceView(name, scopes) : servicesView(only, scopes);
}

/** After a fault in one view, the rest of the page still works. */
function guarded(draw) {
  try {
    return draw();
  } catch (error) {
    console.error(error);
    return [
      notice(
        "bad",
        "This page cannot show what the server sent: ",
        bdi(error.message),
        ". Use ",
        h("code", null, "bluegrid status"),
        ".",
      ),
    ];
  }
}

function header(session, tab) {
  const tabs = TABS.map(([id, title]) => {
    const href = id === "services" ? "#/" : `#/${id}`;
    return h("a", { key: id, href, "aria-current": id === tab ? "page" : null }, title);
  });
  return [
    h("strong", { class: "brand" }, "bluegrid"),
    session && h("nav", { "aria-label": "Views" }, tabs),
    session &&
      h(
        "div",
        { class: "who" },
        h("span", null, "Signed in as ", bdi(session.name)),
        button("Sign out", signOut),
      ),
  ];
}

function draw() {
  const entry = use(SESSION, ONCE);
  const words = use(OPENAPI, ONCE);
  const session = entry.value;
  const at = route();
  if (session) follow();
  const content = guarded(() => {
    if (session) return isLearned() ? view(at, session.scopes) : loadState(words, OPENAPI);
    return entry.refused?.status === 401 ? signInView() : loadState(entry, SESSION);
  });
  render(part("header"), header(session, at[0]));
  render(part("main"), h("div", { key: session ? location.hash.split("?")[0] : "sign-in" }, content));
  renderDialogs(part("dialogs"), session ? guarded(() => [switchDialog(), cancelDialog()]) : []);
  render(part("footer"), session ? zoneNote() : `Times are those of ${zone}.`);
  const since = lostSince();
  const lost =
    since &&
    `No answer from the server since ${clock(since)}; what you see is from then. Retrying.`;
  render(part("lost"), lost && notice("bad", lost));
  document.body.classList.toggle("is-lost", Boolean(since));
  const gone = button("Dismiss", () => showOutcome(null));
  render(part("outcome"), outcome && notice(outcome.kind, bdi(outcome.text), " ", gone));
}

function arrive() {
  const [tab, name] = route();
  document.title = [name, TABS.find(([id]) => id === tab)[1], "bluegrid"].filter(Boolean).join(" · ");
}

listen(onDocument);
listen(onSession);
listen(onSwitch);
listen((path, entry) => path.startsWith("/status?") && entry.at === entry.answered && remember(entry.value, entry.at));

part("skip").addEventListener("click", (event) => {
  // The fragment of the address belongs to the views.
  event.preventDefault();
  part("main").focus();
});
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, textarea, select, dialog");
  const field = document.querySelector("main input[type=search]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping || !field) return;
  event.preventDefault();
  field.focus();
  field.select();
});
window.addEventListener("hashchange", () => {
  arrive();
  changed();
  // After drawing, scroll and move the focus to the view's heading, also for screen readers.
  requestAnimationFrame(() => {
    window.scrollTo(0, 0);
    document.querySelector("h1")?.focus({ preventScroll: true });
  });
});

arrive();
start(draw);
