"""Ask one list of an API, and write what was seen as a resource with its reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from framework.authoring.diagnose.heuristics import MIN_RECORDS, is_id_name, key_candidates
from framework.authoring.diagnose.paginator_candidates import unannounced_candidates
from framework.authoring.diagnose.paging_checks import more_signs
from framework.authoring.diagnose.proof import Evidence, Proof, response_of
from framework.definition.graphql_query import parse_query
from framework.errors import FrameworkError, RequestError
from framework.extract.paging.next_page_signs import Sign, counted_place, graphql_variable
from framework.http.error_reports import error_in
from framework.importers.survey.list_selectors import SelectorGuess, guess_selector
from framework.importers.survey.start_parameters import StartGuess, guess_start
from framework.importers.survey.survey_draft import DraftReading, SurveyDraft
from framework.text import count_noun, join_words

Json = Any

TO_CHECK = "to be checked: "
_OF_REQUEST = {
    "response_format": "the first response is in this format",
    "method": "the API refuses the other method",
}
"""Faults of the first request whose change is made without further ado, and why."""


@dataclass(frozen=True)
class ListRequest:
    """What is asked for: a resource's name, and what its endpoint sends: path, method, body."""

    name: str
    endpoint: Mapping[str, Json]

    @property
    def is_get(self) -> bool:
        """Whether what is sent besides stands in the query string."""
        return not {"method", "graphql"} & self.endpoint.keys()


@dataclass
class ResourceSurvey:
    """A resource, and comments by the keys that they stand before (`("endpoint", "paginator")`).

    `proved` and `doubts` are the same in a few words, for a summary.
    """

    resource: dict[str, Json]
    comments: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    proved: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def because(self, key: tuple[str, ...], what: str, reason: str) -> None:
        """Note why a key has its value."""
        self.comments.setdefault(key, []).append(reason)
        self.proved.append(what)

    def doubt(self, key: tuple[str, ...], what: str, reason: str) -> None:
        """Note what is to be checked about a key."""
        self.comments.setdefault(key, []).append(f"{TO_CHECK}{reason}")
        self.doubts.append(what)


def survey_resource(request: ListRequest, draft: SurveyDraft) -> ResourceSurvey:
    """Return the resource as the API's responses show it.

    Raise FrameworkError if there is no response to look at.
    """
    whole = {"data_selector": "@", "paginator": "single_page"}
    first = draft.look(_resource(request, whole), _OF_REQUEST)
    guess = guess_selector(_body(first), str(request.endpoint["path"]))
    survey = ResourceSurvey(first.resource)
    if _is_told(request):
        return _of_query(request, survey, draft)
    for fix in first.fixes:
        survey.because(("endpoint", fix.about), fix.about, _OF_REQUEST[fix.about])
    endpoint = dict(first.resource["endpoint"])
    if guess is None:
        del endpoint["data_selector"], endpoint["paginator"]
        survey.resource = _resource(request, endpoint)
        survey.doubt(("endpoint",), "data_selector", "data_selector: the response has no list")
        survey.doubt(("endpoint",), "paginator", "paginator: no records were seen")
        return survey
    endpoint["data_selector"] = guess.selector
    reading = draft.look(_resource(request, endpoint), () if guess.is_object else ("paginator",))
    selector = ("endpoint", "data_selector")
    survey.because(selector, f"data_selector {guess.selector}", guess.reason)
    if guess.doubt:
        survey.doubt(selector, "data_selector", guess.doubt)
    resource = _paginator(survey, guess, reading)
    return _with_key(request, survey, draft, resource, reading, is_object=guess.is_object)


def _is_told(request: ListRequest) -> bool:
    """Return whether a GraphQL query says itself where its records are, and their pages."""
    block = request.endpoint.get("graphql")
    paged = None if block is None else parse_query(block["query"], block.get("operation")).paged
    return paged is not None and paged.records is not None


