"""The translated streams put together as one connector file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from framework.importers.airbyte.errors import as_action
from framework.importers.airbyte.schemas import agreeing
from framework.importers.airbyte.shared import ABSENT, most_common, share, share_pairs
from framework.importers.airbyte.streams import Resource
from framework.importers.import_report import Remarks

Json = Any

_KEY = r'(?:"[^".]+"|[A-Za-z_]\w*)'
_HOST = re.compile(r"^((?:\w+://)?[^/]*).*$", re.DOTALL)
_READ = re.compile(rf"resources\.([a-z0-9_]+)\.({_KEY}(?:\.{_KEY})*)(\[)?")


def assemble(
    resources: Sequence[Resource], hidden: Mapping[str, str], remarks: Remarks
) -> tuple[dict[str, Json], dict[str, dict[str, Json]]]:
    """The `client`, `resource_defaults` and `resources` of a file, and the schemas by resource.

    `hidden` are the resources that only others read, with the reason.
    """
    base = _base_url(resources)
    auth = most_common(one.auth for one in resources)
    schemas: dict[str, dict[str, Json]] = {}
    entries = []
    read = _read(resources)
    retry = most_common(one.retry for one in resources if one.retry)
    for one in resources:
        entry = _entry(one, resources, base, schemas, read.get(one.name, set()), remarks)
        if one.auth != auth:
            entry["endpoint"]["auth"] = one.auth
        if one.retry and one.retry != retry:
            entry["endpoint"].setdefault("response_actions", []).append(as_action(one.retry))
        if one.name in hidden:
            entry["selected"] = False
        entries.append(entry)
    client: dict[str, Json] = {"base_url": base}
    endpoints = [entry["endpoint"] for entry in entries]
    headers = share_pairs(endpoints, "headers", fixed=True)
    if headers:
        client["headers"] = {name: str(value) for name, value in headers.items()}
    if isinstance(auth, dict):
        client["auth"] = auth
    client.update(_retry(retry))
    hosts = _hosts(entries, base)
    if hosts:
        client["allowed_hosts"] = hosts
    defaults = _defaults(entries, endpoints)
    data: dict[str, Json] = {"client": client}
    if defaults:
        data["resource_defaults"] = defaults
    data["resources"] = [_ordered(entry) for entry in entries]
    return data, schemas


def _retry(retry: Json) -> dict[str, Json]:
    if not isinstance(retry, dict) or not retry:
        return {}
    return {"retry": {"status_codes": [429, 500, 502, 503, 504], **retry}}


def _base_url(resources: Sequence[Resource]) -> str:
    bases = [one.request.base_url for one in resources if one.request.base_url]
    # a path can spell another host, but not one that an input tells
    told = [base for base in bases if "{" in _HOST.sub(r"\1", base)]
    found = most_common(told or bases)
    return str(found) if found is not ABSENT else "https://api.example.com"


def _entry(
    one: Resource,
    resources: Sequence[Resource],
    base: str,
    schemas: dict[str, dict[str, Json]],
    read: set[str],
    remarks: Remarks,
) -> dict[str, Json]:
    endpoint = {"path": _path(one, base), **json.loads(json.dumps(one.endpoint))}
    entry: dict[str, Json] = {"name": one.name, **json.loads(json.dumps(one.data))}
    if one.table:
        entry["table_name"] = one.table
    _drop_nested(one, entry, remarks)
    keys = entry.get("primary_key") or []
    entry["write_disposition"] = _disposition(one, resources, bool(keys))
    if one.schema is not None and not one.table:
        named = [keys] if isinstance(keys, str) else list(keys)
        schema, nullable = agreeing(one.schema, named, one.cursor or None, sorted(read))
        if nullable and "incremental" in endpoint:
            endpoint["incremental"]["on_cursor_value_missing"] = "include"
        schemas[one.name] = schema
        entry["schema"] = one.name
    entry["endpoint"] = endpoint
    return entry


def _drop_nested(one: Resource, entry: dict[str, Json], remarks: Remarks) -> None:
    """A key that is a list or an object in the records is no column, and so no key here."""
    keys = entry.get("primary_key") or []
    properties = (one.schema or {}).get("properties", {})
    for key in [keys] if isinstance(keys, str) else keys:
        types = properties.get(key, {}).get("type", "")
        listed = [
            kind for kind in (types if isinstance(types, list) else [types]) if kind != "null"
        ]
        if "array" in listed or listed == ["object"]:
            entry.pop("primary_key", None)
            word = "a list" if "array" in listed else "an object"
            remarks.note(one.name, f"its primary key {key} is {word}, which is none here")


def _path(one: Resource, base: str) -> str:
    path = one.request.path
    if one.request.base_url in ("", base) or "://" in path[:10]:
        return path or "/"
    return f"{one.request.base_url.rstrip('/')}/{path.lstrip('/')}".rstrip("/")


def _disposition(one: Resource, resources: Sequence[Resource], keyed: bool) -> str:
    """Lists read whole are replaced; what is read bit by bit is merged, or appended."""
    if not _bit_by_bit(one, resources):
        return "replace"
    return "merge" if keyed else "append"


def _bit_by_bit(one: Resource, resources: Sequence[Resource]) -> bool:
    if one.cursor:
        return True
    parents = [other for other in resources if other.name in one.parents and other is not one]
    return any(_bit_by_bit(parent, resources) for parent in parents)


def _read(resources: Sequence[Resource]) -> dict[str, set[str]]:
    """The dotted names of fields of each resource's records that others read; `[]` at the end
    of a list's."""
    found: dict[str, set[str]] = {}
    for one in resources:
        text = json.dumps([one.request.path, one.request.base_url, one.endpoint, one.data])
        for parent, field, item in _READ.findall(text.replace('\\"', '"')):
            found.setdefault(parent, set()).add(field.replace('"', "") + ("[]" if item else ""))
        for part in one.data.get("partitions", []):
            if "resource" in part and re.fullmatch(r"\w+(\.\w+)*", part["field"]):
                found.setdefault(part["resource"], set()).add(part["field"])
    return found


