"""Pages of JSON read by Arrow itself: bodies in, an array of their records out.

Arrow's reader makes columns of text outside of Python's lock and faster than of Python's objects.
It takes what has the declared types and no other keys; everything else is a Misfit.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.json as pj

from framework.extract.page import RawList
from framework.load.arrow.tables import Misfit

BREAKS = bytes.maketrans(b"\r\n", b"  ")
"""In JSON a line break is never inside a text; for Arrow's reader one ends a document."""


def records_in(lists: list[RawList], kind: pa.DataType, count: int) -> pa.Array:
    """Return the `count` records of all lists in their order; raise Misfit if a type differs."""
    path = lists[0].path
    wanted: Any = pa.list_(kind)
    for name in reversed(path[1:]):
        wanted = pa.struct([pa.field(name, wanted)])
    text = _joined([_on_one_line(one.body) for one in lists])
    try:
        table = pj.read_json(
            pa.BufferReader(text),
            read_options=pj.ReadOptions(use_threads=False, block_size=text.size + 1),
            parse_options=pj.ParseOptions(
                explicit_schema=pa.schema([pa.field(path[0], wanted)]),
                unexpected_field_behavior="infer",  # what stands beside the list is not looked at
            ),
        )
    except pa.ArrowException as error:
        raise Misfit(str(error)) from error
    column: Any = table.column(path[0]).combine_chunks()
    for name in path[1:]:
        column = pa.compute.struct_field(column, name)
    if column.type != pa.list_(kind):
        raise Misfit("fields that the schema does not declare")
    found: pa.Array = column.flatten()
    if len(found) != count or found.null_count:
        raise Misfit("other records than those that were read")
    return found


def _on_one_line(body: bytes) -> bytes:
    return body.translate(BREAKS) if b"\n" in body or b"\r" in body else body


def _joined(lines: list[bytes]) -> pa.Buffer:
    """The lines one after another; copied outside of Python's lock, which others wait for."""
    text = pa.allocate_buffer(sum(map(len, lines)) + len(lines))
    with pa.FixedSizeBufferWriter(text) as writer:
        for line in lines:
            writer.write(line)
            writer.write(b"\n")
    return text
