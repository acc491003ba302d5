"""Render what a proof has found: as text, and as data.

Pure functions: they print nothing and read no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from framework.text import count_noun, join_words

if TYPE_CHECKING:
    from framework.prove.connector_proof import BrokenPromise, ConnectorProof
    from framework.prove.questions import Severity

Json = Any
SEVERITIES: tuple[Severity, ...] = ("fault", "assumption", "limit")


def proof_data(proof: ConnectorProof) -> dict[str, Json]:
    """Return the proof as schemas/proof.schema.json describes it."""
    return {
        "connector": proof.connector,
        "source": proof.source,
        "seed": proof.seed,
        "histories": proof.histories,
        "runs": proof.runs,
        "seconds": proof.seconds,
        "proved": proof.proved,
        "unproved": proof.unproved,
        "broken": [{**asdict(one), "story": list(one.story)} for one in proof.broken],
    }


def render_proof(proof: ConnectorProof) -> str:
    """Return the proof as lines: each broken promise with its story, then a summary."""
    lines: list[str] = []
    for severity in SEVERITIES:
        for one, resources in proof.told(severity):
            lines += _lines(one, resources)
    for name, reason in proof.unproved.items():
        lines += [f"not tried: {name}: {reason}", ""]
    return "\n".join([*lines, *_summary(proof)])


def _lines(one: BrokenPromise, resources: Sequence[str]) -> Iterator[str]:
    yield f"{one.severity} {join_words(resources, None)}: {one.title} [{one.code}]"
    for number, line in enumerate(one.story, 1):
        yield f"  {number}. {line}"
    if one.mend is not None:
        tried = "" if one.is_tried else " (not tried)"
        yield f"  fix: {one.mend}{tried}"
    if one.is_confirmed is False:
        yield "  note: runs into DuckDB did not show it"
    yield ""


def _summary(proof: ConnectorProof) -> Iterator[str]:
    counts = (_count(len(proof.of(severity)), severity) for severity in SEVERITIES)
    tried = join_words(proof.proved, None) or "no resource"
    histories = "1 history" if proof.histories == 1 else f"{proof.histories:,} histories"
    runs = count_noun(proof.runs, "run")
    yield f"{proof.connector}, on {proof.source}: tried {tried}"
    yield f"{join_words(counts)} in {histories} of {runs} (seed {proof.seed}, {proof.seconds} s)"


def _count(number: int, severity: Severity) -> str:
    return count_noun(number, severity) if number else f"no {severity}s"
