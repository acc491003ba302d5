"""Templates read backwards."""

from __future__ import annotations

import pytest

from framework.mock.pages.text_pattern import TextPattern


@pytest.mark.parametrize(
    ("template", "uses"),
    [
        ("{config.region}", ["list"]),
        ("{resources.orders.id}", ["list"]),
        ("{order_id}", ["list"]),
        ("{partition.day}", ["list"]),
        ("{secrets.key}", ["changing"]),
        ("{now}", ["changing"]),
        ("{format_time(now, '%Y')}", ["changing"]),
        ("{incremental.start_value}", ["start"]),
        ("{incremental.end_value}", ["end"]),
        ("{format_time(incremental.end_value, '%s')}", ["end"]),
        ("{paginator.page}", ["page"]),
        ("{paginator.cursor || resources.orders.next}", ["page"]),
        ("{paginator.limit}", ["size"]),
        ("{last_record.id}", ["page"]),
        ("{response.next}", ["page"]),
        ("a/{order_id}/b/{paginator.page}", ["list", "page"]),
    ],
)
def test_each_placeholder_has_its_use(template: str, uses: list[str]) -> None:
    assert [hole.use for hole in TextPattern.of(template).holes] == uses


def test_the_response_of_a_job_tells_which_list() -> None:
    pattern = TextPattern.of("{response.url}", in_job=True)
    assert [hole.use for hole in pattern.holes] == ["list"]


def test_values_are_found_in_a_text() -> None:
    pattern = TextPattern.of("updated > '{incremental.start_value}' and kind = {config.kind}")
    found = pattern.values("updated > '2026-01-01' and kind = a")
    assert found is not None
    assert [value for _, value in found] == ["2026-01-01", "a"]
    assert pattern.list_values("updated > '2026-01-01' and kind = a", frozenset({"list"})) == ("a",)
    assert pattern.values("something else") is None


def test_a_path_is_matched_as_it_is_sent() -> None:
    pattern = TextPattern.of("/orders of/{order_id}/lines?fixed=1", is_path=True)
    found = pattern.values("/orders%20of/a%2Fb/lines")
    assert found is not None
    assert [value for _, value in found] == ["a/b"]


def test_doubled_braces_are_text() -> None:
    pattern = TextPattern.of("{{ items(after: {paginator.cursor}) }}")
    found = pattern.values("{ items(after: x) }")
    assert found is not None
    assert [value for _, value in found] == ["x"]


def test_more_fixed_text_is_more_specific() -> None:
    assert TextPattern.of("/a/me").literals > TextPattern.of("/a/{b}").literals
    assert TextPattern.of("{parent.url}").is_alone


def test_a_config_entry_may_be_empty_in_a_parameter_and_not_in_a_path() -> None:
    found = TextPattern.of("{config.filter}kind = a").values("kind = a")
    assert [value for _, value in found or ()] == [""]
    assert (
        TextPattern.of("/orders/{config.shop}/lines", is_path=True).values("/orders//lines") is None
    )