def _hosts(entries: Sequence[Mapping[str, Json]], base: str) -> list[str]:
    own = urlsplit(base).netloc
    hosts = []
    for entry in entries:
        path = str(entry["endpoint"]["path"])
        if "://" in path[:10]:
            host = urlsplit(path).netloc
            if host and "{" not in host and host != own:
                hosts.append(host)
    return list(dict.fromkeys(hosts))


def _defaults(
    entries: Sequence[dict[str, Json]], endpoints: Sequence[dict[str, Json]]
) -> dict[str, Json]:
    def never(_entry: dict[str, Json]) -> bool:
        return False

    def empty(key: str, value: Json = None) -> Any:
        def undo(entry: dict[str, Json]) -> bool:
            entry[key] = value
            return True

        return undo

    found: dict[str, Json] = {}
    for key, undo in (("primary_key", never), ("write_disposition", never)):
        value = share(entries, key, undo=undo)
        if value is not ABSENT:
            found[key] = value
    endpoint: dict[str, Json] = {}
    params = share_pairs(endpoints, "params", undo=True)
    for key, undo in (
        ("method", empty("method", "GET")),
        ("data_selector", never),
        ("paginator", never),
        ("response_format", never),
        ("response_actions", empty("response_actions")),
    ):
        value = share(endpoints, key, undo=undo)
        if value is not ABSENT:
            endpoint[key] = value
        if key == "method" and params:
            endpoint["params"] = params
    if endpoint:
        found["endpoint"] = endpoint
    return found


_ENTRY = (
    "name",
    "selected",
    "primary_key",
    "write_disposition",
    "table_name",
    "schema",
    "partitions",
    "endpoint",
    "processing_steps",
)
_ENDPOINT = (
    "path",
    "method",
    "auth",
    "headers",
    "params",
    "json",
    "data",
    "export",
    "response_format",
    "data_selector",
    "paginator",
    "incremental",
    "response_actions",
)


def _ordered(entry: Mapping[str, Json]) -> dict[str, Json]:
    fresh = {key: entry[key] for key in _ENTRY if key in entry}
    fresh["endpoint"] = {
        key: entry["endpoint"][key] for key in _ENDPOINT if key in entry["endpoint"]
    }
    return fresh
