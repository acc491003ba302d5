"""The many manners in which manifests are written, a small one each."""

import pytest

from tests.support.manifest_styles import FILES, as_text, texts


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_manifests_in_many_manners_become_these_connectors(file):
    found = texts(file)
    assert as_text(found) == file.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_imported_has_no_findings(file):
    for what, text in texts(file).items():
        assert "--- error:" not in text, what
        assert "--- warning:" not in text, what
