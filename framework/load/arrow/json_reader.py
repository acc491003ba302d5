"""Pages of JSON read by Arrow itself: bodies in, an array of their records out.

Arrow's reader makes columns of text outside of Python's lock and faster than of Python's objects.
It takes what has the declared types and no other keys; everything else is a Misfit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.json as pj

from framework.extract.page import Page, Record, TextPage
from framework.load.arrow.tables import Misfit

BREAKS = bytes.maketrans(b"\r\n", b"  ")
"""In JSON a line break is never inside a text; for Arrow's reader one ends a document."""


@dataclass(frozen=True)
class RawPage:
    """A page before its records are wanted: so many, at these keys of the body. `parse` gives
    them where nobody has parsed them yet."""

    body: bytes
    path: tuple[str, ...]
    count: int
    parse: Callable[[], list[Record]] | None = None

    @classmethod
    def of(cls, page: Page) -> RawPage:
        """The page without its records."""
        parse = page.parse if isinstance(page, TextPage) else None
        return cls(page.body, page.path, len(page), parse)

    def records(self) -> list[Record]:
        """The records, parsed, be it once more."""
        if self.parse is not None:
            return self.parse()
        found: Any = orjson.loads(self.body)
        for name in self.path:
            found = found[name]
        return found if isinstance(found, list) else [found]


def records_in(pages: list[RawPage], kind: pa.DataType) -> pa.Array:
    """The records of all pages in their order, of that type; Misfit where one is not."""
    path = pages[0].path
    wanted: Any = pa.list_(kind)
    for name in reversed(path[1:]):
        wanted = pa.struct([pa.field(name, wanted)])
    text = _joined([_on_one_line(page.body) for page in pages])
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
    lists: Any = table.column(path[0]).combine_chunks()
    for name in path[1:]:
        lists = pa.compute.struct_field(lists, name)
    if lists.type != pa.list_(kind):
        raise Misfit("fields that the schema does not declare")
    found: pa.Array = lists.flatten()
    if len(found) != sum(page.count for page in pages) or found.null_count:
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
