"""The outline of a connector file: its resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from framework.language_server.open_file import OpenFile


def symbols(file: OpenFile) -> Iterator[types.DocumentSymbol]:
    """Yield the resources of a file that is readable, in its order."""
    draft = file.current
    if draft is None:
        return
    positions = file.positions
    for merged in draft.resources:
        start, end = positions.span(draft.document, ("resources", merged.index))
        place = ("resources", merged.index, "name")
        name = positions.span(draft.document, place)
        if not start <= name[0] <= name[1] <= end:
            name = (start, start)
        yield types.DocumentSymbol(
            name=merged.name,
            detail=merged.url or merged.path,
            kind=types.SymbolKind.Class,
            range=positions.range(start, end),
            selection_range=positions.range(*name),
        )
