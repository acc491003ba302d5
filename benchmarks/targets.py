"""What the project wants of a work: ratios of the framework's time and its peers'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.runs import Result
from benchmarks.site.pages import PAGE
from benchmarks.works import OURS, PREVIOUS, Work

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
    Target("a-bundled", 1, "dlt-tuned", 5, 7),
    Target("a-bundled", 1, "floor", 1.6, 1.6, at_most=True),
    Target("a-inferred", 1, "dlt-tuned", 2.5, 2.5),
    Target("a", 1, "pyairbyte", 5, 8),
    Target("a", 2, "dlt-tuned", 4, 6),
    Target("a", 1, "floor", 4.5, 3, at_most=True),
    Target("b", 1, "dlt", 3, 3),
    Target("c", 1, "dlt", 6, 10),
    Target("d", 1, "dlt-tuned", 0.6, 0.6, at_most=True),
)
IN_FLIGHT = 1.25
"""The extract of the works b: at most so many times what its requests take at best."""
MEMORY = (300, 500)
"""Work e2, a million events: at most so many MB up to the load step, and in all."""
LINEAR = 1.2
"""Work e: the most events take at most so many times the seconds for each event of a million."""
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


def extract_ratio(results: Iterable[Result], work: Work) -> float | None:
    """The framework's extract over what its requests take at best, where there is a latency."""
    mine = [r for r in results if r.peer == OURS and not r.error]
    found = [r.steps["extract"] for r in mine if "extract" in r.steps]
    if not found or not work.latency:
        return None
    return median(found) * work.at_once / (work.requests * work.latency)


def targets(results: Sequence[Result], works: Sequence[Work]) -> Iterator[str]:
    """The targets of what was measured, as lines of Markdown."""
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
        mine = [r for r in results if r.work == work.key and not r.error]
        ratio = extract_ratio(mine, work)
        if work.key[0] == "b" and ratio is not None:
            yield (
                f"| ({work.key}) extract | requests × latency ÷ in flight | at most {IN_FLIGHT:g} "
                f"times | {ratio:.2f} | {_yes(ratio <= IN_FLIGHT)} |"
            )
        after = [r.requests for r in mine if work.killed_at and r.load == 3]
        if after:
            twice, every = pages_twice(work, max(after)), work.commit_every // PAGE
            yield (
                f"| ({work.key}) pages read twice | itself | at most {2 * every + 1}: two commits "
                f"and one | {twice} | {_yes(twice <= 2 * every + 1)} |"
            )
    yield from _memory_and_time(results, works)
    files = max((r.load for r in results if r.work == "f" and not r.error), default=0)
    if files:
        middle = median(r.seconds for r in results if r.work == "f" and r.load == files)
        yield (
            f"| (f) {files} files | | under {VALIDATED_IN} s | {middle:.2f} s | "
            f"{_yes(middle < VALIDATED_IN)} |"
        )


def pages_twice(work: Work, requests: int) -> int:
    """How many responses of a run that was killed its successor asks for again.

    The request that the run was killed at had no response.
    """
    return requests - (work.requests - work.killed_at + 1)


def _memory_and_time(results: Sequence[Result], works: Sequence[Work]) -> Iterator[str]:
    found = {r.work: r for r in results if r.work[0] == "e" and not r.error}
    many = found.get("e2")
    if many is not None:
        before = many.before_load or 0.0
        for what, peak, most in zip(
            ("up to the load step", "in all"), (before, many.peak), MEMORY, strict=True
        ):
            reached = _yes(peak < most)
            yield f"| (e2) {what} | itself | under {most} MB | {peak:.0f} MB | {reached} |"
    if len(found) == 3:
        sizes = [work.site.size for work in works if work.key in found]
        seconds = [found[f"e{number}"].seconds for number in (1, 2, 3)]
        first = (seconds[1] - seconds[0]) / (sizes[1] - sizes[0])
        last = (seconds[2] - seconds[1]) / (sizes[2] - sizes[1])
        yield (
            f"| (e) {sizes[2]:,} events | itself | seconds for each event after {sizes[1]:,}: at "
            f"most {LINEAR:g} times those before | {last / first:.2f} | "
            f"{_yes(last <= LINEAR * first)} |"
        )


def _yes(reached: bool) -> str:
    return "yes" if reached else "NO"


def _wanted(target: Target, found: Sequence[float]) -> tuple[str, str]:
    if target.at_most:
        inverse = [1 / value for value in found]
        return f"at most {target.least:g}, {target.aim:g} times its time", ratio_text(inverse)
    return f"{target.least:g}, {target.aim:g} times as fast", ratio_text(found)


def _reached(target: Target, value: float) -> str:
    if target.at_most:
        value, least, aim = -1 / value, -target.least, -target.aim
    else:
        least, aim = target.least, target.aim
    return "aim" if value >= aim else "yes" if value >= least else "NO"


def ratio_text(found: Sequence[float]) -> str:
    """The ratio of the medians, with the range of the rounds."""
    if len(found) < 3:
        return f"{found[0]:.2f}"
    return f"{found[0]:.2f} ({min(found[1:]):.2f} to {max(found[1:]):.2f})"
