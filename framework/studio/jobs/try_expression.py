"""The endpoint `try`: an expression on a response or a step that a look has kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from framework.definition.expressions.jmespath_expression import (
    AlwaysNullError,
    ExpressionError,
    compile_expression,
)
from framework.errors import UsageError
from framework.studio.jobs.job_request import text_of_request
from framework.studio.jobs.kept_values import RESPONSES, STEPS
from framework.studio.jobs.shown_data import RecordView
from framework.studio.studio_job import JobContext

Json = Any
LONGEST_EXPRESSION = 10_000
FIRST_ITEMS = 200
"""Items of a list that are shown of a result."""


def try_expression(context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return what an expression gives, or what is wrong with it.

    `request`: `expression`, `job`, and `request` (an id: its whole body) or `step` (an index: the
    list of its first records). `count` is the length of a list, `is_cut` says that more of it was
    found than is shown.
    """
    text = text_of_request(request, "expression")
    if len(text) > LONGEST_EXPRESSION:
        raise UsageError(f"the expression is longer than {LONGEST_EXPRESSION:,} characters")
    data, around = _data(context, request)
    outcome: dict[str, Json] = {"result": None, "error": None, "count": None, "is_cut": False}
    try:
        result = compile_expression(text).search(data, around)
    except AlwaysNullError as error:
        return {**outcome, "error": f"always null: {error.reason}"}
    except ExpressionError as error:
        return {**outcome, "error": error.reason}
    count = len(result) if isinstance(result, list) else None
    first = result[:FIRST_ITEMS] if isinstance(result, list) else result
    shown = RecordView((context.redactor,)).show(first)
    is_cut = _length(shown) < _length(result)
    return {"result": shown, "error": None, "count": count, "is_cut": is_cut}


def _length(value: Json) -> int:
    try:
        return len(json.dumps(value, default=str))
    except (ValueError, RecursionError):
        return 0


def _data(context: JobContext, request: Mapping[str, Json]) -> tuple[Json, Mapping[str, Json]]:
    """Return the data to search, and what `context()` returns."""
    kept = context.kept(text_of_request(request, "job"))
    number, step = request.get("request"), request.get("step")
    if RESPONSES not in kept or STEPS not in kept:
        raise UsageError("this job has kept no data to try an expression on; look again")
    if isinstance(number, int) and not isinstance(number, bool):
        body = kept[RESPONSES].body(number)
        return body, {"response": body}
    steps = kept[STEPS]
    if isinstance(step, int) and not isinstance(step, bool) and 0 <= step < len(steps):
        return steps[step], {}
    raise UsageError("give `request`, the id of a request, or `step`, the index of a step")
