"""A run's own settings scrubbed: config values, and the addresses that follow from them.

What a person has set may be as personal as a body; recorded base URLs become the file's default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from framework.authoring.cassettes.matching import Address
from framework.authoring.scrub.allowlist import lets_stay, property_names
from framework.authoring.scrub.fake_values import is_numeric, is_time
from framework.authoring.scrub.request_rewriter import Rewriter
from framework.authoring.scrub.request_routes import Routes, text_of
from framework.definition.expressions.placeholders import Placeholder
from framework.definition.model import ConfigEntry, Connector
from framework.runtime.templates import evaluated, fill, made_of_secrets

Json = Any

_DURATION = re.compile(r"P[0-9.YMWD]*(T[0-9.HMS]+)?")


def strings(value: Json) -> Iterator[str]:
    """Every string in JSON data, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def base_url(connector: Connector, config: Mapping[str, Json]) -> str:
    """The base URL with these config values in it."""

    def known(part: Placeholder) -> Json:
        if part.kind == "expression" and not made_of_secrets(part):
            return evaluated(part.text, {"config": config, "now": ""})
        return config.get(part.name, "") if part.kind == "config" else ""

    return text_of(fill(connector.client.base_url, known, place="text", final=True))


def kept_config(
    connector: Connector, config: Mapping[str, Json], rewriter: Rewriter
) -> dict[str, Json]:
    """The config values of a replay: what a person has set may be as personal as a body."""
    kept: dict[str, Json] = {}
    for name, value in config.items():
        entry = connector.config.get(name)
        if value is None or entry is None:
            continue
        kept[name] = _config_value(entry, value, rewriter)
        if isinstance(value, str) and isinstance(kept[name], str):
            rewriter.config[value] = kept[name]
    return kept


def _config_value(entry: ConfigEntry, value: Json, rewriter: Rewriter) -> Json:
    if isinstance(value, list):
        return [_config_value(entry, item, rewriter) for item in value]
    if isinstance(value, dict):
        return {key: _config_value(entry, item, rewriter) for key, item in value.items()}
    if not isinstance(value, str) or value == entry.default:
        return value
    if isinstance(entry.default, str) and "://" in entry.default and "://" in value:
        return entry.default
    declared = entry.schema.get("items", entry.schema)
    if (
        entry.schema.get("x-keep") is True
        or (isinstance(declared, Mapping) and lets_stay((entry.schema, declared), value))
        or is_time(value)
        or is_numeric(value)
        or _DURATION.fullmatch(value)
    ):
        return value
    return rewriter.stand_ins.of(value)


def settle(
    rewriter: Rewriter,
    connector: Connector,
    config: Mapping[str, Json],
    kept: Mapping[str, Json],
) -> None:
    """What follows from the base URL: what recorded addresses become, which names stay."""
    recorded, default = base_url(connector, config), base_url(connector, kept)
    bases = {recorded: default}
    for name, value in config.items():
        if isinstance(value, str) and "://" in value and isinstance(kept.get(name), str):
            bases.setdefault(value, kept[name])
    for old, new in tuple(bases.items()):
        origin, there = Address.of(old).origin, Address.of(new).origin
        if origin and there:
            bases.setdefault(origin, there)
    rewriter.bases.update(bases)
    rewriter.routes = Routes(connector, default)
    hosts = {Address.of(new).host for new in bases.values()} - {""}
    hosts |= {host.lower() for host in connector.client.allowed_hosts}
    for text in strings(plain(connector.data)):
        hosts |= {Address.of(url).host for url in re.findall(r"https?://[^\s/{}<>\"']+", text)}
    rewriter.hosts = _with_parents(hosts, connector)
    words = {resource.name for resource in connector.resources}
    words |= {name for resource in connector.resources for name in property_names(resource.schema)}
    words |= {f"{word}s" for word in words}
    words |= set(rewriter.routes.literal_segments())
    words |= {segment for url in bases.values() for segment in Address.of(url).segments}
    rewriter.words = words


def _with_parents(hosts: set[str], connector: Connector) -> frozenset[str]:
    """`api.example.com` tells that `example.com` is the vendor's, not a customer's name, unless
    a config value makes the host."""
    found = set(hosts)
    for host in hosts:
        labels = host.partition(":")[0].split(".")
        is_name = len(labels) == 3 and not labels[-1].isdigit()
        if is_name and "{" not in connector.client.base_url.split("://")[-1].partition("/")[0]:
            found.add(".".join(labels[1:]))
    return frozenset(found)


def plain(value: Json) -> Json:
    """Copies of mappings and lists, as YAML and JSON write them."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
