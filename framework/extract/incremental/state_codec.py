"""Watermarks of many lists in one state: one for each parent or partition, packed.

A key is 60 bits of a hash of the values that a list is asked with, so that nothing of them is in
the state. Lists that stand at the same value share it: 100,000 that were read by one run with
`watermark: run_start` are one text of a megabyte.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

Json = Any
WIDTH = 10
"""Characters of a key; with 100,000 keys two are the same once in some hundred million states."""

ONLY_CHANGED = "only_changed:"
"""In a resource's incremental state, beside its cursor path: no path has a colon."""

PRINT_WIDTH = 6
"""Characters of a fingerprint: a change goes unseen once in 69 thousand million."""


def key_of(values: Mapping[str, Json]) -> str:
    """The key of a list asked with these values."""
    return _hashed(values, WIDTH)


def fingerprint(value: Json) -> str:
    """What tells a value from another one."""
    return _hashed(value, PRINT_WIDTH)


def _hashed(value: Json, width: int) -> str:
    written = orjson.dumps(
        value, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    )
    digest = hashlib.blake2b(written, digest_size=9).digest()
    return base64.urlsafe_b64encode(digest).decode()[:width]


def pack_watermarks(values: Mapping[str, Json]) -> list[list[Json]]:
    """Pairs of a value and all keys that have it, one after the other."""
    groups: dict[Json, list[str]] = {}
    for key in sorted(values):
        groups.setdefault(values[key], []).append(key)
    return [[value, "".join(keys)] for value, keys in groups.items()]


def unpack_watermarks(pairs: Iterable[list[Json]]) -> dict[str, Json]:
    """The value of each key."""
    return {key: value for value, keys in pairs for key in _chunks(keys, WIDTH)}


def pack_fingerprints(prints: Mapping[str, str]) -> str:
    """Keys with their fingerprints, one after the other."""
    return "".join(key + prints[key] for key in sorted(prints))


def unpack_fingerprints(text: str) -> dict[str, str]:
    """The fingerprint of each key."""
    return {chunk[:WIDTH]: chunk[WIDTH:] for chunk in _chunks(text, WIDTH + PRINT_WIDTH)}


def _chunks(text: str, width: int) -> Iterable[str]:
    return (text[at : at + width] for at in range(0, len(text), width))
