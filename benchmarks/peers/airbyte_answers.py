"""Responses that a manifest's own components understand: made for its CDK, replayed to others.

Runs in the CDK's environment. A response is tried on the stream's own selector and paginator before
it is sent, so it has the records that were meant, and a next page exactly if one is to follow.
"""

import gzip
import io
import itertools
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import jinja2
import requests
from airbyte_cdk.sources.declarative.datetime.datetime_parser import DatetimeParser
from jinja2 import nodes
from urllib3 import HTTPResponse

ABSENT = object()
PAGES = 3
RESOLVER = "__http_components_resolver"
TEMPLATE = "__stream_template"
_TIME_NAME = re.compile(
    r"(date|time|_at|_on|created|updated|modified|timestamp|_ts|start|end|At)$", re.I
)
_STEM = re.compile(r"updat|modif|chang|creat|start|end", re.I)
_JINJA = jinja2.Environment(autoescape=False)


# -- what templates read


def texts(node):
    """Every text in a component."""
    if isinstance(node, dict):
        for key, one in node.items():
            if key not in ("schema", "schema_loader", "$parameters", "stream"):
                yield from texts(one)
    elif isinstance(node, list):
        for one in node:
            yield from texts(one)
    elif isinstance(node, str):
        yield node


def _chain(node):
    """The root and keys of `a.b['c'].get('d')`, None for anything else."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        above = _chain(node.node)
        return above and (*above, node.attr)
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        above = _chain(node.node)
        return above and (*above, node.arg.value)
    is_get = isinstance(node, nodes.Call) and getattr(node.node, "attr", "") == "get"
    if is_get and node.args and isinstance(node.args[0], nodes.Const):
        above = _chain(node.node.node)
        return above and (*above, node.args[0].value)
    return None


def reads(text, root):
    """The paths below a root that a template reads, longest ones only."""
    source = text if "{{" in text or "{%" in text else "{{ " + text + " }}"
    try:
        tree = _JINJA.parse(source)
    except jinja2.TemplateError:
        return set()
    found = set()
    for kind in (nodes.Getattr, nodes.Getitem, nodes.Call):
        for node in tree.find_all(kind):
            chain = _chain(node)
            if chain and chain[0] == root and len(chain) > 1:
                keys = chain[1:]
                if keys[-1] in ("get", "split", "items", "keys", "values", "replace", "strip"):
                    keys = keys[:-1]
                if keys:
                    found.add(keys)
    return {one for one in found if not any(o != one and o[: len(one)] == one for o in found)}


def compared(text):
    """Constants that a condition compares a record's field with."""
    try:
        tree = _JINJA.parse(text if "{{" in text else "{{ " + text + " }}")
    except jinja2.TemplateError:
        return
    for node in tree.find_all(nodes.Compare):
        chain = _chain(node.expr)
        if chain and chain[0] == "record" and len(chain) > 1 and node.ops:
            one = node.ops[0]
            if one.op == "eq" and isinstance(one.expr, nodes.Const):
                yield chain[1:], one.expr.value
            if one.op == "in" and isinstance(one.expr, (nodes.List, nodes.Tuple)):
                for item in one.expr.items[:1]:
                    if isinstance(item, nodes.Const):
                        yield chain[1:], item.value


# -- streams


class Shape:
    """What a stream's records hold."""

    def __init__(self, component):
        self.component = component
        self.needed = set()
        self.consts = {}
        loader = component.get("schema_loader") or {}
        loader = loader[0] if isinstance(loader, list) and loader else loader
        self.schema = (loader.get("schema") if isinstance(loader, dict) else None) or {}
        retriever = component.get("retriever") or {}
        sync = component.get("incremental_sync") or {}
        self.cursor = str(sync.get("cursor_field") or "")
        self.formats = [*(sync.get("cursor_datetime_formats") or []), sync.get("datetime_format")]
        self.formats = [one for one in self.formats if one]
        self.is_feed = bool(sync.get("is_data_feed") or sync.get("is_client_side_incremental"))
        option = sync.get("start_time_option") or {}
        about = set(_STEM.findall(str(option.get("field_name") or "")))
        self.is_about_other = bool(about and about.isdisjoint(_STEM.findall(self.cursor)))
        for key in _keys(component.get("primary_key")):
            self.needed.add(tuple(key))
        steps = component.get("transformations") or []
        selector = retriever.get("record_selector") or {}
        self.cursor_from = set()
        for step in steps:
            for field in step.get("fields") or [] if isinstance(step, dict) else []:
                if isinstance(field, dict):
                    made = reads(str(field.get("value", "")), "record")
                    self.needed |= made
                    if [str(k) for k in field.get("path") or []] == [self.cursor]:
                        self.cursor_from |= made
        for text in texts([steps, selector.get("record_filter"), selector.get("transformations")]):
            self.needed |= reads(text, "record")
            for path, value in compared(text):
                self.consts[path] = value
        for text in texts(retriever.get("paginator")):
            self.needed |= reads(text, "last_record")


