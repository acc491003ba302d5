"""Deferred imports: what dlt takes of them, and that using one is as if it had been imported."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from framework.runtime import deferred_imports
from framework.runtime.deferred_imports import StandIn, execute_deferred, import_ahead

DESTINATIONS = (
    *("athena", "bigquery", "clickhouse", "databricks", "dremio", "ducklake", "dummy", "fabric"),
    *("filesystem", "lance", "lancedb", "motherduck", "mssql", "postgres", "qdrant", "redshift"),
    *("snowflake", "sqlalchemy", "synapse", "weaviate"),
)

TAKEN = {
    **{f"dlt.destinations.impl.{kind}.factory": [kind] for kind in DESTINATIONS},
    # a hint, a call and a hint
    "dlt.common.libs.sqlglot": ["TSqlGlotDialect", "filter_select_column_names"],
    "dlt.dataset.dataset": ["Dataset", "dataset"],
    "dlt.dataset.relation": ["Relation"],
    "dlt.normalize.items_normalizers.model": ["ModelItemsNormalizer"],
    "dlt.common.storages.fsspec_filesystem": ["fsspec_filesystem", "fsspec_from_config"],
    "dlt.destinations.fs_client": ["FSClientBase"],
    "fsspec": ["AbstractFileSystem"],
    "croniter": ["croniter"],
    "asyncio": ["AbstractEventLoop"],
    "packaging.requirements": ["Requirement"],
    "packaging.specifiers": ["SpecifierSet"],
    "charset_normalizer.api": ["from_bytes", "from_fp", "from_path", "is_binary"],
    "charset_normalizer.legacy": ["detect"],
}
"""What dlt takes from each deferred module while it is imported: called, or part of a hint, or a
class for isinstance. None is caught by an `except`, or looked into by code of a module."""

SCRIPT = """
import json, sys
from framework.runtime.deferred_imports import (
    DEFERRED, StandIn, _DeferredModule, defer_imports, execute_deferred)
defer_imports()
import dlt, dlt.sources.rest_api, framework.load.runner, framework.load.destinations.duckdb

def deferred():
    return {n: m for n, m in sys.modules.items()
            if type(m) is _DeferredModule and not n.startswith("requests.packages.")}

def left():
    return sorted(f"{n}.{k}" for n, m in list(sys.modules.items())
                  for k, v in list(vars(m).items()) if isinstance(v, StandIn))

found = {"taken": {n: sorted(m.__dict__["__taken__"]) for n, m in deferred().items()}}
from framework.load.destinations.profiles import build_destination
found["named"] = [build_destination(kind, None).destination_name
                  for kind in ("filesystem", "postgres", "bigquery")]
found["rows"] = dlt.destinations.duckdb(":memory:").destination_type
import sqlglot
found["sql"] = sqlglot.parse_one("select a from b").sql("duckdb")
for name in DEFERRED:
    execute_deferred(name)
found["deferred"], found["left"] = sorted(deferred()), left()
found["class"] = isinstance(dlt.Dataset, type)
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process sees that imports dlt with deferred modules, and executes them all then."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path_factory.mktemp("empty"),
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_importing_dlt_executes_no_deferred_module_and_takes_known_names(
    found: dict[str, Any],
) -> None:
    assert {name: taken for name, taken in found["taken"].items() if taken} == TAKEN


def test_each_entry_of_the_list_is_a_module_that_dlt_imports(found: dict[str, Any]) -> None:
    names = [*found["taken"], "dlt.destinations.queries", "dlt.helpers.dbt"]
    names += [f"dlt.dataset.{name}" for name in ("_incremental", "_join", "lineage")]
    for entry in deferred_imports.DEFERRED:
        assert any(name == entry or name.startswith(f"{entry}.") for name in names), entry


def test_a_destination_is_found_by_its_name(found: dict[str, Any]) -> None:
    assert found["named"] == ["filesystem", "postgres", "bigquery"]


def test_executed_modules_leave_no_stand_in(found: dict[str, Any]) -> None:
    assert (found["deferred"], found["left"], found["class"]) == ([], [], True)
    assert found["sql"] == "SELECT a FROM b"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """Write modules of a package `outer`, of which `outer.late` is deferred, and import one."""
    finder = deferred_imports._Finder()
    monkeypatch.setattr(deferred_imports, "DEFERRED", ("outer.late",))
    monkeypatch.setattr(deferred_imports, "IMPORTERS", ("outer",))
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    monkeypatch.syspath_prepend(str(tmp_path))

    def load(**modules: str) -> ModuleType:
        for name, text in {"__init__": "", **modules}.items():
            file = tmp_path.joinpath("outer", *name.split(".")).with_suffix(".py")
            file.parent.mkdir(exist_ok=True)
            file.write_text(textwrap.dedent(text))
        importlib.invalidate_caches()
        return importlib.import_module("outer.early")

    yield load
    for name in [name for name in sys.modules if name.split(".")[0] == "outer"]:
        del sys.modules[name]


