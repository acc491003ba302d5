// What is done with a connector's file: open, judge, save, copy, and edits of its text.

import { get, latest, post, put } from "./api.js";
import { change, current, isDirty } from "./store.js";

const JUDGE_DELAY = 100;

const judge = latest((name, text, signal) => post("judge", { name, text }, signal), JUDGE_DELAY);

/** The editor's functions, given once it is there: {setText, applyEdits, reveal, focus}. */
export const editor = { setText() {}, applyEdits() {}, reveal() {}, focus() {} };

export function notify(kind, message, remedy) {
  change({ notice: { kind, message, remedy: remedy || "" } });
}

export function notifyError(error) {
  if (!error.isConnection) {
    notify("error", error.message, error.remedy);
  }
}

export async function loadProject() {
  const project = await get("project");
  change({ project });
  return project;
}

/** Open a connector, after asking about unsaved changes. */
export function openConnector(name, options = {}) {
  if (isDirty(current()) && !options.discard) {
    change({
      dialog: { kind: "unsaved", then: () => openConnector(name, { ...options, discard: true }) },
    });
    return Promise.resolve(false);
  }
  return load(name, options);
}

async function load(name, { tab, keepNotice } = {}) {
  try {
    const file = await get("file", { name });
    change((of) => ({
      file,
      text: file.text,
      judged: null,
      jobs: {},
      resource: null,
      tab: tab || (of.tab === "start" ? "resources" : of.tab),
      notice: keepNotice ? of.notice : null,
      dialog: null,
    }));
    editor.setText(file.text, true);
    rememberPlace();
    rejudge();
    return true;
  } catch (error) {
    notifyError(error);
    return false;
  }
}

/** Ask for the findings of the text as it is now. */
export async function rejudge() {
  const { file, text } = current();
  if (!file) {
    return;
  }
  try {
    const answer = await judge(file.name, text);
    if (answer && current().file?.name === file.name && current().text === text) {
      change((of) => ({ judged: { ...answer, text }, resource: chosenIn(answer.graph, of) }));
    }
  } catch (error) {
    notifyError(error);
  }
}

function chosenIn(graph, of) {
  const names = graph.map((one) => one.name);
  if (!names.length) {
    return of.resource;
  }
  return names.includes(of.resource)
    ? of.resource
    : graph.find((one) => one.selected)?.name || names[0];
}

/** Note that the text in the editor has changed. */
export function textChanged(text) {
  // "Saved" is not true of what is typed after it
  change((of) => ({
    text,
    notice: of.notice?.kind === "ok" && !of.notice.lines ? null : of.notice,
  }));
  rejudge();
}

/** Save the text; true if it is on disk then. */
export async function save() {
  const { file, text } = current();
  if (!file) {
    return false;
  }
  if (file.bundled) {
    change({ dialog: { kind: "copy", name: file.name } });
    return false;
  }
  try {
    const { revision } = await put("file", { name: file.name, text, revision: file.revision });
    change((of) =>
      of.file?.name === file.name
        ? { file: { ...of.file, text, revision }, notice: null }
        : {},
    );
    loadProject().catch(() => {});
    return true;
  } catch (error) {
    if (error.status === 409) {
      change({ dialog: { kind: "conflict", name: file.name, message: error.message } });
    } else if (!error.isConnection) {
      notifyError(error);
    }
    return false;
  }
}

/** Write the text over the file that has changed on disk. */
export async function overwrite() {
  const { file } = current();
  try {
    const onDisk = await get("file", { name: file.name });
    change((of) => ({ file: { ...of.file, revision: onDisk.revision }, dialog: null }));
    return await save();
  } catch (error) {
    notifyError(error);
    return false;
  }
}

/** Copy the open connector under a new name, and go on in the copy with the text as it is. */
export async function copyTo(to) {
  const { file, text } = current();
  const edited = isDirty(current());
  const { name } = await post("copy", { name: file.name, to });
  await loadProject();
  await openConnector(name, { discard: true });
  if (edited) {
    editor.setText(text.replace(/^name:.*$/m, () => `name: ${name}`));
  }
  notify("ok", `Copied ${file.name} to ${current().file.path}`);
}

/** True if the file on disk has the text, saving it first if need be. */
export const ensureSaved = () =>
  isDirty(current()) || current().file.bundled ? save() : Promise.resolve(true);

/** Read the open file's facts again: whether it has a recording and expected tables now. */
export async function refreshFacts() {
  const { file } = current();
  try {
    const { cassette, expected } = await get("file", { name: file.name });
    change((of) =>
      of.file?.name === file.name ? { file: { ...of.file, cassette, expected } } : {},
    );
  } catch (error) {
    notifyError(error);
  }
}

export async function formatText() {
  const { file, text } = current();
  try {
    const answer = await post("format", { name: file.name, text });
    if (current().text === text) {
      editor.setText(answer.text);
    }
  } catch (error) {
    notifyError(error);
  }
}

export async function renameAt(offset, to) {
  const { file, text } = current();
  const { edits } = await post("rename", { name: file.name, text, offset, to });
  if (current().text === text) {
    editor.applyEdits(edits);
  }
  return edits.length;
}

export function selectResource(name, reveal = false) {
  change({ resource: name });
  const node = current().judged?.graph.find((one) => one.name === name);
  if (reveal && node) {
    editor.reveal(node.line);
  }
}

export function showTab(tab) {
  change({ tab });
  rememberPlace();
}

/** Keep the connector and the tab in the address, so that a reload opens the same. */
function rememberPlace() {
  const { file, tab } = current();
  if (file) {
    history.replaceState(null, "", `${location.pathname}#${encodeURIComponent(file.name)}/${tab}`);
  }
}

export function placeOfAddress() {
  const [name, tab] = location.hash.slice(1).split("/");
  return { name: name ? decodeURIComponent(name) : null, tab: tab || null };
}