def _keys(key):
    if key is None:
        return []
    if isinstance(key, str):
        return [[key]]
    return [one if isinstance(one, list) else [one] for one in key]


def shapes(manifest):
    """Every stream of a resolved manifest by name, with what its children read of it."""
    found = {}

    def walk(node):
        if isinstance(node, list):
            for one in node:
                walk(one)
        if not isinstance(node, dict):
            return
        if node.get("type") in ("DeclarativeStream", "DynamicDeclarativeStream") or (
            "retriever" in node and "name" in node
        ):
            name = name_of(node)
            found.setdefault(name, Shape(node))
        if node.get("type") == "DynamicDeclarativeStream" and "stream_template" in node:
            found.setdefault(TEMPLATE, Shape(node["stream_template"]))
        if node.get("type") == "HttpComponentsResolver":
            shape = Shape({**node, "name": RESOLVER})
            for text in texts(node):
                shape.needed |= reads(text, "components_values")
            found.setdefault(RESOLVER, shape)
        for one in node.get("parent_stream_configs") or []:
            stream = one.get("stream") if isinstance(one, dict) else None
            if isinstance(stream, dict):
                walk(stream)
                shape = found.get(name_of(stream))
                if shape:
                    shape.needed.add(tuple(str(one.get("parent_key", "id")).split("/")))
                    for extra in one.get("extra_fields") or []:
                        shape.needed.add(tuple(extra))
        for key, one in node.items():
            if key not in ("schema", "$parameters"):
                walk(one)

    walk(manifest)
    return found


def name_of(stream):
    """The name of a stream's component."""
    parameters = stream.get("$parameters") or {}
    name = str(stream.get("name") or parameters.get("name") or "")
    if "{{" in name:
        name = _JINJA.from_string(name).render(parameters=parameters, config={})
    return name


# -- records


def put(record, path, value):
    """Put a value at a path, unless something else stands in the way."""
    *above, last = path
    for number, key in enumerate(above):
        below = record.get(key) if isinstance(record, dict) else None
        if isinstance(below, list):
            for item in below:
                put(item, path[number + 1 :], value)
            return
        if not isinstance(below, dict):
            if not isinstance(record, dict):
                return
            below = record[key] = {}
        record = below
    if isinstance(record, dict):
        record[last] = value


def find(record, path):
    """The value at a path, ABSENT if there is none."""
    for key in path:
        if isinstance(record, dict) and key in record:
            record = record[key]
        elif isinstance(record, list) and record and isinstance(key, int):
            try:
                record = record[key]
            except IndexError:
                return ABSENT
        else:
            return ABSENT
    return record


def made(schema, name, seed, moment, depth=0):
    """A value of a schema."""
    if not isinstance(schema, dict) or depth > 4:
        return None
    types = schema.get("type")
    kinds = [types] if isinstance(types, str) else list(types or [])
    kind = next((one for one in kinds if one != "null"), "")
    kind = kind or ("object" if "properties" in schema else "")
    if schema.get("enum"):
        return schema["enum"][0]
    if kind == "object":
        below = (schema.get("properties") or {}).items()
        return {key: made(one, key, seed, moment, depth + 1) for key, one in below}
    if kind == "array":
        items = schema.get("items")
        several = [made(items, name, seed + n, moment, depth + 1) for n in (0, 1)]
        return [one for one in several if one is not None]
    if kind == "string":
        form = schema.get("format")
        if form == "date-time" or schema.get("airbyte_type", "").startswith("timestamp"):
            return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        return f"{moment:%Y-%m-%d}" if form == "date" else f"{name[:6]}{seed}"
    if kind in ("integer", "number") and _TIME_NAME.search(name):
        return int(moment.timestamp())
    return {"integer": seed, "number": seed + 0.5, "boolean": seed % 2 == 0}.get(kind)


