"""Decoders as `response_format`."""

from __future__ import annotations

from typing import Any

from framework.importers.airbyte.importing import Importing
from framework.importers.airbyte.manifest import Component

Json = Any

_PLAIN = {
    "JsonDecoder": "json",
    "JsonlDecoder": "jsonl",
    "XmlDecoder": "xml",
    "CsvDecoder": "csv",
    "JsonItemsDecoder": "json",
    "JsonParser": "json",
    "JsonLineParser": "jsonl",
    "CsvParser": "csv",
}
_PACKED = {"GzipDecoder": "gzip", "ZipfileDecoder": "zip"}


def translate_decoder(importing: Importing, component: Component | None) -> Json:
    """The `response_format`; None for JSON as it is."""
    if component is None or component.type in ("", "JsonDecoder"):
        return None
    found = _decoded(importing, component)
    if list(found) == ["type"]:
        return None if found["type"] == "json" else found["type"]
    return found


def nothings(component: Component | None) -> list[str]:
    """The texts that mean nothing in a CSV."""
    while component is not None and component.type not in ("CsvDecoder", "CsvParser"):
        inner = ("parser", "inner_parser", "decoder")
        component = next((part for key in inner if (part := component.part(key))), None)
    return (
        [] if component is None else [str(one) for one in component.get("set_values_to_none", [])]
    )


def items_path(component: Component | None) -> str | None:
    """Where a decoder itself looks for the records."""
    if component is None or component.type != "JsonItemsDecoder":
        return None
    return str(component.get("items_path", "")).removesuffix(".item") or None


def _decoded(importing: Importing, component: Component) -> dict[str, Json]:
    if component.type == "CompositeRawDecoder":
        parser = component.part("parser", "JsonParser")
        return _decoded(importing, parser) if parser is not None else {"type": "json"}
    if component.type in ("GzipParser", "GzipJsonDecoder"):
        inner = component.part("inner_parser", "JsonParser")
        found = _decoded(importing, inner) if inner is not None else {"type": "json"}
        return {**found, "compression": "gzip"}
    if component.type in _PACKED:
        inner = component.part("decoder", "JsonDecoder")
        found = _decoded(importing, inner) if inner is not None else {"type": "json"}
        return {**found, "compression": _PACKED[component.type]}
    if component.type in ("IterableDecoder",):
        return {"type": "text", "record": "line"}
    kind = _PLAIN.get(component.type)
    if kind is None:
        what = "a Python class of its own" if component.custom else f"a {component.type or '?'}"
        importing.remarks.missing(component.place, f"the answer is decoded by {what}")
        return {"type": "json"}
    more: dict[str, Json] = {}
    if kind == "csv":
        delimiter = str(component.get("delimiter", ",")).replace("\\t", "\t")
        if delimiter != ",":
            more["delimiter"] = delimiter
    encoding = str(component.get("encoding", "utf-8"))
    if encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
        more["encoding"] = encoding
    return {"type": kind, **more}
