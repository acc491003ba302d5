"""`python -m benchmarks.fleet`: units beside plain runs, eight workers beside one, and a budget.

Writes benchmarks/fleet.json; `--page docs/scale.md` also writes the tables into the page. The soak
of a thousand accounts under kills is `python -m tests.support.fleet_soak`.
"""

from __future__ import annotations

import argparse
import bisect
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import duckdb

from benchmarks.__main__ import machine

RESULTS = Path(__file__).parent / "fleet.json"
BEGIN, END = "<!-- fleet results -->", "<!-- end of fleet results -->"

CONNECTOR = """\
version: 1
name: shop
secrets: {{token: {{}}}}
client:
  base_url: "{url}"
  auth: {{type: bearer, token: "{{secrets.token}}"}}
{more}
resources:
  - name: orders
    primary_key: id
    write_disposition: merge
    schema: {{type: object, properties: {{id: {{type: integer}}, total: {{type: number}},
      changed: {{type: string, format: date-time}}, note: {{type: string}}}}}}
    endpoint:
      path: /orders
      data_selector: data
      paginator: {{type: page_number, base_page: 1, page_param: page, total_path: pages}}
  - name: visits
    selected: false
    primary_key: id
    write_disposition: merge
    endpoint:
      path: /visits
      data_selector: data
      paginator: {{type: page_number, base_page: 1, page_param: page, total_path: pages}}
      incremental: {{cursor_path: at, start_param: from, end_param: to, initial_value: "{begin}"}}
"""
SINCE = "2025-01-01"
VISITS = 20
"""Visits a day; a page has 100 of them."""


class Shop:
    """A list of `pages` pages for each token, `latency` seconds each; `times` are the requests'."""

    def __init__(self, pages: int, latency: float) -> None:
        self.pages = pages
        self.latency = latency
        self.times: list[float] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet, or the client's delayed ACK costs 40 ms

            def do_GET(self) -> None:
                shop.times.append(time.monotonic())
                if shop.latency:
                    time.sleep(shop.latency)
                query = dict(parse_qsl(urlsplit(self.path).query))
                number = int(query.get("page", 1))
                answer = {"pages": shop.pages, "data": _orders(number)}
                if "from" in query:
                    time.sleep(random.random() * 0.4)  # windows end in another order
                    visits = _visits(query["from"], query["to"])
                    page = visits[100 * (number - 1) : 100 * number]
                    answer = {"pages": -(-len(visits) // 100), "data": page}
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Shop:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _orders(page: int) -> list[dict[str, Any]]:
    return [
        {
            "id": page * 100 + n,
            "total": n * 1.5,
            "changed": "2026-01-01T00:00:00Z",
            "note": "x" * 40,
        }
        for n in range(10)
    ]


def _visits(begin: str, end: str) -> list[dict[str, Any]]:
    """The visits of a time, up to and without its end."""
    first, last = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (begin, end))
    moments = (first + timedelta(days=1) / VISITS * n for n in range((last - first).days * VISITS))
    return [{"id": f"{at:%j-%H%M}", "at": at.isoformat(), "place": at.day % 7} for at in moments]


@contextmanager
def fleet(
    accounts: int, pages: int, latency: float, more: str = "", destination: str = "duckdb"
) -> Iterator[Shop]:
    """A fleet of so many accounts in a folder of its own, which is the current one."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, Shop(pages, latency) as shop:
        os.chdir(folder)
        try:
            Path("connectors").mkdir()
            text = CONNECTOR.format(url=shop.url, more=more, begin=SINCE)
            Path("connectors/shop.yaml").write_text(text, encoding="utf-8")
            rows = [f"a{number:04},TOKEN" for number in range(accounts)]
            Path("accounts.csv").write_text("\n".join(["alias,secrets.token", *rows, ""]))
            Path("fleet.yaml").write_text(
                "version: 1\njobs: [{connector: shop, accounts: {file: accounts.csv}, "
                f"destination: {destination}}}]\n"
            )
            yield shop
        finally:
            os.chdir(before)


def framework(*arguments: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Run a command; return its seconds and its output."""
    variables = {
        **os.environ,
        "TOKEN": "t",
        "SOURCES__TOKEN": "t",
        "DLT_DATA_DIR": str(Path.cwd() / "dlt"),
    }
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "framework", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=variables,
    )
    if done.returncode:
        raise SystemExit(f"{arguments}: {done.stdout}{done.stderr}")
    return time.monotonic() - began, done


