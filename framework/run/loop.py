"""A run: every resource extracted by itself, parents first, then one normalize and one load.

The unit of failure is the resource: what fails writes nothing and moves no state, and the others
load. State reaches the destination last, and only past what was loaded.
"""

from __future__ import annotations

import copy
import time
from typing import Any

from dlt.pipeline.exceptions import PipelineStepFailed

from framework.build.compile import compile_connector
from framework.build.events import (
    ResourceEnded,
    ResourceStarted,
    StepStarted,
    Warned,
    Watch,
    unwatched,
)
from framework.build.outcomes import ResourceSkipped
from framework.build.reading import Terms
from framework.build.settings import resolve_settings
from framework.build.source import Readings, build_source
from framework.build.world import World
from framework.errors import FrameworkError, UsageError
from framework.run.causes import contract_broken, known_cause
from framework.run.destination import Target, refuse_what_cannot_be, target_of
from framework.run.lock import only_one
from framework.run.options import RunOptions
from framework.run.pipeline import described, load, mark, open_pipeline, pipelines_folder
from framework.run.report import Collector, Report
from framework.run.selection import holds_back, select
from framework.run.tables import make_promised_tables, table_name, undeclared_fields
from framework.spec.connector import Connector, Resource

MODE = "framework_mode"
"""In the source's state: "limited" or "full", how its dataset was loaded."""


def run(
    connector: Connector, options: RunOptions, world: World, watch: Watch = unwatched
) -> Report:
    """Load the chosen resources; the report says what became of each.

    Raises a FrameworkError for what no single resource is to blame for: wrong options, missing
    settings, a destination that cannot be written, an interrupt.
    """
    chosen = select(connector, options.resources)
    target = target_of(connector, options)
    refuse_what_cannot_be(target, chosen)
    report = Report(connector.name, destination=target.kind, dataset=target.dataset)
    collector = Collector(report, (resource.name for resource in chosen), watch)
    settings = resolve_settings(
        connector, options.config, section=options.alias, replay=world.replay
    )
    compiled = compile_connector(connector, settings, world, collector)
    terms = Terms(world, collector, compiled.secrets, connector.client.max_in_flight, options.limit)
    source, readings = build_source(compiled, terms)
    with only_one(pipelines_folder(options), target.pipeline, collector, world.stop):
        pipeline, report.notes = open_pipeline(target, options, collector)
        try:
            _Run(connector, chosen, options, world, collector, target, pipeline).go(
                source, readings
            )
        except PipelineStepFailed as error:
            cause = known_cause(error)
            if isinstance(cause, (FrameworkError, KeyboardInterrupt)):
                raise cause from error
            raise
    _say_where(report, target, pipeline, chosen)
    return collector.finish()


