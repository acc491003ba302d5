"""Answers of export jobs, and answers that are no JSON."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from typing import Any

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.model import Export, ResponseFormat

Json = Any

_EQUAL = re.compile(r"([\w.]+) == '([^']*)'")
_AMONG = re.compile(r"contains\(`\[\"([^\"]*)\".*?\]`, ([\w.]+)\)")
_PLACE = re.compile(r"\{response\.([\w.]+)\}")


def status_of(export: Export, url: str) -> dict[str, Json]:
    """The status of a job that is ready, with the address of its one file."""
    found: dict[tuple[str, ...], Json] = {}
    text = export.ready.text if isinstance(export.ready, Expression) else ""
    for path, value in _EQUAL.findall(text)[:1]:
        found[tuple(path.split("."))] = value
    for value, path in _AMONG.findall(text)[:1]:
        found[tuple(path.split("."))] = value
    for template in export.download.urls:
        found.update({tuple(path.split(".")): [url] for path in _PLACE.findall(template)})
    answer: dict[str, Json] = {}
    for keys, value in found.items():
        inner = answer
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = value
    return answer


def written(answer: Json, form: ResponseFormat) -> bytes:
    """An answer in a resource's format; CSV and JSON lines where it is a list of records."""
    data = json.dumps(answer).encode()
    if form.kind == "jsonl" and isinstance(answer, list):
        data = "\n".join(map(json.dumps, answer)).encode()
    elif form.kind == "csv" and isinstance(answer, list):
        text = io.StringIO()
        names = list(dict.fromkeys(name for record in answer for name in record))
        table = csv.DictWriter(text, names, delimiter=form.delimiter)
        table.writeheader()
        table.writerows(answer)
        data = text.getvalue().encode()
    if form.compression == "gzip":
        return gzip.compress(data)
    if form.compression == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("data", data)
        return packed.getvalue()
    return data
