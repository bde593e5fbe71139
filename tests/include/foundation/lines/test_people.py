"""Whoever a line names is a pseudonym where the line is kept, however the line is written; nobody stays nobody."""

import json

import pytest

from include.foundation.lines.line_files import Line
from include.foundation.lines.people import People, person_of
from include.foundation.lines.values import Problem, json_line, pseudonym

KEY = b"a key"
PEOPLE = People(KEY, [("user_id",), ("context", "user")])
ANN = pseudonym("ann", KEY)


def masked(record, reason="refused"):
    return PEOPLE.masked(Line(3, record, [Problem("code", reason)], json_line(record)))


def masked_text(raw, columns=()):
    return PEOPLE.masked(Line(3, None, [Problem("not_json", "refused")], raw, columns)).raw


@pytest.mark.parametrize(("value", "person"), [("", None), (" \t\n", None), (" ann ", " ann "), (0, "0"), (None, None)])
def test_a_blank_id_is_nobody(value, person):
    assert person_of(value) == person
    assert PEOPLE.pseudonym_of(value) == (None if person is None else pseudonym(person, KEY))


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ({"user_id": "ann"}, {"user_id": ANN}),
        ({"user_id": " "}, {"user_id": None}),
        ({"context": {"user": "ann", "page": 1}}, {"context": {"user": ANN, "page": 1}}),
        ({"context.user": "ann"}, {"context.user": ANN}),
        ({"context": '{"user": "ann"}'}, {"context": f'{{"user": "{ANN}"}}'}),
        ({"context": 7}, {"context": 7}),
        ({"user": "ann"}, {"user": "ann"}),
    ],
)
def test_a_record_is_kept_with_pseudonyms_at_every_place(record, kept):
    assert json.loads(masked(record).raw) == kept


def test_a_line_that_names_nobody_is_kept_as_it_was_written():
    line = Line(3, {"a": 1}, [Problem("code", "refused")], '{ "a" : 1 }')
    assert PEOPLE.masked(line) == line


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ('{"user_id": "ann", ', f'{{"user_id": "{ANN}", '),
        ("{'user_id': 'ann', ", f"{{'user_id': \"{ANN}\", "),
        ('{"user_id": ann}', f'{{"user_id": "{ANN}"}}'),
        ('{"user_id": "ann', f'{{"user_id": "{ANN}"'),
        ('{"user_id": "", ', '{"user_id": null, '),
        ('{"user_id": 7, ', f'{{"user_id": "{pseudonym(7, KEY)}", '),
        ('{"user_name": "ann", ', '{"user_name": "ann", '),
    ],
)
def test_a_text_that_is_no_record_is_kept_with_pseudonyms_behind_the_names(raw, kept):
    assert masked_text(raw) == kept


@pytest.mark.parametrize("column", ["user_id", "context", "context.user"])
def test_cells_that_cannot_be_told_apart_are_not_kept_where_a_column_names_a_person(column):
    raw = masked_text("bob,1,2", ("trace_id", column))
    assert "bob" not in raw
    assert raw.startswith("(not kept: column ")


def test_cells_that_cannot_be_told_apart_are_kept_where_no_column_names_a_person():
    assert masked_text("a,1,2", ("trace_id", "ts")) == "a,1,2"


def test_an_address_is_nowhere_kept_neither_in_the_text_nor_in_the_reason():
    line = masked({"text": "write to ann@example.org!"}, "got ann@example.org")
    assert json.loads(line.raw) == {"text": f"write to {pseudonym('ann@example.org', KEY)}!"}
    assert line.problems[0].reason == f"got {pseudonym('ann@example.org', KEY)}"
    assert PEOPLE.without_addresses("a @ b") == "a @ b"


def test_the_key_of_the_pseudonyms_does_not_show():
    assert "a key" not in repr(PEOPLE)
