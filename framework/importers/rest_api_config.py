"""Convert a dlt `RESTAPIConfig` into a connector file.

The connector schema says what a value at a place is, and so what dlt does with it: a selector, a
text that dlt formats, or a value that it sends unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.authoring.scaffold.yaml_writer import yaml_text
from framework.definition.rules.auth_rules import NEEDED
from framework.definition.rules.secret_rules import is_secret_name
from framework.definition.schema.annotations import AnnotatedValue, annotated_values
from framework.definition.values.naming import normalize_path
from framework.importers.dlt_text import DltText, is_python, python_name, python_values
from framework.importers.import_report import (
    ImportedConnector,
    ManifestError,
    Remarks,
    comments,
    report_errors,
)
from framework.importers.source_files import free_name, read_data

Json = Any
KeyPath = tuple[str | int, ...]

_TOP_KEYS = ("client", "resource_defaults", "resources")
_SECRET_KEYS = ("token", "api_key", "password", "client_secret", "access_token", "refresh_token")
_REQUEST = ("params", "json", "data", "headers")
_OBJECTS = ("auth", "paginator", "session", "columns", "incremental")
"""Sections that are objects if Python makes them."""
_LISTS_OF_FUNCTIONS = ("processing_steps", "response_actions")
_FUNCTIONS = ("convert", "transform", "last_value_func")
"""Keys of an incremental whose value is a function if Python makes it."""
_NAME = re.compile(r"(?!.*__)[a-z][a-z0-9_]{0,62}", re.ASCII)
_DROPPED: Json = object()
"""Stands for a value that cannot be said in a connector file."""


def import_restapi(path: Path, name: str | None = None) -> ImportedConnector:
    """Return the connector of a file. Raise ManifestError if it is not a `RESTAPIConfig`."""
    config = read_data(path)
    if not isinstance(config, dict) or not {"client", "resources"} <= set(config):
        raise ManifestError(
            f"{path}: expected a dlt RESTAPIConfig, a mapping with `client` and `resources`"
        )
    for key, kind, noun in (("client", dict, "mapping"), ("resources", list, "list")):
        if not isinstance(config[key], kind):
            raise ManifestError(f"{path}: {key} is not a {noun}, as in a dlt RESTAPIConfig")
    connector = name or free_name((path.stem,), set(), "connector")
    try:
        return _imported(config, path, connector)
    except RecursionError:
        raise ManifestError(f"{path}: is nested too deeply") from None


def _imported(config: Mapping[str, Json], path: Path, connector: str) -> ImportedConnector:
    converter = _Converter(Remarks())
    body = converter.body(config)
    data = {
        "version": 1,
        "name": connector,
        "description": f"Imported from the RESTAPIConfig of {path.name}.",
        **({"config": converter.config} if converter.config else {}),
        **({"secrets": converter.secrets} if converter.secrets else {}),
        **body,
    }
    resources = [one if isinstance(one, dict) else {"name": one} for one in body["resources"]]
    report_errors(data, connector, converter.remarks)
    remarks = tuple(converter.remarks.entries)
    return ImportedConnector(
        connector,
        yaml_text(data, comments({"resources": resources}, remarks)),
        {},
        remarks,
        tuple(str(resource["name"]) for resource in resources),
    )


@dataclass
class _Converter:
    """Converts one file and collects what the connector must declare."""

    remarks: Remarks
    config: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, Json] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    _config_names: dict[str, str] = field(default_factory=dict)
    _secret_names: dict[str, str] = field(default_factory=dict)
    _kinds: dict[KeyPath, AnnotatedValue] = field(default_factory=dict)

    def body(self, config: Mapping[str, Json]) -> dict[str, Json]:
        """Return `client`, `resource_defaults` and `resources`."""
        self._name_resources(config["resources"])
        made = {"client": self._part(config["client"], ("client",), ("client",))}
        defaults = config.get("resource_defaults")
        if defaults is not None:
            place = ("resource_defaults",)
            made["resource_defaults"] = self._part(defaults, place, place)
        resources = (self._resource(one, index) for index, one in enumerate(config["resources"]))
        made["resources"] = [one for one in resources if one is not _DROPPED]
        for key in config:
            if key not in _TOP_KEYS:
                self.remarks.missing(str(key), "a key that dlt does not have either")
        return {key: value for key, value in made.items() if value is not _DROPPED}

    def _name_resources(self, resources: list[Json]) -> None:
        """Give every resource a valid name of its own; valid names stay."""
        written = [one.get("name") if isinstance(one, dict) else one for one in resources]
        texts = list(dict.fromkeys(one for one in written if isinstance(one, str)))
        self.names = {one: one for one in texts if _NAME.fullmatch(one)}
        for one in texts:
            if one not in self.names and not (one in resources and is_python(one)):
                used = set(self.names.values())
                self.names[one] = free_name((python_name(one),), used, "resource")

    def _resource(self, resource: Json, index: int) -> Json:
        path: KeyPath = ("resources", index)
        original = resource.get("name") if isinstance(resource, dict) else resource
        if not isinstance(original, str) or original not in self.names:
            self.remarks.missing(_dotted(path), _unnamed(resource))
            return _DROPPED
        name = self.names[original]
        outer, self.remarks.resource = self.remarks.resource, name
        if name != original:
            self.remarks.note(_dotted(path), f"the resource {original} is named {name} here")
        if isinstance(resource, str):
            converted: Json = name if name == original else {"name": name}
        else:
            converted = {"name": name, **self._part(resource, path, ("resources", 0))}
            converted["name"] = name
            if isinstance(converted.get("endpoint"), dict):
                converted["endpoint"] = _with_start_value(converted["endpoint"])
        if name != original:
            self._keep_defaults(converted, original, path)
        self.remarks.resource = outer
        return converted

    def _keep_defaults(self, resource: dict[str, Json], original: str, path: KeyPath) -> None:
        """Write the path and the table that dlt derives from a name that changed."""
        endpoint = resource.setdefault("endpoint", {})
        if isinstance(endpoint, dict) and "path" not in endpoint:
            written = self._text(original, (*path, "endpoint", "path"))
            resource["endpoint"] = {"path": written, **endpoint}
        if python_values(original) or resource.get("table_name") is not None:
            return
        if not original.strip() or normalize_path(original) != resource["name"]:
            resource["table_name"] = DltText.literal(original)

    def _part(self, node: Json, path: KeyPath, place: KeyPath) -> Json:
        """Return a section with every value converted as the schema describes its place."""
        values = annotated_values(node, place, path)
        self._kinds = {one.pointer: one for one in values if not one.key}
        return self._value(node, path)

    def _value(self, value: Json, path: KeyPath) -> Json:
        key, section = str(path[-1]), _section(path)
        if isinstance(value, dict):
            return self._mapping(value, path)
        if isinstance(value, list):
            items = (self._value(item, (*path, index)) for index, item in enumerate(value))
            return [item for item in items if item is not _DROPPED]
        if not isinstance(value, str):
            return _DROPPED if value is None and path == ("client", "session") else value
        if is_python(value) and _is_object(path):
            reason = f"`{python_values(value)[0]}` is an object or a function of Python"
            self.remarks.missing(_dotted(path), reason)
            return _DROPPED
        if section == "auth" and key == "auth" and value in NEEDED:
            return self._mapping({"type": value}, path)
        if self._is_secret(key, value, section):
            return self._secret(key, value, path)
        if key == "resource" and self._is_binding(path):
            return self.names.get(value, value)
        if key == "cursor_path" and (section == "incremental" or self._is_binding(path)):
            return self._dlt_text(path).cursor_path(value)
        text = self._text(value, path)
        return _DROPPED if python_values(text) else text  # reported as missing

    def _mapping(self, node: Mapping[str, Json], path: KeyPath) -> Json:
        """Return a mapping; an auth without its secrets has them declared, as dlt looks them up.

        In dlt a paginator's parameter that is null has its default name, here it has none.
        """
        section, depth = _section(path), len(_inner(path))
        made: dict[str, Json] = {}
        is_whole = True
        for name, value in node.items():
            inner = (*path, str(name))
            is_default = value is None and str(name).endswith("_param")
            if is_default and (section, depth) == ("paginator", 1):
                continue
            converted = self._value(value, inner)
            if converted is _DROPPED:
                is_whole = False
            else:
                made[self._key(str(name), inner)] = converted
        if section in ("processing_steps", "response_actions") and not is_whole:
            return _DROPPED
        if (section, depth) == ("auth", 1):
            kind = node.get("type") or "bearer"
            for secret in NEEDED.get(kind, ()) if isinstance(kind, str) else ():
                if secret not in node and not node.get("access_token"):
                    made[secret] = self._looked_up(secret, path)
        return made

    def _key(self, key: str, path: KeyPath) -> str:
        """Return the key of a request's part, which dlt formats as it does the values."""
        if path[0] != "client" and _section(path) in _REQUEST and len(_inner(path)) > 1:
            return self._dlt_text(path).formatted(key)
        return key

    def _is_secret(self, key: str, value: str, section: str) -> bool:
        """Return whether a text is the secret of an auth, or of a request by its key's name."""
        if section == "auth":
            return bool(value) and key in _SECRET_KEYS
        is_named = section in _REQUEST and is_secret_name(key)
        return is_named and bool(value) and "{" not in DltText.without_python(value)

    def _is_binding(self, path: KeyPath) -> bool:
        above = self._kinds.get(path[:-1])
        return above is not None and above.kind == "binding"

    def _secret(self, key: str, value: str, path: KeyPath) -> str:
        """Return a text whose secret is a placeholder, and declare it; it is not copied."""

        def declared(original: str) -> str:
            if original not in self._secret_names:
                used = {*self.secrets, *self.config}
                name = free_name((key,), used)
                self._secret_names[original] = name
                self.secrets[name] = {"description": f"The {key.replace('_', ' ')}."}
            return f"{{secrets.{self._secret_names[original]}}}"

        if python_values(value):
            return DltText.replace_python(value, declared)
        self.remarks.note(_dotted(path), f"found a literal {key}; it is declared as a secret here")
        return declared(value)

    def _looked_up(self, key: str, path: KeyPath) -> str:
        self.remarks.note(
            _dotted(path), f"dlt looks the {key} up in its configuration; it is a secret here"
        )
        return self._secret(key, f"<<py: {'.'.join(map(str, path))}.{key}>>", path)

    def _config_entry(self, python: str, path: KeyPath) -> str:
        if python not in self._config_names:
            used = {*self.config, *self.secrets}
            name = free_name((python_name(f"<<py: {python}>>"),), used)
            self._config_names[python] = name
            self.config[name] = {"type": "string"}
        name = self._config_names[python]
        reason = f"`{python}` was computed in Python; it is the config entry {name}"
        self.remarks.note(_dotted(path), reason)
        return f"{{config.{name}}}"

    def _dlt_text(self, path: KeyPath) -> DltText:
        return DltText(
            self.names,
            lambda python: self._config_entry(python, path),
            lambda reason: self.remarks.note(_dotted(path), reason),
            lambda reason: self.remarks.missing(_dotted(path), reason),
        )

    def _text(self, value: str, path: KeyPath) -> str:
        """Return a text as its place in the connector file means it."""
        text, kind = self._dlt_text(path), self._kinds.get(path)
        if path[-1] == "endpoint" and _section(path) == "endpoint":
            return text.formatted(value)
        if kind is None:
            return text.plain(value)
        if kind.kind == "expression":
            return text.selector(value) if kind.is_jsonpath_too else text.plain(value)
        if not kind.is_template:
            return text.plain(value)
        if path[:2] == ("client", "headers"):
            return text.header(value)
        is_formatted = path[0] != "client" and _section(path) in (*_REQUEST, "path")
        is_cursor = self._is_binding(path)  # of an incremental in a parameter
        return text.formatted(value) if is_formatted and not is_cursor else text.sent(value)


