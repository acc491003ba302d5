"""A dlt `RESTAPIConfig` in, a connector file out."""

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
Place = tuple[str | int, ...]

_SELECTORS = {
    "data_selector",
    "cursor_path",
    "next_url_path",
    "total_path",
    "has_more_path",
    "field",
}
_SECRETS = ("token", "api_key", "password", "client_secret", "access_token", "refresh_token")
_PYTHON = re.compile(r"<<py: (.*?)>>", re.DOTALL)
_SIMPLE = re.compile(r"\$((?:\.[A-Za-z_]\w*|\[\d+\])*)", re.ASCII)
_NAME = re.compile(r"(?!.*__)[a-z][a-z0-9_]{0,62}", re.ASCII)
_PARENT = re.compile(r"\{\s*resources\.([^.{}\s]+)\.")


def import_restapi(path: Path, name: str | None = None) -> ImportedConnector:
    """The connector of a file that holds a `RESTAPIConfig`. ManifestError where it is none."""
    config = read_data(path)
    if not isinstance(config, dict) or not {"client", "resources"} <= set(config):
        raise ManifestError(
            f"{path}: expected a dlt RESTAPIConfig, a mapping with `client` and `resources`"
        )
    remarks = Remarks()
    made = _Made(remarks)
    try:
        body = made.mapping(config, ())
    except RecursionError:
        raise ManifestError(f"{path}: is nested too deeply") from None
    connector = name or free_name((path.stem,), set(), "connector")
    data = {
        "version": 1,
        "name": connector,
        "description": f"Imported from the RESTAPIConfig of {path.name}.",
        **({"config": made.config} if made.config else {}),
        **({"secrets": made.secrets} if made.secrets else {}),
        **_known(body, remarks),
    }
    resources = data.get("resources") or []
    found = tuple(remarks.found)
    listed = [one["name"] if isinstance(one, dict) else one for one in resources]
    return ImportedConnector(
        connector,
        yaml_text(data, comments({"resources": _named(resources)}, found)),
        {},
        found,
        tuple(str(one) for one in listed),
    )


def _known(body: Mapping[str, Json], remarks: Remarks) -> dict[str, Json]:
    for key in body:
        if key not in ("client", "resource_defaults", "resources"):
            remarks.missing(str(key), "a key that dlt does not have either")
    return {key: body[key] for key in ("client", "resource_defaults", "resources") if key in body}


def _named(resources: Json) -> list[dict[str, Json]]:
    return [one if isinstance(one, dict) else {"name": one} for one in resources]


