// Runs: rows and seconds of each run over time, and a table of the same.

import { html, useEffect, useState } from "./vendor/preact.js";
import { get } from "./api.js";
import { Heads } from "./data_table.js";
import { Trouble, isRunning, troubleOf, useJob } from "./jobs.js";
import { STATUS_DOTS } from "./run.js";
import { useStore } from "./store.js";
import { count, plural, seconds, time } from "./units.js";

const MOST_BARS = 60;
const BAR = 8;
const GAP = 3;
const TALL = 72;

function Bars({ runs, value, title, word, chosen, choose }) {
  const shown = runs.slice(0, MOST_BARS).reverse();
  const most = Math.max(1e-9, ...shown.map((run) => run[value] || 0));
  const width = shown.length * (BAR + GAP);
  return html`<figure class="bars">
    <figcaption>${title} <span class="quiet">most ${word(most)}</span></figcaption>
    <svg
      width=${width}
      height=${TALL + 2}
      role="img"
      aria-label=${`${title} of each run, oldest first; the table says the same`}
    >
      <line class="base" x1="0" x2=${width} y1=${TALL + 1} y2=${TALL + 1} />
      ${shown.map((run, index) => {
        const height = Math.max(2, (TALL * (run[value] || 0)) / most);
        return html`<rect
          class=${`bar ${STATUS_DOTS[run.status] || ""} ${run.id === chosen ? "chosen" : ""}`}
          x=${index * (BAR + GAP)}
          y=${TALL - height}
          width=${BAR}
          height=${height}
          onClick=${() => choose(run.id)}
        >
          <title>${`${time(run.started)}: ${word(run[value] || 0)}, ${run.status}`}</title>
        </rect>`;
      })}
    </svg>
  </figure>`;
}

function Detail({ run }) {
  return html`<tr class="more">
    <td colspan="5">
      ${run.error && html`<p class="trouble">${run.error}</p>`}
      <table class="grid inner">
        <thead>
          <${Heads} titles=${["Resource", "Status"]} numbers=${["Rows", "Requests", "Time"]} />
        </thead>
        <tbody>
          ${run.resources.map(
            (one) =>
              html`<tr>
                  <th scope="row">${one.name}</th>
                  <td>${one.status}</td>
                  <td class="number">${count(one.rows)}</td>
                  <td class="number">${count(one.requests)}</td>
                  <td class="number">${seconds(one.seconds)}</td>
                </tr>
                ${
                  one.error &&
                  html`<tr>
                    <td colspan="5"><p class="trouble">${one.error}</p></td>
                  </tr>`
                }`,
          )}
        </tbody>
      </table>
    </td>
  </tr>`;
}

export function Runs() {
  const name = useStore((of) => of.file?.name);
  const job = useJob("run");
  const [runs, setRuns] = useState(null);
  const [error, setError] = useState(null);
  const [chosen, choose] = useState(null);
  const ended = isRunning(job) ? null : job?.id;
  useEffect(() => {
    let isNewest = true;
    get("runs", { name }).then(
      (answer) => isNewest && (setRuns(answer.runs), setError(null)),
      (problem) => isNewest && setError(troubleOf(problem)),
    );
    return () => {
      isNewest = false;
    };
  }, [name, ended]);
  if (error) {
    return html`<${Trouble} error=${error} />`;
  }
  if (!runs) {
    return html`<p class="empty" role="status">Reading the ledger …</p>`;
  }
  if (!runs.length) {
    return html`<p class="empty" role="status">
      No run has been loaded into the project’s DuckDB file yet.
    </p>`;
  }
  return html`<div class="charts">
      <${Bars}
        runs=${runs}
        value="rows"
        title="Rows"
        word=${count}
        chosen=${chosen}
        choose=${choose}
      />
      <${Bars}
        runs=${runs}
        value="seconds"
        title="Time"
        word=${seconds}
        chosen=${chosen}
        choose=${choose}
      />
    </div>
    ${runs.length > MOST_BARS && html`<p class="left-out">The bars are of the newest ${MOST_BARS} of ${plural(runs.length, "run")}.</p>`}
    <div class="grid-box" role="region" aria-label="Runs" tabindex="0">
      <table class="grid">
        <thead>
          <${Heads}
            titles=${["Started", "Status"]}
            numbers=${["Rows", "Time"]}
            last=${["Resources"]}
          />
        </thead>
        <tbody>
          ${runs.map(
            (run) =>
              html`<tr class=${run.id === chosen ? "selected" : ""}>
                  <th scope="row">
                    <button
                      class="link"
                      aria-expanded=${run.id === chosen}
                      onClick=${() => choose(run.id === chosen ? null : run.id)}
                    >
                      ${time(run.started)}
                    </button>
                  </th>
                  <td>
                    <span class=${`dot ${STATUS_DOTS[run.status] || ""}`} aria-hidden="true"></span
                    >${" "}${run.status}
                  </td>
                  <td class="number">${count(run.rows)}</td>
                  <td class="number">${seconds(run.seconds)}</td>
                  <td>${plural(run.resources.length, "resource")}</td>
                </tr>
                ${run.id === chosen && html`<${Detail} run=${run} />`}`,
          )}
        </tbody>
      </table>
    </div>`;
}
