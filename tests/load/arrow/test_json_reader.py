"""Pages that Arrow reads itself: what it takes, and what it leaves to the slower way."""

from __future__ import annotations

from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from framework.definition.model import Resource
from framework.definition.schema.record_schema import table_of
from framework.definition.values.json_text import parse_json as parse_json
from framework.extract.page import Page, RawList, Record
from framework.load.arrow.arrow_sink import ArrowSink
from framework.load.arrow.background_worker import BackgroundWorker
from framework.load.arrow.json_reader import records_in
from framework.load.arrow.layout import layout_of
from framework.load.arrow.record_types import DeclaredTypes
from framework.load.arrow.tables import Misfit
from framework.load.monitors.column_names import ColumnNameMonitor
from framework.load.monitors.primary_keys import PrimaryKeyMonitor
from tests.support.both_paths import resource, shop

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "size": {"type": "number"},
        "at": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
LAYOUT = layout_of(table_of(SCHEMA))


def test_pages_become_one_array_in_their_order_whatever_stands_around_the_list() -> None:
    pages = [
        b'{"data": {"items": [{"id": 1, "size": 2}], "next": "2024-01-01"}, "n": 1}',
        b'{\r\n  "data": {"items": [\n{"id": 2,\n "tags": ["a\\n", null]}], "next": null}}',
    ]
    lists = [RawList(body, ("data", "items")) for body in pages]
    assert records_in(lists, LAYOUT.type, 2).to_pylist() == [
        {"id": 1, "size": 2.0, "at": None, "tags": None},
        {"id": 2, "size": None, "at": None, "tags": ["a\n", None]},
    ]


@pytest.mark.parametrize(
    "record",
    [
        '{"id": 1, "other": 2}',
        '{"id": 1, "other": null}',
        '{"id": "1"}',
        '{"id": 1.0}',
        '{"id": true}',
        '{"id": 9223372036854775808}',
        '{"size": true}',
        '{"size": "1"}',
        '{"at": 5}',
        '{"at": {}}',
        '{"tags": "a"}',
        '{"tags": [1]}',
        '{"tags": [["a"]]}',
        '{"id": 1, "id": 2}',
    ],
)
def test_what_the_schema_does_not_declare_so_is_a_misfit(record: str) -> None:
    page = RawList(f'{{"items": [{{"id": 0}}, {record}]}}'.encode(), ("items",))
    with pytest.raises(Misfit):
        records_in([page], LAYOUT.type, 2)


def test_undeclared_lists_of_nulls_are_a_misfit() -> None:
    # Arrow's reader makes an array of them that it refuses to copy
    body = b'{"items": [{"id": 1, "new": {"x": [null, null], "y": null, "z": [{"n": 1}]}}]}'
    with pytest.raises(Misfit):
        records_in([RawList(body, ("items",))], LAYOUT.type, 1)


def _sink_of(things: Resource, folder: Path) -> ArrowSink:
    names, keys = ColumnNameMonitor(things, shortens=False), PrimaryKeyMonitor(things, None)
    return ArrowSink(things, DeclaredTypes(things, None), keys, folder, names)


def test_a_sink_keeps_every_record_of_pages_that_fit_and_of_those_that_do_not(
    project: Path,
) -> None:
    things = shop(project, resource("things", SCHEMA)).resource("things")
    sink = _sink_of(things, project)
    bodies = [
        orjson.dumps({"items": [{"id": number, "size": value}]})
        for number, value in enumerate([1, "large", 2, 3])
    ]
    for body in bodies:
        sink.add(Page.of(orjson.loads(body)["items"], RawList(body, ("items",))))
    assert list(sink.finish()) == []
    fitting = pa.concat_tables(sink.tables("")).column("id").to_pylist()
    others = [record["id"] for batch in sink.unusual(10) for record in batch]
    assert (fitting, others) == ([0, 2, 3], [1])
    sink.close()


def test_pages_that_come_as_text_are_parsed_only_where_they_do_not_fit(project: Path) -> None:
    things = shop(project, resource("things", SCHEMA)).resource("things")
    sink = _sink_of(things, project)
    parsed: list[bytes] = []

    def page(number: int, size: str) -> Page:
        body = b'{"items": [{"id": %d, "size": %s}]}' % (number, size.encode())

        def parse() -> list[Record]:
            parsed.append(body)
            found: list[Record] = parse_json(body)[0]["items"]
            return found

        return Page(1, None, None, parse, RawList(body, ("items",)))

    batches = [[page(1, "1"), page(2, "2.5")], [page(3, "123456789012345678901")], [page(1, "4")]]
    for pages in batches:
        for one in pages:
            sink.add(one)
        sink._convert(sink._next_batch())
    ((code, message),) = sink.finish()
    assert code == "keys-repeated"
    assert "1 of 4 records repeat a primary key" in message
    assert [body for body in parsed if b"12345678901234567890" not in body] == []
    assert len(parsed) == 1
    fitting = pa.concat_tables(sink.tables("")).column("id").to_pylist()
    others = [record["id"] for batch in sink.unusual(10) for record in batch]
    assert (fitting, others) == ([2, 1], [3])
    sink.close()


def test_work_aside_is_done_in_order_and_its_first_error_ends_it() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        if number == 3:
            raise ValueError("three")
        done.append(number)

    aside = BackgroundWorker(work)
    with pytest.raises(ValueError, match="three"):  # noqa: PT012
        for number in range(1000):
            aside.put(number)
        aside.wait()
    assert done == [0, 1, 2]
    aside.close()
    with pytest.raises(ValueError, match="three"):
        aside.put(4)
