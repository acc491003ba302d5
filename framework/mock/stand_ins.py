"""Stand-ins: values of config that a connector needs and has no default for."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from framework.definition.expressions.placeholders import texts_of
from framework.definition.model import ConfigEntry, Connector
from framework.mock.lists.record_maker import NEWEST, RecordMaker

Json = Any
FIRST_DAY = NEWEST - timedelta(days=30)
"""The date of a stand-in whose form only an expression tells."""


def stand_ins(connector: Connector, given: Collection[str] = ()) -> dict[str, Json]:
    """Return a value for each entry without a default that is required, or that requests need.

    Requests need what stands in an address, a path, a partition, or where an incremental starts.
    Entries that are `given` need no other value.
    """
    needed = [connector.client.base_url]
    read = list(texts_of(connector.client.headers))
    for resource in connector.resources:
        endpoint, incremental = resource.endpoint, resource.endpoint.incremental
        needed += [endpoint.path, *texts_of([one.argument for one in resource.partitions])]
        if incremental is not None:
            needed += texts_of(incremental.arguments.get("initial_value"))
            read += texts_of(list(incremental.arguments.values()))
        read += texts_of([endpoint.params, endpoint.json, endpoint.data, endpoint.headers])
    entries = {
        name: entry
        for name, entry in connector.config.items()
        if name not in given
        and (entry.required or (entry.default is None and _reads(needed, name)))
    }
    maker = RecordMaker(0) if entries else None  # which needs an extra
    return {
        name: _stand_in(entry, maker, needed, [*needed, *read])
        for name, entry in entries.items()
        if maker is not None
    }


def _stand_in(entry: ConfigEntry, maker: RecordMaker, needed: list[str], every: list[str]) -> Json:
    schema: Mapping[str, Json] = {**entry.schema, "minItems": entry.schema.get("minItems", 1)}
    if schema.get("examples"):
        return schema["examples"][0]
    reference = rf"config\.{re.escape(entry.name)}\b"
    for text in every:
        form = re.search(rf"parse_time\({reference}\s*,\s*'([^']+)'\)", text)
        if form is not None and not schema.get("pattern"):
            return FIRST_DAY.strftime(form[1])
    if any(re.match(rf"\{{{reference}\}}", text) for text in needed[:1]):
        schema = {**schema, "format": "uri"}
    if schema.get("type") == "array" or "array" in schema.get("type", ()):
        schema = {"items": {"type": "string"}, **schema}
    return maker.value(schema, entry.name, 0)


def _reads(texts: list[str], name: str) -> bool:
    return any(re.search(rf"\bconfig\.{re.escape(name)}\b", text) for text in texts)
