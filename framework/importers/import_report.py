"""A connector that was made of another tool's file, and where its parts are written."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from framework.authoring.scaffold.file_writer import write_editor_schema, write_text
from framework.authoring.scaffold.yaml_writer import Pointer
from framework.errors import FrameworkError

Json = Any


class ManifestError(FrameworkError):
    """A file that cannot be imported at all: no YAML, no manifest, a broken reference."""


@dataclass(frozen=True, order=True)
class Remark:
    """`missing` is left out of the connector file; a `note` is worth a look. `place` is the path
    in the file that was read, with a stream's name where there is one."""

    kind: Literal["missing", "note"]
    place: str
    reason: str
    resource: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """For the report."""
        return {
            "kind": self.kind,
            "place": self.place,
            "resource": self.resource,
            "reason": self.reason,
        }


@dataclass
class Remarks:
    """Collects them; the same one twice is said once. `resource` is the one being translated."""

    found: list[Remark] = field(default_factory=list)
    resource: str | None = None

    def missing(self, place: str, reason: str) -> None:
        """Something of the original that the connector file does not say."""
        self._add(Remark("missing", place, reason, self.resource))

    def note(self, place: str, reason: str) -> None:
        """Something that is said otherwise, or needs a human's eye."""
        self._add(Remark("note", place, reason, self.resource))

    def _add(self, remark: Remark) -> None:
        if remark not in self.found:
            self.found.append(remark)


HEAD = "yaml-language-server: $schema=../schemas/connector.schema.json"
LARGE = 1_000_000
"""Characters from which on a schema is written without the blanks that make it readable."""
UNUSED = "left out: the original declares it and never uses it"
UNTOLD = "left out: nothing here uses it; what the original uses it for is said at its place"


@dataclass(frozen=True)
class ImportedConnector:
    """`text` is the connector file, `schemas` its schema files by resource, `remarks` what there
    is to say."""

    name: str
    text: str
    schemas: Mapping[str, Mapping[str, Json]]
    remarks: tuple[Remark, ...]
    resources: tuple[str, ...]

    @property
    def missing(self) -> tuple[Remark, ...]:
        """What of the original the connector does not say."""
        return tuple(remark for remark in self.remarks if remark.kind == "missing")

    @property
    def notes(self) -> tuple[Remark, ...]:
        """What is said otherwise, or needs a human's eye."""
        return tuple(remark for remark in self.remarks if remark.kind == "note")


def write_imported(imported: ImportedConnector, file: Path) -> list[Path]:
    """Write the connector file, and its schemas beside the folder that it is in; the files. The
    editor's schema is put there, too."""
    write_text(file, imported.text)
    written = [file]
    folder = file.parent.parent / "schemas" / imported.name
    for name, schema in imported.schemas.items():
        path = folder / f"{name}.json"
        text = json.dumps(schema, ensure_ascii=False, indent=2)
        if len(text) > LARGE:
            text = json.dumps(schema, ensure_ascii=False)
        write_text(path, text + "\n")
        written.append(path)
    write_editor_schema(folder.parent)
    return written


def comments(data: Mapping[str, Json], remarks: tuple[Remark, ...]) -> dict[Pointer, list[str]]:
    """The remarks as comments: at their resource, or at the top of the file."""
    places = {one["name"]: index for index, one in enumerate(data["resources"])}
    found: dict[Pointer, list[str]] = {(): [HEAD]}
    unused = [one.place.removeprefix("spec ") for one in remarks if one.reason == UNUSED]
    if unused:
        found[()] += _wrapped(f"inputs left out, which the original never uses: {_listed(unused)}")
    for one in remarks:
        if one.reason == UNUSED:
            continue
        word = "NOT IMPORTED" if one.kind == "missing" else "look"
        at: Pointer = ()
        if one.resource in places:
            at = ("resources", places[one.resource])
        found.setdefault(at, []).extend(_wrapped(f"{word}: {one.reason} ({one.place})"))
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(names)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), 94, break_long_words=False, break_on_hyphens=False)
