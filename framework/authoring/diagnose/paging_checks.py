"""Check that the second page arrives and is another one, and explain errors of paging."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from framework.authoring.diagnose.heuristics import key_candidates
from framework.authoring.diagnose.paginator_candidates import paginator_candidates
from framework.authoring.diagnose.proof import MAX_CANDIDATES, Evidence, Proof, response_of
from framework.authoring.scaffold.yaml_patch import Change
from framework.authoring.scaffold.yaml_writer import flow
from framework.definition.expressions.jmespath_expression import (
    ExpressionError,
    compile_expression,
)
from framework.definition.expressions.jsonpath import path_keys
from framework.extract.monitors.end_monitor import has_filters
from framework.extract.page import Page
from framework.extract.paging.next_page_signs import (
    Sign,
    counted_place,
    graphql_variable,
    jmespath_of,
    page_signs,
)
from framework.extract.paging.pagination import is_about_length
from framework.text import count_noun

Json = Any

_PARAMETER_KEYS = {
    "page_number": ("page_param", "page"),
    "offset": ("offset_param", "offset"),
    "cursor": ("cursor_param", "cursor"),
}
"""By paginator: the key that names its parameter, and its value in `{paginator.x}`."""
_LOOK_UP = "look up {} in the API's documentation"


def check_paging(evidence: Evidence) -> Iterator[Proof]:
    """Yield whether the second page holds other records, or one page is all there is."""
    if evidence.has_warning("page-repeated"):
        yield repeated_page(evidence, "page-repeated")
        return
    proof = _second_page(evidence)
    if proof.outcome != "fault" and _skips_first_page(evidence):
        base = evidence.paginator["base_page"]
        message = f"the list begins at page {base - 1}, and is read from page {base} on"
        yield evidence.paginator_fault("first-page-skipped", message, {"base_page": base - 1})
        return
    if len(evidence.lists) == 1 or proof.outcome != "unknown":
        yield proof


def _second_page(evidence: Evidence) -> Proof:
    lists = [pages for pages in evidence.lists if any(page.size for page in pages)]
    for first, *rest in lists:
        if any(page.size for page in rest):
            if not first.size or not _skips_records(evidence, first.size):
                return evidence.ok("paginator", "the second page contains other records")
            return _short_page(evidence, first.size, "limit", "more followed")
    for pages in lists:
        signs, records = more_signs(evidence, pages[0]), pages[0].size
        if signs and _reads_part(evidence):
            paths = ", ".join(dict.fromkeys(sign.path for sign in signs[:MAX_CANDIDATES]))
            message = f"the file asks for a part of the list; the response announces more: {paths}"
            return evidence.unknown("paginator", message)
        if any(sign.kind == "total" for sign in signs) and _skips_records(evidence, records):
            return _short_page(evidence, records, "limit", "there are more")
        if signs and _ends_short(evidence, records):
            return _short_page(evidence, records, _size_key(evidence), "there are more")
        if signs and len(pages) > 1:
            paths = ", ".join(dict.fromkeys(sign.path for sign in signs[:MAX_CANDIDATES]))
            message = f"the second page is empty; the first one announces more: {paths}"
            return evidence.unknown("paginator", message)
        if signs:
            message = "one page was read, but the response announces more"
            return _other_paginator(evidence, "no-next", message, signs, pages[0])
    for pages in lists:
        if len(pages) == 1 and _ends_short(evidence, pages[0].size):
            # whether the API returns no more at once is told by asking for as many
            key = _size_key(evidence)
            return _short_page(evidence, pages[0].size, key, "the list ends there")
        if len(pages) == 1 and _size_key(evidence) not in evidence.paginator:
            options = _without_end(evidence)
            if options:
                message = f"found {count_noun(pages[0].size, 'record')} on a page, and the list "
                message += "ends there, by a condition on their number"
                return evidence.paginator_fault("page-too-short", message, *options)
    if any(len(pages) > 1 for pages in lists):
        message = (
            "the second page is empty: the first one may be the whole list, or the next one has "
            "another name; nothing in the response tells"
        )
        return evidence.unknown("paginator", message)
    return evidence.unknown("paginator", "one page, and no sign of a second")


def _skips_first_page(evidence: Evidence) -> bool:
    """Return whether there is a page before the first one of the file.

    The API is asked without a page's number, for its own first page. Only if that has other
    records is the page before the file's requested: some APIs return another page for a number
    that is too low.
    """
    paginator, pages = evidence.paginator, next((one for one in evidence.lists if one), [])
    base = paginator.get("base_page")
    if paginator["type"] != "page_number" or base not in (1, 2) or not pages:
        return False
    size_param, size = paginator.get("page_size_param"), paginator.get("page_size")
    params = {} if size_param is None or size is None else {str(size_param): size}
    known = {one for page in pages for one in evidence.identities(page)}
    default = _first_records(evidence, {"type": "single_page"}, params)
    if not default or not known.isdisjoint(default):
        return False
    return _first_records(evidence, {**paginator, "base_page": base - 1}, {}) == default


def _first_records(
    evidence: Evidence, paginator: Mapping[str, Json], params: Mapping[str, Json]
) -> list[str]:
    """Return the records of the first page that another paginator reads."""
    lists = evidence.read_pages(paginator, params)
    return evidence.identities(lists[0][0]) if lists and lists[0] else []


def _skips_records(evidence: Evidence, records: int) -> bool:
    """Return whether an offset moves further than a page is long: the rest is never requested."""
    limit = evidence.paginator.get("limit")
    return evidence.paginator["type"] == "offset" and isinstance(limit, int) and records < limit


def _reads_part(evidence: Evidence) -> bool:
    """Return whether the file ends the list by a condition that is its own."""
    keys = ("maximum_page", "maximum_offset")
    if any(evidence.paginator.get(key) is not None for key in keys):
        return True
    return "stop_when" in evidence.paginator and "stop_when" not in _length_conditions(evidence)


def _length_conditions(evidence: Evidence) -> list[str]:
    """Return the keys of the paginator that take a short page for the last one."""
    paginator = evidence.paginator
    keys = ["stop_after_short_page"] if paginator.get("stop_after_short_page") else []
    with suppress(ExpressionError):
        stop_when = paginator.get("stop_when")
        if stop_when is not None and is_about_length(compile_expression(str(stop_when))):
            keys.append("stop_when")
    return keys


def _ends_short(evidence: Evidence, records: int) -> bool:
    """Return whether the list may end at a page shorter than what was asked for."""
    size = evidence.paginator.get(_size_key(evidence))
    return isinstance(size, int) and records < size and bool(_length_conditions(evidence))


def _size_key(evidence: Evidence) -> str:
    return "limit" if evidence.paginator["type"] == "offset" else "page_size"


def _short_page(evidence: Evidence, records: int, key: str, more: str) -> Proof:
    size = evidence.paginator[key]
    found = count_noun(records, "record")
    message = f"found {found} on a page, expected the {key} of {size:,}, and {more}"
    options: list[dict[str, Json]] = [{key: records}]
    if key == "page_size":
        options += _without_end(evidence)
    return evidence.paginator_fault("page-too-short", message, *options)


def _without_end(evidence: Evidence) -> list[dict[str, Json]]:
    """Return the paginator without the condition of the file that may end the list too early."""
    present = _length_conditions(evidence)
    kept = {name: value for name, value in evidence.paginator.items() if name not in present}
    return [kept] if present else []


def unreadable_page(evidence: Evidence, message: str) -> Proof:
    """Return the fault of a paginator that cannot read the response."""
    code, paginator = "next-unreadable", evidence.paginator
    if "paginator's total_path" in message:
        return evidence.paginator_fault(code, message, {"total_path": None})
    if paginator["type"] != "json_link":
        places = [sign.path for page in evidence.pages[:1] for sign in more_signs(evidence, page)]
        paths = ", ".join(places[:MAX_CANDIDATES])
        remedy = f"the response announces more at {paths}" if paths else ""
        return evidence.fault("paginator", code, message, remedy)
    path = str(paginator.get("next_url_path", "next"))
    signs = [Sign("cursor", path)]
    first = next(iter(evidence.pages), None)
    signs += [one for one in more_signs(evidence, first) if one.path != path] if first else []
    return _other_paginator(evidence, code, message, signs, first, names_signs=False)


def refused_page(evidence: Evidence, message: str) -> Proof:
    """Return the fault of paging whose first page is fine and whose next one is refused."""
    message += "\nThe first page was returned, and the next one was not"
    first = evidence.pages[0]
    kind = {"cursor": "cursor", "json_link": "link", "header_link": "link"}.get(
        str(evidence.paginator["type"])
    )
    signs = [sign for sign in more_signs(evidence, first) if sign.kind != kind]
    if signs:
        return _other_paginator(evidence, "next-refused", message, signs, first)
    remedy = "correct what the paginator reads, or the name under which it is sent"
    return evidence.fault("paginator", "next-refused", message, remedy)


def repeated_page(evidence: Evidence, code: str) -> Proof:
    """Return the fault of paging that is stuck: what was sent, and which name to use instead."""
    pages = evidence.lists[-1] if evidence.lists else []
    sent = [_sent_parameters(page) for page in pages[-2:]]
    differing: list[str] = []
    if sent:
        differing = sorted({name for name, _ in set(sent[0].items()) ^ set(sent[-1].items())})
    if code == "page-repeated":
        message = "the second page is the same as the first"
    else:
        message = "the page after the second would be one that was requested before"
    if differing:
        message += f"; the two requests differ in {', '.join(differing)}"
    kind = str(evidence.paginator["type"])
    key, value = _PARAMETER_KEYS.get(kind, ("", ""))
    signs = more_signs(evidence, pages[0]) if pages else []
    if key and code == "page-repeated":
        names = [name for sign in signs for name in sign.params]
        unsent = [name for name in names if name not in sent[0] and name not in differing]
        if unsent:
            return evidence.paginator_fault(code, message, {key: unsent[0]})
        if evidence.resource.endpoint.json:
            name = str(evidence.paginator.get(key) or value)
            return _value_in_body(evidence, message, value, name)
        if kind == "page_number" and not evidence.paginator.get("base_page"):
            note = ", or another page_param: the API may count from 1 or not know the name"
            return evidence.paginator_fault(code, message, {"base_page": 1}, note=note)
    path_key = {"cursor": "cursor_path", "json_link": "next_url_path"}.get(kind, "")
    unused = [sign for sign in signs if sign.path != evidence.paginator.get(path_key)]
    if unused and (code == "next-repeated" or not key):
        return _other_paginator(evidence, code, message, unused, pages[0])
    names_sent = " or ".join(differing) or "the next-page parameter"
    remedy = f"the API ignores {names_sent}: use the name in its documentation"
    return evidence.fault("paginator", code, message, f"{remedy} ({key})" if key else remedy)


def _value_in_body(evidence: Evidence, message: str, value: str, name: str) -> Proof:
    """Return the fault of a page's value in the query of a request whose body should have it."""
    json = evidence.resource.endpoint.json
    body = json if isinstance(json, dict) else {}
    place: tuple[str, ...] = ("endpoint", "json", name)
    text = flow(f"{{paginator.{value}}}")
    variable = graphql_variable(evidence.resource.endpoint, name)
    if variable is not None:
        name = variable
        variables = {**(body.get("variables") or {}), name: f"{{paginator.{value}}}"}
        place, text = (*place[:2], "variables"), flow(variables)
    remedy = f"{'.'.join(place[1:])}: {text}; the API may expect it in the body, by its own name"
    return evidence.fault("paginator", "page-repeated", message, remedy, [Change(place, text)])


