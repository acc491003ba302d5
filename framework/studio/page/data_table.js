// Records and rows as a table: columns of all records, values in one line, a long list cut.

import { html, useMemo, useState } from "./vendor/preact.js";
import { count, inline, plural } from "./units.js";
import { TextView } from "./text_view.js";

const MOST_COLUMNS = 60;
const MOST_ROWS = 100;

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function columnsOf(records) {
  const names = new Set();
  for (const record of records) {
    if (isObject(record)) {
      Object.keys(record).forEach((name) => names.add(name));
    } else {
      names.add("value");
    }
  }
  return [...names].map((name) => ({ name }));
}

const isNumber = (value) => typeof value === "number";

function Cell({ value }) {
  if (value === undefined) {
    return html`<td class="absent"></td>`;
  }
  if (value === null) {
    return html`<td class="null">null</td>`;
  }
  return html`<td class=${isNumber(value) ? "number" : ""}>${inline(value)}</td>`;
}

/** A row of column heads. `numbers` stand at the right, as the numbers below them do. */
export function Heads({ first = [], titles = [], numbers = [], last = [] }) {
  const head = (title, kind) => html`<th scope="col" class=${kind}>${title}</th>`;
  return html`<tr>
    ${first.map((title) => head(title, "row-number"))} ${titles.map((title) => head(title, ""))}
    ${numbers.map((title) => head(title, "number"))} ${last.map((title) => head(title, ""))}
  </tr>`;
}

const isNumberColumn = (rows, place) => rows.some((row) => isNumber(row[place]));

/** Rows under columns: `rows` are arrays in the order of `columns`, each {name, type?, …}. */
export function Grid({ columns, rows, total, what, label, onSelect, selected }) {
  const shown = columns.slice(0, MOST_COLUMNS);
  const visible = rows.slice(0, MOST_ROWS);
  const missing = (total ?? rows.length) - visible.length;
  return html`<div class="grid-box" role="region" aria-label=${label} tabindex="0">
      <table class="grid">
        <thead>
          <tr>
            <th scope="col" class="row-number">#</th>
            ${shown.map(
              (column, place) =>
                html`<th scope="col" class=${isNumberColumn(visible, place) ? "number" : ""}>
                  <span class="column-name">${column.name}</span>
                  ${column.type && html`<span class="column-type">${column.type}</span>`}
                </th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${visible.map(
            (row, index) =>
              html`<tr class=${index === selected ? "selected" : ""}>
                <th scope="row" class="row-number">
                  ${
                    onSelect
                      ? html`<button
                          class="row-button"
                          aria-pressed=${index === selected}
                          aria-label=${`Record ${index + 1} as JSON`}
                          onClick=${() => onSelect(index === selected ? null : index)}
                        >
                          ${index + 1}
                        </button>`
                      : index + 1
                  }
                </th>
                ${shown.map((_, place) => html`<${Cell} value=${row[place]} />`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${
      (missing > 0 || columns.length > MOST_COLUMNS) &&
      html`<p class="left-out">
        ${
          missing > 0 &&
          `The first ${count(visible.length)} of ${plural(total ?? rows.length, what)}: ${count(missing)} are left out. `
        }
        ${
          columns.length > MOST_COLUMNS &&
          `${plural(columns.length - MOST_COLUMNS, "more column")} not shown.`
        }
      </p>`
    }`;
}

/** Records, as a table or, one of them, as JSON. */
export function Records({ records, total, label }) {
  const [selected, select] = useState(null);
  const columns = useMemo(() => columnsOf(records), [records]);
  const rows = useMemo(
    () =>
      records.map((record) =>
        columns.map(({ name }) =>
          isObject(record) ? record[name] : name === "value" ? record : undefined,
        ),
      ),
    [records, columns],
  );
  if (!records.length) {
    return html`<p class="empty">No records.</p>`;
  }
  const chosen = selected === null ? undefined : records[selected];
  return html`<${Grid}
      columns=${columns}
      rows=${rows}
      total=${total}
      what="record"
      label=${label}
      selected=${selected}
      onSelect=${select}
    />
    ${
      chosen !== undefined &&
      html`<h3 class="part">Record ${selected + 1}</h3>
        <${TextView}
          text=${JSON.stringify(chosen, null, 2)}
          label=${`Record ${selected + 1} as JSON`}
        />`
    }`;
}
