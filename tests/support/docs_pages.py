"""Run the commands of the pages: `python -m tests.support.docs_pages [--check]`.

Without `--check`, write changed outputs into the pages. Times on a page stay if only they differ.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO

from tests.support.docs_blocks import PAGES, ROOT, Block, blocks, read
from tests.support.docs_session import same_output, session, timeless

LANGUAGES = ("sh", "console")


def is_runnable(block: Block) -> bool:
    if {"not run", "run", "tests"} & set(block.marks):
        return False
    return block.language in LANGUAGES or "output" in block.marks


def differences(page: str) -> Iterator[tuple[Block, str, str, str]]:
    """Yield (block, command, output on the page, actual output) where these differ.

    Files are written and Python blocks are executed in the order of the page.
    """
    page_blocks = blocks(page)
    if not any(is_runnable(block) for block in page_blocks):
        return
    with session() as terminal:
        for block in page_blocks:
            if "file" in block.marks:
                terminal.write(block)
            elif is_runnable(block):
                for command, on_page, actual in terminal.run(block):
                    if block.language != "sh" and not same_output(on_page, actual):
                        yield block, command, on_page, actual
            elif block.language == "python" and "not run" not in block.marks:
                _execute(block)


def _execute(block: Block) -> None:
    with redirect_stdout(StringIO()):
        exec(compile(block.text, str(block), "exec"), {"__name__": "page"})


def _with_times_of(on_page: str, actual: str) -> str:
    """Return the actual output, with the page's line where a line differs only in times."""
    known = {timeless(line): line for line in on_page.splitlines()}
    return "".join(f"{known.get(timeless(line), line)}\n" for line in actual.splitlines())


def main(arguments: list[str]) -> int:
    stale = 0
    for page in PAGES:
        text = read(page)
        total = len(text.splitlines())
        for block, command, on_page, actual in differences(page):
            stale += 1
            new_output = _with_times_of(on_page, actual)
            sys.stdout.write(f"{block}: {command}\n{new_output}\n")
            prompt = "" if "output" in block.marks else f"$ {command}\n"
            old, new = prompt + on_page, prompt + new_output
            if on_page.endswith("\n\n"):
                new += "\n"
            lines = text.splitlines(keepends=True)
            # text below the block is unchanged, so the block's place is counted from the end
            start = len(lines) - (total - block.line)
            before, after = "".join(lines[:start]), "".join(lines[start:])
            assert old in after, f"{block}: {command}"
            text = before + after.replace(old, new, 1)
        if "--check" not in arguments:
            (ROOT / page).write_text(text, encoding="utf-8")
    return int(stale > 0 and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
