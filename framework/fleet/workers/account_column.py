"""One dataset for several accounts: the column `_account` in each table, and in each key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from framework.definition.model import Connector, Resource, Step

ACCOUNT = "_account"
"""The column with the account's alias."""

KEYS = ("primary_key", "merge_key")


def with_account_column(connector: Connector, alias: str) -> Connector:
    """Return the connector with the account's alias in each record, and in each key.

    Child tables have no column of their own: their rows belong to a row of their parent.
    """
    resources = tuple(_with_column(resource, alias) for resource in connector.resources)
    return replace(connector, resources=resources)


def _with_column(resource: Resource, alias: str) -> Resource:
    hints: dict[str, Any] = dict(resource.hints)
    for name in KEYS:
        key = hints.get(name)
        if key:
            hints[name] = [ACCOUNT, *((key,) if isinstance(key, str) else key)]
    return replace(
        resource,
        hints=hints,
        columns={ACCOUNT: {"data_type": "text"}, **resource.columns},
        schema=None if resource.schema is None else _declared(resource.schema),
        steps=(*resource.steps, Step("set", argument={ACCOUNT: alias})),
    )


def _declared(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of records that have the column."""
    properties = {ACCOUNT: {"type": "string"}, **schema.get("properties", {})}
    return {**schema, "properties": properties}
