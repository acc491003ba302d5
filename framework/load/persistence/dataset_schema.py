"""dlt's schema of a dataset, which all pipelines of a connector into this dataset share.

Accounts and windows have a pipeline each. dlt gives a new pipeline an empty schema, although the
tables are there: values of another type would be cast to the type of the column.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dlt.common.destination.client import StorageSchemaInfo, WithStateSync
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.schema import Schema


def stored_version(pipeline: Any, connector: str) -> str:
    """Return the hash of the connector's newest schema in the dataset, "" if there is none."""
    stored = _stored(pipeline, connector)
    return "" if stored is None else str(stored.version_hash)


def adopt_schema(pipeline: Any, connector: str) -> None:
    """Have a pipeline without a schema continue the connector's schema in the dataset, if any."""
    if pipeline.default_schema_name:
        return
    stored = _stored(pipeline, connector)
    if stored is None:
        return
    pipeline.schemas.save_schema(Schema.from_stored_schema(json.loads(stored.schema)))
    pipeline.default_schema_name = connector
    with pipeline.managed_state():
        pass  # stores the name


def differing_column(
    tables: Iterable[tuple[str, Mapping[str, Any]]], schema: Schema
) -> tuple[str, str] | None:
    """Return table and name of the first column whose type is another one in the schema, or None.

    `tables` are table names with dlt's columns by name.
    """
    known: Mapping[str, Any] = schema.tables
    for table, columns in tables:
        loaded = known.get(table, {}).get("columns", {})
        for name, column in columns.items():
            types = column.get("data_type"), loaded.get(name, {}).get("data_type")
            if None not in types and types[0] != types[1]:
                return table, name
    return None


def _stored(pipeline: Any, connector: str) -> StorageSchemaInfo | None:
    with pipeline.destination_client() as client:
        if not isinstance(client, WithStateSync):
            return None
        try:
            return client.get_stored_schema(connector)
        except DestinationUndefinedEntity:  # nothing was ever loaded there
            return None
