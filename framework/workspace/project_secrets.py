"""What masks a project's secrets in all that a page or an agent is shown.

Those of the environment, of .dlt/secrets.toml and those that are written in connector files. A
value that is set for a connector counts as a secret, unless a file declared it as config when the
process started: whoever edits a file could declare it so later, to be shown it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from framework.definition.yaml_reader import parse_document
from framework.errors import FrameworkError
from framework.runtime.redaction import Redactor
from framework.runtime.secret_sources import (
    add_connector_file,
    add_connector_settings,
    add_environment,
)
from framework.workspace.project_folder import ProjectFolder

Json = Any


def add_project_secrets(
    redactor: Redactor, folder: ProjectFolder, environment: Mapping[str, str] | None = None
) -> None:
    """Add the secrets that the project's connectors can reach."""
    environment = os.environ if environment is None else environment
    add_environment(redactor, environment)
    texts = []
    for location in folder.locations():
        try:
            texts.append(folder.read(location.display).text)
        except FrameworkError:
            continue
    documents = [_data(text) for text in texts]
    names = {name for data in documents for name in _names(data, "secrets")}
    config = {name for data in documents for name in _names(data, "config")} - names
    add_connector_settings(redactor, names, environment, folder.root)
    ends = tuple(f"__{name.upper()}" for name in (*config, "base_url"))
    for variable, value in environment.items():
        if variable.startswith("SOURCES__") and not variable.endswith(ends):
            redactor.add_foreign(value)
    for text, data in zip(texts, documents, strict=True):
        add_connector_file(redactor, text, data)


def add_text_secrets(redactor: Redactor, text: str) -> None:
    """Add the secrets that are written in the text of a connector file."""
    add_connector_file(redactor, text, _data(text))


def _data(text: str) -> Json:
    document, _ = parse_document(text, "file")
    return None if document is None else document.data


def _names(data: Json, section: str) -> Iterable[str]:
    entries = data.get(section) if isinstance(data, dict) else None
    return [str(name) for name in entries] if isinstance(entries, dict) else []
