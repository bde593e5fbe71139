"""The drift verdict of one interval."""

from typing import Any

import numpy as np
import pyarrow as pa

from include.config.data_sections import Drift
from include.drift.calibration import flagged_by_false_discovery, window_p_value
from include.drift.drift_pictures import draw_verdict
from include.drift.history import confirmed, excluded_days
from include.drift.profiles import merged
from include.drift.statistics import UNSEEN, day_statistics, total_variation
from include.store.decisions import Decision, record
from include.store.files import write_file
from include.store.interval import Interval
from include.store.tables import LoopStore

FEWEST_REFERENCE_DAYS = 7
DATA_FAULTS = {"missing", UNSEEN}
Profiles = dict[str, list[dict[str, Any]]]


def detect_drift(store: LoopStore, interval: Interval) -> Decision:
    """Judge an interval's profiles against ordinary days and record the verdict.

    Parameters
    ----------
    store
        Tables of the loop; ``profiles`` of the interval and of the days before it.
    interval
        The window.

    Returns
    -------
    Decision
        Kind ``drift``; outcome ``stable``, ``drift`` (flagged now), ``alarm`` (confirmed k of m and not in cool-down) or
        ``inconclusive``; evidence has the ``route`` and, by column, effect and p-value.
    """
    window, reference, days = _profiles(store, interval)
    rows = max((sum(day["rows"] for day in column) for column in window.values()), default=0)
    reason = _too_little(store.loop.drift, rows, len(days))
    if reason:
        evidence: dict[str, Any] = {
            "route": "none",
            "flagged": False,
            "columns": [],
            "rows": rows,
            "reference_days": len(days),
        }
        return record(store, Decision("drift", interval.key, "inconclusive", (reason,), evidence))
    columns = _judged(store.loop.drift, window, reference)
    picture = draw_verdict(interval, columns, window, reference)
    name = f"drift/{interval.start:%Y%m%dT%H%M}-{interval.end:%Y%m%dT%H%M}.png"
    return record(store, _verdict(store, interval, columns, {"rows": rows, "reference_days": len(days),
                                                             "picture": write_file(store, name, picture)}))  # fmt: skip


def _profiles(store: LoopStore, interval: Interval) -> tuple[Profiles, Profiles, list[str]]:
    """Return the profiles of window and reference by column, and the reference days."""
    excluded = excluded_days(store, interval)
    known = store.read("profiles", columns=["day"], filters=[("day", "<", interval.days[0])])
    ordinary = sorted(set(known.column("day").to_pylist()) - excluded)
    days = ordinary[-store.loop.drift.reference_days :]
    window = _by_column(store.read("profiles", filters=[("day", "in", interval.days)]))
    reference = _by_column(store.read("profiles", filters=[("day", "in", days)])) if days else {}
    return window, reference, days


def _by_column(rows: pa.Table) -> Profiles:
    columns: Profiles = {}
    for row in rows.to_pylist():
        columns.setdefault(row["column"], []).append(row)
    return columns


def _too_little(drift: Drift, rows: int, days: int) -> str | None:
    if rows < drift.min_rows:
        return f"{rows} rows are too few to judge: drift.min_rows is {drift.min_rows}."
    if days < FEWEST_REFERENCE_DAYS:
        return (
            f"{days} reference days are too few to know what is ordinary: at least {FEWEST_REFERENCE_DAYS} are needed."
        )
    return None


def _judged(drift: Drift, window: Profiles, reference: Profiles) -> list[dict[str, Any]]:
    """Return the evidence of each column: p-value, effect, whether it is flagged; flagged ones first."""
    columns: list[dict[str, Any]] = []
    for name in sorted(window):
        past = [day for day in reference.get(name, []) if day["rows"]]
        if len(past) < FEWEST_REFERENCE_DAYS:
            continue
        p_value, statistic = window_p_value(day_statistics(past, past), day_statistics(past, window[name]))
        distance, noise = total_variation(merged(past), merged(window[name]))
        effect = max(0.0, distance - noise)
        columns.append({"column": name, "statistic": statistic, "p_value": p_value, "effect": effect})
    discoveries = flagged_by_false_discovery(
        np.array([column["p_value"] for column in columns]), drift.false_alarm_rate
    )
    for column, discovery in zip(columns, discoveries, strict=True):
        column["flagged"] = bool(discovery) and column["effect"] >= drift.min_effect
    return sorted(columns, key=lambda column: (not column["flagged"], -column["effect"], column["column"]))


def _verdict(store: LoopStore, interval: Interval, columns: list[dict[str, Any]], more: dict[str, Any]) -> Decision:
    flagged = [column for column in columns if column["flagged"]]
    outcome, why = confirmed(store, interval, flagged_now=bool(flagged))
    reasons = [
        f"{column['column']}: {column['statistic']} differs from ordinary days, effect {column['effect']:.2f} "
        f"(floor {store.loop.drift.min_effect:.2f}), p = {column['p_value']:.2g}."
        for column in flagged
    ] or [f"No column of {len(columns)} differs from {more['reference_days']} ordinary days by an effect that matters."]
    evidence = {"route": _route(outcome, flagged), "flagged": bool(flagged), "columns": columns, **more}
    return Decision("drift", interval.key, outcome, (*reasons, why), evidence)


def _route(outcome: str, flagged: list[dict[str, Any]]) -> str:
    if flagged and all(column["column"] != "predicted" and column["statistic"] in DATA_FAULTS for column in flagged):
        return "fix_data"
    return {"alarm": "retrain", "drift": "watch"}.get(outcome, "none")
