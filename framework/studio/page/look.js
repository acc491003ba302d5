// Look: what a resource requests, what comes back, and what each step makes of it.

import { html, useEffect, useRef, useState } from "./vendor/preact.js";
import { post } from "./api.js";
import { NumberField, SourceChoice, useSource } from "./choices.js";
import { editor, notify, notifyError, rejudge, selectResource, showTab } from "./connector.js";
import { Grid, Records } from "./data_table.js";
import { Diff } from "./diff.js";
import { Expression } from "./expression.js";
import { JobButton, JobStatus, isRunning, runTextJob, useJob } from "./jobs.js";
import { Requests } from "./requests.js";
import { missingSecrets } from "./settings.js";
import { current, isDirty, useStore } from "./store.js";
import { Panel, Tabs } from "./tabs.js";
import { count, inline, plural } from "./units.js";

const MOST_WINDOWS = 20;

/** Say which secrets a live request will miss, with the way to set them. */
export function SecretsMissing({ source }) {
  const judged = useStore((of) => of.judged);
  const missing = missingSecrets(judged);
  if (source !== "live" || !missing.length) {
    return null;
  }
  return html`<p class="hint" role="note">
    ${plural(missing.length, "secret")} not set:${" "}<span class="mono">${missing.join(", ")}</span
    >.${" "}
    <button class="link" onClick=${() => showTab("settings")}>Set it under Settings</button>
  </p>`;
}

function Warnings({ warnings }) {
  if (!warnings?.length) {
    return null;
  }
  return html`<ul class="warnings" aria-label="Warnings">
    ${warnings.map(
      (one) =>
        html`<li>
          <strong class="severity warning">warning</strong>${" "}${one.message}${" "}<code
            class="code-name"
            >${one.code}</code
          >
        </li>`,
    )}
  </ul>`;
}

function Tables({ tables }) {
  if (!tables.length) {
    return html`<p class="empty">No table got a row.</p>`;
  }
  return tables.map((table) => {
    const columns = table.columns.map((column) => ({
      name: column.name,
      type: [column.type, column.primary_key ? "key" : column.nullable === false && "not null"]
        .filter(Boolean)
        .join(", "),
    }));
    return html`<section aria-label=${`Table ${table.name}`}>
      <h3 class="part">
        <span class="mono">${table.name}</span>${" "}
        <span class="quiet"
          >${plural(table.row_count, "row")}, ${plural(columns.length, "column")}</span
        >
      </h3>
      ${
        table.rows.length
          ? html`<${Grid}
              columns=${columns}
              rows=${table.rows}
              total=${table.row_count}
              what="row"
              label=${`Rows of ${table.name}`}
            />`
          : html`<p class="empty">No rows.</p>`
      }
    </section>`;
  });
}

/** Put the `schema:` line into the text, or say that it is to be written. */
function takeEdits({ edits, note }, resource) {
  if (!edits?.length) {
    return note;
  }
  if (isDirty(current())) {
    return `Write \`schema: ${resource}\` into the resource to use it.`;
  }
  editor.applyEdits(edits);
  return "Save the file to keep its schema: line.";
}

function Schema({ schema, resource }) {
  const [accepted, setAccepted] = useState(false);
  useEffect(() => setAccepted(false), [schema]);
  const accept = async () => {
    const { file } = current();
    try {
      const answer = await post("schema", { name: file.name, resource, text: schema.after });
      setAccepted(true);
      notify("ok", `Wrote ${answer.path}.`, takeEdits(answer, resource));
      rejudge();
    } catch (error) {
      notifyError(error);
    }
  };
  if (!schema.diff) {
    return html`<p class="empty">The declared schema fits the records: nothing to change.</p>`;
  }
  return html`<div class="row">
      <p class="grow">
        The JSON Schema that the records have, beside ${schema.before ? "the present one" : "none"}:
        <span class="mono"> ${schema.path}</span>
      </p>
      <button class="primary" onClick=${accept} disabled=${accepted}>
        ${accepted ? "Accepted" : "Accept"}
      </button>
    </div>
    <${Diff} text=${schema.diff} label="Change of the schema" />`;
}

function NextRequest({ request }) {
  if (!request) {
    return html`<dd>not known before the run</dd>`;
  }
  if (typeof request === "string") {
    return html`<dd>${request}</dd>`;
  }
  return html`<dd>
    ${request.method} ${request.url}
    ${request.body && html`<div class="quiet">${inline(request.body, 2000)}</div>`}
  </dd>`;
}

const rangeOf = (window) => (Array.isArray(window) ? window : [window.start, window.end]);

