"""Tell the operations that return lists from those that return one object, and find the records.

Arrays of a response are candidates. What speaks for one: it is named like the operation or like a
wrapper (`data`, `items`), it is high up, the object around it is an envelope (paging fields and
little else). What speaks against: the object around it is itself a record.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from framework.importers.api_guesses.api_model.name_words import (
    CHANGING,
    LISTING,
    is_plural,
    noun,
    plain_name,
    similarity,
    vocabulary,
    words_of,
)
from framework.importers.api_guesses.api_model.operations import Operation
from framework.importers.api_guesses.api_model.shapes import Shape, ShapeReader

WRAPPERS = vocabulary("""
    data items item results result records record values value list entries entry rows row content
    contents collection hits nodes elements objects resources response docs documents payload body
    members page edges resultset resultlist datalist embedded objectlist
    """)
"""Names of the list in responses of any kind."""
_NO_RECORDS = vocabulary("""
    errors error warnings warning links link messages message meta metadata facets facet included
    aggregations headers dimensionheaders metricheaders filters breadcrumbs notices debug fields
    columns sort sorts suggestions alerts
    """)
"""Names of lists beside the records."""
_ENVELOPE = vocabulary("""
    total count totalcount totalresults totalitems totalrecords totalpages totalpage totalentries
    totalelements numberofelements page pagenumber pagesize perpage pages pagecount limit offset
    skip start next previous prev first last self href url uri link links nextpage previouspage
    prevpage
    nextcursor cursor hasmore hasnext hasprevious more object code message msg status success ok
    type kind etag meta metadata paging pagination pageinfo info requestid result error errors
    version took timedout morerecords nextpagetoken nextlink odatacontext odatanextlink odatacount
    currentpage lastpage from to nextpageurl prevpageurl lastpageurl firstpageurl empty size number
    numberofpages resultcount timestamp time generatedat copyright stat statuscode bookmark after
    before startat maxresults islast expand schema names results items data nexttoken continuation
    nextoffset max query sort sortby sortorder order filter facets includes included warnings
    responsetime apiversion elapsed cached syncid synctoken incomplete incompleteresults isend
    """)
"""Names of fields around a list that are no record's."""
_IDENTITY = vocabulary("id uuid guid gid uid key slug")
_GETTING = vocabulary("get fetch retrieve read")
_SINGLE = vocabulary("get retrieve show fetch read view detail details lookup")
_PAGING = re.compile(
    r"^(page|pages|pagenumber|pagesize|perpage|limit|offset|skip|cursor|after|startingafter|"
    r"pagetoken|nexttoken|maxresults|top|take|start|startindex|bookmark|marker|continuation|"
    r"pageindex|pagenum|pageno|pagelimit|pageoffset|pagecursor|nextpagetoken|count|size|rows)$"
)
_PAGING_FIELDS = vocabulary(
    """
    total totalcount count next nextpage hasmore paging pagination pageinfo nextcursor cursor
    nextpagetoken totalpages totalresults meta offset links nextlink page nextoffset nexttoken
    """
)
_PAGING_WORDS = vocabulary("page pages paging pagination cursor")
_STATUS_WORDS = vocabulary("status code message error errors warning success request reason links")
"""Words of what an item says beside the record that it wraps."""
_DESTROYING = vocabulary(
    "create add insert update put set replace edit modify delete remove destroy upsert toggle send"
)
"""Words of operations that change something, though their method is GET."""
_MAX_DEPTH = 7
_MAX_PROPERTIES = 400
_MAX_FIELDS = 600
_WRAPPER_FIELDS = 6
"""Fields of an item that may only wrap a further list."""
_MAX_LISTS = 2
"""Lists inside one another in which records are looked for."""
LIST_THRESHOLD = 0.5


@dataclass(frozen=True)
class ListGuess:
    """The records of an operation: a JMESPath selector, their shape, how sure and why.

    `is_single` means that the response is one record. `envelope` is the response around them.
    """

    operation: Operation
    selector: str
    record: Shape
    confidence: float
    reason: str
    envelope: Shape
    is_single: bool = False


