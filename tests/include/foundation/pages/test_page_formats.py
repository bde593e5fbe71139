"""Numbers on pages: what is unknown is said to be, and each form holds at its edge."""

import pytest

from include.foundation.pages import formats
from include.foundation.statistics.estimates import Estimate


@pytest.mark.parametrize("missing", ["value", "low", "high"])
def test_an_estimate_that_lacks_a_part_is_unknown(missing):
    parts: dict[str, float | None] = {"value": 0.5, "low": 0.25, "high": 0.75, missing: None}
    assert formats.estimate(Estimate(parts["value"], parts["low"], parts["high"], 4, 4.0)) == "unknown"


@pytest.mark.parametrize(
    ("value", "written"),
    [(999.0, "999"), (1000.0, "1,000"), (1000.4, "1,000"), (999_999.0, "999,999"), (1e6, "1.0e+06")],
)
def test_a_large_number_changes_its_form_at_a_thousand_and_a_million(value, written):
    assert formats.large(value) == written


@pytest.mark.parametrize(("value", "written"), [(0.0001, "0.0001"), (0.00009999, "< 0.0001"), (1.0, "1")])
def test_a_chance_is_written_out_down_to_one_in_ten_thousand(value, written):
    assert formats.chance(value) == written


def test_an_estimate_has_signs_only_where_it_is_asked_for_them():
    score = Estimate(0.5, -0.25, 0.75, 4, 4.0)
    assert formats.estimate(score) == "0.500 (-0.250 to 0.750)"
    assert formats.estimate(score, signed=True) == "+0.500 (-0.250 to +0.750)"
