"""Write files for people: connectors, schemas, cassettes."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from framework.definition.finder import bundled_root
from framework.errors import FrameworkError


def write_text(path: Path, text: str, error_type: type[FrameworkError] = FrameworkError) -> None:
    """Write the whole file, or nothing. Raise `error_type` if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path = path.resolve()  # a link stays a link
        draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            draft.write_text(text, encoding="utf-8", newline="\n")
            if path.exists():
                shutil.copymode(path, draft)
            os.replace(draft, path)  # noqa: PTH105 - the one atomic step
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise error_type(f"{path} cannot be written: {error.strerror or error}") from None


def refuse_bundled(root: Path, name: str) -> None:
    """Raise FrameworkError if the connector's files are part of the installed package."""
    if root == bundled_root() and (root / "__init__.py").exists():
        raise FrameworkError(
            f"{name} comes with the framework, and nothing is written into its folder. Copy it "
            f"into your project with `framework new {name} --from {name}`; your copy is then used "
            "instead"
        )


def write_editor_schema(folder: Path) -> None:
    """Write the connector JSON Schema, to which a connector file's first line points."""
    name = "connector.schema.json"
    if not (folder / name).exists():
        text = (bundled_root() / "schemas" / name).read_text(encoding="utf-8")
        write_text(folder / name, text)
