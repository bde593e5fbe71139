"""Judge a pulled interval before the loop learns from it."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from include.errors import DataQualityError, NothingToDo
from include.logs.data_docs import publish_index, result_page
from include.logs.expectations import run_suite
from include.logs.pulling import refused_in
from include.logs.suites import suite_of
from include.store.day_batches import rows_between
from include.store.files import write_file
from include.store.interval import Interval
from include.store.tables import LoopStore

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 100_000  # what Great Expectations is given: it holds its rows in memory


@dataclass(frozen=True)
class ValidationReport:
    """What was judged and where the result is kept."""

    rows: int
    refused: int
    refused_share: float
    result_uri: str


def validate_logs(store: LoopStore, interval: Interval) -> ValidationReport:
    """Hold an interval against the share of refused rows and the suite that the loop file allows.

    Raises
    ------
    NothingToDo
        If nothing was logged in the interval.
    DataQualityError
        If too many rows were refused, or the suite is not met; with the first ten reasons and where the rest is.
    """
    rows, refused = rows_between(store, "predictions", interval), refused_in(store, interval)
    total = rows + refused.num_rows
    if total == 0:
        raise NothingToDo(f"No predictions in {interval.key}: is traffic logged to {store.loop.logs.uri}?")
    share, allowed = refused.num_rows / total, store.loop.logs.max_refused_share
    if share > allowed:
        reasons = [
            f"{row['source']}:{row['line']}: {row['reason_code']}: {row['reason']}" for row in refused.to_pylist()
        ]
        raise DataQualityError(
            f"{refused.num_rows} of {total} log lines were refused ({share:.1%}), "
            f"logs.max_refused_share allows {allowed:.1%}; they are in the table quarantine of {store.uri}",
            reasons,
        )
    return ValidationReport(rows, refused.num_rows, share, _judge(store, interval, rows))


def _judge(store: LoopStore, interval: Interval, rows: int) -> str:
    result = run_suite(f"{store.loop.name} logs", suite_of(store.loop), _batch(store, interval, rows))
    part = f"About {MOST_ROWS} of {rows} rows were judged, chosen by a hash of their trace ids."
    note = f"{'All rows were judged.' if rows <= MOST_ROWS else part} <a href=index.html>All batches</a>"
    name = f"expectations/logs-{interval.start:%Y%m%dT%H%M}-{interval.end:%Y%m%dT%H%M}"
    write_file(store, f"{name}.json", json.dumps(result.details, indent=1, default=str))
    page = write_file(store, f"{name}.html", result_page(f"{store.loop.name}: logs of {interval.key}", result, note))
    entry: dict[str, str | int | bool] = {
        "page": page.rpartition("/")[2], "interval": interval.key, "rows": rows, "met": result.success,
        "missed": len(result.failures),
    }  # fmt: skip
    publish_index(store, f"{store.loop.name}: expectations on the logs", entry)
    if not result.success:
        raise DataQualityError(f"The logs of {interval.key} miss expectations; see {page}", result.failures)
    return page


def _batch(store: LoopStore, interval: Interval, rows: int) -> "pd.DataFrame":
    """Return the interval's rows, or a uniform sample of them by a hash of the trace id: the same rows on every run."""
    import duckdb

    dataset = store.dataset("predictions", [("day", "in", interval.days)])
    if dataset is None:
        return cast("pd.DataFrame", store.schema("predictions").empty_table().to_pandas())
    share = min(1.0, MOST_ROWS / max(rows, 1))
    with duckdb.connect(config={"threads": 1}) as database:
        database.execute("SET TimeZone = 'UTC'")
        database.register("predictions", dataset)
        found = database.execute(
            "SELECT * FROM predictions WHERE ts >= ? AND ts < ? AND hash(trace_id) <= ? ORDER BY trace_id",
            [interval.start, interval.end, int(share * (2**64 - 1))],
        )
        return found.df()
