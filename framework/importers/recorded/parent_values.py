"""Find parents by values: the ids in paths and parameters that records of other lists hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from framework.importers.api_guesses.api_model.name_words import (
    noun,
    plain_name,
    similarity,
    words_of,
)
from framework.importers.api_guesses.parent_lists import ParentValue
from framework.importers.api_guesses.record_lists import ListGuess, quoted
from framework.importers.recorded.api_exchange import InputKey
from framework.importers.recorded.endpoints import RecordedEndpoint
from framework.importers.recorded.observed_records import records_of

Json = Any

_SEEN = 0.97
_KEYS = frozenset({"id", "uuid", "guid", "gid", "uid", "key", "slug", "code", "pk", "sid", "ref"})
_DEPTH = 2
_SHORT = 4
"""Digits up to which a number may stand in other records by chance."""
_LEAST_SCORE = 0.6

Field = tuple[str, ...]


@dataclass(frozen=True)
class ObservedList:
    """A list, and the endpoint whose exchanges show its records."""

    name: str
    guess: ListGuess
    endpoint: RecordedEndpoint


@dataclass
class ValueIndex:
    """Which list holds a value in which field. Values are compared as text."""

    lists: Sequence[ObservedList]
    _fields: dict[str, dict[str, set[Field]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.lists:
            found: dict[str, set[Field]] = defaultdict(set)
            if not one.guess.is_single:
                for exchange in one.endpoint.answered:
                    for record in records_of(one.guess, exchange.data):
                        for path, value in _scalars(record, ()):
                            found[value].add(path)
            self._fields[one.name] = found

    def fields_with(self, name: str, values: set[str]) -> dict[Field, float]:
        """Return the fields of a list that hold these values, and which part of them."""
        counts: dict[Field, int] = defaultdict(int)
        for value in values:
            for path in self._fields[name].get(value, ()):
                counts[path] += 1
        return {path: count / len(values) for path, count in counts.items()}


def _scalars(record: Mapping[str, Json], above: Field) -> Iterator[tuple[Field, str]]:
    for name, value in record.items():
        if isinstance(value, dict) and len(above) < _DEPTH - 1:
            yield from _scalars(value, (*above, name))
        elif isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            yield (*above, name), str(value)


def observed_bindings(
    child: ObservedList, index: ValueIndex, guessed: Mapping[str, ParentValue]
) -> dict[str, ParentValue]:
    """Return where the variables of a list's path come from: as guessed, if the values agree."""
    endpoint = child.endpoint
    found = dict(guessed)
    columns = [endpoint.values_of(one) for one in endpoint.useful]
    for position, variable in enumerate(endpoint.names):
        values = {column[position] for column in columns if column[position]}
        before = endpoint.path.split(f"{{{variable}}}")[0]
        best = _best(child, index, variable, before, values, guessed.get(variable))
        if best is not None:
            found[variable] = best
    return found


def observed_inputs(child: ObservedList, index: ValueIndex) -> dict[InputKey, ParentValue]:
    """Return the query parameters that take a value of another list's records."""
    values: dict[InputKey, set[str]] = defaultdict(set)
    answered = child.endpoint.useful
    for exchange in answered:
        for key, value in exchange.inputs.items():
            if key[0] == "query" and isinstance(value, str) and value:
                values[key].add(value)
    found = {}
    for key, ones in values.items():
        words = words_of(key[1])
        names_key = len(words) > 1 and words[-1] in _KEYS
        is_required = all(key in one.inputs for one in answered)
        if names_key and is_required:
            best = _best(child, index, key[1], "", ones, None)
            if best is not None:
                found[key] = best
    return found


def _are_words(values: set[str]) -> bool:
    """Return whether values may stand in a record by chance."""
    return all(one.isalpha() for one in values)


def _best(
    child: ObservedList,
    index: ValueIndex,
    variable: str,
    before: str,
    values: set[str],
    guess: ParentValue | None,
) -> ParentValue | None:
    """Return the list whose records hold the values, the guessed one if it is among them."""
    rated: list[tuple[float, ParentValue]] = []
    words = words_of(variable)
    stem = words[:-1] if len(words) > 1 and words[-1] in _KEYS else words
    parts = [part for part in before.split("/") if part and "{" not in part]
    is_common = all(len(one) <= _SHORT and one.isdigit() for one in values)
    for one in index.lists:
        below = one.endpoint.path.startswith(f"{child.endpoint.path}/")
        if one is child or below or not values or variable in one.endpoint.names:
            continue
        path = one.endpoint.path.rstrip("/")
        is_prefix = bool(before) and path == before.rstrip("/")
        nouns = (*one.guess.operation.nouns, noun(one.name))
        likeness = max((similarity(stem, other) for other in nouns), default=0.0)
        if parts:
            likeness = max(likeness, *(similarity(noun(parts[-1]), other) for other in nouns))
        for place, part in index.fields_with(one.name, values).items():
            key = plain_name(place[-1])
            is_key = key in _KEYS or key == plain_name(variable) or place[-1] in ("_id",)
            score = 0.5 * part + 0.25 * likeness + 0.25 * is_prefix + 0.1 * is_key
            score += 0.2 * (not is_common) - 0.05 * (len(place) - 1)
            if guess is not None and guess.parent is one.guess:
                score += 0.1
            if part < 1 and not (is_prefix or likeness >= _LEAST_SCORE):
                continue
            if is_common and not (is_prefix or likeness >= _LEAST_SCORE):
                continue
            where = ".".join(map(quoted, place))
            reason = f"the recorded values are in {where} of {one.name}"
            if part < 1:
                reason = f"some of the recorded values are in {where} of {one.name}"
            sure = _SEEN if part == 1 else 0.8
            if not (is_prefix or likeness >= _LEAST_SCORE) and _are_words(values):
                sure = 0.7
            rated.append((score, ParentValue(variable, one.guess, where, sure, reason)))
    if rated:
        return max(rated, key=lambda one: one[0])[1]
    if guess is not None:
        seen = any(one.guess is guess.parent and one.endpoint.answered for one in index.lists)
        reason = "no recorded response holds the values" if seen else "no response is recorded"
        reason = f"{guess.reason}, but {reason}"
        return replace(guess, confidence=min(guess.confidence, 0.7), reason=reason)
    return None
