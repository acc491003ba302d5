"""The endpoint `schema`: a proposed record schema is written beside its connector."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from framework.authoring.scaffold.file_writer import refuse_bundled, write_text
from framework.authoring.scaffold.yaml_patch import Change, apply_change
from framework.definition.draft import Draft
from framework.definition.finder import schema_folder
from framework.definition.yaml_reader import parse_document
from framework.errors import UsageError
from framework.language_server.quick_fixes import difference
from framework.studio.jobs.job_request import text_of_request
from framework.studio.studio_job import JobContext
from framework.workspace.project_folder import ProjectFolder

Json = Any
LARGEST = 5_000_000
"""Characters of a schema."""


def write_schema(context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:
    """Write `schemas/NAME/RESOURCE.json`, and return the edits by which the file names it.

    `request`: `resource` and `text`, the schema. There are no edits if the resource names that
    schema already, or if its place in the file cannot be changed (`note` says so).
    """
    name, text = text_of_request(request, "resource"), text_of_request(request, "text")
    _check(text)
    location = context.location
    refuse_bundled(location.root, location.name)
    document, _ = parse_document(context.text, location.display)
    draft = None if document is None else Draft(document, location)
    merged = None if draft is None else draft.resource_named(name)
    if merged is None:
        raise UsageError(f"{location.name} has no resource {name!r} whose schema could be written")
    folder = ProjectFolder.of(context.root)
    file = schema_folder(location) / f"{name}.json"
    written = file.absolute().relative_to(context.root.absolute()).as_posix()
    write_text(folder.resolve(written), text if text.endswith("\n") else f"{text}\n")
    edits, note = [], ""
    if merged.data.get("schema") != name:
        after = apply_change(context.text, name, Change(("schema",), name))
        if after is None:
            note = f"write `schema: {name}` into the resource {name} to use it"
        elif after != context.text:
            start, end, insert = difference(context.text, after)
            at, until = (_utf_16(context.text[:offset]) for offset in (start, end))
            edits = [{"from": at, "to": until, "insert": insert}]
    return {"path": file.relative_to(location.root).as_posix(), "edits": edits, "note": note}


def _check(text: str) -> None:
    """Raise UsageError for what is not a JSON Schema of an object."""
    if len(text) > LARGEST:
        raise UsageError(f"the schema is longer than {LARGEST:,} characters")
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the schema is not valid JSON: {error}") from None
    if not isinstance(schema, dict):
        raise UsageError("the schema must be a JSON object")


def _utf_16(text: str) -> int:
    """Return the length of a text in UTF-16 code units, which browsers count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
