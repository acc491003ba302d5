"""Completion: keys and values of the schema, and what only the file and its recording know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from framework.definition.rules.expression_rules import AVAILABLE
from framework.definition.rules.placeholder_rules import incremental_values
from framework.definition.schema.annotations import CONTEXT_EXPRESSIONS, partitions
from framework.language_server.cursor_place import Cursor, cursor_at
from framework.language_server.recorded_paths import RecordedPath, paths_in, record_paths
from framework.language_server.recorded_responses import (
    BODIES,
    RecordedResponses,
    parent_at,
    resources_at,
)
from framework.language_server.schema_help import (
    annotation,
    description,
    known_keys,
    known_values,
    value_at,
)

if TYPE_CHECKING:
    from framework.definition.defaults import MergedResource
    from framework.definition.draft import Draft
    from framework.definition.yaml_reader import Pointer
    from framework.language_server.open_file import OpenFile

Json = Any

_OPEN_BRACE = re.compile(r"\{([^{}]*)$")
_COLON_FOLLOWS = re.compile(r"[\w$-]*[ \t]*:")
_LAST_PATH = re.compile(r"[\w.\"-]*$")
_CONTEXT = re.compile(r"context\(\)\.([\w.\"-]*)$")
_PAGINATOR_VALUES = ("page", "offset", "limit", "cursor")
_FIELD_LISTS = ("primary_key", "merge_key", "include_from_parent", "columns")
_RECORD_KEYS = ("cursor_path", "deletion_path")
_NEEDS_QUOTES = re.compile(r"[{}\[\]&*!|>%@`'\"#]|: |^[-?:,]|^$|^(?:null|true|false|~|yes|no)$")


@dataclass(frozen=True)
class _Proposal:
    """A word to insert, what it is, and more about it. Lower `rank` comes first."""

    word: str
    kind: types.CompletionItemKind
    detail: str = ""
    about: str = ""
    rank: int = 1


def completions(
    file: OpenFile, offset: int, recording: RecordedResponses
) -> list[types.CompletionItem]:
    """Return what may be typed at an offset; nothing in a comment."""
    cursor = cursor_at(file.text, offset)
    if cursor is None:
        return []
    proposals, begin = _proposals(file, cursor, recording)
    edit = file.positions.range(offset - begin, offset)
    has_colon = cursor.is_key and _COLON_FOLLOWS.match(file.text, offset) is not None
    needs_space = not cursor.is_key and file.text[offset - begin - 1 : offset - begin] == ":"
    items = []
    for one in proposals:
        about = file.redactor.redact(one.about)
        text = one.word.removesuffix(": ") if has_colon else " " * needs_space + one.word
        markup = types.MarkupContent(types.MarkupKind.Markdown, about) if about else None
        items.append(
            types.CompletionItem(
                label=one.word.strip(),
                kind=one.kind,
                detail=file.redactor.redact(one.detail) or None,
                documentation=markup,
                sort_text=f"{one.rank}{one.word}",
                filter_text=one.word,
                text_edit=types.TextEdit(edit, text),
            )
        )
    return items


def _proposals(
    file: OpenFile, cursor: Cursor, recording: RecordedResponses
) -> tuple[list[_Proposal], int]:
    """Return the proposals, and the length of the text before the cursor that they replace."""
    place = _Place(file, cursor, recording)
    brace = _OPEN_BRACE.search(cursor.text)
    note = annotation(cursor.pointer)
    if brace is not None and (cursor.is_key or (note is not None and note.is_template)):
        context = note.context if note is not None else "request"
        return place.in_context(brace[1], context, short=True)
    found: list[_Proposal] = []
    if cursor.is_key and not cursor.quote:
        found += [*place.field_keys(), *_keys(cursor, file.draft)]
    if cursor.is_key and not cursor.is_item:
        return found, len(cursor.text)
    if note is not None and note.kind == "expression":
        inner = _CONTEXT.search(cursor.text)
        if inner is not None:
            return place.in_context(inner[1], note.context, short=False)
        if note.context in CONTEXT_EXPRESSIONS:
            return place.in_context(_tail(cursor.text), note.context, short=False)
        return place.expression(note.context)
    known = [*place.names(), *place.fields()]
    found += [*known, *(one for one in _values(cursor) if not known or one.detail != "example")]
    if note is not None and note.is_template and not cursor.text:
        found += place.whole_placeholders(note.kind)
    return found, len(cursor.text)


def _tail(text: str) -> str:
    match = _LAST_PATH.search(text)
    return match[0] if match else ""


def _keys(cursor: Cursor, draft: Draft | None) -> Iterator[_Proposal]:
    written = value_at(draft, cursor.pointer)
    present = written.keys() - {cursor.text} if isinstance(written, dict) else ()
    for key, schema in known_keys(cursor.pointer, written).items():
        if key not in present:
            about = description((*cursor.pointer, key), written) or ""
            # a mapping or a list that stands below begins on the next line
            yield _Proposal(f"{key}: ", types.CompletionItemKind.Property, _type(schema), about)


def _type(schema: object) -> str:
    found = schema.get("type", "") if isinstance(schema, dict) else ""
    return found if isinstance(found, str) else " or ".join(map(str, found))


def _values(cursor: Cursor) -> Iterator[_Proposal]:
    for word, kind in known_values(cursor.pointer):
        is_example = kind == "example"
        yield _Proposal(
            _quoted(word, cursor),
            types.CompletionItemKind.Value if is_example else types.CompletionItemKind.EnumMember,
            kind,
            rank=3 if is_example else 1,
        )


def _quoted(word: str, cursor: Cursor) -> str:
    """Return a text as YAML: in quotes if it needs them and the cursor is in none."""
    if cursor.quote or word in ("true", "false", "null") or not _NEEDS_QUOTES.search(word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Place:
    """The proposals of one place that the file and its recording know."""

    def __init__(self, file: OpenFile, cursor: Cursor, recording: RecordedResponses) -> None:
        self._draft = file.draft
        self._cursor = cursor
        self._recording = recording
        draft = file.draft
        self._resources = [] if draft is None else resources_at(draft, cursor.pointer)
        self._merged = next(iter(self._resources), None)

    def names(self) -> Iterator[_Proposal]:
        """Yield the names of the other resources, where one is expected."""
        own = self._merged
        if self._draft is None or not names_resource(self._cursor.pointer):
            return
        for merged in self._draft.resources:
            if merged is not own:
                kind = types.CompletionItemKind.Reference
                yield _Proposal(merged.name, kind, "resource", f"`{merged.path}`", 0)

    def fields(self) -> Iterator[_Proposal]:
        """Yield fields of the records, where a field's name is expected."""
        pointer, merged = self._cursor.pointer, self._merged
        steps = [step for step in pointer if isinstance(step, str)]
        last = "columns" if steps[-2:] == ["columns", "name"] else steps[-1] if steps else ""
        if self._draft is None or merged is None or last not in (*_FIELD_LISTS, *_RECORD_KEYS):
            return
        if "paginator" in steps:
            return
        of = self._resources
        if last == "include_from_parent":
            of = list(self._draft.parents_of(merged)[:1])
        for path in self._record_paths(self._draft, of):
            yield _of_path(path, 0 if "." not in path.path else 1)

    def field_keys(self) -> Iterator[_Proposal]:
        """Yield fields of the records, where they are keys: of `columns`, and of a `rename`."""
        pointer = self._cursor.pointer
        is_rename = pointer[-1:] == ("rename",) and "processing_steps" in pointer
        is_columns = pointer[-1:] == ("columns",) and len(pointer) <= 3
        if self._draft is None or not (is_rename or is_columns):
            return
        written = value_at(self._draft, pointer)
        present = written if isinstance(written, dict) else {}
        for path in self._record_paths(self._draft, self._resources):
            if "." not in path.path and path.path not in present:
                yield replace(_of_path(path, 0), word=f"{path.path}: ")

    def whole_placeholders(self, kind: str) -> Iterator[_Proposal]:
        """Yield placeholders with their quotes, for a text that is not begun."""
        if self._draft is None:
            return
        sections = ("secrets",) if kind == "secret" else ("config", "secrets")
        for section in sections:
            for name in self._draft.section(section):
                word = _quoted(f"{{{section}.{name}}}", self._cursor)
                rank = 0 if kind == "secret" else 2
                yield _Proposal(word, types.CompletionItemKind.Variable, section, rank=rank)

    def expression(self, context: str) -> tuple[list[_Proposal], int]:
        """Return the recorded paths that an expression of this context works on."""
        typed = _tail(self._cursor.text)
        merged, draft = self._merged, self._draft
        paths: Iterable[RecordedPath] = ()
        if draft is not None and merged is not None:
            if context in BODIES:
                paths = paths_in(self._bodies(draft))
            elif context == "record":
                paths = self._record_paths(draft, self._resources)
            elif context == "parent":
                paths = self._parent_paths(draft, merged)
        if context == "body":
            return [_of_path(one, 0 if one.is_list else 2) for one in paths], len(typed)
        return [_of_path(one, 1) for one in paths], len(typed)

    def _record_paths(self, draft: Draft, resources: list[MergedResource]) -> list[RecordedPath]:
        """Return the fields of the records of several resources, each once."""
        found: dict[str, RecordedPath] = {}
        for merged in resources:
            for one in record_paths(draft, merged, self._recording):
                found.setdefault(one.path, one)
        return list(found.values())

    def _bodies(self, draft: Draft) -> list[Json]:
        return [one.body for merged in self._resources for one in self._recording.of(draft, merged)]

    def _parent_paths(self, draft: Draft, merged: MergedResource) -> list[RecordedPath]:
        parent = parent_at(draft, self._cursor.pointer, merged)
        return [] if parent is None else record_paths(draft, parent, self._recording)

    def in_context(self, typed: str, context: str, *, short: bool) -> tuple[list[_Proposal], int]:
        """Return how a path from the root of the context goes on.

        `short` means a placeholder, which may also be the name of a parameter.
        """
        typed = _tail(typed)
        root, dot, rest = typed.partition(".")
        if not dot:
            roots = sorted(AVAILABLE.get(context, frozenset()))
            kind = types.CompletionItemKind.Module
            found = [_Proposal(one if one == "now" else f"{one}.", kind) for one in roots]
            return [*found, *(self._params() if context == "path" and short else ())], len(root)
        return self._in_root(root, rest)

    def _params(self) -> Iterator[_Proposal]:
        merged = self._merged
        for name in () if merged is None else merged.params:
            yield _Proposal(name, types.CompletionItemKind.Variable, "parameter", rank=0)

    def _in_root(self, root: str, rest: str) -> tuple[list[_Proposal], int]:
        draft, merged = self._draft, self._merged
        if draft is None:
            return [], len(rest)
        words: Iterable[_Proposal] = ()
        variable = types.CompletionItemKind.Variable
        if root in ("config", "secrets"):
            words = self._settings(draft, root)
        elif root == "resources":
            name, dot, rest_of = rest.partition(".")
            parent = draft.resource_named(name) if dot else None
            if dot:
                paths = [] if parent is None else record_paths(draft, parent, self._recording)
                return [_of_path(one, 1) for one in paths], len(rest_of)
            others = [one.name for one in draft.resources if one is not merged]
            words = [_Proposal(f"{one}.", types.CompletionItemKind.Reference) for one in others]
        elif root == "parent" and merged is not None:
            parent = draft.parent_of(merged)
            paths = [] if parent is None else record_paths(draft, parent, self._recording)
            words = [_of_path(one, 1) for one in paths]
        elif root == "incremental":
            words = [_Proposal(one, variable) for one in incremental_values(merged)]
        elif root == "paginator":
            words = [_Proposal(one, variable) for one in _PAGINATOR_VALUES]
        elif root == "partition" and merged is not None:
            names = (one.get(key) for _, one in partitions(merged) for key in ("name", "end_name"))
            words = [_Proposal(one, variable) for one in names if isinstance(one, str)]
        elif root == "last_record" and merged is not None:
            paths = self._record_paths(draft, self._resources)
            words = [_of_path(one, 1) for one in paths]
        elif root == "response" and merged is not None:
            words = [_of_path(one, 1) for one in paths_in(self._bodies(draft))]
        elif root == "headers" and merged is not None:
            responses = self._recording.of(draft, merged)
            headers = {
                name.lower(): value for one in responses for name, value in one.headers.items()
            }
            words = [_of_path(one, 1) for one in paths_in([headers])]
        return [*words], len(rest)

    def _settings(self, draft: Draft, section: str) -> Iterator[_Proposal]:
        for name, entry in draft.section(section).items():
            about = entry.get("description") if isinstance(entry, dict) else None
            yield _Proposal(name, types.CompletionItemKind.Variable, section, str(about or ""))


def _of_path(one: RecordedPath, rank: int) -> _Proposal:
    shown = one.shown.replace("`", "'")
    return _Proposal(one.path, types.CompletionItemKind.Field, one.kind, f"`{shown}`", rank)


def names_resource(pointer: Pointer) -> bool:
    """Return whether a text at a place is the name of a resource."""
    if pointer[-2:] == ("endpoint", "from"):
        return True
    return pointer[:1] == ("resources",) and len(pointer) > 3 and pointer[-1] == "resource"
