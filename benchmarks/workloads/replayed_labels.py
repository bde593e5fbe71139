"""Histories of a loop on real and made data: ever more labels, a challenger after each batch, and rows that judge it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BATCH, CYCLES, HOLDOUT = 40, 9, 20
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """A challenger: labels of it and of the champion it met, who is right on which judging rows, and in truth."""

    before: int
    after: int
    champion: Floats
    challenger: Floats
    true_before: float
    true_after: float


def digits(generator: np.random.Generator) -> tuple[Any, Any]:
    """Return handwritten digits, shuffled."""
    from sklearn.datasets import load_digits

    features, classes = load_digits(return_X_y=True)
    order = generator.permutation(classes.size)
    return features[order] / 16, classes[order]


def tumours(generator: np.random.Generator) -> tuple[Any, Any]:
    """Return measured tumours, shuffled."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.preprocessing import scale

    features, classes = load_breast_cancer(return_X_y=True)
    order = generator.permutation(classes.size)
    return scale(features)[order], classes[order]


def noisy(generator: np.random.Generator) -> tuple[Any, Any]:
    """Return rows of four made classes that overlap, so that labels soon help no more."""
    from sklearn.datasets import make_classification

    return make_classification(  # type: ignore[no-any-return]
        1800, 20, n_informative=6, n_classes=4, class_sep=0.9, flip_y=0.1, random_state=int(generator.integers(1 << 30))
    )


DATA: dict[str, Callable[[np.random.Generator], tuple[Any, Any]]] = {
    "digits": digits,
    "tumours": tumours,
    "noisy": noisy,
}


def history(name: str, seed: int, *, batch: int = BATCH) -> Iterator[Judged]:
    """Yield the challengers of a loop that promotes whatever is not measured to be worse.

    Parameters
    ----------
    name
        One of `DATA`.
    seed
        Of what chance does.
    batch
        Labels a cycle; half of them are the least certain rows, half are random.
    """
    from sklearn.linear_model import LogisticRegression

    generator = np.random.default_rng([seed, sorted(DATA).index(name)])
    features, classes = DATA[name](generator)
    pool = np.arange(classes.size * 2 // 5)
    population = np.arange(classes.size * 2 // 5, classes.size)
    batch = min(batch, pool.size // (CYCLES + 2))
    chosen, judging = pool[:batch], population[: 2 * HOLDOUT]
    champion, trained = LogisticRegression(max_iter=300).fit(features[chosen], classes[chosen]), batch
    for cycle in range(1, CYCLES):
        rest = np.setdiff1d(pool, chosen)
        sure = champion.predict_proba(features[rest]).max(axis=1)
        hard = rest[np.argsort(sure)[: batch // 2]]
        chosen = np.concatenate([chosen, hard, generator.permutation(np.setdiff1d(rest, hard))[: batch - hard.size]])
        judging = np.concatenate([judging, population[HOLDOUT * (cycle + 1) : HOLDOUT * (cycle + 2)]])
        challenger = LogisticRegression(max_iter=300).fit(features[chosen], classes[chosen])
        right = [
            (model.predict(features[population]) == classes[population]).astype(float)
            for model in (champion, challenger)
        ]
        places = judging - population[0]
        yield Judged(trained, chosen.size, right[0][places], right[1][places], right[0].mean(), right[1].mean())
        if right[1][places].mean() >= right[0][places].mean():
            champion, trained = challenger, chosen.size
