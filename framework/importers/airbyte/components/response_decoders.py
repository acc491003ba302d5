"""Decoders as `response_format`."""

from __future__ import annotations

from typing import Any

from framework.importers.airbyte.components.component_registry import component, translate
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.manifest import Component

Json = Any
Format = dict[str, Json]

_JSON: Format = {"type": "json"}
_TYPES = {
    "JsonDecoder": "json",
    "JsonItemsDecoder": "json",
    "JsonParser": "json",
    "JsonlDecoder": "jsonl",
    "JsonLineParser": "jsonl",
    "XmlDecoder": "xml",
    "CsvDecoder": "csv",
    "CsvParser": "csv",
}
_INNER: dict[str, tuple[str, str, Format]] = {
    "CompositeRawDecoder": ("parser", "JsonParser", {}),
    "GzipParser": ("inner_parser", "JsonParser", {"compression": "gzip"}),
    "GzipJsonDecoder": ("inner_parser", "JsonParser", {"compression": "gzip"}),
    "GzipDecoder": ("decoder", "JsonDecoder", {"compression": "gzip"}),
    "ZipfileDecoder": ("decoder", "JsonDecoder", {"compression": "zip"}),
}
"""Decoders around another: its field, its implied type, and what they add."""


def translate_decoder(context: ImportContext, decoder: Component | None) -> Json:
    """Return the `response_format`; None for plain JSON."""
    known = decoder if decoder is not None and decoder.type else None
    response_format = translate(context, "decoder", known, _JSON)
    if list(response_format) != ["type"]:
        return response_format
    return None if response_format["type"] == "json" else response_format["type"]


def null_texts(decoder: Component | None) -> list[str]:
    """Return the texts that mean null in a CSV."""
    while decoder is not None and _TYPES.get(decoder.type) != "csv":
        field, implied, _ = _INNER.get(decoder.type, ("", "", {}))
        decoder = decoder.part(field, implied)
    return [] if decoder is None else decoder.names("set_values_to_none")


def items_path(decoder: Component | None) -> str | None:
    """Return where a decoder itself looks for the records, or how it names their fields."""
    if decoder is not None and decoder.type == "IterableDecoder":
        return "[].{record: text}"
    if decoder is None or decoder.type != "JsonItemsDecoder":
        return None
    return str(decoder.get("items_path", "")).removesuffix(".item") or None


@component("decoder", *_TYPES)
def _plain(_context: ImportContext, decoder: Component) -> Format:
    response_format: Format = {"type": _TYPES[decoder.type]}
    delimiter = str(decoder.get("delimiter", ",")).replace("\\t", "\t")
    if response_format["type"] == "csv" and delimiter != ",":
        response_format["delimiter"] = delimiter
    encoding = str(decoder.get("encoding", "utf-8"))
    if encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
        response_format["encoding"] = encoding
    return response_format


@component("decoder", *_INNER)
def _around_another(context: ImportContext, decoder: Component) -> Format:
    field, implied, more = _INNER[decoder.type]
    inner = translate(context, "decoder", decoder.part(field, implied), _JSON)
    return {**inner, **more}


@component("decoder", "IterableDecoder")
def _lines(_context: ImportContext, _decoder: Component) -> Format:
    return {"type": "text", "record": "line"}
