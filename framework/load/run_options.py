"""What the person asks of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.extract.incremental.policy import CursorRange


@dataclass(frozen=True)
class RunOptions:
    """`resources` are those named, None for the ones selected in the file. `config` sets entries
    for this run. `alias` is a second account's name: its own section, pipeline and dataset.
    `limit` is at most so many records of each resource. `since` and `until` are a range that is
    read again, as ISO times (or numbers). `folder` holds the default DuckDB file,
    `file` is its name where it is not the connector's; `pipelines` is where dlt keeps its state,
    None for dlt's own place."""

    resources: tuple[str, ...] | None = None
    destination: str | None = None
    dataset: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    alias: str | None = None
    refresh: bool = False
    limit: int | None = None
    folder: Path = field(default_factory=Path.cwd)
    file: str | None = None
    pipelines: Path | None = None
    since: str | None = None
    until: str | None = None

    @property
    def again(self) -> CursorRange | None:
        """The range that is read again, or None."""
        return CursorRange(self.since, self.until) if self.since or self.until else None
