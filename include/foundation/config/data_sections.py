"""The sections of a loop file about data that come in: prediction logs, feedback and drift."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from include.foundation.config.sections import Identifier, Place, Rate, Section, Share, Text

# What a record may hold: fields of a prediction, of them those about its circumstances, objects of fields by name, and fields
# of a feedback line.
FREE_OBJECTS = ("context", "metadata")
CIRCUMSTANCES = (*FREE_OBJECTS, "error", "impact", "source_id")
PREDICTION_FIELDS = ("trace_id", "ts", "model_version", "prediction", "user_id", "embedding", *CIRCUMSTANCES)
OBJECTS = ("input", "probabilities", "segments")
FEEDBACK_FIELDS = (
    "feedback_id", "trace_id", "ts", "kind", "signal", "value", "comment", "user_id", "consent", "source",
)  # fmt: skip
FEWEST_REFERENCE_DAYS = 7  # that say what is ordinary
WATCHED_DAYS = 6  # before a window, that are no reference days yet


class Source(Section):
    """Where rows come from: files in a folder, or a query."""

    uri: Place | None = None
    """Folder of files, or ``s3://bucket/prefix``; a relative path starts at the repository root."""
    format: Literal["jsonl", "csv", "parquet", "sql"] = "jsonl"
    """Format of the files, or ``sql``. JSONL and CSV files may end in ``.gz`` or ``.zst``."""
    connection: Text | None = None
    """Airflow connection: of the database for ``sql``, of the object store for ``s3://`` (the store's own by default)."""
    query: str | None = Field(default=None, min_length=1)
    """``sql``: a SELECT with the parameters ``:start`` and ``:end``, for example ``... WHERE ts >= :start AND ts < :end``."""
    columns: dict[str, Text] = Field(default_factory=dict)
    """Our field names and the source's, where they differ: ``{trace_id: meta.request_id, input.text: body}``."""


class Logs(Source):
    """Where predictions are logged, and when they are pulled."""

    schedule: str = Field(default="@daily", min_length=1)
    """Cron expression or preset; each run pulls the data interval it closes."""
    look_back_hours: int = Field(default=24, ge=0, le=24 * 31)
    """How far before the interval late rows are expected, in hours."""
    repeat_days: int = Field(default=7, ge=1, le=366)
    """Days of log time within which two lines with one trace id are repeats; they bound what a pull looks up."""
    max_refused_share: Share = 0.05
    """Share of an interval's rows that may be refused before the loop stops."""
    clock_skew_seconds: int = Field(default=300, ge=0, le=86_400)
    """How far a timestamp may lie after its file was written, in seconds."""
    memory_mb: int = Field(default=1024, ge=512, le=1_000_000)
    """Memory one task may use, in MiB; what does not fit is kept on disk meanwhile."""
    partition_mb: int = Field(default=1024, ge=1, le=1_000_000)
    """Size of the partitions a large pull is split into, in MiB of files; each is a mapped task of its own."""


class Feedback(Source):
    """Where users' and sensors' signals about predictions arrive."""

    consent: Literal["assumed", "required"] = "assumed"
    """Whether a line without ``consent`` is taken (``assumed``) or left out (``required``); ``false`` is always left out."""
    burst_signals: int = Field(default=50, ge=2)
    """Number of signals of one person, or of one source, within ``burst_minutes`` at which all of them are held back."""
    burst_minutes: int = Field(default=60, ge=1, le=60 * 24)
    """Length of the window in which a burst is looked for, in minutes."""
    max_request_share: Share = 0.5
    """Most of the chosen rows of a run of observe that users' reports may take, at least one; others wait for the next run."""
    max_person_requests: int = Field(default=3, ge=1)
    """Most rows that the reports of one person may take in a run of observe; people take turns."""

    @property
    def given(self) -> bool:
        """Whether there is any feedback to read."""
        return self.uri is not None or self.query is not None


class Drift(Section):
    """When a window counts as drifted."""

    reference: Literal["rolling", "frozen", "dates"] = "rolling"
    """Which days are ordinary: those before the window, the first of the loop, or those of ``reference_dates``."""
    reference_days: int = Field(default=28, ge=FEWEST_REFERENCE_DAYS, le=366)
    """Days that say what is ordinary (``rolling``: before the window; ``frozen``: the loop's first)."""
    reference_dates: Annotated[list[date], Field(min_length=2, max_length=2)] | None = None
    """First and last day of the reference (``dates``)."""
    seasonality: Literal["weekday", "none"] = "weekday"
    """Whether weekdays may differ from each other: a window is then held against its own weekdays where they do."""
    days_of_month: list[Annotated[int, Field(ge=-31, le=31)]] = Field(default_factory=list)
    """Days of the month that are unlike others, as pay-days: 1 to 31, -1 for the last; each is held against its own kind."""
    holidays: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,3}(-[A-Z0-9]{1,3})?$")] | None = None
    """Country, or country and region, whose public holidays are held against each other: ``DE``, ``DE-BY``, ``US-CA`` …"""
    false_alarm_rate: Rate = 0.05
    """Share of ordinary windows that may be flagged."""
    min_effect: Share = 0.05
    """Smallest effect that matters, 0 to 1: Cliff's delta of numbers, difference of shares of categories."""
    min_rare_effect: Share = 0.02
    """Smallest difference that matters of the shares of missing, unseen and rare values, which ordinarily are near 0."""
    max_accuracy_drop: Share = 0.02
    """Smallest drop of accuracy, on labels or estimated, that matters."""
    min_rows: int = Field(default=50, ge=1)
    """Fewest rows a window needs, and each segment in it; below it the verdict is inconclusive."""
    segments: list[Identifier] | None = None
    """Segments judged on their own besides all rows together; every one of the loop by default."""
    most_segment_values: int = Field(default=20, ge=0, le=1000)
    """Values of one segment judged on their own, the most frequent first."""
    confirm: Annotated[str, StringConstraints(pattern=r"^[1-9]\d? of [1-9]\d?$")] = "2 of 3"
    """``k of m``: an alarm needs k flagged windows among the last m."""
    cooldown_days: int = Field(default=3, ge=0, le=366)
    """Days after an alarm in which no further one is raised."""

    @property
    def confirm_k(self) -> int:
        """Flagged windows an alarm needs."""
        return int(self.confirm.split()[0])

    @property
    def confirm_m(self) -> int:
        """Windows looked back on."""
        return int(self.confirm.split()[2])
