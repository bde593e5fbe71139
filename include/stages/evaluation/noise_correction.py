"""How often models are right, not how often labels say so: annotators err, and some answers never became a label."""

from typing import TYPE_CHECKING

from include.foundation.decisions.challenger_evaluation import NoiseCorrection
from include.foundation.statistics.label_noise import true_accuracy
from include.stages.evaluation.answered_contents import AnsweredContents

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel


def noise_correction(contents: AnsweredContents, champion: "LoadedModel", challenger: "LoadedModel") -> NoiseCorrection:
    """Return the accuracy of both models corrected for errors of annotators.

    Parameters
    ----------
    contents
        What judges both models.
    champion, challenger
        The models.

    Notes
    -----
    Each content counts once, with the weight of all its drawn rows. What was set aside counts by its answers. What was drawn in
    the same time and never answered until its deadline widens the intervals: it could be right or wrong.
    """
    missing = contents.unanswered
    of_champion, of_challenger = (
        true_accuracy(contents.votes, contents.predicted(model), contents.weights, sum(missing), contents.served)
        for model in (champion, challenger)
    )
    return NoiseCorrection(
        champion=of_champion, challenger=of_challenger, set_aside=contents.set_aside, unanswered=len(missing)
    )
