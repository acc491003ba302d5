"""A template read backwards: which text it could have made, and the values in its placeholders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from framework.definition.expressions.jmespath_expression import compile_expression
from framework.definition.expressions.placeholders import Literal as Text
from framework.definition.expressions.placeholders import (
    Placeholder,
    parse_template,
)
from framework.definition.paginator_keys import PAGE_KEYS

Use = Literal["list", "page", "size", "start", "end", "changing"]
"""What a value in a request is for: it tells which list, which page, how many records, from or
until when; or it is another one in each run, such as a credential or the time."""


@dataclass(frozen=True)
class Hole:
    """One placeholder of a template; `expression` works on the context."""

    use: Use
    expression: str


@dataclass(frozen=True)
class TextPattern:
    """The texts that a template can make. `holes` are its placeholders in order."""

    regex: re.Pattern[str]
    holes: tuple[Hole, ...]
    is_alone: bool
    """Whether the template is one placeholder, whose value may be anything."""
    literals: int
    """The number of its fixed characters: a pattern with more is more specific."""
    is_path: bool

    @classmethod
    def of(cls, template: str, *, is_path: bool = False, in_job: bool = False) -> TextPattern:
        """Return the pattern of a template; that of a path has no query, and is percent-encoded.

        In the requests about an export job `response` is the job's, not that of the last page.
        """
        parts = parse_template(template)
        texts, holes, literals = [], [], 0
        for part in parts:
            if isinstance(part, Text):
                text, mark, _ = part.text.partition("?") if is_path else (part.text, "", "")
                text = quote(text, safe="/%:!$&'()*+,;=@-._~") if is_path else text
                texts.append(re.escape(text))
                literals += len(text)
                if mark:
                    break
            else:
                use = use_of(part, in_job=in_job)
                # a value that is left out, such as the first page's cursor, is empty, and so may be
                # a config entry; in a path that would be another path
                texts.append("(.+?)" if is_path and use == "list" else "(.*?)")
                holes.append(Hole(use, _expression_of(part)))
        regex = re.compile("".join(texts), re.DOTALL)
        return cls(regex, tuple(holes), len(parts) == len(holes) == 1, literals, is_path)

    @property
    def is_constant(self) -> bool:
        """Whether every value in it tells which list is requested."""
        return all(hole.use == "list" for hole in self.holes)

    def values(self, text: str) -> list[tuple[Hole, str]] | None:
        """Return the placeholders with their values in a text; None if it has another form."""
        found = self.regex.fullmatch(text)
        if found is None:
            return None
        values = map(unquote, found.groups()) if self.is_path else iter(found.groups())
        return list(zip(self.holes, values, strict=True))

    def list_values(self, text: str, kept: frozenset[Use]) -> tuple[str, ...] | None:
        """Return the values for these uses; None if the text has another form."""
        values = self.values(text)
        if values is None:
            return None
        return tuple(value for hole, value in values if hole.use in kept)


def use_of(part: Placeholder, *, in_job: bool = False) -> Use:
    """Return what the value of a placeholder is for."""
    if part.kind == "secrets":
        return "changing"
    if part.kind == "incremental":
        return _range_use(part.name)
    if part.kind != "expression":
        return "list"
    paths = compile_expression(part.text).reads(over_context=True)
    roots = {path[0] if path else "" for path in paths}
    if "paginator" in roots or (roots & PAGE_KEYS and not in_job):
        return "size" if set(paths) == {("paginator", "limit")} else "page"
    if "incremental" in roots:
        return _range_use(next(path[1] for path in paths if path[0] == "incremental"))
    return "changing" if roots & {"secrets", "now"} else "list"


def _range_use(name: str) -> Use:
    return "end" if name.startswith("end") else "start"


def _expression_of(part: Placeholder) -> str:
    return part.expression or part.text if part.kind == "expression" else part.text
