"""How often the gate is wrong over a loop's life, what a decision costs in labels, and whether intervals cover.

``.venv/bin/python -m benchmarks.gate_error [--quick]`` prints one JSON object per case. Labels are simulated; every verdict is
the gate's own, with the default loop file. The peers are the usual rules, on the same simulated labels.
"""

import resource
import statistics
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.measuring import print_cases
from benchmarks.workloads.gate_trials import (
    BUDGET,
    CYCLES,
    GATE,
    THIRD,
    intervals_that_miss,
    labels_to_promote,
    looked_at_after_every_label,
    power,
    unequal_weights,
    usual_rules,
)
from benchmarks.workloads.gated_loops import life
from include.foundation.config.promotion_sections import Gate


def _rate(
    case: str, hits: int, trials: int, limit: float, peers: Mapping[str, float | None] | None = None
) -> dict[str, Any]:
    interval = stats.binomtest(hits, trials).proportion_ci()
    rates = {"rate": hits / trials, "low": float(interval.low), "high": float(interval.high), "trials": trials}
    return _line(case, "share", hits / trials, limit, peers or {}, trials) | rates


def _line(
    case: str, unit: str, ours: float, limit: float | None, peers: Mapping[str, float | None], repetitions: int
) -> dict[str, Any]:
    best = min((figure for figure in peers.values() if figure is not None), default=None)
    return {
        "benchmark": "gate_error", "case": case, "unit": unit, "ours": ours, "limit": limit, "peers": dict(peers),
        "ratio_to_limit": ours / limit if limit else None, "ratio_to_best_peer": ours / best if best else None,
        "repetitions": repetitions, "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def _lives(
    case: str, kind: str, loops: int, cycles: int, peers: Mapping[str, float | None] | None = None
) -> dict[str, Any]:
    lives = [life(GATE, kind, cycles, np.random.default_rng([seed, cycles])) for seed in range(loops)]
    line = _rate(f"equal {case}, {cycles} cycles", sum(one.is_ever_wrong for one in lives), loops, BUDGET, peers)
    return line | {"labels": statistics.mean(one.labels for one in lives)}


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case."""
    loops, trials, streams = (12, 40, 300) if quick else (400, 1000, 2000)
    peers = {name: wrong / loops for name, wrong in usual_rules(loops).items()}
    yield _lives("challengers", "plain", loops, CYCLES, peers)
    yield _lives("challengers", "plain", 2 if quick else loops // 4, 10 * CYCLES)
    yield _lives("and wrong labels, 10 %", "noise", loops, CYCLES)
    yield _lives("volumes 100 times apart", "volumes", loops, CYCLES)
    yield _lives("learners trained on what verdicts selected", "learners", max(2, loops // 4), CYCLES)
    for cycles in (CYCLES, 10 * CYCLES):
        looked = max(5, loops * CYCLES // cycles)
        crossed = looked_at_after_every_label(looked, cycles)
        yield _rate(f"equal looked at after every label, {cycles} cycles", crossed, looked, BUDGET)
    yield _rate("worse by the margin, rows of unequal weight", unequal_weights(10 * trials), 10 * trials, BUDGET)
    for gain, nth in (
        (0.02, 1),
        (0.02, THIRD),
        (0.02, CYCLES),
        (0.04, THIRD),
        (0.04, CYCLES),
        (0.0, THIRD),
        (0.0, CYCLES),
    ):
        judged = power(
            gain, nth, trials if gain else 3 * trials
        )  # labels of challengers that are no better differ widely
        name = f"power +{100 * gain:g} nth={nth}" if gain else f"equal one challenger nth={nth}"
        yield _rate(name, judged.promoted, judged.trials, 1.0 if gain else BUDGET) | {
            "labels": judged.labels,
            "rounds": judged.rounds,
        }
    for days in (28, 14):
        drifted = power(0.06, THIRD, trials, drifted=days, gate=Gate(evidence_days=days))
        case = f"power +6 after drift nth={THIRD}, {days} days ago, evidence_days={days}"
        yield _rate(case, drifted.promoted, trials, 1.0) | {"labels": drifted.labels, "rounds": drifted.rounds}
    for disagreement in (0.05, 0.10, 0.20):
        for gain in (0.02, 0.04):
            cost = labels_to_promote(gain, disagreement, trials // 2)
            case = f"labels to promote, disagreement {disagreement:.0%}, true gain {100 * gain:g} points"
            line = _line(
                case, "labels, median", cost.disagreement, cost.optimal, {"random rows": cost.random}, trials // 2
            )
            yield line | {"decided": cost.decided, "trials": cost.trials}
    yield _rate("95 % interval misses, uneven probabilities", intervals_that_miss(streams), streams, 0.07)


def main() -> None:
    """Print one JSON line a case."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
