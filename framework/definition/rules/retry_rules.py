"""Response actions and retries: keys that have something to do, patterns that can be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.definition.draft import Draft
from framework.definition.expressions.limits import PatternError, compile_pattern
from framework.findings import Finding

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any

_AGAIN = ("retry", "rate_limited")
_KEYS = (
    *("max_retries", "backoff_factor", "backoff", "max_wait"),
    *("wait_header", "wait_as", "wait_pattern", "wait"),
)


def check_retries(draft: Draft) -> Iterator[Finding]:
    """Keys of a retry where nothing is retried, and those that need a header which is not named."""
    seen: set[Pointer] = set()
    for pointer, written, again in _rules(draft):
        if pointer in seen:
            continue
        seen.add(pointer)
        for key in () if again else _KEYS:
            if key in written:
                yield draft.document.finding(
                    (*pointer, key),
                    "key-without-retry",
                    f"{key} says how to ask again, and the action {written.get('action')} does "
                    "not; take it away, or use the action retry or rate_limited",
                    key=True,
                )
        for key in ("wait_as", "wait_pattern"):
            if again and key in written and "wait_header" not in written:
                yield draft.document.finding(
                    (*pointer, key),
                    "wait-without-header",
                    f"{key} says how a header is read, and no wait_header names one; add it",
                    key=True,
                )
        problem = _pattern_problem(written.get("wait_pattern"))
        if problem:
            yield draft.document.finding(
                (*pointer, "wait_pattern"),
                "bad-pattern",
                f"found {written['wait_pattern']}, which is no regular expression: {problem}",
            )


def _rules(draft: Draft) -> Iterator[tuple[Pointer, Mapping[str, Json], bool]]:
    retry = draft.client.get("retry")
    if isinstance(retry, dict):
        yield ("client", "retry"), retry, True
    for merged in draft.resources:
        actions = merged.endpoint.get("response_actions")
        for position, action in enumerate(actions if isinstance(actions, list) else []):
            if isinstance(action, dict) and isinstance(action.get("action"), str):
                place = merged.place("endpoint", "response_actions", position)
                yield place, action, action["action"] in _AGAIN


def _pattern_problem(pattern: Json) -> str | None:
    try:
        compile_pattern(pattern if isinstance(pattern, str) else "")
    except PatternError as error:
        return str(error)
    return None
