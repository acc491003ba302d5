"""References followed: `$ref: "#/a/b"`, a text `#/a/b`, and the old `*ref(a.b)`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from framework.importers.import_report import ManifestError

Json = Any

_OLD = re.compile(r"\s*\*ref\((.*)\)\s*", re.DOTALL)
_MOST = 3_000_000


def resolved(manifest: Mapping[str, Json]) -> dict[str, Json]:
    """The manifest with every reference replaced by what it names.

    What stands beside a `$ref` wins over what it brings. ManifestError for a reference that leads
    nowhere or back to itself.
    """
    found: dict[str, Json] = _Resolver(manifest).value(manifest, "")
    return found


class _Resolver:
    """Each target is resolved once and shared: nothing changes it later."""

    def __init__(self, manifest: Mapping[str, Json]) -> None:
        self._manifest = manifest
        self._known: dict[str, Json] = {}
        self._open: list[str] = []
        self._count = 0

    def value(self, node: Json, place: str) -> Json:
        self._count += 1
        if self._count > _MOST:
            raise ManifestError("is too large once its references are followed")
        if isinstance(node, dict):
            return self._mapping(node, place)
        if isinstance(node, list):
            return [self.value(one, f"{place}[{index}]") for index, one in enumerate(node)]
        path = _path(node)
        return node if path is None else self._target(path, str(node), place)

    def _mapping(self, node: Mapping[str, Json], place: str) -> Json:
        own = {
            str(key): self.value(one, f"{place}.{key}" if place else str(key))
            for key, one in node.items()
            if key != "$ref"
        }
        reference = node.get("$ref")
        if reference is None:
            return own
        brought = self.value(reference, f"{place}.$ref" if place else "$ref")
        return {**brought, **own} if isinstance(brought, dict) else brought

    def _target(self, path: str, text: str, place: str) -> Json:
        if path in self._known:
            return self._known[path]
        if path in self._open:
            way = " -> ".join([*self._open[self._open.index(path) :], path])
            raise ManifestError(f"{place}: the reference {text} leads back to itself: {way}")
        try:
            node = _find(path, self._manifest)
        except (KeyError, IndexError, TypeError, ValueError):
            raise ManifestError(f"{place}: the reference {text} leads nowhere") from None
        self._open.append(path)
        self._known[path] = self.value(node, path.replace("/", "."))
        self._open.pop()
        return self._known[path]


def _path(node: Json) -> str | None:
    if not isinstance(node, str):
        return None
    if node.startswith("#/"):
        return node[2:]
    old = _OLD.fullmatch(node)
    return re.sub(r"\.|\[(\d+)\]", _step, old[1].strip()) if old else None


def _step(match: re.Match[str]) -> str:
    return "/" if match[1] is None else f"/{match[1]}"


def _find(path: str, node: Json) -> Json:
    """The node of a path; a key that itself holds a slash is tried first, as the original does."""
    while path:
        if isinstance(node, dict) and path in node:
            return node[path]
        head, _, path = path.partition("/")
        node = node[int(head)] if isinstance(node, list) else node[head]
    return node
