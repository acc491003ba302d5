// Numbers, sizes, times and words as a reader wants them.

const NUMBER = new Intl.NumberFormat("en");

export const count = (value) => (typeof value === "number" ? NUMBER.format(value) : "–");

export const plural = (value, one, many = `${one}s`) =>
  `${count(value)} ${value === 1 ? one : many}`;

export function bytes(value) {
  if (typeof value !== "number") {
    return "–";
  }
  if (value < 1000) {
    return `${value} B`;
  }
  const steps = ["kB", "MB", "GB"];
  let size = value / 1000;
  let step = 0;
  while (size >= 1000 && step < steps.length - 1) {
    size /= 1000;
    step += 1;
  }
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${steps[step]}`;
}

export function seconds(value) {
  if (typeof value !== "number") {
    return "–";
  }
  if (value < 1) {
    return `${Math.round(value * 1000)} ms`;
  }
  return value < 90
    ? `${value.toFixed(1)} s`
    : `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

/** A time of the server as local time to the second; other texts as they are. */
export function time(value) {
  const at = typeof value === "number" ? new Date(value * 1000) : new Date(value);
  if (Number.isNaN(at.getTime())) {
    return String(value);
  }
  const part = (number) => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${part(at.getMonth() + 1)}-${part(at.getDate())}`;
  return `${day} ${part(at.getHours())}:${part(at.getMinutes())}:${part(at.getSeconds())}`;
}

/** The start of a long text, with a word of how much is left out. */
export function cut(text, most) {
  return text.length > most ? `${text.slice(0, most)} … ${count(text.length - most)} more` : text;
}

/** Any value in one line. */
export function inline(value, most = 160) {
  if (value === null || value === undefined) {
    return "";
  }
  return cut(typeof value === "string" ? value : JSON.stringify(value), most);
}
