"""Read the fenced blocks of a Markdown page, each with the marks in the comments above it.

| mark | meaning |
|---|---|
| `<!-- file: PATH -->` | the block is written to a file; `; bad`: it contains mistakes |
| `<!-- output: COMMAND -->` | the block is the output of that command |
| `<!-- exit: N -->` | the last command ends with that exit code |
| `<!-- not run: WHY -->` | only the syntax is checked |
| `<!-- fragment: KEYS -->` | YAML without the keys around it |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "docs/index.md",
    "docs/tutorial.md",
    "docs/tour.md",
    "docs/running.md",
    "docs/paging.md",
    "docs/incremental.md",
    "docs/kills.md",
    "docs/expressions.md",
    "docs/recipes.md",
    "docs/auth.md",
    "docs/importing.md",
    "docs/editors.md",
    "docs/agents.md",
    "docs/mock.md",
    "docs/prove.md",
    "docs/catalog.md",
    "docs/architecture.md",
    "docs/ci.md",
    "docs/reference.md",
    "docs/reliability.md",
    "docs/performance.md",
    "docs/comparison.md",
    "docs/scale.md",
)
"""The pages whose blocks are tested. The examples of docs/checks.md contain mistakes and have a
test of their own."""

_MARK = re.compile(r"<!-- ([a-z ]+?)(?:: (.*?))? -->")
_FENCE = re.compile(r"(`{3,})(\w*)")


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is that of the opening fence, from 1; `text` ends with a newline."""

    page: str
    line: int
    language: str
    text: str
    marks: dict[str, str]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Step:
    """A command of a console block, and its output on the page."""

    command: str
    page_output: str


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, text: str | None = None) -> list[Block]:
    """Return the blocks of a page, or of the given text."""
    result = []
    marks: dict[str, str] = {}
    fence: re.Match[str] | None = None
    body: list[str] = []
    start = 0
    for number, line in enumerate((read(page) if text is None else text).splitlines(), 1):
        if fence is not None:
            if line == fence[1]:
                content = "".join(f"{one}\n" for one in body)
                result.append(Block(page, start, fence[2], content, marks))
                fence, marks = None, {}
            else:
                body.append(line)
        elif (opening := _FENCE.fullmatch(line)) is not None:
            fence, body, start = opening, [], number
        elif (mark := _MARK.fullmatch(line)) is not None:
            value, _, flag = (mark[2] or "").partition("; ")
            marks[mark[1]] = value
            if flag:
                marks[flag] = ""
        elif line:
            marks = {}
    assert fence is None, f"{page}:{start}: the block is never closed"
    return result


def steps(block: Block) -> list[Step]:
    """Return the commands of a block: lines with `$ ` in a console, every line in a shell block."""
    if "output" in block.marks:
        return [Step(block.marks["output"], block.text)]
    if block.language == "sh":
        joined = block.text.replace("\\\n", " ")
        return [Step(line, "") for line in joined.splitlines() if line and line[0] != "#"]
    first, *parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not first.strip(), f"{block}: a console block begins with `$ `"
    pairs = (part.partition("\n") for part in parts)
    return [Step(command, output) for command, _, output in pairs]
