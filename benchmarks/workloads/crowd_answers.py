"""Many tasks that a few annotators each answered, some of them spammers, beside a model that is too sure of itself."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CLASSES = 10
ANNOTATORS = 200
EACH = 3
SPAMMERS = 0.1  # share of annotators who answer by chance
SKILLS = (0.69, 0.92)  # between which the accuracies of the others lie
SIBLINGS = 0.5  # share of errors that are the class which is most alike: 0 and 1, 2 and 3 …
PEAK, SIBLING_PEAK = (
    2.9,
    1.05,
)  # by how many standard deviations the model's signal of the true class, and of its sibling, stands out
SURE = 2.0  # times the log-probabilities that would be right
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class CrowdAnswers:
    """What is true, who said what of which task, what the model says, and what would be right to think.

    Attributes
    ----------
    truth
        The class of each task, int64, (tasks,).
    item, annotator, label
        Of each answer, int64, (answers,).
    probabilities
        The model's, (tasks, classes): in the right order, and too sure.
    known_alone, known
        The probabilities of who knows the confusion matrices: from the answers, and from answers and model. Nobody is better.
    """

    truth: Numbers
    item: Numbers
    annotator: Numbers
    label: Numbers
    probabilities: Floats
    known_alone: Floats
    known: Floats


def crowd_answers(tasks: int, seed: int = 0) -> CrowdAnswers:
    """Return answers to some tasks.

    Examples
    --------
    >>> answers = crowd_answers(100)
    >>> answers.item.size, answers.probabilities.shape
    (300, (100, 10))
    """
    generator = np.random.default_rng([seed, tasks])
    truth = generator.integers(0, CLASSES, tasks)
    asked = np.concatenate([_some(generator, min(10_000, tasks - start)) for start in range(0, tasks, 10_000)])
    item, who = np.repeat(np.arange(tasks), EACH), asked.ravel()
    confusion = _confusion(generator)
    said = (generator.random(item.size)[:, None] > confusion.cumsum(axis=2)[who, truth[item]]).sum(axis=1)
    label = said.clip(max=CLASSES - 1)
    logs = np.log(confusion[who, :, label]).reshape(tasks, EACH, CLASSES).sum(axis=1)
    evidence = _model(generator, truth)
    return CrowdAnswers(
        truth, item, who, label, _shares(SURE * evidence), _shares(logs), _shares(logs + evidence)
    )  # fmt: skip


def write(answers: CrowdAnswers, path: Path) -> None:
    """Write what a method is given, and what is true, as ``.npz``."""
    given = {name: getattr(answers, name) for name in ("truth", "item", "annotator", "label", "probabilities")}
    np.savez(path, **given)


def _some(generator: np.random.Generator, tasks: int) -> Numbers:
    return np.argpartition(generator.random((tasks, ANNOTATORS)), EACH, axis=1)[:, :EACH]


def _confusion(generator: np.random.Generator) -> Floats:
    """Return what each annotator says of each class, (annotators, true, said)."""
    skill = generator.uniform(*SKILLS, ANNOTATORS)[:, None]
    confusion = np.repeat(((1 - skill) * (1 - SIBLINGS) / (CLASSES - 2))[..., None], CLASSES, axis=1).repeat(
        CLASSES, axis=2
    )
    each = np.arange(CLASSES)
    confusion[:, each, each ^ 1] = (1 - skill) * SIBLINGS
    confusion[:, each, each] = skill
    confusion[: int(SPAMMERS * ANNOTATORS)] = 1 / CLASSES
    return np.asarray(confusion)


def _model(generator: np.random.Generator, truth: Numbers) -> Floats:
    """Return the logarithms of how probable the model's signals are if a task is of each class, up to a constant."""
    each = np.arange(CLASSES)
    peaks = np.zeros((CLASSES, CLASSES))
    peaks[each, each], peaks[each, each ^ 1] = PEAK, SIBLING_PEAK
    signal = generator.normal(size=(truth.size, CLASSES)) + peaks[truth]
    return np.asarray(signal @ peaks.T)


def _shares(logs: Floats) -> Floats:
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))
