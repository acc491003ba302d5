"""dlt's REST client for lists."""

from __future__ import annotations

import json
from typing import Any

import requests
from dlt.sources.helpers.rest_client.detector import find_response_page_data
from jsonpath_ng.exceptions import JSONPathError

from framework.definition.expressions.jmespath_expression import compile_expression
from framework.errors import RequestError
from framework.extract.paging.pagination import FrameworkPaginator, PaginationRules
from framework.extract.paging.selectors import to_dlt
from framework.http.request_context import context_of
from framework.runtime.dlt_internals import QuietRESTClient


class ListClient(QuietRESTClient):
    """RESTClient that formats log lines only when logging is on and quotes detected list keys."""

    def detect_data_selector(self, response: requests.Response) -> Any:
        """Where the list is that dlt finds, whatever letters its keys have."""
        keys, _ = find_response_page_data(response.json())
        return (
            "$" if keys == ("$",) else to_dlt(compile_expression(".".join(map(json.dumps, keys))))
        )

    def detect_paginator(self, response: requests.Response, data: Any) -> FrameworkPaginator:
        """Return the paginator that dlt detects; raise RequestError if its keys cannot be read."""
        try:
            paginator = super().detect_paginator(response, data)
        except JSONPathError:
            raise RequestError(
                f"{context_of(response.request.hooks).prefix}no paginator is declared, and the "
                "response has its next page under keys that cannot be detected. Declare it: "
                "`paginator: {type: json_link, next_url_path: '\"a key\".next'}`, for example."
            ) from None
        return FrameworkPaginator(paginator, PaginationRules())
