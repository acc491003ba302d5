"""Files below a project's folder, by names that come from a page or an agent.

A name never leads out of the folder: not by `..`, by a link, as an absolute path or in the spelling
of another system. Hidden files and files of secrets cannot be read through it.
"""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from framework.authoring.scaffold.file_writer import write_text
from framework.definition.finder import (
    Location,
    bundled_connectors,
    bundled_root,
    discover_connectors,
    find_connector,
    is_file_name,
)
from framework.definition.yaml_limits import LimitExceeded, read_limited
from framework.definition.yaml_reader import MAX_BYTES
from framework.errors import FrameworkError, UsageError
from framework.text import nearest

BUNDLED = "bundled:"
"""What stands before the path of a bundled connector in messages: this machine's is not shown."""
_FOLDERS = ("connectors", "schemas", "queries", "cassettes")
"""Folders of the framework's own files: a resource may be called `secrets`."""
_SECRET = re.compile(
    r"secrets?\.(toml|ya?ml|json|ini|txt|env)|.*(credential|password|passwd|service[-_]?account"
    r"|client[-_]?secret).*|id_(rsa|dsa|ecdsa|ed25519).*|.*\.(pem|key|p12|pfx|p8|jks|keystore|ppk"
    r"|kdbx|env)"
)
_SHORT_NAME = re.compile(r"~\d")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\..*)?")


class PathRefused(UsageError):
    """A name that leads out of the project's folder, or to what must not be read."""


class FileChanged(FrameworkError):
    """A file has another text than the one that a change was made for."""


@dataclass(frozen=True)
class ProjectText:
    """A text as it is in a file, secrets included, with its revision."""

    location: Location
    text: str
    is_bundled: bool

    @property
    def revision(self) -> str:
        """What tells this text from others."""
        return revision_of(self.text)


@dataclass(frozen=True)
class ProjectFolder:
    """The folder of a project. `connectors` is that of its connector files, below it."""

    root: Path
    connectors: Path

    @classmethod
    def of(cls, root: Path, connectors: Path | None = None) -> ProjectFolder:
        """Return the folder. Raise UsageError if its connectors are not below it."""
        root = root.resolve()
        folder = root / "connectors" if connectors is None else connectors.resolve()
        if not folder.is_relative_to(root):
            raise UsageError(
                f"--connectors {connectors} is not below this folder; start the command in the "
                "project's folder"
            )
        if connectors is not None and not folder.is_dir():
            raise UsageError(f"--connectors {connectors} is not a folder")
        return cls(root, folder)

    def resolve(self, name: str) -> Path:
        """Return the path of a file or folder, which need not exist, with its links followed.

        Raise PathRefused if it is not one of the project's.
        """
        parts = _parts(name)
        self._refuse_hidden(parts, name)
        path = self.root.joinpath(*parts)
        if _is_circle(path):
            raise PathRefused(f"{_shown(name)} cannot be followed: a link leads to itself")
        resolved = path.resolve()
        if not resolved.is_relative_to(self.root):
            raise PathRefused(f"{_shown(name)} is a link that leads out of the project's folder")
        self._refuse_hidden(resolved.relative_to(self.root).parts, name)
        return resolved

    def name_of(self, path: Path) -> str:
        """Return the name of a file of the project, with `/`."""
        return path.resolve().relative_to(self.root).as_posix()

    def locations(self) -> Iterator[Location]:
        """Yield the project's own connectors, then bundled ones, without links that lead out."""
        own = self.connectors if self.connectors.is_dir() else None
        found = bundled_connectors() if own is None else discover_connectors(own)
        for location in found:
            if self.is_bundled(location):
                yield _bundled(location)
                continue
            try:
                yield self._own(location.path.relative_to(self.root).as_posix())
            except (PathRefused, ValueError):
                continue

    def location(self, name_or_file: str) -> Location:
        """Return the connector of that name, or the file below the folder, which need not exist.

        Raise UsageError if there is none.
        """
        if name_or_file.startswith(BUNDLED):
            name_or_file = Path(name_or_file.removeprefix(BUNDLED)).stem
        elif is_file_name(name_or_file) or "\\" in name_or_file:
            return self._own(name_or_file)
        known = {one.name: one for one in self.locations()}
        if name_or_file in known:
            return known[name_or_file]
        near = nearest(name_or_file, known)
        hint = f"; did you mean {near}?" if near else f"; there are {', '.join(known) or 'none'}"
        raise UsageError(f"there is no connector {_shown(name_or_file)}{hint}")

    def is_bundled(self, location: Location) -> bool:
        """Return whether a connector comes with the framework, and is not of this project."""
        path = location.path.absolute()
        package = bundled_root()
        if (package / "__init__.py").exists() and path.is_relative_to(package):
            return True
        return path.is_relative_to(package) and not path.is_relative_to(self.root)

    def read(self, name_or_file: str) -> ProjectText:
        """Return a connector's text, or that of a file. Raise FrameworkError if it is not there."""
        location = self.location(name_or_file)
        return ProjectText(location, self._text(location), self.is_bundled(location))

    def read_text(self, name: str) -> str:
        """Return the text of any file of the project. Raise FrameworkError if there is none."""
        return text_of(self.resolve(name), name)

    def _text(self, location: Location) -> str:
        return text_of(location.path, location.display)

    def write(self, name: str, text: str, revision: str | None = None) -> ProjectText:
        """Write a file, whole or not at all, which keeps its mode; return what it has now.

        `revision` is that of the text that was changed, "" for a file that must not exist yet.
        Raise FileChanged if the file has another one, PathRefused if it must not be written.
        """
        path = self.resolve(name)
        package = bundled_root()
        if (package / "__init__.py").exists() and path.is_relative_to(package):
            raise PathRefused(f"{_shown(name)} comes with the framework, and is not changed")
        if path.is_dir():
            raise PathRefused(f"{_shown(name)} is a folder")
        if len(text) > MAX_BYTES:
            raise UsageError(f"the text is larger than {MAX_BYTES // 1_000_000} MB")
        if revision is not None:
            self._refuse_changed(path, name, revision)
        try:
            write_text(path, text)
        except FrameworkError as error:  # its path is this machine's
            raise FrameworkError(str(error).replace(str(self.root) + "/", "")) from None
        return ProjectText(self._own(name), text, is_bundled=False)

    def _refuse_changed(self, path: Path, name: str, revision: str) -> None:
        if not path.exists():
            if revision:
                raise FileChanged(f"{name} is gone; write it without a revision to create it")
        elif not revision:
            raise FileChanged(f"{name} exists; read it, and pass its revision to replace it")
        elif revision_of(text_of(path, name)) != revision:
            raise FileChanged(f"{name} has changed since it was read; read it again")

    def _own(self, name: str) -> Location:
        name = name.removeprefix("./")
        self.resolve(name)
        return replace(find_connector(str(self.root / name)), display=name)

    def _refuse_hidden(self, parts: tuple[str, ...], name: str) -> None:
        if any(part.startswith(".") for part in parts):
            raise PathRefused(f"{_shown(name)} is hidden, or in a hidden folder; it is not opened")
        is_own = len(parts) > 1 and parts[0] in _FOLDERS and not parts[-1].endswith(".toml")
        if parts and not is_own and _SECRET.fullmatch(parts[-1].casefold()):
            raise PathRefused(f"{_shown(name)} may hold secrets; it is not opened")


