// A long text to read: a response's body or a record. Only what is in sight is laid out.

import { html, useEffect, useRef } from "./vendor/preact.js";
import {
  EditorState,
  EditorView,
  keymap,
  lineNumbers,
  foldGutter,
  foldKeymap,
  search,
  searchKeymap,
} from "./vendor/codemirror.js";
import { appearance, languageOfData } from "./appearance.js";

function stateOf(text, label, onLine) {
  return EditorState.create({
    doc: text,
    extensions: [
      ...appearance,
      languageOfData,
      lineNumbers(),
      foldGutter(),
      search({ top: true }),
      keymap.of([...searchKeymap, ...foldKeymap]),
      EditorView.updateListener.of((update) => {
        if (update.selectionSet && onLine.current) {
          const { doc, selection } = update.state;
          onLine.current(doc.lineAt(selection.main.head).number, (number) => doc.line(number).text);
        }
      }),
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.contentAttributes.of({
        "aria-label": label,
        tabindex: "0",
        role: "textbox",
        "aria-readonly": "true",
        "aria-multiline": "true",
      }),
    ],
  });
}

/**
 * Show a text with line numbers, folding and search (Ctrl-F).
 *
 * `onLine` gets the number of the line that the cursor is put on, and a function to a line's text.
 */
export function TextView({ text, label, onLine }) {
  const listener = useRef(onLine);
  listener.current = onLine;
  const host = useRef(null);
  const view = useRef(null);
  useEffect(() => {
    view.current = new EditorView({ parent: host.current });
    return () => view.current.destroy();
  }, []);
  useEffect(() => view.current.setState(stateOf(text, label, listener)), [text, label]);
  return html`<div class="text-view" ref=${host}></div>`;
}
