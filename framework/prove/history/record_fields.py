"""Fields of an API's records: which tell records apart, which is the cursor, which an edit changes.

A leaf is the keys to a plain value in a record as the API has it, before the connector's steps.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework.definition.model import Resource
from framework.definition.values.datetimes import is_time
from framework.prove.history.api_traits import other_field
from framework.runtime.field_paths import ABSENT, field_at, get_field

Json = Any
Leaf = tuple[str, ...]
_IDENTITY = frozenset(("id", "_id", "uuid", "guid", "uri", "gid", "sid", "arn", "urn", "key"))
_WEAK = re.compile(
    r"(?i)(^|_)(name|title|status|state|type|kind|label|description|category|group|owner|city"
    r"|country|date|day|amount|total|price|quantity|created|updated|modified)s?($|_)"
)
_UPDATED = re.compile(r"(?i)^(last_?)?(updat|modif|chang)\w*$")
_UUID = re.compile(r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NOT_EDITED = re.compile(
    r"(?i)url|uri|link|href|email|(^|_)id$|Id$|uuid|token|hash|date|time|(_at|At)$"
)
_EDITED = re.compile(r"(?i)(^|_)(status|state|name|title|version|stage|amount|total|price)($|_)")
"""Names of fields that edits change even if they are part of a key."""
FIRST_NUMBER = 7_000_001
"""Numbers of records that a history invents begin here."""


@dataclass(frozen=True)
class RecordFields:
    """The fields of a resource's records that a history changes.

    `identity` are leaves whose values no two records share. `key` are those of the primary key.
    `cursor` is the incremental's, `text` what an edit changes. `updated` is the name of a field
    that seems to tell when a record was last changed, other than the cursor. `filtered` is what
    requests choose records by, if it is not the cursor. `is_own_key` says that the primary key has
    a field such as `id`, which tells records of all lists apart.
    """

    identity: tuple[Leaf, ...]
    key: tuple[Leaf, ...]
    cursor: Leaf | None
    text: Leaf | None
    updated: str | None
    natural_key: str | None
    filtered: Leaf | None = None
    is_own_key: bool = False

    @classmethod
    def of(cls, resource: Resource, raw: Json, record: Json) -> RecordFields:
        """Return the fields of a resource by one of its records, as the API and the run have it."""
        incremental = resource.endpoint.incremental
        cursor = None
        if incremental is not None:
            cursor = leaf_of(raw, record, incremental.cursor_path.replace('"', ""))
        key = tuple(
            leaf
            for name in resource.primary_key
            if (leaf := leaf_of(raw, record, name)) is not None
        )
        own = {f"{_singular(resource.name)}{end}" for end in ("_id", "id", "_uuid", "_key")}
        natural = [
            leaf
            for leaf, value in leaves(raw)
            if (leaf[-1].lower() in _IDENTITY or leaf[-1].lower() in own)
            and isinstance(value, (str, int))
            and not isinstance(value, bool)
        ]
        shallow = min((len(leaf) for leaf in natural), default=0)
        natural = [leaf for leaf in natural if len(leaf) == shallow]
        unique = natural
        if _is_credible(key, natural, own):
            unique = list(dict.fromkeys([*(leaf for leaf in key if leaf != cursor), *natural]))
            if key and all(leaf == cursor for leaf in key):
                unique = [leaf for leaf in natural if leaf not in key]
        text = next(_editable(raw, resource, {*unique, *key, *filter(None, [cursor])}), None)
        if any(leaf in natural for leaf in key):  # the rest of the key may be what an edit changes
            others = (leaf for leaf in key if leaf not in natural and _EDITED.search(leaf[-1]))
            text = next(others, text)
            unique = [leaf for leaf in unique if leaf != text]
        if not (unique or key) and text is not None:  # else all are the same
            unique = [text]
            text = next(_editable(raw, resource, {*unique, *key, *filter(None, [cursor])}), None)
        updated = next(
            (
                ".".join(leaf)
                for leaf, value in leaves(raw)
                if _UPDATED.match(leaf[-1]) and leaf != cursor and value and len(leaf) == 1
            ),
            None,
        )
        name = next((".".join(leaf) for leaf in natural if leaf not in key), None)
        filtered = None
        if cursor is not None:
            times = {leaf[-1]: leaf for leaf, value in leaves(raw) if is_time(value)}
            filtered = times.get(other_field(resource.endpoint, cursor[-1], times) or "")
        is_own = any(leaf in natural for leaf in key)
        return cls(tuple(unique), key, cursor, text, updated, name, filtered, is_own)

    @property
    def has_key_of_cursor(self) -> bool:
        """Whether the cursor alone is the key, so that no two records share it."""
        return bool(self.key) and all(leaf == self.cursor for leaf in self.key)

    def new(self, template: Json, number: int, also: Sequence[Leaf] = ()) -> Json:
        """Return a record like the template that is another one, `also` in these leaves."""
        made = copy.deepcopy(template)
        for leaf in dict.fromkeys((*self.identity, *also)):
            put_leaf(made, leaf, _other(field_at(template, leaf), number))
        return made

    def edited(self, raw: Json, times: int) -> Json:
        """Return the record after an edit, the `times`-th of its life."""
        made = copy.deepcopy(raw)
        if self.text is not None:
            value = field_at(raw, self.text)
            if isinstance(value, str):
                put_leaf(made, self.text, f"{value.partition(' (edit')[0]} (edit {times})")
            else:
                put_leaf(made, self.text, value + 1)
        return made


def leaves(value: Json, above: Leaf = ()) -> Iterator[tuple[Leaf, Json]]:
    """Yield the plain values of nested objects; lists are passed over."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*above, name))
    elif not isinstance(value, list) and above:
        yield above, value


