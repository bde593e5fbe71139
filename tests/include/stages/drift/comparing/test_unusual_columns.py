"""Which columns are flagged beside others whose ordinary days were far out."""

import pytest

from include.foundation.config.data_sections import Drift
from include.stages.drift.comparing.differences import Difference
from include.stages.drift.comparing.unusual_columns import unusual

FAR_OUT = Difference("location", 0.0, 0.0, 0.0, p_value=1.0, varies=True, rarest=1e-30)


@pytest.mark.parametrize(
    ("p_value", "varied", "is_flagged"),
    [(1e-7, False, True), (1e-7, True, False), (1e-4, False, False), (1e-16, True, True)],
)
def test_far_day_of_another_column_hides_no_change_where_days_were_all_alike(p_value, varied, is_flagged):
    missing = Difference("missing", 0.0, 0.5, 0.5, p_value, varies=True, is_rare=True, varied=varied)
    flagged = unusual(Drift(), {("", "x"): missing, ("", "y"): FAR_OUT}, 1.0)
    assert flagged == ({("", "x")} if is_flagged else set())
    assert unusual(Drift(), {("", "x"): missing}, 1.0) == {("", "x")}
