// The small part of Markdown that hovers use, as DOM nodes: paragraphs, code, emphasis, lists.

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\([^)]*\)/g;

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function inlines(parent, text) {
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    parent.append(text.slice(end, match.index));
    const [whole, code, strong, link] = match;
    parent.append(code ? element("code", code) : strong ? element("strong", strong) : link);
    end = match.index + whole.length;
  }
  parent.append(text.slice(end));
  return parent;
}

/** Return a node that shows a text. Nothing of it is taken as HTML. */
export function markdown(text) {
  const box = document.createElement("div");
  box.className = "markdown";
  text.split(/^```\w*\n?/m).forEach((part, index) => {
    if (index % 2) {
      box.append(element("pre", part.replace(/\n$/, "")));
      return;
    }
    for (const block of part.split(/\n\s*\n/).filter((one) => one.trim())) {
      const items = block.trim().split("\n");
      if (items.every((line) => /^[-*] /.test(line))) {
        const list = document.createElement("ul");
        items.forEach((line) => list.append(inlines(document.createElement("li"), line.slice(2))));
        box.append(list);
      } else {
        box.append(inlines(document.createElement("p"), block.trim()));
      }
    }
  });
  return box;
}
