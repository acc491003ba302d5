"""Write what a recorded request sends: constants as they are, credentials and people as entries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from framework.authoring.cassettes.cassette import find_leaks
from framework.definition.expressions.placeholders import escape
from framework.importers.api_guesses.api_model.name_words import plain_name, vocabulary
from framework.importers.api_guesses.declared_values import DeclaredValues
from framework.importers.api_guesses.paging_signs import request_role
from framework.importers.api_guesses.parent_lists import full_name
from framework.importers.api_guesses.resource_entry import SentInputs
from framework.importers.recorded.api_exchange import ApiExchange, InputKey
from framework.importers.recorded.credentials import (
    BROWSER_HEADERS,
    Access,
    looks_random,
    names_secret,
)
from framework.importers.recorded.endpoints import RecordedEndpoint
from framework.importers.recorded.observed_records import input_shape
from framework.importers.recorded.open_values import open_names, template_of
from framework.importers.recorded.page_comparison import is_noise
from framework.runtime.redaction import ADDRESS

Json = Any

_HARMLESS = vocabulary(
    """
    limit perpage pagesize size sort sortby order orderby ordering direction format shape fields
    select include expand embed view lang locale language v version apiversion top maxresults
    count pretty alt operationname columns with relations extend populate
    """
)
"""Inputs that leave no record out."""
_PLAIN_ACCEPT = re.compile(r"^(?:\*/\*|(?:application/json|text/plain|text/html)\b.*)$")


@dataclass(frozen=True)
class Literals:
    """Writes values of one recording: `access` says which of them are credentials.

    `given` are the recorded values of config entries that have no default.
    """

    access: Access
    values: DeclaredValues
    given: dict[str, str] = field(default_factory=dict)

    def written(self, name: str, value: Json, what: str) -> Json:
        """Return a value as the file writes it."""
        if isinstance(value, list):
            return [self.written(name, one, what) for one in value]
        if isinstance(value, dict):
            return {
                escape(str(key)): self.written(f"{name}.{key}" if name else str(key), one, what)
                for key, one in value.items()
            }
        text = str(value)
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            placeholder = self.access.secrets.get(text)
            if placeholder is not None and (names_secret(name) or looks_random(text)):
                return placeholder
            if text in self.access.secrets and names_secret(name):
                return self._secret(name, text)
        if not isinstance(value, str):
            return value
        if open_names(value):
            return template_of(value, self.values, what)
        if find_leaks(text, self.access.raw):
            template = self._with_placeholders(text)
            return template if template is not None else self._secret(name, text)
        if ADDRESS.search(value) and "\n" not in value:
            return self.entry(name, value, f"The value of {name}, which looks like an address.")
        return escape(value)

    def _with_placeholders(self, text: str) -> str | None:
        """Return a text whose credentials are placeholders, None if one stays."""
        known = {one: two for one, two in self.access.secrets.items() if two and one in text}
        if not known:
            return None
        longest_first = sorted(known, key=len, reverse=True)
        parts = re.split(f"({'|'.join(map(re.escape, longest_first))})", text)
        rest = "".join(parts[::2])
        if find_leaks(rest, self.access.raw):
            return None
        return "".join(
            known[part] or "" if position % 2 else escape(part)
            for position, part in enumerate(parts)
        )

    def entry(self, name: str, value: str, description: str) -> str:
        """Declare a value that only the user knows."""
        declared = {"type": "string", "description": description}
        placeholder = self.values.entry(name.rpartition(".")[2], declared)
        self.given.setdefault(placeholder.strip("{}").partition(".")[2], value)
        return placeholder

    def _secret(self, name: str, text: str) -> str:
        placeholder = self.values.secret(name.rpartition(".")[2], f"The value of {name}.")
        self.access.hide(text, placeholder)
        self.access.secrets[text] = placeholder
        return placeholder

    def segment(
        self, endpoint: RecordedEndpoint, position: int, returned: frozenset[str]
    ) -> tuple[str, bool]:
        """Return what stands for a variable of a path, and whether it is a recorded id."""
        variable = endpoint.names[position]
        first = endpoint.values_of(endpoint.useful[0])[position]
        if open_names(first):
            return template_of(first, self.values, "the path", in_url=True), False
        if first in self.access.secrets or (looks_random(first) and first not in returned):
            return self._secret(variable, unquote(first)), False
        name = full_name(endpoint.path, variable)
        text = f"The {variable} in the path {endpoint.path}."
        if first.isdigit():
            declared = {"type": "integer", "default": int(first), "description": text}
            return self.values.entry(name, declared), True
        return self.entry(name, unquote(first), text), True


def sent_inputs(
    endpoint: RecordedEndpoint,
    paging: frozenset[str],
    bound: Iterable[InputKey],
    literals: Literals,
    returned: frozenset[str],
) -> SentInputs:
    """Return what a list's requests send beside their paging and the values of parents."""
    left_out = {*bound, *literals.access.sent}

    def constants(exchange: ApiExchange) -> dict[InputKey, Json]:
        return {
            key: value
            for key, value in exchange.inputs.items()
            if key not in left_out and key[1] not in paging and not is_noise(key, value)
            and not (value is None and key[0] == "body" and "." in key[1])
        }  # fmt: skip

    exchanges = endpoint.useful
    variants = [constants(one) for one in exchanges]
    chosen = _chosen(variants, exchanges)
    exchange = exchanges[variants.index(chosen)]
    what = f"the request {endpoint.method} {endpoint.path}"
    params = {
        escape(name): _number(literals.written(name, value, what))
        for (place, name), value in chosen.items()
        if place == "query"
    }
    checks = dict(_checks(chosen, variants, exchange, params))
    path: dict[str, str] = {}
    for position, variable in enumerate(endpoint.names):
        if ("query", variable) not in left_out:
            path[variable], is_id = literals.segment(endpoint, position, returned)
            if is_id:
                checks["endpoint", "path"] = (
                    f"no list was found whose records hold {variable}; it is config"
                )
    if exchange.body_form == "other":
        checks[("endpoint",)] = "the body is neither an object of JSON nor a form, and is left out"
    body = None
    if isinstance(exchange.body, dict) and endpoint.method != "GET":
        body = literals.written("", _nested(chosen), what)
    is_query = exchange.graphql is not None and body is not None
    return SentInputs(params, {}, body, exchange.body_form == "form", is_query, path, checks)


