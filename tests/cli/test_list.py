"""`framework list`: connectors by category, one a line; or one with its resources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from framework.cli.list import list_connectors, render_connector, render_list
from framework.cli.main import main
from framework.text import first_sentence

GOOD = """\
version: 1
name: {name}
{more}
client: {{base_url: "https://api.example.com", paginator: single_page}}
resources:
  - {{name: orders, primary_key: id, write_disposition: merge, endpoint: {{data_selector: items}}}}
  - {{name: old, primary_key: id, write_disposition: merge, selected: false,
     endpoint: {{data_selector: items}}}}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "connectors").mkdir()


def write(name: str, more: str = "", text: str = GOOD) -> None:
    Path("connectors", f"{name}.yaml").write_text(text.format(name=name, more=more))


def test_json_has_every_field_also_of_files_with_errors(capsys):
    write("shop", "category: Sales\ncaveat: Not tried.\ndescription: >\n  Orders.\n  And more.\n")
    write("broken", text=GOOD.replace("orders,", "orders, selectd: 1,"))
    write("empty", text="")
    assert main(["list", "--connectors", "connectors", "--format", "json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    shown = {entry["name"]: entry for entry in entries}
    assert list(shown)[:3] == ["broken", "empty", "shop"]
    assert shown["shop"] == {
        "name": "shop",
        "description": "Orders. And more.",
        "path": "connectors/shop.yaml",
        "bundled": False,
        "errors": 0,
        "resources": [{"name": "orders", "selected": True}, {"name": "old", "selected": False}],
        "category": "Sales",
        "caveat": "Not tried.",
    }
    assert shown["broken"]["errors"] == 1
    assert len(shown["broken"]["resources"]) == 2
    assert shown["empty"]["errors"] == 1
    assert shown["scheduling"]["bundled"]


def test_one_line_each_below_its_category_your_own_first():
    write("zoo", "category: Work\ndescription: Animals. And plants.")
    write("shop", "category: Zebras\ndescription: Orders of v2. Their lines.")
    write("plain")
    lines = render_list(list_connectors()).splitlines()
    headings = [line for line in lines if line and not line.startswith(" ")]
    assert headings[:3] == ["Work", "Zebras", "Other"]
    assert headings[-1] == "your own, in connectors: plain, shop and zoo"
    work = lines[lines.index("Work") + 1 :]
    assert work[0].split() == ["zoo", "2", "resources", "Animals."]
    assert [line.split()[:2] for line in work if "Members, groups" in line] == [
        ["scheduling", "13"]
    ]
    assert ["shop", "2", "resources", "Orders", "of", "v2."] in [line.split() for line in lines]


def test_a_line_is_as_wide_as_the_terminal_and_an_error_has_its_own(monkeypatch, capsys):
    write("broken", "description: " + "long " * 40, GOOD.replace("orders,", "orders, selectd: 1,"))
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    broken = next(line for line in lines if line.startswith("  broken"))
    assert len(broken) <= 60
    assert broken.endswith("…")
    after = lines[lines.index(broken) + 1]
    assert after == "    1 error; run: framework validate connectors/broken.yaml"


def test_a_name_or_a_file_shows_one_with_its_resources(capsys):
    write("shop", "category: Sales\ncaveat: Not tried.\ndescription: Orders. And more.")
    assert main(["list", "shop"]) == 0
    shown = capsys.readouterr().out
    assert shown == (
        "shop (connectors/shop.yaml)\n"
        "  category: Sales\n"
        "  caveat: Not tried.\n"
        "  Orders. And more.\n"
        "  - orders\n"
        "  - old (not selected)\n"
    )
    assert main(["list", "connectors/shop.yaml"]) == 0
    assert capsys.readouterr().out == shown
    assert main(["list", "shp"]) == 2
    assert "did you mean shop?" in capsys.readouterr().err


def test_no_text_of_a_file_controls_the_terminal():
    write("shop", 'category: "A\\e[31m"\ncaveat: "\\e[2J"\ndescription: "x\\ey"')
    listed = list_connectors(name_or_file="shop")
    assert "\x1b" not in render_list(listed) + render_connector(listed[0])


def test_no_connectors():
    assert render_list([]) == "no connectors found"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Orders.", "Orders."),
        ("Orders of v2.1 and more. Then lines.", "Orders of v2.1 and more."),
        ("Orders, e.g. those of today. Lines", "Orders, e.g. those of today."),
        ("Is it? It is.", "Is it?"),
        ("", ""),
    ],
)
def test_the_first_sentence(text, expected):
    assert first_sentence(text) == expected
