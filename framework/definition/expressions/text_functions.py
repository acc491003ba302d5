"""Functions of text: parts, patterns, encodings and digests."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from framework.definition.expressions.function import (
    NUMBER,
    STRING,
    Function,
    FunctionError,
    integer,
    whole,
)
from framework.definition.expressions.limits import (
    PatternError,
    compile_pattern,
    search_with_timeout,
)

Json = Any

WIDEST = 1_000_000
"""The most characters that text is padded to."""

LONGEST = 100_000_000
"""The most characters that a function may return."""

PATTERNED = ("matches", "regex_search", "regex_replace")
"""The functions whose second argument is a regular expression."""

DIGESTS = ("md5", "sha1", "sha256", "sha512")


def query_param(url: str | None, name: str) -> str | None:
    """Return the decoded value of a query parameter, null without a URL or such a parameter."""
    if url is None:
        return None
    values = parse_qs(urlsplit(url).query, keep_blank_values=True).get(name)
    return values[0] if values else None


def _split(subject: str, search: str, count: float | None = None) -> list[str]:
    limit = whole("split", count)
    if search == "":
        if limit is None or limit >= len(subject):
            return list(subject)
        return [*subject[:limit], subject[limit:]]
    return subject.split(search, -1 if limit is None else limit)


def _replace(subject: str, old: str, new: str, count: float | None = None) -> str:
    limit = whole("replace", count)
    if len(subject) * len(new) > LONGEST:
        places = subject.count(old)
        more = places if limit is None else min(places, limit)
        bounded("replace", len(subject) + more * (len(new) - len(old)))
    return subject.replace(old, new, -1 if limit is None else limit)


def bounded(name: str, length: int) -> None:
    """Raise FunctionError if a text would become longer than LONGEST."""
    if length > LONGEST:
        raise FunctionError(f"{name}() returns text of at most {LONGEST:,} characters")


def _pad_left(subject: str, width: float, padding: str = " ") -> str:
    return subject.rjust(_width("pad_left", width), _one_character("pad_left", padding))


def _pad_right(subject: str, width: float, padding: str = " ") -> str:
    return subject.ljust(_width("pad_right", width), _one_character("pad_right", padding))


def _find_first(
    subject: str, search: str, start: float | None = None, end: float | None = None
) -> int | None:
    return _position(subject.find, subject, search, start, end)


def _find_last(
    subject: str, search: str, start: float | None = None, end: float | None = None
) -> int | None:
    return _position(subject.rfind, subject, search, start, end)


def _position(
    find: Callable[..., int], subject: str, search: str, start: float | None, end: float | None
) -> int | None:
    if not subject or not search:
        return None
    begin = 0 if start is None else integer("find", start)
    stop = len(subject) if end is None else integer("find", end)
    position = find(search, begin, stop)
    return None if position < 0 else position


def _width(name: str, width: float) -> int:
    characters = whole(name, width) or 0
    if characters > WIDEST:
        raise FunctionError(f"{name}() pads to at most {WIDEST:,} characters")
    return characters


def _one_character(name: str, padding: str) -> str:
    if len(padding) != 1:
        raise FunctionError(f"{name}() pads with one character, found {len(padding)}")
    return padding


def _matches(text: str, regex: str) -> bool:
    return _apply("matches", regex, "search", text) is not None


def _regex_search(text: str, regex: str, group: float | str | None = None) -> str | None:
    match = _apply("regex_search", regex, "search", text)
    if match is None:
        return None
    name = 0 if group is None else group
    if not isinstance(name, str):
        name = integer("regex_search", name)
    try:
        part: str | None = match[name]
    except IndexError:
        raise FunctionError(f"regex_search(): the pattern has no group {name}") from None
    return part


def _regex_replace(text: str, regex: str, new: str) -> str:
    length = 0

    def expand(match: Any) -> str:
        nonlocal length
        part: str = match.expand(new)
        length += len(part)
        bounded("regex_replace", length)
        return part

    # a call for each match is slow, and most texts cannot grow too long
    by = expand if len(text) * (len(text) + len(new)) > LONGEST else new
    replaced: str = _apply("regex_replace", regex, "sub", by, text)
    return replaced


def _apply(name: str, regex: str, method: str, *arguments: Any) -> Any:
    """Call a method of the compiled pattern. Raise FunctionError if it or its text is not valid."""
    try:
        pattern = compile_pattern(regex)
    except PatternError as error:
        raise FunctionError(f"{name}(): the pattern is not valid: {error}") from None
    try:
        return search_with_timeout(getattr(pattern, method), *arguments)
    except PatternError as error:
        raise FunctionError(f"{name}(): {error}") from None
    except FunctionError:
        raise
    except Exception as error:  # regex.error, without importing regex here
        raise FunctionError(f"{name}(): the replacement is not valid: {error}") from None


def _snake_case(text: str) -> str:
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text)
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    return re.sub(r"[\W_]+", "_", text).strip("_").lower()


def _base64_decode(text: str) -> str:
    # either alphabet, with or without padding
    standard = text.strip().translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise FunctionError("base64_decode() expects text in base64") from None


def _hash(text: str, algorithm: str) -> str:
    return hashlib.new(_digest("hash", algorithm), text.encode(), usedforsecurity=False).hexdigest()


def _hmac(text: str, secret: str, algorithm: str, encoding: str = "hex") -> str:
    signature = hmac.new(secret.encode(), text.encode(), _digest("hmac", algorithm))
    if encoding == "hex":
        return signature.hexdigest()
    if encoding != "base64":
        raise FunctionError("hmac() writes hex or base64")
    return base64.b64encode(signature.digest()).decode()


def _digest(name: str, algorithm: str) -> str:
    if algorithm not in DIGESTS:
        raise FunctionError(f"{name}() knows {', '.join(DIGESTS)}")
    return algorithm


TEXT_FUNCTIONS = (
    Function("split", (STRING, STRING, NUMBER), 2, call=_split),
    Function("replace", (STRING, STRING, STRING, NUMBER), 3, call=_replace),
    Function("trim", (STRING, STRING), 1, call=lambda text, ends="": text.strip(ends or None)),
    Function(
        "trim_left", (STRING, STRING), 1, call=lambda text, ends="": text.lstrip(ends or None)
    ),
    Function(
        "trim_right", (STRING, STRING), 1, call=lambda text, ends="": text.rstrip(ends or None)
    ),
    Function("lower", (STRING,), 1, call=str.lower),
    Function("upper", (STRING,), 1, call=str.upper),
    Function("pad_left", (STRING, NUMBER, STRING), 2, call=_pad_left),
    Function("pad_right", (STRING, NUMBER, STRING), 2, call=_pad_right),
    Function("find_first", (STRING, STRING, NUMBER, NUMBER), 2, call=_find_first),
    Function("find_last", (STRING, STRING, NUMBER, NUMBER), 2, call=_find_last),
    Function("query_param", (("string", "null"), STRING), 2, call=query_param),
    Function("matches", (STRING, STRING), 2, call=_matches),
    Function("regex_search", (STRING, STRING, ("number", "string")), 2, call=_regex_search),
    Function("regex_replace", (STRING, STRING, STRING), 3, call=_regex_replace),
    Function("snake_case", (STRING,), 1, call=_snake_case),
    Function(
        "base64_encode", (STRING,), 1, call=lambda text: base64.b64encode(text.encode()).decode()
    ),
    Function("base64_decode", (STRING,), 1, call=_base64_decode),
    Function("url_encode", (STRING,), 1, call=lambda text: quote(text, safe="")),
    Function("url_decode", (STRING,), 1, call=unquote),
    Function("uuid", (), 0, call=lambda: str(uuid.uuid4())),
    Function("hash", (STRING, STRING), 2, call=_hash),
    Function("hmac", (STRING, STRING, STRING, STRING), 3, call=_hmac),
)
