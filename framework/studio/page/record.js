// Record and test: a scrubbed recording of the API, and the tables that it must give.

import { html, useState } from "./vendor/preact.js";
import { NumberField, ResourceChoice } from "./choices.js";
import { ensureSaved, refreshFacts } from "./connector.js";
import { JobButton, JobStatus, isRunning, runTextJob, useJob } from "./jobs.js";
import { SecretsMissing } from "./look.js";
import { useStore, isDirty } from "./store.js";
import { plural } from "./units.js";

/** Save the file if need be, then run a job that needs it saved. */
export async function runSaved(kind, options) {
  if (await ensureSaved()) {
    const result = await runTextJob(kind, options);
    await refreshFacts();
    return result;
  }
  return null;
}

function Recorded({ result }) {
  const rows = typeof result.rows === "number" ? `, ${plural(result.rows, "row")}` : "";
  return html`<p class="result ok">
    Recorded ${plural(result.requests, "request")}${rows}: <span class="mono">${result.path}</span>
  </p>`;
}

function Tested({ result }) {
  return html`<p class=${`result ${result.ok ? "ok" : "error"}`}>
      <strong>${result.ok ? "The test passed." : "The test failed."}</strong>
    </p>
    ${result.lines?.length > 0 && html`<pre class="lines" tabindex="0" aria-label="Output of the test">${result.lines.join("\n")}</pre>`}`;
}

export function RecordAndTest() {
  const file = useStore((of) => of.file);
  const dirty = useStore(isDirty);
  const recorded = useJob("record");
  const tested = useJob("test");
  const [resources, setResources] = useState(null);
  const [limit, setLimit] = useState(null);
  const first = dirty ? "Save and " : "";
  const word = (text) => (first ? first + text.toLowerCase() : text);
  return html`<section aria-labelledby="record-title">
      <h3 id="record-title">Record</h3>
      <p class="quiet">
        Runs the connector on the API and writes what it requested and got, without secrets and
        personal data, to
        <span class="mono"> cassettes/${file.name}.yaml</span>.
        ${file.cassette ? " There is a recording; a new one replaces it." : " There is none yet."}
      </p>
      <form class="controls" onSubmit=${(event) => event.preventDefault()}>
        <${ResourceChoice} value=${resources} onChange=${setResources} />
        <${NumberField}
          id="record-limit"
          label="Records a resource"
          value=${limit}
          onChange=${setLimit}
          placeholder="all"
        />
        <${JobButton} kind="record" start=${() => runSaved("record", { resources, limit })}
          >${word("Record")}<//
        >
      </form>
      <${SecretsMissing} source="live" />
      <${JobStatus} kind="record" idle="" />
      ${recorded?.result && !isRunning(recorded) && html`<${Recorded} result=${recorded.result} />`}
    </section>
    <section aria-labelledby="test-title">
      <h3 id="test-title">Test</h3>
      <p class="quiet">
        Runs the connector on its recording, without a network, and compares its tables with the
        expected ones.
        ${file.expected ? "" : " There are no expected tables yet: accept those of a run."}
      </p>
      <div class="controls">
        <${JobButton}
          kind="test"
          start=${() => runSaved("test", { update: false })}
          disabled=${!file.cassette || !file.expected}
        >
          ${word("Test")}
        <//>
        ${
          !isRunning(tested) &&
          html`<button
            onClick=${() => runSaved("test", { update: true })}
            disabled=${!file.cassette}
          >
            ${word("Accept the tables as expected")}
          </button>`
        }
      </div>
      <${JobStatus} kind="test" idle="" lines=${false} />
      ${tested?.result && !isRunning(tested) && html`<${Tested} result=${tested.result} />`}
    </section>`;
}