def _of_query(request: ListRequest, survey: ResourceSurvey, draft: SurveyDraft) -> ResourceSurvey:
    """Return the resource of a query that needs no further key to be read to its end."""
    reading = draft.look(_resource(request, {}), ())
    evidence = reading.evidence
    pages = [one for one in reading.proofs if one.about == "paginator"]
    fault = next((one for one in reading.proofs if one.outcome == "fault"), None)
    size = evidence.pages[0].size if evidence.pages else 0
    block = ("endpoint", "graphql")
    if any(one.outcome == "ok" for one in pages):
        reason = f"{count_noun(size, 'record')} on the first page, and others on the second one"
        survey.because(block, "records and pages of the query", reason)
    elif fault is not None:
        survey.doubt(block, "the query", fault.message.splitlines()[0])
    elif size and not more_signs(evidence, evidence.pages[0]):
        reason = f"{count_noun(size, 'record')}, and pageInfo says that there are no more"
        survey.because(block, "records of the query", reason)
    else:
        doubt = f"its first page has {count_noun(size, 'record')}, and no second one was seen"
        survey.doubt(block, "pages of the query", doubt)
    return _with_key(request, survey, draft, _resource(request, {}), reading)


def _with_key(
    request: ListRequest,
    survey: ResourceSurvey,
    draft: SurveyDraft,
    resource: Mapping[str, Json],
    reading: DraftReading,
    *,
    is_object: bool = False,
) -> ResourceSurvey:
    """Return the survey with what its records tell: key and incremental."""
    key = _key(survey, reading.evidence, is_object=is_object)
    start = StartGuess(None)
    if not is_object:
        start = _start(request, draft, resource, reading.evidence, key)
    survey.resource = _assembled(request, resource, key, start)
    if start.incremental is not None:
        field_name = start.incremental["cursor_path"]
        survey.because(("endpoint", "incremental"), f"incremental {field_name}", start.reason)
    elif start.doubt:
        survey.doubt(("endpoint",), "incremental", f"incremental: {start.doubt}")
    return survey


def _resource(request: ListRequest, endpoint: Mapping[str, Json]) -> dict[str, Json]:
    whole = {**request.endpoint, **endpoint}
    return {"name": request.name, "write_disposition": "replace", "endpoint": whole}


def _body(reading: DraftReading) -> Json:
    """Return the first response's data. Raise FrameworkError if there is none."""
    fault = next((one for one in reading.proofs if one.outcome == "fault"), None)
    pages = reading.evidence.pages
    if not pages:
        if fault is not None:
            raise RequestError(fault.message, code=fault.code)
        raise RequestError(f"{reading.resource['name']}: there was no response")
    error = error_in(response_of(pages[0]), reading.evidence.redactor)
    body = response_of(pages[0]).json()
    guess = guess_selector(body, "")
    if error and (guess is None or guess.is_object):
        raise FrameworkError(f"{reading.resource['name']}: the response says: {error}")
    if fault is not None and fault.about == "response_format":
        raise FrameworkError(f"{reading.resource['name']}: {fault.message}")
    return body


def _paginator(
    survey: ResourceSurvey, guess: SelectorGuess, reading: DraftReading
) -> Mapping[str, Json]:
    """Return the resource with the paginator that was proved, else without one."""
    resource: Mapping[str, Json] = reading.resource
    page = reading.evidence.pages[0]
    signs = more_signs(reading.evidence, page) if page.size and not guess.is_object else []
    reason = ""
    if guess.is_object:
        reason = "one object has one page"
    elif reading.fixes:
        seen = join_words(dict.fromkeys(sign.path for sign in signs), 3)
        reason = f"the first page announces more ({seen}), and the second one has other records"
    elif page.size and not signs and not _is_graphql(reading):
        fixed = reading.fixed(_unannounced(reading.evidence))
        if fixed is not None:
            reason, resource = "not announced, but a second page has other records", fixed
    if reason:
        paginator = resource["endpoint"]["paginator"]
        kind = paginator["type"] if isinstance(paginator, dict) else paginator
        survey.because(("endpoint", "paginator"), f"paginator {kind}", reason)
        return resource
    endpoint = {name: value for name, value in resource["endpoint"].items() if name != "paginator"}
    survey.doubt(("endpoint",), "paginator", f"paginator: {_unknown_paginator(reading, signs)}")
    return {**resource, "endpoint": endpoint}


def _is_graphql(reading: DraftReading) -> bool:
    return graphql_variable(reading.evidence.resource.endpoint) is not None


