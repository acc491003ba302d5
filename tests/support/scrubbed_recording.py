"""What tests of recordings share: connectors of their own, exchanges and requests by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml
from requests.adapters import BaseAdapter

from framework.authoring.exchange import Interaction
from framework.definition.finder import find_connector
from framework.definition.model import Connector
from framework.definition.validation import validate
from framework.http.transport import make_response

Json = Any
JSON = (("Content-Type", "application/json"),)


def connector(folder: Path, body: Mapping[str, Json], name: str = "club") -> Connector:
    """The judged connector with this body."""
    path = folder / "connectors" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True, parents=True)
    text = yaml.safe_dump({"version": 1, "name": name, **body}, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    judged = validate(find_connector(str(path)))
    assert judged.connector is not None, judged.findings
    return judged.connector


def exchange(
    url: str, body: Json = None, *, status: int = 200, method: str = "GET", **more: Json
) -> Interaction:
    """An exchange; a body that is no bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    more.setdefault("headers", JSON)
    return Interaction(method=method, url=url, status=status, reason="", body=content, **more)


def prepared(url: str, method: str = "GET", **more: Json) -> requests.PreparedRequest:
    """A request as a session would send it."""
    return requests.Request(method, url, **more).prepare()


@dataclass
class Wire(BaseAdapter):
    """A network that answers everything with what `answers` has for the URL."""

    answers: Mapping[str, Json]

    def __post_init__(self) -> None:
        super().__init__()

    def send(self, request: requests.PreparedRequest, **_: Json) -> requests.Response:  # type: ignore[override]
        answer = self.answers[request.url or ""]
        if isinstance(answer, Exception):
            raise answer
        headers = [("Content-Type", "application/json"), *answer.get("headers", ())]
        body = json.dumps(answer.get("body")).encode()
        return make_response(request, answer.get("status", 200), "", headers, body)

    def close(self) -> None:
        pass
