"""Retries and response actions: every key has something to do, and its pattern compiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.definition.draft import Draft
from framework.definition.expressions.limits import PatternError, compile_pattern
from framework.definition.rules.rule import Breach, Key, rule

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any

_RETRYING = ("retry", "rate_limited")
_RETRY_KEYS = (
    *("max_retries", "backoff_factor", "backoff", "max_wait"),
    *("wait_header", "wait_as", "wait_pattern", "wait"),
)


@rule("key-without-retry")
def check_retry_keys(draft: Draft) -> Iterator[Breach]:
    """Only an action that retries says how to retry."""
    for pointer, policy in _policies(draft).items():
        for key in () if _retries(policy) else _RETRY_KEYS:
            if key in policy:
                yield (
                    Key((*pointer, key)),
                    f"{key} says how to retry, and the action {policy['action']} does not retry; "
                    "remove it, or use the action retry or rate_limited",
                )


@rule("wait-without-header")
def check_wait_headers(draft: Draft) -> Iterator[Breach]:
    """What says how to read a header needs the header's name."""
    for pointer, policy in _policies(draft).items():
        for key in ("wait_as", "wait_pattern"):
            if _retries(policy) and key in policy and "wait_header" not in policy:
                yield (
                    Key((*pointer, key)),
                    f"{key} says how to read a header, and no wait_header names one; add it",
                )


@rule("bad-pattern")
def check_wait_patterns(draft: Draft) -> Iterator[Breach]:
    """A pattern is a regular expression."""
    for pointer, policy in _policies(draft).items():
        pattern = policy.get("wait_pattern")
        try:
            compile_pattern(pattern if isinstance(pattern, str) else "")
        except PatternError as error:
            yield (
                (*pointer, "wait_pattern"),
                f"found {pattern}, which is not a valid regular expression: {error}",
            )


def _policies(draft: Draft) -> dict[Pointer, Mapping[str, Json]]:
    """Return the `retry` of the client and of endpoints, and every response action, each once."""
    policies: dict[Pointer, Mapping[str, Json]] = {}
    retry = draft.client.get("retry")
    if isinstance(retry, dict):
        policies["client", "retry"] = {**retry, "action": "retry"}
    for merged in draft.resources:
        retry = merged.endpoint.get("retry")
        if isinstance(retry, dict):
            place = merged.place("endpoint", "retry")
            policies.setdefault(place, {**retry, "action": "retry"})
        actions = merged.endpoint.get("response_actions")
        for position, action in enumerate(actions if isinstance(actions, list) else []):
            if isinstance(action, dict) and isinstance(action.get("action"), str):
                place = merged.place("endpoint", "response_actions", position)
                policies.setdefault(place, action)
    return policies


def _retries(policy: Mapping[str, Json]) -> bool:
    return policy["action"] in _RETRYING
