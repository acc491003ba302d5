"""The page of one connector: what it loads, from where, at what cost, and what it does not see."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework.catalog.entity_diagram import diagram_lines
from framework.catalog.loading_words import (
    about_table,
    endpoint_words,
    loading_words,
    refusal_rows,
    selector_words,
)
from framework.catalog.markdown_text import code, fenced, prose, table
from framework.catalog.proof_block import block
from framework.catalog.request_estimate import (
    CONTAINERS,
    ROWS,
    USUAL_PAGE,
    RunEstimate,
    estimate,
    is_container,
    limit_words,
    page_size,
    request_words,
)
from framework.catalog.run_counts import RecordedRuns, RunCount
from framework.catalog.table_facts import TableFacts
from framework.definition.model import Connector
from framework.load.declared_tables import root_table
from framework.runtime.settings import variable_of
from framework.text import count_noun, join_words

Json = Any
SAMPLE_ROWS, SAMPLE_COLUMNS = 3, 6
_LONGEST_VALUE = 40
_EMAIL = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")
_INVENTED = re.compile(r"(?i)(.+\.)?example(\.(com|net|org))?|(.+\.)?(test|invalid)")
"""Domains that a recording has in place of real ones."""


@dataclass(frozen=True)
class CatalogFacts:
    """What a page is made of, beside the connector's file: its recording and a proof."""

    tables: Sequence[TableFacts]
    runs: RecordedRuns
    proof: Sequence[str]
    has_recording: bool
    is_bundled: bool


def mark_of(name: str) -> str:
    """Return the line by which a page is known as one that may be written again."""
    return f"<!-- Written by `framework docs {name}` from the connector's files. -->"


