"""Results to medians, ratios and tables in Markdown. It measures nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.runs import Result
from benchmarks.site.pages import PAGE
from benchmarks.targets import NAMES, extract_ratio, pages_twice, ratio_text, ratios, targets
from benchmarks.works import OURS, PEERS, Work


def report(
    results: Sequence[Result], works: Sequence[Work], states: Mapping[str, str]
) -> Iterator[str]:
    """Everything as lines of Markdown; `states` are those of the machine, by work."""
    for work in works:
        found = [r for r in results if r.work == work.key and not r.error]
        if not found or work.key.startswith("e"):
            continue
        if work.killed_at:
            yield f"\n### ({work.key}) {work.title}\n\n{states[work.key]}\n"
            yield from _killed(found, work)
            continue
        for load in sorted({r.load for r in found}):
            title = work.title
            if load > 1:
                title = f"{title.partition(', ')[0]}, again into the filled file"
            yield f"\n### ({work.key}) {title}\n\n{states[work.key]}\n"
            yield from _table(found, work.key, load)
        yield from _extract_line(found, work)
    yield from _memory(results, works, states)
    yield from _validate(results, states)
    yield from targets(results, works)
    for result in results:
        if result.error:
            yield f"\nFAILED: {result.work} {result.peer} round {result.round}: {result.error}"


def _table(results: Sequence[Result], work: str, load: int) -> Iterator[str]:
    yield "| who | seconds (median) | rounds | times the framework's | CPU s | peak MB | requests |"
    yield "|---|---|---|---|---|---|---|"
    for peer in PEERS:
        good = [r for r in results if r.peer == peer and r.load == load]
        if not good:
            continue
        found = ratios(results, work, load, peer)
        ratio = "1" if peer == OURS else ratio_text(found) if found else ""
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


def _extract_line(results: Sequence[Result], work: Work) -> Iterator[str]:
    ratio = extract_ratio(results, work)
    if ratio is not None:
        yield (
            f"Its extract is {ratio:.2f} times requests × latency ÷ in flight "
            f"({work.requests} × {work.latency} ÷ {work.at_once} = "
            f"{work.requests * work.latency / work.at_once:.2f} s)."
        )


def _killed(results: Sequence[Result], work: Work) -> Iterator[str]:
    yield (
        "| who | an unbroken run, s | killed after, s | the run after that, s | in unbroken runs | "
        "CPU s, unbroken and after | requests, unbroken and after | pages read twice |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for peer in PEERS:
        runs = [[r for r in results if r.peer == peer and r.load == load] for load in (1, 2, 3)]
        if not all(runs):
            continue
        seconds = [median(r.seconds for r in run) for run in runs]
        cpu = [median(r.cpu for r in run) for run in runs]
        requests = [round(median(r.requests for r in run)) for run in runs]
        yield (
            f"| {NAMES[peer]} | {seconds[0]:.2f} | {seconds[1]:.2f} | {seconds[2]:.2f} | "
            f"{seconds[2] / seconds[0]:.2f} | {cpu[0]:.1f}, {cpu[2]:.1f} | "
            f"{requests[0]}, {requests[2]} | {pages_twice(work, requests[2])} |"
        )
    every = work.commit_every // PAGE
    yield f"\nThe framework commits every {every} pages, if its version commits while it reads."


def _memory(
    results: Sequence[Result], works: Iterable[Work], states: Mapping[str, str]
) -> Iterator[str]:
    found = [(w, r) for w in works for r in results if r.work == w.key and w.key[0] == "e"]
    if not found:
        return
    yield f"\n### (e) memory of the framework\n\n{states[found[0][0].key]}\n"
    yield "| work | peak MB up to the load step | peak MB of the whole run | seconds |"
    yield "|---|---|---|---|"
    for work, result in found:
        if not result.error:
            what = work.title.removeprefix("memory: ") + _whose(result)
            before = result.before_load or 0
            yield f"| {what} | {before:.0f} | {result.peak:.0f} | {result.seconds:.1f} |"


def _whose(result: Result) -> str:
    return "" if result.peer == OURS else f" ({NAMES[result.peer]})"


def _validate(results: Sequence[Result], states: Mapping[str, str]) -> Iterator[str]:
    found = [r for r in results if r.work == "f" and not r.error]
    if not found:
        return
    yield f"\n### (f) validate\n\n{states['f']}\n"
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


def as_results(found: Iterable[dict[str, Any]]) -> list[Result]:
    """Results read back from JSON."""
    return [Result(**one) for one in found]
