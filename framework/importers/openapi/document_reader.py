"""Read one document, from a file or the web: JSON or YAML, within limits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from framework.definition.yaml_limits import LimitExceeded, Limits, load_limited, read_limited
from framework.importers.import_report import ManifestError
from framework.importers.openapi.large_yaml import Unusual, data_of, text_key

Json = Any

LIMITS = Limits(size=50_000_000, values=6_000_000)
_SECONDS = 30
_BEGINNING = 2_000
_HTML = re.compile(r"\s*(<!--.*?-->\s*)*<(!doctype html|html|head)\b", re.IGNORECASE | re.DOTALL)


class _TextLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which dates stay text: examples are full of them."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def is_url(source: str) -> bool:
    """Return whether a source is an address of the web."""
    return urlsplit(source).scheme in ("http", "https")


def shown_address(source: str) -> str:
    """Return a file or address as messages name it: without credentials and parameters."""
    if "://" not in source:
        return source
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def read_file(path: Path, place: str) -> Json:
    """Return the data of a file, which messages call `place`. Raise ManifestError."""
    try:
        return _parsed(read_limited(path, LIMITS.size), place)
    except LimitExceeded as error:
        raise ManifestError(f"{place}: {error}") from None
    except OSError as error:
        raise ManifestError(f"{place}: cannot be read: {error.strerror or error}") from None


def read_url(address: str) -> Json:
    """Return the data of a document of the web. Raise ManifestError."""
    import requests

    place = shown_address(address)
    try:
        with requests.get(address, timeout=_SECONDS, stream=True) as response:
            if response.status_code >= 400:
                status = f"{response.status_code} {response.reason or ''}".strip()
                raise ManifestError(f"{place}: cannot be read: the response is {status}")
            raw = b""
            for piece in response.iter_content(1 << 16):
                raw += piece
                if len(raw) > LIMITS.size:
                    raise ManifestError(f"{place}: is larger than {LIMITS.size:,} bytes")
    except requests.Timeout:
        raise ManifestError(f"{place}: cannot be read: no response in {_SECONDS} s") from None
    except requests.ConnectionError:
        raise ManifestError(f"{place}: cannot be read: there is no connection") from None
    except requests.RequestException as error:
        raise ManifestError(f"{place}: cannot be read: {type(error).__name__}") from None
    return _parsed(raw, place)


def _parsed(raw: bytes, place: str) -> Json:
    try:
        text = raw.decode("utf-8-sig")
        if _HTML.match(text[:_BEGINNING]):
            raise ManifestError(f"{place}: is an HTML page; use the address of the file behind it")
        problem = None
        if text.lstrip()[:1] in ("{", "["):
            try:
                return json.loads(text)
            except json.JSONDecodeError as error:  # YAML has such texts too
                problem = f"{place}:{error.lineno}:{error.colno}: is not valid JSON: {error.msg}"
        try:
            return data_of(text, _TextLoader, LIMITS)
        except Unusual:
            return _with_text_keys(load_limited(text, _TextLoader, LIMITS))
    except UnicodeDecodeError:
        raise ManifestError(f"{place}: is not UTF-8 text; save it as UTF-8") from None
    except LimitExceeded as error:
        raise ManifestError(f"{place}: {error}") from None
    except yaml.YAMLError as error:
        if problem:
            raise ManifestError(problem) from None
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise ManifestError(f"{place}{where}: is not valid YAML: {problem}") from None
    except RecursionError:
        raise ManifestError(f"{place}: is nested too deeply") from None
    except ValueError as error:
        raise ManifestError(f"{place}: cannot be read: {type(error).__name__}") from None


def _with_text_keys(data: Json) -> Json:
    """Make every key text: in YAML `200:` is a number. Values that aliases share stay shared."""
    stack, seen = [data], set[int]()
    while stack:
        value = stack.pop()
        if not isinstance(value, (dict, list)) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                entries = {text_key(key): one for key, one in value.items()}
                value.clear()
                value.update(entries)
            stack += value.values()
        else:
            stack += value
    return data
