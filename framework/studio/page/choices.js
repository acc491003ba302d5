// Fields that several jobs have: where to read from, which resources, how many records.

import { html, useState } from "./vendor/preact.js";
import { missingSecrets } from "./settings.js";
import { useStore } from "./store.js";
import { plural } from "./units.js";

const SOURCES = {
  live: "the API",
  cassette: "the recording",
  mock: "a mock of the API",
};

/** Where to read from. A recording is offered only if there is one. */
export function SourceChoice({ value, onChange, kinds, id }) {
  const hasCassette = useStore((of) => Boolean(of.file?.cassette));
  return html`<label for=${id}>
    Read
    <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value)}>
      ${kinds.map(
        (kind) =>
          html`<option value=${kind} disabled=${kind === "cassette" && !hasCassette}>
            ${SOURCES[kind]}${kind === "cassette" && !hasCassette ? " (none yet)" : ""}
          </option>`,
      )}
    </select>
  </label>`;
}

/** The source to begin with: the recording if there is one, else the API. */
export function useSource() {
  const hasCassette = useStore((of) => Boolean(of.file?.cassette));
  const [chosen, choose] = useState(null);
  return [chosen ?? (hasCassette ? "cassette" : "live"), choose];
}

/** The source to load from: the API, unless its secrets are missing and there is a recording. */
export function useLoadSource() {
  const instead = useStore((of) => Boolean(of.file?.cassette && missingSecrets(of.judged).length));
  const [chosen, choose] = useState(null);
  return [chosen ?? (instead ? "cassette" : "live"), choose];
}

export function NumberField({ id, label, value, onChange, least = 1, most, placeholder }) {
  return html`<label for=${id}>
    ${label}
    <input
      id=${id}
      type="number"
      min=${least}
      max=${most}
      value=${value ?? ""}
      placeholder=${placeholder}
      onInput=${(event) => onChange(event.target.value === "" ? null : Number(event.target.value))}
    />
  </label>`;
}

/** Which resources: all that are selected in the file, or those that are ticked. */
export function ResourceChoice({ value, onChange }) {
  const graph = useStore((of) => of.judged?.graph) || [];
  const chosen = value || [];
  const toggle = (name) => {
    const next = chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name];
    onChange(next.length ? next : null);
  };
  return html`<details class="resource-choice">
    <summary>${value ? plural(value.length, "resource") : "All selected resources"}</summary>
    <fieldset>
      <legend class="hidden">Resources</legend>
      ${graph.map(
        (node) =>
          html`<label class="check">
            <input
              type="checkbox"
              checked=${chosen.includes(node.name)}
              onChange=${() => toggle(node.name)}
            />
            ${node.name}
          </label>`,
      )}
    </fieldset>
  </details>`;
}
