"""Traits of an API that a connector file relies on without saying so.

They are read from names and recorded values, unless the user states them. A trait that is only
assumed is tried in its other form too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any, Literal

from framework.definition.model import Endpoint
from framework.definition.values.durations import DurationError, parse_duration

Json = Any
Nature = Literal["modified", "created", "event"]
"""What a cursor tells: when a record was last changed, when it was created, or when something
happens that may be recorded earlier or later."""
Bound = Literal["inclusive", "exclusive"]
Order = Literal["asc", "desc", "none"]

_MODIFIED = re.compile(
    r"(?i)updat|modif|chang|edited|touched|synced|revision|version|sequence|(^|_)seq$|systemmodstamp"
    r"|last_?activity|last_?write"
)
_CREATED = re.compile(
    r"(?i)creat|insert|added|registered|signed_?up|joined|opened|submitted|received|posted|sent"
    r"|publish|recorded|logged|process|ingest|index|stored|(^|_)id$|^i[dD]$|Id$"
)
_AHEAD = re.compile(
    r"(?i)start|begin|due|schedul|deadline|expir|depart|arriv|check_?in|appointment|booking"
    r"|meeting|effective|valid|deliver|renew"
)
_AFTER = re.compile(r"(?i)after|(^|[^a-z])gt($|[^a-z])|greater|newer|since_?id|exclusive")
_BEFORE = re.compile(r"(?i)before|(^|[^a-z])lt($|[^a-z])|less|older|exclusive|until")
_CLOSED = re.compile(r"(?i)(^|[^a-z])(gte|lte|ge|le)($|[^a-z])|on_?or_?(after|before)|inclusive")
NATURES: dict[str, Nature] = {"moves": "modified", "keeps": "created", "event": "event"}
"""By what `--assume edits=` says of an edit: it moves the cursor, or leaves it."""


@dataclass(frozen=True)
class ApiTraits:
    """How the API treats one resource.

    `nature` is the cursor's. `start` and `end` say whether the ends of a requested range belong to
    it. `order` is that of its list by the cursor. `late` is the most time by which a record
    appears after its cursor, `ahead` by which it appears before. `stated` are the traits that are
    known, not assumed.
    """

    nature: Nature = "modified"
    start: Bound = "inclusive"
    end: Bound = "inclusive"
    order: Order = "none"
    late: timedelta = timedelta(0)
    ahead: timedelta = timedelta(0)
    stated: frozenset[str] = field(default_factory=frozenset)

    def with_(self, **changes: Any) -> ApiTraits:
        """Return the traits with some changed and stated."""
        return replace(self, **changes, stated=self.stated | changes.keys())


@dataclass(frozen=True)
class Assumption:
    """What the user states of the API: of one resource, or of all if that is None."""

    resource: str | None
    trait: str
    value: Any

    @classmethod
    def parse(cls, text: str) -> Assumption:
        """Return the assumption in `[RESOURCE.]TRAIT=VALUE`. Raise ValueError."""
        left, equals, value = text.partition("=")
        resource, _, trait = left.strip().rpartition(".")
        known: dict[str, Sequence[str]] = {
            "edits": tuple(NATURES),
            "start": ("inclusive", "exclusive"),
            "end": ("inclusive", "exclusive"),
            "order": ("asc", "desc", "none"),
        }
        value = value.strip()
        if trait == "late" and equals:
            try:
                return cls(resource or None, trait, parse_duration(value))
            except DurationError as error:
                raise ValueError(f"found {text!r}: {error}") from None
        if trait not in known or value not in known[trait]:
            each = ", ".join(f"{name}={'|'.join(values)}" for name, values in known.items())
            raise ValueError(
                f"found {text!r}, expected {each} or late=DURATION, after RESOURCE. if it is of "
                "one resource only"
            )
        if trait == "edits":
            return cls(resource or None, "nature", NATURES[value])
        return cls(resource or None, trait, value)


def traits_of(
    endpoint: Endpoint, name: str, values: Sequence[Any], given: Iterable[Assumption]
) -> ApiTraits:
    """Return the traits of a resource from its names and from recorded cursors in list order.

    `given` are the user's own statements, which count more.
    """
    spec = endpoint.incremental
    traits = ApiTraits()
    if spec is not None:
        last = spec.cursor_path.replace('"', "").rpartition(".")[2]
        traits = replace(traits, nature=_nature(last))
        traits = _with_bounds(traits, endpoint)
        order = spec.arguments.get("row_order")
        seen = observed_order(values)
        if seen is not None:
            traits = traits.with_(order=seen)
        elif order in ("asc", "desc"):
            traits = replace(traits, order=order)
        lag = spec.lag if isinstance(spec.lag, timedelta) else timedelta(seconds=spec.lag or 0)
        usual = timedelta(hours=1) if traits.nature == "event" else timedelta(0)
        is_ahead = traits.nature == "event" and _AHEAD.search(last)
        ahead = max(timedelta(days=40), 2 * abs(lag)) if is_ahead else timedelta(0)
        traits = replace(traits, late=abs(lag) or usual, ahead=ahead)
    for one in given:
        if one.resource in (None, name):
            traits = traits.with_(**{one.trait: one.value})
    return traits


def observed_order(values: Sequence[Any]) -> Order | None:
    """Return the order of recorded cursors, None if they are too few to tell."""
    if len(set(values)) < 3:
        return None
    if all(a <= b for a, b in pairwise(values)):
        return "asc"
    if all(a >= b for a, b in pairwise(values)):
        return "desc"
    return "none"


def _nature(field_name: str) -> Nature:
    if _MODIFIED.search(field_name):
        return "modified"
    return "created" if _CREATED.search(field_name) else "event"


def _with_bounds(traits: ApiTraits, endpoint: Endpoint) -> ApiTraits:
    for trait, pattern in (("start", _AFTER), ("end", _BEFORE)):
        for param in endpoint.params_with(f"{trait}_value"):
            if _CLOSED.search(param):
                traits = traits.with_(**{trait: "inclusive"})
            elif pattern.search(param):
                traits = traits.with_(**{trait: "exclusive"})
    return traits
