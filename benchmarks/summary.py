"""Results to medians, ratios and tables in Markdown. It measures nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.rounds import Result
from benchmarks.works import OURS, PEERS, PREVIOUS, Work

NAMES = {
    OURS: "framework",
    PREVIOUS: "framework, previous version",
    "floor": "floor (urllib3, orjson, DuckDB's JSON reader)",
    "dlt-tuned": "dlt, tuned",
    "pyairbyte": "PyAirbyte",
    "dlt": "dlt, defaults",
}


@dataclass(frozen=True)
class Target:
    """What the issue asks: how many times as fast as `peer` the framework is, at least and aimed
    at; for the floor, at most how many times its time."""

    work: str
    load: int
    peer: str
    least: float
    aim: float
    at_most: bool = False


TARGETS = (
    Target("a", 1, "dlt", 15, 25),
    Target("a", 1, "dlt-tuned", 4, 6),
    Target("a", 1, "pyairbyte", 5, 8),
    Target("a", 2, "dlt-tuned", 4, 6),
    Target("a", 1, "floor", 4.5, 3, at_most=True),
    Target("b", 1, "dlt", 3, 3),
    Target("c", 1, "dlt", 6, 10),
    Target("d", 1, "dlt-tuned", 1.0, 2.0),
)
IN_FLIGHT = (1.5, 1.2)
"""Work b's extract: at most so many times what its requests take at best, and aimed at."""
FLAT = (1.2, 300)
"""Work e, up to the load step: a million events at most so many times the memory of a tenth of
them, and under so many MB."""
VALIDATED_IN = 10
"""Seconds for the most files of work f."""


def ratios(results: Sequence[Result], work: str, load: int, peer: str) -> list[float]:
    """The peer's time over the framework's, round by round; the first is that of the medians. Only
    the rounds count that both took part in: the machine was the same for both."""
    mine = _by_round(results, work, load, OURS)
    theirs = _by_round(results, work, load, peer)
    both = sorted(mine.keys() & theirs.keys())
    if not both:
        return []
    whole = median(theirs[n] for n in both) / median(mine[n] for n in both)
    return [whole, *(theirs[n] / mine[n] for n in both)]


def _by_round(results: Sequence[Result], work: str, load: int, peer: str) -> dict[int, float]:
    return {
        result.round: result.seconds
        for result in results
        if (result.work, result.load, result.peer) == (work, load, peer) and not result.error
    }


def report(results: Sequence[Result], works: Sequence[Work]) -> Iterator[str]:
    """Everything as lines of Markdown."""
    for work in works:
        found = [r for r in results if r.work == work.key]
        if not found or work.key.startswith("e"):
            continue
        for load in sorted({r.load for r in found}):
            title = work.title
            if load > 1:
                title = f"{title.partition(', ')[0]}, again into the filled file"
            yield f"\n### ({work.key}) {title}\n"
            yield from _table(found, work.key, load)
        yield from _extract_line(found, work)
    yield from _memory(results, works)
    yield from _validate(results)
    yield from _targets(results, works)
    for result in results:
        if result.error:
            yield f"\nFAILED: {result.work} {result.peer} round {result.round}: {result.error}"


def _table(results: Sequence[Result], work: str, load: int) -> Iterator[str]:
    yield "| who | seconds (median) | rounds | times the framework's | CPU s | peak MB | requests |"
    yield "|---|---|---|---|---|---|---|"
    for peer in PEERS:
        good = [r for r in results if r.peer == peer and r.load == load and not r.error]
        if not good:
            continue
        found = ratios(results, work, load, peer)
        ratio = "1" if peer == OURS else _ratio(found) if found else ""
        yield (
            f"| {NAMES[peer]} | {median(r.seconds for r in good):.2f} | "
            f"{', '.join(f'{r.seconds:.2f}' for r in sorted(good, key=lambda r: r.round))} | "
            f"{ratio} | {median(r.cpu for r in good):.1f} | {median(r.peak for r in good):.0f} | "
            f"{round(median(r.requests for r in good))} |"
        )
    steps = [r.steps for r in results if r.peer == OURS and r.load == load and r.steps]
    if steps:
        names = steps[0]
        parts = (f"{name} {median(s.get(name, 0.0) for s in steps):.2f} s" for name in names)
        yield f"\nThe framework's steps (medians): {', '.join(parts)}."


def _extract_ratio(results: Iterable[Result], work: Work) -> float | None:
    """The framework's extract over what its requests take at best, where there is a latency."""
    found = [r.steps["extract"] for r in results if r.peer == OURS and "extract" in r.steps]
    if not found or not work.latency:
        return None
    return median(found) * work.at_once / (work.requests * work.latency)


def _extract_line(results: Sequence[Result], work: Work) -> Iterator[str]:
    ratio = _extract_ratio(results, work)
    if ratio is not None:
        yield (
            f"Its extract is {ratio:.2f} times requests × latency ÷ in flight "
            f"({work.requests} × {work.latency} ÷ {work.at_once} = "
            f"{work.requests * work.latency / work.at_once:.2f} s)."
        )


