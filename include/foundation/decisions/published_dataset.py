"""What is decided when a dataset is published: its name, and the version of the labels that it is."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from include.foundation.decisions.decision import Decision


class PublishedDataset(Decision):
    """A dataset; its subject, the first 16 digits of the digest, is its name."""

    kind: ClassVar[str] = "dataset"
    outcome: Literal["published"] = "published"
    digest: str
    """Over every cell."""
    labels_version: int
    """Version of the table ``labels``."""
    draws_version: int | None = None
    """Version of the table ``draws``; None where nothing was drawn yet."""
    train: int
    """Labels to train on."""
    holdout: int
    added: int | None
    """Labels since the dataset before; None where that can be read no more, as for the two below."""
    removed: int | None
    changed: int | None
    classes: dict[str, int]
    """Training labels by class."""
    former_names: dict[str, str | None] = Field(default_factory=dict)
    """What the former names of classes in the labels meant when it was published; None of a retired class."""
    retired: int = 0
    """Labels of retired classes, which are left out."""
    origins: dict[str, int] = Field(default_factory=dict)
    """Training labels by origin."""
    allowed: bool = False
    """Whether a person had it published although too many of them only accept a shown pre-label, or are of too few classes."""
    release: tuple[float, int, int] = (0.0, 0, 0)
    """Which held-out rows are trained on, too old to judge: ``split.release_share``, and the days and rows that judge."""
    held_since: datetime | None = None
    """Rows served from then on judged a challenger that was pending, and are not trained on; None where none was."""
