"""The rooms of the package: imports go one way, and dlt stays out of what is fast."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import framework

ROOT = Path(framework.__file__).parent
ORDER = (
    "errors",
    "findings",
    "text",
    "events",
    "definition",
    "runtime",
    "http",
    "extract",
    "api",
    "load",
    "authoring",
    "importers",
    "cli",
)
HEAVY = {"dlt", "requests", "duckdb", "pyarrow", "vcr"}


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT)


def imported(path: Path, *, lazily: bool) -> set[str]:
    """Modules that a file imports; without `lazily` only those that its own import needs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            skipped.update(ast.walk(node))
        if not lazily and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            skipped.update(ast.walk(node))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_rooms_before_it(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    allowed = ORDER[: ORDER.index(room) + 1]
    for name in imported(path, lazily=True):
        parts = name.split(".")
        if parts[0] == "framework" and len(parts) > 1:
            assert parts[1] in allowed, f"{room} imports {name}"


@pytest.mark.parametrize("room", ["definition", "cli"])
def test_what_is_fast_imports_nothing_heavy(room: str) -> None:
    for path in sorted((ROOT / room).rglob("*.py")):
        heavy = {name.split(".")[0] for name in imported(path, lazily=room == "definition")} & HEAVY
        assert not heavy, f"{path.name} imports {heavy}"


def test_every_room_is_known() -> None:
    rooms = {path.relative_to(ROOT).parts[0] for path in modules()}
    assert rooms - {"schemas", "connectors", "cassettes"} <= set(ORDER)
