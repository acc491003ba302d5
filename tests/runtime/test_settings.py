"""Config and secrets found in dlt's providers, by their own names only, and read by their type."""

import shutil

import pytest

from framework.errors import FrameworkError, SettingsError
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment
from framework.runtime.settings import resolve_settings
from tests.conftest import reload_providers
from tests.support.open_resource import connector_of, one_list, opened
from tests.support.servers.web import Answer

CONFIG = {
    "region": {"type": "string", "default": "eu"},
    "pages": {"type": "integer", "minimum": 1, "default": 3},
    "deep": {"type": "boolean", "default": False},
    "ids": {"type": "array", "items": {"type": "integer"}, "default": []},
    "since": {"type": "string", "format": "date-time", "default": "2020-01-01T00:00:00Z"},
    "base": {"type": "string", "format": "uri", "default": "https://api.example.com"},
    "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
}


@pytest.fixture
def shop(tmp_path):
    return made(tmp_path, CONFIG, {"api_key": {}})


def made(folder, config, secrets, **more):
    names = [*(f"config.{name}" for name in config), *(f"secrets.{name}" for name in secrets)]
    body = one_list(
        "https://api.example.com",
        {"headers": {f"X-{number}": f"{{{name}}}" for number, name in enumerate(names)}},
    )
    return connector_of(folder, {**body, "config": config, "secrets": secrets, **more})


@pytest.fixture
def toml(tmp_path):
    """Writes one of dlt's settings files into the project."""

    def write(text, file="secrets.toml"):
        (tmp_path / ".dlt").mkdir(exist_ok=True)
        (tmp_path / ".dlt" / file).write_text(text, encoding="utf-8")
        reload_providers()

    yield write
    shutil.rmtree(tmp_path / ".dlt")
    reload_providers()


def problems(connector, given=None, **options):
    with pytest.raises(FrameworkError) as caught:
        resolve_settings(connector, given or {}, **options)
    return str(caught.value).splitlines()


def test_defaults_hold_where_nothing_is_set(shop, monkeypatch):
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "k")
    settings = resolve_settings(shop, {})
    assert settings.config == {name: entry["default"] for name, entry in CONFIG.items()}
    assert settings.section == "shop"


@pytest.mark.parametrize("name", ["SOURCES__SHOP__API_KEY", "SOURCES__API_KEY"])
def test_a_secret_comes_from_the_environment(shop, monkeypatch, name):
    monkeypatch.setenv(name, "from-env")
    assert resolve_settings(shop, {}).secrets == {"api_key": "from-env"}


@pytest.mark.parametrize("section", ["sources.shop", "sources"])
def test_a_secret_comes_from_the_toml_file(shop, section, toml):
    toml(f'[{section}]\napi_key = "from-toml"\n')
    assert resolve_settings(shop, {}).secrets == {"api_key": "from-toml"}


def test_the_connectors_own_section_comes_before_all_sources(shop, monkeypatch, toml):
    toml('[sources]\napi_key = "all"\n[sources.shop]\napi_key = "own"\n')
    assert resolve_settings(shop, {}).secrets == {"api_key": "own"}
    monkeypatch.setenv("SOURCES__API_KEY", "env")
    assert resolve_settings(shop, {}).secrets == {"api_key": "env"}
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "own-env")
    assert resolve_settings(shop, {}).secrets == {"api_key": "own-env"}


def test_a_bare_name_is_never_looked_up(shop, monkeypatch, toml):
    monkeypatch.setenv("API_KEY", "of-another-service")
    monkeypatch.setenv("REGION", "moon")
    toml('api_key = "bare"\n')
    assert len(problems(shop)) == 1
    assert resolve_settings(shop, {"api_key": "k"}).config["region"] == "eu"


def test_a_key_names_the_bare_name_to_look_up(tmp_path, monkeypatch):
    shop = made(
        tmp_path, {"region": {"type": "string", "key": "region"}}, {"k": {"key": "api_key"}}
    )
    monkeypatch.setenv("REGION", "eu")
    monkeypatch.setenv("API_KEY", "bare")
    settings = resolve_settings(shop, {})
    assert (settings.config, settings.secrets) == ({"region": "eu"}, {"k": "bare"})
    monkeypatch.setenv("SOURCES__SHOP__K", "own")
    assert resolve_settings(shop, {}).secrets == {"k": "own"}


def test_a_key_is_named_where_it_is_missing(tmp_path):
    shop = made(tmp_path, {}, {"k": {"key": "api_key"}})
    assert "SOURCES__SHOP__K, or api_key" in problems(shop)[0]


