"""Whether estimates and verdicts are of production's rows, where contents are served again and again and where people err.

``.venv/bin/python -m benchmarks.population [--quick]`` prints one JSON object per case. Every loop is played by the product's
own selection, store, reader of draws, evaluation and gate; contents are as frequent as Zipf's law says, and frequent ones are
easier or harder than rare ones. ``rate`` is the share of 95 % intervals that miss the accuracy of the rows that were served, or
of loops that promote a challenger which is worse over those rows although it is better over contents.

``raters …``: a tabular loop that twenty annotators label, three a row, who err in 5 to 25 %, in rare classes more often; three
cycles, and all that is stated with a 95 % interval against what is true. ``of_labels`` is the share that misses where the same
is stated of labels.
"""

import resource
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.measuring import print_cases
from benchmarks.workloads.rater_loop import RaterLoop, Stated
from benchmarks.workloads.repeating_loop import RepeatingLoop, Traffic
from include.foundation.decisions import GateVerdict
from include.foundation.statistics.estimates import Estimate
from include.stages.evaluation.comparing import evaluate
from include.stages.gate.evidence_rounds import request_evidence
from include.stages.gate.judging import judge
from include.stages.labels.dataset_publishing import publish_in_attempt
from include.stages.labels.datasets import read_dataset

EASIER = Traffic(contents=2000, rows=250, days=12, frequent=0.95, rare=0.80)
HARDER = replace(EASIER, frequent=0.75, rare=0.95)
FEW = replace(HARDER, contents=400, days=60)
LEARNS = replace(EASIER, by_heart=True, mislabeled=0.03)
LEARNS_ERRORS = replace(EASIER, by_heart=True, mislabeled=0.1, challenger_rare=-0.22)
WORSE = replace(HARDER, challenger_frequent=-0.12, challenger_rare=0.9)
BLOCK = 12  # days that one estimate is of
MISSED, PROMOTED = 0.05, 0.05
OF_LABELS = ", of labels"
Pair = tuple[Estimate, float]  # what is said, and what is true


def estimates(case: str, traffic: Traffic, loops: int) -> dict[str, Any]:
    """Return the line of some loops whose estimates are held against what was served.

    Parameters
    ----------
    case
        Its name.
    traffic
        What is served.
    loops
        How many are played.
    """
    pairs: list[Pair] = []
    drawn, paid, dry = 0, 0, 0
    for seed in range(loops):
        with tempfile.TemporaryDirectory() as folder:
            loop = RepeatingLoop(Path(folder), traffic, seed)
            daily = loop.play()
            drawn, dry = drawn + sum(daily), dry + daily.count(0)
            paid += loop.store.read("requests", filters=[("stratum", "=", "random")]).num_rows
            blocks = [(first, first + BLOCK) for first in range(0, traffic.days, BLOCK)]
            pairs += [(loop.live_score(*days), loop.true_score(*days)) for days in blocks]
    missed = sum(not _covers(*pair) for pair in pairs)
    counts = {"drawn": drawn, "labels_paid": paid, "dry_days": dry}
    return _line(case, "share of intervals that miss", missed, len(pairs), MISSED) | _accuracy(pairs) | counts


def verdicts(case: str, traffic: Traffic, loops: int, limit: float = PROMOTED) -> dict[str, Any]:
    """Return the line of some loops in which a challenger is judged until it is decided.

    Parameters
    ----------
    case
        Its name.
    traffic
        What is served, and how the challenger differs.
    loops
        How many are played.
    limit
        Share that may be promoted, or is to be.
    """
    pairs: list[Pair] = []
    promoted, gains = 0, []
    for seed in range(loops):
        with tempfile.TemporaryDirectory() as folder:
            loop = RepeatingLoop(Path(folder), traffic, seed)
            loop.play()
            verdict = _decided(loop)
            truth = loop.true_challenger_score()
            promoted += verdict.outcome == "promote"
            pairs.append((verdict.scores.challenger, truth))
            gains.append(truth - loop.true_champion_score())
    return (
        _line(case, "share promoted", promoted, loops, limit)
        | _accuracy(pairs)
        | {"gain_over_rows": 100 * float(np.mean(gains))}
    )


