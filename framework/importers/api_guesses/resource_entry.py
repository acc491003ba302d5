"""One list as a resource of the connector file, with a comment for each guess."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.authoring.scaffold.yaml_writer import Pointer
from framework.definition.expressions.placeholders import escape
from framework.definition.rules.secret_rules import is_secret_name
from framework.importers.api_guesses.api_model.name_words import vocabulary
from framework.importers.api_guesses.api_model.operations import Operation, Parameter
from framework.importers.api_guesses.api_model.shapes import Shape, ShapeReader
from framework.importers.api_guesses.declared_values import DeclaredValues, first_sentence
from framework.importers.api_guesses.paginator_guess import SURE, PaginatorGuess, page_size
from framework.importers.api_guesses.parent_lists import ParentValue, full_name
from framework.importers.api_guesses.record_lists import ListGuess
from framework.importers.api_guesses.record_schemas import KeyGuess, TimeFilter
from framework.importers.graphql_request import (
    told_by_query,
    with_graphql_block,
    without_guessed_pages,
    without_implied_keys,
)
from framework.importers.source_files import free_name

Json = Any

CHECK = "to be checked: "
SURE_LIST = 0.7
SURE_PARENT = 0.75
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_TYPES = ("string", "integer", "number", "boolean")
_OWN_HEADERS = vocabulary("accept content-type authorization accept-encoding user-agent")


@dataclass(frozen=True)
class SentInputs:
    """What a recorded request sends beside paging and parents, as the file writes it.

    `path` has templates for variables of the path. `checks` are to be checked, by place. With
    `is_query` the body is a GraphQL request.
    """

    params: Mapping[str, Json] = field(default_factory=dict)
    headers: Mapping[str, Json] = field(default_factory=dict)
    body: Mapping[str, Json] | None = None
    is_form: bool = False
    is_query: bool = False
    path: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[tuple[str, ...], str] = field(default_factory=dict)


@dataclass(frozen=True)
class ListFacts:
    """What is known about one list when it is written. `names` are the resources of its parents.

    `inputs` are those of a recording; None if the operation itself says what it requires.
    """

    name: str
    guess: ListGuess
    paginator: PaginatorGuess
    key: KeyGuess | None
    bindings: Mapping[str, ParentValue]
    names: Mapping[str, str]
    filters: tuple[TimeFilter, ...]
    has_schema: bool
    inputs: SentInputs | None = None


@dataclass
class ResourceEntry:
    """A resource as plain data, and its comments by the place in the resource.

    `origin` is the operation that it was made of.
    """

    data: dict[str, Json]
    origin: str = ""
    comments: dict[Pointer, list[str]] = field(default_factory=dict)

    def comment(self, text: str, *place: str) -> None:
        """Add a comment before a key of the resource, or before the resource itself."""
        lines = self.comments.setdefault(place, [])
        if text not in lines:
            lines.append(text)

    def drop_implied(self) -> None:
        """Remove what a GraphQL query tells by itself, with the comments on it."""
        kept = without_implied_keys(self.data["endpoint"])
        for key in self.data["endpoint"].keys() - kept.keys():
            self.comments.pop(("endpoint", key), None)
        self.data["endpoint"] = kept

    @property
    def checks(self) -> list[str]:
        """What is to be checked by the reader."""
        return [
            line.removeprefix(CHECK)
            for lines in self.comments.values()
            for line in lines
            if line.startswith(CHECK)
        ]


def resource_entry(facts: ListFacts, values: DeclaredValues, shapes: ShapeReader) -> ResourceEntry:
    """Return the resource of a list."""
    operation = facts.guess.operation
    endpoint: dict[str, Json] = {}
    entry = ResourceEntry({"name": facts.name}, operation.key)
    _describe(facts, entry)
    if facts.key is not None:
        entry.data["primary_key"] = facts.key.name
        if facts.key.confidence < SURE_LIST + 0.15:
            entry.comment(f"identified by {facts.key.name}: {facts.key.reason}", "primary_key")
    elif not facts.guess.is_single and (facts.inputs is None or facts.guess.record.properties):
        entry.comment(f"{CHECK}no field identifies a record", *())
    if facts.has_schema:
        entry.data["schema"] = facts.name
    entry.data["endpoint"] = endpoint
    endpoint["path"], path_params = _path(operation, facts, values, entry)
    if operation.method == "post":
        endpoint["method"] = "POST"
    params = {**path_params, **operation.fixed_query, **_query(operation, facts, values, entry)}
    if facts.inputs is None:
        _add_size(operation, facts, params, shapes)
        headers = _headers(operation, values)
        if operation.response_format is not None:
            headers["Accept"] = operation.response_type
    else:
        params.update(facts.inputs.params)
        headers = dict(facts.inputs.headers)
    if params:
        endpoint["params"] = params
    if headers:
        endpoint["headers"] = headers
    if facts.inputs is not None:
        _recorded_body(facts.inputs, endpoint, entry)
    elif operation.method == "post":
        endpoint["json"] = _body(operation, facts, values, entry, shapes)
    if operation.response_format is not None:
        endpoint["response_format"] = operation.response_format
    if facts.guess.selector:
        endpoint["data_selector"] = facts.guess.selector
    endpoint["paginator"] = _paginator(facts.paginator)
    _explain(facts, entry)
    entry.data["endpoint"] = with_graphql_block(endpoint)
    told = told_by_query(entry.data["endpoint"])
    is_unsure = {
        "paginator": not facts.paginator.is_sure,
        "data_selector": not facts.guess.record.properties,  # as of an empty list
    }
    for key in told.keys() & is_unsure.keys():
        if is_unsure[key]:
            entry.data["endpoint"][key] = told[key]
            entry.comments.pop(("endpoint", key), None)
    if facts.inputs is not None and facts.inputs.is_query:
        _check_query(entry)
    return entry


def _check_query(entry: ResourceEntry) -> None:
    """Remove a paginator that cannot page a query, and note what the query lacks."""
    kept, problem = without_guessed_pages(entry.data["endpoint"])
    if "paginator" not in kept:
        entry.comments.pop(("endpoint", "paginator"), None)
    entry.data["endpoint"] = kept
    if problem:
        entry.comment(f"{CHECK}{problem}", "endpoint", "graphql" if "graphql" in kept else "json")


def _describe(facts: ListFacts, entry: ResourceEntry) -> None:
    guess = facts.guess
    if guess.confidence < SURE_LIST or guess.is_single:
        what = f"this may not be a list: {guess.reason}"
        if guess.is_single:
            what = f"this is loaded as one record: {guess.reason}"
        entry.comment(f"{CHECK}{what} ({guess.confidence:.2f})")
    if guess.operation.is_example:
        entry.comment(f"{CHECK}the response is described by an example only")


def _explain(facts: ListFacts, entry: ResourceEntry) -> None:
    guess, paginator = facts.guess, facts.paginator
    if guess.confidence >= SURE_LIST and guess.selector != "$" and guess.reason != "a list":
        entry.comment(
            f"records: {guess.reason} ({min(guess.confidence, 1):.2f})", "endpoint", "data_selector"
        )
    if "xml" in repr(guess.operation.response_format):
        text = "elements are named as the description names their schemas"
        entry.comment(f"{CHECK}{text}", "endpoint", "response_format")
    text = f"{paginator.reason} ({paginator.confidence:.2f})"
    is_likely = paginator.confidence >= SURE
    entry.comment(text if is_likely else f"{CHECK}{text}", "endpoint", "paginator")
    if paginator.unsaid:
        entry.comment(f"{CHECK}{paginator.unsaid}", "endpoint", "paginator")
    for one in facts.filters[:2]:
        entry.comment(
            f'{CHECK}incremental: {{cursor_path: {one.field}, start_param: "{one.parameter}", '
            "initial_value: ...}} would read only what is new".replace("}}", "}"),
            "endpoint",
        )


def _paginator(guess: PaginatorGuess) -> Json:
    data = dict(guess.paginator)
    return data["type"] if set(data) == {"type"} else data


def _path(
    operation: Operation, facts: ListFacts, values: DeclaredValues, entry: ResourceEntry
) -> tuple[str, dict[str, Json]]:
    """Return the path with its placeholders, and the parameters that fill them."""
    params: dict[str, Json] = {}
    written = ""
    chosen: dict[str, str] = {}
    for position, part in enumerate(_PLACEHOLDER.split(operation.path)):
        if position % 2 == 0:
            written += escape(part)
        elif part in chosen:
            written += chosen[part]
        else:
            chosen[part] = _variable(part, operation, facts, values, entry, params)
            written += chosen[part]
    return written, params


def _variable(
    variable: str,
    operation: Operation,
    facts: ListFacts,
    values: DeclaredValues,
    entry: ResourceEntry,
    params: dict[str, Json],
) -> str:
    binding = facts.bindings.get(variable)
    if binding is None and facts.inputs is not None and variable in facts.inputs.path:
        return facts.inputs.path[variable]
    if binding is None:
        parameter = operation.parameter(variable, "path")
        declared = _declared(
            parameter.shape if parameter else Shape(),
            parameter.description if parameter else "",
            f"The {variable} in the path {operation.path}.",
        )
        placeholder = values.entry(full_name(operation.path, variable) or "value", declared)
        entry.comment(
            f"{CHECK}no list was found whose records hold {variable}; it is config",
            "endpoint",
            "path",
        )
        return placeholder
    key = free_name((variable,), set(params), "value")
    params[key] = _resolve(binding, facts)
    _note_binding(binding, entry, key)
    return f"{{{key}}}"


def _resolve(binding: ParentValue, facts: ListFacts) -> Json:
    return {
        "type": "resolve",
        "resource": facts.names[binding.parent.operation.key],
        "field": binding.path,
    }


def _note_binding(binding: ParentValue, entry: ResourceEntry, key: str) -> None:
    text = f"{binding.reason} ({binding.confidence:.2f})"
    sure = binding.confidence >= SURE_PARENT
    entry.comment(text if sure else f"{CHECK}{text}", "endpoint", "params", key)


def _declared(shape: Shape, description: str, otherwise: str) -> dict[str, Json]:
    """Return the entry of config for a value that the user must give."""
    types = [one for one in _TYPES if one in shape.types]
    entry: dict[str, Json] = {"type": types[0] if len(types) == 1 else "string"}
    if shape.enum and entry["type"] == "string":
        entry["enum"] = list(dict.fromkeys(str(one) for one in shape.enum))
    if shape.format in ("date", "date-time") and entry["type"] == "string":
        entry["format"] = shape.format
    default = shape.limits.get("default")
    if _fits(default, entry):
        entry["default"] = default
    entry["description"] = first_sentence(description or shape.description) or otherwise
    if "array" in shape.types:
        entry["description"] += " Several are separated by commas."
    return entry


def _fits(default: Json, entry: Mapping[str, Json]) -> bool:
    kinds: dict[str, tuple[type, ...]] = {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
    }
    if default is None or not isinstance(default, kinds[entry["type"]]):
        return False
    if isinstance(default, bool) != (entry["type"] == "boolean") or "format" in entry:
        return False
    return "enum" not in entry or default in entry["enum"]


def _query(
    operation: Operation, facts: ListFacts, values: DeclaredValues, entry: ResourceEntry
) -> dict[str, Json]:
    """Return the required query parameters: of a parent, or from config."""
    params: dict[str, Json] = {}
    for one in operation.query:
        if not one.is_required or one.name in (*facts.paginator.sent, *operation.fixed_query):
            continue
        binding = facts.bindings.get(one.name)
        if binding is not None:
            name = facts.names[binding.parent.operation.key]
            params[escape(one.name)] = f"{{resources.{name}.{binding.path}}}"
            _note_binding(binding, entry, one.name)
        else:
            params[escape(one.name)] = _given(one, values)
    return params


def _given(one: Parameter, values: DeclaredValues) -> str:
    if is_secret_name(one.name):
        return _shared_secret(one, values)
    text = f"The parameter {one.name}."
    return values.entry(one.name, _declared(one.shape, one.description, text))


def _shared_secret(one: Parameter, values: DeclaredValues) -> str:
    name = free_name((one.name,), set(values.config), "secret")
    if name in values.secrets:
        return f"{{secrets.{name}}}"
    return values.secret(one.name, one.description or f"The value of {one.name}.")


def _headers(operation: Operation, values: DeclaredValues) -> dict[str, Json]:
    return {
        escape(one.name): _given(one, values)
        for one in operation.parameters
        if one.place == "header" and one.is_required and one.name.lower() not in _OWN_HEADERS
    }


def _recorded_body(inputs: SentInputs, endpoint: dict[str, Json], entry: ResourceEntry) -> None:
    if inputs.body is not None:
        endpoint["data" if inputs.is_form else "json"] = dict(inputs.body)
    for place, check in inputs.checks.items():
        entry.comment(f"{CHECK}{check}", *place)


def _add_size(
    operation: Operation, facts: ListFacts, params: dict[str, Json], shapes: ShapeReader
) -> None:
    """Ask for the largest page where the paginator itself does not."""
    if facts.paginator.paginator["type"] not in ("header_link", "json_link"):
        return
    size = page_size(operation, shapes)
    if size is not None and size[0] not in params:
        params[size[0]] = size[1]


def _body(
    operation: Operation,
    facts: ListFacts,
    values: DeclaredValues,
    entry: ResourceEntry,
    shapes: ShapeReader,
) -> dict[str, Json]:
    body: dict[str, Json] = {}
    if operation.body is None:
        entry.comment(f"{CHECK}the description does not say what the body is", "endpoint", "json")
        return body
    for name, shape in shapes.children(operation.body):
        if name not in operation.body.required or name in facts.paginator.sent:
            continue
        if shape.is_scalar:
            body[name] = values.entry(name, _declared(shape, "", f"The field {name} of the body."))
        else:
            entry.comment(f"{CHECK}the body needs {name}", "endpoint", "json")
    return body
