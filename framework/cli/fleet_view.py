"""Show the plan of a fleet: as tables for people, as JSON for other schedulers."""

from __future__ import annotations

import math
from typing import Any

from rich.console import Console
from rich.text import Text

from framework.cli.terminal import new_table, print_plain, print_table, visible
from framework.fleet.fleet_plan import FleetPlan, JobPlan, PlannedUnit, QuotaUse
from framework.text import count_noun

MOST_NOTES = 5
"""Notes that are shown; the rest are counted."""


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
