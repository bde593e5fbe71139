"""What live requests have to say to a verdict that rests on labels."""

from include.foundation.decisions import GateVerdict, LiveComparison, find, record
from include.foundation.store.tables import LoopStore

WAITING = "It is promoted by its labels, and waits for live requests."


def with_live(store: LoopStore, verdict: GateVerdict, live: LiveComparison | None, *, is_new: bool) -> GateVerdict:
    """Record a verdict, with what live requests say of the challenger, and return it.

    Parameters
    ----------
    store
        Tables of the loop.
    verdict
        On labels; or an earlier one, which may have been waiting for live requests.
    live
        How the challenger does on live requests; None if they have no say.
    is_new
        Whether the verdict on labels is new. One that is not is returned as it is, unless live requests change it.

    Notes
    -----
    Labels that reached what the error budget demands have done so for good (Ville's inequality is about the largest value that
    an e-value ever takes), so a challenger that waited for live requests is not held against later labels again.
    """
    if verdict.outcome == "reject" or (verdict.outcome == "promote" and not is_new):
        return record(store, verdict) if is_new else verdict
    outcome = _outcome(verdict, live)
    if outcome == verdict.outcome and (not is_new or live is None):
        return record(store, verdict) if is_new else verdict
    reasons = _without_live(store, verdict)
    told = {
        "outcome": outcome,
        "reasons": (*reasons, *(live.reasons if live else ()), *((WAITING,) if outcome == "await_live" else ())),
        "k": verdict.k if outcome == "label_more" else 0,
        "round": verdict.round + (not is_new),
        **({"live": live.evidence_digest} if live else {}),
    }
    return record(store, verdict.model_copy(update=told))


def _without_live(store: LoopStore, verdict: GateVerdict) -> tuple[str, ...]:
    """Return the reasons of a verdict that are about labels."""
    earlier = find(store, LiveComparison, verdict.subject) if verdict.live else []
    said = {reason for one in earlier if one.evidence_digest == verdict.live for reason in one.reasons}
    return tuple(reason for reason in verdict.reasons if reason not in {WAITING, *said})


def _outcome(verdict: GateVerdict, live: LiveComparison | None) -> str:
    if live is not None and live.outcome in {"failing", "skewed"}:
        return "reject"
    if verdict.outcome == "label_more":
        return "label_more"
    return "await_live" if live is not None and live.outcome == "waiting" else "promote"
