"""Credentials go only to hosts that the project knew when the process started.

Who may edit a connector file, an agent or a page, could write another host into base_url, into
allowed_hosts or into the auth's URLs, and then ask for a preview: the token would go there. So the
hosts are taken from the files once, before the first edit, and a human names others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from framework.definition.model import Connector
from framework.definition.validation import validate
from framework.errors import FrameworkError, RequestError, UsageError
from framework.workspace.project_folder import ProjectFolder, text_of

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from framework.definition.finder import Location
    from framework.runtime.environment import Environment
    from framework.runtime.redaction import Redactor

Json = Any
Transport = Callable[[int], "BaseAdapter"]
_BASE_URL = re.compile(r"^\s+base_url:\s*[\"']?(https?://[^\s\"'{}]+)", re.MULTILINE)
_CONFIG = re.compile(r"\{config\.(\w+)\}")
_HEADERS = ("Authorization", "Proxy-Authorization", "Cookie")


@dataclass(frozen=True)
class HostGuard:
    """The hosts that may receive credentials, and places of settings that files may name.

    `origins` are (scheme, host, port) of URLs, `named` hosts or host:port, over https or loopback.
    `plain` are origins that get requests without credentials. `keys` are the names under which
    entries of a file look up their values. `source` and `remedy` are for messages: which files were
    read and when, and how others are allowed.
    """

    origins: frozenset[tuple[str, str, int | None]]
    named: frozenset[str]
    plain: frozenset[tuple[str, str, int | None]]
    keys: frozenset[str]
    source: str = "the project's connector files had when this process started"
    remedy: str = "let the project's owner start it again with --allow-host {host}"

    @classmethod
    def of(cls, folder: ProjectFolder, allowed: Iterable[str] = ()) -> HostGuard:
        """Return the guard of a project as it is now; `allowed` hosts are named by its owner."""
        return cls.of_files(folder.locations(), allowed)

    @classmethod
    def of_files(
        cls,
        files: Iterable[Location],
        allowed: Iterable[str] = (),
        given: Mapping[str, Json] | None = None,
    ) -> HostGuard:
        """Return the guard of some connector files as they are now.

        `given` are config values that the owner has set for them besides.
        """
        from framework.http.session import origin

        origins, plain, keys = set(), set(), set()
        named = set(map(_checked, allowed))
        for location in files:
            result = validate(location)
            connector = result.connector
            if connector is None:  # a mistake is what the file is edited for
                document = result.document
                data = None if document is None else document.data
                urls, hosts = _written_places(data, text_of(location.path, location.display))
            else:
                urls, hosts = _credential_places(connector, given or {})
                keys |= _keys(connector)
                plain |= {origin(url) for url in _absolute_paths(connector)}
            origins |= {origin(url) for url in urls}
            named |= hosts
        empty = ("", "", None)
        return cls(
            frozenset(origins - {empty}),
            frozenset(named),
            frozenset(plain - {empty}),
            frozenset(keys),
        )

    def allowing(self, hosts: Iterable[str]) -> HostGuard:
        """Return a guard that also allows hosts which the project's owner has named."""
        return replace(self, named=self.named | frozenset(map(_checked, hosts)))

    def allows(self, url: str) -> bool:
        """Return whether credentials may be sent to a URL."""
        from framework.http.session import PORTS, is_loopback, origin

        scheme, host, port = origin(url)
        if scheme not in PORTS or not host:
            return False
        if (scheme, host, port) in self.origins:
            return True
        if scheme != "https" and not is_loopback(host):
            return False
        return f"{host}:{port}" in self.named or (
            host in self.named and (port == PORTS[scheme] or is_loopback(host))
        )

    def refuse_connector(self, connector: Connector) -> None:
        """Raise UsageError if entries of a file look up settings that no file looked up before.

        An entry with a `key` is found in any place of the environment and of the settings files.
        """
        new = sorted(_keys(connector) - self.keys)
        if new:
            raise UsageError(
                f"{connector.name} reads {new[0]} from the settings or as a file of keys, which is "
                f"not what {self.source}; {self.remedy.partition(' with ')[0]}"
            )

    def guarded(self, environment: Environment, connector: Connector) -> Environment:
        """Return an environment whose requests go over the network to known hosts only."""
        from framework.http.transport import LiveAdapter

        self.refuse_connector(connector)
        redactor = environment.redactor

        def transport(connections: int) -> BaseAdapter:
            inner = LiveAdapter.of(connector.client, connections)
            return guarded_adapter(inner, self, redactor)

        return replace(environment, transport=transport)

    def refusal(
        self, url: str, headers: Mapping[str, Any], body: object, redactor: Redactor
    ) -> str:
        """Return why a request must not be sent, "" if it may."""
        from framework.http.session import PORTS, origin

        if self.allows(url):
            return ""
        scheme, host, port = origin(url)
        if (scheme, host, port) in self.plain:
            texts = [url, *map(_text, headers.values()), _text(body)]
            has_credentials = any(headers.get(name) for name in _HEADERS)
            if not has_credentials and not any(map(redactor.found_in, texts)):
                return ""
        address = host if port == PORTS.get(scheme) else f"{host}:{port}"
        return (
            f"{scheme}://{address or '(no host)'} is not a host that {self.source}, so no request "
            f"goes there. If it belongs to the API, {self.remedy.format(host=address or 'HOST')}"
        )


