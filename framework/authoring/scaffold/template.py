"""The first version of a connector file: text that `validate` accepts, from a few facts.

Comments mark what only the API's documentation can tell.
"""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

from framework.authoring.scaffold.yaml_writer import yaml_text
from framework.definition.finder import Location
from framework.definition.graphql_query import parse_query
from framework.definition.model import Connector
from framework.definition.validation import validate
from framework.definition.values.naming import NAME, normalize_identifier
from framework.errors import FindingsError, UsageError

Json = Any

_SECRET = re.compile(r"\{secrets\.([a-z][a-z0-9_]*)\}")
"""A secret that a path or a body names."""


class _Auth(NamedTuple):
    """The secrets that an auth needs, and the auth; `{{header}}` is where an api_key goes."""

    secrets: tuple[str, ...] = ()
    auth: str = ""


_AUTHS = {
    "bearer": _Auth(
        ("token: {description: An API token.}",),
        '{type: bearer, token: "{secrets.token}"}',
    ),
    "api_key": _Auth(
        ("api_key: {description: An API key.}",),
        '{type: api_key, api_key: "{secrets.api_key}", name: {{header}}, location: header}',
    ),
    "http_basic": _Auth(
        (
            "username: {description: The user's name.}",
            "password: {description: The user's password.}",
        ),
        '{type: http_basic, username: "{secrets.username}", password: "{secrets.password}"}',
    ),
    "none": _Auth(),
}
AUTHS = tuple(_AUTHS)

PAGINATOR_TEMPLATES = {
    "auto": "",
    "single_page": "single_page",
    "page_number": "{type: page_number, base_page: 1, page_param: page, total_path: null}",
    "offset": "{type: offset, limit: 100, offset_param: offset, limit_param: limit, "
    "total_path: null}",
    "cursor": "{type: cursor, cursor_param: cursor, cursor_path: next_cursor}",
    "json_link": "{type: json_link, next_url_path: next}",
    "header_link": "{type: header_link}",
}
"""The paginators to choose from, each with dlt's usual names; `auto` is written by no key."""
_TO_CHECK = {
    "auto": "paginator: left out, so dlt detects it; `framework check NAME --deep` proposes it",
    "page_number": "base_page and page_param",
    "offset": "the parameters' names and the highest limit",
    "cursor": "where a response has the next cursor, and the parameter that takes it",
    "json_link": "where a response has the next page's address",
}
"""What of a paginator only the API, or its documentation, tells. Without a choice it is `auto`:
`single_page` would load the first page of a longer list as if it were all."""


@dataclass(frozen=True)
class ConnectorFacts:
    """What the user says about an API.

    `paths` become one resource each. `data_selector` is for all of them. `primary_keys` has one for
    each path, or one for all (None: there is none). `header` is where an api_key goes, or
    `key_param` if it goes into the query. `method` and `json` are those of each request, or
    `graphql` is its block.
    """

    name: str
    base_url: str
    paths: tuple[str, ...]
    auth: str
    data_selector: str | None
    primary_keys: tuple[str | None, ...]
    paginator: str
    header: str = "X-API-Key"
    key_param: str | None = None
    method: str = "GET"
    json: Json = None
    graphql: Mapping[str, Json] | None = None

    def endpoint(self, path: str) -> dict[str, Json]:
        """Return the keys of the endpoint that say what is requested."""
        endpoint: dict[str, Json] = {"path": path}
        if self.graphql is not None:
            return {**endpoint, "graphql": dict(self.graphql)}
        if self.method != "GET":
            endpoint["method"] = self.method
        if self.json is not None:
            endpoint["json"] = self.json
        return endpoint

    @property
    def names(self) -> list[str]:
        """A name for the resource of each path; of a GraphQL query that of its list.

        Raise UsageError if a path does not give one.
        """
        if self.graphql is not None and len(self.paths) == 1:
            query = parse_query(self.graphql["query"], self.graphql.get("operation"))
            keys = query.roots if query.paged is None else query.paged.path[-1:]
            name = normalize_identifier(keys[0]).strip("_") if len(keys) == 1 else ""
            if NAME.fullmatch(name) and "__" not in name:
                return [name]
        found: dict[str, None] = {}
        for path in self.paths:
            found[_resource_name(path, found)] = None
        return list(found)

    @property
    def tells_pages(self) -> bool:
        """Whether a GraphQL query says itself how its pages follow."""
        block = self.graphql
        return block is not None and (
            parse_query(block["query"], block.get("operation")).paged is not None
        )

    @property
    def has_one_key(self) -> bool:
        """Whether all resources have the same key, which is then written once."""
        return len(set(self.primary_keys)) == 1


def connector_text(facts: ConnectorFacts) -> str:
    """Return the connector file. Raise UsageError if a path does not give a resource name."""
    lines = [
        *_head(facts),
        *_defaults(facts),
        "resources:",
    ]
    for number, (name, path) in enumerate(zip(facts.names, facts.paths, strict=True)):
        lines.append(f"  - name: {name}")
        lines += _to_check(facts) if number else []
        if not facts.has_one_key:
            lines += [f"    {line}" for line in _key(facts.primary_keys[number])]
        written = yaml_text({name: {"endpoint": facts.endpoint(path)}}, {})
        lines += [f"  {line}".rstrip() for line in written.splitlines()[1:]]
    return "\n".join(lines) + "\n"


