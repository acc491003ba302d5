// Questions that need an answer first: unsaved changes, a changed file, a copy, a rename.

import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { copyTo, editor, openConnector, overwrite, renameAt, save } from "./connector.js";
import { Trouble, troubleOf } from "./jobs.js";
import { change, current, useStore } from "./store.js";

const close = () => change({ dialog: null });

function Modal({ title, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog
    ref=${dialog}
    aria-labelledby="dialog-title"
    onCancel=${(event) => (event.preventDefault(), close())}
  >
    <h2 id="dialog-title">${title}</h2>
    ${children}
  </dialog>`;
}

function Unsaved({ dialog }) {
  const { file } = current();
  const discard = () => {
    close();
    dialog.then();
  };
  const saveFirst = async () => {
    close();
    if (await save()) {
      dialog.then();
    }
  };
  return html`<${Modal} title="Unsaved changes">
    <p>Your changes of <span class="mono">${file.path}</span> are not saved.</p>
    <div class="row">
      <button class="primary" onClick=${saveFirst}>Save</button>
      <button onClick=${discard}>Discard</button>
      <button onClick=${close}>Cancel</button>
    </div>
  <//>`;
}

function Conflict({ dialog }) {
  const reload = () => {
    close();
    openConnector(dialog.name, { discard: true });
  };
  return html`<${Modal} title="The file has changed on disk">
    <p>${dialog.message}</p>
    <p>Something else wrote it since you opened it here. Which text is the right one?</p>
    <div class="row">
      <button onClick=${reload}>Take the file’s, lose mine</button>
      <button onClick=${overwrite}>Keep mine, overwrite the file</button>
      <button class="primary" onClick=${close}>Cancel</button>
    </div>
  <//>`;
}

function OneWord({ title, about, label, first, action, word }) {
  const [value, setValue] = useState(first);
  const [error, setError] = useState(null);
  const field = useRef(null);
  useEffect(() => field.current.select(), []);
  const submit = async (event) => {
    event.preventDefault();
    try {
      await action(value);
      close();
    } catch (problem) {
      setError(troubleOf(problem));
    }
  };
  return html`<${Modal} title=${title}>
    <form onSubmit=${submit}>
      <p>${about}</p>
      <label class="field" for="dialog-word">
        <span>${label}</span>
        <input
          id="dialog-word"
          ref=${field}
          class="mono"
          autocomplete="off"
          spellcheck=${false}
          value=${value}
          onInput=${(event) => setValue(event.target.value)}
        />
      </label>
      ${error && html`<${Trouble} error=${error} />`}
      <div class="row">
        <button class="primary" type="submit" disabled=${!value}>${word}</button>
        <button type="button" onClick=${close}>Cancel</button>
      </div>
    </form>
  <//>`;
}

const DIALOGS = {
  unsaved: Unsaved,
  conflict: Conflict,
  copy: ({ dialog }) =>
    html`<${OneWord}
      title="Copy the connector"
      about=${`${dialog.name} comes with the framework and is not changed. Your copy is a file of this project.`}
      label="Name of the copy"
      first=${`my_${dialog.name}`.slice(0, 63)}
      action=${copyTo}
      word="Copy"
    />`,
  rename: ({ dialog }) =>
    html`<${OneWord}
      title="Rename"
      about="Renames a resource, a secret, a config entry or an anchor everywhere in the file."
      label="New name"
      first=${dialog.word}
      action=${async (to) => {
        if (!(await renameAt(dialog.offset, to))) {
          throw new Error("There is nothing to rename at the cursor.");
        }
        editor.focus();
      }}
      word="Rename"
    />`,
};

export function Dialog() {
  const dialog = useStore((of) => of.dialog);
  const Shown = dialog && DIALOGS[dialog.kind];
  return Shown ? html`<${Shown} key=${dialog.kind} dialog=${dialog} />` : null;
}
