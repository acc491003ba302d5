// The start page: the connectors of the project, and four ways to begin a new one.

import { html, useState } from "./vendor/preact.js";
import { post } from "./api.js";
import { loadProject, notify, openConnector } from "./connector.js";
import { Heads } from "./data_table.js";
import { JobButton, JobStatus, runJob } from "./jobs.js";
import { change, useStore } from "./store.js";
import { plural } from "./units.js";

const MOST = 300;

const toName = (text) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "")
    .slice(0, 63);

function nameOfUrl(url) {
  try {
    const parts = new URL(url).hostname.split(".").filter((part) => !["www", "api"].includes(part));
    return toName(parts.length > 1 ? parts.at(-2) : parts[0] || "");
  } catch {
    return "";
  }
}

async function begin(kind, body) {
  change({ notice: null });
  const result = await runJob("start", () => post("start", body), { place: kind });
  if (!result) {
    return;
  }
  await loadProject();
  await openConnector(result.name, { tab: "resources" });
  const notes = (result.notes || []).map((note) =>
    typeof note === "string" ? note : note.message,
  );
  change({
    notice: {
      kind: "ok",
      message: `Wrote the connector ${result.name}.`,
      remedy: "",
      lines: notes,
    },
  });
}

function Field({ id, label, children }) {
  return html`<label class="field" for=${id}><span>${label}</span>${children}</label>`;
}

function Text({ id, label, value, onInput, ...more }) {
  return html`<${Field} id=${id} label=${label}>
    <input
      id=${id}
      value=${value}
      autocomplete="off"
      spellcheck=${false}
      onInput=${(event) => onInput(event.target.value)}
      ...${more}
    />
  <//>`;
}

/** A form of one way to begin. Its button says that a job runs, and stops it. */
function Way({ kind, title, about, submit, ready, children }) {
  const job = useStore((of) => of.jobs.start);
  const isHere = job?.place === kind;
  const onSubmit = (event) => {
    event.preventDefault();
    if (ready && job?.state !== "running") {
      submit();
    }
  };
  return html`<form class="card" onSubmit=${onSubmit} aria-labelledby=${`way-${kind}`}>
    <h3 id=${`way-${kind}`}>${title}</h3>
    <p class="quiet">${about}</p>
    ${children}
    ${
      isHere || job?.state !== "running"
        ? html`<div class="row">
            <${JobButton} kind="start" start=${() => {}} disabled=${!ready}>Create<//>
          </div>`
        : html`<div class="row"><button disabled>Create</button></div>`
    }
    ${isHere && html`<${JobStatus} kind="start" idle="" />`}
  </form>`;
}

const AUTHS = {
  none: "no token",
  bearer: "bearer token",
  header: "token in a header",
  param: "token in a parameter",
};

function FromUrl() {
  const [url, setUrl] = useState("");
  const [own, setOwn] = useState(null);
  const [auth, setAuth] = useState("bearer");
  const [place, setPlace] = useState("");
  const [token, setToken] = useState("");
  const name = own ?? nameOfUrl(url);
  const needsPlace = auth === "header" || auth === "param";
  const submit = () => {
    const sent = { none: null, bearer: "bearer" }[auth];
    const body = { kind: "url", url, name, auth: sent === undefined ? { [auth]: place } : sent };
    begin("url", token && auth !== "none" ? { ...body, token } : body);
  };
  return html`<${Way}
    kind="url"
    title="An address"
    about="Requests the address once, and finds the list, its selector and its pagination."
    submit=${submit}
    ready=${url && name && (!needsPlace || place)}
  >
    <${Text}
      id="url"
      label="URL of a list"
      type="url"
      placeholder="https://api.example.com/v1/orders"
      value=${url}
      onInput=${setUrl}
    />
    <div class="row">
      <${Field} id="url-auth" label="Access">
        <select id="url-auth" value=${auth} onChange=${(event) => setAuth(event.target.value)}>
          ${Object.entries(AUTHS).map(([kind, label]) => html`<option value=${kind}>${label}</option>`)}
        </select>
      <//>
      ${needsPlace && html`<${Text} id="url-place" label=${auth === "header" ? "Header" : "Parameter"} value=${place} onInput=${setPlace} />`}
    </div>
    ${auth !== "none" && html`<${Text} id="url-token" label="Token (stays in this session)" type="password" value=${token} onInput=${setToken} />`}
    <${Text} id="url-name" label="Name of the connector" value=${name} onInput=${setOwn} />
  <//>`;
}

