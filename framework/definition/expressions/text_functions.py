"""Functions of texts: parts, patterns, encodings and digests."""

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
"""As many characters as a text is padded to."""

LONGEST = 100_000_000
"""As many characters as a text may grow to."""

PATTERNED = ("matches", "regex_search", "regex_replace")
"""The functions whose second argument is a regular expression."""

DIGESTS = ("md5", "sha1", "sha256", "sha512")


def query_param(url: str | None, name: str) -> str | None:
    """The decoded value of a URL's query parameter; null where the URL or the name is not there."""
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
    """FunctionError where a text would become longer than any is meant to be."""
    if length > LONGEST:
        raise FunctionError(f"{name}() makes a text of at most {LONGEST:,} characters")


def _trim(subject: str, characters: str = "") -> str:
    return subject.strip(characters or None)


def _trim_left(subject: str, characters: str = "") -> str:
    return subject.lstrip(characters or None)


def _trim_right(subject: str, characters: str = "") -> str:
    return subject.rstrip(characters or None)


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
    found = find(search, begin, stop)
    return None if found < 0 else found


def _width(name: str, width: float) -> int:
    found = whole(name, width) or 0
    if found > WIDEST:
        raise FunctionError(f"{name}() pads to at most {WIDEST:,} characters")
    return found


def _one_character(name: str, padding: str) -> str:
    if len(padding) != 1:
        raise FunctionError(f"{name}() pads with one character, found {len(padding)}")
    return padding


def _matches(text: str, regex: str) -> bool:
    return _looked("matches", regex, "search", text) is not None


def _regex_search(text: str, regex: str, group: float | str | None = None) -> str | None:
    found = _looked("regex_search", regex, "search", text)
    if found is None:
        return None
    chosen = 0 if group is None else group
    if not isinstance(chosen, str):
        chosen = integer("regex_search", chosen)
    try:
        part: str | None = found[chosen]
    except IndexError:
        raise FunctionError(f"regex_search(): the pattern has no group {chosen}") from None
    return part


def _regex_replace(text: str, regex: str, new: str) -> str:
    made = 0

    def written(found: Any) -> str:
        nonlocal made
        part: str = found.expand(new)
        made += len(part)
        bounded("regex_replace", made)
        return part

    # a function for each place costs much, and most texts cannot grow so far
    by = written if len(text) * (len(text) + len(new)) > LONGEST else new
    replaced: str = _looked("regex_replace", regex, "sub", by, text)
    return replaced


def _looked(name: str, regex: str, method: str, *arguments: Any) -> Any:
    """What the pattern's method gives; FunctionError where pattern or new text are not right."""
    try:
        pattern = compile_pattern(regex)
    except PatternError as error:
        raise FunctionError(f"{name}(): the pattern is not right: {error}") from None
    try:
        return search_with_timeout(getattr(pattern, method), *arguments)
    except PatternError as error:
        raise FunctionError(f"{name}(): {error}") from None
    except FunctionError:
        raise
    except Exception as error:  # of `regex`, whose error is only there when it is loaded
        raise FunctionError(f"{name}(): the new text is not right: {error}") from None


def _snake_case(text: str) -> str:
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text)
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    return re.sub(r"[\W_]+", "_", text).strip("_").lower()


def _base64_encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _base64_decode(text: str) -> str:
    # of both alphabets, with or without what fills it up
    standard = text.strip().translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise FunctionError("base64_decode() wants the base64 of a text") from None


def _url_encode(text: str) -> str:
    return quote(text, safe="")


def _uuid() -> str:
    return str(uuid.uuid4())


def _hash(text: str, algorithm: str) -> str:
    return hashlib.new(_digest("hash", algorithm), text.encode(), usedforsecurity=False).hexdigest()


def _hmac(text: str, secret: str, algorithm: str, encoding: str = "hex") -> str:
    made = hmac.new(secret.encode(), text.encode(), _digest("hmac", algorithm))
    if encoding == "hex":
        return made.hexdigest()
    if encoding != "base64":
        raise FunctionError("hmac() writes hex or base64")
    return base64.b64encode(made.digest()).decode()


def _digest(name: str, algorithm: str) -> str:
    if algorithm not in DIGESTS:
        raise FunctionError(f"{name}() knows {', '.join(DIGESTS)}")
    return algorithm


TEXT_FUNCTIONS = (
    Function("split", (STRING, STRING, NUMBER), 2, call=_split),
    Function("replace", (STRING, STRING, STRING, NUMBER), 3, call=_replace),
    Function("trim", (STRING, STRING), 1, call=_trim),
    Function("trim_left", (STRING, STRING), 1, call=_trim_left),
    Function("trim_right", (STRING, STRING), 1, call=_trim_right),
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
    Function("base64_encode", (STRING,), 1, call=_base64_encode),
    Function("base64_decode", (STRING,), 1, call=_base64_decode),
    Function("url_encode", (STRING,), 1, call=_url_encode),
    Function("url_decode", (STRING,), 1, call=unquote),
    Function("uuid", (), 0, call=_uuid),
    Function("hash", (STRING, STRING), 2, call=_hash),
    Function("hmac", (STRING, STRING, STRING, STRING), 3, call=_hmac),
)
