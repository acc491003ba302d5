"""What the tools answer: the shapes that a client is told beforehand, as JSON Schemas.

Each is for a program that reads it: a code, a place, a diff, the id by which a fix is applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Any


@dataclass(frozen=True)
class ConnectorEntry:
    """A connector. `bundled` ones come with the framework, and are not changed."""

    name: str
    file: str
    bundled: bool
    description: str
    resources: tuple[str, ...]
    has_recording: bool
    errors: int


@dataclass(frozen=True)
class ConnectorList:
    """The connectors of the project, its own first."""

    connectors: tuple[ConnectorEntry, ...]
    may_write: bool
    cut: str = ""


@dataclass(frozen=True)
class FileText:
    """Lines of a file, secrets masked. `revision` is what write_connector wants to replace it."""

    file: str
    text: str
    first_line: int
    lines: int
    revision: str
    bundled: bool
    cut: str = ""


@dataclass(frozen=True)
class FoundProblem:
    """A finding. `diff` is a change that was tried and removes it, `fix` its id for apply."""

    code: str
    severity: str
    file: str
    line: int
    column: int
    message: str
    excerpt: str
    diff: str = ""
    fix: str = ""


@dataclass(frozen=True)
class Validation:
    """The findings of one file or more, by place."""

    files: int
    errors: int
    warnings: int
    findings: tuple[FoundProblem, ...]
    cut: str = ""


@dataclass(frozen=True)
class ShownConnector:
    """A connector after defaults, merging and config, and how each resource's rows are loaded."""

    connector: str
    config: Mapping[str, Json]
    paths: Mapping[str, str]
    cut: str = ""


@dataclass(frozen=True)
class RawAnswer:
    """A response as it was received, secrets and session headers masked."""

    method: str
    url: str
    status: int
    headers: tuple[str, ...]
    body: str
    bytes: int


@dataclass(frozen=True)
class PreviewAnswer:
    """The first records of a resource. With raw, the first response instead."""

    connector: str
    resource: str
    source: str
    records: tuple[Json, ...]
    warnings: tuple[str, ...]
    raw: RawAnswer | None = None
    error: str = ""
    cut: str = ""


@dataclass(frozen=True)
class GivenProof:
    """What responses prove of one thing in the file: ok, fault or unknown.

    Of a fault, `diff` is a change that was tried and fixes it, `fix` its id for apply.
    """

    resource: str
    about: str
    outcome: str
    message: str
    code: str = ""
    remedy: str = ""
    diff: str = ""
    fix: str = ""


@dataclass(frozen=True)
class CheckAnswer:
    """The proofs by resource, parents first."""

    connector: str
    source: str
    faults: int
    proofs: tuple[GivenProof, ...]
    cut: str = ""


@dataclass(frozen=True)
class WrittenFile:
    """A file that was written, its new revision, the diff, and what validate says of it now."""

    file: str
    revision: str
    diff: str
    errors: int
    warnings: int
    findings: tuple[FoundProblem, ...]
    cut: str = ""


@dataclass(frozen=True)
class RecordedRun:
    """A recording that was written."""

    file: str
    requests: int
    rows: Mapping[str, int]
    next: str
    cut: str = ""


@dataclass(frozen=True)
class ReplayedConnector:
    """The test of one connector: ok, failed, or skipped for having no recording."""

    connector: str
    outcome: str
    tables: int
    rows: int
    problems: tuple[str, ...]


@dataclass(frozen=True)
class ReplayTests:
    """The tests of the connectors; `failed` is how many are not as expected."""

    failed: int
    tests: tuple[ReplayedConnector, ...]
    cut: str = ""


@dataclass(frozen=True)
class MockedResource:
    """What a run against the mock did with a resource."""

    resource: str
    status: str
    rows: int
    requests: int
    error: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class MockedRun:
    """A run against the mock into a temporary database. `source` is what the mock is made of."""

    connector: str
    source: str
    status: str
    resources: tuple[MockedResource, ...]
    cut: str = ""


@dataclass(frozen=True)
class ServedMock:
    """The mock servers of this process, by connector, after the action."""

    servers: Mapping[str, str]
    command: str
    notes: tuple[str, ...]
    cut: str = ""


@dataclass(frozen=True)
class ImportRemark:
    """What the connector lacks of the original, or what has to be looked at."""

    kind: str
    place: str
    resource: str
    reason: str


@dataclass(frozen=True)
class ImportAnswer:
    """A connector that was made of a description, and where it is written."""

    connector: str
    files: tuple[str, ...]
    resources: tuple[str, ...]
    remarks: tuple[ImportRemark, ...]
    text: str
    revision: str
    errors: int
    findings: tuple[FoundProblem, ...]
    cut: str = ""


@dataclass(frozen=True)
class ReferenceAnswer:
    """What the reference says about a code, a key or a part of the file, in Markdown."""

    topic: str
    text: str
    topics: tuple[str, ...]
    cut: str = ""
