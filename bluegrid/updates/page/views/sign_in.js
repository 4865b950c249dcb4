// Sign in and out.

import { Refused, callApi, useCsrf } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { changed, put, reset, showOutcome } from "../lib/poll.js";
import { bdi, heading, muted, notice } from "../lib/widgets.js";

/** The path of the session, which holds who is signed in. */
export const SESSION = "/session";

let fault = null;
let wasSignedIn = false;

/** Follow the session: any answer with status 401 ends it. */
export function onSession(path, { value, refused }) {
  if (refused?.status === 401) {
    if (wasSignedIn) fault = "Your session has ended.";
    wasSignedIn = false;
    if (path !== SESSION) reset(SESSION, refused);
  } else if (path === SESSION && value) {
    useCsrf(value.csrf);
    wasSignedIn = true;
  }
}

/** @returns {import("../lib/dom.js").Child[]} */
export function signInView() {
  return [
    h(
      "form",
      { class: "panel sign-in", onsubmit: signIn },
      heading("Sign in"),
      h(
        "label",
        null,
        "Token",
        h("input", { type: "password", name: "token", required: true, autocomplete: "current-password" }),
      ),
      h("div", { role: "alert" }, fault && notice("bad", bdi(fault))),
      h("button", { class: "primary" }, "Sign in"),
      muted("Make a token with ", h("code", null, "bluegrid server token"), "."),
    ),
  ];
}

async function signIn(event) {
  event.preventDefault();
  const form = event.currentTarget;
  fault = null;
  try {
    const session = await callApi(SESSION, { method: "POST", body: { token: form.elements.token.value.trim() } });
    useCsrf(session.csrf);
    wasSignedIn = true;
    put(SESSION, session);
    document.getElementById("main").focus();
  } catch (error) {
    fault = error.message;
    form.elements.token.select();
    changed();
  }
}

/** End the session, and delete its data from the page. */
export async function signOut() {
  try {
    await callApi(SESSION, { method: "DELETE" });
  } catch (error) {
    // If the session has ended on the server already, nothing is left to do.
    if (error.status !== 401) return void showOutcome(`You are still signed in: ${error.message}.`, "bad");
  }
  wasSignedIn = false;
  fault = null;
  reset(SESSION, new Refused(401, "signed out"));
}
