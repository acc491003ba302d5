"""The inputs of a manifest's `spec` as entries of `config` and `secrets`, and their terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from framework.importers.airbyte.jinja.scope import Keys, Lookup
from framework.importers.airbyte.jinja.tree import FieldPath, Group, Kind, Term, Untranslatable
from framework.importers.source_files import free_name

Json = Any

UNDECLARED = "Not declared in the original."
"""The description of an input that templates use and the `spec` lacks."""

_KINDS: dict[str, Kind] = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "array": "list",
    "object": "object",
}
_ALTERNATIVES = ("oneOf", "anyOf", "allOf")


@dataclass(frozen=True)
class SpecInput:
    """One value that the person running it gives. `path` is its place in Airbyte's config."""

    path: tuple[str, ...]
    name: str
    schema: Mapping[str, Json]
    secret: bool
    required: bool
    declared: bool = True

    @property
    def kind(self) -> Kind:
        """The kind of its values; secrets are text."""
        if self.secret:
            return "text"
        types = self.schema.get("type")
        named = [one for one in types if one != "null"] if isinstance(types, list) else [types]
        return _KINDS.get(str(named[0]), "any") if len(named) == 1 else "any"


@dataclass
class SpecInputs:
    """All inputs by path. Ones that are used and not declared are added when a template names
    them; `computed` are those that the manifest makes out of others."""

    by_path: dict[tuple[str, ...], SpecInput] = field(default_factory=dict)
    computed: dict[tuple[str, ...], Term] = field(default_factory=dict)

    def lookup(self, *, through_context: bool = False, secrets: bool = True) -> Lookup:
        """Return the variable `config`; without `secrets` a secret is refused."""

        def term(one: SpecInput) -> Term:
            if one.secret and not secrets:
                raise Untranslatable(f"the secret {one.name} in a place that is not sent")
            optional = not one.required and "default" not in one.schema
            root = "secrets" if one.secret else "config"
            return Term(FieldPath(root, (one.name,), through_context), one.kind, optional)

        def group(names: tuple[str, ...]) -> Term | None:
            """Return the inputs below a name."""
            size = len(names)
            below = [path for path in self.by_path if path[:size] == names and len(path) > size]
            members = []
            for key in dict.fromkeys(path[size] for path in below):
                one = self.by_path.get((*names, key))
                member = group((*names, key)) if one is None else term(one)
                if member is not None:
                    members.append((key, member))
            return Term(Group(tuple(members)), "object") if members else None

        def lookup(keys: Keys) -> tuple[Term, int]:
            names = tuple(map(str, keys))
            for length in range(len(names), 0, -1):
                path = names[:length]
                if path in self.computed:
                    if through_context:
                        raise Untranslatable("a computed input in a transform of records")
                    return self.computed[path], length
                if path in self.by_path:
                    return term(self.by_path[path]), length
            members = group(names)
            if members is not None:
                return members, len(names)
            if not names:
                raise Untranslatable("all of `config` is used as one value")
            return term(self._undeclared(names)), len(names)

        return lookup

    def default_of(self, name: str) -> Json:
        """Return the default of an entry of `config`, or None."""
        entries = (one for one in self.by_path.values() if one.name == name)
        return next((one.schema.get("default") for one in entries), None)

    def give_default(self, name: str, default: Json) -> None:
        """Give an input without a default the one that a template uses."""
        for path, one in self.by_path.items():
            if one.name == name and one.schema.get("default") is None:
                self.by_path[path] = replace(one, schema={**one.schema, "default": default})

    def _undeclared(self, path: tuple[str, ...]) -> SpecInput:
        name = free_name(path, {one.name for one in self.by_path.values()})
        self.by_path[path] = SpecInput(
            path, name, {"description": UNDECLARED}, False, False, declared=False
        )
        return self.by_path[path]


def read_inputs(specification: Json) -> SpecInputs:
    """Return the inputs of a `connection_specification`; nested ones by their whole path."""
    inputs = SpecInputs()
    leaves = _leaves(specification, (), True) if isinstance(specification, dict) else ()
    for path, schema, required in leaves:
        if path in inputs.by_path:
            inputs.by_path[path] = _merged(inputs.by_path[path], schema)
            continue
        name = free_name(path, {one.name for one in inputs.by_path.values()})
        secret = bool(schema.get("airbyte_secret"))
        inputs.by_path[path] = SpecInput(path, name, schema, secret, required)
    return inputs


def _leaves(
    schema: Mapping[str, Json], path: tuple[str, ...], required: bool
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Json], bool]]:
    """Yield each input's path and schema, and whether it is required: one of several alternatives
    is not."""
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    needed = schema.get("required")
    for name, entry in properties.items():
        if not isinstance(entry, dict):
            continue
        own = (*path, str(name))
        must = required and isinstance(needed, list) and name in needed and "default" not in entry
        nested = [one for one in _alternatives(entry) if one.get("properties")]
        if entry.get("properties"):
            yield from _leaves(entry, own, must)
        for one in nested:
            yield from _leaves(one, own, must and len(nested) == 1)
        if not nested and not entry.get("properties"):
            yield own, entry, must
    for one in _alternatives(schema):
        below = one.get("properties")
        if isinstance(below, dict) and not (properties and set(below) <= set(properties)):
            yield from _leaves(one, path, False)


def _alternatives(schema: Mapping[str, Json]) -> list[dict[str, Json]]:
    return [one for key in _ALTERNATIVES for one in schema.get(key) or () if isinstance(one, dict)]


def _merged(one: SpecInput, schema: Mapping[str, Json]) -> SpecInput:
    """Merge an input of several alternatives, such as `auth_type` with a constant in each."""
    values = [*_choices(one.schema), *_choices(schema)]
    merged = {**schema, **one.schema}
    if values:
        merged = {key: value for key, value in merged.items() if key != "const"}
        merged["enum"] = list(dict.fromkeys(values))
    secret = one.secret or bool(schema.get("airbyte_secret"))
    return SpecInput(one.path, one.name, merged, secret, False)


def _choices(schema: Mapping[str, Json]) -> list[Json]:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return list(values) if isinstance(values, list) else []