function FromText({ kind, title, about, label, placeholder, allowsUrl }) {
  const [text, setText] = useState("");
  const [own, setOwn] = useState(null);
  const [file, setFile] = useState("");
  const isUrl = allowsUrl && /^https?:\/\/\S+$/.test(text.trim());
  const name = own ?? (isUrl ? nameOfUrl(text.trim()) : toName(file.replace(/\.\w+$/, "")));
  const pick = async (event) => {
    const [chosen] = event.target.files;
    if (chosen) {
      setText(await chosen.text());
      setFile(chosen.name);
    }
  };
  const submit = () => begin(kind, { kind, name, ...(isUrl ? { url: text.trim() } : { text }) });
  return html`<${Way}
    kind=${kind}
    title=${title}
    about=${about}
    submit=${submit}
    ready=${text.trim() && name}
  >
    <${Field} id=${`${kind}-text`} label=${label}>
      <textarea
        id=${`${kind}-text`}
        class="mono"
        rows="4"
        spellcheck=${false}
        placeholder=${placeholder}
        value=${text}
        onInput=${(event) => setText(event.target.value)}
      ></textarea>
    <//>
    <${Field} id=${`${kind}-file`} label="or a file">
      <input id=${`${kind}-file`} type="file" accept=".json,.yaml,.yml" onChange=${pick} />
    <//>
    <${Text} id=${`${kind}-name`} label="Name of the connector" value=${name} onInput=${setOwn} />
  <//>`;
}

function FromBundled({ connectors }) {
  const bundled = connectors.filter((one) => one.bundled);
  const [from, setFrom] = useState("");
  const [own, setOwn] = useState(null);
  const name = own ?? (from ? `my_${from}`.slice(0, 63) : "");
  return html`<${Way}
    kind="bundled"
    title="A bundled connector"
    about="Copies one that comes with the framework, with its schemas and its recording."
    submit=${() => begin("bundled", { kind: "bundled", from, name })}
    ready=${from && name}
  >
    <${Field} id="bundled-from" label="Connector">
      <select id="bundled-from" value=${from} onChange=${(event) => setFrom(event.target.value)}>
        <option value="">Choose one …</option>
        ${bundled.map((one) => html`<option value=${one.name}>${one.name}</option>`)}
      </select>
    <//>
    <${Text} id="bundled-name" label="Name of the copy" value=${name} onInput=${setOwn} />
  <//>`;
}

function Connectors({ connectors }) {
  const [word, setWord] = useState("");
  const found = connectors.filter((one) =>
    `${one.name} ${one.category || ""} ${one.description || ""}`
      .toLowerCase()
      .includes(word.toLowerCase()),
  );
  const shown = found.slice(0, MOST);
  return html`<section aria-labelledby="connectors-title">
    <div class="row">
      <h2 id="connectors-title" class="grow">
        Connectors <span class="quiet">${found.length}</span>
      </h2>
      <label for="connector-search"
        >Find
        <input
          id="connector-search"
          type="search"
          value=${word}
          onInput=${(event) => setWord(event.target.value)}
      /></label>
    </div>
    <div class="grid-box tall" role="region" aria-label="Connectors" tabindex="0">
      <table class="grid wrap">
        <thead>
          <${Heads}
            titles=${["Name", "About"]}
            numbers=${["Resources"]}
            last=${["Recording", "Findings"]}
          />
        </thead>
        <tbody>
          ${shown.map(
            (one) =>
              html`<tr key=${one.name}>
                <th scope="row">
                  <button
                    class="link"
                    onClick=${() => openConnector(one.name, { tab: "resources" })}
                  >
                    ${one.name}
                  </button>
                  ${one.bundled && html` <span class="badge">bundled</span>`}
                </th>
                <td class="about">${one.description || ""}</td>
                <td class="number">${one.resources?.length ?? ""}</td>
                <td>${one.cassette ? "yes" : ""}</td>
                <td>
                  ${one.errors ? html`<strong class="severity error">${plural(one.errors, "error")}</strong>` : ""}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${found.length > MOST && html`<p class="left-out">${plural(found.length - MOST, "more connector")} not shown: find by a word.</p>`}
  </section>`;
}

export function Start() {
  const connectors = useStore((of) => of.project?.connectors) || [];
  return html`<div class="start">
    <section aria-labelledby="new-title">
      <h2 id="new-title">New connector</h2>
      <div class="cards">
        <${FromUrl} />
        <${FromText}
          kind="openapi"
          title="An OpenAPI description"
          about="Writes a resource for each list of the description, with parents and schemas."
          label="Description, or its URL"
          placeholder="https://api.example.com/openapi.json"
          allowsUrl=${true}
        />
        <${FromBundled} connectors=${connectors} />
        <${FromText}
          kind="airbyte"
          title="An Airbyte manifest"
          about="Translates a low-code manifest, and says what it cannot translate."
          label="manifest.yaml"
          placeholder=${"version: …\ntype: DeclarativeSource"}
        />
      </div>
    </section>
    <${Connectors} connectors=${connectors} />
  </div>`;
}
