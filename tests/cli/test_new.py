"""`new` and `infer`: start a connector."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from framework.authoring.scaffold.template import AUTHS, PAGINATOR_TEMPLATES
from framework.cli.main import main
from tests.support.servers.web import Answer, Web

pytestmark = pytest.mark.usefixtures("project")
SHOP = ["new", "shop", "--base-url", "https://api.shop.example.com/v2", "--path", "/orders"]


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("paginator", PAGINATOR_TEMPLATES)
def test_a_new_file_is_valid_whatever_is_chosen(
    auth: str, paginator: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SHOP, "--auth", auth, "--paginator", paginator, "--primary-key", "id,a b"]) == 0
    assert (project / "schemas" / "connector.schema.json").exists()
    assert main(["validate", "shop"]) == 0, capsys.readouterr().out


def test_each_path_is_a_resource_with_a_name_of_its_own(project: Path) -> None:
    assert main([*SHOP, "--path", "archive/orders", "--path", "/Line-Items?all=1"]) == 0
    text = (project / "connectors" / "shop.yaml").read_text(encoding="utf-8")
    assert [line.split()[-1] for line in text.splitlines() if "- name:" in line] == [
        "orders",
        "archive_orders",
        "line_items",
    ]


def test_a_further_resource_has_a_reminder_to_check_key_and_selector(
    project: Path,
) -> None:
    answers = ["--path", "/invoices", "--primary-key", "order_id", "--data-selector", "items"]
    assert main([*SHOP, *answers]) == 0
    text = (project / "connectors" / "shop.yaml").read_text(encoding="utf-8")
    assert text.partition("resources:\n")[2] == (
        "  - name: orders\n"
        "    endpoint: {path: /orders}\n"
        "  - name: invoices\n"
        "    # to be checked: its primary_key and endpoint.data_selector, if different\n"
        "    endpoint: {path: /invoices}\n"
    )


def test_each_resource_can_have_a_key_of_its_own(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = ["--path", "/stock", "--path", "/prices"]
    keys = ["--primary-key", "id", "--primary-key", "shelf,sku", "--primary-key", ""]
    assert main([*SHOP, *paths, *keys]) == 0
    assert main(["validate", "shop"]) == 0, capsys.readouterr().out
    text = (project / "connectors" / "shop.yaml").read_text(encoding="utf-8")
    assert text.partition("backoff_factor: 2}\n")[2] == (
        "# to be checked: paginator: left out, so dlt detects it; `framework check shop --deep` "
        "proposes it\n"
        "resources:\n"
        "  - name: orders\n"
        "    primary_key: id\n"
        "    write_disposition: merge\n"
        "    endpoint: {path: /orders}\n"
        "  - name: stock\n"
        "    primary_key: [shelf, sku]\n"
        "    write_disposition: merge\n"
        "    endpoint: {path: /stock}\n"
        "  - name: prices\n"
        "    write_disposition: replace      # merge needs a primary_key\n"
        "    endpoint: {path: /prices}\n"
    )


def test_a_url_below_the_base_url_becomes_a_path(project: Path) -> None:
    assert main([*SHOP[:4], "--path", "https://api.shop.example.com/v2/orders"]) == 0
    assert "path: /orders" in (project / "connectors" / "shop.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["new", "shop"], 2, "--base-url is missing"),
        (["new", "shop", "--base-url", "https://a.example.com"], 2, "--path is missing"),
        (["new", "shop", "--base-url", "ftp://a", "--path", "/x"], 2, "--base-url is 'ftp://a'"),
        (["new", "../x", *SHOP[2:]], 2, "expected a connector's name"),
        (["new", "My-Shop"], 2, "is not a valid connector name"),
        (["new", "shop", *SHOP[2:4], "--path", "/{x}"], 2, "does not give a new resource name"),
        ([*SHOP, "--data-selector", "a-b"], 2, 'write "a-b"'),
        ([*SHOP, "--auth", "magic"], 2, "magic"),
        ([*SHOP, "--primary-key", "a", "--primary-key", "b"], 2, "2 --primary-key for 1 --path"),
        ([*SHOP, "--primary-key", "a,"], 2, "a field without a name"),
        ([*SHOP[:4], "--path", "https://other.example.com/x"], 2, "a path below"),
    ],
)
def test_options_without_a_valid_connector_write_nothing(
    argv: list[str], code: int, message: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == code
    assert message in capsys.readouterr().err
    assert list(project.rglob("*.yaml")) == []


def test_no_file_is_overwritten(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SHOP) == 0
    before = (project / "connectors" / "shop.yaml").read_text(encoding="utf-8")
    assert main([*SHOP, "--auth", "none"]) == 1
    assert "already exists" in capsys.readouterr().err
    assert (project / "connectors" / "shop.yaml").read_text(encoding="utf-8") == before


def test_a_terminal_prompts_for_missing_options(project: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "framework", "new", "shop"]
    answers = "https://api.shop.example.com\n/orders /stock\nnone\nn\nitems\nid\nsku\nsingle_page\n"
    os.write(ours, answers.encode())
    done = subprocess.run(command, cwd=project, stdin=theirs, capture_output=True, timeout=60)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert b"[]" not in done.stderr
    text = (project / "connectors" / "shop.yaml").read_text(encoding="utf-8")
    assert "data_selector: items" in text
    assert "primary_key: id" in text
    assert "primary_key: sku" in text
    assert "auth" not in text


def test_infer_prints_a_diff_and_writes_a_schema_that_covers_the_records(
    project: Path, web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": 1, "at": "2026-01-02T03:04:05Z"}, {"id": 2, "at": None, "tags": ["secret-tag"]}]
    web.on("/orders", lambda _: Answer(200, {"items": rows}))
    options = ["--auth", "none", "--data-selector", "items", "--primary-key", "id"]
    assert main(["new", "shop", "--base-url", web.url, "--path", "/orders", *options]) == 0
    capsys.readouterr()
    assert main(["infer", "shop", "orders"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("--- /dev/null")
    assert '+      "format": "date-time"' in out
    assert "secret-tag" not in out + err
    assert not (project / "schemas" / "shop").exists()
    assert main(["infer", "shop", "orders", "--write"]) == 0
    written = json.loads((project / "schemas" / "shop" / "orders.json").read_text("utf-8"))
    assert written["required"] == ["id", "at"]
    file = project / "connectors" / "shop.yaml"
    text = file.read_text(encoding="utf-8")
    text = text.replace("- name: orders", "- name: orders\n    schema: orders")
    text = text.replace("  # to be checked: paginator", "  paginator: single_page  # was")
    file.write_text(text, "utf-8")
    assert main(["validate", "--strict", "shop"]) == 0
    capsys.readouterr()
    assert main(["infer", "shop", "orders"]) == 0
    assert capsys.readouterr().out == ""


def test_infer_reads_a_recording_without_a_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["infer", "scheduling", "event_invitees", "--replay"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "from 150 records" in err


def test_a_path_that_cannot_be_written_is_named(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "connectors").write_text("a file where the folder should be")
    assert main(SHOP) == 1
    assert "connectors/shop.yaml cannot be written" in capsys.readouterr().err
