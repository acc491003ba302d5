"""A proof: how to prove, the promises that are broken, and what was tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from framework.prove.history.api_traits import Assumption
from framework.prove.questions import Severity

Json = Any


@dataclass(frozen=True)
class ProofOptions:
    """How to prove. `resources` are None for those that the file selects.

    `runs` is the most runs of a history, `histories` how many are tried for a question. `config`
    has values of entries. With `confirms` a history that breaks the promise is played by real runs
    too.
    """

    resources: tuple[str, ...] | None = None
    runs: int = 3
    histories: int = 20
    seed: int = 0
    config: Mapping[str, Json] = field(default_factory=dict)
    assumptions: Sequence[Assumption] = ()
    confirms: bool = True


@dataclass(frozen=True)
class BrokenPromise:
    """A history that breaks a resource's promise, as a story of three lines.

    `mend` is the change of the file that keeps it from doing so, None if none is known. `is_tried`
    says that the history was played again with it. `is_confirmed` is None if no real runs were
    made.
    """

    resource: str
    code: str
    severity: Severity
    title: str
    story: tuple[str, str, str]
    mend: str | None = None
    is_tried: bool = False
    is_confirmed: bool | None = None


@dataclass
class ConnectorProof:
    """What a proof has found. `unproved` are resources that could not be tried, with the reason.

    `source` is what the mock was made of. `proved` are the resources that were tried. A resource is
    in both if a part of it could not be tried.
    """

    connector: str
    source: str
    seed: int
    broken: list[BrokenPromise] = field(default_factory=list)
    proved: list[str] = field(default_factory=list)
    unproved: dict[str, str] = field(default_factory=dict)
    histories: int = 0
    runs: int = 0
    seconds: float = 0.0

    def of(self, severity: Severity) -> list[BrokenPromise]:
        """Return the broken promises of a severity."""
        return [one for one in self.broken if one.severity == severity]

    def told(self, severity: Severity) -> Iterator[tuple[BrokenPromise, list[str]]]:
        """Yield what is told of a severity, with its resources: limits of one code once for all."""
        found = self.of(severity)
        for code in dict.fromkeys(one.code for one in found):
            same = [one for one in found if one.code == code]
            if severity == "limit":
                yield same[0], [one.resource for one in same]
            else:
                yield from ((one, [one.resource]) for one in same)