def overhead(units: int) -> dict[str, Any]:
    """Seconds of a plain run, and of a unit once its worker is warm; both alone on the machine."""
    with fleet(units, 3, 0.05):
        plain = [framework("run", "shop", "--dataset", f"plain_{n}")[0] for n in range(units)]
        _, done = framework(
            *("fleet", "run", "fleet.yaml", "--on", "processes:1", "--log-format", "json")
        )
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    seconds = [one["seconds"] for one in lines if one["event"] == "unit" and "seconds" in one]
    return {
        "plain": round(median(plain), 3),
        "unit": round(median(seconds[1:]), 3),
        "first unit": round(seconds[0], 3),
    }


def scaling(units: int) -> dict[str, Any]:
    """Seconds of one worker and of eight for the same units, at 200 ms and without a budget."""
    found: dict[str, Any] = {"units": units, "pages": 25}
    for workers in (1, 8):
        with fleet(units, 25, 0.2):
            seconds, _ = framework("fleet", "run", "fleet.yaml", "--on", f"processes:{workers}")
        found[f"{workers} workers"] = round(seconds, 1)
    found["times as fast"] = round(found["1 workers"] / found["8 workers"], 2)
    return found


def budget(units: int, requests: int) -> dict[str, Any]:
    """Requests that the server saw in windows of a minute, with eight workers on one budget."""
    more = f"  rate_limit: {{requests: {requests}, per: PT1M}}"
    with fleet(units, 25, 0.05, more) as shop:
        framework("fleet", "run", "fleet.yaml", "--on", "processes:8")
        times = sorted(shop.times)
    most = max(bisect.bisect_left(times, at + 60) - n for n, at in enumerate(times))
    # steady: whole minutes after the first, up to the last request
    begin = times[0] + 60
    minutes = int((times[-1] - begin) // 60)
    steady = [
        bisect.bisect_left(times, begin + 60 * (n + 1)) - bisect.bisect_left(times, begin + 60 * n)
        for n in range(minutes)
    ]
    seconds = int(times[-1] - times[0]) + 1
    per_second = [0] * seconds
    for at in times:
        per_second[int(at - times[0])] += 1
    return {
        "budget": requests,
        "requests": len(times),
        "most in a window": most,
        "steady minutes": steady,
        "use": round(min(steady) / requests, 3) if steady else None,
        "per second": per_second,
    }


def backfill(days: int) -> dict[str, Any]:
    """Windows of a day, by eight workers, beside one run of all days; every row must be equal."""
    since, until = SINCE, f"{datetime.fromisoformat(SINCE) + timedelta(days):%Y-%m-%d}"
    with fleet(0, 1, 0.0):
        Path("fleet.yaml").write_text(
            "version: 1\njobs: [{connector: shop, dataset: by_day, resources: [visits], "
            f"backfill: {{since: {since}, until: {until}, step: P1D}}}}]\n"
        )
        _, plan = framework("fleet", "plan", "fleet.yaml", "--format", "json")
        seconds, done = framework(
            *("fleet", "run", "fleet.yaml", "--on", "processes:8", "--log-format", "json")
        )
        span = ("--since", since, "--until", until, "--dataset", "whole")
        plain, _ = framework("run", "shop", "--resources", "visits", *span)
        columns = 'select id, "at", place from'
        with duckdb.connect("shop.duckdb", read_only=True) as opened:
            by_day, whole = (
                sorted(opened.sql(f"{columns} {dataset}.visits").fetchall())
                for dataset in ("by_day", "whole")
            )
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    ended = [one["unit"] for one in lines if one["event"] == "unit" and "seconds" in one]
    planned = [one["id"] for one in json.loads(plan.stdout)["units"]]
    if by_day != whole or len(whole) != days * VISITS:
        raise SystemExit(f"the tables differ: {len(by_day)} rows by day, {len(whole)} in one run")
    return {
        "windows": len(ended),
        "rows": len(by_day),
        "not in order": sum(a != b for a, b in zip(planned, ended, strict=True)),
        "fleet": round(seconds, 1),
        "one run": round(plain, 1),
    }


WORKS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "overhead": lambda: overhead(20),
    "scaling": lambda: scaling(64),
    "budget": lambda: budget(120, 600),
    "backfill": lambda: backfill(365),
}


