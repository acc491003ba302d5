"""Rewrite URLs and request bodies so that a replay of the scrubbed recording sends just these.

What the connector file writes stays. What a child takes from its parent becomes what the same
expression gives on the parent's scrubbed record. Other data becomes its fake value.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import zip_longest
from typing import Any
from urllib.parse import parse_qsl, urlencode

from framework.authoring.exchange import TOKEN_REQUEST_FIELDS, Address, Interaction, is_token_form
from framework.authoring.scrub.config_values import UrlParts, scrub_config
from framework.authoring.scrub.fake_values import FakeValues, SecretMask, is_numeric, is_time
from framework.authoring.scrub.file_texts import (
    counted_parameters,
    cursor_headers,
    fill_config,
    finder,
    text_of,
)
from framework.authoring.scrub.request_paths import (
    PathMatch,
    RequestPaths,
    TextParts,
    split_by_template,
)
from framework.definition.expressions.placeholders import Placeholder, texts_of
from framework.definition.model import Binding, Connector, Resource
from framework.errors import FrameworkError
from framework.extract.records.transforms import Transforms
from framework.runtime.settings import STAND_IN

Json = Any

_TOKEN = re.compile(r"[^\s/:?&=#,;|'\"()<>\[\]{}]+")
_LINK = re.compile(r"<([^<>]+)>")


class RequestRewriter:
    """Rewrites the requests of one recording. `fakes` are the fake values of its bodies.

    `config` are the run's values, `scrubbed_config` those of the replay. `avoid` and `numbers` are
    as in `FakeValues`. A method's `sent` says that a text is part of a request: data that no body
    had stays there, because a replay computes it again.
    """

    def __init__(
        self,
        connector: Connector,
        config: Mapping[str, Json],
        *,
        secrets: Iterable[str],
        avoid: Collection[str],
        numbers: Collection[str],
    ) -> None:
        self._connector = connector
        self._config = config
        self._mask = SecretMask(secrets)
        self._counted = frozenset(counted_parameters(connector))
        self._cursor_headers = frozenset(cursor_headers(connector))
        self._bound: dict[tuple[str, str], dict[str, str]] = {}
        self._fake_config: dict[str, str] = {}
        self.fakes = FakeValues(self.address, avoid=avoid, numbers=numbers)
        # a config value may be a URL, too: until the new base URL is known, all of it is personal
        self._parts = UrlParts(RequestPaths(connector, connector.client.base_url))
        self.scrubbed_config = scrub_config(connector, config, self.fakes.of)
        self._parts = UrlParts.of(connector, config, self.scrubbed_config)
        for name, value in self.scrubbed_config.items():
            if isinstance(value, str) and isinstance(config[name], str):
                self._fake_config[config[name]] = value

    def learn(self, parent: Resource, pairs: Iterable[tuple[Json, Json]]) -> None:
        """Note what each child binds on the parent's records, before and after scrubbing."""
        finders = [
            (child, binding, finder(binding.field, self._config))
            for child in self._connector.resources
            for binding in child.bindings
            if binding.resource == parent.name
        ]
        if not finders:
            return
        step = Transforms(parent)
        for before, after in pairs:
            try:
                olds, news = step([copy.deepcopy(before)]), step([copy.deepcopy(after)])
            except FrameworkError:
                continue
            for old, new in zip(olds, news, strict=False) if len(olds) == len(news) else ():
                for child, binding, find in finders:
                    self._learn(child, binding, find, old, new)

    def _learn(
        self, child: Resource, binding: Binding, find: Callable[[Json], Json], old: Json, new: Json
    ) -> None:
        try:
            value, fake = find(old), find(new)
        except FrameworkError:
            return
        if isinstance(value, (str, int, float)) and isinstance(fake, (str, int, float)):
            fake_by_value = self._bound.setdefault((child.name, binding.name), {})
            fake_by_value.setdefault(text_of(value), text_of(fake))

    def rebase_all(self, text: str) -> str:
        """Replace recorded base URLs anywhere in a text that otherwise stays."""
        return self._parts.rebase_all(text)

    def address(self, url: str, sent: bool = False, method: str | None = None) -> str:
        """Rewrite a URL into the one spelling that cassettes have."""
        url = self._parts.rebase(url)
        try:
            address = Address.of(url)
        except ValueError:
            return self.fakes.of(re.sub(r"[/?:]", " ", url))
        match = self._parts.paths.match(address, method)
        if match is not None:
            segments = tuple(self._parts_text(match.resource, one, sent) for one in match.segments)
        else:
            segments = tuple(self._segment(segment, sent) for segment in address.segments)
        query = tuple(
            (name, self._parameter(name, value, match, sent)) for name, value in address.query
        )
        fragment = self._text(address.fragment, sent) if address.fragment else ""
        user = self._text(address.user, sent) if address.user else ""
        return str(Address(address.scheme, self._host(address), segments, query, fragment, user))

    def request(self, exchange: Interaction) -> tuple[str, bytes | None]:
        """Return a request's URL and body, rewritten."""
        url = self.address(exchange.url, sent=True, method=exchange.method)
        if not exchange.request_body:
            return url, None
        address = Address.of(self._parts.rebase(exchange.url))
        match = self._parts.paths.match(address, exchange.method, exchange.request_body)
        resource = match.resource if match else None
        text = exchange.request_body.decode("utf-8", errors="replace")
        if exchange.is_form:
            return url, self._form(text, resource).encode()
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return url, self._text(text, True).encode()
        written = resource.endpoint.json if resource else None
        body = self._json(data, resource, written)
        return url, json.dumps(body, ensure_ascii=False).encode()

    def header(self, name: str, value: str) -> str:
        """Return a response header's value, rewritten."""
        name = name.lower()
        if name == "location":
            return self.address(value)
        if name == "link":
            return _LINK.sub(lambda link: f"<{self.address(link[1])}>", value)
        if name in self._cursor_headers and not (is_numeric(value) or is_time(value)):
            return self.fakes.of(value)
        return self.rebase_all(value)

    def _host(self, address: Address) -> str:
        if not address.host:
            return ""
        if address.scheme not in ("http", "https", "ws", "wss", "ftp"):
            return self._segment(address.host, False)
        if self._parts.is_known_host(address.host):
            return address.host
        return self.fakes.host(address.host)

    def _segment(self, segment: str, sent: bool) -> str:
        return segment if segment in self._parts.words else self._text(segment, sent)

    def _parts_text(self, resource: Resource, parts: TextParts, sent: bool) -> str:
        return "".join(
            text if source is None else self._placeholder(resource, source, text, sent)
            for source, text in parts
        )

    def _placeholder(self, resource: Resource, source: Placeholder, text: str, sent: bool) -> str:
        """Rewrite what a placeholder of the file was filled with."""
        if source.kind == "secrets":
            return STAND_IN
        if source.kind == "incremental" and (is_time(text) or is_numeric(text)):
            return text
        if source.kind == "expression" and f"'{text}'" in source.text:
            return text  # the file's own word, though it may be data elsewhere
        if source.kind == "config":
            if text in self._fake_config:
                return self._fake_config[text]
            value = self.scrubbed_config.get(source.name)
            if isinstance(value, (int, float)) and text_of(value) == text:
                return text  # a replay has the same number
        bound = self._bound.get((resource.name, source.text), {}).get(text)
        if bound is not None:
            return bound
        if source.kind == "param" and source.name in resource.endpoint.params:
            template = text_of(resource.endpoint.params[source.name])
            if f"{{{source.text}}}" not in template:
                by_template = self._by_template(resource, template, text, sent)
                if by_template is not None:
                    return by_template
        return self._text(text, sent)

    def _parameter(self, name: str, value: str, match: PathMatch | None, sent: bool) -> str:
        for resource in [match.resource] if match else self._connector.resources:
            if (name, value) in Address.of("?" + resource.endpoint.path.partition("?")[2]).query:
                return value
            for template_name, template in resource.endpoint.params.items():
                if fill_config(template_name, self._config) == name:
                    by_template = self._by_template(resource, template, value, sent)
                    if by_template is not None:
                        return by_template
            bound = self._bound.get((resource.name, name), {}).get(value)
            if bound is not None:
                return bound
        if name in self._counted and (is_numeric(value) or is_time(value)):
            return value
        return self._text(value, sent)

    def _by_template(
        self, resource: Resource | None, templates: Json, text: str, sent: bool
    ) -> str | None:
        """Rewrite a text that one of the file's templates wrote. Return None if none fits."""
        if resource is None or templates is None:
            return None
        texts = set(texts_of(templates)) or {text_of(templates)}
        for template in sorted(texts, key=lambda one: (one.count("{"), one)):
            parts = split_by_template(template, text)
            if parts is not None:
                return self._parts_text(resource, parts, sent)
        return None

    def _text(self, text: str, sent: bool) -> str:
        text = self._mask(text)
        if not text:
            return text
        if not sent:
            return text if text == STAND_IN else self.fakes.of(text)
        fake = self.fakes.known(text)
        if fake is None:
            fake = self._fake_config.get(text)
        if fake is not None:
            return fake
        if is_time(text) or is_numeric(text):
            return text
        if "://" in text and not re.search(r"\s", text):
            return self.address(text, sent=True)
        return _TOKEN.sub(
            lambda token: self.fakes.known(token[0]) or self._fake_config.get(token[0]) or token[0],
            text,
        )

    def _json(self, data: Json, resource: Resource | None, written: Json) -> Json:
        """Rewrite a value of a body; `written` is what the file has at its place, if anything."""
        if isinstance(data, dict):
            known = written if isinstance(written, Mapping) else {}
            return {key: self._json(item, resource, known.get(key)) for key, item in data.items()}
        if isinstance(data, list):
            items = written if isinstance(written, list) else []
            return [
                self._json(item, resource, template)
                for item, template in zip_longest(data, items[: len(data)])
            ]
        if not isinstance(data, str):
            return data
        templates = resource.endpoint.json if resource else None
        by_template = self._by_template(resource, written, data, True)
        if by_template is None:
            by_template = self._by_template(resource, templates, data, True)
        return self._text(data, True) if by_template is None else by_template

    def _form(self, text: str, resource: Resource | None) -> str:
        pairs = tuple(parse_qsl(text, keep_blank_values=True))
        is_token = is_token_form(pairs)
        data = resource.endpoint.data if resource else None
        rewritten = []
        for name, value in pairs:
            if is_token and name in TOKEN_REQUEST_FIELDS:
                rewritten.append((name, STAND_IN))
                continue
            templates = data.get(name) if isinstance(data, Mapping) else data
            by_template = None if is_token else self._by_template(resource, templates, value, True)
            rewritten.append(
                (name, self._text(value, True) if by_template is None else by_template)
            )
        return urlencode(rewritten)