def guarded_adapter(inner: BaseAdapter, guard: HostGuard, redactor: Redactor) -> BaseAdapter:
    """Return an adapter that refuses what the guard refuses, redirects and tokens included."""
    import requests
    from requests.adapters import BaseAdapter as Base

    class GuardedAdapter(Base):
        """Sends a request, or raises RequestError."""

        def send(
            self, request: requests.PreparedRequest, *args: Any, **named: Any
        ) -> requests.Response:
            """Send the request if it may be sent."""
            why = guard.refusal(request.url or "", request.headers, request.body, redactor)
            if why:
                raise RequestError(why, code="host-not-allowed")
            return inner.send(request, *args, **named)

        def close(self) -> None:
            """Close the inner adapter."""
            inner.close()

    return GuardedAdapter()


def _checked(host: str) -> str:
    """Return a host or host:port in lower case. Raise UsageError for anything else."""
    text = host.strip().lower()
    try:
        parts = urlsplit(f"//{text}")
        is_host = bool(parts.hostname) and parts.netloc == text and "@" not in text
        is_host = is_host and not (parts.path or parts.query or parts.fragment)
        _ = parts.port
    except ValueError:
        is_host = False
    if not is_host or "*" in text:
        raise UsageError(f"found --allow-host {host}, expected a host or host:port")
    return text.replace("[", "").replace("]", "") if text.endswith("]") else text


def _credential_places(
    connector: Connector, config: Mapping[str, Json]
) -> tuple[list[str], set[str]]:
    """Return the URLs and the hosts to which a file sends credentials, by its settings of now."""
    from framework.extract.compilation.render import render_config
    from framework.runtime.settings import STAND_IN, resolve_settings

    client = connector.client
    places: list[Json] = [client.base_url, client.auth]  # all auths that config may choose
    hosts: Iterable[Json] = client.allowed_hosts
    known = {name: value for name, value in config.items() if name in connector.config}
    given = {**dict.fromkeys(connector.secrets, STAND_IN), **known}
    for replay in (False, True):  # without the values that have no default, what is known
        try:
            settings = resolve_settings(connector, given, replay=replay)
            filled = render_config(connector, settings)["client"]
        except FrameworkError:
            continue
        places += [filled.get("base_url"), filled.get("auth")]
        hosts = filled.get("allowed_hosts") or ()
        break
    return list(_urls(places)), {str(host).lower() for host in hosts if "{" not in str(host)}


def _written_places(data: Json, text: str) -> tuple[list[str], set[str]]:
    """Return the URLs and hosts that stand in a file with errors, without looking up settings."""
    client = data.get("client") if isinstance(data, dict) else None
    if not isinstance(client, dict):
        return [found[1] for found in _BASE_URL.finditer(text)], set()
    config = data.get("config")
    defaults = {
        str(name): entry["default"]
        for name, entry in (config if isinstance(config, dict) else {}).items()
        if isinstance(entry, dict) and isinstance(entry.get("default"), str)
    }
    urls = [client.get("base_url"), client.get("auth")]
    found = [_CONFIG.sub(lambda one: defaults.get(one[1], one[0]), url) for url in _texts(urls)]
    hosts = client.get("allowed_hosts")
    named = {one.lower() for one in hosts or () if isinstance(one, str) and "{" not in one}
    return [url for url in _urls(found) if "{" not in url.split("://")[1].split("/")[0]], named


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (Mapping, list)):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one)


def _urls(value: Json) -> Iterator[str]:
    """Yield each text in data that is a URL without placeholders in its host."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, Mapping):
            left += one.values()
        elif isinstance(one, (list, tuple)):
            left += one
        elif isinstance(one, str) and one.lower().startswith(("http://", "https://")):
            yield one


def _absolute_paths(connector: Connector) -> Iterator[str]:
    return _urls([one.endpoint.path for one in connector.resources])


def _keys(connector: Connector) -> set[str]:
    """Return the places outside the file that it names: of settings, and of files of keys."""
    keys = {entry.key for entry in connector.config.values()}
    keys |= {entry.key for entry in connector.secrets.values()}
    tls = connector.client.tls
    if tls is not None:
        written = (tls.cert, tls.key, tls.ca)
        keys |= {one for one in written if one and "{" not in one and "-----BEGIN" not in one}
    return {key for key in keys if key}


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
