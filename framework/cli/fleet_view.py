"""Show a fleet's plan, its status and its closing report: as text for people, as JSON."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

from rich.console import Console
from rich.text import Text

from framework.cli.terminal import new_table, print_plain, print_table, visible
from framework.fleet.unit_state.unit_tables import (
    AttemptRecord,
    CoordinatorSession,
    LedgerSummary,
    State,
)
from framework.text import count_noun, sentences, shorten

if TYPE_CHECKING:
    from framework.fleet.coordinator import FleetReport
    from framework.fleet.jobs.fleet_plan import FleetPlan, JobPlan, PlannedUnit, QuotaUse

MOST_NOTES = 5
"""Notes that are shown; the rest are counted."""
MOST_FAILURES = 20
"""Failed units that the closing report names."""
LONGEST_ERROR = 300
"""Characters of an error on the screen."""
SILENCE = timedelta(seconds=10)
"""A coordinator whose last beat is older is probably gone."""
STATES: tuple[State, ...] = get_args(State)
COLOURS = {"done": "green", "failed": "red", "running": "cyan"}


def plan_json(plan: FleetPlan) -> dict[str, Any]:
    """Return the plan as schemas/fleet-plan.schema.json describes it."""
    requests = [job.requests for job in plan.jobs if job.requests is not None]
    return {
        "fleet": str(plan.fleet.path),
        "status": "refused" if plan.refusals else "ok",
        "refusals": list(plan.refusals),
        "notes": list(plan.notes),
        "workers": plan.workers,
        "requests": _rounded(sum(requests)) if requests else None,
        "minutes": _rounded(plan.minutes),
        "jobs": [_job_json(job) for job in plan.jobs],
        "quotas": [_quota_json(quota) for quota in plan.quotas],
        "units": [_unit_json(one) for one in plan.units],
    }


def show_plan(plan: FleetPlan, console: Console, *, units: bool) -> None:
    """Print a table of the jobs, with `units` one of all units too, and a closing line."""
    if units:
        _show_units(plan, console)
    table = new_table("job", "connector")
    for name in ("accounts", "windows", "units", "requests", "minutes"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("quota", "from"):
        table.add_column(name, no_wrap=True, overflow="fold")
    for job in plan.jobs:
        table.add_row(
            Text(job.job.name),
            Text(job.job.connector.name),
            f"{len(job.job.accounts):,}" if job.job.accounts else "",
            f"{len(job.job.windows):,}" if job.job.windows else "",
            f"{job.units:,}",
            _requests(job.requests, job.unknown),
            _minutes(job.minutes),
            _quota(job),
            ", ".join(job.sources),
        )
    print_table(console, table)
    for note in plan.notes[:MOST_NOTES]:
        print_plain(console, f"note: {note}")
    if len(plan.notes) > MOST_NOTES:
        print_plain(console, f"note: {len(plan.notes) - MOST_NOTES:,} more like these")
    print_plain(console, _closing(plan))


def _show_units(plan: FleetPlan, console: Console) -> None:
    table = new_table("unit", "job", "account", "since", "until", "resources")
    for name in ("requests", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("from", no_wrap=True)
    for one in plan.units:
        unit, estimate = one.unit, one.estimate
        table.add_row(
            unit.id,
            Text(unit.job.name),
            Text(unit.alias or ""),
            unit.since or "",
            unit.until or "",
            Text(", ".join(unit.resources)),
            _requests(estimate.requests, 0),
            "?" if estimate.seconds is None else f"{estimate.seconds:,.1f}",
            estimate.source,
        )
    print_table(console, table)
    print_plain(console, "")


def _closing(plan: FleetPlan) -> str:
    known = [job.requests for job in plan.jobs if job.requests is not None]
    parts = [count_noun(len(plan.units), "unit")]
    if known:
        is_least = any(job.unknown for job in plan.jobs)
        parts.append(f"{'at least' if is_least else 'about'} {math.ceil(sum(known)):,} requests")
    if plan.minutes is not None:
        is_least = any(one.estimate.seconds is None for one in plan.units)
        time = f"{'at least' if is_least else 'about'} {_minutes(plan.minutes)} minutes"
        parts.append(f"{time} with {count_noun(plan.workers, 'worker')}")
    return f"{visible(str(plan.fleet.path))}: {', '.join(parts)}"


def _requests(requests: float | None, unknown: int) -> str:
    if requests is None:
        return "?"
    return f"{math.ceil(requests):,}" + (" or more" if unknown else "")


def _minutes(minutes: float | None) -> str:
    return "?" if minutes is None else f"{minutes:,.1f}"


def _quota(job: JobPlan) -> str:
    """Return the daily quota that the job uses most of, and how much of it."""
    daily = [quota for quota in job.quotas if quota.per_day]
    if not daily:
        return ""
    used = max(daily, key=lambda quota: quota.busiest_day / (quota.per_day or 1))
    return f"{math.ceil(used.busiest_day):,} of {used.per_day:,} a day"


def _job_json(job: JobPlan) -> dict[str, Any]:
    return {
        "job": job.job.name,
        "connector": job.job.connector.name,
        "accounts": len(job.job.accounts),
        "windows": len(job.job.windows),
        "units": job.units,
        "requests": _rounded(job.requests),
        "unknown": job.unknown,
        "minutes": _rounded(job.minutes),
    }


def _quota_json(quota: QuotaUse) -> dict[str, Any]:
    return {
        "connector": quota.connector,
        "scope": quota.scope,
        "credentials": list(quota.credentials),
        "units": quota.units,
        "requests": _rounded(quota.requests),
        "per_second": quota.per_second,
        "per_day": quota.per_day,
        "exceeded": quota.is_exceeded,
    }


def _unit_json(planned: PlannedUnit) -> dict[str, Any]:
    unit, estimate = planned.unit, planned.estimate
    return {
        "id": unit.id,
        "job": unit.job.name,
        "connector": unit.connector,
        "account": unit.alias,
        "resources": list(unit.resources),
        "since": unit.since,
        "until": unit.until,
        "dataset": unit.dataset,
        "destination": unit.destination,
        "estimate": {
            "requests": _rounded(estimate.requests),
            "seconds": _rounded(estimate.seconds),
            "source": estimate.source,
        },
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)


def show_fleet_report(report: FleetReport) -> None:
    """Print the closing report."""
    console = Console()
    for one in report.failures[:MOST_FAILURES]:
        name = unit_title(one.unit, one.job, one.account, one.since, one.until)
        print_plain(console, f"failed: {name}: {brief(one.error)}")
    if len(report.failures) > MOST_FAILURES:
        print_plain(console, f"and {len(report.failures) - MOST_FAILURES:,} more failed units")
    states = ", ".join(f"{report.states[state]:,} {state}" for state in STATES)
    print_plain(console, f"units: {states}")
    work = "nothing was left to run"
    if report.attempts or report.status != "ok":
        counts = (count_noun(report.attempts, "attempt"), count_noun(report.requests, "request"))
        work = f"{', '.join(counts)}, {count_noun(report.rows, 'row')}"
    print_plain(console, f"{report.status} in {duration(report.seconds)}: {work}")
    if report.error:
        print_plain(console, report.error)


def status_json(summary: LedgerSummary, place: str) -> dict[str, Any]:
    """Return the state of a ledger as schemas/fleet-status.schema.json describes it."""
    session = summary.session
    return {
        "ledger": place,
        "round": summary.round,
        "began": utc_text(summary.began),
        "units": {job: dict(states) for job, states in summary.units.items()},
        "requests": summary.requests,
        "rows": summary.rows,
        "running": [_running_json(one) for one in summary.running],
        "failures": [_failure_json(one) for one in summary.failures],
        "coordinator": None if session is None else _session_json(session),
    }


def show_status(summary: LedgerSummary) -> None:
    """Print the state of a ledger of units."""
    console = Console()
    table = new_table("job")
    for state in STATES:
        table.add_column(state, justify="right", no_wrap=True, style=COLOURS.get(state))
    for job, counts in summary.units.items():
        table.add_row(visible(job), *(f"{counts.get(state, 0):,}" for state in STATES))
    print_table(console, table)
    for one in summary.running:
        where = f" on {one.worker}" if one.worker else ""
        print_plain(console, f"running: {_title(one)}{where} since {utc_text(one.started)}")
    for one in summary.failures:
        print_plain(console, f"failed: {_title(one)}: {brief(one.error or one.outcome)}")
    more = summary.count("failed") - len(summary.failures)
    if more > 0:
        print_plain(console, f"and {more:,} more failed units")
    requests, rows = count_noun(summary.requests, "request"), count_noun(summary.rows, "row")
    print_plain(console, f"round {summary.round}: {requests}, {rows}")
    if summary.session is not None:
        print_plain(console, _session_text(summary.session))


def unit_title(
    unit: str, job: str, account: str | None, since: str | None, until: str | None
) -> str:
    """Return a unit's id with what it is about, for a line of text."""
    window = f"{since} to {until}" if since else ""
    return f"{unit} ({', '.join(filter(None, (job, account, window)))})"


