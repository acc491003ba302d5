"""A run: every resource read, then one load package of all that were read whole."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed

from framework.definition.model import Connector, Resource
from framework.errors import UsageError
from framework.events import EventHandler, WarningRaised, ignore_event
from framework.extract.compiler import CompiledConnector, compile_connector
from framework.extract.dlt_source import ResourceReaders, Start, build_source
from framework.extract.read_options import ReadOptions
from framework.load.declared_tables import (
    listed_tables,
    make_promised_tables,
    table_name,
    undeclared_fields,
)
from framework.load.destinations.target import Target, refuse_what_cannot_be, target_of
from framework.load.dlt_errors import contract_broken, disk_full, known_cause
from framework.load.extractor import Extractor, State
from framework.load.monitors.schema_drift import told_variants
from framework.load.pipeline import (
    OpenPipeline,
    described,
    destination_errors,
    gc_paused,
    load,
    normalize,
    open_pipeline,
    pipelines_folder,
    redact_dlt_log,
    run_lock,
)
from framework.load.preflight import (
    refuse_late_refresh,
    refuse_range,
    select_resources,
    starts_over,
    unselected_parents,
    warn_late_children,
)
from framework.load.recovery import READ_FOR
from framework.load.report import Collector, Report, say_where
from framework.load.run_options import RunOptions
from framework.load.schema_compatibility import refuse_frozen_table, refuse_other_tables
from framework.load.sink import Sink, open_sink
from framework.runtime.environment import Environment
from framework.runtime.settings import resolve_settings
from framework.text import count_noun

MODES = "framework_modes"
"""In the source's state: "limited" or "full" for each resource, how its table was loaded."""


def run(
    connector: Connector,
    options: RunOptions,
    environment: Environment,
    on_event: EventHandler = ignore_event,
    report: Report | None = None,
) -> Report:
    """Load the chosen resources; the report says what became of each. One that is given is filled
    in while the run lasts, for whoever has to tell of a run that ends before its time.

    Raises a FrameworkError for what no single resource is to blame for: wrong options, missing
    settings, a destination that cannot be written, an interrupt.
    """
    chosen = select_resources(connector, options.resources)
    target = target_of(connector, options)
    refuse_what_cannot_be(target, chosen)
    refuse_range(connector, chosen, options)
    report = report or Report(connector.name)
    report.destination, report.dataset = target.kind, target.dataset
    collector = Collector(report, chosen, unselected_parents(connector, chosen), on_event)
    settings = resolve_settings(
        connector, options.config, section=options.alias, replay=environment.replay
    )
    compiled = compile_connector(connector, settings, environment, collector)
    folder = pipelines_folder(options)
    with (
        gc_paused(),
        redact_dlt_log(compiled.redactor),
        run_lock(folder, connector.name, target, collector, environment.stop),
    ):
        opened = open_pipeline(target, options, connector.name, collector)
        report.notes = opened.notes
        running = _Run(compiled, chosen, options, environment, collector, target, opened)
        running.go()
    before = bool(running.known) and not options.refresh
    say_where(report, target, opened.pipeline, chosen, before=before)
    report.end()
    return report


