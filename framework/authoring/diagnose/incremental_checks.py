"""Whether the API takes notice of an incremental's start: asked again from the newest record on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from framework.authoring.diagnose.proof import Proof, Prover, Seen
from framework.definition.datetimes import NAMED_FORMATS, TimeError, read_time, write_time
from framework.definition.expressions.jsonpath import path_keys
from framework.definition.model import Resource
from framework.errors import FrameworkError, ResourceSkipped
from framework.runtime.field_paths import value_at
from framework.text import count_noun

Json = Any
AskedFrom = Callable[[Resource, str], list[Json]]
"""The first page of a resource from a time (ISO text) or number on, as the selector gives it."""
_APART = timedelta(days=2)
"""How far apart the oldest and the newest record have to be: APIs may count in days."""


def ignored_start(prover: Prover, seen: Seen, asked_from: AskedFrom) -> Iterator[Proof]:
    """A proof, where an incremental sends its start and the records differ enough in age."""
    incremental = prover.resource.endpoint.incremental
    if incremental is None or incremental.start_param is None:
        return
    if incremental.arguments.get("last_value_func") == "min":
        return
    forms = (*incremental.cursor_formats, "iso", *NAMED_FORMATS)
    first = [moment(item, incremental.cursor_path, forms) for item in seen.lists[0][0]]
    known = [one for one in first if one is not None]
    if len(known) < 2 or max(known) - min(known) < _APART:
        return
    newest, name = max(known), incremental.start_param
    try:
        again = asked_from(prover.resource, write_time(newest, "iso"))
    except (FrameworkError, ResourceSkipped):
        return  # a start that the API refuses proves nothing
    came = [moment(item, incremental.cursor_path, forms) for item in again]
    old = sum(one is not None and newest - one >= _APART for one in came)
    if not old:
        yield prover.ok("incremental", f"{name}: nothing older comes than is asked for")
        return
    message = (
        f"asked with {name} for the newest record on, {count_noun(old, 'record')} of {len(came):,} "
        "came that are days older"
    )
    remedy = (
        f"the API takes no notice of {name}: give start_param the name that its documentation has, "
        "or take it away; all records are read then in each run"
    )
    yield prover.fault("incremental", "incremental-ignored", message, remedy)


def moment(item: Json, path: str, forms: tuple[str, ...]) -> Any:
    """A record's time, None where it has none."""
    value = value_at(item, path_keys(path))
    if value is None:
        return None
    try:
        return read_time(value, dict.fromkeys(forms))[0]
    except TimeError:
        return None