def revision_of(text: str) -> str:
    """Return what tells a text from others: the beginning of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _parts(name: str) -> tuple[str, ...]:
    """Return the parts of a name that is the same on every system. Raise PathRefused for others."""
    if not name or len(name) > 1_000 or any(ord(mark) < 32 for mark in name):
        raise PathRefused("expected the name of a file below the project's folder")
    if "\\" in name or ":" in name:
        raise PathRefused(
            f"{_shown(name)} is not a name below the project's folder; write it with /, without a "
            "drive"
        )
    if name.startswith(("/", "~")):
        raise PathRefused(f"{_shown(name)} is not below the project's folder; write its name there")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    for part in parts:
        if part == "..":
            raise PathRefused(f"{_shown(name)} contains .., which leads out of the folder")
        if part.endswith((".", " ")) or part.startswith(" ") or _SHORT_NAME.search(part):
            raise PathRefused(f"{_shown(name)} is another spelling of a name; write it as it is")
        if _DEVICE.fullmatch(part.casefold()):
            raise PathRefused(f"{_shown(name)} is a device on some systems, expected a file")
    return parts


def _is_circle(path: Path) -> bool:
    """Return whether links lead in a circle, which only some Pythons' `resolve` refuses."""
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _shown(name: str) -> str:
    return ascii(name if len(name) <= 80 else name[:79] + "…")


def text_of(path: Path, name: str) -> str:
    """Return the text of a file; `name` is that in messages. Raise FrameworkError for others."""
    try:
        return read_limited(path, MAX_BYTES).decode("utf-8-sig")
    except LimitExceeded as error:
        raise FrameworkError(f"{name} {error}") from None
    except UnicodeDecodeError:
        raise FrameworkError(f"{name} is not a text in UTF-8") from None
    except FileNotFoundError:
        raise UsageError(f"there is no file {name} in the project's folder") from None
    except OSError as error:
        raise FrameworkError(f"{name} cannot be read: {error.strerror or error}") from None


def _bundled(location: Location) -> Location:
    return replace(location, display=f"{BUNDLED}connectors/{location.path.name}")
