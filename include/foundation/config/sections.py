"""The sections of a loop file. Every threshold has a unit, a bound and a default, and lives here only."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from include.foundation.uris import why_no_place

Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
ClassName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
FactoryPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]


def _leads_somewhere(uri: str) -> str:
    if why := why_no_place(uri):
        raise ValueError(why)
    return uri


Place = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_leads_somewhere)]


class Section(BaseModel):
    """Base of every section: frozen, strict about unknown keys, defaults checked like anything else."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        validate_default=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )


class Task(Section):
    """What the model predicts."""

    kind: Literal["classification"]
    """Kind of prediction."""
    classes: list[ClassName] = Field(min_length=2)
    """Every class the model may answer; their order means nothing, and a new one is just added."""
    renamed: dict[ClassName, ClassName] = Field(default_factory=dict)
    """Old names of classes, each with its new one, ``{grain: cereals}``: what is stored under the old is read as the new."""
    retired: list[ClassName] = Field(default_factory=list)
    """Former classes: their labels leave datasets, and their rows are asked about again, see ``selection.relabel_share``."""

    @field_validator("classes")
    @classmethod
    def _in_one_order(cls, classes: list[str]) -> list[str]:
        return sorted(classes)


class Input(Section):
    """One input of the model."""

    type: Literal["text", "numeric", "categorical", "vector"]
    """How the input is read, checked and profiled."""
    required: bool = True
    """Whether a log line without it is refused."""
    minimum: float | None = None
    """Smallest allowed value (numeric, and each element of a vector)."""
    maximum: float | None = None
    """Largest allowed value (numeric, and each element of a vector)."""
    size: int | None = Field(default=None, ge=1, le=100_000)
    """Number of elements of a vector."""
    image: bool = False
    """Whether a text is the address of an image, http or https, which annotators are shown in Label Studio."""


class Training(Section):
    """How a model is built."""

    factory: FactoryPath
    """``module:function`` that returns an unfitted scikit-learn estimator; of ``include.factories``, or of a module that the
    environment variable ``FEEDBACK_LOOP_FACTORIES`` names."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of the factory."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Seed of everything random in training."""
    seed_labels: Place | None = None
    """Folder of JSONL files with the labels that the loop starts from, one ``{"input": {...}, "label": "..."}`` per line."""
    seed_holdout_share: Share = 0.3
    """Share of those labels kept for judging the first model."""
    label_days: int | None = Field(default=None, ge=1, le=3660)
    """Days before the newest label whose labels are trained on, or the newest 200 labels if these are more; none means all,
    except those from before a drop of accuracy that was shown, where they do not help on labels since then."""


class Split(Section):
    """What models train on, and what judges them."""

    group: Identifier | None = None
    """What rows belong to that are not independent of each other, such as a document or a patient: an input, a segment,
    ``user`` or ``source_id``. A group is in one split, half of the groups are held out, and intervals are by group."""
    holdout_days: int = Field(default=28, ge=1, le=3660)
    """Days before the newest drawn row whose rows judge a challenger."""
    holdout_rows: int = Field(default=200, ge=1, le=1_000_000)
    """Fewest labeled rows that judge a challenger: where so many days have fewer, older ones are taken as well."""
    release_share: Share = 0.0
    """Share of the held-out contents that are trained on once all of their rows are too old to judge a challenger, so that not
    only rows that were chosen are learnt. A hash says which; they never judge again. Rows of groups stay held out."""
    answer_days: int = Field(default=7, ge=0, le=3660)
    """Days for which an answer that no model trains on counts for drawn rows that repeat its content; then it is asked again,
    since what is right may have changed. More days save labels where what is served repeats."""


class Rule(Section):
    """A domain rule: where ``when`` matches an input, the label must be one of ``allow`` or none of ``deny``."""

    name: Identifier
    """Name shown in reasons."""
    input: Identifier
    """Input looked at."""
    when: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    """Regular expression searched in the input's text."""
    allow: Annotated[list[str], Field(min_length=1)] | None = None
    """Labels that are possible."""
    deny: Annotated[list[str], Field(min_length=1)] | None = None
    """Labels that are impossible."""


class Labels(Section):
    """When an answer counts as a label."""

    consensus: Literal["dawid_skene", "majority"] = "dawid_skene"
    """How several answers become one label. With ``labeling.overlap: 1`` it is *majority*: the only answer is the label."""
    model_counts: bool = True
    """Whether what the model said of a row, made as sure as annotators show that it deserves, is a prior of its label under
    *dawid_skene*: where nobody was shown it, and only of labels to train on. Labels that judge a model never look at one."""
    users_count: bool = True
    """Whether users count under *dawid_skene*, beside at least one annotator and as far as they were shown to be right: what
    they corrected, and weak signals. Only where annotators see the pre-label, of labels to train on; users alone make none."""
    min_confidence: Share = 0.8
    """Probability of the consensus below which answers are ambiguous, and make no label."""
    min_agreement: float = Field(default=0.0, ge=-1, le=1)
    """Krippendorff's alpha below which a batch is refused, if its 95 % interval is below it, too."""
    max_set_aside: Share = 0.5
    """Share of the fully answered requests without a label above which a batch is refused, if its 95 % interval is so, too."""
    max_class_shift: Share = 0.4
    """The same for how much higher the share of one class is than among the labels that people gave before."""
    max_annotator_share: Share = 0.9
    """The same for the share of a batch's answers that one person gave, where ``labeling.overlap`` is 2 or more."""
    max_accepted_share: Share = 0.9
    """The same for the share of the labels to train on that are a shown pre-label, accepted: more, and no dataset is published,
    for a model that learns them learns what it said."""
    min_class_diversity: Share = 0.5
    """Diversity of the labels to train on, as a share of that of rows as they were served, below which no dataset is published,
    if its 95 % interval is below it, too: the effective number of classes (exponential of the entropy) beyond one."""
    min_seconds: float = Field(default=0.5, ge=0, le=86_400)
    """Seconds below which an answer is hasty; a batch in which more than half of the answers are shown to be is refused."""
    rules: list[Rule] = Field(default_factory=list)
    """Domain rules; a label that breaks one goes on to the next tier."""
    history_days: int | None = Field(default=None, ge=30, le=36_500)
    """Days for which earlier versions of the labels, and so the datasets, stay readable; none means for good."""


class Retrain(Section):
    """When training is worth it."""

    min_new_labels: int = Field(default=50, ge=1)
    """Training labels that must have come in since the last challenger."""
    min_new_labels_on_drift: int = Field(default=10, ge=1)
    """The same, while a drift alarm says *retrain*, or what is live scores less than it promised."""
    cooldown_hours: float = Field(default=24, ge=0, le=24 * 366)
    """Hours of log time between two challengers."""
