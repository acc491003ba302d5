// The expression box: JMESPath on a kept response or on the records after a step, as one types.

import { html, useEffect, useMemo, useState } from "./vendor/preact.js";
import { latest, post } from "./api.js";
import { firstOf } from "./requests.js";
import { TextView } from "./text_view.js";
import { plural } from "./units.js";

const DELAY = 150;

function targetsOf(result) {
  const requests = result.requests.map((request, index) => ({
    id: `request:${request.id}`,
    label: `response ${index + 1} (${request.resource})`,
    send: { request: request.id },
  }));
  const steps = result.steps.map((step, index) => ({
    id: `step:${index}`,
    label: `records after ${step.title}`,
    send: { step: index },
  }));
  return [...requests, ...steps];
}

const sizeOf = ({ result: value, count }) => {
  if (Array.isArray(value)) {
    return plural(count ?? value.length, "item");
  }
  return value === null ? "null" : typeof value;
};

/**
 * `job` is a look that is done; `part` is what of it is shown, which is tried on first. `tried` is
 * a {text, target} that was chosen elsewhere.
 */
export function Expression({ job, part, tried }) {
  const targets = useMemo(() => targetsOf(job.result), [job.result]);
  const send = useMemo(() => latest((body, signal) => post("try", body, signal), DELAY), []);
  const first = targets[firstOf(job.result.requests, job.resource)]?.id;
  const [target, setTarget] = useState(first);
  const [text, setText] = useState("");
  const [answer, setAnswer] = useState(null);
  const chosen = targets.find((one) => one.id === target) || targets[0];
  useEffect(() => {
    const wanted = part.startsWith("step-") ? part.replace("step-", "step:") : first;
    if (targets.some((one) => one.id === wanted)) {
      setTarget(wanted);
    }
  }, [part, targets]);
  useEffect(() => {
    if (tried) {
      setText(tried.text);
      setTarget(tried.target);
    }
  }, [tried]);
  useEffect(() => {
    let isNewest = true;
    if (!text.trim() || !chosen) {
      setAnswer(null);
      return undefined;
    }
    send({ expression: text, job: job.id, ...chosen.send }).then(
      (found) => isNewest && found && setAnswer(found),
      (error) =>
        isNewest &&
        setAnswer({ result: null, error: [error.message, error.remedy].filter(Boolean).join(" ") }),
    );
    return () => {
      isNewest = false;
    };
  }, [text, chosen?.id, job.id]);
  if (!chosen) {
    return null;
  }
  const shown = answer && !answer.error ? (JSON.stringify(answer.result, null, 2) ?? "null") : null;
  const error = answer?.error && (answer.error.message || answer.error);
  return html`<section class="expression" aria-label="Try an expression">
    <div class="row">
      <label class="grow" for="expression">
        JMESPath
        <input
          id="expression"
          class="mono"
          autocomplete="off"
          spellcheck=${false}
          placeholder="items[?status == 'open'].id"
          value=${text}
          aria-invalid=${Boolean(error)}
          aria-describedby="expression-result"
          onInput=${(event) => setText(event.target.value)}
        />
      </label>
      <label for="expression-target">
        on
        <select
          id="expression-target"
          value=${chosen.id}
          onChange=${(event) => setTarget(event.target.value)}
        >
          ${targets.map((one) => html`<option value=${one.id}>${one.label}</option>`)}
        </select>
      </label>
    </div>
    <div id="expression-result" role="status" aria-live="polite">
      ${error && html`<p class="trouble">${error}</p>`}
      ${shown !== null && html`<p class="quiet">${sizeOf(answer)}${answer.is_cut ? ", cut: its beginning is shown" : ""}</p>`}
    </div>
    ${shown !== null && html`<${TextView} text=${shown} label="Result of the expression" />`}
  </section>`;
}
