"""A stand-in has the form of what it stands for, and nothing else of it."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from framework.authoring.scrub.fake_values import FakeValues

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "forms.yaml").read_text("utf-8"))


def stand_ins(**more: object) -> FakeValues:
    return FakeValues(lambda url: f"address of {url}", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "pattern"), CASES)
def test_the_form_stays(text: str, pattern: str) -> None:
    made = stand_ins(avoid={text}).of(text)
    assert re.fullmatch(pattern, made, re.DOTALL)
    assert made != text


@pytest.mark.parametrize("text", ["", "  ", "\n", "true", "False"])
def test_what_says_nothing_stays(text: str) -> None:
    assert stand_ins().of(text) == text


def test_same_texts_are_the_same_and_different_ones_differ() -> None:
    texts = [case[0] for case in CASES]
    texts += [f"Person {n}" for n in range(500)] + [f"{n:05d}" for n in range(2000)]
    texts += [str(n) for n in range(10)] + [chr(65 + n) for n in range(26)]
    texts += [f"{n:02d}:{m:02d}" for n in range(24) for m in range(0, 60, 15)]
    made = stand_ins(avoid=set(texts))
    once = {text: made.of(text) for text in texts}
    assert {text: made.of(text) for text in reversed(texts)} == once
    assert len(set(once.values())) == len(set(texts))


def test_numbers_are_given_by_first_appearance() -> None:
    one, other = stand_ins(), stand_ins()
    for made in (one, other):
        assert [made.of(f"{name} Smith") for name in ("Al", "Bo", "Al")] == [
            "text 1",
            "text 2",
            "text 1",
        ]


def test_a_stand_in_is_never_an_original() -> None:
    made = stand_ins(avoid={"text 1", "text 3", "person1@example.com"})
    assert [made.of("a b"), made.of("c d")] == ["text 2", "text 4"]
    assert made.of("x@y.example") == "person2@example.com"


def test_digits_stay_where_the_number_itself_is_in_the_recording() -> None:
    assert stand_ins(numbers={"4711"}).of("4711") == "4711"


def test_a_number_that_stays_is_the_stand_in_of_no_other_text() -> None:
    texts = [str(n) for n in range(1, 10)]
    made = stand_ins(avoid=set(texts), numbers={"0", "1", "2"})
    assert len({made.of(text) for text in texts}) == len(texts)


def test_amounts_stay_amounts() -> None:
    made = stand_ins()
    for text in ("49.99", "0.5", "1000", "-3.25", "007"):
        assert Decimal(made.of(text)) is not None


def test_a_long_text_stays_long_but_not_without_bound() -> None:
    made = stand_ins()
    assert 150 < len(made.of("word " * 40)) <= 200
    assert len(made.of("word " * 10_000)) <= 400


def test_hosts_keep_their_port() -> None:
    made = stand_ins()
    assert made.host("db.firm.example.org:8080") == "host1.example.com:8080"
    assert made.host("db.firm.example.org") == "host1.example.com"
