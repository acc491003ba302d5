"""What an API does at one path: its parameters, its body, its successful response."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from framework.importers.api_guesses.api_model.document_part import DocumentPart
from framework.importers.api_guesses.api_model.name_words import READING, noun, words_of
from framework.importers.api_guesses.api_model.shapes import Shape

Json = Any

_VARIABLE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a request; `place` is path, query, header or cookie."""

    name: str
    place: str
    is_required: bool
    shape: Shape
    description: str

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the name, without the `$` and brackets of some APIs."""
        return words_of(self.name)


@dataclass(frozen=True)
class Operation:
    """One path and method. `response` is the body of its success, None if none is described.

    `name` is what its resource is called, if something other than the path says it. `variant`
    tells apart what has the same path, such as GraphQL queries. `response_format` is that of the
    connector file, None for JSON; `has_other_types` means that the API offers several.
    `fixed_query` is what the path has after its `?`.
    """

    path: str
    method: str
    operation_id: str
    prose: str
    tags: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    body: Shape | None
    response: Shape | None
    headers: Mapping[str, str]
    is_deprecated: bool
    security: tuple[Mapping[str, Json], ...] | None
    servers: tuple[DocumentPart, ...] = ()
    response_type: str = ""
    response_format: Json = None
    has_other_types: bool = False
    fixed_query: Mapping[str, str] = field(default_factory=dict)
    is_example: bool = False
    name: str = ""
    variant: str = ""

    @property
    def key(self) -> str:
        """How people name it: `GET /users`."""
        more = f" {self.name or self.variant[:40]}" if self.variant else ""
        return f"{self.method.upper()} {self.path}{more}"

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The path's parts."""
        return tuple(part for part in self.path.split("/") if part)

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The names in the path's braces, each once."""
        return tuple(dict.fromkeys(_VARIABLE.findall(self.path)))

    @cached_property
    def static(self) -> tuple[str, ...]:
        """The parts without variables, without a version and a file's extension."""
        parts = [re.sub(r"\.(json|xml)$", "", part) for part in self.segments]
        return tuple(part for part in parts if not _VARIABLE.search(part))

    @property
    def ends_with_variable(self) -> bool:
        """Whether the path's last part is a variable, as of one record."""
        return bool(self.segments) and self.segments[-1].strip(".json").startswith("{")

    @cached_property
    def id_words(self) -> tuple[str, ...]:
        """The words of the operation's id."""
        return words_of(self.operation_id)

    @cached_property
    def nouns(self) -> tuple[tuple[str, ...], ...]:
        """What the operation is about, as nouns: by its path, its id."""
        found = [noun(self.static[-1])] if self.static else []
        found += [noun(self.name)] if self.name else []
        rest = [word for word in self.id_words if word not in _VERBS]
        if rest:
            found.append(noun("_".join(rest)))
        return tuple(one for one in dict.fromkeys(found) if one)

    def parameter(self, name: str, place: str) -> Parameter | None:
        """Return a parameter by its name and place."""
        matches = (one for one in self.parameters if (one.name, one.place) == (name, place))
        return next(matches, None)

    @cached_property
    def query(self) -> tuple[Parameter, ...]:
        """The query parameters."""
        return tuple(one for one in self.parameters if one.place == "query")


_VERBS = READING | {"api", "v"}
