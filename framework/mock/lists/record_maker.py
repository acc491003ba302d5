"""Records made of a JSON Schema: plausible values of mimesis, the same for the same seed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from framework.definition.expressions.limits import (
    PatternError,
    compile_pattern,
    search_with_timeout,
)
from framework.definition.schema.record_schema import time_cast
from framework.definition.values.datetimes import time_zone, write_time
from framework.errors import FrameworkError, UsageError
from framework.extract.paging.paging_words import plain

if TYPE_CHECKING:
    from mimesis import Generic

Json = Any
Schema = Mapping[str, Json]
Make = Callable[["RecordMaker"], Json]

DEEPEST = 6
"""Objects within objects that are filled; a schema may be recursive."""
DATE_FORMS = (
    *("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d", "%d-%m-%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y%m%d", "%Y-%m"),
    *("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.000Z", "%H:%M:%S", "%Y"),
)
"""Forms of dates that are tried for a pattern."""
_NULLS = 0.08
"""How many of the values that may be null are."""
NEWEST = datetime(2026, 1, 1, tzinfo=UTC)
"""The time before which all invented moments are, if nothing else is known."""


def open_generator(seed: int) -> Generic:
    """Return mimesis' generator. Raise UsageError if mimesis is not installed."""
    try:
        from mimesis import Generic
        from mimesis.locales import Locale
    except ModuleNotFoundError:
        raise UsageError(
            "inventing records needs mimesis: pip install 'rest-connector-framework[mock]', or "
            "record a cassette: framework record NAME"
        ) from None
    return Generic(locale=Locale.EN, seed=seed)


