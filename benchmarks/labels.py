"""How right consensus is, whether its confidence is true, and whether intervals of accuracy cover what is true.

``.venv/bin/python -m benchmarks.labels [--quick]`` prints one JSON object per case. Answers are simulated. The limit of
consensus is who knows how often each annotator is right; its peer is majority.
"""

import resource
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.measuring import print_cases
from benchmarks.workloads.class_crowds import KEPT, ClassCrowd, of_labels, of_truth
from benchmarks.workloads.simulated_crowds import Crowd, Floats, Numbers, around, of
from include.foundation.statistics.estimates import Estimate, share_with_interval, weighted_mean
from include.foundation.statistics.label_noise import true_accuracy
from include.foundation.statistics.latent_classes import dawid_skene, majority
from include.foundation.statistics.votes import Votes

MISSES = 0.05


CROWDS = {
    "20,000 items x 3, a third spammers": (Crowd(20_000, 60, 3, 4, around(18, 2.6, 60, 0.3)), 10),
    "30 items, one of three sloppy": (Crowd(30, 3, 3, 3, of(0.9, 0.87, 0.5)), 1000),
    "five people, one adversarial": (Crowd(200, 5, 5, 3, of(0.85, 0.8, 0.75, 0.7, 0.08)), 200),
    "two answers each": (Crowd(500, 12, 2, 3, around(6, 1.8, 12)), 100),
    "300 people x 3 answers": (Crowd(300, 300, 3, 4, around(9, 3.2, 300)), 100),
    "four items": (Crowd(4, 3, 3, 3, around(8, 2, 3)), 2000),
}
NOISY = {
    "50 items": (Crowd(50, 3, 3, 3, of(0.9, 0.85, 0.8)), 0.85),
    "300 items, weak annotators": (Crowd(300, 3, 3, 3, of(0.8, 0.75, 0.7)), 0.85),
    "300 items, two answers": (Crowd(300, 6, 2, 3, around(17, 3, 6)), 0.85),
    "200 items, model right in 97 %": (Crowd(200, 4, 3, 5, around(17, 3, 4)), 0.97),
    "1,500 items": (Crowd(1500, 6, 3, 3, around(17, 3, 6)), 0.9),
    "300 items, a quarter hard for all": (Crowd(300, 3, 3, 3, of(0.9, 0.85, 0.8), hard=0.25), 0.85),
    "1,500 items, a quarter hard for all": (Crowd(1500, 6, 3, 3, around(17, 3, 6), hard=0.25), 0.9),
}
BY_CLASS = {
    "three annotators, 10 % errors": ClassCrowd((0.1, 0.1)),
    "three annotators, 20 % errors": ClassCrowd((0.2, 0.2)),
    "twenty annotators, 5 to 25 %, rare classes mistaken more often": ClassCrowd((0.05, 0.25), 20, by_class=(0.5, 1.0, 1.6)),
    "twenty annotators, a class of 5 %": ClassCrowd((0.05, 0.25), 20, shares=(0.6, 0.35, 0.05), challenger=(0.95, 0.85, 0.5)),
    "two answers, 15 % errors": ClassCrowd((0.15, 0.15), 6, 2),
    "one answer, 15 % errors: of labels as given": ClassCrowd((0.15, 0.15), 6, 1),
}  # fmt: skip


