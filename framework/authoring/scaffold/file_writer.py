"""Files that we write for people: connectors, schemas, recordings, their folders made."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from framework.definition.finder import bundled_root
from framework.errors import CassetteError, FrameworkError


def write_text(path: Path, text: str) -> None:
    """Write the file; FrameworkError where that is not allowed or not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FrameworkError(f"{path} cannot be written: {error.strerror}") from None


def refuse_bundled(root: Path, name: str) -> None:
    """FrameworkError where a connector's files would go into the installed package."""
    if root == bundled_root() and (root / "__init__.py").exists():
        raise FrameworkError(
            f"{name} comes with the framework, into whose folder nothing is written. Copy "
            f"{root / 'connectors' / name}.yaml into connectors/ of your project and "
            f"{root / 'schemas' / name} into schemas/: there it is yours, and is used instead"
        )


def give_schema(folder: Path) -> None:
    """The JSON Schema where a connector file's first line says it is, for the editor."""
    name = "connector.schema.json"
    if not (folder / name).exists():
        text = (bundled_root() / "schemas" / name).read_text(encoding="utf-8")
        write_text(folder / name, text)


def write_whole(path: Path, text: str) -> None:
    """Write the file whole or not at all; CassetteError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            draft.write_text(text, encoding="utf-8", newline="\n")
            os.replace(draft, path)  # noqa: PTH105 - the one atomic step
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise CassetteError(f"{path} cannot be written: {error.strerror or error}") from None
