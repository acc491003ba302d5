"""Credentials put on requests, in dlt's own classes where they serve.

Tokens obtained on the way become secrets of the run; obtaining one is safe under concurrency.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from copy import copy
from typing import Any

import requests
from dlt.common import pendulum
from dlt.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    AuthConfigBase,
    OAuth2ClientCredentials,
)
from dlt.sources.rest_api.config_setup import create_auth

from framework.build.answers import own_words
from framework.build.secrets import Secrets
from framework.build.urls import shown
from framework.build.wire import NotJson
from framework.errors import RequestError


def build_auth(
    config: Mapping[str, Any], session: requests.Session, secrets: Secrets
) -> AuthConfigBase:
    """The auth that a mapping with a `type` describes; `session` fetches tokens."""
    if config["type"] == "none":
        return _NoAuth()
    if config["type"] == "oauth2_client_credentials":
        return _ClientCredentials(session, secrets, config)
    if config["type"] == "api_key" and config.get("location") == "cookie":
        return _CookieKey(config)
    if config["type"] == "http_basic":
        # what travels is base64 of the pair
        secrets.add(f"{config['username']}:{config['password']}")
    auth = create_auth(dict(config))  # type: ignore[arg-type]
    assert auth is not None
    return auth


class _NoAuth(AuthConfigBase):
    """An endpoint without credentials where the client has some."""

    def __init__(self) -> None:
        super().__init__()
        self.__is_resolved__ = True

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _CookieKey(APIKeyAuth):
    """An API key in a cookie, which dlt's own class leaves unimplemented."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.name = config["name"]
        self.api_key = config["api_key"]
        self.location = "cookie"
        self.__is_resolved__ = True

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        known = request.headers.get("Cookie")
        pair = f"{self.name}={self.api_key}"
        request.headers["Cookie"] = f"{known}; {pair}" if known else pair
        # requests writes the header of a redirect's next hop anew, from this jar
        request._cookies.set(self.name, self.api_key)  # type: ignore[attr-defined]
        return request


class _ClientCredentials(OAuth2ClientCredentials):
    """dlt's client credentials with a lock, and with errors in our words."""

    def __init__(
        self, session: requests.Session, secrets: Secrets, config: Mapping[str, Any]
    ) -> None:
        super().__init__()
        for key, value in config.items():
            if key != "type":
                setattr(self, key, value)
        self.session = session
        self._secrets = secrets
        self._lock = threading.Lock()
        self.__is_resolved__ = True

    def __deepcopy__(self, _: dict[int, Any]) -> _ClientCredentials:
        # dlt masks the secrets in a copy of the config before it validates that copy
        return copy(self)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        with self._lock:
            return super().__call__(request)

    def obtain_token(self) -> None:
        """Ask for a token; RequestError where none is given."""
        asked = f"the token request to {shown(self.access_token_url, self._secrets)}"
        try:
            response = self.session.post(self.access_token_url, **self.build_access_token_request())
        except requests.RequestException as error:
            raise RequestError(f"{asked} failed: {type(error).__name__}") from error
        if response.status_code >= 400:
            words = self._secrets.redact(own_words(response))
            raise RequestError(
                f"{asked} answered {response.status_code} {response.reason}"
                + (f": {words}" if words else "")
                + "\nCheck auth.client_id, auth.client_secret and auth.access_token_url.",
                status=response.status_code,
            )
        try:
            answer = response.json()
        except NotJson:
            answer = None
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise RequestError(f"{asked} gave no `access_token`")
        self._secrets.add(token)
        self.access_token = token
        self.token_expiry = pendulum.now().add(seconds=self.parse_expiration_in_seconds(answer))

    def parse_expiration_in_seconds(self, response_json: Any) -> int:
        """What the answer says, or the file's `default_token_expiration` where it is no number."""
        try:
            return int(response_json["expires_in"])
        except (KeyError, TypeError, ValueError):
            return self.default_token_expiration
