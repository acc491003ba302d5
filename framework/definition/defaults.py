"""Merge `resource_defaults` into every resource, and remember where each part was written.

The rules are those of dlt/sources/rest_api/config_setup.py. Parts of the wrong shape are left out:
the JSON Schema's findings name them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from framework.definition.expressions.placeholders import Placeholder, TemplateError, parse_template

if TYPE_CHECKING:
    from framework.definition.graphql_block import GraphqlBlock
    from framework.definition.yaml_reader import Pointer

Json = Any

MAX_RESOURCES = 2_000
"""The most resources of one connector; the rules compare them with each other."""

_MERGED_ONE_LEVEL = ("params", "json", "graphql")


@dataclass(frozen=True)
class MergedResource:
    """One resource after merging. `data["endpoint"]` is always a mapping with a text `path`.

    `origins` maps places in `data` to the document's. `single` is true if the path ends in a
    placeholder, so that the response is one record rather than a list. `graphql` is the endpoint's
    block once it is expanded: the request that it stands for is in `data` then.
    """

    index: int
    name: str
    data: Mapping[str, Json]
    origins: Mapping[Pointer, Pointer] = field(repr=False)
    single: bool = False
    graphql: GraphqlBlock | None = field(default=None, compare=False)
    found: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """Results of other modules by name, computed once."""

    @property
    def endpoint(self) -> Mapping[str, Json]:
        """The merged endpoint."""
        endpoint: Mapping[str, Json] = self.data["endpoint"]
        return endpoint

    @property
    def path(self) -> str:
        """The endpoint's path as written, or the resource's name; empty if it is a whole URL."""
        written = self.endpoint["path"]
        return "" if isinstance(written, Mapping) else str(written)

    @property
    def url(self) -> str | None:
        """The whole URL that the endpoint requests in place of a path, None for a path."""
        written = self.endpoint["path"]
        return str(written.get("url")) if isinstance(written, Mapping) else None

    @property
    def params(self) -> Mapping[str, Json]:
        """The merged query parameters, nulls still in."""
        params: Mapping[str, Json] = self.endpoint.get("params", {})
        return params

    def place(self, *path: str | int) -> Pointer:
        """Return where in the document the part of `data` at `path` was written."""
        for length in range(len(path), -1, -1):
            origin = self.origins.get(path[:length])
            if origin is not None:
                return origin + path[length:]
        raise AssertionError("the root of a resource always has an origin")

    def from_defaults(self, *path: str | int) -> bool:
        """Return whether the part at `path` was written in resource_defaults."""
        return self.place(*path)[:1] == ("resource_defaults",)


def merge_resources(data: Json) -> tuple[MergedResource, ...]:
    """Return the merged resources in file order, without those that have no name."""
    resources = data.get("resources") if isinstance(data, dict) else None
    if not isinstance(resources, list):
        return ()
    defaults = data.get("resource_defaults")
    if not isinstance(defaults, dict):
        defaults = {}
    counted = enumerate(resources[:MAX_RESOURCES])  # more are a finding of the schema
    merged = (_merge(index, written, defaults) for index, written in counted)
    return tuple(one for one in merged if one is not None)


def ends_in_placeholder(path: str) -> bool:
    """Return whether the last part of a path holds a placeholder: dlt's sign of one record."""
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
    """Return the path with static parameters written into it, and the names of those.

    A parameter that is a mapping (`type: resolve`) keeps its placeholder. Braces in a parameter's
    text are placeholders, as elsewhere.
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
    if not isinstance(own.get("path"), (str, Mapping)):
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
    if isinstance(endpoint.get("graphql"), dict):
        endpoint["graphql"] = _variables_merged(own, inherited, endpoint["graphql"], base, origins)

    data: dict[str, Json] = {**defaults, **written, "endpoint": endpoint}
    for key in defaults:
        if key not in written and key != "endpoint":
            origins[key,] = (*base, key)
    data.update(_columns(written, defaults, here, base, origins))
    is_query = isinstance(endpoint.get("graphql"), dict)
    single = not is_query and _is_single(endpoint["path"])
    if single:
        _imply(endpoint, "data_selector", "$", origins)
        _imply(endpoint, "paginator", {"type": "single_page"}, origins)
    return MergedResource(index, name, data, origins, single)


def _is_single(path: Json) -> bool:
    return isinstance(path, str) and ends_in_placeholder(path)


def _variables_merged(
    own: Mapping[str, Json],
    inherited: Mapping[str, Json],
    block: Mapping[str, Json],
    base: Pointer,
    origins: dict[Pointer, Pointer],
) -> Mapping[str, Json]:
    """Return a `graphql` block with its variables merged, as `params` are."""
    mine, theirs = (
        variables if isinstance(variables, dict) else {}
        for variables in (_mapping(one.get("graphql")).get("variables") for one in (own, inherited))
    )
    if not (mine and theirs):
        return block
    for name in theirs:
        if name not in mine:
            place = ("endpoint", "graphql", "variables", name)
            origins[place] = (*base, *place)
    return {**block, "variables": {**theirs, **mine}}


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


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
    """Merge `columns` of both, hint by hint; either may be a mapping or a list with names."""
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
    """Yield each column's name, its hints, and its key or position in the file."""
    if isinstance(columns, dict):
        for name, hints in columns.items():
            if isinstance(hints, dict):
                yield name, hints, name
    elif isinstance(columns, list):
        for position, hints in enumerate(columns):
            if isinstance(hints, dict) and isinstance(hints.get("name"), str):
                yield hints["name"], hints, position
