"""Write the table of docs/reliability.md: `python -m tests.support.hostile_page [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.hostile_servers import SERVERS, Hostile

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN = "<!-- hostile servers: written by python -m tests.support.hostile_page -->\n"
END = "<!-- end of hostile servers -->\n"


def table() -> str:
    """Return the table, with a section for each group."""
    lines: list[str] = []
    for group in dict.fromkeys(server.group for server in SERVERS):
        lines += [f"\n### {group}\n", "| the server | what you see |", "|---|---|"]
        for server in SERVERS:
            if server.group == group:
                lines.append(f"| {server.does} | {seen(server)} |")
    return "\n".join(lines) + "\n\n"


def seen(server: Hostile) -> str:
    """Return the error message, or the rows."""
    warned = "".join(f"; warning `{code}`" for code in server.warnings)
    if server.error is not None:
        return "<br>".join(_code(line) for line in server.error.split("\n")) + warned
    rows = ", ".join(_code(str(dict(row))) for row in server.rows[:3])
    more = ", …" if len(server.rows) > 3 else ""
    return f"loaded: {rows}{more}{warned}" if rows else f"no rows{warned}"


def _code(text: str) -> str:
    mark = "``" if "`" in text else "`"
    return f"{mark}{text}{mark}".replace("|", "\\|")


def with_table(text: str) -> str:
    """Return the page with the current table."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


def main(check: bool) -> int:
    """Write the page, or with `check` compare it; return 1 if it is out of date."""
    text = PAGE.read_text(encoding="utf-8")
    if check and text != with_table(text):
        print("docs/reliability.md is out of date; run python -m tests.support.hostile_page")
        return 1
    if not check:
        PAGE.write_text(with_table(text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
