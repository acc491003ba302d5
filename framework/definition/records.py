"""The JSON Schema of a resource's records: inline, or a file in schemas/<connector>/.

Reads files; whether what they hold is a JSON Schema is judged in `checks.schemas`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.definition.finder import schema_folder
from framework.definition.json_schema import SchemaError
from framework.definition.jsonwords import schema_error
from framework.definition.record_schema import Table, field_schema, table_of
from framework.text import did_you_mean

if TYPE_CHECKING:
    from framework.definition.defaults import Merged
    from framework.definition.finder import Location
    from framework.definition.yaml_reader import Pointer

Json = Any

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_LARGEST = 5_000_000


@dataclass(frozen=True)
class RecordSchema:
    """What a resource's `schema` leads to. `file` is the file it names, or None where the schema
    stands in the connector; `problem` is why there is no usable `data`."""

    pointer: Pointer
    data: Json = None
    file: Path | None = None
    code: str | None = None
    problem: str | None = None

    @property
    def usable(self) -> Mapping[str, Json] | None:
        """The schema, where it is a mapping and nothing is wrong with reading it."""
        return self.data if self.problem is None and isinstance(self.data, dict) else None

    @cached_property
    def error(self) -> Any | None:
        """What JSON Schema has against the schema, as jsonschema's error."""
        try:
            return None if self.usable is None else schema_error(self.usable)
        except RecursionError:
            return SchemaError("nested too deeply")

    @cached_property
    def table(self) -> Table | None:
        """The tables that it declares; None where it declares no fields."""
        schema = self.usable
        root = None if schema is None else field_schema(schema, ())
        if schema is None or root is None or not isinstance(root.get("properties"), dict):
            return None
        return table_of(schema)


def load_schema(merged: Merged, location: Location) -> RecordSchema | None:
    """The schema that a resource declares, or None. Never raises: what is wrong is in `problem`."""
    written = merged.data.get("schema")
    pointer = merged.place("schema")
    if isinstance(written, dict):
        return RecordSchema(pointer, written)
    if not isinstance(written, str):
        return None
    # a name that leads out of the folder is no name
    if not _NAME.fullmatch(written):
        problem = (
            f"found {written or 'nothing'}, expected the name of a file without folder and "
            f"ending, such as users for schemas/{location.name}/users.json"
        )
        return RecordSchema(pointer, code="schema-name", problem=problem)
    folder = schema_folder(location)
    file = folder / f"{written}.json"
    shown = _shown(file, location)
    if not file.is_file():
        problem = f"there is no file {shown}{_near(folder, written)}"
        return RecordSchema(pointer, file=file, code="schema-missing", problem=problem)
    code = "schema-unreadable"
    try:
        raw = file.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return RecordSchema(pointer, None, file, code, f"{shown} cannot be read: {reason}")
    if len(raw) > _LARGEST:
        return RecordSchema(pointer, None, file, code, f"{shown} is larger than 5 MB")
    try:
        return RecordSchema(pointer, json.loads(raw), file)
    except json.JSONDecodeError as error:
        problem = f"{shown} is no JSON: {error.msg} in its line {error.lineno}"
    except (UnicodeDecodeError, RecursionError):
        problem = f"{shown} is no JSON"
    return RecordSchema(pointer, None, file, code, problem)


def _shown(file: Path, location: Location) -> str:
    """The file as messages name it: from the same folder as the connector's own name."""
    beside = Path(location.display).parent
    if location.path.absolute().parent != location.root.absolute():
        beside = beside.parent if beside.name else beside / ".."
    return (beside / file.relative_to(location.root)).as_posix()


def _near(folder: Path, written: str) -> str:
    try:
        names = sorted(path.stem for path in folder.glob("*.json"))
    except OSError:
        names = []
    return did_you_mean(written, names) or "; write it, or write the schema itself here"
