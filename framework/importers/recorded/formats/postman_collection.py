"""Read a Postman collection (format 2.0 or 2.1) as exchanges: requests, and saved responses."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any
from urllib.parse import quote, urlencode

from framework.authoring.exchange import Interaction, Pairs
from framework.importers.import_report import ManifestError
from framework.importers.recorded.api_exchange import GRAPHQL
from framework.importers.recorded.credentials import ClientCredentials
from framework.importers.recorded.open_values import marked
from framework.importers.source_files import read_data

Json = Any

_VARIABLE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_HOST = re.compile(r"(?:[^/?#@]*@)?[^\s/?#:@]")
_COUNTERPARTS = {"awsv4": "aws_sigv4", "digest": "http_digest", "oauth1": "oauth1"}
"""Auths that no request shows, and the types that they have here."""
_MAX_DEPTH = 50
_MAX_ROUNDS = 10
"""Variables inside the values of variables."""


@dataclass
class PostmanRequests:
    """The exchanges of a collection; a status of 0 means that no response is saved.

    `clients` say how tokens in them are obtained.
    """

    name: str
    interactions: list[Interaction] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    clients: list[ClientCredentials] = field(default_factory=list)


def read_postman(path: Path) -> PostmanRequests:
    """Return the requests of a collection. Raise ManifestError if it is not one."""
    data = read_data(path)
    if isinstance(data, dict) and isinstance(data.get("collection"), dict):
        data = data["collection"]  # as Postman's own API returns it
    info = data.get("info") if isinstance(data, dict) else None
    if not isinstance(info, dict) or not isinstance(data.get("item"), list):
        hint = ""
        if isinstance(data, dict) and isinstance(data.get("requests"), list):
            hint = "; this is format 1: export it again as Collection v2.1"
        elif isinstance(data, dict) and data.get("_type") == "export":
            hint = "; this is of Insomnia: export it as HAR, for `framework import har`"
        elif isinstance(data, dict) and isinstance(data.get("items"), list):
            hint = "; if this is of Bruno, export the collection for Postman there"
        raise ManifestError(
            f"{path}: expected a Postman collection, an object with `info` and `item`{hint}"
        )
    found = PostmanRequests(str(info.get("name") or path.stem))
    values = _values(data.get("variable"))
    _CollectionReader(found, values, str(path)).items(data["item"], data.get("auth"), "item", 0)
    return found


def _values(listed: Json) -> dict[str, str]:
    """Return variables by name; an empty value is none."""
    values: dict[str, str] = {}
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and not one.get("disabled"):
            name, value = one.get("key") or one.get("id"), one.get("value")
            if isinstance(name, str) and isinstance(value, (str, int, float)) and str(value):
                values[name] = str(value)
    return values


@dataclass
class _CollectionReader:
    found: PostmanRequests
    values: Mapping[str, str]
    file: str

    def items(self, items: list[Json], auth: Json, place: str, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise ManifestError(f"{self.file}: is nested too deeply, over {_MAX_DEPTH} folders")
        for number, item in enumerate(items):
            here = f"{place}[{number}]"
            if not isinstance(item, dict):
                self.found.notes.append(f"{here} is not a request or a folder")
                continue
            if isinstance(item.get("item"), list):
                self.items(item["item"], item.get("auth") or auth, f"{here}.item", depth + 1)
            elif "request" in item:
                self._item(item, auth, here)

    def _item(self, item: Mapping[str, Json], auth: Json, place: str) -> None:
        try:
            request = self._request(item["request"], auth, place)
        except _Unusable as reason:
            self.found.notes.append(f"{place} is left out: {reason}")
            return
        saved = item.get("response")
        responses = [one for one in (saved if isinstance(saved, list) else []) if _has_body(one)]
        if not responses:
            self.found.interactions.append(request)
        for one in responses:
            try:
                asked = self._request(one.get("originalRequest") or item["request"], auth, place)
            except _Unusable:
                asked = request
            code = one.get("code")
            self.found.interactions.append(
                Interaction(
                    asked.method,
                    asked.url,
                    code if isinstance(code, int) and code else 200,
                    str(one.get("status") or ""),
                    tuple(self._pairs(one.get("header"))),
                    str(one["body"]).encode("utf-8", errors="replace"),
                    asked.request_headers,
                    asked.request_body,
                )
            )

    def _request(self, request: Json, auth: Json, place: str) -> Interaction:
        if isinstance(request, str):
            request = {"url": request}
        if not isinstance(request, dict):
            raise _Unusable("it is not a request")
        headers = list(self._pairs(request.get("header")))
        own = request.get("auth")
        more, query = self._auth(own if own else auth)
        headers += [one for one in more if one[0].lower() not in {n.lower() for n, _ in headers}]
        body, kind = self._body(request.get("body"), place)
        if body is not None and kind and not any(n.lower() == "content-type" for n, _ in headers):
            headers.append(("Content-Type", kind))
        url = self._url(request.get("url"))
        if query:
            url += ("&" if "?" in url else "?") + urlencode(query)
        return Interaction(
            str(request.get("method") or "GET").upper(),
            url,
            0,
            request_headers=tuple(headers),
            request_body=body,
        )

    def _text(self, value: Json) -> str:
        """Return a text with its variables; those without a value are marked."""
        text = "" if value is None else str(value)
        for _ in range(_MAX_ROUNDS):
            filled = _VARIABLE.sub(lambda one: self.values.get(one[1], one[0]), text)
            if filled == text:
                break
            text = filled
        return _VARIABLE.sub(lambda one: marked(one[1]), text)

    def _pairs(self, listed: Json) -> Iterator[tuple[str, str]]:
        for one in listed if isinstance(listed, list) else []:
            if isinstance(one, dict) and not one.get("disabled") and one.get("key"):
                yield self._text(one["key"]), self._text(one.get("value"))

    def _url(self, url: Json) -> str:
        own: dict[str, str] = {}
        if isinstance(url, dict):
            own = _values(url.get("variable"))
            if not isinstance(url.get("raw"), (str, NoneType)):
                raise _Unusable("its URL is not text")
            raw = url.get("raw") or _joined(url)
            if isinstance(url.get("query"), list):
                pairs = tuple(self._pairs(url["query"]))
                raw = raw.partition("?")[0]
                written = f"{self._text(raw)}{'?' + urlencode(pairs) if pairs else ''}"
            else:
                written = self._text(raw)
        elif isinstance(url, str):
            written = self._text(url)
        else:
            raise _Unusable("it has no URL")
        written = written.strip()
        if not written:
            raise _Unusable("it has no URL")
        scheme, mark, rest = written.partition("://")
        if not mark:
            scheme, rest = "https", written
        if scheme.lower() not in ("http", "https"):
            raise _Unusable("its address is not http or https")
        if not _HOST.match(rest) or re.match(r"\d+(?:[/?#:]|$)", rest):
            raise _Unusable("its URL has no host")
        address, question, query = rest.partition("?")
        segments = [
            self._path_variable(one, own) if one.startswith(":") and len(one) > 1 else one
            for one in address.split("/")
        ]
        return f"{scheme}://{'/'.join(segments)}{question}{query}"

    def _path_variable(self, segment: str, own: Mapping[str, str]) -> str:
        name = segment[1:]
        value = own.get(name)
        return quote(self._text(value), safe="{}") if value else marked(name)

    def _auth(self, auth: Json) -> tuple[Pairs, Pairs]:
        """Return what an auth sends: headers, and query parameters."""
        kind = auth.get("type") if isinstance(auth, dict) else None
        if not isinstance(kind, str) or kind in ("noauth", "inherit"):
            return (), ()
        settings = auth.get(kind)
        if isinstance(settings, list):
            settings = {
                str(one.get("key")): one.get("value") for one in settings if isinstance(one, dict)
            }
        settings = settings if isinstance(settings, dict) else {}
        if kind == "bearer":
            token = self._text(settings.get("token")) or marked("token")
            return (("Authorization", f"Bearer {token}"),), ()
        if kind == "basic":
            names = ("username", "password")
            pair = ":".join(self._text(settings.get(one)) or marked(one) for one in names)
            return (("Authorization", f"Basic {b64encode(pair.encode()).decode()}"),), ()
        if kind == "apikey":
            name = self._text(settings.get("key")) or "X-API-Key"
            value = self._text(settings.get("value")) or marked("api_key")
            return (
                ((), ((name, value),)) if settings.get("in") == "query" else (((name, value),), ())
            )
        if kind == "oauth2":
            token = self._text(settings.get("accessToken")) or marked("token")
            self._add_client(settings, token)
            return (("Authorization", f"Bearer {token}"),), ()
        ours = _COUNTERPARTS.get(kind)
        remedy = f"write an auth of type {ours}; see" if ours else "see"
        self._note(f"the auth {kind} is left out; {remedy} docs/auth.md")
        return (), ()

    def _add_client(self, settings: Mapping[str, Json], token: str) -> None:
        """Note how a token is obtained, if that needs no person."""
        grant, url = settings.get("grant_type"), self._text(settings.get("accessTokenUrl")).strip()
        if grant != "client_credentials" or not url:
            why = f"the grant {grant}" if isinstance(grant, str) else "the OAuth flow"
            why = (
                "it has no accessTokenUrl"
                if grant == "client_credentials"
                else f"{why} is not read"
            )
            self._note(f"OAuth 2.0: a token from elsewhere is sent, since {why}")
            return
        client = ClientCredentials(
            token,
            url,
            self._text(settings.get("clientId")),
            self._text(settings.get("clientSecret")),
            self._text(settings.get("scope")),
            settings.get("client_authentication") != "body",  # Postman's own default
        )
        if client not in self.found.clients:
            self.found.clients.append(client)

    def _body(self, body: Json, place: str) -> tuple[bytes | None, str]:
        mode = body.get("mode") if isinstance(body, dict) and not body.get("disabled") else None
        if mode == "raw" and str(body.get("raw") or "").strip():
            text = self._text(body["raw"])
            is_json = text.lstrip()[:1] in ("{", "[")
            return text.encode(), "application/json" if is_json else ""
        if mode == "urlencoded":
            pairs = list(self._pairs(body.get("urlencoded")))
            return (urlencode(pairs).encode() if pairs else None), (
                "application/x-www-form-urlencoded"
            )
        if mode == "graphql" and isinstance(body.get("graphql"), dict):
            return json.dumps(self._query(body["graphql"], place)).encode(), "application/json"
        if mode == "formdata" and isinstance(body.get("formdata"), list) and body["formdata"]:
            raise _Unusable("it sends a multipart form")
        if mode == "file":
            raise _Unusable("it sends a file")
        return None, ""

    def _query(self, graphql: Mapping[str, Json], place: str) -> dict[str, Json]:
        """Return the body of a GraphQL request; what is broken in it is noted."""
        text, variables = self._text(graphql.get("query")), graphql.get("variables")
        if isinstance(variables, str):
            try:
                variables = json.loads(self._text(variables).strip() or "{}")
            except ValueError:
                variables = str
        if not isinstance(variables, (dict, NoneType)):
            self._note(
                f"{place}: the variables of the GraphQL query are not valid JSON; write them"
            )
            variables = None
        if not GRAPHQL.match(text):
            self._note(f"{place}: the GraphQL query does not begin as one, with `query` or `{{`")
        name = graphql.get("operationName")
        named = {"operationName": name} if isinstance(name, str) and name else {}
        return {"query": text, **named, "variables": variables or {}}

    def _note(self, note: str) -> None:
        if note not in self.found.notes:
            self.found.notes.append(note)


class _Unusable(ValueError):
    """A request that a connector cannot send."""


def _has_body(saved: Json) -> bool:
    return isinstance(saved, dict) and isinstance(saved.get("body"), str) and bool(saved["body"])


def _joined(url: Mapping[str, Json]) -> str:
    """Return the address of a URL in parts, if it has no `raw`."""
    host, path = url.get("host"), url.get("path")
    host_text = ".".join(map(str, host)) if isinstance(host, list) else str(host or "")
    path_text = "/".join(map(str, path)) if isinstance(path, list) else str(path or "").lstrip("/")
    port = f":{url['port']}" if url.get("port") else ""
    protocol = f"{url['protocol']}://" if url.get("protocol") else ""
    return f"{protocol}{host_text}{port}/{path_text}" if host_text else ""