def consensus(case: str, crowd: Crowd, repetitions: int) -> dict[str, Any]:
    """Return how often labels are wrong, how true their confidence is, and how often those are wrong that are kept.

    Parameters
    ----------
    case
        What it is called.
    crowd
        Who answers.
    repetitions
        How many crowds are drawn.
    """
    wrong: dict[str, list[float]] = {"ours": [], "majority": [], "known": []}
    error: dict[str, list[float]] = {name: [] for name in wrong}
    kept = []
    for seed in range(repetitions):
        answers = crowd.draw(np.random.default_rng([seed, crowd.items]))
        truth, votes = answers.truth, answers.votes
        by_rule = {
            "ours": dawid_skene(votes).probabilities,
            "majority": majority(votes).probabilities,
            "known": _known(votes, answers.accuracy),
        }
        for name, probabilities in by_rule.items():
            right, confidence = _right(probabilities, truth), probabilities.max(axis=1)
            wrong[name].append(1 - float(right.mean()))
            error[name].append(_calibration_error(confidence, right))
            if name == "ours":
                kept.append((float((1 - right[confidence >= KEPT]).sum()), int((confidence >= KEPT).sum())))
    mean, half = float(np.mean(wrong["ours"])), 1.96 * float(np.std(wrong["ours"]) / np.sqrt(repetitions))
    limit = float(np.mean(wrong["known"]))
    line = _line(f"consensus {case}", "share wrong", mean, limit, repetitions, peer=float(np.mean(wrong["majority"])))
    return line | {
        "rate": mean, "low": mean - half, "high": mean + half, "trials": repetitions * crowd.items,
        "calibration_error": float(np.mean(error["ours"])), "calibration_error_majority": float(np.mean(error["majority"])),
        "kept_wrong": sum(bad for bad, _ in kept) / max(1, sum(count for _, count in kept)),
    }  # fmt: skip


def noise(case: str, crowd: Crowd, accuracy: float, repetitions: int) -> dict[str, Any]:
    """Return how often the interval of a model's accuracy misses it: corrected for noise, and on labels as peer.

    Parameters
    ----------
    case
        What it is called.
    crowd
        Who answers.
    accuracy
        Of the model.
    repetitions
        How many crowds are drawn.
    """
    missed, plain_missed, errors = 0, 0, []
    for seed in range(repetitions):
        generator = np.random.default_rng([seed, crowd.items, 1])
        answers = crowd.draw(generator)
        predicted, votes = crowd.predictions(generator, answers, accuracy), answers.votes
        estimate = true_accuracy(votes, predicted, np.ones(crowd.items))
        labels = dawid_skene(votes).probabilities
        kept = labels.max(axis=1) >= KEPT
        share = float((labels.argmax(axis=1) == predicted)[kept].mean())
        plain = share_with_interval(share, float(kept.sum()), int(kept.sum()))
        missed, plain_missed = missed + (not _covers(estimate, accuracy)), plain_missed + (not _covers(plain, accuracy))
        errors.append(((estimate.value or 0.0) - accuracy, share - accuracy))
    bias, plain_bias = 100 * np.mean(errors, axis=0)
    root, plain_root = 100 * np.sqrt(np.mean(np.square(errors), axis=0))
    line = _misses(f"noise {case}", missed, repetitions, peer=plain_missed / repetitions)
    return line | {"bias": bias, "rmse": root, "bias_of_labels": plain_bias, "rmse_of_labels": plain_root}


def by_class(case: str, crowd: ClassCrowd, repetitions: int) -> dict[str, Any]:
    """Return how often intervals of recall by class miss it, and those of a difference of two models; of labels as peer.

    Parameters
    ----------
    case
        What it is called.
    crowd
        Who answers.
    repetitions
        How often rows are drawn.
    """
    recalls, differences, errors = [], [], []
    for seed in range(repetitions):
        drawn = crowd.draw(np.random.default_rng([seed, crowd.annotators, crowd.each]))
        labels, plain = of_labels(drawn)
        ours, difference = of_truth(drawn) or (labels, plain)
        recalls.append(
            [[not _covers(*pair) for pair in zip(each, drawn.recall, strict=True)] for each in (ours, labels)]
        )
        differences.append([not _covers(each, drawn.difference) for each in (difference, plain)])
        pairs = zip(ours, drawn.recall, strict=True)
        errors.append([np.nan if each.value is None else each.value - true for each, true in pairs])
    missed = np.array(recalls, dtype=float)
    trials = repetitions * missed.shape[2]
    line = _misses(f"recall {case}", int(missed[:, 0].sum()), trials, peer=float(missed[:, 1].mean()))
    return line | {
        "missed_by_class": missed[:, 0].mean(axis=0).tolist(), "missed_of_labels_by_class": missed[:, 1].mean(axis=0).tolist(),
        "bias_by_class": (100 * np.nanmean(errors, axis=0)).tolist(), "repetitions": repetitions,
        "difference_missed": float(np.mean(differences, axis=0)[0]),
        "difference_of_labels_missed": float(np.mean(differences, axis=0)[1]),
    }  # fmt: skip


