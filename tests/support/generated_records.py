"""Records made up by hypothesis: of the declared types, and odd in every way that JSON allows.

Drawn once for many loads' worth of tables, so that what is costly, the load, is done seldom. The
drawing is the same each time.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from framework.definition.schema.record_schema import Table, table_of

Json = Any
Record = dict[str, Json]

LIKE_TIMES = (
    "2024-02-29T23:59:59.123456Z", "2024-01-01", "2024-01-01T10:00:00", "10:00", "23:59:59.5",
    "2024-02-30T00:00:00Z", "2024-W05", "20240101", "1700000000", "2024-01-01T00:00:00+02:00",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "10000-01-01", "2024-01-01T10:00:00.1234567Z",
    "2024-01-01 10:00:00", "2024-01-01T24:00:00Z", "2024-1-1", "25:00", "12:30:00Z", "now", "P1D",
)  # fmt: skip
LIKE_NUMBERS = ("1", "-0", "1.5", "1e3", "1e400", "0x1F", "NaN", "Infinity", "1_000", " 7 ", "٣")
TEXTS = (
    "", " ", "null", "true", "\\N", "a,b", 'q"q', "it's", "a\nb\r\n", "\t", "\\", "{}", "[1]",
    "zwei ↔ 東京 🎉", "\u200b", "e\u0301", "x" * 300, "%s", "$$", "--", ";",
)  # fmt: skip
KEYS = (
    "new", "New", "NEW", "a.b", "a__b", "a_b", "1st", "ключ", "", " ", "__", "NAME", "Name",
    "count__v_text", "count__v_double", "place__city", "placeCity", "parts", "Parts", "_dlt_x",
    "value", "x-y", "a b", "select", "tags", "no", "🎉", "k" * 80, "name_", "_name", "__name",
)  # fmt: skip

text = st.sampled_from(TEXTS + LIKE_TIMES + LIKE_NUMBERS) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=8
)
whole = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 300)
fraction = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
moment = st.sampled_from(LIKE_TIMES[:2] + LIKE_TIMES[7:8]) | st.datetimes().map(
    lambda at: f"{at.isoformat()}Z"
)
amount = (
    st.decimals(-(10**20), 10**20, places=9).map(str)
    | st.integers(-(10**15), 10**15)
    | st.floats(-1e6, 1e6).map(lambda number: round(number, 4))
)
FITTING: Mapping[str, st.SearchStrategy[Json]] = {
    "text": text,
    "bigint": whole,
    "double": fraction,
    "bool": st.booleans(),
    "timestamp": moment,
    "date": st.dates().map(str),
    "time": st.times().map(str),
    "decimal": amount,
}
plain_value = st.none() | text | whole | fraction | st.booleans()
odd_value = plain_value | st.integers(-(2**80), 2**80) | st.sampled_from((2**63, 2**64 - 1, 1e30))
keys = st.sampled_from(KEYS) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=4
)
anything = st.recursive(
    odd_value,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
FREE = st.recursive(
    plain_value,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)


def records_of(schema: Json, *, odd: int) -> st.SearchStrategy[Record]:
    """Records of the schema; `odd` in a thousand places hold anything at all."""
    return st.composite(lambda draw: _record(draw, _tree(table_of(schema)), odd, top=True))()


PLAIN_KEYS = ("name", "count", "at", "o", "l", "tags", "first", "last", "x", "y", "no", "kind")
PLAIN_TYPES: tuple[Json, ...] = (
    *({"type": name} for name in ("string", "integer", "number", "boolean")),
    {"type": "string", "format": "date-time"},
)


def loose_records(number: int) -> st.SearchStrategy[Record]:
    """Records of a shape that no schema declares, with a few odd places; a number has its own."""
    random = Random(number)

    def drawn_schema(depth: int) -> Json:
        properties = {}
        for key in random.sample(PLAIN_KEYS, random.randint(3, 5)):
            kind = random.choice(("plain", "plain", "object", "list", "objects"))
            if depth and kind in ("object", "objects"):
                inner = drawn_schema(depth - 1)
                properties[key] = {"type": "array", "items": inner} if kind == "objects" else inner
            else:
                plain = random.choice(PLAIN_TYPES)
                properties[key] = {"type": "array", "items": plain} if kind == "list" else plain
        return {"type": "object", "properties": properties}

    return records_of(drawn_schema(2), odd=random.choice((0, 2, 8)))


class _Tree(dict[str, Any]):
    """The keys of an object: data types, lists (a list of one) and objects below."""


def _tree(table: Table) -> Any:
    if table.scalars:
        return table.columns[0].data_type
    root = _Tree()
    for column in table.columns:
        _holder(root, column.path)[column.path[-1]] = column.data_type
    for child in table.children:
        _holder(root, child.path)[child.path[-1]] = [_tree(child)]
    return root


def _holder(root: _Tree, path: tuple[str, ...]) -> _Tree:
    for key in path[:-1]:
        root = root.setdefault(key, _Tree())
    return root


def _record(draw: st.DrawFn, tree: _Tree, odd: int, *, top: bool = False) -> Record:
    record: Record = {}
    for key, kind in tree.items():
        if top and key == "id":
            continue
        fate = draw(st.integers(0, 7))
        if fate > 1:
            record[key] = _value(draw, kind, odd)
        elif fate:
            record[key] = None
    if _is_odd(draw, odd):
        record.update(draw(st.dictionaries(keys, anything, max_size=2)))
        for key in [key for key in record if key.strip().lower() == "id"]:
            del record[key]
    return record


def _value(draw: st.DrawFn, kind: Any, odd: int) -> Json:
    if _is_odd(draw, odd):
        return draw(anything)
    if isinstance(kind, _Tree):
        return _record(draw, kind, odd)
    if isinstance(kind, list):
        return [
            None if draw(st.integers(0, 9)) == 0 else _value(draw, kind[0], odd)
            for _ in range(draw(st.integers(0, 3)))
        ]
    return draw(FREE if kind == "json" else FITTING[kind])


def _is_odd(draw: st.DrawFn, odd: int) -> bool:
    return odd > 0 and draw(st.integers(0, 999)) < odd


MANY = 6
"""Drawn at once: hypothesis makes each example from parts of those before."""


def drawn(strategy: st.SearchStrategy[Json], count: int, number: int = 0) -> list[Json]:
    """So many examples; another number gives others."""
    found: list[Json] = []

    @settings(
        max_examples=-(-count // MANY),
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @seeded(number)
    @given(st.lists(strategy, min_size=MANY, max_size=MANY))
    def draw(examples: list[Json]) -> None:
        found.extend(examples)

    draw()
    return found[:count]


def numbered(records: list[Record], first: int = 0) -> Iterator[Record]:
    """Copies of the records with an `id` each."""
    for number, record in enumerate(records, first):
        yield {"id": number, **copy.deepcopy(record)}
