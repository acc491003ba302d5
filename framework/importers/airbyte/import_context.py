"""What every translator works with: inputs, remarks, and the variables of templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.scope import Keys, Lookup, Scope, known, link, only, variable
from framework.importers.airbyte.jinja.statements import translate_condition, translate_template
from framework.importers.airbyte.jinja.template_parts import Template
from framework.importers.airbyte.jinja.tree import Term
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.spec_inputs import SpecInputs
from framework.importers.import_report import Remarks

Json = Any
Result = TypeVar("Result")

_FAILED = object()
"""An item of a list or mapping whose template has no counterpart; it is left out."""


@dataclass(frozen=True)
class StreamSlice:
    """What `stream_slice` holds in a stream, as terms of requests and as terms of records."""

    request: Mapping[str, Term] = field(default_factory=dict)
    record: Mapping[str, Term] = field(default_factory=dict)

    def having(self, request: Mapping[str, Term], record: Mapping[str, Term]) -> StreamSlice:
        """Return the slice with more entries."""
        return StreamSlice({**self.request, **request}, {**self.record, **record})


NO_SLICE = StreamSlice()


@dataclass(frozen=True)
class ImportContext:
    """One import, as seen from one stream. `token` is the paginator's value that
    `next_page_token` stands for; the names are further variables of requests and of records."""

    inputs: SpecInputs
    remarks: Remarks
    slices: StreamSlice = NO_SLICE
    token: str | None = None
    request_names: Mapping[str, Lookup] = field(default_factory=dict)
    record_names: Mapping[str, Lookup] = field(default_factory=dict)

    def inside(self, **changes: Any) -> ImportContext:
        """Return the context with some fields changed."""
        return replace(self, **changes)

    def missing(self, place: str, reason: str) -> None:
        """Report a part of the manifest that the connector file leaves out."""
        self.remarks.missing(place, reason)

    def note(self, place: str, reason: str) -> None:
        """Report a part that the connector file says otherwise, or that needs a look."""
        self.remarks.note(place, reason)

    # -- scopes

    def request_scope(self, component: Component) -> Scope:
        """Return the variables of a request: expressions work on the context."""
        names = {
            "config": self.inputs.lookup(),
            **self._slice_names(self.slices.request, component.place),
            "stream_state": _state(through_context=False),
            **self.request_names,
            "next_page_token": _token(self.token),
        }
        return _with_parameters(Scope(names), component)

    def page_scope(self, component: Component, page_size: Term) -> Scope:
        """Return the variables of a paginator, which sees a response."""
        return self.request_scope(component).having(
            response=variable("response", optional=True),
            headers=_headers(through_context=False),
            last_record=variable("last_record", optional=True),
            last_page_size=only(tree.apply("length", tree.at("records"), kind="number")),
            page_size=only(page_size),
        )

    def record_scope(self, component: Component) -> Scope:
        """Return the variables of a transform: expressions work on a record."""
        names = {
            "config": self.inputs.lookup(through_context=True, secrets=False),
            **self._slice_names(self.slices.record, component.place),
            "record": variable(""),
            "stream_state": _state(through_context=True),
            **self.record_names,
        }
        return _with_parameters(Scope(names, through_context=True), component)

    def body_scope(self, component: Component) -> Scope:
        """Return the variables of a condition on a response's body."""
        return self._response_scope(component, "", through_context=True)

    def message_scope(self, component: Component) -> Scope:
        """Return the variables of a message: the response is part of the context."""
        return self._response_scope(component, "response", through_context=False)

    def _response_scope(self, component: Component, root: str, *, through_context: bool) -> Scope:
        names = {
            "config": self.inputs.lookup(through_context=through_context, secrets=False),
            "response": variable(root),
            "headers": _headers(through_context=through_context),
        }
        return _with_parameters(Scope(names, through_context=through_context), component)

    def _slice_names(self, terms: Mapping[str, Term], place: str) -> dict[str, Lookup]:
        def lookup(keys: Keys) -> tuple[Term, int]:
            if not keys:
                members = tuple((name, term) for name, term in terms.items() if "." not in name)
                return (Term(tree.Group(members), "object") if members else tree.NULL), 0
            # the longest name first: `parent_slice.a`, `extra_fields.b`
            for length in range(len(keys), 0, -1):
                name = ".".join(map(str, keys[:length]))
                if name in terms:
                    return terms[name], length
            self.note(place, f"`stream_slice` has no {keys[0]} here; it is always null in Airbyte")
            return tree.NULL, len(keys)

        names = ("stream_slice", "stream_partition", "stream_interval", "slice")
        return dict.fromkeys(names, lookup)

    # -- fields of components

    def value(
        self, component: Component, key: str, default: Json = None, scope: Scope | None = None
    ) -> Json:
        """Return a field with its templates as placeholders; None, with a remark, if it has no
        counterpart. The scope is a request's unless given."""
        scope = scope or self.request_scope(component)
        return self.translate(component.get(key, default), scope, component.at(key))

    def translate(self, value: Json, scope: Scope, place: str) -> Json:
        """Return a value with the templates at every depth as placeholders, or None."""
        result = self._translated(value, scope, place)
        return None if result is _FAILED else result

    def _translated(self, value: Json, scope: Scope, place: str) -> Json:
        if isinstance(value, str):
            rendered = self._attempt(
                lambda: [translate_template(value, scope).rendered], value, place
            )
            return _FAILED if rendered is None else rendered[0]
        if isinstance(value, dict):
            pairs = (
                [self._translated(one, scope, f"{place}.{key}") for one in (str(key), below)]
                for key, below in value.items()
            )
            return {
                str(key): one for key, one in pairs if key is not _FAILED and one is not _FAILED
            }
        if isinstance(value, list):
            items = [self._translated(one, scope, f"{place}[{n}]") for n, one in enumerate(value)]
            return [item for item in items if item is not _FAILED]
        return value

    def template(
        self, component: Component, key: str, scope: Scope | None = None
    ) -> Template | None:
        """Return a field as a template; None if it is absent or, with a remark, untranslatable."""
        value = component.get(key)
        if not isinstance(value, str):
            return None if value is None else Template((tree.constant(value),))
        scope = scope or self.request_scope(component)
        return self._attempt(lambda: _rendering(value.strip(), scope), value, component.at(key))

    def term(
        self, component: Component, key: str, scope: Scope | None = None, default: Json = ""
    ) -> Term | None:
        """Return a field as one term, or None with a remark."""
        value = component.get(key, default)
        scope = scope or self.request_scope(component)
        return self.term_of(value, scope, component.at(key))

    def term_of(self, value: Json, scope: Scope, place: str) -> Term | None:
        """Return a value as one term, or None with a remark."""
        if not isinstance(value, str):
            return tree.constant(value)
        return self._attempt(lambda: translate_template(value, scope).term, value, place)

    def condition(
        self, component: Component, key: str, scope: Scope | None = None, default: Json = ""
    ) -> Term | None:
        """Return a field as a condition, or None with a remark."""
        value = component.get(key, default)
        if not isinstance(value, str):
            return tree.constant(bool(value))
        scope = scope or self.request_scope(component)
        return self._attempt(lambda: translate_condition(value, scope), value, component.at(key))

    def _attempt(self, translate: Callable[[], Result], value: str, place: str) -> Result | None:
        try:
            return translate()
        except tree.Untranslatable as error:
            self.missing(place, f"{error}: {one_line(value)}")
            return None


