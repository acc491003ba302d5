"""Tools that read and write files of the project, and judge them without a request."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.agent_tools.agent_project import AgentProject
from framework.agent_tools.known_fixes import KnownFix, difference_of
from framework.agent_tools.tool_answers import (
    ConnectorEntry,
    ConnectorList,
    FileText,
    FoundProblem,
    ShownConnector,
    Validation,
    WrittenFile,
)
from framework.definition.finder import Location, cassette_path, is_file_name
from framework.definition.validation import ValidationResult, validate
from framework.errors import FrameworkError, UsageError
from framework.findings import Finding
from framework.runtime.redaction import MASK, Redactor
from framework.workspace.project_folder import BUNDLED, PathRefused, revision_of
from framework.workspace.project_secrets import add_text_secrets

Json = Any
MOST_LINES = 1_000
"""Lines of a file in one answer."""
_EXCERPT = 120
"""Characters of a line in an excerpt."""
_CONNECTOR = re.compile(r"[a-z][a-z0-9_]{0,62}\.yaml", re.ASCII)
_DRAFT = "connectors/draft.yaml"


@dataclass(frozen=True)
class FileTools:
    """The tools of files; each method is one."""

    project: AgentProject

    def list_connectors(self) -> ConnectorList:
        """Return the project's connectors, then the bundled ones."""
        found = []
        for location in self.project.folder.locations():
            try:
                result = validate(self.project.text_of(location.display).location)
            except FrameworkError:
                continue
            data = None if result.document is None else result.document.data
            found.append(_listed(self.project, location, result, data))
        return ConnectorList(tuple(found), self.project.may_write)

    def read_file(self, file: str, first_line: int, lines: int) -> FileText:
        """Return lines of a connector (by name or file), or of another text of the project."""
        folder = self.project.folder
        if _is_name(file) or file.startswith(BUNDLED) or file.endswith((".yaml", ".yml")):
            read = self.project.text_of(file)
            name, text, is_bundled = read.location.display, read.text, read.is_bundled
        else:
            name, text, is_bundled = file, folder.read_text(file), False
        # what other files have under the name of a credential is masked in this answer only
        own = Redactor()
        add_text_secrets(own, text)
        every = own.redact(self.project.redactor.redact(text)).splitlines(keepends=True)
        count = max(1, min(lines, MOST_LINES))
        part = every[first_line - 1 : first_line - 1 + count]
        last = first_line - 1 + len(part)
        cut = ""
        if last < len(every):
            cut = f"{len(every) - last:,} more lines; call again with first_line {last + 1}"
        revision = revision_of(text)
        return FileText(name, "".join(part), first_line, len(every), revision, is_bundled, cut)

    def validate(self, connector: str, text: str) -> Validation:
        """Return the findings of a connector, of a text in its place, or of all own connectors."""
        project = self.project
        if text:
            return _validation([self._judged(connector or _DRAFT, text)])
        if connector:
            return _validation([self._judged(connector, None)])
        folder = project.folder
        own = [one.display for one in folder.locations() if not folder.is_bundled(one)]
        if not own:
            raise UsageError(
                f"there is no connector in {folder.connectors.name}/; call import or "
                "write_connector, or name a bundled one"
            )
        return _validation([self._judged(name, None) for name in own])

    def show(self, connector: str, config: Mapping[str, Json], alias: str) -> ShownConnector:
        """Return a connector after defaults, merging and config, with secrets masked."""
        from framework.events import ignore_event
        from framework.extract.compilation.compiler import compile_connector
        from framework.extract.compilation.render import render_config
        from framework.load.arrow.eligibility import load_paths
        from framework.load.destinations.profiles import profile_of
        from framework.runtime.environment import Environment
        from framework.runtime.settings import STAND_IN, resolve_settings

        opened = self.project.open(connector)

        def settings(secret: str) -> Any:
            given = {**dict.fromkeys(opened.secrets, secret), **config}
            return resolve_settings(opened, given, section=alias or None)

        rendered = render_config(opened, settings(MASK))
        self.project.redactor.add_logins(rendered)
        try:
            compiled = compile_connector(
                opened, settings(STAND_IN), Environment(replay=True), ignore_event
            )
            paths = dict(load_paths(compiled, profile_of("duckdb")))
        except FrameworkError:  # it needs the secrets
            paths = {}
        return ShownConnector(opened.name, rendered, paths)

    def write_connector(self, file: str, text: str, revision: str) -> WrittenFile:
        """Write a connector, a schema or a query, and say what validate finds now."""
        project = self.project
        project.want_leave("write_connector")
        name = self._writable(file)
        path = project.folder.resolve(name)
        before = project.folder.read_text(name) if path.exists() else ""
        if MASK in text and MASK not in before and project.redactor.redact(before) != before:
            raise UsageError(
                f"{name} has a secret where the new text has {MASK}: the answers of this server "
                "mask it. Apply fixes, or replace the secret by {secrets.NAME} first"
            )
        if name.endswith(".json"):
            try:
                json.loads(text)
            except ValueError as error:
                raise UsageError(f"{name}: the text is not valid JSON: {error}") from None
        return self._write(name, before, text, revision)

    def apply(self, fix: str) -> WrittenFile:
        """Write the change of a finding or a proof, if the file is still what it was made for."""
        self.project.want_leave("apply")
        known = self.project.fixes.get(fix)
        return self._write(known.file, known.before, known.after, None)

    def problems_of(self, name: str) -> tuple[FoundProblem, ...]:
        """Return the findings of a connector as it is now."""
        return self._judged(name, None)

    def _write(self, name: str, before: str, text: str, revision: str | None) -> WrittenFile:
        folder = self.project.folder
        if revision is None:
            revision = revision_of(before.removeprefix("\ufeff"))
        written = folder.write(name, text, revision)
        diff = difference_of(before, text, name)
        found: tuple[FoundProblem, ...] = ()
        if name.endswith((".yaml", ".yml")):
            found = self.problems_of(name)
        judged = _validation([found])
        return WrittenFile(
            name, written.revision, diff, judged.errors, judged.warnings, judged.findings
        )

    def _writable(self, file: str) -> str:
        """Return the name of a file that may be written. Raise UsageError for others."""
        folder = self.project.folder
        if _is_name(file):
            file = f"{folder.name_of(folder.connectors)}/{file}.yaml"
        path = folder.resolve(file)
        parts = path.relative_to(folder.root).parts
        is_connector = path.parent == folder.connectors and bool(_CONNECTOR.fullmatch(path.name))
        is_other = len(parts) == 3 and (parts[0], path.suffix) in (
            ("schemas", ".json"),
            ("queries", ".graphql"),
        )
        if not is_connector and not is_other:
            own = folder.name_of(folder.connectors)
            raise PathRefused(
                f"{file[:80]!r} is not written by this tool: it writes {own}/NAME.yaml, "
                "schemas/NAME/RESOURCE.json and queries/NAME/QUERY.graphql"
            )
        return "/".join(part for part in file.split("/") if part not in ("", "."))

    def _judged(self, name: str, text: str | None) -> tuple[FoundProblem, ...]:
        """Return the findings of a file, or of a text in its place, with fixes that were tried."""
        from pygls.workspace import PositionCodec

        from framework.language_server.open_file import opened
        from framework.language_server.quick_fixes import quick_fixes
        from framework.language_server.renames import edited

        project = self.project
        if text is None:
            read = project.text_of(name)
            location, text, is_bundled = read.location, read.text, read.is_bundled
        else:
            location = project.folder.location(name)
            is_bundled = project.folder.is_bundled(location)
            add_text_secrets(project.redactor, text)
        shown = Path(location.display) if not is_bundled else location.path
        file = opened(shown, text, 0, PositionCodec())
        own = [one for one in file.findings if one.path == file.location.display]
        fixes: dict[Finding, KnownFix] = {}
        for fix in quick_fixes(file, own):
            after = edited(text, [fix.edit])
            fixes[fix.finding] = KnownFix(location.display, text, after, fix.finding.code)
        is_in_file = not is_bundled and location.path.is_file()
        return tuple(
            _problem(project, one, text if one in own else None, fixes.get(one), is_in_file)
            for one in file.findings
        )


