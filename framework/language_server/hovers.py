"""What is shown for the word under the mouse: the schema's description, or a recorded value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.definition.expressions.placeholders import TemplateError, placeholders
from framework.language_server.completions import names_resource
from framework.language_server.mentions import Mention, mention_at
from framework.language_server.recorded_paths import shown_value
from framework.language_server.recorded_responses import (
    BODIES,
    RecordedResponses,
    parent_at,
    recorded_value,
    resources_at,
)
from framework.language_server.schema_help import annotation, description, value_at
from framework.text import json_type

if TYPE_CHECKING:
    from framework.definition.defaults import MergedResource
    from framework.definition.draft import Draft
    from framework.definition.yaml_reader import Node, Pointer
    from framework.language_server.open_file import OpenFile

Json = Any


def hover(file: OpenFile, offset: int, recording: RecordedResponses) -> str | None:
    """Return what is known of the place at an offset, as Markdown; None if it is nothing."""
    draft = file.current
    if draft is None:
        return None
    found = place_at(file, draft, offset)
    if found is None:
        return None
    pointer, is_key = found
    texts: list[str] = []
    mention = mention_at(file, offset)
    if mention is not None:
        texts.append(_about(file, draft, mention))
    if is_key:
        texts.append(description(pointer, value_at(draft, pointer[:-1])) or "")
    else:
        texts.append(_recorded(file, draft, pointer, offset, recording))
        if not any(texts) and not names_resource(pointer):
            texts.append(description(pointer, value_at(draft, pointer[:-1])) or "")
    whole = "\n\n".join(text for text in texts if text)
    return file.redactor.redact(whole) or None


def place_at(file: OpenFile, draft: Draft, offset: int) -> tuple[Pointer, bool] | None:
    """Return the pointer to the key or the scalar at an offset, and whether it is the key."""
    positions, document = file.positions, draft.document
    best: tuple[int, Pointer, bool] | None = None
    stack: list[tuple[Pointer, Node]] = [((), document.root)]
    while stack:
        pointer, node = stack.pop()
        items: list[tuple[str | int, Node]]
        if isinstance(node.items, dict):
            items = [(key, inner) for key, (_, inner) in node.items.items()]
            for key, (place, _) in node.items.items():
                start = positions.offset_of_yaml(*place)
                if start <= offset and (best is None or start >= best[0]):
                    best = (start, (*pointer, key), True)
        elif isinstance(node.items, list):
            items = list(enumerate(node.items))
        else:
            start = positions.offset_of_yaml(node.line, node.column)
            if start <= offset and (best is None or start >= best[0]):
                best = (start, pointer, False)
            continue
        stack += [((*pointer, step), inner) for step, inner in reversed(items)]
    if best is None:
        return None
    _, pointer, is_key = best
    start, end = positions.span(document, pointer, key=is_key)
    return (pointer, is_key) if start <= offset <= end else None


def _about(file: OpenFile, draft: Draft, mention: Mention) -> str:
    if mention.section == "resources":
        merged = draft.resource_named(mention.name)
        if merged is None:
            return ""
        request = f"`{merged.url or merged.path}`"
        parents = ", ".join(f"`{one.name}`" for one in draft.parents_of(merged))
        reads = f", reads from {parents}" if parents else ""
        return f"**resource {mention.name}**: {request}{reads}"
    entry = draft.section(mention.section).get(mention.name)
    written = entry if isinstance(entry, dict) else {}
    about = str(written.get("description") or "")
    variable = f"SOURCES__{file.location.name.upper()}__{mention.name.upper()}"
    if mention.section == "secrets":
        return f"**secret {mention.name}**. {about}\n\nSet it as `{variable}` or in secrets.toml."
    default = f" Default: `{written['default']}`." if "default" in written else ""
    return f"**config {mention.name}**. {about}{default}\n\nSet it as `{variable}` or with `--set`."


def _recorded(
    file: OpenFile, draft: Draft, pointer: Pointer, offset: int, recording: RecordedResponses
) -> str:
    """Return what an expression, a placeholder or a field found in the recording."""
    text, note = value_at(draft, pointer), annotation(pointer)
    resources = resources_at(draft, pointer)
    if not isinstance(text, str) or not resources:
        return ""
    if note is not None and note.is_template:
        return _of_placeholder(file, draft, pointer, offset, recording)
    if note is not None and note.kind == "expression":
        samples: list[Json] = []
        if note.context in BODIES:
            samples = [one.body for merged in resources for one in recording.of(draft, merged)]
        elif note.context == "record":
            samples = _records(draft, resources, recording)
        elif note.context == "parent":
            parent = parent_at(draft, pointer, resources[0])
            samples = [] if parent is None else recording.records(draft, parent)
        return _first(text, samples)
    if pointer[-1] == "cursor_path" or "primary_key" in pointer or "merge_key" in pointer:
        return _first(text, _records(draft, resources, recording))
    return ""


def _records(
    draft: Draft, resources: list[MergedResource], recording: RecordedResponses
) -> list[Json]:
    return [record for one in resources for record in recording.records(draft, one)]


def _of_placeholder(
    file: OpenFile, draft: Draft, pointer: Pointer, offset: int, recording: RecordedResponses
) -> str:
    text = value_at(draft, pointer)
    start, end = file.positions.span(draft.document, pointer)
    try:
        parts = placeholders(text)
    except TemplateError:
        return ""
    for part in parts:
        begin = file.text.find(f"{{{part.text}}}", start, end)
        if part.kind == "resources" and begin <= offset <= begin + len(part.text) + 2:
            parent = draft.resource_named(part.name)
            samples = [] if parent is None else recording.records(draft, parent)
            return _first(part.expression or "", samples)
    return ""


def _first(expression: str, samples: list[Json]) -> str:
    """Return the first result that is not null, as Markdown."""
    if not samples or not expression:
        return ""
    for sample in samples:
        value = recorded_value(expression, sample)
        if value is not None:
            count = f" of {len(value)}" if isinstance(value, list) else ""
            shown = shown_value(value).replace("`", "'")
            return f"Recorded, {json_type(value)}{count}: `{shown}`"
    return f"Recorded: nothing (null) in {len(samples)} samples."
