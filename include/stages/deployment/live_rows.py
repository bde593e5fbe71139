"""What the logs say of a live version of which no row can be judged: it waits for labels, or no row names it."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from include.foundation.decisions import GuardVerdict
from include.foundation.store.bulk.day_batches import newest_moment
from include.foundation.store.ledgers.deployments import BEGINNING, Deployment
from include.foundation.store.tables import LoopStore

SHOWN = 5


def rows_of_late(store: LoopStore, deployment: Deployment) -> Counter[str]:
    """Count the rows of the newest ``deploy.watch_days`` days, since a version went live, by the version that they name.

    Parameters
    ----------
    store
        Tables of the loop.
    deployment
        What is live.
    """
    first, today = f"{deployment.live_from:%Y-%m-%d}", f"{datetime.now(UTC):%Y-%m-%d}"
    read = [day for day in store.days("predictions") if first <= day <= today][-store.loop.deploy.watch_days :]
    after = [("day", "in", read), ("ts", ">", deployment.live_from)]
    rows = store.read("predictions", columns=["model_version"], filters=after) if read else None
    return Counter(rows.column("model_version").to_pylist() if rows else ())


def unjudged(store: LoopStore, deployment: Deployment, served: Counter[str]) -> GuardVerdict:
    """Return the verdict on a version without a labeled random row of late: *inconclusive*, or *no data* if no row names it.

    Parameters
    ----------
    store
        Tables of the loop.
    deployment
        What is live.
    served
        The `rows_of_late`.
    """
    version, days = deployment.model_version, store.loop.deploy.watch_days
    if served.get(version):
        outcome, reason = (
            "inconclusive",
            f"{served[version]} rows of version {version} were logged of late; no random one has a label yet.",
        )
    elif served:
        names = ", ".join(f"{name} ({rows} rows)" for name, rows in served.most_common(SHOWN))
        outcome = "no_data"
        reason = (
            f"No row of version {version} was logged of late; the logs name {names}. Log the version as the registry says it, "
            f"{version!r}, or find out why another one is served."
        )
    else:
        outcome, reason = "no_data", f"No row was logged since version {version} went live."
    ended = _has_ended(store, deployment, datetime.now(UTC))
    return GuardVerdict(
        subject=version, outcome=outcome, deployment=deployment.evidence_digest, versions=dict(served), watch_ended=ended,
        reasons=(reason, f"{days} days have passed without a row to judge it by.") if ended else (reason,),
    )  # fmt: skip


def _has_ended(store: LoopStore, deployment: Deployment, now: datetime) -> bool:
    """Tell whether ``deploy.watch_days`` have passed in the logs, or on the clock where nothing is logged any more."""
    watched = timedelta(days=store.loop.deploy.watch_days)
    newest = newest_moment(store, "predictions", until=now) or BEGINNING
    since = deployment.live_from if deployment.live_from > BEGINNING else deployment.deployed_at
    return newest > since + watched or now > deployment.deployed_at + watched
