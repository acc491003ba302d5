"""Read a fleet file: return all that is wrong with it, its accounts and connectors, or its Fleet.

No network, no secrets, no dlt; the only files read are those that the fleet file names.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from framework.definition.defaults import merge_resources
from framework.definition.finder import (
    Location,
    discover_connectors,
    find_connector,
    is_file_name,
)
from framework.definition.model import Connector
from framework.definition.schema.file_schema import FileSchema
from framework.definition.schema.schema_findings import check_format
from framework.definition.validation import ValidationResult, validate
from framework.definition.values.datetimes import TimeError, read_time
from framework.definition.values.durations import (
    DurationError,
    Period,
    parse_duration,
    parse_period,
)
from framework.definition.yaml_reader import read_document
from framework.errors import UsageError
from framework.findings import Finding
from framework.fleet.jobs.accounts import Account, Entry, read_accounts, read_config
from framework.fleet.jobs.fleet_rules import check_fleet, check_job, check_resources

Json = Any

FLEET = FileSchema("fleet")
"""The schema of a fleet file."""
DEFAULT_ATTEMPTS = 3
DEFAULT_DESTINATION = "duckdb"
MOST_WINDOWS = 100_000
"""Windows of one backfill."""
MOST_UNITS = 1_000_000
"""Units of one fleet."""
SHORTEST_STEP = timedelta(seconds=1)


@dataclass(frozen=True)
class Backfill:
    """A time in windows; moments are in UTC."""

    since: datetime
    until: datetime
    step: Period

    def windows(self) -> Iterator[tuple[datetime, datetime]]:
        """Yield beginning and end of each window, in order; the last may be shorter.

        Each begins a number of steps after `since`: months are counted from there, so a backfill
        from the 31st has no window that drifts to the 28th.
        """
        begin, number = self.since, 0
        while begin < self.until:
            number += 1
            try:
                end = min(self.step.after(self.since, number), self.until)
            except DurationError:  # past the year 9999
                end = self.until
            yield begin, end
            begin = end

    @cached_property
    def count(self) -> int:
        """How many windows there are; one more than MOST_WINDOWS if there are too many."""
        return sum(1 for _ in islice(self.windows(), MOST_WINDOWS + 1))


@dataclass(frozen=True)
class ConnectorFiles:
    """The texts of a connector file and of the record schemas that it names, by name."""

    text: str = field(repr=False)
    schemas: Mapping[str, str] = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of all texts, in hexadecimal."""
        content = json.dumps([self.text, sorted(self.schemas.items())])
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Job:
    """A connector for its accounts; without `accounts` it runs once, with its own settings.

    `dataset` may hold `{alias}`. `account_column` says that several accounts share the dataset,
    so that each table needs a column that tells them apart. `resources` are all that are loaded,
    parents first. `windowed` are those that a backfill reads window by window.
    """

    name: str
    connector: Connector = field(repr=False)
    files: ConnectorFiles = field(repr=False)
    resources: tuple[str, ...]
    dataset: str
    accounts: tuple[Account, ...] = field(default=(), repr=False)
    config: Mapping[str, Json] = field(default_factory=dict, repr=False)
    destination: str = DEFAULT_DESTINATION
    account_column: bool = False
    attempts: int = DEFAULT_ATTEMPTS
    max_time: timedelta | None = None
    backfill: Backfill | None = None
    windowed: tuple[str, ...] = ()

    @property
    def others(self) -> tuple[str, ...]:
        """The resources that are loaded at once."""
        return tuple(name for name in self.resources if name not in self.windowed)

    @property
    def owners(self) -> tuple[Account | None, ...]:
        """The accounts, or None once for a job without accounts."""
        return self.accounts or (None,)

    @cached_property
    def windows(self) -> tuple[tuple[datetime, datetime], ...]:
        """The windows of the backfill, empty if there is none."""
        return tuple(self.backfill.windows()) if self.backfill else ()

    def dataset_of(self, account: Account | None) -> str:
        """Return the dataset of an account."""
        return self.dataset.replace("{alias}", account.alias) if account else self.dataset


