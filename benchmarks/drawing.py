"""`drawing.py RESULTS FLEET_RESULTS FOLDER`: the plots as SVG. Runs in the environment `plots`,
which has matplotlib and nothing of ours but the files beside this one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text: smaller, and it can be searched
matplotlib.rcParams["svg.hashsalt"] = "benchmarks"  # the same results draw the same file
matplotlib.rcParams["font.size"] = 9

import matplotlib.pyplot as plt  # noqa: E402

ORDER = ("framework", "floor", "dlt-tuned", "pyairbyte", "dlt")
COLOURS = ("#1b6ca8", "#9a9a9a", "#e0a030", "#a05195", "#c8553d")
PANELS = (
    ("a", 1, "(a) first load"),
    ("a", 2, "(a) again, filled file"),
    ("a-bundled", 1, "(a) bundled connector"),
    ("a-inferred", 1, "(a) without schemas"),
    ("b", 1, "(b) children, 50 ms"),
    ("c", 1, "(c) numbered pages, 100 ms"),
    ("d", 1, "(d) small run, 50 ms"),
)
Found = list[dict[str, Any]]


def times(results: Found, folder: Path) -> None:
    """Seconds of each peer in each work: bars are medians, dots are the rounds."""
    panels = [p for p in PANELS if any(_is(r, *p[:2]) for r in results)]
    if not panels:
        return
    figure, all_axes = plt.subplots(1, len(panels), figsize=(2.4 * len(panels), 2.6), squeeze=False)
    for axes, (work, load, title) in zip(all_axes[0], panels, strict=True):
        here = [r for r in results if _is(r, work, load)]
        for place, peer in enumerate(ORDER):
            seconds = [r["seconds"] for r in here if r["peer"] == peer]
            if not seconds:
                continue
            middle = median(seconds)
            axes.bar(place, middle, color=COLOURS[place], width=0.7)
            axes.plot([place] * len(seconds), seconds, "k.", markersize=3)
            label = f"{middle:.1f}" if middle < 100 else f"{middle:.0f}"
            axes.annotate(label, (place, max(seconds)), ha="center", va="bottom", fontsize=8)
        axes.set_title(title, fontsize=9)
        axes.set_xticks(range(len(ORDER)), ORDER, rotation=60, ha="right", fontsize=8)
        axes.margins(y=0.15)
        axes.spines[["top", "right"]].set_visible(False)
    all_axes[0][0].set_ylabel("seconds, whole process")
    _save(figure, folder / "times.svg")


def memory(results: Found, folder: Path) -> None:
    """Peak memory of each peer in the first load of work a."""
    here = [r for r in results if _is(r, "a", 1)]
    if not here:
        return
    figure, axes = plt.subplots(figsize=(4.2, 2.2))
    for place, peer in enumerate(ORDER):
        peaks = [r["peak"] for r in here if r["peer"] == peer]
        if peaks:
            axes.barh(place, median(peaks), color=COLOURS[place], height=0.7)
            axes.annotate(f" {median(peaks):.0f}", (median(peaks), place), va="center", fontsize=8)
    axes.set_yticks(range(len(ORDER)), ORDER)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel("peak MB of all its processes, (a) first load")
    axes.spines[["top", "right"]].set_visible(False)
    _save(figure, folder / "memory.svg")


def validate(results: Found, folder: Path) -> None:
    """Seconds of `validate` over the number of files."""
    here = [r for r in results if r["work"] == "f" and not r["error"]]
    if not here:
        return
    sizes = sorted({r["load"] for r in here})
    middles = [median(r["seconds"] for r in here if r["load"] == size) for size in sizes]
    figure, axes = plt.subplots(figsize=(3.2, 2.2))
    axes.plot(sizes, middles, "o-", color=COLOURS[0])
    axes.set_xlim(0)
    axes.set_ylim(0)
    axes.set_xlabel("files")
    axes.set_ylabel("seconds")
    axes.spines[["top", "right"]].set_visible(False)
    _save(figure, folder / "validate.svg")


def fleet(results: dict[str, Any], folder: Path) -> None:
    """Requests in the minute before each second, as the server saw them, below the budget."""
    one = results.get("budget")
    if one is None:
        return
    each = one["per second"]
    minutes = [sum(each[max(0, at - 60) : at]) for at in range(1, len(each) + 1)]
    figure, axes = plt.subplots(figsize=(5.2, 2.2))
    axes.plot(range(1, len(each) + 1), minutes, color=COLOURS[0])
    axes.axhline(one["budget"], color=COLOURS[4], linewidth=1, linestyle="--")
    axes.annotate("budget", (len(each), one["budget"]), ha="right", va="bottom", fontsize=8)
    axes.set_xlim(0)
    axes.set_ylim(0, one["budget"] * 1.15)
    axes.set_xlabel("seconds, eight workers")
    axes.set_ylabel("requests in 60 s")
    axes.spines[["top", "right"]].set_visible(False)
    _save(figure, folder / "fleet.svg")


def _is(result: dict[str, Any], work: str, load: int) -> bool:
    return result["work"] == work and result["load"] == load and not result["error"]


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    found: Found = json.loads(Path(sys.argv[1]).read_text())["results"]
    target = Path(sys.argv[3])
    target.mkdir(parents=True, exist_ok=True)
    for draw in (times, memory, validate):
        draw(found, target)
    fleet(json.loads(Path(sys.argv[2]).read_text()), target)