def test_an_alias_has_its_own_section(shop, monkeypatch):
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "first")
    monkeypatch.setenv("SOURCES__SECOND__API_KEY", "other")
    settings = resolve_settings(shop, {}, section="second")
    assert settings.secrets == {"api_key": "other"}
    monkeypatch.delenv("SOURCES__SECOND__API_KEY")
    assert "SOURCES__SECOND__API_KEY" in problems(shop, section="second")[0]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("region", "0123456", "0123456"),
        ("region", "true", "true"),
        ("region", "", ""),
        ("pages", "12", 12),
        ("deep", "true", True),
        ("deep", "False", False),
        ("ids", "[1, 2]", [1, 2]),
        ("since", "2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z"),
        ("kind", "b", "b"),
    ],
)
def test_an_environment_value_is_read_by_its_declared_type(shop, monkeypatch, name, text, value):
    monkeypatch.setenv(f"SOURCES__SHOP__{name.upper()}", text)
    assert resolve_settings(shop, {"api_key": "k"}).config[name] == value
    assert resolve_settings(shop, {"api_key": "k", name: text}).config[name] == value


def test_a_toml_value_keeps_its_type(shop, toml):
    toml(
        '[sources.shop]\npages = 9\ndeep = true\nids = [4]\nregion = "0123456"\n',
        "config.toml",
    )
    config = resolve_settings(shop, {"api_key": "k"}).config
    assert {name: config[name] for name in ("pages", "deep", "ids", "region")} == {
        "pages": 9,
        "deep": True,
        "ids": [4],
        "region": "0123456",
    }


def test_a_secret_of_digits_stays_text(shop, monkeypatch, toml):
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "0123456")
    assert resolve_settings(shop, {}).secrets == {"api_key": "0123456"}
    monkeypatch.delenv("SOURCES__SHOP__API_KEY")
    toml("[sources.shop]\napi_key = 123456\n")
    assert resolve_settings(shop, {}).secrets == {"api_key": "123456"}


def test_a_secret_loses_the_line_end_it_was_pasted_with(shop, monkeypatch):
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", " abc\n")
    assert resolve_settings(shop, {}).secrets == {"api_key": "abc"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pages", "many"),
        ("pages", "0"),
        ("deep", "perhaps"),
        ("ids", '["a"]'),
        ("since", "yesterday"),
        ("base", "not a url"),
        ("kind", "c"),
    ],
)
def test_a_value_that_does_not_fit_is_named(shop, monkeypatch, name, text):
    monkeypatch.setenv(f"SOURCES__SHOP__{name.upper()}", text)
    (problem,) = problems(shop, {"api_key": "k"})
    assert problem.startswith(f"{name}: ")
    assert text.strip('[]"') in problem


def test_everything_missing_or_wrong_is_said_at_once(tmp_path, monkeypatch):
    shop = made(
        tmp_path,
        {"account": {"type": "string", "description": "Your account."}, "pages": CONFIG["pages"]},
        {"api_key": {"description": "A token"}, "second": {}},
    )
    monkeypatch.setenv("SOURCES__SHOP__PAGES", "x")
    monkeypatch.setenv("SOURCES__SHOP__SECOND", "")
    lines = problems(shop, {"colour": "red"})
    named = ["colour", "`account`", "pages: ", "`api_key`", "`second`"]
    assert [name for name, line in zip(named, lines, strict=True) if name in line] == named
    assert "missing" in lines[1]
    assert "Your account" in lines[1]
    assert "SOURCES__SHOP__ACCOUNT" in lines[1]
    assert "under [sources.shop] in .dlt/config.toml" in lines[1]
    assert "SOURCES__SHOP__API_KEY" in lines[3]
    assert "under [sources.shop] in .dlt/secrets.toml" in lines[3]
    assert "empty" in lines[4]


@pytest.mark.parametrize(("given", "told"), [({"auth": "nope"}, "nope"), ({}, "missing")])
def test_a_wrong_choice_of_the_auth_is_told_once(tmp_path, given, told):
    cases = {"a": {"type": "bearer", "token": "{secrets.api_key}"}}
    auth = {"type": "one_of", "by": "config.auth", "cases": cases}
    body = one_list("https://api.example.com", {})
    entry = {"type": "string", "enum": ["a"], "description": "How to authenticate."}
    shop = connector_of(
        tmp_path,
        {
            **body,
            "config": {"auth": entry},
            "secrets": {"api_key": {}},
            "client": {**body["client"], "auth": auth},
        },
    )
    (line,) = problems(shop, given)
    assert told in line


def test_what_is_given_for_this_run_comes_first(shop, monkeypatch):
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "env")
    monkeypatch.setenv("SOURCES__SHOP__PAGES", "5")
    settings = resolve_settings(shop, {"api_key": "given", "pages": "7"})
    assert (settings.secrets["api_key"], settings.config["pages"]) == ("given", 7)


