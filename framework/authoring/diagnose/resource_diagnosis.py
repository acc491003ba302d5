"""Read a page or two of a resource from the live API and run every check on them.

Each check is a function from the evidence of one resource to proofs. A new check is one function
and one entry in `PAGE_CHECKS` or `LIST_CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from framework.authoring.diagnose.paging_checks import check_paging
from framework.authoring.diagnose.probe import not_requested
from framework.authoring.diagnose.proof import Evidence, Proof
from framework.authoring.diagnose.record_checks import (
    check_cursor,
    check_incremental_start,
    check_key,
    check_selector,
)
from framework.authoring.diagnose.response_checks import (
    check_format,
    check_xml_lists,
    error_proof,
)
from framework.definition.model import Connector, Resource
from framework.errors import (
    FrameworkError,
    Interrupted,
    RecordError,
    RequestError,
    ResourceSkipped,
)
from framework.events import Event, EventHandler, WarningRaised, ignore_event
from framework.extract.compilation.compiler import compile_connector
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.incremental.policy import CursorRange
from framework.extract.page import Page, Record
from framework.extract.read_options import ReadOptions, Sample
from framework.extract.resource_reader import ResourceReader
from framework.runtime.environment import Environment
from framework.runtime.settings import resolve_settings
from framework.text import count_noun

Json = Any
Check = Callable[[Evidence], Iterator[Proof]]

PAGES, LISTS = 2, 3
"""Two pages show whether paging works, three parents whether a child's request does."""
PAGE_CHECKS: tuple[Check, ...] = (
    check_xml_lists,
    check_format,
    check_selector,
    check_key,
    check_cursor,
)
"""Checks of any response, in this order."""
GATES = (check_format, check_selector)
"""If one of these finds anything but ok, the later page checks are meaningless."""
LIST_CHECKS: tuple[Check, ...] = (check_paging, check_incremental_start)
"""Checks of a resource that returned records."""
_CHECKED_WARNINGS = ("selector-no-match", "page-repeated", "step-failed")
"""Warnings of reading that a proof explains better, or that quote values."""


@dataclass(frozen=True)
class LiveApi:
    """How an API is reached: config, the section of an alias, and the environment."""

    config: Mapping[str, Json]
    alias: str | None
    environment: Environment
    on_event: EventHandler = ignore_event


