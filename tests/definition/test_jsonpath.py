"""What both languages read, they read alike, or `validate` says so: held against jsonpath-ng."""

import json
import random
import warnings

import pytest
from jsonpath_ng.ext import parse
from jsonpath_ng.ext.filter import Filter

from framework.definition.expressions.jmespath_expression import ExpressionError, compile_expression
from framework.definition.expressions.jsonpath import (
    JsonPathError,
    cursor_path_of,
    is_jsonpath,
    jmespath_of,
    jsonpath_steps,
    jsonpath_tree,
    other_meaning,
    respelling,
    rooted,
)

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # jmespath's lexer

KEYS = ["a", "b", "c"]
ODD_KEYS = ["x-y", "n n", "@t", "é", "0"]
STARTS = ["*", "[*]", "@", "@.a", "[0]", "(a)", "(a).b", "`this`", '"*"', "'a'", '"b"', "['n n']"]
STEPS = [
    *(".a", ".b", "[0]", "[1]", "[-1]", "[*]", ".*", ".[0]", ".[*]", "['a']", '["b"]', "..a"),
    *("[0:1]", "[::-1]", "[?a]", "[?a=='x']", "[?(@.b!='x')]", '."b"', ".'a'", "[]", ".x-y"),
    *(".`this`", "[a]", "[a,b]", ".{a:a}", '."*"', "[0,1]"),
]
JOINS = ["|", " | ", " || ", ",", " & ", " where ", "+", "-", " * ", "."]


def path(chance, depth=0):
    text = chance.choice(STARTS if chance.random() < 0.3 else KEYS + ODD_KEYS[:1])
    text += "".join(chance.choice(STEPS) for _ in range(chance.randint(0, 3)))
    if chance.random() < 0.2 and depth < 2:
        text += chance.choice(JOINS) + path(chance, depth + 1)
    return f" {text}" if chance.random() < 0.05 else text


def body(chance, depth=0):
    kind = chance.random()
    if depth > 3 or kind < 0.2:
        return chance.choice([1, 0, "x", "", None, True, 1.5, "abc"])
    if kind < 0.6:
        keys = chance.choices(KEYS + ODD_KEYS, k=chance.randint(0, 4))
        return {key: body(chance, depth + 1) for key in keys}
    return [body(chance, depth + 1) for _ in range(chance.randint(0, 3))]


def found(tree, data):
    """The values that dlt finds, or the name of the error that its library ends in."""
    try:
        return [match.value for match in tree.find(data)]
    except Exception as error:
        return type(error).__name__


def is_filter(tree):
    return isinstance(getattr(tree, "right", None), Filter)


def filters_a_list(tree, data):
    return any(isinstance(match.value, list) for match in tree.left.find(data))


def parsed(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return parse(text)


def rows(values):
    """The records that dlt's client makes of what a data selector finds."""
    data = values[0] if len(values) == 1 else values
    return [] if data is None else data if isinstance(data, list) else [data]


def readable(seed, count):
    """Generated paths that dlt's library parses, each once."""
    chance = random.Random(seed)
    texts = dict.fromkeys(path(chance) for _ in range(count))
    for text in texts:
        try:
            yield text, parsed(text)
        except Exception:
            continue


def check_paths(seed, count):
    chance, told, alike = random.Random(seed), 0, 0
    for text, tree in readable(seed, count):
        try:
            expression = compile_expression(text)
        except ExpressionError:
            continue
        if is_jsonpath(text) or respelling(text) or other_meaning(text):
            told += 1
            continue
        alike += 1
        for data in (body(chance) for _ in range(8)):
            values, value = found(tree, data), expression.search(data)
            if is_filter(tree) and not filters_a_list(tree, data):
                continue  # null in JMESPath, and no list of a page
            first = values[0] if values else None
            one = (text, json.dumps(data))
            if not is_filter(tree):
                assert (*one, first) == (*one, value)
            ours = [] if value is None else value if isinstance(value, list) else [value]
            assert (*one, rows(values)) == (*one, ours)
    assert told > count / 100
    assert alike > count / 100


def check_imports(seed, count):
    """What an import writes finds what the original does."""
    chance, plain, marked = random.Random(seed), 0, 0
    for text, tree in readable(seed, count):
        steps = jsonpath_steps(jsonpath_tree(text))
        written = rooted(text) if steps is None else None
        for data in (body(chance) for _ in range(8)):
            one = (text, json.dumps(data))
            if steps is None:
                marked += 1
                assert written is not None, text
                assert (*one, found(parsed(written), data)) == (*one, found(tree, data))
            else:
                plain += 1
                values = found(tree, data)
                first = values[0] if values else None
                ours = compile_expression(jmespath_of(steps)).search(data)
                assert (*one, ours) == (*one, first)
        if steps and all(isinstance(step, str) and '"' not in step for step in steps):
            cursor = parsed(cursor_path_of(text))
            data = body(chance)
            assert found(cursor, data) == found(tree, data), text
    assert plain > count / 50
    assert marked > count / 50


def test_generated_paths_are_read_as_dlt_reads_them_or_told():
    check_paths(1, 600)


def test_generated_paths_are_imported_as_what_dlt_reads():
    check_imports(1, 60)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_many_generated_paths(seed):
    check_paths(seed, 6000)
    check_imports(seed, 600)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("data.*", "$.data.*"),
        ("[*]", "$[*]"),
        ("a|b", "$.a|b"),
        ("$.a[*]", "$.a[*]"),
        ("`this`", "$.`this`"),
    ],
)
def test_a_path_gets_its_dollar(text, written):
    assert rooted(text) == written


def test_a_cursor_is_keys_joined_by_dots():
    assert cursor_path_of("['n n']") == '"n n"'
    assert cursor_path_of("$.meta['changed-at']") == "meta.changed-at"
    assert cursor_path_of("a[0].b") == "$.a[0].b"
    with pytest.raises(JsonPathError):
        cursor_path_of("a[")


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("items[?kind=='a']", False),
        ("data.items[?a.b == 'x y']", False),
        ("items[?@.kind=='a']", False),
        ("items[?kind=='a'].id", True),  # one that is missing is null in dlt
        ("items[?kind!='a']", True),  # dlt leaves out items without the field
        ("items[?kind]", True),  # dlt asks whether the field is there
        ("items[?kind=='a'][0]", True),
    ],
)
def test_a_filter_by_a_text_is_read_alike(text, is_told):
    assert bool(other_meaning(text)) is is_told
