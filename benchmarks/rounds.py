"""Works done by their peers in interleaved rounds (A B C A B C), each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.runs import Contest, Result, Say, served
from benchmarks.works import Work


def measure(
    work: Work,
    peers: tuple[str, ...],
    rounds: int,
    packages: Mapping[str, Path],
    say: Say,
    keep: Callable[[list[Result]], None],
) -> list[Result]:
    """All rounds of one work. A peer that fails, or whose tables are not the truth, is told of and
    left out from then on; `keep` is given all results of the work after each."""
    results: list[Result] = []
    failed: set[str] = set()
    with served(work) as server:
        contest = Contest(work, server, packages)
        for number in range(1, (work.rounds or rounds) + 1):
            # another order each round: whoever comes after a heavy neighbour takes turns
            turn = number % len(peers)
            for peer in (*peers[turn:], *peers[:turn]):
                if peer in failed or (number > 1 and peer in work.once):
                    continue
                for result in contest.results(peer, number):
                    results.append(result)
                    say(_told(result))
                    keep(results)
                    if result.error:
                        failed.add(peer)
    return results


def _told(result: Result) -> str:
    what = f"round {result.round}  {result.peer:<10} load {result.load}"
    if result.error:
        return f"  {what}  FAILED: {result.error}"
    steps = "  ".join(f"{step} {seconds:.2f}" for step, seconds in result.steps.items())
    return (
        f"  {what}  {result.seconds:7.2f} s  {result.cpu:6.2f} CPU s  {result.peak:6.0f} MB  "
        f"{result.requests} requests  {'killed  ' if result.killed else ''}{steps}"
    )
