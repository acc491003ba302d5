"""Fields by dotted names: what `remove` takes away."""

import copy

import pytest

from framework.runtime.field_paths import remove_fields

RECORD = {
    "id": 1,
    "tmp_a": 1,
    "tmp_b": 2,
    "a.b": 3,
    "owner": {"key": "y", "lines": [{"key": 1}, 5]},
}


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("id", {"id": None}),
        ("tmp_*", {"tmp_a": None, "tmp_b": None}),
        ("owner.*", {"owner": {}}),
        ("owner.lines.key", {"owner": {"key": "y", "lines": [{}, 5]}}),
        ("owner.lines.*.key", {"owner": {"key": "y", "lines": [{}, 5]}}),
        ("**.key", {"owner": {"lines": [{}, 5]}}),
        ("owner.**", {"owner": {}}),
        ("*", dict.fromkeys(RECORD)),
        ("nothing.*.here", {}),
        ("id.below", {}),
        ("a.b", {}),
    ],
)
def test_remove_takes_away_what_fits_and_nothing_else(path, changed):
    record = copy.deepcopy(RECORD)
    remove_fields(record, path)
    kept = {**RECORD, **changed}
    assert record == {key: value for key, value in kept.items() if value is not None}
