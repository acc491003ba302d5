"""What a proof found, as the marked part of a page: only this part needs a proof to be compared."""

from __future__ import annotations

from collections.abc import Iterator

from framework.catalog.markdown_text import code, prose
from framework.definition.model import Connector
from framework.errors import FrameworkError, Interrupted, Terminated, UsageError
from framework.prove.connector_proof import BrokenPromise, ConnectorProof, ProofOptions
from framework.prove.prover import prove
from framework.prove.questions import Severity
from framework.runtime.environment import StopSignal
from framework.text import count_noun, join_words

BEGIN = "<!-- what `framework prove` found: begin -->"
END = "<!-- what `framework prove` found: end -->"
HISTORIES, SEED = 5, 0
"""How much is tried for a page: the same histories on each machine."""
_SEVERITIES: tuple[Severity, ...] = ("fault", "assumption", "limit")


def proved_lines(connector: Connector, stop: StopSignal) -> list[str]:
    """Return the lines of the block. Raise UsageError if what a proof needs is not installed."""
    options = ProofOptions(histories=HISTORIES, seed=SEED, confirms=False)
    try:
        return [*_rendered(prove(connector, options, stop))]
    except (Interrupted, Terminated, UsageError):
        raise
    except FrameworkError as error:
        return [f"Not tried: {prose(str(error).splitlines()[0])}"]


def untried_lines(connector: Connector) -> list[str]:
    """Return the lines of the block of a page that was written without a proof."""
    return [f"Not tried: {code(f'framework prove {connector.name}')} tells."]


def block(lines: list[str]) -> list[str]:
    """Return lines between the marks."""
    return [BEGIN, "", *lines, "", END, ""]


def block_of(page: str) -> list[str] | None:
    """Return the lines between the marks of a page, None if it has none."""
    lines = page.splitlines()
    if lines.count(BEGIN) != 1 or lines.count(END) != 1:
        return None
    inner = lines[lines.index(BEGIN) + 1 : lines.index(END)]
    return inner[1:-1] if inner[:1] == [""] and inner[-1:] == [""] else inner


def _rendered(proof: ConnectorProof) -> Iterator[str]:
    counts = (
        count_noun(number, severity) if number else f"no {severity}s"
        for severity in _SEVERITIES
        for number in (len(proof.of(severity)),)
    )
    tried = join_words([code(one) for one in proof.proved], None) or "no resource"
    yield (
        f"Invented histories of an account were played against a mock of {prose(proof.source)} "
        f"({code(f'framework prove {proof.connector} --histories {HISTORIES}')}): "
        f"{join_words(counts)} in {tried}."
    )
    for severity in _SEVERITIES:
        for one, resources in proof.told(severity):
            yield ""
            yield from _lines(one, resources)
    if proof.unproved:
        yield ""
    for name, reason in proof.unproved.items():
        yield f"- not tried: {code(name)}: {prose(reason)}"


def _lines(one: BrokenPromise, resources: list[str]) -> Iterator[str]:
    names = join_words([code(name) for name in resources], None)
    yield f"- **{one.severity}**, {names}: {prose(one.title)} ({code(one.code)})"
    for number, line in enumerate(one.story, 1):
        yield f"  {number}. {prose(line)}"
    if one.mend is not None:
        tried = "" if one.is_tried else " (not tried)"
        yield f"  - what helps: {prose(one.mend)}{tried}"
