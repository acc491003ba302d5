"""The request of an endpoint, written from its templates: for the first page and for each later.

Templates and values in, the parts of a request out. Which page is asked for is in the context.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from dlt.sources.helpers.rest_client.utils import join_url

from framework.definition.model import Endpoint
from framework.extract.plan import Plan
from framework.runtime.context import Context
from framework.runtime.redaction import Secrets
from framework.runtime.templates import Values, expand

Json = Any


class Requested:
    """The requests of one list. `values` are those of its placeholders, by their text; `plan`
    knows the incremental's parameters, None where there is none."""

    def __init__(self, endpoint: Endpoint, plan: Plan | None, values: Mapping[str, Json]) -> None:
        self._endpoint = endpoint
        self._plan = plan
        self._known = values

    def parts(self, context: Context, secrets: Secrets) -> dict[str, Json]:
        """`path`, `method`, `params`, `json`, `data` and `headers` as dlt's client takes them."""
        endpoint = self._endpoint
        values = Values(self._known, context, secrets)
        params = expand(endpoint.params, values, "query")
        if self._plan is not None:
            params.update(self._plan.cursor_params(dict(self._known)))
        return {
            "path": expand(endpoint.path, values, "path"),
            "method": endpoint.method,
            "params": {name: value for name, value in params.items() if value is not None},
            "json": expand(endpoint.json, values, "json"),
            "data": form(expand(endpoint.data, values, "text")),
            "headers": expand(endpoint.headers, values, "text") or None,
        }

    def writer(
        self, base_url: str, headers: Mapping[str, Json] | None, secrets: Secrets
    ) -> Callable[[requests.Request, Context], None]:
        """What writes a request anew for a page; `headers` are the client's own."""

        def write(request: requests.Request, context: Context) -> None:
            parts = self.parts(context, secrets)
            path = parts["path"]
            absolute = urlsplit(path).scheme in ("http", "https")
            request.url = path if absolute else join_url(base_url, path)
            request.params, request.json = parts["params"], parts["json"]
            request.data = parts["data"] or []
            request.headers = {**(headers or {}), **(parts["headers"] or {})}

        return write


def form(data: Json) -> Json:
    """Form data as requests takes it: pairs as tuples."""
    if isinstance(data, list):
        return [tuple(pair) if isinstance(pair, list) else pair for pair in data]
    return data
