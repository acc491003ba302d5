"""Convert a dlt `RESTAPIConfig` into a connector file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.authoring.scaffold.yaml_writer import yaml_text
from framework.definition.expressions.jmespath_expression import ExpressionError, syntax_tree
from framework.definition.expressions.jsonpath import is_jsonpath, respelling
from framework.definition.expressions.placeholders import TemplateError, parse_template
from framework.definition.rules.secret_rules import is_secret_name
from framework.importers.import_report import ImportedConnector, ManifestError, Remarks, comments
from framework.importers.source_files import free_name, read_data

Json = Any
KeyPath = tuple[str | int, ...]

_TOP_KEYS = ("client", "resource_defaults", "resources")
_SELECTOR_KEYS = {
    "data_selector",
    "cursor_path",
    "next_url_path",
    "total_path",
    "has_more_path",
    "field",
}
_SECRET_KEYS = ("token", "api_key", "password", "client_secret", "access_token", "refresh_token")
_PYTHON = re.compile(r"<<py: (.*?)>>", re.DOTALL)
"""A value that the original computes in Python."""
_SIMPLE_JSONPATH = re.compile(r"\$((?:\.[A-Za-z_]\w*|\[\d+\])*)", re.ASCII)
_NAME = re.compile(r"(?!.*__)[a-z][a-z0-9_]{0,62}", re.ASCII)
_PARENT = re.compile(r"\{\s*resources\.([^.{}\s]+)\.")


def import_restapi(path: Path, name: str | None = None) -> ImportedConnector:
    """Return the connector of a file. Raise ManifestError if it is not a `RESTAPIConfig`."""
    config = read_data(path)
    if not isinstance(config, dict) or not {"client", "resources"} <= set(config):
        raise ManifestError(
            f"{path}: expected a dlt RESTAPIConfig, a mapping with `client` and `resources`"
        )
    converter = _Converter(Remarks())
    try:
        body = converter.mapping(config, ())
    except RecursionError:
        raise ManifestError(f"{path}: is nested too deeply") from None
    for key in body:
        if key not in _TOP_KEYS:
            converter.remarks.missing(str(key), "a key that dlt does not have either")
    connector = name or free_name((path.stem,), set(), "connector")
    data = {
        "version": 1,
        "name": connector,
        "description": f"Imported from the RESTAPIConfig of {path.name}.",
        **({"config": converter.config} if converter.config else {}),
        **({"secrets": converter.secrets} if converter.secrets else {}),
        **{key: body[key] for key in _TOP_KEYS if key in body},
    }
    resources = [
        one if isinstance(one, dict) else {"name": one} for one in data.get("resources") or []
    ]
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
    secret_names: dict[str, str] = field(default_factory=dict)

    def mapping(self, node: Mapping[str, Json], path: KeyPath) -> dict[str, Json]:
        """Return a mapping with converted selectors, names and secrets.

        In dlt a paginator's parameter that is null has its default name, here it has none.
        """
        is_paginator = path[-1:] == ("paginator",)
        return {
            str(key): self._value(str(key), value, (*path, str(key)))
            for key, value in node.items()
            if not (is_paginator and value is None and str(key).endswith("_param"))
        }

    def _value(self, key: str, value: Json, path: KeyPath) -> Json:
        if path == ("resources",) and isinstance(value, list):
            return [self._resource(one, (*path, index)) for index, one in enumerate(value)]
        if isinstance(value, dict):
            return self.mapping(value, path)
        if isinstance(value, list):
            return [self._value(key, item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        if (key in _SECRET_KEYS and "auth" in path) or _is_literal_secret(key, value, path):
            return self._secret(key, value, path)
        if key == "resource" and "params" in path:
            return self._name(value, path)
        if key in _SELECTOR_KEYS and "incremental" not in path and _is_selector(path, key):
            return self._selector(value, path)
        return self._text(value, path)

    def _resource(self, resource: Json, path: KeyPath) -> Json:
        if isinstance(resource, str):
            name = self._name(resource, path)
            return name if name == resource else {"name": name, "endpoint": {"path": resource}}
        if not isinstance(resource, dict):
            self.remarks.missing(_dotted(path), "a resource that is not a mapping")
            return {"name": "unknown"}
        outer, self.remarks.resource = self.remarks.resource, str(resource.get("name"))
        converted = self.mapping(resource, path)
        if isinstance(resource.get("name"), str):
            converted["name"] = self._name(resource["name"], path)
            if converted["name"] != resource["name"]:
                # in dlt the name is the default of the path
                endpoint = converted.get("endpoint")
                if isinstance(endpoint, dict):
                    endpoint.setdefault("path", resource["name"])
                elif endpoint is None:
                    converted["endpoint"] = {"path": resource["name"]}
        self.remarks.resource = outer
        return converted

    def _name(self, original: str, path: KeyPath) -> str:
        """Return a resource's name; one that is not valid here is renamed everywhere."""
        if _NAME.fullmatch(original):
            return original
        if original not in self.names:
            plain = _PYTHON.sub(lambda match: _last_word(match[1]), original)
            name = free_name((plain,), set(self.names.values()), "resource")
            self.names[original] = name
            self.remarks.note(_dotted(path), f"the resource {original} is named {name} here")
        return self.names[original]

    def _secret(self, key: str, value: str, path: KeyPath) -> str:
        """Return a placeholder for a secret, and declare it; a literal one is not copied."""
        if not value or "{secrets." in value or "{config." in value:
            return value
        if not _PYTHON.fullmatch(value):
            self.remarks.note(
                _dotted(path), f"found a literal {key}; it is declared as a secret here"
            )
        if value not in self.secret_names:
            name = free_name((key,), set(self.secrets))
            self.secret_names[value] = name
            self.secrets[name] = {"description": f"The {key.replace('_', ' ')}."}
        return f"{{secrets.{self.secret_names[value]}}}"

    def _text(self, value: str, path: KeyPath) -> str:
        """Return a text with Python values as config entries, and renamed resources."""

        def config_entry(match: re.Match[str]) -> str:
            name = free_name((_last_word(match[1]),), set())
            self.config.setdefault(name, {"type": "string"})
            self.remarks.note(
                _dotted(path),
                f"`{match[1]}` was computed in Python; it is the config entry {name}",
            )
            return f"{{config.{name}}}"

        value = _PYTHON.sub(config_entry, value)
        return _PARENT.sub(
            lambda match: match[0].replace(match[1], self._name(match[1], path), 1), value
        )

    def _selector(self, value: str, path: KeyPath) -> str:
        """Return a JSONPath as JMESPath if that can express it, else marked with a `$`."""
        simple = _SIMPLE_JSONPATH.fullmatch(value.strip())
        if simple:
            return simple[1].lstrip(".") or "@"
        if is_jsonpath(value):
            return value
        better = respelling(value)
        if better is not None:
            return better[1]
        try:
            parse_template(value)
            syntax_tree(value)
        except (ExpressionError, TemplateError):
            self.remarks.note(_dotted(path), "JSONPath that JMESPath cannot express is left to dlt")
            return f"$.{value}"
        return value


def _is_literal_secret(key: str, value: str, path: KeyPath) -> bool:
    """Return whether a header, parameter or body field is a secret by name, and written out."""
    is_request = bool({"params", "headers", "json", "data"} & set(path[:-1]))
    return is_request and is_secret_name(key) and "{" not in value


def _is_selector(path: KeyPath, key: str) -> bool:
    """Return whether a key is a selector here: `field` only in parameters, others only outside."""
    return ("params" in path) == (key == "field")


def _last_word(python: str) -> str:
    """Return a name for a Python expression."""
    words = re.findall(r"[A-Za-z_]\w*", python)
    return words[-1] if words else "value"


def _dotted(path: KeyPath) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
