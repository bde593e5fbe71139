"""Judge a pulled interval before the loop learns from it."""

import json
from dataclasses import dataclass

import pyarrow as pa

from include.errors import DataQualityError, NothingToDo
from include.logs.expectations import log_expectations, result_page, run_suite
from include.logs.pulling import refused_in
from include.store.files import write_file
from include.store.interval import Interval
from include.store.tables import LoopStore


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
    rows = store.read("predictions", filters=[("ts", ">=", interval.start), ("ts", "<", interval.end)])
    refused = refused_in(store, interval)
    total = rows.num_rows + refused.num_rows
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
    return ValidationReport(rows.num_rows, refused.num_rows, share, _judge(store, interval, rows))


def _judge(store: LoopStore, interval: Interval, rows: pa.Table) -> str:
    result = run_suite(f"{store.loop.name} logs", log_expectations(store.loop), rows.to_pandas())
    name = f"expectations/logs-{interval.start:%Y%m%dT%H%M}-{interval.end:%Y%m%dT%H%M}"
    write_file(store, f"{name}.json", json.dumps(result.details, indent=1, default=str))
    page = write_file(store, f"{name}.html", result_page(f"{store.loop.name}: logs of {interval.key}", result))
    if not result.success:
        raise DataQualityError(f"The logs of {interval.key} miss expectations; see {page}", result.failures)
    return page
