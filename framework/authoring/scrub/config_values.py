"""Scrub a run's config values, and derive from them which parts of URLs may stay.

What a user sets may be as personal as a response body. Recorded base URLs become the default of
the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.authoring.exchange import Address
from framework.authoring.scrub.allowlist import may_stay, property_names
from framework.authoring.scrub.fake_values import is_numeric, is_time
from framework.authoring.scrub.file_texts import text_of
from framework.authoring.scrub.request_paths import RequestPaths
from framework.definition.expressions.placeholders import Placeholder
from framework.definition.model import ConfigEntry, Connector
from framework.runtime.templates import evaluated, fill, made_of_secrets

Json = Any

_DURATION = re.compile(r"P[0-9.YMWD]*(T[0-9.HMS]+)?")
_PATH = re.compile(r"[^\s/:]+(/[^\s/:]+)+")


def string_values(value: Json) -> Iterator[str]:
    """Yield every string in JSON data, keys excluded."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from string_values(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from string_values(item)


def base_url(connector: Connector, config: Mapping[str, Json]) -> str:
    """Return the base URL filled with these config values."""

    def value_of(part: Placeholder) -> Json:
        if part.kind == "expression" and not made_of_secrets(part):
            return evaluated(part.text, {"config": config, "now": ""})
        return config.get(part.name, "") if part.kind == "config" else ""

    return text_of(fill(connector.client.base_url, value_of, place="text", final=True))


def scrub_config(
    connector: Connector, config: Mapping[str, Json], fake: Callable[[str], str]
) -> dict[str, Json]:
    """Return the config values that a replay needs, with fake values for personal ones."""
    return {
        name: _scrub_value(connector.config[name], value, fake)
        for name, value in config.items()
        if value is not None and name in connector.config
    }


def _scrub_value(entry: ConfigEntry, value: Json, fake: Callable[[str], str]) -> Json:
    if value == entry.default:
        return value
    if isinstance(value, list):
        return [_scrub_value(entry, item, fake) for item in value]
    if isinstance(value, dict):
        return {key: _scrub_value(entry, item, fake) for key, item in value.items()}
    if not isinstance(value, str) or value in _items(entry.default):
        return value
    if isinstance(entry.default, str) and "://" in entry.default and "://" in value:
        return entry.default
    item_schema = entry.schema.get("items", entry.schema)
    if (
        entry.schema.get("x-keep") is True
        or (isinstance(item_schema, Mapping) and may_stay((entry.schema, item_schema), value))
        or is_time(value)
        or is_numeric(value)
        or _DURATION.fullmatch(value)
    ):
        return value
    if _PATH.fullmatch(value):
        # an expression may take it apart, so each part becomes what it is elsewhere
        return "/".join(map(fake, value.split("/")))
    return fake(value)


def _items(default: Json) -> list[Json]:
    """Return the items of a default that is a list: the file itself names them."""
    return default if isinstance(default, list) else []


@dataclass(frozen=True)
class UrlParts:
    """What of a URL is not personal.

    `bases` maps recorded base URLs to their replacements. `words` are path segments and `hosts`
    host names that stay. `paths` are the resources' paths below the new base URL.
    """

    paths: RequestPaths
    bases: Mapping[str, str] = field(default_factory=dict)
    words: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, connector: Connector, config: Mapping[str, Json], scrubbed: Mapping[str, Json]
    ) -> UrlParts:
        """Derive them from the config before and after scrubbing."""
        default = base_url(connector, scrubbed)
        bases = {base_url(connector, config): default}
        for name, value in config.items():
            if isinstance(value, str) and "://" in value and isinstance(scrubbed.get(name), str):
                bases.setdefault(value, scrubbed[name])
        for old, new in tuple(bases.items()):
            old_origin, new_origin = Address.of(old).origin, Address.of(new).origin
            if old_origin and new_origin:
                bases.setdefault(old_origin, new_origin)
        paths = RequestPaths(connector, default)
        words = {resource.name for resource in connector.resources}
        for resource in connector.resources:
            words |= property_names(resource.schema)
        words |= {f"{word}s" for word in words}
        words.update(paths.literal_segments())
        words |= {segment for url in bases.values() for segment in Address.of(url).segments}
        return cls(paths, bases, frozenset(words), frozenset(_hosts(connector, bases)))

    def rebase(self, url: str) -> str:
        """Replace a known base at the start of a URL, the longest one first."""
        for old in sorted(self.bases, key=len, reverse=True):
            prefix = old.rstrip("/")
            if url.startswith(prefix) and url[len(prefix) : len(prefix) + 1] in ("", "/", "?", "#"):
                return self.bases[old].rstrip("/") + url[len(prefix) :]
        return url

    def rebase_all(self, text: str) -> str:
        """Replace recorded base URLs anywhere in a text that otherwise stays."""
        for old, new in self.bases.items():
            if old != new and old in text:
                text = re.sub(re.escape(old.rstrip("/")) + r"(?![\w.-])", new.rstrip("/"), text)
        return text

    def is_known_host(self, host: str) -> bool:
        """Return whether a host belongs to the API's vendor: a name of the file or near it."""
        name = host.partition(":")[0]
        return host in self.hosts or any(
            name == known or name.endswith("." + known) or known.endswith("." + name)
            for known in self.hosts
        )


def _hosts(connector: Connector, bases: Mapping[str, str]) -> set[str]:
    hosts = {Address.of(new).host for new in bases.values()} - {""}
    hosts |= {host.lower() for host in connector.client.allowed_hosts}
    for text in string_values(connector.data):
        hosts |= {Address.of(url).host for url in re.findall(r"https?://[^\s/{}<>\"']+", text)}
    # api.example.com implies that example.com is the vendor's, unless a config value makes the host
    if "{" in connector.client.base_url.split("://")[-1].partition("/")[0]:
        return hosts
    labels = [host.partition(":")[0].split(".") for host in hosts]
    return hosts | {
        ".".join(parts[1:]) for parts in labels if len(parts) == 3 and not parts[-1].isdigit()
    }