def raters(loops: int, cycles: int) -> Iterator[dict[str, Any]]:
    """Yield a line of each figure that loops state whose annotators err, and one of whether anything truly worse went live.

    Parameters
    ----------
    loops, cycles
        How many loops are played, and cycles of each.
    """
    stated: list[Stated] = []
    gains: list[float] = []
    for seed in range(loops):
        with tempfile.TemporaryDirectory() as folder:
            loop = RaterLoop(Path(folder), seed)
            for cycle in range(cycles):
                stated += loop.play(cycle)
            stated += loop.live_scores()
            gains += loop.gains
    by_name: dict[str, list[Pair]] = {}
    for name, said, truth in stated:
        by_name.setdefault(name, []).append((said, truth))
    for name in [name for name in by_name if not name.endswith(OF_LABELS)]:
        pairs, of_labels = by_name[name], by_name.get(name + OF_LABELS, [])
        missed = sum(not _covers(*pair) for pair in pairs)
        plain = sum(not _covers(*pair) for pair in of_labels) / len(of_labels) if of_labels else None
        line = _line(f"raters {name}", "share of intervals that miss", missed, len(pairs), MISSED)
        yield line | _accuracy(pairs) | {"of_labels": plain}
    worse = sum(gain < 0 for gain in gains)
    line = _line("raters worse challenger", "share of promotions that are worse", worse, max(1, len(gains)), PROMOTED)
    yield line | {"gain_over_rows": 100 * float(np.mean(gains or [0.0]))}


def _decided(loop: RepeatingLoop) -> GateVerdict:
    champion, challenger = loop.models()
    while True:
        name = publish_in_attempt(loop.store, 2).subject
        verdict = judge(loop.store, evaluate(loop.store, read_dataset(loop.store, name), name, champion, challenger))
        if verdict.outcome != "label_more" or not request_evidence(loop.store, verdict, champion, challenger).requests:
            return verdict
        loop.answer()


def _covers(estimate: Estimate, truth: float) -> bool:
    return estimate.low is not None and estimate.high is not None and estimate.low <= truth <= estimate.high


def _accuracy(pairs: Sequence[Pair]) -> dict[str, float]:
    """Return by how many points estimates are off in the mean, with its interval, and the share of intervals that cover."""
    errors = 100 * np.array([(estimate.value or 0.0) - truth for estimate, truth in pairs])
    bias, half = float(errors.mean()), 1.96 * float(errors.std()) / np.sqrt(errors.size)
    coverage = sum(_covers(*pair) for pair in pairs) / len(pairs)
    return {"bias": bias, "bias_low": bias - half, "bias_high": bias + half, "coverage": coverage}


def _line(case: str, unit: str, wrong: int, trials: int, limit: float) -> dict[str, Any]:
    rate, interval = wrong / trials, stats.binomtest(wrong, trials).proportion_ci()
    return {
        "benchmark": "population", "case": case, "unit": unit, "ours": rate, "limit": limit, "peers": {},
        "ratio_to_limit": rate / limit, "ratio_to_best_peer": None, "repetitions": trials,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "rate": rate, "low": float(interval.low),
        "high": float(interval.high), "trials": trials,
    }  # fmt: skip


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case."""
    short, long, judged = (2, 1, 1) if quick else (60, 15, 80)
    yield estimates("repeats easier, 12 days", EASIER, short)
    yield estimates("repeats harder, 12 days", HARDER, short)
    yield estimates("repeats harder, reports", replace(HARDER, reported=0.1), short)
    yield estimates("repeats harder, uneven days and budgets", replace(HARDER, is_uneven=True), short)
    yield estimates("repeats harder, quotas", replace(HARDER, quota=3), short)
    yield estimates("repeats harder, pre-labels accepted", replace(HARDER, accepted=0.3), short)
    if not quick:
        yield estimates("repeats easier, 60 days", replace(EASIER, days=60), long)
    yield estimates("repeats harder, 60 days of 400 contents", FEW if not quick else replace(FEW, days=24), long)
    yield from raters(*((1, 2) if quick else (12, 3)))
    yield verdicts("worse challenger over rows, better over contents", WORSE, judged)
    yield verdicts("worse challenger that learns a tenth of wrong labels by heart", LEARNS_ERRORS, judged)
    yield verdicts("better challenger that learns by heart", LEARNS, judged, limit=1.0)


def main() -> None:
    """Print one JSON line a case."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
