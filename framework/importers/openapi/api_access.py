"""Where an API is and how it is entered: servers as the base URL, security schemes as auth."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from framework.definition.expressions.placeholders import escape
from framework.http.session import is_loopback, origin
from framework.importers.api_guesses.api_model.document_part import DocumentPart, mapping
from framework.importers.api_guesses.declared_values import DeclaredValues, first_sentence
from framework.importers.openapi.description import Description
from framework.importers.source_files import free_name

Json = Any

_VARIABLE = re.compile(r"\{+([^{}]*)\}+")
"""A variable in an address; some descriptions write two braces."""
_HTTP_CHECK = "the description has http, where https is written here"
_PLACEHOLDER_HOST = "https://api.example.com"


@dataclass(frozen=True)
class BaseUrl:
    """The base URL as the file writes it; `check` says what is to be checked about it."""

    url: str
    check: str | None


def base_url(
    description: Description, servers: Collection[DocumentPart], values: DeclaredValues
) -> BaseUrl:
    """Return the base URL of a description; server variables become config."""
    if description.is_swagger:
        return _swagger_url(description)
    listed = mapping(description.root.value).get("servers")
    found = list(servers) or [
        DocumentPart(one, description.root.base)
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and isinstance(one.get("url"), str) and one["url"].strip()
    ]
    https = [one for one in found if not str(one.value["url"]).startswith("http:")]
    server = next(iter(https or found), None)
    if server is None and not _is_address(description.root.base):
        return BaseUrl(_PLACEHOLDER_HOST, "the description names no server")
    if server is None:
        # as OpenAPI says: without servers, the one that the description came from
        own = urljoin(description.root.base, "/")
        return _over_https(own, "the description names no server; this is where it came from")
    address = str(server.value["url"]).strip()
    variables = mapping(server.value.get("variables"))
    written = "".join(
        part if position % 2 == 0 else _variable(part, mapping(variables.get(part)), values)
        for position, part in enumerate(_VARIABLE.split(address))
    )
    check = None
    if len(found) > 1:
        others = [str(one.value["url"]) for one in found if one is not server]
        check = f"the description names {len(others)} more: {', '.join(others[:3])}"
    if written.startswith("//"):
        written = f"https:{written}"
    if not re.match(r"https?://|\{", written):
        base = description.root.base
        if urlsplit(base).scheme in ("http", "https"):
            written = urljoin(base, written)
        else:
            host = _PLACEHOLDER_HOST
            written = (
                host + "/" + written.lstrip("/")
                if "." not in written.split("/")[0]
                else (f"https://{written}")
            )
            check = "the description names no host"
    return _over_https(written, check)


def _over_https(written: str, check: str | None) -> BaseUrl:
    """Return an address as the base URL; that it had http is to be checked, if nothing else is."""
    secure = _secure(written)
    if secure != written and check is None:
        check = _HTTP_CHECK
    return BaseUrl(secure.rstrip("/"), check)


def _secure(address: str) -> str:
    """Return an address with https, which credentials need; on this machine http stays."""
    if is_loopback(origin(address)[1]):
        return address
    return re.sub(r"^http://", "https://", address)


def _variable(name: str, declared: Mapping[str, Json], values: DeclaredValues) -> str:
    entry: dict[str, Json] = {"type": "string"}
    choices = (
        [str(one) for one in declared.get("enum", []) if isinstance(one, (str, int, float))]
        if isinstance(declared.get("enum"), list)
        else []
    )
    default = declared.get("default")
    if choices:
        entry["enum"] = choices
    if (
        isinstance(default, (str, int, float))
        and str(default)
        and (not choices or str(default) in choices)
    ):
        entry["default"] = str(default)
    text = declared.get("description")
    entry["description"] = (
        first_sentence(text)
        if isinstance(text, str) and text.strip()
        else (f"The part {name} of the API's address.")
    )
    return values.entry(name, entry, "server")


def _swagger_url(description: Description) -> BaseUrl:
    value = description.root.value
    host, path = value.get("host"), value.get("basePath")
    schemes = value.get("schemes")
    scheme = "https"
    if isinstance(schemes, list) and "https" not in schemes and "http" in schemes:
        scheme = "http"
    path = str(path).strip("/") if isinstance(path, str) else ""
    check = None
    if not isinstance(host, str) or not host.strip():
        base = urlsplit(description.root.base)
        if base.scheme in ("http", "https"):
            host, scheme = base.netloc, base.scheme
        else:
            host, check = (
                _PLACEHOLDER_HOST.removeprefix("https://"),
                "the description names no host",
            )
    host = re.sub(r"^[a-z]+://", "", host.strip()).rstrip("/").replace("{", "").replace("}", "")
    path = path.replace("{", "").replace("}", "")
    return _over_https(f"{scheme}://{host}/{path}", check)


@dataclass(frozen=True)
class AuthGuess:
    """The auth as the file writes it, None if there is none, and what is to be checked."""

    auth: Json
    checks: tuple[str, ...] = ()


def auth_of(
    description: Description,
    used: Collection[tuple[Mapping[str, Json], ...]],
    values: DeclaredValues,
    base: str,
) -> AuthGuess:
    """Return the auth of a description: one, or `one_of` by config if it names several.

    `used` are the security requirements of the operations, `base` is the base URL. If a load can
    obtain its tokens by client credentials, flows that begin with a person come after that.
    """
    root = description.root
    place = (
        ("securityDefinitions",) if description.is_swagger else ("components", "securitySchemes")
    )
    schemes: dict[str, DocumentPart] = {}
    for name in mapping(getattr(root.child(*place), "value", None)):
        node = root.child(*place, name)
        if node is not None:
            schemes[str(name)] = description.resolve(node)
    wanted = _wanted(root.value.get("security"), used, schemes)
    grants = {names: _grant(schemes[names[0]]) for names in wanted}
    if "client" in grants.values():
        wanted = sorted(wanted, key=lambda names: grants[names] == "person")
    cases: dict[str, Json] = {}
    checks: list[str] = []
    secrets: dict[str, Json] = {}
    for alternative in wanted:
        trial = DeclaredValues(dict(values.config), {**values.secrets, **secrets})
        made = [_scheme(one, schemes[one], trial, base) for one in alternative]
        auths = [auth for auth, _ in made if auth is not None]
        checks += [check for _, check in made if check]
        if not auths:
            continue
        if len(auths) > 1:
            checks.append(f"{' and '.join(alternative)} are sent together; only the first is here")
        case = free_name(("_".join(alternative[:1]),), set(cases), "auth")
        if auths[0] in cases.values():
            continue
        cases[case] = auths[0]
        names = set(re.findall(r"\{(?:secrets|config)\.([a-z0-9_]+)\}", repr(auths[0])))
        secrets.update({key: one for key, one in trial.secrets.items() if key in names})
        values.config.update({key: one for key, one in trial.config.items() if key in names})
    values.secrets.update(secrets)
    if not cases:
        return AuthGuess(None, tuple(dict.fromkeys(checks)))
    if len(cases) == 1:
        return AuthGuess(next(iter(cases.values())), tuple(dict.fromkeys(checks)))
    entry = {
        "type": "string",
        "enum": list(cases),
        "default": next(iter(cases)),
        "description": "How to authenticate.",
    }
    name = values.entry("auth", entry).strip("{}")
    return AuthGuess({"type": "one_of", "by": name, "cases": cases}, tuple(dict.fromkeys(checks)))


def _wanted(
    general: Json,
    used: Collection[tuple[Mapping[str, Json], ...]],
    schemes: Mapping[str, DocumentPart],
) -> list[tuple[str, ...]]:
    """Return the alternatives, those that most operations ask for first."""
    counts: dict[tuple[str, ...], int] = {}
    listed = [tuple(mapping(one) for one in general)] if isinstance(general, list) else []
    for requirement in (*listed, *used):
        for position, one in enumerate(requirement):
            names = tuple(name for name in one if name in schemes)
            if names:
                counts[names] = counts.get(names, 0) + 100 - min(position, 50)
    if not counts and schemes and not isinstance(general, list):
        alone: list[tuple[str, ...]] = [(name,) for name in schemes]
        return alone[:3]
    singles = {one[0] for one in counts if len(one) == 1}
    kept = [one for one in counts if len(one) == 1 or not set(one) & singles]
    return sorted(kept, key=lambda names: -counts[names])[:5]


def _scheme(
    name: str, node: DocumentPart, values: DeclaredValues, base: str
) -> tuple[Json, str | None]:
    """Return the auth of one security scheme, and what is to be checked about it."""
    value = mapping(node.value)
    kind = str(value.get("type", "")).lower()
    text = node.text("description")
    scheme = str(value.get("scheme", "")).lower()
    if kind == "basic" or (kind == "http" and scheme == "basic"):
        return {
            "type": "http_basic",
            "username": values.secret("username", text or "The user name, or the key."),
            "password": values.secret(
                "password", "The password; often empty if a key is the name."
            ),
        }, None
    if kind == "http" and scheme == "digest":
        return {
            "type": "http_digest",
            "username": values.secret("username", text or "The user name."),
            "password": values.secret("password", "The password."),
        }, None
    if kind == "http" and scheme == "oauth":  # OAuth 1, by the registry of schemes
        names = ("consumer_key", "consumer_secret", "token", "token_secret")
        pairs = {one: values.secret(one, f"The {one.replace('_', ' ')}.") for one in names}
        return {"type": "oauth1", **pairs}, f"{name} is OAuth 1: set its signature_method"
    if str(value.get("x-amazon-apigateway-authtype")).lower() == "awssigv4":
        return _aws_sigv4(values, base), None
    if kind == "mutualtls":
        return None, f"{name} requires a certificate of the client: write `tls` in the client"
    if kind == "http" and scheme in ("bearer", "token", ""):
        return {
            "type": "bearer",
            "token": values.secret("token", text or "The access token."),
        }, None
    if kind == "apikey":
        return _api_key(name, value, text, values)
    if kind == "oauth2":
        return _oauth2(value, text, values, base)
    if kind == "openidconnect":
        return (
            {"type": "bearer", "token": values.secret("token", text or "The access token.")},
            f"{name} is OpenID Connect: a token from elsewhere is sent",
        )
    return None, f"the security scheme {name} ({kind or 'no type'} {scheme}) has no counterpart"


def _aws_sigv4(values: DeclaredValues, base: str) -> Json:
    """Return the auth of an API Gateway with IAM; its region is that of the address, or config."""
    found = re.search(r"\.execute-api\.([a-z0-9-]+)\.amazonaws\.com", base)
    region = found[1] if found else values.entry("region", {"type": "string"}, "aws")
    return {
        "type": "aws_sigv4",
        "access_key_id": values.secret("access_key_id", "The id of the access key."),
        "secret_access_key": values.secret("secret_access_key", "The access key."),
        "region": region,
        "service": "execute-api",
    }


def _api_key(
    name: str, value: Mapping[str, Json], text: str, values: DeclaredValues
) -> tuple[Json, str | None]:
    field_name = str(value.get("name") or name)
    place = str(value.get("in") or "header").lower()
    if place not in ("header", "query", "cookie"):
        place = "header"
    secret = values.secret("api_key", text or f"The value of {field_name}.")
    if place == "header" and field_name.lower() == "authorization":
        if re.search(r"bearer", f"{name} {text}", re.IGNORECASE):
            return {"type": "bearer", "token": secret}, None
        return (
            {"type": "api_key", "name": escape(field_name), "api_key": secret},
            'the header Authorization may need a word before the key, such as `prefix: "Token "`',
        )
    return {
        "type": "api_key",
        "name": escape(field_name),
        "api_key": secret,
        "location": place,
    }, None


def _flows(value: Mapping[str, Json]) -> dict[str, Mapping[str, Json]]:
    """Return the flows of an OAuth scheme by name; Swagger 2.0 has one of them."""
    flows = {str(key): mapping(one) for key, one in mapping(value.get("flows")).items()}
    if not flows and isinstance(value.get("flow"), str):
        flows = {value["flow"]: value}
    return flows


def _grant(node: DocumentPart) -> str:
    """Return `client` or `person` for who obtains the tokens of OAuth; empty for other schemes."""
    value = mapping(node.value)
    if str(value.get("type", "")).lower() != "oauth2":
        return ""
    return "client" if {"clientCredentials", "application"} & _flows(value).keys() else "person"


def _oauth2(
    value: Mapping[str, Json], text: str, values: DeclaredValues, base: str
) -> tuple[Json, str | None]:
    flows = {key: _with_addresses(flow, base) for key, flow in _flows(value).items()}
    for key in ("clientCredentials", "application"):
        if key in flows and _is_address(flows[key].get("tokenUrl")):
            return {
                "type": "oauth2_client_credentials",
                "access_token_url": _token_url(flows[key]["tokenUrl"], values),
                "client_id": values.secret("client_id", "The client id."),
                "client_secret": values.secret("client_secret", "The client secret."),
            }, None
    for key in ("authorizationCode", "accessCode"):
        url = flows.get(key, {}).get("refreshUrl") or flows.get(key, {}).get("tokenUrl")
        if key in flows and _is_address(url):
            return {
                "type": "oauth2_refresh_token",
                "access_token_url": _token_url(str(url), values),
                "refresh_token": values.secret("refresh_token", "A refresh token."),
                "client_id": values.secret("client_id", "The client id."),
                "client_secret": values.secret("client_secret", "The client secret."),
            }, None
    return (
        {"type": "bearer", "token": values.secret("token", text or "An access token.")},
        "the OAuth flow needs a person; a token from elsewhere is sent",
    )


def _with_addresses(flow: Mapping[str, Json], base: str) -> dict[str, Json]:
    """Return a flow whose addresses that begin with `/` are those of the API's host."""
    host = re.match(r"https?://[^/]+", base)
    return {
        key: f"{host[0]}{one}"
        if host and key in ("tokenUrl", "refreshUrl") and re.match(r"/[^/]", str(one))
        else one
        for key, one in flow.items()
    }


def _token_url(address: str, values: DeclaredValues) -> str:
    """Return the address of tokens; its variables are those of the server, or become config."""
    parts = _VARIABLE.split(_secure(address))
    for position in range(1, len(parts), 2):
        name = parts[position]
        is_known = name in values.config
        parts[position] = f"{{config.{name}}}" if is_known else _variable(name, {}, values)
    return "".join(parts)


def _is_address(value: Json) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))
