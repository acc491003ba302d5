"""The notice of a failed run: who gets it, and what it says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from framework.errors import FrameworkError
from framework.runtime.redacted_output import process_redactor
from framework.text import count_noun, cut

if TYPE_CHECKING:
    from framework.load.report import Report

KEY = "notify.urls"
"""Where dlt's providers have the URLs: `NOTIFY__URLS`, or `[notify]` in secrets.toml."""
_LONGEST = 1_000
"""Characters of one line of a notice."""
_OPAQUE = re.compile(r"[^/?&=]{12,}")
"""A part of a URL that may be a token."""
_HOST = re.compile(r"(?:localhost|[\d.]+|[\w.-]+\.[a-z]{2,})(?::\d+)?")
"""A part that is a host. Masked, it would be missing in messages about an API there."""


class FailureNotice:
    """Sends notices to apprise's URLs, all of which are secrets."""

    def __init__(self, urls: Sequence[str]) -> None:
        """Raise FrameworkError if apprise is not installed, or does not know a URL."""
        try:
            import apprise
        except ModuleNotFoundError:
            raise FrameworkError(
                "notifications need apprise: pip install 'rest-connector-framework[notify]'"
            ) from None
        self._apprise = apprise.Apprise()
        redactor = process_redactor()
        for position, url in enumerate(urls, 1):
            redactor.add_foreign(url)
            redactor.add_url(url)
            for part in _OPAQUE.findall(url.partition("://")[2]):
                if not _HOST.fullmatch(part.rpartition("@")[2]):
                    redactor.add_foreign(part)
            if not self._apprise.add(url):
                raise FrameworkError(
                    f"notification URL {position} of {len(urls)} is not one that apprise knows; "
                    "expected one such as mailto://USER:PASSWORD@HOST or json://HOST/PATH"
                )

    def send(self, report: Report) -> bool:
        """Send the notice of a failed run; return whether everybody got it."""
        title, body = notice_text(report)
        try:
            return bool(self._apprise.notify(title=title, body=body, body_format="text"))
        except Exception:  # a plugin's own; the run has ended, and its outcome stands
            return False


def notice_text(report: Report) -> tuple[str, str]:
    """Return title and body: what failed and why, and what was loaded. Secrets are masked."""
    parts = report.resources.values()
    lines = [report.error] if report.error else []
    # errors of resources begin with their name
    lines += [part.error or f"{part.name}: failed" for part in parts if part.status == "failed"]
    loaded = [f"{part.name} {count_noun(part.rows, 'row')}" for part in parts if part.rows]
    lines.append(f"loaded: {', '.join(loaded) or 'nothing'}")
    lines.append(f"run {report.id}, {report.seconds:.1f} s")
    redactor = process_redactor()
    body = "\n".join(cut(redactor.redact(line), _LONGEST) for line in lines)
    return redactor.redact(f"{report.connector}: {report.status}"), body


def configured_urls(given: Sequence[str]) -> tuple[str, ...]:
    """Return the URLs of the command line, or those of the settings; empty if there are none.

    Raise FrameworkError if the settings have something else.
    """
    if given:
        return tuple(given)
    import dlt

    found: Any = dlt.secrets.get(KEY)
    if not found:
        return ()
    if isinstance(found, str):
        return tuple(found.replace(",", " ").split())
    if isinstance(found, list) and all(isinstance(one, str) for one in found):
        return tuple(found)
    raise FrameworkError(
        f"found {type(found).__name__} as {KEY}, expected a URL or a list of URLs of apprise"
    )
