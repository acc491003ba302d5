"""What the editor shows of a text while it is typed: findings, completion, hover, renames, layout.

The functions of the language server answer. The state of each text is kept, so that a keystroke
reads the text once, and schemas that did not change not at all.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from lsprotocol.types import CompletionItemKind
from pygls.workspace import PositionCodec

from framework.definition.finder import Location
from framework.errors import UsageError
from framework.language_server.completions import completions
from framework.language_server.hovers import hover
from framework.language_server.mentions import mention_at
from framework.language_server.open_file import OpenFile, opened
from framework.language_server.quick_fixes import QuickFix, quick_fixes
from framework.language_server.recorded_responses import read_responses
from framework.language_server.renames import rename
from framework.runtime.redaction import Redactor
from framework.studio.json_answers import RequestRefused
from framework.studio.resource_graph import resource_graph
from framework.studio.studio_session import StudioSession
from framework.studio.text_units import TextUnits
from framework.workspace.project_secrets import add_text_secrets

Json = Any
MOST_OPEN = 12
"""Texts whose state is kept."""
FIXES_WITHIN = 0.25
"""Seconds after which no more findings get their fixes: each fix that is tried is a validation."""


class EditorTexts:
    """The texts that are open in the page. Thread-safe."""

    def __init__(self, session: StudioSession) -> None:
        self._session = session
        self._files: OrderedDict[str, OpenFile] = OrderedDict()
        self._newest: dict[str, int] = {}
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._judging = threading.Lock()

    def judge(self, request: Mapping[str, Json]) -> dict[str, Json]:
        """Return findings with fixes, the graph, and which settings have a value.

        Of several texts of a file that wait, only the newest is judged. Raise RequestRefused for
        the others.
        """
        began = time.perf_counter()
        location, text = self._asked(request)
        with self._lock:
            number = self._newest[location.name] = self._newest.get(location.name, 0) + 1
        with self._judging:
            if self._newest[location.name] != number:
                raise RequestRefused(409, "a newer text of this file is judged in place of this")
            file = self._open(location, text)
            findings = file.findings
        units = TextUnits(text)
        own = [one for one in findings if one.path == location.display]
        fixes: dict[int, list[dict[str, Json]]] = {}
        for fix in self._fixes(file, began):
            fixes.setdefault(id(fix.finding), []).append(_fix(file, units, fix))
        shown = []
        for one in findings:
            start, end = (0, 0) if one not in own else file.positions.word_at(one.line, one.column)
            shown.append(
                {
                    **one.as_dict(),
                    "message": file.redactor.redact(one.message),
                    "from": units.units(start),
                    "to": units.units(end),
                    "fixes": fixes.get(id(one), []),
                }
            )
        draft = file.draft
        graph = [] if draft is None else file.redactor.redact_data(resource_graph(draft))
        return {
            "findings": shown,
            "graph": graph,
            "secrets": [] if draft is None else self._entries(location, draft.section("secrets")),
            "config": [] if draft is None else self._config(file, draft.section("config")),
            "seconds": round(time.perf_counter() - began, 4),
        }

    def complete(self, request: Mapping[str, Json]) -> dict[str, Json]:
        """Return what may be typed at an offset, and from where it replaces the text."""
        location, text = self._asked(request)
        units, offset = _offset(request, text)
        file = self._open(location, text)
        with self._reading:  # a draft is not for two threads at once
            items = completions(file, offset, read_responses(location))
        start, shown = offset, []
        for item in items:
            edit = item.text_edit
            insert = item.label if edit is None else edit.new_text
            if edit is not None and hasattr(edit, "range"):
                start = file.positions.offset(edit.range.start)
            about = item.documentation
            shown.append(
                {
                    "label": item.label,
                    "insert": insert,
                    "kind": "" if item.kind is None else CompletionItemKind(item.kind).name,
                    "detail": item.detail or "",
                    "info": about if isinstance(about, str) else about.value if about else "",
                    "sort": item.sort_text or "",
                }
            )
        shown.sort(key=lambda one: one.pop("sort"))
        return {"from": units.units(start), "items": shown}

    def hover(self, request: Mapping[str, Json]) -> dict[str, Json]:
        """Return what is known of the place at an offset, as Markdown."""
        location, text = self._asked(request)
        _, offset = _offset(request, text)
        file = self._open(location, text)
        with self._reading:
            return {"markdown": hover(file, offset, read_responses(location))}

    def rename(self, request: Mapping[str, Json]) -> dict[str, Json]:
        """Return the edits that give what is mentioned at an offset another name."""
        location, text = self._asked(request)
        units, offset = _offset(request, text)
        to = request.get("to")
        if not isinstance(to, str) or not to:
            raise UsageError("`to` is missing, expected the new name")
        file = self._open(location, text)
        with self._reading:
            mention = mention_at(file, offset)
            if mention is None:
                raise UsageError(
                    "here is no name of a resource, a config entry or a secret; put the cursor on "
                    "one"
                )
            edits = rename(file, mention, to)
        return {"edits": [_edit(units, *one) for one in edits]}

    def format(self, request: Mapping[str, Json]) -> dict[str, Json]:
        """Return the text in the canonical layout, as `framework fmt` writes it."""
        from framework.authoring.scaffold.file_layout import UnknownLayout, canonical_text

        location, text = self._asked(request)
        refuse_secrets(text, location.display, self._session.redactor)
        try:
            return {"text": canonical_text(text, location.display)}
        except UnknownLayout as error:
            raise UsageError(str(error).partition("; fix this first:")[0]) from None

    def _asked(self, request: Mapping[str, Json]) -> tuple[Location, str]:
        text = request.get("text")
        if not isinstance(text, str):
            raise UsageError("`text` is missing, expected the text of the file")
        return self._session.location(request.get("name")), text

    def _open(self, location: Location, text: str) -> OpenFile:
        """Return the state of a text, made of the one before it."""
        with self._lock:
            known = self._files.pop(location.name, None)
            if known is None or known.location != location:
                file = opened(location.path, text, 0, PositionCodec(), location)
            elif known.text == text:
                file = known
            else:
                file = known.changed(text, known.version + 1)
            self._files[location.name] = file
            while len(self._files) > MOST_OPEN:
                self._files.popitem(last=False)
        return file

    def _fixes(self, file: OpenFile, began: float) -> list[QuickFix]:
        """Return the fixes of the file's findings, as many as there is time for."""
        found: list[QuickFix] = []
        cost = 0.0
        own = [one for one in file.findings if one.path == file.location.display]
        for position, finding in enumerate(own):
            before = time.perf_counter()
            if position and before + cost > began + FIXES_WITHIN:
                break
            found += quick_fixes(file, [finding])
            cost = max(cost, time.perf_counter() - before)
        return found

    def _entries(self, location: Location, written: Mapping[str, Json]) -> list[dict[str, Json]]:
        return [
            {
                "name": name,
                "description": str(_part(entry, "description") or ""),
                "is_set": self._session.is_set(location.name, name, _key(entry)),
            }
            for name, entry in written.items()
        ]

    def _config(self, file: OpenFile, written: Mapping[str, Json]) -> list[dict[str, Json]]:
        found = []
        for one, entry in zip(self._entries(file.location, written), written.values(), strict=True):
            kind = _part(entry, "type")
            kinds = kind if isinstance(kind, list) else [kind or ""]
            one["type"] = " or ".join(map(str, kinds))
            one["default"] = _part(entry, "default")
            found.append(one)
        redacted: list[dict[str, Json]] = file.redactor.redact_data(found)
        return redacted


