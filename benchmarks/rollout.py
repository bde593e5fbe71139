"""How often a roll-out refuses or stops a version that is as good as is allowed, and how often one that is not.

``.venv/bin/python -m benchmarks.rollout [--quick]`` prints one JSON object per case. Live requests are simulated.
A challenger in shadow is judged by the gate's own rule after every 200 requests; its peer refuses whatever is above its bound.
A canary is looked at once a day: labels of rows that both would answer differently come back two days later, as many as the
guard asks for, and it is *stopped* before it is live, or not. Its sample ratio holds it; the peer holds it for any p-value
below 0.05.
"""

import argparse
import json
import resource
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.guard import DIFFER, LAG, NEEDED, Traffic
from include.foundation.config.promotion_sections import Deploy, Shadow
from include.foundation.decisions import ComparedDay
from include.foundation.decisions.guard_verdict import CanaryTraffic
from include.foundation.statistics.e_detectors import ChangeBets
from include.foundation.statistics.estimates import share_with_interval
from include.stages.deployment.canary_traffic import is_mismatch, ratio_p_value
from include.stages.deployment.paired_evidence import JudgedDay, watched_day
from include.stages.deployment.watching import labels_to_ask
from include.stages.evaluation.live_requests import PATIENCE, live_outcome

SHADOW, EACH = Shadow(uri="shadow"), 200
OVER = {"fit", "failing"}
CALLERS = 10_000  # a day


def shadowed(failing: float, generator: np.random.Generator) -> tuple[str, bool, int]:
    """Ask a challenger about live requests until it is fit or refused.

    Parameters
    ----------
    failing
        With which probability it fails on one.
    generator
        Of chance.

    Returns
    -------
    tuple
        What the gate says of it, whether a share above its bound refused it at once, and how many requests it took.
    """
    counts = np.cumsum(generator.binomial(EACH, failing, PATIENCE * SHADOW.requests // EACH))
    at_once = next(count / (EACH * look) > SHADOW.max_failures for look, count in enumerate(counts, 1))
    none = share_with_interval(0.0, EACH, EACH)
    for look, count in enumerate(counts, start=1):
        rows = EACH * look
        outcome = live_outcome(SHADOW, rows, share_with_interval(count / rows, rows, rows), none)
        if outcome in OVER:
            return outcome, at_once, rows
    raise AssertionError("it is over by ten times as many requests")


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case of challengers in shadow."""
    trials, generator = 200 if quick else 4000, np.random.default_rng(0)
    for times, limit in ((0.2, 0.01), (0.5, 0.01), (1.0, None), (2.0, None), (3.0, None)):
        ended = [shadowed(times * SHADOW.max_failures, generator) for _ in range(trials)]
        refused = sum(outcome == "failing" for outcome, *_ in ended)
        peer = sum(at_once for _, at_once, _ in ended) / trials
        yield _line(
            f"shadow, fails {times:g} times as often as allowed", "share refused", refused, trials, limit,
            {"above the bound once": peer}, median_requests=float(np.median([rows for *_, rows in ended])),
        )  # fmt: skip


def held_for_its_ratio(step_days: int, generator: np.random.Generator) -> tuple[bool, bool]:
    """Serve a canary to the callers that it should be served to; return whether its sample ratio ever held it, and the peer."""
    p_values, is_held, shares = [], False, Deploy().canary.shares[:-1]
    for look, share in enumerate((share for share in shares for _ in range(step_days)), start=1):
        rows = int(generator.binomial(CALLERS, share))
        p_values.append(ratio_p_value(CALLERS, rows, share) or 0.0)
        seen = CanaryTraffic(
            requests=rows, served=CALLERS - rows, callers=CALLERS, by_canary=rows, by_both=0, failures=0,
            served_failures=0, p_value=p_values[-1],
        )  # fmt: skip
        is_held = is_held or is_mismatch(seen, look)
    return is_held, min(p_values) < 0.05


def is_stopped(points: int, step_days: int, generator: np.random.Generator) -> bool:
    """Serve a canary step by step, and return whether labels stop it before it is live.

    Parameters
    ----------
    points
        By how many in a hundred its accuracy is below that of what is live.
    step_days
        How long a step lasts.
    generator
        Of chance.
    """
    deploy = Deploy()
    differ = max(DIFFER, 0.02 * points)
    outcomes = Traffic(differ=differ, deficit=points / 100).outcomes
    bets, waiting, day = ChangeBets(), list[JudgedDay](), 0
    for share in deploy.canary.shares[:-1]:
        for _ in range(step_days):
            day += 1
            rows = int(generator.binomial(CALLERS, share))
            differing = int(generator.binomial(rows, differ))
            drawn = min(labels_to_ask(deploy, bets.evidence), differing)
            values = generator.choice([-1.0, 1.0, 0.0], drawn, p=outcomes).tolist()
            compared = ComparedDay(
                subject=f"day {day}", outcome="compared", reasons=(), deployment="d", number=day, day="2026-11-01",
                champion="2", predecessor="1", rows=rows, differing=differing, drawn=(),
            )  # fmt: skip
            waiting.append(JudgedDay(compared, tuple(values), (None,) * drawn))
            if len(waiting) > LAG:
                bets = bets.after(watched_day(waiting[-1 - LAG], deploy.max_drop))
            if bets.evidence.e_value >= NEEDED:
                return True
    return False


def canary_cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case of canaries."""
    trials, generator = 50 if quick else 1000, np.random.default_rng(1)
    for points, step_days in ((0, 1), (0, 7), (5, 1), (5, 3), (5, 7), (5, 14), (10, 3), (10, 7)):
        hits = sum(is_stopped(points, step_days, generator) for _ in range(trials))
        case = f"canary, {points} points worse, steps of {step_days} d"
        yield _line(case, "share stopped", hits, trials, None if points else 1 / NEEDED, {})
    for step_days in (1, 7):
        held = [held_for_its_ratio(step_days, generator) for _ in range(20 * trials)]
        hits, peer = (sum(each) for each in zip(*held, strict=True))
        peers = {"p below 0.05 once": peer / len(held)}
        yield _line(f"canary, sample ratio, steps of {step_days} d", "share held", hits, len(held), 0.01, peers)


def _line(
    case: str, unit: str, hits: int, trials: int, limit: float | None, peers: dict[str, float], **more: float
) -> dict[str, Any]:
    interval, rate, best = stats.binomtest(hits, trials).proportion_ci(), hits / trials, min(peers.values(), default=0)
    return {
        "benchmark": "rollout", "case": case, "unit": unit, "ours": rate, "limit": limit, "peers": peers,
        "ratio_to_limit": rate / limit if limit else None, "ratio_to_best_peer": rate / best if best else None,
        "rate": rate, "low": float(interval.low), "high": float(interval.high), "trials": trials, **more,
        "repetitions": trials, "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def main() -> None:
    """Print one JSON line a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller work, within a minute")
    quick = parser.parse_args().quick
    for told in chain(cases(quick=quick), canary_cases(quick=quick)):
        print(json.dumps(told))


if __name__ == "__main__":
    main()
