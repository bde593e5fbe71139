"""The drift verdict of one interval."""

from collections.abc import Sequence

from include.foundation.config.data_sections import Drift
from include.foundation.decisions import DriftVerdict, record
from include.foundation.decisions.drift_verdict import ColumnFinding
from include.foundation.digests import canonical_json
from include.foundation.intervals import Interval
from include.foundation.store.loop_files import write_file
from include.foundation.store.tables import LoopStore
from include.stages.drift.comparing.column_findings import FEWEST_REFERENCE_DAYS, Key, judge_columns
from include.stages.drift.history import confirmed, newest_verdicts, reference_days
from include.stages.drift.profiling.column_profile import Profile
from include.stages.drift.profiling.vocabulary import KIND
from include.stages.drift.routing import judge

MOST_COLUMNS = 200
MOST_REASONS = 20
Profiles = dict[Key, list[Profile]]


def detect_drift(store: LoopStore, interval: Interval) -> DriftVerdict:
    """Judge an interval against ordinary days and record the verdict.

    Parameters
    ----------
    store
        Tables of the loop; ``profiles`` of the interval and of the reference days.
    interval
        The window.

    Returns
    -------
    DriftVerdict
        Judging an interval again on the same profiles gives the same verdict, whatever labels came back since.

    Raises
    ------
    StoreError
        If a table cannot be read, or the verdict not be written.
    """
    verdicts = newest_verdicts(store)
    days = reference_days(store, interval, verdicts)
    window, reference = _profiles(store, interval.days, days)
    rows = max((sum(day.rows for day in profiles) for profiles in window.values()), default=0)
    reason = _too_little(store.loop.drift, rows, len(days))
    if reason:
        return record(store, _inconclusive(interval, reason, rows, len(days)))
    findings = judge_columns(store.loop.drift, window, reference)
    earlier = verdicts.get(interval.key)
    if earlier is not None and _rests_on_the_same(earlier, rows, len(days), findings):
        return earlier
    routed = judge(store, interval, findings, days)
    flagged = [finding for finding in [*findings, *routed.findings] if finding.flagged]
    outcome, why = confirmed(store.loop.drift, interval, verdicts, flagged_now=bool(flagged))
    sentences = _reasons([finding.sentence for finding in flagged], len(findings), len(days))
    verdict = DriftVerdict(
        subject=interval.key, outcome=outcome, reasons=(*sentences, *routed.reasons, why), route=routed.route,
        flagged=bool(flagged), rows=rows, reference_days=len(days), columns=tuple(findings[:MOST_COLUMNS]),
        columns_judged=len(findings), monitors=tuple(routed.findings), segments=tuple(routed.segments),
        picture=_picture(store, interval, findings, window, reference),
    )  # fmt: skip
    return record(store, verdict)


def _inconclusive(interval: Interval, reason: str, rows: int, days: int) -> DriftVerdict:
    return DriftVerdict(
        subject=interval.key, outcome="inconclusive", reasons=(reason,), route="none", flagged=False, rows=rows,
        reference_days=days, columns=(), columns_judged=0, monitors=(), segments=(), picture=None,
    )  # fmt: skip


def _rests_on_the_same(verdict: DriftVerdict, rows: int, days: int, findings: Sequence[ColumnFinding]) -> bool:
    """Tell whether a verdict is on the same profiles: labels that came back since are judged by later windows."""
    before, now = (
        [canonical_json(finding.model_dump()) for finding in columns]
        for columns in (verdict.columns, findings[:MOST_COLUMNS])
    )
    return (verdict.rows, verdict.reference_days) == (rows, days) and before == now


def _profiles(store: LoopStore, window: list[str], reference: list[str]) -> tuple[Profiles, Profiles]:
    """Return the profiles of a window's days and of the reference days, by segment and column."""
    of_window, of_reference = Profiles(), Profiles()
    rows = store.read("profiles", filters=[("day", "in", [*window, *reference]), ("kind", "!=", KIND)])
    for profile in map(Profile.from_row, rows.to_pylist()):
        profiles = of_window if profile.day in window else of_reference
        profiles.setdefault((profile.segment, profile.column), []).append(profile)
    return of_window, of_reference


def _too_little(drift: Drift, rows: int, days: int) -> str | None:
    if rows < drift.min_rows:
        return f"{rows} rows are too few to judge: drift.min_rows is {drift.min_rows}."
    if days < FEWEST_REFERENCE_DAYS:
        return (
            f"{days} reference days are too few to know what is ordinary: at least {FEWEST_REFERENCE_DAYS} are needed."
        )
    return None


def _picture(
    store: LoopStore, interval: Interval, findings: list[ColumnFinding], window: Profiles, reference: Profiles
) -> str | None:
    """Return where the picture of the flagged columns is; None if there is none, as nothing is flagged."""
    if not any(finding.flagged for finding in findings):
        return None
    from include.stages.drift.page.drift_pictures import draw_verdict

    name = f"drift/{interval.start:%Y%m%dT%H%M}-{interval.end:%Y%m%dT%H%M}.png"
    return write_file(store, name, draw_verdict(interval, findings, window, reference))


def _reasons(flagged: Sequence[str], judged: int, days: int) -> list[str]:
    """Return what is said of the flagged findings, or that there is none."""
    if not flagged:
        return [f"No column of {judged} differs from {days} ordinary days by an effect that matters."]
    more = [f"… and {len(flagged) - MOST_REASONS} more findings are flagged."] if len(flagged) > MOST_REASONS else []
    return [*flagged[:MOST_REASONS], *more]
