"""Ask an API about each of its lists, and write the first version of a connector file of it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from framework.authoring.diagnose.resource_diagnosis import LiveApi
from framework.authoring.scaffold.yaml_writer import WIDTH, Pointer, yaml_text
from framework.errors import FrameworkError, Interrupted, UsageError
from framework.importers.survey.resource_survey import (
    TO_CHECK,
    ListRequest,
    ResourceSurvey,
    survey_resource,
)
from framework.importers.survey.survey_draft import SurveyDraft

Json = Any


@dataclass(frozen=True)
class ConnectorSurvey:
    """The text of the file, what was found by resource, and the errors of those without."""

    text: str
    resources: tuple[ResourceSurvey, ...]
    errors: Mapping[str, FrameworkError]


def survey_connector(
    head: Mapping[str, Json], requests: Sequence[ListRequest], api: LiveApi
) -> ConnectorSurvey:
    """Return the connector file of these lists; `head` is the file without its resources.

    Sends a few requests for each list. A list that cannot be read is written as it was given.
    Raise the error of the first one if none can be read.
    """
    surveys: list[ResourceSurvey] = []
    errors: dict[str, FrameworkError] = {}
    with TemporaryDirectory(prefix="framework-") as name:
        draft = SurveyDraft(head, api, Path(name))
        for request in requests:
            try:
                surveys.append(survey_resource(request, draft))
            except (Interrupted, UsageError):
                raise
            except FrameworkError as error:
                errors[request.name] = error
                surveys.append(_unread(request))
    if len(errors) == len(requests):
        raise next(iter(errors.values()))
    return ConnectorSurvey(_text(head, surveys), tuple(surveys), errors)


def _unread(request: ListRequest) -> ResourceSurvey:
    resource = {
        "name": request.name,
        "write_disposition": "replace",
        "endpoint": dict(request.endpoint),
    }
    survey = ResourceSurvey(resource)
    survey.doubt(("endpoint",), "everything", "it could not be read when this file was written")
    return survey


def _text(head: Mapping[str, Json], surveys: Sequence[ResourceSurvey]) -> str:
    comments: dict[Pointer, list[str]] = {
        (): ["yaml-language-server: $schema=../schemas/connector.schema.json"]
    }
    for number, survey in enumerate(surveys):
        for key, lines in survey.comments.items():
            pointer: Pointer = ("resources", number, *key)
            comments[pointer] = [part for line in lines for part in _wrapped(line, len(key))]
    data = {**head, "resources": [one.resource for one in surveys]}
    return yaml_text(data, comments)


def _wrapped(line: str, depth: int) -> list[str]:
    """Return the lines of a comment; what is to be checked goes on with an indent."""
    indent = "  " if line.startswith(TO_CHECK) else ""
    return textwrap.wrap(
        line,
        WIDTH - 6 - 2 * depth,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
