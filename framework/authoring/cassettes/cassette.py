"""A cassette: a recorded run in vcrpy's own YAML file format, written and read with its serializer.

What the run was (connector, clock, config, resources, limit) stands in a `metadata` mapping, which
vcrpy carries along. Scrubbing and matching are not known here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from framework.authoring.scaffold.file_writer import write_whole
from framework.authoring.scrub.leak_check import leaks
from framework.definition.json_text import may_be_deep
from framework.errors import CassetteError

Json = Any


DEEPEST = 200
"""Lists and mappings inside one another."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BLOCKS = re.compile(r"^ {200}|(?:[-?:] +){100}", re.MULTILINE)


def is_too_deep(text: str) -> bool:
    """Whether lists and mappings nest deeper than DEEPEST; a yaml.YAMLError where it is no YAML.

    Texts full of brackets are looked into, event by event: parsing does not recurse.
    """
    if not may_be_deep(text.encode("utf-8", "replace")) and _BLOCKS.search(text) is None:
        return False
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                return True
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return False


try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # pragma: no cover - PyYAML without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

Headers = tuple[tuple[str, str], ...]

VERSION = 1
"""vcrpy's cassette format."""
FORMAT = 1
"""Our `metadata` mapping's format."""


@dataclass(frozen=True)
class Interaction:
    """One request and its answer. Bodies are bytes without a content encoding; header names may
    repeat."""

    method: str
    url: str
    status: int
    reason: str = ""
    headers: Headers = ()
    body: bytes = b""
    request_headers: Headers = ()
    request_body: bytes | None = None


@dataclass(frozen=True)
class Cassette:
    """A recorded run: what was asked and answered, and what a replay needs to be the same run.

    `clock` is the run's start in UTC; `config` the values by entry name, secrets never; an empty
    `resources` means those selected by default.
    """

    connector: str
    clock: datetime
    interactions: tuple[Interaction, ...]
    config: Mapping[str, Json] = field(default_factory=dict)
    resources: tuple[str, ...] = ()
    limit: int | None = None


def read_cassette(path: Path, connector_name: str) -> Cassette:
    """The cassette of that connector; CassetteError says what is wrong and how to mend it."""
    again = f"record it again: framework record {connector_name}"
    data = _load(path, connector_name, again)
    if not isinstance(data, dict) or not isinstance(data.get("interactions"), list):
        raise CassetteError(f"{path} is no cassette: it has no list of `interactions`; {again}")
    if "version" not in data:
        raise CassetteError(f"{path} is cut: its last line, `version`, is missing; {again}")
    if data["version"] != VERSION:
        raise CassetteError(
            f"{path} is a cassette of version {data['version']}, expected {VERSION}; {again}"
        )
    metadata = data.get("metadata")
    if not isinstance(metadata, dict) or "connector" not in metadata:
        raise CassetteError(
            f"{path} does not say which connector it is of: `metadata` is missing; {again}"
        )
    if metadata["connector"] != connector_name:
        raise CassetteError(
            f"{path} is a cassette of the connector `{metadata['connector']}`, expected "
            f"`{connector_name}`; {again}"
        )
    if metadata.get("format") != FORMAT:
        raise CassetteError(
            f"{path}: `metadata.format` is {metadata.get('format')}, expected {FORMAT}; {again}"
        )
    try:
        return _cassette(data, metadata)
    except _Malformed as error:
        raise CassetteError(f"{path}: {error}; {again}") from None


def write_cassette(path: Path, cassette: Cassette, secrets: Iterable[str] = ()) -> None:
    """Write the file whole or not at all.

    CassetteError where one of the secrets is still in it, in any form, or where it cannot be
    written.
    """
    secrets = tuple(secrets)
    text = to_text(cassette)
    found = leaks("\n".join((text, *_texts(cassette))), secrets)
    if found:
        raise CassetteError(
            f"{path} was not written: it would hold a secret ({'; '.join(found)}). Look where the "
            "API sends it back; a field that its schema lets stay (enum, const, x-keep) is "
            "not replaced"
        )
    write_whole(path, text)


def to_text(cassette: Cassette) -> str:
    """The file's text, by vcrpy's serializer."""
    from vcr import serialize
    from vcr.serializers import yamlserializer

    metadata = {
        "connector": cassette.connector,
        "format": FORMAT,
        "clock": cassette.clock.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "config": dict(cassette.config),
        "resources": list(cassette.resources),
        "limit": cassette.limit,
    }

    class WithMetadata:
        """vcrpy's serializer; older ones than 9 know no metadata of their own."""

        @staticmethod
        def serialize(data: dict[str, Json]) -> str:
            return str(yamlserializer.serialize({**data, "metadata": metadata}))

    kept = {
        "requests": [vcr_request(interaction) for interaction in cassette.interactions],
        "responses": [_response(interaction) for interaction in cassette.interactions],
    }
    return str(serialize.serialize(kept, WithMetadata))


