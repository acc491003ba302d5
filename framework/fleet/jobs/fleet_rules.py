"""What must hold between the parts of a fleet: of one job, and of several jobs.

A job is judged with its connector: resources that a backfill or a shared dataset would damage.
Several are judged by where they load to: no two units may write the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from framework.definition.model import Connector, Resource
from framework.definition.schema.record_schema import table_of
from framework.definition.values.naming import normalize_identifier
from framework.findings import Finding
from framework.load.destinations.profiles import MERGING_FORMATS, PROFILES, profile_of
from framework.text import almost, join_words, shorten, suggest

if TYPE_CHECKING:
    from framework.fleet.jobs.accounts import Account, Entry
    from framework.fleet.jobs.fleet_file import Job

ACCOUNT_COLUMN = "_account"
"""The column of tables that several accounts share."""
STAGING = "_staging"
"""The end of the name of dlt's own dataset beside each dataset."""
DESTINATIONS = (
    *PROFILES,
    *("athena", "bigquery", "clickhouse", "databricks", "dremio", "ducklake", "fabric"),
    *("lance", "lancedb", "mssql", "qdrant", "redshift", "snowflake", "sqlalchemy"),
    *("synapse", "weaviate"),
)
"""dlt's destinations, to recognize one that is misspelt."""


def check_resources(entry: Entry, connector: Connector, findings: list[Finding]) -> tuple[str, ...]:
    """Return the resources of a job, parents first; add a finding for each unknown one."""
    names = [resource.name for resource in connector.resources]
    written = entry.data.get("resources")
    if not isinstance(written, list):
        selected = tuple(one.name for one in connector.resources if one.selected)
        if not selected:
            message = f"{connector.name} selects no resource by default; name some: `resources`"
            findings.append(entry.finding(("connector",), "no-resources", message))
        return selected
    for position, name in enumerate(written):
        if isinstance(name, str) and name not in names:
            message = f"{connector.name} has no resource {shorten(name)}{suggest(name, names)}"
            findings.append(entry.finding(("resources", position), "unknown-resource", message))
    return tuple(name for name in names if name in written)


def check_job(entry: Entry, job: Job) -> Iterator[Finding]:
    """Yield what is wrong with one job, its accounts and its connector together."""
    kind = job.destination
    near = None if "." in kind or kind in DESTINATIONS else almost(kind, DESTINATIONS)
    if near:
        message = f"dlt has no destination {shorten(kind)}; did you mean {near}?"
        yield entry.finding(("destination",), "unknown-destination", message)
    if "{alias}" in job.dataset and "accounts" not in entry.data:
        message = "found {alias}, but the job has no accounts; write a name, or add `accounts`"
        yield entry.finding(("dataset",), "alias-without-accounts", message)
    resources = [job.connector.resource(name) for name in job.resources]
    if profile_of(kind).is_file_store:
        yield from _merges_into_files(entry, resources, kind)
    if job.account_column:
        yield from _unshareable(entry, resources)
    if job.backfill is not None:
        yield from _without_windows(entry, job)
    yield from _one_dataset_of_two(job)
    yield from _like_the_file(entry, job)


def _merges_into_files(entry: Entry, resources: list[Resource], kind: str) -> Iterator[Finding]:
    merging = [
        one.name
        for one in resources
        if one.write_disposition == "merge" and one.hints.get("table_format") not in MERGING_FORMATS
    ]
    if merging:
        message = (
            f"{kind} cannot merge: {join_words(merging)} would hold every record once for each "
            "run. Use another destination, or `table_format: delta` in the connector"
        )
        yield entry.finding(("destination",), "merge-into-files", message)


def _unshareable(entry: Entry, resources: list[Resource]) -> Iterator[Finding]:
    """Yield the resources that several accounts cannot load into one table."""
    remedy = "write {alias} in `dataset`, or leave it out with `resources`"
    for one in resources:
        if one.write_disposition == "replace":
            reason = f"{one.name} replaces its table: only the rows of the last account would stay"
            yield entry.finding(("dataset",), "shared-replace", f"{reason}; {remedy}")
        elif one.merge_strategy == "scd2":
            reason = f"{one.name} retires rows that a run does not read: those of other accounts"
            yield entry.finding(("dataset",), "shared-replace", f"{reason}; {remedy}")
        if _has_column(one, ACCOUNT_COLUMN):
            reason = (
                f"{one.name} has a field {ACCOUNT_COLUMN} of its own, the name of the column that "
                "tells accounts in one dataset apart"
            )
            yield entry.finding(("dataset",), "account-field", f"{reason}; {remedy}")


def _has_column(resource: Resource, column: str) -> bool:
    """Return whether the file declares a column, or a step sets it."""
    names = [*resource.columns, *resource.included_columns, *resource.primary_key]
    for step in resource.steps:
        if step.kind in ("set", "rename") and isinstance(step.argument, dict):
            names += step.argument if step.kind == "set" else step.argument.values()
    if resource.schema is not None:
        names += [one.name for one in table_of(resource.schema).columns]
    return any(isinstance(name, str) and normalize_identifier(name) == column for name in names)


def _without_windows(entry: Entry, job: Job) -> Iterator[Finding]:
    """Yield why a backfill has nothing to read, or would damage a table."""
    if not job.windowed and job.resources:
        message = (
            "no resource of this job has an incremental or reads from one that has, so there is "
            "nothing to divide into windows; remove `backfill`, or name others in `resources`"
        )
        yield entry.finding(("backfill",), "no-incremental", message, key=True)
    remedy = "leave it out with `resources`, or set write_disposition: merge in the connector"
    for name in job.windowed:
        resource = job.connector.resource(name)
        if resource.write_disposition == "append":
            reason = f"{name} appends: rows of a window that is read again would be there twice"
        elif resource.write_disposition == "replace":
            reason = f"{name} replaces its table: only the rows of the last window would remain"
        elif resource.retires_absent_rows:
            reason = f"{name} retires rows that a run does not read: those of all other windows"
        else:
            continue
        place = _place_of(entry, name)
        yield entry.finding(place, "window-without-merge", f"{reason}; {remedy}", key=True)