@dataclass(frozen=True)
class _Candidate:
    path: tuple[str, ...]
    record: Shape
    around: Shape
    depth: int


class ListFinder:
    """Finds the lists of a description's operations."""

    def __init__(self, shapes: ShapeReader) -> None:
        self._shapes = shapes

    def find(self, operation: Operation) -> ListGuess | None:
        """Return the list that an operation returns; None if it returns none, or changes things."""
        response = operation.response
        if not is_reading(operation):
            return None
        lists = is_listing(operation)
        if response is None or not (response.types or response.properties):
            return self._unknown(operation, response, lists)
        if response.is_list:
            return self._top_level(operation, response, lists)
        arrays = list(self._candidates(response))
        is_only = sum(one.depth == 0 for one in arrays) == 1
        candidates = sorted(
            (
                (self._score(operation, one, response, lists, is_only), -one.depth, -position, one)
                for position, one in enumerate(arrays)
            ),
            key=lambda entry: entry[:3],
            reverse=True,
        )
        if not candidates:
            return self._single(operation, response, lists)
        score, _, _, best = candidates[0]
        if self._is_columnar(best, operation) and lists:
            path = best.path[:-2]
            return ListGuess(
                operation,
                ".".join(map(quoted, path)) or "$",
                best.around,
                0.4,
                "one object with parallel lists",
                response,
                is_single=True,
            )
        if score < LIST_THRESHOLD:
            return self._single(operation, response, lists)
        best = self._unwrapped(operation, best)
        why = "a list" if len(candidates) == 1 else f"the most likely of {len(candidates)} lists"
        return ListGuess(
            operation, selector_of(best.path), best.record, min(score, 1.0), why, response
        )

    def _top_level(self, operation: Operation, response: Shape, lists: bool) -> ListGuess | None:
        record = self._shapes.item(response)
        if record.is_scalar or record.is_list:
            return None
        confidence = 0.95 if record.properties else 0.8
        if operation.ends_with_variable and not lists:
            confidence -= 0.2
        best = self._unwrapped(operation, _Candidate(("[]",), record, response, 0))
        selector = "$" if best.path == ("[]",) else selector_of(best.path)
        return ListGuess(
            operation, selector, best.record, confidence, "the response is a list", response
        )

    @staticmethod
    def _unknown(operation: Operation, response: Shape | None, lists: bool) -> ListGuess | None:
        """Return a list without a selector, if the path or the id says that there is one.

        dlt then looks for the records in the first response.
        """
        if operation.method != "get" or operation.ends_with_variable or not operation.static:
            return None
        if operation.response_type and not response:
            return None
        if not lists and not (is_plural(operation.static[-1]) and not _names_one(operation)):
            return None
        return ListGuess(
            operation,
            "",
            Shape(),
            0.4,
            "the description does not say what the response is",
            response or Shape(),
        )

    def _single(self, operation: Operation, response: Shape, lists: bool) -> ListGuess | None:
        """Return the one record of an operation that calls itself a list, or has no variables."""
        if not lists or operation.ends_with_variable or not response.properties:
            return None
        if operation.method != "get":
            return None
        path: tuple[str, ...] = ()
        shape = response
        objects = [
            (name, one)
            for name, one in self._shapes.children(response)
            if one.is_object and one.properties and plain_name(name) not in _NO_RECORDS
        ]
        if len(objects) == 1 and self._is_envelope(response, {objects[0][0]}):
            path, shape = (objects[0][0],), objects[0][1]
        selector = ".".join(map(quoted, path)) or "$"
        return ListGuess(operation, selector, shape, 0.4, "one object", response, is_single=True)

    def _candidates(self, response: Shape) -> Iterator[_Candidate]:
        """Yield the arrays of objects, those that are higher up first."""
        waiting: deque[tuple[Shape, tuple[str, ...], int]] = deque([(response, (), 0)])
        budget = _MAX_FIELDS
        while waiting and budget > 0:
            shape, path, depth = waiting.popleft()
            if depth > _MAX_DEPTH or len(shape.properties) > _MAX_PROPERTIES:
                continue
            for name, one in self._shapes.children(shape):
                budget -= 1
                if one.is_list or (one.items is not None and "array" in one.types):
                    record = self._shapes.item(one)
                    if record.is_scalar or record.is_list:
                        continue
                    yield _Candidate((*path, name, "[]"), record, shape, depth)
                    is_wrapper = len(record.properties) <= _WRAPPER_FIELDS
                    if is_wrapper and path.count("[]") < _MAX_LISTS:
                        waiting.append((record, (*path, name, "[]"), depth + 2))
                elif one.properties:
                    waiting.append((one, (*path, name), depth + 1))

    def _score(
        self,
        operation: Operation,
        one: _Candidate,
        response: Shape,
        lists: bool,
        is_only: bool,
    ) -> float:
        name = next(key for key in reversed(one.path) if key != "[]")
        plain = plain_name(name)
        score = 0.45
        if plain in WRAPPERS:
            score += 0.3
        match = max((similarity(noun(name), other) for other in operation.nouns), default=0.0)
        score += 0.4 * match
        if plain in _NO_RECORDS and match < 1:
            score -= 0.4
        above = [key for key in one.path[:-2] if key != "[]"]
        nested = one.path[:-2].count("[]")
        score -= 0.3 * nested + 0.04 * len(above)
        if any(plain_name(key) in _NO_RECORDS for key in above):
            score -= 0.3
        if self._has_paging(one.around):
            score += 0.15
        if not self._is_envelope(response, {one.path[0]}) and not (
            lists and self._has_paging(response)
        ):
            score -= 0.25 if lists else 0.55
        if above and not nested and not self._is_chain(response, one.path):
            score -= 0.2
        if lists:
            score += 0.15
        elif operation.ends_with_variable or _names_one(operation):
            score -= 0.35
        if any(_PAGING.match(plain_name(query.name)) for query in operation.query):
            score += 0.15
            if is_only and not above and self._has_paging(response):
                score += 0.3
        return score

    def _is_chain(self, response: Shape, path: tuple[str, ...]) -> bool:
        """Return whether the objects above the list are envelopes too."""
        shape = response
        for key in path[:-2]:
            shape = self._shapes.shape(shape.properties.get(key))
            if not self._is_envelope(shape, set(path)):
                return False
        return True

    def _is_envelope(self, shape: Shape, but: set[str]) -> bool:
        """Return whether an object has little that a record would have of its own."""
        names = [name for name in shape.properties if name not in but]
        own = [name for name in names if plain_name(name) not in _ENVELOPE]
        own = [
            name
            for name in own
            if not set(words_of(name)) & {"page", "paging", "total", "count", "next", "cursor"}
        ]
        scalars = [name for name in own if self._shapes.shape(shape.properties[name]).is_scalar]
        if any(plain_name(name) in _IDENTITY for name in scalars):
            return False
        return len(scalars) <= 3

    @staticmethod
    def _has_paging(shape: Shape) -> bool:
        return any(
            plain_name(name) in _PAGING_FIELDS or set(words_of(name)) & _PAGING_WORDS
            for name in shape.properties
        )

    def _is_columnar(self, one: _Candidate, operation: Operation) -> bool:
        """Return whether lists lie side by side, one for each column of a table."""
        name = next(key for key in reversed(one.path) if key != "[]")
        if one.path.count("[]") != 1 or plain_name(name) in WRAPPERS:
            return False
        if any(similarity(noun(name), other) for other in operation.nouns):
            return False
        lists = [shape for _, shape in self._shapes.children(one.around) if shape.is_list]
        items = [self._shapes.item(shape) for shape in lists]
        return sum(item.is_scalar or item.is_list for item in items) >= 2

    def _unwrapped(self, operation: Operation, one: _Candidate) -> _Candidate:
        """Return the records inside items that only wrap them: `list[].customer`."""
        if len(one.record.properties) > _WRAPPER_FIELDS:
            return one
        objects = [
            (name, shape)
            for name, shape in self._shapes.children(one.record)
            if shape.is_object and shape.properties
        ]
        if not objects or len(objects) != len(one.record.properties):
            wrapped = self._wrapped(one, objects)
            if wrapped is not None:
                return wrapped
            for name, shape in objects:
                if plain_name(name) == "node" and set(map(plain_name, one.record.properties)) <= {
                    "node",
                    "cursor",
                    "typename",
                }:
                    return _Candidate((*one.path, name), shape, one.record, one.depth)
            return one
        for name, shape in objects:
            named = any(similarity(noun(name), other) == 1 for other in operation.nouns)
            if named or (len(objects) == 1 and plain_name(name) in (*WRAPPERS, "node")):
                return _Candidate((*one.path, name), shape, one.record, one.depth)
        return one

    @staticmethod
    def _wrapped(one: _Candidate, objects: list[tuple[str, Shape]]) -> _Candidate | None:
        """Return the record beside which an item has a status only: `adaccounts[].adaccount`."""
        wrapper = next(key for key in (*reversed(one.path), "") if key != "[]")
        named = [entry for entry in objects if wrapper and noun(entry[0]) == noun(wrapper)]
        if len(named) != 1:
            return None
        name, shape = named[0]
        others = [other for other in one.record.properties if other != name]
        if any(not set(words_of(other)) & _STATUS_WORDS for other in others):
            return None
        return _Candidate((*one.path, name), shape, one.record, one.depth)


