"""`resource_defaults` merged into every resource by dlt's rules, remembering where each part stood.

Done again without dlt after dlt/sources/rest_api/config_setup.py; wrongly shaped parts are left
out (the JSON Schema's findings name them). Does not know what the keys mean beyond merging.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from framework.definition.expressions.placeholders import Placeholder, TemplateError, parse_template

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any

_MERGED_ONE_LEVEL = ("params", "json")


@dataclass(frozen=True)
class MergedResource:
    """One resource after merging. `data["endpoint"]` is always a mapping with a text `path`.

    `origins` maps places in `data` to the document's; `place` looks them up. `single` is true
    where the path ends in a placeholder, so that one thing is answered rather than a list.
    """

    index: int
    name: str
    data: Mapping[str, Json]
    origins: Mapping[Pointer, Pointer] = field(repr=False)
    single: bool = False
    found: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What others have found out about it, by their words: asked often, found out once."""

    @property
    def endpoint(self) -> Mapping[str, Json]:
        """The merged endpoint."""
        endpoint: Mapping[str, Json] = self.data["endpoint"]
        return endpoint

    @property
    def path(self) -> str:
        """The endpoint's path as written, or the resource's name."""
        return str(self.endpoint["path"])

    @property
    def params(self) -> Mapping[str, Json]:
        """The merged query parameters, nulls still in."""
        params: Mapping[str, Json] = self.endpoint.get("params", {})
        return params

    def place(self, *path: str | int) -> Pointer:
        """Where in the document the part of `data` at `path` was written."""
        for length in range(len(path), -1, -1):
            origin = self.origins.get(path[:length])
            if origin is not None:
                return origin + path[length:]
        raise AssertionError("the root of a resource always has an origin")

    def from_defaults(self, *path: str | int) -> bool:
        """Whether the part at `path` was written in resource_defaults."""
        return self.place(*path)[:1] == ("resource_defaults",)


def merge_resources(data: Json) -> tuple[MergedResource, ...]:
    """Every resource of a connector file in file order; those without a name are left out."""
    resources = data.get("resources") if isinstance(data, dict) else None
    if not isinstance(resources, list):
        return ()
    defaults = data.get("resource_defaults")
    if not isinstance(defaults, dict):
        defaults = {}
    found = (_merge(index, written, defaults) for index, written in enumerate(resources))
    return tuple(merged for merged in found if merged is not None)


def ends_in_placeholder(path: str) -> bool:
    """Whether the last part of a path holds a placeholder: dlt's sign of a single thing."""
    try:
        parts = parse_template(path.rstrip("/"))
    except TemplateError:
        return False
    for part in reversed(parts):
        if isinstance(part, Placeholder):
            return True
        if "/" in part.text:
            return False
    return False


def bind_path(path: str, params: Mapping[str, Json]) -> tuple[str, frozenset[str]]:
    """The path with static parameters written into it, and the names of those.

    A parameter that is a mapping (`type: resolve`) keeps its placeholder. Braces in the
    parameter's text mean what they mean elsewhere: placeholders.
    """
    bound: set[str] = set()
    pieces: list[str] = []
    position = 0
    for placeholder in (part for part in parse_template(path) if isinstance(part, Placeholder)):
        if placeholder.kind != "param":
            continue
        value = params.get(placeholder.name)
        if value is None or isinstance(value, dict | list):
            continue
        end = path.index("}", placeholder.offset) + 1
        pieces += [path[position : placeholder.offset], _plain(value)]
        position = end
        bound.add(placeholder.name)
    return "".join([*pieces, path[position:]]), frozenset(bound)


def _plain(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _merge(index: int, written: Json, defaults: Mapping[str, Json]) -> MergedResource | None:
    here: Pointer = ("resources", index)
    base: Pointer = ("resource_defaults",)
    origins: dict[Pointer, Pointer] = {(): here}
    if isinstance(written, str):
        origins["endpoint", "path"] = here
        origins["name",] = here
        written = {"name": written, "endpoint": {"path": written}}
    if not isinstance(written, dict) or not isinstance(written.get("name"), str):
        return None
    name: str = written["name"]
    own, inherited = _endpoint(written), _endpoint(defaults)
    if isinstance(written.get("endpoint"), str):
        origins["endpoint", "path"] = (*here, "endpoint")
    if not isinstance(own.get("path"), str):
        own["path"] = name
        origins["endpoint", "path"] = (*here, "name")

    endpoint: dict[str, Json] = {**inherited, **own}
    for key in inherited:
        if key not in own:
            origins["endpoint", key] = (*base, "endpoint", key)
    for key in _MERGED_ONE_LEVEL:
        mine, theirs = own.get(key), inherited.get(key)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            endpoint[key] = {**theirs, **mine}
            for entry in theirs:
                if entry not in mine:
                    origins["endpoint", key, entry] = (*base, "endpoint", key, entry)
    if not isinstance(endpoint.get("params", {}), dict):
        del endpoint["params"]

    data: dict[str, Json] = {**defaults, **written, "endpoint": endpoint}
    for key in defaults:
        if key not in written and key != "endpoint":
            origins[key,] = (*base, key)
    data.update(_columns(written, defaults, here, base, origins))
    single = ends_in_placeholder(endpoint["path"])
    if single:
        _imply(endpoint, "data_selector", "$", origins)
        _imply(endpoint, "paginator", {"type": "single_page"}, origins)
    return MergedResource(index, name, data, origins, single)


def _endpoint(resource: Mapping[str, Json]) -> dict[str, Json]:
    endpoint = resource.get("endpoint")
    if isinstance(endpoint, str):
        return {"path": endpoint}
    return dict(endpoint) if isinstance(endpoint, dict) else {}


def _imply(
    endpoint: dict[str, Json], key: str, value: Json, origins: dict[Pointer, Pointer]
) -> None:
    if endpoint.get(key) is None:
        endpoint[key] = value
        origins["endpoint", key] = origins.get(
            ("endpoint", "path"), (*origins[()], "endpoint", "path")
        )


def _columns(
    written: Mapping[str, Json],
    defaults: Mapping[str, Json],
    here: Pointer,
    base: Pointer,
    origins: dict[Pointer, Pointer],
) -> dict[str, Json]:
    """`columns` of both, merged hint by hint; either may be a mapping or a list with names."""
    mine, theirs = written.get("columns"), defaults.get("columns")
    if not mine or not theirs:
        return {}
    merged: dict[str, Json] = {}
    for columns, root in ((theirs, (*base, "columns")), (mine, (*here, "columns"))):
        for name, hints, step in named_columns(columns):
            merged[name] = {**merged.get(name, {}), **hints}
            origins.setdefault(("columns", name), (*root, step))
            for hint in hints:
                origins["columns", name, hint] = (*root, step, hint)
    return {"columns": merged}


def columns_by_name(columns: Json) -> dict[str, dict[str, Json]]:
    """Return the hints of each column by its name, whichever way `columns` is spelled."""
    return {name: {**hints, "name": name} for name, hints, _ in named_columns(columns)}


def named_columns(columns: Json) -> Iterator[tuple[str, Mapping[str, Json], str | int]]:
    """Each column's name, its hints, and its key or position in what was written."""
    if isinstance(columns, dict):
        for name, hints in columns.items():
            if isinstance(hints, dict):
                yield name, hints, name
    elif isinstance(columns, list):
        for position, hints in enumerate(columns):
            if isinstance(hints, dict) and isinstance(hints.get("name"), str):
                yield hints["name"], hints, position
