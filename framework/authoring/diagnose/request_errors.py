"""Errors of a look at the API as faults of the file: each with its name and what would mend it."""

from __future__ import annotations

from framework.authoring.diagnose.format_checks import unread
from framework.authoring.diagnose.heuristics import keys
from framework.authoring.diagnose.paging_checks import refused, repeated, unreadable
from framework.authoring.diagnose.proof import SHOWN, Proof, Prover, Seen
from framework.authoring.diagnose.yaml_patch import Change
from framework.authoring.scaffold.yaml_writer import flow
from framework.definition.model import Binding
from framework.errors import BindingError, FrameworkError, RecordError, RequestError
from framework.extract.page import Record
from framework.http.transport import InvalidJson

_KINDS = {
    **dict.fromkeys((401, 403), ("auth", "auth-refused")),
    404: ("path", "path-not-found"),
    405: ("method", "method-refused"),
}


def refusal(prover: Prover, seen: Seen, error: FrameworkError, parents: list[Record]) -> Proof:
    """The fault that an error is; `parents` are the records that a child was asked for."""
    message, resource = str(error), prover.resource
    if isinstance(error, BindingError):
        if not resource.bindings:
            return prover.fault("request", "not-asked", message)
        return _bound(prover, message, "binding-null", parents)
    if isinstance(error, RecordError):
        return prover.fault("records", "records-unfit", message)
    if not isinstance(error, RequestError):
        return prover.fault("request", "not-asked", message)
    if error.code in ("page-repeated", "next-repeated"):
        return repeated(prover, seen, error.code)
    if error.code == "next-unreadable":
        return unreadable(prover, seen, message)
    if error.code == "format-differs" and isinstance(error.__cause__, InvalidJson):
        return unread(prover, error, error.__cause__)
    if error.code.startswith("job-"):
        return prover.fault("export", error.code, message)
    status = error.status
    if status is None:
        return prover.fault("request", "no-answer", message)
    if seen.pages and not (resource.parent or resource.partitions or resource.endpoint.export):
        return refused(prover, seen, message)
    if resource.parent and status == 404 and seen.pages and not resource.endpoint.response_actions:
        action = "[{status_code: 404, action: ignore}]"
        change, remedy = Change(("endpoint", "response_actions"), action), "response_actions: "
        return prover.fault("parent", "binding-refused", message, remedy + action, [change])
    if resource.parent and status in (400, 404, 422):
        return _bound(prover, message, "binding-refused", parents)
    if status == 405:
        method = "GET" if resource.endpoint.method.upper() != "GET" else "POST"
        change = Change(("endpoint", "method"), method)
        return prover.fault("method", "method-refused", message, f"method: {method}", [change])
    if status in _KINDS:
        return prover.fault(*_KINDS[status], message)
    if 400 <= status < 500 and status != 429:
        return _params(prover, message)
    return prover.fault("request", "server-error", message)


def _bound(prover: Prover, message: str, code: str, parents: list[Record]) -> Proof:
    """What a child takes from its parent is not what its request wants."""
    bindings = prover.resource.bindings
    bound = ", ".join(f"`{one.text}` of {one.resource}" for one in bindings)
    rivals = [name for name in keys(parents) if name not in {one.text for one in bindings}][:SHOWN]
    which = f": take {' or '.join(rivals)} instead" if rivals else ": take another field"
    remedy = f"the request is made of {bound}{which}, or correct the path"
    changes = [_rebound(bindings[0], flow(rivals[0]))] if bindings and rivals else []
    return prover.fault("parent", code, message, remedy, changes)


def _rebound(binding: Binding, field: str) -> Change:
    if binding.name.startswith("resources."):
        begin = f"{{resources.{binding.resource}."
        return Change((), f"{begin}{field}}}", f"{begin}{binding.text}}}")
    return Change(("endpoint", "params", binding.name, "field"), field)


def _params(prover: Prover, message: str) -> Proof:
    """The API does not take what it was asked with; the parameter that it names goes."""
    endpoint = prover.resource.endpoint
    names = [*endpoint.params, *(endpoint.json if isinstance(endpoint.json, dict) else ())]
    incremental = endpoint.incremental
    if incremental is not None:
        names += filter(None, (incremental.start_param, incremental.end_param))
    said = message.split("answered", 1)[-1]
    named = [name for name in endpoint.params if name in said]
    sent = f"sent besides paging: {', '.join(names)}" if names else "nothing was sent but paging"
    paginator = prover.paginator
    numbered = paginator["type"] == "page_number" and not paginator.get("base_page")
    if numbered and (not names or str(paginator.get("page_param", "page")) in said):
        note = ": the API may count from 1"
        return prover.repaged(message, "params-refused", {"base_page": 1}, note)
    if len(named) == 1:
        change = Change(("endpoint", "params", named[0]), "null")
        remedy = f"correct {named[0]}, or take it away"
        return prover.fault("params", "params-refused", message, remedy, [change])
    remedy = f"correct or take away the one that the API means; {sent}"
    return prover.fault("params", "params-refused", message, remedy)
