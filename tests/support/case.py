"""One case: a folder read, its connector run against its API, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from framework.definition.finder import find_connector
from framework.definition.model import Connector
from framework.definition.validation import validate
from framework.events import Event, Waiting
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment
from tests.support.case_server import Routes, Wanted
from tests.support.open_resource import NoWait
from tests.support.run_verbs import NOW, Tables
from tests.support.servers.web import Asked, Web

Json = Any
FOLDER = Path(__file__).parents[1] / "cases"
HOSTS = {"http://api.example.com": "127.0.0.1", "http://files.example.com": "localhost"}
RUN_KEYS = {
    *("requests", "tables", "rows", "columns", "warnings", "status", "error", "waits"),
    *("config", "resources", "limit", "refresh", "now", "secrets", "since", "until", "hidden"),
}


class Loader(yaml.SafeLoader):
    """YAML in which times stay text, as in connector files."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML has it
        first: [pair for pair in pairs if not pair[0].endswith(":timestamp")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True)
class Case:
    """A folder of files. `runs` are the expected runs in order."""

    folder: Path
    findings: list[str]
    runs: list[dict[str, Json]]
    recorded: dict[str, Json] | None

    @classmethod
    def of(cls, folder: Path) -> Case:
        """The case in a folder; keys that nobody reads are refused."""
        expected = yaml.load((folder / "expected.yaml").read_text(encoding="utf-8"), Loader) or {}
        findings = expected.pop("findings", [])
        recorded = expected.pop("recorded", None)
        runs = expected.pop("runs", None)
        assert runs is None or not expected, f"beside `runs`: {expected.keys()}"
        runs = [expected] if runs is None else runs
        for one in runs:
            assert one.keys() <= RUN_KEYS, f"unknown: {one.keys() - RUN_KEYS}"
            assert one.keys() & {"tables", "rows", "error", "requests"}, "nothing is expected"
        return cls(folder, findings, runs, recorded)

    def serve(self, web: Web) -> Routes:
        """The API's routes, put onto a server."""
        written = yaml.load(self._text("server.yaml", web), Loader)
        routes = Routes(written or [])
        web.answer = lambda asked: _logged(web, asked, routes)  # type: ignore[method-assign]
        return routes

    def connector(self, web: Web, project: Path) -> tuple[Connector, list[str]]:
        """The judged connector with the server's address in it, and the codes of its findings."""
        path = project / "connectors" / f"{self.folder.name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(self._text("connector.yaml", web), encoding="utf-8")
        outcome = validate(find_connector(str(path)))
        assert outcome.connector is not None, outcome.findings
        return outcome.connector, [finding.code for finding in outcome.findings]

    def told(self, value: Json, web: Web) -> Json:
        """What `expected.yaml` says with the server's address in it."""
        if isinstance(value, str):
            return _addressed(value, web)
        if isinstance(value, dict):
            return {key: self.told(item, web) for key, item in value.items()}
        if isinstance(value, list):
            return [self.told(item, web) for item in value]
        return value

    def _text(self, file: str, web: Web) -> str:
        return _addressed((self.folder / file).read_text(encoding="utf-8"), web)


def cases() -> list[Case]:
    """Every case there is."""
    return [Case.of(path.parent) for path in sorted(FOLDER.glob("*/connector.yaml"))]


def secrets_of(connector: Connector, expected: Mapping[str, Json]) -> dict[str, str | None]:
    """The environment's variables of a run, None for those that are not set."""
    given = expected.get("secrets")
    return {
        f"SOURCES__{connector.name}__{name}".upper(): (
            f"secret-{name}" if given is None else given.get(name)
        )
        for name in connector.secrets
    }


def _addressed(text: str, web: Web) -> str:
    for stand_in, host in HOSTS.items():
        text = text.replace(stand_in, f"http://{host}:{web.port}")
    return text


def _logged(web: Web, asked: Asked, routes: Routes) -> Any:
    web.asked.append(asked)
    return routes(asked)


@dataclass
class Ran:
    """A finished run: its report, waits, and the requests that it made."""

    report: Report
    waits: list[float]
    asked: list[Asked]
    events: list[Event]

    @property
    def warnings(self) -> list[str]:
        """`RESOURCE CODE` of each warning."""
        return [
            f"{name} {warned.code}"
            for name, part in self.report.resources.items()
            for warned in part.warnings
        ]

    def errors(self) -> dict[str, str]:
        """Errors by resource; the whole run's under `run`."""
        found = {n: p.error for n, p in self.report.resources.items() if p.status == "failed"}
        whole = {"run": self.report.error} if self.report.error else {}
        return {name: str(text) for name, text in (found | whole).items()}


def ran(connector: Connector, expected: Mapping[str, Json], web: Web, project: Path) -> Ran:
    """The connector run once, as `expected` says, without waiting."""
    now = expected.get("now")
    resources = expected.get("resources")
    options = RunOptions(
        resources=tuple(resources) if resources else None,
        folder=project,
        config=expected.get("config") or {},
        limit=expected.get("limit"),
        refresh=bool(expected.get("refresh")),
        since=expected.get("since"),
        until=expected.get("until"),
    )
    waits: list[float] = []
    events: list[Event] = []

    def on_event(event: Event) -> None:
        events.append(event)
        if isinstance(event, Waiting):
            waits.append(round(event.seconds, 3))

    before = len(web.asked)
    environment = Environment(now=datetime.fromisoformat(now) if now else NOW, stop=NoWait())
    report = run(connector, options, environment, on_event)
    return Ran(report, waits, web.asked[before:], events)


def compare_requests(expected: Json, asked: list[Asked]) -> None:
    """The requests are those, in order or in any order."""
    in_order = isinstance(expected, list)
    wanted = [Wanted.of(one) for one in (expected if in_order else expected["any_order"])]
    if not in_order:
        asked = _paired(wanted, asked)
    seen = [one.seen(other) for one, other in zip(wanted, asked, strict=False)] + [
        Wanted("", "", None).seen(other) for other in asked[len(wanted) :]
    ]
    assert seen == [one.written() for one in wanted]


def _paired(wanted: list[Wanted], asked: list[Asked]) -> list[Asked]:
    """The requests in the order in which they were expected, those that nobody expected last."""
    left, paired = list(asked), []
    for one in wanted:
        written = one.written()
        found = next((other for other in left if one.seen(other) == written), None)
        if found is None:
            found = left[0] if left else None
        if found is not None:
            left.remove(found)
            paired.append(found)
    return paired + left


def loaded_rows(project: Path, name: str) -> dict[str, list[dict[str, Json]]]:
    """All rows by table: without nulls and dlt's own columns, times as ISO text."""
    file = project / f"{name}.duckdb"
    if not file.exists():
        return {}
    with Tables(file, f"{name}_data") as tables:
        return {
            table: [
                {
                    column: plain(value)
                    for column, value in row.items()
                    if value is not None and not column.startswith("_dlt")
                }
                for row in tables.rows(table)
            ]
            for table in tables.names()
        }


def loaded_columns(project: Path, name: str, table: str) -> dict[str, str]:
    """DuckDB's types by column."""
    with Tables(project / f"{name}.duckdb", f"{name}_data") as tables:
        return tables.columns(table)


def plain(value: Any) -> Json:
    """A value as a YAML file can say it."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def as_set(rows: list[dict[str, Json]]) -> list[str]:
    """Rows in an order of their own; nulls left out."""
    kept = [{k: v for k, v in row.items() if v is not None} for row in rows]
    return sorted(str(sorted(row.items())) for row in kept)
