"""Find a connector by name or file: the user's own connectors first, then the bundled ones.

Knows folders and file names only; the only files read are the bundled schemas.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import UsageError
from framework.text import nearest

if TYPE_CHECKING:
    from framework.definition.model import Connector

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Location:
    """A connector file; `display` is its name in messages.

    `root` is the folder of its connectors/, schemas/, queries/ and cassettes/.
    """

    name: str
    path: Path
    root: Path
    display: str

    def display_of(self, file: Path) -> str:
        """Return a file below `root` as messages name it: from where `display` starts."""
        revision, colon, path = self.display.rpartition(":")  # of git, as in HEAD:connectors/x.yaml
        beside = Path(path).parent
        if self.path.absolute().parent != self.root.absolute():
            beside = beside.parent if beside.name else beside / ".."
        return revision + colon + (beside / file.relative_to(self.root)).as_posix()


def bundled_root() -> Path:
    """Return the folder of the bundled connectors/, schemas/ and cassettes/.

    That is `framework/` itself in a wheel, and the folder above it in a checkout.
    """
    package = Path(__file__).resolve().parent.parent
    return package if (package / "connectors").is_dir() else package.parent


def discover_connectors(connectors: Path | None = None) -> list[Location]:
    """Return the user's own connectors (in ./connectors, or in `connectors`), then bundled ones.

    An own connector hides a bundled one of the same name. Raise UsageError if `connectors` is not
    a folder.
    """
    own = _own(connectors)
    names = {location.name for location in own}
    return own + [location for location in bundled_connectors() if location.name not in names]


def own_connectors(connectors: Path | None = None) -> list[Location]:
    """Return the user's own connectors, or the bundled ones if there are none."""
    return _own(connectors) or bundled_connectors()


def bundled_connectors() -> list[Location]:
    """Return the connectors that are part of the package."""
    return _inside(bundled_root() / "connectors")


def find_connector(name_or_file: str, connectors: Path | None = None) -> Location:
    """Return the connector of that name, or the file if it contains `/` or ends in `.yaml`.

    A file need not exist. Raise UsageError if a name is not known.
    """
    if is_file_name(name_or_file):
        return _of_file(Path(name_or_file), name_or_file)
    locations = discover_connectors(connectors)
    for location in locations:
        if location.name == name_or_file:
            return location
    raise UsageError(_unknown(name_or_file, [one.name for one in locations], connectors))


def is_file_name(name_or_file: str) -> bool:
    """Return whether the text names a file, not a connector."""
    separators = {"/", os.sep, os.altsep or "/"}
    return name_or_file.endswith(_SUFFIXES) or any(mark in name_or_file for mark in separators)


def cassette_path(location: Location) -> Path:
    """Return the path of the connector's recording, which need not exist."""
    return location.root / "cassettes" / f"{location.name}.yaml"


def expected_path(location: Location | Connector) -> Path:
    """Return the file of the tables that the recording must give, which need not exist."""
    return location.root / "cassettes" / f"{location.name}.expected.yaml"


def schema_folder(location: Location) -> Path:
    """Return the folder of the connector's record schemas, which need not exist."""
    return location.root / "schemas" / location.name


def query_folder(location: Location) -> Path:
    """Return the folder of the connector's GraphQL queries, which need not exist."""
    return location.root / "queries" / location.name


@cache
def _shared_schema_text(name: str) -> str:
    return (bundled_root() / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")


def shared_schema(name: str) -> dict[str, Any]:
    """Return a bundled JSON Schema: `connector`, `finding`, `run-report`, ..."""
    schema: dict[str, Any] = json.loads(_shared_schema_text(name))
    return schema


def _own(connectors: Path | None) -> list[Location]:
    folder = Path("connectors") if connectors is None else connectors
    if connectors is not None and not folder.is_dir():
        reason = "it is a file" if folder.exists() else "there is no such folder"
        raise UsageError(f"--connectors {folder}: {reason}")
    return _inside(folder)


def _inside(folder: Path) -> list[Location]:
    """Return the connectors of a folder, sorted by name.

    A subfolder named like one is included: reading it reports the mistake.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".yaml")
    except OSError:
        return []
    return [_of_file(path, str(path)) for path in paths if not path.name.startswith(".")]


def _of_file(path: Path, display: str) -> Location:
    folder = path.absolute().parent
    root = folder.parent if folder.name == "connectors" else folder
    name = path.name
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return Location(name, path, root, display)


def _unknown(name: str, known: list[str], connectors: Path | None) -> str:
    near = nearest(name, known)
    if near:
        return f"there is no connector {name}; did you mean {near}?"
    folder = "connectors" if connectors is None else str(connectors)
    if Path(name).exists():
        return f"there is no connector {name}; to read the file, write ./{name}"
    listed = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
    return (
        f"there is no connector {name} in {folder}/ or among the bundled ones "
        f"({listed or 'none'}); the name of a file contains a / or ends in .yaml"
    )
