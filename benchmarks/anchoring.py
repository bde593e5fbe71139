"""Whether the interval of how much people follow shown pre-labels covers what they do.

``.venv/bin/python -m benchmarks.anchoring [--quick]`` prints one JSON object per case. Simulated people accept a share
(``bias``) of the pre-labels that they see and answer for themselves otherwise: how much more often their answers are the
pre-label is known. Its peer takes all answers for independent, as a test of two shares does.
"""

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.measuring import print_cases
from include.foundation.statistics.anchoring import followed

CLASSES = 5
SKILLS = (0.9, 0.85, 0.75)
HARD, HARDER = 0.2, 0.3  # share of requests on which everyone is right less often, and by how much
BIASES = (0.0, 0.1, 0.2, 0.4)
MISSES = 0.05


@dataclass(frozen=True)
class Asked:
    """Requests whose pre-label is right in ``right``, and hidden of a share of them."""

    requests: int
    hidden: float
    right: float


SETTINGS = (
    Asked(100, 0.1, 0.9),
    Asked(300, 0.1, 0.6),
    Asked(300, 0.1, 0.97),
    Asked(300, 0.5, 0.9),
    Asked(2000, 0.1, 0.9),
)


@dataclass(frozen=True)
class Answers:
    """Which answers are the pre-label, which were given seeing it, and to which request."""

    gave: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    request: NDArray[np.int64]


def answers(generator: np.random.Generator, asked: Asked, bias: float) -> Answers:
    """Return what three people answer.

    Parameters
    ----------
    generator
        Of random numbers.
    asked
        What they are asked.
    bias
        Share of the pre-labels they see that they accept unread.
    """
    requests, numbers = asked.requests, np.arange(asked.requests)
    truth = generator.integers(0, CLASSES, requests)
    prelabel = np.where(generator.random(requests) < asked.right, truth, _wrong(generator, truth))
    is_shown, is_hard = generator.random(requests) >= asked.hidden, generator.random(requests) < HARD
    gave = []
    for skill in SKILLS:
        knows = generator.random(requests) < skill + HARDER * (HARD - is_hard)
        own = np.where(knows, truth, _wrong(generator, truth))
        accepts = is_shown & (generator.random(requests) < bias)
        gave.append(np.where(accepts, prelabel, own) == prelabel)
    return Answers(np.concatenate(gave), np.tile(is_shown, len(SKILLS)), np.tile(numbers, len(SKILLS)))


def difference(asked: Asked, bias: float) -> float:
    """Return by how much more often an answer is the pre-label if it is shown: a share of what would be another answer.

    Parameters
    ----------
    asked
        What is asked.
    bias
        Of those who answer.
    """
    skill = float(np.mean(SKILLS))
    alone = asked.right * skill + (1 - asked.right) * (1 - skill) / (CLASSES - 1)
    return bias * (1 - alone)


def case(bias: float, repetitions: int) -> dict[str, Any]:
    """Return how often intervals cover what people do, over all settings, and the least and the most of one setting.

    Where too few requests hid the pre-label there is no interval, and nothing is counted.

    Parameters
    ----------
    bias
        Share of the pre-labels they see that people accept unread.
    repetitions
        How often each setting is drawn.
    """
    covered: list[list[bool]] = []
    of_peer: list[bool] = []
    widths: list[float] = []
    for number, asked in enumerate(SETTINGS):
        truth = difference(asked, bias)
        covered.append([])
        for seed in range(repetitions):
            voices = answers(np.random.default_rng([seed, number, int(100 * bias)]), asked, bias)
            chance = np.full(voices.gave.size, 1 - asked.hidden)
            estimate = followed(voices.gave, voices.shown, chance, voices.request).difference
            if estimate.low is not None and estimate.high is not None:
                covered[-1].append(estimate.low <= truth <= estimate.high)
                of_peer.append(_independent_covers(voices, truth))
                widths.append(estimate.high - estimate.low)
    trials, rates = sum(map(len, covered)), [float(np.mean(each)) for each in covered]
    rate, peer = sum(map(sum, covered)) / trials, float(np.mean(of_peer))
    ends = stats.binomtest(sum(map(sum, covered)), trials).proportion_ci()
    return {
        "benchmark": "anchoring", "case": f"bias={bias:g}", "unit": "share covered", "ours": rate, "limit": 1 - MISSES,
        "ratio_to_limit": rate / (1 - MISSES), "peers": {"independent answers": peer}, "ratio_to_best_peer": rate / peer,
        "rate": rate, "low": float(ends.low), "high": float(ends.high), "trials": trials, "repetitions": repetitions,
        "least_of_a_setting": min(rates), "most_of_a_setting": max(rates),
        "unknown": 1 - trials / repetitions / len(SETTINGS), "width": float(np.mean(widths)),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def _independent_covers(voices: Answers, truth: float) -> bool:
    """Tell whether Wald's interval of two independent shares covers the truth."""
    shares = [voices.gave[arm] for arm in (voices.shown, ~voices.shown)]
    value = shares[0].mean() - shares[1].mean()
    half = 1.96 * np.sqrt(sum(each.mean() * (1 - each.mean()) / each.size for each in shares))
    return bool(abs(value - truth) <= half)


def _wrong(generator: np.random.Generator, truth: NDArray[np.int64]) -> NDArray[np.int64]:
    return (truth + generator.integers(1, CLASSES, truth.size)) % CLASSES


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case."""
    for bias in BIASES:
        yield case(bias, 200 if quick else 2000)


def main() -> None:
    """Print one JSON line a case."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
