from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from include.foundation.lines.values import (
    LONGEST_LINE,
    class_of,
    is_encodable,
    json_line,
    json_or_text,
    moment_of,
    number_of,
    parse_object,
    plain_value,
    pseudonym,
    text_of,
    truth_of,
)

MOMENT = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)


def test_pseudonym_is_the_first_half_of_hmac_sha256() -> None:
    # RFC 4231, test case 2
    assert pseudonym("what do ya want for nothing?", b"Jefe") == "5bdcc146bf60754e6a042426089575c7"


def test_pseudonym_of_a_number_is_that_of_its_text_and_of_another_key_another() -> None:
    assert pseudonym(7, b"key") == pseudonym("7", b"key") != pseudonym("7", b"other key")


@pytest.mark.parametrize("written", ["2026-11-01T12:30:00Z", "2026-11-01T12:30", "2026-11-01T13:30+01:00", MOMENT])
def test_moment_is_in_utc_however_it_is_written(written: object) -> None:
    assert moment_of(written) == MOMENT


@pytest.mark.parametrize("written", [None, 7, "", "yesterday", "0001-01-01T00:00+14:00"])
def test_what_is_no_moment_is_none(written: object) -> None:
    assert moment_of(written) is None


@pytest.mark.parametrize("written", [None, "nan", float("inf"), "1e999", 10**400, [1], "one"])
def test_what_is_no_finite_number_is_none(written: object) -> None:
    assert number_of(written) is None


def test_numbers_are_read_from_texts_and_truth_values() -> None:
    assert [number_of(value) for value in ("1.5", 2, True, " 3 ")] == [1.5, 2.0, 1.0, 3.0]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\xff{}", "not_utf8"),
        (b"{", "not_json"),
        (b'{"a": 1, "a": 2}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[1]", "not_object"),
        (b'{"a": "\\ud800"}', "not_utf8"),
        (b"x" * (LONGEST_LINE + 1), "line_too_long"),
    ],
)
def test_what_is_no_object_is_told_why(raw: bytes, code: str) -> None:
    record, problems = parse_object(raw)
    assert record is None
    assert [problem.code for problem in problems] == [code]


def test_the_longest_line_and_whole_escapes_are_read() -> None:
    longest = b'{"a": "' + b"x" * (LONGEST_LINE - 9) + b'"}'
    assert len(longest) == LONGEST_LINE == 16_777_216
    assert parse_object(longest)[1] == []
    assert parse_object(b'{"a": "\\ud83d\\ude00"}') == ({"a": "😀"}, [])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("eu", "eu"), (None, None), (float("nan"), None), (7, "7"), (7.0, "7"), (7.5, "7.5"), (True, "true"), (-0.0, "0"),
        (2.0**53 - 1, "9007199254740991"), (2.0**53, "9007199254740992.0"), (["é", 1], '["é",1]'),
    ],
)  # fmt: skip
def test_text_of_a_value_is_one_however_it_was_written(value: object, text: str | None) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "truth"),
    [(True, True), (1.0, True), (" Yes\n", True), (0, False), ("OFF", False), (2, None), (None, None)],
)
def test_truth_is_told_by_words_and_numbers(value: object, truth: bool | None) -> None:
    assert truth_of(value) is truth


def test_a_class_may_have_white_space_around_it_and_any_normal_form() -> None:
    classes = ["étude", " odd "]
    assert [class_of(value, classes) for value in ("e\u0301tude", " étude", " odd ", "odd", "Étude", None)] == [
        "étude", "étude", " odd ", " odd ", None, None,
    ]  # fmt: skip


def test_every_sign_that_may_end_a_line_is_escaped() -> None:
    assert json_line({"a": "1\x852\u20283\u20294"}) == '{"a": "1\\u00852\\u20283\\u20294"}'


def test_half_of_a_surrogate_pair_cannot_be_written() -> None:
    assert [is_encodable(text) for text in ("\ud7ff", "\ud800", "\udfff", "\ue000")] == [True, False, False, True]


def test_text_that_is_no_json_is_itself() -> None:
    assert [json_or_text(text) for text in ("[1]", "one", "[" * 100_000)] == [[1], "one", "[" * 100_000]


def test_values_of_databases_keep_every_digit_or_are_text() -> None:
    values = (
        Decimal(2**53 + 1),
        Decimal("7.0"),
        Decimal("0.5"),
        Decimal("Infinity"),
        b"caf\xe9",
        bytearray("é".encode()),
        date(2026, 3, 10),
    )
    plain = [plain_value(value) for value in values]
    assert plain == [2**53 + 1, 7, 0.5, float("inf"), r"caf\xe9", "é", "2026-03-10"]