def test_a_module_of_an_executed_package_is_imported_as_usual(
    package: Callable[..., ModuleType],
) -> None:
    modules = {
        "late.__init__": "KNOWN = []",
        "late.known": """
            from importlib import import_module
            from outer.late import KNOWN
            def find(name):
                import_module(f'outer.late.{name}')
                return KNOWN
        """,
        "late.one": "from outer.late import KNOWN\nKNOWN.append('one')",
        "early": "from outer.late.known import find",
    }
    assert package(**modules).find("one") == ["one"]


LATE = """
    COUNT = 1
    class Late:
        value = 2
    def double(number):
        return 2 * number
"""


def is_executed(name: str = "outer.late") -> bool:
    return type(sys.modules[name]) is ModuleType


def test_what_an_import_takes_executes_nothing_and_a_call_does(
    package: Callable[..., ModuleType],
) -> None:
    early = package(
        late=LATE,
        early="""
            from outer.late import Late, double
            class Early:
                def method(self, late: Late | None) -> Late: ...
        """,
    )
    assert not is_executed()
    assert not isinstance(1, early.Late)
    assert (early.Late | None) is not None
    assert not is_executed()
    stand_in = early.double
    assert isinstance(stand_in, StandIn)
    assert stand_in(4) == 8
    assert is_executed()
    assert early.double is sys.modules["outer.late"].double
    assert isinstance(early.Late(), early.Late)
    assert early.Late.value == 2


def test_a_stand_in_can_be_a_base_class_and_be_asked_about_instances_later(
    package: Callable[..., ModuleType],
) -> None:
    early = package(late=LATE, early="from outer.late import Late\nTAKEN = {'late': Late}\n")
    stand_in = early.TAKEN["late"]
    derived: Any = type("Derived", (), {})
    assert not issubclass(derived, stand_in)

    class Late(stand_in):  # type: ignore[misc, valid-type]
        pass

    assert is_executed()
    assert isinstance(Late(), stand_in)
    assert issubclass(Late, stand_in)
    assert stand_in.value == 2


def test_code_of_a_function_gets_the_object(package: Callable[..., ModuleType]) -> None:
    early = package(
        late=LATE,
        early="""
            def count():
                from outer.late import COUNT
                return COUNT
        """,
    )
    assert early.count() == 1


def test_code_of_a_known_function_gets_a_stand_in(
    package: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deferred_imports, "CALLERS", ("outer.early",))
    early = package(
        late=LATE,
        early="""
            import outer.late
            def is_late(value):
                from outer.late import Late
                return isinstance(value, Late)
            def double(number):
                def twice(number: outer.late.Late): ...
                return outer.late.double(number)
        """,
    )
    assert not early.is_late(1)
    assert not is_executed()
    assert early.double(2) == 4
    assert is_executed()
    assert early.is_late(sys.modules["outer.late"].Late())


def test_a_deferred_module_that_fails_does_so_at_each_use(
    package: Callable[..., ModuleType],
) -> None:
    early = package(late="raise ImportError('no such library')", early="import outer.late as late")
    for _ in range(2):
        with pytest.raises(ImportError, match="no such library"):
            _ = early.late.anything


def test_a_circular_import_sees_what_is_there_and_nothing_else(
    package: Callable[..., ModuleType],
) -> None:
    early = package(
        late="FIRST = 1\nimport outer.other\nSECOND = 2\n",
        other="import outer.late\nSEEN = outer.late.FIRST, hasattr(outer.late, 'SECOND')\n",
        early="import outer.late as late",
    )
    assert early.late.SECOND == 2
    assert sys.modules["outer.other"].SEEN[0] == 1


def test_another_thread_never_sees_half_a_module(
    package: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()
    monkeypatch.setattr(deferred_imports, "begun", begun, raising=False)
    monkeypatch.setattr(deferred_imports, "may_end", may_end, raising=False)
    early = package(
        late="""
            from framework.runtime import deferred_imports
            VALUE = "early"
            deferred_imports.begun.set()
            deferred_imports.may_end.wait(10)
            VALUE = "whole"
        """,
        early="import outer.late as late",
    )
    import_ahead("outer.late")
    assert begun.wait(10)
    seen: list[str] = []
    reader = threading.Thread(target=lambda: seen.append(early.late.VALUE))
    reader.start()
    reader.join(0.05)
    may_end.set()
    reader.join(10)
    assert seen == ["whole"]


def test_importing_ahead_leaves_errors_to_the_first_use(package: Callable[..., ModuleType]) -> None:
    package(late="raise ImportError('no such library')", early="import outer.late")
    import_ahead("outer.late", "outer.nothing")
    for thread in threading.enumerate():
        if thread.name == "import-ahead":
            thread.join(10)
    with pytest.raises(ImportError, match="no such library"):
        execute_deferred("outer")


def test_deferring_after_dlt_is_imported_changes_nothing() -> None:
    before = list(sys.meta_path)
    assert "dlt" in sys.modules
    deferred_imports.defer_imports()
    assert sys.meta_path == before
