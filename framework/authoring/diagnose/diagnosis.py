"""A connector file held against the live API: a page or two of each resource, and what they show.

Proves the format, the selector, the primary key, the cursor, the second page and what a child
binds; for each fault it says what would mend it. Nothing is loaded, and no value is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from framework.authoring.diagnose.incremental_checks import ignored_start
from framework.authoring.diagnose.paging_checks import paging, repeated
from framework.authoring.diagnose.probe import not_asked
from framework.authoring.diagnose.proof import Proof, Prover, Seen
from framework.authoring.diagnose.record_checks import proofs
from framework.authoring.diagnose.request_errors import refusal
from framework.definition.model import Connector, Resource
from framework.errors import FrameworkError, RecordError, RequestError, ResourceSkipped
from framework.events import Event, EventHandler, WarningRaised, ignore_event
from framework.extract.compiler import compile_connector
from framework.extract.dlt_source import ResourceReaders
from framework.extract.incremental.policy import CursorRange
from framework.extract.read_options import ReadOptions, Sample
from framework.extract.resource_reader import ResourceReader
from framework.runtime.environment import Environment
from framework.runtime.settings import resolve_settings
from framework.text import count_noun

Json = Any
PAGES, LISTS = 2, 3
"""Two pages show whether paging works, three parents whether a child's request does."""
_PROVED = ("selector-no-match", "page-repeated", "step-failed")
"""Warnings of a reading that a proof tells better, or that tell values."""


def diagnose(
    connector: Connector,
    resources: Sequence[Resource],
    config: Mapping[str, Json],
    alias: str | None,
    environment: Environment,
    on_event: EventHandler,
) -> Iterator[Proof]:
    """What the API's answers say to each resource, parents first; of what is read only for its
    children, the faults."""
    look = _Look(connector, config, alias, environment, on_event)
    chosen = {resource.name for resource in resources}
    above = {one.name for resource in resources for one in connector.ancestors(resource)}
    for resource in connector.resources:
        if resource.name in chosen:
            yield from look.at(resource)
        elif resource.name in above:
            yield from (proof for proof in look.at(resource) if proof.outcome == "fault")


class _Look:
    """One look at a connector's resources. `seen` is what each of them gave."""

    def __init__(
        self,
        connector: Connector,
        config: Mapping[str, Json],
        alias: str | None,
        environment: Environment,
        on_event: EventHandler,
    ) -> None:
        self._connector = connector
        self._on_event = on_event
        self._heard: list[WarningRaised] = []
        self._seen: dict[str, Seen] = {one.name: Seen() for one in connector.resources}
        settings = resolve_settings(connector, config, section=alias, replay=environment.replay)
        self._compiled = compile_connector(connector, settings, environment, self._hear)
        sample = Sample(PAGES, LISTS, lambda name, number, page: self._seen[name].add(number, page))
        # one after the other, so that pages come list by list
        self._options = ReadOptions(
            environment, self._hear, self._compiled.redactor, 1, state={}, sample=sample
        )
        self._readings = ResourceReaders(self._compiled, self._options)

    def _hear(self, event: Event) -> None:
        if isinstance(event, WarningRaised):
            self._heard.append(event)
        self._on_event(event)

    def at(self, resource: Resource) -> Iterator[Proof]:
        """What one resource's answers prove."""
        prover = Prover(self._connector, resource, self._compiled.redactor)
        seen = self._seen[resource.name]
        reading = self._readings[resource.name]
        reading.loads = True
        self._heard.clear()
        error: FrameworkError | None = None
        try:
            seen.records = [record for page in reading.pages() for record in page]
        except (ResourceSkipped, FrameworkError) as ended:
            above = reading.ended_above(ended)
            if above is not None or isinstance(ended, ResourceSkipped):
                yield prover.unknown("request", not_asked(above) if above else str(ended))
                return
            # what a step does not take is not what the key stands in
            stepped = bool(resource.steps) and isinstance(ended, RecordError)
            seen.records, error = ([] if stepped else None), ended
        parents = self._parents_of(resource)
        seen.missed = any(event.code == "selector-no-match" for event in self._heard)
        found = list(proofs(prover, seen, parents)) if seen.pages else []
        yield from found
        if error is not None:
            if not any(one.code == "cursor-missing" for one in found) or isinstance(
                error, RequestError
            ):
                yield refusal(prover, seen, error, parents)
            return
        if not seen.pages:
            why = f"{resource.parent or 'its partition'} gave nothing to ask for"
            if reading.not_asked:
                why = f"{' and '.join(reading.not_asked)} left out all there was to ask for"
            yield prover.unknown("request", f"not asked, because {why}")
        found = list(self._lists(prover, seen, reading)) if seen.selected else []
        yield from found
        told = {*_PROVED, *(one.code for one in found)}
        if "fault" in (one.outcome for one in found if one.about == "paginator"):
            told.add("total-differs")
        for event in self._heard:
            if event.code not in told and event.resource == resource.name:
                yield prover.fault(event.code, event.code, event.message)

    def _lists(self, prover: Prover, seen: Seen, reading: ResourceReader) -> Iterator[Proof]:
        """Children, paging and the incremental, of a resource that gave records."""
        resource = prover.resource
        if resource.parent:
            asked = f"asked for {count_noun(reading.parents, 'record')} of {resource.parent}"
            if len(seen.distinct_lists) < len(seen.lists):
                asked += f", with {count_noun(len(seen.distinct_lists), 'different request')}"
            yield prover.ok("parent", asked)
        if any(event.code == "page-repeated" for event in self._heard):
            yield repeated(prover, seen, "page-repeated")
        else:
            proof = paging(prover, seen)
            if len(seen.lists) == 1 or proof.outcome != "unknown":
                yield proof
        if len(seen.lists) == 1:
            yield from ignored_start(prover, seen, self._asked_from)

    def _asked_from(self, resource: Resource, start: str) -> list[Json]:
        """The first page of the resource, asked for from that value of its cursor on."""
        seen = {name: Seen() for name in self._seen}
        sample = Sample(1, 1, lambda name, number, page: seen[name].add(number, page))
        options = replace(self._options, sample=sample, state={}, again=CursorRange(since=start))
        for _ in ResourceReaders(self._compiled, replace(options, on_event=ignore_event))[
            resource.name
        ].pages():
            pass
        return seen[resource.name].selected

    def _parents_of(self, resource: Resource) -> list[Json]:
        if resource.parent is None:
            return []
        return self._seen[resource.parent].known
