"""`python -m benchmarks`: every work, everyone side by side, and the ratios."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.commands import copied, unpacked_wheel
from benchmarks.rounds import measure
from benchmarks.runs import Result
from benchmarks.summary import as_results, report
from benchmarks.validating import measure_validate
from benchmarks.venvs import CannotInstall, cache_folder, python_of, versions_of
from benchmarks.works import OURS, PEERS, PREVIOUS, SIZES, validated, works

RESULTS = Path(__file__).resolve().parent / "results.json"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
ENVIRONMENTS = {"floor": "floor", "dlt": "dlt", "dlt-tuned": "dlt", "pyairbyte": "airbyte"}


def main() -> int:
    """Measure what is asked, print the report, keep the results. 1 where anything failed."""
    given = _arguments()
    if given.report:
        kept = json.loads(given.results.read_text())
        text = _text(kept)
        sys.stdout.write(text)
        if given.page is not None:
            _write_into(given.page, text)
        return 0
    peers, missing = _installed(tuple(given.peers.split(",")))
    if given.previous is None:
        peers = tuple(peer for peer in peers if peer != PREVIOUS)
    wanted = set(given.work.split(","))
    chosen = [w for w in works(given.size) if w.key in wanted or w.key[0] in wanted]
    packages = {OURS: copied(cache_folder())}
    if given.previous is not None:
        packages[PREVIOUS] = unpacked_wheel(given.previous, cache_folder())
    results: list[Result] = []
    for work in chosen:
        _say(f"({work.key}) {work.title}")
        taking = tuple(peer for peer in peers if peer in work.peers)
        if taking:

            def keep(found: list[Result], before: list[Result] = results) -> None:
                _keep(given, before + found, missing)

            results = results + measure(work, taking, given.rounds, packages, _say, keep)
    if "f" in wanted:
        _say("(f) validate")
        results += measure_validate(validated(given.size), given.rounds, packages, _say)
    _keep(given, results, missing)
    sys.stdout.write(_text(json.loads(given.results.read_text())))
    return int(any(result.error for result in results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--work", default="a,b,c,d,e,f,g", help="a: all works a; or a-wide, ...")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each work (e: one)")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"some of {','.join(PEERS)}")
    parser.add_argument("--previous", type=Path, metavar="WHEEL", help="an earlier version's wheel")
    parser.add_argument("--size", choices=SIZES, default="full", help="full is what counts")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results go")
    parser.add_argument("--add", action="store_true", help="keep other works' earlier results")
    parser.add_argument("--report", action="store_true", help="only print what is in the results")
    parser.add_argument("--page", type=Path, help="with --report: a page that it is put into")
    return parser.parse_args()


def _installed(peers: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The peers that have an environment, and why the others have none."""
    if find_spec("duckdb") is None or find_spec("dlt") is None:
        sys.exit("run it with an interpreter that has the framework's own packages (pip install .)")
    unknown = set(peers) - set(PEERS)
    if unknown:
        sys.exit(f"unknown peers: {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    missing = {}
    for peer in peers:
        if peer in (OURS, PREVIOUS):
            continue
        try:
            python_of(ENVIRONMENTS[peer])
        except CannotInstall as error:
            missing[peer] = str(error)
    return tuple(peer for peer in peers if peer not in missing), missing


def _keep(given: argparse.Namespace, results: list[Result], missing: dict[str, str]) -> None:
    """Write the results as they are by now: an interrupted benchmark has measured something."""
    before: list[dict[str, Any]] = []
    now = machine()
    states = {result.work: now for result in results}
    if given.add and given.results.exists():
        kept = json.loads(given.results.read_text())
        before = [one for one in kept["results"] if one["work"] not in states]
        states = {one["work"]: kept["states"][one["work"]] for one in before} | states
    text = {
        "states": states,
        "versions": {
            kind: versions_of(kind)
            for kind in dict.fromkeys(ENVIRONMENTS.values())
            if (cache_folder() / "venvs" / kind / "requirements.txt").exists()
        },
        "size": given.size,
        "missing": missing,
        "results": before + [result.as_dict() for result in results],
    }
    given.results.write_text(json.dumps(text, indent=1) + "\n")


def machine() -> dict[str, Any]:
    """The machine, as far as it matters for the numbers."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 1e9),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def _text(kept: dict[str, Any]) -> str:
    """The report of kept results."""
    states = {work: _state(state) for work, state in kept["states"].items()}
    lines = [f"Not measured: {peer}: {why}" for peer, why in kept["missing"].items()]
    lines += report(as_results(kept["results"]), works(kept["size"]), states)
    return "\n".join(lines).lstrip() + "\n"


def _state(here: dict[str, Any]) -> str:
    return (
        f"{here['when'][:10]}, {here['cores']} cores, {here['memory_gb']} GB, Python "
        f"{here['python']}, load average {here['load_average'][0]} at the end."
    )


def _write_into(page: Path, text: str) -> None:
    """Put the report between the page's two marks."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        sys.exit(f"{page} has no lines `{BEGIN}` and `{END}`")
    page.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
