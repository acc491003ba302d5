"""An auth that config chooses among several (`one_of`): which one, and the secrets it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from framework.definition.expressions.jmespath_expression import ExpressionError, compile_expression
from framework.definition.expressions.placeholders import Placeholder, TemplateError, placeholders

Json = Any

ONE_OF = "one_of"


class NoSuchCase(ValueError):
    """Config chooses a case that the auth does not have; `cases` are those that it has."""

    def __init__(self, by: str, value: Json, cases: list[str]) -> None:
        self.by = by
        super().__init__(f"auth: found {value!r} for `{by}`, expected {' or '.join(cases)}")


def chosen_auth(auth: Mapping[str, Json] | None, config: Mapping[str, Json]) -> Json:
    """Return the auth that config chooses, through nested choices; None for no auth.

    Raise NoSuchCase for a case that the auth does not have.
    """
    while isinstance(auth, Mapping) and auth.get("type") == ONE_OF:
        by, cases = str(auth["by"]), auth["cases"]
        value = compile_expression(by).search({"config": config}, {"config": config})
        name = case_name(value)
        if name not in cases:
            raise NoSuchCase(by, value, [str(case) for case in cases])
        auth = cases[name]
    return auth


def every_case(auth: Json) -> Iterator[Mapping[str, Json]]:
    """Yield an auth and all that config could choose in its place; nothing for no auth."""
    if isinstance(auth, Mapping):
        yield auth
        for case in (auth.get("cases") or {}).values():
            yield from every_case(case)


def case_name(value: Json) -> str:
    """Return the case for a value of config: booleans and null as YAML writes them."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def secrets_used(data: Json, config: Mapping[str, Json]) -> frozenset[str]:
    """Return the secrets that a file's data uses, without those of auths that are not chosen."""
    return frozenset(_secret_names(data, config))


def _secret_names(value: Json, config: Mapping[str, Json]) -> Iterator[str]:
    if isinstance(value, str):
        try:
            parts = placeholders(value) if "secrets" in value else ()
        except TemplateError:
            parts = ()
        for part in parts:
            yield from _names_in(part)
    elif isinstance(value, Mapping):
        if value.get("type") == ONE_OF and isinstance(value.get("cases"), Mapping):
            yield from _secret_names(chosen_auth(value, config), config)
            return
        for key, item in value.items():
            yield from _secret_names(key, config)
            yield from _secret_names(item, config)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secret_names(item, config)


def _names_in(part: Placeholder) -> Iterator[str]:
    if part.kind == "secrets":
        yield part.name
    if part.kind != "expression":
        return
    try:
        paths = compile_expression(part.text).reads(over_context=True)
    except ExpressionError:
        return
    for path in paths:
        if path[:1] == ("secrets",) and len(path) > 1:
            yield path[1]
