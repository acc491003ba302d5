"""What one process of the studio knows: the project, and what the user has set in this session."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from framework.definition.finder import Location
from framework.errors import FrameworkError, UsageError
from framework.runtime.redaction import Redactor
from framework.studio.json_answers import RequestRefused
from framework.workspace.host_guard import HostGuard
from framework.workspace.project_folder import ProjectFolder, ProjectText
from framework.workspace.project_secrets import add_project_secrets

Json = Any
LONGEST_VALUE = 100_000
"""Characters of a secret: a key in PEM format has a few thousand."""


@dataclass
class StudioSession:
    """One project that is open. Thread-safe.

    `redactor` masks the secrets of the environment, of the settings files, and those typed here.
    """

    folder: ProjectFolder
    redactor: Redactor
    _values: dict[str, dict[str, Json]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _settings: threading.Event = field(default_factory=threading.Event, repr=False)

    @classmethod
    def of(cls, folder: ProjectFolder, redactor: Redactor) -> StudioSession:
        """Return the session of a project, whose secrets the redactor learns."""
        add_project_secrets(redactor, folder)
        return cls(folder, redactor)

    def location(self, name: Json) -> Location:
        """Return a connector by its name. Raise RequestRefused if there is none."""
        if not isinstance(name, str):
            raise UsageError("`name` is missing, expected the name of a connector")
        try:
            return self.folder.location(name)
        except UsageError as error:
            raise RequestRefused(404, str(error)) from None

    def read(self, name: Json) -> ProjectText:
        """Return a connector's file. Raise RequestRefused if it is not there."""
        location = self.location(name)
        if not location.path.exists():
            raise RequestRefused(404, f"there is no file {location.display}")
        return self.folder.read(location.display)

    def values(self, name: str) -> Mapping[str, Json]:
        """Return what was set for a connector, by entry."""
        with self._lock:
            return dict(self._values.get(name, {}))

    def forget_values(self, name: str) -> None:
        """Forget what was set for a connector that is gone: another may get its name."""
        with self._lock:
            self._values.pop(name, None)

    def set_value(self, request: Mapping[str, Json]) -> None:
        """Remember a secret or a config value; with `store`, write the secret for later sessions.

        A value is a secret unless the file declares a config entry of that name. The empty text
        forgets the value.
        """
        connector, name, value = (request.get(key) for key in ("connector", "name", "value"))
        if not isinstance(name, str) or not name.isidentifier():
            raise UsageError("`name` is missing, expected the name of a secret or a config entry")
        if not isinstance(value, (str, int, float)) or len(str(value)) > LONGEST_VALUE:
            raise UsageError(
                f"`value` of {name} is not a text of at most {LONGEST_VALUE:,} characters"
            )
        location = self.location(connector)
        text = str(value).strip()
        is_config = name in _config_names(location)
        if not is_config:
            self.redactor.add(text)
        if request.get("store"):
            self._store(location, name, text, is_config=is_config)
        with self._lock:
            values = self._values.setdefault(location.name, {})
            if text:
                values[name] = value if is_config else text
            else:
                values.pop(name, None)

    def _store(self, location: Location, name: str, text: str, *, is_config: bool) -> None:
        from framework.login.secrets_file import write_secret

        if is_config or not text:
            raise UsageError("only the value of a secret is kept in .dlt/secrets.toml")
        file = self.folder.root / ".dlt" / "secrets.toml"
        if not file.resolve().is_relative_to(self.folder.root):
            raise UsageError(".dlt/secrets.toml is a link that leads out of the project's folder")
        try:
            write_secret(file, location.name, name, text)
        except FrameworkError as error:
            raise FrameworkError(str(error).replace(f"{self.folder.root}{os.sep}", "")) from None

    def is_set(self, connector: str, name: str, key: str | None) -> bool:
        """Return whether an entry has a value: of this session, or in dlt's settings."""
        from framework.runtime.settings import has_value

        if name in self.values(connector):
            return True
        self.read_settings()
        return has_value(connector, name, key)

    def read_settings(self) -> None:
        """Import dlt with our defaults, and learn the secrets of all of its settings files.

        The first call takes half a second, so it is made in a thread before it is needed.
        """
        from framework.load.dlt_defaults import set_defaults
        from framework.runtime.secret_sources import add_settings_files

        with self._lock:
            if not self._settings.is_set():
                set_defaults()
                add_settings_files(self.redactor)
                self._settings.set()

    def guard(self, location: Location) -> HostGuard:
        """Return which hosts get the connector's credentials: those of its file as it is saved.

        So what is typed and not saved sends no credential to another host.
        """
        files: Iterable[Location] = (location,) if location.path.exists() else ()
        guard = HostGuard.of_files(files, given=self.values(location.name))
        return replace(guard, source="the saved file has", remedy="save the file, and start again")

    def is_writable(self, path: Path) -> bool:
        """Return whether a path is one of the project's."""
        return path.resolve().is_relative_to(self.folder.root)


def _config_names(location: Location) -> frozenset[str]:
    from framework.definition.yaml_reader import read_document

    document, _ = read_document(location.path)
    data = None if document is None else document.data
    entries = data.get("config") if isinstance(data, dict) else None
    return frozenset(map(str, entries)) if isinstance(entries, dict) else frozenset()
