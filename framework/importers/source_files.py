"""Read another tool's file as plain data, and name what is made of it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from framework.definition.values.naming import normalize_identifier
from framework.definition.yaml_limits import LimitExceeded, Limits, load_limited, read_limited
from framework.importers.import_report import ManifestError
from framework.runtime.redacted_output import process_redactor

Json = Any

LIMITS = Limits(size=50_000_000)
_GENERIC_NAMES = ("manifest", "connector_manifest", "source")


def read_data(path: Path) -> Json:
    """Return a YAML or JSON file as plain data; dates stay text. Raise ManifestError if the file
    cannot be read.

    Secrets that are written in it are not printed.
    """
    data = _contents(path)
    process_redactor().add_literals(data)
    return data


def _contents(path: Path) -> Json:
    try:
        text = read_limited(path, LIMITS.size).decode("utf-8-sig")
    except LimitExceeded as error:
        raise ManifestError(f"{path}: {error}") from None
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ManifestError(f"{path}: is not UTF-8 text") from None
    try:
        data = _parsed(text)
        _refuse_odd_values(data)
        return data
    except LimitExceeded as error:
        raise ManifestError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise ManifestError(f"{path}{place}: is not valid YAML: {problem}") from None
    except RecursionError:
        raise ManifestError(f"{path}: is nested too deeply") from None
    except ValueError as error:
        raise ManifestError(f"{path}: holds a value that cannot be read: {error}") from None


def _parsed(text: str) -> Json:
    if text.lstrip()[:1] == "{":
        # JSON is YAML, and a hundred times faster to read
        with suppress(ValueError):
            return json.loads(text)
    return load_limited(text, _TextDateLoader, LIMITS)


def _refuse_odd_values(data: Json) -> None:
    """Raise ValueError for a value that JSON does not have; what aliases share is seen once."""
    stack, seen = [data], set[int]()
    while stack:
        value = stack.pop()
        if isinstance(value, (dict, list)):
            if id(value) not in seen:
                seen.add(id(value))
                stack += [*value, *value.values()] if isinstance(value, dict) else value
        elif isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"the number {value}")
        elif isinstance(value, str):
            value.encode()
        elif value is not None and not isinstance(value, (bool, int, float)):
            raise ValueError(f"a {type(value).__name__}")


class _TextDateLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as Airbyte reads it, except that dates stay text."""


_TextDateLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def connector_name(path: Path) -> str:
    """Return a connector name from the file's name, or its folder's if that is generic."""
    stem = path.resolve().parent.name if path.stem in _GENERIC_NAMES else path.stem
    return free_name((re.sub(r"^source[-_]", "", stem),), set(), "connector")


def free_name(parts: tuple[str, ...], used: Collection[str], prefix: str = "input") -> str:
    """Return the parts joined by `_` as a valid name that is not yet used.

    A name that does not begin with a letter gets the prefix.
    """
    try:
        name = normalize_identifier("_".join(parts)).strip("_")
    except ValueError:
        name = ""
    name = re.sub(r"__+", "_", re.sub(r"[^a-z0-9_]", "_", name)).strip("_")
    if not name[:1].isalpha():
        name = f"{prefix}_{name}"
    name = name[:60].rstrip("_")
    candidate, number = name, 2
    while candidate in used:
        candidate, number = f"{name}_{number}", number + 1
    return candidate
