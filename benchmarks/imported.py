"""Imported connectors against their originals: same requests, same records?

`python -m benchmarks.imported FOLDER [NAME ...]` takes the Airbyte manifests of a folder. Each is
run by its own CDK (in an environment of its own) and, imported, by this framework, against one
local server that answers from the manifest's own schemas and paging. Every address in a manifest is
turned to that server first. Prints what differs; the exit code is 1 where something does.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from benchmarks.answering import TODAY, Answering
from benchmarks.settings_of import config_of, given_of
from benchmarks.venvs import python_of
from framework.definition.finder import find_connector
from framework.definition.model import Connector
from framework.definition.validation import validate
from framework.events import ignore_event
from framework.extract.compilation.compiler import compile_connector
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.read_options import ReadOptions
from framework.extract.transforms import TABLE
from framework.importers.airbyte.convert import import_airbyte
from framework.importers.airbyte.manifest import read_manifest
from framework.importers.import_report import write_imported
from framework.importers.source_files import read_data
from framework.runtime.environment import Environment
from framework.runtime.settings import resolve_settings

Json = Any
Records = dict[str, list[Json]]

ORIGINAL = Path(__file__).parent / "peers" / "airbyte_original.py"
_ADDRESS = re.compile(r"https?://(?!127\.0\.0\.1:)")
_NEVER = ("schema", "schemas", "metadata")


def main(arguments: list[str]) -> int:
    """Compare the manifests of a folder; 1 where something differs."""
    folder = Path(arguments[0])
    differing = 0
    for file in sorted(folder.glob("*.yaml")):
        if len(arguments) > 1 and file.stem not in arguments[1:]:
            continue
        try:
            lines, unread = compare(file)
        except Exception as error:
            lines = [f"could not be compared: {type(error).__name__}: {str(error)[:200]}"]
            unread = []
        differing += bool(lines)
        sys.stdout.write(f"{file.stem}: {'same' if not lines else 'differs'}\n")
        sys.stdout.writelines(f"    {line}\n" for line in lines)
        if unread:
            sys.stdout.write(f"    without a record on both sides: {', '.join(unread)}\n")
        sys.stdout.flush()
    return int(differing > 0)


def compare(file: Path) -> tuple[list[str], list[str]]:
    """What differs between a manifest and its connector, and resources that neither has records
    of."""
    with tempfile.TemporaryDirectory() as folder, Answering() as server:
        here = turned(without_python(read_data(file)), server.address)
        manifest = Path(folder) / f"{file.stem.replace('-', '_')}.yaml"
        manifest.write_text(yaml.safe_dump(here, sort_keys=False), encoding="utf-8")
        imported = import_airbyte(manifest)
        target = Path(folder) / "connectors" / f"{imported.name}.yaml"
        write_imported(imported, target)
        connector = validate(find_connector(str(target))).connector
        if connector is None:
            return ["the connector has findings"], []
        spec = here.get("spec") or {}
        if "config_normalization_rules" in spec:
            # today's CDK wants a type, which no manifest has
            spec["config_normalization_rules"].setdefault("type", "ConfigNormalizationRules")
            manifest.write_text(yaml.safe_dump(here, sort_keys=False), encoding="utf-8")
        specification = spec.get("connection_specification") or {}
        config = turned(config_of(specification, server.address), server.address)
        given = given_of(connector, specification, config)
        server.learn(connector)
        server.clear()
        ours, failed = read_ours(connector, given)
        asked = list(server.requests)
        server.clear()
        names = [str(one.get("name")) for one in read_manifest(manifest).parts("streams")]
        if here.get("dynamic_streams"):
            names = []  # the API names them
        theirs = read_original(manifest, config, names, Path(folder))
        wanted = list(server.requests)
    # tables that the API names are those of one resource
    named = [one for one in connector.resources if one.tables is None or not ours]
    selected = [one.name for one in named if one.selected]
    broken = theirs.pop("", [])
    theirs = {plain(name): rows for name, rows in theirs.items()}
    return [
        *(f"ours failed: {line}" for line in failed),
        *(f"the original failed: {line}" for line in broken),
        *differences("request", Counter(asked), Counter(wanted), once=True),
        *record_differences(ours, theirs),
    ], [one for one in selected if one not in ours and one not in theirs]


def without_python(manifest: Json) -> Json:
    """The manifest without classes of its own, which are nowhere to be had: a router over parents
    becomes the usual one, everything else is left out."""

    def is_python(node: Json) -> bool:
        if not isinstance(node, dict):
            return False
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            found = manifest
            for key in reference[2:].split("/"):
                found = found.get(key) if isinstance(found, dict) else None
            return is_python(found)
        return is_own(node) and "parent_stream_configs" not in node

    def is_own(node: Json) -> bool:
        return ".components." in str(node.get("class_name", ""))

    def kept(node: Json) -> Json:
        if isinstance(node, dict):
            if node.get("type") == "DynamicSchemaLoader":
                # what records are like is not compared, and only the original would ask
                return {"type": "InlineSchemaLoader", "schema": {"type": "object"}}
            if is_own(node):
                node = {**node, "type": "SubstreamPartitionRouter"}
                del node["class_name"]
            return {key: kept(one) for key, one in node.items() if not is_python(one)}
        return [kept(one) for one in node if not is_python(one)] if isinstance(node, list) else node

    return kept(manifest)


def turned(node: Json, address: str) -> Json:
    """The manifest with every address below the server's."""
    if isinstance(node, dict):
        return {key: one if key in _NEVER else turned(one, address) for key, one in node.items()}
    if isinstance(node, list):
        return [turned(one, address) for one in node]
    return _ADDRESS.sub(f"{address}/", node) if isinstance(node, str) else node


