"""A connector file in a temporary folder, with the one resource that is being asked about."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from framework.authoring.diagnose.diagnosis import resource_proofs
from framework.authoring.diagnose.patch_trials import try_patches
from framework.authoring.diagnose.proof import Evidence, Proof
from framework.authoring.diagnose.resource_diagnosis import Diagnosis, LiveApi
from framework.authoring.scaffold.file_writer import write_text
from framework.authoring.scaffold.template import valid_draft
from framework.authoring.scaffold.yaml_writer import yaml_text
from framework.definition.model import Connector

Json = Any


class SurveyDraft:
    """The draft: `head` is the file without its resources, `folder` a temporary one."""

    def __init__(self, head: Mapping[str, Json], api: LiveApi, folder: Path) -> None:
        self._head = head
        self._api = api
        self._path = folder / "connectors" / f"{head['name']}.yaml"
        self._root = folder

    def look(self, resource: Mapping[str, Json], only: Collection[str]) -> DraftReading:
        """Read the resource, with the changes that fix faults of what `only` names."""
        connector = self._connector(resource)
        name, asked = str(resource["name"]), set[tuple[str, str]]()
        fixes: list[Proof] = []
        while True:
            diagnosis = Diagnosis(connector, self._api)
            proofs, fault = resource_proofs(name, diagnosis, self._api, lambda _: True, asked, only)
            if fault is None or fault.fix is None:
                return DraftReading(self, self._resource(), diagnosis, tuple(proofs), tuple(fixes))
            fixes.append(fault)
            write_text(self._path, fault.fix.text)
            connector = valid_draft(self._path, self._root)

    def fixed(self, fault: Proof, diagnosis: Diagnosis) -> Mapping[str, Json] | None:
        """Return the resource with the change that fixes a fault, None if none does."""
        tried = try_patches(fault, {(fault.about, fault.code)}, diagnosis, self._api)
        if tried.fix is None:
            return None
        write_text(self._path, tried.fix.text)
        return self._resource()

    def _connector(self, resource: Mapping[str, Json]) -> Connector:
        write_text(self._path, yaml_text({**self._head, "resources": [resource]}, {}))
        return valid_draft(self._path, self._root)

    def _resource(self) -> dict[str, Json]:
        data = yaml.safe_load(self._path.read_text(encoding="utf-8"))
        resource: dict[str, Json] = data["resources"][0]
        return resource


class DraftReading:
    """What a reading of the draft gave: the resource as it was read at last, and its evidence.

    `fixes` are the faults whose change is in the resource.
    """

    def __init__(
        self,
        draft: SurveyDraft,
        resource: dict[str, Json],
        diagnosis: Diagnosis,
        proofs: tuple[Proof, ...],
        fixes: tuple[Proof, ...],
    ) -> None:
        self.resource = resource
        self.proofs = proofs
        self.fixes = fixes
        self._draft = draft
        self._diagnosis = diagnosis

    @property
    def evidence(self) -> Evidence:
        """The responses."""
        return self._diagnosis.evidence(str(self.resource["name"]))

    def fixed(self, fault: Proof) -> Mapping[str, Json] | None:
        """Return the resource with the change that fixes a fault, None if none does."""
        return self._draft.fixed(fault, self._diagnosis)
