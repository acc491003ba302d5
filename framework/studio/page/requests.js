// The requests of a look, each with its response.

import { html, useEffect, useMemo, useState } from "./vendor/preact.js";
import { Heads } from "./data_table.js";
import { layoutJson, pathOfLine } from "./json_text.js";
import { TextView } from "./text_view.js";
import { bytes, count, plural, seconds } from "./units.js";

const MOST = 200;

const statusKind = (request) => {
  if (!request.status) {
    return "failed";
  }
  return request.status < 400 ? "done" : "failed";
};

function split(url) {
  const [path, query] = url.split(/\?(.*)/s);
  const parameters = query ? [...new URLSearchParams(query)] : [];
  return { path, parameters };
}

function pathOf(url) {
  try {
    const { pathname, search } = new URL(url);
    return pathname + search;
  } catch {
    return url;
  }
}

function Pairs({ pairs, label }) {
  if (!pairs?.length) {
    return html`<p class="empty">None.</p>`;
  }
  return html`<dl class="pairs" aria-label=${label}>
    ${pairs.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${String(value)}</dd>`,
    )}
  </dl>`;
}

function Body({ text, label, onTry }) {
  const shown = useMemo(() => layoutJson(text), [text]);
  const [path, setPath] = useState("");
  useEffect(() => setPath(""), [text]);
  const onLine = (number, line) =>
    setPath(/^[[{]/.test(shown.trimStart()) ? pathOfLine(line, number) : "");
  return html`${
      onTry &&
      html`<p class="row path-line">
        ${
          path
            ? html`<code>${path}</code>
                <button
                  class="small"
                  onClick=${() => onTry(path)}
                  aria-label=${`Try ${path} as an expression`}
                >
                  Try
                </button>`
            : html`<span class="quiet">Click a line to get its path.</span>`
        }
      </p>`
    } <${TextView} text=${shown} label=${label} onLine=${onLine} />`;
}

function Response({ request, onTry }) {
  const { response_body: body } = request;
  return html`<section class="half" aria-label="Response">
    <h3 class="part">
      <span class=${`status ${statusKind(request)}`}>${request.status ?? "No response"}</span>
      ${" "}${request.reason || ""} ${" "}<span class="quiet"
        >${bytes(request.bytes)} in${" "}
        ${seconds(request.seconds)}${typeof request.records === "number" ? `, ${plural(request.records, "record")}` : ""}</span
      >
    </h3>
    ${
      request.is_cut &&
      html`<p class="left-out" role="note">
        The start of the body: ${count((body || "").length)} characters of
        ${` ${bytes(request.bytes)} `}
        are shown, the rest is left out.
      </p>`
    }
    ${
      request.is_text === false
        ? html`<p class="empty">The body is not text: ${bytes(request.bytes)} are not shown.</p>`
        : body
          ? html`<${Body}
              text=${body}
              label="Response body"
              onTry=${(path) => onTry(path, request)}
            />`
          : html`<p class="empty">No body.</p>`
    }
    <details>
      <summary>${plural((request.response_headers || []).length, "response header")}</summary>
      <${Pairs} pairs=${request.response_headers} label="Response headers" />
    </details>
  </section>`;
}

function Request({ request }) {
  const { path, parameters } = split(request.url);
  return html`<section class="half" aria-label="Request">
    <h3 class="part">
      <span class="method">${request.method}</span> <span class="mono url">${path}</span>
    </h3>
    <h4>Parameters</h4>
    <${Pairs} pairs=${parameters} label="Parameters" />
    ${
      request.body &&
      html`<h4>Body</h4>
        <${Body} text=${request.body} label="Request body" />`
    }
    <details>
      <summary>${plural((request.headers || []).length, "request header")}</summary>
      <${Pairs} pairs=${request.headers} label="Request headers" />
    </details>
  </section>`;
}

/** The index of a resource's own first request: those of its parents come before. */
export const firstOf = (requests, resource) =>
  Math.max(
    0,
    requests.findIndex((one) => one.resource === resource),
  );

/** A list of requests, and the chosen one beside its response. */
export function Requests({ requests, resource, onTry }) {
  const [chosen, choose] = useState(() => firstOf(requests, resource));
  if (!requests.length) {
    return html`<p class="empty">No request was sent.</p>`;
  }
  const shown = requests.slice(0, MOST);
  const request = requests[Math.min(chosen, requests.length - 1)];
  return html`<div class="grid-box request-list" role="region" aria-label="Requests" tabindex="0">
      <table class="grid">
        <thead>
          <${Heads}
            first=${["#"]}
            titles=${["Status", "Request", "Resource"]}
            numbers=${["Records", "Size", "Time"]}
          />
        </thead>
        <tbody>
          ${shown.map(
            (one, index) =>
              html`<tr class=${one === request ? "selected" : ""}>
                <th scope="row" class="row-number">${index + 1}</th>
                <td><span class=${`status ${statusKind(one)}`}>${one.status ?? "none"}</span></td>
                <td class="mono">
                  <button
                    class="link request-url"
                    aria-pressed=${one === request}
                    onClick=${() => choose(index)}
                  >
                    ${one.method} ${pathOf(one.url)}
                  </button>
                </td>
                <td>${one.resource}</td>
                <td class="number">${typeof one.records === "number" ? count(one.records) : ""}</td>
                <td class="number">${bytes(one.bytes)}</td>
                <td class="number">${seconds(one.seconds)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${requests.length > MOST && html`<p class="left-out">${plural(requests.length - MOST, "more request")} not shown.</p>`}
    <div class="halves">
      <${Request} request=${request} />
      <${Response} request=${request} onTry=${onTry} />
    </div>`;
}
