"""What is decided about training: a challenger now, a pending one judged again, or nothing."""

from datetime import datetime
from typing import ClassVar, Literal

from include.foundation.decisions.decision import Decision
from include.foundation.decisions.drift_verdict import Route


class RetrainPlan(Decision):
    """A plan; its subject is the challenger's key, ``none`` before the first dataset."""

    kind: ClassVar[str] = "retrain"
    outcome: Literal["train", "judge_pending", "no"]
    challenger_key: str = ""
    dataset: str = ""
    """Dataset to train on; empty before the first one."""
    evaluation_dataset: str = ""
    """Dataset to judge on."""
    new_labels: int = 0
    """Training labels since the last challenger that was judged."""
    train: int = 0
    """Labels to train on."""
    drift: bool = False
    """Whether a confirmed alarm asks for training."""
    route: Route = "none"
    """Route of the newest drift verdict while an alarm is up."""
    missed_promise: bool = False
    """Whether the guard asks for training: what is live scores less than it promised."""
    forced: bool = False
    """Whether a person asked for it."""
    newest_label: datetime | None = None
    """Log time of the newest training label; None without labels."""
    changed_at: datetime | None = None
    """When the accuracy of what was live was shown to have dropped last, as far as the plan knows."""
    train_since: datetime | None = None
    """Labels before it are not trained on, for they do not help since the change; None for all."""
    waiting: int = 0
    """Labels that a pending challenger still waits for."""
    round: int = 0
    """Rounds of evidence that a pending challenger has had."""
