"""Which columns of a window are unusual: significant among many, large enough, and more so than anything on an ordinary day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from include.foundation.config.data_sections import Drift
from include.foundation.decisions import DriftVerdict
from include.foundation.decisions.drift_verdict import ALL_COLUMNS, ALL_ROWS, ColumnFinding
from include.stages.drift.comparing.differences import Difference
from include.stages.drift.discoveries import SHARES, Family, discoveries

ALONE, TOGETHER = 0.3, 0.7  # of a rate: for the window alone, and for it and the windows before taken together
TO_ALARM = 0.2  # of the latter: what an alarm asks for, as three windows in a row overlap and a year has 365 of them
MORE_UNUSUAL = (
    0.1  # of the smallest p-value of any reference day: what flags a window alone, where those before it are known
)
BEYOND_DOUBT = 1e-40  # tails as heavy as those of t with three degrees of freedom hardly explain this
CLEAR = 1e-5
TREND_LEVEL = 0.001
Key = tuple[str, str]  # segment, column


def family_of(key: Key) -> Family:
    """Return what a column is tested together with."""
    return "columns" if key[0] == ALL_ROWS else "segments"


@dataclass(frozen=True)
class Unusual:
    """Which columns are flagged.

    Attributes
    ----------
    alone, together
        In the window alone, and in it and the windows before it taken together.
    lasting
        Those of the latter that are so far from ordinary that an alarm may be raised.
    """

    alone: set[Key]
    together: set[Key]
    lasting: set[Key]


def rarest_of(reported: Mapping[Key, Difference], family: Callable[[Key], Family] = family_of) -> float:
    """Return the smallest p-value of any reference day in any column, over the column's share of the rate."""
    return min((each.rarest / SHARES[family(key)] for key, each in reported.items()), default=1.0)


def unusual_in_windows(
    drift: Drift,
    alone: Mapping[Key, Difference],
    together: Mapping[Key, Difference],
    *,
    family: Callable[[Key], Family] = family_of,
    floor: Callable[[Difference, Drift], float] = Difference.floor,
    rarest: tuple[float, float] = (1.0, 1.0),
) -> Unusual:
    """Return the columns to be flagged in a window, and in it and those before it; see `unusual`.

    Parameters
    ----------
    drift
        Rate and floors.
    alone, together
        The most significant difference of each column, of both; none of the latter where a window stands for itself.
    family, floor
        As of `unusual`.
    rarest
        Of both, that of columns which are judged elsewhere: of all that may flag a window, one in n + 1 is the most unusual.

    Notes
    -----
    All columns jointly are held against their own days, which depend on each other as the window does; so what flags them is
    enough for an alarm. Single columns rest on an estimate of how much days depend on each other, and on many comparisons.
    """
    judge = partial(unusual, drift, family=family, floor=floor)
    if not together:
        return Unusual(judge(alone, 1.0, rarest=rarest[0]), set(), set())
    far = judge(alone, ALONE, rarest=rarest[0], margin=MORE_UNUSUAL)
    jointly, clear = (judge(together, TOGETHER * share, rarest=rarest[1]) for share in (1.0, TO_ALARM))
    return Unusual(far, jointly, {key for key in jointly if key in clear or key[1] == ALL_COLUMNS})


