"""Parts of the importer that can be taken out, to see whether a comparison notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from framework.importers.airbyte import assemble, streams
from framework.importers.airbyte.components import (
    datetime_cursors,
    error_handlers,
    paginators,
    partition_routers,
)

Mutation = Callable[[], AbstractContextManager[Any]]
_CURSOR = datetime_cursors._CursorDraft


@contextmanager
def _without_keys() -> Iterator[None]:
    entry = assemble._EntryBuilder.entry

    def without(self: Any, one: Any) -> Any:
        made = entry(self, one)
        made.pop("primary_key", None)
        made["write_disposition"] = "replace"
        return made

    with patch.object(assemble._EntryBuilder, "entry", without):
        yield


def _nothing(*_: Any, **__: Any) -> None:
    return None


MUTATIONS: dict[str, Mutation] = {
    "paging": lambda: patch.object(
        streams, "translate", _translate_except("paginator", paginators.Pagination())
    ),
    "error handlers": lambda: patch.object(
        streams, "translate_error_handler", lambda *_: error_handlers.ErrorHandling()
    ),
    "lookback": lambda: patch.object(_CURSOR, "add_lag", _nothing),
    "windows": lambda: patch.object(_CURSOR, "add_windows", _nothing),
    "time formats": lambda: patch.object(_CURSOR, "add_formats", _nothing),
    "primary keys": _without_keys,
    "cursors": lambda: patch.object(
        streams, "translate_cursor", lambda *_: datetime_cursors.StreamCursor()
    ),
    "partition options": lambda: patch.object(partition_routers._PartitionDraft, "send", _nothing),
    "transformations": lambda: patch.object(streams, "translate_steps", lambda *_, **__: []),
}


def _translate_except(kind: str, value: Any) -> Any:
    translate = streams.translate

    def without(context: Any, wanted: str, *more: Any) -> Any:
        return value if wanted == kind else translate(context, wanted, *more)

    return without
