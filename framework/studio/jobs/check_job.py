"""The job `check`: the proofs of `check --deep`, on the API or on its recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.authoring.diagnose.diagnosis import repair
from framework.authoring.diagnose.proof import Proof
from framework.authoring.diagnose.recorded_api import recorded_api
from framework.authoring.diagnose.resource_diagnosis import LiveApi
from framework.definition.draft import Draft
from framework.definition.yaml_reader import parse_document
from framework.errors import UsageError
from framework.events import Event, Waiting
from framework.load.preflight import select_resources
from framework.studio.jobs.job_progress import ProgressLines
from framework.studio.jobs.job_request import choice, resource_names
from framework.studio.jobs.job_source import LIVE, RECORDED, job_connector, live_environment
from framework.studio.studio_job import JobContext

Json = Any


def check(context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:
    """Prove the text right or wrong; return the proofs, with the changed text of each fix.

    `request`: `source` (live or cassette) and `resources`, null for those that the file selects.
    Nothing is written.
    """
    connector = job_connector(context)
    names = resource_names(request)
    selected = select_resources(connector, names)
    progress = ProgressLines(context.say)

    def on_event(event: Event) -> None:
        """Say waits only: warnings are part of the proofs."""
        if isinstance(event, Waiting):
            progress(event)

    if choice(request, "source", LIVE, RECORDED) == RECORDED:
        recorded = recorded_api(connector, context.stop, names)
        if not recorded.resources:
            raise UsageError("the recording has none of these resources: record them first")
        api, selected = recorded.api, recorded.resources
    else:
        environment = live_environment(context, connector)
        api = LiveApi(context.given(connector), None, environment, on_event)
    places = _Places(context)
    proofs = []
    for proof in repair(connector, selected, api, lambda _: False):
        context.stop.check()
        context.say(f"{proof.resource}: {proof.about}: {proof.outcome}")
        proofs.append(_shown(proof, context, places))
    return {"proofs": proofs}


def _shown(proof: Proof, context: JobContext, places: _Places) -> dict[str, Json]:
    fix = proof.fix
    is_of_text = fix is not None and fix.before == context.text
    # the job's copy of the file is in a folder that nobody knows
    diff = proof.diff.replace(str(context.location.path), context.location.display)
    return {
        **proof.as_dict(),
        "line": places.line(proof),
        "diff": diff,
        "fix": {"text": fix.text} if fix is not None and is_of_text else None,
    }


class _Places:
    """Where in the text a proof's subject is written."""

    def __init__(self, context: JobContext) -> None:
        document, _ = parse_document(context.text, context.location.display)
        self._draft = None if document is None else Draft(document, context.location)

    def line(self, proof: Proof) -> int | None:
        """Return the line of the key that a proof is about, or that of its resource."""
        draft = self._draft
        merged = None if draft is None else draft.resource_named(proof.resource)
        if draft is None or merged is None:
            return None
        for path in ((proof.about,), ("endpoint", proof.about), ("endpoint",), ()):
            key = draft.document.node(merged.place(*path))
            if key is not None:
                return draft.document.mark(merged.place(*path)).line
        return None
