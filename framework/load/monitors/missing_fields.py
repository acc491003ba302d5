"""Watch for fields that the file declares and that no record has: a misspelt name has no values."""

from __future__ import annotations

from collections.abc import Iterator

from framework.definition.model import Resource
from framework.definition.schema.record_schema import table_of
from framework.definition.values.naming import SEPARATOR, normalize_path
from framework.extract.page import Page, Record
from framework.load.contract import VARIANT_MARK
from framework.text import count_noun

LEAST = 100
"""Records that must lack a field: in a small list it may be empty by chance."""
MOST = 1_000
"""Records that are searched."""
MAX_NAMED = 10


class MissingFieldMonitor:
    """Watch the first records of a resource for the fields of its `columns` and schema.

    A nullable field of a schema may be missing, and so may a mark of deleted records.
    """

    def __init__(self, resource: Resource) -> None:
        self._pending = {
            name: normalize_path(name)
            for name, hint in resource.columns.items()
            if not (hint.get("hard_delete") or VARIANT_MARK in name or name.startswith("_dlt"))
        }
        if resource.schema is not None:
            for column in table_of(resource.schema).columns:
                if not column.nullable:
                    self._pending[column.path[0]] = normalize_path(column.path[0])
        self._records = 0
        self.is_open = bool(self._pending)

    def look(self, pages: list[Page]) -> None:
        """Look for the fields in pages for the table; after enough of them `is_open` is false."""
        for page in pages:
            self._records += page.count
            if page.raw is not None and not page.has_steps:
                body = page.raw.body
                for name in tuple(self._pending):
                    if f'"{name}"'.encode() in body:
                        del self._pending[name]
            if self._pending:
                self._look_in(page.records)
        self.is_open = bool(self._pending) and self._records < MOST

    def _look_in(self, records: list[Record]) -> None:
        # a value that is not of its type has the name of a variant column by now
        names = (normalize_path(key) for record in records for key in record)
        keys = {name.partition(VARIANT_MARK)[0] for name in names}
        for name, column in tuple(self._pending.items()):
            if column in keys or any(column.startswith(key + SEPARATOR) for key in keys if key):
                del self._pending[name]

    def finish(self) -> Iterator[tuple[str, str]]:
        """Yield code and message of a warning if fields are missing."""
        if self._pending and self._records >= LEAST:
            named = ", ".join(f"`{name}`" for name in list(self._pending)[:MAX_NAMED])
            more = ", …" * (len(self._pending) > MAX_NAMED)
            yield (
                "field-missing",
                f"none of {count_noun(self._records, 'record')} has a field that the file "
                f"declares: {named}{more}. Correct the name. If the API leaves the field out, "
                'remove it from `columns`, or allow null in the schema: `type: [string, "null"]`',
            )
