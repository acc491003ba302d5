"""Import dlt without the parts that a run does not use: importing is most of a small run's time.

dlt imports all its destinations, its SQL builder and its file systems at once. The modules of
DEFERRED are found but not executed while dlt is imported: what dlt takes from them are stand-ins.
A module is executed when one of its objects is used, and replaces its stand-ins then.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.machinery import ModuleSpec
from inspect import CO_OPTIMIZED
from types import FrameType, ModuleType
from typing import Any, Union

IMPORTERS = ("dlt", "charset_normalizer")
"""Packages whose modules get stand-ins while they are imported."""

NOT_FOR = {"tornado": "tenacity"}
"""Modules that count as not installed for the package that would import them just in case."""

CALLERS = ("dlt.extract.concurrency", "dlt.extract.incremental", "dlt.extract.utils")
"""Modules whose functions get stand-ins too: for a class in a hint, or in every `isinstance`."""

DEFERRED = (
    # SQL as syntax trees: datasets and views
    "sqlglot",
    "dlt.common.libs.sqlglot",
    "dlt.dataset._incremental",
    "dlt.dataset._join",
    "dlt.dataset.dataset",
    "dlt.dataset.lineage",
    "dlt.dataset.relation",
    "dlt.destinations.queries",
    "dlt.normalize.items_normalizers.model",
    # file systems
    "fsspec",
    "dlt.common.storages.fsspec_filesystem",
    "dlt.destinations.fs_client",
    "dlt.destinations.impl.filesystem",
    # every destination but DuckDB, which loads what it needs of itself
    "dlt.destinations.impl.athena",
    "dlt.destinations.impl.bigquery",
    "dlt.destinations.impl.clickhouse",
    "dlt.destinations.impl.databricks",
    "dlt.destinations.impl.dremio",
    "dlt.destinations.impl.dummy",
    "dlt.destinations.impl.ducklake",
    "dlt.destinations.impl.fabric",
    "dlt.destinations.impl.lance",
    "dlt.destinations.impl.lancedb",
    "dlt.destinations.impl.motherduck",
    "dlt.destinations.impl.mssql",
    "dlt.destinations.impl.postgres",
    "dlt.destinations.impl.qdrant",
    "dlt.destinations.impl.redshift",
    "dlt.destinations.impl.snowflake",
    "dlt.destinations.impl.sqlalchemy",
    "dlt.destinations.impl.synapse",
    "dlt.destinations.impl.weaviate",
    # asynchronous resources
    "asyncio",
    # dbt, cron expressions, requirements of packages, guesses of a text's encoding
    "dlt.helpers.dbt",
    "dlt.pipeline.dbt",
    "croniter",
    "packaging.requirements",
    "packaging.specifiers",
    "charset_normalizer.api",
    "charset_normalizer.legacy",
    # needed once there is a page: executed while the first responses are awaited
    "pyarrow.compute",
)
"""Modules, each with its submodules. A stand-in is no exception class for `except`, and what a
module registers when it is executed is missing: a test lists what dlt takes from each."""


def defer_imports() -> None:
    """Defer the modules from now on; do nothing if dlt is imported already."""
    if "dlt" not in sys.modules and not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def execute_deferred(package: str) -> None:
    """Execute the deferred modules of a package, for a caller that looks for its classes."""
    for name, module in list(sys.modules.items()):
        if isinstance(module, _DeferredModule) and _is_within(name, (package,)):
            module._execute()


def import_ahead(*modules: str) -> None:
    """Import modules on a thread of their own, executed; errors are left to their first use."""

    def import_all() -> None:
        with suppress(Exception):
            for name in modules:
                import_module(name)
                execute_deferred(name)

    threading.Thread(target=import_all, name="import-ahead", daemon=True).start()


def _is_within(name: str, packages: Sequence[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in packages)


class StandIn:
    """An object of a deferred module until the module is executed.

    It can be called, be a base class or a part of a type; using an attribute executes the module.
    Nothing is an instance of a class whose module was not executed.
    """

    def __init__(self, module: ModuleType, name: str) -> None:
        self._module, self._name = module, name

    def _object(self) -> Any:
        return getattr(self._module, self._name)

    def _is_executed(self) -> bool:
        return not isinstance(self._module, _DeferredModule)

    def __repr__(self) -> str:
        return f"<stand-in for {self._module.__name__}.{self._name}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and not self._is_executed():
            raise AttributeError(name)  # typing looks for several
        return getattr(self._object(), name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the object."""
        return self._object()(*arguments, **named)

    def __mro_entries__(self, _: tuple[object, ...]) -> tuple[Any, ...]:
        return (self._object(),)

    def __instancecheck__(self, instance: object) -> bool:
        return self._is_executed() and isinstance(instance, self._object())

    def __subclasscheck__(self, subclass: type) -> bool:
        return self._is_executed() and issubclass(subclass, self._object())

    def __or__(self, other: Any) -> Any:
        return Union[self, other]  # noqa: UP007 - that would call this again

    def __ror__(self, other: Any) -> Any:
        return Union[other, self]  # noqa: UP007


