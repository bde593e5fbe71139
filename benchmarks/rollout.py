"""How often a roll-out refuses a challenger that is as good as is allowed, and how often one that is not.

``.venv/bin/python -m benchmarks.rollout [--quick]`` prints one JSON object per case. Live requests are simulated; what they
tell is said by the gate's own rule, which looks after every 200 of them. The peer refuses whatever is above its bound.
"""

import argparse
import json
import resource
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import stats

from include.foundation.config.promotion_sections import Shadow
from include.foundation.statistics.estimates import share_with_interval
from include.stages.evaluation.live_requests import PATIENCE, live_outcome

SHADOW, EACH = Shadow(uri="shadow"), 200
OVER = {"fit", "failing"}


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
    """Yield the result of every case."""
    trials, generator = 200 if quick else 4000, np.random.default_rng(0)
    for times, limit in ((0.2, 0.01), (0.5, 0.01), (1.0, None), (2.0, None), (3.0, None)):
        ended = [shadowed(times * SHADOW.max_failures, generator) for _ in range(trials)]
        refused = sum(outcome == "failing" for outcome, *_ in ended)
        peer = sum(at_once for _, at_once, _ in ended) / trials
        interval = stats.binomtest(refused, trials).proportion_ci()
        yield {
            "benchmark": "rollout", "case": f"shadow, fails {times:g} times as often as allowed", "unit": "share refused",
            "ours": refused / trials, "limit": limit, "peers": {"above the bound once": peer},
            "ratio_to_limit": refused / trials / limit if limit else None,
            "ratio_to_best_peer": refused / trials / peer if peer else None,
            "rate": refused / trials, "low": float(interval.low), "high": float(interval.high), "trials": trials,
            "median_requests": float(np.median([rows for *_, rows in ended])), "repetitions": trials,
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }  # fmt: skip


def main() -> None:
    """Print one JSON line a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller work, within a minute")
    for told in cases(quick=parser.parse_args().quick):
        print(json.dumps(told))


if __name__ == "__main__":
    main()
