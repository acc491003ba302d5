"""The lists of a description that are imported, with their names; and what is left out, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from framework.importers.api_guesses.api_model.name_words import (
    READING,
    is_plural,
    noun,
    plain_name,
    vocabulary,
    words_of,
)
from framework.importers.api_guesses.api_model.operations import Operation
from framework.importers.api_guesses.record_lists import ListFinder, ListGuess
from framework.importers.source_files import free_name

_VERSION = re.compile(r"v?\d+(\.\d+)*|api|rest|json")
_VERBS = READING | {"of", "the", "by"}
_SEARCHES = vocabulary("q query search term terms keyword keywords text filter expression")
_RESERVED = re.compile(r"_?dlt(_|$)")


@dataclass(frozen=True)
class Choice:
    """What the user wants of a description: patterns of paths, tags, and what to leave out."""

    paths: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, operation: Operation) -> bool:
        """Return whether an operation is wanted."""
        if self.paths and not _matches(operation.path, self.paths):
            return False
        if self.tags and not {one.lower() for one in self.tags} & {
            one.lower() for one in operation.tags
        }:
            return False
        return not _matches(operation.path, self.exclude)


def _matches(path: str, patterns: Iterable[str]) -> bool:
    return any(
        fnmatchcase(path, one) or path == one or path.startswith(f"{one.rstrip('/*')}/")
        for one in patterns
    )


@dataclass
class ListCatalog:
    """The lists by name, in the order of the file, and the operations left out, with reasons."""

    lists: dict[str, ListGuess] = field(default_factory=dict)
    left_out: list[tuple[Operation, str]] = field(default_factory=list)

    def name_of(self, guess: ListGuess) -> str:
        """Return the name of a list."""
        return next(name for name, one in self.lists.items() if one is guess)


def catalog_of(operations: Iterable[Operation], finder: ListFinder, choice: Choice) -> ListCatalog:
    """Return the lists of a description that the user wants."""
    catalog = ListCatalog()
    found: list[ListGuess] = []
    for operation in operations:
        if not choice.takes(operation):
            catalog.left_out.append((operation, "not chosen"))
            continue
        guess = finder.find(operation)
        if guess is None:
            catalog.left_out.append((operation, "not a list"))
        else:
            found.append(guess)
    kept = []
    for guess in found:
        reason = _redundant(guess, found)
        if reason is None:
            kept.append(guess)
        else:
            catalog.left_out.append((guess.operation, reason))
    for guess in sorted(kept, key=lambda one: len(one.operation.variables)):
        name = resource_name(guess.operation, set(catalog.lists))
        catalog.lists[name] = guess
    order = {id(guess): position for position, guess in enumerate(kept)}
    catalog.lists = dict(sorted(catalog.lists.items(), key=lambda one: order[id(one[1])]))
    return catalog


def _redundant(guess: ListGuess, others: Iterable[ListGuess]) -> str | None:
    """Return why a list adds nothing: another one returns the same records, without a search."""
    operation = guess.operation
    origin = guess.record.origin
    same = [
        one
        for one in others
        if one is not guess
        and origin
        and one.record.origin == origin
        and not set(one.operation.variables) - set(operation.variables)
    ]
    if operation.is_deprecated and any(not one.operation.is_deprecated for one in same):
        return "deprecated; another list has the same records"
    plain = [
        one
        for one in same
        if one.operation.method == "get"
        and not _is_search(one.operation)
        and not any(query.is_required for query in one.operation.query)
        and _nouns_of_path(one.operation) == _nouns_of_path(operation)
    ]
    if (operation.method == "post" or _is_search(operation)) and plain:
        return f"a search of what {plain[0].operation.key} lists"
    return None


def _nouns_of_path(operation: Operation) -> list[tuple[str, ...]]:
    """Return the nouns of a path without its verbs: `/users/search` has those of `/users`."""
    words = [[one for one in words_of(part) if one not in _VERBS] for part in operation.static]
    return [noun("_".join(one)) for one in words if one]


def _is_search(operation: Operation) -> bool:
    words = {plain_name(one.name) for one in operation.query if one.is_required}
    last = words_of(operation.static[-1]) if operation.static else ()
    return bool(words & _SEARCHES) or (
        last[-1:] in (("search",), ("autocomplete",), ("suggest",))
        and operation.method == "get"
        and bool(words)
    )


def resource_name(operation: Operation, used: set[str]) -> str:
    """Return a free name: the path's last part, further parts if that is taken, or the id."""
    parts = [part for part in operation.static if not _VERSION.fullmatch(part.lower())]
    parts = [re.sub(r"[:;,].*:?(list|search|get)$", "", part) or part for part in parts]
    rest = [word for word in operation.id_words if word not in _VERBS]
    candidates = [operation.name] if operation.name else []
    if parts:
        last = parts[-1]
        if set(words_of(last)) <= _VERBS and len(parts) > 1:
            last = f"{parts[-2]}"
        if is_plural(last) or len(parts) == 1 or last != parts[-1] or not is_plural(parts[-2]):
            candidates.append(last)
        else:
            candidates.append("_".join(["_".join(noun(parts[-2])), last]))
    if rest and len(rest) <= 5:
        candidates.append("_".join(rest))
    if len(parts) > 1:
        candidates.append("_".join(["_".join(noun(parts[-2])), parts[-1]]))
        candidates.append("_".join([*("_".join(noun(one)) for one in parts[:-1]), parts[-1]]))
    candidates.append("_".join(rest) or "records")
    for one in candidates:
        name = free_name((re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", one),), set(), "list")
        if _RESERVED.match(name):
            name = f"list_{name}"
        if name not in used:
            return name
    return free_name((name,), used, "list")