def refuse_secrets(text: str, name: str, redactor: Redactor) -> None:
    """Raise UsageError if a secret is written in a file's text: the page must not have it."""
    own = Redactor()
    add_text_secrets(own, text)
    for one in (redactor, own):
        masked = one.redact(text, aligned=True)
        if masked != text:
            place = next(at for at, mark in enumerate(text) if masked[at] != mark)
            line = text.count("\n", 0, place) + 1
            raise RequestRefused(
                400,
                f"{name}: a secret is written in line {line}, and the studio shows and writes none",
                "declare it under secrets:, and write {secrets.NAME} in its place",
            )


def _part(entry: Json, key: str) -> Json:
    return entry.get(key) if isinstance(entry, Mapping) else None


def _key(entry: Json) -> str | None:
    key = _part(entry, "key")
    return key if isinstance(key, str) else None


def _offset(request: Mapping[str, Json], text: str) -> tuple[TextUnits, int]:
    offset = request.get("offset")
    if not isinstance(offset, int) or isinstance(offset, bool):
        raise UsageError("`offset` is missing, expected a number")
    units = TextUnits(text)
    return units, units.offset(offset)


def _fix(file: OpenFile, units: TextUnits, fix: QuickFix) -> dict[str, Json]:
    return {"title": file.redactor.redact(fix.title), **_edit(units, *fix.edit)}


def _edit(units: TextUnits, start: int, end: int, written: str) -> dict[str, Json]:
    return {"from": units.units(start), "to": units.units(end), "insert": written}
