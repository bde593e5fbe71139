"""The drift verdict of one window: compare it with ordinary days, run the monitors, decide the route, and record it."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from include.foundation.config.data_sections import Drift
from include.foundation.decisions import DriftVerdict, record
from include.foundation.decisions.drift_verdict import ColumnFinding
from include.foundation.digests import canonical_json
from include.foundation.intervals import Interval
from include.foundation.store.loop_files import write_file
from include.foundation.store.tables import LoopStore
from include.stages.drift.comparing.column_findings import NEWLY_LOGGED, Judged, judged_columns
from include.stages.drift.comparing.unusual_columns import clear_changes
from include.stages.drift.earlier_verdicts import (
    COOLING,
    Verdicts,
    earlier_windows,
    fewest_days,
    newest_verdicts,
    reference_days,
    window_outcome,
)
from include.stages.drift.monitors.monitoring import monitor_findings
from include.stages.drift.page.file_names import verdict_file
from include.stages.drift.routing import routing_of
from include.stages.drift.windows import LoadVersion, Window, read_window, with_version

if TYPE_CHECKING:
    from include.foundation.models.loaded_model import LoadedModel

MOST_COLUMNS = 200
MOST_REASONS = 20


def _no_model(_: str) -> "LoadedModel | None":
    return None


def detect_drift(store: LoopStore, interval: Interval, load: LoadVersion = _no_model) -> DriftVerdict:
    """Judge an interval against ordinary days and record the verdict.

    Parameters
    ----------
    store
        Tables of the loop; ``profiles`` of the interval and of the reference days.
    interval
        The window.
    load
        Returns the model of a version, or None. It is asked what it says of the reference days if it served too few of them.

    Returns
    -------
    DriftVerdict
        Judging an interval again on the same profiles gives the same verdict, whatever labels came back since.

    Raises
    ------
    StoreError
        If a table cannot be read, or the verdict cannot be written.
    """
    verdicts = newest_verdicts(store, interval)
    fewest, days = fewest_days(store.loop.drift, interval), reference_days(store, interval, verdicts)
    window = with_version(store, read_window(store, interval, days), fewest, load)
    shortage = _shortage(store.loop.drift, window, fewest)
    if shortage:
        return record(store, _inconclusive(window, shortage))
    judged = judged_columns(store.loop.drift, window.current, window.reference, fewest, window.before)
    earlier = verdicts.get(interval.key)
    if earlier is not None and _rests_on(earlier, window, judged.findings):
        return earlier
    return record(store, _verdict(store, window, judged, verdicts))


def _shortage(drift: Drift, window: Window, fewest: int) -> str | None:
    """Return why there is too little to judge; None if there is enough."""
    rows, days = window.rows, len(window.reference_days)
    if rows < drift.min_rows:
        return f"{rows} rows are too few to judge: drift.min_rows is {drift.min_rows}."
    if days < fewest:
        return f"{days} reference days are too few to know what is ordinary: at least {fewest} are needed."
    return None


def _inconclusive(window: Window, shortage: str) -> DriftVerdict:
    """Return a verdict that says nothing; every field is set, as evidence leaves out those that are not."""
    return DriftVerdict(
        subject=window.interval.key, outcome="inconclusive", reasons=(shortage,), route="none", flagged=False,
        rows=window.rows, reference_days=len(window.reference_days), columns=(), columns_judged=0, monitors=(), segments=(),
        picture=None, version=window.version, confirmed=False,
    )  # fmt: skip


def _rests_on(verdict: DriftVerdict, window: Window, columns: Sequence[ColumnFinding]) -> bool:
    """Tell whether a verdict rests on the same profiles; labels that came back since are judged by later windows."""
    if (verdict.rows, verdict.reference_days) != (window.rows, len(window.reference_days)):
        return False
    stored, current = (
        [canonical_json(finding.model_dump()) for finding in findings]
        for findings in (verdict.columns, columns[:MOST_COLUMNS])
    )
    return stored == current


def _verdict(store: LoopStore, window: Window, judged: Judged, verdicts: Verdicts) -> DriftVerdict:
    columns, monitors = judged.findings, monitor_findings(store, window, judged)
    routing = routing_of(columns, monitors)
    flagged = [finding for finding in [*columns, *monitors] if finding.flagged]
    told = [finding.sentence for finding in columns if finding.statistic == NEWLY_LOGGED][:MOST_REASONS]
    told += window.told_of_version(fewest_days(store.loop.drift, window.interval))
    told += _told_of_trends(window.interval, columns, verdicts)
    lasting = any(finding.lasting for finding in flagged) or _stays(
        store.loop.drift, window.interval, columns, verdicts
    )
    outcome, confirmation = window_outcome(
        store.loop.drift, window.interval, verdicts, flagged=bool(flagged), lasting=lasting
    )
    days = len(window.reference_days)
    return DriftVerdict(
        subject=window.interval.key, outcome=outcome,
        reasons=(*_reasons([one.sentence for one in flagged], judged, days), *told, *routing.reasons, confirmation),
        route=routing.route, segments=routing.segments, flagged=bool(flagged), rows=window.rows, reference_days=days,
        columns=tuple(columns[:MOST_COLUMNS]), columns_judged=len(columns), monitors=tuple(monitors),
        picture=_charts(store, window, columns), version=window.version,
        confirmed=outcome == "alarm" or confirmation.startswith(COOLING),
    )  # fmt: skip


def _reasons(flagged: Sequence[str], judged: Judged, days: int) -> list[str]:
    """Return the sentences of the flagged findings, or one that says what the comparisons lack."""
    if not flagged:
        why = f"is flagged: {judged.lacking}" if judged.lacking else "is significant, or shows an effect that matters"
        return [f"None of {len(judged.findings)} comparisons with {days} ordinary days {why}."]
    rest = len(flagged) - MOST_REASONS
    return [*flagged[:MOST_REASONS], *([f"… and {rest} more findings are flagged."] if rest > 0 else [])]


def _stays(drift: Drift, interval: Interval, columns: Sequence[ColumnFinding], verdicts: Verdicts) -> bool:
    """Tell whether one and the same column differs clearly, and alike, in as many of the last windows as an alarm needs."""
    earlier = [verdict for _, verdict in earlier_windows(verdicts, interval)]
    earlier = earlier[max(0, len(earlier) - drift.confirm_m + 1) :]
    times = Counter(one for each in (columns, *(verdict.columns for verdict in earlier)) for one in clear_changes(each))
    return any(times[one] >= drift.confirm_k for one in clear_changes(columns))


def _told_of_trends(interval: Interval, columns: Sequence[ColumnFinding], verdicts: Verdicts) -> list[str]:
    """Return a sentence for each column that follows a slope, unless an earlier verdict has told of it."""
    earlier = [verdict for key, verdict in verdicts.items() if key != interval.key]
    known = {(one.segment, one.column) for verdict in earlier for one in verdict.columns if one.per_day is not None}
    new = [one for one in columns if one.per_day is not None and (one.segment, one.column) not in known]
    return [
        f"{one.column}{f' in {one.segment}' if one.segment else ''}: follows a trend, by {one.per_day:+.4f} a day in the units "
        "of effects; it is allowed for, and told once."
        for one in new[:MOST_REASONS]
    ]


def _charts(store: LoopStore, window: Window, columns: Sequence[ColumnFinding]) -> str | None:
    """Write what the verdict's page draws of the flagged columns and return its URI; None if no column is flagged."""
    if not any(finding.flagged for finding in columns):
        return None
    from include.stages.drift.page.drift_charts import CHARTS, drift_charts

    charts = drift_charts(columns, window.current, window.reference)
    return write_file(store, verdict_file(window.interval, "json"), CHARTS.dump_json(charts))
