"""The page of a drift verdict: what happened, what the loop does about it, and the evidence, in a minute."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from include.foundation.config.loop_file import Loop
from include.foundation.decisions import DriftVerdict
from include.foundation.decisions.drift_verdict import ColumnFinding, MonitorFinding
from include.foundation.decisions.verdict_history import verdicts_back
from include.foundation.intervals import Interval
from include.foundation.pages.charts import Chart
from include.foundation.pages.rendering import render
from include.foundation.store.loop_files import read_file, write_file
from include.foundation.store.tables import LoopStore
from include.stages.drift.monitors.estimated_performance import BLIND
from include.stages.drift.page.drift_charts import CHARTS
from include.stages.drift.page.file_names import verdict_file
from include.stages.drift.page.wording import column_in_words, difference_in_words

TEMPLATES = Path(__file__).parent / "templates"
MOST_ROWS = 40
MOST_COLUMNS, MOST_SEGMENTS, NAMED = 10, 10, 3
HEADLINES = {
    "alarm": "Drift is confirmed",
    "drift": "Something drifted; no alarm is raised",
    "stable": "Nothing drifted",
    "inconclusive": "There is too little to judge",
}
# What a route asks of the loop, and of a person.
ROUTES = {
    "fix_data": (
        "It asks for no labels of rows that lack a value, but for those that the random draw takes or users report.",
        "Find out why {columns} changed, and mend it at the source.",
    ),
    "label_segment": (
        "It asks for labels, which alone tell what is lost{of_segments}.",
        "See that these labels are answered.",
    ),
    "retrain": (
        "It retrains on new labels, and the gate judges the result.",
        "See that the labels that were asked for are answered.",
    ),
    "watch": (
        "It starts nothing: what drifted costs no accuracy that confidence can see.",
        "Ask whether {columns} was meant to change. If so, {accept}; if not, mend it at the source.",
    ),
    "none": ("Nothing.", "Nothing."),
}
ALARMED = {
    "fix_data": " It starts no training by itself while the alarm is up.",
    "retrain": " {needed} new labels are enough while the alarm is up.",
}


def write_verdict_page(store: LoopStore, interval: Interval, verdict: DriftVerdict) -> str:
    """Write the self-contained HTML page of a verdict and return its URI; writing it again changes nothing.

    Parameters
    ----------
    store
        Tables of the loop; the page lands in ``drift/<interval>.html`` of its files.
    interval
        The window.
    verdict
        On it.
    """
    changed = _changed(store.loop, verdict.columns)
    does, wanted = _advice(store.loop, verdict, changed)
    facts = {
        "loop": store.loop,
        "interval": interval,
        "verdict": verdict,
        "headline": HEADLINES[verdict.outcome],
        "does": does,
        "wanted": wanted,
        "since": _since(store, interval),
        "changed": changed,
        "most": MOST_COLUMNS,
        "columns": verdict.columns[:MOST_ROWS],
        "charts": _charts(store, verdict),
        "flagged": sum(finding.flagged for finding in verdict.columns),
        "accuracy": _accuracy(verdict.monitors)[:MOST_SEGMENTS],
        "blind": BLIND,
        "labels": [one.sentence for one in verdict.monitors if one.monitor == "label" and one.flagged],
    }
    page = render(TEMPLATES, "verdict.html", facts)
    return write_file(store, verdict_page_path(interval), page)


def verdict_page_path(interval: Interval) -> str:
    """Return where the page of a window's verdict is among the loop's files, if one was written: only what differs has one."""
    return verdict_file(interval, "html")


def _advice(loop: Loop, verdict: DriftVerdict, changed: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """Return what the loop does, and what a person is asked to do."""
    route, segments = verdict.route, verdict.segments
    does, wanted = ROUTES[route]
    if verdict.outcome == "alarm":
        does += ALARMED.get(route, "")
    elif route in ALARMED:
        does += " Training waits for an alarm to act on it: this is none."
    names = [one["name"] for one in changed]
    known = {
        "columns": ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else ""),
        "of_segments": f": half of what it chooses is of {', '.join(segments)}" if segments else "",
        "needed": loop.retrain.min_new_labels_on_drift,
        "accept": "trigger observe with its first day as ordinary_from" if loop.drift.reference == "rolling" else "do nothing",
    }  # fmt: skip
    return does.format(**known), wanted.format(**known)


def _changed(loop: Loop, columns: Sequence[ColumnFinding]) -> list[dict[str, Any]]:
    """Return an entry for each flagged column, largest effect first.

    An entry tells of all rows if they are flagged, and otherwise of the segment where the effect is largest.
    """
    kinds = {f"input_{name}": item.type for name, item in loop.inputs.items()}
    entries: dict[str, dict[str, Any]] = {}
    for one in columns:
        if one.flagged:
            name = one.column
            numeric = kinds.get(name) == "numeric" or name == "confidence" or ":" in name
            entry = entries.setdefault(
                name, {"name": column_in_words(name), "segments": [], "whole": False, **dict(one)}
            )
            if not one.segment:
                entry |= {**dict(one), "whole": True}
            else:
                entry["segments"].append(one.segment)
            entry["words"] = difference_in_words(entry["statistic"], entry["expected"], entry["found"], numeric=numeric)
    return sorted(entries.values(), key=lambda entry: -(entry["effect"] or 0.0))


def _since(store: LoopStore, interval: Interval) -> tuple[Interval, int]:
    """Return the first window of the unbroken run of flagged windows that ends with this one, and the length of the run.

    Windows that were too small to judge neither count nor break the run.
    """
    first, count = interval, 1
    for span, verdict in verdicts_back(store, interval.start):
        if verdict.flagged:
            first, count = span, count + 1
        elif verdict.outcome != "inconclusive":
            break
    return first, count


def _accuracy(monitors: Sequence[MonitorFinding]) -> list[dict[str, Any]]:
    """Return what labels and confidence say of each segment's accuracy: all rows, then what dropped, then by name."""
    entries: dict[str, dict[str, Any]] = {}
    for one in monitors:
        if one.monitor in {"performance", "estimated_performance"}:
            empty = {"segment": one.segment, "performance": None, "estimated_performance": None, "dropped": False}
            entry = entries.setdefault(one.segment, empty)
            entry[one.monitor] = one
            entry["dropped"] |= one.flagged
    return sorted(entries.values(), key=lambda entry: (bool(entry["segment"]), not entry["dropped"], entry["segment"]))


def _charts(store: LoopStore, verdict: DriftVerdict) -> tuple[Chart, ...]:
    """Return the charts of a verdict's columns; none if nothing is flagged, or if an earlier version drew them as a picture."""
    name = (verdict.picture or "").rpartition("/")[2]
    return CHARTS.validate_json(read_file(store, f"drift/{name}")) if name.endswith(".json") else ()