@dataclass
class _Made:
    """One file being made: what it declares is found on the way."""

    remarks: Remarks
    config: dict[str, Json] = field(default_factory=dict)
    secrets: dict[str, Json] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    written_out: dict[str, str] = field(default_factory=dict)

    def mapping(self, node: Mapping[str, Json], place: Place) -> dict[str, Json]:
        """A mapping with selectors, names and secrets as they are written here.

        A paginator's parameter that is null goes by its default name in dlt, and nowhere here.
        """
        paging = place[-1:] == ("paginator",)
        return {
            str(key): self._value(str(key), one, (*place, str(key)))
            for key, one in node.items()
            if not (paging and one is None and str(key).endswith("_param"))
        }

    def _value(self, key: str, value: Json, place: Place) -> Json:
        if place and place[0] == "resources" and len(place) == 1 and isinstance(value, list):
            return [self._resource(one, (*place, index)) for index, one in enumerate(value)]
        if isinstance(value, dict):
            return self.mapping(value, place)
        if isinstance(value, list):
            return [self._value(key, one, (*place, i)) for i, one in enumerate(value)]
        if not isinstance(value, str):
            return value
        if (key in _SECRETS and "auth" in place) or self._is_literal_secret(key, value, place):
            return self._secret(key, value, place)
        if key == "resource" and "params" in place:
            return self._name(value, place)
        if key in _SELECTORS and not ("incremental" in place or _is_param(place, key)):
            return self._selector(value, place)
        return self._text(value, place)

    def _resource(self, one: Json, place: Place) -> Json:
        if isinstance(one, str):
            return self._name(one, place) if _NAME.fullmatch(one) else self._renamed(one, place)
        if not isinstance(one, dict):
            self.remarks.missing(_shown(place), "a resource that is no mapping")
            return {"name": "unknown"}
        before, self.remarks.resource = self.remarks.resource, str(one.get("name"))
        fresh = self.mapping(one, place)
        if isinstance(one.get("name"), str):
            fresh["name"] = self._name(one["name"], place)
            if fresh["name"] != one["name"]:
                endpoint = fresh.get("endpoint")
                if isinstance(endpoint, dict):
                    endpoint.setdefault("path", one["name"])
                elif endpoint is None:
                    fresh["endpoint"] = {"path": one["name"]}
        self.remarks.resource = before
        return fresh

    def _renamed(self, written: str, place: Place) -> Json:
        return {"name": self._name(written, place), "endpoint": {"path": written}}

    def _name(self, written: str, place: Place) -> str:
        """A resource's name; one that is no name of ours is renamed wherever it stands."""
        if _NAME.fullmatch(written):
            return written
        plain = _PYTHON.sub(lambda match: _word(match[1]), written)
        if written not in self.names:
            self.names[written] = free_name((plain,), set(self.names.values()), "resource")
            self.remarks.note(
                _shown(place), f"the resource {written} is called {self.names[written]} here"
            )
        return self.names[written]

    def _secret(self, key: str, value: str, place: Place) -> str:
        """A secret is declared; one that is written out stays out of the file."""
        if "{secrets." in value or "{config." in value:
            return value
        python = _PYTHON.fullmatch(value)
        if not value:
            return value
        if python is None:
            self.remarks.note(
                _shown(place), f"the {key} was written out; it is asked for as a secret here"
            )
        name = self.written_out.get(value, "")
        if not name:
            name = free_name((key,), set(self.secrets))
            self.written_out[value] = name
            self.secrets[name] = {"description": f"The {key.replace('_', ' ')}."}
        return f"{{secrets.{name}}}"

    @staticmethod
    def _is_literal_secret(key: str, value: str, place: Place) -> bool:
        """A header, parameter or body field that is named like a secret and written out."""
        within = {"params", "headers", "json", "data"} & set(place[:-1])
        return bool(within) and is_secret_name(key) and "{" not in value

    def _text(self, value: str, place: Place) -> str:
        """Python's values as config entries; renamed resources in placeholders."""

        def entry(match: re.Match[str]) -> str:
            name = free_name((_word(match[1]),), set())
            self.config.setdefault(name, {"type": "string"})
            self.remarks.note(
                _shown(place), f"`{match[1]}` was computed in Python: a config entry {name} here"
            )
            return f"{{config.{name}}}"

        value = _PYTHON.sub(entry, value)
        return _PARENT.sub(
            lambda match: match[0].replace(match[1], self._name(match[1], place), 1), value
        )

    def _selector(self, value: str, place: Place) -> str:
        """JSONPath as JMESPath where both can say it, else marked with a `$`."""
        simple = _SIMPLE.fullmatch(value.strip())
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
            self.remarks.note(_shown(place), "JSONPath that JMESPath cannot say goes to dlt")
            return f"$.{value}"
        return value


def _is_param(place: Place, key: str) -> bool:
    """Whether a word stands for itself: a parameter of that name, an incremental's cursor."""
    if "params" not in place:
        return key == "field"
    return key != "field"


def _word(python: str) -> str:
    """A name for a Python expression: its last word."""
    words = re.findall(r"[A-Za-z_]\w*", python)
    return words[-1] if words else "value"


def _shown(place: Place) -> str:
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
