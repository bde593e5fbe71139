"""What is logged of a canary's step: whom it served, and whether callers are served as its share says."""

import math
from collections import Counter
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from include.foundation.config.promotion_sections import Canary as Bounds
from include.foundation.decisions.guard_verdict import CanaryTraffic
from include.foundation.lines.refusals import FAILED
from include.foundation.statistics.estimates import share_with_interval
from include.foundation.store.ledgers.deployments import Canary
from include.foundation.store.tables import LoopStore

SETTLE = timedelta(minutes=1)  # after which every gateway serves by the step's share
BUDGET = 0.01  # probability that a canary whose callers are served as they should be is ever held for its sample ratio
FEWEST = 9.0  # variance of the number of callers below which its distribution is not that of chi-square
MOST_EXPOSED = 0.01  # share of the callers that may be served by both: those whose gateway was late
LEVEL = 0.99  # of the intervals that stop: the guard looks again and again


def canary_traffic(store: LoopStore, running: Canary) -> CanaryTraffic:
    """Count what was logged in a step of a canary, by the clock.

    Callers are those of the newest hours that a step lasts: what was wrong with them, and was mended, counts no more then.

    Parameters
    ----------
    store
        Tables of the loop.
    running
        The canary.
    """
    lately = datetime.now(UTC) - timedelta(hours=store.loop.deploy.canary.step_hours)
    since = running.step.deployed_at + SETTLE
    version, live = running.first.model_version, str(running.first.previous_version)
    after = [("day", ">=", f"{since:%Y-%m-%d}"), ("ts", ">", since), ("model_version", "in", [version, live])]
    rows = store.read("predictions", columns=["trace_id", "ts", "source_id", "model_version"], filters=after)
    is_canary = pc.equal(rows.column("model_version"), version)
    requests = int(pc.sum(is_canary).as_py() or 0)
    callers, by_canary, by_both = _callers(rows.filter(pc.greater(rows.column("ts"), lately)), version)
    failed = _failures(store, since)
    p_value = ratio_p_value(callers - by_both, by_canary, running.share)
    return CanaryTraffic(
        requests=requests, served=rows.num_rows - requests, callers=callers, by_canary=by_canary, by_both=by_both,
        failures=failed[version], served_failures=failed[live], p_value=p_value,
    )  # fmt: skip


def ratio_p_value(callers: int, by_canary: int, share: float) -> float | None:
    """Return the p-value of chi-square of how many callers a canary served; None where too few are known.

    Parameters
    ----------
    callers, by_canary
        That were served by one version alone, and those of them that the canary served.
    share
        That it serves, 0 to 1.

    Examples
    --------
    >>> ratio_p_value(1000, 100, 0.1), ratio_p_value(10, 1, 0.1)
    (1.0, None)
    """
    from scipy.special import chdtrc

    variance = callers * share * (1 - share)
    return None if variance < FEWEST else float(chdtrc(1, (by_canary - callers * share) ** 2 / variance))


def is_mismatch(traffic: CanaryTraffic, look: int) -> bool:
    """Return whether callers are shown not to be served as the share says.

    Parameters
    ----------
    traffic
        Of the step.
    look
        Number of the look at this canary, from 1: the nth may err with ``BUDGET * 6 / (pi n)**2``, all together with `BUDGET`.
    """
    if traffic.p_value is not None and traffic.p_value < BUDGET * 6 / (math.pi * look) ** 2:
        return True
    return bool(traffic.by_both) and _end(traffic.by_both, traffic.callers, low=True) > MOST_EXPOSED


def fails_more(traffic: CanaryTraffic, bounds: Bounds) -> bool:
    """Return whether a canary is shown to fail more often than what is live, by more than is allowed.

    Parameters
    ----------
    traffic
        Of the step.
    bounds
        What is allowed.
    """
    own, other = traffic.requests + traffic.failures, traffic.served + traffic.served_failures
    if not own or not other:
        return False
    worse = _end(traffic.failures, own, low=True) - _end(traffic.served_failures, other, low=False)
    return worse > bounds.max_failures


def _end(count: int, rows: int, *, low: bool) -> float:
    interval = share_with_interval(count / rows, rows, rows, LEVEL)
    return float((interval.low if low else interval.high) or 0.0)


def _callers(rows: pa.Table, version: str) -> tuple[int, int, int]:
    """Return how many callers there are, those whom the canary alone served, and those whom both did."""
    is_canary = pc.equal(rows.column("model_version"), version)
    source = pc.utf8_trim_whitespace(pc.fill_null(rows.column("source_id"), ""))
    named = pc.binary_join_element_wise("source", source, " ")
    alone = pc.binary_join_element_wise("request", rows.column("trace_id"), " ")
    caller = pc.if_else(pc.equal(source, ""), alone, named)
    grouped = pa.table({"caller": caller, "canary": pc.cast(is_canary, pa.int8())}).group_by("caller")
    ends = grouped.aggregate([("canary", "min"), ("canary", "max")])
    alone_by, any_by = (int(pc.sum(ends.column(f"canary_{end}")).as_py() or 0) for end in ("min", "max"))
    return ends.num_rows, alone_by, any_by - alone_by


def _failures(store: LoopStore, since: datetime) -> Counter[str | None]:
    """Return on how many requests each version failed, as far as their lines say."""
    failed = [("stage", "=", "logs"), ("reason_code", "=", FAILED), ("ts", ">", since)]
    return Counter(store.read("quarantine", columns=["model_version"], filters=failed).column(0).to_pylist())