def _with_start_value(endpoint: dict[str, Json]) -> dict[str, Json]:
    """Return the endpoint with the incremental's values as values of parameters.

    dlt's documentation calls the other forms deprecated: `start_param`, `end_param`, and a
    parameter of the type incremental.
    """
    params, incremental = endpoint.get("params") or {}, endpoint.get("incremental")
    if not isinstance(params, dict):
        return endpoint
    params = dict(params)
    old = [name for name, one in params.items() if _is_incremental(one)]
    if len(old) == 1 and incremental is None:
        incremental = {key: one for key, one in params[old[0]].items() if key != "type"}
        params[old[0]] = "{incremental.start_value}"
    if not isinstance(incremental, dict):
        return endpoint
    incremental = dict(incremental)
    for key, value in (("start_param", "start_value"), ("end_param", "end_value")):
        name = incremental.get(key)
        if isinstance(name, str) and name and name not in params and "{" not in name:
            params[name] = f"{{incremental.{value}}}"
            del incremental[key]
    made = {**endpoint, "incremental": incremental}
    if params:
        made["params"] = params
    order = [*endpoint, "params", "incremental"]
    return {key: made[key] for key in dict.fromkeys(order) if key in made}


def _is_incremental(value: Json) -> bool:
    return isinstance(value, dict) and value.get("type") == "incremental"


def _inner(path: KeyPath) -> KeyPath:
    """Return the part of a place below the client, the resource, or its endpoint."""
    inner = path[2:] if path[0] == "resources" else path[1:]
    return inner[1:] if inner[:1] == ("endpoint",) and len(inner) > 1 else inner


def _section(path: KeyPath) -> str:
    """Return the key of the client, the resource or the endpoint that a place belongs to."""
    return str(next(iter(_inner(path)), ""))


def _is_object(path: KeyPath) -> bool:
    """Return whether only an object or a function of Python can stand at a place."""
    section = _section(path)
    if section in ("incremental", "params"):
        return len(_inner(path)) > 1 and path[-1] in _FUNCTIONS
    return section in _LISTS_OF_FUNCTIONS or (section in _OBJECTS and len(_inner(path)) == 1)


def _unnamed(resource: Json) -> str:
    if isinstance(resource, str):
        return f"`{python_values(resource)[0]}` is a resource made in Python"
    if not isinstance(resource, dict):
        return "a resource that is not a name or a mapping"
    return "a resource without a name"


def _dotted(path: KeyPath) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
