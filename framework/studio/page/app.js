// The page: the top bar, the editor with its findings on the left, the tabs on the right.

import { html, render, useEffect, useRef, useState } from "./vendor/preact.js";
import { onConnection, opened } from "./api.js";
import { Check } from "./check.js";
import { loadProject, notify, openConnector, placeOfAddress, save, showTab } from "./connector.js";
import { Dialog } from "./dialogs.js";
import { Editor } from "./editor.js";
import { Findings } from "./findings.js";
import { Look } from "./look.js";
import { RecordAndTest } from "./record.js";
import { Resources } from "./resources.js";
import { Run } from "./run.js";
import { Runs } from "./runs.js";
import { Settings, missingSecrets } from "./settings.js";
import { Start } from "./start.js";
import { change, current, errorCount, isDirty, useStore } from "./store.js";
import { Panel, Tabs } from "./tabs.js";
import { plural } from "./units.js";

const TABS = [
  { id: "resources", label: "Resources", panel: Resources },
  { id: "settings", label: "Settings", panel: Settings },
  { id: "look", label: "Look", panel: Look },
  { id: "check", label: "Check", panel: Check },
  { id: "record", label: "Record & test", panel: RecordAndTest },
  { id: "run", label: "Run", panel: Run },
  { id: "runs", label: "Runs", panel: Runs },
];

const RETRY = 3000;

/** A connection that was lost: what to do, and a try every few seconds. */
function Connection() {
  const connection = useStore((of) => of.connection);
  useEffect(() => {
    if (!connection || connection.status === 401) {
      return undefined;
    }
    const timer = setInterval(() => loadProject().catch(() => {}), RETRY);
    return () => clearInterval(timer);
  }, [connection]);
  return html`<div role="alert">
    ${
      connection &&
      html`<p class="banner error">
        <strong>${connection.message}</strong> ${connection.remedy}
        <button class="small" onClick=${() => loadProject().catch(() => {})}>Try again</button>
      </p>`
    }
  </div>`;
}

function Notice() {
  const notice = useStore((of) => of.notice);
  return html`<div role=${notice?.kind === "error" ? "alert" : "status"}>
    ${
      notice &&
      html`<div class=${`banner ${notice.kind}`}>
        <div class="grow">
          <strong>${notice.message}</strong> ${notice.remedy}
          ${
            notice.lines?.length > 0 &&
            html`<ul>
              ${notice.lines.map((line) => html`<li>${line}</li>`)}
            </ul>`
          }
        </div>
        <button class="small" onClick=${() => change({ notice: null })}>Close</button>
      </div>`
    }
  </div>`;
}

function Saved() {
  const file = useStore((of) => of.file);
  const dirty = useStore(isDirty);
  if (!file) {
    return null;
  }
  const word = dirty ? "unsaved changes" : file.bundled ? "bundled: read only" : "saved";
  return html`<span class=${dirty ? "badge changed" : "badge"} role="status">${word}</span>`;
}

function TopBar() {
  const project = useStore((of) => of.project);
  const file = useStore((of) => of.file);
  const tab = useStore((of) => of.tab);
  const errors = useStore(errorCount);
  const dirty = useStore(isDirty);
  const judged = useStore((of) => of.judged);
  const choose = async (event) => {
    const { value } = event.target;
    event.target.value = current().file?.name || "";
    await openConnector(value);
  };
  const connectors = project?.connectors || [];
  const group = (bundled) => connectors.filter((one) => one.bundled === bundled);
  const option = (one) => html`<option value=${one.name}>${one.name}</option>`;
  return html`<header class="top">
    <h1><span class="hidden">Connector studio, </span>${project?.folder || "studio"}</h1>
    <label for="connector"
      ><span class="hidden">Connector</span>
      <select id="connector" value=${file?.name || ""} onChange=${choose}>
        ${!file && html`<option value="">Choose a connector …</option>`}
        ${group(false).length > 0 && html`<optgroup label="This project">${group(false).map(option)}</optgroup>`}
        ${group(true).length > 0 && html`<optgroup label="Bundled">${group(true).map(option)}</optgroup>`}
      </select>
    </label>
    <button
      aria-pressed=${tab === "start"}
      onClick=${() => change({ tab: tab === "start" && file ? "resources" : "start" })}
    >
      New
    </button>
    <button
      class=${dirty ? "primary" : ""}
      onClick=${save}
      disabled=${!file || (!dirty && !file.bundled)}
      aria-keyshortcuts="Control+S"
    >
      ${file?.bundled ? "Copy …" : "Save"}
    </button>
    <${Saved} />
    ${file && judged && html`<span class=${errors ? "badge error" : "badge ok"}>${errors ? plural(errors, "error") : "no errors"}</span>`}
    <span class="spacer"></span>
    ${file && html`<span class="mono quiet path">${file.path}</span>`}
  </header>`;
}

