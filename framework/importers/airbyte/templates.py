"""A Jinja template in, placeholders and JMESPath out: its syntax tree, node by node."""

from __future__ import annotations

import warnings

from jinja2 import Environment
from jinja2.exceptions import TemplateError, TemplateSyntaxError

from framework.importers.airbyte.pieces import Template, merged
from framework.importers.airbyte.scope import Scope
from framework.importers.airbyte.statements import body
from framework.importers.airbyte.terms import Term, Untranslatable, constant, truth

_ENVIRONMENT = Environment(autoescape=False)


def parse(text: str, scope: Scope) -> Template:
    """A template's translation; Untranslatable says what in it has no counterpart."""
    try:
        with warnings.catch_warnings():
            # Python warns of `\$` in a text, which templates write for patterns
            warnings.simplefilter("ignore")
            tree = _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        raise Untranslatable(f"the template does not parse: {error.message}") from None
    except (TemplateError, RecursionError, ValueError) as error:
        raise Untranslatable(f"the template does not parse ({type(error).__name__})") from None
    try:
        return Template(merged(body(tree.body, scope)))
    except RecursionError:
        raise Untranslatable("the template is nested too deeply") from None
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
        # a constant part of it fails when it is computed, as it does in the original
        raise Untranslatable(f"the template fails ({type(error).__name__})") from None


def condition(text: str, scope: Scope) -> Term:
    """A template that stands for yes or no."""
    template = parse(text.strip(), scope)
    if template.constant:
        value = template.value
        words = ("False", "false", "{}", "[]", "()", "", "0", "0.0")
        return constant(value not in words and bool(value))
    return truth(template.term)


__all__ = ["Template", "condition", "parse"]