def render_page(connector: Connector, facts: CatalogFacts) -> str:
    """Return the whole page."""
    lines = [f"# {prose(connector.name)}", "", mark_of(connector.name), ""]
    if connector.caveat:
        lines += [f"> **{prose(connector.caveat)}**", ""]
    if connector.description:
        lines += [prose(connector.description), ""]
    lines += [
        *_start(connector, facts),
        *_loads(connector),
        *_diagram(connector, facts),
        *_requests(connector, facts),
        *_settings(connector),
        *_refusals(connector),
        "## What runs do not see",
        "",
        *block(list(facts.proof)),
        *_tables(connector, facts),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _start(connector: Connector, facts: CatalogFacts) -> Iterator[str]:
    name = connector.name
    yield from ("## Start", "")
    lines = []
    if facts.has_recording:
        lines.append(f"framework run {name} --replay   # its recording, without an account")
    needed = [_variable(connector, one.name, one.key) for one in connector.secrets.values()]
    optional = {
        _variable(connector, one.name, one.key)
        for one in connector.secrets.values()
        if one.optional
    }
    needed += [
        _variable(connector, one.name, one.key) for one in connector.config.values() if one.required
    ]
    lines += [f"export {one}=...{'   # optional' if one in optional else ''}" for one in needed]
    lines += [
        f"framework check {name}          # is the token valid, and what may it read?",
        f"framework run {name}            # load into {name}.duckdb",
    ]
    yield from fenced("sh", lines)
    if needed:
        place = "[Settings and secrets](#settings-and-secrets)"
        yield f"{place} says where to get each, and what it must permit."
        yield ""
    if facts.is_bundled:
        yield f"To change it, copy it: {code(f'framework new {name} --from {name}')}."
        yield ""


def _loads(connector: Connector) -> Iterator[str]:
    yield from ("## What it loads", "")
    rows = []
    for resource in connector.resources_as_written:
        parents = join_words([code(one) for one in resource.parents], None)
        name = resource.tables or root_table(resource)
        into = "" if name == resource.name else f", into {code(name)}"
        rows.append(
            (
                f"{code(resource.name)}{into}",
                about_table(resource),
                loading_words(connector, resource),
                parents,
                "yes" if resource.selected else "no",
            )
        )
    yield from table(("resource", "what it has", "how it is loaded", "parent", "selected"), rows)
    if not all(resource.selected for resource in connector.resources):
        yield from ("What is not selected is loaded if `--resources` names it.", "")


def _diagram(connector: Connector, facts: CatalogFacts) -> Iterator[str]:
    lines, left_out = diagram_lines(connector, facts.tables)
    yield from ("## How the tables belong together", "")
    yield from fenced("mermaid", lines)
    if left_out:
        yield f"{count_noun(left_out, 'nested table')} left out; they stand below."
        yield ""


def _requests(connector: Connector, facts: CatalogFacts) -> Iterator[str]:
    yield from ("## Requests and time", "")
    runs = facts.runs
    first, following = runs.first, runs.following
    known = {name: one.rows for name, one in first.items()}
    guesses = (estimate(connector, known), estimate(connector, known, unchanged=True))
    rows = [
        (
            code(resource.name),
            request_words(connector, resource),
            *(_recorded(counts.get(resource.name)) for counts in (first, following)),
            *(_guessed(guess, resource.name) for guess in guesses),
        )
        for resource in connector.resources_as_written
    ]
    measured = ("recording, first run", "recording, next run")
    stated = ("estimate, first run", "estimate, next run")
    yield from table(("resource", "requests", *measured, *stated), rows)
    if first:
        loaded = sum(one.rows for one in first.values())
        text = (
            f"The recording has {count_noun(loaded, 'record')}: "
            f"{count_noun(sum(one.requests for one in first.values()), 'request')} in the first run"
        )
        if following:
            total = sum(one.requests for one in following.values())
            text += f", {count_noun(total, 'request')} in a run a day later if nothing has changed"
        yield f"{text}."
    if runs.problem:
        what = "Not everything" if first else "No run"
        yield f"{what} was measured: {prose(runs.problem)}."
    if first or runs.problem:
        yield ""
    guess, later = guesses
    containers = [
        code(one.name)
        for one in connector.resources_as_written
        if is_container(connector, one) and known.get(one.name) != 1
    ]
    fewer = f", and {join_words(containers)} {CONTAINERS:,} each" if containers else ""
    yield (
        f"The estimate is for tables of {ROWS:,} rows{fewer}: a first run takes about "
        f"{count_noun(guess.total, 'request')}{_minutes(guess.minutes)}; a next one that finds "
        f"nothing new takes about {count_noun(later.total, 'request')}{_minutes(later.minutes)}, "
        f"and what a lag reads again.{_assumed(connector, guess.requests)}"
    )
    windows = [
        code(one.name)
        for one in connector.resources_as_written
        if one.name in guess.requests and one.endpoint.incremental and one.endpoint.incremental.step
    ]
    if windows:
        yield f"The number of windows of {join_words(windows, None)} is not in it."
    if guess.untold:
        names = join_words([code(one) for one in guess.untold], None)
        yield f"How many lists {names} has is not in the file."
    limits = list(limit_words(connector))
    yield ""
    yield (
        "Minutes are those that the limits of the file take:"
        if limits
        else "The file declares no rate limit, so no minutes are told."
    )
    yield from ("", *(f"- {one}" for one in limits))
    if limits:
        yield ""


def _recorded(count: RunCount | None) -> str:
    return "" if count is None else f"{count.requests:,}"


def _guessed(guess: RunEstimate, name: str) -> str:
    if name in guess.untold:
        return "?"
    return f"{guess.requests[name]:,}" if name in guess.requests else ""


def _minutes(minutes: float | None) -> str:
    """Return the time that the limits take, in parentheses."""
    if minutes is None:
        return ""
    if minutes < 1:
        return " (less than a minute)"
    if minutes < 120:
        return f" ({count_noun(round(minutes), 'minute')})"
    return f" ({minutes / 60:,.1f} hours)"


def _assumed(connector: Connector, counted: Mapping[str, int]) -> str:
    """Say which resources have pages whose size is not in the file."""
    unknown = [
        code(one.name)
        for one in connector.resources_as_written
        if one.name in counted
        and page_size(connector, one) is None
        and "per page" in request_words(connector, one)
    ]
    if not unknown:
        return ""
    return f" Pages of {join_words(unknown, None)} are taken to have {USUAL_PAGE} records."


def _settings(connector: Connector) -> Iterator[str]:
    yield from ("## Settings and secrets", "")
    rows = [
        (
            code(_variable(connector, one.name, one.key)),
            "optional secret" if one.optional else "secret",
            "",
            prose(one.description),
        )
        for one in connector.secrets.values()
    ]
    for entry in connector.config.values():
        kind = entry.schema.get("type", "any")
        kinds = [kind] if isinstance(kind, str) else list(kind)
        text = join_words([str(one) for one in kinds], None, last="or")
        choices = entry.schema.get("enum")
        if isinstance(choices, list):
            text = join_words([code(_json(one)) for one in choices], None, last="or")
        default = "required" if entry.required else code(_json(entry.default))
        name = f"{code(entry.name)} ({code(_variable(connector, entry.name, entry.key))})"
        rows.append((name, text, default, prose(entry.description)))
    yield from table(("name", "kind", "default", "meaning"), rows) or ["None.", ""]
    if connector.config:
        first = next(iter(connector.config))
        yield f"A setting is set for one run by {code(f'--set {first}=...')}, or by its variable."
        yield ""


def _refusals(connector: Connector) -> Iterator[str]:
    rows = list(refusal_rows(connector))
    if rows:
        yield from ("## What is told when the API refuses", "")
        yield from table(("response", "then", "message", "resources"), rows)


def _tables(connector: Connector, facts: CatalogFacts) -> Iterator[str]:
    yield from ("## Tables", "")
    yield (
        "Each table also has dlt's `_dlt_id`, and `_dlt_load_id` or, for a nested table, "
        "`_dlt_parent_id` and `_dlt_list_idx`."
    )
    yield ""
    for one in facts.tables:
        yield from (f"### Table {code(one.name)}", "")
        yield from _head(connector, one)
        rows = [
            (
                code(column.name) + (" (key)" if column.name in one.key else ""),
                prose(column.data_type),
                column.about,
                column.source,
            )
            for column in one.columns
        ]
        yield from table(("column", "type", "meaning", "made of"), rows)
        yield from _samples(one)


def _head(connector: Connector, one: TableFacts) -> Iterator[str]:
    if one.parent is not None:
        name = code(one.resource.name)
        yield f"One row for each item of {code(one.place)} in the records of {name}."
    else:
        for resource in one.resources:
            about = about_table(resource)
            if about:
                yield from (about, "")
            origin = f"{endpoint_words(resource)}, {selector_words(resource)}"
            of = f"{code(resource.name)}: " if len(one.resources) > 1 else ""
            yield f"{of}{origin}; {loading_words(connector, resource)}."
            kinds = list(dict.fromkeys(step.kind for step in resource.steps))
            if kinds:
                yield f"Steps: {join_words([code(kind) for kind in kinds], None)}."
            if resource.tables is not None:
                yield f"Each list has a table of its own, named {code(resource.tables)}."
    if not one.is_declared:
        yield (
            "Without a schema: these are the columns of the recording."
            if one.row_count is not None
            else "Without a schema: the columns are those of the records."
        )
    yield ""


def _samples(one: TableFacts) -> Iterator[str]:
    rows = one.rows[:SAMPLE_ROWS]
    if not rows:
        return
    known = [column.name for column in one.columns]
    filled = [name for name in known if any(row.get(name) is not None for row in rows)]
    names = [*(name for name in one.key if name in known), *filled]
    names = list(dict.fromkeys(names))[:SAMPLE_COLUMNS]
    if not names:
        return
    count = count_noun(one.row_count or len(rows), "row")
    part = f", {len(names)} of {len(known)} columns" if len(names) < len(known) else ""
    yield f"The recording has {count}; the first of them{part}:"
    yield ""
    yield from table(
        [code(name) for name in names], ([_sample(row.get(name)) for name in names] for row in rows)
    )


def _sample(value: Json) -> str:
    """Return a recorded value; an address that is not invented is left out."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else _json(value)
    if any(not _INVENTED.fullmatch(found[1]) for found in _EMAIL.finditer(text)):
        return "(an e-mail address)"
    return code(text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…")


def _variable(connector: Connector, name: str, key: str | None) -> str:
    return variable_of(key or f"sources.{connector.name}.{name}")


def _json(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
