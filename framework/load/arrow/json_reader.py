"""Read pages with Arrow's JSON reader: bodies come in, an array of their records goes out.

Arrow's reader needs no Python objects and no global lock. It accepts records with the declared
types and no other keys; everything else is a Misfit.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.json as pj

from framework.extract.page import RawList
from framework.load.arrow.tables import Misfit

BREAKS = bytes.maketrans(b"\r\n", b"  ")
"""For Arrow's reader a line break ends a document; in JSON it is never part of a string."""


def records_in(lists: list[RawList], kind: pa.DataType, count: int) -> pa.Array:
    """Return the `count` records of all lists in order; raise Misfit if one is not of the type."""
    path = lists[0].path
    body_type: Any = pa.list_(kind)
    for name in reversed(path[1:]):
        body_type = pa.struct([pa.field(name, body_type)])
    text = _joined([_on_one_line(one.body) for one in lists])
    try:
        table = pj.read_json(
            pa.BufferReader(text),
            read_options=pj.ReadOptions(use_threads=False, block_size=text.size + 1),
            parse_options=pj.ParseOptions(
                explicit_schema=pa.schema([pa.field(path[0], body_type)]),
                unexpected_field_behavior="infer",  # keys beside the list do not matter
            ),
        )
        found: Any = table.column(path[0]).type
        for name in path[1:]:
            found = found.field(name).type
        # of lists of nulls that it does not expect, Arrow makes arrays that are not valid
        if found != pa.list_(kind):
            raise Misfit("fields that the schema does not declare")
        column: Any = table.column(path[0]).combine_chunks()
    except pa.ArrowException as error:
        raise Misfit(str(error)) from error
    for name in path[1:]:
        column = pa.compute.struct_field(column, name)
    records: pa.Array = (
        _selected(column, lists)
        if any(one.places is not None for one in lists)
        else column.flatten()
    )
    if len(records) != count or records.null_count:
        raise Misfit("other records than the pages have")
    return records


def _selected(pages: pa.ListArray, lists: list[RawList]) -> pa.Array:
    """Return the records of all pages, without those that a page leaves out."""
    chosen: list[pa.Array] = []
    for page, one in zip(pages, lists, strict=True):
        records = page.values
        if records is None:
            raise Misfit("a page without a list")
        if one.places is not None:
            places = pa.array(one.places, pa.int64())
            if len(places) and one.places[-1] >= len(records):
                raise Misfit("other records than the pages have")
            records = records.take(places)
        chosen.append(records)
    return pa.concat_arrays(chosen)


def _on_one_line(body: bytes) -> bytes:
    return body.translate(BREAKS) if b"\n" in body or b"\r" in body else body


def _joined(lines: list[bytes]) -> pa.Buffer:
    """Join the lines without Python's global lock, which other threads wait for."""
    text = pa.allocate_buffer(sum(map(len, lines)) + len(lines))
    with pa.FixedSizeBufferWriter(text) as writer:
        for line in lines:
            writer.write(line)
            writer.write(b"\n")
    return text
