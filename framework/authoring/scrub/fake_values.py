"""Stand-ins of the same form: one text in, another of its kind out, the same for the same.

Numbered by first appearance, so nothing of the original is left in them but its kind: an address,
a uuid, an id, a number, a time, words. Where a text stands and whether it may stay is not known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

EMAIL = re.compile(r"[^\s@<>,;:/?&=]+@[^\s@<>,;:/?&=]+\.[^\s@<>,;:/?&=]+")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
NUMERIC = re.compile(r"[+(-]?[0-9][0-9 ().,+/-]*|[+(-]?\.[0-9]+")
TIME = re.compile(
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
_START = datetime(2000, 1, 1)
_MOST_FILLER = 400

Write = Callable[[int], str | None]


def is_time(text: str) -> bool:
    """Whether a text is an ISO date, time of day, or both."""
    match = TIME.fullmatch(text)
    if match is None or not (match["date"] or match["time"]):
        return False
    return bool(match["between"]) == bool(match["date"] and match["time"])


def is_numeric(text: str) -> bool:
    """Whether a text is digits with signs and separators: a number, an amount, a phone number."""
    return NUMERIC.fullmatch(text) is not None


class FakeValues:
    """Gives texts their stand-ins and remembers them.

    `avoid` are texts that no stand-in may be by chance (the originals); `numbers` are digits that
    stay, because the same number stands in the recording as a number; `address` writes the
    stand-in of a URL, whole or relative.
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
        # a number that stays is no stand-in of another text
        self._used: set[str] = {text for text in numbers if text in avoid}
        self._counts: dict[str, int] = {}

    def known(self, text: str) -> str | None:
        """The stand-in that a text has got, or None."""
        return self._known.get(text)

    def of(self, text: str) -> str:
        """The stand-in of a text; what says nothing (empty, true, false) stays."""
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._make(text)
        return found

    def host(self, name: str) -> str:
        """The stand-in of a host name, its port kept."""
        host, colon, port = name.partition(":")
        key = f"//{host}"
        if key not in self._known:
            self._known[key] = self._next("host", lambda n: f"host{n}.example.com")
        return self._known[key] + colon + port

    def _make(self, text: str) -> str:
        if not text.strip() or text.lower() in ("true", "false") or text in self._numbers:
            return text
        if text[0] in "{[" and text[-1] in "]}":
            inside = self._json(text)
            if inside is not None:
                return inside
        if EMAIL.fullmatch(text):
            return self._next("email", lambda n: f"person{n}@example.com")
        if UUID.fullmatch(text):
            upper = text.upper() == text
            return self._next("uuid", lambda n: _cased(f"00000000-0000-4000-8000-{n:012x}", upper))
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

        def walk(value: object) -> object:
            if isinstance(value, dict):
                return {key: walk(item) for key, item in value.items()}
            if isinstance(value, list):
                return [walk(item) for item in value]
            return self.of(value) if isinstance(value, str) else value

        return json.dumps(walk(data), ensure_ascii=False)

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
        wanted = min(len(text), _MOST_FILLER)
        if _HTML.fullmatch(text):
            return f"<p>{_filled(number, wanted - 7)}</p>"
        lines = text.count("\n")
        if not lines:
            return _filled(number, wanted)
        share = max(wanted // (lines + 1), 1)
        rest = [_filled("text", share)] * min(lines, 20)
        return "\n".join([_filled(number, share), *rest])

    def _time(self, text: str) -> str:
        match = TIME.fullmatch(text)
        assert match is not None
        date, between, time = match["date"] or "", match["between"] or "", match["time"]
        zone = match["zone"] or ""
        fraction = match["fraction"] or ""

        def write(number: int) -> str | None:
            if not time:
                moment = _START + timedelta(days=number)
            elif match["seconds"]:
                moment = _START + timedelta(seconds=number)
            else:
                moment = _START + timedelta(minutes=number)
            if not date and moment.date() != _START.date():
                return None
            clock = moment.strftime("%H:%M:%S" if match["seconds"] else "%H:%M") if time else ""
            still = fraction[:1] + "0" * len(fraction[1:])
            return (moment.strftime("%Y-%m-%d") if date else "") + between + clock + still + zone

        kind = "".join("0" if c.isdigit() else c for c in text)
        return self._next(f"time {kind}", write)

    def _shaped(self, text: str) -> str:
        """Digits for digits, letters for letters, the rest as it is; a number stays a number."""
        hexadecimal = _HEX.fullmatch(text) is not None
        places = [_alphabet(character, hexadecimal) for character in text]
        digits = [place for place, character in enumerate(text) if character in _DIGITS]
        if is_numeric(text) and len(digits) > 1:
            # 49.99 must not become 00.01, nor 0.5 become 7.1
            places[digits[0]] = "0" if text[digits[0]] == "0" else _DIGITS[1:]
        kind = "".join(letters[0] + str(len(letters)) + "," for letters in places)

        def write(number: int) -> str | None:
            written = []
            for letters in reversed(places):
                number, index = divmod(number, len(letters))
                written.append(letters[index])
            return None if number else "".join(reversed(written))

        return self._next(kind, write)

    def _next(self, kind: str, write: Write) -> str:
        """The next unused stand-in of a kind; `write` gives None when there are no more."""
        while True:
            number = self._counts.get(kind, 0) + 1
            made = write(number)
            if made is None:
                break
            self._counts[kind] = number
            if made not in self._used and made not in self._avoid:
                self._used.add(made)
                return made
        number = 0
        while (made := write(number)) is not None:
            if made not in self._used:
                self._used.add(made)
                return made
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


def _filled(text: str, wanted: int) -> str:
    if wanted < 80:
        return text
    filler = _FILLER * (wanted // len(_FILLER) + 1)
    return (text + filler)[:wanted].rstrip()


def _cased(text: str, upper: bool) -> str:
    return text.upper() if upper else text


def _fits(text: str, length: int) -> str | None:
    return text if len(text) == length else None