def _number(value: Json) -> Json:
    """Return a number as one: in a query it is sent the same way."""
    if isinstance(value, str) and re.fullmatch(r"0|[1-9]\d{0,14}", value):
        return int(value)
    return value


def _chosen(
    variants: Sequence[dict[InputKey, Json]], exchanges: Sequence[ApiExchange]
) -> dict[InputKey, Json]:
    """Return the inputs that leave out least: the fewest, then the most frequent ones."""
    counts = Counter(repr(sorted(one.items(), key=repr)) for one in variants)

    def rank(position: int) -> tuple[int, int, int]:
        one = variants[position]
        filters = sum(not _is_harmless(key, value) for key, value in one.items())
        return filters, -counts[repr(sorted(one.items(), key=repr))], exchanges[position].number

    return variants[min(range(len(variants)), key=rank)]


def _is_harmless(key: InputKey, value: Json) -> bool:
    last = key[1].rpartition(".")[2]
    plain = plain_name(last)
    role = request_role(last, input_shape([value]), "")
    return plain in _HARMLESS or role is not None or value in (None, "") or names_secret(last)


def _checks(
    chosen: Mapping[InputKey, Json],
    variants: Sequence[Mapping[InputKey, Json]],
    exchange: ApiExchange,
    params: Mapping[str, Json],
) -> Iterable[tuple[tuple[str, ...], str]]:
    body = "data" if exchange.body_form == "form" else "json"
    for key, value in chosen.items():
        if _is_harmless(key, value) or (exchange.graphql and key[0] == "body"):
            continue
        if key[0] == "query" and re.fullmatch(r"\{\w+\.\w+\}", str(params[escape(key[1])])):
            continue
        place = ("endpoint", "params", escape(key[1]))
        if key[0] == "body":
            place = ("endpoint", body, key[1].partition(".")[0])
        others = {repr(one.get(key)) for one in variants} - {repr(value)}
        also = "; it was recorded with other values too" if others else ""
        yield place, f"{key[1]} is sent as it was recorded, and may leave records out{also}"
    for key in sorted({key for one in variants for key in one} - chosen.keys()):
        if not _is_harmless(key, next(one[key] for one in variants if key in one)):
            yield ("endpoint",), f"{key[1]} was sent by some requests, and is left out"


def _nested(inputs: Mapping[InputKey, Json]) -> dict[str, Json]:
    """Return a body from the dotted names of its fields."""
    body: dict[str, Json] = {}
    for (place, name), value in inputs.items():
        if place != "body":
            continue
        holder = body
        *above, last = name.split(".")
        for key in above:
            holder = holder.setdefault(key, {})
        holder[last] = value
    return body


def shared_headers(exchanges: Sequence[ApiExchange], literals: Literals) -> dict[str, Json]:
    """Return the headers that every request sends and that a browser does not add by itself."""
    counts: Counter[tuple[str, str]] = Counter()
    spelling: dict[str, str] = {}
    for exchange in exchanges:
        for name, value in {
            (name.lower(), value): name for name, value in exchange.interaction.request_headers
        }:
            counts[name, value] += 1
        for name, _ in exchange.interaction.request_headers:
            spelling.setdefault(name.lower(), name)
    found: dict[str, Json] = {}
    for (name, value), count in counts.items():
        if count < len(exchanges) or BROWSER_HEADERS.match(name) or names_secret(name):
            continue
        if name == "accept" and _PLAIN_ACCEPT.match(value):
            continue
        if name in {one.lower() for one in literals.access.headers}:
            continue
        found[spelling[name]] = literals.written(name, value, "the requests")
    return found
