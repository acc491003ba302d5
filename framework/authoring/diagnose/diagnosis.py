"""Prove a connector file right or wrong by real responses, and fix it (`check --deep`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from framework.authoring.diagnose.patch_trials import patched_connector, try_patches
from framework.authoring.diagnose.proof import Proof
from framework.authoring.diagnose.resource_diagnosis import Diagnosis, LiveApi
from framework.authoring.scaffold.file_writer import write_text
from framework.authoring.scaffold.yaml_patch import Patch, read_whole
from framework.definition.model import Connector, Resource
from framework.errors import FrameworkError
from framework.events import EventHandler
from framework.runtime.environment import Environment

Json = Any
Decide = Callable[[Proof], bool]
"""Whether to make the change that fixes a fault, and that was tried."""


def diagnose(
    connector: Connector,
    resources: Sequence[Resource],
    config: Mapping[str, Json],
    alias: str | None,
    environment: Environment,
    on_event: EventHandler,
) -> Iterator[Proof]:
    """Yield the proofs of each resource, parents first.

    A parent that is read only for its children yields only its faults. A change to the file is
    proposed only if it was tried, with requests of its own, and fixed the fault.
    """
    return repair(
        connector, resources, LiveApi(config, alias, environment, on_event), lambda _: False
    )


def repair(
    connector: Connector, resources: Sequence[Resource], api: LiveApi, decide: Decide
) -> Iterator[Proof]:
    """Yield the proofs of each resource, and write each change that `decide` agrees to.

    A fault whose change was written is `fixed`, and its resource is then read again with the new
    file. Raise FrameworkError if the file cannot be written, or was changed meanwhile.
    """
    selected = {resource.name for resource in resources}
    ancestors = {one.name for resource in resources for one in connector.ancestors(resource)}
    diagnosis = Diagnosis(connector, api)
    for name in [one.name for one in connector.resources if one.name in selected | ancestors]:
        asked: set[tuple[str, str]] = set()
        while True:
            proofs, fault = resource_proofs(name, diagnosis, api, decide, asked)
            if fault is None or fault.fix is None:
                break
            patched = patched_connector(diagnosis.connector, fault.fix)
            assert patched is not None  # it was tried
            _write(Path(connector.path), fault.fix)
            diagnosis = Diagnosis(patched, api)
            yield replace(fault, outcome="fixed")
        yield from (one for one in proofs if one.outcome == "fault" or name in selected)


def resource_proofs(
    name: str,
    diagnosis: Diagnosis,
    api: LiveApi,
    decide: Decide,
    asked: set[tuple[str, str]],
    only: Collection[str] | None = None,
) -> tuple[list[Proof], Proof | None]:
    """Return the proofs of a resource up to the first fault whose change is wanted, and that one.

    `asked` are the faults that were decided on before, to which those of this call are added.
    Changes are tried for faults of what `only` names (`paginator`), None for all.
    """
    proofs = list(diagnosis.proofs(diagnosis.connector.resource(name)))
    faults = {(one.about, one.code) for one in proofs if one.outcome == "fault"}
    judged: list[Proof] = []
    for proof in proofs:
        fault = (proof.about, proof.code)
        if proof.outcome == "fault" and (only is None or proof.about in only):
            proof = try_patches(proof, faults, diagnosis, api)
            if proof.diff and fault not in asked:
                asked.add(fault)
                if decide(proof):
                    return judged, proof
        judged.append(proof)
    return judged, None


def _write(path: Path, patch: Patch) -> None:
    """Write the changed file, unless another program has changed it meanwhile."""
    try:
        current = read_whole(path)
    except (OSError, UnicodeError) as error:
        raise FrameworkError(f"{path} cannot be read: {error}") from None
    if current != patch.before:
        raise FrameworkError(
            f"{path} was changed by another program while it was checked, and is left as it is; "
            "run the command again"
        )
    write_text(path, patch.text)
