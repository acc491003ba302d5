"""The proofs of `check --deep`, on the recorded responses instead of the live API.

Each trial of a change reads the recording from its start, so no request is sent. What the recording
does not hold is not judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from framework.errors import FrameworkError
from framework.language_server.quick_fixes import difference
from framework.text import sentences

if TYPE_CHECKING:
    from framework.authoring.diagnose.proof import Proof
    from framework.language_server.open_file import OpenFile
    from framework.language_server.renames import Edit


@dataclass(frozen=True)
class RecordedFault:
    """What the recorded responses prove wrong in a resource, and the edit that was tried."""

    resource: str
    code: str
    message: str
    edit: Edit | None = None
    title: str = ""


@dataclass(frozen=True)
class RecordedJudgement:
    """The faults, and the resources whose requests are not recorded as the file makes them."""

    faults: tuple[RecordedFault, ...]
    unread: tuple[str, ...] = ()


def judge_by_recording(file: OpenFile) -> RecordedJudgement:
    """Judge all recorded resources. Raise FrameworkError if that is not possible."""
    from framework.authoring.diagnose.diagnosis import repair
    from framework.authoring.diagnose.recorded_api import recorded_api
    from framework.authoring.scaffold.yaml_patch import read_whole
    from framework.definition.validation import validate_document
    from framework.load.dlt_defaults import set_defaults
    from framework.runtime.environment import StopSignal

    set_defaults(verbose=False)
    document = file.document
    result = None if document is None else validate_document(document, file.location)
    connector = None if result is None else result.connector
    if connector is None:
        raise FrameworkError("the file has errors; fix them, then check it against its recording")
    try:
        is_saved = read_whole(Path(file.path)) == file.text
    except (OSError, UnicodeError):
        is_saved = False
    if not is_saved:
        raise FrameworkError("the file has changes; save it, then check it against its recording")
    api = recorded_api(connector, StopSignal())
    proofs = list(repair(connector, api.resources, api.api, lambda _: False))
    unread = [one.resource for one in proofs if one.about == "request" and one.outcome != "ok"]
    faults = [one for one in proofs if one.outcome == "fault" and one.about != "request"]
    return RecordedJudgement(
        tuple(_fault(file, one) for one in faults), tuple(dict.fromkeys(unread))
    )


def _fault(file: OpenFile, proof: Proof) -> RecordedFault:
    message = sentences(proof.message, proof.remedy)
    if proof.fix is None or proof.fix.before != file.text:
        return RecordedFault(proof.resource, proof.code, message)
    edit = difference(file.text, proof.fix.text)
    title = f"Write {proof.remedy or 'the change that was tried'}"
    return RecordedFault(proof.resource, proof.code, message, edit, title)