function Incremental({ incremental }) {
  const windows = (incremental.windows || []).slice(0, MOST_WINDOWS);
  const more = (incremental.window_count || 0) - windows.length;
  return html`<dl class="pairs">
      <dt>Cursor</dt>
      <dd>${incremental.cursor_path || "–"}</dd>
      <dt>Parameter</dt>
      <dd>${incremental.param || "–"}</dd>
      <dt>Watermark of the last run</dt>
      <dd>${inline(incremental.watermark) || "none yet"}</dd>
      <dt>The next run requests</dt>
      <${NextRequest} request=${incremental.next_request} />
    </dl>
    ${
      windows.length > 0 &&
      html`<h3 class="part">${plural(incremental.window_count, "window")} of the next run</h3>
        <ol class="windows mono">
          ${windows.map(
            (one) =>
              html`<li>
                ${rangeOf(one)
                  .map((end) => inline(end) || "open")
                  .join(" … ")}
              </li>`,
          )}
        </ol>
        ${more > 0 && html`<p class="left-out">${plural(more, "more window")} not shown.</p>`}`
    }`;
}

function partsOf(result) {
  const { requests, steps, tables, schema, incremental } = result;
  const parts = [{ id: "requests", label: "Requests", count: count(requests.length) }];
  steps.forEach((step, index) =>
    parts.push({
      id: `step-${index}`,
      label: step.title,
      count: count(step.count),
      kind: "follows",
    }),
  );
  parts.push({ id: "tables", label: "Tables", count: count(tables.length), kind: "follows" });
  if (schema) {
    parts.push({ id: "schema", label: "Schema", mark: schema.diff ? "changed" : "" });
  }
  if (incremental) {
    parts.push({ id: "incremental", label: "Incremental" });
  }
  return parts;
}

function Part({ part, result, resource, onTry }) {
  if (part === "requests") {
    return html`<${Requests} requests=${result.requests} resource=${resource} onTry=${onTry} />`;
  }
  if (part === "tables") {
    return html`<${Tables} tables=${result.tables} />`;
  }
  if (part === "schema" && result.schema) {
    return html`<${Schema} schema=${result.schema} resource=${resource} />`;
  }
  if (part === "incremental" && result.incremental) {
    return html`<${Incremental} incremental=${result.incremental} />`;
  }
  const step = result.steps[Number(part.slice("step-".length))];
  return html`<${Records}
    key=${part}
    records=${step.records}
    total=${step.count}
    label=${`Records after ${step.title}`}
  />`;
}

function Result({ job }) {
  const [chosen, choose] = useState("requests");
  const [tried, setTried] = useState(null);
  const onTry = (text, request) => setTried({ text, target: `request:${request.id}` });
  const { result } = job;
  const parts = partsOf(result);
  const part = parts.some((one) => one.id === chosen) ? chosen : "requests";
  return html`<${Warnings} warnings=${result.warnings} />
    <${Tabs}
      tabs=${parts}
      chosen=${part}
      onChoose=${choose}
      label="From requests to tables"
      prefix="look"
      className="tabs flow"
    />
    <${Panel} prefix="look" chosen=${part} className="look-part">
      <${Part}
        key=${job.id}
        part=${part}
        result=${result}
        resource=${job.resource}
        onTry=${onTry}
      />
    <//>
    <${Expression} job=${job} part=${part} tried=${tried} />`;
}

export function Look() {
  const graph = useStore((of) => of.judged?.graph) || [];
  const resource = useStore((of) => of.resource);
  const job = useJob("look");
  const [source, setSource] = useSource();
  const [pages, setPages] = useState(2);
  const [records, setRecords] = useState(100);
  // the look before stays until there is a new one, with what was chosen and typed in it
  const last = useRef(null);
  if (job?.result) {
    last.current = job;
  }
  const shown = last.current;
  const fetchIt = () =>
    runTextJob(
      "look",
      { resource, source, pages: pages || 2, records: records || 100 },
      { resource },
    );
  return html`<form class="controls" onSubmit=${(event) => event.preventDefault()}>
      <label for="look-resource">
        Resource
        <select
          id="look-resource"
          value=${resource || ""}
          onChange=${(event) => selectResource(event.target.value)}
        >
          ${graph.map((node) => html`<option value=${node.name}>${node.name}</option>`)}
        </select>
      </label>
      <${SourceChoice}
        id="look-source"
        value=${source}
        onChange=${setSource}
        kinds=${["live", "cassette", "mock"]}
      />
      <${NumberField}
        id="look-pages"
        label="Pages"
        value=${pages}
        onChange=${setPages}
        most=${50}
      />
      <${NumberField}
        id="look-records"
        label="Records"
        value=${records}
        onChange=${setRecords}
        most=${10000}
      />
      <${JobButton} kind="look" start=${fetchIt} disabled=${!resource}>Fetch<//>
    </form>
    <${SecretsMissing} source=${source} />
    <${JobStatus}
      kind="look"
      idle="Fetch a few pages to see what the API returns and what becomes of it."
      lines=${!job?.result}
    />
    ${
      shown &&
      html`<div class=${shown === job ? "" : "stale"} aria-busy=${isRunning(job)}>
        ${shown !== job && html`<p class="quiet">Below is the look before, at ${shown.resource}.</p>`}
        <${Result} job=${shown} />
      </div>`
    }`;
}
