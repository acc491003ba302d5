"""An Airbyte manifest in, a connector file with its schemas out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from framework.authoring.scaffold.yaml_writer import yaml_text
from framework.importers.airbyte.connector import assemble
from framework.importers.airbyte.declared import declared, promoted, with_secrets
from framework.importers.airbyte.importing import ABSENT, Importing
from framework.importers.airbyte.inputs import free_name, read_inputs
from framework.importers.airbyte.limits import translate_limits
from framework.importers.airbyte.manifest import Component, load, read_manifest
from framework.importers.airbyte.registry import Registry
from framework.importers.import_report import ImportedConnector, ManifestError, Remarks, comments

Json = Any

NEWEST = 7
"""The newest version of the manifest's language whose words were looked through."""


def import_airbyte(path: Path, name: str | None = None) -> ImportedConnector:
    """The connector of a manifest file. ManifestError where the file cannot be used at all."""
    manifest = read_manifest(path)
    try:
        return _imported(path, manifest, name)
    except (AttributeError, TypeError, LookupError) as error:
        raise ManifestError(
            f"{path}: a part of it is not written as its language says ({error})"
        ) from error


def _imported(path: Path, manifest: Component, name: str | None) -> ImportedConnector:
    remarks = Remarks()
    version = str(manifest.get("version", ""))
    if version.partition(".")[0].isdigit() and int(version.partition(".")[0]) > NEWEST:
        remarks.note("version", f"found {version}; versions up to {NEWEST} are known here")
    specification, complete = _specification(manifest, path)
    inputs = read_inputs(specification)
    importing = Importing(inputs, remarks)
    _computed_inputs(importing, manifest)
    registry = Registry(importing, path.parent)
    registry.add_all(manifest)
    if not registry.resources:
        why = "; ".join(f"{one.reason} ({one.place})" for one in remarks.found[:3])
        raise ManifestError(f"{path}: has no stream that could be read{why and f': {why}'}")
    body, schemas = assemble(tuple(registry.resources.values()), registry.hidden, remarks)
    body["client"].update(translate_limits(importing, manifest))
    secret = promoted(inputs, body)
    body = with_secrets(body, secret)
    _encrypted(body, remarks)
    connector = name or connector_name(path)
    told = {key: one for key, one in manifest.data.items() if key not in ("spec", "schemas")}
    config, secrets = declared(inputs, body, secret, complete, remarks, json.dumps(told))
    data: dict[str, Json] = {
        "version": 1,
        "name": connector,
        "description": _description(manifest, connector),
        **({"config": config} if config else {}),
        **({"secrets": secrets} if secrets else {}),
        **body,
    }
    found = tuple(remarks.found)
    return ImportedConnector(
        connector,
        yaml_text(data, comments(data, found)),
        schemas,
        found,
        tuple(registry.resources),
    )


def connector_name(path: Path) -> str:
    """A name of ours from the file's, or from its folder's where all files are called alike."""
    stem = path.stem
    if stem in ("manifest", "connector_manifest", "source"):
        stem = path.resolve().parent.name
    return free_name((re.sub(r"^source[-_]", "", stem),), set(), "connector")


def _specification(manifest: Component, path: Path) -> tuple[Json, bool]:
    """The inputs' declaration: in the file, or in a file beside it."""
    spec = manifest.part("spec", "Spec")
    if spec is not None:
        return spec.get("connection_specification", {}), True
    for name in ("spec.yaml", "spec.yml", "spec.json"):
        beside = path.with_name(name)
        if beside.is_file():
            found = load(beside)
            if isinstance(found, dict):
                return (
                    found.get("connectionSpecification")
                    or found.get("connection_specification")
                    or {},
                    True,
                )
    return {}, False


def _computed_inputs(importing: Importing, manifest: Component) -> None:
    """Inputs that the manifest makes out of others before it runs."""
    spec = manifest.part("spec", "Spec")
    rules = spec.part("config_normalization_rules") if spec is not None else None
    if rules is None:
        return
    if rules.get("validations"):
        importing.remarks.note(rules.at("validations"), "checks of the inputs are not kept")
    for change in rules.parts("transformations"):
        _computed(importing, change)


def _computed(importing: Importing, change: Component) -> None:
    if change.type == "ConfigAddFields" and not change.get("condition"):
        for one in change.parts("fields"):
            term = importing.term(one.get("value", ""), importing.sent(one), one.at("value"))
            if term is not None:
                importing.inputs.computed[tuple(str(key) for key in one.get("path", []))] = term
        return
    if change.type == "ConfigRemoveFields":
        return
    if change.type == "ConfigRemapField":
        _remapped(importing, change)
        return
    what = "a Python class of its own" if change.custom else f"a {change.type}"
    importing.remarks.missing(change.place, f"the inputs are changed by {what}")


def _remapped(importing: Importing, change: Component) -> None:
    from framework.importers.airbyte.terms import Term, constant

    pairs = change.get("map", {})
    path = tuple(str(key) for key in change.get("field_path", []))
    if not isinstance(pairs, dict) or not path:
        importing.remarks.missing(change.place, "an input whose values are renamed by a template")
        return
    term, _ = importing.inputs.lookup("")(path)
    text = term.text
    for old, new in pairs.items():
        value = importing.text(new, importing.sent(change), change.at("map"))
        if value is not ABSENT:
            text = f"if({term.text} == {constant(old).text}, {constant(value).text}, {text})"
    importing.inputs.computed[path] = Term(text, term.kind)


def _encrypted(body: dict[str, Json], remarks: Remarks) -> None:
    """Plain http would be refused where there are secrets."""
    base = body["client"]["base_url"]
    if base.startswith("http://") and not re.match(r"http://(localhost|127\.)", base):
        body["client"]["base_url"] = "https://" + base.removeprefix("http://")
        remarks.note("url_base", f"found {base}: https is asked here")
    for one in body["resources"]:
        path = one["endpoint"]["path"]
        if path.startswith("http://") and not re.match(r"http://(localhost|127\.)", path):
            one["endpoint"]["path"] = "https://" + path.removeprefix("http://")
            remarks.note(one["name"], f"found {path}: https is asked here")


def _description(manifest: Component, name: str) -> str:
    text = manifest.get("description")
    if isinstance(text, str) and text.strip():
        return " ".join(text.split())
    return f"Imported from the Airbyte manifest of {name}."
