"""The tool that makes a connector of another description: OpenAPI, Airbyte, curl, HAR, Postman."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from framework.agent_tools.agent_project import AgentProject
from framework.agent_tools.file_tools import FileTools
from framework.agent_tools.tool_answers import ImportAnswer, ImportRemark
from framework.errors import FrameworkError, UsageError
from framework.workspace.project_folder import PathRefused, revision_of
from framework.workspace.project_secrets import add_text_secrets

if TYPE_CHECKING:
    from framework.importers.import_report import ImportedConnector

Kind = Literal["openapi", "airbyte", "dlt", "curl", "har", "postman"]
_ENDINGS: dict[str, str] = {"curl": ".txt", "har": ".har", "postman": ".json"}


@dataclass(frozen=True)
class ImportTools:
    """The tool of imports."""

    project: AgentProject

    def import_connector(
        self, kind: Kind, name: str, text: str, file: str, paths: tuple[str, ...], replace: bool
    ) -> ImportAnswer:
        """Convert a text, or a file of the project, and write connectors/NAME.yaml.

        No reference to another host is followed, and none to a file outside the project.
        """
        from framework.importers.import_report import write_imported
        from framework.importers.source_files import free_name

        self.project.want_leave("import")
        if bool(text) == bool(file):
            raise UsageError("pass either text, or the name of a file in the project")
        if name != free_name((name,), set()):
            raise UsageError(
                f"found the name {name[:60]!r}, expected lower-case letters, digits and _"
            )
        folder = self.project.folder
        target_name = f"{folder.name_of(folder.connectors)}/{name}.yaml"
        target = folder.resolve(target_name)
        if target.exists() and not replace:
            raise UsageError(f"{target_name} exists; pass replace: true to replace it")
        with TemporaryDirectory(prefix="framework-") as temporary:
            source = Path(temporary).resolve() / f"description{_ENDINGS.get(kind, '.yaml')}"
            if text:
                source.write_text(text, "utf-8")
            else:
                text = folder.read_text(file)
                source = folder.resolve(file)
            try:
                imported = self._imported(kind, source, text, name, paths, is_file=bool(file))
            except FrameworkError as error:
                shown = str(error).replace(str(source), file or "the text")
                raise FrameworkError(shown) from None
        beside = folder.connectors.parent / "schemas"
        for one in ("connector.schema", *(f"{name}/{each}" for each in imported.schemas)):
            folder.resolve((beside / f"{one}.json").relative_to(folder.root).as_posix())
        written = write_imported(imported, target)
        add_text_secrets(self.project.redactor, imported.text)
        found = FileTools(self.project).problems_of(target_name)
        remarks = tuple(
            ImportRemark(one.kind, one.place, one.resource or "", one.reason)
            for one in imported.remarks
        )
        return ImportAnswer(
            name,
            tuple(str(one) for one in written),
            imported.resources,
            remarks,
            imported.text,
            revision_of(imported.text),
            sum(one.severity == "error" for one in found),
            found,
        )

    def _imported(
        self,
        kind: Kind,
        source: Path,
        text: str,
        name: str,
        paths: tuple[str, ...],
        *,
        is_file: bool,
    ) -> ImportedConnector:
        if kind == "openapi":
            from framework.importers.api_guesses.list_catalog import Choice
            from framework.importers.openapi.openapi_import import OpenApiOptions, import_openapi

            def may_read(path: Path) -> bool:
                return is_file and self._is_readable(path)

            options = OpenApiOptions(Choice(paths, (), ()), may_read=may_read)
            return import_openapi(str(source), name, options)
        if kind == "airbyte":
            from framework.importers.airbyte.convert import import_airbyte

            return import_airbyte(source, name)
        if kind == "dlt":
            from framework.importers.rest_api_config import import_restapi

            return import_restapi(source, name)
        return _recorded(kind, source, text, name)

    def _is_readable(self, path: Path) -> bool:
        folder = self.project.folder
        try:
            folder.resolve(path.relative_to(folder.root).as_posix())
        except (PathRefused, ValueError):
            return False
        return True


def _recorded(kind: Kind, source: Path, text: str, name: str) -> ImportedConnector:
    from framework.importers.recorded.recorded_import import RecordedSource, import_recorded

    if kind == "curl":
        from framework.importers.recorded.formats.curl_command import read_curl

        requests = read_curl(text, "the text", reads_files=False)
        chosen = RecordedSource(requests, "curl", "a curl command", is_chosen=True)
    elif kind == "har":
        from framework.importers.recorded.formats.har_file import read_har

        recording = read_har(source)
        chosen = RecordedSource(recording.interactions, "the HAR", "a HAR", recording.notes)
    else:
        from framework.importers.recorded.formats.postman_collection import read_postman

        found = read_postman(source)
        chosen = RecordedSource(
            found.interactions,
            "the collection",
            "a Postman collection",
            found.notes,
            clients=found.clients,
        )
    return import_recorded(chosen, name).imported