def is_listing(operation: Operation) -> bool:
    """Return whether the id or the summary of an operation says that it lists something."""
    words = operation.id_words
    if words and ({words[0], words[-1]} & LISTING or "list" in words or "search" in words):
        return True
    first = words_of(operation.prose[:200])[:6]
    return bool(first) and bool(
        set(first[:2]) & {"list", "lists", "search", "searches", "find", "query", "browse"}
        or (
            "all" in first and first[0] in ("get", "gets", "retrieve", "returns", "return", "fetch")
        )
        or (
            "list" in first
            and first[0]
            in ("get", "gets", "retrieve", "returns", "return", "fetch", "retrieves", "a")
        )
    )


def is_reading(operation: Operation) -> bool:
    """Return whether an operation only reads; of POST only what says so counts."""
    if operation.method == "get":
        ends = words_of(operation.segments[-1]) if operation.segments else ()
        return not (
            set(operation.id_words[:1]) & _DESTROYING or (len(ends) == 1 and ends[0] in _DESTROYING)
        )
    words = set(operation.id_words) | set(
        words_of(operation.static[-1] if operation.static else "")
    )
    last = set(words_of(operation.segments[-1])) if operation.segments else set()
    reads = words & (LISTING | {"report", "graphql", "reports", "filter", "export"}) or (
        last & (LISTING | {"report", "graphql"})
    )
    ids = operation.id_words
    if ids and (ids[0] in LISTING or (ids[0] in _GETTING and not words & CHANGING)):
        return True
    return bool(reads) and not words & CHANGING


def _names_one(operation: Operation) -> bool:
    words = operation.id_words
    return bool(words) and words[0] in _SINGLE and not is_plural(words[-1])


def quoted(key: str) -> str:
    """Return a key as JMESPath writes it."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        return key
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def selector_of(path: tuple[str, ...]) -> str:
    """Return the JMESPath of keys and `[]`; the last `[]` is not written."""
    keys = path[:-1] if path[-1] == "[]" else path
    text = ""
    for key in keys:
        text += "[]" if key == "[]" else f".{quoted(key)}" if text else quoted(key)
    return text or "$"
