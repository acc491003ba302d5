"""Paginators: they end, they are not guessed, and `{paginator.x}` names a value that they have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.definition.draft import Draft
from framework.definition.paginator_keys import paginator_types, total_path
from framework.definition.rules.rule import Breach, Key, rule
from framework.definition.schema.annotations import context_reads, resource_templates
from framework.text import join_words, mentions

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any


@rule("endless-paging")
def check_ends(draft: Draft) -> Iterator[Breach]:
    """A paginator by number or offset has something that ends it."""
    for pointer, paginator in _paginators(draft):
        ends = _ends(paginator)
        if not ends or paginator.get("stop_after_empty_page", True):
            continue
        if any(paginator.get(key) for key in ("stop_when", "stop_after_short_page")):
            continue
        if not _has_any(paginator, ends):
            yield (
                Key((*pointer, "stop_after_empty_page")),
                "nothing says where the pages end: stop_after_empty_page is false and there is no "
                f"{', no '.join(ends)}; add one of them, or remove stop_after_empty_page",
            )


@rule("ahead-without-end")
def check_ahead(draft: Draft) -> Iterator[Breach]:
    """Pages are requested ahead only if their number is known."""
    for pointer, paginator in _paginators(draft):
        ends = _ends(paginator)[:2]
        if ends and paginator.get("ahead") is True and not _has_any(paginator, ends):
            yield (
                Key((*pointer, "ahead")),
                "nothing says how many pages there are to request ahead; add "
                f"{' or '.join(ends)}, or remove ahead",
            )


@rule("paginator-value")
def check_values(draft: Draft) -> Iterator[Breach]:
    """`{paginator.x}` names a value that the paginator of its request has."""
    types = paginator_types()
    for merged in draft.resources:
        own = merged.endpoint.get("paginator")
        paginator = draft.client.get("paginator") if own is None else own
        kind = paginator.get("type", "auto") if isinstance(paginator, dict) else paginator
        kind = "auto" if kind is None else kind
        if not isinstance(kind, str) or (isinstance(paginator, dict) and kind not in types):
            continue
        values = types[kind].values if kind in types else ()
        for one in (read for text in resource_templates(merged) for read in context_reads(text)):
            if one.path[:1] != ("paginator",) or set(one.path[1:2]) <= set(values):
                continue
            has = f"which has {join_words(values)}" if values else "which has no such values"
            yield (
                Key(one.pointer) if one.key else one.pointer,
                f"{{{one.text}}} takes {'.'.join(one.path[1:]) or 'all'} from the paginator "
                f"`{kind}`, {has}; name another value, or use the paginator that has it",
            )


@rule("paginator-guessed", severity="warning")
def check_guesses(draft: Draft) -> Iterator[Breach]:
    """The paginator is written: dlt would guess it from the first response."""
    guessed: dict[Pointer, list[str]] = {}
    missing: list[str] = []
    default = draft.client.get("paginator")
    for merged in draft.resources:
        if merged.endpoint.get("from") is not None:
            continue
        own = merged.endpoint.get("paginator")
        paginator = default if own is None else own
        if paginator is None and merged.graphql is not None and merged.graphql.is_judged_as_list:
            continue  # a rule of its own says what its query lacks
        if paginator is None:
            if not (mentions(draft.client, "paginator") or mentions(merged.endpoint, "paginator")):
                missing.append(merged.name)
        elif _is_auto(paginator):
            place = ("client", "paginator")
            pointer = place if own is None else merged.place("endpoint", "paginator")
            guessed.setdefault(pointer, []).append(merged.name)
    for pointer, names in guessed.items():
        yield pointer, _guess("`auto`", names)
    if missing:
        yield Key(("client",)), _guess("no paginator", list(dict.fromkeys(missing)))


def _guess(found: str, names: list[str]) -> str:
    return (
        f"found {found} for {join_words(names)}: the paginator is guessed from the first response, "
        "and a wrong guess loads the first page only; write the paginator, or single_page"
    )


def _is_auto(paginator: Json) -> bool:
    kind = paginator.get("type", "auto") if isinstance(paginator, Mapping) else paginator
    return bool(kind == "auto")


def _paginators(draft: Draft) -> Iterator[tuple[Pointer, Mapping[str, Json]]]:
    """Yield every paginator that is a mapping, each place once."""
    places: dict[Pointer, Json] = {("client", "paginator"): draft.client.get("paginator")}
    for merged in draft.resources:
        if "paginator" in merged.endpoint:
            places.setdefault(merged.place("endpoint", "paginator"), merged.endpoint["paginator"])
    return ((pointer, value) for pointer, value in places.items() if isinstance(value, dict))


def _ends(paginator: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the keys that say where counted pages end, none for another type."""
    kind, types = paginator.get("type"), paginator_types()
    return types[kind].ends if isinstance(kind, str) and kind in types else ()


def _has_any(paginator: Mapping[str, Json], keys: tuple[str, ...]) -> bool:
    values = {**paginator, "total_path": total_path(paginator)}
    return any(values.get(key) is not None for key in keys)
