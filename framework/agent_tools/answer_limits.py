"""Answers of a bounded size, without secrets and without this machine's folders.

What is cut is said in the answer: an agent must not take a part for the whole.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from framework.definition.finder import bundled_root
from framework.runtime.redaction import Redactor
from framework.text import count_noun
from framework.workspace.project_folder import BUNDLED

Json = Any
A = TypeVar("A")
MOST_CHARACTERS = 60_000
"""Of an answer as JSON."""
LONGEST_TEXT = 4_000
"""Characters of a text in a record or in a list."""
LONGEST_WHOLE = 40_000
"""Characters of a text that is an answer's own: a file, a page, a message."""
DEEPEST = 40


@dataclass(frozen=True)
class AnswerFilter:
    """Masks and bounds answers. `folders` are prefixes of paths, and what is written instead."""

    redactor: Redactor
    folders: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, redactor: Redactor, root: Path) -> AnswerFilter:
        """Return the filter of a project."""
        named = {f"{bundled_root()}/": BUNDLED, f"{root}/": ""}
        return cls(redactor, tuple(sorted(named.items(), key=lambda one: -len(one[0]))))

    def text(self, text: str) -> str:
        """Return a text without secrets and folders, which UTF-8 can hold."""
        text = self.redactor.redact(text)
        for folder, shown in self.folders:
            text = text.replace(folder, shown)
        return text.encode("utf-8", "replace").decode()  # half a character cannot be sent

    def answer(self, answer: A) -> A:
        """Return an answer (a dataclass) without secrets, no larger than it may be."""
        masked: A = self._masked(answer)
        return bounded(masked)

    def _masked(self, value: Json) -> Json:
        if is_dataclass(value) and not isinstance(value, type):
            parts = {one.name: self._masked(getattr(value, one.name)) for one in fields(value)}
            return replace(value, **parts)
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, tuple):
            return tuple(self._masked(item) for item in value)
        if isinstance(value, Mapping):
            return self._masked_data(self.redactor.redact_data(plain_json(value)))
        return value  # a number of ours: a line, a count

    def _masked_data(self, value: Json) -> Json:
        """Return JSON data without folders."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._masked_data(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._masked_data(item) for item in value]
        return value


def plain_json(value: Json, depth: int = 0) -> Json:
    """Return data that JSON can hold; other values as their text."""
    if depth > DEEPEST:
        return "… (nested too deeply)"
    if isinstance(value, Mapping):
        return {str(key): plain_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain_json(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    if isinstance(value, (bool, int, float, str)) or value is None:
        return value
    return str(value)


def bounded(answer: A) -> A:
    """Return the answer with less in it, if it is too large; its `cut` says what was left out."""
    notes: list[str] = []
    parts: dict[str, Json] = {}
    for one in fields(answer):  # type: ignore[arg-type]
        value = getattr(answer, one.name)
        if isinstance(value, str) and len(value) > LONGEST_WHOLE:
            notes.append(f"{one.name}: {len(value) - LONGEST_WHOLE:,} characters")
            parts[one.name] = value[:LONGEST_WHOLE]
        elif isinstance(value, (tuple, Mapping)):
            parts[one.name] = shortened(value)
    answer = replace(answer, **parts)  # type: ignore[type-var]
    while (size := size_of(answer)) > MOST_CHARACTERS:
        name, value = _largest(answer)
        kept = max(int(len(value) * MOST_CHARACTERS / size) - 1, 0)
        if isinstance(value, str):
            less: Json = value[:kept]
            noun = f"{len(value) - kept:,} characters"
        elif isinstance(value, Mapping):
            less = dict(list(value.items())[:kept])
            noun = f"{len(value) - kept:,} of {count_noun(len(value), 'entry')}"
        else:
            less = value[:kept]
            noun = f"the last {len(value) - kept:,} of {len(value):,}"
        notes.append(f"{name}: {noun}")
        answer = replace(answer, **{name: less})  # type: ignore[type-var]
    if notes and hasattr(answer, "cut"):
        left_out = f"left out, to keep the answer short: {'; '.join(notes)}"
        told = "; ".join(filter(None, (answer.cut, left_out)))
        answer = replace(answer, cut=told)  # type: ignore[type-var]
    return answer


def shortened(value: Json) -> Json:
    """Return data whose long texts are cut, each with how much is missing."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = {one.name: shortened(getattr(value, one.name)) for one in fields(value)}
        return replace(value, **parts)
    if isinstance(value, str):
        if len(value) <= LONGEST_TEXT:
            return value
        return f"{value[:LONGEST_TEXT]}… ({len(value) - LONGEST_TEXT:,} characters left out)"
    if isinstance(value, tuple):
        return tuple(shortened(item) for item in value)
    if isinstance(value, Mapping):
        return {key: shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value]
    return value


def size_of(value: Json) -> int:
    """Return the characters of a value as JSON."""
    return len(json.dumps(value, default=_fields, ensure_ascii=False))


def _fields(value: Json) -> Json:
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    return str(value)


def _largest(answer: Any) -> tuple[str, Sequence[Json] | Mapping[str, Json]]:
    """Return the field that takes most, of those that can be cut."""
    sizes = {
        one.name: size_of(value)
        for one in fields(answer)
        if isinstance(value := getattr(answer, one.name), (str, tuple, Mapping)) and value
    }
    name = max(sizes, key=lambda one: sizes[one])
    return name, getattr(answer, name)
