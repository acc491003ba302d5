"""Redaction: secrets in every form that they may travel in, URLs, and record keys."""

from __future__ import annotations

import binascii
import json
import re
import threading
from base64 import b64decode
from bisect import bisect_left, bisect_right, insort
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from framework.runtime.secret_forms import forms_of

Json = Any

MASK = "***"
SHORTEST = 4
"""Characters of the shortest secret that is masked, and of the shortest form."""
SHORTEST_NUMBER = 6
"""Digits of the shortest number that is masked: shorter ones are years, counts and sizes."""
SHORTEST_COOKIE = 8
"""Characters of the shortest cookie that is masked: shorter ones are preferences."""
MOST_STARTS = 1_000
"""Beginnings of forms that are searched for by four characters, and more by two."""
MOST_SENT = 5_000
"""Credentials of records, and signatures of requests, that are remembered: the latest."""
COMMON = re.compile(
    r"true|false|null|none|replayed|anonymous|guest|user|admin|root|test|demo|default|secret|data"
    r"|password|token|public|local|localhost|postgres|duckdb|filesystem|main|json|text|error"
    r"|warning|resources?|status|rows?|requests?|retries|ignored|messages?|code|connector|where"
    r"|destination|dataset|seconds|started|signal|failed|skipped|loaded|query|notes|event|pages?"
    r"|wait|step|https?|names?|types?|values?|list|records?|tables?|columns?|files?|fields?|line"
    r"|config|schema",
    re.IGNORECASE,
)
"""Words of our own output: to mask them everywhere would hide nothing and tell which it is."""
ID_LIKE = re.compile(r"(?=[^\d]*\d)[A-Za-z0-9_:/.#=-]{1,80}")
"""A text that identifies a record but no person: no space, no e-mail address, a digit."""
_LONG_LINE = re.compile(r"^(?!-----)\S.{7,}", re.MULTILINE)


def redact_key(value: object) -> str:
    """Return a record's key as an error may show it: a number, or a text that looks like an id.

    Of other values only the type is shown: a name or an address may be personal.
    """
    if isinstance(value, (int, float)) or value is None:
        return json.dumps(value)
    if isinstance(value, str):
        return value if ID_LIKE.fullmatch(value) else "(a text)"
    return "(an object)" if isinstance(value, dict) else "(a list)"


def is_maskable(secret: str) -> bool:
    """Return whether a text can be masked wherever it stands.

    A text of fewer than 4 characters, a number of fewer than 6 digits and a common word also
    stand where they are no secret.
    """
    if len(secret) < (SHORTEST_NUMBER if secret.isdecimal() else SHORTEST):
        return False
    return COMMON.fullmatch(secret) is None and not secret.isspace()