def page_text(results: Mapping[str, Any]) -> str:
    """The tables of the page."""
    lines = []
    if results:
        here = next(iter(results.values()))["machine"]
        lines += [
            f"{here['when'][:10]}, {here['cores']} cores, {here['memory_gb']} GB, Python "
            f"{here['python']}, by `python -m benchmarks.fleet` against a server of its own.",
            "",
        ]
    if one := results.get("overhead"):
        lines += [
            "| a run of 3 requests, 50 ms each | seconds |",
            "|---|---|",
            f"| `framework run` | {one['plain']:.2f} |",
            f"| a unit of `fleet run`, its worker warm | {one['unit']:.2f} |",
            f"| the first unit of a worker | {one['first unit']:.2f} |",
            "",
        ]
    if one := results.get("scaling"):
        lines += [
            f"| {one['units']} units of {one['pages']} requests, 200 ms each | seconds |",
            "|---|---|",
            f"| 1 worker | {one['1 workers']:.1f} |",
            f"| 8 workers, {one['times as fast']:.2f} times as fast | {one['8 workers']:.1f} |",
            "",
        ]
    if one := results.get("budget"):
        steady = ", ".join(map(str, one["steady minutes"]))
        lines += [
            f"| 8 workers, a budget of {one['budget']} requests a minute | requests |",
            "|---|---|",
            f"| most in any window of 60 s, as the server saw it | {one['most in a window']} |",
            f"| in each minute after the first | {steady} |",
            "",
            "![Requests in a minute against the budget](plots/fleet.svg)",
            "",
        ]
    if one := results.get("backfill"):
        lines += [
            f"| {one['windows']} windows of a day, {one['rows']:,} rows into DuckDB | |",
            "|---|---|",
            f"| windows that ended in another order than they began | {one['not in order']} |",
            "| rows that differ from those of one run | 0 |",
            f"| seconds with 8 workers, with other work on the machine | {one['fleet']:.0f} |",
            f"| seconds of one run, of {one['rows'] // 100} pages | {one['one run']:.0f} |",
            "",
        ]
    if one := results.get("soak"):
        lines += [
            f"| {one['accounts']:,} accounts on Dask, 4 workers | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in one["counts"].items()),
            f"| seconds, with other work on the machine | {one['seconds']:.0f} |",
            "",
        ]
    return "\n".join(lines)


def main() -> int:
    """Measure the works that are named, or all; keep the others' earlier results."""
    parser = argparse.ArgumentParser(prog="benchmarks.fleet", description=__doc__)
    parser.add_argument("--work", choices=tuple(WORKS), action="append")
    parser.add_argument("--report", action="store_true", help="only write the page")
    parser.add_argument("--page", type=Path)
    given = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in () if given.report else given.work or WORKS:
        results[name] = {**WORKS[name](), "machine": machine()}
        shown = {key: value for key, value in results[name].items() if key != "per second"}
        sys.stdout.write(f"{name}: {json.dumps(shown)}\n")
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    if given.page is not None:
        text = given.page.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        whole = f"{before}{BEGIN}\n\n{page_text(results)}\n{END}{after}"
        given.page.write_text(whole, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
