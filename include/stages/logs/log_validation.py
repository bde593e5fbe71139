"""Judge the logs of an interval before the loop learns from them: the share that was refused, and a suite of expectations."""

import heapq
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow.compute as pc

from include.foundation.errors import SHOWN, DataQualityError, NothingToDo
from include.foundation.intervals import Interval
from include.foundation.lines.refusals import FAILED, REPEATED
from include.foundation.quality.data_docs import FOLDER, Judged, publish
from include.foundation.quality.expectations import run_suite
from include.foundation.quality.judged_sample import columns_judged, sampled_rows
from include.foundation.quality.suites import logs_suite
from include.foundation.store.bulk.day_batches import rows_between
from include.foundation.store.scanning import readable, scan
from include.foundation.store.tables import LoopStore
from include.stages.logs.slices.read_ledger import lines_lost_with

MOST_ROWS = 100_000
REASON = ("source", "line", "reason_code", "reason")


@dataclass(frozen=True)
class ValidationReport:
    """What was judged and where the result is kept.

    Attributes
    ----------
    rows, refused
        Lines of the interval that are in the store, and in quarantine.
    lost
        Further lines that files which could not be read, or not to their end, had by their size.
    refused_share
        Share of the refused and the lost, without the failed.
    result_uri
        Page of the suite's result.
    judged
        How many of the rows were held against the suite.
    missed
        Expectations that were missed and only warn.
    failed, fell_back
        Lines whose ``error`` says that there was no prediction, which are in quarantine and not counted as refused; and rows
        whose prediction has an ``error`` beside it.
    """

    rows: int
    refused: int
    lost: int
    refused_share: float
    result_uri: str
    judged: int
    missed: int
    failed: int = 0
    fell_back: int = 0


class Unused(NamedTuple):
    """How many lines of an interval are no rows: refused, lost with their file, or failures."""

    refused: int
    lost: int
    failed: int


def validate_logs(store: LoopStore, interval: Interval) -> ValidationReport:
    """Hold an interval against the share of refused rows and the suite that the loop's files allow.

    Returns
    -------
    ValidationReport
        Counts are exact, but for ``lost``. The suite looks at every row of up to 100,000, and at a uniform sample of as many of
        more.

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
    refused, failed, reasons = _refused(store, interval)
    lost = _lost(store, interval)
    total = rows + refused + lost
    if total == 0 and failed:
        raise DataQualityError(f"All {failed} log lines of {interval.key} say that the model failed", reasons)
    if total == 0:
        raise NothingToDo(f"No predictions in {interval.key}: is traffic logged to {store.loop.logs.uri}?")
    share, allowed = (refused + lost) / total, store.loop.logs.max_refused_share
    if share > allowed:
        more = f", and {refused - len(reasons)} more" if refused > len(reasons) else ""
        by_size = f", {lost} of them by the size of files that cannot be read," if lost else ""
        raise DataQualityError(
            f"{refused + lost} of {total} log lines were refused{by_size} ({share:.1%}), "
            f"logs.max_refused_share allows {allowed:.1%}; these{more} are in the table quarantine of {store.uri}",
            reasons,
        )
    return _judge(store, interval, rows, Unused(refused, lost, failed))


def result_page_path(interval: Interval) -> str:
    """Return where the page of an interval's result is among the loop's files, if its rows came to be judged."""
    return f"{FOLDER}/{_judged(interval, {}).path}.html"


def _judged(interval: Interval, facts: dict[str, str]) -> Judged:
    return Judged("logs", interval.start, f"{interval.end:%Y%m%dT%H%M%S}", f"Logs of {_span(interval)}", facts)


def _judge(store: LoopStore, interval: Interval, rows: int, unused: Unused) -> ValidationReport:
    suite = logs_suite(store.loop)
    batch = sampled_rows(store, interval, columns_judged(store, suite), rows, MOST_ROWS)
    result = run_suite(suite, batch.to_pandas(), rows)
    not_taken = unused.refused + unused.lost
    share, fell_back = not_taken / (rows + not_taken), _fell_back(store, interval)
    facts = {"rows": f"{rows:,}", "refused": f"{not_taken:,} ({share:.1%})"}
    if unused.failed or fell_back:
        facts |= {"failed": f"{unused.failed:,} without a prediction, {fell_back:,} with an error beside it"}
    page = publish(store, _judged(interval, facts), result)
    if not result.success:
        raise DataQualityError(f"The logs of {interval.key} miss expectations; see {page}", result.failures)
    warnings = len(result.warnings)
    return ValidationReport(
        rows, unused.refused, unused.lost, share, page, batch.num_rows, warnings, unused.failed, fell_back
    )


def _refused(store: LoopStore, interval: Interval) -> tuple[int, int, list[str]]:
    """Return how many lines the interval's pull refused, how many are failures, and the first reasons by files and lines.

    The reasons are those of refused lines; of failures, if nothing else was refused.
    """
    dataset = store.dataset("quarantine")
    if dataset is None:
        return 0, 0, []
    of_pull = [("interval_start", "=", interval.start), ("interval_end", "=", interval.end), ("stage", "=", "logs")]
    counts, first = Counter[bool](), list[tuple[bool, str, int, str, str]]()
    for batch in scan(dataset, REASON, of_pull):
        lines = [
            (row["reason_code"] == FAILED, row["source"], row["line"] or 0, row["reason_code"], row["reason"])
            for row in batch.to_pylist()
        ]
        counts.update(is_failure for is_failure, *_ in lines)
        first = heapq.nsmallest(SHOWN, [*first, *lines])
    reasons = [line[1:] for line in first if line[0] == first[0][0]]
    return counts[False], counts[True], [f"{source}:{line}: {code}: {reason}" for source, line, code, reason in reasons]


def _fell_back(store: LoopStore, interval: Interval) -> int:
    """Return how many rows of an interval have a prediction and an error."""
    dataset = store.dataset("predictions", [("day", "in", interval.days)])
    if dataset is None or "error" not in dataset.schema.names:  # a store of an earlier version
        return 0
    moment, error = pc.field("ts"), pc.field("error")
    with readable():
        return int(dataset.count_rows((moment >= interval.start) & (moment < interval.end) & error.is_valid()))


def _lost(store: LoopStore, interval: Interval) -> int:
    """Return how many lines the files that could not be read, or not to their end, had beyond those that are counted."""
    of_pull = [("interval_start", "=", interval.start), ("interval_end", "=", interval.end), ("stage", "=", "logs")]
    refusals = store.read("quarantine", columns=["source", "line", "reason_code"], filters=of_pull).to_pylist()
    damaged = {row["source"] for row in refusals if row["line"] is None and row["reason_code"] != REPEATED}
    return lines_lost_with(store, interval, damaged) if damaged else 0


def _span(interval: Interval) -> str:
    return f"{interval.start:%Y-%m-%d %H:%M} to {interval.end:%Y-%m-%d %H:%M} UTC"
