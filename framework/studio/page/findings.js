// The findings below the editor: where, what, and a button for each fix.

import { html } from "./vendor/preact.js";
import { editor } from "./connector.js";
import { useStore } from "./store.js";
import { plural } from "./units.js";

const MOST = 200;

function Fix({ fix, isCurrent }) {
  const apply = () => editor.applyEdits([{ from: fix.from, to: fix.to, insert: fix.insert }]);
  return html`<button class="small" onClick=${apply} disabled=${!isCurrent}>${fix.title}</button>`;
}

function Finding({ finding, isCurrent }) {
  const show = () => editor.reveal(finding.line, finding.column, true);
  return html`<li class=${`finding ${finding.severity}`}>
    <button
      class="place link"
      onClick=${show}
      aria-label=${`Line ${finding.line}, column ${finding.column}: show in the editor`}
    >
      ${finding.line}:${finding.column}
    </button>
    <span class="finding-text">
      <strong class=${`severity ${finding.severity}`}>${finding.severity}</strong>
      ${" "}<span>${finding.message}</span> <code class="code-name">${finding.code}</code>
      ${
        finding.fixes.length > 0 &&
        html`<span class="fixes">
          ${finding.fixes.map((fix) => html`<${Fix} fix=${fix} isCurrent=${isCurrent} />`)}
        </span>`
      }
    </span>
  </li>`;
}

/** How many findings, in words. */
export function summary(findings) {
  const errors = findings.filter((one) => one.severity === "error").length;
  const warnings = findings.length - errors;
  const words = [errors && plural(errors, "error"), warnings && plural(warnings, "warning")];
  return words.filter(Boolean).join(", ") || "No findings";
}

export function Findings() {
  const judged = useStore((of) => of.judged);
  const text = useStore((of) => of.text);
  const findings = judged?.findings || [];
  return html`<section class="findings" aria-labelledby="findings-title">
    <h2 id="findings-title">
      Findings
      <span class="quiet" role="status" aria-live="polite"
        >${judged ? summary(findings) : "…"}</span
      >
    </h2>
    ${
      findings.length > 0 &&
      html`<ul tabindex="0" aria-label="Findings">
        ${findings
          .slice(0, MOST)
          .map(
            (finding) => html`<${Finding} finding=${finding} isCurrent=${judged.text === text} />`,
          )}
        ${
          findings.length > MOST &&
          html`<li class="left-out">
            ${plural(findings.length - MOST, "more finding")} not shown
          </li>`
        }
      </ul>`
    }
  </section>`;
}
