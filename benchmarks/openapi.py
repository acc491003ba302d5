"""Score `import openapi` on descriptions whose lists are known: `benchmarks.openapi FOLDER`.

The folder has `labelled/*.yaml` with `labels.json`, and `plain/*.json`. Every third labelled file
is held out: rules are made with the others, and both scores are printed. `--rules` prints what is
wrong of the files that are not held out, `--all` of all.

`--dlt-init-openapi PYTHON` scores that tool too, on the same labelled files: PYTHON is that of an
environment made with `pip install dlt-init-openapi==0.1.0 "setuptools<80" "click<8.2"`. At its
first run it copies files from the web into a folder `rest_api` beside its package. If it cannot, an
empty folder is enough for what is measured here.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
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


def is_left(resource: dict[str, Json]) -> bool:
    """Return whether a paginator is left to the reader, or to dlt's guess from a response."""
    return CHECK in resource["comment"] or resource["endpoint"].get("paginator") == "auto"


def judge_paginator(label: dict[str, Json], resource: dict[str, Json]) -> tuple[bool, str]:
    """Return whether a paginator is right or left to be checked, and what it is."""
    written = resource["endpoint"].get("paginator")
    paginator = {"type": written} if isinstance(written, str) else written
    kind = paginator["type"]
    text = f"{json.dumps(paginator)}  label {label['meta']}"
    if is_left(resource):
        return True, f"left {text}"
    if "maximum_offset" in paginator or "maximum_page" in paginator:
        return False, f"cut {text}"
    meta = label["meta"] or {}
    if label["no_pagination"] or not meta:
        # what asks for a further page of a list that has one only is harmless if it ends
        return kind in ("single_page", "header_link"), text
    paths = {key: plain_selector(path) for key, path in meta.items()}
    if "@link.next" in meta.values():
        return kind == "header_link", text
    if kind in ("json_link", "json_response"):
        place = plain_selector(paginator.get("next_url_path") or paginator["next_url"])
        links = any("link" in key or key in ("next", "next_page", "next_url") for key in meta)
        if place.endswith("next") and any(
            path.split(".")[0] == place.split(".")[0] for path in paths.values() if "." in path
        ):
            return True, text  # an address beside the cursor that the label names
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
    compare(name, labels, resources_of(text) if text else {}, score)
    return score


def compare(
    name: str, labels: dict[str, Json], resources: dict[str, dict[str, Json]], score: Score
) -> None:
    """Count what of the labels some resources have right."""
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
        score.all["cut"] += what.startswith("cut")
    judge_parents(labels, resources, score, name)
    known = {f"{one['method']} {plain_path(one['path'])}" for one in labels["lists"]}
    score.all["further"] = len(set(resources) - known)
    for one in sorted(set(resources) - known):
        score.wrong.append(f"  (further: {name} {one})")


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


def judge_other(
    name: str, source: Path, labels: dict[str, Json], folder: Path, python: Path
) -> Score:
    """Score what dlt-init-openapi makes of a labelled description, by the same rules."""
    score = Score()
    out = folder / "other" / name
    command = [str(python), "-m", "dlt_init_openapi", name, "--path", str(source.resolve())]
    command += ["--no-interactive", "--output-path", str(out)]
    started = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    score.all["milliseconds"] += int((time.perf_counter() - started) * 1000)
    sources = [one for one in out.rglob("__init__.py") if "source_config" in one.read_text()]
    reason = (ended.stdout + ended.stderr).strip().splitlines()[-2:]
    score.add("crash", "Traceback" not in ended.stdout + ended.stderr, f"{name}: {reason}")
    if not sources:
        score.all["refused"] += 1
        score.wrong.append(f"  (nothing written for {name}: {reason})")
    resources = {}
    for one in sources[:1]:
        try:
            resources = other_resources(one.read_text())
        except SyntaxError as error:
            score.all["no Python"] += 1
            score.wrong.append(f"  (what is written for {name} is not Python: line {error.lineno})")
    compare(name, labels, resources, score)
    return score


class _Literals(ast.NodeTransformer):
    """Makes names texts, so that a configuration in Python is a literal."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Constant(node.attr)


def other_resources(text: str) -> dict[str, dict[str, Json]]:
    """Return the resources of a source that dlt-init-openapi wrote, by method and path."""
    assigned = (one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.AnnAssign))
    node = next(one.value for one in assigned if getattr(one.target, "id", "") == "source_config")
    config = ast.literal_eval(ast.fix_missing_locations(_Literals().visit(node)))
    default = config["client"].get("paginator", "auto")
    found = {}
    for one in config["resources"]:
        one["endpoint"] = {"paginator": default, **one["endpoint"]}
        method = one["endpoint"].get("method", "GET").lower()
        found[f"{method} {plain_path(one['endpoint']['path'])}"] = {**one, "comment": ""}
    return found


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
        for one in ("cut", "further", "refused", "no Python", "milliseconds")
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
    parser.add_argument("--dlt-init-openapi", type=Path, metavar="PYTHON", help="score it too")
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
        others = [
            judge_other(name, folder / "labelled" / f"{name}.yaml", label, root, python)
            for python in [arguments.dlt_init_openapi]
            if python
            for name, label in sorted(labels.items())
        ]
        plain = []
        for source in sorted((folder / "plain").glob("*.json")):
            score = Score()
            imported_text(source, root, score)
            plain.append(score)
    write_score("developed", total(developed), wrong=arguments.rules or arguments.all)
    write_score("held out", total(held), wrong=arguments.all)
    everything = total(developed + held)
    write_score("all labelled", everything, wrong=False)
    if others:
        write_score("dlt-init-openapi", total(others), wrong=arguments.all)
    write_score("plain", total(plain), wrong=arguments.rules or arguments.all)
    reached = all(everything.part(kind) >= least for kind, least in MUSTS.items())
    return 0 if reached and not any(one.right["crash"] < one.all["crash"] for one in plain) else 1


if __name__ == "__main__":
    raise SystemExit(main())
