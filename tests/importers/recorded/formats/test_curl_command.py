"""Curl commands as people paste them, and what is refused."""

import io
import sys

import pytest

from framework.cli.main import main
from framework.importers.import_report import ManifestError
from framework.importers.recorded.formats.curl_command import read_curl, read_curl_arguments
from framework.importers.recorded.open_values import open_names

URL = "https://api.example.com/items"


def only(text):
    found = read_curl(text)
    assert len(found) == 1
    return found[0]


def headers(one):
    return {name.lower(): value for name, value in one.request_headers}


@pytest.mark.parametrize(
    ("command", "method", "url", "body"),
    [
        (f"curl {URL}", "GET", URL, None),
        (f"curl -sSLk --max-time 5 {URL} -o /dev/null", "GET", URL, None),
        ("curl api.example.com/items", "GET", URL, None),
        (f"curl -G {URL}?a=1 -d b=2 --data-urlencode 'c=x y&z'", "GET",
         f"{URL}?a=1&b=2&c=x+y%26z", None),
        (f"curl {URL} -d a=1 -d b=2", "POST", URL, b"a=1&b=2"),
        (f"curl -XPOST {URL}", "POST", URL, None),
        (f"curl --request=POST --url={URL}", "POST", URL, None),
        (f"curl {URL} --data-raw $'{{\"a\": \"it\\'s \\u00e9\"}}'", "POST", URL,
         '{"a": "it\'s é"}'.encode()),
        (f'curl {URL} -d "{{\\"a\\": 1}}"', "POST", URL, b'{"a": 1}'),
        (f"curl {URL} --json '{{\"a\":' --json '1}}'", "POST", URL, b'{"a":1}'),
        (f'curl {URL} -d "a=\\$1 \\`"', "POST", URL, b"a=$1 `"),
        (f"FOO=1 /usr/bin/curl {URL} | jq .", "GET", URL, None),
        (f"curl {URL} > out.json 2>&1 | jq . >'a b'", "GET", URL, None),
        (f"curl '{URL}?f\\[a\\]=1'", "GET", f"{URL}?f[a]=1", None),
        (f"curl -g '{URL}?f={{1,2}}'", "GET", f"{URL}?f={{1,2}}", None),
        (f"curl {URL} -d '<a> > b'", "POST", URL, b"<a> > b"),
        (f"$ curl \\\n  {URL} \\\n  --compressed", "GET", URL, None),
        (f'curl "{URL}?a=1&b=2" ^\n  -H ^"X: y^"', "GET", f"{URL}?a=1&b=2", None),
        (f"curl {URL} --url-query 'q=a b'", "GET", f"{URL}?q=a+b", None),
        (f"curl -I {URL}", "GET", URL, None),
    ],
)  # fmt: skip
def test_a_command_is_read_as_curl_reads_it(command, method, url, body):
    one = only(command)
    assert (one.method, one.url, one.request_body) == (method, url, body)


def test_credentials_become_headers():
    one = only(f"curl {URL} -u ada:pw -b 'a=1' -b 'b=2' -A me")
    assert headers(one)["authorization"] == "Basic YWRhOnB3"
    assert headers(one)["cookie"] == "a=1; b=2"
    assert headers(only(f"curl {URL} --oauth2-bearer t0ken"))["authorization"] == "Bearer t0ken"


def test_several_commands_are_several_requests():
    text = f"curl '{URL}/1' -H 'A: b' ;\ncurl '{URL}/2' &\n\ncurl '{URL}/3'\n"
    assert [one.url for one in read_curl(text)] == [f"{URL}/{number}" for number in (1, 2, 3)]


def test_variables_of_the_shell_are_left_open():
    one = only(f'curl "{URL}/$ID?k=${{KEY}}" -H "Authorization: Bearer $TOKEN" -H \'X: $Y\'')
    assert open_names(one.url) == ["ID", "KEY"]
    assert open_names(headers(one)["authorization"]) == ["TOKEN"]
    assert headers(one)["x"] == "$Y"


def test_a_body_comes_from_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "body.json").write_text('{"a":\n 1}\n')
    assert only(f"curl {URL} -d @body.json").request_body == b'{"a": 1}'
    assert only(f"curl {URL} --data-binary @body.json").request_body == b'{"a":\n 1}\n'
    assert only(f"curl {URL} --data-raw @body.json").request_body == b"@body.json"
    assert only(f"curl -G {URL} --data-urlencode q@body.json").url.startswith(f"{URL}?q=%7B")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "expected a command that begins with `curl`"),
        ("wget https://api.example.com", "expected a command that begins with `curl`"),
        ("curl", "curl: found no URL"),
        ("curl -X", "expected one argument"),
        ("curl 'https://api.example.com/x", "the quoting is broken: no closing quotation"),
        ('curl "https://api.example.com/x', "the quoting is broken"),
        ("curl 'https://api.example.com/x y'", "an address with a space"),
        ("curl ftp://example.com/x", "not http or https"),
        ("curl https://[::1", "not http or https"),
        ("curl https://api.example.com:port/", "not http or https"),
        (f"curl --frobnicate {URL}", "found the option --frobnicate"),
        (f"curl {URL} -d @none.json", "--data: the file none.json cannot be read"),
        (f"curl {URL} -d @-", "reads from stdin"),
        (f"curl {URL} -b jar.txt", "a file of cookies"),
        (f"curl {URL} -F a=@b", "a multipart form"),
        (f"curl {URL} -T file", "an upload"),
        (f"curl {URL} -K file", "a file of options"),
        (f'curl "{URL}/$(id)"', "found a command in the command"),
        (f"curl {URL}/`id`", "found a command in the command"),
        ("curl 5/items", "not http or https"),
        (f"curl {URL}/[1-3]", "which is several; write one"),
        (f"curl {URL} ; curl --frob {URL}", "curl, command 2: found the option"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(command, message):
    with pytest.raises(ManifestError, match=message.replace("(", r"\(").replace("[", r"\[")) as one:
        read_curl(command)
    assert "\n" not in str(one.value)


def test_words_that_a_shell_has_split_are_taken_as_they_are():
    one = read_curl_arguments(["curl", URL, "-H", "X: it's; $here"])[0]
    assert headers(one)["x"] == "it's; $here"


def test_a_body_of_broken_json_is_left_out_and_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["import", "curl", "-o", "connectors/a.yaml", f"curl {URL} -d '{{bad'"]) == 0
    assert "look: items: to be checked: the body is neither" in capsys.readouterr().out
    assert "bad" not in (tmp_path / "connectors" / "a.yaml").read_text()


def test_the_verb_takes_arguments_or_stdin(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["import", "curl", f"curl {URL}?limit=5 -u ada:pw"]) == 0
    assert main(["import", "curl", "-o", "connectors/b.yaml", "curl", URL, "-H", "X: y"]) == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"curl {URL}".encode())))
    assert main(["import", "curl", "-o", "connectors/c.yaml"]) == 0
    for name in ("example", "b", "c"):
        assert main(["validate", name, "--strict"]) == 0
    assert main(["import", "curl", "-o", "connectors/d.yaml", "curl"]) == 1
    assert main(["import", "curl", f"curl {URL}", "-o", "connectors/d.yaml"]) == 2
    assert "put options before it" in capsys.readouterr().err