def _memory(results: Sequence[Result], works: Iterable[Work]) -> Iterator[str]:
    found = [(w, r) for w in works for r in results if r.work == w.key and w.key[0] == "e"]
    if not found:
        return
    yield "\n### (e) memory of the framework\n"
    yield "| work | peak MB up to the load step | peak MB of the whole run | seconds |"
    yield "|---|---|---|---|"
    for work, result in found:
        if not result.error:
            what = work.title.removeprefix("memory: ") + _whose(result)
            before = result.before_load or 0
            yield f"| {what} | {before:.0f} | {result.peak:.0f} | {result.seconds:.1f} |"


def _whose(result: Result) -> str:
    return "" if result.peer == OURS else f" ({NAMES[result.peer]})"


def _validate(results: Sequence[Result]) -> Iterator[str]:
    found = [r for r in results if r.work == "f" and not r.error]
    if not found:
        return
    yield "\n### (f) validate\n"
    yield "| files | seconds (median) | rounds | ms a file | CPU s | peak MB |"
    yield "|---|---|---|---|---|---|"
    for size, peer in sorted({(r.load, r.peer) for r in found}):
        here = [r for r in found if (r.load, r.peer) == (size, peer)]
        middle = median(r.seconds for r in here)
        rounds = ", ".join(f"{r.seconds:.2f}" for r in here)
        yield (
            f"| {size}{_whose(here[0])} | {middle:.2f} | {rounds} | {1000 * middle / size:.1f} | "
            f"{median(r.cpu for r in here):.1f} | {median(r.peak for r in here):.0f} |"
        )


def _targets(results: Sequence[Result], works: Sequence[Work]) -> Iterator[str]:
    lines = []
    for target in TARGETS:
        found = ratios(results, target.work, target.load, target.peer)
        if not found:
            continue
        wanted, shown = _wanted(target, found)
        reached = _reached(target, found[0])
        load = ", second load" if target.load == 2 else ""
        lines.append(
            f"| ({target.work}){load} | {NAMES[target.peer]} | {wanted} | {shown} | {reached} |"
        )
    lines += [*_itself(results, works)]
    if lines:
        yield "\n### Targets\n"
        yield "| work | against | at least, aim | measured (rounds) | reached |"
        yield "|---|---|---|---|---|"
        yield from lines


def _itself(results: Sequence[Result], works: Sequence[Work]) -> Iterator[str]:
    """The targets that are held against no peer."""
    results = [r for r in results if r.peer == OURS]
    for work in works:
        ratio = _extract_ratio([r for r in results if r.work == work.key], work)
        if work.key == "b" and ratio is not None:
            least, aim = IN_FLIGHT
            reached = "aim" if ratio <= aim else "yes" if ratio <= least else "NO"
            yield (
                f"| (b) extract | requests × latency ÷ in flight | at most {least:g}, {aim:g} "
                f"times | {ratio:.2f} | {reached} |"
            )
    peaks = {r.work: r.before_load for r in results if r.work in ("e1", "e2") and r.before_load}
    if len(peaks) == 2:
        few, many = (peaks[key] or 0.0 for key in ("e1", "e2"))
        reached = "yes" if many <= FLAT[0] * few and many < FLAT[1] else "NO"
        yield (
            f"| (e) up to the load step | itself | at most {FLAT[0]:g} times, under {FLAT[1]} MB | "
            f"{many / few:.2f}, {many:.0f} MB | {reached} |"
        )
    files = max((r.load for r in results if r.work == "f" and not r.error), default=0)
    if files:
        middle = median(r.seconds for r in results if r.work == "f" and r.load == files)
        yield (
            f"| (f) {files} files | | under {VALIDATED_IN} s | {middle:.2f} s | "
            f"{'yes' if middle < VALIDATED_IN else 'NO'} |"
        )


def _wanted(target: Target, found: Sequence[float]) -> tuple[str, str]:
    if target.at_most:
        inverse = [1 / value for value in found]
        return f"at most {target.least:g}, {target.aim:g} times its time", _ratio(inverse)
    return f"{target.least:g}, {target.aim:g} times as fast", _ratio(found)


def _reached(target: Target, value: float) -> str:
    if target.at_most:
        value, least, aim = -1 / value, -target.least, -target.aim
    else:
        least, aim = target.least, target.aim
    return "aim" if value >= aim else "yes" if value >= least else "NO"


def _ratio(found: Sequence[float]) -> str:
    if len(found) < 3:
        return f"{found[0]:.2f}"
    return f"{found[0]:.2f} ({min(found[1:]):.2f} to {max(found[1:]):.2f})"


def as_results(found: Iterable[dict[str, Any]]) -> list[Result]:
    """Results read back from JSON."""
    return [Result(**one) for one in found]
