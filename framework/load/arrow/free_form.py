"""Rewrite values of unparsed pages for which Arrow's JSON reader has no type as text.

Only these values become Python objects. The text of a free-form value is the one that dlt writes
into a JSON column, that of a decimal is its JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypedDict

import msgspec
import orjson
import pyarrow as pa

from framework.definition.schema.record_schema import RecordNode
from framework.definition.values.json_text import MAX_DEPTH, may_repeat_keys
from framework.extract.page import RawList
from framework.load.arrow.tables import Misfit, json_text

Json = Any
Found = list[tuple[msgspec.Raw, bool]]
"""Unparsed values, each with whether it is a decimal."""
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
        """Return the page with these values as text; raise Misfit if it cannot be."""
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
        values = [(pa.py_buffer(raw).address - first, bytes(raw), kind) for raw, kind in raws]
        parts: list[bytes] = []
        end = 0
        for start, raw, is_decimal in sorted(values):
            if raw != NULL:
                parts += (one.body[end:start], (_as_digits if is_decimal else _as_text)(raw))
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


def _as_text(raw: bytes) -> bytes:
    """Return the JSON of a text that is the value's JSON, as dlt writes it."""
    if len(raw) > 2 * MAX_DEPTH and max(raw.count(b"["), raw.count(b"{")) > MAX_DEPTH // 2:
        raise Misfit("a value may be nested too deep")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Misfit(str(error)) from error
    if may_repeat_keys(raw, value):
        raise Misfit("a key may be there twice")
    return orjson.dumps(json_text(value))


def _as_digits(raw: bytes) -> bytes:
    """Return the JSON of a text that is the JSON of a decimal: a number, or plain text."""
    if raw[:1] in b"{[tf" or b"\\" in raw:
        raise Misfit("a value that is no decimal")
    return orjson.dumps(raw.decode())


def _item(node: RecordNode) -> tuple[Any, Collect] | None:
    """Return the type of an object with these values only, and what finds them in it."""
    below: list[tuple[str, Collect, bool]] = []
    kinds = {key: column.data_type for key, column in node.columns.items()}
    plain = [(key, kind == "decimal") for key, kind in kinds.items() if kind in ("json", "decimal")]
    types: dict[str, Any] = {key: msgspec.Raw for key, _ in plain}
    for nodes, is_list in ((node.objects, False), (node.lists, True)):
        for key, child in nodes.items():
            made = _item(child)
            if made is not None:
                types[key] = (LIST[made[0]] if is_list else made[0]) | None
                below.append((key, made[1], is_list))
    if not types:
        return None

    def collect(item: dict[str, Any] | None, raws: Found) -> None:
        if item is None:
            return
        for key, is_decimal in plain:
            if key in item:
                raws.append((item[key], is_decimal))
        for key, inner, is_list in below:
            found = item.get(key)
            for one in found or () if is_list else (found,):
                inner(one, raws)

    return _typed(types) | None, collect


def _typed(types: dict[str, Any]) -> Any:
    return TypedDict("Item", types, total=False)  # type: ignore[operator]
