"""The options of one run, as the command line or a caller sets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from framework.extract.incremental.policy import CursorRange
from framework.extract.read_options import Sample


@dataclass(frozen=True)
class CommitEvery:
    """The time, in seconds, or the number of records after which a run loads what it has read."""

    seconds: float | None = None
    records: int | None = None


@dataclass(frozen=True)
class RunOptions:
    """Options of one run.

    `resources` are the named ones, None for those that the file selects. `config` overrides
    config entries. `alias` names a second account, with its own settings section, pipeline and
    dataset. `limit` is the maximum number of records of each resource. `since` and `until` are a
    range to read again, as ISO times or numbers. `folder` contains the default DuckDB file and
    `file` is its name, None for the connector's. `pipelines` is the folder of dlt's working
    folders, None for dlt's default. `commit_every` is None for a run that loads all at its end,
    `resume_within` is None for one that begins anew.

    `secret_names` are the names to look secrets up by, by entry. `part` is what this run loads of
    an account, such as a range of time: runs of different parts have pipelines of their own, and
    may load side by side. A run with a token in `once` does nothing if one with the same token has
    loaded all of its resources. With a `sample`, only a part of each list is read; it needs a
    `limit`, so that no watermark moves.
    """

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
    commit_every: CommitEvery | None = CommitEvery(seconds=300)
    resume_within: timedelta | None = timedelta(days=1)
    secret_names: Mapping[str, str] = field(default_factory=dict)
    part: str | None = None
    once: str | None = None
    sample: Sample | None = None

    @property
    def again(self) -> CursorRange | None:
        """Return the range to read again, or None."""
        return CursorRange(self.since, self.until) if self.since or self.until else None
