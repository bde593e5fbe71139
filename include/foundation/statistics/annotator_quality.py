"""How often an annotator is right, and whether that changed: intervals where the truth is known only from answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from include.foundation.statistics.anchoring import difference_of
from include.foundation.statistics.annotator_team import SKILL
from include.foundation.statistics.estimates import UNKNOWN, Estimate, share_with_interval
from include.foundation.statistics.votes import Votes

FEWEST_ANSWERS = 20  # of an annotator, and of each of two times that are compared
LATELY = 1 / 3  # of an annotator's answers, the newest, which are compared with those before
BELOW_TEAM = 0.1  # by how much who is *sloppy* is shown to be less often right than the team
INDEPENDENT = 0.75  # of what answers say of an annotator: the others, by whom they are judged, are not known either
SURE = 0.99  # level of the interval of a change, since it is looked at again and again

Floats = NDArray[np.float64]
Verdict = Literal["unknown", "steady", "better", "worse", "sloppy"]


@dataclass(frozen=True)
class AnnotatorQuality:
    """How often an annotator's answers are right, how often before and lately, and by how much it changed (99 %)."""

    answers: int
    accuracy: Estimate
    before: Estimate
    lately: Estimate
    change: Estimate
    verdict: Verdict


def annotator_quality(votes: Votes, probabilities: Floats, moment: Floats) -> list[AnnotatorQuality]:
    """Return how often each annotator is right.

    Parameters
    ----------
    votes
        Answers.
    probabilities
        Of the classes of each item given all answers, (items, classes).
    moment
        When each answer was given, (answers,), in any unit.

    Returns
    -------
    list of AnnotatorQuality
        Of answers to items that others answered as well. *sloppy* is who is shown to be right less often than the team by more
        than `BELOW_TEAM`, *worse* or *better* whose newest answers are shown to differ from theirs before, *unknown* who gave
        fewer than `FEWEST_ANSWERS`.

    Notes
    -----
    The accuracy is shrunk to the team's as by eight answers, and its interval is that of a beta distribution. An answer whose
    truth is open says less: it counts by the part of the variance of *right or wrong* that is between answers (Louis 1982), and
    three quarters of that, which covers in 94 to 98 % of simulated annotators.
    """
    right, own, team = _of_each(votes, probabilities)
    return [_quality(right[answers[np.argsort(moment[answers], kind="stable")]], team) for answers in own]


def accuracy_by_period(votes: Votes, probabilities: Floats, period: Sequence[str]) -> dict[tuple[int, str], Estimate]:
    """Return how often each annotator was right in each period, drawn to the team's accuracy as in `annotator_quality`.

    Parameters
    ----------
    votes, probabilities
        As in `annotator_quality`.
    period
        In which each answer was given, (answers,).
    """
    right, own, team = _of_each(votes, probabilities)
    names = np.asarray(period)
    return {
        (number, str(name)): _shrunk(right[answers[names[answers] == name]], team)
        for number, answers in enumerate(own)
        for name in np.unique(names[answers])
    }


def _of_each(votes: Votes, probabilities: Floats) -> tuple[Floats, list[NDArray[np.int64]], float]:
    """Return how probably each answer is right, which of each annotator others answered as well, and the team's accuracy."""
    right = probabilities[votes.item, votes.label]
    is_compared = np.bincount(votes.item, minlength=votes.items)[votes.item] >= 2
    own = [np.flatnonzero(is_compared & (votes.annotator == number)) for number in range(votes.annotators)]
    informative = np.array([_informative(right[answers]) for answers in own])
    shares = np.array([right[answers].mean() if answers.size else 0.0 for answers in own])
    return right, own, float((shares @ informative + 2) / (informative.sum() + 3))


def _quality(right: Floats, team: float) -> AnnotatorQuality:
    """Return the quality of one annotator, of their answers from the oldest to the newest."""
    accuracy = _shrunk(right, team)
    if right.size < FEWEST_ANSWERS:
        return AnnotatorQuality(right.size, accuracy, UNKNOWN, UNKNOWN, UNKNOWN, "unknown")
    lately = int(right.size * LATELY)
    before, now, change = UNKNOWN, UNKNOWN, UNKNOWN
    if lately >= FEWEST_ANSWERS:
        before, now = _share(right[:-lately]), _share(right[-lately:])
        change = difference_of(_share(right[-lately:], SURE), _share(right[:-lately], SURE))
    return AnnotatorQuality(right.size, accuracy, before, now, change, _verdict(accuracy, change, team))


def _verdict(accuracy: Estimate, change: Estimate, team: float) -> Verdict:
    if change.high is not None and change.high < 0:
        return "worse"
    if accuracy.high is not None and accuracy.high < team - BELOW_TEAM:
        return "sloppy"
    return "better" if change.low is not None and change.low > 0 else "steady"


def _shrunk(right: Floats, team: float) -> Estimate:
    from scipy.special import betaincinv

    rows = _informative(right)
    wins = (float(right.mean()) if right.size else 0.0) * rows + SKILL * team
    losses = rows + SKILL - wins
    low, high = (float(betaincinv(wins, losses, tail)) for tail in (0.025, 0.975))
    return Estimate(wins / (wins + losses), low, high, right.size, rows)


def _share(right: Floats, level: float = 0.95) -> Estimate:
    return share_with_interval(min(1.0, float(right.mean())), max(1.0, _informative(right)), right.size, level)


def _informative(right: Floats) -> float:
    """Return how many answers, known to be right or wrong, would say as much: one more of either is taken for known."""
    more = np.append(right, [1.0, 0.0])
    mean = more.mean()
    return float(INDEPENDENT * right.size * ((more - mean) ** 2).mean() / (mean * (1 - mean)))
