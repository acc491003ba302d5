"""Watch values of fields whose declared type would change them: numbers for booleans and texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from framework.definition.model import Resource
from framework.definition.values.naming import normalize_path
from framework.extract.page import Record
from framework.load.contract import FLAGS, variant
from framework.text import count_noun

_WATCHED = ("bool", "text")


class ColumnTypeMonitor:
    """Watch the fields that `columns` declare as bool or text, which dlt converts in silence.

    A number other than 0 and 1 is not a flag, and goes to the variant column, as with a schema.
    """

    def __init__(self, resource: Resource) -> None:
        self._types = {
            normalize_path(name): str(hint["data_type"])
            for name, hint in resource.columns.items()
            if hint.get("data_type") in _WATCHED
        }
        self.floats: Counter[str] = Counter()

    def fitted(self, records: list[Record]) -> list[Record]:
        """Return the records, with numbers that are no flags in a variant column."""
        return [self._fitted(record) for record in records] if self._types else records

    def _fitted(self, record: Record) -> Record:
        misfits = []
        for key, value in record.items():
            if type(value) is not int and type(value) is not float:
                continue
            data_type = self._types.get(normalize_path(key))
            if data_type == "bool" and value not in FLAGS:
                misfits.append(key)
            elif data_type == "text" and type(value) is float:
                self.floats[key] += 1
        if not misfits:
            return record
        changed = {key: value for key, value in record.items() if key not in misfits}
        for key in misfits:
            changed.update(variant(key, record[key]))
        return changed


def float_warnings(floats: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield code and message of a warning about numbers with a fraction in text columns."""
    if floats:
        fields = ", ".join(f"`{name}` ({count_noun(n, 'time')})" for name, n in floats.items())
        yield (
            "number-in-text",
            f"found numbers with a fraction where text is declared: {fields}. They are stored as a "
            "floating-point number is written, so 1.10 is 1.1. Declare a decimal to keep their "
            "digits: `data_type: decimal` in `columns`, or `{type: number, format: decimal}` in "
            "the schema",
        )
