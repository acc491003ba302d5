"""A manifest as components: fields by name, and the place in the file of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.importers.airbyte.manifest_normalizer import pass_down, renew, resolve_references
from framework.importers.import_report import ManifestError
from framework.importers.source_files import read_data

Json = Any


@dataclass(frozen=True)
class Component:
    """One component: its fields, its place in the file, and the type that the place implies."""

    data: Mapping[str, Json] = field(default_factory=dict)
    place: str = ""
    default: str = ""

    @property
    def type(self) -> str:
        """Its type, or the one that its place implies."""
        own = self.data.get("type")
        return own if isinstance(own, str) and own else self.default

    @property
    def parameters(self) -> Mapping[str, Json]:
        """The `$parameters` that hold here."""
        own = self.data.get("$parameters")
        return own if isinstance(own, dict) else {}

    @property
    def custom(self) -> bool:
        """Whether it is a Python class of the connector's own."""
        return "class_name" in self.data or self.type.startswith("Custom")

    @property
    def title(self) -> str:
        """What a remark calls it."""
        return "a Python class of its own" if self.custom else f"a {self.type or '?'}"

    def get(self, key: str, default: Json = None) -> Json:
        """Return a field; the default if it is absent, null, or of another shape than the default,
        which Airbyte refuses to run."""
        value = self.data.get(key)
        if value is None:
            return default
        if isinstance(default, list) and not isinstance(value, list):
            return default if isinstance(value, dict | bool) else [value]
        if isinstance(default, dict) and not isinstance(value, dict | str):
            return default
        if isinstance(default, str) and isinstance(value, list | dict):
            return default
        return value

    def names(self, key: str) -> list[str]:
        """Return a field that is a list of keys."""
        return [str(one) for one in self.get(key, [])]

    def at(self, key: str) -> str:
        """Return the place of a field."""
        return f"{self.place}.{key}" if self.place else key

    def part(self, key: str, default: str = "") -> Component | None:
        """Return a component below, or None."""
        value = self.data.get(key)
        return Component(value, self.at(key), default) if isinstance(value, dict) else None

    def parts(self, key: str, default: str = "") -> Iterator[Component]:
        """Yield the components of a list; one alone counts as a list."""
        value = self.data.get(key)
        if isinstance(value, dict):
            yield Component(value, self.at(key), default)
        for position, one in enumerate(value if isinstance(value, list) else ()):
            if isinstance(one, dict):
                yield Component(one, f"{self.at(key)}[{position}]", default)


def read_manifest(path: Path) -> Component:
    """Return the manifest of a file. Raise ManifestError if the file is not a manifest."""
    data = read_data(path)
    if not isinstance(data, dict) or not (
        isinstance(data.get("streams"), list) or isinstance(data.get("dynamic_streams"), list)
    ):
        raise ManifestError(
            f"{path}: expected an Airbyte manifest, a mapping with `streams`; found {_shape(data)}"
        )
    try:
        return Component(pass_down(renew(resolve_references(data))), "", "DeclarativeSource")
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}") from None
    except RecursionError:
        raise ManifestError(f"{path}: is nested too deeply") from None


def _shape(data: Json) -> str:
    if isinstance(data, dict):
        return "a mapping with " + (", ".join(map(str, list(data)[:5])) or "nothing in it")
    return {list: "a list", str: "text", type(None): "nothing"}.get(type(data), "a value")
