"""Read a GraphQL query without its API's schema: mistakes, variables, and the list that is paged.

A connection is a field as in Relay's specification: records under `nodes` or `edges.node`, and a
`pageInfo` that says whether there are more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from framework.errors import FrameworkError

if TYPE_CHECKING:
    from graphql.language import ast

MAX_FIELDS = 20_000
"""The most fields of a query with its fragments expanded; fragments in fragments multiply."""

MAX_TOKENS = 20_000
"""The most words and signs of a query."""

_RULES = (
    *("ExecutableDefinitionsRule", "UniqueOperationNamesRule", "LoneAnonymousOperationRule"),
    *("UniqueFragmentNamesRule", "KnownFragmentNamesRule", "NoUnusedFragmentsRule"),
    *("NoFragmentCyclesRule", "UniqueVariableNamesRule", "NoUndefinedVariablesRule"),
    *("NoUnusedVariablesRule", "UniqueArgumentNamesRule", "UniqueInputFieldNamesRule"),
)
"""Those of graphql-core's rules that look at the query alone."""

_DIRECTIONS: Mapping[str, tuple[str, str]] = {
    "after": ("endCursor", "hasNextPage"),
    "before": ("startCursor", "hasPreviousPage"),
    "cursor": ("endCursor", "hasNextPage"),
}
"""Arguments that select a page, each with the fields of `pageInfo` that name the next one."""

_SIZES = frozenset({"first", "last", "limit", "after", "before"})


@dataclass(frozen=True)
class QueryMistake:
    """What is wrong in a query; line and column from 1, in the query's own text."""

    line: int
    column: int
    message: str


class QueryError(FrameworkError):
    """A query that cannot be sent, with all its mistakes."""

    def __init__(self, *mistakes: QueryMistake) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(one.message for one in mistakes))


@dataclass(frozen=True)
class QueryVariable:
    """A variable that the query declares; `required` if it has no default and cannot be null."""

    name: str
    type: str
    required: bool
    line: int
    column: int


@dataclass(frozen=True)
class QueryConnection:
    """A list with pages. `path` are its keys below `data`.

    `records`, `cursor` and `has_more` are paths below it, and None if the query does not ask for
    them. `argument` selects the page by a `variable`. `inside` is the connection whose records hold
    this one.
    """

    path: tuple[str, ...]
    records: str | None
    cursor: str | None
    has_more: str | None
    argument: str
    variable: str | None
    inside: tuple[str, ...] | None
    line: int
    column: int

    @property
    def name(self) -> str:
        """The keys with dots between them."""
        return ".".join(self.path)

    def below(self, part: str) -> str:
        """Return the path of a part in the response's body."""
        return ".".join(("data", *self.path, part))


@dataclass(frozen=True)
class GraphqlQuery:
    """One operation: its kind, its variables by name, the keys below `data`, its connections."""

    kind: Literal["query", "mutation", "subscription"]
    line: int
    column: int
    variables: Mapping[str, QueryVariable]
    roots: tuple[str, ...]
    connections: tuple[QueryConnection, ...]

    @property
    def lists(self) -> tuple[QueryConnection, ...]:
        """The connections that are not inside another one's records."""
        return tuple(one for one in self.connections if one.inside is None)

    @property
    def paged(self) -> QueryConnection | None:
        """The connection that the records come from: the only one, or the only one with pages."""
        lists = self.lists
        if len(lists) > 1:
            lists = tuple(one for one in lists if one.variable is not None)
        return lists[0] if len(lists) == 1 else None


@lru_cache(maxsize=256)
def parse_query(text: str, operation: str | None = None) -> GraphqlQuery:
    """Return the operation of this name, or the only one. Raise QueryError for any mistake.

    graphql-core is imported here: connectors without a query start without it.
    """
    from graphql import GraphQLSyntaxError, build_schema, parse, validate, validation

    try:
        document = parse(text, max_tokens=MAX_TOKENS)
        rules = [getattr(validation, name) for name in _RULES]
        errors = validate(build_schema("type Query { any: Int }"), document, rules)
        if errors:
            raise QueryError(*map(_mistake, errors))
        return _Reader(document).operation(operation)
    except GraphQLSyntaxError as error:
        raise QueryError(_mistake(error)) from None
    except RecursionError:
        raise QueryError(QueryMistake(1, 1, "the query nests too deeply")) from None


def _mistake(error: Any) -> QueryMistake:
    place = error.locations[0] if error.locations else None
    message = str(error.message).removeprefix("Syntax Error: ").rstrip(".")
    line, column = (place.line, place.column) if place is not None else (1, 1)
    return QueryMistake(line, column, message)


