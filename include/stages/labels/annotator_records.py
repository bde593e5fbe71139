"""How reliable each annotator is, whether that changed, and what the lead is told of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from include.foundation.statistics.annotator_quality import AnnotatorQuality
from include.foundation.statistics.estimates import Estimate
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore
from include.stages.labels.answered_requests import answered_requests
from include.stages.labels.consensus import people_alone

TOLD = {
    "worse": "is right less often than before",
    "sloppy": "is right less often than the team by more than ten points",
}


@dataclass(frozen=True)
class Concern:
    """Of whom the lead is told, once for each subject: nobody is named but by pseudonym."""

    subject: str
    message: str


def current_records(store: LoopStore) -> dict[str, AnnotatorQuality]:
    """Return how reliable each annotator is now, by pseudonym, in the answers to recent requests."""
    return people_alone(store.loop, answered_requests(store)).annotators


def note_by_month(store: LoopStore, by_month: Mapping[tuple[str, str], Estimate]) -> None:
    """Note how often each annotator was right in each month: what labels rest on forgets it, since it looks at recent requests.

    A month is noted anew as long as more of its answers are looked at together.

    Parameters
    ----------
    store
        Tables of the loop.
    by_month
        By pseudonym and month.
    """
    stored = store.read("annotator_records", columns=["annotator", "month", "answers"]).to_pylist()
    known = {(row["annotator"], row["month"]): row["answers"] for row in stored}
    rows = [
        {
            "annotator": name,
            "month": month,
            "answers": accuracy.rows,
            "accuracy": accuracy.value,
            "low": accuracy.low,
            "high": accuracy.high,
        }
        for (name, month), accuracy in sorted(by_month.items())
        if accuracy.rows > known.get((name, month), 0)
    ]
    table = rows_of(store.loop, "annotator_records", rows)
    store.append_new("annotator_records", table)
    if any((row["annotator"], row["month"]) in known for row in rows):
        store.update_rows("annotator_records", table)


def records_by_month(store: LoopStore) -> dict[str, list[tuple[str, Estimate]]]:
    """Return how often each annotator was right in each month, the oldest first, by pseudonym."""
    rows = store.read("annotator_records").sort_by("month").to_pylist()
    records: defaultdict[str, list[tuple[str, Estimate]]] = defaultdict(list)
    for row in rows:
        estimate = Estimate(row["accuracy"], row["low"], row["high"], row["answers"], float(row["answers"]))
        records[row["annotator"]].append((row["month"], estimate))
    return records


def concerns(records: Mapping[str, AnnotatorQuality], month: str) -> list[Concern]:
    """Return of whom the lead is told, at most once a month each.

    Parameters
    ----------
    records
        By pseudonym.
    month
        Of the newest answer, as ``2026-11``.
    """
    return [
        Concern(f"{name} {record.verdict} {month}", _message(name, record))
        for name, record in sorted(records.items())
        if record.verdict in TOLD
    ]


def _message(name: str, record: AnnotatorQuality) -> str:
    shown = f"Annotator {name[:8]} {TOLD[record.verdict]}: {_percent(record.accuracy)} of {record.answers} answers"
    if record.verdict == "worse":
        shown = f"{shown}, {_percent(record.before)} before and {_percent(record.lately)} lately"
    return f"{shown}. Consensus weighs their answers by it"


def _percent(estimate: Estimate) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "unknown"
    return f"{100 * estimate.value:.0f} % ({100 * estimate.low:.0f} to {100 * estimate.high:.0f})"
