"""The table of docs/reliability.md: `python -m tests.support.hostile_page` writes or checks it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.hostile_servers import SERVERS, Hostile

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN = "<!-- hostile servers: written by python -m tests.support.hostile_page -->\n"
END = "<!-- end of hostile servers -->\n"


def table() -> str:
    """The table, a part for each group."""
    lines: list[str] = []
    for group in dict.fromkeys(server.group for server in SERVERS):
        lines += [f"\n### {group}\n", "| the server | what you see |", "|---|---|"]
        for server in SERVERS:
            if server.group == group:
                lines.append(f"| {server.does} | {seen(server)} |")
    return "\n".join(lines) + "\n\n"


def seen(server: Hostile) -> str:
    """The error as it is, or the rows."""
    warned = "".join(f"; warning `{code}`" for code in server.warnings)
    if server.error is not None:
        return "<br>".join(_code(line) for line in server.error.split("\n")) + warned
    rows = ", ".join(_code(str(dict(row))) for row in server.rows[:3])
    more = ", …" if len(server.rows) > 3 else ""
    return f"loaded: {rows}{more}{warned}" if rows else f"no rows{warned}"


def _code(text: str) -> str:
    mark = "``" if "`" in text else "`"
    return f"{mark}{text}{mark}".replace("|", "\\|")


def written(text: str) -> str:
    """The page with the table of now in it."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


def main(check: bool) -> int:
    """Write the page, or say that it is not as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    if check and text != written(text):
        print("docs/reliability.md: run python -m tests.support.hostile_page")
        return 1
    if not check:
        PAGE.write_text(written(text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
