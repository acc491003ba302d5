"""What responses of real APIs say of more pages, and what only looks like it."""

import orjson
import pytest
import requests

from framework.definition.model import ResponseFormat
from framework.extract.paging.next_page_signs import page_signs
from framework.http.formats.decoders import build_decoder
from framework.http.transport import make_response

XML = "".join(f"<row><n>{n}</n></row>" for n in range(10))
ROWS = [{"n": n} for n in range(10)]

MORE = {
    "JSON:API": ("data", {"data": ROWS, "links": {"next": "/x?page[number]=2"}}, {}),
    "HAL": (
        "_embedded.items",
        {"_embedded": {"items": ROWS}, "_links": {"next": {"href": "/b"}}},
        {},
    ),
    "OData": ("value", {"value": ROWS, "@odata.nextLink": "https://x/y"}, {}),
    "token": ("items", {"items": ROWS, "nextPageToken": "abc"}, {}),
    "number": ("items", {"items": ROWS, "next_page": 2}, {}),
    "object": ("results", {"results": ROWS, "paging": {"next": {"after": "10"}}}, {}),
    "key": ("Items", {"Items": ROWS, "LastEvaluatedKey": {"id": 9}}, {}),
    "continue": ("items", {"items": ROWS, "metadata": {"continue": "abc"}}, {}),
    "flag": ("data", {"object": "list", "data": ROWS, "has_more": True}, {}),
    "flag as a number": ("items", {"items": ROWS, "hasMore": 1}, {}),
    "done": ("records", {"records": ROWS, "done": False}, {}),
    "pageInfo": ("d.i.nodes", {"d": {"i": {"nodes": ROWS, "pageInfo": {"hasNextPage": True}}}}, {}),
    "Datasette": (
        "rows",
        {"rows": ROWS, "truncated": False, "next_url": "https://x/y?_next=9"},
        {},
    ),
    "offset as a text": ("records", {"records": ROWS, "offset": "itr9/rec9"}, {}),
    "links": ("entry", {"entry": ROWS, "link": [{"relation": "next", "url": "/x"}]}, {}),
    "Link": ("", ROWS, {"Link": '</x>; rel="next"'}),
    "X-Next-Page": ("", ROWS, {"X-Next-Page": "2"}),
    "Content-Range": ("", ROWS, {"Content-Range": "items 0-9/70"}),
    "total": ("items", {"items": ROWS, "total": 70, "limit": 10}, {}),
    "meta.total": ("items", {"items": ROWS, "meta": {"total": 70}}, {}),
    "hits.total": ("hits.hits", {"hits": {"total": {"value": 70}, "hits": ROWS}}, {}),
    "numFound": ("response.docs", {"response": {"numFound": 70, "docs": ROWS}}, {}),
    "last_page": ("data", {"data": ROWS, "current_page": 1, "last_page": 7}, {}),
    "X-Total-Count": ("", ROWS, {"X-Total-Count": "70"}),
    "Content-Range without a unit": ("", ROWS, {"Content-Range": "0-9/70"}),
    "ArcGIS": ("features", {"features": ROWS, "exceededTransferLimit": True}, {}),
    "Algolia": ("hits", {"hits": ROWS, "nbHits": 70, "nbPages": 7}, {}),
    "DataTables": ("data", {"data": ROWS, "recordsTotal": 70, "recordsFiltered": 70}, {}),
    "Hydra": ("member", {"member": ROWS, "hydra:view": {"hydra:next": "/x?page=2"}}, {}),
    "OData 2": ("d.results", {"d": {"results": ROWS, "__next": "https://x/y"}}, {}),
    "a cursor beside a flag": (
        "items",
        {"items": ROWS, "meta": {"has_more": True, "after_cursor": "b"}},
        {},
    ),
    "one link": ("rows", {"rows": ROWS, "link": {"rel": "next", "href": "/x"}}, {}),
    "Atom": ("f.row", f'<f><link rel="self" href="/"/><link rel="next" href="/2"/>{XML}</f>', {}),
    "Atom with one link": ("f.row", f'<f><link rel="next" href="/2"/>{XML}</f>', {}),
    "Atom with a namespace": (
        "f.row",
        f'<f xmlns:a="urn:x"><a:link rel="next" href="/2"/>{XML}</f>',
        {},
    ),
    "OpenSearch": (
        "f.row",
        f'<f xmlns:os="urn:x"><os:totalResults>70</os:totalResults>{XML}</f>',
        {},
    ),
    "OAI-PMH": (
        "r.row",
        f'<r>{XML}<resumptionToken completeListSize="70">b</resumptionToken></r>',
        {},
    ),
    "attributes": ("r.row", f'<r page="1" pages="7">{XML}</r>', {}),
    "an element about pages": (
        "r.rows.row",
        f"<r><rows>{XML}</rows><paging><total>70</total></paging></r>",
        {},
    ),
    "S3": ("r.row", f"<r>{XML}<IsTruncated>true</IsTruncated></r>", {}),
    "XML and a header": ("r.row", f"<r>{XML}</r>", {"X-Total-Count": "70"}),
    "an element with an address": ("r.row", f'<r>{XML}<next href="/x?page=2"/></r>', {}),
    "X-Pagination": ("", ROWS, {"X-Pagination": '{"TotalCount": 70, "TotalPages": 7}'}),
}
NO_MORE = {
    "null": ("results", {"count": 10, "next": None, "previous": "/x", "results": ROWS}, {}),
    "a cursor of 0": ("users", {"users": ROWS, "next_cursor": 0, "previous_cursor": 0}, {}),
    "cursors of this page": ("data", {"data": ROWS, "paging": {"cursors": {"after": "b"}}}, {}),
    "last": ("content", {"content": ROWS, "totalPages": 1, "totalElements": 10, "last": True}, {}),
    "a token for changes": ("items", {"items": ROWS, "nextSyncToken": "abc"}, {}),
    "bytes": ("", ROWS, {"Content-Range": "bytes 0-9/70"}),
    "X-Next-Page": ("", ROWS, {"X-Next-Page": ""}),
    "the previous page": ("", ROWS, {"Link": '</x>; rel="prev"'}),
    "money": ("lines", {"id": 1, "total": 12500, "pages": 300, "lines": ROWS}, {}),
    "money of another id": ("lines", {"orderId": 1, "total": 12500, "lines": ROWS}, {}),
    "a record": ("", {"name": "x", "total": 12500, "next": "step2", "count": 30}, {}),
    "the last of OAI-PMH": (
        "r.row",
        f'<r>{XML}<resumptionToken completeListSize="10" cursor="60"/></r>',
        {},
    ),
    "the last of Atom": ("f.row", f'<f><link rel="prev" href="/1"/>{XML}</f>', {}),
    "the last of S3": ("r.row", f"<r>{XML}<IsTruncated>false</IsTruncated></r>", {}),
    "an empty element": ("r.row", f"<r>{XML}<next/></r>", {}),
    "the last of Datasette": ("rows", {"rows": ROWS, "truncated": False, "next_url": None}, {}),
    "another list's total": ("items", {"items": ROWS, "customer": {"total_count": 70}}, {}),
}


