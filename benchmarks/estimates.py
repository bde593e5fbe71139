"""Whether intervals of a model's accuracy in production cover it, and how much narrower its confidence makes them.

``.venv/bin/python -m benchmarks.estimates [--quick]`` prints one JSON object per case. A case is a world: days of logged rows
with a model's confidence, of which a few are drawn at random each day and labeled. Its rate is how often the 95 % interval
covers the accuracy on all logged rows. Peers, by name: ``weighted``, the same estimator without confidence; ``naive``, the
share of labels that the model got right, whatever rows they stand for, with its exact interval; ``power_tuned``, PPI++ of
Angelopoulos, Duchi & Zrnic (2023), as `tests/include/foundation/statistics/test_prediction_powered.py` holds it against
ppi-python.
"""

import resource
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.measuring import print_cases
from benchmarks.workloads.labeled_streams import STREAMS, Stream, stream
from include.foundation.statistics.calibrated_confidence import BIN_CENTRES, confidence_bins
from include.foundation.statistics.estimates import UNKNOWN, Estimate, share_with_interval, weighted_mean
from include.foundation.statistics.label_noise import ServedItems, true_accuracy
from include.foundation.statistics.prediction_powered import LoggedConfidence

COVERED = 0.95
PEERS = ("weighted", "naive", "power_tuned")
Floats = NDArray[np.float64]


def estimates_of(drawn: Stream) -> dict[str, Estimate]:
    """Return what is said of one stream, by who says it."""
    beside, right, chances = _beside(drawn), drawn.right, drawn.chances
    plain = weighted_mean(right, chances, groups=drawn.groups)
    ours = weighted_mean(right, chances, groups=drawn.groups, beside=beside)
    if drawn.votes is not None and drawn.predicted is not None:
        weights = 1 / chances
        served = ServedItems(np.arange(right.size), weights, beside)
        plain = true_accuracy(drawn.votes, drawn.predicted, weights, drawn.unanswered)
        ours = true_accuracy(drawn.votes, drawn.predicted, weights, drawn.unanswered, served)
    naive = share_with_interval(float(right.mean()), right.size, right.size)
    return {"ours": ours, "weighted": plain, "naive": naive, "power_tuned": _power_tuned(drawn)}


def _beside(drawn: Stream) -> LoggedConfidence:
    days, bins = int(drawn.day.max()) + 1, confidence_bins(drawn.confidence)
    logged = np.bincount(drawn.day * BIN_CENTRES.size + bins, minlength=days * BIN_CENTRES.size)
    cells, labeled = drawn.day[drawn.labeled], drawn.labeled
    return LoggedConfidence(
        BIN_CENTRES, logged.reshape(days, 1, BIN_CENTRES.size).astype(np.float64), cells, np.zeros_like(cells), bins[labeled],
        [str(row) for row in labeled],
    )  # fmt: skip


def _power_tuned(drawn: Stream) -> Estimate:
    """Return the estimate of PPI++ with its normal interval, weighted as its implementation is."""
    weights = 1 / drawn.chances
    weights = weights / weights.mean()
    others = np.ones(drawn.confidence.size, dtype=bool)
    others[drawn.labeled] = False
    ours, theirs = drawn.confidence[drawn.labeled], drawn.confidence[others]
    if not theirs.size:
        return UNKNOWN
    gradients = weights * (drawn.right - (theirs.mean() + (weights * (drawn.right - ours)).mean()))
    own = weights * (ours - theirs.mean())
    spread = float(np.var(np.concatenate([own, theirs - theirs.mean()]), ddof=1))
    covariance = float(np.mean((gradients - gradients.mean()) * (own - own.mean())))
    tuned = max(covariance / ((1 + ours.size / theirs.size) * spread), 0.0)
    residuals = weights * (drawn.right - tuned * ours)
    value = tuned * theirs.mean() + residuals.mean()
    half = 1.96 * np.sqrt(tuned**2 * np.var(theirs) / theirs.size + np.var(residuals) / residuals.size)
    return Estimate(float(value), float(value - half), float(value + half), ours.size, float(ours.size))


def world(name: str, repetitions: int) -> dict[str, Any]:
    """Return the line of a world.

    Parameters
    ----------
    name
        One of `STREAMS`.
    repetitions
        How many streams of it are drawn.
    """
    names = ("ours", *PEERS)
    covered, widths, errors = (np.zeros((repetitions, len(names))) for _ in range(3))
    gains = np.ones(repetitions)
    for seed in range(repetitions):
        drawn = stream(name, seed)
        said = estimates_of(drawn)
        truth, gains[seed] = float(drawn.truth.mean()), said["ours"].gain
        for place, each in enumerate(said[by] for by in names):
            low, high, value = each.low or 0.0, 1.0 if each.high is None else each.high, each.value or 0.0
            covered[seed, place], widths[seed, place] = low <= truth <= high, high - low
            errors[seed, place] = value - truth
    share, width = covered.mean(axis=0), widths.mean(axis=0)
    bias, root = 100 * errors.mean(axis=0), 100 * np.sqrt((errors**2).mean(axis=0))
    ends = stats.binomtest(int(covered[:, 0].sum()), repetitions).proportion_ci()
    return {
        "benchmark": "estimates", "case": f"estimates {name}", "unit": "share of intervals that cover", "ours": share[0],
        "limit": COVERED, "peers": dict(zip(PEERS, share[1:].tolist(), strict=True)), "ratio_to_limit": share[0] / COVERED,
        "ratio_to_best_peer": None, "repetitions": repetitions,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "rate": share[0], "low": float(ends.low),
        "high": float(ends.high), "trials": repetitions, "width_ratio": width[0] / width[1], "gain": float(gains.mean()),
        "width": dict(zip(names, width.tolist(), strict=True)), "bias": dict(zip(names, bias.tolist(), strict=True)),
        "rmse": dict(zip(names, root.tolist(), strict=True)),
    }  # fmt: skip


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every world."""
    for name in STREAMS:
        yield world(name, 20 if quick else 1000)


def main() -> None:
    """Print one JSON line a case."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
