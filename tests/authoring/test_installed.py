"""The connectors that come with an installed framework: used, and never written to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel lays it out."""
    folder = tmp_path_factory.mktemp("installed") / "framework"
    shutil.copytree(ROOT / "framework", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("connectors", "schemas", "cassettes"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def framework(package: Path, project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(package.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SOURCES__SCHEDULING__API_KEY": "never-sent",
        "SOURCES__SCHEDULING__BASE_URL": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "framework", *words]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    "words",
    [
        ("record", "scheduling"),
        ("test", "scheduling", "--update"),
        ("infer", "scheduling", "groups", "--replay", "--write"),
    ],
)
def test_a_bundled_connector_is_not_written_to_and_a_copy_in_the_project_is_told(
    words: tuple[str, ...], package: Path, project: Path
) -> None:
    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in package.rglob("*") if path.is_file()}

    before = files()
    ended = framework(package, project, *words)
    assert ended.returncode == 1
    assert "`framework new scheduling --from scheduling`" in ended.stdout + ended.stderr
    assert files() == before


def test_its_copy_in_the_project_is_used_and_written(package: Path, project: Path) -> None:
    copied = framework(package, project, "new", "scheduling", "--from", "scheduling", "--recording")
    assert copied.returncode == 0, copied.stdout + copied.stderr
    (project / "cassettes" / "scheduling.expected.yaml").unlink()
    ended = framework(package, project, "test", "scheduling", "--update")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (project / "cassettes" / "scheduling.expected.yaml").exists()
