"""What the studio answers: JSON without secrets, errors with a remedy."""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from framework.errors import FrameworkError
from framework.runtime.environment_errors import environment_error
from framework.workspace.project_folder import FileChanged

if TYPE_CHECKING:
    from framework.runtime.redaction import Redactor

Json = Any
_TYPE = "application/json"


class RequestRefused(FrameworkError):
    """A request that cannot be served, with the HTTP status that says so."""

    def __init__(self, status: int, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.remedy = remedy


def json_response(data: Json, redactor: Redactor, status: int = 200) -> Response:
    """Return a response with the data, every secret masked."""
    return Response(json_bytes(redactor.redact_data(data)), status, media_type=_TYPE)


def error_response(status: int, message: str, remedy: str = "") -> Response:
    """Return a response with an error whose texts hold no secret."""
    return Response(json_bytes(_error(message, remedy)), status, media_type=_TYPE)


def failure_response(error: Exception, redactor: Redactor) -> Response:
    """Return the response for an exception, our own bugs included."""
    status, data = error_data(error)
    return json_response({"error": data}, redactor, status)


def error_data(error: Exception) -> tuple[int, dict[str, str]]:
    """Return the HTTP status of an exception, and what the page shows of it."""
    if isinstance(error, RequestRefused):
        return error.status, _error(str(error), error.remedy)["error"]
    if isinstance(error, FileChanged):
        return 409, _error(str(error), "reload the file, or copy your text first")["error"]
    if isinstance(error, FrameworkError):
        return 400, _error(str(error))["error"]
    message = environment_error(error)
    if message is not None:
        return 400, _error(message)["error"]
    return 500, _error(bug_text(error), "please open an issue with this line")["error"]


def bug_text(error: BaseException) -> str:
    """Return what a bug report needs: the error's type and places, no values."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = ", ".join(f"{Path(one.filename).name}:{one.lineno}" for one in frames)
    return f"a bug of the framework: {type(error).__name__} at {places}"


def _error(message: str, remedy: str = "") -> dict[str, dict[str, str]]:
    return {"error": {"message": message, **({"remedy": remedy} if remedy else {})}}


def json_bytes(data: Json) -> bytes:
    """Return JSON that a browser reads: NaN is null, half a character is written as an escape."""
    try:
        return orjson.dumps(data, default=str, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(_finite(data), default=str, allow_nan=False).encode()


def _finite(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
