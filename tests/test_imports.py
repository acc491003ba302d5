"""The packages: imports go one way, in no circle; names occur once; dlt stays out of fast verbs."""

from __future__ import annotations

import ast
from collections import Counter
from graphlib import CycleError, TopologicalSorter
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
    "ledger",
    "login",
    "otel",
    "notify",
    "authoring",
    "mock",
    "prove",
    "importers",
    "fleet",
    "workspace",
    "language_server",
    "agent_tools",
    "studio",
    "catalog",
    "cli",
)
"""A package or a module of the root imports only what stands before it."""

HEAVY = {"dlt", "requests", "duckdb", "pyarrow", "vcr"}
SKIPPED_BY_TOOLS = {"build", "spec", "dist", "env", "venv", "test", "lib", "out", "target"}
DATA = {"schemas", "connectors", "cassettes", "queries"}
"""Folders that a wheel carries inside the package."""

MODULES = sorted(ROOT.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


def dotted(path: Path) -> str:
    """Return the module's dotted name."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, *, lazy: bool = True) -> set[str]:
    """Return what a module imports at run time; without `lazy` not what its functions import."""
    names: set[str] = set()
    skipped: set[ast.AST] = set()
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            skipped.update(ast.walk(node))
        if not lazy and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            skipped.update(ast.walk(node))
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_imports_only_packages_before_it(path: Path) -> None:
    package = path.relative_to(ROOT).with_suffix("").parts[0]
    if package in ("__init__", "__main__"):
        return
    allowed = ORDER[: ORDER.index(package) + 1]
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "framework" and len(parts) > 1 and parts[1] != "__version__":
            assert parts[1] in allowed, f"{package} imports {name}"


def test_no_modules_import_each_other() -> None:
    known = {dotted(path): path for path in MODULES if path.parent != ROOT}
    graph = {name: (imports(path) & known.keys()) - {name} for name, path in known.items()}
    # a package and its modules: importing `a.b` runs `a/__init__`, which is no import by `a.b`
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_module_and_a_class_have_a_name_of_their_own() -> None:
    stems = [path.stem for path in MODULES if not path.stem.startswith("__")]
    classes = [
        node.name
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    twice = [name for name, count in (Counter(stems) + Counter(classes)).items() if count > 1]
    assert twice == []


def test_no_folder_is_named_like_what_tools_skip() -> None:
    folders = {
        path.name
        for top in ("framework", "tests")
        for path in (ROOT.parent / top).rglob("*")
        if path.is_dir()
    }
    assert not folders & SKIPPED_BY_TOOLS


@pytest.mark.parametrize("package", ["definition", "cli"])
def test_fast_verbs_import_nothing_heavy(package: str) -> None:
    for path in MODULES:
        if path.is_relative_to(ROOT / package):
            names = imports(path, lazy=package == "definition")
            heavy = {name.split(".")[0] for name in names} & HEAVY
            assert not heavy, f"{path.name} imports {heavy}"


def test_every_package_is_in_the_order() -> None:
    names = {path.relative_to(ROOT).with_suffix("").parts[0] for path in MODULES}
    assert names - DATA - {"__init__", "__main__"} == set(ORDER)
