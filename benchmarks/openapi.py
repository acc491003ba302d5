"""Score `import openapi` on descriptions whose lists are known: `benchmarks.openapi FOLDER`.

The folder has `labelled/*.yaml` with `labels.json`, and `plain/*.json`. Every third labelled file
is held out: rules are made with the others, and both scores are printed. `--rules` prints what is
wrong of the files that are not held out, `--all` of all.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from framework.definition.finder import Location
from framework.definition.validation import validate
from framework.errors import FrameworkError
from framework.importers.import_report import write_imported
from framework.importers.openapi.openapi_import import import_openapi

Json = Any

DEFAULT = Path("../shared/corpus/openapi")
MUSTS = {"lists": 0.95, "selectors": 0.95, "paginators": 0.90, "parents": 0.85}
SECONDS = 5.0
CHECK = "to be checked:"


class Score:
    """Right and all of each kind, and what was wrong."""

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.all: Counter[str] = Counter()
        self.wrong: list[str] = []

    def add(self, kind: str, is_right: bool, text: str) -> None:
        """Count one."""
        self.all[kind] += 1
        self.right[kind] += is_right
        if not is_right:
            self.wrong.append(f"{kind}: {text}")

    def part(self, kind: str) -> float:
        """Return the part that is right."""
        return self.right[kind] / self.all[kind] if self.all[kind] else 1.0


def plain_selector(text: str | None) -> str:
    """Return a JSONPath or JMESPath as keys joined by dots, to compare."""
    plain = (text or "$").removeprefix("$").replace("[*]", "").replace("[]", "").replace('"', "")
    return plain.strip(".")


def plain_path(path: str) -> str:
    """Return a path with its variables as `{}`."""
    path = path if path.startswith("/") else f"/{path}"
    return re.sub(
        r"\{(config|resources)?[^{}]*\}", "{}", path.replace("{{", "{").replace("}}", "}")
    )


def resources_of(text: str) -> dict[str, dict[str, Json]]:
    """Return the resources of a connector file by method and path, defaults merged."""
    data = yaml.safe_load(text)
    defaults = data.get("resource_defaults", {})
    found = {}
    for one in data["resources"]:
        merged = {**defaults, **one}
        merged["endpoint"] = {**defaults.get("endpoint", {}), **one["endpoint"]}
        merged["comment"] = comment_of(text, one["name"])
        method = merged["endpoint"].get("method", "GET").lower()
        found[f"{method} {plain_path(merged['endpoint']['path'])}"] = merged
    return found


def comment_of(text: str, name: str) -> str:
    """Return the comment at a resource's paginator."""
    block = re.split(r"\n  - name: |\n  -\n", text)
    own = next((one for one in block if re.match(rf"[^\n]*\b{re.escape(name)}\n", f"{one}\n")), "")
    lines, comment = own.split("\n"), ""
    for position, line in enumerate(lines):
        if line.strip().startswith("paginator:"):
            before = position - 1
            while before >= 0 and lines[before].strip().startswith("#"):
                comment = f"{lines[before].strip().removeprefix('# ')} {comment}"
                before -= 1
    return comment


def judge_paginator(label: dict[str, Json], resource: dict[str, Json]) -> tuple[bool, str]:
    """Return whether a paginator is right or left to be checked, and what it is."""
    written = resource["endpoint"].get("paginator")
    paginator = {"type": written} if isinstance(written, str) else written
    kind = paginator["type"]
    text = f"{json.dumps(paginator)}  label {label['meta']}"
    if CHECK in resource["comment"]:
        return True, f"left {text}"
    meta = label["meta"] or {}
    if label["no_pagination"] or not meta:
        # what asks for a further page of a list that has one only is harmless if it ends
        return kind in ("single_page", "header_link"), text
    paths = {key: plain_selector(path) for key, path in meta.items()}
    if "@link.next" in meta.values():
        return kind == "header_link", text
    if kind == "json_link":
        place = plain_selector(paginator.get("next_url_path") or paginator["next_url"])
        links = any("link" in key or key in ("next", "next_page", "next_url") for key in meta)
        return links and any(
            path in place or place.startswith(path) for path in paths.values()
        ), text
    if kind == "cursor" and "cursor_path" in paginator:
        place = plain_selector(paginator["cursor_path"])
        return any(place == path or place.startswith(f"{path}.") for path in paths.values()), text
    if kind == "cursor":
        return any("more" in key for key in meta), text
    if kind in ("page_number", "offset"):
        signs = ("page", "total", "count", "more", "offset", "limit")
        tokens = ("token", "cursor", "next")
        good = any(any(sign in key for sign in signs) for key in meta)
        return good and not any(any(one in key for one in tokens) for key in meta), text
    return False, text


def judge_parents(
    labels: dict[str, Json], resources: dict[str, dict[str, Json]], score: Score, name: str
) -> None:
    """Count the labelled relations whose child has a variable of that name."""
    by_entity = {one["entity"]: one for one in labels["lists"]}
    for group in labels["relations"]:
        for relations in group.values():
            for one in relations:
                source, target = (
                    by_entity.get(one["source_entity"]),
                    by_entity.get(one["target_entity"]),
                )
                if source is None or target is None:
                    continue
                key = f"{source['method']} {plain_path(source['path'])}"
                child = resources.get(key)
                variable = one["foreign_key"]
                if f"{{{variable}}}" not in source["path"] and child is None:
                    continue
                parent = resources.get(f"{target['method']} {plain_path(target['path'])}")
                bound = bound_to(child, variable) if child else None
                wanted = (parent["name"] if parent else None, one["target_key"])
                text = f"{name} {key} {variable}: {bound}, expected {wanted}"
                score.add("parents", bound is not None and bound == wanted, text)


