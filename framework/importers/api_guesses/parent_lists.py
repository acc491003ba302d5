"""Find the list whose records hold the value of a path variable, or of a required parameter.

By the path (`/projects/{id}/tasks` below `/projects`), by schema (the operation of one record has
the records of a list), and by words (`project_gid` is the `gid` of a project). Without a parent the
value becomes an entry of `config`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from framework.importers.api_guesses.api_model.name_words import (
    noun,
    plain_name,
    similarity,
    singular,
    vocabulary,
    words_of,
)
from framework.importers.api_guesses.api_model.operations import Operation
from framework.importers.api_guesses.api_model.shapes import Shape, ShapeReader
from framework.importers.api_guesses.record_lists import ListGuess, quoted

PARENT_THRESHOLD = 0.55
_KEYS = ("id", "uuid", "guid", "gid", "uid", "_id", "key", "slug", "code", "name", "number", "sid")
_KEY_WORDS = vocabulary(
    """
    id ids uuid guid gid uid key slug code name number sid ref identifier identity no num pk token
    url path login handle or by
    """
)
_MAX_CHOICES = 400


@dataclass(frozen=True)
class ParentValue:
    """Where a value comes from: a list's field (JMESPath), how sure, and why."""

    variable: str
    parent: ListGuess
    path: str
    confidence: float
    reason: str


