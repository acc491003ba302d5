"""Answers looked through with their records left as text: what is told of them is what is there."""

import json

import orjson
import pytest
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator
from hypothesis import given
from hypothesis import strategies as st

from framework.definition.expressions.jmespath_expression import compile_expression
from framework.extract.paging.selectors import to_dlt
from framework.http.transport import outline_list
from tests.fuzz import fuzzed

PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
BODIES = st.dictionaries(st.sampled_from(["items", "next", "[", "é"]), JSON)


@fuzzed
@given(BODIES, JSON, st.booleans())
def test_an_outline_is_the_body_with_the_list_counted(body, other, escaped):
    text = json.dumps({**body, "data": {"other": other, **body}}, ensure_ascii=escaped)
    for path in (("items",), ("data", "items")):
        found = outline_list(text.encode(), path)
        whole = orjson.loads(text)
        holder = whole if len(path) == 1 else whole["data"]
        records = holder.get("items")
        if not isinstance(records, list) or not records:
            assert found is None
            continue
        rest, outline = found
        holder.pop("items")
        assert rest == whole
        ends = (outline.first, outline.last)
        assert (len(outline.items), ends) == (len(records), (records[0], records[-1]))


@pytest.mark.parametrize(
    "body",
    [
        b'{"items": [{"a": "\xff"}]}',
        b'{"items": [{"a": "b\nc"}]}',
        b'{"items": [{"a": "\\ud800"}]}',
        b'{"items": [{"a": NaN}]}',
        b'{"items": [{"a": 1},]}',
        b'{"items": [{"a": 1}]} {}',
        b'\xef\xbb\xbf{"items": [{"a": 1}]}',
        b'{"items": [{"a": 1}], "next": 01}',
        b'{"items": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"items": [1], "next": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'[{"items": 1}]',
        b'{"items": {"a": 1}}',
        b"",
    ],
)
def test_what_is_no_plain_answer_has_no_outline(body):
    assert outline_list(body, ("items",)) is None


def test_a_cursor_keeps_all_its_digits():
    rest, outline = outline_list(b'{"items": [1], "next": 12345678901234567890123}', ("items",))
    assert rest == {"next": "12345678901234567890123"}
    assert len(outline.items) == 1


def test_a_paginator_reads_an_outline_as_it_would_the_body():
    paginator = JSONLinkPaginator(next_url_path=to_dlt(compile_expression("links.next")))

    class Response:
        def json(self):
            return outline_list(b'{"items": [1, 2], "links": {"next": "/2"}}', ("items",))[0]

    paginator.update_state(Response())
    assert paginator.has_next_page