def _is_name(file: str) -> bool:
    """Return whether a text is the name of a connector, not of a file."""
    return not is_file_name(file) and "." not in file and "\\" not in file


def _problem(
    project: AgentProject, one: Finding, text: str | None, fix: KnownFix | None, is_in_file: bool
) -> FoundProblem:
    excerpt = "" if text is None else _excerpt(project, text, one)
    known = project.fixes.add(fix) if fix is not None and is_in_file else ""
    diff = "" if fix is None else fix.diff
    return FoundProblem(
        one.code, one.severity, one.path, one.line, one.column, one.message, excerpt, diff, known
    )


def _excerpt(project: AgentProject, text: str, one: Finding) -> str:
    """Return the line of a finding and a mark below its column; secrets masked, columns kept."""
    lines = project.redactor.redact(text, aligned=True).splitlines()
    if not 0 < one.line <= len(lines) or not lines[one.line - 1].strip():
        return ""
    begin = max(0, one.column - 1 - _EXCERPT // 2)
    line = lines[one.line - 1][begin : begin + _EXCERPT]
    return f"{line}\n{' ' * (one.column - 1 - begin)}^"


def _validation(files: Iterable[tuple[FoundProblem, ...]]) -> Validation:
    every = list(files)
    found = tuple(one for problems in every for one in problems)
    errors = sum(one.severity == "error" for one in found)
    return Validation(len(every), errors, len(found) - errors, found)


def _listed(
    project: AgentProject, location: Location, result: ValidationResult, data: Json
) -> ConnectorEntry:
    data = data if isinstance(data, dict) else {}
    listed = data.get("resources")
    resources = [one.get("name") for one in listed or [] if isinstance(one, dict)]
    return ConnectorEntry(
        location.name,
        location.display,
        project.folder.is_bundled(location),
        str(data.get("description") or ""),
        tuple(map(str, filter(None, resources))),
        cassette_path(location).is_file(),
        sum(one.severity == "error" for one in result.findings),
    )
