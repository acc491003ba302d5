"""A run: extract every selected resource, then normalize and load all of them as one package."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from framework.definition.model import Connector, Deletes, Resource
from framework.errors import DestinationError, FrameworkError, Interrupted, TableRefused, UsageError
from framework.events import Committed, EventHandler, ResourceEnded, WarningRaised, ignore_event
from framework.extract.compilation.compiler import CompiledConnector, compile_connector
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.metadata_columns import MetadataColumns, metadata_of, read_columns
from framework.extract.read_options import ReadOptions
from framework.extract.resume.resume_point import ResumePoint
from framework.load.commits.attempt import (
    Attempt,
    Committable,
    committable,
    find_attempt,
)
from framework.load.commits.commit_queue import CommitQueue, Part
from framework.load.commits.packages import Packages, Sinks, StoredState, rows_of
from framework.load.declared_tables import (
    create_declared_tables,
    root_table,
    shares_table,
)
from framework.load.deletes import (
    INCOMPLETE,
    due_full_reads,
    earlier_loads,
    refuse_missing_sql,
    settle_deletes,
)
from framework.load.destinations.target import (
    Target,
    refuse_impossible_merge,
    refuse_missing_format,
    target_of,
)
from framework.load.dlt_errors import (
    disk_full,
    null_column,
)
from framework.load.extractor import Extractor
from framework.load.monitors.schema_drift import drift_warnings, null_fields
from framework.load.partition_queries import read_before, target_query
from framework.load.persistence.recovery import (
    OpenPipeline,
    open_pipeline,
)
from framework.load.persistence.run_state import (
    SourceState,
    next_watermarks,
    read_state,
)
from framework.load.pipeline import (
    destination_errors,
    gc_paused,
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
from framework.load.report import Collector, EndedRun, Report, RunRecorder, say_where
from framework.load.run_options import RunOptions
from framework.load.schema_compatibility import refuse_frozen_table, refuse_other_tables
from framework.load.sink import Sink, open_sink
from framework.runtime.dlt_internals import redacted_traces
from framework.runtime.environment import Environment
from framework.runtime.redaction import redact_key
from framework.runtime.settings import Settings, resolve_settings
from framework.text import count_noun

LOADED_ONCE = "nothing was requested: a run with the same token has loaded all of it"


def run(
    connector: Connector,
    options: RunOptions,
    environment: Environment,
    on_event: EventHandler = ignore_event,
    report: Report | None = None,
    record: RunRecorder | None = None,
) -> Report:
    """Load the selected resources; return a report of each one's outcome.

    A given report is filled in during the run, for a caller that must report an early end.
    `record` is called when the run has ended, in whatever way, unless its options are not valid.

    Raise FrameworkError for what is not the fault of one resource: options that are not valid,
    missing settings, a destination that cannot be written, an interrupt.
    """
    selected = select_resources(connector, options.resources)
    target = target_of(connector, options, environment.destination_turn)
    refuse_impossible_merge(target, selected)
    refuse_missing_sql(target, selected)
    refuse_missing_format(target, selected)
    refuse_range(connector, selected, options)
    report = report or Report(connector.name)
    report.destination, report.dataset = target.kind, target.dataset
    names = [resource.name for resource in selected]
    others = {**metadata_of(connector, selected), **unselected_parents(connector, selected)}
    read_for = {name: first for name, first in others.items() if name not in names}
    ignored = {one.name: one.ignore_warnings for one in connector.resources}
    collector = Collector(report, selected, read_for, on_event, ignored)
    folder = pipelines_folder(options)

    def end(error: BaseException | None = None, pipeline: Any = None) -> None:
        if isinstance(error, KeyboardInterrupt):
            error = environment.stop.error or Interrupted("interrupted")
        report.end(error)
        if record is not None and not isinstance(error, UsageError):
            redactor = environment.redactor
            with suppress(FrameworkError), target.turn:  # without its turn, it is not recorded
                record(EndedRun(report, target, options.alias, redactor, collector, pipeline))

    try:
        settings = resolve_settings(
            connector,
            options.config,
            section=options.alias,
            replay=environment.replay,
            secret_names=options.secret_names,
        )
        compiled = compile_connector(connector, settings, environment, collector)
    except FrameworkError as error:
        if record is not None:
            with suppress(DestinationError), run_lock(folder, connector.name, target):
                end(error)
        raise
    with (
        gc_paused(),
        redacted_traces(environment.redactor),
        run_lock(folder, connector.name, target, collector, environment.stop),
        ExitStack() as connection,  # of the last package, until the run is recorded
    ):
        pipeline = None
        try:
            opened = open_pipeline(target, options, connector.name, collector)
            pipeline, report.notes = opened.pipeline, opened.notes
            had_rows = True
            if options.once in read_state(pipeline, connector).once:
                report.notes.append(LOADED_ONCE)
                _create_empty_tables(pipeline, target, selected)  # it may have ended before that
            else:
                attempt = _attempt(
                    compiled, settings, selected, options, environment, collector, opened
                )
                environment = _with_queries(environment, compiled, (*names, *read_for), target)
                if attempt.is_resumed:
                    environment = replace(environment, now=attempt.start)
                metadata = _read_columns(compiled, selected, environment, collector)
                if attempt.is_resumed or metadata.columns:
                    connector = metadata.declared(connector)
                    selected = tuple(connector.resource(one.name) for one in selected)
                    compiled = compile_connector(connector, settings, environment, collector)
                compiled = metadata.failed(compiled)
                job = _Run(
                    compiled,
                    selected,
                    options,
                    environment,
                    collector,
                    target,
                    opened,
                    attempt,
                    connection,
                )
                try:
                    job.execute()
                finally:
                    report.notes += compiled.levels.notes() if compiled.levels else []
                had_rows = bool(job.loaded_before) and not options.refresh
            say_where(report, target, pipeline, selected, had_rows=had_rows)
        except BaseException as error:
            connection.close()  # the error may have made it unusable
            end(error, pipeline)
            raise
        end(pipeline=pipeline)
    return report


def _create_empty_tables(pipeline: Any, target: Target, loaded: Iterable[Resource]) -> None:
    action = "all rows are loaded, but cannot create tables of empty lists in"
    with target.turn, destination_errors(action, target):
        create_declared_tables(pipeline, loaded)


def _attempt(
    compiled: CompiledConnector,
    settings: Settings,
    selected: tuple[Resource, ...],
    options: RunOptions,
    environment: Environment,
    collector: Collector,
    opened: OpenPipeline,
) -> Attempt:
    """Return the attempt that this run continues, or a new one."""
    connector, within = compiled.connector, options.resume_within
    state = read_state(opened.pipeline, connector)
    if options.limit is not None or options.again is not None or options.refresh:
        state = SourceState()
    attempt = find_attempt(
        state,
        connector,
        selected,
        settings.config,
        environment.now,
        within,
        collector,
        collector.report.id,
    )
    if attempt.is_resumed:
        names = ", ".join(attempt.points)
        collector.report.resumes = attempt.resumes
        collector.report.notes.append(
            f"resumed the run that began at {attempt.start:%Y-%m-%d %H:%M:%S} UTC, for {names}"
        )
    return attempt


def _with_queries(
    environment: Environment,
    compiled: CompiledConnector,
    names: Iterable[str],
    target: Target,
) -> Environment:
    """Return the environment with the values of queries of these resources."""
    partitions = [
        (name, partition)
        for name in names
        for partition in compiled.plans[name].resource.partitions
    ]
    query = environment.query or target_query(target)
    return replace(environment, query=read_before(query, partitions))


def _read_columns(
    compiled: CompiledConnector,
    selected: tuple[Resource, ...],
    environment: Environment,
    collector: Collector,
) -> MetadataColumns:
    in_flight = compiled.connector.client.most_in_flight
    options = ReadOptions(environment, collector, compiled.redactor, in_flight)
    return read_columns(compiled, selected, options)


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
        attempt: Attempt,
        connection: ExitStack,
    ) -> None:
        self.compiled = compiled
        self.connector = compiled.connector
        self.selected = selected
        self.options = options
        self.environment = environment
        self.on_event = collector
        self.report = collector.report
        self.target = target
        self.attempt = attempt
        self.pipeline = opened.pipeline
        self.state = read_state(opened.pipeline, self.connector)
        if compiled.levels is not None:
            compiled.levels.begin(self.state.in_flight)
        self.refreshed = frozenset(r.name for r in selected if options.refresh)
        self.packages = Packages(
            compiled, opened, target, attempt, collector, self.refreshed, connection
        )
        self.before = self.state.watermarks
        self.moved = copy.deepcopy(self.state.watermarks)
        """The watermarks by resource, as they were and as reading moves them."""
        self.loaded_before = self._loaded_before()
        self.restarted: set[str] = set()
        self.due = due_full_reads(selected, self.state, attempt.start)
        self.ended: dict[str, ResumePoint] = {}
        """Resources that were loaded to their end before the last package."""

    def execute(self) -> None:
        """Check what is loaded, then extract, normalize and load."""
        self._check(self.state)
        for name in self.refreshed | self.due:
            self.moved.pop(name, None)
        if not self.refreshed:
            with self.target.turn, destination_errors("cannot read", self.target):
                self.packages.earlier_loads = earlier_loads(
                    self.pipeline, self.selected, self.state
                )
        for name, point in self.attempt.points.items():
            if point.is_end:
                self.ended[name], self.moved[name] = point, dict(point.watermarks)
        with _disk_full_errors(), closing(self._extractor()) as extractor:
            self._take_back(self.attempt.take_back)
            loaded = self._read(extractor)
            while loaded or self.ended:
                try:
                    rows = self._load(loaded, extractor)
                except TableRefused as error:
                    loaded = self._without_refused(error, loaded, extractor)
                else:
                    self.report.loaded = True
                    self._complete(loaded, extractor, rows)
                    return

    def _read(self, extractor: Extractor) -> list[Resource]:
        """Read the selected resources, and load what is due meanwhile; return what is to load."""
        self.on_event.step("extract")
        for parts in extractor.packages(self.selected, self.connector.client.most_in_flight):
            try:
                self._commit(parts, extractor)
            finally:
                for part in parts:
                    if part.sink is not None:
                        part.sink.close()
        parts_of = self.report.resources
        whole = [resource for resource in self.selected if parts_of[resource.name].loads]
        loaded = [resource for resource in whole if resource.name in extractor.sinks]
        self._take_back_restarted(loaded, extractor)
        extractor.keep_last(loaded)
        for resource in whole:
            self._warn_if_empty(resource, extractor)
        return loaded

    def _commit(self, parts: list[Part], extractor: Extractor) -> None:
        """Load parts of resources, with the points up to which they were read."""
        self._take_back_restarted((part.resource for part in parts), extractor)
        began, rows = time.monotonic(), 0
        while parts:
            points = {part.resource.name: part.point for part in parts}
            for name, point in points.items():
                if point.is_end:
                    points[name] = replace(point, watermarks=self.moved.get(name, {}))
            names = frozenset(points)
            kept = {name: self.before.get(name, {}) for name in names - self.refreshed}
            sinks = {part.resource.name: part.sink for part in parts if part.sink is not None}
            state = StoredState(kept, names=names, points=points)
            try:
                counts: Mapping[str, int] = {}
                if sinks:
                    counts = self.packages.load(sinks, state, in_steps=False)
                else:
                    self.packages.load_state(state)
            except TableRefused as error:
                self._refuse(self.packages.refused(error, sinks), sinks, extractor)
                parts = [part for part in parts if not extractor.is_refused(part.resource.name)]
                continue
            for part in parts:
                own = rows_of(self.pipeline.default_schema, part.resource, counts) if counts else 0
                self.report.resources[part.resource.name].rows += own
                rows += own
                if part.point.is_end:
                    self.ended[part.resource.name] = points[part.resource.name]
            self.report.committed = self.report.committed or bool(sinks)
            self.on_event(Committed(tuple(sorted(points)), rows, time.monotonic() - began))
            return

    def _refuse(
        self, refused: Mapping[str, TableRefused], sinks: Sinks, extractor: Extractor
    ) -> None:
        """End resources of which rows were refused while they are read, and their descendants."""
        for resource in self.selected:
            above = [a.name for a in self.connector.ancestors(resource) if a.name in refused]
            if resource.name in refused:
                own = refused[resource.name]
                record = self._record_of(own, resource, sinks[resource.name])
                extractor.refuse(resource.name, f"{resource.name}: {own}{record}")
            elif above:
                extractor.refuse(resource.name, f"not loaded: {above[0]} failed")

    def _load(self, loaded: list[Resource], extractor: Extractor) -> Mapping[str, int]:
        """Load the resources and their state as the last package; return its rows by table.

        Raise TableRefused if dlt or the destination refuses rows of one of them.
        """
        is_limited = self.options.limit is not None
        whole = extractor.sinks.keys() | self.ended.keys()
        after = next_watermarks(
            self.connector,
            self.before,
            self.moved,
            self.report.resources,
            self.on_event,
            limited=is_limited,
            refreshed=(self.refreshed & whole) | self.packages.emptied,
        )
        names = frozenset(resource.name for resource in loaded) | self.ended.keys()
        has_failed = any(part.status == "failed" for part in self.report.resources.values())
        once = None if has_failed else self.options.once
        state = StoredState(
            after,
            "limited" if is_limited else "full",
            names,
            once=once,
            full_reads=frozenset(name for name in names if self._is_full_read(name, extractor)),
        )
        if not loaded:
            self.packages.load_state(state)
            return {}
        return self.packages.load({r.name: extractor.sinks[r.name] for r in loaded}, state)

    def _without_refused(
        self, error: TableRefused, loaded: list[Resource], extractor: Extractor
    ) -> list[Resource]:
        """Drop the package and fail the resources whose rows were refused; return the others.

        Descendants of a resource that fails are skipped, as they are if it cannot be read. Raise
        the error if it is the fault of no single resource.
        """
        sinks = {resource.name: extractor.sinks[resource.name] for resource in loaded}
        refused = self.packages.refused(error, sinks)
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
        if self.packages.emptied and not remaining:
            self.packages.forget_emptied()
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

    def _extractor(self) -> Extractor:
        options, selected = self.options, self.selected
        in_threads = frozenset(resource.name for resource in selected)
        if self.connector.client.most_in_flight == 1 or self.environment.is_in_order:
            in_threads = frozenset()  # a recording and its replays read in one order
        read_options = ReadOptions(
            self.environment,
            self.on_event,
            self.compiled.redactor,
            self.connector.client.most_in_flight,
            options.limit,
            self.moved,
            options.sample,
            options.again,
            in_threads=in_threads,
            commits=options.limit is None and options.again is None,
            resume=self.attempt.points,
        )
        folder = Path(self.pipeline.working_dir)
        folder.mkdir(parents=True, exist_ok=True)
        names = {r.name for r in selected} | unselected_parents(self.connector, selected).keys()
        readers = ResourceReaders(self.compiled, read_options, names)
        schema = self._loaded_schema()

        def sink(resource: Resource) -> Sink:
            refuse_frozen_table(schema, resource)
            return open_sink(
                resource,
                self.target,
                schema,
                folder,
                shares_table=shares_table(self.connector, resource),
            )

        every = options.commit_every
        if options.limit is not None or options.again is not None:
            every = None
        commits = CommitQueue(every, self.environment.stop)
        known = self.loaded_before - self.refreshed
        may_commit = Committable()
        if every is not None:
            may_commit = committable(self.connector, selected, self.target.profile, known)
        return Extractor(
            self.connector,
            readers,
            self.on_event,
            self.environment,
            sink,
            commits,
            may_commit,
        )

    def _take_back_restarted(self, resources: Iterable[Resource], extractor: Extractor) -> None:
        """Delete what was appended of resources that could not go on where a run has ended."""
        loads = {}
        for resource in resources:
            if resource.name not in self.restarted and extractor.was_restarted(resource):
                self.restarted.add(resource.name)
                loads[resource.name] = self.attempt.loads.get(resource.name, [])
        self._take_back({name: ids for name, ids in loads.items() if ids})

    def _take_back(self, loads: Mapping[str, list[str]]) -> None:
        """Delete what these loads appended for each resource, which is read from its start."""
        self.report.notes += self.packages.take_back(loads, self.before)

    def _complete(
        self, loaded: list[Resource], extractor: Extractor, rows: Mapping[str, int]
    ) -> None:
        """Count loaded rows, create declared child tables without rows, warn of schema drift."""
        schema = self.pipeline.default_schema  # dlt reads it from a file each time
        for resource in loaded:
            self.report.resources[resource.name].rows += rows_of(schema, resource, rows)
        loaded += [r for r in self.selected if r.name in self.ended]
        self._count_discarded(loaded, extractor)
        _create_empty_tables(self.pipeline, self.target, loaded)
        for resource in loaded:
            if resource.deletes is not None:
                self._settle_deletes(resource, resource.deletes, extractor)
        self.on_event.step_done()
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

    def _is_full_read(self, name: str, extractor: Extractor) -> bool:
        """Return whether this run read all of a resource with an incremental, without a gap."""
        resource = self.connector.resource(name)
        if resource.endpoint.incremental is None or self._gap(resource):
            return False
        return extractor.whole_read(name) is not None

    def _settle_deletes(self, resource: Resource, deletes: Deletes, extractor: Extractor) -> None:
        """Mark or remove the rows of a resource whose records are gone, if this run can tell."""
        name, part = resource.name, self.report.resources[resource.name]
        read = extractor.whole_read(name)
        if read is None or not part.loads or self.options.again or self.options.limit is not None:
            return
        own = set(self.packages.load_ids.get(name, ()))
        earlier = [one for one in self.packages.earlier_loads.get(name, ()) if one not in own]
        problem = self._gap(resource)
        if earlier and not problem:
            with self.target.turn, destination_errors("cannot change rows in", self.target):
                gone = settle_deletes(
                    self.pipeline, resource, deletes, read, earlier, self.attempt.start
                )
            problem = gone.problem
            part.deleted = gone.found
        if earlier and problem:
            self.on_event(WarningRaised(name, "deletes-left", problem))

    def _gap(self, resource: Resource) -> str:
        """Return why a record that this run did not get may still be there, "" if it is gone."""
        if self.attempt.is_resumed:
            return (
                "this run resumed an earlier one, so that rows whose records are gone were not "
                "looked for; the next run does that"
            )
        for one in (resource, *self.connector.ancestors(resource)):
            part = self.report.resources.get(one.name)
            if part is None:
                continue
            codes = sorted((part.warning_counts | part.ignored_warnings).keys() & INCOMPLETE)
            reason = f"the warning {codes[0]} of {one.name}" if codes else ""
            if part.ignored:
                reason = f"{count_noun(part.ignored, 'response')} of {one.name} that was ignored"
            if reason:
                return (
                    f"records may be missing, by {reason}, so that rows whose records are gone "
                    "were not looked for"
                )
        return ""

    def _warn_if_empty(self, resource: Resource, extractor: Extractor) -> None:
        """Warn of a resource without records, unless earlier runs or an incremental explain it."""
        if not extractor.is_unexplained(resource):
            return
        if resource.endpoint.incremental is not None and (
            self.before.get(resource.name) or self.options.again
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

    def _count_discarded(self, loaded: list[Resource], extractor: Extractor) -> None:
        """Warn of records that a schema contract of dlt has left out."""
        for resource in loaded:
            part = self.report.resources[resource.name]
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
