"""A description as it was read: its documents, and what a `$ref` in them leads to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from referencing import Registry, Specification
from referencing.exceptions import Unresolvable

from framework.importers.api_guesses.api_model.document_part import DocumentPart
from framework.importers.import_report import ManifestError
from framework.importers.openapi.document_reader import is_url, read_file, read_url, shown_address

Json = Any

_MAX_CHAIN = 30
"""References to references; a longer chain is circular."""
_MAX_DOCUMENTS = 200


@dataclass
class Description:
    """All documents of a description.

    `broken` are the references that lead nowhere, with the reason; each is noted once.
    """

    root: DocumentPart
    allow_remote: bool = False
    may_read: Callable[[Path], bool] | None = None
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
            raise ManifestError(
                f"cannot be followed: more than {_MAX_DOCUMENTS} documents are referred to"
            )
        scheme = urlsplit(address).scheme
        if scheme == "file":
            if urlsplit(self.root.base).scheme != "file":
                raise ManifestError(
                    "cannot be followed: a document of the web must not refer to a file"
                )
            path = Path(unquote(urlsplit(address).path))
            if self.may_read is not None and not self.may_read(path):
                raise ManifestError("cannot be followed: it leads to a file that is not read")
            contents = _followed(lambda: read_file(path, path.name))
        elif scheme in ("http", "https"):
            if not self.allow_remote:
                raise ManifestError("is remote; add --allow-remote to follow such references")
            contents = _followed(lambda: read_url(address))
        else:
            raise ManifestError("leads nowhere")
        return Specification.OPAQUE.create_resource(contents)


def _followed(read: Callable[[], Json]) -> Json:
    """Return a further document. Raise ManifestError, to stand after the reference to it."""
    try:
        return read()
    except ManifestError as error:  # which begins with the document's place
        reason = str(error).replace(": ", " ", 1)
        raise ManifestError(f"cannot be followed: {reason}") from None


def _reason(error: BaseException) -> str:
    """Return why a reference leads nowhere: our own reason is the cause of a cause."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ManifestError):
            return str(cause)
        cause = cause.__cause__
    return "leads nowhere"


def read_description(
    source: str,
    *,
    allow_remote: bool = False,
    may_read: Callable[[Path], bool] | None = None,
) -> Description:
    """Return the description of a file or URL; `may_read` are the files that it may refer to.

    Raise ManifestError if it cannot be read, or is not a description of an API.
    """
    place = shown_address(source)
    if is_url(source):
        address, data = source, read_url(source)
    elif "://" in source:
        raise ManifestError(f"{place}: found an address, expected a file, or http:// or https://")
    else:
        address, data = Path(source).resolve().as_uri(), read_file(Path(source), source)
    problem = _unlike_description(data)
    if problem:
        raise ManifestError(f"{place}: {problem}")
    return Description(DocumentPart(data, address), allow_remote, may_read)


def _unlike_description(data: Json) -> str | None:
    """Return why a document is not the description of an API, None if it is one."""
    expected = "expected a description of an API, a mapping with `openapi` or `swagger`"
    if data is None:
        return f"is empty; {expected}"
    if not isinstance(data, dict):
        return f"found {'a list' if isinstance(data, list) else 'text'}; {expected}"
    version = str(data.get("openapi") or data.get("swagger") or data.get("swaggerVersion") or "")
    if not version:
        keys = ", ".join(str(key)[:40] for key in list(data)[:4])
        return f"found a mapping with {keys or 'nothing in it'}; {expected}"
    if not re.match(r"[23](\.|$)", version.strip()):
        kind = "OpenAPI" if "openapi" in data else "Swagger"
        return f"found {kind} {version[:20]}, expected OpenAPI 3 or Swagger 2.0; convert it first"
    if not isinstance(data.get("paths"), dict):
        return "found no `paths`, so there is nothing to import"
    return None
