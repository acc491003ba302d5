"""Imported connectors against their originals: same requests, same records, in two runs?

`python -m benchmarks.imported FOLDER [NAME ...]` takes the Airbyte manifests of a folder. Each is
run twice by its own CDK, in an environment of its own, against responses that its components
understand: three pages, errors that pass and errors that its handlers ignore, null and missing
fields, several values in each list. The imported connector then gets the same responses to the
same requests, and a 404 to any other. Prints what differs; the exit code is 1 where something does.

The CDK is not a dependency of the framework: the first call installs `airbyte-cdk`, `pyyaml` and
`freezegun` into a virtual environment below BENCHMARKS_CACHE. `--python FILE` names an interpreter
that has them. What the originals did is kept there too, so that later calls only run the imports.

`--mutations` takes parts of the importer out, one after the other, and says how many manifests
notice.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
import yaml
from requests.adapters import BaseAdapter

from benchmarks.mutations import MUTATIONS
from benchmarks.settings_of import config_of, given_of
from benchmarks.venvs import CannotInstall, cache_folder, python_of
from framework.definition.finder import find_connector
from framework.definition.model import Connector
from framework.definition.validation import validate
from framework.events import ignore_event
from framework.extract.compilation.compiler import compile_connector
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.read_options import ReadOptions
from framework.extract.records.transforms import TABLE
from framework.http.transport import make_response
from framework.importers.airbyte.convert import import_airbyte
from framework.importers.import_report import ImportedConnector, write_imported
from framework.importers.source_files import free_name, read_data
from framework.runtime.environment import Environment
from framework.runtime.settings import resolve_settings

Json = Any
Records = dict[str, list[Json]]

PEERS = Path(__file__).parent / "peers"
ORIGINAL = PEERS / "airbyte_original.py"
NOWS = ("2026-11-30T12:00:00.123456Z", "2026-12-02T15:30:00.123456Z")
"""Not whole seconds: Python then writes a time without them."""
_FRACTION = re.compile(r"(?<=\d:\d\d)\.123(456)?|(?<=\b17[0-9]{8})123\b")
_FRACTION_OF_NOW = re.compile(r"(?<=\d:\d\d)\.123456(?=\+00:00)")
"""Here the clock has whole seconds."""
HOST = "https://api.example.com"
_USUAL = {"user-agent", "accept", "accept-encoding", "connection", "content-length", "content-type"}


@dataclass
class Comparison:
    """What differs between a manifest and its connector, by run.

    `apart` is what could not be compared, because the original fails there.
    """

    name: str
    runs: list[list[str]] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)
    problem: str = ""

    @property
    def is_same(self) -> bool:
        """Whether nothing differs in either run."""
        return not self.problem and not any(self.runs)

    @property
    def is_comparable(self) -> bool:
        """Whether the original reads anything."""
        return bool(self.problem) or len(self.runs) == len(NOWS)


def main(arguments: Sequence[str]) -> int:
    """Compare the manifests of a folder; 1 where something differs."""
    given = _arguments(arguments)
    files = [
        file
        for file in sorted(given.folder.glob("*.yaml"))
        if not given.names or file.stem in given.names
    ]
    try:
        python = given.python or python_of("airbyte-cdk")
    except CannotInstall as error:
        sys.exit(f"the originals need airbyte-cdk, pyyaml and freezegun: {error}")
    originals = _originals(files, python, given.jobs)
    if given.mutations:
        return _mutated(files, originals)
    comparisons = [
        _shown(_compared(file, original)) for file, original in zip(files, originals, strict=True)
    ]
    counted = [one for one in comparisons if one.is_comparable]
    equal = [sum(not one.problem and not one.runs[n] for one in counted) for n in (0, 1)]
    both = sum(one.is_same for one in counted)
    sys.stdout.write(
        f"the same: first run {equal[0]}, second {equal[1]}, both {both} of {len(counted)}; "
        f"{len(comparisons) - len(counted)} originals fail\n"
    )
    return int(both < len(counted))


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.imported", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--python", type=Path, help="an interpreter that has airbyte-cdk")
    parser.add_argument("--jobs", type=int, default=2, help="originals that run side by side")
    parser.add_argument("--mutations", action="store_true")
    return parser.parse_intermixed_args(arguments)


def _shown(one: Comparison) -> Comparison:
    words = ["same" if not lines else "differs" for lines in one.runs] or ["nothing to compare"]
    sys.stdout.write(f"{one.name}: {one.problem or ', '.join(words)}\n")
    for number, lines in enumerate(one.runs, 1):
        sys.stdout.writelines(f"    {number}: {line}\n" for line in lines)
    sys.stdout.writelines(f"    apart: {line}\n" for line in one.apart)
    sys.stdout.flush()
    return one


def _mutated(files: Sequence[Path], originals: Sequence[Json]) -> int:
    """Take out each part of the importer; 1 where no manifest notices one."""
    pairs = [*zip(files, originals, strict=True)]
    whole = {file: str(_compared(file, original)) for file, original in pairs}
    unnoticed = 0
    for name, mutation in MUTATIONS.items():
        with mutation():
            noticed = [f.stem for f, original in pairs if str(_compared(f, original)) != whole[f]]
        unnoticed += not noticed
        sys.stdout.write(f"without {name}: {len(noticed)} of {len(files)} notice\n")
        sys.stdout.flush()
    return int(unnoticed > 0)


# -- the original


def _originals(files: Sequence[Path], python: Path, jobs: int) -> list[Json]:
    """What the CDK does with each manifest, from the cache if nothing has changed."""
    kept: list[tuple[Path, Json]] = []
    missing = []
    with tempfile.TemporaryDirectory() as folder:
        for number, file in enumerate(files):
            manifest, config = _prepared(file)
            scripts = [one.read_text() for one in sorted(PEERS.glob("airbyte_*.py"))]
            parts = json.dumps([manifest, config, NOWS, scripts], sort_keys=True, default=str)
            name = f"{file.stem}-{hashlib.sha256(parts.encode()).hexdigest()[:16]}.json"
            out = cache_folder() / "originals" / name
            out.parent.mkdir(parents=True, exist_ok=True)
            kept.append((out, config))
            if not out.exists():
                written = Path(folder) / f"{number}.yaml"
                written.write_text(yaml.safe_dump(manifest, sort_keys=False), encoding="utf-8")
                settings = written.with_suffix(".json")
                settings.write_text(json.dumps(config), encoding="utf-8")
                missing.append([str(written), str(settings), NOWS, str(out)])
        if missing:
            todo = Path(folder) / "jobs.json"
            todo.write_text(json.dumps(missing), encoding="utf-8")
            command = [str(python), str(ORIGINAL), str(todo), str(jobs)]
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    for out, _ in kept:
        if not out.exists():
            out.write_text(json.dumps(_ENDLESS), encoding="utf-8")
    return [{**json.loads(out.read_text()), "config": config} for out, config in kept]


_ENDLESS = {"runs": [], "keys": {}, "failure": "it does not end"}


def _prepared(file: Path) -> tuple[Json, Json]:
    """The manifest as the CDK gets it, and values for its inputs."""
    manifest = without_python(read_data(file))
    specification = _specification(file, manifest)
    if "config_normalization_rules" in (manifest.get("spec") or {}):
        # today's CDK wants a type, which no manifest has
        rules = manifest["spec"]["config_normalization_rules"]
        rules.setdefault("type", "ConfigNormalizationRules")
    config = config_of(specification, HOST)
    with tempfile.TemporaryDirectory() as folder:
        connector, _ = _import(file, Path(folder))
        if connector is not None:
            given_of(
                connector, manifest, specification, config
            )  # adds what is used and not declared
    return manifest, config


def _specification(file: Path, manifest: Json) -> Json:
    spec = manifest.get("spec") or {}
    for beside in ("spec.yaml", "spec.json"):
        if not spec and (file.parent / beside).exists():
            spec = read_data(file.parent / beside)
    return spec.get("connection_specification") or spec.get("connectionSpecification") or {}


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


# -- the import


class Replay(BaseAdapter):
    """Answers as the original was answered; requests that it did not make get a 404."""

    def __init__(self, exchanges: Sequence[Json]) -> None:
        super().__init__()
        self.sent: list[str] = []
        self._answers: dict[str, list[Json]] = {}
        for one in exchanges:
            key = address_of(one["method"], one["url"], one["body"])
            self._answers.setdefault(key, []).append(one)

    def send(self, request: requests.PreparedRequest, *_: Json, **__: Json) -> requests.Response:
        """Return the next of the original's responses to this request."""
        body = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
        key = address_of(request.method or "GET", request.url or "", str(body))
        self.sent.append(f"{key} {said({n: str(v) for n, v in request.headers.items()})}")
        answers = self._answers.get(key)
        if answers is None:
            headers = (("Content-Type", "application/json"),)
            return make_response(request, 404, "Not Found", headers, b'{"not": "expected"}')
        one = answers.pop(0) if len(answers) > 1 else answers[0]
        content = base64.b64decode(one["response"])
        headers = tuple(one["response_headers"].items())
        return make_response(request, one["status"], "", headers, content)

    def close(self) -> None:
        """Do nothing: nothing is open."""


