// A row of tabs by the pattern of the ARIA guide: one in the tab order, arrows move.

import { html, useRef } from "./vendor/preact.js";

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

/** `tabs` are {id, label, count?, mark?}. The panel of a tab has the id `PREFIX-panel`. */
export function Tabs({ tabs, chosen, onChoose, label, prefix, className = "tabs" }) {
  const list = useRef(null);
  const onKey = (event) => {
    const index = tabs.findIndex((tab) => tab.id === chosen);
    let next = null;
    if (event.key in STEPS) {
      next = (index + STEPS[event.key] + tabs.length) % tabs.length;
    } else if (event.key === "Home") {
      next = 0;
    } else if (event.key === "End") {
      next = tabs.length - 1;
    }
    if (next !== null) {
      event.preventDefault();
      onChoose(tabs[next].id);
      list.current.children[next].focus();
    }
  };
  return html`<div
    class=${className}
    role="tablist"
    aria-label=${label}
    ref=${list}
    onKeyDown=${onKey}
  >
    ${tabs.map(
      (tab) =>
        html`<button
          key=${tab.id}
          role="tab"
          id=${`${prefix}-tab-${tab.id}`}
          aria-selected=${tab.id === chosen}
          aria-controls=${`${prefix}-panel`}
          tabindex=${tab.id === chosen ? 0 : -1}
          class=${tab.kind || ""}
          onClick=${() => onChoose(tab.id)}
        >
          ${tab.label}${tab.count !== undefined && html` <span class="tab-count">${tab.count}</span>`}
          ${tab.mark && html` <span class=${`dot ${tab.mark}`} aria-hidden="true"></span>`}
        </button>`,
    )}
  </div>`;
}

/** The panel that shows the chosen tab. */
export function Panel({ prefix, chosen, children, className = "" }) {
  return html`<div
    class=${`panel ${className}`}
    role="tabpanel"
    id=${`${prefix}-panel`}
    aria-labelledby=${`${prefix}-tab-${chosen}`}
    tabindex="0"
  >
    ${children}
  </div>`;
}
