"""Read and write a cassette: a recorded run in vcrpy's YAML format.

A `metadata` mapping beside vcrpy's own keys says which run it was: connector, clock, config,
resources, limit, and the values of partitions from queries. vcrpy ignores it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from framework.authoring.exchange import Interaction
from framework.authoring.scaffold.file_writer import write_text
from framework.definition.model import Connector
from framework.definition.yaml_limits import LimitExceeded, Limits, load_limited, read_limited
from framework.errors import CassetteError
from framework.runtime.secret_forms import SHORT, forms_of
from framework.runtime.settings import STAND_IN

Json = Any

VERSION = 1
"""The version of vcrpy's cassette format."""
FORMAT = 1
"""The version of the `metadata` mapping."""
LIMITS = Limits(size=500_000_000)
"""The largest cassette."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Cassette:
    """A recorded run: its exchanges, and what a replay needs to be the same run.

    `clock` is the run's start in UTC. `config` has values by entry name and never a secret. No
    `resources` means those selected by default. `queries` has the values of partitions from a
    query, by `RESOURCE.PARTITION`.
    """

    connector: str
    clock: datetime
    interactions: tuple[Interaction, ...]
    config: Mapping[str, Json] = field(default_factory=dict)
    resources: tuple[str, ...] = ()
    limit: int | None = None
    queries: Mapping[str, Json] = field(default_factory=dict)

    def query_values(self, name: str, _: str) -> list[Json]:
        """Return the recorded values of a partition's query; see `runtime.environment`.

        Raise CassetteError if there are none.
        """
        values = self.queries.get(name)
        if not isinstance(values, list):
            raise CassetteError(
                f"the cassette of `{self.connector}` has no values for the query of {name}; record "
                f"it again: framework record {self.connector}"
            )
        return values


def cassette_path(connector: Connector) -> Path:
    """Return where the connector's cassette is, whether it exists or not."""
    return connector.root / "cassettes" / f"{connector.name}.yaml"


def read_cassette(path: Path, connector_name: str) -> Cassette:
    """Return the cassette. Raise CassetteError if it is broken or of another connector."""
    remedy = f"record it again: framework record {connector_name}"
    data = _load(path, connector_name, remedy)
    if not isinstance(data, dict) or not isinstance(data.get("interactions"), list):
        raise CassetteError(f"{path} is not a cassette: it has no list `interactions`; {remedy}")
    if "version" not in data:
        raise CassetteError(f"{path} is cut off: its last line, `version`, is missing; {remedy}")
    if data["version"] != VERSION:
        raise CassetteError(
            f"{path} is a cassette of version {data['version']}, expected {VERSION}; {remedy}"
        )
    metadata = data.get("metadata")
    if not isinstance(metadata, dict) or "connector" not in metadata:
        raise CassetteError(f"{path} does not name its connector: `metadata` is missing; {remedy}")
    if metadata["connector"] != connector_name:
        raise CassetteError(
            f"{path} is a cassette of the connector `{metadata['connector']}`, expected "
            f"`{connector_name}`; {remedy}"
        )
    if metadata.get("format") != FORMAT:
        raise CassetteError(
            f"{path}: `metadata.format` is {metadata.get('format')}, expected {FORMAT}; {remedy}"
        )
    try:
        return _cassette(data, metadata)
    except _MalformedCassette as error:
        raise CassetteError(f"{path}: {error}; {remedy}") from None


def write_cassette(path: Path, cassette: Cassette, secrets: Iterable[str] = ()) -> None:
    """Write the whole file, or nothing.

    Raise CassetteError if a secret is still in it in any form, or if the file cannot be written.
    """
    text = to_text(cassette)
    leaks = find_leaks("\n".join((text, *_unfolded_texts(cassette))), secrets)
    if leaks:
        raise CassetteError(
            f"{path} was not written: it would contain a secret ({'; '.join(leaks)}). Find where "
            "the API returns it: a field that its schema allows to stay (enum, const, x-keep) is "
            "not replaced"
        )
    write_text(path, text, CassetteError)


def to_text(cassette: Cassette) -> str:
    """Return the file's text, written by vcrpy's serializer."""
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
    if cassette.queries:
        metadata["queries"] = dict(cassette.queries)

    class SerializerWithMetadata:
        """vcrpy's serializer; before version 9 it had no metadata of its own."""

        @staticmethod
        def serialize(data: dict[str, Json]) -> str:
            return str(yamlserializer.serialize({**data, "metadata": metadata}))

    data = {
        "requests": [vcr_request(interaction) for interaction in cassette.interactions],
        "responses": [_vcr_response(interaction) for interaction in cassette.interactions],
    }
    return str(serialize.serialize(data, SerializerWithMetadata))


def vcr_request(interaction: Interaction) -> Any:
    """Return the request as a `vcr.request.Request`, which vcrpy's matchers take."""
    from vcr.request import Request

    return Request(
        interaction.method,
        interaction.url,
        interaction.request_body,
        dict(interaction.request_headers),
    )


