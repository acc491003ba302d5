"""Paginators that never end, and ones that dlt has to guess."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.definition.annotations import resource_texts, text_reaches
from framework.definition.draft import Draft
from framework.definition.paginator_keys import VALUES, total_path
from framework.findings import Finding
from framework.text import join_words, mentions

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any

_ENDS = {
    "page_number": ("total_path", "maximum_page", "has_more_path"),
    "offset": ("total_path", "maximum_offset", "has_more_path"),
}


def check_ends(draft: Draft) -> Iterator[Finding]:
    """Paging by number or offset needs one thing that says when to stop."""
    for pointer, paginator in _paginators(draft):
        kind = paginator.get("type")
        ends = _ENDS.get(kind) if isinstance(kind, str) else None
        if ends is None or paginator.get("stop_after_empty_page", True):
            continue
        given = {**paginator, "total_path": total_path(paginator)}
        if any(paginator.get(key) for key in ("stop_when", "stop_after_short_page")):
            continue
        if all(given.get(key) is None for key in ends):
            yield draft.document.finding(
                (*pointer, "stop_after_empty_page"),
                "endless-paging",
                "nothing says where the pages end: stop_after_empty_page is false and there is no "
                f"{', no '.join(ends)}; give one of them, or take stop_after_empty_page away",
                key=True,
            )


def check_ahead(draft: Draft) -> Iterator[Finding]:
    """Pages can be asked for ahead only where their number is known."""
    for pointer, paginator in _paginators(draft):
        kind = paginator.get("type")
        ends = _ENDS.get(kind, ())[:2] if isinstance(kind, str) else ()
        if not ends or paginator.get("ahead") is not True:
            continue
        given = {**paginator, "total_path": total_path(paginator)}
        if all(given.get(key) is None for key in ends):
            yield draft.document.finding(
                (*pointer, "ahead"),
                "ahead-without-end",
                "nothing says how many pages there are to ask for ahead: give "
                f"{' or '.join(ends)}, or take ahead away",
                key=True,
            )


def check_values(draft: Draft) -> Iterator[Finding]:
    """`{paginator.x}` takes a value that the paginator of its request has."""
    for merged in draft.resources:
        own = merged.endpoint.get("paginator")
        written = draft.client.get("paginator") if own is None else own
        kind = written.get("type", "auto") if isinstance(written, dict) else written
        kind = "auto" if kind is None else kind
        if not isinstance(kind, str) or (isinstance(written, dict) and kind not in VALUES):
            continue
        values = VALUES.get(kind, ())
        for text in resource_texts(merged):
            for one in text_reaches(text):
                if one.path[:1] != ("paginator",) or set(one.path[1:2]) <= set(values):
                    continue
                has = f"which has {join_words(values)}" if values else "which has no such values"
                yield draft.document.finding(
                    one.pointer,
                    "paginator-value",
                    f"{{{one.text}}} takes {'.'.join(one.path[1:]) or 'all'} from the paginator "
                    f"`{kind}`, {has}; name another value, or write the paginator that has it",
                    key=one.key,
                )


def check_guesses(draft: Draft) -> Iterator[Finding]:
    """`auto`, or nothing said: dlt guesses from the first answer, and a wrong guess is one page."""
    if not draft.resources:
        return
    places: dict[Pointer, list[str]] = {}
    silent: list[str] = []
    fallback = draft.client.get("paginator")
    for merged in draft.resources:
        own = merged.endpoint.get("paginator")
        written = fallback if own is None else own
        if written is None:
            if mentions(draft.client, "paginator") or mentions(merged.endpoint, "paginator"):
                continue
            silent.append(merged.name)
        elif _is_auto(written):
            pointer = (
                ("client", "paginator") if own is None else merged.place("endpoint", "paginator")
            )
            places.setdefault(pointer, []).append(merged.name)
    for pointer, names in places.items():
        yield draft.document.finding(
            pointer, "paginator-guessed", _guess("`auto`", names), severity="warning"
        )
    if silent:
        yield draft.document.finding(
            ("client",),
            "paginator-guessed",
            _guess("no paginator", list(dict.fromkeys(silent))),
            severity="warning",
            key=True,
        )


def _guess(found: str, names: list[str]) -> str:
    return (
        f"found {found} for {join_words(names)}: paging is guessed from the first "
        "answer, and where "
        "the guess is wrong the first page is all that is loaded; write the paginator, or "
        "single_page"
    )


def _is_auto(paginator: Json) -> bool:
    if isinstance(paginator, Mapping):
        return bool(paginator.get("type", "auto") == "auto")
    return bool(paginator == "auto")


def _paginators(draft: Draft) -> Iterator[tuple[Pointer, Mapping[str, Json]]]:
    found: dict[Pointer, Json] = {("client", "paginator"): draft.client.get("paginator")}
    for merged in draft.resources:
        if "paginator" in merged.endpoint:
            found.setdefault(merged.place("endpoint", "paginator"), merged.endpoint["paginator"])
    return ((pointer, value) for pointer, value in found.items() if isinstance(value, dict))
