"""A window with its reference: the profiles of both, as far as they can be compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from include.foundation.config.data_sections import WATCHED_DAYS
from include.foundation.decisions.drift_verdict import ALL_ROWS
from include.foundation.errors import ConfigError, ContractError, DeploymentError, RegistryError, TrainingError
from include.foundation.intervals import Interval
from include.foundation.store.scanning import Filter
from include.foundation.store.tables import LoopStore
from include.stages.drift.comparing.comparable_classes import ComparableClasses
from include.stages.drift.comparing.unusual_columns import Key
from include.stages.drift.earlier_verdicts import fewest_days
from include.stages.drift.kinds_of_day import ORDINARY, judged_days, kind_of_day
from include.stages.drift.profiling.column_profile import Profile
from include.stages.drift.profiling.rescoring import profile_version
from include.stages.drift.profiling.versions import CONFIDENCE, PREDICTED, window_version, with_one_version
from include.stages.drift.profiling.vocabulary import with_one_vocabulary

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel

LoadVersion = Callable[[str], "LoadedModel | None"]
Profiles = dict[Key, list[Profile]]


@dataclass(frozen=True)
class Window:
    """A window with its reference.

    Attributes
    ----------
    interval
        The window.
    reference_days
        Days that say what is ordinary, ``YYYY-MM-DD``.
    current, reference
        Profiles of the window's days and of the reference days, by segment and column.
    version
        Model version that predicted most rows, whose predictions and confidence alone are compared; None if the window's days
        were profiled without telling versions apart.
    unasked
        Why the version could not be asked about the reference days; empty if it was, or need not be.
    before
        Profiles of the days before the window that confirm it.
    """

    interval: Interval
    reference_days: list[str]
    current: Profiles
    reference: Profiles
    version: str | None = None
    unasked: str = ""
    before: Profiles = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of the window."""
        return max((sum(day.rows for day in profiles) for profiles in self.current.values()), default=0)

    @property
    def version_days(self) -> set[str]:
        """Reference days that have profiles of its version."""
        return {day.day for day in self.reference.get((ALL_ROWS, PREDICTED), [])}

    def told_of_version(self, fewest: int) -> list[str]:
        """Return that its version is unknown, if it is; ``fewest`` days of it are needed."""
        known = len(self.version_days)
        if self.version is None or known >= fewest:
            return []
        what = f"Predictions and confidence of version {self.version} are unknown"
        why = f"; it was not asked about the days before: {self.unasked}" if self.unasked else "."
        return [f"{what}: {known} days of it of {fewest} needed{why}"]


def read_window(store: LoopStore, interval: Interval, days: Sequence[str]) -> Window:
    """Return a window with the profiles of its days and of the reference days, those of predictions of its version alone.

    Parameters
    ----------
    store
        Tables of the loop.
    interval
        The window.
    days
        The reference days.
    """
    confirming = _confirming_days(store, interval, days)
    own, between = judged_days(store.loop.drift, interval.days), _days_between(store, interval, days, confirming)
    sides: tuple[Profiles, ...] = ({}, {}, {}, {})
    side_of = {day: sides[number] for number, part in enumerate((own, days, confirming, between)) for day in part}
    filters: Filter = [("day", "in", sorted(side_of)), ("kind", "in", ["numeric", "categorical"])]
    for profile in map(Profile.from_row, store.read("profiles", filters=filters).to_pylist()):
        side_of[profile.day].setdefault((profile.segment, profile.column), []).append(profile)
    version = window_version(sides[0])
    current, reference, before, watched = with_one_vocabulary(*with_one_version(*sides))
    if version is not None and len(reference.get((ALL_ROWS, PREDICTED), [])) < fewest_days(store.loop.drift, interval):
        for key in current:  # a version that is new is known by the days that are still watched, rather than not at all
            if key[1] in {CONFIDENCE, PREDICTED}:
                reference[key] = [*reference.get(key, []), *watched.get(key, [])]
    classes = ComparableClasses.of(store)
    for key in current:
        if key[1] == PREDICTED:
            held = reference.get(key, [])
            before[key], _ = classes.read(before.get(key, []), held)
            current[key], reference[key] = classes.read(current[key], held)
    return Window(interval, list(days), current, reference, version, before=before)


def _confirming_days(store: LoopStore, interval: Interval, days: Sequence[str]) -> list[str]:
    """Return the days of the windows that confirm a window of one day, as far as they are no reference days."""
    drift = store.loop.drift
    if len(interval.days) > 1 or drift.confirm_m == 1 or kind_of_day(drift, interval.days[0]) != ORDINARY:
        return []
    first, own = f"{interval.start - timedelta(days=WATCHED_DAYS):%Y-%m-%d}", interval.days[0]
    recent = [day for day in store.days("profiles") if first <= day < own and kind_of_day(drift, day) == ORDINARY]
    return [day for day in recent[1 - drift.confirm_m :] if day not in set(days)]


def _days_between(store: LoopStore, interval: Interval, days: Sequence[str], confirming: Sequence[str]) -> list[str]:
    """Return the days between the reference and a window that are neither, nor confirm it."""
    last = days[-1] if days else ""
    between = [day for day in store.days("profiles") if last < day < interval.days[0] and day not in confirming]
    return [day for day in between if kind_of_day(store.loop.drift, day) == ORDINARY][-WATCHED_DAYS:]


def with_version(store: LoopStore, window: Window, fewest: int, load: LoadVersion) -> Window:
    """Return a window whose version has been asked about the reference days, if it served too few of them to be known.

    Parameters
    ----------
    store
        Tables of the loop.
    window
        Without it.
    fewest
        Days that must be known of a version.
    load
        Returns the model of a version, or None.
    """
    known, days = window.version_days, window.reference_days
    if window.version is None or len(known) >= fewest or len(days) < fewest:
        return window
    version, lacking = window.version, [day for day in days if day not in known]
    try:
        profiled = profile_version(store, version, lacking, lambda: load(version))
    except (ConfigError, ContractError, DeploymentError, RegistryError, TrainingError) as error:
        return replace(window, unasked=str(error))
    return read_window(store, window.interval, days) if profiled else window
