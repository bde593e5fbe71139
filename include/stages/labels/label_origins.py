"""Where labels come from, and a cap on those that only confirm what a model said: models that learn these learn themselves."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from include.foundation.config.loop_file import Loop
from include.foundation.errors import DataQualityError
from include.foundation.statistics.estimates import weighted_mean

FRESH = "fresh"  # given by people who were shown no pre-label
ACCEPTED = "accepted"  # the pre-label that they were shown
CORRECTED = "corrected"  # another class than the one they were shown
FORMER = "annotation"  # of an earlier version, which told no difference
IN_WORDS = {
    FRESH: "given without a pre-label",
    ACCEPTED: "shown pre-labels that were accepted",
    CORRECTED: "corrections of shown pre-labels",
    "seed": "seeds",
    "weak": "weak signals",
}


@dataclass(frozen=True)
class Remark:
    """What is to be said of training labels, and why a model should not learn them, if so."""

    sentence: str = ""
    problem: str = ""


def origin_of(label: str, prelabel: str | None, *, is_hidden: bool) -> str:
    """Return the origin of a label that people gave.

    Parameters
    ----------
    label
        What they gave.
    prelabel
        What the model said, under today's name; None if that is no class of today, which nobody is shown.
    is_hidden
        Whether they saw it.

    Examples
    --------
    >>> origin_of("earn", "earn", is_hidden=False), origin_of("earn", "earn", is_hidden=True)
    ('accepted', 'fresh')
    """
    if is_hidden or prelabel is None:
        return FRESH
    return ACCEPTED if label == prelabel else CORRECTED


def origins_of(labels: pa.Table) -> list[str]:
    """Return the origin of each label; what an earlier version stored is told by what was shown."""
    columns = (labels.column(name).to_pylist() for name in ("origin", "label", "predicted", "hidden_prelabel"))
    return [_origin(*row) for row in zip(*columns, strict=True)]


def origins(labels: pa.Table) -> dict[str, int]:
    """Return how many labels are of each origin, in order."""
    return dict(sorted(Counter(origins_of(labels)).items()))


def _origin(origin: str, label: str, predicted: str | None, hidden: bool | None) -> str:
    return origin_of(label, predicted, is_hidden=hidden is not False) if origin == FORMER else origin


def own_labels(loop: Loop, train: dict[str, int]) -> Remark:
    """Return what is to be said of the origins of training labels, and whether too many only confirm the model.

    Parameters
    ----------
    loop
        Says what is too many: ``labels.max_accepted_share``, of which the share is shown to be above.
    train
        How many training labels are of each origin.
    """
    total, most = sum(train.values()), loop.labels.max_accepted_share
    if not total:
        return Remark()
    share = weighted_mean(np.arange(total) < train.get(ACCEPTED, 0), np.ones(total))
    told = ", ".join(f"{count} {IN_WORDS.get(name, name)}" for name, count in train.items())
    sentence = f"Of the labels to train on, {told}."
    if (share.low or 0.0) <= most:
        return Remark(sentence)
    problem = (
        f"{train[ACCEPTED]} of {total} labels to train on are pre-labels that people were shown and accepted, a share of "
        f"{share.value:.2f}, at least {share.low:.2f}, and labels.max_accepted_share is {most:.2f}: a model that learns them "
        f"learns what it said"
    )
    return Remark(sentence, problem)


def demand_fit_to_learn(remarks: Sequence[Remark], *, is_allowed: bool) -> list[str]:
    """Return what is to be said of training labels; refuse them where there is a problem that nobody allowed.

    Parameters
    ----------
    remarks
        On them.
    is_allowed
        Whether a person said that they are to be published all the same.

    Raises
    ------
    DataQualityError
        With every problem.
    """
    problems = [remark.problem for remark in remarks if remark.problem]
    sentences = [remark.sentence for remark in remarks if remark.sentence]
    if not problems or is_allowed:
        return [*sentences, *(f"A person allowed it (publish_anyway): {text}." for text in problems)]
    way = "have more labeled without a pre-label (labeling.hidden_prelabel_share), or run label by hand with publish_anyway"
    raise DataQualityError("The dataset is not published", [f"{text}; {way}" for text in problems])
