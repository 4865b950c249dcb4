// Cancel an update, or roll its version back.

import { callApi, url } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { close, dialog, newKey, submit } from "../lib/modal.js";
import { changed, refresh, refreshAll, showOutcome } from "../lib/poll.js";
import { bdi, button, notice } from "../lib/widgets.js";

/** @type {{key: string, update: object, isSent: boolean, fault: string?}?} */
let question = null;

/** @param {{id: number, set: string, rollout: object?}} update */
export const cancelButton = (update) =>
  button(
    update.rollout ? `Roll back: cancel update ${update.id}…` : `Cancel update ${update.id}…`,
    () => openCancelDialog(update),
    { key: `cancel ${update.id}` },
  );

function openCancelDialog(update) {
  question = { key: newKey(), update, isSent: false, fault: null };
  changed();
}

/** @returns {import("../lib/dom.js").Child?} the dialog; null: it is not open */
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
        ? "The version is being rolled out: what was live before will be live again."
        : "No version is made, unless it is in the store already.",
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
  const { id } = request.update;
  const path = url`/updates/${id}/cancel`;
  const silence = "No answer came. The update may be cancelled all the same: check it before you try again.";
  if (!(await submit(request, () => callApi(path, { method: "POST" }), silence))) {
    // The same button tries again.
    request.isSent = false;
    return changed();
  }
  refreshAll("/updates?");
  refresh("/services");
  showOutcome(`Cancellation of update ${id} requested.`);
  element.close();
}
