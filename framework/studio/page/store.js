// The state of the page: one object, replaced as a whole, and a hook that reads a part of it.

import { useLayoutEffect, useReducer, useRef } from "./vendor/preact.js";

let state = {
  /** The answer of /api/project, or null before it. */
  project: null,
  /** The open file as it was read or saved: {name, path, text, revision, bundled, …}, or null. */
  file: null,
  /** The text in the editor. */
  text: "",
  /** The last answer of /api/judge, with the `text` that it is about; null before it. */
  judged: null,
  /** The tab that is shown, and the resource that is selected. */
  tab: "resources",
  resource: null,
  /** The newest job of each kind: {id, kind, state, lines, seconds, result, error, began}. */
  jobs: {},
  /** The ApiError of a lost connection, or null. */
  connection: null,
  /** A message about what was just done: {kind: "ok" | "error", message, remedy}, or null. */
  notice: null,
  /** The dialog that is open: {kind, …}, or null. */
  dialog: null,
};

const readers = new Set();

export const current = () => state;

/** Change some keys of the state. Takes an object, or a function from the state to one. */
export function change(part) {
  const changes = typeof part === "function" ? part(state) : part;
  state = { ...state, ...changes };
  for (const reader of [...readers]) {
    reader();
  }
}

/** Return what `select` reads of the state, and render again when it has changed. */
export function useStore(select) {
  const [, render] = useReducer((count) => count + 1, 0);
  const value = select(state);
  const last = useRef(value);
  const reading = useRef(select);
  last.current = value;
  reading.current = select;
  useLayoutEffect(() => {
    const reader = () => {
      if (!Object.is(reading.current(state), last.current)) {
        render();
      }
    };
    readers.add(reader);
    reader();
    return () => readers.delete(reader);
  }, []);
  return value;
}

export const isDirty = (of) => of.file !== null && of.text !== of.file.text;

/** The findings of the text as it is now; older ones while a newer answer is on its way. */
export const errorCount = (of) =>
  of.judged ? of.judged.findings.filter((one) => one.severity === "error").length : 0;
