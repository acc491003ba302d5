// A long text to read: a response's body or a record. Only what is in sight is laid out.

import { html, useEffect, useRef } from "./vendor/preact.js";
import { EditorState, EditorView, keymap, lineNumbers, foldGutter, foldKeymap, search, searchKeymap } from "./vendor/codemirror.js";
import { appearance, languageOfData } from "./appearance.js";

function stateOf(text, label) {
  return EditorState.create({
    doc: text,
    extensions: [
      ...appearance,
      languageOfData,
      lineNumbers(),
      foldGutter(),
      search({ top: true }),
      keymap.of([...searchKeymap, ...foldKeymap]),
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0", role: "textbox", "aria-readonly": "true", "aria-multiline": "true" }),
    ],
  });
}

/** Show a text with line numbers, folding and search (Ctrl-F). */
export function TextView({ text, label }) {
  const host = useRef(null);
  const view = useRef(null);
  useEffect(() => {
    view.current = new EditorView({ parent: host.current });
    return () => view.current.destroy();
  }, []);
  useEffect(() => view.current.setState(stateOf(text, label)), [text, label]);
  return html`<div class="text-view" ref=${host}></div>`;
}
