"""The units of a fleet: each is one run of one connector, for one account and one window."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.definition.values.datetimes import write_time
from framework.definition.values.durations import format_period
from framework.definition.values.naming import normalize_identifier
from framework.fleet.jobs.accounts import Account
from framework.fleet.jobs.fleet_file import Fleet, Job

Json = Any

ID_DIGITS = 16


@dataclass(frozen=True)
class Unit:
    """One run: `resources` of a connector for an account, None for the connector's own settings.

    `since` and `until` are the window as ISO times, None for a run that continues where the last
    one ended. The `id` depends on everything that decides what is loaded and where, and on nothing
    else: the same input has the same id in any process.
    """

    id: str
    job: Job = field(repr=False, compare=False)
    account: Account | None = field(compare=False)
    resources: tuple[str, ...] = field(compare=False)
    since: str | None = field(default=None, compare=False)
    until: str | None = field(default=None, compare=False)

    @property
    def connector(self) -> str:
        """The connector's name."""
        return self.job.connector.name

    @property
    def alias(self) -> str | None:
        """The account's alias."""
        return self.account.alias if self.account else None

    @property
    def destination(self) -> str:
        """The destination, as dlt names it."""
        return self.job.destination

    @property
    def dataset(self) -> str:
        """The dataset that the unit loads into."""
        return self.job.dataset_of(self.account)

    @property
    def config(self) -> Mapping[str, Json]:
        """Config entries of this run; those of the account win."""
        return _config(self.job, self.account)

    @property
    def secrets(self) -> Mapping[str, str]:
        """The names of secrets by entry; the others have dlt's usual names."""
        return self.account.secrets if self.account else {}

    @property
    def kind(self) -> str:
        """What units that cost about the same have in common, whatever the account and window."""
        backfill = self.job.backfill
        step = (format_period(backfill.step),) if backfill and self.since else ()
        return " ".join((self.connector, ",".join(self.resources), *step))

    def shares_dataset(self, other: Unit) -> bool:
        """Return whether another unit loads into the same dataset."""
        # dlt makes one dataset of Books and books
        names = {normalize_identifier(self.dataset), normalize_identifier(other.dataset)}
        return self != other and self.destination == other.destination and len(names) == 1

    def spec(self) -> dict[str, Json]:
        """Return all that another machine needs to run the unit, as JSON, without any secret.

        `secrets` are names, `max_time` is in seconds, and `connector` has the texts of its files.
        """
        job = self.job
        return {
            "unit": self.id,
            "kind": self.kind,
            "job": job.name,
            "connector": {
                "name": self.connector,
                "text": job.files.text,
                "schemas": dict(job.files.schemas),
            },
            "alias": self.alias,
            "config": dict(self.config),
            "secrets": dict(self.secrets),
            "resources": list(self.resources),
            "destination": self.destination,
            "dataset": self.dataset,
            "since": self.since,
            "until": self.until,
            "account_column": job.account_column,
            "max_time": job.max_time.total_seconds() if job.max_time is not None else None,
        }


def units_of(fleet: Fleet) -> tuple[Unit, ...]:
    """Return all units in the order in which to start them.

    Jobs take turns, and within a job its accounts do. The windows of an account are in ascending
    order; the resources that have none follow as one more unit.
    """
    return tuple(_in_turns(_job_units(job) for job in fleet.jobs))


def _in_turns(parts: Iterable[Iterator[Unit]]) -> Iterator[Unit]:
    """Yield one of each part, then the next of each, until all are at their end."""
    waiting = list(parts)
    while waiting:
        remaining = []
        for part in waiting:
            unit = next(part, None)
            if unit is not None:
                yield unit
                remaining.append(part)
        waiting = remaining


def _job_units(job: Job) -> Iterator[Unit]:
    hashes = [_hash(job, account) for account in job.owners]
    for begin, end in job.windows:
        since, until = (str(write_time(moment, "iso")) for moment in (begin, end))
        for account, start in zip(job.owners, hashes, strict=True):
            key = _id(start, job.windowed, since, until)
            yield Unit(key, job, account, job.windowed, since, until)
    others = job.others if job.backfill else job.resources
    for account, start in zip(job.owners, hashes, strict=True):
        if others:
            yield Unit(_id(start, others, None, None), job, account, others)


def _config(job: Job, account: Account | None) -> dict[str, Json]:
    return {**job.config, **(account.config if account else {})}


def _hash(job: Job, account: Account | None) -> Any:
    """Return the hash of what all units of an account have in common."""
    return _hashed(
        hashlib.sha256(),
        job.files.digest,
        job.connector.name,
        job.destination,
        job.dataset_of(account),
        job.account_column,
        account.alias if account else None,
        _config(job, account),
        dict(account.secrets) if account else {},
    )


def _id(start: Any, resources: tuple[str, ...], since: str | None, until: str | None) -> str:
    digest: str = _hashed(start.copy(), list(resources), since, until).hexdigest()
    return digest[:ID_DIGITS]


def _hashed(state: Any, *parts: Json) -> Any:
    state.update(json.dumps(parts, sort_keys=True).encode())
    return state
