"""What else than annotators may say of a label, and what it would do where it is not heard: a model, users, weak signals.

``.venv/bin/python -m benchmarks.voices [--quick]`` prints one JSON object per case. Everything is simulated.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.measuring import print_cases
from include.foundation.statistics.estimates import weighted_mean
from include.foundation.statistics.latent_classes import Consensus, dawid_skene
from include.foundation.statistics.model_prior import ModelPrior
from include.foundation.statistics.votes import Votes
from include.stages.selection.signal_worth import DOUBT, SignalWorth

CLASSES = 5
KEPT = 0.8  # labels.min_confidence
HIDDEN = 0.1  # labeling.hidden_prelabel_share
CORRECTED, USER_RIGHT = 0.4, 0.8  # of a model's errors, and of what users say
SIGNALS, DRAWN, WRONG = 5, 1000, 0.15
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


def model_heard(bias: float, repetitions: int) -> dict[str, Any]:
    """Return how right labels are if a model counts where nobody was shown it, and if it counted everywhere.

    Parameters
    ----------
    bias
        Share of the shown pre-labels that people accept unread.
    repetitions
        Loops of 1,000 rows that three of nine people of 80 % answer.
    """
    errors_of: dict[str, list[list[float]]] = {"people": [], "hidden": [], "everywhere": []}
    for seed in range(repetitions):
        generator = np.random.default_rng([seed, int(100 * bias)])
        truth = generator.integers(0, CLASSES, 1000)
        logits = generator.normal(0, 1, (truth.size, CLASSES)) + 2.2 * np.eye(CLASSES)[truth]
        said = np.exp(1.5 * logits)
        said /= said.sum(axis=1, keepdims=True)
        hidden = generator.random(truth.size) < HIDDEN
        votes = _answers(generator, truth, generator.beta(9.6, 2.4, 9), 3)
        follows = (generator.random(votes.item.size) < bias) & ~hidden[votes.item]
        label = np.where(follows, said.argmax(axis=1)[votes.item], votes.label)
        votes = Votes(votes.item, votes.annotator, label, votes.items, votes.annotators, CLASSES)
        answers = np.bincount(votes.item, minlength=truth.size)
        version = np.zeros(truth.size, dtype=np.int64)
        for name, heard in (("hidden", hidden), ("everywhere", np.ones(truth.size, dtype=bool))):
            prior = ModelPrior(np.where(heard[:, None], said, np.nan), version, answers)
            errors_of[name].append(_of(dawid_skene(votes, model=prior), truth, said.argmax(axis=1)))
        errors_of["people"].append(_of(dawid_skene(votes), truth, said.argmax(axis=1)))
    means = {name: np.mean(each, axis=0) for name, each in errors_of.items()}
    extra = {
        f"{figure}_{name}": float(mean[place])
        for name, mean in means.items()
        for place, figure in enumerate(("wrong", "ece", "models_errors"))
    }
    return _line(f"model heard, bias={bias:g}", "share wrong", extra["wrong_hidden"], repetitions) | extra


def corrections_judge(annotators: tuple[float, ...], repetitions: int) -> dict[str, Any]:
    """Return how much better than it is a challenger would seem if corrections of the live model counted in what judges both.

    Parameters
    ----------
    annotators
        Accuracy of each; everyone answers each of 500 rows.
    repetitions
        Pairs of models of 75 %.
    """
    gaps = []
    for seed in range(repetitions):
        generator = np.random.default_rng([seed, len(annotators)])
        truth = generator.integers(0, CLASSES, 500)
        live, challenger = (_said(generator, truth, 0.75) for _ in range(2))
        votes = _answers(generator, truth, np.array(annotators), len(annotators))
        rows = np.flatnonzero((live != truth) & (generator.random(truth.size) < CORRECTED))
        users = Votes(rows, np.zeros_like(rows), _said(generator, truth[rows], USER_RIGHT), truth.size, 1, CLASSES)
        label = dawid_skene(votes, users).probabilities.argmax(axis=1)
        true_gap = float((challenger == truth).mean() - (live == truth).mean())
        gaps.append(float((challenger == label).mean() - (live == label).mean()) - true_gap)
    error = float(np.std(gaps) / np.sqrt(repetitions))
    case = f"corrections judge, {len(annotators)} of {annotators[0]:g}"
    return _line(case, "points of advantage", 100 * float(np.mean(gaps)), repetitions) | {"standard_error": 100 * error}


def corrections_decide(repetitions: int) -> dict[str, Any]:
    """Return how many of the rows that users corrected get a label from two annotators of 85 %, with users and without.

    Parameters
    ----------
    repetitions
        Loops of 500 rows.
    """
    kept: dict[str, list[float]] = {"with_users": [], "annotators_alone": []}
    right: dict[str, list[float]] = {"with_users": [], "annotators_alone": []}
    for seed in range(repetitions):
        generator = np.random.default_rng([seed, 7])
        truth = generator.integers(0, CLASSES, 500)
        live = _said(generator, truth, 0.75)
        votes = _answers(generator, truth, np.array([0.85, 0.85]), 2)
        rows = np.flatnonzero((live != truth) & (generator.random(truth.size) < CORRECTED))
        users = Votes(rows, np.zeros_like(rows), _said(generator, truth[rows], USER_RIGHT), truth.size, 1, CLASSES)
        for name, found in (("with_users", dawid_skene(votes, users)), ("annotators_alone", dawid_skene(votes))):
            corrected = found.probabilities[rows]
            kept[name].append(float((corrected.max(axis=1) >= KEPT).mean()))
            right[name].append(float((corrected.argmax(axis=1) == truth[rows]).mean()))
    extra = {
        f"{what}_{name}": float(np.mean(each[name]))
        for what, each in (("kept", kept), ("right", right))
        for name in each
    }
    return _line("corrections decide", "share decided", extra["kept_with_users"], repetitions) | extra


def signals(tells: int, repetitions: int) -> dict[str, Any]:
    """Return how often a signal is taken to tell of errors: any of five that do not, or one that does.

    Parameters
    ----------
    tells
        Rows with a signal of which half are wrong; 0 for five signals that tell nothing.
    repetitions
        Loops of 1,000 drawn rows.
    """
    taken = 0
    for seed in range(repetitions):
        generator = np.random.default_rng([seed, tells])
        wrong = generator.random(DRAWN) < WRONG
        groups = [generator.random(DRAWN) < generator.uniform(0.01, 0.2) for _ in range(SIGNALS)]
        outcomes = [wrong[each] for each in groups]
        if tells:
            outcomes = [generator.random(tells) < 0.5]
        level = 1 - DOUBT / SIGNALS
        worths = [SignalWorth("s", "implicit", _share(each, level), float(wrong.mean())) for each in outcomes]
        taken += any(worth.tells_errors for worth in worths)
    ends = stats.binomtest(taken, repetitions).proportion_ci()
    case = f"signal in {tells} rows, half wrong" if tells else "five signals that tell nothing"
    return _line(case, "share taken to tell", taken / repetitions, repetitions) | {"low": ends.low, "high": ends.high}


def _answers(generator: np.random.Generator, truth: Numbers, accuracy: Floats, each: int) -> Votes:
    who = np.argsort(generator.random((truth.size, accuracy.size)), axis=1)[:, :each].ravel()
    item = np.repeat(np.arange(truth.size), each)
    right = generator.random(item.size) < accuracy[who]
    label = np.where(right, truth[item], _wrong(generator, truth[item]))
    return Votes(item, who, label, truth.size, accuracy.size, CLASSES)


def _said(generator: np.random.Generator, truth: Numbers, accuracy: float) -> Numbers:
    return np.where(generator.random(truth.size) < accuracy, truth, _wrong(generator, truth))


def _wrong(generator: np.random.Generator, truth: Numbers) -> Numbers:
    return (truth + generator.integers(1, CLASSES, truth.size)) % CLASSES


def _share(outcomes: NDArray[np.bool_], level: float) -> Any:
    return weighted_mean(outcomes, np.ones(outcomes.size), level)


def _of(consensus: Consensus, truth: Numbers, said: Numbers) -> list[float]:
    """Return the share of wrong labels, the calibration error, and the share that are errors which the model made."""
    label, confidence = consensus.probabilities.argmax(axis=1), consensus.probabilities.max(axis=1)
    right = label == truth
    place = np.minimum((10 * confidence).astype(int), 9)
    parts = [(place == number) for number in range(10) if (place == number).any()]
    off = sum(abs(float(confidence[each].mean() - right[each].mean())) * float(each.mean()) for each in parts)
    return [1 - float(right.mean()), off, float((~right & (label == said)).mean())]


def _line(case: str, unit: str, ours: float, repetitions: int) -> dict[str, Any]:
    return {
        "benchmark": "voices",
        "case": case,
        "unit": unit,
        "ours": ours,
        "limit": None,
        "peers": {},
        "repetitions": repetitions,
    }


def cases(*, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the result of every case."""
    for bias in (0.0, 0.1, 0.2, 0.4):
        yield model_heard(bias, 3 if quick else 40)
    for annotators in ((0.7, 0.7), (0.85, 0.85, 0.85)):
        yield corrections_judge(annotators, 20 if quick else 400)
    yield corrections_decide(20 if quick else 400)
    for tells in (0, 10, 30):
        yield signals(tells, 100 if quick else 1000)


def main() -> None:
    """Print one JSON line a case."""
    print_cases(cases, __doc__)


if __name__ == "__main__":
    main()
