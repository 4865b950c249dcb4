// Dialogs: what is asked before something is done.

import { h, render } from "./dom.js";

let questions = 0;

/** A key for one question: the next one gets a dialog of its own, whatever the last one's still has to tell. */
export const newKey = () => `question-${(questions += 1)}`;

/**
 * @param {string} key of newKey()
 * @param {import("./dom.js").Child} title
 * @param {() => void} onclose it was closed, by a button or by Escape
 * @param {...import("./dom.js").Child} content
 */
export function dialog(key, title, onclose, ...content) {
  return h("dialog", { key, onclose, "aria-labelledby": key }, h("h2", { id: key }, title), content);
}

/** Close the dialog that something is in; who opened it has the focus again. */
export function close(event) {
  event.currentTarget.closest("dialog").close();
}

/** One that is closed may be drawn once more before its `close` is heard: it must not open again. */
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
    // The button that had the focus may be gone or disabled: Cancel or Close has it then.
    if (element.open && document.activeElement === document.body)
      element.querySelector("[autofocus]")?.focus();
  }
  // So may be the one that opened the dialog, such as that of a switch that is done.
  const isLost = hadSome && !container.hasChildNodes() && document.activeElement === document.body;
  if (isLost) document.querySelector("h1")?.focus({ preventScroll: true });
}
