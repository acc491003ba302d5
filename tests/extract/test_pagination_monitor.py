"""Lists that do not get on, do not end, or are less than the API tells of."""

import pytest

from framework.errors import RequestError
from framework.extract.monitors import pagination_monitor as completeness
from tests.support.open_resource import one_list, opened

OFFSET = {"type": "offset", "limit": 2, "total_path": "total"}
NUMBERS = {"type": "page_number", "base_page": 1, "total_path": "pages"}


def listed(web, paginator, *, key="id", selector="items", **endpoint):
    body = one_list(web.url, {"paginator": paginator, "data_selector": selector, **endpoint})
    if key:
        body["resources"][0]["primary_key"] = key
    return body


def by_offset(total, told, most=2):
    """A list of `total` records, at most `most` a page, that tells of `told`."""

    def handle(asked):
        start = int(asked.param("offset") or 0)
        items = [{"id": n} for n in range(start, min(total, start + most))]
        return {"items": items, "total": told}

    return handle


def test_an_api_that_takes_no_notice_of_the_page_is_an_error_that_shows_both(tmp_path, web):
    web.on("/items", {"items": [{"id": 1}, {"id": 2}]})
    shop = opened(tmp_path, listed(web, {**NUMBERS, "total_path": None}))
    with pytest.raises(RequestError) as caught:
        shop.read("items")
    assert str(caught.value) == (
        f"items: pagination is stuck: page 2 ({web.url}/items?page=2) returned the same 2 "
        f"records as page 1 ({web.url}/items?page=1). Check the paginator: the API may be "
        "ignoring the parameter that asks for the next page."
    )
    assert len(web.asked) == 2


def test_without_a_primary_key_equal_pages_are_told(tmp_path, web):
    web.on("/items", {"items": [{"ok": True}], "pages": 3})
    shop = opened(tmp_path, listed(web, NUMBERS, key=None))
    assert len(shop.read("items")) == 3
    assert shop.heard.codes == ["page-repeated"]


def test_without_a_primary_key_the_fourth_equal_page_in_a_row_is_an_error(tmp_path, web):
    web.on("/items", {"items": {"quota": 5}})
    shop = opened(tmp_path, listed(web, {**NUMBERS, "total_path": None}, key=None))
    with pytest.raises(RequestError, match="pagination is stuck"):
        shop.read("items")
    assert len(web.asked) == 4


def test_pages_that_overlap_are_no_repetition(tmp_path, web):
    pages = {None: [1, 2], "1": [1, 2], "2": [2, 3], "3": [2, 3, 4]}
    web.on(
        "/items",
        lambda asked: {"items": [{"id": n} for n in pages[asked.param("page")]], "pages": 3},
    )
    shop = opened(tmp_path, listed(web, NUMBERS))
    assert len(shop.read("items")) == 7
    assert shop.heard.codes == []


def test_a_list_without_an_end_ends(tmp_path, web, monkeypatch):
    monkeypatch.setattr(completeness, "MAX_PAGES", 5)
    web.on("/items", lambda asked: {"items": [{"id": int(asked.param("page"))}]})
    shop = opened(tmp_path, listed(web, {**NUMBERS, "total_path": None}))
    with pytest.raises(
        RequestError, match=r"pagination does not end: 5 pages were read, and .*page=6"
    ):
        shop.read("items")
    assert len(web.asked) == 5


@pytest.mark.parametrize(("told", "warned"), [(5, []), (7, ["total-differs"])])
def test_fewer_records_than_the_total_are_told(tmp_path, web, told, warned):
    web.on("/items", by_offset(5, told))
    shop = opened(tmp_path, listed(web, OFFSET))
    assert len(shop.read("items")) == 5
    assert shop.heard.codes == warned
    if warned:
        assert "total_path says 7 records, 5 were read" in shop.heard.warned[0].message


@pytest.mark.parametrize("ahead", [False, True])
def test_an_api_that_gives_less_a_page_than_the_limit_is_an_error(tmp_path, web, ahead):
    web.on("/items", by_offset(6, 6, most=1))
    shop = opened(tmp_path, listed(web, {**OFFSET, "ahead": ahead}))
    with pytest.raises(RequestError, match=r"3 records on 3 pages.*6 records.*write `limit: 1`"):
        shop.read("items")
    assert shop.heard.codes == ["page-too-short"]


@pytest.mark.parametrize(("told", "warned"), [(2, []), (9, ["total-differs"])])
def test_fewer_pages_than_the_total_are_told(tmp_path, web, told, warned):
    pages = {"1": [1], "2": [2]}
    web.on(
        "/items",
        lambda asked: {
            "items": [{"id": n} for n in pages.get(asked.param("page"), [])],
            "pages": told,
        },
    )
    shop = opened(tmp_path, listed(web, NUMBERS))
    assert len(shop.read("items")) == 2
    assert shop.heard.codes == warned


def test_a_part_that_the_file_asks_for_is_no_missing_part(tmp_path, web):
    web.on("/items", by_offset(6, 6))
    shop = opened(tmp_path, listed(web, {**OFFSET, "maximum_offset": 4}))
    assert len(shop.read("items")) == 4
    assert shop.heard.codes == []


@pytest.mark.parametrize("pages", [0, 1])
def test_an_empty_list_is_whole(tmp_path, web, pages):
    web.on("/items", {"items": [], "pages": pages, "total": 0})
    for paginator in (NUMBERS, OFFSET):
        shop = opened(tmp_path, listed(web, paginator))
        assert shop.read("items") == []
        assert shop.heard.codes == []


def test_a_parameter_without_a_name_is_sent_on_no_page(tmp_path, web):
    web.on("/items", by_offset(5, 5))
    shop = opened(tmp_path, listed(web, {**OFFSET, "limit_param": None}))
    assert len(shop.read("items")) == 5
    assert [[name for name, _ in asked.query] for asked in web.asked] == [["offset"]] * 3


def test_a_request_is_remembered_in_a_few_bytes(tmp_path, web, monkeypatch):
    monitors = []
    on_next = completeness.PaginationMonitor.on_next

    def noticed(monitor, request):
        monitors.append(monitor)
        on_next(monitor, request)

    monkeypatch.setattr(completeness.PaginationMonitor, "on_next", noticed)
    web.on("/items", by_offset(6, 6))
    shop = opened(tmp_path, listed(web, OFFSET, params={"fields": "x" * 1000}))
    assert len(shop.read("items")) == 6
    assert len(monitors[-1]._requests) > 1
    assert max(map(len, monitors[-1]._requests)) <= 16
