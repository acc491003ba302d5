import json
import subprocess
import sys
from pathlib import Path

import pytest

from framework.cli.main import main
from framework.cli.validate import choose_format, validate_files
from framework.errors import UsageError

ROOT = Path(__file__).parents[2]
GOOD = """\
version: 1
name: {name}
client: {{base_url: "https://api.example.com", paginator: single_page}}
resources:
  - {{name: orders, primary_key: id, write_disposition: merge, endpoint: {{data_selector: items}}}}
  - {{name: old, primary_key: id, write_disposition: merge, selected: false,
     endpoint: {{data_selector: items}}}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    (tmp_path / "connectors").mkdir()
    return tmp_path


def write(name, text=GOOD):
    path = Path("connectors") / f"{name}.yaml"
    path.write_text(text.format(name=name) if text is GOOD else text)
    return str(path)


def run(*names, **options):
    """Return the exit code and the output."""
    written = []
    code = validate_files(names, write=written.append, **options)
    return code, "\n".join(written)


def test_a_good_file_has_no_findings_and_exit_code_0():
    write("shop")
    assert run("shop") == (0, "1 file, nothing found")


def test_findings_come_with_their_lines_and_exit_code_1():
    file = write("shop", GOOD.format(name="shop").replace("selected: false", "selected: no"))
    code, text = run(file)
    assert code == 1
    assert text.splitlines()[0].startswith("connectors/shop.yaml:6:70: error: found text 'no'")
    assert text.splitlines()[-1] == "1 file, 1 error"


def test_every_file_is_validated_and_every_finding_reported():
    write("a", "version: [")
    write("b", "name: 1\nname: 2\n")
    write("c")
    write("d", "")
    code, text = run(output="json")
    found = json.loads(text)
    assert code == 1
    assert {finding["path"] for finding in found} == {
        f"connectors/{name}.yaml" for name in ("a", "b", "d")
    }
    assert {"yaml-syntax", "duplicate-key", "missing-key", "empty-file"} <= {
        finding["code"] for finding in found
    }


def test_a_file_named_twice_is_validated_once():
    file = write("shop")
    assert run("shop", file, f"./{file}")[1] == "1 file, nothing found"


def test_warnings_fail_only_when_strict():
    write("shop", GOOD.format(name="shop") + "config: {unused: {type: string, default: x}}\n")
    assert run("shop")[0] == 0
    assert run("shop", strict=True)[0] == 1


def test_github_annotations_in_github_actions():
    assert choose_format(None, {"GITHUB_ACTIONS": "true"}) == "github"
    assert choose_format("text", {"GITHUB_ACTIONS": "true"}) == "text"
    assert choose_format(None, {}) == "text"
    write("shop", "- a\n")
    code, text = run("shop", output="github")
    assert code == 1
    assert text.splitlines()[0].startswith("::error file=connectors/shop.yaml,line=1,col=1,title=")


@pytest.mark.parametrize("name", ["../../etc/passwd", "no/such.yaml", "connectors", "./connectors"])
def test_files_that_cannot_be_read_are_findings(name):
    if name == "connectors":
        with pytest.raises(UsageError):
            run(name)
        return
    code, text = run(name)
    assert code == 1
    assert "[unreadable-file]" in text or "[not-a-mapping]" in text or "[yaml-syntax]" in text


def test_an_unknown_connector_is_a_wrong_command_line():
    write("shop")
    with pytest.raises(UsageError, match="did you mean shop"):
        run("shp")


def test_the_source_line_is_shown_even_if_the_file_is_not_yaml():
    write("shop", 'version: 1\nname: "shop\nclient: {}\n')
    assert '    2 | name: "shop' in run("shop")[1].splitlines()


def test_dlt_is_consulted_only_on_request(monkeypatch):
    import types

    prove = types.ModuleType("framework.extract.compilation.dry_run")
    prove.build_with_placeholders = lambda connector: [(("resources", 0), f"no {connector.name}")]
    monkeypatch.setitem(sys.modules, "framework.extract.compilation.dry_run", prove)
    write("shop")
    assert run("shop")[0] == 0
    code, text = run("shop", dlt=True)
    assert code == 1
    assert "connectors/shop.yaml:5:5: error:" in text
    assert "no shop [dlt-refuses]" in text


def test_the_command_takes_the_options(capsys):
    write("shop")
    assert main(["validate", "--strict", "--format", "json", "shop"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["validate", "shp"]) == 2
    assert "did you mean shop" in capsys.readouterr().err


def test_many_files_are_one_run():
    for number in range(25):
        write(f"shop_{number}")
    assert run()[1] == "25 files, nothing found"


def test_bundled_connectors_are_distinguished_from_own_ones():
    code, text = run()
    assert code == 0
    assert text.endswith(
        "nothing found; these are the bundled connectors, because connectors/ has none"
    )
    write("shop")
    assert run() == (0, "1 file, nothing found")


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["validate"], ["validate", "--help"]])
def test_help_list_and_validate_import_neither_dlt_nor_what_runs_it(arguments):
    program = (
        "import sys; from framework.cli.main import main; "
        f"main({arguments!r}); "
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    modules = set(json.loads(done.stderr.splitlines()[-1].replace("'", '"')))
    slow = {"dlt", "requests", "duckdb", "pyarrow", "vcr", "rfc3987_syntax", "lark", "arrow"}
    assert not slow & modules