def interval(truth: float, rows: int, spread: float, repetitions: int) -> dict[str, Any]:
    """Return how often the interval of a share misses it.

    Parameters
    ----------
    truth
        The share.
    rows
        How many are drawn, on days of ten each.
    spread
        By how much more the rows of one day may stand for than those of another.
    repetitions
        How many samples are drawn.
    """
    missed = 0
    for seed in range(repetitions):
        generator = np.random.default_rng([seed, rows, int(spread)])
        chances = np.resize(np.repeat(spread ** -generator.random(max(2, rows // 10)), 10), rows)
        missed += not _covers(weighted_mean(generator.random(rows) < truth, chances), truth)
    return _misses(f"interval share={truth} rows={rows} weights={spread:g}", missed, repetitions)


def _known(votes: Votes, accuracy: Floats) -> Floats:
    """Return the probabilities of who knows the annotators: what nobody can beat."""
    share = np.clip(accuracy[votes.annotator], 1e-9, 1 - 1e-9)
    odds = np.log(share * (votes.classes - 1) / (1 - share))
    logs = np.zeros((votes.items, votes.classes))
    np.add.at(logs, (votes.item, votes.label), odds)
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _right(probabilities: Floats, truth: Numbers) -> Floats:
    """Return 1 where the most probable class is the true one; of a tie, its part."""
    is_top = np.isclose(probabilities, probabilities.max(axis=1, keepdims=True))
    return np.asarray(is_top[np.arange(truth.size), truth] / is_top.sum(axis=1))


def _calibration_error(confidence: Floats, right: Floats) -> float:
    bins = np.minimum((confidence * 10).astype(int), 9)
    return float(np.abs(np.bincount(bins, confidence - right, 10)).sum() / right.size)


def _covers(found: Estimate, truth: float) -> bool:
    return found.low is not None and found.high is not None and found.low <= truth <= found.high


def _misses(case: str, missed: int, repetitions: int, peer: float | None = None) -> dict[str, Any]:
    ends = stats.binomtest(missed, repetitions).proportion_ci()
    line = _line(case, "share missed", missed / repetitions, MISSES, repetitions, peer=peer)
    return line | {
        "rate": missed / repetitions,
        "low": float(ends.low),
        "high": float(ends.high),
        "trials": repetitions,
    }


def _line(case: str, unit: str, ours: float, limit: float, repetitions: int, *, peer: float | None) -> dict[str, Any]:
    return {
        "benchmark": "labels", "case": case, "unit": unit, "ours": ours, "limit": limit, "ratio_to_limit": ours / limit,
        "peers": {} if peer is None else {"majority" if "consensus" in case else "labels": peer},
        "ratio_to_best_peer": ours / peer if peer else None, "repetitions": repetitions,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case."""
    part = 20 if quick else 1
    for name, (crowd, repetitions) in CROWDS.items():
        yield consensus(name, crowd, max(1, repetitions // part))
    for name, (crowd, accuracy) in NOISY.items():
        yield noise(name, crowd, accuracy, max(10, 400 // part // (1 + crowd.items // 1000)))
    for name, classes in BY_CLASS.items():
        yield by_class(name, classes, 10 if quick else 300)
    for truth in (0.5, 0.8, 0.95, 0.99):
        for rows in (20, 50, 200, 2000):
            for spread in (1.0, 1000.0):
                yield interval(truth, rows, spread, 2000 // part)


def main() -> None:
    """Print one JSON line a case."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
