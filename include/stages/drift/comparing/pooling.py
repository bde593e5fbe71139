"""What columns have in common: figures of single columns, which few days tell little of, drawn to those of all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from include.stages.drift.comparing.column_line import ColumnLine
from include.stages.drift.comparing.held_days import Held, Numbers

MODERATED = {"location", "spread", "shape", "missing"}  # whose days differ by about as much in one column as in another
SHARED = {*MODERATED, "unseen", "rare"}
ESTIMATE = "estimate"
FEWEST_MODERATED = 4
MOST_CORRELATED = 0.9
LEAST_SHARE = (
    0.2  # of the variance, that days are taken to add: how much they depend on each other could not be told else
)


def pooled(
    columns: Sequence[ColumnLine], figures: Sequence[Numbers], errors: Sequence[Numbers | float]
) -> list[Numbers]:
    """Return for each column's statistics, (k,), the mean of all columns, or its own less an error where that is more.

    Parameters
    ----------
    columns
        Of which only statistics that vary count; the shares of single categories count together.
    figures
        Of each column, (k,).
    errors
        Of the figures, (k,) or one for all.
    """
    means = {name: values.mean() for name, values in _by_group(columns, figures).items()}
    return [
        np.maximum([means.get(_group(name), 0.0) for name in line.reference.names], figure - error)
        for line, figure, error in zip(columns, figures, errors, strict=True)
    ]


def correlations(columns: Sequence[ColumnLine]) -> list[Numbers]:
    """Return how much a day says of the next one, for each column's statistics, (k,).

    Notes
    -----
    Sampling does not depend on the day before; what days add to it may. So that part's autocorrelation is estimated, from all
    columns of a group: the mean of theirs over the mean share of variance that days add. Few columns, or days that add little,
    may show much of it by chance, so that it is drawn to that of all columns. A statistic then follows the first-order
    autoregression that has as much correlation in sum. It is its own, less a standard error, where that is more.
    """
    own, shares = [line.autocorrelation for line in columns], [line.day_share for line in columns]
    of_days, correlated = _of_days(columns, own, shares), []
    for line, figure, share in zip(columns, own, shares, strict=True):
        of_day = np.array([of_days.get(_group(name), 0.0) for name in line.reference.names])
        seen = of_day * np.clip(share, 0.0, 1.0)
        correlated.append(np.maximum(seen / (1 - of_day + seen), figure - line.error))
    return correlated


def _of_days(columns: Sequence[ColumnLine], own: Sequence[Numbers], shares: Sequence[Numbers]) -> dict[str, float]:
    """Return the autocorrelation of what days add, by group, 0 to 0.9.

    Groups are taken to differ as much as those of single columns would by chance, if nothing was sampled: so the columns of a
    group, of whose variance days add a share s, count for s² each, beside 1 of all columns.
    """
    seen = {name: float(values.mean()) for name, values in _by_group(columns, own).items()}
    added = {name: max(LEAST_SHARE, float(values.mean())) for name, values in _by_group(columns, shares).items()}
    sizes = Counter(group for line in columns for group in {_group(name) for name in _varying(line)})
    of_all = sum(sizes[name] * seen[name] for name in seen) / max(
        sum(sizes[name] * added[name] for name in seen), LEAST_SHARE
    )
    told = {name: sizes[name] * added[name] ** 2 for name in seen}
    drawn = {name: (told[name] * seen[name] / added[name] + of_all) / (told[name] + 1) for name in seen}
    return {name: float(np.clip(value, 0.0, MOST_CORRELATED)) for name, value in drawn.items()}


def _varying(line: ColumnLine) -> list[str]:
    return [name for name, varies in zip(line.reference.names, line.varies, strict=True) if varies]


def moderated(columns: Sequence[ColumnLine], held: Sequence[Held]) -> list[Held]:
    """Return the assumptions with variances drawn to those of the other columns, as far as columns are alike.

    Parameters
    ----------
    columns
        Of which only statistics that vary count.
    held
        What is assumed of each.

    Notes
    -----
    The empirical Bayes estimate of Smyth (Statistical Applications in Genetics and Molecular Biology 3, 2004): what the
    logarithms of the variances differ by more than their degrees of freedom let expect says for how many degrees the other
    columns count; here for as many as the column's own days at most, so that a column which is calmer than most stays so.
    """
    variances = _by_group(columns, [each.variance for each in held])
    degrees = _by_group(columns, [each.degrees for each in held])
    priors = {
        name: _prior(values, degrees[name])
        for name, values in variances.items()
        if name in MODERATED and len(values) >= FEWEST_MODERATED
    }
    drawn = []
    for line, each in zip(columns, held, strict=True):
        prior = np.array([priors.get(name, (0.0, 0.0)) for name in line.reference.names])
        added = np.where(line.varies, np.minimum(prior[:, 1], each.degrees), 0.0)
        whole = each.degrees + added
        variance = (each.degrees * each.variance + added * prior[:, 0]) / whole
        drawn.append(replace(each, variance=variance, degrees=whole))
    return drawn


def _prior(variances: Numbers, degrees: Numbers) -> tuple[float, float]:
    """Return the variance that columns have in common, and the degrees of freedom that it counts for."""
    half = degrees / 2
    logarithms = np.log(variances) - _digamma(half) + np.log(half)
    differ = float(logarithms.var(ddof=1) - np.mean(1 / half + 1 / (2 * half**2) + 1 / (6 * half**3)))
    counts = (
        (1 + np.sqrt(1 + 2 * differ)) / differ if differ > 1e-3 else 2e3
    )  # the inverse of the trigamma function, nearly
    return float(np.exp(logarithms.mean() + _digamma(counts / 2) - np.log(counts / 2))), float(counts)


def _digamma(value: Numbers | float) -> Numbers:
    """Return the digamma function, to 1 % for values of at least 1."""
    return np.asarray(np.log(value) - 1 / (2 * value) - 1 / (12 * value**2))


def _by_group(columns: Sequence[ColumnLine], figures: Sequence[Numbers]) -> dict[str, Numbers]:
    """Return the figures of the statistics that vary, by group."""
    groups: dict[str, list[float]] = {}
    for line, figure in zip(columns, figures, strict=True):
        for name, value, varies in zip(line.reference.names, figure, line.varies, strict=True):
            if varies:
                groups.setdefault(_group(name), []).append(float(value))
    return {name: np.array(values) for name, values in groups.items()}


def _group(name: str) -> str:
    """Return what a statistic is pooled with: an estimate is the location of a confidence."""
    return "location" if name == ESTIMATE else name if name in SHARED else "category"
