// The resources: a graph from parents to children, and a table of the same.

import { html, useMemo } from "./vendor/preact.js";
import { selectResource } from "./connector.js";
import { Heads } from "./data_table.js";
import { useStore } from "./store.js";
import { plural } from "./units.js";

const WIDTH = 200;
const HEIGHT = 40;
const ACROSS = 56;
const BETWEEN = 14;
const MARGIN = 12;

/**
 * Place each node: a column by its distance from the roots, a row by walking down from them, so that
 * children stand beside the parent that they are first of.
 */
function layout(graph) {
  const nodes = new Map(graph.map((node) => [node.name, node]));
  const parentsOf = (node) => node.parents.filter((parent) => nodes.has(parent));
  const depths = new Map();
  const depth = (name, path) => {
    if (!depths.has(name)) {
      const above = parentsOf(nodes.get(name)).filter((parent) => !path.has(parent));
      const inside = new Set(path).add(name);
      depths.set(name, Math.max(-1, ...above.map((parent) => depth(parent, inside))) + 1);
    }
    return depths.get(name);
  };
  graph.forEach((node) => depth(node.name, new Set()));
  const children = new Map();
  for (const node of graph) {
    const nearest = parentsOf(node).find(
      (parent) => depths.get(parent) === depths.get(node.name) - 1,
    );
    children.set(nearest, [...(children.get(nearest) || []), node.name]);
  }
  const places = new Map();
  let rows = 0;
  const place = (name) => {
    const row = rows;
    for (const child of children.get(name) || []) {
      place(child);
    }
    rows = Math.max(rows, row + 1);
    places.set(name, { row, column: depths.get(name) });
  };
  for (const root of children.get(undefined) || []) {
    place(root);
  }
  return { places, rows, columns: Math.max(0, ...depths.values()) + 1 };
}

const x = (place) => MARGIN + place.column * (WIDTH + ACROSS);
const y = (place) => MARGIN + place.row * (HEIGHT + BETWEEN);

function Edge({ from, to, lit }) {
  const start = x(from) + WIDTH;
  const end = x(to);
  const a = y(from) + HEIGHT / 2;
  const b = y(to) + HEIGHT / 2;
  const middle = (start + end) / 2;
  return html`<path
    class=${lit ? "edge lit" : "edge"}
    d=${`M${start} ${a} C${middle} ${a} ${middle} ${b} ${end - 6} ${b}`}
    marker-end=${lit ? "url(#arrow-lit)" : "url(#arrow)"}
  />`;
}

const shorten = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function Node({ node, place, chosen }) {
  const classes = ["node", chosen && "chosen", !node.selected && "unselected"].filter(Boolean);
  const marks = [node.incremental && "incremental", node.partition && "partitioned"].filter(
    Boolean,
  );
  return html`<g
    class=${classes.join(" ")}
    transform=${`translate(${x(place)} ${y(place)})`}
    onClick=${() => selectResource(node.name, true)}
  >
    <title>${[node.name, `${node.method} ${node.path}`, ...marks].join("\n")}</title>
    <rect width=${WIDTH} height=${HEIGHT} rx="6" />
    <text class="node-name" x="10" y="17">${shorten(node.name, 24)}</text>
    <text class="node-path" x="10" y="32"
      >${shorten(`${node.method || ""} ${node.path || ""}`, 29)}</text
    >
    ${node.incremental && html`<circle class="mark" cx=${WIDTH - 12} cy="12" r="4" />`}
  </g>`;
}

function Graph({ graph, resource }) {
  const { places, rows, columns } = useMemo(() => layout(graph), [graph]);
  const width = 2 * MARGIN + columns * (WIDTH + ACROSS) - ACROSS;
  const height = 2 * MARGIN + rows * (HEIGHT + BETWEEN) - BETWEEN;
  const edges = graph.flatMap((node) =>
    node.parents.filter((parent) => places.has(parent)).map((parent) => [parent, node.name]),
  );
  return html`<div
    class="graph-box"
    role="img"
    tabindex="0"
    aria-label="Graph of the resources; the table below says the same"
  >
    <svg width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`} aria-hidden="true">
      <defs>
        ${["arrow", "arrow-lit"].map(
          (name) =>
            html`<marker
              id=${name}
              viewBox="0 0 8 8"
              refX="6"
              refY="4"
              markerWidth="9"
              markerHeight="9"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path class=${name} d="M0 0 8 4 0 8z" />
            </marker>`,
        )}
      </defs>
      ${edges.map(
        ([from, to]) =>
          html`<${Edge}
            from=${places.get(from)}
            to=${places.get(to)}
            lit=${resource === from || resource === to}
          />`,
      )}
      ${graph.map((node) => html`<${Node} node=${node} place=${places.get(node.name)} chosen=${node.name === resource} />`)}
    </svg>
  </div>`;
}

function Row({ node, chosen }) {
  return html`<tr class=${chosen ? "selected" : ""}>
    <th scope="row">
      <button class="link" aria-pressed=${chosen} onClick=${() => selectResource(node.name, true)}>
        ${node.name}
      </button>
      ${!node.selected && html` <span class="quiet">not selected</span>`}
    </th>
    <td class="mono">${node.method} ${node.path}</td>
    <td>${node.parents.join(", ")}</td>
    <td>${node.incremental || ""}</td>
    <td>${node.partition || ""}</td>
    <td>${node.disposition || ""}</td>
  </tr>`;
}

export function Resources() {
  const judged = useStore((of) => of.judged);
  const resource = useStore((of) => of.resource);
  const graph = judged?.graph || [];
  if (!graph.length) {
    return html`<p class="empty" role="status">
      ${judged ? "The file has no resources that can be read yet. Its findings say what is missing." : "Reading the file …"}
    </p>`;
  }
  return html`<${Graph} graph=${graph} resource=${resource} />
    <p class="legend quiet">
      ${plural(graph.length, "resource")}. A dot marks those that read only what is new; dashed ones
      are not selected. Click one to see it in the file.
    </p>
    <div class="grid-box" role="region" aria-label="Resources" tabindex="0">
      <table class="grid">
        <thead>
          <${Heads}
            titles=${["Resource", "Request", "Parents", "Incremental", "Partitions", "Written by"]}
          />
        </thead>
        <tbody>
          ${graph.map((node) => html`<${Row} key=${node.name} node=${node} chosen=${node.name === resource} />`)}
        </tbody>
      </table>
    </div>`;
}
