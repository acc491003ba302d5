"""Write guessed resources as one connector file; what most of them share becomes a default."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework.authoring.scaffold.yaml_writer import Pointer, yaml_text
from framework.importers.api_guesses.declared_values import DeclaredValues
from framework.importers.api_guesses.resource_entry import CHECK, ResourceEntry
from framework.importers.import_report import (
    FIRST_LINE,
    ImportedConnector,
    Remark,
    Remarks,
    report_errors,
    wrap_comment,
)

Json = Any

_MOST = 0.5
"""What at least this part of the resources has in common is written once."""


@dataclass(frozen=True)
class ConnectorHead:
    """What a connector file has before its resources."""

    name: str
    description: str
    client: Mapping[str, Json]


def assembled_connector(
    head: ConnectorHead,
    values: DeclaredValues,
    entries: Sequence[ResourceEntry],
    schemas: Mapping[str, Mapping[str, Json]],
    remarks: Remarks,
) -> ImportedConnector:
    """Return the connector file of these resources, with a comment for each guess.

    What is to be checked is also a remark; so is whatever `validate` does not accept.
    """
    defaults, reasons = _defaults(entries)
    for one in entries:
        if "endpoint" not in defaults:  # which would apply in place of what the query tells
            one.drop_implied()
    data = {
        "version": 1,
        "name": head.name,
        "description": head.description,
        **({"config": values.config} if values.config else {}),
        **({"secrets": values.secrets} if values.secrets else {}),
        "client": dict(head.client),
        "resource_defaults": defaults,
        "resources": [one.data for one in entries],
    }
    comments = {**reasons, **_comments(entries, remarks)}
    report_errors(data, head.name, remarks, checked=("graphql-connection",))
    for entry in entries:
        remarks.resource = entry.data["name"]
        for check in entry.checks:
            remarks.note(entry.origin, f"{CHECK}{check}")
    names = tuple(one.data["name"] for one in entries)
    text = yaml_text(data, comments)
    return ImportedConnector(head.name, text, schemas, tuple(remarks.entries), names)


def _defaults(entries: Sequence[ResourceEntry]) -> tuple[dict[str, Json], dict[Pointer, list[str]]]:
    """Move what most resources share to the defaults, and return these with their comments."""
    defaults: dict[str, Json] = {}
    reasons: dict[Pointer, list[str]] = {}
    keys = {repr(one.data.get("primary_key")) for one in entries}
    if len(keys) == 1 and entries[0].data.get("primary_key") and len(entries) > 1:
        defaults["primary_key"] = entries[0].data["primary_key"]
        for one in entries:
            del one.data["primary_key"]
            one.comments.pop(("primary_key",), None)
    defaults["write_disposition"] = "replace"
    shared: dict[str, Json] = {}
    for key in ("data_selector", "paginator"):
        place = ("endpoint", key)
        if any(_needs_own(one, key) for one in entries):
            continue
        sure = [
            one
            for one in entries
            if key in one.data["endpoint"]
            and not any(line.startswith(CHECK) for line in one.comments.get(place, []))
        ]
        counts = Counter(repr(one.data["endpoint"].get(key)) for one in sure)
        most = counts.most_common(1)
        if not most or most[0][1] < 2 or most[0][1] < _MOST * len(entries):
            continue
        first = next(one for one in sure if repr(one.data["endpoint"][key]) == most[0][0])
        shared[key] = first.data["endpoint"][key]
        if key == "paginator":
            reasons["resource_defaults", "endpoint", key] = list(first.comments.get(place, []))
        for one in sure:
            if repr(one.data["endpoint"][key]) == most[0][0]:
                del one.data["endpoint"][key]
                one.comments.pop(place, None)
    if shared:
        defaults["endpoint"] = shared
    return defaults, reasons


def _needs_own(entry: ResourceEntry, key: str) -> bool:
    """Return whether a default would apply in place of what a GraphQL query tells, or lacks."""
    endpoint = entry.data["endpoint"]
    return key not in endpoint and ("graphql" in endpoint or key == "paginator")


def _comments(entries: Sequence[ResourceEntry], remarks: Remarks) -> dict[Pointer, list[str]]:
    lines: dict[Pointer, list[str]] = {(): [FIRST_LINE]}
    for remark in remarks.entries:
        lines[()] += wrap_comment(_line(remark))
    for position, entry in enumerate(entries):
        for place, texts in entry.comments.items():
            written = [line for text in texts for line in wrap_comment(text)]
            if written:
                lines.setdefault(("resources", position, *place), []).extend(written)
    return lines


def _line(remark: Remark) -> str:
    return f"{remark.reason} ({remark.place})"
