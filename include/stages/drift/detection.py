"""The drift verdict of one interval."""

from typing import Any

from include.foundation.config.data_sections import Drift
from include.foundation.decisions.chain import Decision, record
from include.foundation.digests import canonical_json
from include.foundation.intervals import Interval
from include.foundation.store.loop_files import write_file
from include.foundation.store.tables import LoopStore
from include.stages.drift.comparing.column_findings import FEWEST_REFERENCE_DAYS, Key, judge_columns
from include.stages.drift.findings import Finding
from include.stages.drift.history import Verdicts, confirmed, newest_verdicts, reference_days
from include.stages.drift.profiling.counting import Profile
from include.stages.drift.profiling.vocabulary import KIND
from include.stages.drift.routing import Routed, judge

MOST_COLUMNS = 200
MOST_REASONS = 20
Profiles = dict[Key, list[Profile]]


def detect_drift(store: LoopStore, interval: Interval) -> Decision:
    """Judge an interval against ordinary days and record the verdict.

    Parameters
    ----------
    store
        Tables of the loop; ``profiles`` of the interval and of the reference days.
    interval
        The window.

    Returns
    -------
    Decision
        Kind ``drift``; outcome ``stable``, ``drift`` (flagged now), ``alarm`` (confirmed k of m and not in cool-down) or
        ``inconclusive``; evidence has the ``route`` and, by column and segment, effect and p-value. Judging an interval
        again on the same profiles gives the same decision, whatever labels came back since.

    Raises
    ------
    StoreError
        If a table cannot be read, or the verdict not be written.
    """
    verdicts = newest_verdicts(store)
    days = reference_days(store, interval, verdicts)
    window, reference = _profiles(store, interval.days, days)
    rows = max((sum(day["rows"] for day in found) for found in window.values()), default=0)
    evidence: dict[str, Any] = {"rows": rows, "reference_days": len(days)}
    reason = _too_little(store.loop.drift, rows, len(days))
    if reason:
        evidence |= {"route": "none", "flagged": False, "columns": [], "columns_judged": 0, "monitors": []}
        evidence |= {"segments": [], "picture": None}
        return record(store, Decision("drift", interval.key, "inconclusive", (reason,), evidence))
    findings = judge_columns(store.loop.drift, window, reference)
    before = _judged_before(verdicts.get(interval.key), findings, evidence)
    if before is not None:
        return before
    routed = judge(store, interval, findings, days)
    evidence["picture"] = _picture(store, interval, findings, window, reference)
    return record(store, _verdict(store.loop.drift, interval, findings, routed, verdicts, evidence))


def _judged_before(found: Decision | None, findings: list[Finding], evidence: dict[str, Any]) -> Decision | None:
    """Return a verdict if it is on the same profiles: labels that came back since are judged by later windows."""
    same = {**evidence, "columns": [_column(finding) for finding in findings[:MOST_COLUMNS]]}
    if found is None or any(canonical_json(found.evidence.get(name)) != canonical_json(same[name]) for name in same):
        return None
    return found


def _profiles(store: LoopStore, window: list[str], reference: list[str]) -> tuple[Profiles, Profiles]:
    """Return the profiles of a window's days and of the reference days, by segment and column."""
    found: tuple[Profiles, Profiles] = ({}, {})
    rows = store.read("profiles", filters=[("day", "in", [*window, *reference]), ("kind", "!=", KIND)])
    for row in rows.to_pylist():
        found[row["day"] not in window].setdefault((row["segment"], row["column"]), []).append(row)
    return found


def _too_little(drift: Drift, rows: int, days: int) -> str | None:
    if rows < drift.min_rows:
        return f"{rows} rows are too few to judge: drift.min_rows is {drift.min_rows}."
    if days < FEWEST_REFERENCE_DAYS:
        return (
            f"{days} reference days are too few to know what is ordinary: at least {FEWEST_REFERENCE_DAYS} are needed."
        )
    return None


def _picture(
    store: LoopStore, interval: Interval, findings: list[Finding], window: Profiles, reference: Profiles
) -> str | None:
    """Return where the picture of the flagged columns is; None if there is none, as nothing is flagged."""
    if not any(finding.flagged for finding in findings):
        return None
    from include.stages.drift.page.drift_pictures import draw_verdict

    name = f"drift/{interval.start:%Y%m%dT%H%M}-{interval.end:%Y%m%dT%H%M}.png"
    return write_file(store, name, draw_verdict(interval, findings, window, reference))


def _verdict(
    drift: Drift, interval: Interval, findings: list[Finding], routed: Routed, verdicts: Verdicts, more: dict[str, Any]
) -> Decision:
    flagged = [finding for finding in [*findings, *routed.findings] if finding.flagged]
    outcome, why = confirmed(drift, interval, verdicts, flagged_now=bool(flagged))
    reasons = [finding.sentence for finding in flagged[:MOST_REASONS]] or [
        f"No column of {len(findings)} differs from {more['reference_days']} ordinary days by an effect that matters."
    ]
    if len(flagged) > MOST_REASONS:
        reasons.append(f"… and {len(flagged) - MOST_REASONS} more findings are flagged.")
    evidence = {
        "route": routed.route,
        "flagged": bool(flagged),
        "columns": [_column(finding) for finding in findings[:MOST_COLUMNS]],
        "columns_judged": len(findings),
        "monitors": [finding.to_json() for finding in routed.findings],
        "segments": routed.segments,
    }
    return Decision("drift", interval.key, outcome, (*reasons, *routed.reasons, why), routed.evidence | evidence | more)


def _column(finding: Finding) -> dict[str, Any]:
    names = ("column", "segment", "monitor", "statistic", "p_value", "effect", "flagged")
    return {name: getattr(finding, name) for name in names} | finding.details
