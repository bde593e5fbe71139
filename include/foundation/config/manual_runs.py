"""What a person may set when triggering a run by hand; the trigger form is made from these models."""

from datetime import date, datetime
from typing import Any

from pydantic import Field

from include.foundation.config.sections import Section
from include.foundation.errors import ConfigError, NothingToDo
from include.foundation.intervals import Interval, last_complete

DATE_TIME: dict[str, Any] = {"format": "date-time"}


class ObserveRun(Section):
    """Form of ``<loop>.observe``."""

    start: str | None = Field(default=None, json_schema_extra=DATE_TIME)
    """First moment of the logs to pull (UTC). Empty: the scheduled data interval."""
    end: str | None = Field(default=None, json_schema_extra=DATE_TIME)
    """Moment after the last one to pull (UTC). Empty: the scheduled data interval."""
    budget: int | None = Field(default=None, ge=0, le=1_000_000)
    """Labels to ask for, 0 for none. Empty: selection.budget of the loop file."""
    dry_run: bool = False
    """Pull, validate and judge drift, but ask for no labels."""
    ordinary_from: str | None = Field(default=None, json_schema_extra={"format": "date"})
    """First day (UTC) of a new normal: drift takes the days from it on for ordinary, and none before it. Empty: no change."""

    def interval(self, scheduled: Interval | None, schedule: str, moment: datetime) -> Interval:
        """Return what to observe: what the form says, else the run's own interval, else the schedule's last complete one.

        Parameters
        ----------
        scheduled
            Data interval of the run; a run by hand has none.
        schedule
            Cron expression or preset of the loop.
        moment
            After which the run may start.

        Raises
        ------
        ConfigError
            If the form gives only one of ``start`` and ``end``, or they are no times in order.

        Examples
        --------
        >>> from datetime import UTC
        >>> now = datetime(2026, 11, 3, 15, 30, tzinfo=UTC)
        >>> ObserveRun(start="2026-10-01", end="2026-10-03").interval(None, "@daily", now).days
        ['2026-10-01', '2026-10-02']
        >>> ObserveRun().interval(None, "@daily", now).days
        ['2026-11-02']
        """
        if self.start or self.end:
            return Interval.parse(str(self.start), str(self.end))
        return scheduled or last_complete(schedule, moment)

    @property
    def first_ordinary_day(self) -> date | None:
        """The day of ``ordinary_from``, if there is one.

        Raises
        ------
        ConfigError
            If it is no date.
        """
        try:
            return date.fromisoformat(self.ordinary_from) if self.ordinary_from else None
        except ValueError:
            raise ConfigError(f"ordinary_from: got {self.ordinary_from!r}, expected a day, YYYY-MM-DD") from None

    def demand_asking(self) -> None:
        """Stop if a person wants no labels to be asked for.

        Raises
        ------
        NothingToDo
            In a dry run.
        """
        if self.dry_run:
            raise NothingToDo("dry_run: no labels are asked for")


class LabelRun(Section):
    """Form of ``<loop>.label``."""

    wait: bool = True
    """Wait for quorum or deadline. Off: use the answers that are there now."""
    publish_anyway: bool = False
    """Publish a dataset although more of its labels than ``labels.max_accepted_share`` only accept a shown pre-label, or their
    classes are less diverse than ``labels.min_class_diversity``. The decision and the notes say that a person allowed it."""


class RetrainRun(Section):
    """Form of ``<loop>.retrain``."""

    force: bool = False
    """Train although the rules of the loop file see no reason to."""
    dry_run: bool = False
    """Only say whether a challenger would be trained, and why."""


class GuardRun(Section):
    """Form of ``<loop>.guard``."""

    dry_run: bool = False
    """Only watch: roll nothing back."""
