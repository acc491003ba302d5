"""Records of one resource kept between reading and loading: in memory while few, then on disk.

Reading comes first and whole, so that a resource that fails half-way leaves nothing behind, and
all that were read go to dlt as one load package.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import orjson

from framework.extract.page import Record
from framework.load.contract import SUSPECT, Contract, storable
from framework.load.monitors.column_names import ColumnNameMonitor

IN_MEMORY = 4 << 20
"""Bytes of JSON from which records go to disk, into a file without a name."""


class RecordSpool:
    """Add lists of records, then read them once, in order, in batches.

    `contract` is a declared schema's; without one, and with `mend`, what dlt cannot write is made
    such that it can. RecordError where a record cannot be rows.
    """

    def __init__(
        self,
        folder: Path,
        key_names: ColumnNameMonitor,
        contract: Contract | None = None,
        *,
        mend: bool = False,
    ) -> None:
        self._mend = mend
        self._key_names = key_names
        self.contract = contract
        self._file: Any = SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder))  # noqa: SIM115
        self.records = 0

    def add(self, records: list[Record]) -> None:
        """Keep these after those that were added before, as the schema's contract leaves them."""
        if self.contract is not None:
            left = (self.contract.apply(record)[0] for record in records)
            records = [record for record in left if record is not None]
        self.records += len(records)
        self._key_names.look(records)
        written = _lines(records)
        if self._mend and SUSPECT.search(written):
            written = _lines(map(storable, records))
        self._file.write(written)

    def batches(self, size: int) -> Iterator[list[Record]]:
        """All records, `size` at a time; the spool is gone after that."""
        self._file.seek(0)
        batch: list[Record] = []
        for line in self._file:
            batch.append(orjson.loads(line))
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch
        self.close()

    @property
    def discarded(self) -> int:
        """How many rows the contract left out."""
        return 0 if self.contract is None else self.contract.rows_discarded

    def finish(self) -> Iterator[tuple[str, str]]:
        """Everything is added: code and words of what is not loaded as it came."""
        if self.contract is not None:
            yield from (("discarded", message) for message in self.contract.told())
        met = self._key_names.told()
        if met is not None:
            yield "keys-meet", met

    def close(self) -> None:
        """Let go of memory and disk."""
        self._file.close()


def _lines(records: Iterable[Record]) -> bytes:
    return b"".join(orjson.dumps(r, option=orjson.OPT_APPEND_NEWLINE) for r in records)