def address_of(method: str, url: str, body: str) -> str:
    """A request as one text, without its headers: the order of parameters does not count."""
    parts = urlsplit(url)
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    try:
        body = re.sub(r"(\d)\.0\b", r"\1", json.dumps(json.loads(body), sort_keys=True))
    except ValueError:
        if "=" in body and " " not in body:
            body = str(sorted(parse_qsl(body, keep_blank_values=True)))
    path = unquote(parts.path).rstrip("/")
    text = f"{method} {parts.scheme}://{parts.netloc}{path} {query} {body}"
    text = _FRACTION_OF_NOW.sub("", text)
    return _FRACTION.sub(lambda found: re.sub(r"\d", "0", found[0]), text)


def said(headers: Mapping[str, str]) -> str:
    """The headers that say something of us."""
    lower = {name.lower(): value for name, value in headers.items()}
    return str({name: lower[name] for name in sorted(lower) if name not in _USUAL})


def _compared(file: Path, original: Json) -> Comparison:
    one = Comparison(file.stem)
    try:
        _compare(file, original, one)
    except Exception as error:
        one.problem = f"could not be compared: {type(error).__name__}: {str(error)[:300]}"
    return one


def _compare(file: Path, original: Json, one: Comparison) -> None:
    if original["failure"]:
        one.apart.append(f"the original fails: {original['failure']}")
    with tempfile.TemporaryDirectory() as folder:
        connector, imported = _import(file, Path(folder))
        if connector is None:
            one.problem = "the connector has errors"
            return
        manifest = read_data(file)
        specification = _specification(file, manifest)
        given = given_of(connector, manifest, specification, dict(original["config"]))
        state: dict[str, Json] = {}
        # tokens that are handed back are stored there
        os.environ["DLT_DATA_DIR"] = folder
        for now, run in zip(NOWS, original["runs"], strict=False):
            ours, failed, sent = read_ours(connector, given, run["exchanges"], now, state)
            lines = _differences(run, ours, failed, sent, one)
            one.runs.append(lines + _key_differences(connector, original, imported))
            state = json.loads(json.dumps(state))