@dataclass
class ParentFinder:
    """Finds parents among the lists of one description."""

    lists: Sequence[ListGuess]
    operations: Sequence[Operation]
    shapes: ShapeReader
    _details: dict[str, list[ListGuess]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_path: dict[str, ListGuess] = {}
        for one in self.lists:
            self._by_path.setdefault(_plain_path(one.operation.path), one)
        self._by_origin: dict[str, list[ListGuess]] = {}
        for one in self.lists:
            if one.record.origin:
                self._by_origin.setdefault(one.record.origin, []).append(one)
        self._details_by_prefix: dict[str, Operation] = {}
        for operation in self.operations:
            if operation.method == "get" and operation.variables:
                self._details_by_prefix.setdefault(_plain_path(operation.path), operation)

    def bindings(self, child: ListGuess) -> dict[str, ParentValue]:
        """Return where the values of a list's path variables come from, as far as they are known.

        A later variable is found first: its parent may know the values of the earlier ones.
        """
        operation = child.operation
        found: dict[str, ParentValue] = {}
        for variable in reversed(operation.variables):
            inherited = self._inherited(variable, found, operation)
            best = inherited or self._best(child, variable, prefix_of(operation.path, variable))
            if best is not None:
                found[variable] = best
        for one in operation.query:
            if one.is_required and not one.shape.enum and _names_key(one.name):
                best = self._best(child, one.name, "")
                if best is not None:
                    found[one.name] = best
        return found

    def _inherited(
        self, variable: str, found: Mapping[str, ParentValue], operation: Operation
    ) -> ParentValue | None:
        """Return a value that the records of a nearer parent hold: `organization.slug`."""
        for binding in found.values():
            above = binding.parent.operation
            if full_name(operation.path, variable) in {
                full_name(above.path, one) for one in above.variables
            }:
                continue  # the parent's own parent has it
            record = binding.parent.record
            path = self._field_of_owner(record, variable)
            if path is not None and binding.confidence >= PARENT_THRESHOLD:
                return ParentValue(variable, binding.parent, path, 0.8, f"its records hold {path}")
        return None

    def _field_of_owner(self, record: Shape, variable: str) -> str | None:
        """Return the field in which a record names what it belongs to."""
        plain = plain_name(variable)
        if len(words_of(variable)) < 2:
            return None
        for name in record.properties:
            if plain_name(name) == plain:
                return quoted(name)
        stem, key = _stem_and_key(variable)
        for name, shape in self.shapes.children(record):
            if noun(name) == stem and shape.properties:
                for inner in shape.properties:
                    if plain_name(inner) == (key or "id"):
                        return f"{quoted(name)}.{quoted(inner)}"
        return None

    def _best(self, child: ListGuess, variable: str, prefix: str) -> ParentValue | None:
        choices: dict[str, tuple[ListGuess, float, str]] = {}

        def offer(parent: ListGuess, score: float, reason: str) -> None:
            if parent is child or parent.is_single or self._needs(parent, child, variable):
                return
            key = parent.operation.key
            if key not in choices or choices[key][1] < score:
                choices[key] = (parent, score, reason)

        static_prefix, before = _before(prefix)
        above = self._by_path.get(_plain_path(static_prefix)) if prefix else None
        stem, key = _stem_and_key(variable)
        if above is not None:
            offer(above, 0.95, f"the path continues that of {above.operation.path}")
        detail = (
            self._details_by_prefix.get(_plain_path(f"{prefix}{{{variable}}}")) if prefix else None
        )
        if detail is not None and detail is not child.operation:
            for parent in self._lists_of(detail):
                offer(
                    parent,
                    0.9 - 0.03 * len(parent.operation.variables),
                    f"{detail.path} returns one of its records",
                )
        wanted = [one for one in (stem, noun(before) if before else ()) if one]
        for parent in self.lists[:_MAX_CHOICES]:
            score = max(
                (similarity(one, other) for one in wanted for other in self._nouns(parent)),
                default=0.0,
            )
            if score >= 0.6:
                depth = len(parent.operation.variables)
                shared = _shared(parent.operation.path, child.operation.path)
                offer(
                    parent,
                    0.35 + 0.4 * score - 0.05 * depth + 0.01 * shared,
                    f"{variable} is named like its records",
                )
        rated = []
        for parent, score, reason in choices.values():
            path, fit = self._field(parent, variable, stem, key)
            if path is not None:
                rated.append((score * (0.6 + 0.4 * fit), parent, path, reason))
        if not rated:
            return None
        score, parent, path, reason = max(rated, key=lambda one: one[0])
        if score < PARENT_THRESHOLD:
            return None
        return ParentValue(variable, parent, path, min(score, 1.0), reason)

    def _needs(self, parent: ListGuess, child: ListGuess, variable: str) -> bool:
        """Return whether a parent has the same variable open, or lies below its child."""
        operation = parent.operation
        wanted = full_name(child.operation.path, variable)
        known = {full_name(operation.path, one) for one in operation.variables}
        known |= {one.name for one in operation.query if one.is_required}
        return wanted in known or operation.path.startswith(f"{child.operation.path}/")

    def _lists_of(self, detail: Operation) -> list[ListGuess]:
        """Return the lists whose records are what an operation returns one of."""
        if detail.key in self._details:
            return self._details[detail.key]
        found: list[ListGuess] = []
        response = detail.response
        if response is not None:
            shapes = [response, *(one for _, one in self.shapes.children(response))]
            shapes += [self.shapes.item(one) for one in shapes if one.is_list]
            for shape in shapes:
                for one in self._by_origin.get(shape.origin, []) if shape.origin else []:
                    if one not in found:
                        found.append(one)
                if found:
                    break
        self._details[detail.key] = found
        return found

    @staticmethod
    def _nouns(one: ListGuess) -> tuple[tuple[str, ...], ...]:
        origin = one.record.origin.rsplit("/", 1)[-1] if one.record.origin else ""
        return (*one.operation.nouns, *([noun(origin)] if origin else []))

    def _field(
        self, parent: ListGuess, variable: str, stem: tuple[str, ...], key: str
    ) -> tuple[str | None, float]:
        """Return the field of a parent's records that has the value, and how well it fits."""
        record = parent.record
        names = {plain_name(name): name for name in record.properties}
        plain = plain_name(variable)
        if plain in names and self._is_plain(record, names[plain]):
            return quoted(names[plain]), 1.0
        if key and key in names and self._is_plain(record, names[key]):
            return quoted(names[key]), 1.0
        if key in ("id", "") or key not in ("slug", "name", "code", "number"):
            own = [*(f"{singular(word)}id" for word in stem[-1:]), "id"]
            for name in (f"{plain}id", *own):
                if name in names and self._is_plain(record, names[name]):
                    return quoted(names[name]), 0.9
        for name in _KEYS:
            found = names.get(plain_name(name) or name)
            if found is not None and self._is_plain(record, found):
                return quoted(found), 0.6
        if not record.properties:
            return quoted(key or "id"), 0.5
        ids = [
            name
            for name in record.properties
            if words_of(name)[-1:] in (("id",), ("uuid",)) and self._is_plain(record, name)
        ]
        if len(ids) == 1 or (ids and ids[0] == next(iter(record.properties))):
            return quoted(ids[0]), 0.5
        return None, 0.0

    def _is_plain(self, record: Shape, name: str) -> bool:
        shape = self.shapes.shape(record.properties[name])
        return shape.is_scalar or not shape.types


def break_circles(bindings: dict[str, dict[str, ParentValue]], names: Mapping[str, str]) -> None:
    """Remove bindings by which a list would depend on itself. `names` are those of operations."""
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        for variable, binding in list(bindings[name].items()):
            parent = names[binding.parent.operation.key]
            if parent == name or parent in above:
                del bindings[name][variable]
            elif parent not in done:
                visit(parent, (*above, name))
        done.add(name)

    for name in list(bindings):
        visit(name, ())


def prefix_of(path: str, variable: str) -> str:
    """Return the part of a path before a variable."""
    return path.split(f"{{{variable}}}", 1)[0]


def full_name(path: str, variable: str) -> str:
    """Return a variable's name, with what it is the id of if it does not say that itself."""
    stem, _ = _stem_and_key(variable)
    if stem or f"{{{variable}}}" not in path:
        return variable
    before = _before(prefix_of(path, variable))[1]
    return "_".join((*noun(before), *words_of(variable))) if before else variable


def _before(prefix: str) -> tuple[str, str]:
    """Return the path of the list that a prefix ends with, and its last static part."""
    static = prefix.rstrip("/")
    parts = [part for part in static.split("/") if part and "{" not in part]
    if not prefix.endswith("/"):
        return "", re.sub(r"[_\-.=:(]+$", "", parts[-1]) if parts else ""
    return static, parts[-1] if parts and not static.endswith("}") else ""


def _plain_path(path: str) -> str:
    """Return a path without its ending and the names of its variables, to compare it."""
    text = re.sub(r"\.(json|xml)$", "", path.strip().rstrip("/"))
    return re.sub(r"\{[^{}]*\}", "{}", text)


def _shared(one: str, other: str) -> int:
    """Return how many parts of two paths are the same at the start."""
    count = 0
    for first, second in zip(one.split("/"), other.split("/"), strict=False):
        if first != second:
            break
        count += 1
    return count


def _stem_and_key(variable: str) -> tuple[tuple[str, ...], str]:
    """Return what a variable is about and which field it wants: `project_gid` a project's gid."""
    words = words_of(variable)
    if len(words) > 2 and "or" in words:  # table_id_or_name
        words = words[: words.index("or")]
    if len(words) > 1 and words[-1] in _KEY_WORDS:
        stem = words[:-1]
        return (*stem[:-1], singular(stem[-1])), singular(words[-1])
    if len(words) == 1 and words[0] not in _KEY_WORDS:
        word = words[0]
        for ending in ("id", "uuid", "slug", "gid", "guid"):
            if word.endswith(ending) and len(word) > len(ending) + 2 and ending != "id":
                return (word[: -len(ending)],), ending
        return (singular(word),), ""
    return (), words[-1] if words else ""


def _names_key(name: str) -> bool:
    words = words_of(name)
    return len(words) > 1 and words[-1] in ("id", "gid", "uuid", "guid", "key", "slug")
