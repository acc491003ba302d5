"""A Markdown page in, its fenced blocks out, each with the marks that stand in comments above it.

`<!-- file: PATH -->` writes the block to a file (`; bad`: it has mistakes), `<!-- output: X -->`
is what the command X prints, `<!-- exit: N -->` expects that exit code, `<!-- not run: WHY -->`
looks at the syntax only, `<!-- fragment: KEYS -->` is YAML that lacks the keys around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "docs/tutorial.md",
    "docs/running.md",
    "docs/expressions.md",
    "docs/recipes.md",
    "docs/importing.md",
    "docs/architecture.md",
    "docs/ci.md",
    "docs/reference.md",
    "docs/reliability.md",
    "docs/performance.md",
)
"""The pages whose blocks are run; docs/checks.md is bad on purpose and has a test of its own."""

_MARK = re.compile(r"<!-- ([a-z ]+?)(?:: (.*?))? -->")
_FENCE = re.compile(r"(`{3,})(\w*)")


@dataclass(frozen=True)
class Block:
    """`line` is that of the opening fence, from 1; `text` ends with a line break."""

    page: str
    line: int
    language: str
    text: str
    marks: dict[str, str]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, text: str | None = None) -> list[Block]:
    found = []
    marks: dict[str, str] = {}
    fence: re.Match[str] | None = None
    body: list[str] = []
    start = 0
    for number, line in enumerate((read(page) if text is None else text).splitlines(), 1):
        if fence is not None:
            if line == fence[1]:
                whole = "".join(f"{one}\n" for one in body)
                found.append(Block(page, start, fence[2], whole, marks))
                fence, marks = None, {}
            else:
                body.append(line)
        elif (opened := _FENCE.fullmatch(line)) is not None:
            fence, body, start = opened, [], number
        elif (mark := _MARK.fullmatch(line)) is not None:
            value, _, more = (mark[2] or "").partition("; ")
            marks[mark[1]] = value
            if more:
                marks[more] = ""
        elif line:
            marks = {}
    assert fence is None, f"{page}:{start}: the block is never closed"
    return found


@dataclass(frozen=True)
class Step:
    """A command of a console block and the output that the page shows for it."""

    command: str
    shown: str


def steps(block: Block) -> list[Step]:
    """The commands of a block: lines with `$ ` in a console, every line in a shell block."""
    if "output" in block.marks:
        return [Step(block.marks["output"], block.text)]
    if block.language == "sh":
        joined = block.text.replace("\\\n", " ")
        return [Step(line, "") for line in joined.splitlines() if line and line[0] != "#"]
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"{block}: a console block begins with `$ `"
    found = []
    for part in parts[1:]:
        command, _, shown = part.partition("\n")
        found.append(Step(command, shown))
    return found
