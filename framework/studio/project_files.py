"""The connectors of a project, and their files: listed, read, written, copied."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from framework import __version__
from framework.authoring.scaffold.connector_copy import copy_connector, root_of, write_copy
from framework.authoring.scaffold.file_writer import write_editor_schema
from framework.definition.defaults import merge_resources
from framework.definition.finder import (
    Location,
    bundled_root,
    cassette_path,
    expected_path,
    query_folder,
    schema_folder,
)
from framework.definition.validation import validate
from framework.definition.values.naming import NAME, SEPARATOR
from framework.errors import UsageError
from framework.studio.editor_texts import refuse_secrets
from framework.studio.json_answers import RequestRefused
from framework.studio.studio_session import StudioSession
from framework.workspace.project_folder import PathRefused, ProjectFolder

Json = Any
_COPY = "copy it into your project first: POST /api/copy, or the button Copy"


class ProjectFiles:
    """The files of one session. Thread-safe."""

    def __init__(self, session: StudioSession) -> None:
        self._session = session
        self._listed: dict[Path, tuple[Json, dict[str, Json]]] = {}
        self._writing = threading.Lock()

    def project(self) -> dict[str, Json]:
        """Return the project: the name of its folder, and its connectors."""
        folder = self._session.folder
        return {
            "folder": folder.root.name,
            "version": __version__,
            "connectors": [self._connector(location) for location in folder.locations()],
        }

    def file(self, request: Mapping[str, Json]) -> dict[str, Json]:
        """Return a connector's file. Raise RequestRefused if a secret is written in it."""
        found = self._session.read(request.get("name"))
        refuse_secrets(found.text, found.location.display, self._session.redactor)
        return {
            "name": found.location.name,
            "path": found.location.display,
            "text": found.text,
            "revision": found.revision,
            "bundled": found.is_bundled,
            **_recordings(found.location),
        }

    def save(self, request: Mapping[str, Json]) -> dict[str, Json]:
        """Write a connector's file, if it has still the revision that the text was made of."""
        location = self._session.location(request.get("name"))
        text, revision = request.get("text"), request.get("revision")
        if not isinstance(text, str) or not isinstance(revision, str):
            raise UsageError("`text` and `revision` are missing, expected two texts")
        if self._session.folder.is_bundled(location):
            raise RequestRefused(
                400, f"{location.name} comes with the framework, and is not changed", _COPY
            )
        refuse_secrets(text, location.display, self._session.redactor)
        with self._writing:
            text = _with_line_ends(text, self._session.folder.read(location.display).text)
            return {
                "revision": self._session.folder.write(location.display, text, revision).revision
            }

    def copy(self, request: Mapping[str, Json]) -> dict[str, Json]:
        """Copy a connector into the project under another name.

        Its schemas, queries and recording are copied too.
        """
        found, name = self._session.read(request.get("name")), self.new_name(request.get("to"))
        refuse_secrets(found.text, found.location.display, self._session.redactor)
        folder = self._session.folder
        copied = copy_connector(
            found.location,
            name,
            folder.connectors,
            recording=True,
            may_read=lambda path: is_within(folder, path),
            text=found.text,
        )
        refuse_secrets(copied.text, self._shown(name), self._session.redactor)
        for path in copied.targets(folder.connectors):
            folder.resolve(self._name_of(path))
        write_copy(
            copied,
            folder.connectors,
            lambda path, text: folder.write(self._name_of(path), text, ""),
            self._name_of,
        )
        self._created(name)
        return {"name": name}

    def new_name(self, name: Json) -> str:
        """Return the name of a connector that is to be created. Raise UsageError for others."""
        if not isinstance(name, str) or not NAME.fullmatch(name) or SEPARATOR in name:
            raise UsageError(
                "this is not a valid connector name; use lower-case letters, digits and single _, "
                "starting with a letter, such as shop"
            )
        if self._path(name).exists():
            raise RequestRefused(409, f"{self._shown(name)} already exists", "choose another name")
        return name

    def create(self, name: str, text: str) -> None:
        """Write a new connector file, and the schema that its first line names."""
        refuse_secrets(text, self._shown(name), self._session.redactor)
        self._session.folder.write(self._shown(name), text, "")
        self._created(name)

    def _created(self, name: str) -> None:
        """Forget values of an older connector of this name; write the schema for editors."""
        self._session.forget_values(name)
        if self._session.is_writable(self._root() / "schemas"):
            write_editor_schema(self._root() / "schemas")

    def write_schema(self, name: str, resource: str, schema: Mapping[str, Json]) -> None:
        """Write the schema of a resource of a new connector."""
        path = self._root() / "schemas" / name / f"{resource}.json"
        text = json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
        self._session.folder.write(self._session.folder.name_of(path), text)

    def _root(self) -> Path:
        """Return the folder beside which schemas are: as `Location.root` of a connector file."""
        return root_of(self._session.folder.connectors)

    def _name_of(self, path: Path) -> str:
        """Return the name of a file to write: links are judged by it, so none is followed here."""
        return path.relative_to(self._session.folder.root).as_posix()

    def _path(self, name: str) -> Path:
        return self._session.folder.connectors / f"{name}.yaml"

    def _shown(self, name: str) -> str:
        return self._path(name).relative_to(self._session.folder.root).as_posix()

    def _connector(self, location: Location) -> dict[str, Json]:
        """Return what the page lists of a connector; it is judged anew when a file has changed."""
        stamp = [*_stamps(location)]
        known = self._listed.get(location.path)
        if known is None or known[0] != stamp:
            known = stamp, self._judged(location)
            self._listed[location.path] = known
        return {**known[1], **_recordings(location)}

    def _judged(self, location: Location) -> dict[str, Json]:
        result = validate(location)
        data = None if result.document is None else result.document.data
        about = data.get("description") if isinstance(data, dict) else None
        category = data.get("category") if isinstance(data, dict) else None
        return {
            "name": location.name,
            "path": location.display,
            "bundled": self._session.folder.is_bundled(location),
            **({"category": category} if isinstance(category, str) else {}),
            "description": " ".join(about.split()) if isinstance(about, str) else "",
            "errors": sum(one.severity == "error" for one in result.findings),
            "resources": [
                {"name": one.name, "selected": one.data.get("selected") is not False}
                for one in merge_resources(data)
            ],
        }


def is_within(folder: ProjectFolder, path: Path) -> bool:
    """Return whether a path, its links followed, is the project's or the framework's."""
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError):
        return False
    if resolved.is_relative_to(bundled_root().resolve()):
        return True
    try:
        folder.resolve(resolved.relative_to(folder.root).as_posix())
    except (PathRefused, ValueError):
        return False
    return True


def _recordings(location: Location) -> dict[str, bool]:
    return {
        "cassette": cassette_path(location).is_file(),
        "expected": expected_path(location).is_file(),
    }


def _stamps(location: Location) -> Iterator[tuple[str, int, int]]:
    paths = [location.path]
    for folder in (schema_folder(location), query_folder(location)):
        paths += sorted(folder.glob("*")) if folder.is_dir() else []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        yield str(path), status.st_mtime_ns, status.st_size


def _with_line_ends(text: str, before: str) -> str:
    """Return a text with the line ends of the file: a page has one kind only."""
    is_crlf = "\r\n" in before and not re.search(r"(?<!\r)\n", before)
    return re.sub(r"\r?\n", "\r\n", text) if is_crlf else text
