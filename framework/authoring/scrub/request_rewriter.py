"""URLs and requests rewritten: what came from a recorded body becomes that body's stand-in.

What the connector file itself writes stays, what a child binds becomes what the same expression
gives on the parent's scrubbed record, so that a replay asks just what was rewritten.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from framework.authoring.cassettes.cassette import Interaction
from framework.authoring.cassettes.matching import CREDENTIALS, Address, Pairs, rebase
from framework.authoring.scrub.fake_values import FakeValues, is_numeric, is_time
from framework.authoring.scrub.request_routes import (
    Captured,
    Match,
    Routes,
    capture,
    cursor_headers,
    fill_config,
    finder,
    managed_parameters,
    text_of,
)
from framework.definition.expressions.placeholders import Placeholder, texts_of
from framework.definition.model import Binding, Connector, Resource
from framework.errors import FrameworkError
from framework.extract.transforms import stepper
from framework.runtime.settings import STAND_IN

Json = Any

_TOKEN = re.compile(r"[^\s/:?&=#,;|'\"()<>\[\]{}]+")
_LINK = re.compile(r"<([^<>]+)>")
_SHORT_SECRET = 6


class Rewriter:
    """Rewrites for one recording.

    `bases` are recorded base URLs with what they become; `words` path segments that are nobody's;
    `hosts` names that stay; `values` the run's config; `config` recorded values, as text, with what
    they become.
    """

    def __init__(
        self,
        connector: Connector,
        routes: Routes,
        bases: dict[str, str],
        *,
        values: Mapping[str, Json],
        words: Collection[str],
        hosts: Collection[str],
        secrets: Iterable[str],
        avoid: Collection[str],
        numbers: Collection[str],
    ) -> None:
        self.config: dict[str, str] = {}
        self._values = values
        self.bases = bases
        self.routes = routes
        self.stand_ins = FakeValues(self.address, avoid=avoid, numbers=numbers)
        self._connector = connector
        self.words = words
        self.hosts = hosts
        self._secrets = sorted({s for s in secrets if s and s != STAND_IN}, key=len, reverse=True)
        self._bound: dict[tuple[str, str], dict[str, str]] = {}
        self._managed = frozenset(managed_parameters(connector))
        self._cursor_headers = frozenset(cursor_headers(connector))

    def learn(self, parent: Resource, pairs: Iterable[tuple[Json, Json]]) -> None:
        """Note what each child binds on these records, before and after."""
        wanted = [
            (child, binding, finder(binding.field, self._values))
            for child in self._connector.resources
            for binding in child.bindings
            if binding.resource == parent.name
        ]
        if not wanted:
            return
        step = stepper(parent)
        for before, after in pairs:
            try:
                olds, news = step([copy.deepcopy(before)]), step([copy.deepcopy(after)])
            except FrameworkError:
                continue
            for old, new in zip(olds, news, strict=False) if len(olds) == len(news) else ():
                for child, binding, find in wanted:
                    self._learn(child, binding, find, old, new)

    def _learn(self, child: Resource, binding: Binding, find: Any, old: Json, new: Json) -> None:
        try:
            value, stand_in = find(old), find(new)
        except FrameworkError:
            return
        if isinstance(value, (str, int, float)) and isinstance(stand_in, (str, int, float)):
            known = self._bound.setdefault((child.name, binding.name), {})
            known.setdefault(text_of(value), text_of(stand_in))

    def rebased(self, text: str) -> str:
        """A text that stays, with recorded base URLs exchanged wherever they stand in it."""
        for old, new in self.bases.items():
            if old != new and old in text:
                text = re.sub(re.escape(old.rstrip("/")) + r"(?![\w.-])", new.rstrip("/"), text)
        return text

    def address(self, url: str, in_request: bool = False, method: str | None = None) -> str:
        """The stand-in of a URL, in the one spelling that cassettes have.

        In a request, what no body has held stays: it was computed here and will be again.
        """
        url = rebase(url, self.bases)
        try:
            address = Address.of(url)
        except ValueError:
            return self.stand_ins.of(re.sub(r"[/?:]", " ", url))
        match = self.routes.match(address, method)
        if match is not None:
            segments = tuple(
                self._captured(match.resource, captured, in_request) for captured in match.segments
            )
        else:
            segments = tuple(self._segment(segment, in_request) for segment in address.segments)
        query = tuple(
            (name, self._parameter(name, value, match, in_request)) for name, value in address.query
        )
        fragment = self._value(address.fragment, in_request) if address.fragment else ""
        user = self._value(address.user, in_request) if address.user else ""
        host = self._host(address)
        return str(Address(address.scheme, host, segments, query, fragment, user))

    def request(self, exchange: Interaction) -> tuple[str, bytes | None]:
        """A request's URL and body, rewritten."""
        url = self.address(exchange.url, in_request=True, method=exchange.method)
        body = exchange.request_body
        if not body:
            return url, None
        match = self.routes.match(Address.of(rebase(exchange.url, self.bases)), exchange.method)
        resource = match.resource if match else None
        text = body.decode("utf-8", errors="replace")
        kinds = {name.lower(): value for name, value in exchange.request_headers}
        if "x-www-form-urlencoded" in kinds.get("content-type", ""):
            return url, urlencode(self._form(text, resource)).encode()
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return url, self._value(text, True).encode()
        written = texts_of(resource.endpoint.json) if resource else ()
        ordered = sorted(set(written), key=lambda template: (template.count("{"), template))
        return url, json.dumps(self._sent(data, resource, ordered), ensure_ascii=False).encode()

    def header(self, name: str, value: str) -> str:
        """A response header's value, rewritten."""
        name = name.lower()
        if name == "location":
            return self.address(value)
        if name == "link":
            return _LINK.sub(lambda link: f"<{self.address(link[1])}>", value)
        if name in self._cursor_headers and not (is_numeric(value) or is_time(value)):
            return self.stand_ins.of(value)
        return self.rebased(value)

    def _host(self, address: Address) -> str:
        if not address.host:
            return ""
        if address.scheme not in ("http", "https", "ws", "wss", "ftp"):
            return self._segment(address.host, False)
        name = address.host.partition(":")[0]
        if address.host in self.hosts or name in self.hosts:
            return address.host
        if any(name.endswith("." + host) or host.endswith("." + name) for host in self.hosts):
            return address.host
        return self.stand_ins.host(address.host)

    def _segment(self, segment: str, in_request: bool) -> str:
        if not segment or segment in self.words:
            return segment
        return self._value(segment, in_request)

    def _captured(self, resource: Resource, captured: Captured, in_request: bool) -> str:
        return "".join(
            text if source is None else self._placeholder(resource, source, text, in_request)
            for source, text in captured
        )

    def _placeholder(
        self, resource: Resource, source: Placeholder, text: str, in_request: bool
    ) -> str:
        if source.kind == "secrets":
            return STAND_IN
        if source.kind == "incremental" and (is_time(text) or is_numeric(text)):
            return text
        if source.kind == "config" and text in self.config:
            return self.config[text]
        bound = self._bound.get((resource.name, source.text), {}).get(text)
        if bound is not None:
            return bound
        if source.kind == "param" and source.name in resource.endpoint.params:
            written = text_of(resource.endpoint.params[source.name])
            captured = capture(written, text)
            if captured is not None and f"{{{source.text}}}" not in written:
                return self._captured(resource, captured, in_request)
        return self._value(text, in_request)

    def _parameter(self, name: str, value: str, match: Match | None, in_request: bool) -> str:
        for resource in [match.resource] if match else self._connector.resources:
            own = Address.of("?" + resource.endpoint.path.partition("?")[2]).query
            if (name, value) in own:
                return value
            for written_name, written in resource.endpoint.params.items():
                if fill_config(written_name, self._values) != name:
                    continue
                found = self._written(resource, written, value, in_request)
                if found is not None:
                    return found
            bound = self._bound.get((resource.name, name), {}).get(value)
            if bound is not None:
                return bound
        if name in self._managed and (is_numeric(value) or is_time(value)):
            return value
        return self._value(value, in_request)

    def _written(
        self, resource: Resource, written: Json, value: str, in_request: bool
    ) -> str | None:
        """The value after a text that the file writes for it; None where none fits."""
        texts = list(texts_of(written)) or [text_of(written)]
        for template in sorted(texts, key=lambda text: text.count("{")):
            captured = capture(template, value)
            if captured is not None:
                return self._captured(resource, captured, in_request)
        return None

    def _value(self, text: str, in_request: bool) -> str:
        for secret in self._secrets:
            if text == secret or (len(secret) >= _SHORT_SECRET and secret in text):
                text = text.replace(secret, STAND_IN)
        if not in_request:
            return text if text == STAND_IN else self.stand_ins.of(text)
        known = self.stand_ins.known(text)
        if known is None:
            known = self.config.get(text)
        if known is not None:
            return known
        if is_time(text) or is_numeric(text):
            return text
        if "://" in text and not re.search(r"\s", text):
            return self.address(text, in_request=True)
        return _TOKEN.sub(lambda token: self._known(token[0]), text)

    def _known(self, token: str) -> str:
        return self.stand_ins.known(token) or self.config.get(token) or token

    def _sent(self, data: Json, resource: Resource | None, written: list[str]) -> Json:
        if isinstance(data, dict):
            return {key: self._sent(item, resource, written) for key, item in data.items()}
        if isinstance(data, list):
            return [self._sent(item, resource, written) for item in data]
        if not isinstance(data, str):
            return data
        for template in written if resource else ():
            captured = capture(template, data)
            if captured is not None and resource is not None:
                return self._captured(resource, captured, True)
        return self._value(data, True)

    def _form(self, text: str, resource: Resource | None) -> Pairs:
        pairs = parse_qsl(text, keep_blank_values=True)
        if any(name == "grant_type" for name, _ in pairs):
            return tuple(
                (name, STAND_IN if name in CREDENTIALS else self._value(value, True))
                for name, value in pairs
            )
        made = []
        for name, value in pairs:
            data = resource.endpoint.data if resource else None
            written = data.get(name) if isinstance(data, Mapping) else data
            found = None
            if resource is not None and written is not None:
                found = self._written(resource, written, value, True)
            made.append((name, self._value(value, True) if found is None else found))
        return tuple(made)
