"""The warnings that a resource ignores: codes that exist, and that come.

Whether a warning of a run comes is not known here, so only those of `validate` can be unused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from framework.definition.check_texts import check_texts
from framework.definition.draft import Draft
from framework.definition.rules.rule import RULES, Breach, rule
from framework.events import RUN_WARNINGS
from framework.text import did_you_mean

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer
    from framework.findings import Finding

KEY = "ignore_warnings"
UNUSED = "ignored-nothing"
_DEFAULTS = ("resource_defaults",)


def without_ignored(
    draft: Draft, findings: Iterable[tuple[Pointer, Finding]]
) -> tuple[list[Finding], Counter[str]]:
    """Return the findings without the warnings that their resource ignores, and those by code."""
    lists = _lists(draft)
    left: list[Finding] = []
    ignored: Counter[str] = Counter()
    for pointer, finding in findings:
        if finding.severity == "warning" and finding.code in lists.get(_owner(pointer), ()):
            ignored[finding.code] += 1
        else:
            left.append(finding)
    return left, ignored


@rule("not-a-warning")
def check_codes(draft: Draft) -> Iterator[Breach]:
    """What is ignored is the code of a warning."""
    known = RUN_WARNINGS | _of_validate()
    for place, code in _places(draft):
        if code in known:
            continue
        if code in check_texts():
            yield place, f"{code} cannot be ignored; remove it here, and fix what it reports"
        else:
            hint = did_you_mean(code, sorted(known)) or "; write the code as it is shown"
            yield place, f"no warning has the code {code}{hint}"


@rule(UNUSED, severity="warning")
def check_used_codes(draft: Draft) -> Iterator[Breach]:
    """A warning of `validate` that is ignored comes: if not, the next one would pass unseen."""
    lists = _lists(draft)
    codes = _of_validate().intersection(code for _, code in _places(draft))
    used: set[Pointer] = set()
    for one in RULES:
        if one.severity != "warning" or not codes.intersection(one.codes):
            continue
        for pointer, finding in one.placed(draft):
            place = lists.get(_owner(pointer), {}).get(finding.code)
            if place is not None:
                used.add(place)
    for place, code in _places(draft):
        if code in codes and place not in used:
            yield place, f"there is no warning {code} to ignore here; remove it"


def _of_validate() -> frozenset[str]:
    """Return the codes of warnings that `validate` may show and that can be ignored."""
    codes = (code for one in RULES if one.severity == "warning" for code in one.codes)
    return frozenset(codes) - {UNUSED}


def _owner(pointer: Pointer) -> Pointer:
    """Return the resource that a place belongs to, or the defaults of all."""
    return pointer[:1] if pointer[:1] == _DEFAULTS else pointer[:2]


def _lists(draft: Draft) -> Mapping[Pointer, Mapping[str, Pointer]]:
    """Return the ignored codes with their places, by resource."""
    lists: dict[Pointer, Mapping[str, Pointer]] = {}
    defaults = draft.section("resource_defaults")
    lists[_DEFAULTS] = _codes((*_DEFAULTS, KEY), defaults.get(KEY))
    for merged in draft.resources:
        codes = _codes(merged.place(KEY), merged.data.get(KEY))
        lists["resources", merged.index] = codes
    return lists


def _codes(place: Pointer, written: object) -> dict[str, Pointer]:
    listed = enumerate(written if isinstance(written, list) else ())
    return {code: (*place, position) for position, code in listed if isinstance(code, str)}


def _places(draft: Draft) -> Iterable[tuple[Pointer, str]]:
    """Return each code that is written, once, with its place."""
    return dict.fromkeys(
        (place, code) for codes in _lists(draft).values() for code, place in codes.items()
    )