def _import(file: Path, folder: Path) -> tuple[Connector | None, ImportedConnector]:
    manifest = folder / f"{file.stem.replace('-', '_')}.yaml"
    text = yaml.safe_dump(without_python(read_data(file)), sort_keys=False)
    manifest.write_text(text, encoding="utf-8")
    imported = import_airbyte(manifest)
    target = folder / "connectors" / f"{imported.name}.yaml"
    write_imported(imported, target)
    return validate(find_connector(str(target))).connector, imported


def _differences(
    run: Json,
    ours: Records,
    failed: Mapping[str, str],
    sent: list[str],
    one: Comparison,
) -> list[str]:
    theirs = {plain(name): rows for name, rows in run["records"].items()}
    broken = {plain(name): error for name, error in run["failed"].items()}
    notes = [f"{name}: the original fails: {error}" for name, error in broken.items()]
    one.apart += [line for line in [*notes, *run["notes"]] if line not in one.apart]
    lines = [f"{name} fails: {error}" for name, error in failed.items() if name not in broken]
    wanted = Counter(
        f"{address_of(x['method'], x['url'], x['body'])} {said(x['headers'])}"
        for x in run["exchanges"]
    )
    lines += differences("request", Counter(sent), wanted, once=True)
    for name in broken:
        ours.pop(name, None)
        theirs.pop(name, None)
    return lines + record_differences(ours, theirs)


