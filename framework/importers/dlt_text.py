"""Texts of a dlt `RESTAPIConfig` as a connector file writes them.

dlt formats some texts with `str.format`, reads others as JSONPath, and sends the rest unchanged.
`<<py: ...>>` in them stands for a value that the original computes in Python.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from framework.definition.expressions.jmespath_expression import ExpressionError, syntax_tree
from framework.definition.expressions.jsonpath import (
    JsonPathError,
    cursor_path_of,
    jmespath_of,
    jsonpath_steps,
    jsonpath_tree,
    rooted,
)
from framework.definition.expressions.literal_braces import literal_form, literal_template
from framework.definition.expressions.placeholders import escape

_PYTHON = re.compile(r"<<py: (.*?)>>", re.DOTALL)
_REFERENCE = re.compile(r"resources\.([^.]*)\.(.+)", re.DOTALL)


def is_python(text: str) -> bool:
    """Return whether Python computes the whole text."""
    return _PYTHON.fullmatch(text) is not None


def python_values(text: str) -> tuple[str, ...]:
    """Return the Python expressions in a text."""
    return tuple(_PYTHON.findall(text))


def python_name(text: str) -> str:
    """Return a text with each Python expression replaced by the last word of it."""
    return _PYTHON.sub(lambda match: _last_word(match[1]), text)


def _last_word(python: str) -> str:
    words = re.findall(r"[A-Za-z_]\w*", python)
    return words[-1] if words else "value"


@dataclass(frozen=True)
class DltText:
    """Converts the texts of one place.

    `names` are the new names of resources, `config_entry` declares a value that Python computes
    and returns its placeholder, `note` and `missing` report.
    """

    names: Mapping[str, str]
    config_entry: Callable[[str], str]
    note: Callable[[str], None]
    missing: Callable[[str], None]

    @staticmethod
    def literal(text: str) -> str:
        """Return the template of exactly this text."""
        return escape(text)

    @staticmethod
    def without_python(text: str) -> str:
        """Return the text without what Python computes."""
        return _PYTHON.sub("", text)

    @staticmethod
    def replace_python(text: str, placeholder: Callable[[str], str]) -> str:
        """Return a template: Python expressions become placeholders, the rest stays as it is."""
        pieces = _PYTHON.split(text)
        return "".join(
            placeholder(piece) if position % 2 else escape(piece)
            for position, piece in enumerate(pieces)
        )

    def sent(self, text: str) -> str:
        """Return the template of a text that dlt sends unchanged."""
        return self.replace_python(text, self.config_entry)

    def header(self, text: str) -> str:
        """Return the text of a header of the client, in which most braces are plain."""
        expected = self.sent(text)
        written = literal_form(expected)
        if literal_template(written) != expected:
            self.missing(f"the braces of `{text}` cannot be told from a placeholder's")
        return written

    def plain(self, text: str) -> str:
        """Return a text that is no template in either; Python in it cannot be said."""
        for python in python_values(text):
            self.missing(f"`{python}` is computed in Python, and no placeholder may stand here")
        return text

    def formatted(self, text: str) -> str:
        """Return the template of a text that dlt formats."""
        pieces = _PYTHON.split(text)
        return "".join(
            self.config_entry(piece) if position % 2 else self._placeholders(piece)
            for position, piece in enumerate(pieces)
        )

    def _placeholders(self, text: str) -> str:
        made = ""
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError as error:
            self.missing(f"dlt cannot format `{text}`: {error}")
            return escape(text)
        for before, name, form, conversion in parts:
            made += escape(before)
            if name is None:
                continue
            if form or conversion:
                self.missing(f"`{text}`: a placeholder has no format of its own here")
            made += "{" + self._reference(name) + "}"
        return made

    def _reference(self, name: str) -> str:
        match = _REFERENCE.fullmatch(name.strip())
        if match is None:
            return name
        return f"resources.{self.names.get(match[1], match[1])}.{self.selector(match[2])}"

    def selector(self, text: str) -> str:
        """Return a JSONPath as JMESPath if it is keys and positions only, else after a `$`."""
        if not text.strip() or python_values(text):
            return self.plain(text)
        try:
            steps = jsonpath_steps(jsonpath_tree(text))
            written = rooted(text) if steps is None else jmespath_of(steps)
        except JsonPathError as error:
            return self._unreadable(text, str(error))
        if written is None:
            self.missing(f"`{text}` has no meaning as a JSONPath after `$`")
            return text
        return written

    def _unreadable(self, text: str, reason: str) -> str:
        try:
            syntax_tree(text)
        except ExpressionError:
            self.missing(f"`{text}` is not a JSONPath that dlt reads: {reason}")
        else:
            self.note(f"dlt cannot read `{text}`; here it is JMESPath")
        return text

    def cursor_path(self, text: str) -> str:
        """Return the path of an incremental's cursor: keys joined by dots, or after a `$`."""
        if not text.strip() or python_values(text):
            return self.plain(text)
        try:
            return cursor_path_of(text)
        except JsonPathError as error:
            self.missing(f"`{text}` is not a JSONPath that dlt reads: {error}")
            return text
