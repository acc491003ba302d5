"""Records and shapes of what was recorded, for the guesses that descriptions need too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jmespath

from framework.authoring.scaffold.infer_schema import schema_of_values
from framework.importers.api_guesses.api_model.document_part import DocumentPart
from framework.importers.api_guesses.api_model.shapes import Shape, ShapeReader
from framework.importers.api_guesses.record_lists import ListGuess
from framework.importers.recorded.endpoints import RecordedEndpoint

Json = Any

_MOST_BODIES = 50
"""Responses of one endpoint that its shape is made of."""


def shape_reader() -> ShapeReader:
    """Return a reader of shapes that were recorded, which refer to nothing."""
    return ShapeReader(lambda node: node)


def shape_of(values: Iterable[Json], shapes: ShapeReader) -> Shape:
    """Return the shape that all of these values have."""
    return shapes.shape(DocumentPart(schema_of_values(values), ""))


def response_shape(endpoint: RecordedEndpoint, shapes: ShapeReader) -> Shape | None:
    """Return the shape of an endpoint's responses, None if none is recorded."""
    bodies = [one.data for one in endpoint.answered[:_MOST_BODIES]]
    return shape_of(bodies, shapes) if bodies else None


def input_shape(values: Sequence[Json]) -> Shape:
    """Return the shape of an input; text of digits is a number, the first value the default."""
    known = [one for one in values if one is not None]
    is_whole = bool(known) and all(
        (isinstance(one, int) and not isinstance(one, bool))
        or (isinstance(one, str) and one.isdigit())
        for one in known
    )
    if is_whole:
        return Shape(frozenset({"integer"}), limits={"default": int(known[0])})
    if all(isinstance(one, bool) or one in ("true", "false") for one in known):
        return Shape(frozenset({"boolean"}) if known else frozenset())
    return Shape(frozenset({"string"}))


def records_of(guess: ListGuess, data: Json) -> list[Mapping[str, Json]]:
    """Return the records of a response."""
    found = data
    if guess.selector not in ("", "$"):
        try:
            found = jmespath.search(guess.selector, data)
        except jmespath.exceptions.JMESPathError:
            return []
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, dict)]