class Diagnosis:
    """Reads a sample of each resource of one version of a file, and collects its evidence."""

    def __init__(self, connector: Connector, api: LiveApi) -> None:
        self.connector = connector
        self._api = api
        self._on_event = api.on_event
        self._warnings: list[WarningRaised] = []
        environment = api.environment
        settings = resolve_settings(
            connector, api.config, section=api.alias, replay=environment.replay
        )
        self._compiled = compile_connector(connector, settings, environment, self._note)
        self._evidence: dict[str, Evidence] = {}
        for resource in connector.resources:
            self._evidence[resource.name] = Evidence(
                connector,
                resource,
                self._compiled.redactor,
                self._evidence.get(resource.parent or ""),
                partial(self._read_from, resource.name),
                partial(self._read_pages, resource),
            )
        sample = Sample(
            PAGES, LISTS, lambda name, number, page: self._evidence[name].add(number, page)
        )
        # one request at a time, so that pages arrive list by list
        self._options = ReadOptions(
            environment, self._note, self._compiled.redactor, 1, state={}, sample=sample
        )
        self._readers = ResourceReaders(self._compiled, self._options)

    def _note(self, event: Event) -> None:
        if isinstance(event, WarningRaised):
            self._warnings.append(event)
        self._on_event(event)

    def evidence(self, resource: str) -> Evidence:
        """Return what the resource returned, after its `proofs` were read."""
        return self._evidence[resource]

    def proofs(self, resource: Resource) -> Iterator[Proof]:
        """Read a sample of the resource and yield what it proves."""
        evidence, reader = self._evidence[resource.name], self._readers[resource.name]
        self._warnings.clear()
        error: FrameworkError | None = None
        records: list[Record] = []
        try:
            for page in reader.open_table():
                records += page.records
            evidence.records = records
        except Interrupted:
            raise
        except (ResourceSkipped, FrameworkError) as caught:
            ancestor = reader.failed_ancestor(caught)
            if ancestor is not None or isinstance(caught, ResourceSkipped):
                yield evidence.unknown(
                    "request", not_requested(ancestor) if ancestor else str(caught)
                )
                return
            error = caught
            if _is_end(error):
                evidence.records = records
            if resource.steps and isinstance(error, RecordError):
                evidence.records = []  # the key is not in what a step rejects
        evidence.warnings = list(self._warnings)
        proofs = list(_page_proofs(evidence)) if evidence.pages else []
        yield from proofs
        if error is not None and not _is_end(error):
            is_explained = any(one.code == "cursor-missing" for one in proofs)
            if not is_explained or isinstance(error, RequestError):
                yield error_proof(evidence, error)
            return
        if resource.endpoint.source is not None:
            found = f"{count_noun(reader.records, 'record')} in those of {resource.endpoint.source}"
            yield (evidence.ok if reader.records else evidence.unknown)("data_selector", found)
        elif not evidence.pages:
            yield evidence.unknown("request", _no_request(resource, reader))
        proofs = list(_list_proofs(evidence, reader)) if evidence.selected else []
        yield from proofs
        if error is not None and not _has_paging_fault(proofs):
            yield evidence.fault("paginator", "ended-early", str(error))
        yield from _warning_proofs(evidence, proofs)

    def _read_from(self, name: str, start: str) -> list[Json]:
        """Return the first page of the resource, read from that value of its cursor on."""
        items: list[Json] = []

        def collect(resource: str, _: int, page: Any) -> None:
            if resource == name:
                items.extend(page.items)

        options = replace(
            self._options,
            on_event=ignore_event,
            sample=Sample(1, 1, collect),
            state={},
            again=CursorRange(since=start),
        )
        for _ in ResourceReaders(self._compiled, options)[name].open_table():
            pass
        return items

    def _read_pages(
        self, resource: Resource, paginator: Mapping[str, Json], params: Mapping[str, Json]
    ) -> list[list[Page]]:
        """Return the pages of the resource's lists, read with this paginator and parameters."""
        endpoint = replace(
            resource.endpoint, paginator=paginator, params={**resource.endpoint.params, **params}
        )
        changed = replace(resource, endpoint=endpoint)
        resources = [changed if one is resource else one for one in self.connector.resources]
        connector = replace(self.connector, resources=tuple(resources))
        trial = Diagnosis(connector, replace(self._api, on_event=ignore_event))
        for _ in trial.proofs(changed):
            pass
        return trial.evidence(resource.name).lists


def _page_proofs(evidence: Evidence) -> Iterator[Proof]:
    for check in PAGE_CHECKS:
        proofs = list(check(evidence))
        yield from proofs
        if check in GATES and any(one.outcome != "ok" for one in proofs):
            return


def _list_proofs(evidence: Evidence, reader: ResourceReader) -> Iterator[Proof]:
    if evidence.resource.parent:
        message = f"requested for {count_noun(reader.parents, 'record')} of "
        message += evidence.resource.parent
        distinct = len(evidence.distinct_lists)
        if distinct < len(evidence.lists):
            message += f", by {count_noun(distinct, 'different request')}"
        yield evidence.ok("parent", message)
    for check in LIST_CHECKS:
        yield from check(evidence)


def _is_end(error: FrameworkError) -> bool:
    """Return whether a list was read and ended before the API's own end."""
    return isinstance(error, RequestError) and error.code == "ended-early"


def _has_paging_fault(proofs: Sequence[Proof]) -> bool:
    return any(one.about == "paginator" and one.outcome == "fault" for one in proofs)


def _warning_proofs(evidence: Evidence, proofs: Sequence[Proof]) -> Iterator[Proof]:
    """Yield the warnings of a run that no proof explains, as faults."""
    ignored = evidence.resource.ignore_warnings
    explained = {*_CHECKED_WARNINGS, *ignored, *(one.code for one in proofs)}
    if _has_paging_fault(proofs):
        explained |= {"total-differs", "ended-early"}
    for warning in evidence.warnings:
        if warning.code not in explained and warning.resource == evidence.resource.name:
            yield evidence.fault(warning.code, warning.code, warning.message)


def _no_request(resource: Resource, reader: ResourceReader) -> str:
    if reader.skipped_lists:
        reason = f"{' and '.join(reader.skipped_lists)} excludes every parent record"
    else:
        reason = f"{resource.parent or 'its partition'} has no record to request it for"
    return f"not requested, because {reason}"
