"""Read curl commands as requests: quoting as a POSIX shell or bash has it, curl's own options.

Neither a shell nor curl is started. Options about the connection or the output are skipped.
"""

from __future__ import annotations

import argparse
import functools
import re
import shlex
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote_plus, urlsplit

from framework.authoring.exchange import Interaction
from framework.definition.yaml_limits import LimitExceeded, read_limited
from framework.importers.api_guesses.api_model.name_words import vocabulary
from framework.importers.import_report import ManifestError
from framework.importers.recorded.open_values import marked

_LARGEST_BODY = 10_000_000
_ANSI_QUOTED = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_QUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.", re.DOTALL)
_SHELL_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_REDIRECTION = re.compile(
    r"""(?<=\s)[\d&]?(?:>>?|<)(?:&\d|[ \t]*(?:'[^']*'|"[^"]*"|[^\s;|&'"]+))"""
)
"""Where the shell sends the output, or takes the input from."""
_GLOB = re.compile(r"\{[^{}]*,[^{}]*\}|\[\w+-\w+(?::\d+)?\]")
_ANSI_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|(.))", re.DOTALL
)
_ANSI_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_SEPARATORS = frozenset({";", "&", "&&", "||", "|"})
_FORM = "application/x-www-form-urlencoded"

_FLAGS = vocabulary(
    """
    -s --silent -S --show-error -k --insecure -L --location --location-trusted -i --include -v
    --verbose -f --fail --fail-with-body -O --remote-name -J --remote-header-name -#
    --progress-bar -N --no-buffer --compressed -g --globoff --http1.0 -0 --http1.1 --http2
    --http2-prior-knowledge --http3 -4 --ipv4 -6 --ipv6 -j --junk-session-cookies --path-as-is
    --no-progress-meter --tcp-nodelay --ssl-no-revoke --no-keepalive --anyauth --ntlm --digest
    --negotiate --post301 --post302 --post303 --raw --tr-encoding -Z --parallel --tlsv1.2
    --tlsv1.3 --tlsv1.0 --tlsv1.1 -q --disable --no-sessionid --retry-connrefused
    --retry-all-errors --remote-time -R --ssl --ssl-reqd --basic
    """
)
_SKIPPED = vocabulary(
    """
    -o --output -m --max-time --connect-timeout -w --write-out --retry --retry-delay
    --retry-max-time -x --proxy -U --proxy-user --cacert --capath -E --cert --key --cert-type
    --key-type --pass --resolve --connect-to --interface --max-redirs -c --cookie-jar -D
    --dump-header --limit-rate -y --speed-time -Y --speed-limit --stderr --trace --trace-ascii
    --ciphers --tls-max --dns-servers --noproxy --socks5 --socks5-hostname -z --time-cond -r
    --range --keepalive-time --local-port --unix-socket --max-filesize --output-dir
    --parallel-max
    """
)


ReadFile = Callable[[str, str], bytes]
"""Returns the content of a file that an option names. Raises ValueError."""


