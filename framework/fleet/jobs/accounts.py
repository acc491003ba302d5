"""The accounts of a job: a list in the fleet file, a CSV file, or a file of JSON lines.

No finding shows a value of an account: what stands in the wrong place may be a secret.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from framework.definition.model import Connector
from framework.definition.schema.file_schema import FileSchema
from framework.definition.schema.schema_findings import check_format
from framework.definition.values.naming import NAME
from framework.definition.yaml_reader import Document, Node, Pointer, read_text
from framework.findings import Finding
from framework.runtime.redaction import is_credential_name
from framework.runtime.settings import typed_value, value_problem
from framework.text import count_noun, did_you_mean, json_type, shorten, suggest

Json = Any

ACCOUNT = FileSchema("fleet", "account")
"""The schema of one account, in the fleet file or in a line of JSON."""
LARGEST_FILE = 50_000_000
"""Bytes of a file of accounts."""
MOST_ACCOUNTS = 100_000
"""Accounts of one job."""
MOST_FINDINGS = 1_000
"""Findings about the accounts of one job; more help nobody."""

_ALIAS = ACCOUNT.at(("alias",))[0]
_SECRET = ACCOUNT.at(("secrets", "name"))[0]
_SECRET_NAME = re.compile(_SECRET["pattern"])
_SECTIONS = ("config", "secrets")


@dataclass(frozen=True)
class Account:
    """One account: `config` by entry, in the declared types, and `secrets` as names by entry.

    `path`, `line` and `column` are where it is written.
    """

    alias: str
    config: Mapping[str, Json] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict)
    path: str = field(default="", compare=False)
    line: int = field(default=1, compare=False)
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Entry:
    """A mapping of a fleet file or of a file of accounts, and where it stands."""

    document: Document
    pointer: Pointer
    data: Mapping[str, Json]

    def finding(self, path: Pointer, code: str, message: str, *, key: bool = False) -> Finding:
        """Return a finding about the value at `path` inside, or about its key."""
        return self.document.finding((*self.pointer, *path), code, message, key=key)

    def section(self, name: str) -> Mapping[str, Json]:
        """Return the mapping at a key, empty if there is none."""
        value = self.data.get(name)
        return value if isinstance(value, dict) else {}


def read_accounts(
    job: Entry, connector: Connector | None
) -> tuple[tuple[Account, ...], list[Finding]]:
    """Return the accounts of a job, without those that are not valid, and all findings.

    Config and secrets are judged by the connector, unless that has errors. The shape of accounts
    in the fleet file is not judged: that is the JSON Schema's.
    """
    written = job.data.get("accounts")
    findings: list[Finding] = []
    if isinstance(written, list):
        entries = [
            Entry(job.document, (*job.pointer, "accounts", position), one)
            for position, one in enumerate(written)
            if isinstance(one, dict)
        ]
    elif isinstance(written, dict) and _is_file(written.get("file")):
        entries = _file_entries(job, written["file"], connector, findings)
    else:
        return (), []
    if len(entries) > MOST_ACCOUNTS:
        found = f"found {len(entries):,} accounts, expected at most {MOST_ACCOUNTS:,}"
        message = f"{found}; divide them into several jobs"
        return (), [job.finding(("accounts",), "too-many-accounts", message, key=True)]
    accounts = _accounts(entries, connector, findings)
    return tuple(accounts), findings[:MOST_FINDINGS]


def read_config(
    entry: Entry, connector: Connector | None, findings: list[Finding], *, quoted: bool
) -> dict[str, Json]:
    """Return the config of a job or an account in the declared types; add findings about it.

    Its values are shown only if `quoted`.
    """
    if connector is None:
        return dict(entry.section("config"))
    values = {}
    for name, written in entry.section("config").items():
        declared = connector.config.get(name)
        if declared is None:
            findings.append(
                entry.finding(("config", name), *_unknown("config", name, connector), key=True)
            )
            continue
        value = values[name] = typed_value(declared, written)
        if value is None and not declared.required:
            continue  # the default, also where the job has another value
        problem = value_problem(declared, value, quoted=quoted)
        if problem:
            message = f"config.{name}: {problem}"
            findings.append(entry.finding(("config", name), "config-value", message))
    return values


def looks_like_credential(name: str) -> bool:
    """Return whether a text that could be a secret's name is more likely the secret itself.

    Its parts between `_` and `.` are no words: digits among letters of both cases, or very long.
    """
    for part in re.split(r"[_.-]", name):
        core = part.strip("0123456789")  # a word with a number
        changes = len(re.findall(r"[A-Za-z](?=\d)|\d(?=[A-Za-z])", part))
        has_digits = any(character.isdigit() for character in core)
        has_cases = part not in (part.lower(), part.upper())
        shortest = 8 if has_cases and changes else 10 if changes > 3 else 16
        if len(part) > 40 or (has_digits and len(part) >= shortest):
            return True
    return False


def written_secrets(data: Json, name: str = "") -> Iterator[str]:
    """Yield each text of a fleet file that is probably a secret, so that no output shows it.

    It stands in the place of a secret's name, or under the name of a credential, or is an alias
    that looks like one.
    """
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "secrets" and isinstance(value, dict):
                yield from (str(text) for text in value.values() if not _may_be_shown(text))
            else:
                yield from written_secrets(value, key)
    elif isinstance(data, list):
        for item in data:
            yield from written_secrets(item, name)
    elif isinstance(data, str | int) and (
        name == "secrets"
        or is_credential_name(name)
        or (name == "alias" and looks_like_credential(str(data)))
    ):
        yield str(data)


def _may_be_shown(value: Json) -> bool:
    return _is_secret_name(value) and not looks_like_credential(value)


def _is_file(value: Json) -> bool:
    return isinstance(value, str) and value.endswith((".csv", ".jsonl"))


def _file_entries(
    job: Entry, name: str, connector: Connector | None, findings: list[Finding]
) -> list[Entry]:
    folder = Path(job.document.path).parent
    path = folder / name
    place: Pointer = ("accounts", "file")
    text, problems = read_text(path, str(path), LARGEST_FILE)
    for one in problems:
        in_file = one.code == "not-text"
        findings.append(one if in_file else job.finding(place, one.code, f"{path}: {one.message}"))
    if text is None:
        return []
    if not text.strip():
        findings.append(job.finding(place, "empty-file", f"{path}: the file is empty"))
        return []
    if name.endswith(".csv"):
        entries = _csv_entries(text, str(path), connector, findings)
    else:
        entries = _json_entries(text, str(path), findings)
    accounts = list(islice(entries, MOST_ACCOUNTS + 1))
    if not accounts and not findings:
        findings.append(job.finding(place, "no-accounts", f"{path}: the file has no accounts"))
    return accounts


def _entry(path: str, line: int, data: Json) -> Entry:
    """Return the entry of a line; all of its parts have the line's place."""
    return Entry(Document(path, "", data, Node(data, line - 1, 0)), (), data)


