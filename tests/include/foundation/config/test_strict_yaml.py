"""YAML is read as it was meant: an odd spelling, a second meaning or a bomb is a problem with its key."""

import datetime

import pytest

from include.foundation.config.strict_yaml import DEEPEST, MOST_VALUES, read_yaml
from include.foundation.errors import ConfigError


def problems(text):
    return [sentence for _, sentence in read_yaml(text).problems]


@pytest.mark.parametrize(
    ("spelling", "reads_as"),
    [
        ("030", "24"), ("1:30", "90"), ("1:30.5", "90.5"), ("0x1F", "31"), ("0b11", "3"), ("1_000", "1000"), ("-010", "-8"),
        ("NO", "false"), ("yes", "true"), ("On", "true"), ("off", "false"),
    ],
)  # fmt: skip
def test_odd_spelling_is_refused_with_the_plain_one_and_quotes_help(spelling, reads_as):
    [said] = problems(f"key: {spelling}")
    assert said == f"got {spelling}, which YAML reads as {reads_as}; write that, or quote it: '{spelling}'"
    assert read_yaml(f"key: {reads_as}").problems == []
    assert read_yaml(f"key: '{spelling}'").value == {"key": spelling}


def test_what_is_no_yaml_is_refused_with_its_place():
    with pytest.raises(ConfigError, match=r"is not YAML: .* in line 2, column 15$"):
        read_yaml("name: a\ntask: {kind: [}\n")


@pytest.mark.parametrize("spelling", [".inf", "-.INF", ".nan", "2026-11-01T10:00:00Z"])
def test_what_no_key_takes_is_to_be_quoted(spelling):
    [said] = problems(f"key: {spelling}")
    assert said == f"got {spelling}, which YAML does not read as a text; quote it: '{spelling}'"


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("7", 7), ("-7", -7), ("+7", 7), ("0", 0), ("0.5", 0.5), (".5", 0.5), ("5.", 5.0), ("1.5e3", 1500.0),
        ("1.5e+3", 1500.0),
        ("true", True), ("False", False), ("TRUE", True), ("", None), ("~", None), ("null", None), ("text", "text"),
        ("2 of 3", "2 of 3"), ("@daily", None), ("1e3x", "1e3x"), ("=", "="), ("money-fx", "money-fx"), ("1.2.3", "1.2.3"),
        ("2026-11-01", datetime.date(2026, 11, 1)),
    ],
)  # fmt: skip
def test_plain_spelling_is_taken(spelling, value):
    if spelling == "@daily":  # YAML reserves @ at the start
        with pytest.raises(ConfigError, match="is not YAML"):
            read_yaml(f"key: {spelling}")
    else:
        document = read_yaml(f"key: {spelling}")
        assert (document.value, document.problems) == ({"key": value}, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("key: 2026-02-30", "no day", id="no-such-day"),
        pytest.param("key: " + "9" * 5000, "a number of 5000 digits", id="endless-number"),
        pytest.param("key: 9223372036854775808", "below 2^63", id="large-number"),
        pytest.param("key: 1.0e999", "below 2^63", id="infinite-number"),
        pytest.param("key: &a [*a]", "*a refers to what it is part of", id="refers-to-itself"),
        pytest.param("key: &a {b: {c: *a}}", "*a refers to what it is part of", id="refers-to-itself-deeper"),
        pytest.param("key: *a", "there is no &a before it", id="refers-to-nothing"),
        pytest.param("key: 1\nkey: 2", "key given twice", id="twice"),
        pytest.param("on: 1", "got True as a key, expected a text; quote it: 'on'", id="truth-value-as-key"),
        pytest.param("7: 1", "got 7 as a key", id="number-as-key"),
        pytest.param("? [a, b]\n: 1", "as a key, expected a text", id="list-as-key"),
        pytest.param("key: !!binary aGVsbG8=", "got the tag", id="binary"),
        pytest.param("key: !!python/object:os.system x", "got the tag", id="object"),
        pytest.param('key: "a\\0b"', "control characters", id="nul"),
        pytest.param("key: {<<: 3}", "expected one or several mappings", id="merge-of-a-number"),
    ],
)
def test_what_cannot_be_meant_is_a_problem_with_its_key(text, said):
    [(path, sentence)] = read_yaml(text).problems
    assert said in sentence
    assert path[:1] in {("key",), ()}


def bomb(levels):
    first = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    return first + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, levels))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(bomb(9), id="bomb-of-aliases"),
        pytest.param("[" * 200_000, id="deep-lists"),
        pytest.param("{a: " * 50_000, id="deep-mappings"),
        pytest.param("- " * 100_000, id="deep-blocks"),
        pytest.param("? " * 100_000, id="deep-keys"),
        pytest.param("key: [" + "x," * 100_000 + "]", id="long"),
        pytest.param("key: {" + ",".join(f"k{n}: 1" for n in range(20_000)) + "}", id="wide"),
        pytest.param("a: [\n", id="not-ended"),
        pytest.param("a: b: c", id="two-colons"),
        pytest.param("a: 1\n---\nb: 2", id="two-documents"),
        pytest.param("a: \tb\n\t- c", id="tabs"),
        pytest.param("a: '\ufffe", id="no-character"),
        pytest.param('a: "\\ud800"', id="half-a-character"),
        pytest.param("%YAML 9.9\n---\na: 1", id="other-version"),
    ],
)
def test_what_is_no_yaml_or_too_large_is_refused_before_it_is_made(text):
    with pytest.raises(ConfigError):
        read_yaml(text)


def test_bounds_are_those_that_are_named():
    assert read_yaml("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)).value
    with pytest.raises(ConfigError, match="levels deep"):
        read_yaml("[" * (DEEPEST + 2) + "]" * (DEEPEST + 2))
    assert len(read_yaml("[" + "x," * (MOST_VALUES - 1) + "]").value) == MOST_VALUES - 1
    with pytest.raises(ConfigError, match="more than"):
        read_yaml("[" + "x," * MOST_VALUES + "]")


def test_anchors_aliases_and_merge_keys_work_and_own_keys_win():
    text = "base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\nboth: {<<: [*b, *o], x: 5}\nsame: *b"
    value = read_yaml(text).value
    assert value["both"] == {"x": 5, "y": 2, "z": 4}
    assert value["same"] == value["base"]


def test_lines_and_spellings_are_known_by_path():
    document = read_yaml("a:\n  b: [x, 1.10]\nc: null")
    assert document.lines["a", "b"] == 2
    assert document.spellings == {("a", "b", 1): "1.10", ("c",): "null"}


def test_quoted_texts_stay_as_they_are():
    value = read_yaml("a: '030'\nb: \"no\"\nc: !!str 1:30\nd: |\n  yes\n").value
    assert value == {"a": "030", "b": "no", "c": "1:30", "d": "yes\n"}
