"""Changes of a loop's days that drift should find, and an oracle that knows what changes."""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from include.foundation.config.data_sections import WATCHED_DAYS, Drift
from include.stages.drift.comparing.day_statistics import missing_statistics, value_statistics
from include.stages.drift.profiling.column_profile import Profile

COLUMNS, MISSING = 10, 0.01
SHARES = {"a": 0.5, "b": 0.3, "c": 0.1, "d": 0.1}


@dataclass(frozen=True)
class Shift:
    """What changes for good: means and missing values of the first columns, sd of the first, shares, and one segment's mean.

    Attributes
    ----------
    columns, mean, sd, missing, category, prediction, new, confidence, length, segment
        How many columns change, and what they, the third category, the third class, a new category, confidence, a text's length
        and the first number of the first segment are then.
    shows_in, statistic
        Column of the profiles that shows it, if it is but one, and its statistic: what an oracle knows.
    """

    columns: int = 1
    mean: float = 0.0
    sd: float = 1.0
    missing: float = MISSING
    category: float = SHARES["c"]
    prediction: float = SHARES["c"]
    new: float = 0.0
    confidence: float = 0.0
    length: float = 1.0
    segment: float = 0.0
    shows_in: str = "input_n0"
    statistic: str = "location"

    @property
    def moved(self) -> list[tuple[str, str]]:
        """Segment and name of each column of the profiles that changes."""
        names = [self.shows_in] if self.columns == 1 else [f"input_n{place}" for place in range(self.columns)]
        return [("desk=0" if self.segment else "", name) for name in names]


CHANGES = {
    "mean +0.5 sd": Shift(mean=0.5), "sd x1.3": Shift(sd=1.3, statistic="spread"), "sd x0.7": Shift(sd=0.7, statistic="spread"),
    "category 10 to 20 %": Shift(category=0.2, shows_in="input_c", statistic="c"),
    "prediction 10 to 20 %": Shift(prediction=0.2, shows_in="predicted@1", statistic="c"),
    "missing 1 to 10 %": Shift(missing=0.1, statistic="missing"), "missing 1 to 5 %": Shift(missing=0.05, statistic="missing"),
    "missing 1 to 5 % in three columns": Shift(columns=3, missing=0.05, statistic="missing"),
    "new category 10 %": Shift(new=0.1, shows_in="input_c", statistic="unseen"),
    "new category 3 %": Shift(new=0.03, shows_in="input_c", statistic="unseen"),
    "confidence -0.03": Shift(confidence=-0.03, shows_in="confidence@1"),
    "confidence +0.03": Shift(confidence=0.03, shows_in="confidence@1"),
    "text length x1.4": Shift(length=1.4, shows_in="input_t:characters"),
    "text length x1.15": Shift(length=1.15, shows_in="input_t:characters"),
    "mean +0.2 sd in one column": Shift(mean=0.2), "mean +0.1 sd in all columns": Shift(columns=COLUMNS, mean=0.1),
}  # fmt: skip


def oracle_finds(shift: Shift, profiles: Sequence[Profile], windows: int) -> bool:
    """Tell whether a test that knows what a shift changes finds it in the first windows.

    Parameters
    ----------
    shift
        Says the columns and the statistic.
    profiles
        Of 28 ordinary days, a week that is watched, and the windows.
    windows
        How many the test takes together.

    Notes
    -----
    Student's t-test of these windows against the 28 days, at the default false alarm rate; of several columns, Fisher's
    combination of their p-values.
    """
    drift, p_values = Drift(), []
    for key in shift.moved:
        own = [profile for profile in profiles if (profile.segment, profile.column) == key]
        reference, first = own[: drift.reference_days], drift.reference_days + WATCHED_DAYS
        current = own[first : first + windows]
        if shift.statistic == "missing":
            sides = [missing_statistics(reference), missing_statistics(current)]
        else:
            sides = [value_statistics(reference), value_statistics(reference, current)]
        place = sides[0].names.index(shift.statistic)
        p_values.append(stats.ttest_ind(*(side.values[:, place] for side in sides)).pvalue)
    return bool(stats.combine_pvalues(p_values).pvalue < drift.false_alarm_rate)
