"""Where a file defines and mentions its resources, config entries and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.definition.references import FROM, references
from framework.definition.schema.annotations import AnnotatedValue, context_reads

if TYPE_CHECKING:
    from framework.definition.draft import Draft
    from framework.definition.yaml_reader import Pointer
    from framework.language_server.open_file import OpenFile

Json = Any

SECTIONS = ("resources", "config", "secrets")
WORDS = {"resources": "resource", "config": "config entry", "secrets": "secret"}
"""What an entry of each section is called."""


@dataclass(frozen=True, order=True)
class Mention:
    """A name in the text, between two offsets. One that is not `is_exact` is only near there."""

    start: int
    end: int
    section: str
    name: str
    is_definition: bool = False
    is_exact: bool = True


def mentions(file: OpenFile) -> tuple[Mention, ...]:
    """Return every mention by place, each once; nothing if the text is not readable."""
    draft = file.current
    if draft is None:
        return ()
    found = [*_definitions(file, draft), *_names(file, draft), *_in_texts(file, draft)]
    return tuple(sorted(set(found)))


def mention_at(file: OpenFile, offset: int) -> Mention | None:
    """Return what is mentioned at an offset, None if it is nothing."""
    return next(
        (one for one in mentions(file) if one.is_exact and one.start <= offset <= one.end), None
    )


def mentions_of(file: OpenFile, section: str, name: str) -> tuple[Mention, ...]:
    """Return the mentions of one entry, its definition included."""
    return tuple(one for one in mentions(file) if (one.section, one.name) == (section, name))


def _definitions(file: OpenFile, draft: Draft) -> Iterator[Mention]:
    for merged in draft.resources:
        place: Pointer = ("resources", merged.index)
        node = draft.document.node(place)
        if node is not None and isinstance(node.value, dict):
            place = (*place, "name")
        yield _scalar(file, draft, place, "resources", merged.name, is_definition=True)
    for section in ("config", "secrets"):
        for name in draft.section(section):
            start, end = file.positions.span(draft.document, (section, name), key=True)
            yield _exactly(file, start, end, section, name, is_definition=True)


def _names(file: OpenFile, draft: Draft) -> Iterator[Mention]:
    """Yield the mentions that are a text of their own, such as `from`."""
    for merged in draft.resources:
        for one in references(merged):
            if one.param is not None or one.partition is not None:
                yield _scalar(file, draft, (*one.pointer, "resource"), "resources", one.parent)
            elif one.text == FROM:
                yield _scalar(file, draft, one.pointer, "resources", one.parent)
        columns = merged.data.get("columns_from")
        if isinstance(columns, dict) and isinstance(name := columns.get("resource"), str):
            place = merged.place("columns_from", "resource")
            yield _scalar(file, draft, place, "resources", name)
        written = merged.data.get("include_from_parent")
        for position, parent, field in draft.included(merged):
            assert isinstance(written, list)
            if parent is not None and written[position] != field:
                place = merged.place("include_from_parent", position)
                yield _scalar(file, draft, place, "resources", parent, rest=f".{field}")


def _scalar(
    file: OpenFile,
    draft: Draft,
    place: Pointer,
    section: str,
    name: str,
    *,
    is_definition: bool = False,
    rest: str = "",
) -> Mention:
    start, end = file.positions.span(draft.document, place)
    return _exactly(file, start, end, section, name, is_definition=is_definition, rest=rest)


def _exactly(
    file: OpenFile,
    start: int,
    end: int,
    section: str,
    name: str,
    *,
    is_definition: bool = False,
    rest: str = "",
) -> Mention:
    """Return the mention of a name that is written between two offsets, in quotes or not."""
    written = file.text[start:end]
    quote = len(written[:1].strip("\"'")) == 0 and bool(written)
    is_exact = written[quote : len(written) - quote] == name + rest
    begin = start + quote
    stop = begin + len(name) if is_exact else end
    return Mention(begin, stop, section, name, is_definition, is_exact)


def _in_texts(file: OpenFile, draft: Draft) -> Iterator[Mention]:
    """Yield the mentions in placeholders and expressions."""
    read: dict[tuple[Pointer, bool], set[tuple[str, str]]] = {}
    for one in (*draft.templates, *draft.expressions):
        read.setdefault((one.pointer, one.key), set()).update(_entries(one))
    for (pointer, key), entries in read.items():
        if not entries:
            continue
        start, end = file.positions.span(draft.document, pointer, key=key)
        for section, name in entries:
            yield from _occurrences(file.text, start, end, section, name)


def _entries(one: AnnotatedValue) -> Iterator[tuple[str, str]]:
    for read in context_reads(one):
        if len(read.path) > 1 and read.path[0] in SECTIONS:
            yield read.path[0], read.path[1]
    for part in one.placeholders if one.is_template else ():
        if part.kind == "resources":
            yield "resources", part.name


def _occurrences(text: str, start: int, end: int, section: str, name: str) -> Iterator[Mention]:
    """Yield where a text names an entry: once as a whole if it is written in another way."""
    pattern = (
        rf"""(?:(?<![\w.\-])|(?<=context\(\)\.)){section}\.\\?"?({re.escape(name)})(?![\w-])"""
    )
    found = [*re.compile(pattern).finditer(text, start, end)]
    for one in found:
        yield Mention(one.start(1), one.end(1), section, name)
    if not found:
        yield Mention(start, end, section, name, is_exact=False)