class _Reader:
    def __init__(self, document: ast.DocumentNode) -> None:
        from graphql.language import ast

        self._fragments = {
            one.name.value: one
            for one in document.definitions
            if isinstance(one, ast.FragmentDefinitionNode)
        }
        self._operations = [
            one for one in document.definitions if isinstance(one, ast.OperationDefinitionNode)
        ]
        self._ast = ast
        self._fields = 0

    def operation(self, name: str | None) -> GraphqlQuery:
        """Return the operation of this name, or the only one. Raise QueryError if there is none."""
        named = {one.name.value if one.name else "": one for one in self._operations}
        names = ", ".join(one for one in named if one)
        if name is not None and name not in named:
            has = f"it has {names}" if names else "its operation has no name"
            raise QueryError(QueryMistake(1, 1, f"the query has no operation {name}; {has}"))
        if name is None and len(named) != 1:
            what = f"{len(named)} operations ({names})" if named else "no operation"
            remedy = "; write `operation: NAME`" if named else ", only fragments"
            raise QueryError(QueryMistake(1, 1, f"found {what}, expected one{remedy}"))
        node = named[name] if name is not None else self._operations[0]
        fields = self._collect([node.selection_set])
        return GraphqlQuery(
            node.operation.value,
            *_place(node),
            {one.name: one for one in map(_variable, node.variable_definitions or ())},
            tuple(fields),
            tuple(self._connections(fields, (), None)),
        )

    def _collect(
        self, selections: Iterable[ast.SelectionSetNode | None]
    ) -> dict[str, list[ast.FieldNode]]:
        """Return the fields of selections by the key of the response, fragments expanded."""
        fields: dict[str, list[ast.FieldNode]] = {}
        for one in (node for part in selections if part is not None for node in part.selections):
            self._fields += 1
            if self._fields > MAX_FIELDS:
                message = f"the query's fragments make more than {MAX_FIELDS:,} fields of it"
                raise QueryError(QueryMistake(1, 1, message))
            if isinstance(one, self._ast.FieldNode):
                fields.setdefault(_key(one), []).append(one)
                continue
            if isinstance(one, self._ast.FragmentSpreadNode):
                inner = self._fragments[one.name.value].selection_set
            else:
                assert isinstance(one, self._ast.InlineFragmentNode)
                inner = one.selection_set
            for key, nodes in self._collect([inner]).items():
                fields.setdefault(key, []).extend(nodes)
        return fields

    def _below(self, nodes: Sequence[ast.FieldNode]) -> dict[str, list[ast.FieldNode]]:
        return self._collect(one.selection_set for one in nodes)

    def _connections(
        self,
        fields: Mapping[str, list[ast.FieldNode]],
        path: tuple[str, ...],
        inside: tuple[str, ...] | None,
    ) -> Iterator[QueryConnection]:
        for key, nodes in fields.items():
            below, here = self._below(nodes), (*path, key)
            found = self._connection(nodes, below, here, inside)
            if found is not None:
                yield found
            yield from self._connections(below, here, inside if found is None else here)

    def _connection(
        self,
        nodes: Sequence[ast.FieldNode],
        below: Mapping[str, list[ast.FieldNode]],
        path: tuple[str, ...],
        inside: tuple[str, ...] | None,
    ) -> QueryConnection | None:
        arguments = [one for node in nodes for one in node.arguments or ()]
        info, edges, items = (_named(below, name) for name in ("pageInfo", "edges", "nodes"))
        edge = self._below(below[edges]) if edges else {}
        node = _named(edge, "node")
        is_sized = not _SIZES.isdisjoint(one.name.value for one in arguments)
        if info is None and node is None and not (items and is_sized):
            return None
        argument, variable = self._page_variable(arguments)
        position, flag = _DIRECTIONS[argument]
        page = self._below(below[info]) if info else {}
        cursor, has_more = _named(page, position), _named(page, flag)
        own = _named(edge, "cursor")
        records = items or (f"{edges}[].{node}" if node else None)
        where = None if cursor is None else f"{info}.{cursor}"
        if where is None and own is not None and argument != "before":
            where = f"{edges}[-1].{own}"
        return QueryConnection(
            path,
            records,
            where,
            None if has_more is None else f"{info}.{has_more}",
            argument,
            variable,
            inside,
            *_place(nodes[0]),
        )

    def _page_variable(self, arguments: Iterable[ast.ArgumentNode]) -> tuple[str, str | None]:
        """Return the argument that selects the page, and its variable; None for none."""
        waiting: list[Any] = [*arguments]
        while waiting:
            one = waiting.pop(0)
            name, value = one.name.value, one.value
            if isinstance(value, self._ast.VariableNode) and name in _DIRECTIONS:
                return name, value.name.value
            if isinstance(value, self._ast.ObjectValueNode):
                waiting += value.fields
        return "after", None


def _variable(node: ast.VariableDefinitionNode) -> QueryVariable:
    from graphql.language import print_ast

    written = print_ast(node.type)
    required = written.endswith("!") and node.default_value is None
    return QueryVariable(node.variable.name.value, written, required, *_place(node))


def _key(node: ast.FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


def _named(fields: Mapping[str, list[ast.FieldNode]], name: str) -> str | None:
    """Return the response's key of a field, which may have an alias."""
    return next((key for key, nodes in fields.items() if nodes[0].name.value == name), None)


def _place(node: Any) -> tuple[int, int]:
    """Return line and column of a node, from 1."""
    token = node.loc.start_token
    return token.line, token.column
