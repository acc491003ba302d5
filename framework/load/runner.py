"""A run: extract every selected resource, then normalize and load all of them as one package."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed

from framework.definition.model import Connector, Resource
from framework.errors import TableRefused
from framework.events import EventHandler, ResourceEnded, WarningRaised, ignore_event
from framework.extract.compilation.compiler import CompiledConnector, compile_connector
from framework.extract.compilation.dlt_source import ResourceReaders, Start, build_source
from framework.extract.read_options import ReadOptions
from framework.load.declared_tables import (
    create_declared_tables,
    has_table,
    listed_tables,
    root_table,
    table_name,
)
from framework.load.destinations.target import (
    Target,
    refuse_impossible_merge,
    refuse_missing_format,
    target_of,
)
from framework.load.dlt_errors import (
    contract_broken,
    disk_full,
    known_cause,
    null_column,
    unextracted,
)
from framework.load.extractor import Extractor
from framework.load.monitors.schema_drift import drift_warnings, null_fields
from framework.load.persistence.recovery import (
    READ_FOR,
    OpenPipeline,
    drop_packages,
    open_pipeline,
)
from framework.load.persistence.run_state import (
    MODES,
    SourceState,
    Watermarks,
    next_watermarks,
    read_state,
    storable,
)
from framework.load.pipeline import (
    destination_errors,
    gc_paused,
    load,
    normalize,
    pipelines_folder,
    run_lock,
)
from framework.load.preflight import (
    refuse_mixed_modes,
    refuse_partial_refresh,
    refuse_range,
    reload_command,
    select_resources,
    unselected_parents,
    warn_late_children,
)
from framework.load.report import Collector, Report, say_where
from framework.load.run_options import RunOptions
from framework.load.schema_compatibility import refuse_frozen_table, refuse_other_tables
from framework.load.sink import Sink, open_sink
from framework.runtime.dlt_internals import redacted_traces
from framework.runtime.environment import Environment
from framework.runtime.redaction import redact_key
from framework.runtime.settings import resolve_settings
from framework.text import count_noun


def run(
    connector: Connector,
    options: RunOptions,
    environment: Environment,
    on_event: EventHandler = ignore_event,
    report: Report | None = None,
) -> Report:
    """Load the selected resources; return a report of each one's outcome.

    A given report is filled in during the run, for a caller that must report an early end.

    Raise FrameworkError for what is not the fault of one resource: options that are not valid,
    missing settings, a destination that cannot be written, an interrupt.
    """
    selected = select_resources(connector, options.resources)
    target = target_of(connector, options)
    refuse_impossible_merge(target, selected)
    refuse_missing_format(target, selected)
    refuse_range(connector, selected, options)
    report = report or Report(connector.name)
    report.destination, report.dataset = target.kind, target.dataset
    collector = Collector(report, selected, unselected_parents(connector, selected), on_event)
    settings = resolve_settings(
        connector, options.config, section=options.alias, replay=environment.replay
    )
    compiled = compile_connector(connector, settings, environment, collector)
    folder = pipelines_folder(options)
    with (
        gc_paused(),
        redacted_traces(environment.redactor),
        run_lock(folder, connector.name, target, collector, environment.stop),
    ):
        opened = open_pipeline(target, options, connector.name, collector)
        report.notes = opened.notes
        job = _Run(compiled, selected, options, environment, collector, target, opened)
        job.execute()
    had_rows = bool(job.loaded_before) and not options.refresh
    say_where(report, target, opened.pipeline, selected, had_rows=had_rows)
    report.end()
    return report


class _Run:
    """One run after its pipeline is open: what its stages share."""

    def __init__(
        self,
        compiled: CompiledConnector,
        selected: tuple[Resource, ...],
        options: RunOptions,
        environment: Environment,
        collector: Collector,
        target: Target,
        opened: OpenPipeline,
    ) -> None:
        self.compiled = compiled
        self.connector = compiled.connector
        self.selected = selected
        self.options = options
        self.environment = environment
        self.on_event = collector
        self.report = collector.report
        self.target = target
        self.pipeline = opened.pipeline
        self.read_for = opened.read_for
        self.state = read_state(opened.pipeline, self.connector)
        self.refreshed = {r.name for r in selected} if options.refresh else set[str]()
        self.loaded_before = self._loaded_before()
        self.loading = False
        self.emptied: set[str] = set()
        """Resources whose tables a refused package of a refresh has dropped."""

    def execute(self) -> None:
        """Check what is loaded, then extract, normalize and load."""
        self._check(self.state)
        before, moved = self.state.watermarks, copy.deepcopy(self.state.watermarks)
        for name in self.refreshed:
            moved.pop(name, None)
        with _disk_full_errors(), closing(self._extractor(moved)) as extractor:
            loaded = self._read(extractor, before)
            while loaded:
                try:
                    info = self._load(loaded, extractor, before, moved)
                except TableRefused as error:
                    loaded = self._without_refused(error, loaded, extractor)
                else:
                    self.report.loaded = True
                    self._complete(loaded, extractor, info)
                    return

    def _load(
        self, loaded: list[Resource], extractor: Extractor, before: Watermarks, moved: Watermarks
    ) -> Any:
        """Load the resources and their state as one package; return dlt's counts of its rows.

        Raise TableRefused if dlt or the destination refuses rows of one of them.
        """
        is_limited = self.options.limit is not None
        after = next_watermarks(
            self.connector,
            before,
            moved,
            self.report.resources,
            self.on_event,
            limited=is_limited,
            refreshed=(self.refreshed & extractor.sinks.keys()) | self.emptied,
        )
        self._extract(loaded, extractor, after, "limited" if is_limited else "full")
        self.report.handed_over = True
        self.on_event.step("normalize")
        info = normalize(self.pipeline)
        self.on_event.step("load")
        self.loading = True
        load(self.pipeline, self.target, self.connector.name)
        return info

    def _without_refused(
        self, error: TableRefused, loaded: list[Resource], extractor: Extractor
    ) -> list[Resource]:
        """Drop the package and fail the resources whose rows were refused; return the others.

        Descendants of a resource that fails are skipped, as they are if it cannot be read. Raise
        the error if it is the fault of no single resource.
        """
        schema = self.pipeline.default_schema if self.pipeline.default_schema_name else None
        refused = {r.name: error for r in loaded if has_table(schema, r, error.table)}
        if self.loading:
            self.emptied |= self.refreshed & {resource.name for resource in loaded}
        self._drop_packages()
        if error.table is None:
            refused = self._try_alone(error, loaded, extractor)
        if not refused:
            raise error
        remaining = []
        for resource in loaded:
            part = self.report.resources[resource.name]
            above = [a.name for a in self.connector.ancestors(resource) if a.name in refused]
            if resource.name in refused:
                own = refused[resource.name]
                record = self._record_of(own, resource, extractor.sinks[resource.name])
                part.status, part.error = "failed", f"{resource.name}: {own}{record}"
            elif above:
                part.status, part.error = "skipped", f"not loaded: {above[0]} failed"
            else:
                remaining.append(resource)
                continue
            part.loads_part = False
            extractor.drop(resource.name)
            self.on_event(ResourceEnded(resource.name, part.status, part.error))
        if self.emptied and not remaining:
            self._forget_emptied()
        extractor.keep_last(remaining)
        return remaining

    def _record_of(self, error: TableRefused, resource: Resource, sink: Sink) -> str:
        """Return a sentence that names the record with a null where none is allowed, if known."""
        place = null_column(error)
        if place is None or place[0] != root_table(resource):
            return ""
        record = sink.record_without(place[1])
        known = {name: (record or {}).get(name) for name in resource.primary_key}
        if record is None or not known:
            return ""
        key = ", ".join(f"{name}={redact_key(value)}" for name, value in known.items())
        return f" The first such record is {key}."

    def _try_alone(
        self, error: TableRefused, loaded: list[Resource], extractor: Extractor
    ) -> dict[str, TableRefused]:
        """Normalize each resource alone, without loading it; return the errors by resource."""
        if len(loaded) == 1:
            return {loaded[0].name: error}
        refused = {}
        for resource in loaded:
            try:
                self._extract([resource], extractor, {}, "full")
                normalize(self.pipeline)
            except TableRefused as own:
                refused[resource.name] = own
            finally:
                self._drop_packages()
        return refused

    def _drop_packages(self) -> None:
        """Drop what was extracted in this run; the next package starts from the destination."""
        self.read_for = drop_packages(self.pipeline, self.target, self.connector.name)
        self.report.handed_over = False

    def _check(self, state: SourceState) -> None:
        """Raise if the selected resources must not be loaded into what is there."""
        refuse_mixed_modes(state.modes, self.selected, self.options, self.target, self.on_event)
        schema = self._loaded_schema()
        for resource in self.selected if schema is not None else ():
            remedy = reload_command(self.connector, resource, state.watermarks)
            refuse_other_tables(schema, resource, remedy)
        if self.options.refresh:
            refuse_partial_refresh(self.connector, self.selected, state.watermarks)
        else:
            warn_late_children(
                self.connector, self.selected, state.modes, state.watermarks, self.on_event
            )

    def _extractor(self, watermarks: Watermarks) -> Extractor:
        options, selected = self.options, self.selected
        read_options = ReadOptions(
            self.environment,
            self.on_event,
            self.compiled.redactor,
            self.connector.client.max_in_flight,
            options.limit,
            watermarks,
            again=options.again,
        )
        folder = Path(self.pipeline.working_dir)
        folder.mkdir(parents=True, exist_ok=True)
        names = {r.name for r in selected} | unselected_parents(self.connector, selected).keys()
        readers = ResourceReaders(self.compiled, read_options, names)
        schema = self._loaded_schema()

        def sink(resource: Resource) -> Sink:
            refuse_frozen_table(schema, resource)
            return open_sink(resource, self.target, schema, folder)

        return Extractor(self.connector, readers, self.on_event, self.environment, sink)

    def _read(self, extractor: Extractor, before: Watermarks) -> list[Resource]:
        """Read the selected resources into sinks; return those that can be loaded."""
        self.on_event.step("extract")
        extractor.read_all(self.selected, self.connector.client.max_in_flight)
        loaded = [r for r in self.selected if self.report.resources[r.name].loads]
        extractor.keep_last(loaded)
        for resource in loaded:
            self._warn_if_empty(resource, extractor, before)
        return loaded

    def _extract(
        self, loaded: list[Resource], extractor: Extractor, watermarks: Watermarks, mode: str
    ) -> None:
        """Have dlt extract one package of all rows and the state that belongs to them."""

        def start(resource: Resource) -> Start:
            def rows() -> Iterator[Any]:
                own = watermarks.get(resource.name)
                if own:
                    stored = storable(own, self.compiled.redactor)
                    dlt.current.resource_state(resource.name)["incremental"] = stored
                state = dlt.current.source_state()
                for name in self.emptied - {one.name for one in loaded}:
                    state.get("resources", {}).pop(name, None)
                state.setdefault(MODES, {})[resource.name] = mode
                package: Any = dlt.current.load_package_state()
                package["state"][READ_FOR] = self.read_for
                yield from extractor.sinks[resource.name].rows()

            return rows

        starts = {resource.name: start(resource) for resource in self.connector.resources}
        source = build_source(self.compiled, starts)
        for resource in loaded:
            extractor.sinks[resource.name].prepare(source.resources[resource.name])
        try:
            self.pipeline.extract(
                source.with_resources(*(resource.name for resource in loaded)),
                refresh="drop_resources" if self.options.refresh else None,
                loader_file_format=self.target.profile.file_format,
            )
        except PipelineStepFailed as error:
            cause = known_cause(error) or disk_full(error) or contract_broken(error)
            if cause is None:
                cause = unextracted(error, {r.name: root_table(r) for r in loaded})
            if cause is None:
                raise
            raise cause from error

    def _forget_emptied(self) -> None:
        """Load a state in which the resources whose tables were dropped start again."""
        with self.pipeline.managed_state(extract_state=True) as state:
            resources = state.get("sources", {}).get(self.connector.name, {}).get("resources", {})
            for name in self.emptied:
                resources.pop(name, None)
        normalize(self.pipeline)
        load(self.pipeline, self.target, self.connector.name)

    def _complete(self, loaded: list[Resource], extractor: Extractor, info: Any) -> None:
        """Count loaded rows, create declared child tables without rows, warn of schema drift."""
        self._count_rows(loaded, info, extractor)
        with destination_errors(
            "all rows are loaded, but cannot create tables of empty lists in", self.target
        ):
            create_declared_tables(self.pipeline, loaded)
        self.on_event.step_done()
        schema = self.pipeline.default_schema  # dlt reads it from a file each time
        for resource in loaded:
            for code, message in drift_warnings(schema, resource):
                self.on_event(WarningRaised(resource.name, code, message))
            sink = extractor.sinks.get(resource.name)
            if sink is None or resource.name in self.loaded_before or resource.tables:
                continue
            if fields := null_fields(schema, resource, sink.columns_seen):
                self.report.notes.append(
                    f"{resource.name}: null or empty in every record, so without a column: "
                    f"{', '.join(fields)}. To have them, declare types in `columns` or a schema"
                )

    def _warn_if_empty(self, resource: Resource, extractor: Extractor, before: Watermarks) -> None:
        """Warn of a resource without records, unless earlier runs or an incremental explain it."""
        if not extractor.is_unexplained(resource):
            return
        if resource.endpoint.incremental is not None and (
            before.get(resource.name) or self.options.again
        ):
            return
        if resource.name in self.loaded_before and resource.write_disposition != "replace":
            return
        part = self.report.resources[resource.name]
        filtered = part.left_out.get("filter")
        message = (
            f"the filters of processing_steps removed all records ({filtered:,})"
            if filtered
            else "the API returned no records: if there are some, check the endpoint, its "
            "parameters and data_selector"
        )
        self.on_event(WarningRaised(resource.name, "no-records", message))

    def _loaded_before(self) -> set[str]:
        """Return the resources that an earlier run loaded into this dataset."""
        if not self.pipeline.default_schema_name:
            return set()
        tables = self.pipeline.default_schema.data_tables(seen_data_only=True)
        return {str(table.get("resource", table["name"])) for table in tables}

    def _loaded_schema(self) -> Any:
        """Return dlt's schema of the loaded tables that this run keeps, or None."""
        if self.options.refresh or not self.pipeline.default_schema_name:
            return None
        return self.pipeline.default_schema

    def _count_rows(self, loaded: list[Resource], info: Any, extractor: Extractor) -> None:
        counts = info.row_counts if info is not None else {}
        schema = self.pipeline.default_schema
        for resource in loaded:
            tables = [schema.naming.normalize_table_identifier(table_name(resource))]
            if resource.tables is not None:
                tables = listed_tables(schema, resource)
            part = self.report.resources[resource.name]
            part.rows = sum(counts.get(table, 0) for table in tables)
            discarded = part.left_out.get("contract", 0)
            lost = extractor.records_of(resource) - discarded - part.rows
            if lost > 0 and resource.hints.get("schema_contract"):
                part.left_out["contract"] = discarded + lost
                message = (
                    f"schema_contract discarded {count_noun(lost, 'record')}: the table, a field "
                    "or a type was new. Columns that `schema` or `columns` declare are not new"
                )
                self.on_event(WarningRaised(resource.name, "discarded", message))


@contextmanager
def _disk_full_errors() -> Iterator[None]:
    """Turn an OSError for a full disk into the error that says what to do."""
    try:
        yield
    except OSError as error:
        full = disk_full(error)
        if full is None:
            raise
        raise full from error
