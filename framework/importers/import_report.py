"""A connector made from another tool's file, what to know about it, and how it is written."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from framework.authoring.scaffold.file_writer import write_editor_schema, write_text
from framework.authoring.scaffold.yaml_writer import Pointer, yaml_text
from framework.definition.finder import Location
from framework.definition.validation import validate_document
from framework.definition.yaml_reader import Document, parse_document
from framework.errors import FrameworkError

Json = Any

FIRST_LINE = "yaml-language-server: $schema=../schemas/connector.schema.json"
UNUSED = "left out: the original declares it and never uses it"
UNTRANSLATED = "left out: only parts that are not imported use it; see their remarks"
_LARGE_SCHEMA = 1_000_000
"""From this many characters on a schema is written without indentation."""
_COMMENT_WIDTH = 94
_NOT_IN_COMMENTS = re.compile(
    r"[^\s\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


class ManifestError(FrameworkError):
    """A file cannot be imported at all: not valid YAML, not a manifest, a broken reference."""


@dataclass(frozen=True, order=True)
class Remark:
    """Something that the user should know: `missing` is not imported, a `note` needs a review.

    `place` is the path in the file that was read, with the stream's name if there is one.
    """

    kind: Literal["missing", "note"]
    place: str
    reason: str
    resource: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """Return the remark for the JSON report."""
        return {
            "kind": self.kind,
            "place": self.place,
            "resource": self.resource,
            "reason": self.reason,
        }


@dataclass
class Remarks:
    """Collects remarks, each once. `resource` is the one that is being translated."""

    entries: list[Remark] = field(default_factory=list)
    resource: str | None = None

    def missing(self, place: str, reason: str) -> None:
        """Add a part of the original that the connector file lacks."""
        self._add(Remark("missing", place, reason, self.resource))

    def note(self, place: str, reason: str) -> None:
        """Add a part that is expressed in another way or needs a review."""
        self._add(Remark("note", place, reason, self.resource))

    def _add(self, remark: Remark) -> None:
        if remark not in self.entries:
            self.entries.append(remark)


@dataclass(frozen=True)
class ImportedConnector:
    """The text of a connector file, its schemas by resource, and the remarks."""

    name: str
    text: str
    schemas: Mapping[str, Mapping[str, Json]]
    remarks: tuple[Remark, ...]
    resources: tuple[str, ...]

    @property
    def missing(self) -> tuple[Remark, ...]:
        """The parts of the original that the connector lacks."""
        return tuple(remark for remark in self.remarks if remark.kind == "missing")

    @property
    def notes(self) -> tuple[Remark, ...]:
        """The parts that are expressed in another way or need a review."""
        return tuple(remark for remark in self.remarks if remark.kind == "note")


def write_imported(imported: ImportedConnector, file: Path) -> list[Path]:
    """Write the connector file, its schemas, and the editor's schema; return the first two.

    The folder `schemas` is beside the folder of the connector file.
    """
    write_text(file, imported.text)
    paths = [file]
    folder = file.parent.parent / "schemas" / imported.name
    for name, schema in imported.schemas.items():
        text = json.dumps(schema, ensure_ascii=False, indent=2)
        if len(text) > _LARGE_SCHEMA:
            text = json.dumps(schema, ensure_ascii=False)
        paths.append(folder / f"{name}.json")
        write_text(paths[-1], text + "\n")
    write_editor_schema(folder.parent)
    return paths


def comments(data: Mapping[str, Json], remarks: tuple[Remark, ...]) -> dict[Pointer, list[str]]:
    """Return the remarks as comments at their resource, or at the top of the file."""
    positions = {resource["name"]: index for index, resource in enumerate(data["resources"])}
    lines: dict[Pointer, list[str]] = {(): [FIRST_LINE]}
    unused = [one.place.removeprefix("spec ") for one in remarks if one.reason == UNUSED]
    if unused:
        names = ", ".join(unused)
        lines[()] += wrap_comment(f"inputs left out, which the original never uses: {names}")
    for remark in remarks:
        if remark.reason == UNUSED:
            continue
        label = "NOT IMPORTED" if remark.kind == "missing" else "look"
        pointer: Pointer = ()
        if remark.resource in positions:
            pointer = ("resources", positions[remark.resource])
        lines.setdefault(pointer, []).extend(
            wrap_comment(f"{label}: {remark.reason} ({remark.place})")
        )
    return lines


def wrap_comment(text: str) -> list[str]:
    """Return a text as the lines of a comment, in plain characters."""
    plain = _NOT_IN_COMMENTS.sub(lambda match: ascii(match[0])[1:-1], text)
    return textwrap.wrap(
        " ".join(plain.split()), _COMMENT_WIDTH, break_long_words=False, break_on_hyphens=False
    )


def report_errors(
    data: Mapping[str, Json], connector: str, remarks: Remarks, checked: Collection[str] = ()
) -> None:
    """Report as missing whatever `validate` does not accept in the connector file.

    The files of its schemas are not written yet. Codes in `checked` are told as checks.
    """
    known = ("schema-missing", *checked)
    file = Path("connectors") / f"{connector}.yaml"
    document, findings = parse_document(yaml_text(data, {}), str(file))
    if document is not None:
        location = Location(connector, file, Path(), str(file))
        findings = list(validate_document(document, location, findings).findings)
    for finding in findings:
        if finding.severity == "error" and finding.code not in known:
            place = "" if document is None else _place_of(document, finding.line)
            reason = f"this is not valid here: {finding.message} [{finding.code}]"
            remarks.missing(place or "the file", reason)


def _place_of(document: Document, line: int) -> str:
    """Return the place of the resource, or the part of the file, that a line belongs to."""
    place = ""
    for key in ("client", "resource_defaults", "resources"):
        found = document.root.child(key)
        if found is None or found[0][0] >= line:
            continue
        place = key
        items = found[1].items
        for index, item in enumerate(items if isinstance(items, list) else []):
            if item.line < line:
                place = f"{key}[{index}]"
    return place
