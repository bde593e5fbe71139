"""How often a verdict with all of its monitors calls ordinary days drift.

``.venv/bin/python -m benchmarks.verdicts [--quick]`` prints one JSON object. A loop of six numbers, two segments, confidence,
predictions and labels is judged every day by the product's own `detect_drift`, from its store, with the default thresholds.
All days are ordinary: each day's mean of each column, its confidence and its mix of classes are moved by draws.
``false_alarms`` compares single columns with other tools.
"""

import resource
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.measuring import print_cases
from benchmarks.workloads.ordinary_verdicts import daily_verdicts

LIMIT = 0.05
WINDOWS = 150  # of each loop


def case(loops: int, windows: int) -> dict[str, Any]:
    """Return the line of some independent loops, each judged for so many days."""
    flagged = alarms = 0
    monitors: Counter[str] = Counter()
    for seed in range(loops):
        with tempfile.TemporaryDirectory() as folder:
            for verdict in daily_verdicts(Path(folder), windows, np.random.default_rng([seed, windows])):
                flagged += verdict.flagged
                alarms += verdict.outcome == "alarm"
                findings = [*verdict.columns, *verdict.monitors]
                monitors.update(finding.monitor for finding in findings if finding.flagged)
    trials = loops * windows
    rate, interval = flagged / trials, stats.binomtest(flagged, trials).proportion_ci()
    return {
        "benchmark": "verdicts", "case": f"loops={loops} days={windows}", "unit": "share of ordinary windows flagged",
        "ours": rate, "limit": LIMIT, "peers": {}, "ratio_to_limit": rate / LIMIT, "ratio_to_best_peer": None,
        "repetitions": trials, "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rate": rate, "low": float(interval.low), "high": float(interval.high), "trials": trials,
        "alarms": alarms, "alarms_a_year": alarms / trials * 365, "flagged": dict(monitors),
    }  # fmt: skip


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the line of the one case."""
    yield case(1, 30) if quick else case(6, WINDOWS)


def main() -> None:
    """Print one JSON line."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
