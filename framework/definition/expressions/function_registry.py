"""List the functions that expressions may call: JMESPath's, JMESPath Community's, and ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jmespath import functions as jmespath_functions

from framework.definition.expressions.function import TYPE_NAMES, Function, FunctionError, type_name
from framework.definition.expressions.text_functions import TEXT_FUNCTIONS, bounded
from framework.definition.expressions.time_functions import TIME_FUNCTIONS
from framework.definition.expressions.value_functions import VALUE_FUNCTIONS, checked_number

Json = Any

CONTEXT = "context"
"""The function that returns the context."""


class Registry:
    """The `custom_functions` of jmespath's interpreter; `context()` returns `context`."""

    def __init__(self, context: Mapping[str, Json] | None = None) -> None:
        self._own = _OWN
        self._context = context

    def call_function(self, name: str, arguments: Sequence[Json]) -> Json:
        """Call a function. Raise FunctionError or a JMESPath error if it fails."""
        function = FUNCTIONS.get(name)
        if function is None:
            raise FunctionError(f"there is no function {name}()")
        if name == CONTEXT:
            return self._context
        if name == "join" and isinstance(arguments[-1], list):
            glue, parts = arguments
            bounded("join", sum(len(str(part)) for part in parts) + len(parts) * len(str(glue)))
        if function.call is None:
            result = self._own.call_function(name, arguments)
            if isinstance(result, str):  # to_string() of a text escapes it again and again
                bounded(name, len(result))
            return checked_number(result) if type(result) is int else result
        for index, argument in enumerate(arguments):
            types = function.types[min(index, len(function.types) - 1)]
            known = TYPE_NAMES.get(type(argument))
            if types and known not in types and type_name(argument) not in types:
                raise FunctionError(
                    f"{name}() expects {' or '.join(types)} as argument {index + 1}, "
                    f"found {type_name(argument)}"
                )
        result = function.call(*arguments)
        if isinstance(result, str):
            bounded(name, len(result))
        return result


def _jmespath_own() -> dict[str, Function]:
    table = jmespath_functions.Functions.FUNCTION_TABLE
    return {
        name: Function(
            name,
            tuple(tuple(argument["types"]) for argument in entry["signature"]),
            len(entry["signature"]),
            bool(entry["signature"] and entry["signature"][-1].get("variadic")),
        )
        for name, entry in table.items()
    }


_OWN = jmespath_functions.Functions()

FUNCTIONS: Mapping[str, Function] = {
    **_jmespath_own(),
    CONTEXT: Function(CONTEXT, (), 0),
    **{
        function.name: function for function in (*TEXT_FUNCTIONS, *TIME_FUNCTIONS, *VALUE_FUNCTIONS)
    },
}