def record_of(shape, seed, slot, moment, *, whole):
    """One record; of three that are not `whole` the second has nulls, the third lacks fields."""
    schema = shape.schema if isinstance(shape.schema, dict) else {}
    record = made({**schema, "type": "object"}, "", seed, moment) or {}
    kept = {one[0] for one in (*shape.needed, *shape.consts, *shape.cursor_from)}
    kept.add(shape.cursor)
    if not whole and slot % 3:
        for key, one in (schema.get("properties") or {}).items():
            types = one.get("type") if isinstance(one, dict) else None
            if key in kept or (types is not None and "null" not in types):
                continue
            if slot % 3 == 1:
                record[key] = None
            else:
                record.pop(key, None)
    for path in sorted(shape.needed, key=lambda one: (len(one), str(one))):
        if find(record, path) in (ABSENT, None) and all(isinstance(key, str) for key in path):
            named = str(path[-1])
            is_time = _TIME_NAME.search(named) and len(path) < 4
            text = f"{moment:%Y-%m-%dT%H:%M:%SZ}" if is_time else f"{named[:6]}{seed}"
            put(record, path, seed if named in ("id", "ID") else text)
    for path, value in shape.consts.items():
        if slot % 3 != 2:
            put(record, path, value)
    if shape.cursor:
        form = shape.formats[0] if shape.formats else "%Y-%m-%dT%H:%M:%SZ"
        value = DatetimeParser().format(moment, form)
        if form in ("%s", "%ms", "%s_as_float") or form.startswith("%epoch"):
            value = float(value) if "float" in form else int(value)
        optional = shape.cursor not in (schema.get("required") or [])
        if optional and slot == 2 and not (whole or shape.is_feed or shape.cursor_from):
            record.pop(shape.cursor, None)
            return record or {"id": seed}
        for path in shape.cursor_from or {(shape.cursor,)}:
            if path == (shape.cursor,):
                old = record.get(shape.cursor)
                if isinstance(old, str) and isinstance(value, (int, float)):
                    put(record, path, str(value))
                    continue
            put(record, path, value)
    # the CDK takes an empty record for the end of everything
    return record or {"id": seed}


# -- responses


def response_of(request, status, headers, body):
    """A response as the network would give it."""
    raw = HTTPResponse(body=io.BytesIO(body), headers=headers, status=status, preload_content=False)
    return requests.adapters.HTTPAdapter().build_response(request, raw)


def body_of(path, records, fill):
    """A body with records at an extractor's path, and what `fill` says elsewhere."""
    if path[:1] in (["*"], ["**"]):
        # the CDK takes the items of a list one by one, and looks for the path in each
        inner = {f"k{n}": _below(path[1:], one) for n, one in enumerate(records)}
    else:
        inner = _below(path, records)
    if isinstance(inner, dict):
        for where, value in fill:
            if value is ABSENT:
                continue
            if find(inner, where) is ABSENT:
                put(inner, tuple(map(str, where)), value)
    return inner


def _below(path, records):
    """The records below a path; behind a `*` each of them is alone."""
    if not path:
        return records
    if path[0] in ("*", "**"):
        several = records if isinstance(records, list) else [records]
        return [_below(path[1:], one) for one in several] if path[1:] else several
    return {str(path[0]): _below(path[1:], records)}


