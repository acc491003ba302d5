"""What a login asks for: the auth of a connector that has `login`, and the token that it gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from framework.definition.auth_choice import every_case
from framework.definition.expressions.jmespath_expression import compile_expression
from framework.definition.expressions.placeholders import placeholders
from framework.definition.model import Connector
from framework.definition.plain_data import from_plain
from framework.errors import SettingsError, TokenError, UsageError
from framework.http.auth.authenticators import AuthContext, TokenEndpoint
from framework.http.session import refuse_plain_http
from framework.runtime.templates import text_of

Json = Any
NO_REFRESH_TOKEN = (
    "the API gave access, but no refresh token. Many give one only for a scope such as "
    "offline_access, or with params: {access_type: offline, prompt: consent} in the login"
)


@dataclass(frozen=True)
class LoginRequest:
    """The keys of `login`; addresses are filled in."""

    authorization_url: str | None = None
    device_authorization_url: str | None = None
    scope: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    redirect_uri: str | None = None


@dataclass(frozen=True)
class Consent:
    """One login: what is asked, the token endpoint, and how the refresh token is found."""

    request: LoginRequest
    endpoint: TokenEndpoint
    context: AuthContext
    refresh_token_path: str

    @classmethod
    def of(cls, auth: Mapping[str, Json], context: AuthContext) -> Consent:
        """Return the login of an auth mapping that is filled in."""
        request = from_plain(LoginRequest, auth["login"])
        for url in (request.authorization_url, request.device_authorization_url):
            if url is not None:
                refuse_plain_http(url, "an address of the login")
        path = auth.get("refresh_token_path", "refresh_token")
        context = replace(context, remedy="Check client_id, client_secret and the login's address.")
        return cls(request, TokenEndpoint.of(auth), context, path)

    @property
    def client_id(self) -> str:
        """The client id; raise SettingsError if there is none."""
        if self.endpoint.client_id is None:
            raise SettingsError("the auth has no client_id, which a login needs; add it")
        return text_of(self.endpoint.client_id)

    @property
    def params(self) -> dict[str, str]:
        """What both ways of a login send."""
        scope = {} if self.request.scope is None else {"scope": self.request.scope}
        return {"client_id": self.client_id, **scope, **self.request.params}

    def exchange(self, grant: Mapping[str, str]) -> str:
        """Return the refresh token for what a person allowed; raise TokenError without one."""
        response = self.context.request_token(self.endpoint.request(self.context, grant))
        return self.refresh_token(response.body, response.context)

    def refresh_token(self, body: Json, context: Any) -> str:
        """Return the refresh token in a response, which becomes a secret; raise TokenError."""
        token = compile_expression(self.refresh_token_path).search(body, context)
        if not isinstance(token, str) or not token:
            raise TokenError(NO_REFRESH_TOKEN)
        self.context.redactor.add(token)
        return token


def auths_with_login(connector: Connector) -> Iterator[Mapping[str, Json]]:
    """Yield the auths of a file that have `login`, the client's before those of resources."""
    own = [resource.endpoint.auth for resource in connector.resources]
    for auth in (connector.client.auth, *own):
        yield from (one for one in every_case(auth) if one.get("login"))


def secret_of(auth: Mapping[str, Json]) -> str:
    """Return the name of the secret that holds the refresh token.

    Raise UsageError if the auth takes it from elsewhere.
    """
    found = placeholders(auth["refresh_token"])
    if len(found) != 1 or found[0].kind != "secrets":
        raise UsageError(
            "the auth's refresh_token is not one secret, so there is no place to store it; write "
            'refresh_token: "{secrets.refresh_token}"'
        )
    return str(found[0].name)
