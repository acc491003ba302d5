"""Large YAML is read as PyYAML reads it, in less time."""

import pytest
import yaml

from framework.definition.yaml_limits import LimitExceeded
from framework.importers.openapi.document_reader import LIMITS, _TextLoader
from framework.importers.openapi.large_yaml import Unusual, data_of


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [1.5, .inf, 0x1f, 0o7, 010, 1_000, 1:30, +5, -0.0, 1e3, 1.0e+3]",
        "a: [yes, No, on, off, true, FALSE, ~, null, '', \"null\", 'yes', y, n]",
        "a: 2001-01-01\nb: 2001-01-01T00:00:00Z\nc: '2001-01-01'",
        "a: |\n  text\n  more\nb: >-\n  folded\n  text\nc:",
        "a: &x {b: [1, 2]}\nc: *x\nd: [*x, &y 5, *y]",
        "- a\n- - b\n  - c: d\n    e: {f: []}\n- {}",
        "a: 1\na: 2\n? b\n: 3",
        "just text",
        "",
        "--- \na: b\n...\n",
    ],
)
def test_data_is_that_of_the_loader(text):
    assert data_of(text, _TextLoader, LIMITS) == yaml.load(text, _TextLoader)


def test_nan_is_a_number():
    assert str(data_of("a: .nan", _TextLoader, LIMITS)["a"]) == "nan"


def test_keys_are_text():
    text = "200: a\ntrue: b\n~: c\n1.5: d\n'x': e"
    assert list(data_of(text, _TextLoader, LIMITS)) == ["200", "true", "None", "1.5", "x"]


def test_what_an_alias_repeats_is_one_object():
    data = data_of("a: &x {b: 1}\nc: *x", _TextLoader, LIMITS)
    assert data["a"] is data["c"]


@pytest.mark.parametrize(
    "text",
    ["a: !!set {b}", "a: !!str 5", "<<: {a: 1}\nb: 2", "? [a]\n: b", "--- a\n--- b", "a: *x"],
)
def test_what_is_unusual_is_left_to_the_loader(text):
    with pytest.raises(Unusual):
        data_of(text, _TextLoader, LIMITS)


def test_limits_hold():
    with pytest.raises(LimitExceeded):
        data_of("[" * 300 + "]" * 300, _TextLoader, LIMITS)
    with pytest.raises(LimitExceeded):
        data_of("a: &a [*a]", _TextLoader, LIMITS)
