"""Signatures of requests, made anew for what is sent later or elsewhere.

A signature has the time in it, and may have a number that the API accepts once. So each retry, each
request that waited for its place, and each redirect to the API itself is signed again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

Sign = Callable[[requests.PreparedRequest], None]
"""Puts a signature on a prepared request."""


@dataclass(frozen=True)
class Signature:
    """How a request is signed, and what it was before.

    It is a response hook that does nothing: hooks are what copies of a request keep.
    """

    sign: Sign
    unsigned: requests.PreparedRequest

    def __call__(self, *_: Any, **__: Any) -> None:
        """Leave the response as it is."""


def sign_request(request: requests.PreparedRequest, sign: Sign) -> None:
    """Sign a request, and note how."""
    unsigned = request.copy()
    sign(request)
    request.register_hook("response", Signature(sign, unsigned))  # type: ignore[no-untyped-call]


def sign_again(request: requests.PreparedRequest) -> None:
    """Replace the signature of a request, if it has one."""
    for one in _signatures(request):
        request.url, request.body = one.unsigned.url, one.unsigned.body
        request.headers = one.unsigned.headers.copy()
        one.sign(request)


def sign_redirect(request: requests.PreparedRequest) -> None:
    """Sign the request of a redirect as the one before it was signed."""
    for one in drop_signature(request):
        sign_request(request, one.sign)


def drop_signature(request: requests.PreparedRequest) -> list[Signature]:
    """Have a request not signed again, and return how it was signed."""
    signatures = _signatures(request)
    if signatures:
        # a copy of a request has the same mapping of hooks
        kept = [hook for hook in request.hooks["response"] if hook not in signatures]
        request.hooks = {**request.hooks, "response": kept}
    return signatures


def _signatures(request: requests.PreparedRequest) -> list[Signature]:
    return [hook for hook in request.hooks.get("response", ()) if isinstance(hook, Signature)]