def _place_of(entry: Entry, resource: str) -> tuple[str | int, ...]:
    """Return where the job names a resource, or its backfill."""
    written = entry.data.get("resources")
    if isinstance(written, list) and resource in written:
        return ("resources", written.index(resource))
    return ("backfill",)


def _one_dataset_of_two(job: Job) -> Iterator[Finding]:
    """Yield the accounts whose datasets have the same name in dlt."""
    if "{alias}" not in job.dataset:
        return
    first: dict[str, Account] = {}
    for account in job.accounts:
        dataset = normalize_identifier(job.dataset_of(account))
        other = first.setdefault(dataset, account)
        if other is not account:
            yield _about(
                account,
                "same-dataset",
                f"the aliases {other.alias} (line {other.line}) and {account.alias} (line "
                f"{account.line}) make one dataset, {dataset}: dlt reads two _ as one; change one",
            )


def _like_the_file(entry: Entry, job: Job) -> Iterator[Finding]:
    """Yield the datasets that DuckDB would take for its catalog, which it names after the file."""
    stem = job.connector.name
    if job.destination != "duckdb":
        return
    for account in job.owners:
        if normalize_identifier(job.dataset_of(account)) != stem:
            continue
        message = (
            f"DuckDB names its catalog after the file {stem}.duckdb, so a dataset must not be "
            f"named {stem}; choose another"
        )
        if account is None or "{alias}" not in job.dataset:
            yield entry.finding(("dataset",), "dataset-like-file", f"{message} `dataset`")
            return
        yield _about(account, "dataset-like-file", f"{message} alias or `dataset`")


def _about(account: Account, code: str, message: str) -> Finding:
    return Finding(account.path, account.line, account.column, "error", code, message)


def check_fleet(jobs: Sequence[tuple[Entry, Job]]) -> Iterator[Finding]:
    """Yield what is wrong between jobs: equal names, and what they load into one dataset."""
    yield from _equal_names(jobs)
    yield from _shared_datasets(jobs)
    yield from _staging_datasets(jobs)


def _equal_names(jobs: Sequence[tuple[Entry, Job]]) -> Iterator[Finding]:
    lines: dict[str, int] = {}
    for entry, job in jobs:
        key = "name" if isinstance(entry.data.get("name"), str) else "connector"
        line = entry.document.mark((*entry.pointer, key)).line
        if job.name in lines:
            message = (
                f"two jobs are called {job.name}, in line {lines[job.name]} and in line {line}; "
                "give one another `name`"
            )
            yield entry.finding((key,), "duplicate-job", message)
        lines.setdefault(job.name, line)


def _shared_datasets(jobs: Sequence[tuple[Entry, Job]]) -> Iterator[Finding]:
    """Yield each job that loads a connector into a dataset where another one loads it too."""
    loads: dict[tuple[str, str, str], dict[int, list[str | None]]] = {}
    for number, (_, job) in enumerate(jobs):
        for account in job.owners:
            dataset = normalize_identifier(job.dataset_of(account))
            owners = loads.setdefault((job.connector.name, job.destination, dataset), {})
            owners.setdefault(number, []).append(account.alias if account else None)
    told: set[tuple[int, int]] = set()
    for (connector, _, dataset), owners in loads.items():
        first: dict[str | None, int] = {}
        for number, aliases in owners.items():
            same = [alias for alias in aliases if alias in first]
            earlier = first[same[0]] if same else next(iter(owners))
            # the column tells the accounts of all jobs apart
            is_told = jobs[number][1].account_column and jobs[earlier][1].account_column
            first |= {alias: number for alias in aliases if alias not in first}
            if number == earlier or (is_told and not same) or (earlier, number) in told:
                continue
            told.add((earlier, number))
            names = f"the jobs {jobs[earlier][1].name} and {jobs[number][1].name}"
            if same:
                of = f" of the account {same[0]}" if same[0] else ""
                message = (
                    f"{names} both load {connector}{of} into the dataset {dataset}; put their "
                    "resources into one job, or give one another `dataset`"
                )
            else:
                message = (
                    f"{names} load different accounts of {connector} into the dataset {dataset}, "
                    "where nothing would tell their rows apart; give one another `dataset`"
                )
            code = "duplicate-load" if same else "mixed-accounts"
            yield jobs[number][0].finding(("connector",), code, message)


def _staging_datasets(jobs: Sequence[tuple[Entry, Job]]) -> Iterator[Finding]:
    """Yield the datasets that dlt would empty, since it stages the rows of another one there."""
    datasets = {
        (job.destination, normalize_identifier(job.dataset_of(account)))
        for _, job in jobs
        for account in job.owners
    }
    for entry, job in jobs:
        for account in job.owners:
            name = normalize_identifier(job.dataset_of(account))
            base = name.removesuffix(STAGING)
            if base == name or (job.destination, base) not in datasets:
                continue
            message = (
                f"dlt stages the rows of the dataset {base} in {name}, and empties it each time; "
                "choose another"
            )
            if account is None or "{alias}" not in job.dataset:
                yield entry.finding(("dataset",), "staging-dataset", f"{message} `dataset`")
                break
            yield _about(account, "staging-dataset", f"{message} alias or `dataset`")
