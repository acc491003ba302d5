"""The job `look`: everything between a request and its table, for a part of one resource.

It is a real run with a limit into a temporary DuckDB file, so that records and tables are what a
run would make. Nothing is loaded into the user's database, and no state moves.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from framework.authoring.scaffold.schema_proposal import propose_schema
from framework.definition.finder import Location, schema_folder
from framework.definition.model import Resource
from framework.errors import FrameworkError, Interrupted
from framework.extract.read_options import LOADED, SELECTED, Sample
from framework.extract.records.transforms import step_place
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.redaction import Redactor, redact_url
from framework.studio.jobs.exchange_tap import ExchangeTap, TappedExchange
from framework.studio.jobs.job_progress import ProgressLines
from framework.studio.jobs.job_request import choice, count_up_to, one_resource
from framework.studio.jobs.job_source import LIVE, MOCKED, RECORDED, job_connector, open_source
from framework.studio.jobs.kept_values import RESPONSES, STEPS, KeptResponses, masked_data
from framework.studio.jobs.look_incremental import next_run
from framework.studio.jobs.look_tables import loaded_tables
from framework.studio.jobs.shown_data import ExchangeView, RecordView
from framework.studio.studio_job import JobContext

Json = Any

PAGES, MOST_PAGES = 2, 50
RECORDS, MOST_RECORDS = 100, 10_000
LISTS = 3
"""Lists of a resource that are read: those of so many parents."""
FIRST_RECORDS = 100
"""Records that are shown of each step."""
FILE, DATASET = "look.duckdb", "look_data"


def look(context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:
    """Read the first pages of a resource, and return all that happened on the way.

    `request`: `resource`, `source` (live, cassette or mock), `pages` of each list and `records` of
    the resource. What the resource itself fails with is a warning `failed`.
    """
    connector = job_connector(context)
    resource = one_resource(connector, request)
    kind = choice(request, "source", LIVE, RECORDED, MOCKED)
    pages = count_up_to(request, "pages", PAGES, MOST_PAGES)
    limit = count_up_to(request, "records", RECORDS, MOST_RECORDS)
    source = open_source(context, connector, kind)
    redactors = tuple({id(r): r for r in (context.redactor, source.environment.redactor)}.values())
    steps = _Steps(resource, limit or RECORDS)
    tap = ExchangeTap(lambda exchange: context.say(_sent(exchange, context.redactor)))
    environment = replace(source.environment, transport=tap.transport(source.transport))
    # one request at a time, so that what is shown is in one order
    in_order = replace(connector, client=replace(connector.client, max_in_flight=1))
    options = RunOptions(
        resources=(resource.name,),
        config=source.config,
        limit=limit,
        folder=context.scratch,
        file=FILE,
        dataset=DATASET,
        pipelines=context.scratch / "dlt",
        commit_every=None,
        resume_within=None,
        sample=Sample(pages, LISTS, tap.on_page, steps.add),
    )
    report, warnings = Report(connector.name), []
    try:
        run(in_order, options, environment, ProgressLines(context.say), report)
    except FrameworkError as error:
        _say_stopped(context, tap, error)
        if not tap.exchanges:
            raise
        warnings.append(("failed", str(error)))
    warnings += _warnings(report, tap)
    view = ExchangeView(redactors)
    following = next_run(context, connector, resource.name, source, tap.exchanges, view)
    context.keep(RESPONSES, KeptResponses.of(tap.exchanges, redactors))
    context.keep(STEPS, [masked_data(step.records, redactors) for step in steps.all])
    return {
        "requests": [view.show(exchange) for exchange in tap.exchanges],
        "steps": steps.shown(redactors),
        "tables": loaded_tables(context.scratch / FILE, DATASET, connector, redactors),
        "schema": _proposed_schema(context.location, resource, steps.loaded),
        "incremental": following.shown,
        "warnings": [
            {"code": code, "message": message}
            for code, message in dict.fromkeys((*warnings, *following.warnings))
        ],
    }


def _sent(exchange: TappedExchange, redactor: Redactor) -> str:
    request = exchange.request
    return f"{request.method} {redact_url(request.url, redactor)}"


def _say_stopped(context: JobContext, tap: ExchangeTap, error: FrameworkError) -> None:
    """If the job is stopped, say what it was waiting for, and raise the error."""
    if not isinstance(error, Interrupted) and context.stop.error is None:
        return
    waiting = [one for one in tap.exchanges if one.response is None]
    if waiting:
        context.say(f"stopped; no response yet: {_sent(waiting[-1], context.redactor)}")
    raise error


def _warnings(report: Report, tap: ExchangeTap) -> Iterator[tuple[str, str]]:
    """Yield what is wrong, as codes and messages, the worst first."""
    for part in report.resources.values():
        if part.error:
            yield part.status, part.error
        for warning in part.warnings:
            yield warning.code, warning.message
        for code, count in part.more.items():
            yield code, f"{count:,} more of this kind"
    for warning in report.warnings:
        yield warning.code, warning.message
    for note in report.notes:
        yield "note", note
    if tap.left_out:
        yield "requests-left-out", f"{tap.left_out:,} more requests are not shown"


def _proposed_schema(
    location: Location, resource: Resource, records: Sequence[Mapping[str, Json]]
) -> dict[str, Json] | None:
    """Return the schema that the records need beside the declared one, None without records."""
    if not records:
        return None
    file = schema_folder(location) / f"{resource.name}.json"
    path = file.relative_to(location.root).as_posix()
    proposal = propose_schema(records, resource.schema)
    return {
        "path": path,
        "before": proposal.before,
        "after": proposal.after,
        "diff": proposal.diff(path),
    }


@dataclass
class _Step:
    """The first records at one place of their way, and how many there were."""

    title: str
    most: int = FIRST_RECORDS
    records: list[Json] = field(default_factory=list)
    count: int = 0

    def add(self, records: Sequence[Mapping[str, Json]]) -> None:
        self.count += len(records)
        room = self.most - len(self.records)
        # copies: later steps change records in place
        self.records += [copy.deepcopy(record) for record in records[: max(room, 0)]]


class _Steps:
    """The records of one resource at each place of their way to its table."""

    def __init__(self, resource: Resource, limit: int) -> None:
        self._name = resource.name
        places = [step_place(number, step) for number, step in enumerate(resource.steps)]
        self._last = _Step(LOADED, max(limit, FIRST_RECORDS))
        self._by_place = {place: _Step(place) for place in (SELECTED, *places)}
        self._by_place[LOADED] = self._last

    def add(self, resource: str, place: str, records: Sequence[Mapping[str, Json]]) -> None:
        """Add records: the `trace` of a Sample."""
        if resource == self._name:
            self._by_place[place].add(records)

    @property
    def all(self) -> list[_Step]:
        """Every step in the order of the way."""
        return list(self._by_place.values())

    @property
    def loaded(self) -> list[Json]:
        """The records that are loaded."""
        return self._last.records

    def shown(self, redactors: Sequence[Redactor]) -> list[dict[str, Json]]:
        """Return each step as JSON; a step of large records has fewer of them."""
        return [
            {"title": step.title, "count": step.count, "records": _first(step.records, redactors)}
            for step in self.all
        ]


def _first(records: Sequence[Json], redactors: Sequence[Redactor]) -> list[Json]:
    view, shown = RecordView(redactors), []
    for record in records[:FIRST_RECORDS]:
        if view.is_full:
            break
        shown.append(view.show(record))
    return shown