def bound_to(child: dict[str, Json], variable: str) -> tuple[str, str] | None:
    """Return the resource and field that a variable is bound to."""
    params = child["endpoint"].get("params", {})
    plain = re.sub(r"[^a-z0-9]", "", variable.lower())
    for key, value in params.items():
        if re.sub(r"[^a-z0-9]", "", str(key).lower()) != plain:
            continue
        if isinstance(value, dict):
            return value["resource"], value["field"]
        match = re.fullmatch(r"\{resources\.(\w+)\.(.+)\}", str(value))
        if match:
            return match[1], match[2]
    return None


def judge(name: str, source: Path, labels: dict[str, Json], folder: Path) -> Score:
    """Score one labelled description."""
    score = Score()
    text = imported_text(source, folder, score)
    resources = resources_of(text) if text else {}
    for label in labels["lists"]:
        key = f"{label['method']} {plain_path(label['path'])}"
        resource = resources.get(key)
        place = f"{name} {key}"
        score.add("lists", resource is not None, place)
        if resource is None:
            continue
        selector = resource["endpoint"].get("data_selector")
        score.add(
            "selectors",
            plain_selector(selector) == plain_selector(label["records"]),
            f"{place}: {selector}, expected {label['records']}",
        )
        is_right, what = judge_paginator(label, resource)
        score.add("paginators", is_right, f"{place}: {what}")
        if what.startswith("left"):
            score.right["left"] += 1
        score.all["left"] += 1
    judge_parents(labels, resources, score, name)
    known = {f"{one['method']} {plain_path(one['path'])}" for one in labels["lists"]}
    score.all["further"] = len(set(resources) - known)
    for one in sorted(set(resources) - known):
        score.wrong.append(f"  (further: {name} {one})")
    return score


def imported_text(source: Path, folder: Path, score: Score) -> str:
    """Return the connector of a description, written and validated; count crashes and time."""
    started = time.perf_counter()
    name = re.sub(r"[^a-z0-9]+", "_", source.stem.lower()).strip("_")
    try:
        imported = import_openapi(str(source), name)
    except FrameworkError as error:
        score.add("time", time.perf_counter() - started <= SECONDS, str(source))
        score.all["refused"] += 1
        score.wrong.append(f"  (refused: {error})")
        return ""
    except Exception as error:  # a crash is what is counted here
        score.add("crash", False, f"{source.name}: {type(error).__name__}: {error}")
        return ""
    seconds = time.perf_counter() - started
    score.add("crash", True, "")
    score.add("time", seconds <= SECONDS, f"{source.name}: {seconds:.1f} s")
    score.all["milliseconds"] += int(seconds * 1000)
    file = folder / "connectors" / f"{name}.yaml"
    write_imported(imported, file)
    findings = validate(Location(name, file, folder, str(file))).findings
    bad = [f"{one.line}: {one.message} [{one.code}]" for one in findings if one.severity != "note"]
    score.add("valid", not bad, f"{source.name}: {bad[:3]}")
    score.add(
        "complete",
        not imported.missing,
        f"{source.name}: {[one.reason for one in imported.missing][:3]}",
    )
    return imported.text


def total(scores: list[Score]) -> Score:
    """Return the sum of scores."""
    summed = Score()
    for one in scores:
        summed.right += one.right
        summed.all += one.all
        summed.wrong += one.wrong
    return summed


def write_score(title: str, score: Score, *, wrong: bool) -> None:
    """Print one line of percentages, and what is wrong."""
    kinds = [
        one
        for one in (
            "lists",
            "selectors",
            "paginators",
            "parents",
            "crash",
            "time",
            "valid",
            "complete",
        )
        if score.all[one]
    ]
    parts = [f"{one} {score.right[one]}/{score.all[one]} ({score.part(one):.0%})" for one in kinds]
    extra = [
        f"{one} {score.all[one]}"
        for one in ("further", "refused", "milliseconds")
        if score.all[one]
    ]
    if score.all["left"]:
        extra.append(f"left to be checked {score.right['left']}")
    print(f"{title}: {', '.join(parts + extra)}")
    if wrong:
        for line in score.wrong:
            print(f"    {line}")


def main(argv: list[str] | None = None) -> int:
    """Print the scores; return 1 if a must is not reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--rules", action="store_true", help="what is wrong, but the held out")
    parser.add_argument("--all", action="store_true", help="what is wrong, of all")
    arguments = parser.parse_args(argv)
    folder = arguments.folder
    if not (folder / "labels.json").exists():
        print(f"{folder} is absent, so nothing is measured", file=sys.stderr)
        return 0
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    developed, held = [], []
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        for position, (name, label) in enumerate(sorted(labels.items())):
            score = judge(name, folder / "labelled" / f"{name}.yaml", label, root)
            (held if position % 3 == 2 else developed).append(score)
        plain = []
        for source in sorted((folder / "plain").glob("*.json")):
            score = Score()
            imported_text(source, root, score)
            plain.append(score)
    write_score("developed", total(developed), wrong=arguments.rules or arguments.all)
    write_score("held out", total(held), wrong=arguments.all)
    everything = total(developed + held)
    write_score("all labelled", everything, wrong=False)
    write_score("plain", total(plain), wrong=arguments.rules or arguments.all)
    reached = all(everything.part(kind) >= least for kind, least in MUSTS.items())
    return 0 if reached and not any(one.right["crash"] < one.all["crash"] for one in plain) else 1


if __name__ == "__main__":
    raise SystemExit(main())
