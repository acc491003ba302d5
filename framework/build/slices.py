"""What a resource is asked for: one list, or one for each record of its parent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from framework.build.keyed import key_of

Json = Any


@dataclass(frozen=True)
class Bound:
    """What one record of the parent gives a child: values by placeholder, fields to copy, and
    those that the child's expressions read (`kept`).

    `changed` is the fingerprint of the field of `only_changed`, None where the record has none.
    """

    values: dict[str, Json]
    include: dict[str, Json] = field(default_factory=dict)
    kept: dict[str, Json] = field(default_factory=dict)
    changed: str | None = None


@dataclass(frozen=True)
class Slice:
    """One list to ask for. `key` tells it from the resource's others in the state."""

    values: dict[str, Json] = field(default_factory=dict)
    include: dict[str, Json] = field(default_factory=dict)
    kept: dict[str, Json] = field(default_factory=dict)
    key: str = ""


def of_parent(bound: Bound, *, keyed: bool) -> Slice:
    """The list of one record of the parent; with a key where there is a state for each."""
    key = key_of({"values": bound.values, "kept": bound.kept}) if keyed else ""
    return Slice(bound.values, bound.include, bound.kept, key)
