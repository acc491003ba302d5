"""Values of a partition from a file beside the connector: CSV with a header, or JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from framework.definition.values.value_files import path_problem
from framework.errors import RecordError
from framework.text import count_noun, join_words, json_type

Json = Any
LARGEST_FILE = 200_000_000
"""Bytes of a file of values."""


def file_values(root: Path, path: str, field: str, place: str) -> Iterator[Json]:
    """Yield the field's value of each row, without empty ones; texts from CSV.

    `path` is relative to `root`, the folder that holds `connectors/`. Raise RecordError for a file
    that cannot be read, is elsewhere, or lacks the field.
    """
    problem = path_problem(root, path)
    if problem is not None:
        raise RecordError(f"{place}: found the file {path}, {problem}")
    file = root / path
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise RecordError(
                f"{place}: {path} has more than {LARGEST_FILE // 1_000_000} MB; use fewer values"
            )
        with file.open(encoding="utf-8-sig", newline="") as lines:
            read = READERS[file.suffix.lower()]
            yield from read(lines, field, f"{place}: {path}")
    except OSError as error:
        raise RecordError(
            f"{place}: cannot read {path}: {error.strerror}. It is relative to the folder that "
            "holds connectors/"
        ) from None
    except UnicodeDecodeError:
        raise RecordError(f"{place}: {path} is not in UTF-8; convert it") from None


def _csv(lines: Iterator[str], field: str, place: str) -> Iterator[Json]:
    first = next(lines, "")
    delimiter = max(",;\t|", key=first.count)
    names = next(csv.reader([first], delimiter=delimiter), [])
    if field not in names:
        raise RecordError(
            f"{place} has no column {field}; its {count_noun(len(names), 'column')} "
            f"{'is' if len(names) == 1 else 'are'} {join_words(names) or 'nothing'}"
        )
    number = names.index(field)
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            if len(row) > number and row[number] != "":
                yield row[number]
    except csv.Error as error:
        raise RecordError(f"{place} is not valid CSV: {error}") from None


def _json_lines(lines: Iterator[str], field: str, place: str) -> Iterator[Json]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise RecordError(f"{place}:{number}: found no JSON, expected an object") from None
        if not isinstance(row, dict) or field not in row:
            found = f"an object without {field}" if isinstance(row, dict) else json_type(row)
            raise RecordError(f"{place}:{number}: found {found}, expected an object with {field}")
        if row[field] is not None:
            yield row[field]


READERS: Mapping[str, Callable[[Iterator[str], str, str], Iterator[Json]]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}
"""What reads a file, by its ending."""
