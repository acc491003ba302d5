"""The first version of a connector file, from few answers: text that `validate` takes.

Comments stand where only the API's documentation can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from framework.definition.naming import normalize_identifier
from framework.errors import UsageError

AUTHS = ("bearer", "api_key", "http_basic", "none")
PAGINATORS = {
    "single_page": "single_page",
    "page_number": "{type: page_number, base_page: 1, page_param: page, total_path: null}",
    "offset": "{type: offset, limit: 100, offset_param: offset, limit_param: limit, "
    "total_path: null}",
    "cursor": "{type: cursor, cursor_param: cursor, cursor_path: next_cursor}",
    "json_link": "{type: json_link, next_url_path: next}",
    "header_link": "{type: header_link}",
}
"""The paginators that are offered, each with dlt's usual names in it."""
CHECKED = {
    "page_number": "base_page and page_param",
    "offset": "the parameters' names and the most that limit may be",
    "cursor": "where an answer holds the next cursor, and the parameter that takes it",
    "json_link": "where an answer holds the next page's address",
}
"""What of a paginator only the API's documentation tells."""


@dataclass(frozen=True)
class ConnectorFacts:
    """What is asked. `paths` make one resource each; `data_selector` holds for all of them, None
    where there is none. `primary_keys` has one for each path, or one for all (None: there is none).
    `header` is where an api_key goes."""

    name: str
    base_url: str
    paths: tuple[str, ...]
    auth: str
    data_selector: str | None
    primary_keys: tuple[str | None, ...]
    paginator: str
    header: str = "X-API-Key"


def connector_text(answers: ConnectorFacts) -> str:
    """The file. UsageError for a path of which no resource's name can be made."""
    lines = [
        "# yaml-language-server: $schema=../schemas/connector.schema.json",
        "version: 1",
        f"name: {answers.name}",
        f"description: {_quoted(f'Data of {urlsplit(answers.base_url).netloc}.')}",
        "config:",
        f"  base_url: {{type: string, format: uri, default: {_quoted(answers.base_url)}}}",
        *_secrets(answers),
        "client:",
        '  base_url: "{config.base_url}"',
        *_auth(answers),
        "  retry: {status_codes: [429, 500, 502, 503, 504], max_retries: 3, backoff_factor: 2}",
        "resource_defaults:",
        *([f"  {line}" for line in _key(answers.primary_keys[0])] if _same(answers) else []),
        "  endpoint:",
        *_selector(answers),
        *_paginator(answers),
        "resources:",
    ]
    names: set[str] = set()
    for number, path in enumerate(answers.paths):
        name = _resource_name(path, names)
        lines += [f"  - name: {name}"]
        lines += _own(answers) if len(names) > 1 else []
        lines += [] if _same(answers) else [f"    {x}" for x in _key(answers.primary_keys[number])]
        lines.append(f"    endpoint: {{path: {_quoted(path)}}}")
    return "\n".join(lines) + "\n"


def _secrets(answers: ConnectorFacts) -> list[str]:
    declared = {
        "bearer": ["  token: {description: An API token.}"],
        "api_key": ["  api_key: {description: An API key.}"],
        "http_basic": [
            "  username: {description: The user's name.}",
            "  password: {description: The user's password.}",
        ],
        "none": [],
    }[answers.auth]
    return ["secrets:", *declared] if declared else []


def _auth(answers: ConnectorFacts) -> list[str]:
    header = _quoted(answers.header)
    return {
        "bearer": ['  auth: {type: bearer, token: "{secrets.token}"}'],
        "api_key": [
            f'  auth: {{type: api_key, api_key: "{{secrets.api_key}}", name: {header}, '
            "location: header}"
        ],
        "http_basic": [
            '  auth: {type: http_basic, username: "{secrets.username}", '
            'password: "{secrets.password}"}'
        ],
        "none": [],
    }[answers.auth]


def _same(answers: ConnectorFacts) -> bool:
    """Whether all resources have one key, which is then written once."""
    return len(set(answers.primary_keys)) == 1


def _key(primary_key: str | None) -> list[str]:
    if primary_key is None:
        return ["write_disposition: replace      # merge wants a primary_key"]
    key = [part.strip() for part in primary_key.split(",")]
    if not all(key):
        raise UsageError(f"the primary key {primary_key!r} has a field without a name")
    written = _quoted(key[0]) if len(key) == 1 else f"[{', '.join(map(_quoted, key))}]"
    return [f"primary_key: {written}", "write_disposition: merge"]


def _own(answers: ConnectorFacts) -> list[str]:
    """What to look at in a further resource: it has the first one's answers."""
    of_all = answers.primary_keys[0] if len(answers.primary_keys) == 1 else None
    asked = {"primary_key": of_all, "endpoint.data_selector": answers.data_selector}
    given = [key for key, answer in asked.items() if answer is not None]
    return [f"    # to be checked: its {' and '.join(given)}, where other than above"] * bool(given)


def _selector(answers: ConnectorFacts) -> list[str]:
    if answers.data_selector is None:
        return []
    return [f"    data_selector: {_quoted(answers.data_selector)}"]


def _paginator(answers: ConnectorFacts) -> list[str]:
    lines = [f"    paginator: {PAGINATORS[answers.paginator]}"]
    if answers.paginator in CHECKED:
        lines.insert(0, f"    # to be checked: {CHECKED[answers.paginator]}")
    return lines


def _resource_name(path: str, names: set[str]) -> str:
    parts = [part for part in urlsplit(path).path.split("/") if part and "{" not in part]
    for count in range(1, len(parts) + 1):
        name = normalize_identifier("_".join(parts[-count:])).strip("_").replace("__", "_")
        if name and name[0].isalpha() and name not in names:
            names.add(name)
            return name
    raise UsageError(
        f"no resource's name can be made of the path {path!r}: give each another path such as "
        "/users, and rename resources in the file afterwards"
    )


def _quoted(text: str) -> str:
    """A scalar as YAML reads it back, the same text."""
    import yaml

    line: str = yaml.safe_dump(text, width=10_000, allow_unicode=True, default_flow_style=True)
    line = line.removesuffix("\n").removesuffix("\n...")
    flow = any(mark in line for mark in ",[]{}") and line[:1] not in "'\""
    return f'"{line}"' if flow else line
