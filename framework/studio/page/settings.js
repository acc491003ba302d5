// Secrets and config of a connector: what it declares, what is set, and fields to set them.

import { html, useState } from "./vendor/preact.js";
import { post } from "./api.js";
import { notify, rejudge } from "./connector.js";
import { Trouble, troubleOf } from "./jobs.js";
import { current, useStore } from "./store.js";
import { inline } from "./units.js";

/** The names of secrets that are declared and not set. */
export const missingSecrets = (judged) =>
  (judged?.secrets || []).filter((one) => !one.is_set).map((one) => one.name);

function Field({ entry, isSecret }) {
  const [value, setValue] = useState("");
  const [store, setStore] = useState(false);
  const [error, setError] = useState(null);
  const id = `setting-${entry.name}`;
  const submit = async (event) => {
    event.preventDefault();
    try {
      const body = { connector: current().file.name, name: entry.name, value };
      await post("secrets", store ? { ...body, store: true } : body);
      setValue("");
      setError(null);
      notify(
        "ok",
        `${entry.name} is set for this session${store ? " and kept in .dlt/secrets.toml" : ""}.`,
      );
      rejudge();
    } catch (problem) {
      setError(troubleOf(problem));
    }
  };
  return html`<form class="setting" onSubmit=${submit}>
    <label for=${id}>
      <span class="mono">${entry.name}</span>
      <span class=${entry.is_set ? "badge ok" : "badge"}
        >${entry.is_set ? "set" : isSecret ? "not set" : "default"}</span
      >
    </label>
    ${entry.description && html`<p class="quiet" id=${`${id}-about`}>${entry.description}</p>`}
    ${
      !isSecret &&
      html`<p class="quiet">
        ${entry.type ? `${entry.type}, ` : ""}${entry.default === null || entry.default === undefined ? "no default" : `default ${inline(entry.default)}`}
      </p>`
    }
    <div class="row">
      <input
        id=${id}
        type=${isSecret ? "password" : "text"}
        autocomplete="off"
        spellcheck=${false}
        value=${value}
        aria-describedby=${entry.description ? `${id}-about` : undefined}
        onInput=${(event) => setValue(event.target.value)}
      />
      <button type="submit" disabled=${!value} aria-label=${`Set ${entry.name}`}>Set</button>
      ${
        isSecret &&
        html`<label class="check">
          <input
            type="checkbox"
            checked=${store}
            onChange=${(event) => setStore(event.target.checked)}
          />
          keep in .dlt/secrets.toml
        </label>`
      }
    </div>
    ${error && html`<${Trouble} error=${error} />`}
  </form>`;
}

export function Settings() {
  const judged = useStore((of) => of.judged);
  const secrets = judged?.secrets || [];
  const config = judged?.config || [];
  return html`<section aria-labelledby="secrets-title">
      <h3 id="secrets-title">Secrets</h3>
      <p class="quiet">
        Kept in memory until the studio ends, unless you have one kept in a file. No page and no log
        shows them again.
      </p>
      ${secrets.map((entry) => html`<${Field} key=${entry.name} entry=${entry} isSecret=${true} />`)}
      ${!secrets.length && html`<p class="empty">The file declares no secrets.</p>`}
    </section>
    <section aria-labelledby="config-title">
      <h3 id="config-title">Config</h3>
      <p class="quiet">What is set here counts for this session’s looks, checks and runs.</p>
      ${config.map((entry) => html`<${Field} key=${entry.name} entry=${entry} isSecret=${false} />`)}
      ${!config.length && html`<p class="empty">The file declares no config.</p>`}
    </section>`;
}
