"""Whether what labels brought, and what more of them are expected to bring, is within the interval that is said.

``.venv/bin/python -m benchmarks.roi [--quick]`` prints one JSON object per case. Histories of a loop are replayed with
scikit-learn on real and made data. ``roi <data> measured``: how often the 90 % interval of a challenger's lift over its
champion covers what it is on all rows. ``roi <data> expected``: how often the 90 % interval of what the next batch will bring,
said before its labels are there, covers what it then brings on all rows. The peer of the latter goes on as the last batch did.
"""

import resource
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.measuring import print_cases
from benchmarks.workloads.replayed_labels import DATA, history
from include.foundation.statistics.estimates import weighted_difference, weighted_mean
from include.foundation.statistics.learning_curve import LEVEL, Lift, expected_lifts

Z = 1.645
FEWEST = 2  # lifts before anything is said of the next
Covers = list[tuple[bool, bool, bool]]


def replayed(name: str, seed: int) -> tuple[Covers, list[float]]:
    """Return what covers of a history: the lift as measured, as expected, and as the last one was; and how wide is expected.

    Parameters
    ----------
    name
        Of the data.
    seed
        Of the history.
    """
    lifts: list[Lift] = []
    covers, widths = [], []
    for judged in history(name, seed):
        truth = judged.true_after - judged.true_before
        measured = weighted_difference(judged.challenger - judged.champion, np.ones(judged.champion.size), LEVEL)
        low, high, value = measured.low or 0.0, measured.high or 0.0, measured.value or 0.0
        if len(lifts) >= FEWEST:
            (expected,) = expected_lifts(
                lifts,
                judged.before,
                weighted_mean(judged.champion, np.ones(judged.champion.size)),
                [judged.after - judged.before],
            )
            last = lifts[-1]
            as_before = abs(truth - last.value) <= Z * last.deviation
            covers.append((low <= truth <= high, expected.low <= truth <= expected.high, as_before))
            widths.append(expected.high - expected.low)
        lifts.append(Lift(judged.before, judged.after, value, (high - low) / (2 * Z)))
    return covers, widths


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the results of every data set."""
    for name in DATA:
        histories = [replayed(name, seed) for seed in range(3 if quick else 40)]
        covers, widths = (
            [each for part, _ in histories for each in part],
            [each for _, part in histories for each in part],
        )
        measured, expected, as_before = np.array(covers, dtype=float).T
        yield _line(f"roi {name} measured", measured, None)
        yield _line(f"roi {name} expected", expected, float(as_before.mean())) | {"width": 100 * float(np.mean(widths))}


def _line(case: str, covered: Any, peer: float | None) -> dict[str, Any]:
    ends = stats.binomtest(int(covered.sum()), covered.size).proportion_ci()
    rate = float(covered.mean())
    return {
        "benchmark": "roi", "case": case, "unit": "share of intervals that cover", "ours": rate, "limit": LEVEL,
        "peers": {} if peer is None else {"as the last batch": peer}, "ratio_to_limit": rate / LEVEL,
        "ratio_to_best_peer": None,
        "repetitions": covered.size, "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "rate": rate,
        "low": float(ends.low), "high": float(ends.high), "trials": covered.size,
    }  # fmt: skip


def main() -> None:
    """Print one JSON line a case."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
