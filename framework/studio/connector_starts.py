"""Begin a connector: from a list's URL, a description in OpenAPI, a bundled one, or Airbyte."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import FrameworkError, UsageError
from framework.http.stoppable_adapter import stoppable
from framework.studio.project_files import ProjectFiles
from framework.studio.studio_job import JobContext, JobFunction, JobKind
from framework.studio.studio_session import StudioSession
from framework.text import join_words

if TYPE_CHECKING:
    from framework.importers.import_report import ImportedConnector
    from framework.studio.job_runner import JobRunner

Json = Any
_MOST_NOTES = 200


@dataclass(frozen=True)
class ConnectorStart:
    """How connectors begin in one session; each method is a job and writes one file."""

    session: StudioSession
    files: ProjectFiles

    def url(self, context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:
        """Ask the API about the list of a URL: its records, key, paginator and incremental."""
        from framework.authoring.diagnose.resource_diagnosis import LiveApi
        from framework.authoring.scaffold.template import connector_head
        from framework.definition.model import Client
        from framework.events import Event, Waiting
        from framework.http.stoppable_adapter import StoppableAdapter
        from framework.http.transport import LiveAdapter
        from framework.importers.survey.connector_survey import survey_connector
        from framework.importers.survey.resource_survey import ListRequest
        from framework.runtime.environment import Environment
        from framework.studio.url_facts import url_facts

        name = str(request["name"])
        facts, secrets = url_facts(name, request)
        for secret in secrets.values():
            context.redactor.add(secret)
        host = facts.base_url.partition("://")[2].partition("/")[0]
        context.say(f"asking {host} about {join_words(facts.paths, None)}")

        def on_event(event: Event) -> None:
            if isinstance(event, Waiting):
                context.say(f"waiting {event.seconds:.0f} s, as the API says")

        client = Client(facts.base_url)
        environment = Environment(
            transport=lambda connections: StoppableAdapter(
                LiveAdapter.of(client, connections), context.stop
            ),
            stop=context.stop,
            redactor=context.redactor,
        )
        requests = [
            ListRequest(resource, facts.endpoint(path))
            for resource, path in zip(facts.names, facts.paths, strict=True)
        ]
        api = LiveApi(secrets, None, environment, on_event)
        head = connector_head(facts)
        found = stoppable(lambda: survey_connector(head, requests, api), context.stop)
        notes = []
        for survey in found.resources:
            resource = survey.resource["name"]
            if survey.proved:
                notes.append(f"{resource}: {join_words(survey.proved, None)}")
            notes += [f"{resource}: to be checked: {one}" for one in dict.fromkeys(survey.doubts)]
        notes += [f"{resource} was not read: {why}" for resource, why in found.errors.items()]
        self.files.create(name, found.text)
        for entry, value in secrets.items():
            self.session.set_value({"connector": name, "name": entry, "value": value})
        return {"name": name, "notes": notes[:_MOST_NOTES]}

    def openapi(self, context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:
        """Import a description, of a text or of a URL."""
        from framework.importers.openapi.openapi_import import OpenApiOptions, import_openapi

        text, url = request.get("text"), request.get("url")
        if (text is None) == (url is None) or not isinstance(text or url, str):
            raise UsageError("expected either `text`, a description in OpenAPI, or its `url`")
        source = _file(context, "openapi", str(text)) if text else str(url)
        if not text and not re.match(r"https?://[^/\s]", source):
            raise UsageError("`url` is not an address such as https://example.com/openapi.json")
        context.say("reading the description")
        context.redactor.add_url(source)
        # a description from elsewhere must not read files of this machine
        options = OpenApiOptions(may_read=lambda _: False)
        return self._imported(
            context, request, lambda name: import_openapi(source, name, options), source
        )

    def airbyte(self, context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:
        """Import a manifest of Airbyte."""
        from framework.importers.airbyte.convert import import_airbyte

        text = request.get("text")
        if not isinstance(text, str) or not text.strip():
            raise UsageError("`text` is missing, expected an Airbyte manifest")
        file = _file(context, "manifest", text)
        context.say("reading the manifest")
        return self._imported(context, request, lambda name: import_airbyte(Path(file), name), file)

    def bundled(self, context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:
        """Copy a bundled connector."""
        context.say(f"copying {request.get('from')}")
        copied = self.files.copy({"name": request.get("from"), "to": request.get("name")})
        return {**copied, "notes": []}

    def _imported(
        self,
        context: JobContext,
        request: Mapping[str, Json],
        importer: Callable[[str], ImportedConnector],
        source: str,
    ) -> Mapping[str, Json]:
        name = str(request["name"])
        try:
            imported = stoppable(lambda: importer(name), context.stop)
        except FrameworkError as error:  # a temporary file's name helps nobody
            if source.startswith("http"):
                raise
            raise FrameworkError(str(error).replace(source, "the text")) from None
        context.stop.check()
        self.files.create(name, imported.text)
        for resource, schema in imported.schemas.items():
            self.files.write_schema(name, resource, schema)
        notes = [
            f"{'not imported' if one.kind == 'missing' else 'look'}: "
            f"{one.resource + ': ' if one.resource else ''}{one.reason} ({one.place})"
            for one in (*imported.missing, *imported.notes)
        ]
        return {"name": name, "notes": notes[:_MOST_NOTES]}


def start_connector(
    request: Mapping[str, Json], session: StudioSession, files: ProjectFiles, jobs: JobRunner
) -> dict[str, Json]:
    """Start the job that begins a connector; return its id."""
    starts = ConnectorStart(session, files)
    kinds: dict[str, JobFunction] = {
        "url": starts.url,
        "openapi": starts.openapi,
        "bundled": starts.bundled,
        "airbyte": starts.airbyte,
    }
    kind = request.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise UsageError(f"`kind` is not one of {', '.join(kinds)}")
    name = files.new_name(request.get("name"))
    return jobs.start(kind, {**request, "name": name}, JobKind(kinds[kind]))


def _file(context: JobContext, stem: str, text: str) -> str:
    path = context.scratch / f"{stem}.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)