def vcr_request(interaction: Interaction) -> Any:
    """The request as vcrpy's own Request, which its matchers take."""
    from vcr.request import Request

    return Request(
        interaction.method,
        interaction.url,
        interaction.request_body,
        dict(interaction.request_headers),
    )


class _Malformed(ValueError):
    """An interaction or metadata that is not as the format has it."""


def _load(path: Path, name: str, again: str) -> Json:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CassetteError(
            f"there is no cassette {path}; make it with: framework record {name}"
        ) from None
    except IsADirectoryError:
        raise CassetteError(f"{path} is a folder, expected a cassette file") from None
    except UnicodeDecodeError:
        raise CassetteError(f"{path} is no cassette: it is no UTF-8 text; {again}") from None
    except OSError as error:
        raise CassetteError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        if is_too_deep(text):
            raise CassetteError(f"{path} is no cassette: it is nested too deeply; {again}")
        return yaml.load(text, Loader=_Loader)
    except yaml.constructor.ConstructorError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise CassetteError(
            f"{path}{where}: a tag that no cassette has ({error.problem}); {again}"
        ) from None
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise CassetteError(
            f"{path}{where}: broken or cut, it is no YAML ({error.problem}); {again}"
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise CassetteError(f"{path}: broken or cut, it is no YAML; {again}") from None


def _cassette(data: dict[str, Json], metadata: dict[str, Json]) -> Cassette:
    from vcr import serialize

    for number, entry in enumerate(data["interactions"], 1):
        if not _is_interaction(entry):
            raise _Malformed(f"interaction {number} is cut or no request with its response")

    class Loaded:
        """Hands vcrpy what was read without any of the Python tags that its own loader takes."""

        @staticmethod
        def deserialize(_: str) -> dict[str, Json]:
            return data

    requests, responses, *_ = serialize.deserialize("", Loaded)
    interactions = []
    for number, (request, response) in enumerate(zip(requests, responses, strict=True), 1):
        try:
            interactions.append(_interaction(request, response))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _Malformed(f"interaction {number} is not as vcrpy writes it") from None
    clock = metadata.get("clock")
    try:
        start = clock if isinstance(clock, datetime) else datetime.fromisoformat(str(clock))
        start = start.replace(tzinfo=start.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Malformed(f"`metadata.clock` is {clock}, expected a UTC time") from None
    config, resources = metadata.get("config") or {}, metadata.get("resources") or []
    limit = metadata.get("limit")
    if not isinstance(config, dict) or not isinstance(resources, list):
        raise _Malformed("`metadata` has a mapping `config` and a list `resources`")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool)):
        raise _Malformed(f"`metadata.limit` is {limit}, expected a number or null")
    return Cassette(
        connector=metadata["connector"],
        clock=start,
        interactions=tuple(interactions),
        config=config,
        resources=tuple(map(str, resources)),
        limit=limit,
    )


def _is_interaction(entry: Json) -> bool:
    if not isinstance(entry, dict):
        return False
    request, response = entry.get("request"), entry.get("response")
    return (
        isinstance(request, dict)
        and set(request) == {"method", "uri", "body", "headers"}
        and isinstance(request["method"], str)
        and isinstance(request["uri"], str)
        and isinstance(request["headers"], dict)
        and [] not in request["headers"].values()
        and (request["body"] is None or isinstance(request["body"], (str, bytes)))
        and isinstance(response, dict)
        and isinstance(response.get("status"), dict)
        and isinstance(response.get("headers"), dict)
        and isinstance(response.get("body"), dict)
        and isinstance(response["body"].get("string"), (str, bytes))
    )


def _interaction(request: Any, response: dict[str, Json]) -> Interaction:
    headers: list[tuple[str, str]] = []
    for name, values in response["headers"].items():
        for value in values if isinstance(values, list) else [values]:
            headers.append((str(name), str(value)))
    return Interaction(
        method=request.method,
        url=request.uri,
        status=int(response["status"]["code"]),
        reason=str(response["status"].get("message") or ""),
        headers=tuple(headers),
        body=response["body"]["string"],
        request_headers=tuple((str(name), str(value)) for name, value in request.headers.items()),
        request_body=request.body,
    )


def _response(interaction: Interaction) -> dict[str, Json]:
    headers: dict[str, list[str]] = {}
    for name, value in interaction.headers:
        headers.setdefault(name, []).append(value)
    return {
        "status": {"code": interaction.status, "message": interaction.reason},
        "headers": headers,
        "body": {"string": interaction.body},
    }


def _texts(cassette: Cassette) -> Iterable[str]:
    """Every text of the cassette as it is: YAML folds and escapes, a secret could hide in that."""
    yield json.dumps(dict(cassette.config), ensure_ascii=False, default=str)
    for part in cassette.interactions:
        yield part.url
        for _, value in (*part.headers, *part.request_headers):
            yield value
        for body in (part.body, part.request_body or b""):
            yield body.decode("utf-8", errors="replace")
