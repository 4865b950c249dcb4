// Enumerations of the API, such as states and audit actions, by their names in the server's OpenAPI document: the
// page uses the names, not the values.

/** The path of the document. */
export const OPENAPI = "/openapi.json";

/** One enumeration of the document. */
class Vocabulary {
  #schema;
  #names = new Map();

  /** @param {string} schema its name in the document */
  constructor(schema) {
    this.#schema = schema;
  }

  /** @param {object} document */
  learn(document) {
    const { enum: words, "x-enum-varnames": names } = document.components.schemas[this.#schema];
    this.#names = new Map(words.map((word, at) => [word, names[at]]));
  }

  /** @param {string} word of the server @param {string} name such as `RUNNING` @returns {boolean} */
  is(word, name) {
    return this.#names.get(word) === name;
  }

  /** @param {string} name such as `ROLLED_BACK` @returns {string?} the word, for a request */
  wordOf(name) {
    return [...this.#names].find(([, each]) => each === name)?.[0] ?? null;
  }

  /**
   * @template T
   * @param {Object<string, T>} byName a value for every name
   * @returns {(word: string) => T | undefined} the value for a word; undefined: the page does not know the word
   */
  table(byName) {
    return (word) => byName[this.#names.get(word)];
  }
}

export const updateStates = new Vocabulary("UpdateState");
export const switchStates = new Vocabulary("SwitchState");
export const auditActions = new Vocabulary("AuditAction");

let isKnown = false;

/** Read the enumerations from the OpenAPI document, before it is drawn. */
export function onDocument(path, { value }) {
  if (path !== OPENAPI || !value) return;
  for (const each of [updateStates, switchStates, auditActions]) each.learn(value);
  isKnown = true;
}

/** @returns {boolean} whether the document has arrived */
export const isLearned = () => isKnown;

/** @param {string} word of the API @returns {string} as people read it: `rolled back` */
export const inWords = (word) => word.replaceAll("_", " ");
