"""What the logs say of a live version of which no row can be judged: it waits for labels, or no row names it."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from include.foundation.decisions import GuardVerdict
from include.foundation.store.bulk.day_batches import newest_moment
from include.foundation.store.ledgers.deployments import BEGINNING, Deployment
from include.foundation.store.tables import LoopStore

SHOWN = 5


def unjudged(store: LoopStore, deployment: Deployment) -> GuardVerdict:
    """Return the verdict on a version without a labeled random row: *inconclusive*, or *no data* if no row names it.

    Parameters
    ----------
    store
        Tables of the loop.
    deployment
        What is live.
    """
    version, now = deployment.model_version, datetime.now(UTC)
    served, ended = _versions_since(store, deployment, now), _has_ended(store, deployment, now)
    days = store.loop.deploy.watch_days
    if served.get(version):
        outcome, reason = (
            "inconclusive",
            f"{served[version]} rows of version {version} were logged; no random one has a label yet.",
        )
    elif served:
        names = ", ".join(f"{name} ({rows} rows)" for name, rows in served.most_common(SHOWN))
        outcome = "no_data"
        reason = (
            f"No row of version {version} was logged since it went live; the logs name {names}. Log the version as the "
            f"registry says it, {version!r}, or find out why another one is served."
        )
    else:
        outcome, reason = "no_data", f"No row was logged since version {version} went live."
    reasons = (reason, f"The {days} days in which it is watched have passed.") if ended else (reason,)
    return GuardVerdict(
        subject=version, outcome=outcome, reasons=reasons, deployment=deployment.evidence_digest,
        versions=dict(served), watch_ended=ended,
    )  # fmt: skip


def _versions_since(store: LoopStore, deployment: Deployment, now: datetime) -> Counter[str]:
    """Count the rows of the days of watching by the version that they name; none is read beyond them."""
    days = [day for day in store.days("predictions") if f"{deployment.live_from:%Y-%m-%d}" <= day <= f"{now:%Y-%m-%d}"]
    read = days[: store.loop.deploy.watch_days + 1]
    after = [("day", "in", read), ("ts", ">", deployment.live_from)]
    rows = store.read("predictions", columns=["model_version"], filters=after) if read else None
    return Counter(rows.column("model_version").to_pylist() if rows else ())


def _has_ended(store: LoopStore, deployment: Deployment, now: datetime) -> bool:
    """Tell whether the days of watching have passed in the logs, or on the clock where nothing is logged any more."""
    watched = timedelta(days=store.loop.deploy.watch_days)
    newest = newest_moment(store, "predictions", until=now) or BEGINNING
    since = deployment.live_from if deployment.live_from > BEGINNING else deployment.deployed_at
    return newest > since + watched or now > deployment.deployed_at + watched
