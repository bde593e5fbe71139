"""What a person may set when triggering a run by hand; the trigger form is made from these models."""

from copy import deepcopy
from functools import cache
from typing import Any

from pydantic import Field

from include.foundation.config.sections import Section

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


class LabelRun(Section):
    """Form of ``<loop>.label``."""

    wait: bool = True
    """Wait for quorum or deadline. Off: use the answers that are there now."""


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


def form_fields(model: type[Section]) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each field of a form, by field name, with its default and help text.

    Examples
    --------
    >>> form_fields(GuardRun)["dry_run"]["default"]
    False
    """
    return deepcopy(_properties(model))


@cache
def _properties(model: type[Section]) -> dict[str, dict[str, Any]]:
    return dict(model.model_json_schema()["properties"])
