// The editor: CodeMirror with the language server's findings, completion, hover and renames.

import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import {
  EditorState,
  EditorView,
  Transaction,
  autocompletion,
  bracketMatching,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  defaultKeymap,
  drawSelection,
  dropCursor,
  foldGutter,
  foldKeymap,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSelectionMatches,
  highlightSpecialChars,
  history,
  historyKeymap,
  hoverTooltip,
  indentOnInput,
  indentUnit,
  indentWithTab,
  keymap,
  lineNumbers,
  lintGutter,
  lintKeymap,
  rectangularSelection,
  search,
  searchKeymap,
  setDiagnostics,
} from "./vendor/codemirror.js";
import { post } from "./api.js";
import { appearance, languageOfData } from "./appearance.js";
import { editor, formatText, save, textChanged } from "./connector.js";
import { markdown } from "./markdown.js";
import { change, current, useStore } from "./store.js";
import { seconds } from "./units.js";

const KINDS = {
  property: "property",
  field: "property",
  enummember: "enum",
  value: "constant",
  keyword: "keyword",
  function: "function",
  reference: "class",
  variable: "variable",
  snippet: "text",
};

async function complete(context) {
  const before = context.matchBefore(/[\w.$-]+/);
  const isStart = /(?:^|[\s:{,[("'|.])$/.test(
    context.state.sliceDoc(Math.max(0, context.pos - 1), context.pos),
  );
  if (!context.explicit && !before && !isStart) {
    return null;
  }
  const { file } = current();
  const controller = new AbortController();
  context.addEventListener("abort", () => controller.abort());
  let answer;
  try {
    answer = await post(
      "complete",
      { name: file.name, text: context.state.doc.toString(), offset: context.pos },
      controller.signal,
    );
  } catch {
    return null;
  }
  if (context.aborted || !answer.items.length) {
    return null;
  }
  return {
    from: answer.from,
    options: answer.items.map((item, index) => ({
      label: item.label,
      apply: item.insert,
      detail: item.detail || undefined,
      type: KINDS[String(item.kind).toLowerCase()] || "text",
      info: item.info ? () => markdown(item.info) : undefined,
      boost: -Math.min(index, 90),
    })),
    validFor: /^[\w$-]*$/,
  };
}

async function hover(view, position) {
  const { file } = current();
  const text = view.state.doc.toString();
  let answer;
  try {
    answer = await post("hover", { name: file.name, text, offset: position });
  } catch {
    return null;
  }
  if (!answer.markdown) {
    return null;
  }
  const word = view.state.wordAt(position);
  return {
    pos: word ? word.from : position,
    end: word ? word.to : position,
    create() {
      const dom = document.createElement("div");
      dom.className = "hover";
      dom.append(markdown(answer.markdown));
      return { dom };
    },
  };
}

function askRename(view) {
  const offset = view.state.selection.main.head;
  const word = view.state.wordAt(offset);
  change({
    dialog: { kind: "rename", offset, word: word ? view.state.sliceDoc(word.from, word.to) : "" },
  });
  return true;
}

const run = (action) => () => {
  action();
  return true;
};

const ownKeys = [
  { key: "Mod-s", run: run(save), preventDefault: true },
  { key: "F2", run: askRename },
  { key: "Shift-Alt-f", run: run(formatText) },
];

function extensions(onCursor) {
  return [
    ...appearance,
    languageOfData,
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightSpecialChars(),
    history(),
    foldGutter(),
    drawSelection(),
    dropCursor(),
    EditorState.allowMultipleSelections.of(true),
    indentOnInput(),
    indentUnit.of("  "),
    bracketMatching(),
    closeBrackets(),
    rectangularSelection(),
    highlightActiveLine(),
    highlightSelectionMatches(),
    lintGutter(),
    search({ top: true }),
    autocompletion({ override: [complete], icons: false, maxRenderedOptions: 200 }),
    hoverTooltip(hover, { hideOnChange: true }),
    keymap.of([
      ...ownKeys,
      ...closeBracketsKeymap,
      ...completionKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...lintKeymap,
      indentWithTab,
    ]),
    EditorView.contentAttributes.of({
      "aria-label": "Connector file",
      "aria-describedby": "editor-hint",
    }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged && !update.transactions.some((one) => one.isUserEvent("studio.load"))) {
        textChanged(update.state.doc.toString());
      }
      if (update.docChanged || update.selectionSet) {
        const { head } = update.state.selection.main;
        const line = update.state.doc.lineAt(head);
        onCursor({ line: line.number, column: head - line.from + 1 });
      }
    }),
  ];
}

/** Return the one change that makes `to` of `from`, so that the cursor stays where it is. */
export function smallestChange(from, to) {
  let start = 0;
  const shorter = Math.min(from.length, to.length);
  while (start < shorter && from[start] === to[start]) {
    start += 1;
  }
  let end = 0;
  while (end < shorter - start && from[from.length - 1 - end] === to[to.length - 1 - end]) {
    end += 1;
  }
  return { from: start, to: from.length - end, insert: to.slice(start, to.length - end) };
}

function connect(view, create) {
  editor.setText = (text, isLoad = false) => {
    if (isLoad) {
      view.setState(create(text));
      return;
    }
    view.dispatch({
      changes: smallestChange(view.state.doc.toString(), text),
      userEvent: "input.studio",
    });
  };
  editor.applyEdits = (edits) => {
    view.dispatch({
      changes: edits,
      userEvent: "input.studio",
      annotations: Transaction.addToHistory.of(true),
    });
    view.focus();
  };
  editor.reveal = (line, column = 1, focus = false) => {
    const at = view.state.doc.line(Math.max(1, Math.min(line, view.state.doc.lines)));
    const position = Math.min(at.from + column - 1, at.to);
    view.dispatch({
      selection: { anchor: position },
      effects: EditorView.scrollIntoView(position, { y: "center" }),
    });
    if (focus) {
      view.focus();
    }
  };
  editor.focus = () => view.focus();
}

function diagnosticsOf(judged, length) {
  return judged.findings.map((finding) => ({
    from: Math.min(finding.from, length),
    to: Math.min(Math.max(finding.to, finding.from), length),
    severity: finding.severity === "error" ? "error" : "warning",
    source: finding.code,
    message: finding.message,
    actions: finding.fixes.map((fix) => ({
      name: fix.title,
      apply: () => {
        if (current().text === judged.text) {
          editor.applyEdits([{ from: fix.from, to: fix.to, insert: fix.insert }]);
        }
      },
    })),
  }));
}

/** The editor's pane, with a line below it that tells where the cursor is. */
export function Editor() {
  const host = useRef(null);
  const view = useRef(null);
  const [cursor, setCursor] = useState({ line: 1, column: 1 });
  const judged = useStore((of) => of.judged);
  useEffect(() => {
    const create = (text) => EditorState.create({ doc: text, extensions: extensions(setCursor) });
    view.current = new EditorView({ parent: host.current, state: create(current().text) });
    connect(view.current, create);
    return () => view.current.destroy();
  }, []);
  useEffect(() => {
    const { state } = view.current;
    if (judged && judged.text === state.doc.toString()) {
      view.current.dispatch(setDiagnostics(state, diagnosticsOf(judged, state.doc.length)));
    }
  }, [judged]);
  return html`<div class="editor-pane">
    <div class="editor" ref=${host}></div>
    <p class="editor-line quiet">
      <span><span class="hidden">Cursor at </span>${cursor.line}:${cursor.column}</span>
      <span id="editor-hint">Esc, Tab leaves · F2 renames · Ctrl-Space completes</span>
      <span class="spacer"></span>
      ${judged && html`<span title="How long the findings took">${seconds(judged.seconds)}</span>`}
      <button class="link" onClick=${formatText}>Format</button>
    </p>
  </div>`;
}