def _csv_entries(
    text: str, path: str, connector: Connector | None, findings: list[Finding]
) -> Iterator[Entry]:
    first = text.lstrip("\r\n").splitlines()[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    rows = _csv_rows(text, path, delimiter, findings)
    line, header = next(rows, (1, []))
    columns = [name.strip() for name in header]
    known = ["alias", *_names("config", connector), *_names("secrets", connector)]
    problems = list(_column_problems(columns, known if connector else None))
    if header:
        findings += [Finding(path, line, 1, "error", *one) for one in problems]
    if "alias" not in columns:
        return
    for line, row in rows:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) != len(columns):
            found = f"found {count_noun(len(cells), 'cell')}, expected {len(columns)}"
            message = f"{found} as in the first line; put quotes around a cell with a {delimiter}"
            findings.append(Finding(path, line, 1, "error", "wrong-cells", message))
            continue
        data: dict[str, Json] = {}
        for column, cell in zip(columns, cells, strict=True):
            section, _, name = column.partition(".")
            if not cell or (connector and column not in known):
                continue
            if column == "alias":
                data["alias"] = cell
            elif section in _SECTIONS and name:
                data.setdefault(section, {})[name] = cell
        entry = _entry(path, line, data)
        if "alias" not in data:
            findings.append(entry.finding((), "missing-key", "the cell of `alias` is empty"))
        elif not NAME.fullmatch(data["alias"]):
            message = f"alias: {_ALIAS['x-hidden']}"
            findings.append(entry.finding((), _ALIAS["x-code"], message))
        findings += [
            _not_a_name(entry, name)
            for name, cell in entry.section("secrets").items()
            if not _is_secret_name(cell)
        ]
        yield entry


def _csv_rows(
    text: str, path: str, delimiter: str, findings: list[Finding]
) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line that it begins in; a row that cannot be read is the last."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end" in str(error) or "field limit" in str(error):
                message = "a quote that opens in this line is not closed"
            elif "expected after" in str(error):
                message = 'found text after a closing quote; write a quote inside quotes as ""'
            else:
                message = f"this is not valid CSV: {error}"
            findings.append(Finding(path, line, 1, "error", "csv-syntax", message))
            return
        if row:
            yield line, row


def _names(section: str, connector: Connector | None) -> list[str]:
    names: Iterable[str] = getattr(connector, section, ())
    return [f"{section}.{name}" for name in names]