def _unannounced(evidence: Evidence) -> Proof:
    """Return a stand-in fault for a list that says nothing of further pages."""
    page = evidence.pages[0]
    names, _ = counted_place(evidence.resource)
    options = unannounced_candidates(
        evidence.resource.endpoint, response_of(page), names, page.size
    )
    return evidence.paginator_fault("no-next", "no sign of a second page", *options)


def _unknown_paginator(reading: DraftReading, signs: Sequence[Sign]) -> str:
    """Return what is to be checked about a paginator that was not found."""
    size = count_noun(reading.evidence.pages[0].size, "record")
    if signs:
        seen = join_words(dict.fromkeys(sign.path for sign in signs), 3)
        how = "no usual parameter gives a second page"
        if _is_graphql(reading):
            how = "the query needs a variable for the cursor"
        return f"the first page has {size} and announces more ({seen}); {how}"
    if _is_graphql(reading):
        return f"the list has {size}; to read on, the query needs pageInfo and a cursor variable"
    return f"left out, so dlt detects it (`auto`): one page of {size}, and no sign of a second one"


def _key(survey: ResourceSurvey, evidence: Evidence, *, is_object: bool) -> str | None:
    """Return the field that identifies a record, if it is sure: a merge drops what repeats it."""
    records = evidence.objects
    candidates = key_candidates(records)
    if is_object and len(records) == 1:
        candidates = [name for name in records[0] if is_id_name(name)]
    sure = [name for name in candidates if _is_sure(name, evidence.resource.name)]
    count = f"{count_noun(len(records), 'record')} on {count_noun(len(evidence.pages), 'page')}"
    if sure:
        reason = f"in each of {count}, and never twice" if len(records) > 1 else "by its name"
        survey.because(("primary_key",), f"primary_key {sure[0]}", reason)
        return sure[0]
    doubt = f"no field of {count} looks like an id and is unique"
    if candidates:
        names = join_words(candidates, 3, last="or")
        doubt = f"{names} is unique in {count}; `merge` needs a key"
    elif len(records) < MIN_RECORDS:
        doubt = f"too few records to find one: {count}"
    survey.doubt(("write_disposition",), "primary_key", f"primary_key: {doubt}")
    return None


def _is_sure(name: str, resource: str) -> bool:
    """Return whether a field is the resource's own id by its name: `id`, `order_id` of `orders`."""
    if is_id_name(name):
        return True
    if not name.isidentifier():
        return False  # a dot would be a path
    letters = re.sub(r"[^a-z]", "", name.lower())
    own = re.sub(r"[^a-z]", "", resource.lower())
    singular = {own, own.removesuffix("s"), own.removesuffix("es"), f"{own.removesuffix('ies')}y"}
    return any(letters == f"{one}{suffix}" for one in singular for suffix in ("id", "uuid", "key"))


def _start(
    request: ListRequest,
    draft: SurveyDraft,
    resource: Mapping[str, Json],
    evidence: Evidence,
    key: str | None,
) -> StartGuess:
    """Return the incremental that was tried."""
    first_page = [one for one in evidence.pages[0].items if isinstance(one, dict)]
    if len(first_page) < 2:
        return StartGuess(None)

    def read_from(name: str, value: str) -> list[dict[str, Json]] | None:
        if not request.is_get:
            return None
        endpoint = {**resource["endpoint"], "paginator": "single_page", "params": {name: value}}
        pages = draft.look({**resource, "endpoint": endpoint}, ()).evidence.pages
        return [one for one in pages[0].items if isinstance(one, dict)] if pages else None

    guess = guess_start(first_page, key, read_from)
    if not request.is_get and guess.doubt:
        what = guess.doubt.partition(";")[0]
        return replace(guess, doubt=f"{what}; a start in the body was not tried")
    return guess


def _assembled(
    request: ListRequest, resource: Mapping[str, Json], key: str | None, start: StartGuess
) -> dict[str, Json]:
    """Return the resource in the order in which people write it."""
    hints: dict[str, Json] = {"write_disposition": "replace"}
    if key is not None:
        hints = {"primary_key": key, "write_disposition": "merge"}
    endpoint = dict(resource["endpoint"])
    if start.incremental is not None:
        endpoint["incremental"] = start.incremental
    return {"name": request.name, **hints, "endpoint": endpoint}