def read_ours(connector: Connector, given: Mapping[str, Json]) -> tuple[Records, list[str]]:
    """The records of every selected resource as they would be loaded, and what failed."""
    environment, on_event = Environment(), ignore_event
    compiled = compile_connector(
        connector, resolve_settings(connector, given), environment, on_event
    )
    options = ReadOptions(environment, on_event, compiled.redactor, 1, None, state={})
    readings = ResourceReaders(compiled, options)
    found: Records = {}
    failed = []
    pages = {one.name: readings[one.name].open_table() for one in connector.resources}
    for resource in connector.resources:
        try:
            rows = [record for page in pages[resource.name] for record in page.records]
        except Exception as error:
            failed.append(f"{resource.name}: {str(error)[:300]}")
            continue
        if resource.selected:
            table = str(resource.hints.get("table_name") or resource.name)
            for row in rows:
                found.setdefault(row.pop(TABLE, table), []).append(row)
    return found, failed


def read_original(manifest: Path, config: Json, names: list[str], folder: Path) -> Records:
    """The records that the CDK reads; what went wrong under ""."""
    settings, out = folder / "config.json", folder / "out.json"
    settings.write_text(json.dumps(config), encoding="utf-8")
    command = [str(python_of("airbyte")), str(ORIGINAL), str(manifest), str(settings)]
    done = subprocess.run(
        [*command, json.dumps(names), str(out)], capture_output=True, text=True, timeout=300
    )
    if not out.exists():
        return {"": [done.stderr[-300:]]}
    found: Records = json.loads(out.read_text(encoding="utf-8"))
    return found


def plain(name: str) -> str:
    """A stream's name as its resource is called."""
    from framework.importers.source_files import free_name

    return free_name((name,), set(), "stream")


def differences(what: str, ours: Counter[str], theirs: Counter[str], *, once: bool) -> list[str]:
    """What one has and the other does not, a few of each."""
    if once:
        ours, theirs = Counter(set(ours)), Counter(set(theirs))
    lines = []
    for word, left in (("only ours", ours - theirs), ("only the original", theirs - ours)):
        shown = sorted(left)
        lines += [f"{what} {word}: {one[:400]}" for one in shown[:3]]
        if len(shown) > 3:
            lines.append(f"{what} {word}: and {len(shown) - 3} more")
    return lines


def record_differences(ours: Records, theirs: Records) -> list[str]:
    """Records that only one has, by stream; null and absent are the same."""
    lines = []
    for name in sorted({*ours, *theirs}):
        pair = [Counter(map(_canonical, side.get(name, []))) for side in (ours, theirs)]
        lines += differences(f"record of {name}", pair[0], pair[1], once=False)
    return lines


def _canonical(record: Json) -> str:
    return TODAY.sub("<now>", json.dumps(_without_nulls(record), sort_keys=True, default=str))


def _without_nulls(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    return int(value) if isinstance(value, float) and value == int(value) else value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
