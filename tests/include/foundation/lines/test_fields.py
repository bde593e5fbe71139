"""Each field of a line is read as the store keeps it, or refused with its code; what lies on a bound is taken."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from include.foundation.config.sections import Input
from include.foundation.lines.fields import (
    numbers_of,
    read_class,
    read_id,
    read_input,
    read_moment,
    read_seconds,
)

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def codes(problems):
    return [problem.code for problem in problems]


@pytest.mark.parametrize(
    ("value", "read", "found"),
    [
        ("t1", "t1", []),
        (" t1", " t1", []),
        (0, "0", []),
        (5.0, "5", []),
        (None, None, ["missing_field"]),
        ("", None, ["missing_field"]),
        (math.nan, None, ["missing_field"]),
        (math.inf, None, ["wrong_type"]),
        (-math.inf, None, ["wrong_type"]),
        ([1], None, ["wrong_type"]),
        ({"a": 1}, None, ["wrong_type"]),
    ],
)
def test_an_id_is_a_text_or_a_number(value, read, found):
    problems = []
    assert read_id({"trace_id": value}, "trace_id", problems) == read
    assert codes(problems) == found


@pytest.mark.parametrize(
    ("value", "read", "found"),
    [("earn", "earn", []), (" earn ", "earn", []), (None, None, ["missing_field"]), ("earm", None, ["unknown_class"])],
)
def test_a_class_is_one_of_the_loop(value, read, found):
    problems = []
    assert read_class("prediction", value, ["earn", "acq"], problems) == read
    assert codes(problems) == found
    assert all("prediction: " in problem.reason for problem in problems)


def test_a_class_that_is_nearly_one_is_told_which():
    problems = []
    read_class("label", "earm", ["earn", "acq"], problems, code="bad_label")
    assert codes(problems) == ["bad_label"]
    assert "'earn'" in problems[0].reason


@pytest.mark.parametrize(
    ("value", "read", "found"),
    [
        (NOON.isoformat(), NOON, []),
        ((NOON + timedelta(microseconds=1)).isoformat(), NOON + timedelta(microseconds=1), ["from_the_future"]),
        (None, None, ["missing_field"]),
        ("noon", None, ["bad_timestamp"]),
    ],
)
def test_a_moment_is_not_later_than_its_file(value, read, found):
    problems = []
    assert read_moment({"ts": value}, "ts", NOON, problems) == read
    assert codes(problems) == found


@pytest.mark.parametrize(
    ("value", "read", "found"),
    [
        (None, None, []),
        (0, 0.0, []),
        ("10", 10.0, []),
        (10.5, None, ["wrong_type"]),
        (-0.5, None, ["wrong_type"]),
        ("soon", None, ["wrong_type"]),
    ],
)
def test_a_length_of_time_lies_between_nothing_and_the_most(value, read, found):
    problems = []
    assert read_seconds("wait", value, 10, problems) == read
    assert codes(problems) == found


@pytest.mark.parametrize(
    ("item", "value", "read", "found"),
    [
        ({"type": "text"}, "story", "story", []),
        ({"type": "text"}, "", "", []),
        ({"type": "text"}, 7, None, ["bad_input"]),
        ({"type": "text"}, None, None, ["bad_input"]),
        ({"type": "text", "required": False}, None, None, []),
        ({"type": "categorical"}, 7.0, "7", []),
        ({"type": "categorical"}, True, "true", []),
        ({"type": "categorical"}, "kind", "kind", []),
        ({"type": "categorical"}, ["kind"], None, ["bad_input"]),
        ({"type": "numeric"}, "1.5", 1.5, []),
        ({"type": "numeric"}, "many", None, ["bad_input"]),
        ({"type": "numeric", "minimum": 0, "maximum": 1}, 0, 0.0, []),
        ({"type": "numeric", "minimum": 0, "maximum": 1}, 1, 1.0, []),
        ({"type": "numeric", "minimum": 0}, -0.5, -0.5, ["bad_input"]),
        ({"type": "numeric", "maximum": 1}, 1.5, 1.5, ["bad_input"]),
        ({"type": "numeric", "maximum": 1}, -1e300, -1e300, []),
        ({"type": "numeric", "minimum": 0}, 1e300, 1e300, []),
        ({"type": "vector", "size": 2}, [1, "2"], [1.0, 2.0], []),
        ({"type": "vector", "size": 2}, "[1, 2]", [1.0, 2.0], []),
        ({"type": "vector", "size": 2}, [1], None, ["bad_input"]),
        ({"type": "vector", "size": 2}, [1, None], None, ["bad_input"]),
        ({"type": "vector", "size": 2}, "one", None, ["bad_input"]),
        ({"type": "vector", "size": 2, "maximum": 1}, [1, 2], [1.0, 2.0], ["bad_input"]),
    ],
)
def test_an_input_is_what_the_loop_file_says_of_it(item, value, read, found):
    problems = []
    assert read_input("x", Input.model_validate(item), value, problems) == read
    assert codes(problems) == found
    assert all(problem.reason.startswith("input.x: ") for problem in problems)


def test_numbers_without_a_size_may_be_any_number_of_them():
    problems = []
    assert [numbers_of(value, "embedding", None, problems) for value in (None, [], [1], [1, 2])] == [
        None,
        [],
        [1],
        [1, 2],
    ]
    assert problems == []
