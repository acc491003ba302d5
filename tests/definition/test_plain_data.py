"""Plain data becomes dataclasses by their annotations, and goes back."""

from datetime import timedelta

import pytest

from framework.definition.expressions.jmespath_expression import ExpressionError, compile_expression
from framework.definition.model import (
    Client,
    Export,
    JobRequest,
    RateLimit,
    ResponseAction,
    ResponseFormat,
    Retry,
)
from framework.definition.plain_data import from_plain, to_plain

ROUND_TRIPS = {
    "keys of a dataclass beside the others": (
        Retry,
        {"max_retries": 2, "max_wait": "PT300S", "wait_header": "X-W", "wait_as": "epoch"},
    ),
    "nested keys": (
        RateLimit,
        {
            "requests": 5,
            "per": "PT60S",
            "per_day": "{config.daily}",
            "scope": "api",
            "headers": {"reset": "X-R", "reset_as": "date"},
        },
    ),
    "a key with another name than its field": (
        ResponseAction,
        {"status_code": ["4xx"], "body": "a == `1`", "action": "ignore"},
    ),
    "a dataclass in a dataclass": (
        Export,
        {"ready": "a.b", "every": "PT2S", "timeout": "PT3600S", "download": {"url": ["x"]}},
    ),
}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_data_comes_back_as_it_was(name):
    kind, data = ROUND_TRIPS[name]
    if "download" in data:
        expected = {**data, "download": {"method": "GET", **data["download"]}}
    else:
        expected = data
    assert to_plain(from_plain(kind, data)) == expected


def test_texts_are_parsed_and_one_value_is_a_list_of_one():
    export = from_plain(Export, {"ready": "a", "every": 2, "download": {"url": "u"}})
    assert export.ready == compile_expression("a")
    assert export.every == timedelta(seconds=2)
    assert export.download.urls == ("u",)


def test_an_object_of_the_model_stays_as_it_is():
    request = JobRequest(path="/x")
    assert from_plain(Export, {"download": request}).download is request


def test_a_null_is_none_if_the_field_can_be_and_else_the_default():
    assert from_plain(ResponseFormat, {"quote": None, "delimiter": None}) == ResponseFormat(
        quote=None
    )
    assert from_plain(Client, {"base_url": "u", "max_wait": None}).max_in_flight == 10


def test_a_field_beside_another_is_left_out_without_it():
    assert to_plain(Retry()) == {"max_wait": "PT300S"}
    assert "headers" not in to_plain(RateLimit())


def test_a_bad_expression_is_an_error_of_its_own():
    with pytest.raises(ExpressionError):
        from_plain(Export, {"ready": "a[", "download": {}})
