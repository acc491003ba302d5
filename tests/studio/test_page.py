"""The studio's page in Chromium: from a URL and a token to tables, by the page alone."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.studio.conftest import PATIENCE
from tests.support.servers.web import Answer, Asked, Web

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    Open = Callable[..., Page]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("chromium")]

TOKEN = "tok-4f1c8a66e2"
SCRIPT = "<script>document.title = 'taken'</script>"
PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


class Api:
    """Projects by an offset, and the tasks of each by a cursor, for those who have the token."""

    def __init__(self, web: Web, projects: int = 7) -> None:
        self.url = web.url
        self._projects = [
            {"id": number, "name": f"Project {number}", "note": SCRIPT, "open": number % 2 == 0}
            for number in range(1, projects + 1)
        ]
        web.on("/v1/projects", self._authorized(self._list))
        web.on("/v1/projects/{project}/tasks", self._authorized(self._tasks))

    def _authorized(self, handler: Callable[[Asked], Any]) -> Callable[[Asked], Any]:
        def handle(asked: Asked) -> Any:
            if asked.headers.get("authorization") != f"Bearer {TOKEN}":
                return Answer(401, {"error": "who are you?"})
            return handler(asked)

        return handle

    def _list(self, asked: Asked) -> Any:
        offset, limit = int(asked.param("offset", "0") or 0), int(asked.param("limit", "3") or 3)
        found = self._projects[offset : offset + limit]
        return {"projects": found, "total": len(self._projects)}

    def _tasks(self, asked: Asked) -> Any:
        project = int(asked.parts["project"])
        number = int(asked.param("cursor", "1") or 1)
        task = {"id": project * 10 + number, "project_id": project, "title": f"Task {number}"}
        return {"tasks": [task], "next": str(number + 1) if number < 3 else None}


@pytest.fixture
def api(web: Web) -> Api:
    return Api(web)


CHILD = """
  - name: tasks
    primary_key: id
    write_disposition: merge
    endpoint:
      path: /projects/{project_id}/tasks
      params:
        project_id: {type: resolve, resource: projects, field: id}
      data_selector: items
      paginator: {type: cursor, cursor_param: cursor, cursor_path: next}
"""

TABLE = """version: 1
name: NAME
client: {base_url: "URL"}
resource_defaults: {write_disposition: merge}
resources:
  - name: things
    primary_key: id
    endpoint: {path: /things, data_selector: things, paginator: single_page}