class _CommandParser(argparse.ArgumentParser):
    """curl's options; an error is an exception, not the end of the process."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def read_curl(
    text: str, place: str = "curl", *, reads_files: bool = True
) -> tuple[Interaction, ...]:
    """Return the requests of the curl commands in a text.

    Raise ManifestError if a command cannot be read; the message never quotes the command. Without
    `reads_files`, a command that takes a part of its request from a file (`-d @FILE`) cannot.
    """
    try:
        tokens = _tokens(text)
    except ValueError as error:
        what = "" if "found" in str(error) else "the quoting is broken: "
        raise ManifestError(f"{place}: {what}{_plain(error)}") from None
    return read_curl_arguments(tokens, place, reads_files=reads_files)


def read_curl_arguments(
    tokens: Sequence[str], place: str = "curl", *, reads_files: bool = True
) -> tuple[Interaction, ...]:
    """Return the requests of words that a shell has split already."""
    commands = list(_commands(tokens))
    if not commands:
        raise ManifestError(
            f"{place}: expected a command that begins with `curl`; quote the whole command, "
            "or pass it through stdin"
        )
    requests: list[Interaction] = []
    for number, command in enumerate(commands, 1):
        where = f"{place}, command {number}" if len(commands) > 1 else place
        try:
            requests += _requests(command, _file if reads_files else _no_file)
        except ValueError as error:
            raise ManifestError(f"{where}: {_plain(error)}") from None
    return tuple(requests)


def _plain(error: ValueError) -> str:
    text = str(error)
    return text[:1].lower() + text[1:] if text else "cannot be read"


def _tokens(text: str) -> list[str]:
    """Split as bash does: `$'...'` too, `\\` and `^` at the end of a line, `;` between commands."""
    text = text.replace("\r\n", "\n").lstrip("\ufeff")
    if re.search(r"\^\n|\^\"", text):  # as Chrome copies for cmd
        text = re.sub(r"\^(.|\n)", lambda found: "" if found[1] == "\n" else found[1], text)
    text = re.sub(r"\\\n", " ", text)
    text = "".join(_without_ansi(text))
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    return [token if token.strip("\n") else ";" for token in lexer]


def _without_ansi(text: str) -> Iterator[str]:
    """Yield a text with bash's `$'...'` in plain quotes, and with the shell's variables marked."""
    position = 0
    while position < len(text):
        ansi = _ANSI_QUOTED.match(text, position)
        other = _QUOTED.match(text, position)
        variable = _SHELL_VARIABLE.match(text, position)
        redirection = _REDIRECTION.match(text, position)
        if redirection is not None:
            position = redirection.end()
        elif ansi is not None:
            yield shlex.quote(_ANSI_ESCAPE.sub(_unescaped, ansi[1]))
            position = ansi.end()
        elif other is not None:
            yield _with_variables(other[0]) if other[0].startswith('"') else other[0]
            position = other.end()
        elif variable is not None:
            yield marked(variable[1] or variable[2])
            position = variable.end()
        else:
            _refuse_substitution(text[position : position + 2])
            yield text[position]
            position += 1


def _with_variables(quoted: str) -> str:
    """Return a text in double quotes with its variables marked."""

    def replaced(found: re.Match[str]) -> str:
        if found[0].startswith("\\"):  # shlex knows fewer escapes
            return found[0][1:] if found[0][1] in "$`" else found[0]
        if found[1] or found[2]:
            return marked(found[1] or found[2])
        _refuse_substitution(found[0])
        return found[0]

    return re.sub(rf"\\.|{_SHELL_VARIABLE.pattern}|\$\(|`", replaced, quoted, flags=re.DOTALL)


def _refuse_substitution(text: str) -> None:
    if text.startswith(("$(", "`")):
        raise ValueError("found a command in the command, $(...); write its result instead")


def _unescaped(found: re.Match[str]) -> str:
    for number, base in ((1, 16), (2, 16), (3, 16), (4, 8)):
        if found[number]:
            code = int(found[number], base)
            return chr(code) if code < 0x110000 else "\ufffd"
    return _ANSI_LETTERS.get(found[5], found[5])


def _commands(tokens: Sequence[str]) -> Iterator[list[str]]:
    """Yield the words after each `curl`, up to the next separator."""
    command: list[str] | None = None
    for token in tokens:
        if token in _SEPARATORS or (token and not token.strip(";&|\n")):
            if command is not None:
                yield command
            command = None
        elif command is None:
            if re.fullmatch(r"(.*[/\\])?curl(\.exe)?", token):
                command = []
        else:
            command.append(token)
    if command is not None:
        yield command


def _part(kind: str, text: str) -> tuple[str, str]:
    return kind, text


def _parser() -> _CommandParser:
    parser = _CommandParser(add_help=False, allow_abbrev=False, prog="curl")
    parser.add_argument("urls", nargs="*")
    parser.add_argument("--url", action="append", default=[])
    parser.add_argument("-X", "--request")
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-u", "--user")
    parser.add_argument("-b", "--cookie", action="append", default=[])
    parser.add_argument("-A", "--user-agent")
    parser.add_argument("-e", "--referer")
    parser.add_argument("-G", "--get", action="store_true")
    parser.add_argument("-I", "--head", action="store_true")
    parser.add_argument("--oauth2-bearer")
    parser.add_argument("--url-query", action="append", default=[])
    for names, kind in (
        (("-d", "--data", "--data-ascii"), "data"),
        (("--data-raw",), "raw"),
        (("--data-binary",), "binary"),
        (("--data-urlencode",), "urlencode"),
        (("--json",), "json"),
        (("-F", "--form", "--form-string"), "form"),
        (("-T", "--upload-file"), "upload"),
        (("-K", "--config"), "config"),
    ):
        parser.add_argument(
            *names, dest="parts", action="append", type=functools.partial(_part, kind)
        )
    for flag in sorted(_FLAGS):
        parser.add_argument(flag, dest="_", action="store_true")
    parser.add_argument(*sorted(_SKIPPED), dest="_skipped", action="append")
    return parser


def _requests(command: list[str], read: ReadFile) -> Iterator[Interaction]:
    parsed, unknown = _parser().parse_known_intermixed_args(command)
    options = [one for one in unknown if one.startswith("-")]
    if options:
        name = options[0].partition("=")[0] if options[0].startswith("--") else options[0][:2]
        raise ValueError(f"found the option {name}, which is not supported; leave it out")
    urls = [*parsed.urls, *parsed.url, *unknown]
    if not urls:
        raise ValueError("found no URL")
    if len(urls) > 5:
        raise ValueError(f"found {len(urls)} URLs; the quoting may be broken")
    body, kind = _body(parsed.parts or [], read)
    headers = list(_headers(parsed, read))
    queries = [_encoded_pair(one, read) for one in parsed.url_query]
    if (parsed.get or parsed.head) and body is not None:
        queries.append(body.decode("utf-8", errors="replace"))
        body = None
    if body is not None:
        names = {name.lower() for name, _ in headers}
        if "content-type" not in names:
            headers.append(("Content-Type", kind))
    method = (parsed.request or ("POST" if body is not None else "GET")).upper()
    if not {"-g", "--globoff"} & set(command):
        if any(map(_GLOB.search, urls)):
            raise ValueError("found an address with {a,b} or [1-3], which is several; write one")
        urls = [re.sub(r"\\([\[\]{}])", r"\1", url) for url in urls]  # as Chrome copies
    for url in urls:
        yield Interaction(
            method=method,
            url=_with_query(_address(url), queries),
            status=0,
            request_headers=tuple(headers),
            request_body=body,
        )


def _address(url: str) -> str:
    if "://" not in url:
        url = f"https://{url}" if not re.match(r"localhost|127\.|\[", url) else f"http://{url}"
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme.lower() not in ("http", "https") or not host or host.isdigit():
            raise ValueError
        _ = parts.port
    except ValueError:
        raise ValueError("found an address that is not http or https") from None
    if re.search(r"\s", url):
        raise ValueError("found an address with a space; the quoting may be broken")
    return url


def _with_query(url: str, queries: list[str]) -> str:
    if not queries:
        return url
    address, hash_mark, fragment = url.partition("#")
    mark = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    return f"{address}{mark}{'&'.join(queries)}{hash_mark}{fragment}"


def _headers(parsed: argparse.Namespace, read: ReadFile) -> Iterator[tuple[str, str]]:
    for line in parsed.header:
        if line.startswith("@"):
            for inner in read(line[1:], "--header").decode("utf-8", "replace").splitlines():
                yield from _header(inner)
        else:
            yield from _header(line)
    if parsed.user is not None:
        yield "Authorization", f"Basic {b64encode(parsed.user.encode()).decode()}"
    if parsed.oauth2_bearer is not None:
        yield "Authorization", f"Bearer {parsed.oauth2_bearer}"
    cookies = [one for one in parsed.cookie if "=" in one]
    if len(cookies) < len(parsed.cookie):
        raise ValueError("found a file of cookies (-b FILE); write -b 'name=value' instead")
    if cookies:
        yield "Cookie", "; ".join(cookies)


def _header(line: str) -> Iterator[tuple[str, str]]:
    name, colon, value = line.partition(":")
    if colon and name.strip() and value.strip():  # `Name:` alone removes a header
        yield name.strip(), value.strip()


def _body(parts: list[tuple[str, str]], read: ReadFile) -> tuple[bytes | None, str]:
    """Return the body, and its content type unless a header says another."""
    pieces: list[bytes] = []
    kind = _FORM
    for form, text in parts:
        if form == "form":
            raise ValueError("found a multipart form (-F), which a connector cannot send")
        if form == "upload":
            raise ValueError("found an upload (-T), which does not read a list")
        if form == "config":
            raise ValueError("found a file of options (-K); write its options into the command")
        if form == "json":
            kind = "application/json"
        if form == "urlencode":
            pieces.append(_encoded_pair(text, read).encode())
        elif form != "raw" and text.startswith("@"):
            raw = read(text[1:], f"--{form}" if form != "binary" else "--data-binary")
            pieces.append(raw.translate(None, b"\r\n") if form == "data" else raw)
        else:
            pieces.append(text.encode("utf-8", errors="surrogateescape"))
    if not pieces:
        return None, kind
    joined = (b"" if kind == "application/json" else b"&").join(pieces)
    if joined.lstrip()[:1] in (b"{", b"["):  # JSON whose content type was forgotten
        kind = "application/json"
    return joined, kind


def _encoded_pair(text: str, read: ReadFile) -> str:
    """Return one `--data-urlencode`: `name=content`, `=content`, `content` or `name@file`."""
    mark = re.search(r"[=@]", text)
    if mark is None:
        return quote_plus(text)
    name, rest = text[: mark.start()], text[mark.end() :]
    if mark[0] == "@":
        rest = read(rest, "--data-urlencode").decode("utf-8", errors="replace")
    return f"{name}={quote_plus(rest)}" if name else quote_plus(rest)


def _no_file(name: str, option: str) -> bytes:  # noqa: ARG001
    raise ValueError(f"{option} reads from a file; write its content into the command")


def _file(name: str, option: str) -> bytes:
    if name == "-":
        raise ValueError(f"{option} reads from stdin (@-), which holds the command; name a file")
    try:
        return read_limited(Path(name), _LARGEST_BODY)
    except LimitExceeded as error:
        raise ValueError(f"{option}: the file {name} {error}") from None
    except OSError as error:
        raise ValueError(
            f"{option}: the file {name} cannot be read: {error.strerror or error}"
        ) from None
    except ValueError:
        raise ValueError(f"{option}: found a file name that is not valid") from None
