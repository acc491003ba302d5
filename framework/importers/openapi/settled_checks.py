"""Comments that `--prove` settles: what was to be checked, and was proved right or corrected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml

from framework.authoring.diagnose.proof import Proof
from framework.importers.api_guesses.resource_entry import CHECK
from framework.importers.import_report import ImportedConnector, wrap_comment

Key = tuple[str, ...]

_PLACES: dict[str, Key] = {
    "paginator": ("endpoint", "paginator"),
    "data_selector": ("endpoint", "data_selector"),
    "primary_key": ("primary_key",),
}
_AT_RESOURCE = {
    "data_selector": ("this may not be a list", "the response is described by an example"),
    "primary_key": ("no field identifies a record",),
}
"""How comments at a resource itself begin, by what settles them."""
_FIRST_PAGE = "does not say that the first page is"
"""This stays: further pages do not show that none is before the first."""


@dataclass(frozen=True)
class _Block:
    """The comment lines before a key of a resource, from `start` to `end`."""

    start: int
    end: int
    indent: str
    comments: tuple[str, ...]


def settle(text: str, proofs: Iterable[Proof]) -> tuple[str, list[tuple[str, str]]]:
    """Return the file without the checks that proofs have settled, and these with their resources.

    A comment on what was proved becomes the proof; one on what was corrected is removed.
    """
    lines = text.split("\n")
    settled: list[tuple[str, str]] = []
    edits: dict[int, tuple[_Block, list[str]]] = {}
    nodes = dict(_resources(text))
    for proof in _final(proofs):
        for key, begins in _keys(nodes[proof.resource], proof.about):
            block = _block(lines, key, is_item=bool(begins))
            _, kept = edits.get(block.start, (block, list(block.comments)))
            found = [one for one in kept if _is_settled(one, begins)]
            if proof.outcome == "fixed" and not begins:
                found = [one for one in kept if _FIRST_PAGE not in one]
            if not found:
                continue
            settled += [(proof.resource, one.removeprefix(CHECK)) for one in found]
            is_proved = proof.outcome == "ok" and not begins
            kept = [one for one in kept if one not in found]
            edits[block.start] = block, [f"proved: {proof.message}"] * is_proved + kept
    for block, kept in sorted(edits.values(), key=lambda edit: -edit[0].start):
        lines[block.start : block.end] = [
            f"{block.indent}# {line}" for comment in kept for line in wrap_comment(comment)
        ]
    return "\n".join(lines), settled


def without_settled(
    imported: ImportedConnector, settled: Iterable[tuple[str, str]]
) -> ImportedConnector:
    """Return what was imported without the remarks on what is settled."""
    gone = {(resource, f"{CHECK}{text}") for resource, text in settled}
    remarks = (
        one
        for one in imported.remarks
        if (one.resource, " ".join(wrap_comment(one.reason))) not in gone
    )
    return replace(imported, remarks=tuple(remarks))


def _final(proofs: Iterable[Proof]) -> list[Proof]:
    """Return the last proof of each part of a resource that is right now."""
    found: dict[tuple[str, str], Proof] = {}
    for proof in proofs:
        part = (proof.resource, proof.about)
        if proof.outcome in ("fault", "fixed"):
            found[part] = proof
        elif proof.outcome == "ok":
            found.setdefault(part, proof)
    return [one for one in found.values() if one.outcome != "fault"]


def _resources(text: str) -> Iterator[tuple[str, Any]]:
    root = yaml.compose(text, yaml.SafeLoader)
    listed = _pair(root, "resources")
    for node in listed[1].value if listed else ():
        name = _pair(node, "name")
        if name is not None:
            yield name[1].value, node


def _keys(resource: Any, about: str) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield the nodes before which comments are settled, and how these begin if not all are."""
    if about in _AT_RESOURCE:
        yield resource, _AT_RESOURCE[about]
    if about in _PLACES:
        pair: Any = (None, resource)
        for name in _PLACES[about]:
            pair = _pair(pair[1], name) if pair else None
        if pair:
            yield pair[0], ()
    if about == "parent":
        endpoint = _pair(resource, "endpoint")
        params = _pair(endpoint[1], "params") if endpoint else None
        for key, value in params[1].value if params else ():
            if _pair(value, "resource") or "{resources." in str(value.value):
                yield key, ()


def _pair(node: Any, name: str) -> Any:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((pair for pair in pairs if pair[0].value == name), None)


def _block(lines: list[str], key: Any, *, is_item: bool) -> _Block:
    """Return the comments before a key, or before the dash of an item of the list."""
    end = start = key.start_mark.line
    while start and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    comments: list[str] = []
    for line in lines[start:end]:
        text = line.strip().removeprefix("#").strip()
        if comments and not text.startswith(CHECK):
            comments[-1] += f" {text}"
        else:
            comments.append(text)
    column = key.start_mark.column - (2 if is_item else 0)
    return _Block(start, end, " " * column, tuple(comments))


def _is_settled(comment: str, begins: tuple[str, ...]) -> bool:
    if not comment.startswith(CHECK) or _FIRST_PAGE in comment:
        return False
    return not begins or comment.removeprefix(CHECK).startswith(begins)
