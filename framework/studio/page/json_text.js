// JSON as text to read: its own numbers kept, also if its end is missing, and the path of a line.

const INDENT = "  ";
const KEY = /^\s*"((?:[^"\\]|\\.)*)": ?/;
const WORD = /^[A-Za-z_]\w*$/;

/**
 * Lay out JSON in lines. Nothing is parsed: long numbers keep their digits, and a text that was cut
 * is laid out as far as it goes. Other texts are returned as they are.
 */
export function layoutJson(text) {
  if (!/^\s*[[{]/.test(text)) {
    return text;
  }
  const parts = [];
  let depth = 0;
  let position = 0;
  const newline = () => parts.push(`\n${INDENT.repeat(depth)}`);
  while (position < text.length) {
    const sign = text[position];
    if (sign === '"') {
      const end = endOfString(text, position);
      parts.push(text.slice(position, end));
      position = end;
      continue;
    }
    if (sign === "{" || sign === "[") {
      const next = afterSpace(text, position + 1);
      if (text[next] === "}" || text[next] === "]") {
        parts.push(sign, text[next]);
        position = next + 1;
        continue;
      }
      depth += 1;
      parts.push(sign);
      newline();
    } else if (sign === "}" || sign === "]") {
      depth = Math.max(0, depth - 1);
      newline();
      parts.push(sign);
    } else if (sign === ",") {
      parts.push(sign);
      newline();
    } else if (sign === ":") {
      parts.push(": ");
    } else if (sign.trim()) {
      parts.push(sign);
    }
    position += 1;
  }
  return parts.join("");
}

function endOfString(text, start) {
  let end = start + 1;
  while (end < text.length && text[end] !== '"') {
    end += text[end] === "\\" ? 2 : 1;
  }
  return Math.min(end + 1, text.length);
}

function afterSpace(text, start) {
  let end = start;
  while (end < text.length && !text[end].trim()) {
    end += 1;
  }
  return end;
}

const depthOf = (line) => (line.length - line.trimStart().length) / INDENT.length;

/** Return the JMESPath of a line of `layoutJson`; `line(n)` gives a line's text, from 1. "" if none. */
export function pathOfLine(line, number) {
  const steps = [];
  let wanted = depthOf(line(number));
  let at = number;
  if (/^\s*[\]}]/.test(line(number))) {
    return "";
  }
  while (wanted > 0) {
    const text = line(at);
    const key = KEY.exec(text);
    let index = 0;
    let above = at - 1;
    for (; above > 0 && depthOf(line(above)) >= wanted; above -= 1) {
      if (depthOf(line(above)) === wanted && !/^\s*[\]}]/.test(line(above))) {
        index += 1;
      }
    }
    steps.unshift(key ? nameStep(key[1]) : `[${index}]`);
    at = above;
    wanted -= 1;
  }
  return steps.join("").replace(/^\./, "");
}

const nameStep = (name) => (WORD.test(name) ? `.${name}` : `."${name}"`);
