// Check: the proofs of `check --deep`, with the change that helps beside each fault.

import { html, useState } from "./vendor/preact.js";
import { ResourceChoice, SourceChoice, useSource } from "./choices.js";
import { editor, notify } from "./connector.js";
import { Diff } from "./diff.js";
import { JobButton, JobStatus, isRunning, runTextJob, useJob } from "./jobs.js";
import { SecretsMissing } from "./look.js";
import { current, useStore } from "./store.js";
import { plural } from "./units.js";

const WORDS = { ok: "proved", fault: "fault", fixed: "fix found", unknown: "unknown" };
const DOTS = { ok: "done", fault: "failed", fixed: "changed", unknown: "stopped" };
const isFault = (proof) => proof.outcome === "fault" || proof.outcome === "fixed";

function Proof({ proof, basis }) {
  const text = useStore((of) => of.text);
  const isCurrent = text === basis;
  const apply = () => {
    editor.setText(proof.fix.text);
    notify("ok", "The fix is in the editor. Check again, then save.");
  };
  return html`<li class=${`proof ${proof.outcome}`}>
    <p>
      <span class=${`dot ${DOTS[proof.outcome] || ""}`} aria-hidden="true"></span>
      <strong>${WORDS[proof.outcome] || proof.outcome}</strong>${" "}
      <span class="mono">${proof.about}</span>
      ${proof.message && html`: ${proof.message}`}
      ${proof.code && html` <code class="code-name">${proof.code}</code>`}
      ${proof.line && html` <button class="link" onClick=${() => editor.reveal(proof.line, 1, true)}>line ${proof.line}</button>`}
    </p>
    ${proof.remedy && html`<p class="remedy">${proof.remedy}</p>`}
    ${proof.diff && html`<${Diff} text=${proof.diff} label="Change of the file that helps" />`}
    ${
      proof.fix &&
      html`<button
        class="primary"
        onClick=${apply}
        disabled=${!isCurrent}
        aria-label=${`Apply the fix of ${proof.resource} ${proof.about}`}
      >
        Apply
      </button>`
    }
    ${proof.fix && !isCurrent && html` <span class="quiet">The file has changed since: check again.</span>`}
  </li>`;
}

function Proofs({ job }) {
  const { proofs } = job.result;
  const groups = new Map();
  for (const proof of proofs) {
    groups.set(proof.resource, [...(groups.get(proof.resource) || []), proof]);
  }
  const faults = proofs.filter(isFault).length;
  if (!proofs.length) {
    return html`<p class="empty">Nothing to prove.</p>`;
  }
  return html`<p>
      <strong>${faults ? plural(faults, "fault") : "No faults"}</strong> in${" "}
      ${plural(proofs.length, "proof")} of ${plural(groups.size, "resource")}
    </p>
    ${[...groups].map(
      ([name, found]) =>
        html`<section aria-label=${name}>
          <h3 class="mono">${name}</h3>
          <ul class="proofs">
            ${[...found]
              .sort((a, b) => isFault(b) - isFault(a))
              .map((proof) => html`<${Proof} proof=${proof} basis=${job.basis} />`)}
          </ul>
        </section>`,
    )}`;
}

export function Check() {
  const job = useJob("check");
  const [source, setSource] = useSource();
  const [resources, setResources] = useState(null);
  const start = () => runTextJob("check", { source, resources }, { basis: current().text });
  return html`<form class="controls" onSubmit=${(event) => event.preventDefault()}>
      <${SourceChoice}
        id="check-source"
        value=${source}
        onChange=${setSource}
        kinds=${["live", "cassette"]}
      />
      <${ResourceChoice} value=${resources} onChange=${setResources} />
      <${JobButton} kind="check" start=${start}>Check<//>
    </form>
    <${SecretsMissing} source=${source} />
    <${JobStatus}
      kind="check"
      idle="Checks the file against real responses: selectors, pagination, keys, schemas, incremental."
    />
    ${job?.result && !isRunning(job) && html`<${Proofs} job=${job} />`}`;
}
