"""`framework docs`: pages are written, or compared with what the files give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import main
from tests.support.run_verbs import write_connector

BODY: dict[str, Any] = {
    "description": "Things.",
    "client": {"base_url": "https://api.example.com", "paginator": "single_page"},
    "resources": [{"name": "things", "write_disposition": "replace"}],
}
DOCS = ["docs", "--no-prove"]


@pytest.fixture(autouse=True)
def _shop(project: Path) -> None:
    write_connector(project, BODY)


def test_pages_are_written_once_and_checked(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = project / "docs" / "connectors" / "shop.md"
    assert main([*DOCS, "--check"]) == 1
    assert "docs/connectors/shop.md is not up to date\n" in capsys.readouterr().out
    assert not page.exists()
    assert main(DOCS) == 0
    assert capsys.readouterr().out == "written: docs/connectors/shop.md\n"
    assert main([*DOCS, "--check"]) == 0
    assert capsys.readouterr().out == "1 page up to date\n"
    assert main(DOCS) == 0
    assert capsys.readouterr().out == "unchanged: docs/connectors/shop.md\n"
    write_connector(project, {**BODY, "description": "Other things."})
    assert main([*DOCS, "--check", "-q"]) == 1
    assert capsys.readouterr() == (
        "docs/connectors/shop.md is not up to date\nwrite them with: framework docs --no-prove\n",
        "",
    )


def test_a_proof_is_compared_unless_it_is_left_out(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["docs"]) == 0
    text = (project / "docs" / "connectors" / "shop.md").read_text("utf-8")
    assert "Not tried: `framework prove" not in text
    assert main([*DOCS, "--check"]) == 0
    assert main(["docs", "--check"]) == 0
    assert main(["docs", "shop", "--output", "other", "--no-prove"]) == 0
    assert main(["docs", "shop", "--output", "other", "--check"]) == 1
    assert "other/shop.md is not up to date" in capsys.readouterr().out


def test_several_pages_have_an_index(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_connector(project, BODY, "crm")
    assert main([*DOCS, "--output", "site"]) == 0
    assert sorted(path.name for path in (project / "site").iterdir()) == [
        "crm.md",
        "index.md",
        "shop.md",
    ]
    assert main([*DOCS, "--output", "site", "--check"]) == 0
    (project / "connectors" / "crm.yaml").unlink()
    capsys.readouterr()
    assert main([*DOCS, "--output", "site", "--check"]) == 1
    assert "site/crm.md is of no connector; remove it" in capsys.readouterr().out
    assert main([*DOCS, "shop", "--output", "site", "--check"]) == 0


def test_a_file_with_errors_has_no_page_and_others_have(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "connectors" / "broken.yaml").write_text("version: 1\nname: broken\n")
    assert main(DOCS) == 1
    output = capsys.readouterr()
    assert output.out == "written: docs/connectors/shop.md\n"
    assert "connectors/broken.yaml" in output.err


def test_a_file_or_a_bundled_connector_can_be_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*DOCS, "./connectors/shop.yaml", "shop", "-q"]) == 0
    assert capsys.readouterr().out == "written: docs/connectors/shop.md\n"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["shp"], "did you mean shop?"),
        (["shop", "other/connectors/shop.yaml"], "are both called shop"),
        (["./connectors/index.yaml"], "a connector called index has no page"),
    ],
)
def test_names_that_have_no_page(
    project: Path, names: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "other").mkdir()
    write_connector(project / "other", BODY)
    write_connector(project, BODY, "index")
    assert main([*DOCS, *names]) == 2
    assert message in capsys.readouterr().err


def test_what_is_not_a_page_of_ours_is_not_overwritten(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = project / "docs" / "connectors" / "shop.md"
    page.parent.mkdir(parents=True)
    page.write_text("# My notes\n")
    assert main(DOCS) == 1
    assert "was not written by `framework docs`" in capsys.readouterr().err
    assert page.read_text() == "# My notes\n"