def _key_differences(
    connector: Connector, original: Json, imported: ImportedConnector
) -> list[str]:
    keys = {plain(name): key for name, key in original["keys"].items()}
    explained = {
        one.resource or one.place for one in imported.remarks if "primary key" in one.reason
    }
    lines = []
    for resource in connector.resources:
        key = [".".join(path) for path in keys.get(resource.name) or []]
        own = [name.replace("__", ".") for name in resource.primary_key]
        if resource.selected and resource.name in {*keys} - explained and own != key:
            lines.append(f"{resource.name}: primary key {own}, the original's {key}")
    return lines


def read_ours(
    connector: Connector,
    given: Mapping[str, Json],
    exchanges: Sequence[Json],
    now: str,
    state: dict[str, Json],
) -> tuple[Records, dict[str, str], list[str]]:
    """The records of every selected resource as they would be loaded, what failed, and what was
    requested; `state` is moved."""
    replay = Replay(exchanges)
    environment = Environment(
        now=datetime.fromisoformat(now), transport=lambda _: replay, waits=False
    )
    compiled = compile_connector(
        connector, resolve_settings(connector, given), environment, ignore_event
    )
    options = ReadOptions(environment, ignore_event, compiled.redactor, 1, None, state=state)
    readings = ResourceReaders(compiled, options)
    found: Records = {}
    failed: dict[str, str] = {}
    # a parent that is not selected is read for its children, and moves no watermark
    selected = [one for one in connector.resources if one.selected]
    pages = {one.name: readings[one.name].open_table() for one in selected}
    for resource in selected:
        rows = []
        try:
            for page in pages[resource.name]:
                rows += page.records
        except Exception as error:
            failed[resource.name] = f"{type(error).__name__} {str(error)[:250]}"
        table = str(resource.hints.get("table_name") or resource.name)
        for row in rows:
            found.setdefault(row.pop(TABLE, table), []).append(row)
    return found, failed, replay.sent


def plain(name: str) -> str:
    """A stream's name as its resource is called."""
    return free_name((name,), set(), "stream") if name else ""


def differences(what: str, ours: Counter[str], theirs: Counter[str], *, once: bool) -> list[str]:
    """What one has and the other does not, a few of each."""
    if once:
        ours, theirs = Counter(set(ours)), Counter(set(theirs))
    lines = []
    for word, left in (("only ours", ours - theirs), ("only the original", theirs - ours)):
        shown = sorted(left)
        lines += [f"{what} {word}: {one[:300]}" for one in shown[:2]]
        if len(shown) > 2:
            lines.append(f"{what} {word}: and {len(shown) - 2} more")
    return lines


def record_differences(ours: Records, theirs: Records) -> list[str]:
    """Records that only one has, by stream; null and absent are the same."""
    lines = []
    for name in sorted({*ours, *theirs}):
        pair = [Counter(map(_canonical, side.get(name, []))) for side in (ours, theirs)]
        lines += differences(f"record of {name}", pair[0], pair[1], once=False)
    return lines


def _canonical(record: Json) -> str:
    text = json.dumps(_without_nulls(record), sort_keys=True, default=str)
    return _FRACTION_OF_NOW.sub("", text)


def _without_nulls(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    return int(value) if isinstance(value, float) and value == int(value) else value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
