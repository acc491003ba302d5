"""docs/commands.md is what the commands' own help says."""

from tests.support.commands_page import PAGE, main


def test_the_page_of_commands_is_fresh() -> None:
    assert main(["--check"]) == 0


def test_every_group_and_its_commands_have_a_section() -> None:
    headings = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("##")]
    assert {"## run", "## fleet", "### fleet run", "### state reset"} <= set(headings)
    assert len(headings) == len(set(headings))