def _column_problems(columns: list[str], known: list[str] | None) -> Iterator[tuple[str, str]]:
    """Yield the code and message of what is wrong with the columns; `known` may be unknown."""
    if "alias" not in columns:
        # no name is shown: this may be a file of something else
        yield (
            "missing-column",
            "the first line has no column `alias`; expected names such as alias, config.scope "
            "and secrets.api_key, with commas or semicolons between them",
        )
        return
    for position, column in enumerate(columns, 1):
        section, _, name = column.partition(".")
        if not column:
            yield "unknown-column", f"column {position} has no name; remove it, or name it"
        elif columns.index(column) < position - 1:
            yield "duplicate-column", f"the column {shorten(column)} is twice; remove one"
        elif column == "alias" or column in (known or ()):
            continue
        elif known is not None:
            whole = next((one for one in known if one.partition(".")[2] == column), None)
            near = f"; did you mean {whole}?" if whole else suggest(column, known)
            yield "unknown-column", f"the column {shorten(column)} is not known{near}"
        elif section not in _SECTIONS or not name:
            message = f"the column {shorten(column)} is not known; expected alias, config.ENTRY"
            yield "unknown-column", f"{message} or secrets.ENTRY"


def _json_entries(text: str, path: str, findings: list[Finding]) -> Iterator[Entry]:
    for line, written in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if not written.strip():
            continue
        try:
            data = json.loads(written, object_pairs_hook=_mapping, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            column = error.colno if isinstance(error, json.JSONDecodeError) else 1
            reason = getattr(error, "msg", None) or str(error)
            message = f"this line is not valid JSON: {reason}"
            findings.append(Finding(path, line, column, "error", "json-syntax", message))
            continue
        if not isinstance(data, dict):
            message = f'found {json_type(data)}, expected an account: {{"alias": ...}}'
            findings.append(Finding(path, line, 1, "error", "wrong-type", message))
            continue
        yield _checked(_entry(path, line, data), findings)


def _mapping(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise ValueError("a key is twice in one object")
    return data


def _no_constant(name: str) -> Json:
    raise ValueError(f"found {name}, expected a finite number")


def _checked(entry: Entry, findings: list[Finding]) -> Entry:
    """Return the entry; add what does not fit the schema of an account.

    Validating takes time, so most accounts are accepted by their parts.
    """
    data = entry.data
    is_plain = (
        data.keys() <= {"alias", *_SECTIONS}
        and isinstance(data.get("alias"), str)
        and NAME.fullmatch(data["alias"])
        and all(isinstance(data.get(name, {}), dict) for name in _SECTIONS)
        and all(map(_is_secret_name, entry.section("secrets").values()))
    )
    if not is_plain:
        findings += check_format(entry.document, ACCOUNT)
    return entry


def _is_secret_name(value: Json) -> bool:
    return isinstance(value, str) and _SECRET_NAME.search(value) is not None


def _accounts(
    entries: Iterable[Entry], connector: Connector | None, findings: list[Finding]
) -> Iterator[Account]:
    """Yield the valid accounts, each alias once."""
    lines: dict[str, int] = {}
    for entry in entries:
        mark = entry.document.mark((*entry.pointer, "alias"))
        config = read_config(entry, connector, findings, quoted=False)
        secrets = _secrets(entry, connector, findings)
        alias = entry.data.get("alias")
        if not isinstance(alias, str) or not NAME.fullmatch(alias):
            continue
        if alias in lines:
            message = (
                f"the alias {alias} is twice, in line {lines[alias]} and in line {mark.line}; "
                "remove one, or give it another alias"
            )
            findings.append(entry.finding(("alias",), "duplicate-alias", message))
            continue
        lines[alias] = mark.line
        yield Account(alias, config, secrets, entry.document.path, mark.line, mark.column)


def _secrets(entry: Entry, connector: Connector | None, findings: list[Finding]) -> dict[str, str]:
    """Return the names of an account's secrets by entry; add findings about them."""
    names = {}
    for name, written in entry.section("secrets").items():
        if connector is not None and name not in connector.secrets:
            findings.append(
                entry.finding(("secrets", name), *_unknown("secrets", name, connector), key=True)
            )
        elif not _is_secret_name(written):
            continue  # there is a finding already
        elif looks_like_credential(written):
            findings.append(_not_a_name(entry, name))
        else:
            names[name] = written
    return names


def _not_a_name(entry: Entry, name: str) -> Finding:
    message = f"secrets.{name}: {_SECRET['x-hidden']}"
    return entry.finding(("secrets", name), _SECRET["x-code"], message)


def _unknown(section: str, name: str, connector: Connector) -> tuple[str, str]:
    """Return the code and message about an entry that the connector does not declare."""
    config, secrets = list(connector.config), list(connector.secrets)
    code, noun, known, others, other = (
        ("unknown-config", "config entry", config, secrets, "secrets")
        if section == "config"
        else ("unknown-secret", "secret", secrets, config, "config")
    )
    if name in others:
        return code, f"{name} is not a {noun} of {connector.name}; move it to `{other}`"
    near = did_you_mean(name, known) or f"; there are: {', '.join(known) or 'none'}"
    return code, f"{connector.name} has no {noun} {shorten(name)}{near}"