def more_signs(evidence: Evidence, page: Page) -> list[Sign]:
    """Return what a page's headers and body say of more pages than this one.

    As in a run, a flag outweighs what else is there, "no more" outweighs totals, and a total may
    count what filters leave out, unless the page has a round length.
    """
    names, _ = counted_place(evidence.resource)
    signs = page_signs(response_of(page), names)
    flags = [sign for sign in signs if sign.kind == "more"]
    if flags and all(sign.is_end for sign in flags):
        return []
    more = [sign for sign in signs if not sign.is_end and sign.kind not in ("total", "pages")]
    is_end = any(sign.is_end for sign in signs) and not more
    is_filtered = has_filters(evidence.resource.endpoint) and page.size % 10 != 0
    if is_end or is_filtered:
        return more
    least = {"total": page.size, "pages": 1}
    return [
        sign
        for sign in signs
        if not sign.is_end and (sign.kind not in least or sign.number > least[sign.kind] > 0)
    ]


def _other_paginator(
    evidence: Evidence,
    code: str,
    message: str,
    signs: list[Sign],
    page: Page | None,
    *,
    names_signs: bool = True,
) -> Proof:
    """Return a fault with the paginators that read the signs of a page, the likeliest first."""
    kind = str(evidence.paginator["type"])
    preferred = {"cursor": ("cursor", "link"), "json_link": ("link", "cursor")}.get(kind, ())
    order = (*preferred, "link", "cursor", "more", "pages", "total")
    ranked = sorted(signs, key=lambda one: (not one.is_sure, order.index(one.kind)))
    if names_signs:
        message += f": {', '.join(dict.fromkeys(one.path for one in signs[:MAX_CANDIDATES]))}"
    variable = graphql_variable(evidence.resource.endpoint)
    options: list[Mapping[str, Json]] = [
        *paginator_candidates(
            evidence.resource.endpoint,
            None if page is None else response_of(page),
            counted_place(evidence.resource)[0],
            0 if page is None else page.size,
            ranked,
            variable,
            _key_of(evidence),
        )
    ]
    if options[0]["type"] == kind:
        changed = {name: value for name, value in options[0].items() if value == ranked[0].path}
        options = [changed, *options] if changed else options
    options = [*_without_end(evidence), *options]
    note = _NOTES.get(ranked[0].kind, "")
    if variable is not None and "cursor_body_path" in options[0]:
        note = f"; the query needs this cursor and the variable ${variable}"
    return evidence.paginator_fault(code, message, *options, note=note)


def _key_of(evidence: Evidence) -> str | None:
    """Return the JMESPath of the field that identifies a record, None if it is not one field."""
    key = evidence.resource.primary_key or key_candidates(evidence.objects)[:1]
    return jmespath_of(path_keys(key[0])) if len(key) == 1 else None


_NOTES = {
    "cursor": f"; {_LOOK_UP.format('cursor_param')}",
    "more": f"; {_LOOK_UP.format('page_param')}",
    "pages": f"; {_LOOK_UP.format('page_param')}",
    "total": f"; {_LOOK_UP.format('whether it is an offset or page_number')}",
}
"""What the user must look up for a paginator that reads a sign of this kind."""


def _sent_parameters(page: Page) -> dict[str, str]:
    """Return the parameters of a page's request by name; a body counts as one."""
    request = response_of(page).request
    sent = dict(parse_qsl(urlsplit(str(request.url)).query, True))
    return {**sent, **({"the body": str(request.body)} if request.body else {})}