class Redactor:
    """Masks every secret of a process, including tokens obtained during a run. Thread-safe.

    Each secret that can be masked (`is_maskable`) is searched for in all its forms (`forms_of`),
    and a secret of several lines also line by line. Redacting looks at each character once,
    however many secrets there are.
    """

    def __init__(self) -> None:
        self._secrets: dict[str, bool] = {}
        self._sent: deque[str] = deque()
        self._signatures: deque[str] = deque()
        self._forms: Counter[str] = Counter()
        self._sorted: list[str] = []
        self._lengths: dict[str, tuple[int, ...]] = {}
        """The lengths of the forms that begin with these characters, the longest first."""
        self._pairs: dict[str, set[str]] = {}
        self._pattern: re.Pattern[str] | None = None
        """Where a form may begin; None after another beginning was added."""
        self._guarded: set[str] = set()
        self._longest = 0
        self._lock = threading.RLock()

    def add(self, secret: str) -> None:
        """Add a secret of the connector, which other hosts must not get either."""
        self._add(secret, guarded=True)

    def add_signature(self, signature: str) -> None:
        """Add a secret of one request, such as a signature. Only the latest are remembered."""
        if signature in self._secrets or not is_maskable(signature):
            return
        self.add(signature)
        with self._lock:
            self._signatures.append(signature)
            if len(self._signatures) > MOST_SENT:
                oldest = self._signatures.popleft()
                self._secrets[oldest] = False
                self._forget(oldest)

    def add_foreign(self, secret: str) -> None:
        """Add a secret that is only hidden: of a destination, a proxy, an address or a record."""
        self._add(secret, guarded=False)

    def add_url(self, url: str) -> None:
        """Add the login of a URL and its parameters with the name of a secret."""
        try:
            parts = urlsplit(url)
            pairs = parse_qsl(parts.query)
        except ValueError:
            return
        login = parts.netloc.rpartition("@")[0]
        user, _, password = login.partition(":")
        for text in (login, password, user if not password else ""):
            self.add_foreign(text)
            self.add_foreign(unquote(text))
        for name, value in pairs:
            if is_credential_name(name):
                self.add_foreign(value)

    def add_logins(self, value: Json) -> None:
        """Add the logins of all URLs in JSON data."""
        for _, text in _named_texts(value):
            if "://" in text:
                self.add_url(text)

    def add_literals(self, value: Json) -> None:
        """Add what is written in a file under the name of a credential, and the logins of URLs."""
        self.add_logins(value)
        for name, text in _named_texts(value):
            self.add_literal(name, text)

    def add_literal(self, name: str, text: str) -> None:
        """Add what is written under this name, unless the name is of no credential."""
        if "{" not in text and name != "auth" and is_credential_name(name):
            self.add_foreign(text)

    def add_sent(self, name: str, value: Json) -> None:
        """Add what a request sends as a credential, from wherever it came.

        `name` is that of the header, parameter or field, at any depth of a body.
        """
        if isinstance(value, (str, int)):
            if not is_credential_name(name):
                return
            text = str(value)
            if text in self._secrets:
                return
            for part in _credentials_in(name, text):
                if is_maskable(part) and part not in self._secrets:
                    self.add_foreign(part)
                    self._remember_sent(part)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                self.add_sent(str(key), item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                is_pair = isinstance(item, tuple) and len(item) == 2
                self.add_sent(*(map(str, item) if is_pair else (name, item)))

    def secrets(self, *, guarded: bool = False) -> tuple[str, ...]:
        """Return the secrets as they are; with `guarded` those of the connector only."""
        with self._lock:
            return tuple(text for text, own in self._secrets.items() if own or not guarded)

    def found_in(self, text: str) -> bool:
        """Return whether the text contains a secret of the connector."""
        return any(form in self._guarded for _, form in self._matches(text))

    def redact(self, text: str, *, aligned: bool = False) -> str:
        """Return the text with every secret masked; if `aligned`, as long as before."""
        parts: list[str] = []
        end = 0
        for start, form in self._matches(text):
            parts += (text[end:start], "*" * len(form) if aligned else MASK)
            end = start + len(form)
        return "".join((*parts, text[end:])) if parts else text

    def redact_data(self, value: Json) -> Json:
        """Return JSON data with every secret masked, in keys and numbers, too.

        In its text a masked number would not be valid JSON.
        """
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {self.redact_data(key): self.redact_data(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.redact_data(item) for item in value]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            text = str(value)
            return MASK if self.redact(text) != text else value
        return value

    def finished(self, text: str) -> int:
        """Return how much of a text can be redacted before its continuation is known.

        The rest may be the beginning of a secret.
        """
        size = len(text)
        with self._lock:
            possible = range(max(0, size - self._longest + 1), size)
            start = next((one for one in possible if self._is_beginning(text[one:])), size)
        for begin, form in self._matches(text):
            if begin < start < begin + len(form):
                return begin  # its end may be the beginning of another
        return start

    def _add(self, secret: str, *, guarded: bool) -> None:
        if self._secrets.get(secret) or (secret in self._secrets and not guarded):
            return
        lines = _LONG_LINE.findall(secret) if "\n" in secret else []
        with self._lock:
            for part in filter(is_maskable, (secret, *map(str.strip, lines))):
                forms = [form for form in forms_of(part) if len(form) >= SHORTEST]
                if guarded:
                    self._guarded.update(forms)
                if part not in self._secrets:
                    for form in forms:
                        self._forms[form] += 1
                        if self._forms[form] == 1:
                            self._index(form)
                self._secrets[part] = guarded or self._secrets.get(part, False)

    def _index(self, form: str) -> None:
        insort(self._sorted, form)
        start, size = form[:SHORTEST], len(form)
        lengths = self._lengths.get(start, ())
        if size not in lengths:
            self._lengths[start] = tuple(sorted((size, *lengths), reverse=True))
        self._longest = max(self._longest, size)
        seconds = self._pairs.setdefault(start[0], set())
        if start[1] not in seconds or (not lengths and len(self._lengths) <= MOST_STARTS):
            seconds.add(start[1])
            self._pattern = None

    def _beginnings(self) -> re.Pattern[str]:
        """Return a pattern that matches wherever a form may begin.

        Grouped by the first character, which is several times as fast as a plain alternation.
        """
        if len(self._lengths) > MOST_STARTS:
            groups = {first: [*seconds] for first, seconds in self._pairs.items()}
        else:
            groups = {}
            for start in self._lengths:
                groups.setdefault(start[0], []).append(start[1:])
        alternatives = (
            f"{re.escape(first)}(?:{'|'.join(map(re.escape, rests))})"
            for first, rests in groups.items()
        )
        return re.compile(f"(?={'|'.join(alternatives)})", re.DOTALL)

    def _remember_sent(self, secret: str) -> None:
        with self._lock:
            self._sent.append(secret)
            if len(self._sent) > MOST_SENT:
                self._forget(self._sent.popleft())

    def _forget(self, secret: str) -> None:
        if self._secrets.pop(secret, True):
            return  # also known as a secret of the connector
        for form in forms_of(secret):
            self._forms[form] -= 1
            if self._forms[form] <= 0:
                del self._forms[form]
                self._guarded.discard(form)
                place = bisect_left(self._sorted, form)
                if self._sorted[place : place + 1] == [form]:
                    del self._sorted[place]

    def _matches(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield each secret in the text: where, and in which form; the longest of several."""
        lengths, forms = self._lengths, self._forms
        if not lengths:
            return
        pattern = self._pattern
        if pattern is None:
            with self._lock:
                pattern = self._pattern = self._beginnings()
        place = 0
        for candidate in pattern.finditer(text):
            start = candidate.start()
            if start < place:
                continue
            for size in lengths.get(text[start : start + SHORTEST], ()):
                form = text[start : start + size]
                if form in forms:
                    yield start, form
                    place = start + size
                    break

    def _is_beginning(self, text: str) -> bool:
        """Return whether the text is the beginning of a form, which continues."""
        if len(text) >= SHORTEST and text[:SHORTEST] not in self._lengths:
            return False
        place = bisect_right(self._sorted, text)
        return place < len(self._sorted) and self._sorted[place].startswith(text)


def _named_texts(value: Json) -> Iterator[tuple[str, str]]:
    """Yield each text in data with the key that it has, once: YAML may repeat parts by aliases."""
    seen: set[int] = set()
    left: list[tuple[str, Json]] = [("", value)]
    while left:
        name, one = left.pop()
        if isinstance(one, str):
            yield name, one
        elif isinstance(one, (Mapping, list, tuple)) and id(one) not in seen:
            seen.add(id(one))
            if isinstance(one, Mapping):
                left += [(str(key), item) for key, item in one.items()]
            else:
                left += [(name, item) for item in one]


_PAGING = re.compile(r"page|next|prev|cursor|continu|sync|delta|start|resume|offset|scroll|last")
_CREDENTIAL = re.compile(
    r"(?:.*(?:authorization|apikey|accesskey|secretkey|privatekey|authkey|sessionkey|sessionid"
    r"|token|secret|password|passwd|passphrase|credentials?|signature|jwt|cookie|bearer)"
    r"|x.*key|auth|xauth|sig|pwd)"
)


@lru_cache(maxsize=1000)
def is_credential_name(name: str) -> bool:
    """Return whether a header, parameter or field with this name holds a credential.

    A token of pagination is none.
    """
    letters = re.sub(r"[^a-z]", "", name.lower())
    return _CREDENTIAL.fullmatch(letters) is not None and not _PAGING.search(letters)


def _credentials_in(name: str, text: str) -> Iterator[str]:
    """Yield a credential as it is sent, and the parts that are credentials for themselves."""
    if name.lower() == "cookie":
        for pair in text.split(";"):
            value = pair.partition("=")[2].strip()
            if len(value) >= SHORTEST_COOKIE:
                yield value
        return
    scheme, _, rest = text.partition(" ")
    if not rest or not name.lower().endswith("authorization"):
        yield text
    if not rest:
        return
    if re.match(r'\w+="?[^="]', rest):
        yield from re.findall(r'=\s*"?([^",\s]+)', rest)
        return
    yield rest.strip()
    if scheme.lower() == "basic":
        try:
            pair = b64decode(rest, validate=True).decode()
        except (binascii.Error, ValueError):
            return
        yield pair
        yield pair.partition(":")[2]


SENSITIVE = re.compile(
    r"(api[-_]?key|apikey|access[-_]?token|^token$|^key$|secret|passw|pwd|signature|^sig$|auth)",
    re.IGNORECASE,
)
LONGEST_URL = 1_000
"""Characters of a URL in messages and logs."""
ADDRESS = re.compile(r"[^\s/@=&]+@[^\s/@=&]+\.[^\s/@=&]+")


_PLAIN_URL = re.compile(r"(https?://[\w.:/%~*-]+)(?:\?([^#]*))?", re.ASCII)
"""A URL without a login or an e-mail address before its parameters."""


def redact_url(url: str | None, redactor: Redactor) -> str:
    """Return the URL with secrets, sensitive parameters, logins and e-mail addresses masked."""
    if not url:
        return "(no URL)"
    url = redactor.redact(url)
    if len(url) > LONGEST_URL:  # servers give next pages of any length
        url = url[: LONGEST_URL - 1] + "…"
    plain = _PLAIN_URL.fullmatch(url)
    if plain is not None:
        query = _redact_query(plain[2] or "")
        text = f"{plain[1]}?{query}" if query else plain[1]
        return text if query == plain[2] else redactor.redact(text)
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(an address that cannot be read)"
    host = parts.netloc.rpartition("@")[2]
    path = ADDRESS.sub(MASK, parts.path)
    return redactor.redact(urlunsplit((parts.scheme, host, path, _redact_query(parts.query), "")))


@lru_cache(maxsize=64)  # most requests of a resource have the same
def _redact_query(query: str) -> str:
    pairs = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        pairs.append(f"{quote(name, safe='[]._-')}={_value(name, value)}")
    return "&".join(pairs)


def _value(name: str, value: str) -> str:
    if SENSITIVE.search(name) or ADDRESS.search(value):
        return MASK
    return quote(value, safe="*:/,")
