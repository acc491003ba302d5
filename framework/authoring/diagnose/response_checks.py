"""Check whether a resource can be requested, and whether its responses are in the declared format.

`error_proof` gives each error of reading its fault code and what would fix it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml

from framework.authoring.diagnose.heuristics import key_candidates
from framework.authoring.diagnose.paging_checks import (
    refused_page,
    repeated_page,
    unreadable_page,
)
from framework.authoring.diagnose.proof import MAX_CANDIDATES, Evidence, Proof, response_of
from framework.authoring.scaffold.yaml_patch import Change
from framework.authoring.scaffold.yaml_writer import flow
from framework.definition.converter import parse_response_format
from framework.definition.model import Binding, ResponseFormat
from framework.errors import BindingError, FrameworkError, RecordError, RequestError
from framework.extract.compilation.render import render_response_format
from framework.extract.paging.next_page_signs import jmespath_of
from framework.http.formats.decoders import SniffedFormat, sniff_format
from framework.http.transport import InvalidJson

Json = Any

_DELIMITERS = (";", "\t", "|", ",")
_MAX_DEPTH = 12
_STATUS_FAULTS = {
    401: ("auth", "auth-refused"),
    403: ("auth", "auth-refused"),
    404: ("path", "path-not-found"),
}
_FORMAT_FAULTS = {
    406: "the API does not serve what the Accept header asks for; set `headers: {Accept: ...}` to "
    "a content type of its documentation",
    415: "the API does not take a body of this content type; send `json` or `data` as its "
    "documentation has it, or set `headers: {Content-Type: ...}`",
}
"""Remedies for statuses that refuse a content type, not a parameter."""


def check_format(evidence: Evidence) -> Iterator[Proof]:
    """Yield a fault if the responses look like another format than the declared one."""
    declared = evidence.resource.endpoint.response_format
    response = response_of(evidence.pages[0])
    if declared.kind == "csv":
        yield from _check_delimiter(evidence, response.json())
    sniffed = sniff_format(response.content)
    if declared.kind in ("json", "text") or sniffed is None:
        return
    if sniffed.reads is None or sniffed.packed or sniffed.kind == declared.kind:
        return
    if (declared.kind, sniffed.kind) != ("jsonl", "json"):  # one line of it is JSON
        message = f"{declared.kind} is declared, but the response looks like {sniffed.name}"
        yield _format_fault(evidence, "format-differs", message, _format_for(sniffed, declared))


def _check_delimiter(evidence: Evidence, rows: Json) -> Iterator[Proof]:
    """Yield a fault if a CSV has one column whose name contains a delimiter."""
    declared = evidence.resource.endpoint.response_format
    if not rows or len(rows[0]) != 1:
        return
    (column,) = rows[0]
    for delimiter in _DELIMITERS:
        if delimiter in column and delimiter != declared.delimiter:
            message = f"found one column whose name contains {flow(delimiter)}, the real delimiter"
            better = replace(declared, delimiter=delimiter)
            yield _format_fault(evidence, "delimiter-differs", message, better)
            return


def check_xml_lists(evidence: Evidence) -> Iterator[Proof]:
    """Yield a fault for XML elements that occur several times in one place and once in another.

    A table would have rows of the former and columns of the latter. What the selector itself finds
    is a list in any case.
    """
    declared = evidence.resource.endpoint.response_format
    if declared.kind != "xml":
        return
    lists, single = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for page in evidence.pages:
        _count_elements(response_of(page).json(), (), lists, single)
    paths = [path for path in lists if path in single and jmespath_of(path) != evidence.selector]
    if not paths:
        return
    names = list(dict.fromkeys(path[-1] for path in paths))
    message = (
        f"{jmespath_of(paths[0])}: a list {lists[paths[0]]:,} times, and a single element "
        f"{single[paths[0]]:,} times, which is not a list"
    )
    if len(names) > 1:
        message += f"; the same holds for {', '.join(names[1 : 1 + MAX_CANDIDATES])}"
    better = replace(declared, lists=(*declared.lists, *names))
    yield _format_fault(evidence, "list-or-one", message, better)


def _count_elements(
    value: Json,
    path: tuple[str, ...],
    lists: Counter[tuple[str, ...]],
    single: Counter[tuple[str, ...]],
) -> None:
    """Count how often a path holds several elements, and how often a single one."""
    for name, child in value.items() if isinstance(value, dict) else ():
        below = (*path, name)
        if name.startswith(("@", "#")) or len(below) > _MAX_DEPTH:
            continue
        (lists if isinstance(child, list) else single)[below] += 1
        for element in child if isinstance(child, list) else [child]:
            _count_elements(element, below, lists, single)


def _format_for(sniffed: SniffedFormat, declared: ResponseFormat) -> ResponseFormat:
    """Return the format that reads the body; of the same kind it keeps the declared options."""
    better = parse_response_format(yaml.safe_load(sniffed.reads or ""))
    if better.kind != declared.kind:
        return better
    return replace(declared, compression=better.compression, delimiter=better.delimiter)


def _format_fault(evidence: Evidence, code: str, message: str, better: ResponseFormat) -> Proof:
    options = render_response_format(better) or {"type": "json"}
    text = flow(options["type"] if len(options) == 1 else options)
    change = Change(("endpoint", "response_format"), text)
    return evidence.fault("response_format", code, message, f"response_format: {text}", [change])


def error_proof(evidence: Evidence, error: FrameworkError) -> Proof:
    """Return the fault that an error of reading is."""
    message, resource = str(error), evidence.resource
    if isinstance(error, RecordError):
        return evidence.fault("records", "records-unfit", message)
    if isinstance(error, BindingError) and resource.bindings:
        return _binding_fault(evidence, "binding-null", message)
    if not isinstance(error, RequestError):
        return evidence.fault("request", "not-asked", message)
    if error.code in ("page-repeated", "next-repeated"):
        return repeated_page(evidence, error.code)
    if error.code == "next-unreadable":
        return unreadable_page(evidence, message)
    if error.code == "format-differs" and isinstance(error.__cause__, InvalidJson):
        return _unreadable_body(evidence, message, error.__cause__)
    if error.code.startswith("job-"):
        return evidence.fault("export", error.code, message)
    if error.status is None:
        return evidence.fault("request", "no-answer", message)
    return _status_fault(evidence, error.status, message)


def _status_fault(evidence: Evidence, status: int, message: str) -> Proof:
    resource, endpoint = evidence.resource, evidence.resource.endpoint
    if evidence.pages and not (resource.parent or resource.partitions or endpoint.export):
        return refused_page(evidence, message)
    if resource.parent and status == 404 and evidence.pages and not endpoint.response_actions:
        action = "[{status_code: 404, action: ignore}]"
        change = Change(("endpoint", "response_actions"), action)
        remedy = f"response_actions: {action}"
        return evidence.fault("parent", "binding-refused", message, remedy, [change])
    if resource.parent and status in (400, 404, 422):
        return _binding_fault(evidence, "binding-refused", message)
    if status == 405:
        method = "GET" if endpoint.method.upper() != "GET" else "POST"
        return evidence.key_fault("method", "method-refused", message, "endpoint.method", [method])
    if status in _STATUS_FAULTS:
        return evidence.fault(*_STATUS_FAULTS[status], message)
    if status in _FORMAT_FAULTS:
        remedy = _FORMAT_FAULTS[status]
        return evidence.fault("headers", "content-type-refused", message, remedy)
    if 400 <= status < 500 and status != 429:
        return _parameter_fault(evidence, status, message)
    return evidence.fault("request", "server-error", message)


def _unreadable_body(evidence: Evidence, message: str, cause: InvalidJson) -> Proof:
    """Return the fault of a body that is not in the declared format."""
    declared = evidence.resource.endpoint.response_format
    sniffed = sniff_format(cause.response.content)
    first_line = message.split("\n", 1)[0]
    if sniffed is None or sniffed.reads is None:
        likeness = "" if sniffed is None else f"; it looks like {sniffed.name}"
        remedy = "check base_url, the path and the credentials"
        return evidence.fault("response_format", "format-differs", first_line + likeness, remedy)
    better = _format_for(sniffed, declared)
    if better == declared:
        return evidence.fault("response_format", "format-broken", message)
    is_delimiter = better == replace(declared, delimiter=better.delimiter)
    code = "delimiter-differs" if is_delimiter else "format-differs"
    return _format_fault(evidence, code, f"{first_line}; it looks like {sniffed.name}", better)


def _binding_fault(evidence: Evidence, code: str, message: str) -> Proof:
    """Return the fault of a child that takes the wrong field from its parent."""
    bindings = evidence.resource.bindings
    bound = {binding.text for binding in bindings}
    candidates = [name for name in key_candidates(evidence.parent_records) if name not in bound]
    candidates = candidates[:MAX_CANDIDATES]
    which = f": take {' or '.join(candidates)} instead" if candidates else ": take another field"
    remedy = f"the request is made of {evidence.bound}{which}, or correct the path"
    changes = [_rebind(bindings[0], flow(name)) for name in candidates if bindings]
    return evidence.fault("parent", code, message, remedy, changes)


def _rebind(binding: Binding, field: str) -> Change:
    if binding.name.startswith("resources."):
        begin = f"{{resources.{binding.resource}."
        return Change((), f"{begin}{field}}}", f"{begin}{binding.text}}}")
    return Change(("endpoint", "params", binding.name, "field"), field)


def _parameter_fault(evidence: Evidence, status: int, message: str) -> Proof:
    """Return the fault of a parameter that the API refuses; remove it if the API names one."""
    endpoint, paginator = evidence.resource.endpoint, evidence.paginator
    names = [*endpoint.params, *(endpoint.json if isinstance(endpoint.json, dict) else ())]
    for value in ("start_value", "end_value"):
        names += [name for name in endpoint.params_with(value) if name not in names]
    reason = message.partition(f" {status}")[2] or message  # what follows the URL
    is_counted = paginator["type"] == "page_number" and not paginator.get("base_page")
    if is_counted and (not names or str(paginator.get("page_param", "page")) in reason):
        note = ": the API may count from 1"
        return evidence.paginator_fault("params-refused", message, {"base_page": 1}, note=note)
    named = [name for name in endpoint.params if name in reason]
    if len(named) == 1:
        change = Change(("endpoint", "params", named[0]), "null")
        remedy = f"correct {named[0]}, or remove it"
        return evidence.fault("params", "params-refused", message, remedy, [change])
    sent = f"sent besides paging: {', '.join(names)}" if names else "nothing was sent but paging"
    remedy = f"correct or remove the one that the API means; {sent}"
    return evidence.fault("params", "params-refused", message, remedy)
