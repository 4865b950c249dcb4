// Dialogs, in which the operator confirms a change.

import { NoAnswer } from "./api.js";
import { h, render } from "./dom.js";
import { changed } from "./poll.js";

let questions = 0;

/** A key for a dialog, so that the next dialog is a new element. */
export const newKey = () => `question-${(questions += 1)}`;

/**
 * @param {string} key of newKey()
 * @param {import("./dom.js").Child} title
 * @param {() => void} onclose is called after the dialog was closed, by a button or by Escape
 * @param {...import("./dom.js").Child} content
 */
export function dialog(key, title, onclose, ...content) {
  return h("dialog", { key, onclose, "aria-labelledby": key }, h("h2", { id: key }, title), content);
}

/** Close the dialog that a button is in; the element that opened it gets the focus back. */
export function close(event) {
  event.currentTarget.closest("dialog").close();
}

/**
 * Send the request that a dialog confirms; meanwhile its button is disabled. A fault is stored for the dialog.
 * @param {{isSent: boolean, fault: string?}} question of the dialog
 * @param {() => Promise<object>} call
 * @param {string} silence what to do if there is no answer
 * @returns {Promise<object?>} the answer; null: there is a fault
 */
export async function submit(question, call, silence) {
  Object.assign(question, { isSent: true, fault: null });
  changed();
  try {
    return await call();
  } catch (error) {
    question.fault = error instanceof NoAnswer ? silence : `The server says: ${error.message}`;
    return null;
  }
}

/** A dialog that was closed may be drawn once more before its `close` event: it must not open again. */
const shown = new WeakSet();

/**
 * Draw the dialogs that are open now.
 * @param {HTMLElement} container
 * @param {(import("./dom.js").Child | null)[]} nodes
 */
export function renderDialogs(container, nodes) {
  const hadSome = container.hasChildNodes();
  render(container, nodes);
  for (const element of container.querySelectorAll("dialog")) {
    if (!shown.has(element)) element.showModal();
    shown.add(element);
    // If the button that had the focus is gone or disabled, Cancel or Close gets it.
    if (element.open && document.activeElement === document.body)
      element.querySelector("[autofocus]")?.focus();
  }
  // The button that opened the dialog may be gone as well, for example after a switch.
  const isLost = hadSome && !container.hasChildNodes() && document.activeElement === document.body;
  if (isLost) document.querySelector("h1")?.focus({ preventScroll: true });
}
