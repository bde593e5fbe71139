"""Runs every monitor of labels and confidence on a window."""

from include.foundation.decisions.drift_verdict import MonitorFinding
from include.foundation.store.tables import LoopStore
from include.stages.drift.comparing.column_findings import Judged
from include.stages.drift.monitors.estimated_performance import estimated_findings
from include.stages.drift.monitors.label_drift import label_findings
from include.stages.drift.monitors.labeled_rows import random_labels
from include.stages.drift.monitors.performance import performance_findings
from include.stages.drift.windows import Window


def monitor_findings(store: LoopStore, window: Window, beside: Judged | None = None) -> list[MonitorFinding]:
    """Return what the monitors of accuracy, of the shares of classes and of estimated accuracy find.

    Parameters
    ----------
    store
        Tables of the loop.
    window
        The window with its reference.
    beside
        What comparing its columns gave.
    """
    interval = window.interval
    labels = random_labels(store, interval)
    return [
        *performance_findings(store, interval, labels),
        *label_findings(store, window, labels),
        *estimated_findings(store, window, labels, beside),
    ]
