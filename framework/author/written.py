"""Files that we write for people: connector files and schemas, their folders made."""

from __future__ import annotations

from pathlib import Path

from framework.errors import FrameworkError
from framework.spec.locate import bundled_root


def write_text(path: Path, text: str) -> None:
    """Write the file; FrameworkError where that is not allowed or not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FrameworkError(f"{path} cannot be written: {error.strerror}") from None


def give_schema(folder: Path) -> None:
    """The JSON Schema where a connector file's first line says it is, for the editor."""
    name = "connector.schema.json"
    if not (folder / name).exists():
        text = (bundled_root() / "schemas" / name).read_text(encoding="utf-8")
        write_text(folder / name, text)