class _Run:
    """One run's parts, which its steps share."""

    def __init__(
        self,
        compiled: CompiledConnector,
        chosen: tuple[Resource, ...],
        options: RunOptions,
        environment: Environment,
        collector: Collector,
        target: Target,
        opened: OpenPipeline,
    ) -> None:
        self.compiled = compiled
        self.connector = compiled.connector
        self.chosen = chosen
        self.options = options
        self.environment = environment
        self.on_event = collector
        self.report = collector.report
        self.target = target
        self.pipeline = opened.pipeline
        self.read_for = opened.read_for
        self.known = self._known_resources()

    def go(self) -> None:
        """Read, settle the state, extract, normalize, load."""
        source_state = self._source_state()
        self._refuse_mixing(source_state.get(MODES, {}))
        before = _incremental_states(source_state)
        schema = self._loaded_schema()
        if schema is not None:
            for resource in self.chosen:
                refuse_other_tables(schema, resource, starts_over(self.connector, resource, before))
        if self.options.refresh:
            refuse_late_refresh(self.connector, self.chosen, before)
        else:
            warn_late_children(
                self.connector, self.chosen, source_state.get(MODES, {}), before, self.on_event
            )
        moved = copy.deepcopy(before)
        if self.options.refresh:
            for resource in self.chosen:
                moved.pop(resource.name, None)
        gathering = self._gathering(moved, schema)
        try:
            self._read_and_load(gathering, before, moved)
        except OSError as error:
            full = disk_full(error)
            if full is None:
                raise
            raise full from error
        finally:
            gathering.close()

    def _read_and_load(self, gathering: Extractor, before: State, moved: State) -> None:
        self.on_event.step("extract")
        gathering.read_all(self.chosen, self.connector.client.max_in_flight)
        loaded = [r for r in self.chosen if self.report.resources[r.name].loads]
        for resource in loaded:
            self._judge_empty(resource, gathering, before)
        if not loaded:
            return
        limited = self.options.limit is not None
        refreshed = {r.name for r in self.chosen} if self.options.refresh else set()
        after = gathering.settled(before, moved, limited=limited, refreshed=refreshed)
        self._extract(loaded, gathering, after, "limited" if limited else "full")
        self.report.handed_over = True
        self.on_event.step("normalize")
        normalized = normalize(self.pipeline)
        self.on_event.step("load")
        load(self.pipeline, self.target, self.connector.name)
        self.report.loaded = True
        self._count_rows(loaded, normalized, gathering)
        with destination_errors(
            "all rows are loaded, but a list without rows has no table in", self.target
        ):
            make_promised_tables(self.pipeline, loaded)
        self.on_event.step_done()
        schema = self.pipeline.default_schema  # which dlt reads from its file each time
        for resource in loaded:
            self._tell_columns(resource, schema)

    def _gathering(self, state: State, schema: Any) -> Extractor:
        in_flight = self.connector.client.max_in_flight
        options = self.options
        read_options = ReadOptions(
            self.environment,
            self.on_event,
            self.compiled.redactor,
            in_flight,
            options.limit,
            state,
            again=options.again,
        )
        folder = Path(self.pipeline.working_dir)
        folder.mkdir(parents=True, exist_ok=True)
        read = {r.name for r in self.chosen} | unselected_parents(
            self.connector, self.chosen
        ).keys()
        readings = ResourceReaders(self.compiled, read_options, read)

        def sink(resource: Resource) -> Sink:
            refuse_frozen_table(schema, resource)
            return open_sink(resource, self.target, schema, folder)

        return Extractor(self.connector, readings, self.on_event, self.environment, sink)

    def _extract(
        self, loaded: list[Resource], gathering: Extractor, state: State, mode: str
    ) -> None:
        """One package of all that was read, and the state that belongs to it."""

        def start(resource: Resource) -> Start:
            def rows() -> Iterator[Any]:
                own = state.get(resource.name)
                if own:
                    dlt.current.resource_state(resource.name)["incremental"] = own
                dlt.current.source_state().setdefault(MODES, {})[resource.name] = mode
                package: Any = dlt.current.load_package_state()
                package["state"][READ_FOR] = self.read_for
                yield from gathering.sinks[resource.name].rows()

            return rows

        starts = {resource.name: start(resource) for resource in self.connector.resources}
        source = build_source(self.compiled, starts)
        for resource in loaded:
            gathering.sinks[resource.name].prepare(source.resources[resource.name])
        try:
            self.pipeline.extract(
                source.with_resources(*(resource.name for resource in loaded)),
                refresh="drop_resources" if self.options.refresh else None,
                loader_file_format=self.target.file_format,
            )
        except PipelineStepFailed as error:
            cause = known_cause(error) or contract_broken(error) or disk_full(error)
            if cause is None:
                raise
            raise cause from error

    def _judge_empty(self, resource: Resource, gathering: Extractor, before: State) -> None:
        """Warn where having no records surprises: no earlier run and no incremental explains it."""
        if not gathering.is_unexplained(resource):
            return
        if resource.endpoint.incremental is not None and (
            before.get(resource.name) or self.options.again
        ):
            return
        if resource.name in self.known and resource.write_disposition != "replace":
            return
        part = self.report.resources[resource.name]
        if any(warned.code == "selector-no-match" for warned in part.warnings):
            return  # the cause is told
        filtered = part.left_out.get("filter")
        message = (
            f"every record that came ({filtered:,}) was left out by a filter of processing_steps"
            if filtered
            else "the API answered with no records: check the endpoint, its parameters and "
            "data_selector, or ignore this if there are none"
        )
        self.on_event(WarningRaised(resource.name, "no-records", message))

    def _known_resources(self) -> set[str]:
        """Resources that an earlier run loaded into this dataset."""
        if not self.pipeline.default_schema_name:
            return set()
        tables = self.pipeline.default_schema.data_tables(seen_data_only=True)
        return {str(table.get("resource", table["name"])) for table in tables}

    def _loaded_schema(self) -> Any:
        """dlt's schema of what is loaded and stays, or None."""
        if self.options.refresh or not self.pipeline.default_schema_name:
            return None
        return self.pipeline.default_schema

    def _source_state(self) -> dict[str, Any]:
        found = self.pipeline.state.get("sources", {}).get(self.connector.name, {})
        return copy.deepcopy(found)

    def _refuse_mixing(self, modes: Mapping[str, str]) -> None:
        """Keep parts that --limit loaded apart from whole loads."""
        dropped = {resource.name for resource in self.chosen} if self.options.refresh else set()
        kept = {name: mode for name, mode in modes.items() if name not in dropped}
        if self.options.limit is not None:
            if "full" in kept.values():
                raise UsageError(
                    f"--limit would mix a part into {described(self.target)}, which holds an "
                    "unlimited run: choose another --dataset"
                )
            for resource in self.chosen:
                if modes.get(resource.name) == "full":
                    message = (
                        "--refresh with --limit replaces the rows of a whole run by a part: run "
                        "--refresh alone to have all of them again"
                    )
                    self.on_event(WarningRaised(resource.name, "refresh-limited", message))
            return
        doubled = [
            resource.name
            for resource in self.chosen
            if resource.write_disposition == "append" and kept.get(resource.name) == "limited"
        ]
        if doubled:
            raise UsageError(
                f"{described(self.target)} holds rows of a run with --limit, which "
                f"{', '.join(doubled)} would append once more: add --refresh, or choose another "
                "--dataset"
            )

    def _count_rows(self, loaded: list[Resource], info: Any, gathering: Extractor) -> None:
        counts = info.row_counts if info is not None else {}
        schema = self.pipeline.default_schema
        for resource in loaded:
            tables = [schema.naming.normalize_table_identifier(table_name(resource))]
            if resource.tables is not None:
                tables = listed_tables(schema, resource)
            rows = sum(counts.get(table, 0) for table in tables)
            part = self.report.resources[resource.name]
            part.rows = rows
            lost = gathering.records_of(resource) - part.left_out.get("contract", 0) - rows
            if lost > 0 and resource.hints.get("schema_contract"):
                part.left_out["contract"] = part.left_out.get("contract", 0) + lost
                message = (
                    f"{count_noun(lost, 'record')} discarded by schema_contract: the table, "
                    "a field or a type was new. Columns that are declared in `schema` or "
                    "`columns` are not new"
                )
                self.on_event(WarningRaised(resource.name, "discarded", message))

    def _tell_columns(self, resource: Resource, schema: Any) -> None:
        variants = told_variants(schema, resource)
        if variants:
            self.on_event(WarningRaised(resource.name, "variant-columns", variants))
        extra = undeclared_fields(schema, resource)
        if extra:
            message = f"fields arrive that the schema does not declare: {', '.join(extra)}"
            self.on_event(WarningRaised(resource.name, "undeclared-fields", message))


def _incremental_states(source_state: Mapping[str, Any]) -> State:
    resources = source_state.get("resources", {})
    return {name: state.get("incremental", {}) for name, state in resources.items()}
