"""Rename a resource, a config entry or a secret wherever the file mentions it.

A rename is tried first: one after which the file means something else is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from framework.errors import FrameworkError
from framework.language_server.mentions import WORDS, Mention, mentions_of

if TYPE_CHECKING:
    from framework.definition.draft import Draft
    from framework.language_server.open_file import OpenFile

Edit = tuple[int, int, str]
"""Two offsets, and what is written between them."""


class RenameRefused(FrameworkError):
    """A name cannot be changed in this file; the message says why and what to do."""


def rename(file: OpenFile, mention: Mention, new: str) -> list[Edit]:
    """Return the edits that give an entry another name. Raise RenameRefused."""
    draft = file.current
    if draft is None:
        raise RenameRefused("this is not readable as YAML; fix the error in it first")
    section, old = mention.section, mention.name
    found = mentions_of(file, section, old)
    if not any(one.is_definition for one in found):
        raise RenameRefused(f"the file has no {WORDS[section]} {old}; declare it first")
    if len([one for one in found if one.is_definition]) > 1:
        raise RenameRefused(f"two resources are called {old}; give one of them another name first")
    vague = next((one for one in found if not one.is_exact), None)
    if vague is not None:
        line = file.text.count("\n", 0, vague.start) + 1
        raise RenameRefused(
            f"line {line} mentions {old} in a form that cannot be changed here; write it as "
            f"{section}.{old} on one line first"
        )
    if section == "resources":
        _refuse_path(draft, old)
    if mentions_of(file, section, new) and new != old:
        raise RenameRefused(f"{section}.{new} is already in this file; choose another name")
    edits = [(one.start, one.end, new) for one in found]
    if section == "resources":
        edits += _columns(file, draft, old, new)
    _try(file, sorted(set(edits)), section, new, len(found))
    return sorted(set(edits))


def _refuse_path(draft: Draft, name: str) -> None:
    """Refuse a name that is the path of the request too."""
    for merged in draft.resources:
        place = merged.place("endpoint", "path")
        is_written = place[-1] in ("path", "endpoint") or "from" in merged.endpoint
        if merged.name == name and not is_written:
            raise RenameRefused(
                f"{name} is the path of this resource too; write `endpoint: {{path: "
                f"{merged.path}}}` beside its name first"
            )


def _columns(file: OpenFile, draft: Draft, old: str, new: str) -> Iterator[Edit]:
    """Yield the mentions of the columns that `include_from_parent` names after a parent."""
    for merged in draft.resources:
        for _, parent, field in draft.included(merged):
            if parent == old:
                column = re.escape(f"_{old}_{field}")
                for one in re.finditer(rf"(?<!\w){column}(?!\w)", file.text):
                    yield one.start(), one.end(), f"_{new}_{field}"


def edited(text: str, edits: list[Edit]) -> str:
    """Return a text with edits that do not overlap."""
    for start, end, written in sorted(edits, reverse=True):
        text = text[:start] + written + text[end:]
    return text


def _try(file: OpenFile, edits: list[Edit], section: str, new: str, count: int) -> None:
    after = file.changed(edited(file.text, edits), file.version)
    before, now = (Counter(one.code for one in found.findings) for found in (file, after))
    broken = [one for one in after.findings if now[one.code] > before[one.code]]
    if broken:
        raise RenameRefused(f"with this name: {file.redactor.redact(broken[0].message)}")
    if len(mentions_of(after, section, new)) != count:
        raise RenameRefused(
            f"{new} would mean something else at one of its {count} places; choose another name"
        )


def elsewhere(file: OpenFile, section: str, old: str, new: str) -> str:
    """Return what keeps the old name, since it is not in this file."""
    name = file.location.name
    if section == "resources":
        return (
            f"Renamed {old} to {new} in this file. What was loaded keeps the name {old}: its table "
            f"and its watermark, so the next run loads {new} from the start. So do cassettes/"
            f"{name}.yaml and {name}.expected.yaml (record again), files in schemas/{name}, and "
            "fleet files."
        )
    variable = f"SOURCES__{name.upper()}__{old.upper()}"
    places = f"{variable} or the entry in secrets.toml, and in fleet files"
    if section == "config":
        places = (
            f"{variable} or the entry in config.toml, --set, fleet files, and "
            f"cassettes/{name}.yaml (record again)"
        )
    return f"Renamed {old} to {new} in this file. What sets it has the old name: {places}."
