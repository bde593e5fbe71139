from datetime import UTC, datetime

import pytest

from include.foundation.lines.values import moment_of, number_of, pseudonym

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
