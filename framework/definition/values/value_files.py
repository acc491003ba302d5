"""Which files of values a connector may name, so that one that is not trusted sends no others."""

from __future__ import annotations

from pathlib import Path

from framework.text import join_words

ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson")


def path_problem(root: Path, path: str) -> str | None:
    """Return why a connector must not read a file, None if it may.

    `root` is the folder that holds `connectors/`; the path is relative to it.
    """
    if Path(path).suffix.lower() not in ENDINGS:
        return f"expected one that ends with {join_words(ENDINGS, last='or')}"
    file, whole = (root / path).resolve(), root.resolve()
    if not file.is_relative_to(whole):
        return "expected one in the project's folder: a connector reads no other files"
    if any(part.startswith(".") for part in file.relative_to(whole).parts):
        return "expected one that is not hidden"
    return None
