"""Decoders as `response_format`."""

from __future__ import annotations

from typing import Any

from framework.importers.airbyte.components.registry import component, handler_of
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.manifest import Component

Json = Any
Format = dict[str, Json]

_INNER = ("parser", "inner_parser", "decoder")


def translate_decoder(context: ImportContext, decoder: Component | None) -> Json:
    """Return the `response_format`; None for plain JSON."""
    if decoder is None or decoder.type == "":
        return None
    response_format = _decoded(context, decoder)
    if list(response_format) == ["type"]:
        return None if response_format["type"] == "json" else response_format["type"]
    return response_format


def null_texts(decoder: Component | None) -> list[str]:
    """Return the texts that mean null in a CSV."""
    while decoder is not None and decoder.type not in ("CsvDecoder", "CsvParser"):
        decoder = next((part for key in _INNER if (part := decoder.part(key))), None)
    return [] if decoder is None else decoder.names("set_values_to_none")


def items_path(decoder: Component | None) -> str | None:
    """Return where a decoder itself looks for the records."""
    if decoder is None or decoder.type != "JsonItemsDecoder":
        return None
    return str(decoder.get("items_path", "")).removesuffix(".item") or None


def _decoded(context: ImportContext, decoder: Component | None) -> Format:
    handler = handler_of(context, "decoder", decoder) if decoder is not None else None
    return handler(context, decoder) if handler else {"type": "json"}


def _with_encoding(decoder: Component, kind: str, **more: Json) -> Format:
    encoding = str(decoder.get("encoding", "utf-8"))
    if encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
        more["encoding"] = encoding
    return {"type": kind, **more}


@component("decoder", "JsonDecoder", "JsonItemsDecoder", "JsonParser")
def _json(_context: ImportContext, decoder: Component) -> Format:
    return _with_encoding(decoder, "json")


@component("decoder", "JsonlDecoder", "JsonLineParser")
def _json_lines(_context: ImportContext, decoder: Component) -> Format:
    return _with_encoding(decoder, "jsonl")


@component("decoder", "XmlDecoder")
def _xml(_context: ImportContext, decoder: Component) -> Format:
    return _with_encoding(decoder, "xml")


@component("decoder", "CsvDecoder", "CsvParser")
def _csv(_context: ImportContext, decoder: Component) -> Format:
    delimiter = str(decoder.get("delimiter", ",")).replace("\\t", "\t")
    return _with_encoding(decoder, "csv", **({} if delimiter == "," else {"delimiter": delimiter}))


@component("decoder", "IterableDecoder")
def _lines(_context: ImportContext, _decoder: Component) -> Format:
    return {"type": "text", "record": "line"}


@component("decoder", "CompositeRawDecoder")
def _composite(context: ImportContext, decoder: Component) -> Format:
    return _decoded(context, decoder.part("parser", "JsonParser"))


@component("decoder", "GzipParser", "GzipJsonDecoder")
def _gzip_parser(context: ImportContext, decoder: Component) -> Format:
    return {**_decoded(context, decoder.part("inner_parser", "JsonParser")), "compression": "gzip"}


@component("decoder", "GzipDecoder", "ZipfileDecoder")
def _archive(context: ImportContext, decoder: Component) -> Format:
    compression = "gzip" if decoder.type == "GzipDecoder" else "zip"
    return {**_decoded(context, decoder.part("decoder", "JsonDecoder")), "compression": compression}
