// A unified diff as lines, with signs and colours.

import { html } from "./vendor/preact.js";
import { plural } from "./units.js";

const MOST = 400;

const kindOf = (line) => {
  if (line.startsWith("+++") || line.startsWith("---")) {
    return "file";
  }
  return { "+": "added", "-": "removed", "@": "place" }[line[0]] || "same";
};

const SPOKEN = { added: "added: ", removed: "removed: " };

/** Show a diff; a long one is cut and says so. */
export function Diff({ text, label }) {
  const lines = (text || "").replace(/\n$/, "").split("\n");
  const shown = lines.slice(0, MOST);
  return html`<div class="diff" role="group" aria-label=${label} tabindex="0">
    ${shown.map((line) => {
      const kind = kindOf(line);
      return html`<div class=${`diff-line ${kind}`}>
        ${SPOKEN[kind] && html`<span class="hidden">${SPOKEN[kind]}</span>`}${line || " "}
      </div>`;
    })}
    ${
      lines.length > MOST &&
      html`<div class="left-out">${plural(lines.length - MOST, "more line")} not shown</div>`
    }
  </div>`;
}
