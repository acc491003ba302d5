"""URLs that records hold, with or without a host, as requests need them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from dlt.sources.helpers.rest_client.utils import join_url

from framework.errors import BindingError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def whole_url(written: str, base: str, resource: str, template: str) -> str:
    """Return a record's URL with a host; one that has none is relative to the base URL.

    A path that begins with the base URL's own is one of the host. Raise BindingError for what is
    not an address of HTTP; `resource` and `template` name its place.
    """
    written = written.strip()
    if not written:
        raise BindingError(
            f"{resource}: `{template}` gives empty text, not a URL; leave such records out with "
            "`when`"
        )
    scheme = _SCHEME.match(written)
    if scheme is not None:
        if scheme[1].lower() in ("http", "https"):
            return written
        raise BindingError(
            f"{resource}: `{template}` gives a URL with the scheme {scheme[1]}, expected http or "
            "https; leave such records out with `when`"
        )
    host = urlsplit(base)
    if written.startswith("//"):
        return f"{host.scheme}:{written}"
    if written.startswith("?"):
        return f"{base}{written}"
    own = host.path.rstrip("/")
    if own and re.match(rf"{re.escape(own)}(?:[/?]|$)", written):
        return f"{host.scheme}://{host.netloc}{written}"
    return join_url(base, written)
