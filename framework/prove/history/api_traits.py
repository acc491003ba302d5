"""Traits of an API that a connector file relies on without saying so.

They are read from names and recorded values, unless the user states them. A trait that is only
assumed is tried in its other form too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any, Literal

from framework.definition.expressions.placeholders import texts_of
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
    r"|last_?activity|last_?write|pushed"
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
_CLOSED = re.compile(
    r"(?i)(^|[^a-z])(gte|lte|ge|le|min|max)($|[^a-z])|on_?or_?(after|before)|inclusive"
)
_RANGE_WORDS = frozenset(
    ("min", "max", "from", "since", "after", "gt", "gte", "ge", "newer", "than", "minimum")
)
_TIME_WORDS = frozenset(("at", "on", "time", "date", "datetime", "timestamp", "ts"))
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
        traits = replace(traits, nature=nature_of(last))
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


def names_of_bound(endpoint: Endpoint, bound: str) -> list[str]:
    """Return the names that requests give the `start` or `end` of a range: in query or body."""
    place = f"incremental.{bound}_value"
    names = [*endpoint.params_with(f"{bound}_value")]
    for name, value in _named_values((endpoint.json, endpoint.data)):
        if any(place in text for text in texts_of(value)):
            names.append(name)
    return names


def other_field(endpoint: Endpoint, cursor: str, names: Iterable[str]) -> str | None:
    """Return the field that the start of a range is about by its name, None if it is the cursor's.

    `created_after` and `min_start_time` are about `created_at` and `start_time`, if `names` has
    them, and not about the cursor `updated_at`.
    """
    fields = [*names]
    for param in names_of_bound(endpoint, "start"):
        words = _words(param)
        about = words - _RANGE_WORDS - _TIME_WORDS
        if not about or words.isdisjoint(_RANGE_WORDS) or about & _words(cursor):
            continue
        if not _means_same(param, cursor):
            same = (one for one in fields if _words(one) - _TIME_WORDS == about)
            alike = (one for one in fields if _means_same(param, one))
            return next(same, None) or next(alike, None)
    return None


def _means_same(one: str, other: str) -> bool:
    """Return whether both are about a change, or both about a creation."""
    return any(pattern.search(one) and pattern.search(other) for pattern in (_MODIFIED, _CREATED))


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}


def observed_order(values: Sequence[Any]) -> Order | None:
    """Return the order of recorded cursors, None if they are too few to tell."""
    if len(set(values)) < 3:
        return None
    if all(a <= b for a, b in pairwise(values)):
        return "asc"
    if all(a >= b for a, b in pairwise(values)):
        return "desc"
    return "none"


def _named_values(value: Json, name: str = "") -> Iterator[tuple[str, Json]]:
    """Yield the plain values of a body with the key that they are at, also over lists."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _named_values(item, key)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _named_values(item, name)
    elif isinstance(value, str):
        yield name, value


def nature_of(field_name: str) -> Nature:
    """Return what a field tells by its name."""
    if _MODIFIED.search(field_name):
        return "modified"
    return "created" if _CREATED.search(field_name) else "event"


def _with_bounds(traits: ApiTraits, endpoint: Endpoint) -> ApiTraits:
    for trait, pattern in (("start", _AFTER), ("end", _BEFORE)):
        for param in names_of_bound(endpoint, trait):
            if _CLOSED.search(param):
                traits = traits.with_(**{trait: "inclusive"})
            elif pattern.search(param):
                traits = traits.with_(**{trait: "exclusive"})
    return traits