class _Run:
    """One run's parts, which its steps share."""

    def __init__(
        self,
        connector: Connector,
        chosen: tuple[Resource, ...],
        options: RunOptions,
        world: World,
        collector: Collector,
        target: Target,
        pipeline: Any,
    ) -> None:
        self.connector = connector
        self.chosen = chosen
        self.options = options
        self.world = world
        self.watch = collector
        self.report = collector.report
        self.target = target
        self.pipeline = pipeline

    def go(self, source: Any, readings: Readings) -> None:
        """Extract, put the state right, normalize, load."""
        known = self._known_tables()
        before = self._state()
        self._refuse_mixing(before)
        self.watch(StepStarted("extract"))
        mark(self.pipeline, "extracting")
        try:
            for resource in self.chosen:
                self._extract(resource, source, readings, known, before)
        except BaseException:
            self.pipeline.abort_packages()
            mark(self.pipeline, None)
            raise
        if any(part.status == "ok" for part in self.report.resources.values()):
            self._settle_state(before)
            mark(self.pipeline, "extracted")
            self.watch(StepStarted("normalize"))
            info = self.pipeline.normalize()
            self._count_rows(info)
            self.watch(StepStarted("load"))
            load(self.pipeline, self.target)
            make_promised_tables(self.pipeline, self._loaded())
            for resource in self._loaded():
                self._tell_undeclared(resource)
        mark(self.pipeline, None)

    def _extract(
        self,
        resource: Resource,
        source: Any,
        readings: Readings,
        known: set[str],
        before: dict[str, Any],
    ) -> None:
        part = self.report.resources[resource.name]
        self.world.stop.check()
        blocked = self._blocked_by(resource)
        if blocked is not None:
            part.status, part.error, part.done = "skipped", f"not asked: {blocked}", True
            self.watch(ResourceEnded(resource.name, part.status))
            return
        self.watch.reading = resource.name
        self.watch(ResourceStarted(resource.name))
        began = time.monotonic()
        try:
            self.pipeline.extract(
                source.with_resources(resource.name),
                refresh="drop_resources" if self.options.refresh else None,
                loader_file_format=self.target.file_format,
            )
        except PipelineStepFailed as error:
            cause = known_cause(error) or contract_broken(error, resource.name)
            if self.world.stop.error is not None or isinstance(cause, KeyboardInterrupt):
                raise
            if isinstance(cause, ResourceSkipped):
                part.status, part.error = "skipped", str(cause)
                self.watch(Warned(resource.name, "resource-skipped", str(cause)))
            elif isinstance(cause, FrameworkError):
                part.status, part.error = "failed", str(cause)
            else:
                raise
        else:
            self._judge_empty(resource, readings, known, before)
        part.seconds = time.monotonic() - began
        part.done = True
        self.watch(ResourceEnded(resource.name, part.status))

    def _blocked_by(self, resource: Resource) -> str | None:
        """Why a resource is not asked: an ancestor of it failed or was skipped."""
        parent = resource.parent
        while parent is not None:
            part = self.report.resources.get(parent)
            if part is not None and part.status != "ok":
                return f"{parent} {'failed' if part.status == 'failed' else 'was skipped'}"
            parent = self.connector.resource(parent).parent
        return None

    def _judge_empty(
        self,
        resource: Resource,
        readings: Readings,
        known: set[str],
        before: dict[str, Any],
    ) -> None:
        reading = readings[resource.name]
        if reading.records or reading.explained_empty:
            return
        if resource.endpoint.incremental is not None and resource.name in before:
            return
        if resource.name in known and resource.write_disposition != "replace":
            return
        self.watch(
            Warned(
                resource.name,
                "no-records",
                "the API answered with no records: check the endpoint, its parameters and "
                "data_selector, or ignore this if there are none",
            )
        )

    def _known_tables(self) -> set[str]:
        """Resources that an earlier run loaded into this dataset."""
        if not self.pipeline.default_schema_name:
            return set()
        schema = self.pipeline.default_schema
        return {
            str(table.get("resource", table["name"]))
            for table in schema.data_tables(seen_data_only=True)
        }

    def _state(self) -> dict[str, Any]:
        """A copy of the state of each resource, by its name."""
        found = self.pipeline.state.get("sources", {}).get(self.connector.name, {})
        return copy.deepcopy({**found.get("resources", {}), MODE: found.get(MODE)})

    def _refuse_mixing(self, before: dict[str, Any]) -> None:
        """Keep parts that --limit loaded apart from whole loads."""
        mode = before.get(MODE)
        if self.options.refresh:
            return
        if self.options.limit is not None and mode == "full":
            raise UsageError(
                f"--limit would mix a part into {described(self.target)}, which holds an "
                "unlimited run: choose another --dataset"
            )
        doubled = [r.name for r in self.chosen if r.write_disposition == "append"]
        if self.options.limit is None and mode == "limited" and doubled:
            raise UsageError(
                f"{described(self.target)} holds rows of a run with --limit, which "
                f"{', '.join(doubled)} would append once more: add --refresh, or choose another "
                "--dataset"
            )

    def _settle_state(self, before: dict[str, Any]) -> None:
        """Let only those watermarks move that may, and extract the state, last of all."""
        limited = self.options.limit is not None
        with self.pipeline.managed_state(extract_state=True) as state:
            sources = state.setdefault("sources", {})
            own = sources.setdefault(self.connector.name, {})
            resources = own.setdefault("resources", {})
            for name in list(resources):
                reason = (
                    "--limit"
                    if limited
                    else holds_back(self.connector, name, self.report.resources)
                )
                if reason is None or resources[name] == before.get(name):
                    continue
                self._put_back(resources, name, before)
                if not limited and name in self.report.resources:
                    self.watch(Warned(name, "watermark-stays", f"the watermark stays: {reason}"))
            whole = not limited or (before.get(MODE) == "full" and not self.options.refresh)
            own[MODE] = "full" if whole else "limited"

    @staticmethod
    def _put_back(resources: dict[str, Any], name: str, before: dict[str, Any]) -> None:
        if name in before:
            resources[name] = before[name]
        else:
            del resources[name]

    def _tell_undeclared(self, resource: Resource) -> None:
        extra = undeclared_fields(self.pipeline.default_schema, resource)
        if extra:
            message = f"fields arrive that the schema does not declare: {', '.join(extra)}"
            self.watch(Warned(resource.name, "undeclared-fields", message))

    def _loaded(self) -> list[Resource]:
        parts = self.report.resources
        return [r for r in self.chosen if parts[r.name].status == "ok"]

    def _count_rows(self, info: Any) -> None:
        counts = info.row_counts if info is not None else {}
        schema = self.pipeline.default_schema
        for resource in self._loaded():
            table = schema.naming.normalize_table_identifier(table_name(resource))
            self.report.resources[resource.name].rows = counts.get(table, 0)


def _say_where(report: Report, target: Target, pipeline: Any, chosen: tuple[Resource, ...]) -> None:
    """Where the data is, and a first query to try."""
    report.where = described(target)
    loaded = [r for r in chosen if report.resources[r.name].rows]
    if not loaded or not pipeline.default_schema_name:
        return
    naming = pipeline.default_schema.naming
    most = max(loaded, key=lambda resource: report.resources[resource.name].rows)
    table = f"{target.dataset}.{naming.normalize_table_identifier(table_name(most))}"
    if target.file is not None:
        report.query = f'duckdb {target.file.name} "from {table} limit 10"'
    else:
        report.query = f"select * from {table} limit 10"
