"""The `format` keyword of JSON Schema, checked without jsonschema's optional libraries.

Those libraries take seconds to import. Each pattern follows the RFC that JSON Schema 2020-12 names.
The formats that are missing here are checked by jsonschema itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from ipaddress import AddressValueError, IPv6Address

FORMAT_EXAMPLES = {
    "uri": "https://api.example.com",
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "email": "person@example.com",
}
"""A value of each format that config often has."""

_ESCAPE = "%[0-9A-Fa-f]{2}"
_NOT_ASCII = "\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U000efffd"
_OFFSET = r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_DATE_TIME = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?" + _OFFSET
)
# jsonschema accepts a time without offset, and one digit for two
_TIME = rf"([01]?[0-9]|2[0-3]):[0-5]?[0-9]:[0-5]?[0-9](\.[0-9]+)?{_OFFSET}?"
_COUNT = "[0-9]+([.,][0-9]+)?"
_DURATION = (
    rf"[+-]?P(?!\Z)({_COUNT}W|({_COUNT}Y)?({_COUNT}M)?({_COUNT}D)?"
    rf"(T(?=[0-9])({_COUNT}H)?({_COUNT}M)?({_COUNT}S)?)?)"
)
_LABEL = "(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_HOST_NAME = rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\.?"
_JSON_POINTER = "(/([^/~]|~[01])*)*"
_VARIABLE = rf"([A-Za-z0-9_]|{_ESCAPE})(\.?([A-Za-z0-9_]|{_ESCAPE}))*(:[1-9][0-9]{{0,3}}|\*)?"
_URI_TEMPLATE = rf"([^{{}}]|\{{[+#./;?&]?{_VARIABLE}(,{_VARIABLE})*\}})*"


def _uri(scheme: str, letters: str = "") -> str:
    """Return the pattern of RFC 3986; `letters` are those allowed beside ASCII (RFC 3987)."""
    character = f"[-A-Za-z0-9._~!$&'()*+,;={letters}]|{_ESCAPE}"
    segment = f"({character}|[:@])*"
    ip_address = rf"\[((?P<ip>[0-9A-Fa-f:.]+)|v[0-9A-Fa-f]+\.({character}|:)+)\]"
    authority = f"(({character}|:)*@)?({ip_address}|({character})*)(:[0-9]*)?"
    path = f"(//{authority}|(?!//){segment})(/{segment})*"
    return rf"{scheme}{path}(\?({segment}|[/?])*)?(\#({segment}|[/?])*)?"


_SCHEME = "[A-Za-z][A-Za-z0-9+.-]*:"
_NO_SCHEME = f"({_SCHEME}|(?![^/?#]*:))"


def _matches(pattern: str) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        return re.fullmatch(pattern, text) is not None

    return check


def _is_uri(pattern: str) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        match = re.fullmatch(pattern, text)
        try:
            return match is not None and bool(match["ip"] is None or IPv6Address(match["ip"]))
        except AddressValueError:
            return False

    return check


def _is_date_time(text: str) -> bool:
    match = re.fullmatch(_DATE_TIME, text)
    try:
        return match is not None and bool(date.fromisoformat(match[1]))
    except ValueError:
        return False


FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": _is_date_time,
    "time": _matches(_TIME),
    "duration": _matches(_DURATION),
    "hostname": _matches(_HOST_NAME),
    "uri": _is_uri(_uri(_SCHEME)),
    "uri-reference": _is_uri(_uri(_NO_SCHEME)),
    "iri": _is_uri(_uri(_SCHEME, _NOT_ASCII)),
    "iri-reference": _is_uri(_uri(_NO_SCHEME, _NOT_ASCII)),
    "uri-template": _matches(_URI_TEMPLATE),
    "json-pointer": _matches(_JSON_POINTER),
    "relative-json-pointer": _matches(f"(0|[1-9][0-9]*)(#|{_JSON_POINTER})"),
}
"""The check of each format; a pattern is compiled when its format is first met."""
