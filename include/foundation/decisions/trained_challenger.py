"""What is recorded of a trained challenger: the run that holds it, and the digests of what it predicts and of its files."""

from typing import ClassVar, Literal

from include.foundation.decisions.decision import Decision


class TrainedChallenger(Decision):
    """The one run of a challenger, its key the subject; of several trainings at once the first one recorded counts."""

    kind: ClassVar[str] = "training"
    outcome: Literal["trained"] = "trained"
    run_id: str
    model_digest: str
    """Of configuration and predictions."""
    files_digest: str
    """Of the bytes of the model's files: what is judged, deployed and loaded must have it."""