def brief(error: str | None) -> str:
    """Return an error on one line; the ledger and the JSON output have all of it."""
    return shorten(sentences(error or ""), LONGEST_ERROR)


def duration(seconds: float) -> str:
    """Return a duration in seconds, minutes or hours."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def utc_text(moment: datetime | None) -> str | None:
    """Return a time in ISO 8601, in UTC."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _title(one: AttemptRecord) -> str:
    return unit_title(one.unit, one.job, one.account, one.since, one.until)


def _running_json(one: AttemptRecord) -> dict[str, Any]:
    return {
        "unit": one.unit,
        "job": one.job,
        "account": one.account,
        "since": one.since,
        "until": one.until,
        "attempt": one.number,
        "worker": one.worker or None,
        "started": utc_text(one.started),
    }


def _failure_json(one: AttemptRecord) -> dict[str, Any]:
    return {
        **_running_json(one),
        "ended": utc_text(one.ended),
        "exit_code": one.exit_code,
        "requests": one.requests,
        "rows": one.rows,
        "error": one.error,
    }


def _session_json(session: CoordinatorSession) -> dict[str, Any]:
    return {
        "host": session.host,
        "pid": session.pid,
        "started": utc_text(session.started),
        "beat": utc_text(session.beat),
        "ended": utc_text(session.ended),
    }


def _session_text(session: CoordinatorSession) -> str:
    who = f"coordinator: pid {session.pid} on {session.host}"
    if session.ended is not None:
        return f"{who} ended at {utc_text(session.ended)}"
    if datetime.now(UTC) - session.beat > SILENCE:
        return f"{who} gave its last sign of life at {utc_text(session.beat)}"
    return f"{who} is at work since {utc_text(session.started)}"