class _DeferredModule(ModuleType):
    """A module that is executed when something other than an import of IMPORTERS uses it."""

    def __getattribute__(self, name: str) -> Any:
        own = ModuleType.__getattribute__(self, "__dict__")
        if own.get("__executed_by__", threading.get_ident()) != threading.get_ident():
            with _lock:  # half a module is not to be seen by other threads
                pass
        return ModuleType.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Any:
        if name in ("__path__", "__file__"):  # the import system has set them if there are any
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        is_import = not name.startswith("__") and _is_import(sys._getframe(1))
        with _lock:
            if is_import and type(self) is _DeferredModule:
                taken: dict[str, StandIn] = self.__dict__["__taken__"]
                return taken.setdefault(name, StandIn(self, name))
            self._execute()
        if type(self) is not _DeferredModule:
            return getattr(self, name)
        if name in self.__dict__:
            return self.__dict__[name]
        raise AttributeError(f"module {self.__name__!r} has no {name!r} yet: a circular import")

    def _execute(self) -> None:
        """Execute the module in its own namespace, and put its objects where stand-ins are.

        Its package comes first, as in every import.
        """
        with _lock:
            package = sys.modules.get(self.__name__.rpartition(".")[0])
            if isinstance(package, _DeferredModule):
                package._execute()
            if not _is_waiting(self):
                return
            self.__dict__["__executed_by__"] = threading.get_ident()
            try:
                self.__dict__["__loader__"].exec_module(self)
            finally:
                del self.__dict__["__executed_by__"]
            taken = self.__dict__.pop("__taken__")
            self.__class__ = ModuleType  # type: ignore[assignment]
            if taken:
                _replace({id(stand_in): getattr(self, name) for name, stand_in in taken.items()})


def _replace(objects: dict[int, Any]) -> None:
    """Put objects where modules of IMPORTERS have their stand-ins, which are known by id."""
    for name, module in list(sys.modules.items()):
        if _is_within(name, IMPORTERS):
            for key, value in list(vars(module).items()):
                if id(value) in objects:
                    vars(module)[key] = objects[id(value)]


def _is_waiting(module: ModuleType) -> bool:
    """Return whether a module is deferred and not being executed."""
    return type(module) is _DeferredModule and "__executed_by__" not in module.__dict__


_lock = threading.RLock()


def _is_import(frame: FrameType | None) -> bool:
    """Return whether a module of IMPORTERS asks for a name while it is imported.

    The code of a module or a class body does; a function asks when it is called.
    """
    frame = _importer(frame)
    if frame is None:
        return False
    name = str(frame.f_globals.get("__name__"))
    if frame.f_code.co_flags & CO_OPTIMIZED:
        return name in CALLERS
    return _is_within(name, IMPORTERS) and not _is_within(name, DEFERRED)


def _importer(frame: FrameType | None) -> FrameType | None:
    """Return the frame that asks the import system."""
    while frame is not None and frame.f_globals.get("__name__") == "importlib._bootstrap":
        frame = frame.f_back
    return frame


class _Finder:
    """Find the deferred modules, for a loader that does not execute them."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a deferred module that is installed.

        A module of a package that is executed is imported as usual: it may register itself there.
        Raise ModuleNotFoundError for one of NOT_FOR.
        """
        if name in NOT_FOR:
            frame = _importer(sys._getframe(1))
            if frame is not None and frame.f_globals.get("__name__") == NOT_FOR[name]:
                raise ModuleNotFoundError(f"{name} is not for {NOT_FOR[name]}", name=name)
        entry = next((one for one in DEFERRED if _is_within(name, (one,))), None)
        package = sys.modules.get(entry or name)
        if entry is None or (package is not None and not _is_waiting(package)):
            return None
        finders = (one for one in sys.meta_path if one is not self)
        specs = (one.find_spec(name, path, target) for one in finders if hasattr(one, "find_spec"))
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _DeferringLoader(spec.loader)  # type: ignore[assignment]
        return spec


class _DeferringLoader:
    """Create a module with its own loader, and leave its execution to its first use."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return what the module's own loader returns."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Make the module a deferred one."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__dict__["__taken__"] = {}
        module.__class__ = _DeferredModule
