"""Encode the watermarks of many lists, one for each parent record or partition, in one state.

A key is 60 bits of a hash of the values that a list is requested with, so the state does not
contain them. Lists with equal watermarks share it: 100,000 lists read by one run with
`watermark: run_start` take one text of a megabyte.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

Json = Any
WIDTH = 10
"""Characters of a key. Two of 100,000 keys collide in about one of 200 million states."""

ONLY_CHANGED = "only_changed:"
"""Prefix of a key in the incremental state, next to cursor paths, which have no colon."""
ONLY_NEW = "only_new"
"""A key in the incremental state of a resource that has no cursor path."""

PRINT_WIDTH = 6
"""Characters of a fingerprint. One change in 69 billion is missed."""


def key_of(values: Mapping[str, Json]) -> str:
    """Return the key of a list that is requested with these values."""
    return _hashed(values, WIDTH)


def fingerprint(value: Json) -> str:
    """Return a hash that distinguishes a value from others."""
    return _hashed(value, PRINT_WIDTH)


def _hashed(value: Json, width: int) -> str:
    written = orjson.dumps(
        value, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    )
    digest = hashlib.blake2b(written, digest_size=9).digest()
    return base64.urlsafe_b64encode(digest).decode()[:width]


def pack_watermarks(values: Mapping[str, Json]) -> list[list[Json]]:
    """Return pairs of a value and the concatenated keys that have it."""
    groups: dict[Json, list[str]] = {}
    for key in sorted(values):
        groups.setdefault(values[key], []).append(key)
    return [[value, "".join(keys)] for value, keys in groups.items()]


def unpack_watermarks(pairs: Iterable[list[Json]]) -> dict[str, Json]:
    """Return the value of each key."""
    return {key: value for value, keys in pairs for key in _chunks(keys, WIDTH)}


def join_keys(keys: Iterable[str]) -> str:
    """Return keys as one text."""
    return "".join(sorted(keys))


def split_keys(text: str) -> Iterable[str]:
    """Return the keys of a text."""
    return _chunks(text, WIDTH)


def pack_fingerprints(prints: Mapping[str, str]) -> str:
    """Return the keys with their fingerprints as one text."""
    return "".join(key + prints[key] for key in sorted(prints))


def unpack_fingerprints(text: str) -> dict[str, str]:
    """Return the fingerprint of each key."""
    return {chunk[:WIDTH]: chunk[WIDTH:] for chunk in _chunks(text, WIDTH + PRINT_WIDTH)}


def _chunks(text: str, width: int) -> Iterable[str]:
    return (text[at : at + width] for at in range(0, len(text), width))