@dataclass
class RecordMaker:
    """Makes values of one list. `newest` is the time before which moments are."""

    seed: int
    newest: datetime = NEWEST
    generator: Any = None
    _root: Schema = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the generator."""
        self.generator = open_generator(self.seed)

    @property
    def random(self) -> Any:
        """The generator's random numbers."""
        return self.generator.random

    def record(self, schema: Schema) -> dict[str, Json]:
        """Return a record. Raise FrameworkError if the schema is not that of an object."""
        self._root = schema
        made = self.value(schema, "", 0)
        if not isinstance(made, dict):
            raise FrameworkError("the schema of records is not that of an object")
        return made

    def value(self, schema: Schema, name: str, depth: int) -> Json:
        """Return a value that fits the schema; `name` hints at what it is."""
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            choices = [one for one in schema["enum"] if one is not None] or [None]
            return choices[self.random.randrange(len(choices))]
        kinds = schema.get("type") or ("object" if "properties" in schema else "string")
        every = [kinds] if isinstance(kinds, str) else list(kinds)
        if "null" in every:
            if len(every) == 1 or (depth and self.random.random() < _NULLS):
                return None
            every.remove("null")
        cast = time_cast(schema, every)
        if cast is not None:
            return write_time(self.moment(), cast.time_format, time_zone(cast.zone or "UTC"))
        kind = every[0]
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind in ("integer", "number"):
            return self._number(schema, kind)
        return self._text(schema, name)

    def _resolved(self, schema: Schema) -> Schema:
        """Return a schema with its references and alternatives chosen."""
        merged: dict[str, Json] = dict(schema)
        for _ in range(10):
            reference = merged.pop("$ref", None)
            parts = [*merged.pop("allOf", ())]
            choices = [*merged.pop("anyOf", ()), *merged.pop("oneOf", ())]
            if isinstance(reference, str):
                parts.append(self._target(reference))
            whole = [one for one in choices if one.get("type") != "null"]
            if whole:
                parts.append(whole[self.random.randrange(len(whole))])
            if not parts:
                break
            for part in parts:
                properties = {**merged.get("properties", {}), **part.get("properties", {})}
                merged = {**part, **merged}
                if properties:
                    merged["properties"] = properties
        return merged

    def _target(self, reference: str) -> Schema:
        found: Json = self._root
        for key in reference.removeprefix("#").strip("/").split("/"):
            key = key.replace("~1", "/").replace("~0", "~")
            found = found.get(key, {}) if isinstance(found, Mapping) else {}
        return found if isinstance(found, Mapping) else {}

    def _object(self, schema: Schema, depth: int) -> dict[str, Json]:
        if depth > DEEPEST:
            return {}
        properties = schema.get("properties") or {}
        return {name: self.value(part, name, depth + 1) for name, part in properties.items()}

    def _array(self, schema: Schema, name: str, depth: int) -> list[Json]:
        items = schema.get("items")
        if not isinstance(items, Mapping) or depth > DEEPEST:
            return []
        least, most = int(schema.get("minItems", 0)), int(schema.get("maxItems", 3))
        count = self.random.randint(least, max(min(most, least + 3), least))
        singular = name.removesuffix("s")
        return [self.value(items, singular, depth + 1) for _ in range(count)]

    def _number(self, schema: Schema, kind: str) -> int | float:
        least, most = schema.get("minimum", 0), schema.get("maximum", 1000)
        most = max(most, least)
        if kind == "integer":
            step = int(schema.get("multipleOf", 1)) or 1
            number: int = self.random.randint(int(least), int(most))
            return number - number % step
        made: float = self.random.uniform(float(least), float(most))
        return round(made, 2)

    def _text(self, schema: Schema, name: str) -> str:
        make = FORMATS.get(str(schema.get("format"))) or _by_name(name)
        text = str(make(self))
        if schema.get("pattern"):
            text = self._matching(str(schema["pattern"]), text)
        least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
        text = text.ljust(least, "x")
        return text if most is None else text[: int(most)]

    def _matching(self, pattern: str, text: str) -> str:
        """Return the text, or one of another usual form if only that matches the pattern."""
        moment = self.moment()
        forms = (moment.strftime(form) for form in DATE_FORMS)
        numbers = (str(self.random.randint(10**n, 10 ** (n + 1) - 1)) for n in range(12))
        others = ("https://example.com", "example.com", "example", "EXAMPLE", "A1", self.uuid())
        for candidate in (text, *forms, *numbers, *others):
            try:
                if search_with_timeout(compile_pattern(pattern).search, candidate):
                    return candidate
            except PatternError:
                break
        return text

    def moment(self) -> datetime:
        """Return a moment within the year before the newest one."""
        return self.newest - timedelta(seconds=self.random.randint(0, 31_536_000))

    def uuid(self) -> str:
        """Return a UUID."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))


FORMATS: Mapping[str, Make] = {
    "date-time": lambda maker: write_time(maker.moment(), "iso"),
    "date": lambda maker: maker.moment().date().isoformat(),
    "time": lambda maker: maker.moment().time().isoformat("seconds"),
    "duration": lambda maker: f"PT{maker.random.randint(1, 90)}M",
    "email": lambda maker: f"{maker.generator.person.username(mask='l_d')}@example.com",
    "uri": lambda maker: f"https://example.com/{maker.generator.text.word()}/{maker.uuid()}",
    "url": lambda maker: f"https://example.com/{maker.generator.text.word()}/{maker.uuid()}",
    "hostname": lambda maker: f"{maker.generator.text.word()}.example.com",
    "uuid": lambda maker: maker.uuid(),
    "ipv4": lambda maker: maker.generator.internet.ip_v4(),
    "ipv6": lambda maker: maker.generator.internet.ip_v6(),
    "decimal": lambda maker: f"{maker.random.randint(0, 99999)}.{maker.random.randint(0, 99):02d}",
}
"""By `format`: how a text is made."""

NAMES: tuple[tuple[str, Make], ...] = (
    ("email", FORMATS["email"]),
    ("firstname", lambda maker: maker.generator.person.first_name()),
    ("lastname", lambda maker: maker.generator.person.last_name()),
    ("username", lambda maker: maker.generator.person.username(mask="l_d")),
    ("company", lambda maker: maker.generator.finance.company()),
    ("phone", lambda maker: maker.generator.person.phone_number()),
    ("city", lambda maker: maker.generator.address.city()),
    ("country", lambda maker: maker.generator.address.country_code()),
    ("address", lambda maker: maker.generator.address.address()),
    ("postal", lambda maker: maker.generator.address.postal_code()),
    ("zip", lambda maker: maker.generator.address.postal_code()),
    ("currency", lambda maker: maker.generator.finance.currency_iso_code()),
    ("timezone", lambda maker: maker.generator.datetime.timezone()),
    ("color", lambda maker: maker.generator.text.hex_color()),
    ("description", lambda maker: maker.generator.text.sentence()),
    ("url", FORMATS["uri"]),
    ("uri", FORMATS["uri"]),
    ("uuid", FORMATS["uuid"]),
    ("date", FORMATS["date-time"]),
    ("name", lambda maker: maker.generator.person.full_name()),
    ("title", lambda maker: maker.generator.text.title()),
)
"""By a part of a field's name: how a text is made. The first that fits counts."""


def _by_name(name: str) -> Make:
    word = plain(name)
    if word.endswith("id") and not word.endswith("paid"):
        return FORMATS["uuid"]
    if word.endswith("at") and name.endswith(("_at", "At")):
        return FORMATS["date-time"]
    for part, make in NAMES:
        if part in word:
            return make
    return lambda maker: maker.generator.text.word()
