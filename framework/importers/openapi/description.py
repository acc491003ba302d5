"""A description as it was read: its documents, and what a `$ref` in them leads to."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import yaml
from referencing import Registry, Specification
from referencing.exceptions import Unresolvable

from framework.definition.yaml_limits import LimitExceeded, Limits, load_limited, read_limited
from framework.importers.api_guesses.api_model.document_part import DocumentPart
from framework.importers.import_report import ManifestError
from framework.importers.openapi.large_yaml import Unusual, data_of, text_key

Json = Any

LIMITS = Limits(size=50_000_000, values=6_000_000)
_MAX_CHAIN = 30
"""References to references; a longer chain is circular."""
_MAX_DOCUMENTS = 200
_SECONDS = 30
_VERSIONS = ("openapi", "swagger")


class _TextLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML in which dates stay text: examples are full of them."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass
class Description:
    """All documents of a description.

    `broken` are the references that lead nowhere, with the reason; each is noted once.
    """

    root: DocumentPart
    allow_remote: bool = False
    broken: dict[str, str] = field(default_factory=dict)
    _found: dict[tuple[str, str], DocumentPart | None] = field(default_factory=dict)
    _registry: Any = None
    _documents: int = 1

    def __post_init__(self) -> None:
        resource = Specification.OPAQUE.create_resource(self.root.value)
        registry: Any = Registry(retrieve=self._retrieve)  # type: ignore[call-arg]
        self._registry = registry.with_resource(self.root.base, resource)

    @property
    def is_swagger(self) -> bool:
        """Whether this is Swagger 2.0."""
        return str(self.root.value.get("swagger", "")).startswith("2")

    def resolve(self, node: DocumentPart) -> DocumentPart:
        """Return what a node's `$ref` leads to; the node itself if it has none.

        A reference that leads nowhere, or in a circle, gives an empty mapping.
        """
        for _ in range(_MAX_CHAIN):
            value = node.value
            reference = value.get("$ref") if isinstance(value, dict) else None
            if not isinstance(reference, str):
                return node
            target = self._target(node.base, reference)
            if target is None:
                return DocumentPart({}, node.base, node.trail)
            address = urljoin(node.base, reference)
            others = {key: one for key, one in value.items() if key != "$ref"}
            merged = target.value
            if others and isinstance(merged, dict):
                merged = {**merged, **{key: others[key] for key in others if key != "properties"}}
            node = DocumentPart(merged, target.base, (*node.trail, address))
        self.broken.setdefault(str(value.get("$ref")), "leads in a circle")
        return DocumentPart({}, node.base, node.trail)

    def _target(self, base: str, reference: str) -> DocumentPart | None:
        key = (base, reference)
        if key not in self._found:
            self._found[key] = self._look_up(base, reference)
        return self._found[key]

    def _look_up(self, base: str, reference: str) -> DocumentPart | None:
        try:
            resolved = self._registry.resolver(base).lookup(reference)
        except ManifestError as error:
            self.broken.setdefault(reference, str(error))
            return None
        except (Unresolvable, LookupError, ValueError, TypeError, AttributeError) as error:
            self.broken.setdefault(reference, _reason(error))
            return None
        address = urldefrag(urljoin(base, reference)).url or base
        return DocumentPart(resolved.contents, address)

    def _retrieve(self, address: str) -> Any:
        """Return a further document, for `referencing`; what it raises becomes `Unresolvable`."""
        self._documents += 1
        if self._documents > _MAX_DOCUMENTS:
            raise ManifestError(f"more than {_MAX_DOCUMENTS} documents are referred to")
        scheme = urlsplit(address).scheme
        if scheme == "file":
            if urlsplit(self.root.base).scheme != "file":
                raise ManifestError("a document of the web must not refer to a file")
            contents = _read_file(Path(unquote(urlsplit(address).path)))
        elif scheme in ("http", "https"):
            if not self.allow_remote:
                raise ManifestError("is remote; add --allow-remote to follow such references")
            contents = _read_url(address)
        else:
            raise ManifestError("leads nowhere")
        return Specification.OPAQUE.create_resource(contents)


def _reason(error: BaseException) -> str:
    """Return why a reference leads nowhere: our own reason is the cause of a cause."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ManifestError):
            return str(cause)
        cause = cause.__cause__
    return "leads nowhere"


def read_description(source: str, *, allow_remote: bool = False) -> Description:
    """Return the description of a file or URL.

    Raise ManifestError if it cannot be read, or is not a description of an API.
    """
    if urlsplit(source).scheme in ("http", "https"):
        address, data = source, _read_url(source)
    else:
        path = Path(source)
        address, data = path.resolve().as_uri(), _read_file(path)
    if not isinstance(data, dict) or not any(key in data for key in _VERSIONS):
        raise ManifestError(
            f"{source}: expected a description of an API, a mapping with `openapi` or `swagger`"
        )
    if not isinstance(data.get("paths"), dict):
        raise ManifestError(f"{source}: found no `paths`, so there is nothing to import")
    return Description(DocumentPart(data, address), allow_remote)


def _read_file(path: Path) -> Json:
    try:
        return _parsed(read_limited(path, LIMITS.size), str(path))
    except LimitExceeded as error:
        raise ManifestError(f"{path}: {error}") from None
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror or error}") from None


def _read_url(address: str) -> Json:
    import requests

    try:
        with requests.get(address, timeout=_SECONDS, stream=True) as response:
            response.raise_for_status()
            raw = b""
            for piece in response.iter_content(1 << 16):
                raw += piece
                if len(raw) > LIMITS.size:
                    raise ManifestError(f"{address}: is larger than {LIMITS.size:,} bytes")
    except requests.RequestException as error:
        raise ManifestError(f"{address}: cannot be read: {type(error).__name__}") from None
    return _parsed(raw, address)


def _parsed(raw: bytes, place: str) -> Json:
    try:
        text = raw.decode("utf-8-sig")
        if text.lstrip()[:1] in ("{", "["):
            with suppress(ValueError):
                return json.loads(text)
        try:
            return data_of(text, _TextLoader, LIMITS)
        except Unusual:
            return _with_text_keys(load_limited(text, _TextLoader, LIMITS))
    except UnicodeDecodeError:
        raise ManifestError(f"{place}: is not UTF-8 text") from None
    except LimitExceeded as error:
        raise ManifestError(f"{place}: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise ManifestError(f"{place}{where}: is not valid YAML: {problem}") from None
    except (RecursionError, ValueError) as error:
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
