"""Put the translated streams together as one connector file."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework.definition.expressions.literal_braces import literal_form
from framework.importers.airbyte.components.error_handlers import TRANSIENT, retry_action
from framework.importers.airbyte.components.partition_routers import parent_fields
from framework.importers.airbyte.components.schema_loaders import with_declared
from framework.importers.airbyte.streams import StreamResource
from framework.importers.graphql_request import with_graphql_block
from framework.importers.import_report import Remarks

Json = Any
Entry = dict[str, Json]

NO_BASE_URL = "https://api.example.com"
_ABSENT = object()
_KEY = r'(?:"[^".]+"|[A-Za-z_]\w*)'
_HOST = re.compile(r"^((?:\w+://)?[^/]*).*$", re.DOTALL)
_PARENT_FIELD = re.compile(rf"resources\.([a-z0-9_]+)\.({_KEY}(?:\.{_KEY})*)(\[)?")
_VARYING = re.compile(r"\{[^}]*\b(?:partition|resources|incremental|paginator|parent|response)\b")
_UNENCRYPTED = re.compile(r"http://(?!localhost|127\.)")

_RESOURCE_KEYS = (
    "name", "selected", "primary_key", "write_disposition", "table_name", "schema", "partitions",
    "endpoint", "processing_steps",
)  # fmt: skip
_ENDPOINT_KEYS = (
    "path", "method", "auth", "headers", "params", "graphql", "json", "data", "export",
    "response_format", "data_selector", "paginator", "incremental", "response_actions",
)  # fmt: skip


def assemble(
    resources: Sequence[StreamResource], hidden: Collection[str], remarks: Remarks
) -> tuple[Entry, dict[str, Entry]]:
    """Return `client`, `resource_defaults` and `resources` of a file, and schemas by resource.

    `hidden` are the resources that only others read.
    """
    base = _base_url(resources)
    auth = _most_common(one.auth for one in resources)
    retry = _most_common(one.retry for one in resources if one.retry)
    builder = _EntryBuilder(resources, base, _fields_of_parents(resources), remarks, {}, hidden)
    entries = []
    for one in resources:
        entry = builder.entry(one)
        if one.auth != auth:
            entry["endpoint"]["auth"] = one.auth
        if one.retry and one.retry != retry:
            entry["endpoint"].setdefault("response_actions", []).append(retry_action(one.retry))
        if one.name in hidden:
            entry["selected"] = False
        entries.append(entry)
    endpoints = [entry["endpoint"] for entry in entries]
    client: Entry = {"base_url": base}
    headers = _share_pairs(endpoints, "headers", invariant=True)
    if headers:
        client["headers"] = {name: literal_form(str(value)) for name, value in headers.items()}
    if isinstance(auth, dict):
        client["auth"] = auth
    if retry is not _ABSENT:
        client["retry"] = {"status_codes": list(TRANSIENT), **retry}
    hosts = _foreign_hosts(entries, base)
    if hosts:
        client["allowed_hosts"] = hosts
    defaults = _defaults(entries, endpoints)
    body = {
        "client": client,
        **({"resource_defaults": defaults} if defaults else {}),
        "resources": [_ordered(entry) for entry in entries],
    }
    return body, builder.schemas


def require_https(body: Entry, remarks: Remarks) -> None:
    """Replace plain http, which the framework refuses if there are secrets."""
    owners = [(body["client"], "base_url", "url_base")]
    owners += [(one["endpoint"], "path", one["name"]) for one in body["resources"]]
    for owner, key, place in owners:
        url = owner[key]
        if _UNENCRYPTED.match(url):
            owner[key] = "https://" + url.removeprefix("http://")
            remarks.note(place, f"found {url}: https is requested here")


def _base_url(resources: Sequence[StreamResource]) -> str:
    bases = [one.request.base_url for one in resources if one.request.base_url]
    # a path can spell another host, but not one that an input holds
    computed = [base for base in bases if "{" in _HOST.sub(r"\1", base)]
    base = _most_common(computed or bases)
    return NO_BASE_URL if base is _ABSENT else str(base)


# -- one resource


@dataclass
class _EntryBuilder:
    """The entries of resources, and their schemas so far."""

    resources: Sequence[StreamResource]
    base: str
    fields: Mapping[str, set[str]]
    remarks: Remarks
    schemas: dict[str, Entry]
    hidden: Collection[str]

    def entry(self, one: StreamResource) -> Entry:
        """Return the entry of a resource before what all have in common is taken out."""
        endpoint = with_graphql_block(
            {"path": _path(one, self.base), **copy.deepcopy(one.endpoint)}
        )
        entry: Entry = {"name": one.name, **copy.deepcopy(one.data)}
        if one.table:
            entry["table_name"] = one.table
        keys = self._keys(one, entry)
        entry["write_disposition"] = "replace"
        if self._is_incremental(one):
            entry["write_disposition"] = "merge" if keys else "append"
        if one.schema is not None and not one.table:
            fields = sorted(self.fields.get(one.name, ()))
            schema, nullable = with_declared(one.schema, keys, one.cursor or None, fields)
            if nullable and "incremental" in endpoint:
                endpoint["incremental"]["on_cursor_value_missing"] = "include"
            self.schemas[one.name] = schema
            entry["schema"] = one.name
        entry["endpoint"] = endpoint
        return entry

    def _keys(self, one: StreamResource, entry: Entry) -> list[str]:
        """Return the primary key; one that is a list or an object is not a column, and removed."""
        keys = entry.get("primary_key") or []
        keys = [keys] if isinstance(keys, str) else keys
        properties = (one.schema or {}).get("properties", {})
        for key in keys:
            types = properties.get(key, {}).get("type", "")
            types = [
                kind for kind in (types if isinstance(types, list) else [types]) if kind != "null"
            ]
            if "array" in types or types == ["object"]:
                entry.pop("primary_key", None)
                kind = "a list" if "array" in types else "an object"
                self.remarks.note(one.name, f"its primary key {key} is {kind}, not a column")
        return keys if "primary_key" in entry else []

    def _is_incremental(self, one: StreamResource) -> bool:
        """Return whether a resource or an ancestor reads only what is new.

        A hidden one moves no watermark.
        """
        parents = [other for other in self.resources if other.name in one.parents]
        own = bool(one.cursor) and one.name not in self.hidden
        return own or any(self._is_incremental(parent) for parent in parents if parent is not one)


def _path(one: StreamResource, base: str) -> str:
    path = one.request.path
    if one.request.base_url in ("", base) or "://" in path[:10]:
        return path or "/"
    return f"{one.request.base_url.rstrip('/')}/{path.lstrip('/')}".rstrip("/")


def _fields_of_parents(resources: Sequence[StreamResource]) -> dict[str, set[str]]:
    """Return the dotted names of fields that children read, by parent; `[]` ends a list's."""
    fields: dict[str, set[str]] = {}
    for one in resources:
        text = json.dumps([one.request.path, one.request.base_url, one.endpoint, one.data])
        for parent, name, item in _PARENT_FIELD.findall(text.replace('\\"', '"')):
            fields.setdefault(parent, set()).add(name.replace('"', "") + ("[]" if item else ""))
        for part in parent_fields(one.data.get("partitions", [])):
            if re.fullmatch(r"\w+(\.\w+)*", part["field"]):
                fields.setdefault(part["resource"], set()).add(part["field"])
    return fields


