"""Load packages: the rows of some resources together with the state that belongs to them.

A package is extracted by dlt from our sinks, normalized and loaded. A run writes one, or several if
it commits while it reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import dlt
from dlt.common.schema import Schema
from dlt.pipeline.exceptions import PipelineStepFailed

from framework.definition.model import Resource
from framework.errors import TableRefused
from framework.extract.compilation.compiler import CompiledConnector
from framework.extract.compilation.dlt_source import Start, build_source
from framework.extract.resume.resume_point import START, ResumePoint
from framework.load.commits.attempt import RESUME, Attempt
from framework.load.declared_tables import has_table, listed_tables, root_table, table_name
from framework.load.destinations.target import Target
from framework.load.dlt_errors import contract_broken, disk_full, known_cause, unextracted
from framework.load.persistence.dataset_schema import stored_version
from framework.load.persistence.load_markers import loaded_state, take_back
from framework.load.persistence.recovery import READ_FOR, READ_INTO, OpenPipeline, drop_packages
from framework.load.persistence.run_state import (
    FULL_READ,
    IN_FLIGHT,
    LOADS,
    MODES,
    Watermarks,
    add_token,
    storable,
)
from framework.load.pipeline import destination_errors, load, normalize, release_memory
from framework.load.report import Collector
from framework.load.sink import Sink

Sinks = Mapping[str, Sink]
"""What to load of each resource, by name."""


@dataclass(frozen=True)
class StoredState:
    """What a package writes into the state of the named resources.

    `mode` is how their tables are loaded: "limited" or "full". `points` say where a later run goes
    on; a resource without one was read to its end. `once` is the token of a run that ends with it.
    `full_reads` are the resources that were read whole.
    """

    watermarks: Watermarks = field(default_factory=dict)
    mode: str = "full"
    names: frozenset[str] = frozenset()
    points: Mapping[str, ResumePoint] = field(default_factory=dict)
    once: str | None = None
    full_reads: frozenset[str] = frozenset()


class Packages:
    """The packages of one run. `refreshed` are the resources whose tables it loads anew.

    `loaded` are the resources of which rows were loaded, `emptied` those of which a refused package
    has dropped the tables. `load_ids` are the loads of each resource in this run.
    """

    def __init__(
        self,
        compiled: CompiledConnector,
        opened: OpenPipeline,
        target: Target,
        attempt: Attempt,
        collector: Collector,
        refreshed: frozenset[str],
        connection: ExitStack,
    ) -> None:
        self.pipeline = opened.pipeline
        self.loaded: set[str] = set()
        self.emptied: set[str] = set()
        self.load_ids: dict[str, list[str]] = {}
        self.earlier_loads: dict[str, list[str]] = {}
        """The loads of earlier runs whose rows may turn out to be deleted, by resource."""
        self._compiled = compiled
        self._connector = compiled.connector
        self._read_for = opened.read_for
        self._schema = opened.schema
        self._target = target
        self._attempt = attempt
        self._collector = collector
        self._refreshed = refreshed
        self._connection = connection
        self._is_loading = False
        self._load_id = ""

    def load(self, sinks: Sinks, state: StoredState, *, in_steps: bool = True) -> Counter[str]:
        """Load rows and state as one package; return the number of rows by table.

        With `in_steps` the progress says so, and the connection stays open. Raise TableRefused if
        dlt or the destination refuses rows of one table.
        """
        rows: Counter[str] = Counter()
        parts = self._parts(sinks)
        for part in parts:
            package = state
            if part is not parts[-1]:
                package = replace(state, names=frozenset(part), once=None)
            info = self._normalized(part, package, in_steps=in_steps)
            with self._turn() as is_outdated, ExitStack() as own:
                if is_outdated:
                    self.drop()
                    info = self._normalized(part, package, in_steps=in_steps)
                if in_steps:
                    self._collector.step("load")
                self._is_loading = True
                connection = self._connection if in_steps else own
                load(self.pipeline, self._target, self._connector.name, connection)
                self._on_load(part)
            rows.update(info.row_counts if info is not None else {})
        return rows

    def _normalized(self, sinks: Sinks, state: StoredState, *, in_steps: bool) -> Any:
        """Extract and normalize one package; return dlt's counts of its rows."""
        self._is_loading = False
        if self._target.turn.is_shared and self.pipeline.default_schema_name:
            self._fit(sinks, self.pipeline.default_schema)
        self._extract(sinks, state)
        self._collector.report.handed_over = True
        if in_steps:
            self._collector.step("normalize")
        return normalize(self.pipeline)

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """Hold the turn; yield whether another run has changed the tables since this one looked."""
        turn, is_outdated = self._target.turn, False
        with turn, ExitStack() as connection:
            if turn.is_shared:
                with destination_errors("cannot open", self._target):
                    connection.enter_context(self.pipeline.destination_client())
                    version = stored_version(self.pipeline, self._connector.name)
                is_outdated = version != self._schema
            yield is_outdated

    def _fit(self, sinks: Sinks, schema: Schema) -> None:
        """Adapt what was read to the tables, which other runs may have created or changed since.

        Raise TableRefused for rows that cannot be adapted.
        """
        for sink in sinks.values():
            place = sink.fit(schema)
            if place is not None:
                table, column = place
                raise TableRefused(
                    table,
                    f"another run has created the column {column} of {table} with another type "
                    "since this run began. Run again.",
                )

    def _parts(self, sinks: Sinks) -> list[Sinks]:
        """Return the sinks, first and apart those whose tables dlt has to drop."""
        new = {name: sink for name, sink in sinks.items() if name not in self.loaded}
        old = {name: sink for name, sink in sinks.items() if name in self.loaded}
        return [new, old] if self._refreshed and new and old else [sinks]

    def load_state(self, state: StoredState) -> None:
        """Load a package without rows."""
        with self._turn() as is_outdated, ExitStack() as connection:
            if is_outdated:
                self.drop()
            if self.pipeline.default_schema_name:
                with self.pipeline.managed_state(extract_state=True) as whole:
                    source = whole.setdefault("sources", {}).setdefault(self._connector.name, {})
                    self._store(source, state, "")
            else:  # dlt keeps no state without a schema
                self._extract(dict.fromkeys(state.names), state)
            normalize(self.pipeline)
            load(self.pipeline, self._target, self._connector.name, connection)
            self._on_load({})

    def _on_load(self, sinks: Sinks) -> None:
        self._collector.report.handed_over = False
        self._read_for = loaded_state(self.pipeline)
        if self._target.turn.is_shared:
            self._schema = stored_version(self.pipeline, self._connector.name)
        self.loaded.update(sinks)
        for name in sinks:
            self.load_ids.setdefault(name, []).append(self._load_id)
            if self._connector.resource(name).write_disposition == "append":
                self._attempt.loads.setdefault(name, []).append(self._read_for)

    def _store(self, source: dict[str, Any], state: StoredState, load_id: str) -> None:
        """Write into the connector's state; `load_id` is the package's, "" without rows."""
        resources, modes = source.setdefault("resources", {}), source.setdefault(MODES, {})
        for name in self.emptied - state.names:
            resources.pop(name, None)
        for name in state.names:
            own = resources.setdefault(name, {})
            own.pop(RESUME, None)
            watermarks, point = state.watermarks.get(name), state.points.get(name)
            if watermarks:
                own["incremental"] = storable(watermarks, self._compiled.redactor)
            if point is not None:
                loads = self._attempt.loads.get(name, [])
                if load_id and self._connector.resource(name).write_disposition == "append":
                    loads = [*loads, load_id]
                own[RESUME] = self._attempt.entry(point, loads)
            modes[name] = state.mode
            if self._connector.resource(name).deletes is not None:
                known = [*self.earlier_loads.get(name, ()), *self.load_ids.get(name, ())]
                own[LOADS] = [*known, load_id] if load_id else known
            if name in state.full_reads:
                own[FULL_READ] = self._attempt.start.isoformat()
        if state.once is not None:
            add_token(source, state.once)
        if self._compiled.levels is not None:
            source[IN_FLIGHT] = self._compiled.levels.learnt()

    def _extract(self, sinks: Mapping[str, Sink | None], state: StoredState) -> None:
        """Have dlt extract all rows and the state; without a sink there are no rows."""

        def start(resource: Resource) -> Start:
            def rows() -> Iterator[Any]:
                package: Any = dlt.current.load_package_state()
                sink = sinks[resource.name]
                load_id = package["load_id"] if sink is not None else ""
                self._load_id = package["load_id"]
                self._store(dlt.current.source_state(), state, load_id)
                package["state"][READ_FOR] = self._read_for
                if self._target.turn.is_shared:
                    package["state"][READ_INTO] = self._schema
                if sink is not None:
                    yield from sink.rows()

            return rows

        starts = {resource.name: start(resource) for resource in self._connector.resources}
        source = build_source(self._compiled, starts)
        for name, sink in sinks.items():
            if sink is not None:
                sink.prepare(source.resources[name])
        drops = bool(self._refreshed) and not sinks.keys() <= self.loaded
        release_memory()
        try:
            self.pipeline.extract(
                source.with_resources(*sinks),
                refresh="drop_resources" if drops else None,
                loader_file_format=self._target.profile.file_format,
            )
        except PipelineStepFailed as error:
            cause = known_cause(error) or disk_full(error) or contract_broken(error)
            if cause is None:
                roots = {name: root_table(self._connector.resource(name)) for name in sinks}
                cause = unextracted(error, roots)
            if cause is None:
                raise
            raise cause from error

    def drop(self) -> None:
        """Drop what was extracted; the next package starts from the destination."""
        opened = drop_packages(self.pipeline, self._target, self._connector.name)
        self._read_for, self._schema = opened.read_for, opened.schema
        self._collector.report.handed_over = False

    def refused(self, error: TableRefused, sinks: Sinks) -> dict[str, TableRefused]:
        """Drop a package; return the error of each resource whose rows were refused.

        Raise the error if it is the fault of no single resource.
        """
        pipeline = self.pipeline
        schema = pipeline.default_schema if pipeline.default_schema_name else None
        resources = map(self._connector.resource, sinks)
        refused = {one.name: error for one in resources if has_table(schema, one, error.table)}
        if self._is_loading:
            self.emptied |= self._refreshed & (sinks.keys() - self.loaded)
        self.drop()
        if error.table is None:
            refused = self._try_alone(error, sinks)
        if not refused:
            raise error
        return refused

    def _try_alone(self, error: TableRefused, sinks: Sinks) -> dict[str, TableRefused]:
        """Normalize each resource alone, without loading it; return the errors by resource."""
        if len(sinks) == 1:
            return dict.fromkeys(sinks, error)
        refused = {}
        for name, sink in sinks.items():
            try:
                self._extract({name: sink}, StoredState())
                normalize(self.pipeline)
            except TableRefused as own:
                refused[name] = own
            finally:
                self.drop()
        return refused

    def forget_emptied(self) -> None:
        """Load a state in which the resources whose tables were dropped start again."""
        self.load_state(StoredState())

    def take_back(self, loads: Mapping[str, list[str]], watermarks: Watermarks) -> Iterator[str]:
        """Delete what these loads appended for each resource; yield a note for each.

        The state says so first: what a run that is killed meanwhile has left, the next one deletes.
        """
        if not loads:
            return
        self._attempt.loads.update(loads)
        points = dict.fromkeys(loads, START)
        self.load_state(StoredState(watermarks, "full", frozenset(loads), points))
        for name, ids in loads.items():
            root = root_table(self._connector.resource(name))
            with self._target.turn, destination_errors("cannot write", self._target):
                rows = take_back(self.pipeline, self._connector.name, root, ids)
            self._attempt.loads[name] = []
            if rows:
                yield f"deleted {rows:,} rows of {name} that a run before had appended"


def rows_of(schema: Schema, resource: Resource, rows: Mapping[str, int]) -> int:
    """Return how many rows of the resource's own table a package had; `rows` are by table."""
    tables = [schema.naming.normalize_table_identifier(table_name(resource))]
    if resource.tables is not None:
        tables = listed_tables(schema, resource)
    return sum(rows.get(table, 0) for table in tables)
