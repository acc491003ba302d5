"""dlt's REST client for lists."""

from __future__ import annotations

import json
from typing import Any

import requests
from dlt.sources.helpers.rest_client.detector import find_response_page_data

from framework.definition.expressions.jmespath_expression import compile_expression
from framework.extract.selectors import to_dlt
from framework.runtime.dlt_internals import QuietRESTClient


class ListClient(QuietRESTClient):
    """RESTClient that formats log lines only when logging is on and quotes detected list keys."""

    def detect_data_selector(self, response: requests.Response) -> Any:
        """Where the list is that dlt finds, whatever letters its keys have."""
        keys, _ = find_response_page_data(response.json())
        return (
            "$" if keys == ("$",) else to_dlt(compile_expression(".".join(map(json.dumps, keys))))
        )
