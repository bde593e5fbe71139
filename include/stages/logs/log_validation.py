"""Judge the logs of an interval before the loop learns from them: the share that was refused, and a suite of expectations."""

import heapq
from dataclasses import dataclass

from include.foundation.errors import SHOWN, DataQualityError, NothingToDo
from include.foundation.intervals import Interval
from include.foundation.quality.data_docs import FOLDER, Judged, publish
from include.foundation.quality.expectations import run_suite
from include.foundation.quality.judged_sample import columns_judged, sampled_rows
from include.foundation.quality.suites import logs_suite
from include.foundation.store.bulk.day_batches import rows_between
from include.foundation.store.scanning import scan
from include.foundation.store.tables import LoopStore

MOST_ROWS = 100_000
REASON = ("source", "line", "reason_code", "reason")


@dataclass(frozen=True)
class ValidationReport:
    """What was judged and where the result is kept.

    Attributes
    ----------
    rows, refused
        Lines of the interval that are in the store, and in quarantine.
    refused_share
        Share of the refused.
    result_uri
        Page of the suite's result.
    judged
        How many of the rows were held against the suite.
    missed
        Expectations that were missed and only warn.
    """

    rows: int
    refused: int
    refused_share: float
    result_uri: str
    judged: int
    missed: int


def validate_logs(store: LoopStore, interval: Interval) -> ValidationReport:
    """Hold an interval against the share of refused rows and the suite that the loop's files allow.

    Returns
    -------
    ValidationReport
        Counts are exact. The suite looks at every row of up to 100,000, and at a uniform sample of as many of more.

    Raises
    ------
    NothingToDo
        If nothing was logged in the interval.
    ConfigError
        If the suite that someone edited is not valid.
    DataQualityError
        If too many rows were refused, or the suite is not met; with the first ten reasons and where the rest is.
    """
    rows = rows_between(store, "predictions", interval)
    refused, reasons = _refused(store, interval)
    total = rows + refused
    if total == 0:
        raise NothingToDo(f"No predictions in {interval.key}: is traffic logged to {store.loop.logs.uri}?")
    share, allowed = refused / total, store.loop.logs.max_refused_share
    if share > allowed:
        more = f", and {refused - len(reasons)} more" if refused > len(reasons) else ""
        raise DataQualityError(
            f"{refused} of {total} log lines were refused ({share:.1%}), logs.max_refused_share allows {allowed:.1%}; "
            f"these{more} are in the table quarantine of {store.uri}",
            reasons,
        )
    return _judge(store, interval, rows, refused)


def result_page_path(interval: Interval) -> str:
    """Return where the page of an interval's result is among the loop's files, if its rows came to be judged."""
    return f"{FOLDER}/{_judged(interval, {}).path}.html"


def _judged(interval: Interval, facts: dict[str, str]) -> Judged:
    return Judged("logs", interval.start, f"{interval.end:%Y%m%dT%H%M%S}", f"Logs of {_span(interval)}", facts)


def _judge(store: LoopStore, interval: Interval, rows: int, refused: int) -> ValidationReport:
    suite = logs_suite(store.loop)
    batch = sampled_rows(store, interval, columns_judged(store, suite), rows, MOST_ROWS)
    result = run_suite(suite, batch.to_pandas(), rows)
    facts = {"rows": f"{rows:,}", "refused": f"{refused:,} ({refused / (rows + refused):.1%})"}
    page = publish(store, _judged(interval, facts), result)
    if not result.success:
        raise DataQualityError(f"The logs of {interval.key} miss expectations; see {page}", result.failures)
    return ValidationReport(rows, refused, refused / (rows + refused), page, batch.num_rows, len(result.warnings))


def _refused(store: LoopStore, interval: Interval) -> tuple[int, list[str]]:
    """Return how many lines the interval's pull refused, and the first reasons in the order of files and lines."""
    dataset = store.dataset("quarantine")
    if dataset is None:
        return 0, []
    of_pull = [("interval_start", "=", interval.start), ("interval_end", "=", interval.end), ("stage", "=", "logs")]
    count, first = 0, list[tuple[str, int, str, str]]()
    for batch in scan(dataset, REASON, of_pull):
        count += batch.num_rows
        refused = [(row["source"], row["line"] or 0, row["reason_code"], row["reason"]) for row in batch.to_pylist()]
        first = heapq.nsmallest(SHOWN, [*first, *refused])
    return count, [f"{source}:{line}: {code}: {reason}" for source, line, code, reason in first]


def _span(interval: Interval) -> str:
    return f"{interval.start:%Y-%m-%d %H:%M} to {interval.end:%Y-%m-%d %H:%M} UTC"