def _foreign_hosts(entries: Sequence[Entry], base: str) -> list[str]:
    """Return the hosts of whole URLs that are not the base URL's."""
    own = _HOST.sub(r"\1", base).rpartition("//")[2]
    hosts = []
    for entry in entries:
        path = str(entry["endpoint"]["path"])
        host = _HOST.sub(r"\1", path).rpartition("//")[2] if "://" in path[:10] else ""
        if host and "{" not in host and host != own:
            hosts.append(host)
    return list(dict.fromkeys(hosts))


def _ordered(entry: Mapping[str, Json]) -> Entry:
    ordered = {key: entry[key] for key in _RESOURCE_KEYS if key in entry}
    endpoint = entry["endpoint"]
    return {
        **ordered,
        "endpoint": {key: endpoint[key] for key in _ENDPOINT_KEYS if key in endpoint},
    }


# -- what resources have in common


def _defaults(entries: Sequence[Entry], endpoints: Sequence[Entry]) -> Entry:
    defaults: Entry = {}
    for key in ("primary_key", "write_disposition"):
        _share(entries, key, defaults)
    endpoint: Entry = {}
    params = _share_pairs(endpoints, "params", undo=True)
    _share(endpoints, "method", endpoint, "GET")
    if params:
        endpoint["params"] = params
    for key in ("data_selector", "paginator", "response_format"):
        _share(endpoints, key, endpoint)
    _share(endpoints, "response_actions", endpoint, None)
    return {**defaults, **({"endpoint": endpoint} if endpoint else {})}


def _most_common(values: Iterable[Json]) -> Json:
    """Return the value that most have, the first of several; _ABSENT if there is none."""
    counts: Counter[str] = Counter()
    by_text: dict[str, Json] = {}
    for value in values:
        text = json.dumps(value, sort_keys=True, default=str)
        counts[text] += 1
        by_text.setdefault(text, value)
    return by_text[counts.most_common(1)[0][0]] if counts else _ABSENT


def _share(entries: Sequence[Entry], key: str, defaults: Entry, without: Json = _ABSENT) -> None:
    """Move a key's commonest value from the entries to the defaults, if two or more have it.

    Entries without the key get `without`; if there is no such value, nothing is shared.
    """
    values = [entry[key] for entry in entries if key in entry]
    lacking = [entry for entry in entries if key not in entry]
    value = _most_common(values)
    count = values.count(value)
    if count < 2 or count <= len(lacking) or (lacking and without is _ABSENT):
        return
    defaults[key] = value
    for entry in lacking:
        entry[key] = without
    for entry in entries:
        if entry[key] == value:
            del entry[key]


def _share_pairs(
    entries: Sequence[Entry], key: str, *, undo: bool = False, invariant: bool = False
) -> Entry:
    """Take out the pairs of a mapping that every entry has.

    With `undo` those of most entries: the others remove them with a null. With `invariant` only
    what is the same in all of a run: config, secrets and now.
    """
    mappings = [entry.get(key) or {} for entry in entries]
    if len(entries) < 2 or not all(isinstance(one, dict) for one in mappings):
        return {}
    least = len(entries) / 2 + 1 if undo else len(entries)
    common: Entry = {}
    for name in dict.fromkeys(name for one in mappings for name in one):
        value = _most_common(one[name] for one in mappings if name in one)
        count = sum(1 for one in mappings if one.get(name, _ABSENT) == value)
        if count < least or isinstance(value, dict) or (invariant and _VARYING.search(str(value))):
            continue
        common[name] = value
    for entry, one in zip(entries, mappings, strict=True):
        own = {name: value for name, value in one.items() if common.get(name, _ABSENT) != value}
        lacking = {name: None for name in common if name not in one}
        entry.pop(key, None)
        if own or lacking:
            entry[key] = {**own, **lacking}
    return common
