"""Answers are masked, bounded, and of characters that can be sent."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest

from framework.agent_tools.answer_limits import MOST_CHARACTERS, AnswerFilter, size_of
from framework.agent_tools.tool_answers import FileText, PreviewAnswer, RecordedRun
from framework.runtime.redaction import Redactor
from tests.support.run_verbs import Json


@pytest.fixture
def masking(tmp_path: Path) -> AnswerFilter:
    redactor = Redactor()
    redactor.add("secret-4711")
    redactor.add("8472351")
    return AnswerFilter.of(redactor, tmp_path)


def preview(*records: Json) -> PreviewAnswer:
    return PreviewAnswer("shop", "orders", "the live API", records, ())


def test_keys_numbers_and_texts_of_records_are_masked(masking: AnswerFilter) -> None:
    record = {"a": 8472351, "secret-4711": [{"b": "x secret-4711"}], "c": 1.5, "d": None}
    found = masking.answer(preview(record)).records
    assert found == ({"a": "***", "***": [{"b": "x ***"}], "c": 1.5, "d": None},)


def test_our_own_numbers_stay_numbers(masking: AnswerFilter) -> None:
    answer = FileText("secret-4711.yaml", "secret-4711", 8472351, 8472351, "r", False)
    found = masking.answer(answer)
    assert (found.file, found.text, found.first_line) == ("***.yaml", "***", 8472351)


def test_folders_of_this_machine_are_not_shown(masking: AnswerFilter, tmp_path: Path) -> None:
    found = masking.answer(RecordedRun(str(tmp_path / "cassettes" / "shop.yaml"), 1, {}, ""))
    assert found.file == "cassettes/shop.yaml"


def test_odd_values_can_be_sent(masking: AnswerFilter) -> None:
    record = {"half \ud800": "a\udfff", "inf": math.inf, "nan": math.nan, "big": 10**30}
    (found,) = masking.answer(preview(record)).records
    text = json.dumps(found, allow_nan=False, ensure_ascii=False).encode("utf-8")
    assert json.loads(text)["big"] == 10**30


@pytest.mark.parametrize(
    "record",
    [
        {"text": "x" * 1_000_000},
        {"list": list(range(100_000))},
        {"texts": ["x" * 5_000] * 200},
        {str(number): number for number in range(50_000)},
    ],
    ids=["text", "list", "texts", "keys"],
)
def test_an_answer_is_never_larger_than_it_may_be(masking: AnswerFilter, record: Json) -> None:
    found = masking.answer(preview(record, {"id": 1}))
    assert size_of(asdict(found)) <= MOST_CHARACTERS + 500
    told = found.cut + json.dumps(found.records)
    assert "left out" in told


def test_a_deep_value_has_an_end(masking: AnswerFilter) -> None:
    value: Json = 1
    for _ in range(900):
        value = [value]
    assert "nested" in str(masking.answer(preview({"a": value})).records)


def test_what_is_small_is_whole(masking: AnswerFilter) -> None:
    answer = preview({"id": 1, "name": "order 1"})
    assert masking.answer(answer) == answer
