"""How often the guard rolls back a champion that is no worse than its predecessor, and how soon it finds one that became so.

``.venv/bin/python -m benchmarks.guard [--quick]`` prints one JSON object per case. Days are simulated, 1,000 rows each; what is
asked, how answers become evidence and when it is enough are the guard's own. Labels are back two days after their rows were
served. The peer adds the same bets up since the deployment, never begun anew.
"""

import argparse
import json
import math
import resource
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from include.foundation.config.promotion_sections import Deploy, Gate
from include.foundation.decisions import ComparedDay
from include.foundation.statistics.e_detectors import ChangeBets, shortfall_days
from include.foundation.statistics.e_values import BETS
from include.stages.deployment.paired_evidence import JudgedDay, watched_day
from include.stages.deployment.watching import labels_to_ask

DEPLOY, NEEDED = Deploy(), 1 / Gate().error_budget
ROWS, RANDOM, LAG = 1000, 12, 2
ACCURACY, DIFFER, BOTH_WRONG = 0.85, 0.10, 0.15
YEAR, SOON = 365, 30
NEVER = math.inf


@dataclass(frozen=True)
class Traffic:
    """What a day is like: how accurate the champion is, on which share both differ, and how much better the predecessor is."""

    accuracy: float = ACCURACY
    differ: float = DIFFER
    deficit: float = 0.0

    @property
    def outcomes(self) -> list[float]:
        """Among rows on which both differ: only the predecessor is right, only the champion is, neither is."""
        decided = self.differ * (1 - BOTH_WRONG)
        apart = np.array([decided + self.deficit, decided - self.deficit, 2 * self.differ * BOTH_WRONG]) / 2
        return list(apart / apart.sum())


@dataclass(frozen=True)
class Life:
    """When the guard rolled a champion back, the peer would have, and its promise was missed; and labels asked for a day."""

    broken: float
    peer: float
    missed: float
    labels: float


def live(days: Sequence[Traffic], generator: np.random.Generator) -> Life:
    """Let a champion live until it is rolled back, and return what became of it; it promised what the first day is like."""
    paired, random, accumulated = ChangeBets(), ChangeBets(), np.zeros(BETS.size)
    floor = days[0].accuracy - 0.03 - DEPLOY.max_drop  # the lower end of its interval, less what is allowed
    waiting: list[JudgedDay] = []
    peer = missed = NEVER
    asked = 0
    for today, traffic in enumerate(days, start=1):
        differing = int(generator.binomial(ROWS, traffic.differ))
        drawn = min(labels_to_ask(DEPLOY, paired.evidence), differing)
        asked += drawn
        values = generator.choice([-1.0, 1.0, 0.0], drawn, p=traffic.outcomes).tolist()
        waiting.append(JudgedDay(_compared(today, differing), tuple(values), (None,) * len(values)))
        right = (generator.random(RANDOM) < traffic.accuracy).astype(float)
        (shortfall,) = shortfall_days(right, [RANDOM / ROWS] * RANDOM, [today] * RANDOM, floor)
        random = random.after(shortfall)
        if missed == NEVER and random.evidence.e_value >= NEEDED:
            missed = today
        if len(waiting) > LAG:
            back = watched_day(waiting[-1 - LAG], DEPLOY.max_drop)
            paired = paired.after(back)
            accumulated += np.log1p(np.outer(BETS / max(back.worst, 1.0), np.array(back.excess))).sum(axis=1)
            peer = min(peer, today if np.exp(accumulated).mean() >= NEEDED else NEVER)
        if paired.evidence.e_value >= NEEDED:
            return Life(today, peer, missed, asked / today)
    return Life(NEVER, peer, missed, asked / len(days))


def changed(after: Traffic, day: int, length: int, before: Traffic | None = None) -> list[Traffic]:
    """Return days of which those from one on are otherwise.

    Parameters
    ----------
    after, day
        What they are like, and the number of the first of them, from 1.
    length
        How many days in all.
    before
        What the others are like; ordinary by default.
    """
    return [before or Traffic()] * (day - 1) + [after] * (length - day + 1)


def harder(points: int, day: int = SOON) -> list[Traffic]:
    """Return a year in which traffic gets harder for both; they differ more then, and the champion stays 2 points better."""
    before = Traffic(deficit=-0.02)
    after = replace(before, accuracy=ACCURACY - points / 100, differ=DIFFER + points / 200)
    return changed(after, day, YEAR, before)


def dropped(points: int, day: int, differ: float = DIFFER) -> list[Traffic]:
    """Return days of which, from one on, the champion errs on rows that its equally good predecessor gets right.

    Parameters
    ----------
    points
        On how many rows in a hundred.
    day
        From which on, from 1; 30 days follow.
    differ
        Share of rows on which the two differ before.
    """
    loss = points / 100
    after = Traffic(ACCURACY - loss, differ + 0.8 * loss, loss)
    return changed(after, day, day + SOON - 1, Traffic(differ=differ))


def _compared(number: int, differing: int) -> ComparedDay:
    return ComparedDay(
        subject=f"day {number}", outcome="compared", reasons=(), deployment="d", number=number, day="2026-11-01", champion="2",
        predecessor="1", rows=ROWS, differing=differing, drawn=(),
    )  # fmt: skip


def _line(case: str, lives: Sequence[Life], *, since: int = 0, limit: float | None = None) -> dict[str, Any]:
    trials, hits = len(lives), sum(since <= life.broken < NEVER for life in lives)
    interval = stats.binomtest(hits, trials).proportion_ci()
    waited = float(np.median([life.broken for life in lives])) - since + 1
    peer = sum(since <= life.peer < NEVER for life in lives) / trials
    return {
        "benchmark": "guard",
        "case": case,
        "unit": "share rolled back",
        "ours": hits / trials,
        "limit": limit,
        "peers": {"accumulated since the deployment": peer},
        "ratio_to_limit": hits / trials / limit if limit else None,
        "ratio_to_best_peer": hits / trials / peer if peer else None,
        "rate": hits / trials,
        "low": float(interval.low),
        "high": float(interval.high),
        "trials": trials,
        "median_days": waited if since and math.isfinite(waited) else None,
        "labels_a_day": float(np.mean([life.labels for life in lives])),
        "missed_promise": sum(life.missed < NEVER for life in lives) / trials,
        "repetitions": trials,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case."""
    trials, generator = 20 if quick else 400, np.random.default_rng(0)

    def played(days: Sequence[Traffic]) -> list[Life]:
        return [live(days, generator) for _ in range(trials)]

    still = {
        "equal": Traffic(),
        "equal, differ on 20 %": Traffic(differ=0.2),
        "2 points better": Traffic(deficit=-0.02),
    }
    for name, traffic in still.items():
        yield _line(f"unchanged for a year, {name}", played([traffic] * YEAR), limit=0.01)
    at_the_bound = played([Traffic(deficit=DEPLOY.max_drop)] * YEAR)
    yield _line("unchanged for a year, worse by what is allowed", at_the_bound, limit=1 / NEEDED)
    for points in (5, 10, 15):
        yield _line(f"traffic +{points} points harder for both", played(harder(points)), limit=0.01)
    for points in (5, 10, 15):
        for day in (1, 30, 180):
            yield _line(f"drop {points} day={day}, found in {SOON} days", played(dropped(points, day)), since=day)
    yield _line("drop 10 day=180, differ on 30 %", played(dropped(10, 180, differ=0.3)), since=180)


def main() -> None:
    """Print one JSON line a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller work, within a minute")
    for line in cases(quick=parser.parse_args().quick):
        print(json.dumps(line))


if __name__ == "__main__":
    main()