def valid_draft(path: Path, root: Path) -> Connector:
    """Return the connector of a file that was made of a user's options.

    Raise UsageError if they make no valid one.
    """
    result = validate(Location(path.stem, path, root, path.name))
    if result.connector is None:
        errors = [one for one in result.findings if one.severity == "error"]
        if not errors:
            raise FindingsError(result.findings)
        raise UsageError(
            f"these options make no valid connector: {errors[0].message} [{errors[0].code}]"
        )
    return result.connector


def connector_head(facts: ConnectorFacts) -> dict[str, Json]:
    """Return the connector file without its resources, as data."""
    head: dict[str, Json] = yaml.safe_load("\n".join(_head(facts)))
    return head


def secrets_of(auth: str) -> tuple[str, ...]:
    """Return the names of the secrets that an auth needs."""
    return tuple(text.partition(":")[0] for text in _AUTHS[auth].secrets)


def _head(facts: ConnectorFacts) -> list[str]:
    auth = _AUTHS[facts.auth]
    auth_text = auth.auth.replace("{{header}}", _quoted(facts.key_param or facts.header))
    if facts.key_param:
        auth_text = auth_text.replace("location: header", "location: query")
    texts = [*facts.paths, json_module.dumps([facts.json, facts.graphql])]
    named = {name for text in texts for name in _SECRET.findall(text)}
    secrets = [*auth.secrets]
    secrets += [f"{name}: {{}}" for name in sorted(named - {*secrets_of(facts.auth)})]
    return [
        "# yaml-language-server: $schema=../schemas/connector.schema.json",
        "version: 1",
        f"name: {facts.name}",
        f"description: {_quoted(f'Data of {urlsplit(facts.base_url).netloc}.')}",
        "config:",
        f"  base_url: {{type: string, format: uri, default: {_quoted(facts.base_url)}}}",
        *(["secrets:"] if secrets else []),
        *(f"  {secret}" for secret in secrets),
        "client:",
        '  base_url: "{config.base_url}"',
        *([f"  auth: {auth_text}"] if auth_text else []),
        "  retry: {status_codes: [429, 500, 502, 503, 504], max_retries: 3, backoff_factor: 2}",
    ]


def _defaults(facts: ConnectorFacts) -> list[str]:
    """Return what all resources have; a comment alone if that is nothing."""
    endpoint = []
    if facts.data_selector is not None:
        endpoint.append(f"data_selector: {_quoted(facts.data_selector)}")
    if facts.paginator in _TO_CHECK and not facts.tells_pages:
        unknown = _TO_CHECK[facts.paginator].replace("NAME", facts.name)
        endpoint.append(f"# to be checked: {unknown}")
    if PAGINATOR_TEMPLATES[facts.paginator]:
        endpoint.append(f"paginator: {PAGINATOR_TEMPLATES[facts.paginator]}")
    hints = _key(facts.primary_keys[0]) if facts.has_one_key else []
    if any(not line.startswith("#") for line in endpoint):
        lines = [*hints, "endpoint:", *(f"  {line}" for line in endpoint)]
    else:
        lines = [*hints, *endpoint]
    if all(line.startswith("#") for line in lines):
        return lines
    return ["resource_defaults:", *(f"  {line}" for line in lines)]


def _key(primary_key: str | None) -> list[str]:
    if primary_key is None:
        return ["write_disposition: replace      # merge needs a primary_key"]
    key = [part.strip() for part in primary_key.split(",")]
    if not all(key):
        raise UsageError(f"found a field without a name in the primary key {primary_key!r}")
    text = _quoted(key[0]) if len(key) == 1 else f"[{', '.join(map(_quoted, key))}]"
    return [f"primary_key: {text}", "write_disposition: merge"]


def _to_check(facts: ConnectorFacts) -> list[str]:
    """Return a comment on what a further resource has from the first one."""
    shared_key = facts.primary_keys[0] if len(facts.primary_keys) == 1 else None
    shared = {"primary_key": shared_key, "endpoint.data_selector": facts.data_selector}
    keys = [key for key, value in shared.items() if value is not None]
    return [f"    # to be checked: its {' and '.join(keys)}, if different"] if keys else []


def _resource_name(path: str, names: Collection[str]) -> str:
    """Return a new name from the path's last words."""
    parts = [part for part in urlsplit(path).path.split("/") if part and "{" not in part]
    for count in range(1, len(parts) + 1):
        name = normalize_identifier("_".join(parts[-count:])).strip("_").replace("__", "_")
        if name and name[0].isalpha() and name not in names:
            return name
    raise UsageError(
        f"the path {path!r} does not give a new resource name; use paths such as /users, and "
        "rename resources in the file afterwards"
    )


def _quoted(text: str) -> str:
    """Return a scalar that YAML reads as the same text, in a flow mapping too."""
    line: str = yaml.safe_dump(text, width=10_000, allow_unicode=True, default_flow_style=True)
    line = line.removesuffix("\n").removesuffix("\n...")
    is_flow = any(mark in line for mark in ",[]{}") and line[:1] not in "'\""
    return f'"{line}"' if is_flow else line
