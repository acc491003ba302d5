"""The request that options of `new` describe: a JSON body, or a GraphQL query."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from framework.definition.graphql_query import QueryError, parse_query
from framework.definition.rules.secret_rules import is_secret_name
from framework.definition.values.naming import normalize_identifier
from framework.errors import UsageError
from framework.runtime.redaction import is_credential_name


def request_body(body: str | None) -> Any:
    """Return the JSON body that the file has; None for none."""
    return None if body is None else _without_secrets("--json", body)


def graphql_block(
    query: str | None, operation: str | None, variables: str | None
) -> dict[str, Any] | None:
    """Return the `graphql` block of the requests; None for none."""
    if query is None:
        for option, value in (("--variables", variables), ("--operation", operation)):
            if value is not None:
                raise UsageError(f"found {option} without --graphql, to which it belongs")
        return None
    text = _query(query)
    try:
        parse_query(text, operation)
    except QueryError as error:
        first = error.mistakes[0]
        message = first.message.replace("write `operation: NAME`", "add --operation NAME")
        raise UsageError(
            f"--graphql: line {first.line}, column {first.column}: {message}"
        ) from None
    block: dict[str, Any] = {"query": text}
    if operation is not None:
        block["operation"] = operation
    if variables is not None:
        block["variables"] = _without_secrets("--variables", variables)
        if not isinstance(block["variables"], dict):
            raise UsageError("--variables is not a JSON object, such as '{\"first\": 100}'")
    return block


def _without_secrets(option: str, text: str) -> Any:
    """Return JSON that holds no credential."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{option} is not valid JSON: {error}") from None
    literal = next(_secret_keys(data), None)
    if literal is not None:
        raise UsageError(
            f"found the credential `{literal}` in {option}, and it would stand in the file; write "
            f'"{{secrets.{normalize_identifier(literal)}}}" in its place'
        )
    return data


def _secret_keys(data: Any) -> Iterator[str]:
    """Yield the keys of a body that have the name and not the placeholder of a secret."""
    for key, value in data.items() if isinstance(data, dict) else ():
        is_text = isinstance(value, str) and "{secrets." not in value
        if is_text and value and (is_credential_name(key) or is_secret_name(key)):
            yield key
        yield from _secret_keys(value)
    for value in data if isinstance(data, list) else ():
        yield from _secret_keys(value)


def _query(text: str) -> str:
    """Return the query, read from a file if it is `@FILE`."""
    if not text.startswith("@"):
        return text.strip()
    try:
        return Path(text[1:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"--graphql {text} cannot be read: {reason}") from None