def unusual(
    drift: Drift,
    reported: Mapping[Key, Difference],
    part: float,
    *,
    family: Callable[[Key], Family] = family_of,
    floor: Callable[[Difference, Drift], float] = Difference.floor,
    rarest: float = 1.0,
    margin: float = 1.0,
) -> set[Key]:
    """Return the columns to be flagged.

    Parameters
    ----------
    drift
        Rate and floors.
    reported
        The most significant difference of each column.
    part
        Of the rate.
    family
        Returns what a column is tested together with.
    floor
        Returns the smallest effect of a difference that matters.
    rarest
        As small a p-value as any reference day has in columns that are judged elsewhere, see `rarest_of`.
    margin
        Share of the smallest p-value of any reference day that the window's must be below.

    Notes
    -----
    Days have heavier tails than a normal distribution, by an amount that few days tell little about. So the window must also be
    more unusual than each reference day is when it is held against the others: of exchangeable days, whatever their
    distribution and however columns depend on each other, one in n + 1 is (a conformal test; Vovk, Gammerman & Shafer 2005).
    Tails do not explain what is certain, nor what is clear in a column whose days were all alike, such as missing values where
    there were none.
    """
    significant = _significant(drift, reported, part, family)
    large = {key for key in significant if reported[key].effect >= floor(reported[key], drift)}
    least = min((reported[key].p_value / SHARES[family(key)] for key in large), default=1.0)
    ordinary = min(rarest, rarest_of(reported, family))
    return large if least < ordinary * margin else {key for key in large if _is_beyond_tails(reported[key])}


def _significant(
    drift: Drift, reported: Mapping[Key, Difference], part: float, family: Callable[[Key], Family]
) -> set[Key]:
    significant = set()
    for name in sorted(set(map(family, reported))):
        keys = [key for key in reported if family(key) == name]
        discovered = discoveries(drift, name, [reported[key].p_value for key in keys], part)
        significant |= {key for key, is_one in zip(keys, discovered, strict=True) if is_one}
    return significant


def lacking(drift: Drift, alone: Mapping[Key, Difference], together: Mapping[Key, Difference]) -> str:
    """Return in words what columns that are not flagged lack: significance, size, or to be further out than every ordinary day.

    Parameters
    ----------
    drift
        Rate and floors.
    alone, together
        As of `unusual_in_windows`.
    """
    significant: set[Key] = set()
    large: set[Key] = set()
    both: set[Key] = set()
    for reported, part in ((alone, ALONE if together else 1.0), (together, TOGETHER)):
        clear = _significant(drift, reported, part, family_of)
        matter = {key for key, each in reported.items() if each.effect >= each.floor(drift)}
        significant, large, both = significant | clear, large | matter, both | (clear & matter)
    counts = {
        "large enough to matter and significant, but some ordinary day is about as unusual": len(both),
        "large enough to matter, but not significant": len(large - both),
        "significant, but too small to matter": len(significant - large),
    }
    return ", ".join(f"{count} {words}" for words, count in counts.items() if count)


def told_trends(drift: Drift, compared: Mapping[Key, Sequence[Difference]]) -> dict[Key, float]:
    """Return by how much a day the columns rise that follow a slope, in the units of effects.

    Parameters
    ----------
    drift
        Floors, for the rise over the reference.
    compared
        The differences of each column.
    """
    steepest = {key: min(each, key=lambda one: one.trend_p_value) for key, each in compared.items() if each}
    return {
        key: one.per_day
        for key, one in steepest.items()
        if one.trend_p_value * len(steepest) < TREND_LEVEL
        and abs(one.per_day) * drift.reference_days >= one.floor(drift)
    }


def is_beyond_doubt(verdict: DriftVerdict) -> bool:
    """Tell whether a window is further from ordinary days than any of them is: a fault of the data, or beyond every tail."""
    return verdict.route == "fix_data" or any(one.flagged and is_certain(one.p_value) for one in verdict.columns)


def clear_changes(findings: Sequence[ColumnFinding]) -> set[tuple[str, ...]]:
    """Return the flagged columns that heavy tails alone hardly flag twice in the same way: with statistic and direction."""
    clear = [one for one in findings if one.flagged and (one.p_value or 0.0) < CLEAR]
    return {(one.segment, one.column, one.statistic, "up" if one.found > one.expected else "down") for one in clear}


def _is_beyond_tails(difference: Difference) -> bool:
    return is_certain(difference.p_value) or (not difference.varied and difference.p_value < CLEAR)


def is_certain(p_value: float | None) -> bool:
    """Tell whether tails heavier than the normal's do not explain a p-value."""
    return p_value is not None and p_value < BEYOND_DOUBT
