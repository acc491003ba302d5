"""URLs that records hold become those of requests."""

from __future__ import annotations

import pytest

from framework.errors import BindingError
from framework.extract.record_urls import whole_url

BASE = "https://api.example.com/v2"


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://files.example.com/a%20b.csv?sig=a%2Fb", None),
        ("HTTP://files.example.com/a", None),
        ("/detail/1?x=1", f"{BASE}/detail/1?x=1"),
        ("detail/1", f"{BASE}/detail/1"),
        (" detail/1\n", f"{BASE}/detail/1"),
        ("/v2/detail/1", f"{BASE}/detail/1"),
        ("/v2?x=1", f"{BASE}?x=1"),
        ("/v22/detail", f"{BASE}/v22/detail"),
        ("?x=1", f"{BASE}?x=1"),
        ("//files.example.com/a", "https://files.example.com/a"),
        ("items:batch/1?to=http://x", f"{BASE}/items:batch/1?to=http://x"),
    ],
)
def test_a_url_without_a_host_is_relative_to_the_base_url(written: str, url: str | None) -> None:
    assert whole_url(written, BASE, "files", "{resources.reports.url}") == (url or written)


@pytest.mark.parametrize(
    ("written", "found"), [("", "empty text"), (" ", "empty text"), ("ftp://x/y", "scheme ftp")]
)
def test_what_is_not_an_address_is_an_error(written: str, found: str) -> None:
    with pytest.raises(BindingError, match=rf"files: `{{resources.reports.url}}` gives .*{found}"):
        whole_url(written, BASE, "files", "{resources.reports.url}")