/** The line between the panes, which a pointer or the arrow keys move. */
function Splitter({ panes }) {
  const [share, setShare] = useState(40);
  useEffect(() => panes.current.style.setProperty("--left", `${share}%`), [share]);
  const move = (value) => setShare(Math.round(Math.min(75, Math.max(20, value))));
  const drag = (event) => {
    if (event.buttons) {
      const box = panes.current.getBoundingClientRect();
      move((100 * (event.clientX - box.left)) / box.width);
    }
  };
  const onKey = (event) => {
    const step = { ArrowLeft: -3, ArrowRight: 3 }[event.key];
    if (step) {
      event.preventDefault();
      move(share + step);
    }
  };
  return html`<div
    class="splitter"
    role="separator"
    aria-orientation="vertical"
    aria-label="Width of the editor"
    aria-valuenow=${share}
    aria-valuemin="20"
    aria-valuemax="75"
    tabindex="0"
    onPointerDown=${(event) => event.currentTarget.setPointerCapture(event.pointerId)}
    onPointerMove=${drag}
    onKeyDown=${onKey}
  ></div>`;
}

function Workbench() {
  const tab = useStore((of) => of.tab);
  const jobs = useStore((of) => of.jobs);
  const judged = useStore((of) => of.judged);
  const panes = useRef(null);
  const missing = missingSecrets(judged).length;
  const tabs = TABS.map(({ id, label }) => ({
    id,
    label,
    count: id === "settings" && missing ? missing : undefined,
    mark: jobs[id]?.state === "running" ? "running" : "",
  }));
  // a panel that was shown once stays, hidden, with what was chosen in it
  const [visited] = useState(() => new Set());
  visited.add(tab);
  return html`<main class="panes" ref=${panes}>
    <div class="left">
      <${Editor} />
      <${Findings} />
    </div>
    <${Splitter} panes=${panes} />
    <div class="right">
      <${Tabs} tabs=${tabs} chosen=${tab} onChoose=${showTab} label="Views" prefix="main" />
      <${Panel} prefix="main" chosen=${tab} className="main-panel">
        ${TABS.filter(({ id }) => visited.has(id)).map(
          ({ id, panel: Shown }) =>
            html`<div key=${id} class="view" hidden=${id !== tab}><${Shown} /></div>`,
        )}
      <//>
    </div>
  </main>`;
}

function App() {
  const file = useStore((of) => of.file);
  const tab = useStore((of) => of.tab);
  const isStart = tab === "start" || !file;
  return html`<${TopBar} />
    <${Connection} />
    <${Notice} />
    ${isStart && html`<main><${Start} /></main>`}
    ${file && html`<div class="workbench" hidden=${isStart}><${Workbench} key=${file.name} /></div>`}
    <${Dialog} />`;
}

async function open() {
  const place = placeOfAddress();
  const name = opened.name || place.name;
  try {
    await loadProject();
  } catch (error) {
    if (!error.isConnection) {
      notify("error", error.message, error.remedy);
    }
    return;
  }
  const tab = TABS.some((one) => one.id === place.tab) ? place.tab : "resources";
  if (!name || !(await openConnector(name, { tab }))) {
    change({ tab: "start" });
  }
}

onConnection((connection) => {
  const before = current().connection;
  if (before?.status !== connection?.status) {
    change({ connection });
  }
});
window.addEventListener("beforeunload", (event) => {
  if (isDirty(current())) {
    event.preventDefault();
  }
});
window.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "s" && !event.defaultPrevented) {
    event.preventDefault();
    save();
  }
});
const root = document.getElementById("app");
root.textContent = "";
render(html`<${App} />`, root);
open();
