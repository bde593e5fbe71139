"""What is decided on a challenger: promote it, reject it, or label more."""

from typing import ClassVar, Literal

from include.foundation.decisions.challenger_evaluation import Scores
from include.foundation.decisions.decision import Decision, EvidencePart


class SliceVerdict(EvidencePart):
    """Whether the challenger is shown to be worse on one segment value; small slices are inconclusive."""

    segment: str
    value: str | None
    verdict: Literal["worse", "not shown to be worse", "inconclusive"]
    e_value: float
    rows: int
    disagreements: int
    """Rows on which the two models' scores differ."""


class GateVerdict(Decision):
    """Verdict on a challenger, its key the subject.

    ``await_live``: labels promote it, and too few live requests tell how it does on them (``deploy.strategy: shadow``).

    A first model is held against what was served, and its champion has no version. While no row that was served has a label,
    it meets nothing: it has no e-value, and ``nth`` is None. A challenger that meets another champion is judged
    anew: at a level of its own, and on rows that were drawn for the two.
    """

    kind: ClassVar[str] = "gate"
    outcome: Literal["promote", "reject", "label_more", "await_live"]
    dataset: str
    champion_version: str | None
    scores: Scores
    run_id: str
    evaluation: str
    """Digest of the evaluation that it rests on."""
    round: int
    """1 for the first judgement; one more after each round of labels, or of live requests."""
    nth: int | None
    """1 for the first challenger that met a champion; a challenger that meets another champion counts again. First
    models are numbered apart."""
    k: int
    """How many more labels are asked for."""
    slices: tuple[SliceVerdict, ...]
    e_value: float | None = None
    needed: float | None = None
    """E-value that the error budget demands."""
    level: float | None = None
    """Error level of this challenger: 1 / ``needed``."""
    spent: float | None = None
    """What this challenger takes from the error budget; None stands for ``level``, as in earlier versions."""
    chance: float | None = None
    """Of being promoted by the labels that might still be asked for; None where that was not asked."""
    wins: int = 0
    """Rows on which the challenger was right and the champion not."""
    losses: int = 0
    files_digest: str | None = None
    """Of the files of the model that was judged; only they may be deployed."""
    live: str | None = None
    """Digest of the `LiveComparison` that it rests on; None where live requests have no say."""

    @property
    def is_pending(self) -> bool:
        """Whether the challenger is neither promoted nor rejected yet."""
        return self.outcome in {"label_more", "await_live"}
