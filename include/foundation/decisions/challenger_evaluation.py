"""What is measured of a challenger beside the champion, on the same rows."""

from datetime import datetime
from typing import ClassVar, Literal, NamedTuple

from include.foundation.decisions.decision import Decision, EvidencePart
from include.foundation.statistics.estimates import Estimate


class Scores(EvidencePart):
    """Both models' scores and their paired difference; unknown where there is no champion."""

    champion: Estimate
    challenger: Estimate
    difference: Estimate

    def by_name(self) -> dict[str, Estimate]:
        """Return the three by name."""
        return {"champion": self.champion, "challenger": self.challenger, "difference": self.difference}

    @property
    def gain(self) -> str:
        """What confidence in all rows added to the labels, in words; empty if it was nothing."""
        powered = {name: score for name, score in self.by_name().items() if score.gain > 1}
        worth = " and ".join(
            f"of the {name} as {each.gain * each.rows:.0f} would alone" for name, each in powered.items()
        )
        return f"With the confidence in all rows that were served, these labels tell as much {worth}." if worth else ""


class WeightedDifference(NamedTuple):
    """A difference of scores, how many rows have it, and their weight over the largest one."""

    value: float
    times: int
    weight: float


class SliceDifference(NamedTuple):
    """A difference of scores on a slice, and how many rows have it: on a slice, rows weigh alike."""

    value: float
    times: int


class Differences(EvidencePart):
    """Paired differences, challenger less champion, as multisets: of random rows, and of rows on which the two disagree."""

    random: tuple[WeightedDifference, ...] = ()
    disagreement: tuple[WeightedDifference, ...] = ()


class DisagreementExample(NamedTuple):
    """A labeled row on which the two models disagree: the id of its label, the label, and what each model predicts."""

    label_id: str
    label: str
    champion: str
    challenger: str


class SliceScores(EvidencePart):
    """Both models on the rows of one segment value; None stands for rows without one."""

    segment: str
    value: str | None
    scores: Scores
    differences: tuple[SliceDifference, ...]
    corrected: Scores | None = None
    """Against what is true rather than against labels; None where answers do not tell, or for another score than accuracy."""

    @property
    def best(self) -> Scores:
        """The scores against what is true, or against labels where nothing tells what is."""
        return self.corrected or self.scores


class ClassScores(EvidencePart):
    """The challenger on one class; None where no row tells."""

    recall: Estimate
    """Corrected for errors of annotators, as precision and F1 are, where ``of_labels`` is not None."""
    precision: float | None
    f1: float | None
    rows: int
    """Labels of the class."""
    of_labels: Estimate | None = None
    """Recall as labels have it."""


class ReliabilityPoint(NamedTuple):
    """Rows of similar confidence: its mean, the share that was right, and for what part of all rows they stand, in rows."""

    confidence: float
    right: float
    rows: float


class ConfidenceCalibration(EvidencePart):
    """Expected calibration error with its interval, and the reliability curve; unknown with too few rows."""

    verdict: Literal["measured", "inconclusive"]
    error: float | None = None
    low: float | None = None
    high: float | None = None
    curve: tuple[ReliabilityPoint, ...] = ()


class NoiseCorrection(EvidencePart):
    """Both models' accuracy against what is true rather than against labels; unknown where answers do not tell."""

    champion: Estimate
    challenger: Estimate
    set_aside: int
    """Contents without a label that count by their answers."""
    unanswered: int
    """Contents that nobody answered: the intervals reach from where all are wrong to where all are right."""
    difference: Estimate | None = None
    """The challenger's accuracy less the champion's; None where answers do not tell, and in earlier versions."""

    @property
    def scores(self) -> Scores | None:
        """All three; None where answers do not tell."""
        return (
            Scores(champion=self.champion, challenger=self.challenger, difference=self.difference)
            if self.difference
            else None
        )

    def __str__(self) -> str:
        if self.challenger.value is None:
            said = "How often labels are wrong is unknown: too few have two answers, or they agree too little"
        else:
            said = f"Corrected for errors of annotators, accuracy is: champion {self.champion}, challenger {self.challenger}"
            said += f", difference {self.difference}" if self.difference else ""
        return f"{said}. {self._without_label()}".strip()

    def _without_label(self) -> str:
        told = []
        if self.set_aside:
            told.append(f"Of {_contents(self.set_aside)} set aside the answers count.")
        if self.unanswered:
            told.append(
                f"Of {_contents(self.unanswered)} nobody answered; intervals of accuracy hold whatever would be right."
            )
        return " ".join(told)


def _contents(n: int) -> str:
    return "1 content" if n == 1 else f"{n} contents"


class DisagreementCensus(EvidencePart):
    """Logged rows as both models see them: a window that stands still from a challenger's first evaluation on."""

    rows: int
    """How many were logged."""
    share: float
    """Of them, on which the two disagree."""
    askable: int
    """Contents, of the rows of disagreement that were not drawn yet, that would have to be asked."""
    undrawn: int | None = None
    """How many those rows are; None stands for ``askable``, as in earlier versions."""
    largest_group: int = 1
    """Most rows of disagreement of one group; 1 without ``split.group``."""
    stands_for: float = 1.0
    """How many rows one of a held-out group stands for: also those of new groups that models train on. 1 without groups."""
    since: datetime | None = None
    """Start of the window; None where nothing was logged, and in earlier versions."""
    until: datetime | None = None
    """Its end."""
    changed: bool = False
    """Whether it begins where the accuracy of what was live was shown to have dropped."""


class Evaluation(Decision):
    """A challenger's evaluation; its key is the subject."""

    kind: ClassVar[str] = "evaluation"
    outcome: Literal["measured"] = "measured"
    challenger_key: str
    run_id: str
    champion_version: str | None
    """None for the first model, which is held against what was served, if anything was."""
    dataset: str
    """Name of the dataset it was judged on."""
    scores: Scores
    """On the recent holdout."""
    population: str = ""
    """Of which rows that is, in words; empty in earlier versions."""
    longer: Scores | None = None
    """On all of it, where that is longer."""
    corrected: NoiseCorrection | None = None
    """For label noise and missing answers; None of a model that meets nothing, or for another score."""
    as_given: str = ""
    """What figures of labels as given leave open, in words; empty where they are corrected, and in earlier versions."""
    per_class: dict[str, ClassScores]
    slices: tuple[SliceScores, ...]
    calibration: ConfidenceCalibration
    score_unit: float
    """Mean score of a perfect model: the unit in which a floor and a margin count."""
    differences: Differences
    window: DisagreementCensus
    examples: tuple[DisagreementExample, ...] = ()
    """Rows on which the two disagree and one is right, as many of each model's as there are; empty in earlier versions."""
    picture: str | None = None
    """URI of the page that shows it; of a picture, in earlier versions."""
    files_digest: str | None = None
    """Of the files of the model that was measured."""
    class_weights: tuple[float, ...] | None = None
    """Weight of each class in a score, at the first evaluation against this champion."""

    @property
    def best(self) -> Scores:
        """The scores against what is true, or against labels where nothing tells what is."""
        return (self.corrected and self.corrected.scores) or self.scores

    @property
    def meets_a_model(self) -> bool:
        """Whether it was held against a champion, or against what was served before the loop's first model."""
        return self.champion_version is not None or self.scores.champion.value is not None