def leaf_of(raw: Json, record: Json, name: str) -> Leaf | None:
    """Return the leaf that becomes a field of the run's record, None if there is none."""
    value = get_field(record, name) if isinstance(record, dict) else ABSENT
    if value is ABSENT or value is None:
        return None
    straight = tuple(name.split("."))
    if field_at(raw, straight) not in (ABSENT, None):
        return straight
    same = [leaf for leaf, found in leaves(raw) if found == value and found is not None]
    same += [leaf for leaf, found in leaves(raw) if str(found) == str(value)]
    return same[0] if same else None


def put_leaf(raw: Json, leaf: Leaf, value: Json) -> None:
    """Set the value at a leaf that exists."""
    for name in leaf[:-1]:
        raw = raw[name]
    raw[leaf[-1]] = value


def _singular(name: str) -> str:
    last = name.rpartition("_")[2]
    if last.endswith("ies"):
        return last[:-3] + "y"
    return last.removesuffix("s")


def _is_credible(key: Sequence[Leaf], natural: Sequence[Leaf], own: set[str]) -> bool:
    """Return whether a primary key can tell records apart that have an identity of their own."""
    if not key or not natural or any(leaf in natural for leaf in key):
        return True

    def is_weak(leaf: Leaf) -> bool:
        name = leaf[-1]
        is_foreign = name.lower().endswith("_id") and name.lower() not in own
        return is_foreign or bool(_WEAK.search(name))

    return not all(map(is_weak, key))


def _editable(raw: Json, resource: Resource, used: set[Leaf]) -> Iterator[Leaf]:
    """Yield leaves that an edit may change, texts first."""
    declared: Mapping[str, Json] = (resource.schema or {}).get("properties") or {}
    plain = [
        (leaf, value)
        for leaf, value in leaves(raw)
        if leaf not in used
        and not _NOT_EDITED.search(leaf[-1])
        and not {"enum", "const", "format", "pattern"} & set(declared.get(leaf[0]) or ())
    ]
    for leaf, value in plain:
        is_word = isinstance(value, str) and value != "" and not is_time(value)
        if is_word and "://" not in value and not value.isdigit():
            yield leaf
    for leaf, value in plain:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield leaf


def _other(value: Json, number: int) -> Json:
    """Return a value of the same kind that no other record has."""
    unique = FIRST_NUMBER + number
    if isinstance(value, int):
        return unique
    if not isinstance(value, str):
        return value
    found = list(_UUID.finditer(value))
    if found:
        end = found[-1].end()
        return f"{value[: end - 12]}{unique:012d}{value[end:]}"
    return str(unique) if value.isdigit() else f"{value}-{number}"