"""


def write_connector(project: Path, name: str, url: str, text: str = TABLE) -> None:
    folder = project / "connectors"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(text.replace("NAME", name).replace("URL", url))


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tab", name=re.compile(rf"^{re.escape(name)}"))


def view(page: Page) -> Locator:
    return page.locator(".view:not([hidden])")


def done(page: Page) -> Locator:
    """The line that says that the job of this tab has ended well."""
    return view(page).locator('.job-state[data-state="done"]')


def text_of(page: Page) -> str:
    """The text that the editor has, by what the page would save."""
    return page.evaluate("import('/store.js').then((store) => store.current().text)")


def write(page: Page, text: str) -> None:
    """Type at the end of the file, as a paste does it."""
    editor = page.get_by_role("textbox", name="Connector file")
    editor.focus()
    page.keyboard.press("Control+End")
    page.evaluate(
        """(text) => {
          const data = new DataTransfer();
          data.setData("text/plain", text);
          const paste = { clipboardData: data, bubbles: true, cancelable: true };
          document.activeElement.dispatchEvent(new ClipboardEvent("paste", paste));
        }""",
        text,
    )


def picture(page: Page, name: str) -> None:
    """Keep a picture for the documentation, if STUDIO_PICTURES asks for it."""
    if not os.environ.get("STUDIO_PICTURES"):
        return
    PICTURES.mkdir(exist_ok=True)
    file = PICTURES / f"studio-{name}.png"
    page.screenshot(path=file)
    try:
        from PIL import Image
    except ImportError:
        return
    with Image.open(file) as image:
        image.convert("RGB").quantize(32).save(file, optimize=True)


def test_from_an_address_and_a_token_to_tables(open_page: Open, api: Api, project: Path) -> None:
    home = project / "projects"
    home.mkdir()
    page = open_page(folder=home)
    # an address and a token
    page.get_by_label("URL of a list").fill(f"{api.url}/v1/projects")
    page.get_by_label(re.compile("^Token")).fill(TOKEN)
    form = page.get_by_role("form", name="An address")
    form.get_by_label("Name of the connector").fill("projects_api")
    picture(page, "start")
    form.get_by_role("button", name="Create").click()
    page.get_by_text("Wrote the connector projects_api.").wait_for()
    page.get_by_role("button", name="Close").click()
    assert page.url.endswith("#projects_api/resources")
    page.get_by_role("button", name="projects", exact=True).wait_for()
    # a child, with a selector that is wrong
    write(page, CHILD)
    page.get_by_role("button", name="tasks", exact=True).click()
    picture(page, "resources")
    # look at what comes back
    tab(page, "Look").click()
    page.get_by_role("combobox", name="Resource", exact=True).select_option("projects")
    page.get_by_role("button", name="Fetch").click()
    done(page).wait_for()
    tab(page, "data_selector").click()
    page.get_by_role("cell", name="Project 1", exact=True).wait_for()
    page.get_by_role("textbox", name="JMESPath").fill("[?open].name")
    page.get_by_text("Project 2").first.wait_for()
    tab(page, "Requests").click()
    picture(page, "look")
    # the check finds the selector, and its fix is applied
    tab(page, "Check").click()
    page.get_by_role("button", name="Check", exact=True).click()
    apply = page.get_by_role("button", name=re.compile("^Apply the fix of tasks"))
    apply.wait_for()
    picture(page, "check")
    apply.click()
    page.get_by_text("The fix is in the editor.").wait_for()
    assert "data_selector: tasks" in text_of(page)
    page.get_by_role("button", name="Check", exact=True).click()
    view(page).get_by_text("No faults").wait_for()
    # save, record, test
    page.keyboard.press("Control+s")
    page.get_by_text("saved", exact=True).wait_for()
    tab(page, "Record & test").click()
    page.get_by_role("button", name="Record", exact=True).click()
    view(page).get_by_text("Recorded").first.wait_for()
    page.get_by_role("button", name="Accept the tables as expected").click()
    test = page.get_by_role("button", name="Test", exact=True)
    test.click()
    view(page).get_by_text("The test passed.").wait_for()
    picture(page, "record")
    # run
    tab(page, "Run").first.click()
    assert page.get_by_role("combobox", name="Read", exact=True).input_value() == "live"
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("row", name=re.compile("^tasks 21")).wait_for()
    picture(page, "run")
    tab(page, "Runs").click()
    page.get_by_role("cell", name="2 resources").wait_for()
    # the tables are there
    (file,) = home.glob("*.duckdb")
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
            "WHERE table_name IN ('projects', 'tasks') ORDER BY table_name"
        ).fetchall()
        counts = [
            connection.execute(f"SELECT count(*) FROM {name}").fetchone() for (name,) in tables
        ]
    assert counts == [(7,), (21,)]
    written = [one for one in home.rglob("*") if one.suffix in (".yaml", ".json", ".log")]
    assert [one for one in written if TOKEN in one.read_text()] == []
    assert TOKEN not in page.content()


def test_findings_and_a_fix_as_one_types(open_page: Open, project: Path) -> None:
    write_connector(project, "shop", "https://api.example.com")
    page = open_page("shop")
    findings = page.get_by_role("region", name="Findings")
    findings.get_by_text("No findings").wait_for()
    write(page, "    selectd: false\n")
    findings.get_by_text("1 error").wait_for()
    page.locator(".cm-lintRange-error").first.wait_for()
    findings.get_by_role("button", name=re.compile("selected")).first.click()
    findings.get_by_text("No findings").wait_for()
    assert "    selected: false" in text_of(page)
    assert page.get_by_text("unsaved changes").is_visible()


def test_completion_offers_keys_of_the_format(open_page: Open, project: Path) -> None:
    write_connector(project, "shop", "https://api.example.com")
    page = open_page("shop")
    write(page, "    incl")
    page.keyboard.type("ude")
    page.get_by_role("option", name=re.compile("include_from_parent")).click()
    page.locator(".cm-line", has_text="include_from_parent: ").wait_for()


def test_a_value_stays_text(open_page: Open, web: Web, project: Path) -> None:
    web.on(
        "/things", {"things": [{"id": 1, SCRIPT: SCRIPT, "image": "<img src=x onerror=alert(1)>"}]}
    )
    write_connector(project, "evil", web.url)
    page = open_page("evil")
    tab(page, "Look").click()
    page.get_by_role("button", name="Fetch").click()
    done(page).wait_for()
    tab(page, "data_selector").click()
    page.get_by_role("cell", name=SCRIPT).wait_for()
    page.get_by_role("button", name="Record 1 as JSON").click()
    page.get_by_role("textbox", name="Record 1 as JSON").wait_for()
    assert page.title() == "Connector studio"
    assert page.locator(".panel img, .panel script").count() == 0


def test_an_expression_is_tried_as_one_types(open_page: Open, web: Web, project: Path) -> None:
    web.on("/things", {"things": [{"id": number} for number in range(5)], "next": None})
    write_connector(project, "shop", web.url)
    page = open_page("shop")
    tab(page, "Look").click()
    page.get_by_role("button", name="Fetch").click()
    done(page).wait_for()
    box = page.get_by_role("textbox", name="JMESPath")
    box.fill("things[?id > `2`].id")
    page.get_by_text("2 items").wait_for()
    box.fill("things[?id >")
    page.locator("#expression-result .trouble").wait_for()
    assert box.get_attribute("aria-invalid") == "true"
    tab(page, "data_selector").click()
    box.fill("length(@)")
    page.get_by_role("textbox", name="Result of the expression").get_by_text("5").wait_for()


def test_a_click_on_a_response_tries_the_path_of_its_line(
    open_page: Open, web: Web, project: Path
) -> None:
    body = '{"things":[{"id":1},{"id":12345678901234567890,"a b":{"c":["x","deep"]}}]}'
    web.on("/things", Answer(200, body, {"Content-Type": "application/json"}))
    write_connector(project, "shop", web.url)
    page = open_page("shop")
    tab(page, "Look").click()
    page.get_by_role("button", name="Fetch").click()
    done(page).wait_for()
    response = page.get_by_role("textbox", name="Response body")
    # a number with more digits than the browser's own keeps all of them
    response.get_by_text("12345678901234567890").wait_for()
    response.get_by_text("deep").click()
    page.get_by_role("button", name='Try things[1]."a b".c[1] as an expression').click()
    page.locator("#expression-target").get_by_text("response 1").wait_for(state="attached")
    page.get_by_role("textbox", name="Result of the expression").get_by_text("deep").wait_for()


def test_a_proposed_schema_is_accepted(open_page: Open, web: Web, project: Path) -> None:
    web.on("/things", {"things": [{"id": 1, "name": "one"}]})
    write_connector(project, "shop", web.url)
    page = open_page("shop")
    tab(page, "Look").click()
    page.get_by_role("button", name="Fetch").click()
    done(page).wait_for()
    tab(page, "Schema").click()
    page.get_by_role("group", name="Change of the schema").wait_for()
    page.get_by_role("button", name="Accept").click()
    page.get_by_text("Wrote schemas/shop/things.json.").wait_for()
    written = json.loads((project / "schemas" / "shop" / "things.json").read_text())
    assert list(written["properties"]) == ["id", "name"]
    page.locator(".cm-line", has_text="schema: things").wait_for()
    page.keyboard.press("Control+s")
    page.get_by_text("saved", exact=True).wait_for()
    page.get_by_role("button", name="Fetch").click()
    view(page).get_by_text("The declared schema fits the records").wait_for()


def test_a_secret_is_set_for_this_session(open_page: Open, web: Web, project: Path) -> None:
    web.on("/things", lambda asked: {"things": [{"id": asked.headers["authorization"]}]})
    text = TABLE.replace(
        'client: {base_url: "URL"}',
        "secrets: {token: {description: The key.}}\n"
        'client: {base_url: "URL", auth: {type: bearer, token: "{secrets.token}"}}',
    )
    write_connector(project, "shop", web.url, text)
    page = open_page("shop")
    tab(page, "Look").click()
    page.get_by_text("1 secret not set: token.").wait_for()
    page.get_by_role("button", name="Set it under Settings").click()
    page.get_by_label(re.compile("^token")).fill(TOKEN)
    page.get_by_role("button", name="Set token").click()
    page.get_by_text("token is set for this session.").wait_for()
    tab(page, "Look").click()
    page.get_by_role("button", name="Fetch").click()
    done(page).wait_for()
    # the API got it, and the page masks it where the API sends it back
    assert web.asked[-1].headers["authorization"] == f"Bearer {TOKEN}"
    tab(page, "data_selector").click()
    view(page).get_by_role("cell").first.wait_for()
    assert TOKEN not in page.content()
    assert not (project / ".dlt").exists()


def test_a_resource_is_renamed_everywhere(open_page: Open, project: Path) -> None:
    child = CHILD.replace("projects", "things").replace("project_id", "thing_id")
    write_connector(project, "shop", "https://api.example.com", TABLE + child)
    page = open_page("shop")
    page.get_by_role("button", name="things", exact=True).click()
    page.get_by_role("textbox", name="Connector file").focus()
    page.keyboard.press("End")
    page.keyboard.press("F2")
    dialog = page.get_by_role("dialog", name="Rename")
    dialog.get_by_label("New name").fill("items")
    dialog.get_by_role("button", name="Rename").click()
    page.get_by_role("button", name="items", exact=True).wait_for()
    assert "- name: items" in text_of(page)
    assert "resource: items" in text_of(page)


def test_a_server_that_hangs_can_be_stopped(
    open_page: Open, web: Web, project: Path, answered: threading.Event
) -> None:
    web.on("/things", lambda asked: (answered.wait(), {"things": []})[1])
    write_connector(project, "slow", web.url)
    page = open_page("slow")
    tab(page, "Look").click()
    page.get_by_role("button", name="Fetch").click()
    page.get_by_role("button", name="Stop").click()
    view(page).locator('.job-state[data-state="stopped"]').wait_for()
    page.get_by_role("button", name="Fetch").wait_for()


@pytest.fixture
def answered() -> Iterator[threading.Event]:
    """An event that a hanging handler waits for; set when the test has ended."""
    event = threading.Event()
    yield event
    event.set()


def test_large_answers_are_cut_and_say_so(open_page: Open, web: Web, project: Path) -> None:
    things = [{"id": number, "name": f"Thing {number}"} for number in range(10_000)]
    body = json.dumps({"things": things, "filler": "x" * 50_000_000})
    web.on("/things", Answer(200, body, {"Content-Type": "application/json"}))
    write_connector(project, "large", web.url)
    page = open_page("large")
    tab(page, "Look").click()
    page.get_by_label("Records", exact=True).fill("10000")
    page.get_by_role("button", name="Fetch").click()
    done(page).wait_for()
    view(page).get_by_text(
        re.compile(r"The start of the body: [\d,]+ characters of 50 MB")
    ).wait_for()
    tab(page, "data_selector").click()
    view(page).get_by_text("The first 100 of 10,000 records: 9,900 are left out.").wait_for()
    assert page.locator("*").count() < 10_000
    # the page still takes what is typed
    write(page, "# still here\n")
    assert text_of(page).endswith("# still here\n")


@pytest.mark.parametrize("width", [800, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_the_window(
    open_page: Open, project: Path, width: int, dark: bool
) -> None:
    page = open_page("scheduling", width=width, dark=dark)
    page.get_by_role("button", name="event_invitees", exact=True).wait_for()
    for name in ("Resources", "Settings", "Look", "Check", "Record & test", "Run", "Runs"):
        page.get_by_role("tab", name=re.compile(rf"^{name}( \d+)?$")).click()
        assert overflow(page) == 0, name
    tab(page, "Look").click()
    page.get_by_role("combobox", name="Resource", exact=True).select_option("scheduled_events")
    page.get_by_role("button", name="Fetch").click()
    done(page).wait_for()
    for part in view(page).get_by_role("tab").all():
        part.click()
        assert overflow(page) == 0, part.text_content()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert is_dark(background) == dark
    page.get_by_role("button", name="New").click()
    page.get_by_role("heading", name="New connector").wait_for()
    assert overflow(page) == 0


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def is_dark(colour: str) -> bool:
    return sum(map(int, re.findall(r"\d+", colour)[:3])) < 3 * 128


def test_every_control_has_a_name_and_is_reached_by_tab(open_page: Open, project: Path) -> None:
    page = open_page("scheduling")
    page.get_by_role("button", name="event_invitees", exact=True).wait_for()
    for name in ("Settings", "Look", "Check", "Record & test", "Run", "Runs"):
        page.get_by_role("tab", name=re.compile(rf"^{name}( \d+)?$")).click()
        assert nameless(page) == []
    tab(page, "Look").click()
    page.get_by_role("button", name="Fetch").click()
    done(page).wait_for()
    assert nameless(page) == []
    tabs = page.get_by_role("tablist", name="Views")
    tab(page, "Look").focus()
    page.keyboard.press("ArrowRight")
    assert tabs.get_by_role("tab", selected=True).text_content() == "Check"
    assert page.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
    assert tabs.locator("[tabindex='0']").count() == 1
    # from the tab on: the panel, its fields, and a visible focus on each
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
        )
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
    assert reached[:2] == ["main-panel", "check-source"]
    assert reached[3] == "Check"
    # Escape, then Tab, leaves the editor, which takes Tab otherwise
    page.get_by_role("textbox", name="Connector file").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.cm-editor')") is None
    page.get_by_role("button", name="New").click()
    page.get_by_role("heading", name="New connector").wait_for()
    assert nameless(page) == []


NAMELESS = """() => [...document.querySelectorAll(
  'button, input, select, textarea, [role=tab], [role=textbox], [role=region], [tabindex="0"]')]
  .filter((one) => one.offsetParent !== null && !one.closest('.cm-panel'))
  .filter((one) => !(one.getAttribute('aria-label') || one.getAttribute('aria-labelledby')
    || [...(one.labels || [])].some((label) => label.textContent.trim())
    || ((one.tagName === 'BUTTON' || one.tagName === 'PRE') && one.textContent.trim())))
  .map((one) => one.outerHTML.slice(0, 200))"""


def nameless(page: Page) -> list[str]:
    """Return the controls in sight that a screen reader has no name for."""
    return list(page.evaluate(NAMELESS))


def test_a_file_that_changed_on_disk_is_not_overwritten(open_page: Open, project: Path) -> None:
    write_connector(project, "shop", "https://api.example.com")
    page = open_page("shop")
    page.get_by_text("No findings").wait_for()
    file = project / "connectors" / "shop.yaml"
    file.write_text(file.read_text() + "# of somebody else\n")
    write(page, "# mine\n")
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="The file has changed on disk")
    dialog.get_by_role("button", name="Cancel").click()
    assert file.read_text().endswith("# of somebody else\n")
    page.keyboard.press("Control+s")
    dialog.get_by_role("button", name=re.compile("overwrite")).click()
    page.get_by_text("saved", exact=True).wait_for()
    assert file.read_text().endswith("# mine\n")


def test_unsaved_changes_are_asked_about(open_page: Open, project: Path) -> None:
    write_connector(project, "one", "https://api.example.com")
    write_connector(project, "two", "https://api.example.com")
    page = open_page("one")
    page.get_by_text("No findings").wait_for()
    write(page, "# mine\n")
    chooser = page.get_by_role("combobox", name="Connector", exact=True)
    chooser.select_option("two")
    dialog = page.get_by_role("dialog", name="Unsaved changes")
    dialog.get_by_role("button", name="Cancel").click()
    assert text_of(page).endswith("# mine\n")
    with page.expect_event("dialog") as leaving:
        page.close(run_before_unload=True)
    assert leaving.value.type == "beforeunload"
    leaving.value.dismiss()
    chooser.select_option("two")
    dialog.get_by_role("button", name="Discard").click()
    page.wait_for_url(re.compile("#two/"))


def test_a_bundled_connector_is_copied_to_be_changed(open_page: Open, project: Path) -> None:
    page = open_page("scheduling")
    page.get_by_text("No findings").wait_for()
    page.get_by_role("button", name="Copy …").click()
    page.get_by_label("Name of the copy").last.fill("mine")
    page.get_by_role("dialog").get_by_role("button", name="Copy").click()
    page.wait_for_url(re.compile("#mine/"))
    assert (project / "connectors" / "mine.yaml").read_text().count("name: mine") == 1


def test_a_tab_without_the_token_says_what_to_do(open_page: Open, project: Path) -> None:
    page = open_page()
    page.get_by_role("heading", name="New connector").wait_for()
    assert "token" not in page.url
    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.get_by_role("alert").get_by_text(re.compile("Open the address")).wait_for()


def test_a_studio_that_ended_says_what_to_do(open_page: Open, project: Path) -> None:
    page = open_page()
    page.get_by_role("heading", name="New connector").wait_for()
    # a first answer that came after the loss would say that the studio is back
    page.get_by_text("scheduling").first.wait_for(state="attached")
    page.context.set_offline(True)
    page.evaluate("import('/connector.js').then((module) => module.loadProject().catch(() => {}))")
    alert = page.get_by_role("alert").get_by_text(re.compile("still running"))
    alert.wait_for()
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    alert.wait_for(state="detached", timeout=PATIENCE)
