"""Changes to the text of a connector file: comments, order and style stay."""

from __future__ import annotations

import pytest
import yaml

from framework.authoring.scaffold.yaml_patch import Change, apply_change

PAGINATOR = ("endpoint", "paginator")
FLOW = "{type: offset, limit: 10, total_path: null}"

CASES = {
    "a value": (
        "resources:\n  - name: a  # one\n    primary_key: id   # two\n",
        Change(("primary_key",), "uid"),
        "resources:\n  - name: a  # one\n    primary_key: uid   # two\n",
    ),
    "a block becomes a block, and its comments stay": (
        "resources:\n"
        "  - name: a\n"
        "    endpoint:\n"
        "      paginator:   # how\n"
        "        # by number\n"
        "        type: page_number  # 'a # b'\n"
        "        page_param: 'x # y'\n"
        "\n"
        "      # the path\n"
        "      path: /a\n",
        Change(PAGINATOR, FLOW),
        "resources:\n"
        "  - name: a\n"
        "    endpoint:\n"
        "      paginator:\n"
        "        # how\n"
        "        # by number\n"
        "        # 'a # b'\n"
        "        type: offset\n"
        "        limit: 10\n"
        "        total_path: null\n"
        "\n"
        "      # the path\n"
        "      path: /a\n",
    ),
    "a block becomes a scalar": (
        "resources:\n"
        "  - name: a\n"
        "    endpoint:\n"
        "      path: /a\n"
        "      paginator:\n"
        "        type: json_link  # next\n"
        "        next_url_path: next\n"
        "  # b\n"
        "  - name: b\n",
        Change(PAGINATOR, "header_link"),
        "resources:\n"
        "  - name: a\n"
        "    endpoint:\n"
        "      path: /a\n"
        "      # next\n"
        "      paginator: header_link\n"
        "  # b\n"
        "  - name: b\n",
    ),
    "an entry behind a line, with the comments of others": (
        "resources:\n"
        "  - name: a\n"
        "    endpoint:\n"
        "      # what is sent\n"
        "      params:\n"
        "        x: 1\n"
        "      path: /a  # here\n",
        Change(("endpoint", "data_selector"), "data"),
        "resources:\n"
        "  - name: a\n"
        "    endpoint:\n"
        "      # what is sent\n"
        "      params:\n"
        "        x: 1\n"
        "      path: /a  # here\n"
        "      data_selector: data\n",
    ),
    "an entry behind blocks alone": (
        "resources:\n"
        "  - name: a\n"
        "    endpoint:\n"
        "      # what is sent\n"
        "      params:\n"
        "        x: 1   # last\n"
        "\n"
        "  # next\n"
        "  - name: b\n",
        Change(("endpoint", "data_selector"), "data"),
        "resources:\n"
        "  - name: a\n"
        "    endpoint:\n"
        "      # what is sent\n"
        "      params:\n"
        "        x: 1   # last\n"
        "      data_selector: data\n"
        "\n"
        "  # next\n"
        "  - name: b\n",
    ),
    "a flow mapping": (
        "resources:\n  - {name: a, endpoint: {path: /a}}  # one line\n",
        Change(("endpoint", "data_selector"), "data"),
        "resources:\n  - {name: a, endpoint: {path: /a, data_selector: data}}  # one line\n",
    ),
    "no end of line": (
        "resources:\n  - name: a",
        Change(("primary_key",), "id"),
        "resources:\n  - name: a\n    primary_key: id",
    ),
}


@pytest.mark.parametrize(("before", "change", "after"), CASES.values(), ids=CASES)
def test_only_the_change_is_another_text(before: str, change: Change, after: str) -> None:
    assert apply_change(before, "a", change) == after
    assert yaml.safe_load(after) is not None


@pytest.mark.parametrize(
    "text",
    [
        # the anchor is in another resource, and in this one
        "resources:\n"
        "  - name: b\n    endpoint: &e {path: /a, data_selector: x}\n"
        "  - name: a\n    endpoint: *e\n",
        "resources:\n"
        "  - name: a\n    endpoint: &e {path: /a, data_selector: x}\n"
        "  - name: b\n    endpoint: *e\n",
    ],
)
def test_what_an_alias_shares_with_another_resource_is_not_changed(text: str) -> None:
    assert apply_change(text, "a", Change(("endpoint", "data_selector"), "data")) is None
