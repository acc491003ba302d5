// Draw the diagrams of a page: blocks of the language mermaid. Other pages do not load the library.
(function () {
  const blocks = document.querySelectorAll("div.highlight-mermaid");
  if (blocks.length === 0) return;
  const here = document.currentScript.src;
  const script = document.createElement("script");
  script.src = new URL("vendor/mermaid.tiny.js", here).href;
  script.onload = async () => {
    mermaid.initialize({ startOnLoad: false, theme: "neutral", securityLevel: "strict" });
    const diagrams = [...blocks].map((block) => {
      const diagram = document.createElement("div");
      diagram.className = "diagram";
      diagram.textContent = block.textContent.trim();
      block.replaceWith(diagram);
      return diagram;
    });
    await mermaid.run({ nodes: diagrams });
  };
  document.head.append(script);
})();