def test_a_replay_looks_nothing_up(shop, monkeypatch):
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "env")
    monkeypatch.setenv("SOURCES__SHOP__PAGES", "5")
    settings = resolve_settings(shop, {"region": "us"}, replay=True)
    assert settings.secrets["api_key"] != "env"
    assert (settings.config["pages"], settings.config["region"]) == (3, "us")


def test_secrets_are_not_in_what_settings_print(shop):
    assert "s3cret" not in repr(resolve_settings(shop, {"api_key": "s3cret"}))


def test_an_entry_may_be_null_where_its_type_says_so(tmp_path, web):
    body = one_list(web.url, {"params": {"kind": "{config.kind}", "many": "{config.many}"}})
    body["config"] = {
        "kind": {"type": ["string", "null"], "default": None},
        "many": {"type": ["integer", "null"], "default": None},
    }
    web.on("/items", lambda asked: [dict(asked.query)])
    assert opened(tmp_path, body).read("items") == [{}]
    found = opened(tmp_path, body, {"kind": "a", "many": "7"}).read("items")
    assert found == [{"kind": "a", "many": "7"}]
    with pytest.raises(SettingsError, match="many"):
        opened(tmp_path, body, {"many": "several"})


def test_a_null_inside_of_a_text_is_an_error_and_no_word(tmp_path, web):
    body = one_list(web.url, {"params": {"filter": "kind:{config.kind}"}})
    body["config"] = {"kind": {"type": ["string", "null"], "default": None}}
    with pytest.raises(FrameworkError, match=r"config\.kind"):
        opened(tmp_path, body).read("items")
    assert web.asked == []


def test_a_secret_may_be_looked_up_by_a_name_that_is_given(shop, monkeypatch, toml):
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "of the section")
    monkeypatch.setenv("ACME_TOKEN", "of the account")
    toml('[sources.acme]\ntoken = "of the file"\n')
    for name, value in (("ACME_TOKEN", "of the account"), ("sources.acme.token", "of the file")):
        settings = resolve_settings(shop, {}, section="acme", secret_names={"api_key": name})
        assert settings.secrets == {"api_key": value}
    settings = resolve_settings(shop, {"api_key": "k"}, secret_names={"api_key": "ACME_TOKEN"})
    assert settings.secrets == {"api_key": "k"}
    monkeypatch.setenv("SOURCES__ACME__TOKEN", "of the environment")
    settings = resolve_settings(shop, {}, secret_names={"api_key": "sources.acme.token"})
    assert settings.secrets == {"api_key": "of the environment"}


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("ACME_TOKEN", "variable ACME_TOKEN, or `ACME_TOKEN` in .dlt/secrets.toml."),
        (
            "sources.acme.token",
            "variable SOURCES__ACME__TOKEN, or `token` under [sources.acme] in .dlt/secrets.toml.",
        ),
    ],
)
@pytest.mark.parametrize("optional", [False, True])
def test_a_name_with_nothing_under_it_is_told_with_entry_and_account(
    tmp_path, monkeypatch, name, remedy, optional
):
    shop = made(tmp_path, {}, {"api_key": {"description": "A token.", "optional": optional}})
    monkeypatch.setenv("SOURCES__ACME__API_KEY", "is not taken instead")
    (problem,) = problems(shop, section="acme", secret_names={"api_key": name})
    assert problem == (
        f"the secret `api_key` of acme is missing: it is looked up as {name}. It is: A token. "
        f"Set the environment {remedy}"
    )


def test_what_is_written_as_a_name_and_is_none_is_not_shown(shop):
    (problem,) = problems(shop, section="acme", secret_names={"api_key": "sk-live-0123456789"})
    assert "`api_key` of acme has a name that is not valid" in problem
    assert "0123" not in problem


def test_a_name_for_a_secret_that_the_file_lacks_is_refused(shop):
    (problem,) = problems(shop, {"api_key": "k"}, secret_names={"api_kei": "ACME_TOKEN"})
    assert problem == "there is no secret api_kei; did you mean api_key?"


def test_a_replay_looks_up_no_given_name(shop):
    settings = resolve_settings(shop, {}, replay=True, secret_names={"api_key": "ACME_TOKEN"})
    assert settings.secrets == {"api_key": "replayed"}


def test_credentials_that_are_refused_are_told_by_the_given_name(tmp_path, web, monkeypatch):
    web.on("/items", Answer(401))
    body = one_list(web.url)
    body["client"]["auth"] = {"type": "bearer", "token": "{secrets.api_key}"}
    shop = connector_of(tmp_path, {**body, "secrets": {"api_key": {}}})
    monkeypatch.setenv("ACME_TOKEN", "expired")
    options = RunOptions(folder=tmp_path, alias="acme", secret_names={"api_key": "ACME_TOKEN"})
    report = run(shop, options, Environment(waits=False))
    assert "check ACME_TOKEN" in report.resources["items"].error
