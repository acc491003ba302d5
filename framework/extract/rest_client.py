"""dlt's REST client for lists."""

from __future__ import annotations

import json
import logging
from typing import Any

import requests
from dlt.common import logger
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.detector import find_response_page_data

from framework.definition.expressions.jmespath_expression import compile_expression
from framework.extract.selectors import to_dlt


class ListClient(RESTClient):
    """dlt's client, which words each request for its log, be there one or not, and takes the keys
    of a list that it finds for a JSONPath as they are."""

    def _log_request(self, request: requests.Request, prepared_url: str) -> None:
        if logger.isEnabledFor(logging.INFO):
            super()._log_request(request, prepared_url)

    def detect_data_selector(self, response: requests.Response) -> Any:
        """Where the list is that dlt finds, whatever letters its keys have."""
        keys, _ = find_response_page_data(response.json())
        return (
            "$" if keys == ("$",) else to_dlt(compile_expression(".".join(map(json.dumps, keys))))
        )
