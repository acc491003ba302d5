"""The original's inputs as entries of `config` and `secrets`, and the terms that name them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from framework.definition.naming import normalize_identifier
from framework.importers.airbyte.scope import Keys, Lookup
from framework.importers.airbyte.terms import Kind, Term, Untranslatable, dotted

Json = Any

UNDECLARED = "Not declared in the original."
"""How an input is described that templates use and the original's `spec` lacks."""

_KINDS: dict[str, Kind] = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "array": "list",
    "object": "object",
}


@dataclass(frozen=True)
class Input:
    """One value that the person running it gives. `path` is where the original has it."""

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
class Inputs:
    """All of them by path. Ones that are used and not declared are added as they are met;
    `computed` are those that the manifest makes out of others."""

    by_path: dict[tuple[str, ...], Input] = field(default_factory=dict)
    computed: dict[tuple[str, ...], Term] = field(default_factory=dict)

    def lookup(self, context: str, *, secrets: bool = True) -> Lookup:
        """The variable `config` as seen from a place whose roots are reached by `context`."""

        def lookup(keys: Keys) -> tuple[Term, int]:
            return self._find(keys, context, secrets)

        return lookup

    def _find(self, keys: Keys, context: str, secrets: bool) -> tuple[Term, int]:
        names = tuple(str(key) for key in keys)
        for length in range(len(names), 0, -1):
            path = names[:length]
            if path in self.computed:
                term = self.computed[path]
                if context:
                    raise Untranslatable("a computed input in a step on records")
                return term, length
            if path in self.by_path:
                return self._term(self.by_path[path], context, secrets), length
        group = self._group(names, context, secrets)
        if group is not None:
            return group, len(names)
        if not names:
            raise Untranslatable("all of `config` is used as one value")
        return self._term(self._undeclared(names), context, secrets), len(names)

    def give_default(self, name: str, default: Json) -> None:
        """What an input is where the person says nothing, told by a template."""
        for path, one in self.by_path.items():
            if one.name == name and one.schema.get("default") is None:
                self.by_path[path] = replace(one, schema={**one.schema, "default": default})

    def _group(self, names: tuple[str, ...], context: str, secrets: bool) -> Term | None:
        """The inputs below a name, and below the root: a term with members."""
        size = len(names)
        below = [path for path in self.by_path if path[:size] == names and len(path) > size]
        members = []
        for key in dict.fromkeys(path[size] for path in below):
            one = self.by_path.get((*names, key))
            term = (
                self._group((*names, key), context, secrets)
                if one is None
                else self._term(one, context, secrets)
            )
            if term is not None:
                members.append((key, term))
        text = dotted(names, context + "config")
        return Term(text, "object", members=tuple(members)) if members else None

    def _undeclared(self, path: tuple[str, ...]) -> Input:
        schema = {"description": UNDECLARED}
        found = Input(path, self._free(path), schema, False, False, declared=False)
        self.by_path[path] = found
        return found

    @staticmethod
    def _term(one: Input, context: str, secrets: bool) -> Term:
        if one.secret and not secrets:
            raise Untranslatable(f"the secret {one.name} where nothing is sent")
        root = "secrets" if one.secret else "config"
        optional = not one.required and "default" not in one.schema
        return Term(f"{context}{root}.{one.name}", one.kind, optional=optional)

    def _free(self, path: tuple[str, ...]) -> str:
        return free_name(path, {one.name for one in self.by_path.values()})


def free_name(path: tuple[str, ...], taken: set[str], prefix: str = "input") -> str:
    """The path joined by `_` as a name of ours, unlike those taken; `prefix` stands before what
    does not begin with a letter."""
    try:
        name = normalize_identifier("_".join(path)).strip("_")
    except ValueError:
        name = ""
    name = re.sub(r"__+", "_", re.sub(r"[^a-z0-9_]", "_", name)).strip("_")
    if not name[:1].isalpha():
        name = f"{prefix}_{name}"
    name = name[:60].rstrip("_")
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def read_inputs(specification: Json) -> Inputs:
    """The inputs of a `connection_specification`; nested ones by their whole path."""
    found = Inputs()
    if isinstance(specification, dict):
        for path, schema, required in _leaves(specification, (), True):
            if path in found.by_path:
                found.by_path[path] = _merged(found.by_path[path], schema)
                continue
            name = free_name(path, {one.name for one in found.by_path.values()})
            found.by_path[path] = Input(
                path, name, schema, bool(schema.get("airbyte_secret")), required
            )
    return found


def _leaves(
    schema: Mapping[str, Json], path: tuple[str, ...], required: bool
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Json], bool]]:
    """Each input with its path; inputs of one of several alternatives are not required."""
    properties = schema.get("properties")
    needed = schema.get("required")
    needed = needed if isinstance(needed, list) else []
    for name, entry in properties.items() if isinstance(properties, dict) else ():
        if not isinstance(entry, dict):
            continue
        must = required and name in needed and "default" not in entry
        nested = [
            one
            for key in ("oneOf", "anyOf", "allOf")
            for one in entry.get(key) or ()
            if isinstance(one, dict) and one.get("properties")
        ]
        if nested or entry.get("properties"):
            if entry.get("properties"):
                yield from _leaves(entry, (*path, str(name)), must)
            for one in nested:
                yield from _leaves(one, (*path, str(name)), must and len(nested) == 1)
        else:
            yield (*path, str(name)), entry, must
    for key in ("oneOf", "anyOf", "allOf"):
        for one in schema.get(key) or ():
            if isinstance(one, dict) and isinstance(one.get("properties"), dict):
                if properties and all(name in properties for name in one["properties"]):
                    continue
                yield from _leaves(one, path, False)


def _merged(one: Input, schema: Mapping[str, Json]) -> Input:
    """An input that stands in several alternatives, such as `auth_type` with a constant each."""
    values = [*_choices(one.schema), *_choices(schema)]
    merged = {**schema, **one.schema}
    if values:
        merged = {key: value for key, value in merged.items() if key != "const"}
        merged["enum"] = list(dict.fromkeys(values))
    secret = one.secret or bool(schema.get("airbyte_secret"))
    return Input(one.path, one.name, merged, secret, False)


def _choices(schema: Mapping[str, Json]) -> list[Json]:
    if "const" in schema:
        return [schema["const"]]
    found = schema.get("enum")
    return list(found) if isinstance(found, list) else []
