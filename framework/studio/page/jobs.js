// Jobs: start one, follow it until it has ended, stop it.

import { html, useEffect, useState } from "./vendor/preact.js";
import { ApiError, get, post, remove } from "./api.js";
import { change, current, useStore } from "./store.js";
import { plural, seconds } from "./units.js";

const MOST_LINES = 200;
const FIRST_WAIT = 150;
const LONGEST_WAIT = 1000;

const asError = (error) =>
  error instanceof ApiError || (error && error.message)
    ? { message: error.message, remedy: error.remedy || "" }
    : { message: String(error), remedy: "" };

function update(kind, part) {
  change(({ jobs }) => ({ jobs: { ...jobs, [kind]: { ...jobs[kind], ...part } } }));
}

const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

/**
 * Run a job to its end and return its result, or null if it failed or was stopped.
 *
 * The state has it meanwhile under its kind. `kind` may differ from that of the request: jobs of
 * one kind for different places of the page are told apart by it. `about` is kept with the job.
 */
export async function runJob(kind, send, about = {}) {
  const job = { ...about, kind, id: null, state: "running", lines: [], seconds: 0 };
  change(({ jobs }) => ({
    jobs: { ...jobs, [kind]: { ...job, result: null, error: null, began: performance.now() } },
  }));
  try {
    const { job } = await send();
    const isStopped = current().jobs[kind].stopping;
    update(kind, { id: job });
    if (isStopped) {
      // Stop was pressed before the job had an id
      await stopJob(kind);
    }
    return await follow(kind, job);
  } catch (error) {
    update(kind, { state: "failed", error: asError(error) });
    return null;
  }
}

/** Run a job of the open connector on the text as it is. */
export function runTextJob(kind, options, about) {
  const { file, text } = current();
  return runJob(kind, () => post("jobs", { kind, name: file.name, text, ...options }), about);
}

async function follow(kind, id) {
  let wait = FIRST_WAIT;
  let failures = 0;
  for (;;) {
    let told;
    try {
      told = await get(`jobs/${id}`);
      failures = 0;
    } catch (error) {
      failures += 1;
      if (error.status !== 0 || failures > 5) {
        throw error;
      }
      await pause(LONGEST_WAIT);
      continue;
    }
    if (current().jobs[kind]?.id !== id) {
      return null;
    }
    update(kind, { ...told, id, error: told.error ? asError(wordsOf(told.error)) : null });
    if (told.state !== "running") {
      return told.state === "done" ? told.result : null;
    }
    await pause(wait);
    wait = Math.min(wait * 1.3, LONGEST_WAIT);
  }
}

const wordsOf = (error) => (typeof error === "string" ? { message: error } : error);

/** Stop a job that runs. */
export async function stopJob(kind) {
  const job = current().jobs[kind];
  if (!job) {
    return;
  }
  update(kind, { stopping: true });
  if (!job.id) {
    return;
  }
  try {
    await remove(`jobs/${job.id}`);
  } catch (error) {
    if (error.status !== 404) {
      update(kind, { error: asError(error) });
    }
    update(kind, { stopping: false });
  }
}

export const useJob = (kind) => useStore((of) => of.jobs[kind]);

export const isRunning = (job) => job?.state === "running";

/** A button that starts a job and becomes Stop while it runs. */
export function JobButton({ kind, start, children, disabled, secondary }) {
  const job = useJob(kind);
  if (isRunning(job)) {
    return html`<button class="stop" onClick=${() => stopJob(kind)} disabled=${job.stopping}>
      ${job.stopping ? "Stopping …" : "Stop"}
    </button>`;
  }
  return html`<button class=${secondary ? "" : "primary"} onClick=${start} disabled=${disabled}>
    ${children}
  </button>`;
}

function useElapsed(job) {
  const [, tick] = useState(0);
  const running = isRunning(job);
  useEffect(() => {
    if (!running) {
      return undefined;
    }
    const timer = setInterval(() => tick((number) => number + 1), 500);
    return () => clearInterval(timer);
  }, [running]);
  return running ? (performance.now() - job.began) / 1000 : job?.seconds;
}

const STATES = { running: "Running", done: "Done", failed: "Failed", stopped: "Stopped" };

/** What a job says: its state, its last lines, and why it failed. */
export function JobStatus({ kind, idle, lines = true }) {
  const job = useJob(kind);
  const elapsed = useElapsed(job);
  if (!job) {
    return html`<p class="empty" role="status">${idle}</p>`;
  }
  const shown = (job.lines || []).slice(-MOST_LINES);
  const missing = (job.lines || []).length - shown.length;
  return html`<div class="job">
    <p class="job-state" role="status" aria-live="polite" data-state=${job.state}>
      <span class=${`dot ${job.state}`} aria-hidden="true"></span>
      <strong>${STATES[job.state] || job.state}</strong>
      ${job.resource && html` <span class="mono">${job.resource}</span>`} ${" "}<span
        class="quiet"
        aria-hidden=${isRunning(job)}
        >${seconds(elapsed)}</span
      >
      ${isRunning(job) && shown.length > 0 && html`<span class="quiet last-line">${shown.at(-1)}</span>`}
    </p>
    ${job.error && html`<${Trouble} error=${job.error} />`}
    ${
      lines &&
      shown.length > 0 &&
      html`<details open=${job.state === "failed"}>
        <summary>${plural(job.lines.length, "line")} of output</summary>
        <pre class="lines" tabindex="0">
${missing > 0 ? `… ${plural(missing, "earlier line")} left out\n` : ""}${shown.join("\n")}</pre>
      </details>`
    }
  </div>`;
}

/** An error in words: what happened and what to do. */
export function Trouble({ error }) {
  return html`<div class="trouble" role="alert">
    <p>${error.message}</p>
    ${error.remedy && html`<p class="remedy">${error.remedy}</p>`}
  </div>`;
}

export const troubleOf = asError;
