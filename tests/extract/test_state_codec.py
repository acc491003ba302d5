"""Watermarks of many lists in one state: small, and each found again."""

import json
import zlib

from framework.extract.incremental.state_codec import (
    fingerprint,
    key_of,
    pack_fingerprints,
    pack_watermarks,
    unpack_fingerprints,
    unpack_watermarks,
)

MANY = 10_000


def size(value):
    return len(json.dumps(value, separators=(",", ":")))


def test_every_list_finds_its_watermark_again():
    values = {key_of({"id": n}): [f"2026-01-{n % 28 + 1:02}", n, None][n % 3] for n in range(500)}
    assert len(values) == 500
    assert unpack_watermarks(json.loads(json.dumps(pack_watermarks(values)))) == values
    assert unpack_watermarks(pack_watermarks({})) == {}


def test_every_list_finds_what_was_seen_again():
    prints = {key_of({"id": n}): fingerprint([n, "open"]) for n in range(500)}
    assert unpack_fingerprints(pack_fingerprints(prints)) == prints
    assert unpack_fingerprints("") == {}


def test_a_key_tells_what_a_list_is_asked_with_and_holds_nothing_of_it():
    same = key_of({"a": 1, "b": "ada@example.com"})
    assert same == key_of({"b": "ada@example.com", "a": 1})
    others = [{"a": "1", "b": "ada@example.com"}, {"a": 1}, {"a": 1, "b": None}]
    assert same not in [key_of(other) for other in others]
    assert "ada" not in same


def test_the_watermarks_of_many_parents_are_small():
    keys = [key_of({"id": n}) for n in range(MANY)]
    assert len(set(keys)) == MANY
    one_run = pack_watermarks(dict.fromkeys(keys, "2026-11-23T12:00:00Z"))
    assert size(one_run) < 110_000
    each = {key: f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}T{n % 86399}" for n, key in enumerate(keys)}
    assert size(pack_watermarks(each)) < 400_000
    assert len(zlib.compress(json.dumps(pack_watermarks(each)).encode())) < 150_000
    assert size(pack_fingerprints({key: fingerprint(key) for key in keys})) < 170_000
