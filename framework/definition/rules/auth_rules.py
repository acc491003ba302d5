"""Auths: each has the secrets that it needs, and one chosen by config has a case for each value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.definition.auth_choice import case_name
from framework.definition.draft import Draft
from framework.definition.rules.rule import Breach, Key, rule
from framework.definition.schema.annotations import auths
from framework.text import join_words, mentions

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any

NEEDED = {
    "bearer": ("token",),
    "api_key": ("api_key",),
    "http_basic": ("username", "password"),
    "oauth2_client_credentials": ("client_id", "client_secret"),
}
"""The keys that an auth needs, or that dlt would look up in its own configuration."""
_AWS_HOST = re.compile(
    r"[./]([a-z]{2}(?:-[a-z]+)+-\d)(?:\.[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?(?:[/:]|$)"
)
"""An address with a region: ID.execute-api.REGION.amazonaws.com, NAME.REGION.es.amazonaws.com."""


@rule("auth-without-secret")
def check_needed_secrets(draft: Draft) -> Iterator[Breach]:
    """Every auth has the keys that it needs."""
    tls = draft.client.get("tls")
    for pointer, auth in all_auths(draft).items():
        kind = auth if isinstance(auth, str) else auth.get("type") or "bearer"
        missing = [*NEEDED.get(kind, ())] if isinstance(kind, str) else []
        if kind == "oauth1" and isinstance(auth, dict):
            by_key = str(auth.get("signature_method")).startswith("RSA")
            missing = ["private_key" if by_key else "consumer_secret"]
        if isinstance(auth, dict):
            missing = [key for key in missing if not mentions(auth, key)]
            if kind == "oauth2_client_credentials" and auth.get("access_token"):
                missing = []
            elif isinstance(tls, dict) and mentions(tls, "cert"):
                # the certificate says who the client is (RFC 8705)
                missing = [key for key in missing if key != "client_secret"]
        if missing:
            lines = ", ".join(f'{name}: "{{secrets.{name}}}"' for name in missing)
            yield (
                Key(pointer) if isinstance(auth, dict) else pointer,
                f"the auth {kind} has no {' and no '.join(missing)}; declare it under secrets and "
                f"write auth: {{type: {kind}, {lines}}}",
            )


@rule("auth-without-case")
def check_cases(draft: Draft) -> Iterator[Breach]:
    """An auth that config chooses has a case for each value that config may have."""
    for pointer, by, cases, entry in _choices(draft):
        values = entry.get("enum")
        if not isinstance(values, list):
            # with a default of null the user has to choose, and the run says so
            default = entry.get("default")
            values = [] if default is None else [default]
        missing = [one for one in map(case_name, values) if one not in cases]
        if missing:
            yield (
                Key((*pointer, "cases")),
                f"{by} may be {join_words(missing)}, and there is no such case; there are "
                f"{join_words(map(str, cases))}; add it, with null for no auth",
            )


@rule("unused-case", severity="warning")
def check_unused_cases(draft: Draft) -> Iterator[Breach]:
    """Config can choose every case."""
    for pointer, by, cases, entry in _choices(draft):
        values = entry.get("enum")
        names = [case_name(value) for value in values] if isinstance(values, list) else [*cases]
        for case in cases:
            if case not in names:
                yield (
                    Key((*pointer, "cases", case)),
                    f"{by} is never {case}, so this auth is never used; add it to the enum of "
                    f"{by.removeprefix('config.')}, or remove the case",
                )


@rule("aws-region")
def check_aws_region(draft: Draft) -> Iterator[Breach]:
    """The region that signs requests is the one in the API's address."""
    found = _AWS_HOST.search(str(draft.client.get("base_url") or ""))
    if found is None:
        return
    for pointer, auth in all_auths(draft).items():
        region = auth.get("region") if isinstance(auth, dict) else None
        if not isinstance(region, str) or auth.get("type") != "aws_sigv4" or "{" in region:
            continue
        if region != found[1]:
            yield (
                (*pointer, "region"),
                f"found {region}, expected {found[1]}, which is in the base URL: AWS refuses a "
                "signature for another region",
            )


def all_auths(draft: Draft) -> dict[Pointer, Json]:
    """Return every auth that is a name or a mapping, those inside others too, by place."""
    places: dict[Pointer, Json] = dict(auths(("client", "auth"), draft.client.get("auth")))
    for merged in draft.resources:
        if "auth" in merged.endpoint:
            place = merged.place("endpoint", "auth")
            for pointer, auth in auths(place, merged.endpoint["auth"]):
                places.setdefault(pointer, auth)
    # an empty mapping is the auth `bearer` without a token
    return {
        place: auth
        for place, auth in places.items()
        if isinstance(auth, dict) or (auth and isinstance(auth, str))
    }


def _choices(
    draft: Draft,
) -> Iterator[tuple[Pointer, str, Mapping[str, Json], Mapping[str, Json]]]:
    """Yield each `one_of` auth: its place, `by`, its cases, and the config entry that chooses."""
    for pointer, auth in all_auths(draft).items():
        if not isinstance(auth, dict) or auth.get("type") != "one_of":
            continue
        by, cases = auth.get("by"), auth.get("cases")
        name = by.removeprefix("config.") if isinstance(by, str) else ""
        entry = draft.section("config").get(name)
        if isinstance(by, str) and isinstance(cases, dict) and isinstance(entry, dict):
            yield pointer, by, cases, entry
