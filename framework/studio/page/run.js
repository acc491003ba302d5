// Run: load the resources into the default DuckDB file, and show the report.

import { html, useState } from "./vendor/preact.js";
import { NumberField, ResourceChoice, SourceChoice, useLoadSource } from "./choices.js";
import { Heads } from "./data_table.js";
import { JobButton, JobStatus, isRunning, useJob } from "./jobs.js";
import { SecretsMissing } from "./look.js";
import { runSaved } from "./record.js";
import { isDirty, useStore } from "./store.js";
import { bytes, count, plural, seconds } from "./units.js";

export const STATUS_DOTS = {
  ok: "done",
  partial: "changed",
  skipped: "changed",
  failed: "failed",
  interrupted: "stopped",
  not_loaded: "stopped",
};

const words = (numbers) =>
  Object.entries(numbers || {})
    .map(([reason, number]) => `${count(number)} by ${reason}`)
    .join(", ");

function ResourceRow({ one }) {
  const left = [
    words(one.left_out) && `left out ${words(one.left_out)}`,
    words(one.not_asked) && `not asked ${words(one.not_asked)}`,
  ];
  return html`<tr>
      <th scope="row">${one.name}</th>
      <td>
        <span class=${`dot ${STATUS_DOTS[one.status] || ""}`} aria-hidden="true"></span
        >${" "}${one.status}
      </td>
      <td class="number">${count(one.rows)}</td>
      <td class="number">${count(one.requests)}</td>
      <td class="number">${count(one.retries)}</td>
      <td class="number">${one.waited ? seconds(one.waited) : ""}</td>
      <td class="number">${bytes(one.bytes)}</td>
      <td>${left.filter(Boolean).join("; ")}</td>
    </tr>
    ${
      one.error &&
      html`<tr class="more">
        <td colspan="8"><p class="trouble">${one.error}</p></td>
      </tr>`
    }
    ${(one.warnings || []).map(
      (warning) =>
        html`<tr class="more">
          <td colspan="8">
            <strong class="severity warning">warning</strong>${" "}${warning.message}${" "}<code
              class="code-name"
              >${warning.code}</code
            >
          </td>
        </tr>`,
    )}`;
}

function Report({ report }) {
  return html`<p class=${`result ${{ ok: "ok", failed: "error" }[report.status] || "changed"}`}>
      <strong>${report.status}</strong> in ${seconds(report.seconds)}
      ${report.database && html`, into <span class="mono">${report.database}</span>`}
      ${report.dataset && html`, dataset <span class="mono">${report.dataset}</span>`}
    </p>
    ${report.error && html`<p class="trouble">${report.error}</p>`}
    ${(report.warnings || []).map((one) => html`<p><strong class="severity warning">warning</strong> ${one.message}</p>`)}
    <div class="grid-box" role="region" aria-label="Resources of the run" tabindex="0">
      <table class="grid">
        <thead>
          <${Heads}
            titles=${["Resource", "Status"]}
            numbers=${["Rows", "Requests", "Retries", "Waited", "Read"]}
            last=${["Left out"]}
          />
        </thead>
        <tbody>
          ${report.resources.map((one) => html`<${ResourceRow} one=${one} />`)}
        </tbody>
      </table>
    </div>
    ${
      report.tables?.length > 0 &&
      html`<h3 class="part">${plural(report.tables.length, "table")}</h3>
        <div class="grid-box" role="region" aria-label="Tables" tabindex="0">
          <table class="grid">
            <thead>
              <${Heads} titles=${["Table"]} numbers=${["Rows"]} />
            </thead>
            <tbody>
              ${report.tables.map(
                (table) =>
                  html`<tr>
                    <th scope="row" class="mono">${table.name}</th>
                    <td class="number">${count(table.row_count)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>`
    }`;
}

export function Run() {
  const job = useJob("run");
  const dirty = useStore(isDirty);
  const [source, setSource] = useLoadSource();
  const [resources, setResources] = useState(null);
  const [limit, setLimit] = useState(null);
  return html`<form class="controls" onSubmit=${(event) => event.preventDefault()}>
      <${SourceChoice}
        id="run-source"
        value=${source}
        onChange=${setSource}
        kinds=${["live", "cassette", "mock"]}
      />
      <${ResourceChoice} value=${resources} onChange=${setResources} />
      <${NumberField}
        id="run-limit"
        label="Records a resource"
        value=${limit}
        onChange=${setLimit}
        placeholder="all"
      />
      <${JobButton} kind="run" start=${() => runSaved("run", { source, resources, limit })}
        >${dirty ? "Save and run" : "Run"}<//
      >
    </form>
    <${SecretsMissing} source=${source} />
    <${JobStatus} kind="run" idle="Loads the tables into the project’s DuckDB file." />
    ${job?.result && !isRunning(job) && html`<${Report} report=${job.result} />`}`;
}
