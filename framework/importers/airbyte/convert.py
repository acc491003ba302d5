"""An Airbyte manifest in, a connector file with its schemas out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from framework.authoring.scaffold.yaml_writer import yaml_text
from framework.importers.airbyte.assemble import assemble, require_https
from framework.importers.airbyte.components.api_budgets import translate_limits
from framework.importers.airbyte.components.config_transformations import read_computed_inputs
from framework.importers.airbyte.declared_inputs import (
    InputDeclarations,
    secret_inputs,
    with_secrets,
)
from framework.importers.airbyte.dynamic_streams import add_dynamic_streams
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.manifest import Component, read_manifest
from framework.importers.airbyte.spec_inputs import read_inputs
from framework.importers.airbyte.stream_catalog import StreamCatalog
from framework.importers.import_report import (
    ImportedConnector,
    ManifestError,
    Remarks,
    comments,
    report_errors,
)
from framework.importers.source_files import connector_name, read_data

Json = Any

NEWEST = 7
"""The newest version of the manifest's language that this importer knows."""


def import_airbyte(path: Path, name: str | None = None) -> ImportedConnector:
    """Return the connector of a manifest file. Raise ManifestError if the file cannot be used."""
    manifest = read_manifest(path)
    try:
        return _imported(path, manifest, name or connector_name(path))
    except (AttributeError, TypeError, LookupError) as error:
        raise ManifestError(f"{path}: a part of the manifest is malformed ({error})") from error


def _imported(path: Path, manifest: Component, name: str) -> ImportedConnector:
    remarks = Remarks()
    version = str(manifest.get("version", ""))
    major = version.partition(".")[0]
    if major.isdigit() and int(major) > NEWEST:
        remarks.note("version", f"found {version}; versions up to {NEWEST} are known here")
    specification = _specification(manifest, path)
    inputs = read_inputs(specification)
    context = ImportContext(inputs, remarks)
    read_computed_inputs(context, manifest)
    catalog = StreamCatalog(context, path.parent)
    catalog.add_all(manifest)
    add_dynamic_streams(catalog, manifest)
    if not catalog.resources:
        why = "; ".join(f"{one.reason} ({one.place})" for one in remarks.entries[:3])
        raise ManifestError(f"{path}: has no stream that could be read{why and f': {why}'}")
    body, schemas = assemble(tuple(catalog.resources.values()), catalog.hidden, remarks)
    shared = body.get("resource_defaults", {}).get("endpoint", {}).get("method", "GET")
    endpoints = [one["endpoint"] for one in body["resources"]]
    requests = [(one.get("method") or shared, one) for one in endpoints]
    limits = translate_limits(context, manifest, body["client"]["base_url"], requests)
    body["client"].update(limits)
    secret = secret_inputs(inputs, body)
    body = with_secrets(body, secret)
    require_https(body, remarks)
    original = {key: one for key, one in manifest.data.items() if key not in ("spec", "schemas")}
    declarations = InputDeclarations(
        inputs, secret, specification is not None, json.dumps(original), remarks
    )
    config, secrets = declarations.entries(body)
    data: dict[str, Json] = {
        "version": 1,
        "name": name,
        "description": _description(manifest, name),
        **({"config": config} if config else {}),
        **({"secrets": secrets} if secrets else {}),
        **body,
    }
    report_errors(data, name, remarks)
    reported = tuple(remarks.entries)
    text = yaml_text(data, comments(data, reported))
    return ImportedConnector(name, text, schemas, reported, tuple(catalog.resources))


def _specification(manifest: Component, path: Path) -> Json:
    """Return the declaration of inputs, in the file or in one beside it; None if there is none."""
    spec = manifest.part("spec", "Spec")
    if spec is not None:
        return spec.get("connection_specification", {})
    for name in ("spec.yaml", "spec.yml", "spec.json"):
        beside = path.with_name(name)
        data = read_data(beside) if beside.is_file() else None
        if isinstance(data, dict):
            return data.get("connectionSpecification") or data.get("connection_specification") or {}
    return None


def _description(manifest: Component, name: str) -> str:
    text = manifest.get("description")
    if isinstance(text, str) and text.strip():
        return " ".join(text.split())
    return f"Imported from the Airbyte manifest of {name}."
