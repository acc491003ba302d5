"""Fake values of the same form: one text in, another of its kind out, the same for the same.

They are numbered by first appearance, so only the kind of the original is left: an e-mail address,
a UUID, an id, a number, a time, words. Where a text is, and whether it may stay, is decided
elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

from framework.runtime.settings import STAND_IN

EMAIL = re.compile(r"[^\s@<>,;:/?&=]+@[^\s@<>,;:/?&=]+\.[^\s@<>,;:/?&=]+")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NUMERIC = re.compile(r"[+(-]?[0-9][0-9 ().,+/-]*|[+(-]?\.[0-9]+")
_TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})?(?P<between>[Tt ])?"
    r"(?P<time>\d{2}:\d{2}(?P<seconds>:\d{2}(?P<fraction>[.,]\d+)?)?)?"
    r"(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_SEPARATORS = re.compile(r"([/:?&=#,;|]+)")
_HEX = re.compile(r"[0-9a-f]{8,}|[0-9A-F]{8,}")
_LONG_ID = re.compile(r"(?=.*[A-Z])[A-Z0-9]{12,}")
_HTML = re.compile(r"\s*<[A-Za-z!].*>\s*", re.DOTALL)
_FILLER = " lorem ipsum dolor sit amet consetetur sadipscing elitr sed diam nonumy eirmod tempor"
_DIGITS, _LOWER, _UPPER = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_EPOCH = datetime(2000, 1, 1)
_MAX_FILLER = 400
_SHORT_SECRET = 6

Formatter = Callable[[int], str | None]
"""Formats the n-th fake value of a kind; None if there are no more."""


def is_time(text: str) -> bool:
    """Return whether a text is an ISO date, a time of day, or both."""
    match = _TIME.fullmatch(text)
    if match is None or not (match["date"] or match["time"]):
        return False
    return bool(match["between"]) == bool(match["date"] and match["time"])


def is_numeric(text: str) -> bool:
    """Return whether a text is digits with signs and separators: a number, amount or phone."""
    return _NUMERIC.fullmatch(text) is not None


class SecretMask:
    """Replaces secrets in a text by the value that stands for all of them in a replay.

    A secret under six characters counts only if it is the whole text.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = sorted({s for s in secrets if s and s != STAND_IN}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        for secret in self.secrets:
            if text == secret or (len(secret) >= _SHORT_SECRET and secret in text):
                text = text.replace(secret, STAND_IN)
        return text


class FakeValues:
    """Chooses fake values for texts and remembers them.

    `avoid` are the originals, which no fake value may equal. `numbers` are digits that stay,
    because the recording has the same number as a number. `address` rewrites a URL, absolute or
    relative.
    """

    def __init__(
        self,
        address: Callable[[str], str],
        *,
        avoid: Collection[str] = frozenset(),
        numbers: Collection[str] = frozenset(),
    ) -> None:
        self._address = address
        self._avoid = avoid
        self._numbers = numbers
        self._known: dict[str, str] = {}
        # a number that stays must not be the fake value of another text
        self._used: set[str] = {text for text in numbers if text in avoid}
        self._counts: dict[str, int] = {}

    def known(self, text: str) -> str | None:
        """Return the fake value that a text already has, or None."""
        return self._known.get(text)

    def of(self, text: str) -> str:
        """Return the fake value of a text; empty texts and booleans stay."""
        fake = self._known.get(text)
        if fake is None:
            fake = self._known[text] = self._choose(text)
        return fake

    def host(self, name: str) -> str:
        """Return the fake value of a host name; its port stays."""
        host, colon, port = name.partition(":")
        key = f"//{host}"
        if key not in self._known:
            self._known[key] = self._next("host", lambda n: f"host{n}.example.com")
        return self._known[key] + colon + port

    def _choose(self, text: str) -> str:
        if not text.strip() or text.lower() in ("true", "false") or text in self._numbers:
            return text
        if text[0] in "{[" and text[-1] in "]}":
            json_text = self._json(text)
            if json_text is not None:
                return json_text
        if EMAIL.fullmatch(text):
            return self._next("email", lambda n: f"person{n}@example.com")
        if UUID.fullmatch(text):
            digits = "012X" if text.upper() == text else "012x"
            return self._next("uuid", lambda n: f"00000000-0000-4000-8000-{n:{digits}}")
        if is_time(text):
            return self._time(text)
        if is_numeric(text):
            return self._shaped(text)
        if "://" in text and not re.search(r"\s", text):
            return self._address(text)
        if re.search(r"\s", text):
            return self._words(text)
        if text[0] in "/?":
            return self._address(text)
        if _SEPARATORS.search(text):
            parts = _SEPARATORS.split(text)
            return "".join(part if place % 2 else self.of(part) for place, part in enumerate(parts))
        return self._token(text)

    def _json(self, text: str) -> str | None:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return None

        def replace(value: object) -> object:
            if isinstance(value, dict):
                return {key: replace(item) for key, item in value.items()}
            if isinstance(value, list):
                return [replace(item) for item in value]
            return self.of(value) if isinstance(value, str) else value

        return json.dumps(replace(data), ensure_ascii=False)

    def _token(self, text: str) -> str:
        if _LONG_ID.fullmatch(text):
            width = len(text) - 2
            return self._next(f"id{width}", lambda n: _fits(f"ID{n:0{width}d}", len(text)))
        has_digit = any(c in _DIGITS for c in text)
        has_lower = any(c.islower() for c in text)
        has_upper = any(c in _UPPER for c in text)
        if has_digit or len(text) > 24 or (has_upper and not has_lower):
            return self._shaped(text)
        if text[0].isupper():
            return self._next("Text", lambda n: f"Text{n}")
        return self._next("text", lambda n: f"text{n}")

    def _words(self, text: str) -> str:
        number = self._next("words", lambda n: f"text {n}")
        length = min(len(text), _MAX_FILLER)
        if _HTML.fullmatch(text):
            return f"<p>{_pad(number, length - 7)}</p>"
        breaks = text.count("\n")
        if not breaks:
            return _pad(number, length)
        line_length = max(length // (breaks + 1), 1)
        rest = [_pad("text", line_length)] * min(breaks, 20)
        return "\n".join([_pad(number, line_length), *rest])

    def _time(self, text: str) -> str:
        match = _TIME.fullmatch(text)
        assert match is not None
        date, between, time = match["date"] or "", match["between"] or "", match["time"]
        zone = match["zone"] or ""
        fraction = match["fraction"] or ""

        def format_number(number: int) -> str | None:
            if not time:
                moment = _EPOCH + timedelta(days=number)
            elif match["seconds"]:
                moment = _EPOCH + timedelta(seconds=number)
            else:
                moment = _EPOCH + timedelta(minutes=number)
            if not date and moment.date() != _EPOCH.date():
                return None
            clock = moment.strftime("%H:%M:%S" if match["seconds"] else "%H:%M") if time else ""
            zeros = fraction[:1] + "0" * len(fraction[1:])
            return (moment.strftime("%Y-%m-%d") if date else "") + between + clock + zeros + zone

        kind = "".join("0" if c.isdigit() else c for c in text)
        return self._next(f"time {kind}", format_number)

    def _shaped(self, text: str) -> str:
        """Replace digits by digits and letters by letters; a number remains a number."""
        hexadecimal = _HEX.fullmatch(text) is not None
        places = [_alphabet(character, hexadecimal) for character in text]
        digits = [place for place, character in enumerate(text) if character in _DIGITS]
        if is_numeric(text) and len(digits) > 1:
            # 49.99 must not become 00.01, nor 0.5 become 7.1
            places[digits[0]] = "0" if text[digits[0]] == "0" else _DIGITS[1:]
        kind = "".join(letters[0] + str(len(letters)) + "," for letters in places)

        def format_number(number: int) -> str | None:
            characters = []
            for letters in reversed(places):
                number, index = divmod(number, len(letters))
                characters.append(letters[index])
            return None if number else "".join(reversed(characters))

        return self._next(kind, format_number)

    def _next(self, kind: str, format_number: Formatter) -> str:
        """Return the next unused fake value of a kind; from a small kind, even an original one."""
        while True:
            number = self._counts.get(kind, 0) + 1
            fake = format_number(number)
            if fake is None:
                break
            self._counts[kind] = number
            if fake not in self._used and fake not in self._avoid:
                self._used.add(fake)
                return fake
        number = 0
        while (fake := format_number(number)) is not None:
            if fake not in self._used:
                self._used.add(fake)
                return fake
            number += 1
        return self._next("text", lambda n: f"text{n}")


def _alphabet(character: str, hexadecimal: bool) -> str:
    if character in _DIGITS:
        return _DIGITS
    if character in _UPPER:
        return _UPPER[:6] if hexadecimal else _UPPER
    if character in _LOWER:
        return _LOWER[:6] if hexadecimal else _LOWER
    return "x" if character.isalnum() else character


def _pad(text: str, length: int) -> str:
    if length < 80:
        return text
    filler = _FILLER * (length // len(_FILLER) + 1)
    return (text + filler)[:length].rstrip()


def _fits(text: str, length: int) -> str | None:
    return text if len(text) == length else None