def find_leaks(text: str, secrets: Iterable[str]) -> list[str]:
    """Describe which secrets the text contains and in which form, without quoting them.

    Forms: plain, percent-encoded, JSON-escaped, hexadecimal, and base64 at any offset of a longer
    text, so also in `user:secret` of basic auth.
    """
    lower = text.lower()
    leaks: dict[str, None] = {}
    for number, secret in enumerate(dict.fromkeys(secrets), 1):
        if not secret.strip() or secret == STAND_IN:
            continue
        for spelling, form in forms_of(secret).items():
            if form == "percent-encoded":
                is_there = spelling.lower() in lower
            elif len(secret) < SHORT:  # part of a longer word it is chance
                is_there = _has_word(text, spelling)
            else:
                is_there = spelling in text
            if is_there:
                leaks[f"secret {number} of {len(secret)} characters, {form}"] = None
    return list(leaks)


def _has_word(text: str, word: str) -> bool:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
            return True
        start = text.find(word, start + 1)
    return False


class _MalformedCassette(ValueError):
    """An interaction or the metadata does not follow the format."""


def _load(path: Path, name: str, remedy: str) -> Json:
    try:
        text = read_limited(path, LIMITS.size).decode()
    except LimitExceeded as error:
        raise CassetteError(f"{path} is not a cassette: it {error}; {remedy}") from None
    except FileNotFoundError:
        raise CassetteError(
            f"there is no cassette {path}; create it: framework record {name}"
        ) from None
    except IsADirectoryError:
        raise CassetteError(f"{path} is a folder, expected a cassette file") from None
    except UnicodeDecodeError:
        raise CassetteError(f"{path} is not a cassette: it is not UTF-8 text; {remedy}") from None
    except OSError as error:
        raise CassetteError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        return load_limited(text, _LOADER, LIMITS)
    except LimitExceeded as error:
        raise CassetteError(f"{path} is not a cassette: it {error}; {remedy}") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = "broken or cut off, not valid YAML"
        if isinstance(error, yaml.constructor.ConstructorError):
            problem = "a tag that cassettes do not have"
        raise CassetteError(f"{path}{line}: {problem} ({error.problem}); {remedy}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise CassetteError(f"{path}: broken or cut off, not valid YAML; {remedy}") from None


def _cassette(data: dict[str, Json], metadata: dict[str, Json]) -> Cassette:
    from vcr import serialize

    for number, entry in enumerate(data["interactions"], 1):
        if not _is_interaction(entry):
            raise _MalformedCassette(
                f"interaction {number} is cut off or not a request with its response"
            )

    class LoadedData:
        """Passes loaded data to vcrpy, whose own loader would construct Python objects."""

        @staticmethod
        def deserialize(_: str) -> dict[str, Json]:
            return data

    try:
        requests, responses, *_ = serialize.deserialize("", LoadedData)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise _MalformedCassette("an interaction is not in vcrpy's format") from None
    interactions = []
    for number, (request, response) in enumerate(zip(requests, responses, strict=True), 1):
        try:
            interactions.append(_interaction(request, response))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise _MalformedCassette(f"interaction {number} is not in vcrpy's format") from None
    clock = metadata.get("clock")
    try:
        start = clock if isinstance(clock, datetime) else datetime.fromisoformat(str(clock))
        start = start.replace(tzinfo=start.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _MalformedCassette(f"`metadata.clock` is {clock}, expected a UTC time") from None
    config, resources = metadata.get("config") or {}, metadata.get("resources") or []
    limit, queries = metadata.get("limit"), metadata.get("queries") or {}
    if not isinstance(config, dict) or not isinstance(resources, list):
        raise _MalformedCassette("`metadata` needs a mapping `config` and a list `resources`")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool)):
        raise _MalformedCassette(f"`metadata.limit` is {limit}, expected a number or null")
    if not isinstance(queries, dict):
        raise _MalformedCassette("`metadata.queries` is not a mapping")
    return Cassette(
        connector=metadata["connector"],
        clock=start,
        interactions=tuple(interactions),
        config=config,
        resources=tuple(map(str, resources)),
        limit=limit,
        queries=queries,
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
        and all(isinstance(name, str) for name in request["headers"])
        and _is_url(request["uri"])
        and [] not in request["headers"].values()
        and (request["body"] is None or isinstance(request["body"], (str, bytes)))
        and isinstance(response, dict)
        and isinstance(response.get("status"), dict)
        and isinstance(response.get("headers"), dict)
        and isinstance(response.get("body"), dict)
        and isinstance(response["body"].get("string"), (str, bytes))
    )


def _is_url(text: str) -> bool:
    try:
        return bool(urlsplit(text).scheme)
    except ValueError:
        return False


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


def _vcr_response(interaction: Interaction) -> dict[str, Json]:
    headers: dict[str, list[str]] = {}
    for name, value in interaction.headers:
        headers.setdefault(name, []).append(value)
    return {
        "status": {"code": interaction.status, "message": interaction.reason},
        "headers": headers,
        "body": {"string": interaction.body},
    }


def _unfolded_texts(cassette: Cassette) -> Iterator[str]:
    """Yield every text as it is: YAML folds and escapes, which could hide a secret."""
    yield json.dumps(dict(cassette.config), ensure_ascii=False, default=str)
    for interaction in cassette.interactions:
        yield interaction.url
        for _, value in (*interaction.headers, *interaction.request_headers):
            yield value
        for body in (interaction.body, interaction.request_body or b""):
            yield body.decode("utf-8", errors="replace")