def _rendering(text: str, scope: Scope) -> Template:
    """Return a template that is known to have a rendering."""
    template = translate_template(text, scope)
    _ = template.rendered
    return template


def one_line(text: str) -> str:
    """Return a template for a message, on one line and not too long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 120 else f"{flat[:117]}..."


def _with_parameters(scope: Scope, component: Component) -> Scope:
    """Add `parameters`; one that is itself a template is translated where it is used."""
    values = known(component.parameters)

    def lookup(keys: Keys) -> tuple[Term, int]:
        term, used = values(keys)
        if isinstance(term.constant, str) and "{{" in term.constant:
            return translate_template(term.constant, scope).term, used
        return term, used

    return scope.having(parameters=lookup, options=lookup)


def _state(*, through_context: bool) -> Lookup:
    last = tree.at("incremental", "last_value", through_context=through_context)
    return lambda keys: (last, len(keys))


def _token(name: str | None) -> Lookup:
    def lookup(keys: Keys) -> tuple[Term, int]:
        if name is None:
            # a list without pages
            return tree.NULL, len(keys)
        return tree.at("paginator", name), int(keys[:1] == ("next_page_token",))

    return lookup


def _headers(*, through_context: bool) -> Lookup:
    """Return headers by lower-case name. Airbyte reads `link` as a mapping by relation, and `Link`
    alone as the text that it is."""

    def lookup(keys: Keys) -> tuple[Term, int]:
        if not keys:
            return tree.at("headers", through_context=through_context, kind="object"), 0
        name = str(keys[0]).lower()
        term = Term(tree.FieldPath("headers", (name,), through_context), "text", optional=True)
        if name != "link" or keys == ("Link",):
            return term, 1
        if len(keys) > 1:
            return link(term, keys[1:]), len(keys)
        # for `'next' in headers['link']`
        relations = ("next", "prev", "previous", "first", "last")
        return Term(tree.Group(tuple((one, link(term, (one,))) for one in relations)), "text"), 1

    return lookup
