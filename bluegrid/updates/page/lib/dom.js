// h() describes nodes, and render() updates the page to match, so that polling moves nothing in use.

const SVG = "http://www.w3.org/2000/svg";
const KEY = Symbol("key");
const GIVEN = Symbol("given");
/** Characters that reverse the reading direction of the text after them: only a forged name has them. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;

/**
 * @typedef {{tag: string, attributes: Object<string, unknown>, children: Child[]}} Described
 * @typedef {Described | string | number} Child
 */

/**
 * Describe an element. Text only ever becomes text nodes: nothing here parses.
 * @param {string} tag
 * @param {Object<string, unknown>?} attributes `on…` are handlers, `style` an object, `key` tells siblings apart
 * @param {...(Child | Child[] | null | undefined | boolean)} children null and booleans are left out
 * @returns {Described}
 */
export function h(tag, attributes, ...children) {
  return { tag, attributes: attributes ?? {}, children: present(children) };
}

/**
 * Update a container's content to match the nodes. Unchanged elements are not touched: focus, scroll positions,
 * opened <details> and typed text survive.
 * @param {HTMLElement} container
 * @param {Child | Child[]} nodes
 */
export function render(container, nodes) {
  const focused = document.activeElement;
  morph(container, present([nodes]));
  // A node that is moved among its siblings loses the focus.
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

function present(children) {
  return children.flat(Infinity).filter((child) => child != null && typeof child !== "boolean");
}

function morph(parent, children) {
  const old = new Map([...parent.childNodes].map((node) => [node[KEY], node]));
  const used = new Map();
  const nodes = children.map((child) => {
    const key = keyOf(child, used);
    const node = old.get(key) ?? created(parent, child);
    node[KEY] = key;
    update(node, child);
    return node;
  });
  const kept = new Set(nodes);
  for (const node of [...parent.childNodes]) if (!kept.has(node)) node.remove();
  nodes.forEach((node, index) => {
    const there = parent.childNodes[index] ?? null;
    if (there !== node) parent.insertBefore(node, there);
  });
}

/** The tag and key of a node, with its index among the siblings with the same tag and key. */
function keyOf(child, used) {
  const name = typeof child === "object" ? `${child.tag} ${child.attributes.key ?? ""}` : "";
  const count = used.get(name) ?? 0;
  used.set(name, count + 1);
  return `${name} ${count}`;
}

function created(parent, child) {
  if (typeof child !== "object") return document.createTextNode("");
  return document.createElementNS(child.tag === "svg" ? SVG : parent.namespaceURI, child.tag);
}

function update(node, child) {
  if (typeof child !== "object") {
    const text = String(child).replace(TURNING, "\ufffd");
    if (node.data !== text) node.data = text;
    return;
  }
  // The comparison is with the last description, not with the page: the operator opens and closes <details>.
  const before = node[GIVEN] ?? {};
  for (const name of Object.keys({ ...before, ...child.attributes })) {
    if (before[name] !== child.attributes[name]) set(node, name, child.attributes[name]);
  }
  node[GIVEN] = child.attributes;
  morph(node, child.children);
}

function set(node, name, value) {
  if (name === "key") return;
  if (name.startsWith("on")) node[name] = value ?? null;
  else if (name === "style") Object.assign(node.style, value);
  else if (value == null || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : String(value));
}