@dataclass(frozen=True)
class Fleet:
    """A valid fleet file."""

    path: Path
    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class FleetResult:
    """The findings of a fleet file and of its files, and its fleet if none of them is an error.

    `connectors` are the files of connectors that were read, and `files` counts all that were.
    """

    findings: tuple[Finding, ...]
    fleet: Fleet | None
    connectors: tuple[Location, ...] = ()
    files: int = 1


def read_fleet(path: Path, connectors: Path | None = None) -> FleetResult:
    """Read and validate a fleet file; whatever is wrong with it is a finding.

    Connectors are found by name in `connectors`, as for other commands. Raise UsageError if that
    is not a folder.
    """
    document, findings = read_document(path)
    if document is None:
        return FleetResult(tuple(findings), None)
    findings += check_format(document, FLEET)
    known = _Connectors(path.parent, connectors)
    listed = document.data.get("jobs")
    jobs: list[tuple[Entry, Job]] = []
    account_files = set()
    for position, data in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(data, dict):
            entry = Entry(document, ("jobs", position), data)
            job = _job(entry, known.result_of(entry, findings), findings)
            if job is not None:
                jobs.append((entry, job))
            written = entry.section("accounts").get("file")
            account_files |= {written} if isinstance(written, str) else set()
    findings += check_fleet(jobs)
    if sum(_unit_count(job) for _, job in jobs) > MOST_UNITS:
        message = f"the jobs have more than {MOST_UNITS:,} units; divide them into several files"
        findings.append(document.finding(("jobs",), "too-many-units", message, key=True))
    findings += known.findings
    ordered = _in_order(str(path), findings)
    is_valid = not any(one.severity == "error" for one in ordered)
    fleet = Fleet(path, tuple(job for _, job in jobs)) if is_valid else None
    return FleetResult(ordered, fleet, known.locations, 1 + len(account_files) + known.count)


def _in_order(path: str, findings: list[Finding]) -> tuple[Finding, ...]:
    """Return each finding once: those of the fleet file first, then file by file."""
    return tuple(
        sorted(
            set(findings),
            key=lambda one: (one.path != path, one.path, one.line, one.column, one.code),
        )
    )


class _Connectors:
    """The connectors that a fleet file names, each validated once."""

    def __init__(self, folder: Path, connectors: Path | None) -> None:
        self._folder = folder
        self._connectors = connectors
        self._results: dict[Path, ValidationResult] = {}
        discover_connectors(connectors)  # a folder that is none is a wrong command line

    @property
    def findings(self) -> list[Finding]:
        """The findings of all files."""
        return [one for result in self._results.values() for one in result.findings]

    @property
    def locations(self) -> tuple[Location, ...]:
        """The files."""
        return tuple(result.location for result in self._results.values())

    @property
    def count(self) -> int:
        """How many files there are."""
        return len(self._results)

    def result_of(self, job: Entry, findings: list[Finding]) -> ValidationResult | None:
        """Return the result of the job's connector; None if there is none, which is a finding."""
        written = job.data.get("connector")
        if not isinstance(written, str) or not written:
            return None
        name = written
        if is_file_name(written) and self._folder != Path():
            name = os.path.normpath(self._folder / written)
            name = name if is_file_name(name) else f"./{name}"
        try:
            location = find_connector(name, self._connectors)
            if not location.path.exists():
                raise UsageError(f"there is no file {location.display}")
        except UsageError as error:
            findings.append(job.finding(("connector",), "unknown-connector", str(error)))
            return None
        key = location.path.absolute()
        if key not in self._results:
            self._results[key] = validate(location)
        return self._results[key]


