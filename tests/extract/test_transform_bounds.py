"""Steps whose records outgrow a bound fail their resource with the bound, not the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.errors import RecordError
from tests.support.open_resource import one_list, opened
from tests.support.servers.web import Web

Json = Any
MANY = [{"id": 1, "note": "x" * 100, "items": list(range(200))}]

COPIES = f"[{', '.join(['items'] * 8)}]"


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"explode": "items"}], "explode: `items` has 200 items"),
        ([{"yield_map": "[@, @, @, @, @, @, @, @]"}], "of the records of one page"),
        ([{"set": {"copies": COPIES}}], "of the records of one page"),
    ],
)
def test_a_page_that_grows_past_its_bound_is_refused(
    steps: Json, message: str, tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.extract.records.transforms.LARGEST_PAGE", 5_000)
    web.on("/items", lambda _: MANY)
    body = one_list(web.url, {})
    body["resources"][0]["processing_steps"] = steps
    with pytest.raises(RecordError, match=message):
        opened(tmp_path, body).read("items")


def test_a_page_within_its_bound_is_read(
    tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.extract.records.transforms.LARGEST_PAGE", 200_000)
    web.on("/items", lambda _: MANY)
    body = one_list(web.url, {})
    body["resources"][0]["processing_steps"] = [{"explode": "items"}]
    assert len(opened(tmp_path, body).read("items")) == 200
