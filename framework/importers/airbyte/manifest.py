"""A manifest read: references followed, old spellings renewed, parameters handed down."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from framework.authoring.cassettes.cassette import is_too_deep
from framework.importers.airbyte.legacy import renewed
from framework.importers.airbyte.parameters import handed_down
from framework.importers.airbyte.references import resolved
from framework.importers.import_report import ManifestError

Json = Any

MAX_BYTES = 50_000_000


@dataclass(frozen=True)
class Component:
    """One component: its fields, where it stands, and the parameters that hold in it."""

    data: Mapping[str, Json] = field(default_factory=dict)
    place: str = ""
    default: str = ""

    @property
    def type(self) -> str:
        """Its type, or the one that its place implies."""
        written = self.data.get("type")
        return written if isinstance(written, str) and written else self.default

    @property
    def parameters(self) -> Mapping[str, Json]:
        """What `$parameters` say here."""
        found = self.data.get("$parameters")
        return found if isinstance(found, dict) else {}

    @property
    def custom(self) -> bool:
        """Whether it is Python of the connector's own."""
        return "class_name" in self.data or self.type.startswith("Custom")

    def get(self, key: str, default: Json = None) -> Json:
        """A field as written; the default where it is absent, null, or of another shape than the
        default, which the original refuses to run."""
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

    def at(self, key: str) -> str:
        """The place of a field."""
        return f"{self.place}.{key}" if self.place else key

    def part(self, key: str, default: str = "") -> Component | None:
        """A component below, or None."""
        value = self.data.get(key)
        return Component(value, self.at(key), default) if isinstance(value, dict) else None

    def parts(self, key: str, default: str = "") -> Iterator[Component]:
        """The components of a list; one alone counts as a list."""
        value = self.data.get(key)
        if isinstance(value, dict):
            yield Component(value, self.at(key), default)
        for position, one in enumerate(value if isinstance(value, list) else ()):
            if isinstance(one, dict):
                yield Component(one, f"{self.at(key)}[{position}]", default)


def read_manifest(path: Path) -> Component:
    """The manifest of a file, ready to be translated. ManifestError where it is none."""
    data = load(path)
    if not isinstance(data, dict) or not (
        isinstance(data.get("streams"), list) or isinstance(data.get("dynamic_streams"), list)
    ):
        raise ManifestError(
            f"{path}: expected an Airbyte manifest, a mapping with `streams`; found {_shown(data)}"
        )
    try:
        return Component(handed_down(renewed(resolved(data))), "", "DeclarativeSource")
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}") from None
    except RecursionError:
        raise ManifestError(f"{path}: is nested too deeply") from None


def load(path: Path) -> Json:
    """A YAML or JSON file as plain data; dates stay text."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ManifestError(f"{path}: is larger than {MAX_BYTES // 1_000_000} MB")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ManifestError(f"{path}: is not UTF-8 text") from None
    try:
        if text.lstrip()[:1] == "{":
            # JSON is YAML, and read a hundred times as fast
            with suppress(ValueError):
                return json.loads(text)
        if is_too_deep(text):
            raise ManifestError(f"{path}: is nested too deeply")
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise ManifestError(f"{path}{place}: is no YAML: {problem}") from None
    except RecursionError:
        raise ManifestError(f"{path}: is nested too deeply") from None
    except ValueError as error:
        raise ManifestError(f"{path}: holds a value that cannot be read: {error}") from None


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as the original reads it, but dates stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _shown(data: Json) -> str:
    if isinstance(data, dict):
        return "a mapping with " + (", ".join(map(str, list(data)[:5])) or "nothing in it")
    return {list: "a list", str: "text", type(None): "nothing"}.get(type(data), "a value")
