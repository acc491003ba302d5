"""Try the changes that would fix a fault: read the resource again with each of them.

A change is proposed if the fault is gone and no other one came. What a wrong selector or format
had hidden is no other one: it is found, and fixed, after it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from framework.authoring.diagnose.proof import Evidence, Proof
from framework.authoring.diagnose.resource_diagnosis import Diagnosis, LiveApi
from framework.authoring.scaffold.yaml_patch import Patch
from framework.definition.finder import Location
from framework.definition.model import Connector
from framework.definition.validation import validate_document
from framework.definition.yaml_reader import parse_document
from framework.events import ignore_event

MAX_TRIALS = 12
"""How many changes to the file are tried for a fault, each with a few requests."""
_HIDING = ("response_format", "data_selector")
"""A fault of these, in this order, ends the checks: others may be behind it."""

Faults = Collection[tuple[str, str]]
"""Faults by what they are about and their code."""


def try_patches(fault: Proof, faults: Faults, diagnosis: Diagnosis, api: LiveApi) -> Proof:
    """Return the fault with the diff of the patch that fixes it, if one of them does.

    `faults` are all of its resource, and `diagnosis` found them.
    """
    before = diagnosis.evidence(fault.resource)
    best: tuple[int, Patch] | None = None
    for patch in fault.patches[:MAX_TRIALS]:
        patched = patched_connector(diagnosis.connector, patch)
        if patched is None:
            continue
        trial = Diagnosis(patched, replace(api, on_event=ignore_event))
        proofs = list(trial.proofs(patched.resource(fault.resource)))
        new = _new_faults(fault, faults, proofs)
        if new is None:
            continue
        after = trial.evidence(fault.resource)
        is_moved = fault.code == "first-page-skipped"
        if fault.about == "paginator" and not _continues(before, after, is_moved=is_moved):
            continue
        if best is None or new < best[0]:
            best = (new, patch)
        if not new:
            break
    if best is not None:
        return replace(fault, diff=best[1].diff, fix=best[1], remedy=best[1].remedy, patches=())
    if not fault.patches:
        return fault
    if fault.code == "page-too-short":
        # the last page, or one that the API filters after it counts
        message = f"{fault.message}; asking for as many gives no other second page"
        return Proof(fault.resource, fault.about, "unknown", message)
    return replace(fault, remedy=f"{fault.remedy}; this was tried and did not help", patches=())


def patched_connector(connector: Connector, patch: Patch) -> Connector | None:
    """Return the connector of the changed text, None if it is not valid."""
    path = Path(connector.path)
    document, findings = parse_document(patch.text, str(path))
    if document is None:
        return None
    location = Location(connector.name, path, connector.root, str(path))
    return validate_document(document, location, findings).connector


def _new_faults(fault: Proof, faults: Faults, proofs: Collection[Proof]) -> int | None:
    """Return how many faults the fixed one had hidden, None if it is not fixed."""
    outcomes = {one.about: one.outcome for one in proofs}
    remaining = {(one.about, one.code) for one in proofs if one.outcome == "fault"}
    if fault.about != "response_format" and outcomes.get("data_selector") != "ok":
        return None
    if fault.about == "paginator" and outcomes.get("paginator") != "ok":
        return None
    if (fault.about, fault.code) in remaining or "data_selector" not in outcomes:
        return None
    new = remaining - set(faults)
    if fault.about not in _HIDING:
        return None if new else 0
    earlier = _HIDING[: _HIDING.index(fault.about) + 1]
    return None if any(about in earlier for about, _ in new) else len(new)


def _continues(before: Evidence, after: Evidence, *, is_moved: bool) -> bool:
    """Return whether a trial's first page is that of the list, and the second one goes on from it.

    If the file left the first page out (`is_moved`), the page that it began with is the second.
    A page number or an offset that counts from another number would leave out records, or read
    some of them twice.
    """
    for number, pages in enumerate(after.lists):
        if len(pages) < 2 or not (pages[0].size and pages[1].size):
            continue
        first, second = (set(after.identities(page)) for page in pages[:2])
        if not first.isdisjoint(second):
            return False
        known = before.lists[number] if number < len(before.lists) else []
        begin = second if is_moved else first
        if known and known[0].size and after.identities(known[0])[0] not in begin:
            return False
    return True
