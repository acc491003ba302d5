"""The outputs that the pages show: `python -m tests.support.docs_pages [--check]` runs them.

Without `--check` it writes what the commands wrote into the pages, where that differs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO

from tests.support.docs_blocks import PAGES, ROOT, Block, blocks, read
from tests.support.docs_session import same, session

LANGUAGES = ("sh", "console")


def runnable(block: Block) -> bool:
    if {"not run", "run", "tests"} & set(block.marks):
        return False
    return block.language in LANGUAGES or "output" in block.marks


def differences(page: str) -> Iterator[tuple[Block, str, str, str]]:
    """Every command whose page shows something else than it wrote; files are made on the way."""
    found = blocks(page)
    if not any(runnable(block) for block in found):
        return
    with session() as terminal:
        for block in found:
            if "file" in block.marks:
                terminal.write(block)
            elif runnable(block):
                for command, shown, written in terminal.run(block):
                    if block.language != "sh" and not same(shown, written):
                        yield block, command, shown, written
            elif block.language == "python" and "not run" not in block.marks:
                _execute(block)


def _execute(block: Block) -> None:
    with redirect_stdout(StringIO()):
        exec(compile(block.text, str(block), "exec"), {"__name__": "page"})


def main(arguments: list[str]) -> int:
    stale = 0
    for page in PAGES:
        text = read(page)
        total = len(text.splitlines())
        for block, command, shown, written in differences(page):
            stale += 1
            sys.stdout.write(f"{block}: {command}\n{written}\n")
            prompt = "" if "output" in block.marks else f"$ {command}\n"
            old, new = prompt + shown, prompt + written
            if shown.endswith("\n\n"):
                new += "\n"
            lines = text.splitlines(keepends=True)
            # what stands behind the block is as it was, so its place is counted from the end
            start = len(lines) - (total - block.line)
            before, after = "".join(lines[:start]), "".join(lines[start:])
            assert old in after, f"{block}: {command}"
            text = before + after.replace(old, new, 1)
        if "--check" not in arguments:
            (ROOT / page).write_text(text, encoding="utf-8")
    return int(stale > 0 and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
