"""Rewrite values of unparsed pages that Arrow's JSON reader cannot read as they are.

Only these values become Python objects. Those that Arrow has no type for become text: a free-form
value the one that dlt writes into a JSON column, a decimal and a value of a field with several
types its JSON. Those that a step changes become what it makes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from operator import itemgetter
from typing import Any, TypedDict

import msgspec
import orjson
import pyarrow as pa

from framework.definition.schema.record_schema import Change, RecordNode
from framework.definition.values.json_text import (
    MAX_DEPTH,
    may_be_past_64_bits,
    may_repeat_keys,
)
from framework.extract.page import RawList
from framework.load.arrow.layout import MIXED, MixedColumn
from framework.load.arrow.tables import Misfit, json_text
from framework.load.arrow.unprocessed_keys import remove

Json = Any
Rewrite = Callable[[bytes], bytes]
Found = list[tuple[msgspec.Raw, Rewrite]]
"""Unparsed values, each with what is made of its JSON."""
Collect = Callable[[Any, Found], None]
"""Adds the values of an item, which was read with the type beside it."""

NULL = b"null"
LIST: Any = list


class FreeFormText:
    """Rewrite pages of one resource; `node` has the declared keys of its records."""

    def __init__(self, item_type: Any, collect: Collect) -> None:
        self._list_type = LIST[item_type]
        self._collect = collect
        self._decoders: dict[tuple[str, ...], Any] = {}

    @classmethod
    def of(cls, node: RecordNode) -> FreeFormText | None:
        """Return None if the records have no such values."""
        made = _item(node)
        return None if made is None else cls(*made)

    def rewrite(self, one: RawList) -> RawList:
        """Return the page with these values rewritten; raise Misfit if it cannot be."""
        try:
            found: Any = self._decoder(one.path).decode(one.body)
            for name in one.path:
                found = found[name]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Misfit("other records than declared") from error
        first = pa.py_buffer(one.body).address
        raws: Found = []
        for item in found:
            self._collect(item, raws)
        values = [(pa.py_buffer(raw).address - first, bytes(raw), how) for raw, how in raws]
        values.sort(key=itemgetter(0))
        parts: list[bytes] = []
        end = 0
        for start, raw, rewrite in values:
            if raw != NULL:
                parts += (one.body[end:start], rewrite(raw))
                end = start + len(raw)
        parts.append(one.body[end:])
        return replace(one, body=b"".join(parts))

    def _decoder(self, path: tuple[str, ...]) -> Any:
        if path not in self._decoders:
            body_type: Any = self._list_type
            for name in reversed(path):
                body_type = _typed({name: body_type})
            self._decoders[path] = msgspec.json.Decoder(body_type)
        return self._decoders[path]


def _parsed(raw: bytes) -> Json:
    _check_depth(raw)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Misfit(str(error)) from error
    if may_be_past_64_bits(raw):
        raise Misfit("a number loses digits")
    if raw[:1] in b"{[" and may_repeat_keys(raw, value):
        raise Misfit("a key may be there twice")
    return value


def _check_depth(raw: bytes) -> None:
    if len(raw) > 2 * MAX_DEPTH and max(raw.count(b"["), raw.count(b"{")) > MAX_DEPTH // 2:
        raise Misfit("a value may be nested too deep")


def _as_text(raw: bytes) -> bytes:
    """Return the JSON of a text that is the value's JSON, as dlt writes it."""
    return orjson.dumps(json_text(_parsed(raw)))


def _as_digits(raw: bytes) -> bytes:
    """Return the JSON of a text that is the JSON of a decimal: a number, or plain text."""
    if raw[:1] in b"{[tf" or b"\\" in raw:
        raise Misfit("a value that is no decimal")
    return orjson.dumps(raw.decode())


def _without(raw: bytes) -> bytes:
    _check_depth(raw)
    return NULL


def _changed(changes: tuple[Change, ...], then: Rewrite | None, raw: bytes) -> bytes:
    """Return the JSON of what the changes make of a value, and `then` of that."""
    value = _parsed(raw)
    for change in changes:
        value = change(value)
    raw = orjson.dumps(value)
    return raw if then is None or value is None else then(raw)


def _rewrites(node: RecordNode) -> dict[str, Rewrite]:
    """Return what is made of the values of an object, by key."""
    rewrites: dict[str, Rewrite] = {}
    for key, column in node.columns.items():
        kind = MIXED if isinstance(column, MixedColumn) else column.data_type
        if kind in TEXTS:
            rewrites[key] = TEXTS[kind]
    for key, changes in node.changes.items():
        is_gone = remove in changes
        rewrites[key] = _without if is_gone else partial(_changed, changes, rewrites.get(key))
    return rewrites


def _as_json(raw: bytes) -> bytes:
    """Return the JSON of a text that is the JSON of a plain value."""
    if raw[:1] in b"{[":
        raise Misfit("a value that is not plain")
    return orjson.dumps(raw.decode())


TEXTS: Mapping[str, Rewrite] = {"json": _as_text, "decimal": _as_digits, MIXED: _as_json}
"""How values of these types of columns become text."""


def _item(node: RecordNode) -> tuple[Any, Collect] | None:
    """Return the type of an object with these values only, and what finds them in it."""
    below: list[tuple[str, Collect, bool]] = []
    rewrites = _rewrites(node)
    plain = tuple(rewrites.items())
    types: dict[str, Any] = dict.fromkeys(rewrites, msgspec.Raw)
    for nodes, is_list in ((node.objects, False), (node.lists, True)):
        for key, child in nodes.items():
            made = None if key in rewrites else _item(child)
            if made is not None:
                types[key] = (LIST[made[0]] if is_list else made[0]) | None
                below.append((key, made[1], is_list))
    if not types:
        return None

    def collect(item: dict[str, Any] | None, raws: Found) -> None:
        if item is None:
            return
        for key, rewrite in plain:
            if key in item:
                raws.append((item[key], rewrite))
        for key, inner, is_list in below:
            found = item.get(key)
            for one in found or () if is_list else (found,):
                inner(one, raws)

    return _typed(types) | None, collect


def _typed(types: dict[str, Any]) -> Any:
    return TypedDict("Item", types, total=False)  # type: ignore[operator]
