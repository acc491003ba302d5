"""YAML that nests too deep: an error of ours, where the parser would end the process."""

from pathlib import Path

import pytest

from framework.authoring.cassettes.cassette import is_too_deep, read_cassette
from framework.errors import CassetteError
from framework.importers.airbyte.manifest import read_manifest
from framework.importers.import_report import ManifestError

DEEP = [
    "[" * 100_000 + "]" * 100_000,
    "{a: " * 100_000 + "1" + "}" * 100_000,
    "- " * 50_000 + "a",
    "? " * 50_000,
    "\n".join(" " * depth + "a:" for depth in range(3_000)),
    "\n".join(" " * depth + "-" for depth in range(3_000)),
]


@pytest.mark.parametrize("text", DEEP, ids=lambda text: text[:4])
def test_what_nests_too_deep_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "deep.yaml"
    file.write_text(text)
    with pytest.raises(CassetteError, match="nested too deeply"):
        read_cassette(file, "shop")
    with pytest.raises(ManifestError, match="nested too deeply"):
        read_manifest(file)


def test_brackets_in_texts_nest_nothing() -> None:
    assert not is_too_deep(f'a: "{"[" * 1_000}"')
    assert not is_too_deep("a: {b: [1, {c: 2}]}\n" + "d: |\n" + " " * 300 + "text\n")