def _job(entry: Entry, result: ValidationResult | None, findings: list[Finding]) -> Job | None:
    """Return the job, or None if it has no connector or no accounts; add what is wrong with it."""
    connector = result.connector if result else None
    accounts, about_accounts = read_accounts(entry, connector)
    findings += about_accounts
    config = read_config(entry, connector, findings, quoted=True)
    backfill = _backfill(entry, findings)
    max_time = _duration(entry, findings)
    if connector is None or result is None:
        return None
    resources = check_resources(entry, connector, findings)
    written, attempts = entry.data.get("accounts"), entry.data.get("attempts")
    dataset, name = _text(entry, "dataset"), _text(entry, "name")
    default = f"{'{alias}' if written is not None else connector.name}_data"
    job = Job(
        name=name or connector.name,
        connector=connector,
        files=_files(result, connector),
        resources=resources,
        dataset=dataset or default,
        accounts=accounts,
        config=config,
        destination=_text(entry, "destination") or DEFAULT_DESTINATION,
        # a file is there to grow: its second account must find the column
        account_column=(isinstance(written, dict) or len(accounts) > 1)
        and "{alias}" not in (dataset or default),
        attempts=attempts if type(attempts) is int else DEFAULT_ATTEMPTS,
        max_time=max_time,
        backfill=backfill,
        windowed=tuple(name for name in resources if connector.is_ranged(connector.resource(name)))
        if backfill
        else (),
    )
    findings += check_job(entry, job)
    return job if accounts or written is None else None


def _text(entry: Entry, key: str) -> str | None:
    value = entry.data.get(key)
    return value if isinstance(value, str) else None


def _files(result: ValidationResult, connector: Connector) -> ConnectorFiles:
    document = result.document
    assert document is not None  # a connector was made of it
    named = (
        (merged.data["schema"], connector.resource(merged.name).schema)
        for merged in merge_resources(document.data)
        if isinstance(merged.data.get("schema"), str)
    )
    return ConnectorFiles(document.text, {name: json.dumps(schema) for name, schema in named})


def _duration(entry: Entry, findings: list[Finding]) -> timedelta | None:
    written = _text(entry, "max_time")
    if written is None or not _fits(written, "max_time"):
        return None
    try:
        return parse_duration(written)
    except DurationError as error:
        findings.append(entry.finding(("max_time",), "bad-duration", str(error)))
        return None


def _fits(text: str, *path: str) -> bool:
    """Return whether a text fits the pattern of a job's key; if not, the schema has a finding."""
    pattern = FLEET.at(("jobs", 0, *path))[0]["pattern"]
    return re.search(pattern, text) is not None


def _backfill(entry: Entry, findings: list[Finding]) -> Backfill | None:
    """Return the backfill if it can be divided into windows."""
    section = entry.section("backfill")
    since, until = (_moment(entry, key, findings) for key in ("since", "until"))
    step = section.get("step")
    if not isinstance(step, str) or not _fits(step, "backfill", "step"):
        return None
    place = ("backfill", "step")
    try:
        period = parse_period(step)
    except DurationError as error:
        findings.append(entry.finding(place, "bad-duration", str(error)))
        return None
    if not period.months and period.rest < SHORTEST_STEP:
        message = f"found {step}, expected at least one second"
        findings.append(entry.finding(place, "bad-duration", message))
        return None
    if since is None or until is None:
        return None
    if since >= until:
        message = f"found {section['until']}, which is not after `since`: {section['since']}"
        findings.append(entry.finding(("backfill", "until"), "backfill-order", message))
        return None
    backfill = Backfill(since, until, period)
    if backfill.count > MOST_WINDOWS:
        message = f"{step} makes more than {MOST_WINDOWS:,} windows; choose a longer step"
        findings.append(entry.finding(place, "too-many-windows", message))
        return None
    return backfill


def _moment(entry: Entry, key: str, findings: list[Finding]) -> datetime | None:
    written = entry.section("backfill").get(key)
    if not isinstance(written, str) or not written:
        return None
    try:
        return read_time(written, ("iso",))[0]
    except TimeError:
        message = f"found {written}, expected a time such as 2026-01-31 or 2026-01-31T12:00:00Z"
        findings.append(entry.finding(("backfill", key), "bad-time", message))
        return None


def _unit_count(job: Job) -> int:
    """Return how many units a job has."""
    each = job.backfill.count + bool(job.others) if job.backfill else 1
    return each * len(job.owners)
