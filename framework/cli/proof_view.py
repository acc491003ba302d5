"""Show what `check --deep` has found as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from framework.cli.terminal import visible_lines, write_line

if TYPE_CHECKING:
    from framework.authoring.diagnose.proof import Proof


def write_proofs(proofs: Sequence[Proof]) -> None:
    """Write the proofs of each resource, with what to do and the diff of a fault."""
    width = max((len(proof.about) for proof in proofs), default=0)
    resource = None
    for proof in proofs:
        if proof.resource != resource:
            resource = proof.resource
            write_line(resource)
        message = visible_lines(proof.message).replace("\n", f"\n  {'':<{width + 11}}")
        code = f" [{proof.code}]" if proof.code else ""
        write_line(f"  {proof.outcome:<7}  {proof.about:<{width}}  {message}{code}")
        indent = f"  {'':<7}  {'':<{width}}"
        if proof.remedy:
            write_line(f"{indent}  -> {proof.remedy}")
        for line in visible_lines(proof.diff).splitlines():
            write_line(f"{indent}     {line}")