def encoded(decoder, body):
    """A body in the format that a decoder component reads."""
    kind = (decoder or {}).get("type", "JsonDecoder")
    inner = (decoder or {}).get("decoder") or {}
    if kind == "GzipDecoder":
        return gzip.compress(encoded(inner, body))
    if kind in ("ZipfileDecoder", "ZipDecoder"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("data", encoded(inner, body))
        return out.getvalue()
    if kind == "JsonlDecoder":
        rows = body if isinstance(body, list) else [body]
        return b"\n".join(json.dumps(one).encode() for one in rows)
    if kind == "CsvDecoder":
        rows = body if isinstance(body, list) else [body]
        names = list(dict.fromkeys(key for one in rows for key in one)) or ["id"]
        mark = str(decoder.get("delimiter") or ",").replace("\\t", "\t")
        lines = [names, *([one.get(key) for key in names] for one in rows)]
        quoted = lambda value: "" if value is None else str(value).replace(mark, " ")  # noqa: E731
        text = "\n".join(mark.join(map(quoted, one)) for one in lines)
        return text.encode(decoder.get("encoding") or "utf-8")
    if kind == "IterableDecoder":
        rows = body if isinstance(body, list) else [body]
        return "\n".join(str(one.get("id", n)) for n, one in enumerate(rows)).encode()
    return json.dumps(body).encode()


def going_on(path, page, url, token, is_path):
    """Values for a place of the body on a page before the last, the likeliest first; with
    `is_path` the token is an address."""
    name = str(path[-1]).lower() if path else ""
    likely = [url] if is_path else []
    if is_path:
        pass
    elif re.search(r"url|href|link|next$|uri|@odata", name):
        likely = [url, token]
    elif re.search(r"more|^has|^is|last", name):
        likely = [True, False]
    elif re.search(r"total|count|pages", name):
        likely = [PAGES, 1000]
    elif re.search(r"page|current|number", name):
        likely = [page, page + 1]
    return [*likely, token, url, True, page + 1, page, PAGES, 1000, False, ABSENT]


def ending(path, page):
    """The same on the last page."""
    name = str(path[-1]).lower() if path else ""
    likely = []
    if re.search(r"more|^has|^is", name):
        likely = [False]
    elif re.search(r"last", name):
        likely = [True]
    elif re.search(r"total|count|pages|page|current|number", name):
        likely = [page]
    return [*likely, ABSENT, None, False, page, "", 0, True]


def next_url(url, page):
    """The address of the next page, as an API would say it."""
    parts = urlsplit(url)
    query = [(n, v) for n, v in parse_qsl(parts.query, keep_blank_values=True) if n != "token"]
    query.append(("token", f"tok{page + 1}"))
    return urlunsplit(parts._replace(query=urlencode(query)))


def paths_read(paginator):
    """What a paginator's templates read of the body and of the headers."""
    body, headers = set(), set()
    for text in texts((paginator or {}).get("pagination_strategy") or {}):
        body |= reads(text, "response")
        headers |= reads(text, "headers")
    return sorted(body, key=str), sorted(headers, key=str)


def combinations(paths, values, limit=150):
    """Ways to fill the paths, likely ones first."""
    options = [list(dict.fromkeys(map(_hashable, values(path)))) for path in paths]
    for chosen in itertools.islice(
        sorted(
            itertools.product(*(range(len(one)) for one in options[:3])), key=lambda one: sum(one)
        )
        if paths
        else [()],
        limit,
    ):
        rest = [0] * (len(paths) - len(chosen))
        yield [
            (path, options[n][place].value)
            for n, (path, place) in enumerate(zip(paths, (*chosen, *rest), strict=True))
        ]


class _hashable:  # noqa: N801
    def __init__(self, value):
        self.value = value

    def __hash__(self):
        return hash(repr(self.value))

    def __eq__(self, other):
        return repr(self.value) == repr(other.value)


def times(shape, stream_slice, now, count):
    """Moments of that many records inside the slice, in order."""
    start, end = now - timedelta(days=9), now - timedelta(hours=5)
    cursor = dict(getattr(stream_slice, "cursor_slice", None) or {})
    sync = shape.component.get("incremental_sync") or {}
    known = []
    for key in (
        sync.get("partition_field_start") or "start_time",
        sync.get("partition_field_end") or "end_time",
    ):
        try:
            known.append(DatetimeParser().parse(cursor[key], sync["datetime_format"]))
        except (KeyError, TypeError, ValueError):
            known.append(None)
    start, end = known[0] or start, known[1] or end
    if end <= start:
        end = start + timedelta(hours=1)
    if (end - start) > timedelta(days=2):
        start = max(start, end - timedelta(days=15))
        start, end = start + timedelta(hours=1), end - timedelta(hours=1)
    step = (end - start) / (count + 1)
    moments = [start + step * (n + 1) for n in range(count)]
    moments = [one.astimezone(UTC).replace(microsecond=0) for one in moments]
    if shape.is_about_other and count > 1:
        # created before the start, and changed since
        moments[1] = (start - timedelta(days=30)).astimezone(UTC).replace(microsecond=0)
    return moments[::-1] if shape.is_feed else moments


def moment_of(text):
    """A moment from ISO text."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
