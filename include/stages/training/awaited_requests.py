"""Whether a challenger that waits for live requests was asked about enough of them to be judged again."""

from typing import Literal, NamedTuple

from include.foundation.decisions import LiveComparison, RegisteredVersion, latest
from include.foundation.store.ledgers.shadow_answers import count_shadow_answers
from include.foundation.store.tables import LoopStore


class Awaited(NamedTuple):
    """What is to be done with a challenger that waits for live requests, and why."""

    outcome: Literal["judge_pending", "no"]
    reason: str


def enough_live(store: LoopStore, key: str) -> Awaited:
    """Return whether a challenger is judged again: there are enough live requests, and more than when it was judged last.

    Parameters
    ----------
    store
        Tables of the loop.
    key
        Of the challenger.
    """
    if store.loop.deploy.strategy != "shadow":
        return Awaited(
            "judge_pending", f"Challenger {key} waited for live requests, which the loop file asks for no more."
        )
    requests, needed = live_requests(store, key), store.loop.deploy.shadow.requests
    compared = latest(store, LiveComparison, key)
    if requests < needed:
        return Awaited("no", f"Challenger {key} waits for live requests: {requests:,} of {needed:,}.")
    if compared is not None and requests <= compared.requests:
        return Awaited(
            "no", f"Challenger {key} waits for live requests: none came since its {requests:,} were looked at."
        )
    return Awaited(
        "judge_pending", f"Challenger {key} was asked about {requests:,} live requests; {needed:,} are needed."
    )


def live_requests(store: LoopStore, key: str) -> int:
    """Return about how many live requests a challenger was asked.

    Parameters
    ----------
    store
        Tables of the loop.
    key
        Of the challenger; one that is not registered was asked about none.
    """
    registered = latest(store, RegisteredVersion, key)
    return count_shadow_answers(store, registered.version) if registered else 0
