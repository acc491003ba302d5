// Requests to the studio's server: the token, JSON, and errors that say what to do.

const TOKEN_KEY = "studio-token";
const STOPPED =
  "Check that `framework studio` is still running in its terminal. Your text is still here.";

/** What the address said when the page was opened: the connector's name, if it named one. */
export const opened = takeAddress();

/** Keep the token of the address for this tab, and take it out of the address bar. */
function takeAddress() {
  const query = new URLSearchParams(location.search);
  const token = query.get("token");
  if (token) {
    sessionStorage.setItem(TOKEN_KEY, token);
  }
  if (location.search) {
    history.replaceState(null, "", location.pathname + location.hash);
  }
  return { name: query.get("name") || query.get("connector") };
}

/** An error of a request. `status` is 0 if there was no answer. */
export class ApiError extends Error {
  constructor(status, message, remedy) {
    super(message);
    this.status = status;
    this.remedy = remedy || "";
  }

  /** Whether the server cannot be used at all, so that the whole page is concerned. */
  get isConnection() {
    return this.status === 0 || this.status === 401;
  }
}

const listeners = new Set();

/** Call a function with the ApiError when the connection is lost, and with null when it is back. */
export function onConnection(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(error) {
  for (const listener of listeners) {
    listener(error);
  }
}

/** Send a request and return its JSON. Raises ApiError, or the AbortError of `signal`. */
async function request(method, path, body, signal) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(TOKEN_KEY) || ""}` };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
  }
  let response;
  let text;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      cache: "no-store",
    });
    text = await response.text();
  } catch (error) {
    if (error.name === "AbortError") {
      throw error;
    }
    const lost = new ApiError(0, "The studio's server does not answer.", STOPPED);
    tell(lost);
    throw lost;
  }
  const data = parsed(text);
  if (response.ok) {
    tell(null);
    return data;
  }
  const error = refusal(response, data);
  tell(error.status === 401 ? error : null);
  throw error;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function refusal(response, data) {
  if (response.status === 401) {
    return new ApiError(
      401,
      "This tab does not have the token of the running studio.",
      "Open the address that `framework studio` printed in its terminal. A restart makes a new token.",
    );
  }
  const told = data && data.error ? data.error : {};
  const message = told.message || `The studio's server answered ${response.status}.`;
  return new ApiError(response.status, message, told.remedy);
}

const query = (values) =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");

export const get = (name, values, signal) =>
  request("GET", `/api/${name}${values ? `?${query(values)}` : ""}`, undefined, signal);
export const post = (name, body, signal) => request("POST", `/api/${name}`, body, signal);
export const put = (name, body) => request("PUT", `/api/${name}`, body);
export const remove = (name) => request("DELETE", `/api/${name}`);

/**
 * Return a function that sends only the newest of many requests: each call waits `delay` ms, and
 * drops the one before it. A dropped call resolves to null.
 */
export function latest(send, delay) {
  let timer = 0;
  let controller = null;
  let drop = () => {};
  return (...values) => {
    clearTimeout(timer);
    controller?.abort();
    drop();
    controller = new AbortController();
    const { signal } = controller;
    return new Promise((resolve, reject) => {
      drop = () => resolve(null);
      timer = setTimeout(() => {
        send(...values, signal).then(resolve, (error) =>
          error.name === "AbortError" ? resolve(null) : reject(error),
        );
      }, delay);
    });
  };
}
