"""What was live from when to when, and why it changed; and which version was served to a share of the callers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from include.foundation.errors import DeploymentError
from include.foundation.store.bulk.day_batches import newest_moment
from include.foundation.store.rows import rows_of
from include.foundation.store.tables import LoopStore

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
CANARY, STOP = "canary", "stop"
OF_A_SHARE = {CANARY, STOP}  # changes that leave what is live as it is


@dataclass(frozen=True)
class Promise:
    """The score that a version was deployed for, with its interval: what the guard holds it to."""

    score: float
    low: float
    high: float

    @classmethod
    def of(cls, score: float | None, low: float | None, high: float | None) -> "Promise | None":
        """Return the promise, or None where nothing was promised.

        Parameters
        ----------
        score, low, high
            The score and its interval; None where they are unknown.

        Examples
        --------
        >>> Promise.of(0.8, 0.7, 0.9), Promise.of(None, None, None)
        (Promise(score=0.8, low=0.7, high=0.9), None)
        """
        return None if score is None or low is None or high is None else cls(score, low, high)


@dataclass(frozen=True)
class Deployment:
    """One change of the live version; `append_deployment` gives it its number and its times.

    Attributes
    ----------
    model_version
        What is live from then on.
    previous_version
        What was live before; None if nothing was.
    action
        ``deploy``, ``rollback``, or ``adopt`` where a person said what is live; ``canary``, of which ``previous_version`` stays
        live, and ``stop``, of a canary that is ``previous_version``.
    why
        Sentences that a person reads.
    evidence_digest
        Of the decision that allowed it.
    promised
        None if the version was made champion by hand.
    files_digest
        Of the model's files; None if the version was made champion by hand, or by an earlier version of the loop.
    sequence
        1, 2, 3 …; 0 until it is appended.
    live_from
        In log time: later rows were served by this version.
    deployed_at
        When it was appended.
    share
        Of the callers that a canary serves from then on, 0 to 1; None of any other change.
    """

    model_version: str
    previous_version: str | None
    action: str
    why: str
    evidence_digest: str
    promised: Promise | None
    files_digest: str | None = None
    sequence: int = 0
    live_from: datetime = BEGINNING
    deployed_at: datetime = BEGINNING
    share: float | None = None

    @property
    def key(self) -> tuple[str, str, str, float | None]:
        """What makes it the same deployment when a task runs again."""
        return self.model_version, self.action, self.evidence_digest, self.share


@dataclass(frozen=True)
class Canary:
    """A version that is served to a share of the callers, step by step.

    Attributes
    ----------
    first, step
        Its first change of the ledger, and the newest: which share, and since when.
    number
        Of that step, from 1.
    """

    first: Deployment
    step: Deployment
    number: int

    @property
    def share(self) -> float:
        """Of the callers, 0 to 1."""
        return self.step.share or 0.0


def changes(store: LoopStore) -> list[Deployment]:
    """Return every change of the ledger, canaries among them, oldest first."""
    return [_deployment(row) for row in store.read("deployments").sort_by("sequence").to_pylist()]


def history(store: LoopStore) -> list[Deployment]:
    """Return the deployments, oldest first: a canary is none before it is served to everybody."""
    return [change for change in changes(store) if change.action not in OF_A_SHARE]


def canary(store: LoopStore) -> Canary | None:
    """Return the canary that runs, or None."""
    return canary_of(changes(store))


def canary_of(entries: Sequence[Deployment]) -> Canary | None:
    """Return the canary that runs by the changes of a ledger, or None.

    Parameters
    ----------
    entries
        All `changes`, oldest first.
    """
    if not entries or entries[-1].action != CANARY:
        return None
    steps = [one for one in entries if (one.action, one.evidence_digest) == (CANARY, entries[-1].evidence_digest)]
    return Canary(steps[0], steps[-1], len(steps))


def watched(store: LoopStore) -> list[Deployment]:
    """Return the deployments, oldest first, and last the canary that runs, if one does: the guard watches what is last."""
    entries = changes(store)
    running = canary_of(entries)
    return [one for one in entries if one.action not in OF_A_SHARE] + ([running.first] if running else [])


def live(store: LoopStore) -> Deployment | None:
    """Return the deployment that is live, or None."""
    deployments = history(store)
    return deployments[-1] if deployments else None


def append_deployment(store: LoopStore, deployment: Deployment, *, known: int | None = None) -> None:
    """Append a deployment once; it is live for the rows logged after the newest row that is stored and not of the future.

    Parameters
    ----------
    store
        Tables of the loop.
    deployment
        What changes, and why; its number and its times are replaced.
    known
        How many `changes` there were when it was decided; None if that does not matter.

    Raises
    ------
    DeploymentError
        If there are more than were known: another one came first.
    """
    now = datetime.now(UTC)
    live_from = newest_moment(store, "predictions", until=now) or BEGINNING
    stamped = replace(deployment, live_from=live_from, deployed_at=now)

    def _next(present: pa.Table) -> pa.Table:
        if deployment.key in {_deployment(row).key for row in present.to_pylist()}:
            return rows_of(store.loop, "deployments", [])
        if known not in {None, present.num_rows}:
            version = deployment.model_version
            raise DeploymentError(f"Version {version}: another deployment came first; run the DAG again")
        return rows_of(store.loop, "deployments", [_row(replace(stamped, sequence=present.num_rows + 1))])

    store.append_computed("deployments", _next)


def _deployment(row: Mapping[str, Any]) -> Deployment:
    values = dict(row)
    promised = [values.pop(f"promised_{name}") for name in ("score", "low", "high")]
    return Deployment(**values, promised=Promise.of(*promised))


def _row(deployment: Deployment) -> dict[str, Any]:
    values = asdict(deployment)
    promised = values.pop("promised") or {}
    return values | {f"promised_{name}": value for name, value in promised.items()}
