"""Figures of models against what is true: of classes and slices, with the doubt that answers leave."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from include.foundation.decisions.challenger_evaluation import Scores
from include.foundation.statistics.estimates import UNKNOWN, Estimate
from include.foundation.statistics.true_classes import TrueClasses, true_classes
from include.stages.evaluation.answered_contents import AnsweredContents

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Truth:
    """What is true of the contents that judge two models, and what each of them predicts; None of a champion that is none.

    What nobody answered is taken to be like the rest.
    """

    contents: AnsweredContents
    classes: TrueClasses
    challenger: Numbers
    champion: Numbers | None

    def recall(self, number: int, informative: float, luck: float) -> Estimate:
        """Return the share of rows of a class that the challenger predicts as such.

        Parameters
        ----------
        number
            Of the class.
        informative, luck
            As in `TrueClasses.share`.
        """
        return self.classes.share(self.classes.drawn == number, self.challenger == number, informative, luck)

    def precision(self, number: int) -> float | None:
        """Return the share of rows predicted as a class that are of it; None if there are none."""
        return self.classes.share(self.challenger == number, self.classes.drawn == number).value

    def scores(self, informative: float, segment: str = "", value: str | None = None) -> Scores:
        """Return the accuracy of both models on all rows, or on those of a segment value.

        Parameters
        ----------
        informative
            As in `TrueClasses.share`.
        segment, value
            Of the segment value; all rows by default.
        """
        weights = self.contents.weights_in(segment, value) if segment else self.classes.weights
        classes, within = replace(self.classes, weights=weights), weights > 0
        challenger = classes.share(within, classes.drawn == self.challenger, informative)
        if self.champion is None:
            return Scores(champion=UNKNOWN, challenger=challenger, difference=UNKNOWN)
        return Scores(
            champion=classes.share(within, classes.drawn == self.champion, informative),
            challenger=challenger,
            difference=classes.difference(within, self.challenger, self.champion, informative),
        )


def truth_of(contents: AnsweredContents, champion: "LoadedModel | None", challenger: "LoadedModel") -> Truth | None:
    """Return what is true of contents; None where answers do not tell how often they are wrong.

    Parameters
    ----------
    contents
        What judges the models.
    champion, challenger
        The models.
    """
    predicted = [contents.predicted(model) for model in (challenger, champion) if model is not None]
    classes = true_classes(contents.votes, predicted, contents.weights)
    return None if classes is None else Truth(contents, classes, predicted[0], predicted[1] if champion else None)