def signs_of(case):
    selector, body, headers = case
    request = requests.Request("GET", "https://api.example.com/x").prepare()
    is_xml = isinstance(body, str)
    kind = "application/xml" if is_xml else "application/json"
    content = body.encode() if is_xml else orjson.dumps(body)
    pairs = [("Content-Type", kind), *headers.items()]
    response = make_response(request, 200, "OK", pairs, content)
    if is_xml:
        decode = build_decoder(ResponseFormat("xml"), 1 << 20)
        response.json = lambda: decode(response)
    return page_signs(response, tuple(selector.split(".")) if selector else ())


def said(case):
    read = {"total": len(ROWS), "pages": 1}
    return [one for one in signs_of(case) if not one.is_end and one.number > read.get(one.kind, -1)]


@pytest.mark.parametrize("case", MORE.values(), ids=MORE)
def test_more_is_seen(case):
    assert said(case)


@pytest.mark.parametrize("case", NO_MORE.values(), ids=NO_MORE)
def test_an_end_and_the_fields_of_records_are_no_signs(case):
    assert said(case) == []


def test_truncated_is_no_end_beside_a_next_page():
    assert {one.is_end for one in signs_of(MORE["Datasette"])} == {False}
    assert {one.is_end for one in signs_of(NO_MORE["the last of Datasette"])} == {True}
